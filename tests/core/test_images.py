"""Pictures are read with care, and written whole or not at all."""

from __future__ import annotations

import io
import os
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from core import images
from core.errors import StorageFailed, UnreadableImage
from core.geometry import Size
from core.request import Pixels

ROOT = Path(__file__).resolve().parents[2]


def noise(height: int = 24, width: int = 40, channels: int = 3, seed: int = 0) -> Pixels:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def smooth(height: int = 24, width: int = 40) -> Pixels:
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 10, columns * 6, rows * 2 + columns * 2], axis=2).astype(np.uint8)


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".ppm", ".tif"])
def test_a_lossless_picture_is_read_exactly(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"a{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {}
    Image.fromarray(noise()).save(file, **options)
    assert np.array_equal(images.read_image(file), noise())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_cameras_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    # How each value says the stored picture must be turned: EXIF 2.3, 4.6.4 A.
    upright = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, 1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for suffix in (".png", ".tif"):
        file = tmp_path / f"turned{suffix}"
        Image.fromarray(noise()).save(file, exif=exif)
        assert np.array_equal(images.read_image(file), upright(noise())), suffix


def test_a_wide_gamut_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    file = tmp_path / "p3.png"
    swapped = _profile_with_red_and_blue_swapped()
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(file, icc_profile=swapped)
    assert images.read_image(file)[0, 0].argmax() == 2
    Image.fromarray(red).save(file, icc_profile=b"not a profile")
    assert np.array_equal(images.read_image(file), red)


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(noise()).save(file, icc_profile=profile)
    assert np.array_equal(images.read_image(file), noise())


def _profile_with_red_and_blue_swapped() -> bytes:
    """A matrix profile whose red is sRGB's blue and the other way round."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    first, second = profile.index(b"rXYZ", 128), profile.index(b"bXYZ", 128)
    profile[first : first + 4], profile[second : second + 4] = b"bXYZ", b"rXYZ"
    name = profile.find("sRGB".encode("utf-16-be"))
    while name >= 0:
        profile[name : name + 8] = "swap".encode("utf-16-be")
        name = profile.find("sRGB".encode("utf-16-be"))
    return bytes(profile)


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    file = tmp_path / "deep.png"
    values = np.array([[0, 257, 128 * 257, 65535]], np.uint16)
    Image.fromarray(values).save(file)
    assert images.read_image(file)[0, :, 0].tolist() == [0, 1, 128, 255]
    assert images.read_mask(file)[0].tolist() == [0, 1, 128, 255]


def test_a_palette_with_a_clear_colour_gives_alpha(tmp_path: Path) -> None:
    file = tmp_path / "p.png"
    picture = Image.fromarray(np.array([[0, 1], [1, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.save(file, transparency=0)
    pixels = images.read_image(file)
    assert pixels[0, 0].tolist() == [10, 20, 30, 0]
    assert pixels[1, 1].tolist() == [200, 100, 50, 255]


def test_grey_with_alpha_and_one_bit_and_cmyk(tmp_path: Path) -> None:
    grey = np.dstack([noise(channels=1), noise(channels=1, seed=1)])
    Image.fromarray(grey).save(tmp_path / "la.png")
    pixels = images.read_image(tmp_path / "la.png")
    assert np.array_equal(pixels[..., 0], grey[..., 0])
    assert np.array_equal(pixels[..., 3], grey[..., 1])
    bits = Image.fromarray(noise(channels=1)).convert("1")
    bits.save(tmp_path / "bits.png")
    assert set(np.unique(images.read_image(tmp_path / "bits.png"))) == {0, 255}
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "ink.jpg")
    assert images.read_image(tmp_path / "ink.jpg")[0, 0].argmax() == 0
    assert images.read_image(tmp_path / "ink.jpg").shape == (8, 8, 3)


def test_alpha_that_hides_nothing_is_left_out(tmp_path: Path) -> None:
    Image.fromarray(np.dstack([noise(), np.full((24, 40), 255, np.uint8)])).save(tmp_path / "a.png")
    assert images.read_image(tmp_path / "a.png").shape == (24, 40, 3)


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert images.read_image(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


def test_a_mask_keeps_its_numbers_and_what_is_clear_is_kept(tmp_path: Path) -> None:
    grey = noise(channels=1)
    Image.fromarray(grey).save(tmp_path / "l.png")
    Image.fromarray(np.dstack([grey] * 3)).save(tmp_path / "rgb.png")
    clear = np.zeros_like(grey)
    Image.fromarray(np.dstack([grey] * 3 + [clear])).save(tmp_path / "clear.png")
    assert np.array_equal(images.read_mask(tmp_path / "l.png"), grey)
    assert np.array_equal(images.read_mask(tmp_path / "rgb.png"), grey)
    assert not images.read_mask(tmp_path / "clear.png").any()


# ---------------------------------------------------------------- what is refused


def test_each_bad_file_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    for name in ("missing.png", "text.png", "empty.png", "folder.png"):
        with pytest.raises(UnreadableImage, match=name) as caught:
            images.read_image(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_truncated_picture_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "half.png"
    images.write_image(file, noise(200, 200))
    file.write_bytes(file.read_bytes()[:-60_000])
    with pytest.raises(UnreadableImage, match="incomplete"):
        images.read_image(file)


@pytest.mark.parametrize(
    "size", [(20_000, 20_000), (16_385, 1), (13_000, 13_000), (12_000, 11_000)]
)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(_png_that_claims(*size))
    for read in (images.read_image, images.read_mask):
        with pytest.raises(UnreadableImage, match="too large"):
            read(file)


def _png_that_claims(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF"])
def test_damaged_bytes_never_raise_anything_else(tmp_path: Path, name: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(smooth()).save(stream, name)
    dice = random.Random(7)
    refused = 0
    for round_ in range(150):
        content = bytearray(stream.getvalue())
        if round_ % 3 == 0:
            del content[dice.randrange(len(content)) :]
        for _ in range(dice.randint(1, 8) if content else 0):
            content[dice.randrange(len(content))] = dice.randrange(256)
        (tmp_path / "x").write_bytes(content)
        try:
            images.read_image(tmp_path / "x")
        except UnreadableImage:
            refused += 1
    assert refused > 10


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_png_and_webp_give_back_every_pixel(tmp_path: Path, suffix: str, channels: int) -> None:
    pixels = noise(channels=channels)
    images.write_image(tmp_path / f"a{suffix}", pixels)
    read = images.read_image(tmp_path / f"a{suffix}")
    seen = pixels[..., -1] > 0 if channels == 4 else np.ones(pixels.shape[:2], bool)
    assert np.array_equal(read[seen], pixels[seen])


def test_a_jpeg_is_close_and_lays_alpha_on_white(tmp_path: Path) -> None:
    images.write_image(tmp_path / "a.jpg", smooth())
    read = images.read_image(tmp_path / "a.jpg")
    assert np.abs(read.astype(int) - smooth()).max() <= 12
    images.write_image(tmp_path / "b.jpg", np.zeros((8, 8, 4), np.uint8))
    assert images.read_image(tmp_path / "b.jpg").min() == 255


def test_an_unknown_ending_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match=r"a\.xyz.*\.png"):
        images.write_image(tmp_path / "a.xyz", noise())


def test_a_picture_too_large_for_its_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="WEBP"):
        images.write_image(tmp_path / "a.webp", np.zeros((1, 16_384, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailed, match="could not be written"):
        images.write_image(tmp_path / "file" / "a.png", noise())


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    program = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from pathlib import Path
from core.errors import StorageFailed
from core.images import write_image
file = Path({str(tmp_path)!r}) / "a.png"
write_image(file, np.zeros((8, 8, 3), np.uint8))
old = file.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_image(file, np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8))
except StorageFailed as error:
    assert file.read_bytes() == old
    print(error)
"""
    if sys.platform == "win32":
        pytest.skip("no RLIMIT_FSIZE on Windows")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "could not be written" in done.stdout, done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


# ---------------------------------------------------------------- pixels


def test_scaling_a_mask_never_reaches_beyond_its_edge() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    scaled = images.resize(mask, Size(256, 256))
    assert scaled[:, :124].max() == 0
    assert scaled[:, 132:].min() == 255


def test_scaling_to_the_same_size_changes_nothing() -> None:
    assert np.array_equal(images.resize(noise(), Size(40, 24)), noise())
    assert images.resize(noise(), Size(13, 7)).shape == (7, 13, 3)


def test_a_thumbnail_fits_and_a_small_picture_stays() -> None:
    assert images.thumbnail(smooth(400, 1000), 256).shape == (102, 256, 3)
    assert np.array_equal(images.thumbnail(noise(), 256), noise())
    with Image.open(io.BytesIO(images.encode_thumbnail(smooth(600, 300)))) as small:
        assert (small.format, small.size) == ("WEBP", (128, 256))


def test_side_by_side_holds_each_picture_as_it_is() -> None:
    row = images.side_by_side([noise(), noise(channels=1), noise(seed=2)], gap=8)
    assert row.shape == (24, 3 * 40 + 2 * 8, 3)
    assert np.array_equal(row[:, :40], noise())
    assert np.array_equal(row[:, 48:88, 1], noise(channels=1))
    assert np.array_equal(row[:, 96:], noise(seed=2))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "picture.png")
    with pytest.raises(UnreadableImage, match="not a file but a pipe"):
        images.read_image(tmp_path / "picture.png")


def test_large_texts_and_profiles_in_a_png_do_not_cost_the_picture(tmp_path: Path) -> None:
    pixels, text = noise(), PngImagePlugin.PngInfo()
    text.add_itxt("workflow", "node " * 400_000, zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    large = profile + random.Random(0).randbytes(2_000_000)
    Image.fromarray(pixels).save(tmp_path / "a.png", pnginfo=text, icc_profile=large)
    assert np.array_equal(images.read_image(tmp_path / "a.png"), pixels)
