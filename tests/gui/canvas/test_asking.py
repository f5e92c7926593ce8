from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.abilities import GenerationKind, InpaintArea, MaskedContent
from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from gui.canvas.asking import kind_of, plan_of, request_for, ways_of
from gui.sampling import Mode, Sampling
from tests.helpers.results import noise

TEXT, IMAGE, INPAINTING = (
    GenerationKind.TEXT_TO_IMAGE,
    GenerationKind.IMAGE_TO_IMAGE,
    GenerationKind.INPAINTING,
)


@pytest.fixture
def document() -> Document:
    """Noise of 64 x 48 pixels; the frame is the left upper 32 x 32."""
    document = Document.from_image(noise(1, 48, 64, 3))
    document.set_frame(Rect(0, 0, 32, 32))
    return document


@pytest.fixture
def asked(sampling: Sampling) -> Sampling:
    sampling.prompt = "  a pear\n"
    return sampling


# --- which kind -------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [None, Rect(40, 40, 8, 8), Rect(10, 10, 8, 8)])
@pytest.mark.parametrize("frame", [Rect(0, 0, 32, 32), Rect(-8, 0, 32, 32)])
@pytest.mark.parametrize(
    ("mode", "kind"), [(Mode.NEW, TEXT), (Mode.FROM_CANVAS, IMAGE), (Mode.MASKED, INPAINTING)]
)
def test_a_chosen_mode_is_obeyed(
    document: Document, mask: Rect | None, frame: Rect, mode: Mode, kind: GenerationKind
) -> None:
    document.set_frame(frame)
    if mask is not None:
        document.fill_mask(mask)
    assert kind_of(document, mode) is kind


@pytest.mark.parametrize(
    ("mask", "frame", "kind"),
    [
        (None, Rect(0, 0, 64, 48), TEXT),
        (Rect(31, 31, 4, 4), Rect(0, 0, 32, 32), INPAINTING),
        (Rect(32, 32, 4, 4), Rect(0, 0, 32, 32), TEXT),
        (None, Rect(33, 0, 32, 32), INPAINTING),
        (None, Rect(-1, 0, 32, 32), INPAINTING),
        (None, Rect(200, 200, 32, 32), INPAINTING),
    ],
    ids=["no mask", "mask touches", "mask beside", "over the right", "over the left", "far away"],
)
def test_auto(document: Document, mask: Rect | None, frame: Rect, kind: GenerationKind) -> None:
    document.set_frame(frame)
    if mask is not None:
        document.fill_mask(mask)
    assert kind_of(document, Mode.AUTO) is kind


@pytest.mark.parametrize(
    ("mode", "frame", "mask", "words", "uses_strength"),
    [
        (Mode.AUTO, Rect(0, 0, 32, 32), None, "new picture", False),
        (Mode.FROM_CANVAS, Rect(0, 0, 32, 32), None, "Starts from what the frame shows", True),
        (Mode.AUTO, Rect(0, 0, 32, 32), Rect(0, 0, 4, 4), "Repaints the mask", True),
        (Mode.AUTO, Rect(-8, 0, 32, 32), None, "beyond the picture's edge", True),
        (Mode.MASKED, Rect(0, 0, 32, 32), None, "Needs a mask", True),
    ],
)
def test_the_plan_says_it_in_one_line(
    document: Document,
    sampling: Sampling,
    checkpoint: Checkpoint,
    mode: Mode,
    frame: Rect,
    mask: Rect | None,
    words: str,
    uses_strength: bool,
) -> None:
    sampling.mode = mode
    document.set_frame(frame)
    if mask is not None:
        document.fill_mask(mask)
    plan, note, strength = plan_of(document, sampling, checkpoint)
    assert words in plan
    assert note == ""
    assert strength is uses_strength


def test_the_plan_says_where_the_model_needs_another_size(
    document: Document, sampling: Sampling, checkpoint: Checkpoint
) -> None:
    document.set_frame(Rect(0, 0, 30, 45))
    note = plan_of(document, sampling, checkpoint)[1]
    assert "32 × 48" in note
    assert plan_of(document, sampling, None)[1] == ""


# --- the request ------------------------------------------------------------------------------


