from __future__ import annotations

import gc
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import asdict
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QIcon, QImage, QPalette
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from core.settings import RESOURCES
from gui.actions import TABLE
from gui.theme import DARK, LIGHT, Theme, Tokens, pixmap

THEMES = pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
READABLE = 4.5
VISIBLE = 3.0  # WCAG 1.4.11: controls and their states


def luminance(colour: str) -> float:
    """WCAG 2 relative luminance of ``#rrggbb``."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_arithmetic_of_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize(
    ("text", "grounds"),
    [
        ("text", ("panel", "field", "selection")),
        ("text2", ("panel", "field")),
        ("danger", ("panel",)),
        ("ok", ("panel",)),
        ("accent", ("panel", "field")),
        ("on_accent", ("accent", "accent_hover")),
    ],
)
def test_text_can_be_read(tokens: Tokens, text: str, grounds: tuple[str, ...]) -> None:
    colours = asdict(tokens)
    for ground in grounds:
        ratio = contrast(colours[text], colours[ground])
        assert ratio >= READABLE, f"{text} on {ground}: {ratio:.2f}"


@THEMES
def test_the_focus_ring_and_the_warning_sign_can_be_seen(tokens: Tokens) -> None:
    for ground in (tokens.panel, tokens.field, tokens.surround):
        assert contrast(tokens.accent, ground) >= VISIBLE
    assert contrast(tokens.danger, tokens.field) >= VISIBLE


@THEMES
def test_tokens_are_colours(tokens: Tokens) -> None:
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in asdict(tokens).values())


def test_dark_and_light_reach_palette_and_style_sheet(theme: Theme, qapp: QApplication) -> None:
    told: list[str] = []
    theme.changed.connect(lambda: told.append(theme.choice))
    for choice, tokens in (("light", LIGHT), ("dark", DARK)):
        theme.choose(choice)
        assert theme.tokens is tokens
        assert theme.is_dark == (choice == "dark")
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor(tokens.panel)
        assert tokens.accent in qapp.styleSheet()
        assert "$" not in qapp.styleSheet()
    assert told == ["light", "dark"]


def test_the_desktops_choice_is_one_of_the_two(theme: Theme) -> None:
    theme.choose("system")
    assert theme.choice == "system"
    assert theme.tokens in (DARK, LIGHT)


def test_a_strange_choice_is_dark(theme: Theme) -> None:
    theme.choose("pink")
    assert theme.is_dark


def painted(icon: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> QColor:
    """The colour of the most opaque dot of an icon."""
    image = icon.pixmap(36, 36, mode).toImage()
    dots = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return max(dots, key=QColor.alpha)


def is_like(colour: QColor, wanted: str) -> bool:
    """Whether they differ by no more than rounding, and the colour can be seen."""
    other = QColor(wanted)
    pairs = zip(colour.getRgb()[:3], other.getRgb()[:3], strict=True)  # type: ignore[index]
    return colour.alpha() > 100 and all(abs(one - two) <= 3 for one, two in pairs)


def test_icons_follow_the_theme(theme: Theme, qtbot: QtBot) -> None:
    button = QToolButton()
    qtbot.addWidget(button)
    theme.set_icon(button, "square", "text2")
    assert is_like(painted(button.icon()), DARK.text2)
    theme.choose("light")
    assert is_like(painted(button.icon()), LIGHT.text2)


def test_what_cannot_be_pressed_is_faint(theme: Theme, qtbot: QtBot) -> None:
    button = QToolButton()
    qtbot.addWidget(button)
    button.setCheckable(True)
    for choice in ("dark", "light"):
        theme.choose(choice)
        theme.set_icon(button, "undo-2")
        normal, disabled = (
            painted(button.icon(), mode).alpha()
            for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled)
        )
        assert disabled < normal / 2


def test_icons_of_what_is_gone_are_forgotten(theme: Theme, qtbot: QtBot) -> None:
    button = QToolButton()
    theme.set_icon(button, "square")
    del button
    gone = QToolButton()
    theme.set_icon(gone, "square")
    gone.deleteLater()
    qtbot.wait(1)
    QApplication.sendPostedEvents()
    gc.collect()
    theme.choose("light")
    assert len(theme._icons) <= 1


def icon_names() -> list[str]:
    """Every icon name that the sources of gui mention."""
    names = {row.icon for row in TABLE if row.icon}
    sources = Path(__file__).resolve().parents[2] / "gui"
    for source in sources.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        names |= set(re.findall(r'(?:set_icon\([^,]+, |self\._tool\(|text, )"([a-z0-9-]+)"', text))
    return sorted(names)


@pytest.mark.parametrize("name", icon_names())
def test_every_icon_is_there_and_can_be_recoloured(name: str, qapp: QApplication) -> None:
    source = (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    assert "currentColor" in source
    assert ElementTree.fromstring(source).tag.endswith("svg")
    assert is_like(painted(QIcon(pixmap(name, "#ff0000", 36))), "#ff0000")


def covered(image: QImage) -> list[float]:
    """How much of each quarter of a picture is drawn on."""
    width, height = image.width() // 2, image.height() // 2
    return [
        sum(image.pixelColor(x0 + x, y0 + y).alphaF() for x in range(width) for y in range(height))
        / (width * height)
        for x0 in (0, width)
        for y0 in (0, height)
    ]


def test_a_sharp_screen_shows_the_same_drawing(qapp: QApplication) -> None:
    plain = covered(pixmap("square", "#ff0000").toImage())
    sharp = pixmap("square", "#ff0000", ratio=2.0)
    assert (sharp.width(), sharp.deviceIndependentSize().width()) == (36, 18)
    assert covered(sharp.toImage()) == pytest.approx(plain, abs=0.05)
