"""How much memory a picture will take, before anything is loaded.

Weights are counted in the files' headers. What is computed on the way was measured on a CPU in
float32 (tests/benchmarks/bench_memory.py) and is written here in units of one layer's output; for
graphics cards the same figures are used, and were never compared with one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.addons import AddonShelf
from core.checkpoints import Checkpoint
from core.checkpoints.weighing import PartWeight, weigh
from core.inference.demand import Demand
from core.inference.savings import wears_nothing
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
# What a ControlNet hands to the U-Net: four outputs of each level, whose cells become fewer by
# four and whose channels at most double; in units of one output of the first.
_CONTROL_OUTPUTS = 6.5
_CHANNELS, _FLOAT = 3, 4
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
        largest_cast: Its largest part alone where what denoises is kept in 8 bits.
    """

    resident: int
    largest: int
    working: int
    loading: int
    mapped: int
    largest_cast: int = 0

    @property
    def peak(self) -> int:
        """The most that is needed at any time with the whole model on the device."""
        return max(self.resident + self.working, self.loading)

    @property
    def peak_with_offload(self) -> int:
        """The same with only one part of the model at a time on the device."""
        return _EMPTY + self.largest + self.working

    @property
    def peak_with_casting(self) -> int:
        """The same with layerwise casting besides."""
        return _EMPTY + (self.largest_cast or self.largest) + self.working


def forecast(checkpoint: Checkpoint, plan: DevicePlan, demand: Demand) -> Forecast:
    """What the pictures of one batch will need.

    Raises:
        BrokenCheckpoint: a file of the model cannot be read.
    """
    parts = weigh(checkpoint)
    by_name = {name: _resident(name, part, plan) for name, part in parts.items()}
    cast = by_name | {checkpoint.family.denoiser: parts[checkpoint.family.denoiser].numbers}
    in_place = by_name.values()
    worn = demand.worn * _BYTES[plan.dtype]
    loading = _EMPTY if plan.device != "cpu" else _EMPTY + _loading(parts, plan)
    return Forecast(
        resident=_EMPTY + sum(in_place) + worn,
        largest=max(in_place, default=0),
        working=_working(checkpoint, parts, plan, demand),
        loading=loading,
        mapped=sum(part.file_bytes for part in parts.values() if _is_mapped(part, plan)),
        largest_cast=max(cast.values()),
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
    """On the CPU: what is there at the end, and the largest file that is being converted.

    diffusers reads a pipeline's parts in the order of a set of strings, which is another in each
    process: the one whose file is the largest may be the last.
    """
    converted = [part.file_bytes for part in parts.values() if part.dtype != plan.dtype]
    in_place = sum(_resident(name, part, plan) for name, part in parts.items())
    return in_place + max(converted, default=0)


def _working(
    checkpoint: Checkpoint, parts: Mapping[str, PartWeight], plan: DevicePlan, demand: Demand
) -> int:
    """The most of three: a look at reference pictures, the steps, and decoding."""
    family, number = checkpoint.family, _BYTES[plan.dtype]
    decoding = _decoding(parts[family.vae], plan, demand)
    denoising = _denoising(parts[family.denoiser].config, number, demand)
    return round(max(demand.encoder * number, decoding, denoising))


def _decoding(vae: PartWeight, plan: DevicePlan, demand: Demand) -> float:
    """One picture of a batch is decoded after the other; those that are done wait for the last."""
    area, number = demand.size.area, _BYTES[plan.dtype]
    widest = _widths(vae.config, _PLAIN_VAE)[:2][-1]
    # In float16 Stable Diffusion XL decodes in float32, weights included.
    upcast = plan.dtype == "float16" and bool(vae.config.get("force_upcast"))
    decoded = area * widest * (_FLOAT if upcast else number) * _DECODER_OUTPUTS
    # As they came, joined, and as the floats that are handed out.
    waiting = (demand.pictures - 1) * area * _CHANNELS * (2 * number + _FLOAT)
    return _DECODER_CONSTANT + decoded + waiting + (vae.numbers * _FLOAT if upcast else 0)


def _denoising(denoiser: Mapping[str, Any], number: int, demand: Demand) -> float:
    batch, cells = demand.pictures * demand.copies, demand.size.area / 64
    outputs = _DENOISER_OUTPUTS + _CONTROL_OUTPUTS * demand.controls
    return _DENOISER_CONSTANT + cells * batch * _denoiser_width(denoiser) * number * outputs


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
        at_once: How many pictures of a batch there is room for.
    """

    placement: Placement = Placement.RESIDENT
    words: str = ""
    is_hopeless: bool = False
    at_once: int = 1


def advise(foreseen: Forecast, plan: DevicePlan, room: int, may_cast: bool = True) -> Advice:
    """Where the model should be for a picture like that, and whether it can be made at all.

    Args:
        room: Bytes of the device that this program may take in all (`core.memory.room`).
        may_cast: Whether nothing is put on the model that layerwise casting would spoil.
    """
    if foreseen.peak <= room:
        return Advice()
    if plan.device == "cpu":
        return _on_cpu(foreseen, room)
    needs = f"This needs {_gb(foreseen.peak)} of {_gb(room)} on the device"
    if foreseen.peak_with_offload <= room:
        words = f"{needs}: one part of the model is there at a time (model offload)."
        return Advice(Placement.MODEL_OFFLOAD, words)
    if plan.can_cast and may_cast and foreseen.peak_with_casting <= room:
        words = f"{needs}: one part is there at a time, the largest in 8 bits (layerwise casting)."
        return Advice(Placement.LAYERWISE_CASTING, words)
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
    shelf: AddonShelf | None = None,
) -> Advice:
    """Look ahead at the memory, and let the model be placed accordingly when it is loaded.

    A model that was placed before for a larger picture stays as it is, since reading it anew
    would cost more than it gives.

    Args:
        shelf: Where the add-ons are that the request names.

    Raises:
        BrokenCheckpoint, BrokenAddon: a file cannot be read or is missing.
    """
    plan = pipelines.plan
    free, wanted = room(plan), max(1, len(request.together))
    foreseen, at_once = _fitting(request, checkpoint, plan, free, shelf or AddonShelf())
    may_cast = wears_nothing(request)
    advice = replace(advise(foreseen, plan, free, may_cast), at_once=at_once)
    if at_once < wanted and not advice.words:
        advice = replace(advice, words=_fewer(wanted, at_once))
    if plan.placement is Placement.LAYERWISE_CASTING and not may_cast:
        pipelines.release()  # to be read anew, in full
    pipelines.suggest(checkpoint, advice.placement)
    pipelines.make_room(checkpoint, foreseen.peak, free)
    return advice


def _fitting(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    plan: DevicePlan,
    free: int,
    shelf: AddonShelf,
) -> tuple[Forecast, int]:
    """As many pictures of a batch as there is room for, but one; (what they need, how many)."""
    demand = Demand.of(request, checkpoint.abilities, shelf, max(1, len(request.together)))
    while True:
        foreseen = forecast(checkpoint, plan, demand)
        if foreseen.peak <= free or demand.pictures == 1:
            return foreseen, demand.pictures
        demand = replace(demand, pictures=demand.pictures - 1)


def _fewer(wanted: int, at_once: int) -> str:
    how = "one after the other" if at_once == 1 else f"at most {at_once} at a time"
    return f"There is not enough memory for {wanted} pictures at once: they are drawn {how}."


def _gb(count: int) -> str:
    return f"{count / GIB:.1f} GB"
