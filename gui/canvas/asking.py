"""What Generate would do with the canvas as it is, and the request that says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core.abilities import AddonKind, GenerationKind, InpaintArea, ModelAbilities
from core.addon import Addon, Control, Reference, Refinement
from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.geometry import Rect, Size
from core.inference.batches import batched
from core.masks import crop_rect, effective_mask, with_denoising_size
from core.prompts import Wildcards, drawn
from core.request import GenerationRequest, Pixels
from gui.leads import lead_of
from gui.references import covering_picture, reference_picture
from gui.sampling import Mode, Sampling

FEATHER_SHARE = 32
"""The soft edge of a mask is one part in this many of the frame's shorter side."""


def kind_of(document: Document, mode: Mode) -> GenerationKind:
    """The kind of generation that a mode means for the canvas as it is.

    Auto repaints if the mask touches the frame or the frame reaches over the picture's edge,
    else makes a new picture; it never starts from the canvas by itself.
    """
    if mode is Mode.FROM_CANVAS:
        return GenerationKind.IMAGE_TO_IMAGE
    if mode is Mode.MASKED or (mode is Mode.AUTO and _asks_for_repainting(document)):
        return GenerationKind.INPAINTING
    return GenerationKind.TEXT_TO_IMAGE


def plan_of(
    document: Document, sampling: Sampling, checkpoint: Checkpoint | None
) -> tuple[str, str, bool]:
    """One line about what Generate would do, one about the size, and whether strength is used."""
    kind = kind_of(document, sampling.mode)
    reaches_out = not Rect.of_size(document.size).contains(document.frame)
    if checkpoint is not None and kind not in checkpoint.abilities.kinds:
        plan = f"“{checkpoint.name}” cannot do {kind}; choose another mode or model."
    elif kind is GenerationKind.TEXT_TO_IMAGE:
        plan = "Makes a new picture in the frame."
    elif kind is GenerationKind.IMAGE_TO_IMAGE:
        plan = "Starts from what the frame shows."
    elif reaches_out:
        plan = "Paints on beyond the picture's edge."
    elif document.mask_touches(document.frame):
        plan = _repainting(document, checkpoint)
    else:
        plan = "Needs a mask: paint over what should change."
    uses_strength = kind is not GenerationKind.TEXT_TO_IMAGE and not (
        checkpoint is not None and checkpoint.abilities.ignores_strength(kind)
    )
    plan = f"{plan} {_together_note(document, sampling, checkpoint)}".rstrip()
    return plan, _size_note(document, sampling, checkpoint), uses_strength


def ways_of(
    document: Document, sampling: Sampling, checkpoint: Checkpoint | None
) -> tuple[bool, bool]:
    """Whether Generate would repaint a mask; whether it could make its picture in two passes."""
    kind = kind_of(document, sampling.mode)
    enlarges = kind is GenerationKind.TEXT_TO_IMAGE and checkpoint is not None
    first = _first_pass_size(document.frame.size, checkpoint) if enlarges else None
    return kind is GenerationKind.INPAINTING, first is not None


