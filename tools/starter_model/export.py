"""Write the averaged weights, the autoencoder and the tokenizer as one fp16 diffusers folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tools.starter_model import architecture
from tools.starter_model.train import scaling_factor
from tools.starter_model.workplace import Workplace

_KEPT = ("README.md", "LICENSES")
"""Written by hand, so carried over from the folder that is replaced."""


def run(work: Workplace, target: Path | None = None) -> None:
    """Export to `target`, by default the work folder's `model`, in the place of what is there."""
    target = target or work.exported
    new, old = target.with_name(target.name + ".new"), target.with_name(target.name + ".old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    pipeline, samples = _pipeline(work)
    pipeline.save_pretrained(new)
    _complete(new, work)
    if target.exists():
        _carry_over(target, new)
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    megabytes = sum(file.stat().st_size for file in target.rglob("*") if file.is_file()) / 1e6
    work.note("export", samples=samples, megabytes=megabytes)


def _pipeline(work: Workplace) -> tuple[Any, int]:
    """Put the pipeline together in float16; also tell how many samples it was trained on."""
    import torch
    from diffusers import AutoencoderKL, StableDiffusionPipeline
    from transformers import CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(work.tokenizer)
    text_encoder, unet = architecture.text_encoder(tokenizer), architecture.unet()
    vae = AutoencoderKL.from_pretrained(work.vae)
    # Its values stay small, so float16 needs no detour through float32.
    vae.register_to_config(scaling_factor=scaling_factor(work), force_upcast=False)
    state = torch.load(work.checkpoint)
    text_encoder.load_state_dict(state["text_encoder"])
    with torch.no_grad():
        for weight, average in zip(unet.parameters(), state["averages"], strict=True):
            weight.copy_(average)
    pipeline = StableDiffusionPipeline(
        vae=vae.half(),
        text_encoder=text_encoder.half(),
        tokenizer=tokenizer,
        unet=unet.half(),
        scheduler=architecture.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return pipeline, state["samples"]


def _complete(folder: Path, work: Workplace) -> None:
    """Mend what `save_pretrained` leaves out or says too much of.

    The vocabulary's own files are what older programs read beside tokenizer.json. And a text
    encoder that names float16 is loaded so by default, when the other parts are float32.
    """
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(work.tokenizer / name, folder / "tokenizer" / name)
    _edit_json(folder / "text_encoder/config.json", dtype="float32")
    _edit_json(folder / "model_index.json", _guidance_scale=architecture.GUIDANCE)
    _edit_json(folder / "vae/config.json", _name_or_path=None)


def _edit_json(file: Path, **changes: Any) -> None:
    """Set values; None takes a key away."""
    values = {**json.loads(file.read_text("utf-8")), **changes}
    kept = {name: value for name, value in values.items() if changes.get(name, "") is not None}
    file.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


def _carry_over(source: Path, target: Path) -> None:
    for name in _KEPT:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name)
        elif (source / name).exists():
            shutil.copy(source / name, target / name)
