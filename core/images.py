"""Pictures on disk and pixels in memory: read with care, written whole or not at all."""

from __future__ import annotations

import io
import stat
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from core.atomic import write_atomically
from core.errors import StorageFailed, UnreadableImage
from core.geometry import Size
from core.request import Pixels

MAX_SIDE = 16_384
MAX_PIXELS = 128_000_000
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
# Named, because Pillow would otherwise also try formats that start other programs (EPS).
_READABLE = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "AVIF")
_SAVING: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 1},  # 3 times faster than the default and 9 % larger
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "method": 0},
}
# What Pillow's decoders were seen to raise on damaged files (tests/core/test_images.py).
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Our own check below names the size; Pillow's is the second wall, inside its decoders.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
# A printer's profile, or a whole workflow as text, has more than the megabyte that Pillow allows.
PngImagePlugin.MAX_TEXT_CHUNK = 8 * 2**20


def read_image(path: Path) -> Pixels:
    """Read a picture as sRGB: uint8 of shape (h, w, 3), or (h, w, 4) where it is see-through.

    The camera's orientation is applied, a colour profile is converted, 16 bits become 8, and
    of an animation the first frame counts. Alpha is straight.

    Raises:
        UnreadableImage: missing, not a picture, damaged, or larger than 16,384 pixels a side.
    """
    return _read(path, _colours)


def read_mask(path: Path) -> Pixels:
    """Read a picture as a mask: uint8 of shape (h, w), white repaints, black and clear keep.

    Raises:
        UnreadableImage: as `read_image`.
    """
    return _read(path, _lightness)


def image_format(path: Path) -> str:
    """Pillow's name of the format that the file's ending asks for.

    Raises:
        StorageFailed: Sfumato does not write such files.
    """
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise StorageFailed(
            f"“{path.name}” has no ending Sfumato writes. Use {', '.join(_FORMATS)}."
        ) from None


def write_image(
    path: Path,
    pixels: Pixels,
    embedded: Mapping[str, Any] | None = None,
    partial: Path | None = None,
) -> None:
    """Write a picture so that afterwards the whole file is there, or the old one untouched.

    Args:
        path: The ending decides: PNG and WebP are lossless, JPEG has quality 95.
        pixels: uint8 of shape (h, w), (h, w, 3) or (h, w, 4).
        embedded: What `core.metadata.embedded` gives for this format, and Pillow's own words for
            how it is saved, such as ``quality``.
        partial: Folder for the unfinished file; must be on the same disk.

    Raises:
        StorageFailed: disk full, folder not writable, or the format cannot hold the picture.
    """
    content = encode(pixels, image_format(path), embedded)
    write_atomically(path, content, partial)


def encode(pixels: Pixels, format_name: str, embedded: Mapping[str, Any] | None = None) -> bytes:
    """The bytes of a picture file; see `write_image`.

    Raises:
        StorageFailed: the format cannot hold a picture of this size.
    """
    if format_name == "JPEG":
        pixels = without_alpha(pixels)
    stream = io.BytesIO()
    try:
        options = {**_SAVING[format_name], **(embedded or {})}
        Image.fromarray(pixels).save(stream, format_name, **options)
    except (OSError, ValueError) as error:
        raise StorageFailed(
            f"{Size(pixels.shape[1], pixels.shape[0])} pixels do not fit into a {format_name} "
            f"file ({error}). Save as PNG."
        ) from error
    return stream.getvalue()


def resize(pixels: Pixels, size: Size) -> Pixels:
    """Scale to `size`: Lanczos for colours, a plain average for masks, which must not ring."""
    if pixels.shape[1::-1] == tuple(size):
        return pixels
    smooth = Image.Resampling.BILINEAR if pixels.ndim == 2 else Image.Resampling.LANCZOS
    return np.array(Image.fromarray(pixels).resize((size.width, size.height), smooth))


