"""One generation, asked for: a frozen value that holds everything, so that it can be made again."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.abilities import (
    FreeU,
    GenerationKind,
    InpaintArea,
    MaskedContent,
    ModelAbilities,
    require_range,
)
from core.addon import Addon, AddonChoices, Control, Reference, Refinement
from core.errors import InvalidRequest
from core.geometry import Rect, Size

SCHEMA = 1
MAX_SEED = 2**32 - 1
MAX_STEPS = 200
MAX_GUIDANCE = 50.0
MAX_PROMPT_CHARACTERS = 100_000
HALF = 128
"""The least grey of a mask that repaints, for models that know only black and white."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class GenerationRequest:
    """Everything one generation needs; nobody looks at a widget or a setting after it is built.

    Attributes:
        checkpoint: The model's name, as `core.checkpoints` found it.
        size: Size of the finished picture in pixels.
        denoising_size: Size the model works at; the pixels are scaled there and back when it
            differs from `size`. Of `InpaintArea.ONLY_MASKED`, the size of the part.
        strength: 0 to 1, how far from `init_image`; runs ``int(steps * strength)`` steps. Not
            used by text-to-image.
        seed: 0 to 2**32 - 1, always concrete.
        frame: Where on the canvas the picture was asked for, in document pixels.
        init_image: uint8 array of shape (size.height, size.width, 3), sRGB.
        mask_image: uint8 array of shape (size.height, size.width); 255 repaints, 0 keeps, between:
            how far (see `ModelAbilities.soft_masks`).
        mask_feather: Width in pixels of the soft edge, which lies inside the mask.
        inpaint_area: Whether the model sees the whole picture or the mask's surroundings enlarged.
        area_padding: Pixels around the mask that `InpaintArea.ONLY_MASKED` shows the model.
        masked_content: What the mask covers at the start: the picture itself, the colours around
            it, or coloured noise.
        first_pass_size: Of text-to-image in two passes, the size of the first; the second makes
            more of it at `denoising_size`. None for a single pass.
        hires_strength: 0 to 1, how far the second pass may go from the first.
        tile_overlap: Of an image-to-image in tiles of `denoising_size`, the pixels in which they
            are mixed; `init_image` may be of any size then. 0 for a picture made as a whole.
        written_prompt, written_negative_prompt: What was typed, where alternatives were drawn to
            make of it what is sent (see `core.prompts.alternatives`); else empty.
        addons: Files to put on the model, as `core.addon` says; more may be named in the prompt.
        controls, clip_skip, freeu, references, pag_scale, refinement: As in `AddonChoices`.
        parent_ids: Gallery items that `init_image` came from.
        branch: Where the run leaves another one; None for a run from noise or `init_image`.
        together: Seeds of the pictures computed in one batch with this one, its own included
            (see `core.inference.batches`); empty for a picture by itself.
    """

    kind: GenerationKind = GenerationKind.TEXT_TO_IMAGE
    checkpoint: str
    prompt: str
    negative_prompt: str = ""
    written_prompt: str = ""
    written_negative_prompt: str = ""
    scheduler: str = "Euler"
    num_inference_steps: int = 20
    guidance_scale: float = 7.5
    strength: float = 0.75
    seed: int = 0
    size: Size
    denoising_size: Size
    frame: Rect | None = None
    init_image: Pixels | None = None
    mask_image: Pixels | None = None
    mask_feather: int = 8
    inpaint_area: InpaintArea = InpaintArea.WHOLE_PICTURE
    area_padding: int = 32
    masked_content: MaskedContent = MaskedContent.ORIGINAL
    first_pass_size: Size | None = None
    hires_strength: float = 0.5
    tile_overlap: int = 0
    addons: tuple[Addon, ...] = ()
    controls: tuple[Control, ...] = ()
    clip_skip: int = 1
    freeu: FreeU | None = None
    references: tuple[Reference, ...] = ()
    pag_scale: float = 0.0
    refinement: Refinement | None = None
    parent_ids: tuple[str, ...] = ()
    branch: Branch | None = None
    together: tuple[int, ...] = ()
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        for pixels in (self.init_image, self.mask_image):
            if pixels is not None:
                pixels.flags.writeable = False

    @property
    def steps_to_run(self) -> int:
        """Denoising steps that strength leaves of `num_inference_steps`, as diffusers counts."""
        if self.kind is GenerationKind.TEXT_TO_IMAGE:
            return self.num_inference_steps
        return min(int(self.num_inference_steps * self.strength), self.num_inference_steps)

    @property
    def hires_steps(self) -> int:
        """Denoising steps of the second pass; 0 without one."""
        if self.first_pass_size is None:
            return 0
        return min(int(self.num_inference_steps * self.hires_strength), self.num_inference_steps)

    @property
    def inputs(self) -> tuple[Pixels | None, ...]:
        """Every picture that the result is made from, kept with it so that it can be made again."""
        led_by = [control.image for control in self.controls]
        led_by += [reference.image for reference in self.references]
        before = () if self.branch is None else self.branch.parent.inputs
        return (self.init_image, self.mask_image, *led_by, *before)

    @property
    def first_seed(self) -> int:
        """The seed that the run's very first noise is drawn from: of a branch, its parent's."""
        return self.seed if self.branch is None else self.branch.parent.first_seed

    @property
    def addon_choices(self) -> AddonChoices:
        """What is put on the model for this picture."""
        names = (each.name for each in fields(AddonChoices))
        return AddonChoices(**{name: getattr(self, name) for name in names})

    def with_seed(self, seed: int) -> GenerationRequest:
        """The same request for another seed, with an id of its own."""
        seed %= MAX_SEED + 1
        together = self.together if seed in self.together else ()
        return replace(self, seed=seed, together=together, id=uuid.uuid4().hex)

    def validate(self, abilities: ModelAbilities) -> None:
        """Refuse what the model could not carry out, before the first step.

        Raises:
            InvalidRequest: names the value received and what would be accepted.
        """
        self._validate_numbers()
        self._validate_prompt()
        self._validate_for_model(abilities)
        self._validate_unused(abilities)
        self._validate_pixels(abilities)
        self._validate_passes(abilities)
        second = (GenerationKind.IMAGE_TO_IMAGE,) if self.first_pass_size is not None else ()
        self.addon_choices.validate(abilities, (self.kind, *second))

    def _validate_numbers(self) -> None:
        require_range("Steps", self.num_inference_steps, 1, MAX_STEPS)
        require_range("Guidance scale", self.guidance_scale, 0.0, MAX_GUIDANCE)
        require_range("Strength", self.strength, 0.0, 1.0)
        require_range("Seed", self.seed, 0, MAX_SEED)
        require_range("Mask feather", self.mask_feather, 0, 1024)
        require_range("Padding of the masked area", self.area_padding, 0, 4096)
        require_range("Strength of the second pass", self.hires_strength, 0.0, 1.0)
        if self.steps_to_run < 1:
            raise _no_step("Strength", self.strength, self.num_inference_steps)

    def _validate_prompt(self) -> None:
        if not self.prompt.strip():
            raise InvalidRequest("The prompt is empty. Write what the picture should show.")
        if max(len(self.prompt), len(self.negative_prompt)) > MAX_PROMPT_CHARACTERS:
            raise InvalidRequest(
                f"The prompt is longer than {MAX_PROMPT_CHARACTERS:,} characters. Shorten it."
            )

    def _validate_for_model(self, abilities: ModelAbilities) -> None:
        if self.kind not in abilities.kinds:
            works = ", ".join(sorted(abilities.kinds))
            raise InvalidRequest(
                f"The model “{self.checkpoint}” cannot do {self.kind}. It does: {works}."
            )
        if self.scheduler not in abilities.schedulers:
            raise InvalidRequest(
                f"“{self.scheduler}” is not a scheduler of this model. "
                f"Known: {', '.join(abilities.schedulers)}."
            )
        abilities.validate_size(self.size, self.denoising_size)

    def _validate_unused(self, abilities: ModelAbilities) -> None:
        """A value that would change nothing is not written into a record as if it did."""
        if self.negative_prompt and not abilities.uses_negative_prompt:
            raise InvalidRequest(
                f"The model “{self.checkpoint}” reads no negative prompt. Leave it empty."
            )
        own = abilities.guidance_scale
        if not abilities.uses_guidance_scale and self.guidance_scale != own:
            raise InvalidRequest(
                f"The model “{self.checkpoint}” works without guidance. Leave it at {own:g}."
            )
        if abilities.ignores_strength(self.kind) and self.strength != 1.0:
            raise InvalidRequest(
                f"The model “{self.checkpoint}” repaints the mask from noise alone, whatever the "
                "strength. Set it to 1."
            )

    def _validate_passes(self, abilities: ModelAbilities) -> None:
        if self.first_pass_size is None:
            return
        if self.kind is not GenerationKind.TEXT_TO_IMAGE:
            raise InvalidRequest(f"Two passes are for text-to-image, not for {self.kind}.")
        if GenerationKind.IMAGE_TO_IMAGE not in abilities.kinds:
            raise InvalidRequest(
                f"The model “{self.checkpoint}” cannot do image-to-image, which the second pass "
                "needs. Choose another model, or a single pass."
            )
        if self.hires_steps < 1:
            raise _no_step("Second pass strength", self.hires_strength, self.num_inference_steps)
        abilities.validate_size(self.size, self.first_pass_size)

    def _validate_pixels(self, abilities: ModelAbilities) -> None:
        needs_image = self.kind is not GenerationKind.TEXT_TO_IMAGE
        if needs_image and self.init_image is None:
            raise InvalidRequest(f"{self.kind.capitalize()} needs a picture to start from.")
        if self.kind is GenerationKind.INPAINTING:
            if self.mask_image is None:
                raise InvalidRequest("Inpainting needs a mask. Paint over what should change.")
            if not self.mask_image.any():
                raise InvalidRequest("The mask is empty. Paint over what should change.")
            if not abilities.soft_masks and self.mask_image.max() < HALF:
                raise InvalidRequest(
                    "The mask is nowhere more than half, and this model repaints only from half "
                    "up. Paint it stronger."
                )
        whole = None if self.tile_overlap else self.init_image
        for name, pixels in (("picture", whole), ("mask", self.mask_image)):
            if pixels is not None and pixels.shape[:2] != (self.size.height, self.size.width):
                height, width = pixels.shape[:2]
                raise InvalidRequest(
                    f"The {name} is {Size(width, height)} pixels but the request is for "
                    f"{self.size}. Give a {name} of the same size."
                )

    def to_dict(self) -> dict[str, Any]:
        """The request as JSON data; pixels appear as their digests (see `pixel_digest`)."""
        record = {f.name: getattr(self, f.name) for f in fields(self)}
        record |= self.addon_choices.to_dict(pixel_digest) | {
            "schema": SCHEMA,
            "kind": str(self.kind),
            "size": list(self.size),
            "denoising_size": list(self.denoising_size),
            "frame": None if self.frame is None else list(self.frame),
            "parent_ids": list(self.parent_ids),
            "together": list(self.together),
            "branch": None if self.branch is None else self.branch.to_dict(),
            "init_image": pixel_digest(self.init_image),
            "mask_image": pixel_digest(self.mask_image),
            "inpaint_area": str(self.inpaint_area),
            "masked_content": str(self.masked_content),
            "first_pass_size": None if self.first_pass_size is None else list(self.first_pass_size),
        }
        return record

    @classmethod
    def from_dict(
        cls, record: dict[str, Any], pixels: Callable[[str], Pixels] | None = None
    ) -> GenerationRequest:
        """Read back what `to_dict` wrote.

        Args:
            record: JSON data; keys this version does not know are left out.
            pixels: Finds an image by its digest. Without it, or when it raises `KeyError`, the
                request comes back without its images.

        Raises:
            InvalidRequest: the record is from a newer Sfumato, or is damaged.
        """
        schema = record.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise InvalidRequest(
                f"This record has schema {schema!r}; this Sfumato reads up to {SCHEMA}. Update it."
            )
        try:
            return cls(**_values(cls, record, pixels))
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError) as error:
            raise InvalidRequest(f"The record of this picture is damaged: {error}.") from error


