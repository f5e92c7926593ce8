"""Whether a model in one file predicts noise (epsilon) or v, which no shape tells.

Asked in this order: what the author wrote into the metadata (Stability's modelspec), the marker
tensor ``v_pred`` of the trainers for XL, A1111's ``<name>.yaml`` beside the file. For Stable
Diffusion 2, whose two forms differ in nothing but their weights, the last resort is ComfyUI's rule
of thumb (comfy/supported_models.py, SD20): the spread of one normalization's 320 biases is above
0.09 in those that predict v. Only those are read, no other weight.
"""

from __future__ import annotations

import statistics
import struct
from pathlib import Path

from core.checkpoints.headers import Header, TensorPlace, chunks

_BIAS = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
_SPREAD_OF_V = 0.09
_MAX_YAML = 1 << 20
_SD2_TEXT = "cond_stage_model.model."
_FORMATS = {"F16": "e", "F32": "f"}


def predicts_v(file: Path, header: Header) -> bool:
    """Whether the U-Net in that file predicts v.

    Raises:
        OSError: the file cannot be read.
    """
    for told in (_by_metadata(header), _by_marker(header), _by_yaml(file)):
        if told is not None:
            return told
    if not header.below(_SD2_TEXT) or _BIAS not in header.tensors:
        return False
    return _spread(file, header.tensors[_BIAS]) > _SPREAD_OF_V


def _by_metadata(header: Header) -> bool | None:
    told = header.metadata.get("modelspec.prediction_type", "").lower()
    if told:
        return told.startswith("v")
    architecture = header.metadata.get("modelspec.architecture", "").lower()
    if architecture.startswith("stable-diffusion-v2"):
        return architecture.endswith("-v")
    return None


def _by_marker(header: Header) -> bool | None:
    return True if "v_pred" in header.tensors else None


def _by_yaml(file: Path) -> bool | None:
    """A line ``parameterization: "v"``; its absence means noise, as in the authors' program."""
    try:
        with file.with_suffix(".yaml").open(encoding="utf-8", errors="replace") as stream:
            lines = stream.read(_MAX_YAML).splitlines()
    except OSError:
        return None
    pairs = [line.partition(":") for line in lines]
    told = [value for key, _, value in pairs if key.strip() == "parameterization"]
    return any(value.split("#")[0].strip(" \"'") == "v" for value in told)


def _spread(file: Path, place: TensorPlace) -> float:
    numbers = b"".join(chunks(file, iter([place])))
    if place.dtype == "BF16":  # the upper half of a float32
        numbers = b"".join(b"\0\0" + numbers[at : at + 2] for at in range(0, len(numbers), 2))
    letter = "f" if place.dtype == "BF16" else _FORMATS.get(place.dtype)
    if letter is None or len(place.shape) != 1 or not 2 <= place.shape[0] <= 4096:
        return 0.0
    values = struct.unpack(f"<{place.shape[0]}{letter}", numbers)
    return statistics.pstdev(values)
