"""What may be put on a model for one picture, as plain data: names, weights, digests, pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from core.abilities import AddonKind, FreeU, GenerationKind, ModelAbilities
from core.errors import InvalidRequest
from core.geometry import Rect

MOST_WEIGHT = 10.0
MOST_ADDONS = 32
MOST_CONTROLS = 8
MOST_REFERENCES = 8
MOST_PAG = 20.0
PREPROCESSORS = ("none", "canny")

if TYPE_CHECKING:  # numpy comes after the first paint, and this before it
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Addon:
    """One file to put on the model.

    Attributes:
        kind: Which sort; controls have a type of their own, `Control`.
        name: As `core.addons` found it: the file's name without its ending.
        weight: How much of it, -10 to 10; 1 is what it was trained for. A VAE has none.
        sha256: Digest of the file, 64 hex digits; empty before a picture was made with it. A
            file of that name with another digest is refused.
    """

    kind: AddonKind
    name: str
    weight: float = 1.0
    sha256: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON data."""
        return asdict(self) | {"kind": str(self.kind)}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Addon:
        """Read back what `to_dict` wrote.

        Raises:
            ValueError, TypeError, KeyError: the record is damaged.
        """
        return cls(
            AddonKind(record["kind"]),
            _text(record["name"]),
            float(record.get("weight", 1.0)),
            _text(record.get("sha256", "")),
        )


@dataclass(frozen=True, eq=False)
class Control:
    """One ControlNet and the picture it is led by.

    Attributes:
        name: As `core.addons` found it.
        image: uint8 array of shape (height, width, 3), sRGB; None when its pixels are lost.
        weight: How strongly it leads, 0 to 2.
        start: From which part of the steps on, 0 to 1.
        end: Up to which part of the steps, above `start`.
        preprocessor: ``"canny"`` draws the edges of `image` first; ``"none"`` takes it as it is.
        sha256: As for `Addon`.
    """

    name: str
    image: Pixels | None
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    preprocessor: str = "none"
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.image is not None:
            self.image.flags.writeable = False

    def to_dict(self, digest: Callable[[Pixels | None], str | None]) -> dict[str, Any]:
        """The same as JSON data, with the digest of its pixels in their place."""
        named = ("name", "weight", "start", "end", "preprocessor", "sha256")
        return {name: getattr(self, name) for name in named} | {"image": digest(self.image)}

    def cropped(self, rect: Rect) -> Control:
        """The same with a part of its picture."""
        return self if self.image is None else replace(self, image=self.image[rect.slices()])

    @classmethod
    def from_dict(
        cls, record: dict[str, Any], find: Callable[[str | None], Pixels | None]
    ) -> Control:
        """Read back what `to_dict` wrote; `find` gives pixels by digest.

        Raises:
            ValueError, TypeError, KeyError: the record is damaged.
        """
        return cls(
            _text(record["name"]),
            find(record.get("image")),
            float(record["weight"]),
            float(record["start"]),
            float(record["end"]),
            _text(record["preprocessor"]),
            _text(record["sha256"]),
        )


@dataclass(frozen=True, eq=False)
class Reference:
    """One picture that an IP-Adapter reads beside the prompt.

    Attributes:
        name: The adapter, as `core.addons` found it. Those with one name and one weight are read
            together, and their weight counts once.
        image: uint8 array of shape (height, width, 3), sRGB; None when its pixels are lost. The
            model sees the square in its middle.
        weight: How much of it, 0 to 2; 1 is what it was trained for.
        sha256: As for `Addon`.
        encoder_sha256: The same of the image encoder that read the picture for it.
    """

    name: str
    image: Pixels | None
    weight: float = 1.0
    sha256: str = ""
    encoder_sha256: str = ""

    def __post_init__(self) -> None:
        if self.image is not None:
            self.image.flags.writeable = False

    def to_dict(self, digest: Callable[[Pixels | None], str | None]) -> dict[str, Any]:
        """The same as JSON data, with the digest of its pixels in their place."""
        named = ("name", "weight", "sha256", "encoder_sha256")
        return {name: getattr(self, name) for name in named} | {"image": digest(self.image)}

    @classmethod
    def from_dict(
        cls, record: dict[str, Any], find: Callable[[str | None], Pixels | None]
    ) -> Reference:
        """Read back what `to_dict` wrote; `find` gives pixels by digest.

        Raises:
            ValueError, TypeError, KeyError: the record is damaged.
        """
        return cls(
            _text(record["name"]),
            find(record.get("image")),
            float(record["weight"]),
            _text(record.get("sha256", "")),
            _text(record.get("encoder_sha256", "")),
        )


