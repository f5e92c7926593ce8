"""Add-ons from the command line: LoRAs, ControlNets, IP-Adapters, a refiner, FreeU and the like."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.abilities import AddonKind, FreeU, ModelAbilities
from core.addon import Addon, Control, Reference, Refinement
from core.checkpoints import Checkpoint, model_folders
from core.commands.arguments import whole_number
from core.errors import InvalidRequest
from core.images import read_image, without_alpha
from core.request import Pixels
from core.settings import Paths, load_settings

if TYPE_CHECKING:
    from core.addons import AddonShelf

_CONTROL = "model=NAME,image=FILE[,weight=W][,start=S][,end=E][,preprocessor=canny]"
_REFERENCE = "model=NAME,image=FILE[,weight=W]"


def add_addons(parser: argparse.ArgumentParser) -> None:
    """What is put on the model."""
    add = parser.add_argument
    add("--lora", action="append", metavar="NAME[:WEIGHT]", help="may be given several times")
    add("--control", action="append", metavar=_CONTROL, help="a ControlNet; several may lead")
    add("--ip-adapter", action="append", metavar=_REFERENCE, help="follow a picture; or several")
    add("--vae", metavar="NAME", help="decode with this VAE")
    add("--clip-skip", type=whole_number, metavar="N", help="1 is the text encoder's last layer")
    add("--freeu", nargs="?", const="", metavar="S1,S2,B1,B2", help="FreeU; alone, its own values")
    add("--refiner", metavar="NAME", help="a model that finishes the pictures of SDXL")
    add("--refiner-start", type=float, metavar="F", help="from which part of the steps on; 0.8")
    add("--pag-scale", type=float, metavar="S", help="perturbed-attention guidance; 0 is none")


def addon_overrides(arguments: argparse.Namespace, abilities: ModelAbilities) -> dict[str, Any]:
    """Those fields of a request that the arguments name.

    Raises:
        InvalidRequest, UnreadableImage: an argument cannot be understood; a picture is bad.
    """
    named: dict[str, Any] = {}
    addons = [_lora(text) for text in arguments.lora or ()]
    if arguments.vae is not None:
        addons.append(Addon(AddonKind.VAE, arguments.vae))
    if addons:
        named["addons"] = tuple(addons)
    if arguments.control:
        named["controls"] = tuple(_control(text) for text in arguments.control)
    if arguments.ip_adapter:
        named["references"] = tuple(_reference(text) for text in arguments.ip_adapter)
    if arguments.refiner is not None:
        start = arguments.refiner_start
        named["refinement"] = Refinement(arguments.refiner, 0.8 if start is None else start)
    elif arguments.refiner_start is not None:
        raise InvalidRequest("--refiner-start needs --refiner, the model that takes over.")
    if arguments.pag_scale is not None:
        named["pag_scale"] = arguments.pag_scale
    if arguments.clip_skip is not None:
        named["clip_skip"] = arguments.clip_skip
    if arguments.freeu is not None:
        named["freeu"] = _freeu(arguments.freeu, abilities)
    return named


def shelf_for(checkpoint: Checkpoint, paths: Paths) -> AddonShelf:
    """Add-ons in the folders of the settings, and beside the model itself."""
    from core.addons import AddonShelf  # brings opencv; not for a refusal

    folders = model_folders(load_settings(paths.settings_file))
    return AddonShelf([*folders, checkpoint.path.parent])


def _lora(text: str) -> Addon:
    name, colon, weight = text.rpartition(":")
    if not colon:
        return Addon(AddonKind.LORA, text)
    return Addon(AddonKind.LORA, name, _number("--lora", weight))


def _control(text: str) -> Control:
    values = _values("--control", text, _CONTROL)
    numbers = _numbers("--control", values)
    return Control(
        values["model"],
        _picture(values["image"]),
        preprocessor=values.get("preprocessor", "none"),
        **numbers,
    )


def _reference(text: str) -> Reference:
    values = _values("--ip-adapter", text, _REFERENCE)
    numbers = _numbers("--ip-adapter", values)
    return Reference(values["model"], _picture(values["image"]), **numbers)


def _values(option: str, text: str, grammar: str) -> dict[str, str]:
    """The parts ``key=value``, whose keys the grammar names."""
    values: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or key.strip() not in re.findall(r"(\w+)=", grammar):
            raise InvalidRequest(f"{option} cannot read “{part}”. Write {grammar}.")
        values[key.strip()] = value.strip()
    if "model" not in values or "image" not in values:
        raise InvalidRequest(f"{option} needs a model and an image. Write {grammar}.")
    return values


def _numbers(option: str, values: dict[str, str]) -> dict[str, Any]:
    names = ("weight", "start", "end")
    return {key: _number(option, values[key]) for key in names if key in values}


def _picture(file: str) -> Pixels:
    return without_alpha(read_image(Path(file).expanduser()))


def _freeu(text: str, abilities: ModelAbilities) -> FreeU | None:
    if not text:
        if abilities.freeu is None:
            raise InvalidRequest("FreeU does not work with this model. Leave --freeu out.")
        return abilities.freeu
    numbers: Sequence[float] = [_number("--freeu", part) for part in text.split(",")]
    if len(numbers) != 4:
        raise InvalidRequest(f"--freeu has {len(numbers)} numbers; it takes four: S1,S2,B1,B2.")
    return FreeU(*numbers)


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidRequest(f"{option} has “{text}” where a number belongs.") from error
