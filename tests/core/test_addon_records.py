"""Add-ons in requests, records and infotext: nothing is lost, and others understand it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sd_prompt_reader.image_data_reader import ImageDataReader

from core import metadata
from core.abilities import AddonKind, FreeU
from core.addon import Addon, Control, Reference, Refinement, read_addons, read_freeu
from core.errors import InvalidRequest
from core.gallery import Gallery
from core.images import write_image
from core.metadata import parse_infotext
from core.request import GenerationRequest
from core.settings import Paths
from tests.helpers.addons import SD1
from tests.helpers.generations import a_request, picture
from tests.helpers.results import a_result

DIGEST = "ab" * 32
CONTROL = Control("canny", picture(), 0.7, 0.1, 0.8, "canny", DIGEST)
EVERYTHING: dict[str, Any] = {
    "addons": (
        Addon(AddonKind.LORA, "ink, wash", 0.8, DIGEST),
        Addon(AddonKind.VAE, "clear"),
    ),
    "controls": (CONTROL,),
    "clip_skip": 2,
    "freeu": FreeU(0.9, 0.2, 1.5, 1.6),
    "references": (Reference("eyes", picture(), 0.4, DIGEST, "ef" * 32),),
    "pag_scale": 2.5,
    "refinement": Refinement("finish", 0.7),
}
FACTS = {
    "refiner_hash": "aabbccddee",
    "model_hash": "0123abcdef",
    "addons": [
        {"kind": "lora", "name": "ink, wash", "sha256": DIGEST, "tensors_sha256": "cd" * 32},
        {"kind": "vae", "name": "clear", "sha256": "ef" * 32},
        {"kind": "controlnet", "name": "canny", "sha256": DIGEST},
        {"kind": "textual-inversion", "name": "easy", "sha256": "12" * 32},
        {"kind": "ip-adapter", "name": "eyes", "sha256": "ef" * 32},
    ],
}


def test_a_request_comes_back_whole() -> None:
    request = a_request(**EVERYTHING)
    record = request.to_dict()
    back = GenerationRequest.from_dict(record, lambda digest: picture())
    assert back.to_dict() == record
    assert back.addons == request.addons
    assert (back.clip_skip, back.freeu) == (2, FreeU(0.9, 0.2, 1.5, 1.6))
    assert np.array_equal(back.controls[0].image, picture())
    assert back.references[0].encoder_sha256 == "ef" * 32
    assert np.array_equal(back.references[0].image, picture())
    assert back.pag_scale == 2.5
    assert back.refinement == Refinement("finish", 0.7)


def test_a_record_from_before_add_ons_still_reads() -> None:
    record = a_request().to_dict()
    for name in EVERYTHING:
        del record[name]
    back = GenerationRequest.from_dict(record)
    assert (back.addons, back.controls, back.clip_skip, back.freeu) == ((), (), 1, None)


@pytest.mark.parametrize(
    "damage",
    [
        {"addons": [{"kind": "spell", "name": "x"}]},
        {"addons": [{"kind": "lora"}]},
        {"addons": [{"kind": "lora", "name": 3}]},
        {"addons": 7},
        {"controls": [{"name": "canny"}]},
        {"clip_skip": "much"},
        {"references": [{"name": "eyes"}]},
        {"pag_scale": "much"},
        {"refinement": {"start": 0.8}},
        {"clip_skip": float("inf")},
    ],
)
def test_a_damaged_record_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="record of this picture is damaged"):
        GenerationRequest.from_dict(a_request().to_dict() | damage)


def test_the_canvas_of_a_control_is_read_only() -> None:
    pixels = picture()
    Control("canny", pixels)
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 0


def test_kept_choices_lose_what_is_not_understood_and_their_digests() -> None:
    good = Addon(AddonKind.LORA, "ink", 0.5, DIGEST).to_dict()
    strange = [{"kind": "spell", "name": "x"}, 3, good | {"weight": float("nan")}]
    assert read_addons([good, *strange]) == (Addon(AddonKind.LORA, "ink", 0.5),)
    assert read_addons("ink") == ()
    assert read_freeu([1, 2, 3]) is None
    assert read_freeu([0.9, 0.2, 1.5, float("inf")]) is None
    assert read_freeu([0.9, 0.2, 1.5, 1.6]) == FreeU(0.9, 0.2, 1.5, 1.6)


# ------------------------------------------------------------------------------ infotext


def test_infotext_says_it_as_a1111_does() -> None:
    found = parse_infotext(metadata.infotext(a_request(**EVERYTHING), FACTS))
    assert found["prompt"] == "a cat in a castle <lora:ink, wash:0.8>"
    assert found["Lora hashes"] == f"ink, wash: {'cd' * 6}"
    assert found["TI hashes"] == f"easy: {'12' * 5}"
    assert (found["VAE"], found["VAE hash"]) == ("clear", "ef" * 5)
    assert found["Clip skip"] == "2"
    assert found["freeu_b1"] == "1.5"
    assert (found["pagi_enabled"], found["pagi_scale"]) == ("True", "2.5")
    assert found["Refiner"] == "finish [aabbccddee]"
    assert found["Refiner switch at"] == "0.7"
    assert found["ControlNet 1"].startswith("Module: ip-adapter-auto, Model: eyes [efefefef]")
    assert found["ControlNet 0"].startswith("Module: canny, Model: canny [abababab], Weight: 0.7")
    assert "Guidance Start: 0.1, Guidance End: 0.8" in found["ControlNet 0"]


def test_infotext_without_add_ons_says_nothing_of_them() -> None:
    text = metadata.infotext(a_request(), {})
    assert not {"lora", "Clip skip", "VAE", "freeu", "ControlNet"} & set(text.split())


def test_a_stranger_still_reads_prompt_and_settings(tmp_path: Path) -> None:
    request = a_request(**EVERYTHING)
    file = tmp_path / "a.png"
    text = metadata.infotext(request, FACTS)
    write_image(file, picture(), metadata.embedded("PNG", text, {}))
    reader = ImageDataReader(str(file))
    assert reader.positive == "a cat in a castle <lora:ink, wash:0.8>"
    assert "Clip skip: 2" in reader.setting


# ------------------------------------------------------------------------------ gallery


def test_the_gallery_keeps_what_a_control_follows(tmp_path: Path) -> None:
    result = replace(a_result(), request=a_request(**EVERYTHING), facts=FACTS)
    with Gallery(Paths.find(tmp_path / "home")) as gallery:
        item = gallery.keep(result)
        back = gallery.request(item.id)
    assert np.array_equal(back.controls[0].image, picture())
    assert back.to_dict() | {"id": ""} == result.request.to_dict() | {"id": ""}
    assert item.record["facts"]["addons"] == FACTS["addons"]


def test_a_lost_picture_of_a_control_is_said(tmp_path: Path) -> None:
    paths = Paths.find(tmp_path / "home")
    result = replace(a_result(), request=a_request(**EVERYTHING))
    with Gallery(paths) as gallery:
        item = gallery.keep(result)
        for file in paths.inputs.glob("*.png"):
            file.unlink()
        back = gallery.request(item.id)
    with pytest.raises(InvalidRequest, match="canny has no picture to follow"):
        back.validate(SD1)
