"""A kept picture beside the same request carried out again: identical, or what is different."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.request import Pixels

_UNSURE = ("threads", "cpu")  # not recorded by older versions; a gap there is no difference


@dataclass(frozen=True)
class Comparison:
    """How two pictures of one request differ, and what differed when they were made.

    Attributes:
        same_size: Whether they can be compared at all; else the next three say nothing.
        differing: Pixels that differ in any channel.
        most: The largest difference of a channel, 0 to 255.
        psnr: Peak signal-to-noise ratio in dB, ``10 · log10(255² / mean squared error)``;
            infinite for identical pictures.
        facts: (name, then, now) of each recorded fact that is not the same; None where a fact
            is missing.
    """

    same_size: bool
    differing: int
    most: int
    psnr: float
    facts: tuple[tuple[str, Any, Any], ...]

    @classmethod
    def of(
        cls, kept: Pixels, again: Pixels, then: Mapping[str, Any], now: Mapping[str, Any]
    ) -> Comparison:
        """Compare pictures, uint8 (h, w, 3), and the facts of their results."""
        facts = tuple(
            (name, then.get(name), now.get(name))
            for name in sorted({*then, *now})
            if then.get(name) != now.get(name) and not (name in _UNSURE and name not in then)
        )
        if kept.shape != again.shape:
            return cls(False, 0, 0, 0.0, facts)
        distance = np.abs(kept.astype(np.int16) - again)
        error = float(np.mean(np.square(distance, dtype=np.float64)))
        psnr = 10 * math.log10(255**2 / error) if error else math.inf
        return cls(True, int(distance.any(axis=2).sum()), int(distance.max(initial=0)), psnr, facts)

    @property
    def is_identical(self) -> bool:
        """Whether every pixel is the same."""
        return self.same_size and self.differing == 0

    def sentences(self) -> list[str]:
        """The verdict, and one line for each fact that is not the same."""
        if not self.same_size:
            verdict = "Different: the pictures are not of the same size."
        elif self.is_identical:
            verdict = "Identical: every pixel is the same."
        else:
            verdict = (
                f"Different: PSNR {self.psnr:.1f} dB; {self.differing:,} pixels differ, "
                f"by {self.most} of 255 at most."
            )
        lines = [f"{name}: {_said(then)} then, {_said(now)} now" for name, then, now in self.facts]
        if not (self.is_identical or lines):
            lines = ["No recorded fact differs: look at drivers and hardware."]
        return [verdict, *lines]


def _said(value: Any) -> str:
    return "not recorded" if value is None else str(value)
