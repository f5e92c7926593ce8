"""Compose captioned scenes from drawings: one object or a pair, on a ground."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from tools.starter_model.grounds import ground
from tools.starter_model.nouns import LEARNED, Noun
from tools.starter_model.phrases import pair_caption

_PLACES = {
    "on the left": (0.25, 0.5),
    "on the right": (0.75, 0.5),
    "at the top": (0.5, 0.25),
    "at the bottom": (0.5, 0.75),
}
SINGLES = 0.91
"""Share of scenes with one object, where nothing else is said."""

_TWO_ALIKE = 0.1
"""Share of the others that have the same object twice."""


class Scenes:
    """An endless source of captioned scenes; the same seed gives the same ones.

    Args:
        drawings: uint8 [256, 256, 4] with straight alpha, by slug.
        seed: of everything random here.
        side: pixels of a scene's side.
        nouns: what to draw; every noun comes equally often.
        singles: share of scenes with one object.
    """

    def __init__(
        self,
        drawings: Mapping[str, np.ndarray],
        seed: int,
        side: int = 256,
        nouns: Sequence[Noun] = LEARNED,
        singles: float = SINGLES,
    ) -> None:
        self.side = side
        self._singles = singles
        self.chance = random.Random(seed)
        self._drawings = drawings
        self._nouns = nouns
        self._deck: list[Noun] = []

    def scene(self) -> tuple[np.ndarray, str]:
        """Compose the next scene: uint8 RGB [side, side, 3], and its caption."""
        canvas, where = ground(self.side, self.chance)
        alone = self.chance.random() < self._singles
        what = self._single(canvas) if alone else self._pair(canvas)
        return np.clip(canvas, 0, 255).astype(np.uint8), what + where

    def _single(self, canvas: np.ndarray) -> str:
        """Draw one object: mostly big and in the middle, seldom small, anywhere or at a side."""
        noun, word = self._next_noun()
        kind, size_word, place = self.chance.random(), "", ""
        x, y = 0.5, 0.5
        if kind < 0.80:
            share = self.chance.uniform(0.78, 0.88)
        else:
            size_word = self.chance.choice(("", "small "))
            share = self.chance.uniform(0.45, 0.6)
            x, y = (0.5 + self.chance.uniform(-0.15, 0.15) for _ in range(2))
        if kind >= 0.90:
            share = self.chance.uniform(0.36, 0.46)
            place = self.chance.choice(list(_PLACES))
            x, y = _PLACES[place]
            place = " " + place
        self._paste(canvas, noun, x + self._shake(), y + self._shake(), share)
        with_article = self.chance.random() < 0.8
        return (noun.one(size_word + word) if with_article else size_word + word) + place

    def _pair(self, canvas: np.ndarray) -> str:
        """Draw two objects side by side, seldom the same one twice."""
        left, left_word = self._next_noun()
        right, right_word = self._any_noun()
        alike = self.chance.random() < _TWO_ALIKE
        right = left if alike else right
        share = self.chance.uniform(0.42, 0.48)
        self._paste(canvas, left, 0.26, 0.5 + self._shake(), share)
        self._paste(canvas, right, 0.74, 0.5 + self._shake(), share)
        if alike:
            return f"two {left.many(left_word)}"
        return pair_caption(left.one(left_word), right.one(right_word), self.chance)

    def _next_noun(self) -> tuple[Noun, str]:
        """Take the next noun from a shuffled deck, and one of its words."""
        if not self._deck:
            self._deck = self.chance.sample(list(self._nouns), len(self._nouns))
        return self._worded(self._deck.pop())

    def _any_noun(self) -> tuple[Noun, str]:
        return self._worded(self.chance.choice(list(self._nouns)))

    def _worded(self, noun: Noun) -> tuple[Noun, str]:
        other = noun.also and self.chance.random() < 0.4
        return noun, noun.also if other else noun.name

    def _shake(self) -> float:
        return self.chance.uniform(-0.02, 0.02)

    def _paste(self, canvas: np.ndarray, noun: Noun, x: float, y: float, share: float) -> None:
        """Draw `noun` centred at (x, y), `share` of the side wide, all in shares of the side."""
        pixels = round(share * self.side)
        left, top = round(x * self.side - pixels / 2), round(y * self.side - pixels / 2)
        paste(canvas, resized(self._drawings[noun.slug], pixels), left, top)


def resized(drawing: np.ndarray, pixels: int) -> np.ndarray:
    """Scale uint8 RGBA with straight alpha to float32 [pixels, pixels, 4], premultiplied, 0..255.

    Premultiplied before scaling, because the colour under full transparency means nothing.
    """
    picture = Image.fromarray(np.asarray(drawing)).convert("RGBa")
    return np.asarray(picture.resize((pixels, pixels), Image.Resampling.LANCZOS), np.float32)


def paste(canvas: np.ndarray, drawing: np.ndarray, left: int, top: int) -> None:
    """Put a premultiplied drawing over a float32 RGB canvas, in place; outside parts are cut."""
    height, width = canvas.shape[:2]
    rows = slice(max(top, 0), min(top + drawing.shape[0], height))
    columns = slice(max(left, 0), min(left + drawing.shape[1], width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = drawing[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    canvas[rows, columns] = canvas[rows, columns] * (1 - part[..., 3:] / 255) + part[..., :3]
