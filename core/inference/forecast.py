"""How much memory a picture will take, before anything is loaded.

Weights are counted in the files' headers. What is computed on the way was measured on a CPU in
float32 (tests/benchmarks/bench_memory.py) and is written here in units of one layer's output; for
graphics cards the same figures are used, and were never compared with one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.checkpoints import Checkpoint
from core.checkpoints.weighing import PartWeight, weigh
from core.geometry import Size
from core.memory import DevicePlan, Placement, room
from core.pipelines import PipelineCache
from core.request import GenerationRequest

GIB = 1 << 30
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}

# A process with torch and diffusers imported; on a card, its driver's context.
_EMPTY = int(0.40 * GIB)
# Outputs of the VAE's widest layer at full size, and of the denoiser's first level, that are alive
# at once; and what the libraries keep beside them whatever the size.
_DECODER_OUTPUTS, _DECODER_CONSTANT = 3.5, int(0.17 * GIB)
_DENOISER_OUTPUTS, _DENOISER_CONSTANT = 32, int(0.13 * GIB)
_BATCH = 2  # with and without the prompt
_PLAIN_VAE = (128, 256)


@dataclass(frozen=True)
class Forecast:
    """Memory in bytes, of the device that computes.

    Attributes:
        resident: The whole model, ready to compute.
        largest: Its largest part alone.
        working: What is computed on the way comes on top of that at its peak.
        loading: The peak while it is read.
        mapped: What of it is file pages, which the system can drop and read again.
    """

    resident: int
    largest: int
    working: int
    loading: int
    mapped: int

    @property
    def peak(self) -> int:
        """The most that is needed at any time with the whole model on the device."""
        return max(self.resident + self.working, self.loading)

    @property
    def peak_with_offload(self) -> int:
        """The same with only one part of the model at a time on the device."""
        return _EMPTY + self.largest + self.working


def forecast(checkpoint: Checkpoint, plan: DevicePlan, size: Size) -> Forecast:
    """What a picture of `size`, in pixels as the model works on it, will need.

    Raises:
        BrokenCheckpoint: a file of the model cannot be read.
    """
    parts = weigh(checkpoint)
    in_place = [_resident(name, part, plan) for name, part in parts.items()]
    loading = _EMPTY if plan.device != "cpu" else _EMPTY + _loading(parts, plan)
    return Forecast(
        resident=_EMPTY + sum(in_place),
        largest=max(in_place, default=0),
        working=_working(checkpoint, parts, plan, size),
        loading=loading,
        mapped=sum(part.file_bytes for part in parts.values() if _is_mapped(part, plan)),
    )


def _resident(name: str, part: PartWeight, plan: DevicePlan) -> int:
    if _is_mapped(part, plan):
        # The file itself is mapped; convolutions are copied into channels_last.
        is_copied = plan.dtype == "float32" and name in ("unet", "vae", "movq")
        return part.file_bytes + (part.kernels * 4 if is_copied else 0)
    return part.numbers * _BYTES[plan.dtype]


def _is_mapped(part: PartWeight, plan: DevicePlan) -> bool:
    return plan.device == "cpu" and part.dtype == plan.dtype


def _loading(parts: Mapping[str, PartWeight], plan: DevicePlan) -> int:
    """On the CPU: what is there already, and the one that is being converted, twice."""
    before, most = 0, 0
    for name, part in parts.items():
        own = _resident(name, part, plan)
        converted = 0 if part.dtype == plan.dtype else part.file_bytes
        most = max(most, before + own + converted)
        before += own
    return most


def _working(
    checkpoint: Checkpoint, parts: Mapping[str, PartWeight], plan: DevicePlan, size: Size
) -> int:
    family = checkpoint.family
    vae, denoiser = parts[family.vae].config, parts[family.denoiser].config
    number = _BYTES[plan.dtype]
    widest = _widths(vae, _PLAIN_VAE)[:2][-1]
    # In float16 Stable Diffusion XL decodes in float32, weights included.
    upcast = plan.dtype == "float16" and bool(vae.get("force_upcast"))
    decoded = size.area * widest * (4 if upcast else number) * _DECODER_OUTPUTS
    decoding = _DECODER_CONSTANT + decoded + (parts[family.vae].numbers * 4 if upcast else 0)
    cells = size.area / 64
    denoised = cells * _BATCH * _denoiser_width(denoiser) * number * _DENOISER_OUTPUTS
    return round(max(decoding, _DENOISER_CONSTANT + denoised))


def _widths(config: Mapping[str, Any], otherwise: tuple[int, ...]) -> tuple[int, ...]:
    widths = config.get("block_out_channels")
    return tuple(map(int, widths)) if isinstance(widths, list) and widths else otherwise


def _denoiser_width(config: Mapping[str, Any]) -> int:
    """Channels per latent cell: of a U-Net's first level; of a transformer's tokens of 2 × 2."""
    if "num_attention_heads" in config and "block_out_channels" not in config:
        heads, width = config["num_attention_heads"], config.get("attention_head_dim", 64)
        return int(heads * width) // 4
    return _widths(config, (320,))[0]


@dataclass(frozen=True)
class Advice:
    """What to make of a forecast on this computer, now.

    Attributes:
        placement: What of the model belongs on the device.
        words: A sentence for the person; empty where there is memory enough.
        is_hopeless: Whether the system would end this program rather than say no.
    """

    placement: Placement = Placement.RESIDENT
    words: str = ""
    is_hopeless: bool = False


def advise(foreseen: Forecast, plan: DevicePlan, room: int) -> Advice:
    """Where the model should be for a picture like that, and whether it can be made at all.

    Args:
        room: Bytes of the device that this program may take in all (`core.memory.room`).
    """
    if foreseen.peak <= room:
        return Advice()
    if plan.device == "cpu":
        return _on_cpu(foreseen, room)
    needs = f"This needs {_gb(foreseen.peak)} of {_gb(room)} on the device"
    if foreseen.peak_with_offload <= room:
        words = f"{needs}: one part of the model is there at a time (model offload)."
        return Advice(Placement.MODEL_OFFLOAD, words)
    words = f"{needs}: one layer is there at a time (sequential offload), which is slow."
    return Advice(Placement.SEQUENTIAL_OFFLOAD, words)


def _on_cpu(foreseen: Forecast, room: int) -> Advice:
    needs = f"This needs about {_gb(foreseen.peak)} of memory, and {_gb(room)} can be had"
    if foreseen.peak - foreseen.mapped <= room:
        return Advice(words=f"{needs}: it will be slow, or fail.")
    return Advice(
        words=f"{needs}: the system would end Sfumato. Close other programs, or choose a smaller "
        "size or model.",
        is_hopeless=True,
    )


def prepare(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    pipelines: PipelineCache,
    room: Callable[[DevicePlan], int] = room,
) -> Advice:
    """Look ahead at the memory, and let the model be placed accordingly when it is loaded.

    A model that was placed before for a larger picture stays as it is, since reading it anew
    would cost more than it gives.

    Raises:
        BrokenCheckpoint: a file of the model cannot be read.
    """
    plan = pipelines.plan
    foreseen, free = forecast(checkpoint, plan, request.denoising_size), room(plan)
    advice = advise(foreseen, plan, free)
    pipelines.suggest(checkpoint, advice.placement)
    pipelines.make_room(checkpoint, foreseen.peak, free)
    return advice


def _gb(count: int) -> str:
    return f"{count / GIB:.1f} GB"
