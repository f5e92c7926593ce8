"""The list of all keys: found by name or by key, and changed on the spot."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Slot
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui.actions import Row, plain, shown
from gui.keymap import ROWS, Keymap
from gui.panels.key_list import KeyList, KeyListView, Role
from gui.theme import Theme

HINT = "Enter: another key.  Backspace: none."


class KeysDialog(QDialog):
    """Every key of the window; stays open beside it."""

    def __init__(self, keymap: Keymap, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.resize(520, 640)
        self._keymap = keymap
        self._wanted: tuple[str, tuple[str, ...]] | None = None
        self._model = KeyList(keymap, self)
        self._list = KeyListView(self._model, theme)
        self._search = self._make_search()
        self._record = QToolButton()
        self._record.setCheckable(True)
        self._record.setToolTip("Search by pressing a key")
        self._record.setAccessibleName("Search by pressing a key")
        theme.set_icon(self._record, "keyboard")
        self._nothing = QLabel("No action has that name or key.")
        self._nothing.setProperty("quiet", True)
        self._nothing.hide()
        self._note = QLabel(HINT)
        self._note.setWordWrap(True)
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._show_note()
        self._search.setFocus()

    def _make_search(self) -> QLineEdit:
        search = QLineEdit()
        search.setPlaceholderText("Search by name or by key")
        search.setAccessibleName("Search the keys")
        search.setClearButtonEnabled(True)
        return search

    def _make_buttons(self) -> None:
        self._take, self._leave = QPushButton("Take it"), QPushButton("Leave it")
        self._reset, self._reset_all = QPushButton("Reset"), QPushButton("Reset all")
        self._reset.setToolTip("Give the chosen action its first keys again")
        self._reset_all.setToolTip("Give every action its first keys again")
        for button in (self._take, self._leave, self._reset, self._reset_all):
            button.setAutoDefault(False)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self._search, 1)
        top.addWidget(self._record)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._note, 1)
        for button in (self._leave, self._take, self._reset, self._reset_all):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._list, 1)
        column.addWidget(self._nothing, 1, Qt.AlignmentFlag.AlignTop)
        column.addLayout(foot)

    def _connect(self) -> None:
        self._search.textChanged.connect(self._on_search_changed)
        self._search.installEventFilter(self._list)
        self._record.toggled.connect(self._on_record)
        self._list.key_pressed.connect(self._on_key_pressed)
        self._list.removal_asked.connect(self._on_removal_asked)
        self._list.recording_changed.connect(self._show_note)
        self._list.selectionModel().currentChanged.connect(self._show_note)
        self._keymap.changed.connect(self._show_note)
        self._take.clicked.connect(self._on_take)
        self._leave.clicked.connect(self._on_leave)
        self._reset.clicked.connect(self._on_reset)
        self._reset_all.clicked.connect(self._keymap.reset_all)

    # --- searching ---------------------------------------------------------------------------

    @Slot(str)
    def _on_search_changed(self, text: str) -> None:
        self._wanted = None
        self._model.narrow(text)
        found = self._model.rowCount() > 0
        self._list.setVisible(found)
        self._nothing.setVisible(not found)
        self._list.choose_first()

    @Slot(bool)
    def _on_record(self, on: bool) -> None:
        if on:
            self._list.record_search()
        else:
            self._list.stop_recording()
            self._search.setFocus()

    # --- changing ----------------------------------------------------------------------------

    @Slot(str, str)
    def _on_key_pressed(self, name: str, key: str) -> None:
        if not name:  # it is looked for
            self._record.setChecked(False)
            self._search.setText(f'"{shown(key)}"')
            return
        self._want(name, (key,))

    def _want(self, name: str, keys: tuple[str, ...]) -> None:
        """Give these keys to an action, at once if nothing else loses one."""
        self._wanted = (name, keys)
        if not self._keymap.losers(name, keys):
            self._on_take()
        self._show_note()

    @Slot(str)
    def _on_removal_asked(self, name: str) -> None:
        self._keymap.assign(name, ())

    @Slot()
    def _on_take(self) -> None:
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            self._keymap.assign(*wanted)
        self._list.setFocus()

    @Slot()
    def _on_leave(self) -> None:
        self._wanted = None
        self._show_note()
        self._list.setFocus()

    @Slot()
    def _on_reset(self) -> None:
        name = self._chosen()
        self._want(name, ROWS[name].keys)

    def _chosen(self) -> str:
        """Name of the action that is chosen in the list; empty for one that cannot be changed."""
        return str(QModelIndex(self._list.currentIndex()).data(Role.NAME) or "")

    @Slot()
    def _show_note(self) -> None:
        """What to press, or whose key it would be; and the buttons that make sense."""
        chosen, recording = self._chosen(), self._list.is_recording
        if recording:
            self._wanted = None
        else:
            self._record.setChecked(False)
        conflict = self._conflict()
        self._note.setText(conflict or (HINT if chosen and not recording else ""))
        self._note.setProperty("quiet", not conflict)
        self._note.style().polish(self._note)
        for button in (self._take, self._leave):
            button.setVisible(bool(conflict))
        self._reset.setVisible(not conflict and bool(chosen) and self._keymap.is_changed(chosen))
        self._reset_all.setVisible(not conflict and self._keymap.has_changes)
        if conflict and not self._take.hasFocus():
            self._leave.setFocus()

    def _conflict(self) -> str:
        """Who would lose what; empty while nobody would."""
        if self._wanted is None:
            return ""
        name, keys = self._wanted
        losers = self._keymap.losers(name, keys)
        lost = [key for row in losers for key in self._keymap.keys(row.name) if key in keys]
        left = [key for row in losers for key in self._keymap.keys(row.name) if key not in keys]
        rest = f"has {shown(left[0])} left" if left else "has no key then"
        return (
            f"{' and '.join(map(shown, lost))} belongs to {' and '.join(map(_called, losers))}, "
            f"which {rest}. Let {_called(ROWS[name])} take it?"
        )


def _called(row: Row) -> str:
    return f"“{plain(row.text)}”"
