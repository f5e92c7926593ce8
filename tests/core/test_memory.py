"""Which device is chosen on which hardware, and which errors mean that memory did not suffice."""

from __future__ import annotations

import errno

import pytest
import torch

from core.memory import OVERRIDE, DevicePlan, Hardware, is_out_of_memory, look, plan

GIB = 2**30
CPU = Hardware(ram_total=16 * GIB, ram_free=8 * GIB)
AMX = Hardware(ram_total=16 * GIB, ram_free=8 * GIB, cpu_bf16=True)
NEW_CARD = Hardware(
    ram_total=16 * GIB,
    ram_free=8 * GIB,
    cpu_bf16=True,
    cuda="RTX 4070",
    cuda_bf16=True,
    cuda_total=12 * GIB,
    cuda_free=11 * GIB,
)
OLD_CARD = Hardware(
    ram_total=16 * GIB,
    ram_free=8 * GIB,
    cuda="GTX 1080",
    cuda_total=8 * GIB,
    cuda_free=7 * GIB,
)
MAC = Hardware(
    ram_total=32 * GIB, ram_free=20 * GIB, mps=True, mps_total=24 * GIB, mps_free=23 * GIB
)


@pytest.fixture(autouse=True)
def _no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OVERRIDE, raising=False)


@pytest.mark.parametrize(
    ("hardware", "device", "dtype", "total", "free"),
    [
        (CPU, "cpu", "float32", 16, 8),
        (AMX, "cpu", "bfloat16", 16, 8),
        (NEW_CARD, "cuda", "bfloat16", 12, 11),
        (OLD_CARD, "cuda", "float16", 8, 7),
        (MAC, "mps", "float16", 24, 23),
    ],
)
def test_the_fastest_safe_device_and_dtype_are_chosen(
    hardware: Hardware, device: str, dtype: str, total: int, free: int
) -> None:
    chosen = plan(hardware)
    assert (chosen.device, chosen.dtype) == (device, dtype)
    assert (chosen.total_bytes, chosen.free_bytes) == (total * GIB, free * GIB)


@pytest.mark.parametrize("hardware", [CPU, AMX, NEW_CARD, OLD_CARD, MAC])
@pytest.mark.parametrize("wish", ["", "cpu", "cuda", "nonsense"])
def test_the_reason_is_said_in_whole_sentences(hardware: Hardware, wish: str) -> None:
    chosen = plan(hardware, wish) if wish in ("", "cpu") else plan(NEW_CARD, "cuda")
    assert chosen.why[0].isupper()
    assert chosen.why.endswith(".")
    assert chosen.dtype in chosen.why


def test_cuda_goes_before_mps() -> None:
    both = Hardware(ram_total=GIB, ram_free=GIB, cuda="card", cuda_total=1, cuda_free=1, mps=True)
    assert plan(both).device == "cuda"


def test_the_name_of_the_card_is_told() -> None:
    assert "RTX 4070" in plan(NEW_CARD).why


def test_a_wish_is_followed_and_told() -> None:
    chosen = plan(NEW_CARD, " CPU ")
    assert (chosen.device, chosen.dtype) == ("cpu", "bfloat16")
    assert f"{OVERRIDE} asks for it" in chosen.why


def test_the_environment_can_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OVERRIDE, "cpu")
    assert plan(MAC).device == "cpu"


def test_a_wish_that_cannot_be_followed_is_told_and_logged(expected_log) -> None:  # type: ignore[no-untyped-def]
    expected_log("asks for 'cuda'")
    chosen = plan(CPU, "cuda")
    assert chosen.device == "cpu"
    assert "“cuda”, which is not here" in chosen.why


def test_this_computer_is_looked_at_as_torch_sees_it() -> None:
    found = look()
    assert 0 < found.ram_free <= found.ram_total
    assert bool(found.cuda) == torch.cuda.is_available()
    assert found.mps == torch.backends.mps.is_available()
    chosen = plan()
    assert isinstance(chosen, DevicePlan)
    assert isinstance(getattr(torch, chosen.dtype), torch.dtype)
    torch.device(chosen.device)


def test_bfloat16_is_used_on_a_cpu_that_multiplies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, able in (
        ({"avx2": True, "amx_bf16": False, "avx512_bf16": False}, False),
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({}, False),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda flags=flags: flags)
        assert look().cpu_bf16 is able


OUT_OF_MEMORY: list[BaseException] = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: "
        "can't allocate memory: you tried to allocate 4000000000000 bytes."
    ),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    RuntimeError("Invalid buffer size: 40.00 GB"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
]
ANYTHING_ELSE: list[BaseException | None] = [
    None,
    ValueError("out of memory"),
    RuntimeError("The size of tensor a (9) must match the size of tensor b (4)"),
    OSError(errno.ENOSPC, "No space left on device"),
    KeyError("cuda"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=repr)
def test_out_of_memory_is_recognised(error: BaseException) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", ANYTHING_ELSE, ids=repr)
def test_other_errors_are_not_out_of_memory(error: BaseException | None) -> None:
    assert not is_out_of_memory(error)


def test_out_of_memory_is_recognised_as_the_cause_of_another_error() -> None:
    outer = OSError("Unable to load weights")
    outer.__cause__ = RuntimeError("can't allocate memory")
    assert is_out_of_memory(outer)


def test_what_torch_itself_raises_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**62, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
