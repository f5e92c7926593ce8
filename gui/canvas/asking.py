"""What Generate would do with the canvas as it is, and the request that says so."""

from __future__ import annotations

import numpy as np

from core.abilities import GenerationKind
from core.canvas.document import Document
from core.checkpoints import Checkpoint
from core.geometry import Rect, Size
from core.request import GenerationRequest, Pixels
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
    if kind is GenerationKind.TEXT_TO_IMAGE:
        plan = "Makes a new picture in the frame."
    elif kind is GenerationKind.IMAGE_TO_IMAGE:
        plan = "Starts from what the frame shows."
    elif reaches_out:
        plan = "Paints on beyond the picture's edge."
    elif document.mask_touches(document.frame):
        plan = "Repaints the mask; nothing else changes."
    else:
        plan = "Needs a mask: paint over what should change (M)."
    return plan, _size_note(document.frame.size, checkpoint), kind != GenerationKind.TEXT_TO_IMAGE


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
    request = GenerationRequest(
        kind=kind,
        checkpoint=checkpoint.name,
        prompt=sampling.prompt.strip(),
        negative_prompt=sampling.negative_prompt.strip(),
        scheduler=sampling.scheduler,
        num_inference_steps=sampling.num_inference_steps,
        guidance_scale=sampling.guidance_scale,
        strength=sampling.strength,
        seed=sampling.seed,
        size=size,
        denoising_size=checkpoint.abilities.denoising_size(size),
        frame=frame,
        init_image=_picture(document, frame) if starts_from_pixels else None,
        mask_image=_mask(document, frame) if kind is GenerationKind.INPAINTING else None,
        mask_feather=max(2, min(size) // FEATHER_SHARE),
    )
    request.validate(checkpoint.abilities)
    return request


def frame_about_centre(frame: Rect, size: Size, canvas: Size) -> Rect:
    """A frame of `size` about the old one's centre, on the canvas if it fits there."""
    x = frame.x + (frame.width - size.width) // 2
    y = frame.y + (frame.height - size.height) // 2
    if size.width <= canvas.width:
        x = min(max(x, 0), canvas.width - size.width)
    if size.height <= canvas.height:
        y = min(max(y, 0), canvas.height - size.height)
    return Rect(x, y, size.width, size.height)


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


def _mask(document: Document, frame: Rect) -> Pixels:
    """The mask in the frame; all that lies beyond the picture is to be painted."""
    mask = np.full((frame.height, frame.width), 255, np.uint8)
    within = frame.intersected(Rect.of_size(document.size))
    if not within.is_empty:
        rows, columns = within.translated(-frame.x, -frame.y).slices()
        mask[rows, columns] = document.mask_pixels(within)
    return mask


def _size_note(size: Size, checkpoint: Checkpoint | None) -> str:
    if checkpoint is None:
        return ""
    denoising = checkpoint.abilities.denoising_size(size)
    if denoising == size:
        return ""
    return f"The model works at {denoising}; the pixels are scaled there and back."
