"""Draws the tips and writes the presets in resources/presets: chance with a fixed seed, no files.

Run `python -m tools.brush_tips`; the same numpy and OpenCV give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from core.canvas.dynamics import BrushDynamics, Curve, Response, Sensor
from core.canvas.presets import OURS, BrushPreset
from core.request import Pixels

SIDE = 128

Coverage = NDArray[np.float64]


def chalk(chance: np.random.Generator) -> Pixels:
    """Coarse grains, fewer towards the rim."""
    grains = cv2.GaussianBlur(chance.normal(size=(SIDE, SIDE)), (0, 0), 1.6)
    body = _disc(0.86, 0.35)
    return _bytes(np.clip((grains / grains.std() + 2.4 * body - 2.05) * 1.6, 0, 1) * (body > 0))


def bristle(chance: np.random.Generator) -> Pixels:
    """Some eighty hairs, each a soft dot that draws a line of its own."""
    tip = np.zeros((SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE]
    for _ in range(80):
        radius, angle = 54 * np.sqrt(chance.uniform()), chance.uniform(0, 2 * np.pi)
        cx, cy = SIDE / 2 + radius * np.cos(angle), SIDE / 2 + radius * np.sin(angle)
        width, weight = chance.uniform(1.2, 3.4), chance.uniform(0.25, 1)
        tip = np.maximum(tip, weight * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2)))
    return _bytes(tip)


def pencil(chance: np.random.Generator) -> Pixels:
    """Fine grains of graphite over a soft point."""
    grains = cv2.GaussianBlur(chance.normal(size=(SIDE, SIDE)), (0, 0), 2.2)
    return _bytes(np.clip(grains / grains.std() * 0.45 + 0.5, 0, 1) * _disc(0.95, 0.9))


TIPS: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "chalk": chalk,
    "bristle": bristle,
    "pencil": pencil,
}

_HARDER = Response(Curve(((0.0, 0.05), (1.0, 1.0))), is_on=True)
_FADING = Response(Curve(((0.0, 0.0), (0.5, 0.35), (1.0, 1.0))), is_on=True)
_DARKER = Response(Curve(((0.0, 0.1), (0.4, 0.6), (1.0, 1.0))), is_on=True)
_GRIP = Response(Curve(((0.0, 0.35), (1.0, 1.0))), is_on=True)
_LEANING = Response(Curve(((0.0, 0.25), (0.3, 0.3), (1.0, 1.0))), Sensor.TILT)
_STRENGTH = Response(is_on=True)
_SIZED = BrushDynamics(size=_HARDER, strength=_STRENGTH)

PRESETS = (
    BrushPreset("Round hard", 24, 1.0, dynamics=_SIZED),
    BrushPreset("Round", 32, 0.8, dynamics=_SIZED),
    BrushPreset(
        "Soft", 120, 0.0, spacing=0.04, dynamics=BrushDynamics(opacity=_FADING, strength=_STRENGTH)
    ),
    BrushPreset("Airbrush", 160, 0.0, flow=0.06, spacing=0.05,
                dynamics=BrushDynamics(flow=_FADING, strength=_STRENGTH)),
    BrushPreset("Ink", 14, 1.0, smoothing=0.35, spacing=0.06,
                dynamics=BrushDynamics(size=Response(
                    Curve(((0.0, 0.02), (0.4, 0.25), (1.0, 1.0))), is_on=True),
                    strength=_STRENGTH)),
    BrushPreset("Pencil", 8, 1.0, opacity=0.9, flow=0.8, spacing=0.18, tip="pencil", turns=True,
                dynamics=BrushDynamics(_LEANING, _DARKER, strength=_STRENGTH)),
    BrushPreset("Chalk", 44, 1.0, flow=0.7, spacing=0.22, tip="chalk", turns=True,
                dynamics=BrushDynamics(_GRIP, _DARKER, strength=_STRENGTH)),
    BrushPreset("Bristle", 56, 1.0, opacity=0.95, spacing=0.03, tip="bristle",
                dynamics=BrushDynamics(_GRIP, _DARKER, strength=_STRENGTH)),
)  # fmt: skip


def main() -> None:
    """Write everything."""
    OURS.mkdir(parents=True, exist_ok=True)
    for number, (name, draw) in enumerate(TIPS.items()):
        coverage = draw(np.random.default_rng(number))
        level = [cv2.IMWRITE_PNG_COMPRESSION, 9]
        (OURS / f"{name}.png").write_bytes(cv2.imencode(".png", 255 - coverage, level)[1].tobytes())
    for number, preset in enumerate(PRESETS, 1):
        text = json.dumps(preset.to_dict(), indent=1, ensure_ascii=False)
        (OURS / f"{number:02d} {preset.name}.json").write_text(text + "\n", encoding="utf-8")


def _disc(radius: float, softness: float) -> Coverage:
    """1 in the middle, 0 beyond `radius` (1 reaches the edge), a soft fall between."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    distance = np.hypot(x, y) / (SIDE / 2)
    return np.clip((radius - distance) / (radius * softness), 0, 1)


def _bytes(coverage: Coverage) -> Pixels:
    return np.rint(np.clip(coverage, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
