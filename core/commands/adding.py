"""Add-ons from the command line: LoRAs, ControlNets, a VAE, clip skip, FreeU."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.abilities import AddonKind, FreeU, ModelAbilities
from core.addon import Addon, Control
from core.checkpoints import Checkpoint, model_folders
from core.commands.arguments import whole_number
from core.errors import InvalidRequest
from core.images import read_image, without_alpha
from core.settings import Paths, load_settings

if TYPE_CHECKING:
    from core.addons import AddonShelf

_CONTROL = "model=NAME,image=FILE[,weight=W][,start=S][,end=E][,preprocessor=canny]"


def add_addons(parser: argparse.ArgumentParser) -> None:
    """What is put on the model."""
    add = parser.add_argument
    add("--lora", action="append", metavar="NAME[:WEIGHT]", help="may be given several times")
    add("--control", action="append", metavar=_CONTROL, help="a ControlNet; several may lead")
    add("--vae", metavar="NAME", help="decode with this VAE")
    add("--clip-skip", type=whole_number, metavar="N", help="1 is the text encoder's last layer")
    add("--freeu", nargs="?", const="", metavar="S1,S2,B1,B2", help="FreeU; alone, its own values")


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
    values: dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals or key.strip() not in _CONTROL_KEYS:
            raise InvalidRequest(f"--control cannot read “{part}”. Write {_CONTROL}.")
        values[key.strip()] = value.strip()
    if "model" not in values or "image" not in values:
        raise InvalidRequest(f"--control needs a model and an image. Write {_CONTROL}.")
    numbers: dict[str, Any] = {
        key: _number("--control", values[key])
        for key in ("weight", "start", "end")
        if key in values
    }
    return Control(
        values["model"],
        without_alpha(read_image(Path(values["image"]).expanduser())),
        preprocessor=values.get("preprocessor", "none"),
        **numbers,
    )


_CONTROL_KEYS = ("model", "image", "weight", "start", "end", "preprocessor")


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
