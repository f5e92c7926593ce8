"""A project comes back as it was; a stranger's is opened, a hostile one refused, none is lost."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from core.canvas import Brush, Document, StrokeTarget
from core.canvas.layering import set_opacity, set_visible
from core.errors import KnownError, StorageFailed, UnreadableImage
from core.geometry import Rect, Size
from core.projects import Project, load_project, save_project, snapshot_of
from core.projects.pixels import straight
from core.request import Pixels

ROOT = Path(__file__).resolve().parents[2]
FACTS = {"prompt": "a “red” apple", "steps": 20, "guidance": 7.25, "list": [1, None, True]}


def noise(height: int, width: int, channels: int = 4, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def painted() -> Document:
    """Several layers, offsets, every alpha, opacities that 8 bits do not hold, a grey mask."""
    document = Document(Size(600, 400))
    half_clear = document.place_image(noise(300, 400), Rect(-20, 150, 400, 300), 'A <b> & "c"')
    set_opacity(document, half_clear, 1 / 3)
    hidden = document.place_image(noise(30, 40, 3), Rect(590, 10, 40, 30), "Ebene\t2 äöü 🍎\n")
    set_visible(document, hidden, False)
    document.active_layer = half_clear
    stroke = document.begin_stroke(Brush(size=60.0, hardness=0.2), StrokeTarget.MASK)
    stroke.move_to(100.0, 100.0, 0.6)
    stroke.move_to(300.0, 333.0, 1.0)
    stroke.finish()
    document.set_frame(Rect(-30, 4, 256, 320))
    return document


def round_trip(document: Document, file: Path) -> Project:
    save_project(document, file, FACTS)
    return load_project(file)


def state(document: Document) -> list[object]:
    """Everything that a project has to keep."""
    return [
        document.size,
        document.frame,
        document.layers.index(document.active_layer),
        document.mask_pixels(document.bounds).tobytes(),
        *(
            (
                layer.name,
                layer.visible,
                layer.opacity,
                layer.surface.read(document.bounds).tobytes(),
            )
            for layer in document.layers
        ),
    ]


# ---------------------------------------------------------------- what comes back


def test_a_project_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    document = painted()
    assert document.mask_pixels(document.bounds).max() > 0
    loaded = round_trip(document, tmp_path / "a.ora")
    assert state(loaded.document) == state(document)
    assert np.array_equal(
        loaded.document.flatten(document.bounds), document.flatten(document.bounds)
    )
    assert loaded.facts == FACTS
    assert loaded.notices == ()


def test_an_opened_project_has_nothing_to_undo_and_can_be_painted_on(tmp_path: Path) -> None:
    document = round_trip(painted(), tmp_path / "a.ora").document
    assert not document.undo_stack.can_undo
    before = state(document)
    stroke = document.begin_stroke(Brush(size=30.0), StrokeTarget.PAINT)
    stroke.move_to(50.0, 200.0, 1.0)
    stroke.finish()
    assert state(document) != before
    document.undo()
    assert state(document) == before


def test_every_premultiplied_pixel_survives_straight_alpha(tmp_path: Path) -> None:
    alpha, colour = np.mgrid[0:256, 0:256].astype(np.uint8)
    pixels = np.dstack([np.minimum(colour, alpha)] * 3 + [alpha])
    document = Document(Size(256, 256))
    document.active_layer.surface.write(document.bounds, pixels)
    loaded = round_trip(document, tmp_path / "a.ora").document
    assert np.array_equal(loaded.layers[0].surface.read(document.bounds), pixels)


def test_the_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    document = painted()
    again = round_trip(document, tmp_path / "a.ora")
    save_project(again.document, tmp_path / "b.ora", again.facts)
    assert (tmp_path / "a.ora").read_bytes() == (tmp_path / "b.ora").read_bytes()


def test_an_empty_layer_an_empty_mask_and_odd_names(tmp_path: Path) -> None:
    document = Document(Size(3, 5))
    empty = document.place_image(np.zeros((5, 3, 4), np.uint8), document.bounds, "")
    document.place_image(noise(5, 3), document.bounds, "bell \x07 and half \ud83c a pair")
    assert not empty.surface.read(document.bounds).any()
    loaded = round_trip(document, tmp_path / "a.ora").document
    assert [layer.name for layer in loaded.layers] == [
        "Background",
        "",
        "bell \ufffd and half \ufffd a pair",
    ]
    assert not loaded.layers[1].surface.tiles
    assert loaded.mask_is_empty


@pytest.mark.parametrize("masked", [Rect(2, 2, 3, 3), Rect(0, 0, 0, 0)])
def test_a_layer_that_is_only_called_like_the_mask_stays_a_layer(
    tmp_path: Path, masked: Rect
) -> None:
    document = Document(Size(20, 20))
    document.place_image(noise(20, 20), document.bounds, "Inpaint mask")
    document.fill_mask(masked)
    loaded = round_trip(document, tmp_path / "a.ora").document
    assert state(loaded) == state(document)


def test_white_paper_stays_one_shared_tile(tmp_path: Path) -> None:
    document = Document(Size(2048, 1024))
    document.invert_mask()
    loaded = round_trip(document, tmp_path / "a.ora").document
    assert loaded.layers[0].surface.bytes_used == 0
    assert loaded.mask.bytes_used == 0
    assert np.array_equal(loaded.flatten(loaded.bounds), document.flatten(document.bounds))


def test_a_snapshot_stays_what_it_was_and_may_be_saved_elsewhere(tmp_path: Path) -> None:
    document = painted()
    before = state(document)
    snapshot = snapshot_of(document)
    stroke = document.begin_stroke(Brush(size=90.0), StrokeTarget.PAINT)
    stroke.move_to(50.0, 200.0, 1.0)
    stroke.finish()
    document.clear_mask()
    thread = threading.Thread(target=save_project, args=(snapshot, tmp_path / "a.ora"))
    thread.start()
    thread.join()
    assert state(load_project(tmp_path / "a.ora").document) == before
    assert state(document) != before


# ---------------------------------------------------------------- what others find in it


def test_the_file_is_openraster_as_others_expect_it(tmp_path: Path) -> None:
    document = painted()
    save_project(document, tmp_path / "a.ora")
    content = (tmp_path / "a.ora").read_bytes()
    assert content[30:54] == b"mimetypeimage/openraster"  # where `file` and desktops look
    with zipfile.ZipFile(io.BytesIO(content)) as entries:
        assert entries.testzip() is None
        image = ElementTree.fromstring(entries.read("stack.xml"))
        sizes = {
            name: Image.open(entries.open(name)).size
            for name in entries.namelist()
            if name.endswith(".png")
        }
    layers = image.findall("./stack/layer")
    assert (image.get("w"), image.get("h")) == ("600", "400")
    assert [layer.get("name") for layer in layers] == [
        "Inpaint mask",
        "Ebene\t2 äöü 🍎\n",
        'A <b> & "c"',
        "Background",
    ]
    assert [layer.get("visibility") for layer in layers] == [
        "hidden",
        "hidden",
        "visible",
        "visible",
    ]
    assert [layer.get("selected") for layer in layers] == [None, None, "true", None]
    assert sizes["mergedimage.png"] == (600, 400)
    assert max(sizes["Thumbnails/thumbnail.png"]) == 256


def test_another_program_sees_the_same_picture(tmp_path: Path) -> None:
    """Composed as the specification says, by other means than ours, mergedimage.png included."""
    document = painted()
    save_project(document, tmp_path / "a.ora")
    picture = Image.new("RGBA", (600, 400), (0, 0, 0, 0))
    with zipfile.ZipFile(tmp_path / "a.ora") as entries:
        for layer in reversed(
            ElementTree.fromstring(entries.read("stack.xml")).findall(".//layer")
        ):
            if layer.get("visibility") == "visible":
                png = Image.open(entries.open(layer.attrib["src"]))
                opacity = float(layer.attrib["opacity"])
                png.putalpha(png.getchannel("A").point(lambda a, o=opacity: round(a * o)))
                sheet = Image.new("RGBA", picture.size, (0, 0, 0, 0))
                sheet.paste(png, (int(layer.attrib["x"]), int(layer.attrib["y"])))
                picture.alpha_composite(sheet)
        merged = np.array(Image.open(entries.open("mergedimage.png")))
    flat = straight(document.flatten(document.bounds))
    assert np.array_equal(merged, flat)
    assert np.abs(np.array(picture).astype(int) - flat).max() <= 2  # their rounding, layer by layer


def test_the_mask_is_the_alpha_of_a_red_layer(tmp_path: Path) -> None:
    document = painted()
    save_project(document, tmp_path / "a.ora")
    with zipfile.ZipFile(tmp_path / "a.ora") as entries:
        stack = ElementTree.fromstring(entries.read("stack.xml"))
        layer = stack.findall(".//layer")[0]
        red = np.array(Image.open(entries.open(layer.attrib["src"])))
    box = Rect(int(layer.attrib["x"]), int(layer.attrib["y"]), red.shape[1], red.shape[0])
    assert np.array_equal(red[..., 3], document.mask_pixels(box))
    assert np.unique(red[..., :3].reshape(-1, 3), axis=0).tolist() == [[255, 0, 0]]
    assert red[..., 3].any(axis=0).all()
    assert red[..., 3].any(axis=1).all()


# ---------------------------------------------------------------- what others wrote


def png(pixels: Pixels) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def layer_xml(source: str = "data/a.png", **attributes: object) -> str:
    words = {name.replace("_", "-"): str(value) for name, value in attributes.items()}
    return ElementTree.tostring(ElementTree.Element("layer", {"src": source} | words), "unicode")


def image_xml(*layers: str, width: object = 8, height: object = 6, before: str = "") -> str:
    return f"{before}<image w='{width}' h='{height}'><stack>{''.join(layers)}</stack></image>"


PICTURE = png(noise(6, 8))


def ora(file: Path, stack: str | bytes | None, entries: Mapping[str, bytes] | None = None) -> Path:
    """A foreign OpenRaster file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        if stack is not None:
            archive.writestr("stack.xml", stack)
        for name, content in ({"data/a.png": PICTURE} if entries is None else entries).items():
            archive.writestr(name, content)
    return file


