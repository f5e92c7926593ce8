"""`doctor`: what Sfumato found on this computer, for a person or a bug report."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from dataclasses import asdict, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from core.checkpoints import Checkpoint, look_through, model_folders
from core.checkpoints.tiny import tiny_autoencoder_for
from core.commands.arguments import add_common
from core.commands.making import require_writable
from core.commands.terminal import Terminal
from core.errors import StorageFailed
from core.memory import DevicePlan, plan, room
from core.metadata import VERSION
from core.settings import Paths, load_settings

PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "tokenizers",
    "safetensors",
    "accelerate",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "PySide6",
    "qasync",
)
_GIB = 1 << 30


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    parser = commands.add_parser("doctor", help="what was found here", allow_abbrev=False)
    add_common(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, screen: Terminal) -> int:
    """Print the report; returns 0."""
    paths = Paths.find(arguments.home)
    report = examine(paths, plan())
    if arguments.json:
        screen.print_json(report)
    else:
        for line in _lines(report):
            screen.print(line)
    return 0


def examine(paths: Paths, device: DevicePlan) -> dict[str, Any]:
    """Everything the report says, as JSON data; nothing is created."""
    folders = model_folders(load_settings(paths.settings_file))
    models, left_out = look_through(folders)
    return {
        "sfumato": VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "device": asdict(device),
        "model_folders": [str(folder) for folder in folders],
        "models": [_model(checkpoint, device, folders) for checkpoint in models],
        "left_out": left_out,
        "home": {field.name: _folder(getattr(paths, field.name)) for field in fields(paths)},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _model(checkpoint: Checkpoint, device: DevicePlan, folders: list[Path]) -> dict[str, Any]:
    # Not at the top: it brings in numpy and more, which a refusal must not wait for.

    # Here, so that other commands do not wait for what inference imports.
    from core.inference.demand import Demand
    from core.inference.forecast import advise, forecast

    abilities = checkpoint.abilities
    foreseen = forecast(checkpoint, device, Demand(abilities.native_size))
    return {
        "name": checkpoint.name,
        "path": str(checkpoint.path),
        "family": abilities.family,
        "kinds": sorted(abilities.kinds),
        "native_size": list(abilities.native_size),
        "size_multiple": abilities.size_multiple,
        "memory": {
            "weights_bytes": foreseen.resident,
            "working_bytes": foreseen.working,
            "peak_bytes": foreseen.peak,
            "advice": advise(foreseen, device, room(device)).words,
        },
        "preview": _preview(checkpoint, folders),
    }


def _preview(checkpoint: Checkpoint, folders: list[Path]) -> dict[str, Any]:
    """How its pictures are shown while they emerge."""
    tiny = tiny_autoencoder_for(checkpoint.family.latents, folders)
    by_map = "a map fitted to its VAE"
    if tiny is None:
        return {"words": by_map, "tiny_autoencoder": None}
    # That takes the loaded model: only its VAE knows whether this one reads its latents.
    words = f"“{tiny.name}” if it suits the VAE and a step is long enough, else {by_map}"
    return {"words": words, "tiny_autoencoder": str(tiny.path)}


def _folder(folder: Path) -> dict[str, Any]:
    try:
        require_writable(folder)
    except StorageFailed as error:
        return {"path": str(folder), "writable": False, "why": str(error)}
    return {"path": str(folder), "writable": True, "why": None}


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield f"Sfumato {report['sfumato']}, Python {report['python']}, {report['system']}"
    for name, found in report["packages"].items():
        yield f"  {name:<24}{found or 'missing'}"
    device = report["device"]
    yield f"Device: {device['device']}, {device['dtype']}. {device['why']}"
    yield f"Attention: {device['attention']} (torch's scaled dot product)"
    free, total = device["free_bytes"] / _GIB, device["total_bytes"] / _GIB
    yield f"Memory: {free:.1f} of {total:.1f} GiB free"
    yield f"Models in {', '.join(report['model_folders'])}:"
    for model in report["models"]:
        width, height = model["native_size"]
        kinds = ", ".join(model["kinds"])
        yield f"  {model['name']}  ({model['family']}, {width} × {height}; {kinds})"
        memory = model["memory"]
        yield f"    needs about {memory['peak_bytes'] / _GIB:.1f} GiB of memory at that size"
        if memory["advice"]:
            yield f"    {memory['advice']}"
        yield f"    previews by {model['preview']['words']}"
    if not report["models"]:
        yield "  none"
    for name, sentence in report["left_out"].items():
        yield f"  {name}  left out: {sentence}"
    yield "Folders:"
    for name, folder in report["home"].items():
        writable = "" if folder["writable"] else f"  NOT WRITABLE: {folder['why']}"
        yield f"  {name:<10}{folder['path']}{writable}"
