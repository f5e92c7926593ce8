"""The place where the next picture leaves the run of another, and the request that says so."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import Any

from core.abilities import GenerationKind, InpaintArea
from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.errors import InvalidRequest
from core.inference.branching import validate_branch
from core.prompts import Wildcards, drawn
from core.request import Branch, GenerationRequest, Pixels
from core.schedulers import draws_noise
from gui.canvas.asking import chosen_addons, mask_in
from gui.jobs import Job
from gui.sampling import Sampling

BEGIN = 24
"""Characters of a prompt that tell which picture is meant."""


@dataclass(frozen=True)
class Branching:
    """A step of a run from which the next picture shall go on.

    Attributes:
        job: The run's; where its picture stands, the new one will stand too.
        parent: The run, its id that of its picture in the gallery.
        step: After which of its steps.
    """

    job: Job
    parent: GenerationRequest
    step: int

    @property
    def words(self) -> str:
        """Which step of which picture."""
        prompt = " ".join((self.parent.written_prompt or self.parent.prompt).split())
        short = prompt if len(prompt) <= BEGIN else f"{prompt[: BEGIN - 1].rstrip()}…"
        return f"From step {self.step} of {self.parent.steps_to_run}: {short}"

    @property
    def plan(self) -> str:
        """What Generate would do."""
        free = "prompt, guidance and seed"
        if not draws_noise(self.parent.scheduler):
            free = "prompt and guidance; its seed stays"
        return f"Goes on from step {self.step} of that run, with the present {free}."

    def requests_for(
        self,
        document: Document,
        sampling: Sampling,
        checkpoint: Checkpoint,
        wildcards: Wildcards,
    ) -> list[GenerationRequest]:
        """As `gui.canvas.asking.requests_for`: what the panel says, begun at that step.

        Where the scheduler draws no more noise, there is one picture, of the parent's seed.

        Raises:
            InvalidRequest: what a branch cannot change, in words.
        """
        if not draws_noise(sampling.scheduler):
            sampling.seed = self.parent.seed
        first = self._request(document, sampling, checkpoint)
        first.validate(checkpoint.abilities)
        validate_branch(first, checkpoint.abilities)
        count = sampling.count if draws_noise(sampling.scheduler) else 1
        seeds = range(first.seed + 1, first.seed + count)
        return [drawn(each, wildcards) for each in (first, *map(first.with_seed, seeds))]

    def _request(
        self, document: Document, sampling: Sampling, checkpoint: Checkpoint
    ) -> GenerationRequest:
        parent, abilities = self.parent, checkpoint.abilities
        if parent.size != self.job.rect.size:
            raise InvalidRequest(
                f"A branch keeps the size of its run: {parent.size}, not {self.job.rect.size}."
            )
        uses_strength = parent.kind in abilities.strength_kinds
        return replace(
            parent,
            id=uuid.uuid4().hex,
            checkpoint=checkpoint.name,
            prompt=sampling.prompt.strip(),
            negative_prompt=sampling.negative_prompt.strip()
            if abilities.uses_negative_prompt
            else "",
            written_prompt="",
            written_negative_prompt="",
            scheduler=sampling.scheduler,
            num_inference_steps=sampling.num_inference_steps,
            guidance_scale=sampling.guidance_scale
            if abilities.uses_guidance_scale
            else abilities.guidance_scale,
            strength=sampling.strength if uses_strength else parent.strength,
            seed=sampling.seed,
            frame=self.job.rect,
            mask_image=self._mask(document),
            parent_ids=(parent.id,),
            branch=Branch.of(parent, self.step),
            **self._addons(document, sampling, checkpoint),
        )

    def _mask(self, document: Document) -> Pixels | None:
        """The mask as it is now; that of the parent where there is none, or where it must stay."""
        parent, rect = self.parent, self.job.rect
        may_change = (
            parent.kind is GenerationKind.INPAINTING
            and parent.inpaint_area is InpaintArea.WHOLE_PICTURE
            and self.job.document is document
            and document.mask_touches(rect)
        )
        return mask_in(document, rect) if may_change else parent.mask_image

    def _addons(
        self, document: Document, sampling: Sampling, checkpoint: Checkpoint
    ) -> dict[str, Any]:
        """As chosen now; a ControlNet goes on with the picture that led the parent."""
        chosen = chosen_addons(document, sampling, checkpoint.abilities)
        led = {control.name: control.image for control in self.parent.controls}
        chosen["controls"] = tuple(
            replace(control, image=led.get(control.name, control.image))
            for control in chosen["controls"]
        )
        return chosen
