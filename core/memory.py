"""Which device computes, in which number format, and how a failure for want of memory looks.

Only the CPU paths were ever run by the authors; the paths for CUDA and MPS are tested against a
made-up `Hardware` and marked below.
"""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from core.logs import logger

OVERRIDE = "SFUMATO_DEVICE"
_log = logger("memory")


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What was found in this computer; memory in bytes, 0 where there is no such device.

    Attributes:
        cpu_bf16: Whether the CPU multiplies bfloat16 matrices itself (AMX or AVX512-BF16).
        cuda: Name of the first CUDA (or ROCm) device; empty without one.
        cuda_bf16: Whether that device computes bfloat16 without emulation.
        cuda_fp8: Whether it can keep numbers in 8 bits, to compute with them in more.
        mps: Whether Apple's Metal device is there.
    """

    ram_total: int
    ram_free: int
    cpu_bf16: bool = False
    cuda: str = ""
    cuda_bf16: bool = False
    cuda_fp8: bool = False
    cuda_total: int = 0
    cuda_free: int = 0
    mps: bool = False
    mps_total: int = 0
    mps_free: int = 0


class Placement(Enum):
    """Which parts of a model are in the device's memory while it computes."""

    RESIDENT = "the whole model"
    MODEL_OFFLOAD = "model offload"
    LAYERWISE_CASTING = "model offload with layerwise casting"
    SEQUENTIAL_OFFLOAD = "sequential offload"

    def saves_more_than(self, other: Placement) -> bool:
        """Whether it takes less of the device's memory, and more time."""
        order = list(Placement)
        return order.index(self) > order.index(other)


@dataclass(frozen=True)
class DevicePlan:
    """Where and how a model will run.

    Attributes:
        device: Name for torch: ``"cuda"``, ``"mps"`` or ``"cpu"``.
        dtype: Name of the torch dtype, such as ``"float32"``.
        why: A full sentence for `doctor`.
        total_bytes: Memory of the device.
        free_bytes: What of it was free at the time of planning.
        placement: What of a model is on the device; the rest waits in the computer's own memory.
        can_cast: Whether weights may be kept there in 8 bits (layerwise casting).
        attention: Which of diffusers' attention backends computes. Always torch's own: it chooses
            the fastest kernel that the device has, and the others are no faster or less exact.
    """

    device: str
    dtype: str
    why: str
    total_bytes: int
    free_bytes: int
    placement: Placement = Placement.RESIDENT
    can_cast: bool = False
    attention: str = "native"


def plan(hardware: Hardware | None = None, wish: str | None = None) -> DevicePlan:
    """Choose the fastest safe device and number format: CUDA before MPS before the CPU.

    Args:
        hardware: What there is; looked up with torch when left out.
        wish: A device to use whatever else is there; the environment's ``SFUMATO_DEVICE`` when
            left out. A wish for a device that is missing is told in `why` and not followed.
    """
    found = look() if hardware is None else hardware
    plans = {p.device: p for p in (_on_cuda(found), _on_mps(found), _on_cpu(found)) if p}
    wanted = os.environ.get(OVERRIDE, "") if wish is None else wish
    return _follow(wanted.strip().lower(), plans)


def look() -> Hardware:
    """Ask torch and the system what this computer has; imports torch."""
    import psutil
    import torch

    ram = psutil.virtual_memory()
    hardware = {"ram_total": ram.total, "ram_free": ram.available, "cpu_bf16": _cpu_bf16()}
    if torch.cuda.is_available():  # never run on real CUDA here
        free, total = torch.cuda.mem_get_info()
        hardware |= {
            "cuda": torch.cuda.get_device_name(),
            "cuda_bf16": torch.cuda.is_bf16_supported(including_emulation=False),
            "cuda_fp8": _casts_fp8("cuda"),
            "cuda_total": total,
            "cuda_free": free,
        }
    if torch.backends.mps.is_available():  # never run on real MPS here
        total = torch.mps.recommended_max_memory()
        used = torch.mps.driver_allocated_memory()
        hardware |= {"mps": True, "mps_total": total, "mps_free": max(0, total - used)}
    return Hardware(**hardware)