def test_a_new_picture_takes_every_choice(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    asked.restore(
        {
            "negative_prompt": " blurry ",
            "scheduler": "DDIM",
            "num_inference_steps": 9,
            "guidance_scale": 3.5,
            "strength": 0.5,
            "seed": 77,
        }
    )
    request = request_for(document, asked, checkpoint)
    assert request.kind is TEXT
    assert (request.prompt, request.negative_prompt) == ("a pear", "blurry")
    assert (request.checkpoint, request.scheduler) == ("starter", "DDIM")
    assert (request.num_inference_steps, request.guidance_scale) == (9, 3.5)
    assert (request.strength, request.seed) == (0.5, 77)
    assert (request.size, request.frame) == (Size(32, 32), Rect(0, 0, 32, 32))
    assert request.init_image is None
    assert request.mask_image is None


def test_from_canvas_sends_what_the_frame_shows(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    asked.mode = Mode.FROM_CANVAS
    document.set_frame(Rect(10, 5, 32, 24))
    request = request_for(document, asked, checkpoint)
    assert request.mask_image is None
    assert request.init_image is not None
    assert np.array_equal(request.init_image, noise(1, 48, 64, 3)[5:29, 10:42])


def test_transparency_is_sent_on_white(asked: Sampling, checkpoint: Checkpoint) -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, 16:] = (200, 0, 0, 255)
    asked.mode = Mode.FROM_CANVAS
    picture = request_for(Document.from_image(pixels), asked, checkpoint).init_image
    assert picture is not None
    assert (picture[:, :16] == 255).all()
    assert (picture[:, 16:] == (200, 0, 0)).all()


def test_masked_sends_picture_and_mask_of_the_frame(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    document.set_frame(Rect(8, 8, 32, 32))
    document.fill_mask(Rect(0, 0, 16, 12))
    request = request_for(document, asked, checkpoint)
    expected = np.zeros((32, 32), np.uint8)
    expected[:4, :8] = 255
    assert request.kind is INPAINTING
    assert request.mask_image is not None
    assert np.array_equal(request.mask_image, expected)
    assert request.init_image is not None
    assert np.array_equal(request.init_image, noise(1, 48, 64, 3)[8:40, 8:40])


def test_beyond_the_edge_all_is_mask_and_the_edge_goes_on(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    document.set_frame(Rect(-8, 24, 32, 32))  # 8 over the left edge, 8 under the lower one
    request = request_for(document, asked, checkpoint)
    outside = np.zeros((32, 32), np.uint8)
    outside[:, :8] = outside[24:] = 255
    picture = noise(1, 48, 64, 3)
    assert request.mask_image is not None
    assert np.array_equal(request.mask_image, outside)
    assert request.init_image is not None
    assert np.array_equal(request.init_image[:24, 8:], picture[24:48, :24])
    assert np.array_equal(request.init_image[:24, 0], picture[24:48, 0])
    assert np.array_equal(request.init_image[31, 8:], picture[47, :24])


def test_a_frame_that_misses_the_picture_is_all_mask_on_white(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    document.set_frame(Rect(100, 100, 32, 32))
    request = request_for(document, asked, checkpoint)
    assert request.mask_image is not None
    assert (request.mask_image == 255).all()
    assert request.init_image is not None
    assert (request.init_image == 255).all()


@pytest.mark.parametrize(("side", "feather"), [(8, 2), (32, 2), (64, 2), (320, 10)])
def test_the_feather_grows_with_the_frame(
    asked: Sampling, checkpoint: Checkpoint, side: int, feather: int
) -> None:
    document = Document(Size(320, 320))
    document.set_frame(Rect(0, 0, 320, side))
    document.fill_mask(Rect(0, 0, 8, 8))
    assert request_for(document, asked, checkpoint).mask_feather == feather


def test_the_arrays_are_the_requests_own(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    document.fill_mask(Rect(0, 0, 16, 16))
    request = request_for(document, asked, checkpoint)
    for pixels in (request.init_image, request.mask_image):
        assert pixels is not None
        assert not pixels.flags.writeable
        assert pixels.flags.c_contiguous
    assert request.mask_image is not None
    document.clear_mask()
    assert request.mask_image.any()


def test_the_denoising_size_is_the_nearest_the_model_can(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    document.set_frame(Rect(0, 0, 30, 45))
    request = request_for(document, asked, checkpoint)
    assert (request.size, request.denoising_size) == (Size(30, 45), Size(32, 48))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": "  "}, "prompt is empty"),
        ({"scheduler": "Slow"}, "Known: Euler"),
        ({"mode": Mode.MASKED}, "mask is empty"),
        ({"mode": Mode.FROM_CANVAS, "strength": 0.01}, "leaves no step"),
    ],
)
def test_what_cannot_be_done_is_said(
    document: Document,
    asked: Sampling,
    checkpoint: Checkpoint,
    change: dict[str, object],
    words: str,
) -> None:
    for name, value in change.items():
        setattr(asked, name, value)
    with pytest.raises(InvalidRequest, match=words):
        request_for(document, asked, checkpoint)


# --- ways to repaint, and two passes ----------------------------------------------------------


def test_a_closeup_is_asked_for_at_the_models_size(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    document.fill_mask(Rect(8, 8, 6, 6))
    asked.restore({"inpaint_area": "only masked", "area_padding": 1, "masked_content": "fill"})
    request = request_for(document, asked, checkpoint)
    assert (request.inpaint_area, request.area_padding) == (InpaintArea.ONLY_MASKED, 1)
    assert request.masked_content is MaskedContent.FILL
    assert (request.size, request.denoising_size) == (Size(32, 32), Size(64, 64))
    assert plan_of(document, asked, checkpoint)[1] == "8 × 8 around the mask, made at 64 × 64."


def test_a_closeup_beyond_the_edge_holds_all_that_is_new(
    document: Document, asked: Sampling, checkpoint: Checkpoint
) -> None:
    document.set_frame(Rect(-8, 0, 32, 32))
    asked.restore({"inpaint_area": "only masked", "area_padding": 4})
    request = request_for(document, asked, checkpoint)
    assert plan_of(document, asked, checkpoint)[1] == "16 × 32 around the mask, made at 48 × 88."
    assert request.denoising_size == Size(48, 88)


def test_two_passes_are_offered_for_a_picture_much_larger_than_the_models_own(
    asked: Sampling, checkpoint: Checkpoint
) -> None:
    document = Document(Size(192, 128))
    asked.hires = True
    document.set_frame(Rect(0, 0, 64, 64))
    assert ways_of(document, asked, checkpoint) == (False, False)
    assert request_for(document, asked, checkpoint).first_pass_size is None
    document.set_frame(Rect(0, 0, 192, 128))
    assert ways_of(document, asked, checkpoint) == (False, True)
    request = request_for(document, asked, checkpoint)
    assert (request.first_pass_size, request.denoising_size) == (Size(80, 56), Size(192, 128))
    assert "First at 80 × 56, then at 192 × 128" in plan_of(document, asked, checkpoint)[1]
    asked.hires = False
    assert request_for(document, asked, checkpoint).first_pass_size is None
    asked.mode, asked.hires = Mode.FROM_CANVAS, True
    assert ways_of(document, asked, checkpoint) == (False, False)
    assert request_for(document, asked, checkpoint).first_pass_size is None


@pytest.mark.parametrize("soft", [True, False])
def test_a_model_that_knows_no_greys_is_told_apart(
    document: Document, asked: Sampling, checkpoint: Checkpoint, soft: bool
) -> None:
    model = replace(checkpoint, abilities=replace(checkpoint.abilities, soft_masks=soft))
    document.fill_mask(Rect(0, 0, 8, 8))
    assert ways_of(document, asked, model) == (True, False)
    assert plan_of(document, asked, model)[0] == "Repaints the mask and nothing else."
    document.mask.write(Rect(0, 0, 4, 4), np.full((4, 4), 100, np.uint8))
    assert ("half or more" in plan_of(document, asked, model)[0]) is not soft


def test_what_the_model_does_not_use_is_not_asked_of_it(
    document: Document, sampling: Sampling, checkpoint: Checkpoint
) -> None:
    abilities = replace(
        checkpoint.abilities,
        uses_negative_prompt=False,
        uses_guidance_scale=False,
        guidance_scale=0.0,
        strength_kinds=frozenset(),
    )
    sampling.mode, sampling.prompt, sampling.negative_prompt = Mode.MASKED, "a cat", "blurry"
    document.fill_mask(Rect(4, 4, 8, 8))
    distilled = replace(checkpoint, abilities=abilities)
    request = request_for(document, sampling, distilled)
    assert (request.negative_prompt, request.guidance_scale, request.strength) == ("", 0.0, 1.0)
    assert not plan_of(document, sampling, distilled)[2]
    usual = request_for(document, sampling, checkpoint)
    assert (usual.negative_prompt, usual.strength) == ("blurry", sampling.strength)


def test_the_plan_says_what_the_model_cannot_do(
    document: Document, sampling: Sampling, checkpoint: Checkpoint
) -> None:
    only = frozenset({GenerationKind.INPAINTING})
    inpainter = replace(checkpoint, abilities=replace(checkpoint.abilities, kinds=only))
    sampling.mode = Mode.NEW
    assert "cannot do text-to-image" in plan_of(document, sampling, inpainter)[0]
