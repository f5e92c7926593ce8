"""How a layer's colours meet those below it: the modes, and their arithmetic on 8-bit pixels.

Source: "Compositing and Blending Level 1" (W3C Candidate Recommendation, 2015), sections 5.8, 9
and 10. With colour c and alpha a, of the layer (s), of what lies below it (b), and of the result
(o), and the mode's own function B of two colours:

    co ao = cs as (1 - ab) + cb ab (1 - as) + as ab B(cb, cs)        ao = as + ab - as ab

Pixels are premultiplied (C = c a) in steps of 1/255, so every term is a product of two bytes and
the sum, 255 Co, fits into 16 bits; a difference that falls below zero on the way comes back, as
unsigned numbers wrap. For a colour equal to its alpha each formula gives ao, so alpha needs none
of its own.

OpenRaster's `svg:plus` is blended as B = min(1, cb + cs), like Krita and pyora do, and luminosity
has the weights of both (ITU-R BT.601), of which the W3C's are the first two digits.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from core.request import Pixels

_BAND = 16
"""Rows worked on at once, so that the terms between stay in the processor's cache."""
_WEIGHTS = (0.299, 0.587, 0.114)

Sums = NDArray[np.uint16] | NDArray[np.float32]
"""255 times the result, (h, w, 4)."""
Words = NDArray[np.uint16]


class BlendMode(StrEnum):
    """What a layer does to the colours below it."""

    NORMAL = "normal"
    MULTIPLY = "multiply"
    SCREEN = "screen"
    OVERLAY = "overlay"
    DARKEN = "darken"
    LIGHTEN = "lighten"
    ADD = "add"
    COLOUR = "colour"
    LUMINOSITY = "luminosity"


def blend_by(mode: BlendMode, above: Pixels, opacity: int, onto: Pixels) -> None:
    """Replace `onto` by what it becomes below `above`; rounded once.

    A fainter layer moves the result as far from `onto`: Co is linear in the opacity.

    Args:
        mode: Any but NORMAL.
        above: (h, w, 4) premultiplied.
        opacity: 0 to 255.
        onto: (h, w, 4) premultiplied, written in place.
    """
    formula = _FORMULAS[mode]
    for top in range(0, len(onto), _BAND):
        source, backdrop = above[top : top + _BAND], onto[top : top + _BAND]
        sums = formula(source, backdrop)
        if opacity == 255:
            backdrop[...] = cv2.convertScaleAbs(sums, alpha=1 / 255)
        else:
            backdrop[...] = _between(backdrop, sums, opacity)


def wide_alpha(pixels: Pixels) -> Pixels:
    """Alpha in all four channels, an own array of the shape of `pixels`."""
    alpha = cv2.extractChannel(pixels, 3)
    return cv2.merge((alpha, alpha, alpha, alpha))


def _between(old: Pixels, sums: Sums, opacity: int) -> Pixels:
    """What lies `opacity` / 255 of the way from `old` to the new colours."""
    share, rest = opacity / 65025, (255 - opacity) / 255
    new, before = sums.astype(np.float32), old.astype(np.float32)
    return np.asarray(cv2.addWeighted(new, share, before, rest, 0, dtype=cv2.CV_8U), np.uint8)


def _separable(
    formula: Callable[[Words, Words, Words, Words], Words],
) -> Callable[[Pixels, Pixels], Sums]:
    """Give the formula four arrays of 16 bits: C and alpha of the layer and of the backdrop."""

    def sums(source: Pixels, backdrop: Pixels) -> Sums:
        arrays = source, wide_alpha(source), backdrop, wide_alpha(backdrop)
        return formula(*(array.astype(np.uint16) for array in arrays))

    return sums


def _multiply(cs: Words, alpha_s: Words, cb: Words, alpha_b: Words) -> Words:
    return cs * (255 - alpha_b) + cb * (255 - alpha_s + cs)


def _screen(cs: Words, _alpha_s: Words, cb: Words, _alpha_b: Words) -> Words:
    return cs * 255 + cb * (255 - cs)


