"""One generation, asked for: a frozen value that holds everything, so that it can be made again."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.abilities import GenerationKind, ModelAbilities
from core.errors import InvalidRequest
from core.geometry import Rect, Size

SCHEMA = 1
MAX_SEED = 2**32 - 1
MAX_STEPS = 200
MAX_GUIDANCE = 50.0
MAX_PROMPT_CHARACTERS = 100_000

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class GenerationRequest:
    """Everything one generation needs; nobody looks at a widget or a setting after it is built.

    Attributes:
        checkpoint: The model's name, as `core.checkpoints` found it.
        size: Size of the finished picture in pixels.
        denoising_size: Size the model works at; the pixels are scaled there and back when it
            differs from `size`.
        strength: 0 to 1, how far from `init_image`; runs ``int(steps * strength)`` steps. Not
            used by text-to-image.
        seed: 0 to 2**32 - 1, always concrete.
        frame: Where on the canvas the picture was asked for, in document pixels.
        init_image: uint8 array of shape (size.height, size.width, 3), sRGB.
        mask_image: uint8 array of shape (size.height, size.width); 255 repaints, 0 keeps.
        mask_feather: Width in pixels of the soft edge, which lies inside the mask.
        parent_ids: Gallery items that `init_image` came from.
    """

    kind: GenerationKind = GenerationKind.TEXT_TO_IMAGE
    checkpoint: str
    prompt: str
    negative_prompt: str = ""
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
    parent_ids: tuple[str, ...] = ()
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

    def with_seed(self, seed: int) -> GenerationRequest:
        """The same request for another seed, with an id of its own."""
        return replace(self, seed=seed % (MAX_SEED + 1), id=uuid.uuid4().hex)

    def validate(self, abilities: ModelAbilities) -> None:
        """Refuse what the model could not carry out, before the first step.

        Raises:
            InvalidRequest: names the value received and what would be accepted.
        """
        self._validate_numbers()
        self._validate_prompt()
        self._validate_for_model(abilities)
        self._validate_pixels()

    def _validate_numbers(self) -> None:
        _require_range("Steps", self.num_inference_steps, 1, MAX_STEPS)
        _require_range("Guidance scale", self.guidance_scale, 0.0, MAX_GUIDANCE)
        _require_range("Strength", self.strength, 0.0, 1.0)
        _require_range("Seed", self.seed, 0, MAX_SEED)
        _require_range("Mask feather", self.mask_feather, 0, 1024)
        if self.steps_to_run < 1:
            least = 1 / self.num_inference_steps
            raise InvalidRequest(
                f"Strength {self.strength:g} of {self.num_inference_steps} steps leaves no step "
                f"to run. Set strength to {math.ceil(least * 100) / 100:g} or more, or raise steps."
            )

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
        _validate_size(self.size, self.denoising_size, abilities)

    def _validate_pixels(self) -> None:
        needs_image = self.kind is not GenerationKind.TEXT_TO_IMAGE
        if needs_image and self.init_image is None:
            raise InvalidRequest(f"{self.kind.capitalize()} needs a picture to start from.")
        if self.kind is GenerationKind.INPAINTING:
            if self.mask_image is None:
                raise InvalidRequest("Inpainting needs a mask. Paint over what should change.")
            if not self.mask_image.any():
                raise InvalidRequest("The mask is empty. Paint over what should change.")
        for name, pixels in (("picture", self.init_image), ("mask", self.mask_image)):
            if pixels is not None and pixels.shape[:2] != (self.size.height, self.size.width):
                height, width = pixels.shape[:2]
                raise InvalidRequest(
                    f"The {name} is {Size(width, height)} pixels but the request is for "
                    f"{self.size}. Give a {name} of the same size."
                )

    def to_dict(self) -> dict[str, Any]:
        """The request as JSON data; pixels appear as their digests (see `pixel_digest`)."""
        record = {f.name: getattr(self, f.name) for f in fields(self)}
        record |= {
            "schema": SCHEMA,
            "kind": str(self.kind),
            "size": list(self.size),
            "denoising_size": list(self.denoising_size),
            "frame": None if self.frame is None else list(self.frame),
            "parent_ids": list(self.parent_ids),
            "init_image": pixel_digest(self.init_image),
            "mask_image": pixel_digest(self.mask_image),
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
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            raise InvalidRequest(f"The record of this picture is damaged: {error}.") from error


def pixel_digest(pixels: Pixels | None) -> str | None:
    """SHA-256 of shape and bytes, as hex: the name under which the gallery keeps an input."""
    if pixels is None:
        return None
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


_NUMBERS: dict[str, type] = {
    "num_inference_steps": int,
    "guidance_scale": float,
    "strength": float,
    "seed": int,
    "mask_feather": int,
}


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
    values["parent_ids"] = tuple(map(str, values.get("parent_ids", ())))
    for name, number in _NUMBERS.items():
        if name in values:
            values[name] = number(values[name])
    for name in ("prompt", "negative_prompt", "checkpoint", "scheduler", "id"):
        if not isinstance(values.get(name, ""), str):
            raise ValueError(f"{name} is not a text")
    for name in ("init_image", "mask_image"):
        values[name] = _find(values.get(name), pixels)
    return values


def _find(digest: str | None, pixels: Callable[[str], Pixels] | None) -> Pixels | None:
    if digest is None or pixels is None:
        return None
    try:
        return pixels(digest)
    except KeyError:
        return None


def _require_range(name: str, value: float, least: float, most: float) -> None:
    if not (math.isfinite(value) and least <= value <= most):
        raise InvalidRequest(f"{name} is {value:g}; it must lie between {least:g} and {most:g}.")


def _validate_size(size: Size, denoising_size: Size, abilities: ModelAbilities) -> None:
    _require_range("Width", size.width, 1, 16_384)
    _require_range("Height", size.height, 1, 16_384)
    step = abilities.size_multiple
    if denoising_size.is_empty or not denoising_size.is_multiple_of(step):
        low = Size(*(max(step, side // step * step) for side in denoising_size))
        high = Size(*(-(-max(side, 1) // step) * step for side in denoising_size))
        raise InvalidRequest(
            f"{denoising_size} does not fit this model, which needs multiples of {step}. "
            f"The nearest sizes are {low} and {high}."
        )
    if max(denoising_size) > abilities.max_size:
        raise InvalidRequest(
            f"{denoising_size} is larger than this model takes. "
            f"The longest side may be {abilities.max_size} pixels."
        )
