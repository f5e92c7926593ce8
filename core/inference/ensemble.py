"""Two models on one picture: the first leaves its noise half removed, and a refiner goes on.

Podell et al., "SDXL: Improving Latent Diffusion Models for High-Resolution Image Synthesis",
arXiv:2307.01952; diffusers calls it an ensemble of expert denoisers. Both step with the same
scheduler over the same noise levels, so that together they take as many steps as one would.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.abilities import GenerationKind, ModelAbilities
from core.addon import Refinement
from core.addons import Outfit
from core.checkpoints import Checkpoint, resolve
from core.errors import InvalidRequest
from core.inference.timeline import StepState
from core.inference.watching import Listener
from core.request import GenerationRequest
from core.result import GenerationResult, PreviewFrame, StepProgress
from core.schedulers import make_scheduler

Arguments = Callable[[], dict[str, Any]]
UpTo = Callable[[dict[str, Any]], int]
"""The step up to which the first model goes, for its scheduler's configuration."""


def validate_ensemble(request: GenerationRequest, abilities: ModelAbilities) -> None:
    """Refuse a refiner that could not take over; a request without one is fine.

    Raises:
        InvalidRequest: names what stands in its way.
    """
    refinement = request.refinement
    if refinement is None:
        return
    if request.kind is GenerationKind.INPAINTING:
        raise InvalidRequest("A refiner does not finish masks. Leave it out, or clear the mask.")
    if request.first_pass_size is not None or request.tile_overlap or request.branch is not None:
        raise InvalidRequest(
            "A refiner finishes pictures of one pass only, no tiles and no branches. Leave it out."
        )
    steps, all_steps = request.steps_to_run, request.num_inference_steps
    own = steps - round(all_steps * (1 - refinement.start))
    if not 0 < own < steps:
        raise InvalidRequest(
            f"At {refinement.start:g} of {all_steps} steps the refiner leaves one of the two "
            "models none. Let it start elsewhere, or raise steps."
        )


def refiner_for(outfit: Outfit, abilities: ModelAbilities, folders: Iterable[Path]) -> Checkpoint:
    """The model that an outfit's request names as its refiner; nothing is loaded yet.

    Args:
        abilities: Of the first model.
        folders: Where models lie.

    Raises:
        BrokenCheckpoint: there is none of that name.
        InvalidRequest: it is no refiner for that family, or could not make this picture.
    """
    refinement = outfit.request.refinement
    assert refinement is not None  # it is why we are here
    found = resolve(refinement.checkpoint, folders)
    if found.abilities.family != abilities.refined_by:
        raise InvalidRequest(
            f"“{found.name}” is no refiner for pictures of {abilities.family}. Choose another one."
        )
    _for_refiner(outfit, refinement).request.validate(found.abilities)
    return found


@dataclass(frozen=True, eq=False)
class HalfDone:
    """What the first model leaves.

    Attributes:
        state: Its run after its last step.
        facts: Of the model, and of what saved memory.
    """

    state: StepState
    facts: dict[str, Any]


def in_ensemble(
    outfit: Outfit,
    listener: Listener,
    begin: Callable[[Outfit, UpTo, Listener], HalfDone],
    finish: Callable[[Outfit, Arguments, Listener], GenerationResult],
) -> GenerationResult:
    """The picture of a request with a refinement.

    Args:
        listener: Hears of both models as of one run, with the steps of both counted through.
        begin: Runs the first model up to that step, and gives what is there then.
        finish: Runs the refiner; it takes these arguments besides the request's own.

    Raises:
        KnownError, GenerationCancelled: as these two.
    """
    request, refinement = outfit.request, outfit.request.refinement
    assert refinement is not None  # it is why we are here
    started = time.perf_counter()
    hears = _Through(listener)

    def up_to(config: dict[str, Any]) -> int:
        return request.steps_to_run - _refining_steps(request, refinement, config)

    half = begin(outfit, up_to, hears)
    hears.go_on(half.state.step)
    refined = finish(
        _for_refiner(outfit, refinement), lambda: _taking_over(half, refinement), hears
    )
    return replace(
        refined,
        request=outfit.asked,
        seconds=time.perf_counter() - started,
        steps=half.state.step + refined.steps,
        facts={
            **half.facts,
            **outfit.facts,
            **{name: refined.facts[name] for name in _ABOUT_RUN if name in refined.facts},
            **_savings(half.facts, refined.facts),
            "refiner_hash": refined.facts.get("model_hash", ""),
        },
    )


_ABOUT_RUN = ("denoising_size", "stopped_at_step")


def _savings(*of_models: dict[str, Any]) -> dict[str, Any]:
    """What saved memory in the run of either model."""
    names = [name for facts in of_models for name in facts.get("memory_savings", ())]
    return {"memory_savings": list(dict.fromkeys(names))} if names else {}


def _refining_steps(
    request: GenerationRequest, refinement: Refinement, config: dict[str, Any]
) -> int:
    """How many steps are left for the refiner, as `get_timesteps` of its pipeline counts them."""
    scheduler = make_scheduler(request.scheduler, config, request.num_inference_steps)
    scheduler.set_timesteps(request.num_inference_steps)
    noise_levels = scheduler.config.num_train_timesteps
    below = noise_levels - refinement.start * noise_levels
    left = int((scheduler.timesteps < round(below)).sum())
    left = min(max(left, 1), (request.steps_to_run - 1) * scheduler.order)
    return -(-left // scheduler.order) + (scheduler.order == 2 and left % 2 == 0)


def _for_refiner(outfit: Outfit, refinement: Refinement) -> Outfit:
    """What the refiner is asked for; add-ons are the first model's alone."""
    size = outfit.request.size
    asked = replace(
        outfit.request,
        kind=GenerationKind.IMAGE_TO_IMAGE,
        checkpoint=refinement.checkpoint,
        strength=1.0,
        init_image=np.zeros((size.height, size.width, 3), np.uint8),  # stands for the latents
        addons=(),
        controls=(),
        references=(),
        clip_skip=1,
        freeu=None,
        pag_scale=0.0,
        refinement=None,
    )
    return Outfit(asked, asked)


def _taking_over(half: HalfDone, refinement: Refinement) -> dict[str, Any]:
    """The pipeline's arguments: latents, where to begin, and noise drawn on from where it was."""
    import torch

    generator = torch.Generator("cpu")
    generator.set_state(half.state.generator)
    return {
        "image": half.state.latents.restored(),
        "denoising_start": refinement.start,
        "generator": generator,
    }


class _Through:
    """Passes on what it hears of one model as a part of both.

    The first one is asked for all steps and ends before, so that its own count is the whole's.
    """

    def __init__(self, listener: Listener) -> None:
        self._before = 0
        self._listener = listener
        self.loading_progressed = listener.loading_progressed
        self.memory_ran_short = listener.memory_ran_short
        self.wants_preview = listener.wants_preview

    def go_on(self, steps: int) -> None:
        """The first model is done, after that many steps."""
        self._before = steps

    def step_completed(self, progress: StepProgress) -> None:
        """One denoising step is done, of either model."""
        step, total = self._before + progress.step, self._before + progress.num_steps
        self._listener.step_completed(replace(progress, step=step, num_steps=total))

    def preview_ready(self, frame: PreviewFrame) -> None:
        """A preview of either model."""
        self._listener.preview_ready(replace(frame, step=self._before + frame.step))