def _overlay(cs: Words, alpha_s: Words, cb: Words, alpha_b: Words) -> Words:
    """Multiply where the backdrop is dark, screen where it is light."""
    dark = cb * cs * 2
    light = alpha_s * alpha_b - (alpha_b - cb) * (alpha_s - cs) * 2
    blended = dark + (light - dark) * (cb * 2 > alpha_b)
    return cs * (255 - alpha_b) + cb * (255 - alpha_s) + blended


def _darken(cs: Words, alpha_s: Words, cb: Words, alpha_b: Words) -> Words:
    return (cs + cb) * 255 - np.maximum(cs * alpha_b, cb * alpha_s)


def _lighten(cs: Words, alpha_s: Words, cb: Words, alpha_b: Words) -> Words:
    return (cs + cb) * 255 - np.minimum(cs * alpha_b, cb * alpha_s)


def _add(cs: Words, alpha_s: Words, cb: Words, alpha_b: Words) -> Words:
    """As far as the light goes: as ab min(1, cb + cs), without leaving 16 bits."""
    from_source, from_backdrop = cs * alpha_b, cb * alpha_s
    room = alpha_s * alpha_b - from_source
    return (cs + cb) * 255 - from_backdrop + np.minimum(room, from_backdrop)


def _colour(source: Pixels, backdrop: Pixels) -> Sums:
    """Hue and saturation of the layer, luminosity of the backdrop."""
    return _nonseparable(source, backdrop, takes_light_from_source=False)


def _luminosity(source: Pixels, backdrop: Pixels) -> Sums:
    """Luminosity of the layer, hue and saturation of the backdrop."""
    return _nonseparable(source, backdrop, takes_light_from_source=True)


def _nonseparable(source: Pixels, backdrop: Pixels, takes_light_from_source: bool) -> Sums:
    """SetLum is linear in scale, so that as ab SetLum(c, l) needs no division by alpha."""
    *cs, alpha_s = cv2.split(source.astype(np.float32))
    *cb, alpha_b = cv2.split(backdrop.astype(np.float32))
    upper = [plane * alpha_b for plane in cs]
    lower = [plane * alpha_s for plane in cb]
    coloured, lit = (lower, upper) if takes_light_from_source else (upper, lower)
    blended = _with_luminosity(coloured, _luminosity_of(lit), alpha_s * alpha_b)
    planes = [
        s * 255 - u + b * 255 - w + mixed
        for s, u, b, w, mixed in zip(cs, upper, cb, lower, blended, strict=True)
    ]
    alpha = (alpha_s + alpha_b) * 255 - alpha_s * alpha_b
    return cv2.merge((*(np.minimum(plane, alpha) for plane in planes), alpha))


def _luminosity_of(planes: list[np.ndarray]) -> np.ndarray:
    red, green, blue = (plane * weight for plane, weight in zip(planes, _WEIGHTS, strict=True))
    return red + green + blue


def _with_luminosity(planes: list[np.ndarray], light: np.ndarray, most: np.ndarray) -> list:
    """W3C's SetLum and ClipColor for colours whose white is `most`, up to 65025.

    A divisor below 1 is nothing but the error of 32-bit floats.
    """
    shift = light - _luminosity_of(planes)
    red, green, blue = (plane + shift for plane in planes)
    low = np.minimum(cv2.min(cv2.min(red, green), blue), 0)
    high = cv2.max(cv2.max(cv2.max(red, green), blue), most)
    scale = light / np.maximum(light - low, 1)
    scale *= (most - light) / np.maximum(high - light, 1)
    return [light + (plane - light) * scale for plane in (red, green, blue)]


_FORMULAS: dict[BlendMode, Callable[[Pixels, Pixels], Sums]] = {
    BlendMode.MULTIPLY: _separable(_multiply),
    BlendMode.SCREEN: _separable(_screen),
    BlendMode.OVERLAY: _separable(_overlay),
    BlendMode.DARKEN: _separable(_darken),
    BlendMode.LIGHTEN: _separable(_lighten),
    BlendMode.ADD: _separable(_add),
    BlendMode.COLOUR: _colour,
    BlendMode.LUMINOSITY: _luminosity,
}
