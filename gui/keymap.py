"""Which keys do what: the table's own, and what the person made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractButton, QWidget

from core.logs import logger
from gui.actions import TABLE, Row, plain, shown

if TYPE_CHECKING:
    from gui.canvas.view import CanvasView

ROWS = {row.name: row for row in TABLE}
RESERVED = "Esc"
"""It always gives up what is going on, and nothing else can have it."""
_MODIFIERS = frozenset(
    [
        Qt.Key.Key_Shift,
        Qt.Key.Key_Control,
        Qt.Key.Key_Alt,
        Qt.Key.Key_AltGr,
        Qt.Key.Key_Meta,
        Qt.Key.Key_CapsLock,
        Qt.Key.Key_unknown,
    ]
)
_BRUSH = ("smaller", "larger", "swap_colours", "reset_colours")
"""What is done to the brush as one goes from one tool to another."""
_NAME = re.compile(r"\{(\w+)\}")
_log = logger("keys")


class Keymap(QObject):
    """Gives every action its keys, and keeps menus and tips in step with them.

    A key is written as in ``"Ctrl+Shift+Z"``. Keys that one also types work on the canvas alone,
    whatever action they belong to.

    Signals:
        changed: Something has other keys.
    """

    changed = Signal()

    def __init__(self, window: QWidget, canvas: CanvasView, actions: dict[str, QAction]) -> None:
        super().__init__(window)
        self._window = window
        self._canvas = canvas
        self._actions = actions
        self._own: dict[str, tuple[str, ...]] = {}
        self._typed: dict[str, QShortcut] = {}
        self._apply()

    def acts(self, name: str) -> bool:
        """Whether a key could do anything: not where a menu opens from another."""
        action = self._actions.get(name)
        return action is None or action.menu() is None

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of an action, the first one is shown."""
        return self._own.get(name, ROWS[name].keys)

    def losers(self, name: str, keys: Sequence[str]) -> list[Row]:
        """What would lose a key if that action had these."""
        return [row for row in TABLE if row.name != name and set(keys) & set(self.keys(row.name))]

    def is_changed(self, name: str) -> bool:
        """Whether the person gave it other keys."""
        return name in self._own

    @property
    def has_changes(self) -> bool:
        """Whether anything has other keys than at first."""
        return bool(self._own)

    def assign(self, name: str, keys: Sequence[str]) -> None:
        """Let an action have just these keys, taken from what had them."""
        for row in self.losers(name, keys):
            self._put(row.name, tuple(key for key in self.keys(row.name) if key not in keys))
        self._put(name, tuple(keys))
        self._apply()

    def share(self, *widgets: QWidget) -> None:
        """Let the keys of tools and brush work while one of these has the focus, too.

        They are for panels that are clicked between two strokes and in which nothing is typed.
        """
        for row in TABLE:
            if row.is_tool or row.name in _BRUSH:
                for widget in widgets:
                    widget.addAction(self._actions[row.name])

    def reset_all(self) -> None:
        """Every action has its first keys again."""
        self._own.clear()
        self._apply()

    def tell(self, root: QWidget) -> None:
        """Write the keys into the tips of all buttons below `root` that stand for an action.

        Such a button has the properties ``tip`` and ``keys_of``, the name of an action.
        """
        for button in root.findChildren(QAbstractButton):
            name = button.property("keys_of")
            if name:
                button.setToolTip(self.tip(button.property("tip"), name))

    def tip(self, text: str, name: str) -> str:
        """A tip that ends with the first key of an action, if it has one."""
        keys = self.keys(name)
        return f"{text} ({shown(keys[0])})" if keys else text

    def say(self, sentence: str) -> str:
        """A sentence in which each ``{name of an action}`` has become what to press or choose."""
        return say(sentence, self.keys)

    def written(self, keys: str) -> str:
        """Keys in which each ``{name of an action}`` has become its first one; or nothing."""
        names = _NAME.findall(keys)
        if not all(map(self.keys, names)):
            return ""
        return _NAME.sub(lambda found: shown(self.keys(found[1])[0]), keys)

    def to_dict(self) -> dict[str, Any]:
        """What differs from the table, as JSON data."""
        return {name: list(keys) for name, keys in self._own.items()}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Be as `to_dict` said; what makes no sense is left out."""
        self._own.clear()
        for name, keys in record.items():
            if name in ROWS and isinstance(keys, list) and all(map(_is_key, keys)):
                self._put(name, tuple(keys))
            else:
                _log.info("no keys for %r", name)
        self._apply()

    def _put(self, name: str, keys: tuple[str, ...]) -> None:
        if keys == ROWS[name].keys:
            self._own.pop(name, None)
        else:
            self._own[name] = keys

    def _apply(self) -> None:
        for name, action in self._actions.items():
            self._give(action, ROWS[name], self.keys(name))
        held = {row.name: self.keys(row.name) for row in TABLE if row.is_held}
        self._canvas.held_keys = {
            name: QKeySequence(keys[0]) if keys else QKeySequence() for name, keys in held.items()
        }
        self.tell(self._window)
        self.changed.emit()

    def _give(self, action: QAction, row: Row, keys: tuple[str, ...]) -> None:
        typed = [key for key in keys if row.on_canvas or is_typed(key)]
        others = [key for key in keys if key not in typed]
        only_typed = bool(typed) and not others
        context = Qt.ShortcutContext
        on_canvas = row.on_canvas or only_typed
        action.setShortcutContext(context.WidgetShortcut if on_canvas else context.WindowShortcut)
        home, other = (self._canvas, self._window) if on_canvas else (self._window, self._canvas)
        other.removeAction(action)
        home.addAction(action)
        action.setShortcuts(_sequences(typed if only_typed else others))
        action.setToolTip(self.tip(plain(row.text), row.name))
        self._give_typed(action, [] if only_typed else typed)

    def _give_typed(self, action: QAction, keys: list[str]) -> None:
        """Keys that one types, for an action whose other keys work in the whole window."""
        name = action.objectName()
        if keys and name not in self._typed:
            shortcut = QShortcut(self._canvas)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(action.trigger)
            self._typed[name] = shortcut
        if name in self._typed:
            self._typed[name].setKeys(_sequences(keys))


def say(
    sentence: str, keys: Callable[[str], tuple[str, ...]] = lambda name: ROWS[name].keys
) -> str:
    """A sentence in which each ``{name of an action}`` has become what to press or choose.

    Args:
        keys: Gives the keys of an action; at first those of the table.
    """
    return _NAME.sub(lambda found: _way(ROWS[found[1]], keys(found[1])), sentence)


def _way(row: Row, keys: tuple[str, ...]) -> str:
    if keys:
        return f"press {shown(keys[0])}"
    return f"choose “{plain(row.text)}” in the {row.menu} menu"


def is_typed(key: str) -> bool:
    """Whether one gets a letter, or moves in a text, by pressing that key there."""
    combination = QKeySequence(key)[0]  # type: ignore[index]  # missing in the stubs
    kind = Qt.KeyboardModifier
    is_function_key = Qt.Key.Key_F1 <= combination.key() <= Qt.Key.Key_F35
    is_bare = combination.keyboardModifiers() in (kind.NoModifier, kind.ShiftModifier)
    return is_bare and not is_function_key


def _sequences(keys: Sequence[str]) -> list[QKeySequence]:
    """For a sign like "?" also with the Shift that some keyboards and no others need for it."""
    written: list[str] = []
    for key in keys:
        is_sign = len(key) == 1 and not key.isalnum()
        written += [key, f"Shift+{key}"] if is_sign else [key]
    return [QKeySequence(key) for key in written]


def pressed_key(event: QKeyEvent) -> str:
    """The key of an event as it is written in the table; empty while only modifiers are down."""
    key = Qt.Key(event.key())
    if key in _MODIFIERS:
        return ""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    shift = Qt.KeyboardModifier.ShiftModifier
    if key is Qt.Key.Key_Backtab:
        key, modifiers = Qt.Key.Key_Tab, modifiers | shift
    text = event.text()
    if modifiers == shift and text.strip() and text.isprintable() and not text.isalnum():
        modifiers &= ~shift  # "?" is a key of its own
    return QKeySequence(QKeyCombination(modifiers, key)).toString()


def _is_key(key: object) -> bool:
    if not isinstance(key, str) or not key or key == RESERVED:
        return False
    keys = QKeySequence(key)
    return keys.count() == 1 and keys.toString() == key
