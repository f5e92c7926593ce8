"""How long pictures take here, from those that were made last."""

from __future__ import annotations

from gui.gallery.model import GalleryModel

LOOKED_AT = 60
"""So many of the newest results are asked."""


def pace_of(results: GalleryModel, model: str) -> float | None:
    """Seconds for each pixel of each step; None where no new result was made by that model."""
    for row in range(min(LOOKED_AT, results.rowCount())):
        item = results.item(results.index(row))
        if item is None or item.checkpoint != model or item.is_sheet or item.seconds <= 0:
            continue
        steps = int(item.record.get("steps", 0))
        denoised: list[int] = item.request.get("denoising_size", item.size)
        if steps > 0:
            return item.seconds / (steps * denoised[0] * denoised[1])
    return None


def spoken(seconds: float) -> str:
    """A length of time in words, as exact as a guess deserves."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