@dataclass(frozen=True)
class Refinement:
    """A second model that takes over before the picture is done.

    Attributes:
        checkpoint: Its name; of the family that `ModelAbilities.refined_by` names.
        start: From which part of the steps on, above 0 and below 1.
    """

    checkpoint: str
    start: float = 0.8

    @classmethod
    def from_dict(cls, record: Any) -> Refinement | None:
        """Read back what `asdict` gave; None for None.

        Raises:
            ValueError, TypeError, KeyError: the record is damaged.
        """
        if record is None:
            return None
        return cls(_text(record["checkpoint"]), float(record["start"]))


@dataclass(frozen=True, eq=False)
class AddonChoices:
    """Everything of a request that changes the model for one picture.

    Attributes:
        addons: In the order in which they are put on.
        controls: Any number of ControlNets at once.
        clip_skip: Which layer of the text encoder speaks, counted from the last as A1111 does: 1
            is what the model was trained with. diffusers' number of the same name is one less.
        freeu: Weights of the U-Net's skips and backbone (FreeU); None leaves them alone.
        references: Pictures that IP-Adapters read.
        pag_scale: How strongly each step is led away from what the model draws with its
            self-attention blinded (perturbed-attention guidance, Ahn et al., arXiv:2403.17377), 0
            to 20; 0 leaves it out.
        refinement: The model that finishes the picture, if it is another one.
    """

    addons: tuple[Addon, ...] = ()
    controls: tuple[Control, ...] = ()
    clip_skip: int = 1
    freeu: FreeU | None = None
    references: tuple[Reference, ...] = ()
    pag_scale: float = 0.0
    refinement: Refinement | None = None

    def validate(self, abilities: ModelAbilities, kinds: Iterable[GenerationKind] = ()) -> None:
        """Refuse what the model could not wear.

        Args:
            kinds: What the picture is made as, one for each pass.

        Raises:
            InvalidRequest: names the value received and what would be accepted.
        """
        if len(self.addons) > MOST_ADDONS or len(self.controls) > MOST_CONTROLS:
            raise InvalidRequest(
                f"A picture takes at most {MOST_ADDONS} add-ons and {MOST_CONTROLS} ControlNets. "
                "Take some out."
            )
        for addon in self.addons:
            _require_kind(addon.kind, addon.name, abilities)
            if addon.kind in (AddonKind.CONTROLNET, AddonKind.IP_ADAPTER):
                raise InvalidRequest(
                    f"The {addon.kind.words} {addon.name} has no picture to go by. Give one."
                )
            _require("Weight", addon.name, addon.weight, -MOST_WEIGHT, MOST_WEIGHT)
        if sum(addon.kind is AddonKind.VAE for addon in self.addons) > 1:
            raise InvalidRequest("There can be only one VAE at a time. Take the others out.")
        for control in self.controls:
            _require_kind(AddonKind.CONTROLNET, control.name, abilities)
            _validate_control(control)
        if self.controls and not set(kinds) <= abilities.control_kinds:
            named = " and ".join(kind for kind in GenerationKind if kind in abilities.control_kinds)
            raise InvalidRequest(
                f"With this model a ControlNet leads {named} alone, in a single pass. Take it out, "
                "or make a new picture."
            )
        self._validate_references(abilities)
        self._validate_switches(abilities)

    def _validate_references(self, abilities: ModelAbilities) -> None:
        if len(self.references) > MOST_REFERENCES:
            raise InvalidRequest(
                f"A picture takes at most {MOST_REFERENCES} reference pictures. Take some out."
            )
        for reference in self.references:
            _require_kind(AddonKind.IP_ADAPTER, reference.name, abilities)
            _require("Weight", reference.name, reference.weight, 0.0, 2.0)
            if reference.image is None:
                raise InvalidRequest(
                    f"The IP-Adapter {reference.name} has no picture to read. Give one."
                )

    def _validate_switches(self, abilities: ModelAbilities) -> None:
        most = abilities.most_clip_skip
        if not 1 <= self.clip_skip <= most:
            accepted = f"it must lie between 1 and {most}" if most > 1 else "this model has none"
            raise InvalidRequest(f"Clip skip is {self.clip_skip}; {accepted}.")
        if self.refinement is not None:
            _require("Start", self.refinement.checkpoint, self.refinement.start, 0.01, 0.99)
            if not abilities.refined_by:
                raise InvalidRequest("This model's pictures have no refiner. Leave it out.")
        _require("Scale", "PAG", self.pag_scale, 0.0, MOST_PAG)
        if self.pag_scale and not abilities.pag_scale:
            raise InvalidRequest("PAG does not work with this model. Leave its scale at 0.")
        if self.freeu is None:
            return
        if abilities.freeu is None:
            raise InvalidRequest("FreeU does not work with this model. Switch it off.")
        for name, value in zip(("s1", "s2", "b1", "b2"), self.freeu, strict=True):
            _require(name, "FreeU", value, 0.0, 3.0)

    def to_dict(self, digest: Callable[[Pixels | None], str | None]) -> dict[str, Any]:
        """The choices as JSON data, under their own names; pixels appear as digests."""
        return {
            "addons": [addon.to_dict() for addon in self.addons],
            "controls": [control.to_dict(digest) for control in self.controls],
            "clip_skip": self.clip_skip,
            "freeu": None if self.freeu is None else list(self.freeu),
            "references": [reference.to_dict(digest) for reference in self.references],
            "pag_scale": self.pag_scale,
            "refinement": None if self.refinement is None else asdict(self.refinement),
        }

    @classmethod
    def from_dict(
        cls, record: dict[str, Any], find: Callable[[str | None], Pixels | None]
    ) -> AddonChoices:
        """Read back what `to_dict` wrote; what an older record lacks is as if not chosen.

        Raises:
            ValueError, TypeError, KeyError: the record is damaged.
        """
        controls = (Control.from_dict(entry, find) for entry in record.get("controls", ()))
        return cls(
            tuple(Addon.from_dict(entry) for entry in record.get("addons", ())),
            tuple(controls),
            int(record.get("clip_skip", 1)),
            read_freeu(record.get("freeu")),
            tuple(Reference.from_dict(entry, find) for entry in record.get("references", ())),
            float(record.get("pag_scale", 0.0)),
            Refinement.from_dict(record.get("refinement")),
        )

    def pinned(
        self, digests: dict[tuple[AddonKind, str], str], encoders: dict[str, str] | None = None
    ) -> AddonChoices:
        """The same with the digests of the files that were used.

        Args:
            digests: By kind and name in small letters.
            encoders: Those of the image encoders, by the IP-Adapter's name in small letters.
        """
        references = (
            replace(
                reference,
                sha256=digests.get((AddonKind.IP_ADAPTER, reference.name.lower()), ""),
                encoder_sha256=(encoders or {}).get(reference.name.lower(), ""),
            )
            for reference in self.references
        )
        controls = (
            replace(control, sha256=digests.get((AddonKind.CONTROLNET, control.name.lower()), ""))
            for control in self.controls
        )
        addons = (
            replace(addon, sha256=digests.get((addon.kind, addon.name.lower()), ""))
            for addon in self.addons
        )
        return replace(
            self, addons=tuple(addons), controls=tuple(controls), references=tuple(references)
        )


