"""A branch on disk: its parent lies within its record, with every pixel that it began from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.abilities import GenerationKind
from core.engine.shelf import WaitingShelf
from core.errors import InvalidRequest
from core.gallery import Gallery
from core.request import Branch, GenerationRequest
from core.result import GenerationResult
from core.settings import Paths
from tests.helpers.generations import a_request, picture, round_mask
from tests.helpers.results import noise


@pytest.fixture
def branched() -> GenerationRequest:
    """An inpainting with another mask than the inpainting that it leaves."""
    parent: GenerationRequest = a_request(GenerationKind.INPAINTING, prompt="a cat")
    return replace(
        parent,
        id="b" * 32,
        prompt="a red apple",
        mask_image=np.flipud(round_mask()).copy() // 2,
        branch=Branch.of(parent, 2),
        parent_ids=(parent.id,),
    )


def require_whole(read: GenerationRequest, written: GenerationRequest) -> None:
    assert read.branch is not None
    assert written.branch is not None
    assert read.branch.step == 2
    assert read.branch.parent.to_dict() == written.branch.parent.to_dict()
    assert read.parent_ids == (read.branch.parent.id,)
    for one in (read, read.branch.parent):
        assert one.init_image is not None
        assert np.array_equal(one.init_image, picture())
    assert read.branch.parent.mask_image is not None
    assert np.array_equal(read.branch.parent.mask_image, round_mask())


def test_the_gallery_gives_back_the_parent_with_its_pixels(branched: GenerationRequest) -> None:
    paths = Paths.find()
    paths.make()
    with Gallery(paths) as gallery:
        result = GenerationResult(request=branched, image=noise(1, 64, 64, 3), seconds=1, steps=4)
        require_whole(gallery.request(gallery.keep(result).id), branched)
    paths.gallery_file.unlink()
    with Gallery(paths) as gallery:  # made again from the files
        require_whole(gallery.request(branched.id), branched)


def test_a_branch_that_waits_survives_a_restart(
    branched: GenerationRequest, tmp_path: Path
) -> None:
    WaitingShelf(tmp_path).put(branched)
    [read] = WaitingShelf(tmp_path).requests()
    require_whole(read, branched)


def test_an_older_record_has_no_branch() -> None:
    record = a_request().to_dict()
    del record["branch"]
    assert GenerationRequest.from_dict(record).branch is None


@pytest.mark.parametrize(
    "damage",
    [
        7,
        "x",
        [],
        {},
        {"step": 2},
        {"step": "x", "parent": {}},
        {"step": 2, "parent": {"schema": 1}},
    ],
)
def test_a_damaged_branch_is_refused(damage: Any) -> None:
    with pytest.raises(InvalidRequest):
        GenerationRequest.from_dict(a_request().to_dict() | {"branch": damage})