@dataclass(frozen=True, eq=False)
class Branch:
    """Where a run leaves another one: it begins with what that one had after one of its steps.

    Attributes:
        parent: The other run, in full, so that its steps can be done again.
        step: After how many of its denoising steps; from 1 to the last but one.
    """

    parent: GenerationRequest
    step: int

    @classmethod
    def of(cls, parent: GenerationRequest, step: int) -> Branch:
        """The same place, told by the run that it belongs to where `parent` is a branch itself."""
        while parent.branch is not None and step <= parent.branch.step:
            parent = parent.branch.parent
        return cls(parent, step)

    def to_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {"step": self.step, "parent": self.parent.to_dict()}


def pixel_digest(pixels: Pixels | None) -> str | None:
    """SHA-256 of shape and bytes, as hex: the name under which the gallery keeps an input."""
    if pixels is None:
        return None
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


_TEXTS = (
    "prompt", "negative_prompt", "written_prompt", "written_negative_prompt", "checkpoint",
    "scheduler", "id",
)  # fmt: skip
_NUMBERS: dict[str, type] = {
    "num_inference_steps": int,
    "guidance_scale": float,
    "strength": float,
    "seed": int,
    "mask_feather": int,
    "area_padding": int,
    "hires_strength": float,
    "tile_overlap": int,
}