def test_groups_are_dissolved_in_order(tmp_path: Path) -> None:
    inner = f"<stack x='1' opacity='0.5'>{layer_xml(name='2', x=2, opacity=0.5)}</stack>"
    group = f"<stack name='g' y='1'>{layer_xml(name='1')}{inner}</stack>"
    hidden = (
        f"<stack visibility='hidden'>{layer_xml(name='3', composite_op='svg:soft-light')}</stack>"
    )
    xml = image_xml(layer_xml(name="0"), group, hidden, layer_xml(name="4", selected="true"))
    loaded = load_project(ora(tmp_path / "a.ora", xml))
    layers = loaded.document.layers
    assert [layer.name for layer in reversed(layers)] == ["0", "1", "2", "3", "4"]
    assert [layer.opacity for layer in reversed(layers)] == [1, 1, 0.25, 1, 1]
    assert [layer.visible for layer in reversed(layers)] == [True, True, True, False, True]
    assert layers[2].surface.read(Rect(0, 0, 3, 6)).any() == np.False_
    assert layers[2].surface.read(Rect(3, 1, 1, 5)).any()
    assert loaded.document.active_layer is layers[0]
    assert loaded.notices == (
        "3 groups became single layers.",
        "1 layer with another blend mode became normal.",
    )
    assert loaded.facts == {}
    assert loaded.document.frame == Rect(0, 0, 8, 6)


