"""A grid: one request with every combination of some values."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.abilities import AddonKind, GenerationKind, InpaintArea, MaskedContent, ModelAbilities
from core.checkpoints import Checkpoint
from core.errors import InvalidRequest
from core.gallery.sheets import Place
from core.inference.axes import LORA, REPLACE, Axis
from core.inference.suiting import suited
from core.prompts import Wildcards, drawn
from core.request import GenerationRequest

MOST_PICTURES = 400


@dataclass(frozen=True)
class Setting:
    """What an axis may be, for one request and model.

    Attributes:
        key: For `Axis.reading`.
        title: As the person reads it.
        example: How values are written.
        choices: All there are to choose from; empty where values are written freely.
    """

    key: str
    title: str
    example: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a grid.

    Attributes:
        place: Section, row and column on the sheet, each from 0.
    """

    place: Place
    request: GenerationRequest
    checkpoint: Checkpoint


def settings_for(
    base: GenerationRequest, abilities: ModelAbilities, models: Sequence[str]
) -> list[Setting]:
    """Those settings that change something in a picture of that kind by that model."""
    masked = base.kind is GenerationKind.INPAINTING
    closely = masked and base.inpaint_area is InpaintArea.ONLY_MASKED
    from_picture = base.kind is not GenerationKind.TEXT_TO_IMAGE
    sizes = not from_picture and base.first_pass_size is None and not base.controls
    offered = (
        (True, Setting("seed", "Seed", "1, 2, 3  or  1-9")),
        (True, Setting("steps", "Steps", "10, 20, 30  or  10-30 (+5)")),
        (abilities.uses_guidance_scale, Setting("guidance", "Guidance", "3, 7.5  or  3-9 (+1.5)")),
        (True, Setting("scheduler", "Scheduler", "Euler, DDIM", abilities.schedulers)),
        (
            from_picture and not abilities.ignores_strength(base.kind),
            Setting("strength", "Strength", "0.3, 0.6  or  0.2-0.8 [4]"),
        ),
        (True, Setting(REPLACE, "Words of the prompt", "red, blue  (the first is replaced)")),
        (True, Setting("prompt", "Prompt", "a cat | a dog in the rain")),
        (
            abilities.uses_negative_prompt,
            Setting("negative", "Negative prompt", "blurry | text, watermark"),
        ),
        (len(models) > 1, Setting("model", "Model", "first, second", tuple(models))),
        (sizes, Setting("size", "Size", "512x512, 512x768")),
        (
            base.first_pass_size is not None,
            Setting("hires_strength", "Second pass strength", "0.3, 0.5  or  0.2-0.8 [4]"),
        ),
        (masked, Setting("feather", "Mask feather", "0, 8, 32")),
        (closely, Setting("padding", "Padding around the mask", "16, 32, 64")),
        (
            masked,
            Setting("content", "Masked content", "original, fill", tuple(map(str, MaskedContent))),
        ),
        (abilities.most_clip_skip > 1, Setting("clip_skip", "Clip skip", "1, 2")),
    )
    loras = (
        Setting(f"{LORA}{addon.name}", f"LoRA {addon.name}", "0, 0.5, 1  or  0-1 [5]")
        for addon in base.addons
        if addon.kind is AddonKind.LORA
    )
    return [*(setting for is_used, setting in offered if is_used), *loras]


def count_of(axes: Sequence[Axis]) -> int:
    """How many pictures the axes mean.

    Raises:
        InvalidRequest: too many, or one setting twice.
    """
    count = 1
    for axis in axes:
        count *= len(axis.values)
    if count > MOST_PICTURES:
        raise InvalidRequest(f"That is {count} pictures; a grid has {MOST_PICTURES} at most.")
    fields = [axis.field for axis in axes if axis.field]
    if len(set(fields)) < len(fields):
        raise InvalidRequest("Two axes are the same setting. Choose another for one of them.")
    return count


def cells_of(
    base: GenerationRequest,
    checkpoint: Checkpoint,
    axes: tuple[Axis, Axis, Axis],
    find: Callable[[str], Checkpoint],
    wildcards: Wildcards,
) -> list[Cell]:
    """Every picture of a grid, all of them checked before the first step.

    Args:
        base: What the axes leave alone.
        axes: Of the sections, the rows and the columns.
        find: The model of a name; raises a KnownError where there is none.
        wildcards: For alternatives, which each picture draws by its own seed.

    Returns:
        Model by model, so that each is loaded once.

    Raises:
        InvalidRequest: too many pictures, or one that the model cannot make.
        KnownError: as `find`.
    """
    count_of(axes)
    models = {name: find(name) for axis in axes for name in axis.models}
    cells = []
    for z, y, x in itertools.product(*(range(len(axis.values)) for axis in axes)):
        request = base
        for axis, place in zip(axes, (z, y, x), strict=True):
            request = axis.put(request, place)
        model = models.get(request.checkpoint, checkpoint)
        request = _settled(replace(request, checkpoint=model.name), base, checkpoint, model)
        request = drawn(replace(request, id=uuid.uuid4().hex), wildcards)
        request.validate(model.abilities)
        cells.append(Cell((z, y, x), request, model))
    return sorted(cells, key=lambda cell: cell.checkpoint.name)


def _settled(
    request: GenerationRequest, base: GenerationRequest, own: Checkpoint, model: Checkpoint
) -> GenerationRequest:
    """The request with what follows from its values: the size to work at, another model's ways."""
    shapes = ("size", "inpaint_area", "area_padding")
    moved = any(getattr(request, name) != getattr(base, name) for name in shapes)
    if model is own and not moved:
        return request
    from core.masks import with_denoising_size  # opencv; not for a refusal

    return with_denoising_size(suited(request, model.abilities), model.abilities)
