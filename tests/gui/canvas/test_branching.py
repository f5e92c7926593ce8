"""The request of a picture that leaves a run: what of the panel counts, and what stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core.abilities import AddonKind, GenerationKind, InpaintArea
from core.addon import Addon, Control
from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from core.request import GenerationRequest
from gui.canvas.branching import Branching
from gui.jobs import Job
from gui.sampling import Sampling
from tests.helpers.generations import a_request, picture, round_mask

INPAINT = GenerationKind.INPAINTING
PLACE = Rect(8, 0, 64, 64)


def branching(document: Document, **changes: Any) -> Branching:
    """Step 2 of a run of four, whose picture stands at PLACE."""
    parent: GenerationRequest = a_request(**({"checkpoint": "starter"} | changes))
    return Branching(Job(parent, document, PLACE, document.origin), parent, 2)


@pytest.fixture
def document() -> Document:
    return Document(Size(96, 64))


@pytest.fixture
def panel(sampling: Sampling) -> Sampling:
    """As it is after Branch from here, with another prompt typed."""
    sampling.prompt, sampling.num_inference_steps = "  a pear\n", 4
    sampling.seed, sampling.count = 50, 3
    return sampling


def test_prompt_and_guidance_are_the_panels_and_the_rest_the_runs(
    document: Document, panel: Sampling, checkpoint: Checkpoint
) -> None:
    panel.guidance_scale = 3.0
    branch = branching(document)
    [request] = branch.requests_for(document, panel, checkpoint, {})
    assert (request.prompt, request.guidance_scale) == ("a pear", 3.0)
    assert request.seed == panel.seed == branch.parent.seed, "Euler draws no noise any more"
    assert request.frame == PLACE
    assert request.branch is not None
    assert (request.branch.parent, request.branch.step) == (branch.parent, 2)
    assert request.parent_ids == (branch.parent.id,)
    assert request.id != branch.parent.id


def test_where_noise_is_drawn_each_picture_has_a_seed(
    document: Document, panel: Sampling, checkpoint: Checkpoint
) -> None:
    panel.scheduler = "Euler a"
    branch = branching(document, scheduler="Euler a")
    requests = branch.requests_for(document, panel, checkpoint, {})
    assert [request.seed for request in requests] == [50, 51, 52]
    assert "seed" in branch.plan


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("scheduler", "DDIM", "keeps the scheduler"),
        ("num_inference_steps", 9, "keeps the number of steps"),
        ("prompt", " ", "prompt is empty"),
    ],
)
def test_what_a_branch_cannot_change_is_said(
    document: Document, panel: Sampling, checkpoint: Checkpoint, name: str, value: Any, words: str
) -> None:
    setattr(panel, name, value)
    with pytest.raises(InvalidRequest, match=words):
        branching(document).requests_for(document, panel, checkpoint, {})


def test_another_model_or_frame_is_said(
    document: Document, panel: Sampling, checkpoint: Checkpoint
) -> None:
    other = replace(checkpoint, name="other")
    with pytest.raises(InvalidRequest, match="keeps the model of its run: starter, not other"):
        branching(document).requests_for(document, panel, other, {})
    branch = branching(document)
    branch.job.asked_at = Rect(0, 0, 32, 32)
    with pytest.raises(InvalidRequest, match="keeps the size"):
        branch.requests_for(document, panel, checkpoint, {})


@pytest.mark.parametrize("area", InpaintArea)
def test_a_mask_painted_anew_counts_where_the_model_sees_the_whole_frame(
    document: Document, panel: Sampling, checkpoint: Checkpoint, area: InpaintArea
) -> None:
    branch = branching(document, kind=INPAINT, inpaint_area=area, strength=0.75)
    [before] = branch.requests_for(document, panel, checkpoint, {})
    assert before.mask_image is branch.parent.mask_image
    assert before.init_image is branch.parent.init_image
    document.fill_mask(Rect(8, 0, 16, 16))
    [request] = branch.requests_for(document, panel, checkpoint, {})
    assert request.mask_image is not None
    if area is InpaintArea.ONLY_MASKED:
        assert np.array_equal(request.mask_image, round_mask())
    else:
        assert request.mask_image[:16, :16].all()
        assert request.mask_image.sum() == 255 * 16 * 16


def test_it_is_called_by_its_step_and_the_prompts_beginning(document: Document) -> None:
    branch = branching(document, prompt="a very long prompt about a pear\non a table")
    assert branch.words == "From step 2 of 4: a very long prompt abou…"


def test_a_controlnet_goes_on_with_the_picture_that_led_the_run(
    document: Document, panel: Sampling, checkpoint: Checkpoint
) -> None:
    led = Control("canny", picture(), 1.0)
    panel.addons = (Addon(AddonKind.CONTROLNET, "canny", 0.5),)
    abilities = replace(checkpoint.abilities, addons=frozenset({AddonKind.CONTROLNET}))
    branch = branching(document, controls=(led,))
    model = replace(checkpoint, abilities=abilities)
    [request] = branch.requests_for(document, panel, model, {})
    [control] = request.controls
    assert control.image is led.image
    assert control.weight == 0.5
