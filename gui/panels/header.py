"""The top of the window: menus, what is open, the model, and how the engine is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMoveEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenuBar,
    QToolButton,
    QWidget,
)

from gui.theme import Theme
from gui.widgets.elided import ElidedLabel

HEIGHT = 44
ROOM_FOR_SIZE = 1080
MODEL_WIDTH = 220
"""Most pixels for a model's name; what is longer is shortened, its tip tells it all."""
NARROW_MODEL = 132
"""The same in a window that is narrower than `ROOM_FOR_SIZE`."""


class StatusDot(QWidget):
    """A small disk in one colour of the theme."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._token = "text2"
        self.setFixedSize(QSize(8, 8))

    def show_token(self, token: str) -> None:
        """Take that colour."""
        self._token = token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The disk."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colour(self._token)))
        painter.drawEllipse(self.rect())


class Centred(QWidget):
    """Widgets in the middle of the whole window, as far as what is beside them lets them.

    So they stand still while words beside them come and go; the first is cut where it is too long.
    """

    def __init__(self, whole: QWidget, widgets: Sequence[QWidget]) -> None:
        super().__init__(whole)
        self._whole = whole
        self._inner = QWidget(self)
        self._inner.installEventFilter(self)
        row = QHBoxLayout(self._inner)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(16)
        for widget in widgets:
            row.addWidget(widget)

    def minimumSizeHint(self) -> QSize:
        """What can not be cut."""
        return self._inner.minimumSizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay in the middle."""
        super().resizeEvent(event)
        self._settle()

    def moveEvent(self, event: QMoveEvent) -> None:
        """Stay in the middle."""
        super().moveEvent(event)
        self._settle()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take another width when a word changed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._settle()
        return False

    def _settle(self) -> None:
        width = min(self._inner.sizeHint().width(), self.width())
        left = (self._whole.width() - width) // 2 - self.x()
        left = max(0, min(left, self.width() - width))
        self._inner.setGeometry(left, 0, width, self.height())


class Header(QWidget):
    """The menu bar and a row of facts.

    Signals:
        model_chosen: The name of another model.
        queue_asked: Show what is being made and what waits.
        upright_asked: Turn and mirror the view no longer.
    """

    model_chosen = Signal(str)
    upright_asked = Signal()
    queue_asked = Signal()

    def __init__(self, theme: Theme, menus: QMenuBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self._make_facts()
        self._make_model()
        self._make_state()
        self.theme_button = QToolButton()
        self.help_button = QToolButton()
        self.messages_button = QToolButton()
        self._lay_out(menus)

    def _make_facts(self) -> None:
        self._title = ElidedLabel(Qt.TextElideMode.ElideMiddle)
        self._size = _quiet()
        self._zoom = _quiet()
        self._zoom.setMinimumWidth(52)
        self._turn = self._make_turn()
        self._facts = Centred(self, (self._title, self._size, self._zoom, self._turn))

    def _make_model(self) -> None:
        self._model = QComboBox()
        self._model.setProperty("flat", True)
        self._model.setAccessibleName("Model")
        self._model.setToolTip("Model")
        self._model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._model.setMaximumWidth(MODEL_WIDTH)
        self._model.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._model.currentTextChanged.connect(self._on_model_chosen)

    def _make_state(self) -> None:
        self._dot = StatusDot(self._theme)
        self._state = QToolButton()
        self._state.setText("starting")
        self._state.setObjectName("state")
        self._state.setToolTip("What is being made, and what waits")
        self._state.clicked.connect(self.queue_asked)

    def _lay_out(self, menus: QMenuBar) -> None:
        self._brand = QLabel("Sfumato")
        self._brand.setObjectName("brand")
        self._menus = menus
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self._brand)
        row.addWidget(menus, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._facts, 1)
        row.addWidget(self._model)
        row.addWidget(self._dot)
        row.addSpacing(-6)  # the button has a margin of its own
        row.addWidget(self._state)
        row.addSpacing(8)
        for button in (self.messages_button, self.theme_button, self.help_button):
            row.addWidget(button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window all else makes room for the menus."""
        super().resizeEvent(event)
        is_wide = event.size().width() >= ROOM_FOR_SIZE
        self._size.setVisible(is_wide)
        self._brand.setVisible(is_wide)
        self._model.setMaximumWidth(MODEL_WIDTH if is_wide else NARROW_MODEL)
        self._menus.setMinimumWidth(self._menus.sizeHint().width())

    def show_document(self, title: str, size: str, modified: bool) -> None:
        """Show the name and size of what is open."""
        self._title.setText(title + (" •" if modified else ""))
        unsaved = "\nHas changes that are not in a file yet" if modified else ""
        self._title.setToolTip(title + unsaved)
        self._size.setText(size)

    def show_zoom(self, zoom: float) -> None:
        """Show the zoom; 1.0 is 100 %."""
        self._zoom.setText(f"{zoom * 100:.0f} %")

    def show_turn(self, angle: float, is_mirrored: bool) -> None:
        """Show how the view is turned, with the way back; nothing while it is upright.

        Args:
            angle: Degrees clockwise.
        """
        self._turn.setVisible(angle != 0 or is_mirrored)
        self._facts.updateGeometry()
        words = [f"{angle:.0f}°".replace("-", "−")] * (angle != 0) + ["mirrored"] * is_mirrored
        self._turn.setText(f" {', '.join(words)}")  # Qt leaves nothing between icon and text
        self._turn.setAccessibleName(f"The view is turned: {', '.join(words)}. Make it upright")

    def show_models(self, names: Sequence[str], chosen: str) -> None:
        """Offer these models."""
        with QSignalBlocker(self._model):
            self._model.clear()
            self._model.addItems(list(names))
            self._model.setCurrentText(chosen)
        self._tell_model()

    def show_model(self, name: str) -> None:
        """Show that this model is the chosen one."""
        with QSignalBlocker(self._model):
            self._model.setCurrentText(name)
        self._tell_model()

    def show_state(self, text: str, token: str) -> None:
        """Show how the engine is, with a dot in that colour of the theme."""
        self._state.setText(text)
        self._state.setAccessibleName(f"Engine: {text}. Show the queue")
        self._dot.show_token(token)

    def _make_turn(self) -> QToolButton:
        button = QToolButton()
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setProperty("keys_of", "upright")
        button.setProperty("tip", "Upright again")
        button.setObjectName("turn")
        button.setAccessibleName("Make the view upright")
        self._theme.set_icon(button, "rotate-ccw", "text2")
        button.clicked.connect(self.upright_asked)
        button.hide()
        return button

    @property
    def queue_corner(self) -> QPoint:
        """Where a panel about the queue hangs: its upper right corner, on the screen."""
        right = self._state.mapTo(self, self._state.rect().bottomRight()).x() + 1
        return self.mapToGlobal(QPoint(right, self.height() + 4))

    def _tell_model(self) -> None:
        self._model.setToolTip(f"Model: {self._model.currentText()}")

    def _on_model_chosen(self, name: str) -> None:
        if name:
            self.model_chosen.emit(name)


def _quiet(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setProperty("quiet", True)
    return label