def test_a_layer_may_hang_over_every_edge_or_lie_outside(tmp_path: Path) -> None:
    big = png(noise(40, 50, 3))
    xml = image_xml(layer_xml(x=-20, y=-15), layer_xml(x=900_000_000))
    document = load_project(ora(tmp_path / "a.ora", xml, {"data/a.png": big})).document
    assert np.array_equal(
        document.flatten(document.bounds)[..., :3], noise(40, 50, 3)[15:21, 20:28]
    )
    assert not document.layers[0].surface.tiles


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_kind_of_png_becomes_rgba(tmp_path: Path, mode: str) -> None:
    stream = io.BytesIO()
    picture = Image.fromarray(noise(6, 8)).convert(mode)
    picture.save(stream, "PNG")
    xml = image_xml(layer_xml())
    document = load_project(
        ora(tmp_path / "a.ora", xml, {"data/a.png": stream.getvalue()})
    ).document
    rgba = np.array(picture.convert("RGBA")).astype(int)
    expected = np.rint(rgba[..., :3] * rgba[..., 3:] / 255)
    assert np.array_equal(document.flatten(document.bounds)[..., :3], expected)


def test_pyoras_names_and_kritas_comma_are_understood(tmp_path: Path) -> None:
    xml = image_xml(layer_xml("/data/layer0.png", opacity="0,5"))
    file = ora(tmp_path / "a.ora", xml, {"/data/layer0.png": PICTURE})
    assert load_project(file).document.layers[0].opacity == 0.5