def request_for(
    document: Document, sampling: Sampling, checkpoint: Checkpoint
) -> GenerationRequest:
    """Everything the next generation needs, taken from the models and checked.

    Raises:
        InvalidRequest: what cannot be done, in words.
    """
    kind = kind_of(document, sampling.mode)
    frame, size = document.frame, document.frame.size
    starts_from_pixels = kind is not GenerationKind.TEXT_TO_IMAGE
    abilities = checkpoint.abilities
    negative = sampling.negative_prompt.strip() if abilities.uses_negative_prompt else ""
    guidance = abilities if not abilities.uses_guidance_scale else sampling
    request = GenerationRequest(
        kind=kind,
        checkpoint=checkpoint.name,
        prompt=sampling.prompt.strip(),
        negative_prompt=negative,
        scheduler=sampling.scheduler,
        num_inference_steps=sampling.num_inference_steps,
        guidance_scale=guidance.guidance_scale,
        strength=1.0 if abilities.ignores_strength(kind) else sampling.strength,
        seed=sampling.seed,
        size=size,
        denoising_size=size,
        frame=frame,
        init_image=_picture(document, frame) if starts_from_pixels else None,
        mask_image=mask_in(document, frame) if kind is GenerationKind.INPAINTING else None,
        mask_feather=max(2, min(size) // FEATHER_SHARE),
        inpaint_area=sampling.inpaint_area,
        area_padding=sampling.area_padding,
        masked_content=sampling.masked_content,
        first_pass_size=None if starts_from_pixels else _passes(sampling, size, checkpoint),
        hires_strength=sampling.hires_strength,
        refinement=_refinement(sampling, size, checkpoint, kind),
        **chosen_addons(document, sampling, abilities),
    )
    request = with_denoising_size(request, abilities)
    request.validate(checkpoint.abilities)
    return request


def requests_for(
    document: Document, sampling: Sampling, checkpoint: Checkpoint, wildcards: Wildcards
) -> list[GenerationRequest]:
    """One request for each picture of a start, with seeds seed, seed + 1, …, each drawing its own.

    Where they are to be drawn together, there is one for each batch.

    Raises:
        InvalidRequest: what cannot be done, in words.
    """
    first = request_for(document, sampling, checkpoint)
    seeds = range(first.seed + 1, first.seed + sampling.count)
    requests = [drawn(each, wildcards) for each in (first, *map(first.with_seed, seeds))]
    return batched(requests, checkpoint.abilities) if sampling.draws_together else requests


def frame_about_centre(frame: Rect, size: Size, canvas: Size) -> Rect:
    """A frame of `size` about the old one's centre, on the canvas if it fits there."""
    x = frame.x + (frame.width - size.width) // 2
    y = frame.y + (frame.height - size.height) // 2
    if size.width <= canvas.width:
        x = min(max(x, 0), canvas.width - size.width)
    if size.height <= canvas.height:
        y = min(max(y, 0), canvas.height - size.height)
    return Rect(x, y, size.width, size.height)


def chosen_addons(
    document: Document, sampling: Sampling, abilities: ModelAbilities
) -> dict[str, Any]:
    """What the model takes of the add-ons that are on."""
    used = [
        addon
        for addon in sampling.addons
        if addon.kind in abilities.addons and (addon.kind, addon.name) not in sampling.unfit_addons
    ]
    led = [addon for addon in used if addon.kind is AddonKind.CONTROLNET]
    reading = [addon for addon in used if addon.kind is AddonKind.IP_ADAPTER]
    return {
        "addons": tuple(addon for addon in used if addon not in (*led, *reading)),
        "controls": tuple(_controls(led, document, sampling)),
        "references": tuple(each for addon in reading for each in _references(addon, sampling)),
        "pag_scale": sampling.pag_scale if abilities.pag_scale else 0.0,
        "clip_skip": min(sampling.clip_skip, abilities.most_clip_skip),
        "freeu": sampling.freeu if abilities.freeu is not None else None,
    }


def _refinement(
    sampling: Sampling, size: Size, checkpoint: Checkpoint, kind: GenerationKind
) -> Refinement | None:
    """Masks, and pictures of two passes, are finished by the model that began them."""
    if not (sampling.refiner and checkpoint.abilities.refined_by):
        return None
    in_two = kind is GenerationKind.TEXT_TO_IMAGE and _passes(sampling, size, checkpoint)
    if kind is GenerationKind.INPAINTING or in_two:
        return None
    return Refinement(sampling.refiner, sampling.refiner_start)


def _controls(led: Sequence[Addon], document: Document, sampling: Sampling) -> Iterator[Control]:
    """Each follows a picture of its own, or all the same of the canvas."""
    frame = document.frame
    leads = [lead_of(addon.name, sampling.leads) for addon in led]
    shown = None if all(lead.picture for lead in leads) else _picture(document, frame)
    for addon, lead in zip(led, leads, strict=True):
        picture = covering_picture(lead.picture, frame.size) if lead.picture else shown
        preprocessor = "canny" if lead.edges else "none"
        yield Control(addon.name, picture, addon.weight, preprocessor=preprocessor)


def _references(addon: Addon, sampling: Sampling) -> Iterator[Reference]:
    """One for each picture; one without, which is refused in words, where none was given."""
    for file in sampling.references.get(addon.name) or (None,):
        picture = None if file is None else reference_picture(file)
        yield Reference(addon.name, picture, addon.weight)


def _asks_for_repainting(document: Document) -> bool:
    inside = Rect.of_size(document.size).contains(document.frame)
    return not inside or document.mask_touches(document.frame)


def _picture(document: Document, frame: Rect) -> Pixels:
    """What the frame shows, on white; beyond the picture its edge goes on."""
    within = frame.intersected(Rect.of_size(document.size))
    if within.is_empty:
        return np.full((frame.height, frame.width, 3), 255, np.uint8)
    premultiplied = document.flatten(within)
    paper = 255 - premultiplied[..., 3:]
    pixels = premultiplied[..., :3] + paper
    margins = (
        (within.y - frame.y, frame.bottom - within.bottom),
        (within.x - frame.x, frame.right - within.right),
        (0, 0),
    )
    return np.ascontiguousarray(np.pad(pixels, margins, mode="edge"))


def mask_in(document: Document, frame: Rect) -> Pixels:
    """The mask in the frame; all that lies beyond the picture is to be painted."""
    mask = np.full((frame.height, frame.width), 255, np.uint8)
    within = frame.intersected(Rect.of_size(document.size))
    if not within.is_empty:
        rows, columns = within.translated(-frame.x, -frame.y).slices()
        mask[rows, columns] = document.mask_pixels(within)
    return mask


def _passes(sampling: Sampling, size: Size, checkpoint: Checkpoint) -> Size | None:
    return _first_pass_size(size, checkpoint) if sampling.hires else None


def _first_pass_size(size: Size, checkpoint: Checkpoint | None) -> Size | None:
    """The size of the first of two passes; None where two make no sense or cannot be made."""
    if checkpoint is None or GenerationKind.IMAGE_TO_IMAGE not in checkpoint.abilities.kinds:
        return None
    return checkpoint.abilities.first_pass_size(size)


def _repainting(document: Document, checkpoint: Checkpoint | None) -> str:
    """What becomes of the mask, whose greys not every model can follow."""
    if checkpoint is not None and not checkpoint.abilities.soft_masks:
        mask = mask_in(document, document.frame)
        if ((mask > 0) & (mask < 255)).any():
            return "Repaints where the mask is half or more; this model knows no softer ones."
    return "Repaints the mask and nothing else."


def _together_note(document: Document, sampling: Sampling, checkpoint: Checkpoint | None) -> str:
    """That several are drawn at once, where they are."""
    if checkpoint is None or sampling.count < 2 or not sampling.draws_together:
        return ""
    kind, size = kind_of(document, sampling.mode), document.frame.size
    in_two = kind is GenerationKind.TEXT_TO_IMAGE and _passes(sampling, size, checkpoint)
    if in_two or _refinement(sampling, size, checkpoint, kind):
        return ""
    able = checkpoint.abilities.draws_together
    return f"Draws {sampling.count} together, which may differ slightly." if able else ""


def _size_note(document: Document, sampling: Sampling, checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return ""
    kind, size = kind_of(document, sampling.mode), document.frame.size
    denoising = checkpoint.abilities.denoising_size(size)
    if kind is GenerationKind.INPAINTING and sampling.inpaint_area is InpaintArea.ONLY_MASKED:
        return _closeup_note(document, sampling, checkpoint)
    if kind is GenerationKind.TEXT_TO_IMAGE:
        first = _passes(sampling, size, checkpoint)
        if first is not None:
            return f"First at {first}, then at {denoising}."
    if denoising == size:
        return ""
    return f"The model works at {denoising}; the pixels are scaled there and back."


def _closeup_note(document: Document, sampling: Sampling, checkpoint: Checkpoint) -> str:
    mask = effective_mask(mask_in(document, document.frame), checkpoint.abilities)
    part = crop_rect(mask, sampling.area_padding, checkpoint.abilities.size_multiple).size
    if part.is_empty:
        return ""
    return f"{part} around the mask, made at {checkpoint.abilities.closeup_size(part)}."
