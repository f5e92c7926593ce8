"""The zoo laid out as a Hugging Face hub cache under the names of the real repositories.

With HF_HUB_CACHE set to the cache and HF_HUB_OFFLINE=1, code that names those repositories runs
unchanged and offline.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tools.tiny_zoo.kandinsky import PRIOR, write_readme

REPOSITORIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sd15": (
            "runwayml/stable-diffusion-v1-5",
            "stable-diffusion-v1-5/stable-diffusion-v1-5",
        ),
        "sd15-inpaint": ("stable-diffusion-v1-5/stable-diffusion-inpainting",),
        "sd21": ("stabilityai/stable-diffusion-2-1",),
        "sdxl-base": ("stabilityai/stable-diffusion-xl-base-1.0",),
        "sdxl-inpaint": ("diffusers/stable-diffusion-xl-1.0-inpainting-0.1",),
        "sdxl-refiner": ("stabilityai/stable-diffusion-xl-refiner-1.0",),
        PRIOR: ("kandinsky-community/kandinsky-2-2-prior",),
        "kandinsky-2-2-decoder": ("kandinsky-community/kandinsky-2-2-decoder",),
        "kandinsky-2-2-decoder-inpaint": ("kandinsky-community/kandinsky-2-2-decoder-inpaint",),
        "sd3": ("stabilityai/stable-diffusion-3-medium-diffusers",),
        "flux-dev": ("black-forest-labs/FLUX.1-dev",),
        "flux-schnell": ("black-forest-labs/FLUX.1-schnell",),
        "lcm": ("SimianLuo/LCM_Dreamshaper_v7",),
        "controlnet-canny-sd15": ("lllyasviel/control_v11p_sd15_canny",),
        "ip-adapter": ("h94/IP-Adapter",),
        "taesd": ("madebyollin/taesd",),
    }
)


def write_hub_cache(zoo: Path, cache: Path) -> None:
    """Lay out every entry of `zoo` that stands for a repository; files are hard links."""
    for name, repositories in REPOSITORIES.items():
        if (zoo / name).is_dir():
            for repository in repositories:
                _write_repository(zoo / name, cache, repository)


def _write_repository(entry: Path, cache: Path, repository: str) -> None:
    commit = hashlib.sha1(repository.encode()).hexdigest()
    root = cache / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True, exist_ok=True)
    (root / "refs" / "main").write_text(commit, encoding="utf-8")
    snapshot = root / "snapshots" / commit
    if snapshot.exists():
        shutil.rmtree(snapshot)
    shutil.copytree(entry, snapshot, copy_function=os.link)
    readme = snapshot / "README.md"
    if readme.exists():
        # Unlinked first: it shares its bytes with the zoo, whose README names a local prior.
        readme.unlink()
        write_readme(snapshot, REPOSITORIES[PRIOR][0])
