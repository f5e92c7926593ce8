"""A request holds everything, refuses in words, and comes back from its record as it was."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import numpy as np
import pytest

from core.abilities import GenerationKind, InpaintArea, MaskedContent, ModelAbilities
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from core.request import MAX_SEED, GenerationRequest, Pixels, pixel_digest

SIZE = Size(64, 32)
ABILITIES = ModelAbilities(
    family="tiny",
    kinds=frozenset(GenerationKind),
    size_multiple=8,
    native_size=Size(64, 64),
    schedulers=("Euler", "DDIM"),
    max_size=128,
)


def picture(size: Size = SIZE) -> Pixels:
    """A picture in which no two pixels are alike."""
    values = np.arange(size.area * 3, dtype=np.uint32) % 251
    return values.astype(np.uint8).reshape(size.height, size.width, 3)


def mask(size: Size = SIZE) -> Pixels:
    """The left half is to be repainted."""
    pixels = np.zeros((size.height, size.width), np.uint8)
    pixels[:, : size.width // 2] = 255
    return pixels


def request(**changes: Any) -> GenerationRequest:
    """A request that is right, but for `changes`."""
    right = {"checkpoint": "tiny", "prompt": "a red apple", "size": SIZE, "denoising_size": SIZE}
    return GenerationRequest(**{**right, **changes})


def inpainting(**changes: Any) -> GenerationRequest:
    """A request to repaint the left half that is right, but for `changes`."""
    right = {"kind": GenerationKind.INPAINTING, "init_image": picture(), "mask_image": mask()}
    return request(**{**right, **changes})


def test_a_right_request_is_accepted() -> None:
    request().validate(ABILITIES)
    inpainting().validate(ABILITIES)
    request(kind=GenerationKind.IMAGE_TO_IMAGE, init_image=picture()).validate(ABILITIES)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"num_inference_steps": 0}, "Steps is 0; it must lie between 1 and 200."),
        ({"num_inference_steps": 201}, "Steps is 201; it must lie between 1 and 200."),
        ({"guidance_scale": -1.0}, "Guidance scale is -1; it must lie between 0 and 50."),
        ({"guidance_scale": math.nan}, "Guidance scale is nan; it must lie between 0 and 50."),
        ({"strength": 1.5}, "Strength is 1.5; it must lie between 0 and 1."),
        ({"seed": -1}, "Seed is -1; it must lie between 0 and 4.29497e+09."),
        ({"seed": MAX_SEED + 1}, "Seed is "),
        ({"mask_feather": -1}, "Mask feather is -1; it must lie between 0 and 1024."),
        ({"prompt": " \n"}, "The prompt is empty. Write what the picture should show."),
        ({"prompt": "x" * 100_001}, "The prompt is longer than 100,000 characters."),
        ({"negative_prompt": "x" * 100_001}, "The prompt is longer than 100,000 characters."),
        ({"scheduler": "Heun"}, "“Heun” is not a scheduler of this model. Known: Euler, DDIM."),
        (
            {"denoising_size": Size(60, 32)},
            "60 × 32 does not fit this model, which needs multiples of 8. "
            "The nearest sizes are 56 × 32 and 64 × 32.",
        ),
        ({"denoising_size": Size(0, 32)}, "The nearest sizes are 8 × 32 and 8 × 32."),
        ({"denoising_size": Size(136, 32)}, "The longest side may be 128 pixels."),
        ({"size": Size(0, 32)}, "Width is 0; it must lie between 1 and 16384."),
        ({"size": Size(64, 16_385)}, "Height is 16385; it must lie between 1 and 16384."),
    ],
)
def test_a_wrong_value_is_named_with_what_would_do(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        request(**changes).validate(ABILITIES)
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"init_image": None}, "Inpainting needs a picture to start from."),
        ({"mask_image": None}, "Inpainting needs a mask. Paint over what should change."),
        ({"mask_image": mask() * 0}, "The mask is empty. Paint over what should change."),
        (
            {"mask_image": mask(Size(32, 64))},
            "The mask is 32 × 64 pixels but the request is for 64 × 32. "
            "Give a mask of the same size.",
        ),
        ({"init_image": picture(Size(8, 8))}, "The picture is 8 × 8 pixels but"),
    ],
)
def test_wrong_pixels_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        inpainting(**changes).validate(ABILITIES)
    assert sentence in str(refusal.value)


def test_a_kind_that_the_model_cannot_do_is_refused() -> None:
    only = replace(ABILITIES, kinds=frozenset({GenerationKind.INPAINTING}))
    with pytest.raises(InvalidRequest, match=r"cannot do text-to-image\. It does: inpainting"):
        request().validate(only)


@pytest.mark.parametrize("steps", range(1, 201))
def test_the_strength_that_is_proposed_gives_a_step(steps: int) -> None:
    too_weak = inpainting(num_inference_steps=steps, strength=0.0)
    with pytest.raises(InvalidRequest, match="leaves no step to run") as refusal:
        too_weak.validate(ABILITIES)
    proposed = float(str(refusal.value).split("Set strength to ")[1].split(" or more")[0])
    replace(too_weak, strength=proposed).validate(ABILITIES)


@pytest.mark.parametrize(
    ("kind", "strength", "steps"),
    [
        (GenerationKind.TEXT_TO_IMAGE, 0.1, 20),
        (GenerationKind.IMAGE_TO_IMAGE, 0.75, 15),
        (GenerationKind.INPAINTING, 1.0, 20),
        (GenerationKind.INPAINTING, 0.29, 5),
    ],
)
def test_strength_decides_how_many_steps_run(
    kind: GenerationKind, strength: float, steps: int
) -> None:
    assert request(kind=kind, strength=strength).steps_to_run == steps


def test_a_request_cannot_be_changed() -> None:
    asked = inpainting()
    with pytest.raises(FrozenInstanceError):
        asked.seed = 1
    for pixels in (asked.init_image, asked.mask_image):
        with pytest.raises(ValueError, match="read-only"):
            pixels[0, 0] = 1


def test_another_seed_is_another_request() -> None:
    asked = request(seed=7)
    other = asked.with_seed(MAX_SEED + 3)
    assert other.seed == 2
    assert other.id != asked.id
    assert other.to_dict() == {**asked.to_dict(), "seed": 2, "id": other.id}


def test_a_request_comes_back_from_json_whole() -> None:
    asked = inpainting(
        frame=Rect(-3, 5, 64, 32), parent_ids=("a", "b"), seed=MAX_SEED, negative_prompt="“Öl”"
    )
    images = {pixel_digest(p): p for p in (asked.init_image, asked.mask_image)}
    record = json.loads(json.dumps(asked.to_dict()))
    back = GenerationRequest.from_dict(record, images.__getitem__)
    for known in fields(GenerationRequest):
        before, after = getattr(asked, known.name), getattr(back, known.name)
        assert np.array_equal(before, after), known.name
        assert type(before) is type(after), known.name


@pytest.mark.parametrize("find", [None, {}.__getitem__])
def test_without_its_images_a_request_still_comes_back(find: Any) -> None:
    back = GenerationRequest.from_dict(inpainting(seed=9).to_dict(), find)
    assert back.seed == 9
    assert back.init_image is None
    assert back.mask_image is None


def test_what_is_unknown_in_a_record_is_left_out() -> None:
    record = {**request().to_dict(), "unheard_of": 1}
    assert GenerationRequest.from_dict(record).to_dict() == request(id=record["id"]).to_dict()


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "audio"},
        {"size": [64]},
        {"size": None},
        {"frame": [1, 2]},
        {"seed": "many"},
        {"num_inference_steps": math.inf},
        {"prompt": 5},
        {"parent_ids": 5},
    ],
)
def test_a_damaged_record_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="damaged"):
        GenerationRequest.from_dict({**request().to_dict(), **damage})


@pytest.mark.parametrize("missing", ["checkpoint", "prompt", "size", "kind"])
def test_a_record_without_what_it_needs_is_refused(missing: str) -> None:
    record = request().to_dict()
    del record[missing]
    with pytest.raises(InvalidRequest, match="damaged"):
        GenerationRequest.from_dict(record)


@pytest.mark.parametrize("schema", [2, None, "1"])
def test_a_record_of_another_schema_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"reads up to 1\. Update it"):
        GenerationRequest.from_dict({**request().to_dict(), "schema": schema})


def test_a_digest_depends_on_shape_and_bytes_only() -> None:
    flat = np.arange(12, dtype=np.uint8)
    assert pixel_digest(None) is None
    assert pixel_digest(flat.reshape(3, 4)) != pixel_digest(flat.reshape(4, 3))
    transposed = flat.reshape(3, 4).T
    assert pixel_digest(transposed) == pixel_digest(transposed.copy())
    assert pixel_digest(flat) != pixel_digest(flat + 1)


def test_a_model_denoises_at_the_nearest_size_that_fits() -> None:
    assert ABILITIES.denoising_size(Size(61, 32)) == Size(64, 32)
    assert ABILITIES.denoising_size(SIZE) == SIZE


# ---------------------------------------------------------------- repainting, and two passes


def test_how_a_mask_is_repainted_and_both_passes_come_back_from_json() -> None:
    asked = inpainting(
        inpaint_area=InpaintArea.ONLY_MASKED, area_padding=7, masked_content=MaskedContent.NOISE
    )
    back = GenerationRequest.from_dict(json.loads(json.dumps(asked.to_dict())))
    assert (back.inpaint_area, back.area_padding) == (InpaintArea.ONLY_MASKED, 7)
    assert back.masked_content is MaskedContent.NOISE
    two = request(first_pass_size=Size(32, 16), hires_strength=0.25)
    back = GenerationRequest.from_dict(json.loads(json.dumps(two.to_dict())))
    assert (back.first_pass_size, back.hires_strength) == (Size(32, 16), 0.25)
    assert back.hires_steps == 5


def test_a_record_from_before_there_were_such_choices_is_read() -> None:
    record = request().to_dict()
    new = {"inpaint_area", "area_padding", "masked_content", "first_pass_size", "hires_strength"}
    old = {name: value for name, value in record.items() if name not in new}
    assert GenerationRequest.from_dict(old).to_dict() == record


@pytest.mark.parametrize("damage", [{"inpaint_area": "x"}, {"first_pass_size": [1]}])
def test_a_record_with_a_choice_that_is_none_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="damaged"):
        GenerationRequest.from_dict({**request().to_dict(), **damage})


def test_a_model_of_black_and_white_masks_needs_half_somewhere() -> None:
    grey = inpainting(mask_image=np.full((32, 64), 127, np.uint8))
    grey.validate(replace(ABILITIES, soft_masks=True))
    with pytest.raises(InvalidRequest, match="nowhere more than half"):
        grey.validate(ABILITIES)


@pytest.mark.parametrize(
    ("picture", "first"),
    [
        (Size(64, 64), None),
        (Size(69, 69), None),
        (Size(128, 128), Size(64, 64)),
        (Size(256, 64), Size(128, 32)),
        (Size(90, 200), Size(40, 96)),
    ],
)
def test_the_first_pass_has_as_many_pixels_as_the_model_likes(
    picture: Size, first: Size | None
) -> None:
    assert ABILITIES.first_pass_size(picture) == first


def test_a_closeup_is_never_made_smaller_than_it_is() -> None:
    assert ABILITIES.closeup_size(Size(16, 16)) == Size(64, 64)
    assert ABILITIES.closeup_size(Size(8, 32)) == Size(32, 128)
    assert ABILITIES.closeup_size(Size(100, 96)) == Size(104, 96)
    assert ABILITIES.closeup_size(Size(4, 120)) == Size(8, 128)
