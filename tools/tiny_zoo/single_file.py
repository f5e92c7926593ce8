"""Models of the zoo as one file in the layout of CompVis (LDM), as people have them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tools.tiny_zoo import ldm

_NAME = "tiny-sd15"
_YAML = Path(__file__).with_name("v1-inference-tiny.yaml")
_FIRST, _SECOND = "conditioner.embedders.0.", "conditioner.embedders.1."
_Convert = Callable[[Mapping[str, Any], str], dict[str, Any]]
# Where the text encoders of each model go: component -> prefix in the file, dialect.
TEXT: dict[str, dict[str, tuple[str, _Convert]]] = {
    "sd15": {"text_encoder": ("cond_stage_model.transformer.", ldm.clip_weights)},
    "sd21": {"text_encoder": ("cond_stage_model.model.", ldm.open_clip_weights)},
    "sdxl": {
        "text_encoder": (f"{_FIRST}transformer.", ldm.clip_weights),
        "text_encoder_2": (f"{_SECOND}model.", ldm.open_clip_weights),
    },
    "sdxl-refiner": {"text_encoder_2": (f"{_FIRST}model.", ldm.open_clip_weights)},
}


def write_single_file(folder: Path) -> None:
    """The same weights in half precision as .safetensors, as .ckpt, and LDM's configuration."""
    import torch
    from safetensors.torch import save_file

    weights = {k: v.half().contiguous() for k, v in ldm_weights(folder.parent / "sd15").items()}
    metadata = {"modelspec.title": "tiny sd15"}
    save_file(weights, folder / f"{_NAME}.safetensors", metadata=metadata)
    torch.save({"state_dict": weights, "global_step": 1}, folder / f"{_NAME}.ckpt")
    (folder / _YAML.name).write_bytes(_YAML.read_bytes())


def writer(name: str, metadata: Mapping[str, str] | None = None) -> Callable[[Path], None]:
    """Writes the entry `name` as ``<name>.safetensors``, beside it its ``<name>.config``.

    The weights are those of the folder to the last bit. The configurations are needed since the
    widths are a toy's.
    """

    def write(folder: Path) -> None:
        from safetensors.torch import save_file

        pipeline = folder.parent / name
        file = folder / f"{name}.safetensors"
        save_file(ldm_weights(pipeline), file, metadata=dict(metadata or {}) or None)
        aside = shutil.ignore_patterns("*.safetensors", "safety_checker", "feature_extractor")
        shutil.copytree(pipeline, folder / f"{name}.config", ignore=aside)

    return write


def ldm_weights(pipeline: Path) -> dict[str, Any]:
    """All weights of a model folder under LDM's names, but the safety checker's.

    Raises:
        KeyError: its architecture has no such form.
    """
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from safetensors.torch import load_file

    unet = UNet2DConditionModel.from_pretrained(pipeline / "unet")
    vae = AutoencoderKL.from_pretrained(pipeline / "vae")
    found = {
        **ldm.unet_weights(unet.state_dict(), unet.config),
        **ldm.vae_weights(vae.state_dict(), len(vae.config.block_out_channels)),
    }
    for part, (prefix, convert) in TEXT[_layout(pipeline.name)].items():
        found |= convert(load_file(pipeline / part / "model.safetensors"), prefix)
    return found


def _layout(name: str) -> str:
    return name if name in TEXT else name.split("-")[0]
