"""Branch a run from another: the other's first steps, kept or done again, and then its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from core.abilities import InpaintArea, ModelAbilities
from core.errors import InvalidRequest
from core.inference.resuming import Leg
from core.inference.timeline import StepState
from core.request import GenerationRequest
from core.schedulers import draws_noise

# A state means nothing where one of these differs, or the picture would not be what it says.
FIXED = {
    "kind": "kind",
    "checkpoint": "model",
    "scheduler": "scheduler",
    "num_inference_steps": "number of steps",
    "size": "size",
    "denoising_size": "denoising size",
    "strength": "strength",
    "inpaint_area": "inpaint area",
}
"""Fields of a request that a branch has in common with its parent, and how they are called."""

Kept = Callable[[GenerationRequest, int], StepState | None]
Until = Callable[[GenerationRequest, Leg], StepState]


def validate_branch(request: GenerationRequest, abilities: ModelAbilities) -> None:
    """Refuse a branch that could not be made; a request without one is fine.

    Raises:
        InvalidRequest: names what differs from the parent and must not, or what the parent lacks.
    """
    branch = request.branch
    if branch is None:
        return
    parent = branch.parent
    if _has_passes(parent) or _has_passes(request):
        raise InvalidRequest(
            "A picture of several passes (two sizes, tiles, a refiner), or one that was drawn "
            "together with others, cannot be branched. Make it from its start and by itself."
        )
    if not 1 <= branch.step < parent.steps_to_run:
        raise InvalidRequest(
            f"Step {branch.step} is none to branch from; the run has {parent.steps_to_run} steps. "
            f"Choose one from 1 to {parent.steps_to_run - 1}."
        )
    for field, words in FIXED.items():
        if (own := getattr(request, field)) != (before := getattr(parent, field)):
            raise InvalidRequest(f"A branch keeps the {words} of its run: {before}, not {own}.")
    if request.inpaint_area is InpaintArea.ONLY_MASKED and not _same_mask(request, parent):
        raise InvalidRequest("A branch of a closeup keeps its mask, which decides what is shown.")
    if request.seed != parent.seed and not draws_noise(request.scheduler):
        raise InvalidRequest(
            f"“{request.scheduler}” draws no noise behind its start, so that another seed changes "
            f"nothing. Leave it at {parent.seed}, and change the prompt or the guidance scale."
        )
    parent.validate(abilities)
    validate_branch(parent, abilities)


def first_leg(request: GenerationRequest, kept: Kept, until: Until) -> Leg:
    """Where the run of a request begins.

    Args:
        kept: The latest state that is kept of a request's run up to a step; None for none.
        until: Computes a leg of a request's run that ends after a step.
    """
    branch = request.branch
    if branch is None:
        return Leg()
    state = _state_after(branch.step, branch.parent, kept, until)
    # With the parent's seed it draws on as the parent did.
    return Leg(state, None if request.seed == branch.parent.seed else request.seed)


def _state_after(step: int, request: GenerationRequest, kept: Kept, until: Until) -> StepState:
    state = kept(request, step)
    if state is not None and state.step == step:
        return state
    leg = first_leg(request, kept, until) if state is None else Leg(state)
    return until(request, replace(leg, until=step))


def _has_passes(request: GenerationRequest) -> bool:
    parts = (request.first_pass_size, request.tile_overlap, request.refinement, request.together)
    return any(parts)


def _same_mask(request: GenerationRequest, parent: GenerationRequest) -> bool:
    if request.mask_image is None or parent.mask_image is None:
        return request.mask_image is parent.mask_image
    return (
        np.array_equal(request.mask_image, parent.mask_image)
        and request.area_padding == parent.area_padding
    )
