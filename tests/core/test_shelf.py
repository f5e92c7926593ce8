"""Waiting requests on disk: whole or not at all, with their pixels, and no longer than needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.abilities import GenerationKind
from core.engine import WaitingShelf
from core.errors import StorageFailed
from tests.helpers.generations import a_request


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "queue"


@pytest.fixture
def shelf(folder: Path) -> WaitingShelf:
    return WaitingShelf(folder)


def test_requests_come_back_whole_and_in_order(shelf: WaitingShelf, folder: Path) -> None:
    asked = [a_request(kind, seed=seed) for seed, kind in enumerate(GenerationKind)]
    for request in asked:
        shelf.put(request)
    back = WaitingShelf(folder).requests()
    assert [request.to_dict() for request in back] == [request.to_dict() for request in asked]
    masked = asked[list(GenerationKind).index(GenerationKind.INPAINTING)]
    again = next(request for request in back if request.id == masked.id)
    assert np.array_equal(again.init_image, masked.init_image)
    assert np.array_equal(again.mask_image, masked.mask_image)


def test_nothing_stays_of_what_is_removed(shelf: WaitingShelf, folder: Path) -> None:
    one, other = (a_request(GenerationKind.INPAINTING, seed=seed) for seed in (1, 2))
    shelf.put(one)
    shelf.put(other)
    shelf.remove(one.id)
    assert [request.id for request in shelf.requests()] == [other.id]
    assert shelf.requests()[0].init_image is not None  # both had the same pixels
    shelf.remove(other.id)
    shelf.remove(other.id)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_empty_shelf_makes_no_folder(shelf: WaitingShelf, folder: Path) -> None:
    assert shelf.requests() == []
    shelf.remove("0123456789")
    assert not folder.exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"asked": 1}', '{"asked": "soon", "request": {"schema": 1}}',
     '{"asked": 1, "request": {"schema": 99}}'],
)  # fmt: skip
def test_damaged_file_is_forgotten(shelf: WaitingShelf, folder: Path, content: str) -> None:
    good = a_request()
    shelf.put(good)
    (folder / "damaged0.json").write_text(content, encoding="utf-8")
    assert [request.id for request in shelf.requests()] == [good.id]
    assert not (folder / "damaged0.json").exists()


def test_lost_pixels_leave_a_request_that_says_what_is_missing(
    shelf: WaitingShelf, folder: Path
) -> None:
    shelf.put(a_request(GenerationKind.IMAGE_TO_IMAGE))
    for file in (folder / "pixels").glob("*.png"):
        file.unlink()
    assert shelf.requests()[0].init_image is None


def test_id_that_is_no_file_name_is_not_kept(shelf: WaitingShelf, tmp_path: Path) -> None:
    shelf.put(a_request(id="../../escaped"))
    assert list(tmp_path.rglob("*.json")) == []


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "queue").write_text("in the way")
    with pytest.raises(StorageFailed, match="could not be written"):
        WaitingShelf(tmp_path / "queue").put(a_request())
