"""Add-ons of the tiny zoo in folders as ComfyUI and A1111 lay them out."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from core.abilities import AddonKind, FreeU, GenerationKind, ModelAbilities
from core.addons import AddonShelf
from core.checkpoints import describe
from core.geometry import Size
from core.inference import generate
from core.pipelines import PipelineCache
from core.request import GenerationRequest
from core.result import GenerationResult
from tests.helpers.generations import Diary

Zoo = Callable[[str], Path]


def comfy_folder(zoo: Zoo, root: Path) -> Path:
    """``loras``, ``embeddings``, ``controlnet`` and ``vae`` below `root`; returns `root`."""
    for entry, folder in (("lora-sd15", "loras"), ("textual-inversion", "embeddings")):
        shutil.copytree(zoo(entry), root / folder)
    shutil.copytree(zoo("controlnet-canny-sd15"), root / "controlnet" / "canny")
    shutil.copytree(zoo("taesd"), root / "vae" / "taesd")
    return root


def ip_adapter_folder(zoo: Zoo, root: Path) -> Path:
    """``ipadapter`` below `root`, its image encoder inside; returns `root`."""
    shutil.copytree(zoo("ip-adapter") / "models", root / "ipadapter")
    shutil.copytree(zoo("ip-adapter") / "sdxl_models", root / "ipadapter" / "sdxl")
    return root


def dressed(
    request: GenerationRequest, checkpoint: Path, cache: PipelineCache, shelf: AddonShelf
) -> GenerationResult:
    """`core.inference.generate` with add-ons from that shelf."""
    return generate(request, describe(checkpoint), cache, Diary(), threading.Event(), shelf=shelf)


SD1 = ModelAbilities(
    family="sd1",
    kinds=frozenset(GenerationKind),
    size_multiple=8,
    native_size=Size(64, 64),
    schedulers=("Euler",),
    addons=frozenset(AddonKind),
    text_width=768,
    most_clip_skip=12,
    freeu=FreeU(0.9, 0.2, 1.5, 1.6),
    pag_scale=3.0,
)
"""A model that takes everything; only spoken of."""