def installed() -> int:
    """Bytes of main memory that this computer has."""
    import psutil

    return int(psutil.virtual_memory().total)


def room(plan: DevicePlan) -> int:
    """Bytes of `plan`'s device that this program may have in all: what is free, and its own."""
    import psutil

    if plan.device == "cpu":
        return int(psutil.virtual_memory().available + psutil.Process().memory_info().rss)
    import torch

    if plan.device == "cuda":  # never run on real CUDA here
        return int(torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved())
    return int(torch.mps.recommended_max_memory())  # never run on real MPS here


def bytes_per_number(dtype: str) -> int:
    """What one number of that torch dtype takes."""
    return {"float64": 8, "float32": 4}.get(dtype, 2)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether this error, or one that caused it, means that memory did not suffice.

    Told by class and text, since torch raises a plain `RuntimeError` in most of these cases.
    """
    while error is not None:
        if _says_out_of_memory(error):
            return True
        error = error.__cause__
    return False


def forget_frames(error: BaseException) -> None:
    """Empty the frames that an error and its causes keep alive, and with them their tensors.

    Frames that still run keep what they have: call this before the retry, and let go of the error.
    """
    for one in _with_causes(error):
        traceback.clear_frames(one.__traceback__)
        one.__traceback__ = None


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            waiting += [one.__cause__, one.__context__]
            yield one


# CUDA, ROCm, XPU and MPS say "out of memory"; the CPU allocator "can't allocate" or, on Windows,
# "not enough"; MPS says "Invalid buffer size" of one tensor larger than Metal's limit.
_OUT_OF_MEMORY_WORDS = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "invalid buffer size",
)


def _says_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # By name, so that asking does not import torch: torch.OutOfMemoryError.
    if any(base.__name__ == "OutOfMemoryError" for base in type(error).__mro__):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(word in text for word in _OUT_OF_MEMORY_WORDS)


def _cpu_bf16() -> bool:
    import torch

    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def _casts_fp8(device: str) -> bool:
    """Tried, since it depends on torch's build as much as on the device."""
    import torch

    try:
        small = torch.ones(8, device=device, dtype=torch.float16)
        return bool((small.to(torch.float8_e4m3fn).to(torch.float16) == small).all())
    except (AttributeError, RuntimeError, TypeError):
        return False


def _on_cuda(found: Hardware) -> DevicePlan | None:
    if not found.cuda:
        return None
    dtype, format_reason = (
        ("bfloat16", "it computes bfloat16 itself")
        if found.cuda_bf16
        else ("float16", "it is too old for bfloat16")
    )
    why = f"The graphics card {found.cuda} computes in {dtype}, because {format_reason}."
    return DevicePlan(
        "cuda", dtype, why, found.cuda_total, found.cuda_free, can_cast=found.cuda_fp8
    )


def _on_mps(found: Hardware) -> DevicePlan | None:
    if not found.mps:
        return None
    why = "Apple's graphics processor (MPS) computes in float16, its fastest format."
    return DevicePlan("mps", "float16", why, found.mps_total, found.mps_free)


def _on_cpu(found: Hardware) -> DevicePlan:
    dtype, why = "float32", "since it has no fast bfloat16 (AMX or AVX512-BF16)"
    if found.cpu_bf16:
        dtype, why = "bfloat16", "which it multiplies about three times faster than float32"
    sentence = f"The CPU computes in {dtype}, {why}."
    return DevicePlan("cpu", dtype, sentence, found.ram_total, found.ram_free)


def _follow(wish: str, plans: Mapping[str, DevicePlan]) -> DevicePlan:
    best = next(iter(plans.values()))
    if not wish:
        return _without_graphics(best)
    if wish in plans:
        return _because(plans[wish], f"{OVERRIDE} asks for it.")
    _log.warning("%s asks for %r; here are %s", OVERRIDE, wish, ", ".join(plans))
    return _because(best, f"{OVERRIDE} asks for “{wish}”, which is not here.")


def _without_graphics(best: DevicePlan) -> DevicePlan:
    if best.device != "cpu":
        return best
    return _because(best, "No graphics card that torch can use was found.")


def _because(chosen: DevicePlan, reason: str) -> DevicePlan:
    return replace(chosen, why=f"{chosen.why} {reason}")
