"""Colours, style sheet and icons of the window, dark and light, from one table of tokens."""

from __future__ import annotations

import weakref
from dataclasses import asdict, dataclass
from functools import cache
from string import Template
from typing import Protocol

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from core.settings import RESOURCES

ICON_SIZE = 18
FONT_SIZE = 13
STROKE_WIDTH = "1.5"


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, ``#rrggbb``; DESIGN names their use."""

    surround: str
    panel: str
    field: str
    line: str
    line_hover: str
    text: str
    text2: str
    accent: str
    accent_hover: str
    on_accent: str
    danger: str
    ok: str
    selection: str


DARK = Tokens(
    surround="#141416",
    panel="#1d1d20",
    field="#28282c",
    line="#35353a",
    line_hover="#4c4c53",
    text="#ececee",
    text2="#a2a2a9",
    accent="#e0a458",
    accent_hover="#ebb571",
    on_accent="#1d1408",
    danger="#e5605e",
    ok="#6fb36f",
    selection="#5b4526",
)
LIGHT = Tokens(
    surround="#d9d8d6",
    panel="#f3f2f0",
    field="#ffffff",
    line="#cfcdc9",
    line_hover="#aaa7a2",
    text="#1c1c1e",
    text2="#5d5d63",
    accent="#9a5b12",
    accent_hover="#854d0d",
    on_accent="#ffffff",
    danger="#b3261e",
    ok="#2e7d32",
    selection="#f0d9b8",
)


class HasIcon(Protocol):
    """A button or an action."""

    def setIcon(self, icon: QIcon) -> None:
        """Show that icon."""

    def isCheckable(self) -> bool:
        """Whether it can be on."""


_Entry = tuple["weakref.ref[HasIcon]", str, str]
"""Who has the icon, its drawing's name, the token of its colour."""


class Theme(QObject):
    """The theme in force; icons given out follow it.

    Signals:
        changed: Other colours hold from now on.
    """

    changed = Signal()

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._icons: list[_Entry] = []
        self.choice = "dark"
        self._chosen = False
        self.tokens = DARK
        application.setStyle("Fusion")
        font = application.font()
        font.setPixelSize(FONT_SIZE)
        application.setFont(font)

    @property
    def is_dark(self) -> bool:
        """Whether the dark colours are shown."""
        return self.tokens is DARK

    def choose(self, choice: str) -> None:
        """Show ``"dark"``, ``"light"``, or what the desktop says for ``"system"``.

        Chosen once the window is built, the first paint comes a tenth sooner: under a style
        sheet Qt polishes each widget anew at every layout that it is put into.
        """
        self.choice = choice
        self._chosen = True
        self.tokens = LIGHT if _is_light(choice) else DARK
        self._application.setPalette(_palette(self.tokens))
        self._application.setStyleSheet(_style_sheet(self.tokens))
        self._icons = [entry for entry in self._icons if _apply(entry, self.tokens)]
        self.changed.emit()

    def set_icon(self, target: HasIcon, name: str, colour: str = "text") -> None:
        """Give `target` the icon `name` in the token `colour`, now and after every change."""
        entry: _Entry = (weakref.ref(target), name, colour)
        self._icons.append(entry)
        if self._chosen:
            _apply(entry, self.tokens)

    def colour(self, token: str) -> QColor:
        """One token of the theme in force."""
        return QColor(getattr(self.tokens, token))


def pixmap(name: str, colour: str, size: int = ICON_SIZE, ratio: float = 1.0) -> QPixmap:
    """The Lucide drawing `name` in ``#rrggbb``, `size` device-independent pixels wide."""
    image = QPixmap(QSize(size, size) * ratio)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(_drawing(name, colour))).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image


def _is_light(choice: str) -> bool:
    if choice != "system":
        return choice == "light"
    return QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Light


def _apply(entry: _Entry, tokens: Tokens) -> bool:
    reference, name, colour = entry
    target = reference()
    if target is None:
        return False
    try:
        on = tokens.accent if target.isCheckable() else ""
        target.setIcon(_icon(name, getattr(tokens, colour), on))
    except RuntimeError:  # the C++ half is gone before the Python half
        return False
    return True


def _icon(name: str, colour: str, on: str) -> QIcon:
    """Drawn for the sharpest screen only: each drawing costs a millisecond before first paint."""
    ratio = max(1.0, max(screen.devicePixelRatio() for screen in QGuiApplication.screens()))
    drawing = pixmap(name, colour, ratio=ratio)
    icon = QIcon(drawing)
    icon.addPixmap(_faded(drawing), QIcon.Mode.Disabled)
    if on:
        icon.addPixmap(_coloured(drawing, on), QIcon.Mode.Normal, QIcon.State.On)
    return icon


def _coloured(drawing: QPixmap, colour: str) -> QPixmap:
    """The same lines in another colour, without reading the drawing again."""
    coloured = QPixmap(drawing)
    painter = QPainter(coloured)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(coloured.rect(), QColor(colour))
    painter.end()
    return coloured


def _faded(drawing: QPixmap) -> QPixmap:
    """For what cannot be pressed: in the dark, Fusion's own way can hardly be told apart."""
    faded = QPixmap(drawing.size())
    faded.setDevicePixelRatio(drawing.devicePixelRatio())
    faded.fill(Qt.GlobalColor.transparent)
    painter = QPainter(faded)
    painter.setOpacity(0.35)
    painter.drawPixmap(0, 0, drawing)
    painter.end()
    return faded


@cache
def _source(name: str) -> str:
    return (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")


def _drawing(name: str, colour: str) -> bytes:
    drawing = _source(name).replace("currentColor", colour)
    return drawing.replace('stroke-width="2"', f'stroke-width="{STROKE_WIDTH}"').encode()


def _style_sheet(tokens: Tokens) -> str:
    template = (RESOURCES / "themes" / "sfumato.qss").read_text(encoding="utf-8")
    drawings = {name: _themed(name, tokens) for name in ("check", "chevron", "tick")}
    return Template(template).substitute(asdict(tokens), **drawings)


def _themed(name: str, tokens: Tokens) -> str:
    """The style sheet takes files only, so each theme has its own drawing."""
    theme = "dark" if tokens is DARK else "light"
    return (RESOURCES / "themes" / f"{name}-{theme}.svg").as_posix()


def _palette(tokens: Tokens) -> QPalette:
    role = QPalette.ColorRole
    colours = {
        role.Window: tokens.panel,
        role.WindowText: tokens.text,
        role.Base: tokens.field,
        role.AlternateBase: tokens.panel,
        role.Text: tokens.text,
        role.Button: tokens.field,
        role.ButtonText: tokens.text,
        role.ToolTipBase: tokens.field,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.text2,
        role.Highlight: tokens.selection,
        role.HighlightedText: tokens.text,
        role.Link: tokens.accent,
    }
    palette = QPalette()
    for key, colour in colours.items():
        palette.setColor(key, QColor(colour))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(tokens.line_hover))
    return palette