_WORDS: dict[str, type[StrEnum]] = {"inpaint_area": InpaintArea, "masked_content": MaskedContent}


def _values(
    cls: type, record: dict[str, Any], pixels: Callable[[str], Pixels] | None
) -> dict[str, Any]:
    known = {f.name for f in fields(cls)}
    values = {name: value for name, value in record.items() if name in known}
    values["kind"] = GenerationKind(values["kind"])
    values["size"] = Size(*map(int, values["size"]))
    values["denoising_size"] = Size(*map(int, values["denoising_size"]))
    frame = values.get("frame")
    values["frame"] = None if frame is None else Rect(*map(int, frame))
    first = values.get("first_pass_size")
    values["first_pass_size"] = None if first is None else Size(*map(int, first))
    for name, words in _WORDS.items():
        if name in values:
            values[name] = words(values[name])
    values["parent_ids"] = tuple(map(str, values.get("parent_ids", ())))
    values["together"] = tuple(map(int, values.get("together", ())))
    for name, number in _NUMBERS.items():
        if name in values:
            values[name] = number(values[name])
    for name in _TEXTS:
        if not isinstance(values.get(name, ""), str):
            raise ValueError(f"{name} is not a text")
    for name in ("init_image", "mask_image"):
        values[name] = _find(values.get(name), pixels)
    branch = values.get("branch")
    if branch is not None:
        parent = GenerationRequest.from_dict(branch["parent"], pixels)
        values["branch"] = Branch(parent, int(branch["step"]))
    choices = AddonChoices.from_dict(record, lambda digest: _find(digest, pixels))
    values |= {chosen.name: getattr(choices, chosen.name) for chosen in fields(choices)}
    return values


def _find(digest: str | None, pixels: Callable[[str], Pixels] | None) -> Pixels | None:
    if digest is None or pixels is None:
        return None
    try:
        return pixels(digest)
    except KeyError:
        return None


def _no_step(name: str, strength: float, steps: int) -> InvalidRequest:
    return InvalidRequest(
        f"{name} {strength:g} of {steps} steps leaves no step to run. "
        f"Set {name.lower()} to {math.ceil(1 / steps * 100) / 100:g} or more, or raise steps."
    )
