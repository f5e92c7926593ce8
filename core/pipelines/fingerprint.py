"""Which weights and which programs made a picture, for whoever wants to make it again."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.atomic import write_atomically
from core.checkpoints import Checkpoint
from core.errors import BrokenCheckpoint, GenerationCancelled, StorageFailed
from core.logs import logger
from core.memory import DevicePlan, Placement
from core.pipelines.placing import STORED_AS

_log = logger("pipelines")
_CHUNK = 1 << 24
_PATIENCE = 0.1  # seconds


def facts_of(checkpoint: Checkpoint, plan: DevicePlan, model_hash: str) -> dict[str, Any]:
    """What decides a picture besides the request, as JSON data."""
    import torch

    is_cast = plan.placement is Placement.LAYERWISE_CASTING
    return {
        **({"weights_stored_as": STORED_AS} if is_cast else {}),
        "model_hash": model_hash,
        "pipeline_class": checkpoint.pipeline_class,
        "device": plan.device,
        "dtype": plan.dtype,
        "attention": plan.attention,
        # Sums of floats are divided among threads, and added in the CPU's own order.
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        **{name: version(name) for name in ("torch", "diffusers", "transformers")},
    }


def model_hash(
    checkpoint: Checkpoint, kept_in: Path | None, between: Callable[[], None] = lambda: None
) -> str:
    """The first 10 hex digits of the SHA-256 of the weights that denoise, or of the one file.

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


class HashMeanwhile:
    """A model's hash, computed on a thread of its own while the model is read.

    Leaving the context gives up what is not done.
    """

    def __init__(self, checkpoint: Checkpoint, kept_in: Path | None) -> None:
        self._given_up = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sfumato-hash")
        self._hash = self._thread.submit(model_hash, checkpoint, kept_in, self._go_on)

    def __enter__(self) -> HashMeanwhile:
        return self

    def __exit__(self, *_: object) -> None:
        self._given_up.set()
        self._thread.shutdown(wait=True)

    def result(self, between: Callable[[], None]) -> str:
        """The hash; `between` is called while it is waited for, and may raise to give up.

        Raises:
            BrokenCheckpoint: a file cannot be read.
        """
        while not wait([self._hash], timeout=_PATIENCE).done:
            between()
        between()
        try:
            return self._hash.result()
        except OSError as error:
            raise BrokenCheckpoint(
                f"{error.filename} cannot be read ({error.strerror}). Download the model again."
            ) from error

    def _go_on(self) -> None:
        if self._given_up.is_set():
            raise GenerationCancelled


def stamp_of(checkpoint: Checkpoint) -> tuple[tuple[int, int], ...]:
    """Times and sizes of a model's files; another value means that the model was replaced."""
    if checkpoint.configs is not None:
        files = [checkpoint.path]
    else:
        files = sorted(checkpoint.path.glob("*/*.safetensors"))
    try:
        stats = [file.stat() for file in files]
    except OSError:
        return ()  # gone: the loading will say it
    return tuple((status.st_mtime_ns, status.st_size) for status in stats)


def _weight_files(checkpoint: Checkpoint) -> list[Path]:
    if checkpoint.configs is not None:
        return [checkpoint.path]  # as A1111 does it, so that people know the number
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