def without_record(file: Path) -> Path:
    """What Krita and pyora leave of our file: everything but our record."""
    with zipfile.ZipFile(file) as ours:
        kept = {n: ours.read(n) for n in ours.namelist() if n.startswith("data/")}
        return ora(file.with_name("stranger.ora"), ours.read("stack.xml"), kept)


def test_without_our_record_layers_mask_and_selection_still_come_back(tmp_path: Path) -> None:
    document = painted()
    save_project(document, tmp_path / "a.ora", FACTS)
    loaded = load_project(without_record(tmp_path / "a.ora"))
    document.set_frame(document.bounds)
    assert state(loaded.document) == state(document)
    assert loaded.facts == {}


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema": "1"}',
        b'{"schema": 1}',
        b'{"schema": 1, "canvas": [8], "frame": [0,0,8,6], "active": "", "roles": {}, "facts": {}}',
        b'{"schema": 1, "canvas": [8,6], "frame": [0,0,8,6], "active": 0, "roles": 1, "facts": {}}',
        b'{"schema": 1, "canvas": [8,6], "frame": [0,0,8,6], "active": 0, "roles": {}, "facts": 3}',
    ],
)
def test_an_unusable_record_does_not_cost_the_layers(tmp_path: Path, record: bytes) -> None:
    entries = {"data/a.png": PICTURE, "sfumato/project.json": record}
    loaded = load_project(ora(tmp_path / "a.ora", image_xml(layer_xml(name="kept")), entries))
    assert [layer.name for layer in loaded.document.layers] == ["kept"]
    assert loaded.facts == {}


@pytest.mark.parametrize("frame", [[0, 0, 0, 6], [0, 0, 10**30, 8], [-(10**30), 0, 8, 8]])
def test_an_absurd_frame_does_not_cost_the_facts(tmp_path: Path, frame: list[int]) -> None:
    record = {"schema": 1, "canvas": [8, 6], "frame": frame, "active": "", "roles": {}}
    entries = {
        "data/a.png": PICTURE,
        "sfumato/project.json": json.dumps(record | {"facts": FACTS}).encode(),
    }
    loaded = load_project(ora(tmp_path / "a.ora", image_xml(layer_xml()), entries))
    assert loaded.document.frame == Rect(0, 0, 8, 6)
    assert loaded.facts == FACTS


# ---------------------------------------------------------------- what is refused

PNG_HEADER = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def png_that_claims(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return PNG_HEADER + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def png_with_a_text_bomb() -> bytes:
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))
    return PICTURE[:33] + bomb + PICTURE[33:]


ENTITIES = "".join(f"<!ENTITY e{i} '{f'&e{i - 1};' * 10 if i else 'boom'}'>" for i in range(10))
LAUGHS = image_xml(layer_xml(name="&e9;"), before=f"<!DOCTYPE i [{ENTITIES}]>")
OUTSIDE = image_xml(
    "<layer src='data/a.png'>&x;</layer>",
    before="<!DOCTYPE i [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
)
GOOD = image_xml(layer_xml())

