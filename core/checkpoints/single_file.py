"""A whole model in one safetensors file, as CompVis' and Stability's programs write it (LDM).

What it is, the header says: the names of the tensors tell the text encoders and with them the
family, the U-Net's first convolution tells inpainting. How the parts are built it does not say;
that is taken from resources/configs, or for models of other widths from a folder in diffusers'
layout, ``<name>.config`` beside ``<name>.safetensors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.files import read_json
from core.checkpoints.headers import Header, TensorPlace, read_header, unreadable
from core.checkpoints.parts import INDEX, Part
from core.checkpoints.prediction import predicts_v
from core.errors import BrokenCheckpoint
from core.settings import RESOURCES

SUFFIX = ".safetensors"
BESIDE = ".config"
"""Ending of the folder with a file's own configurations."""
CONFIGS = RESOURCES / "configs"

_UNET, _VAE = "model.diffusion_model.", "first_stage_model."
_FIRST_CONVOLUTION = f"{_UNET}input_blocks.0.0.weight"
_ONE, _FIRST, _SECOND = "cond_stage_model.", "conditioner.embedders.0.", "conditioner.embedders.1."
# Layout -> text encoders, and what their names begin with; the first layout that fits.
_TEXT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "sdxl": {"text_encoder": f"{_FIRST}transformer.", "text_encoder_2": f"{_SECOND}model."},
        "sdxl-refiner": {"text_encoder_2": f"{_FIRST}model."},
        "sd2": {"text_encoder": f"{_ONE}model."},
        "sd1": {"text_encoder": f"{_ONE}transformer."},
    }
)
_CHANNELS = {4: "", 9: "-inpaint"}
_HAS_V = ("sd1", "sd2", "sdxl")
_TRANSFORMERS = {
    "joint_blocks.": "Stable Diffusion 3",
    "double_blocks.": "Flux",
    "transformer_blocks.": "a transformer",
}


class NoCheckpoint(BrokenCheckpoint):
    """A sound file that is something else, such as a LoRA or a VAE alone."""


def is_whole_model(file: Path) -> bool:
    """Whether the header of that file says that a U-Net is in it.

    Raises:
        BrokenCheckpoint: the file is damaged.
    """
    return _FIRST_CONVOLUTION in read_header(file).tensors


def configs_for(file: Path) -> Path:
    """The folder with the configurations of the model in that file.

    Raises:
        NoCheckpoint: it is no whole model.
        BrokenCheckpoint: damaged, or a model that Sfumato does not know.
    """
    try:
        layout = _layout_with_variant(file, read_header(file))
    except OSError as error:
        raise unreadable(file, error) from error
    own = file.with_name(f"{file.stem}{BESIDE}")
    return own if (own / INDEX).is_file() else CONFIGS / layout


def read_config(part: Part) -> dict[str, Any]:
    """The configuration of a part; a tokenizer without a vocabulary has CLIP's.

    Raises:
        BrokenCheckpoint: a file is missing or damaged.
    """
    words = (part.folder / name for name in ("vocab.json", "merges.txt", "tokenizer.json"))
    if part.is_tokenizer and not any(file.exists() for file in words):
        return read_json(part.folder / "tokenizer_config.json")
    return part.read_config()


def tensors_of(checkpoint: Checkpoint, component: str) -> dict[str, TensorPlace]:
    """The tensors of one component of a model in one file; none for what has no weights.

    Raises:
        BrokenCheckpoint: the file is damaged.
    """
    header = read_header(checkpoint.path)
    prefix = _prefixes(_layout(checkpoint.path, header)).get(component)
    return {} if prefix is None else header.below(prefix)


def require_fit(file: Path, configs: Mapping[str, dict[str, Any]]) -> None:
    """Compare the widths that the header shows with those of the configurations.

    Raises:
        BrokenCheckpoint: they differ, or weights of a part are missing.
    """
    header = read_header(file)
    for component, prefix in _prefixes(_layout(file, header)).items():
        if not header.below(prefix):
            what = {"unet": "U-Net", "vae": "VAE"}.get(component, "text encoder")
            raise BrokenCheckpoint(
                f"{file} has no {what} in it. Get the model with all its parts in one file."
            )
    first = header.tensors[_FIRST_CONVOLUTION].shape
    reads = [p.shape[1] for p in _attention_keys(header)]
    unet = configs["unet"]
    levels = unet.get("block_out_channels")
    outermost = levels[0] if isinstance(levels, list) and levels else None
    if (outermost, unet.get("cross_attention_dim")) != (first[0], reads[0] if reads else None):
        raise BrokenCheckpoint(
            f"{file} has other widths than models of its family. Put its configurations, a folder "
            f"in diffusers' layout without the weights, beside it as {file.stem}{BESIDE}."
        )


def _attention_keys(header: Header) -> list[TensorPlace]:
    unet = header.below(_UNET).items()
    return [p for name, p in unet if name.endswith("attn2.to_k.weight") and len(p.shape) == 2]


def _prefixes(layout: str) -> dict[str, str]:
    return {**_TEXT[layout], "unet": _UNET, "vae": _VAE}


def _layout_with_variant(file: Path, header: Header) -> str:
    layout = _layout(file, header)
    shape = header.tensors[_FIRST_CONVOLUTION].shape
    if len(shape) != 4 or shape[1] not in _CHANNELS:
        raise BrokenCheckpoint(
            f"{file} has a U-Net with {shape[1] if len(shape) == 4 else 'no'} input channels; "
            "Sfumato knows those with 4 and 9."
        )
    if "edm_mean" in header.tensors:
        raise BrokenCheckpoint(
            f"{file} is a Playground 2.5, whose noise Sfumato does not know. Choose another model."
        )
    if shape[1] == 4 and layout in _HAS_V and predicts_v(file, header):
        return f"{layout}-v"
    return layout + _CHANNELS[shape[1]]


def _layout(file: Path, header: Header) -> str:
    names = header.tensors
    if _FIRST_CONVOLUTION not in names:
        raise _no_unet(file, header)
    for layout, prefixes in _TEXT.items():
        if all(any(name.startswith(start) for name in names) for start in prefixes.values()):
            return layout
    raise BrokenCheckpoint(
        f"{file} has no text encoder in it that Sfumato knows. Get the model with all its parts in "
        "one file."
    )


def _no_unet(file: Path, header: Header) -> BrokenCheckpoint:
    for name in header.tensors:
        bare = name.removeprefix(_UNET)
        for start, what in _TRANSFORMERS.items():
            if bare.startswith(start):
                return NoCheckpoint(
                    f"{file} is {what} in one file, which Sfumato reads as a folder only. Get it "
                    "in diffusers' layout."
                )
    return NoCheckpoint(
        f"{file} is no whole model: it has no U-Net in LDM's layout. Add-ons belong into their own "
        "folders."
    )