def thumbnail(pixels: Pixels, side: int) -> Pixels:
    """A copy whose longest side is at most `side` pixels; a small picture keeps its size."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return np.array(picture)


def encode_thumbnail(pixels: Pixels, side: int = 256) -> bytes:
    """A small WebP (quality 80) of the picture, for the gallery."""
    stream = io.BytesIO()
    small = Image.fromarray(thumbnail(pixels, side))
    small.save(stream, "WEBP", quality=80, method=2)
    return stream.getvalue()


def without_alpha(pixels: Pixels, background: int = 255) -> Pixels:
    """The picture laid over a grey of that lightness; three channels as they are."""
    if pixels.ndim == 2 or pixels.shape[2] == 3:
        return pixels
    alpha = pixels[..., 3:].astype(np.uint16)
    laid = pixels[..., :3] * alpha + background * (255 - alpha)
    return ((laid + 127) // 255).astype(np.uint8)


def side_by_side(images: Sequence[Pixels], gap: int = 8) -> Pixels:
    """One RGB picture with all of them in a row, top-aligned, grey between them."""
    rgb = [_three_channels(pixels) for pixels in images]
    height = max(pixels.shape[0] for pixels in rgb)
    width = sum(pixels.shape[1] for pixels in rgb) + gap * (len(rgb) - 1)
    row = np.full((height, width, 3), 128, np.uint8)
    left = 0
    for pixels in rgb:
        row[: pixels.shape[0], left : left + pixels.shape[1]] = pixels
        left += pixels.shape[1] + gap
    return row


def _three_channels(pixels: Pixels) -> Pixels:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    return without_alpha(pixels)


def _read(path: Path, convert: Callable[[Image.Image], Image.Image]) -> Pixels:
    with _opened(path) as picture:
        try:
            picture.load()
            upright = _upright(picture, _orientation(picture))
            return np.array(convert(upright))
        except _DAMAGE as error:
            raise UnreadableImage(
                f"“{path.name}” is damaged or incomplete ({_one_line(error)}). "
                "Take another copy of it."
            ) from error


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    require_plain_file(path)
    try:
        picture = Image.open(path, formats=_READABLE)
    except FileNotFoundError as error:
        raise UnreadableImage(f"There is no file {path}. Check the name.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path.name) from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(
            f"“{path.name}” is not a picture. Choose a PNG, JPEG, WebP, GIF, BMP or TIFF file."
        ) from error
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or _one_line(error)
        raise UnreadableImage(f"{path} cannot be opened ({reason}). Choose another.") from error
    with picture:
        if max(picture.size) > MAX_SIDE or Size(*picture.size).area > MAX_PIXELS:
            raise _too_large(path.name, f"{Size(*picture.size)} pixels, ")
        yield picture


def require_plain_file(path: Path) -> None:
    """Refuse pipes and devices: the first would be waited for without end, the second read so.

    Raises:
        UnreadableImage: it is one. What is not there, or a folder, is left to who opens it.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UnreadableImage(f"{path} is not a file but a pipe or a device. Choose another.")


def _too_large(name: str, size: str = "") -> UnreadableImage:
    return UnreadableImage(
        f"“{name}” is too large ({size}at most {MAX_SIDE:,} a side and "
        f"{MAX_PIXELS // 1_000_000} megapixels). Scale it down first."
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation 1 to 8; a damaged tag must not cost the picture."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except _DAMAGE:
        return 1
    return value if value in _TURNS else 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    return picture if orientation == 1 else picture.transpose(_TURNS[orientation])


def _colours(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    picture = _eight_bits(picture)
    alpha = _alpha(picture)
    colours = _srgb(picture, profile) if profile else None
    rgb = (colours or picture).convert("RGB")
    if alpha is not None:
        rgb.putalpha(alpha)
    return rgb


def _lightness(picture: Image.Image) -> Image.Image:
    """Grey values as they stand: a mask's numbers are strengths, no profile changes them."""
    picture = _eight_bits(picture)
    alpha = _alpha(picture)
    grey = picture.convert("RGB").convert("L") if picture.mode != "L" else picture
    if alpha is None:
        return grey
    return Image.composite(grey, Image.new("L", grey.size, 0), alpha)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Modes with more than 8 bits a channel, scaled to 8; all others as they are."""
    if not (picture.mode.startswith("I") or picture.mode == "F"):
        return picture
    values = np.asarray(picture).astype(np.float64)
    top = 65_535.0 if picture.mode.startswith("I") else 1.0
    if values.max(initial=0.0) > top or (top > 1 and picture.mode == "I" and values.max() <= 255):
        top = 255.0
    scaled = np.nan_to_num(values) * (255.0 / top)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _alpha(picture: Image.Image) -> Image.Image | None:
    """The alpha channel, where there is one that hides anything."""
    if not picture.has_transparency_data:
        return None
    alpha = picture.convert("RGBA").getchannel("A")
    return None if alpha.getextrema() == (255, 255) else alpha


def _srgb(picture: Image.Image, profile: bytes) -> Image.Image | None:
    """The picture converted to sRGB; None where it is sRGB already or the profile is unusable."""
    from PIL import ImageCms

    base = picture if picture.mode in ("RGB", "CMYK", "L") else picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(base, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
