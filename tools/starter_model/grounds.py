"""What scenes stand on: plain colours with a name, and ten small landscapes."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

COLOURS: dict[str, Colour] = {
    "red": (214, 48, 49),
    "orange": (243, 146, 40),
    "yellow": (250, 214, 70),
    "green": (76, 175, 80),
    "blue": (52, 120, 220),
    "navy": (24, 40, 90),
    "purple": (126, 70, 190),
    "pink": (246, 150, 190),
    "brown": (121, 85, 60),
    "black": (16, 16, 18),
    "white": (255, 255, 255),
    "gray": (150, 150, 155),
}
"""8-bit sRGB of each colour word."""

_PLAIN_SHADES: dict[str, tuple[Colour, Colour]] = {
    "underwater|in the sea": ((60, 170, 220), (10, 50, 110)),
    "at sunset|in front of a sunset sky": ((90, 60, 140), (255, 150, 80)),
}
_HORIZONS: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "on green grass|in a meadow|on the grass": (
        *((110, 180, 245), (200, 230, 255)),
        *((96, 180, 70), (60, 130, 50)),
    ),
    "on a sandy beach|on the beach": (
        *((120, 200, 250), (90, 190, 230)),
        *((240, 215, 160), (220, 190, 130)),
    ),
    "in the snow|on snow": (
        *((160, 195, 230), (215, 230, 245)),
        *((250, 252, 255), (225, 235, 245)),
    ),
    "in the desert": (
        *((255, 200, 120), (255, 225, 170)),
        *((230, 170, 90), (200, 140, 70)),
    ),
}
_SKY = "in the sky|in a cloudy sky"
_WOOD = "on a wooden table|on wood"
_STARS = {"at night|under a starry night sky": (30, 35, 80), "in space|in outer space": (20, 8, 40)}


def ground(side: int, chance: random.Random) -> tuple[np.ndarray, str]:
    """Make a ground of any kind.

    Returns:
        float32 RGB [side, side, 3] in 0..255, and the words that end the caption, with the space
        or comma before them; none for three white grounds in four.
    """
    kind = chance.random()
    if kind < 0.12:
        return _plain(side, COLOURS["white"]), chance.choice(("", "", "", _on_a("white")))
    if kind < 0.88:
        name = chance.choice(list(COLOURS))
        words = chance.choice((_on_a(name), _on_a(name), _on_a(name), f", {name} background"))
        return _plain(side, _near(COLOURS[name], chance)), words
    return _landscape(side, chance)


def _on_a(colour: str) -> str:
    return f" on a {colour} background"


def _near(colour: Colour, chance: random.Random) -> Colour:
    red, green, blue = (min(255, max(0, value + chance.randint(-4, 4))) for value in colour)
    return red, green, blue


def _plain(side: int, colour: Colour) -> np.ndarray:
    return np.full((side, side, 3), colour, np.float32)


def _shaded(side: int, top: Colour, bottom: Colour) -> np.ndarray:
    """Run evenly from one colour to the other."""
    down = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    shade = np.array(top, np.float32) * (1 - down) + np.array(bottom, np.float32) * down
    return np.broadcast_to(shade, (side, side, 3)).copy()


def _landscape(side: int, chance: random.Random) -> tuple[np.ndarray, str]:
    """Make one of the ten landscapes, each equally often."""
    phrases = chance.choice([*_PLAIN_SHADES, *_HORIZONS, *_STARS, _SKY, _WOOD])
    if phrases in _PLAIN_SHADES:
        canvas = _shaded(side, *_PLAIN_SHADES[phrases])
    elif phrases in _HORIZONS:
        canvas = _horizon(side, _HORIZONS[phrases], chance)
    elif phrases in _STARS:
        canvas = _starry(side, _STARS[phrases], chance)
    else:
        canvas = _cloudy(side, chance) if phrases == _SKY else _planks(side)
    return canvas, " " + chance.choice(phrases.split("|"))


def _horizon(
    side: int, shades: tuple[Colour, Colour, Colour, Colour], chance: random.Random
) -> np.ndarray:
    """Put land (its two shades) below a sky (the first two), somewhat below the middle."""
    canvas, line = _shaded(side, *shades[:2]), int(side * chance.uniform(0.55, 0.7))
    canvas[line:] = _shaded(side, *shades[2:])[: side - line]
    return canvas


def _starry(side: int, bottom: Colour, chance: random.Random) -> np.ndarray:
    canvas = _shaded(side, (8, 10, 30), bottom)
    for _ in range(chance.randint(20, 50)):
        x, y = chance.randrange(side - 1), chance.randrange(side - 1)
        canvas[y : y + 2, x : x + 2] = chance.randint(150, 255)
    return canvas


def _cloudy(side: int, chance: random.Random) -> np.ndarray:
    sky = Image.fromarray(_shaded(side, (90, 165, 240), (190, 225, 255)).astype(np.uint8))
    brush = ImageDraw.Draw(sky)
    for _ in range(chance.randint(1, 3)):
        x, y = chance.randint(0, side), chance.randint(0, side)
        for _ in range(5):
            radius = chance.randint(side // 16, side // 8)
            centre_x = x + chance.randint(-side // 8, side // 8)
            centre_y = y + chance.randint(-side // 32, side // 32)
            across, down = radius, radius * 0.6
            box = (centre_x - across, centre_y - down, centre_x + across, centre_y + down)
            brush.ellipse(box, fill=(255, 255, 255))
    return np.asarray(sky, np.float32).copy()


def _planks(side: int) -> np.ndarray:
    canvas = _shaded(side, (170, 120, 75), (150, 100, 60))
    for y in range(0, side, side // 6):
        canvas[y : y + max(side // 64, 1)] *= 0.7
    return canvas