HOSTILE: dict[str, tuple[str | bytes | None, Mapping[str, bytes] | None, str]] = {
    "doctype": (f"<!DOCTYPE image>{GOOD}", None, "DOCTYPE"),
    "doctype in UTF-16": (LAUGHS.encode("utf-16"), None, "DOCTYPE"),
    "billion laughs": (LAUGHS, None, "DOCTYPE"),
    "external entity": (OUTSIDE, None, "DOCTYPE"),
    "no stack": (None, None, "no stack.xml"),
    "stack is not xml": ("{}", None, "stack.xml is damaged"),
    "stack in an unknown encoding": (f"<?xml version='1.0' encoding='x'?>{GOOD}", None, "damaged"),
    "no image": ("<stack><layer src='data/a.png'/></stack>", None, "describes no image"),
    "no layer": (image_xml(), None, "no layer"),
    "canvas too large": (image_xml(layer_xml(), width=20_000), None, "20000 × 6 pixels"),
    "canvas of too many pixels": (
        image_xml(layer_xml(), width=16_000, height=16_000),
        None,
        "large",
    ),
    "canvas of no pixel": (image_xml(layer_xml(), width=0), None, "no pixel"),
    "canvas without size": ("<image><stack/></image>", None, "w=''"),
    "canvas of endless digits": (image_xml(layer_xml(), width="9" * 10_000), None, "number"),
    "position that is no number": (image_xml(layer_xml(x="nan")), None, "x='nan'"),
    "opacity that is no number": (image_xml(layer_xml(opacity="nan")), None, "opacity='nan'"),
    "too many layers": (image_xml(*[layer_xml()] * 2_001), None, "more than 2,000 layers"),
    "no png": (image_xml(layer_xml("data/b.png")), None, "no data/b.png"),
    "no source": ("<image w='8' h='6'><stack><layer/></stack></image>", None, "it has no"),
    "layer that is no png": (GOOD, {"data/a.png": b"GIF89a" + bytes(100)}, "not a PNG"),
    "layer that is empty": (GOOD, {"data/a.png": b""}, "not a PNG"),
    "layer that is half a png": (GOOD, {"data/a.png": PICTURE[:100]}, "damaged"),
    "layer that claims too much": (GOOD, {"data/a.png": png_that_claims(60_000, 1)}, "60000 × 1"),
    "layer that claims nothing": (GOOD, {"data/a.png": png_that_claims(0, 6)}, "0 × 6"),
    "layer that ends early": (GOOD, {"data/a.png": png_that_claims(9_000, 9_000)}, "damaged"),
    "layers too large together": (
        image_xml(*[layer_xml()] * 20),
        {"data/a.png": png_that_claims(10_000, 10_000)},
        "4 GB of memory",
    ),
    "text bomb inside a png": (GOOD, {"data/a.png": png_with_a_text_bomb()}, "damaged"),
    "merged picture of another size": (
        GOOD,
        {"data/a.png": PICTURE, "mergedimage.png": png(noise(7, 8))},
        "8 × 7 pixels, not 8 × 6",
    ),
    "zip bomb": (GOOD, {"data/a.png": PICTURE, "x": bytes(50_000_000)}, "zip bomb"),
    "zip bomb as stack": (b" " * 20_000_000 + GOOD.encode(), None, "zip bomb"),
    "endless stack": (GOOD.encode() + random.Random(0).randbytes(17_000_000), None, "16 MB"),
    "too many entries": (
        GOOD,
        {"data/a.png": PICTURE} | {f"x{i}": b"" for i in range(2_000)},
        "more than 2,000",
    ),
    "name that climbs": (GOOD, {"data/a.png": PICTURE, "../../x": b""}, "unsafe"),
    "name that climbs inside": (GOOD, {"data/a.png": PICTURE, "data/../../x": b""}, "unsafe"),
    "absolute name": (GOOD, {"data/a.png": PICTURE, "/etc/passwd": b""}, "unsafe"),
    "absolute name like pyora's": (GOOD, {"data/a.png": PICTURE, "/data/../x": b""}, "unsafe"),
    "name with a drive": (GOOD, {"data/a.png": PICTURE, "C:x": b""}, "unsafe"),
    "name with backslash": (GOOD, {"data/a.png": PICTURE, "..\\x": b""}, "unsafe"),
    "later sfumato": (
        GOOD,
        {"data/a.png": PICTURE, "sfumato/project.json": b'{"schema": 2}'},
        "later Sfumato wrote it .schema 2.*Update",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    stack, entries, reason = HOSTILE[name]
    file = ora(tmp_path / "evil.ora", stack, entries)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableImage, match=reason) as caught:
            load_project(file)
        # What is refused is refused before it is unpacked.
        assert tracemalloc.get_traced_memory()[1] < 24_000_000
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith("“evil.ora” cannot be opened: ")
    assert "\n" not in str(caught.value)


def test_a_good_file_like_the_hostile_ones_is_opened(tmp_path: Path) -> None:
    document = load_project(ora(tmp_path / "good.ora", GOOD)).document
    assert np.array_equal(straight(document.flatten(document.bounds))[..., 3], noise(6, 8)[..., 3])


def patched(file: Path, old: bytes, new: bytes, count: int = -1) -> Path:
    assert len(old) == len(new)
    content = file.read_bytes()
    assert old in content
    file.write_bytes(content.replace(old, new, count))
    return file


def in_directory(file: Path, entry: str, offset: int, value: bytes) -> Path:
    """Overwrite a field of an entry's record in the zip's table of contents."""
    content = bytearray(file.read_bytes())
    record = content.rindex(b"PK\x01\x02", 0, content.rindex(entry.encode()))
    content[record + offset : record + offset + len(value)] = value
    file.write_bytes(content)
    return file


def test_strange_tables_of_contents_are_refused(tmp_path: Path) -> None:
    def fresh(more: str = "more.txt") -> Path:
        entries = {"data/a.png": PICTURE, more: zlib.compress(bytes(99))}
        return ora(tmp_path / "evil.ora", GOOD, entries)

    with pytest.raises(UnreadableImage, match="two entries"):
        load_project(patched(fresh("data/b.png"), b"data/b.png", b"data/a.png"))
    with pytest.raises(UnreadableImage, match=r"unsafe name 'more.*txt'"):
        load_project(patched(fresh(), b"more.txt", b"more\0txt"))
    with pytest.raises(UnreadableImage, match="is a link"):
        load_project(in_directory(fresh(), "more.txt", 38, struct.pack("<I", 0o120777 << 16)))
    with pytest.raises(UnreadableImage, match="encrypted"):
        load_project(in_directory(fresh(), "more.txt", 8, b"\x01\0"))
    with pytest.raises(UnreadableImage, match="unknown way"):
        load_project(in_directory(fresh(), "more.txt", 10, b"\x0e\0"))
    with pytest.raises(UnreadableImage, match="larger than 4 GB"):
        load_project(in_directory(fresh(), "more.txt", 20, struct.pack("<II", 9**9, 2**32 - 2)))


def test_an_entry_that_lies_about_its_size_is_not_unpacked_further(tmp_path: Path) -> None:
    bomb = PICTURE + bytes(100_000_000)
    file = ora(tmp_path / "evil.ora", GOOD, {"data/a.png": bomb})
    in_directory(file, "data/a.png", 24, struct.pack("<I", 1000))
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableImage, match="damaged"):
            load_project(file)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


