"""Which weights and which programs made a picture, for whoever wants to make it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.checkpoints import Checkpoint
from core.errors import StorageFailed
from core.logs import logger
from core.memory import DevicePlan
from core.settings import write_atomically

_log = logger("pipelines")
_CHUNK = 1 << 24


def facts_of(checkpoint: Checkpoint, plan: DevicePlan, model_hash: str) -> dict[str, Any]:
    """What decides a picture besides the request, as JSON data."""
    import torch

    return {
        "model_hash": model_hash,
        "pipeline_class": checkpoint.pipeline_class,
        "device": plan.device,
        "dtype": plan.dtype,
        # Sums of floats are divided among threads, and added in the CPU's own order.
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        **{name: version(name) for name in ("torch", "diffusers", "transformers")},
    }


def model_hash(
    checkpoint: Checkpoint, kept_in: Path | None, between: Callable[[], None] = lambda: None
) -> str:
    """The first 10 hex digits of the SHA-256 of the weights that denoise.

    Args:
        checkpoint: The model; shards are read one after the other, by name.
        kept_in: Folder for ``hashes.json``, which spares reading gigabytes again while file
            times and sizes stay as they are.
        between: Called after every 16 MiB; may raise to give up.
    """
    files = _weight_files(checkpoint)
    key = ";".join(f"{f.resolve()} {f.stat().st_mtime_ns} {f.stat().st_size}" for f in files)
    known = _read(kept_in)
    if key not in known:
        known[key] = _digest(files, between)
        _write(kept_in, known)
    return known[key]


def _weight_files(checkpoint: Checkpoint) -> list[Path]:
    variant = f".{checkpoint.variant}" if checkpoint.variant else ""
    folder = checkpoint.path / checkpoint.family.denoiser
    files = sorted(folder.glob(f"diffusion_pytorch_model{variant}*.safetensors"))
    if not variant:  # leave the other variants' files out
        files = [file for file in files if file.stem.split("-")[0].count(".") == 0]
    return files


def _digest(files: list[Path], between: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                between()
    return digest.hexdigest()[:10]


def _read(folder: Path | None) -> dict[str, str]:
    if folder is None:
        return {}
    try:
        kept = json.loads((folder / "hashes.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # not there yet, or damaged: hashed again
    return kept if isinstance(kept, dict) else {}


def _write(folder: Path | None, known: dict[str, str]) -> None:
    if folder is None:
        return
    try:
        write_atomically(folder / "hashes.json", json.dumps(known, indent=1).encode())
    except StorageFailed as error:
        _log.info("model hash not kept: %s", error)
