"""Blend modes and locks in an OpenRaster file: back as they were, and as others read them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from core.canvas import Document
from core.canvas.blend_modes import BlendMode
from core.canvas.layering import set_blend_mode, set_locked, set_opacity
from core.geometry import Rect, Size
from core.projects import load_project, save_project, snapshot_of
from core.projects.stack import COMPOSITE_OPS


def blended() -> Document:
    """One layer of each mode, half transparent noise, every second one locked."""
    document = Document(Size(200, 160))
    rng = np.random.default_rng(4)
    for index, mode in enumerate(BlendMode):
        pixels = rng.integers(0, 256, (90, 110, 4), np.uint8)
        layer = document.place_image(pixels, Rect(10 * index, 7 * index, 110, 90), mode.value)
        set_blend_mode(document, layer, mode)
        set_opacity(document, layer, 0.8)
        set_locked(document, layer, index % 2 == 0)
    return document


def layers_of(document: Document) -> list[tuple[object, ...]]:
    return [
        (layer.name, layer.blend_mode, layer.locked, layer.opacity) for layer in document.layers
    ]


def stack_of(file: Path) -> list[ElementTree.Element]:
    with zipfile.ZipFile(file) as entries:
        return ElementTree.fromstring(entries.read("stack.xml")).findall("./stack/layer")


def with_stack(file: Path, old: str, new: str) -> Path:
    """The same project with other words in its stack.xml."""
    target = file.with_name("changed.ora")
    with zipfile.ZipFile(file) as entries, zipfile.ZipFile(target, "w") as out:
        for info in entries.infolist():
            content = entries.read(info)
            if info.filename == "stack.xml":
                content = content.replace(old.encode(), new.encode())
            out.writestr(info, content)
    return target


def test_modes_and_locks_come_back_and_the_picture_with_them(tmp_path: Path) -> None:
    document = blended()
    save_project(document, tmp_path / "a.ora")
    project = load_project(tmp_path / "a.ora")
    assert layers_of(project.document) == layers_of(document)
    assert np.array_equal(
        project.document.flatten(document.bounds), document.flatten(document.bounds)
    )
    assert project.notices == ()
    assert layers_of(snapshot_of(document)) == layers_of(document)


def test_the_words_are_openrasters(tmp_path: Path) -> None:
    save_project(blended(), tmp_path / "a.ora")
    layers = stack_of(tmp_path / "a.ora")
    assert [layer.get("composite-op") for layer in reversed(layers)] == [
        "svg:src-over",  # the paper
        "svg:src-over",
        "svg:multiply",
        "svg:screen",
        "svg:overlay",
        "svg:darken",
        "svg:lighten",
        "svg:plus",
        "svg:color",
        "svg:luminosity",
    ]
    locks = [layer.get("edit-locked") for layer in reversed(layers)]
    assert locks == [None, *["true", None] * 4, "true"]
    assert set(COMPOSITE_OPS) == set(BlendMode)


@pytest.mark.parametrize("op", ["svg:hard-light", "krita:dissolve", "svg:dst-in"])
def test_a_mode_that_is_not_ours_becomes_normal_and_is_said(tmp_path: Path, op: str) -> None:
    save_project(blended(), tmp_path / "a.ora")
    project = load_project(with_stack(tmp_path / "a.ora", "svg:multiply", op))
    assert project.document.layers[2].blend_mode is BlendMode.NORMAL
    assert project.notices == ("1 layer with another blend mode became normal.",)