def test_what_is_no_project_at_all(tmp_path: Path) -> None:
    (tmp_path / "text.ora").write_text("no zip")
    (tmp_path / "empty.ora").write_bytes(b"")
    (tmp_path / "folder.ora").mkdir()
    with zipfile.ZipFile(tmp_path / "other.ora", "w") as other:
        other.writestr("mimetype", "application/x-krita")
    with zipfile.ZipFile(tmp_path / "plain.ora", "w") as other:
        other.writestr("stack.xml", GOOD)
    for name in ("missing", "text", "empty", "folder", "other", "plain"):
        with pytest.raises(UnreadableImage, match=f"{name}.ora") as caught:
            load_project(tmp_path / f"{name}.ora")
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ora")
    with pytest.raises(UnreadableImage, match="not a file but a pipe"):
        load_project(tmp_path / "pipe.ora")


def test_a_truncated_project_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    save_project(painted(), tmp_path / "a.ora")
    content = (tmp_path / "a.ora").read_bytes()
    for part in range(1, 20):
        (tmp_path / "b.ora").write_bytes(content[: len(content) * part // 20])
        with pytest.raises(UnreadableImage, match="incomplete"):
            load_project(tmp_path / "b.ora")


def damaged(content: bytes, dice: random.Random) -> bytes:
    broken = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        broken[dice.randrange(len(broken))] = dice.randrange(256)
    return bytes(broken)


def test_damaged_bytes_never_raise_anything_else(tmp_path: Path) -> None:
    document = Document.from_image(noise(6, 8))
    document.fill_mask(Rect(1, 1, 2, 2))
    save_project(document, tmp_path / "a.ora", FACTS)
    content = (tmp_path / "a.ora").read_bytes()
    dice = random.Random(3)
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, of doubled names
        for _ in range(400):
            (tmp_path / "b.ora").write_bytes(damaged(content, dice))
            refused += not opens(tmp_path / "b.ora")
    assert 100 < refused < 400


def test_damaged_stacks_and_layers_never_raise_anything_else(tmp_path: Path) -> None:
    dice = random.Random(4)
    xml = image_xml(layer_xml(name="a", x=1, y=2, opacity=0.5), f"<stack>{layer_xml()}</stack>")
    refused = 0
    for turn in range(400):
        stack = damaged(xml.encode(), dice) if turn % 2 else xml
        picture = PICTURE if turn % 2 else damaged(PICTURE, dice)
        refused += not opens(ora(tmp_path / "b.ora", stack, {"data/a.png": picture}))
    assert 100 < refused < 400


def opens(file: Path) -> bool:
    try:
        load_project(file)
    except UnreadableImage:
        return False
    return True


# ---------------------------------------------------------------- what is never lost


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


PRELUDE = """
import os, sys
from pathlib import Path
import numpy as np
from core.canvas import Document
from core.errors import StorageFailed
from core.projects import saving
folder = Path(sys.argv[1])
noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
"""
FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (int(os.environ["FITS"]),) * 2)
try:
    saving.save_project(Document.from_image(noise), folder / "a.ora")
except StorageFailed as error:
    print(error)
"""
KILLED_WHILE_ENCODING = """
import signal
real = saving.encode
def encode(pixels, name):
    if pixels.shape[:2] == (200, 200) and list(folder.glob(".sfumato-*.tmp")):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(pixels, name)
saving.encode = encode
saving.save_project(Document.from_image(noise), folder / "a.ora")
"""
KILLED_BEFORE_REPLACING = """
import signal
def fsync(descriptor):
    os.kill(os.getpid(), signal.SIGKILL)
os.fsync = fsync
saving.save_project(Document.from_image(noise), folder / "a.ora")
"""
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE, no SIGKILL")


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    """A project that must be the same after the test."""
    file = tmp_path / "projects" / "a.ora"
    save_project(painted(), file, FACTS)
    content = file.read_bytes()
    yield file
    assert file.read_bytes() == content


@posix_only
@pytest.mark.parametrize("fits", [0, 40, 20_000, 130_000])
def test_a_full_disk_keeps_the_old_project_and_leaves_nothing_else(
    old: Path, monkeypatch: pytest.MonkeyPatch, fits: int
) -> None:
    monkeypatch.setenv("FITS", str(fits))
    done = run(FULL_DISK, old.parent)
    assert "could not be written" in done.stdout, done.stderr
    assert done.stderr == ""
    assert [file.name for file in old.parent.iterdir()] == ["a.ora"]


@posix_only
@pytest.mark.parametrize("program", [KILLED_WHILE_ENCODING, KILLED_BEFORE_REPLACING])
def test_a_program_killed_while_it_saves_leaves_the_old_project(old: Path, program: str) -> None:
    assert run(program, old.parent).returncode == -9
    assert state(load_project(old).document) == state(painted())
    assert len(list(old.parent.glob(".sfumato-*.tmp"))) == 1


def test_what_a_killed_program_left_is_swept_when_it_is_a_day_old(tmp_path: Path) -> None:
    for name, age in (("young", 3600.0), ("old", 90_000.0)):
        leftover = tmp_path / f".sfumato-{name}.tmp"
        leftover.write_bytes(b"x")
        os.utime(leftover, (time.time() - age,) * 2)
    save_project(Document(Size(4, 4)), tmp_path / "a.ora")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".sfumato-young.tmp", "a.ora"]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.ora").mkdir()
    for target in ("file/a.ora", "folder.ora"):
        with pytest.raises(StorageFailed, match="could not be written"):
            save_project(Document(Size(4, 4)), tmp_path / target)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder.ora"]


@posix_only
def test_a_link_stays_a_link_and_a_file_keeps_its_rights(tmp_path: Path) -> None:
    target, link = tmp_path / "real" / "a.ora", tmp_path / "link.ora"
    save_project(Document(Size(4, 4)), target)
    target.chmod(0o640)
    link.symlink_to(target)
    save_project(painted(), link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    assert state(load_project(target).document) == state(painted())


def test_facts_that_are_no_json_data_are_a_bug_and_leave_nothing(old: Path) -> None:
    with pytest.raises(TypeError):
        save_project(Document(Size(4, 4)), old, {"x": object()})
    assert [file.name for file in old.parent.iterdir()] == ["a.ora"]


@pytest.mark.parametrize(
    ("limit", "value"),
    [("saving.MOST_BYTES", 600 * 400 * 4), ("saving.MOST_TEXT", 300), ("archive.MOST_ENTRIES", 8)],
)
def test_what_could_not_be_opened_again_is_not_saved(
    old: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(f"core.projects.{limit}", value)
    with pytest.raises(StorageFailed, match="was not saved: ") as caught:
        save_project(painted(), old, FACTS)
    assert isinstance(caught.value, KnownError)
    assert [file.name for file in old.parent.iterdir()] == ["a.ora"]