def read_addons(record: Any) -> tuple[Addon, ...]:
    """Those add-ons of a kept list that can be understood, without their digests."""
    found = []
    for entry in record if isinstance(record, list | tuple) else ():
        with suppress(ValueError, TypeError, KeyError):
            found.append(replace(Addon.from_dict(entry), sha256=""))
    return tuple(addon for addon in found if abs(addon.weight) <= MOST_WEIGHT)[:MOST_ADDONS]


def read_freeu(record: Any) -> FreeU | None:
    """FreeU's four numbers of a kept list; None where they are not understood."""
    with suppress(ValueError, TypeError):
        s1, s2, b1, b2 = map(float, record)
        if all(map(math.isfinite, (s1, s2, b1, b2))):
            return FreeU(s1, s2, b1, b2)
    return None


def _validate_control(control: Control) -> None:
    _require("Weight", control.name, control.weight, 0.0, 2.0)
    _require("Start", control.name, control.start, 0.0, 1.0)
    _require("End", control.name, control.end, 0.0, 1.0)
    if control.start >= control.end:
        raise InvalidRequest(
            f"{control.name} starts at {control.start:g} and ends at {control.end:g} of the steps. "
            "Let it end later."
        )
    if control.preprocessor not in PREPROCESSORS:
        raise InvalidRequest(
            f"“{control.preprocessor}” is no preprocessor. Known: {', '.join(PREPROCESSORS)}."
        )
    if control.image is None:
        raise InvalidRequest(f"The ControlNet {control.name} has no picture to follow. Give one.")


def _require_kind(kind: AddonKind, name: str, abilities: ModelAbilities) -> None:
    if kind not in abilities.addons:
        raise InvalidRequest(
            f"“{name}” is {kind.article} {kind.words}, which this model does not take. Take it "
            "out, or choose another model."
        )


def _require(what: str, name: str, value: float, least: float, most: float) -> None:
    if not (math.isfinite(value) and least <= value <= most):
        raise InvalidRequest(
            f"{what} of “{name}” is {value:g}; it must lie between {least:g} and {most:g}."
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value
