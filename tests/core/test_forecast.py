"""How much memory a picture will take, and what is made of it; no model is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication
from safetensors.torch import load_file

from core.addon import Control, Reference
from core.addons import AddonShelf
from core.checkpoints import describe
from core.checkpoints.weighing import weigh
from core.engine import Failed, Finished, MemoryIsTight
from core.geometry import Size
from core.inference.demand import Demand
from core.inference.forecast import GIB, Advice, Forecast, advise, forecast, prepare
from core.memory import DevicePlan, Placement, room
from tests.helpers.addons import comfy_folder, ip_adapter_folder
from tests.helpers.cramped import CrampedDevice
from tests.helpers.engines import an_engine
from tests.helpers.generations import CPU, a_request, picture

Zoo = Callable[[str], Path]
CARD = DevicePlan("cuda", "float16", "A test's.", 8 << 30, 8 << 30)
LARGE = Forecast(resident=6 * GIB, largest=3 * GIB, working=GIB, loading=0, mapped=4 * GIB)


# --------------------------------------------------------------------- what a model weighs


def test_weights_are_those_that_torch_counts(zoo: Zoo) -> None:
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(zoo("sd15") / "unet")
    weighed = weigh(describe(zoo("sd15")))
    assert weighed["unet"].numbers == sum(p.numel() for p in unet.parameters())
    kernels = [p for p in unet.parameters() if p.ndim == 4 and p.shape[-1] > 1]
    assert weighed["unet"].kernels == sum(p.numel() for p in kernels)
    assert weighed["unet"].dtype == "float32"
    assert {"unet", "vae", "text_encoder", "safety_checker"} == set(weighed)


def test_half_as_many_bytes_in_the_half_files(zoo: Zoo) -> None:
    plain = describe(zoo("sd15"))
    half = weigh(replace(plain, variant="fp16"))
    assert half["unet"].dtype == "float16"
    assert half["unet"].numbers == weigh(plain)["unet"].numbers
    assert half["unet"].file_bytes < weigh(plain)["unet"].file_bytes * 0.6


@pytest.mark.parametrize("name", ["sdxl-base", "kandinsky-2-2-decoder", "sd3", "flux-dev", "lcm"])
def test_every_family_can_be_weighed_and_foreseen(zoo: Zoo, name: str) -> None:
    zoo("kandinsky-2-2-prior")
    foreseen = forecast(describe(zoo(name)), CPU, Demand(Size(128, 128)))
    assert 0 < foreseen.largest < foreseen.resident <= foreseen.peak
    assert foreseen.working > 0


def test_forecast_grows_with_the_picture_and_not_with_its_shape(zoo: Zoo) -> None:
    checkpoint = describe(zoo("sd15"))
    small, large, wide = (
        forecast(checkpoint, CPU, Demand(size))
        for size in (Size(64, 64), Size(128, 128), Size(256, 64))
    )
    assert small.resident == large.resident
    assert small.working < large.working == wide.working


def test_half_the_numbers_take_half_the_memory_on_a_card(zoo: Zoo) -> None:
    checkpoint = describe(zoo("sd15"))
    whole = forecast(checkpoint, replace(CARD, dtype="float32"), Demand(Size(64, 64)))
    half = forecast(checkpoint, CARD, Demand(Size(64, 64)))
    empty = forecast(checkpoint, CARD, Demand(Size(8, 8))).resident - half.resident
    assert empty == 0
    assert whole.largest == 2 * half.largest
    assert half.mapped == 0


def test_what_is_put_on_the_model_and_looks_at_pictures_counts(zoo: Zoo, tmp_path: Path) -> None:
    root = ip_adapter_folder(zoo, comfy_folder(zoo, tmp_path))
    shelf, abilities = AddonShelf([root]), describe(zoo("sd15")).abilities

    def demand(**changes: Any) -> Demand:
        return Demand.of(a_request(**changes), abilities, shelf, 1)

    plain = demand()
    assert (plain.copies, plain.controls, plain.encoder) == (2, 0, 0)
    assert demand(guidance_scale=1.0).copies == 1
    assert demand(pag_scale=3.0).copies == 3
    assert demand(prompt="x", guidance_scale=1.0, pag_scale=3.0).copies == 2
    led = demand(controls=(Control("canny", picture()), Control("canny", picture())))
    assert led.controls == 2
    assert led.worn - plain.worn == _numbers(
        root / "controlnet" / "canny"
    )  # read once, whoever leads
    seen = demand(references=(Reference("ip-adapter_sd15", picture()),))
    assert seen.encoder == _numbers(root / "ipadapter" / "image_encoder")
    assert seen.worn > plain.worn


def _numbers(folder: Path) -> int:
    (file,) = folder.glob("*.safetensors")
    return sum(tensor.numel() for tensor in load_file(file).values())


# --------------------------------------------------------------------- what is made of it


def test_nothing_is_said_while_there_is_room() -> None:
    assert advise(LARGE, CARD, 7 * GIB) == Advice()
    assert advise(LARGE, CPU, 7 * GIB) == Advice()


def test_a_card_gets_as_little_as_is_needed_and_the_figures_are_said() -> None:
    model = advise(LARGE, CARD, 5 * GIB)
    assert model.placement is Placement.MODEL_OFFLOAD
    assert "7.0 GB of 5.0 GB" in model.words
    assert "model offload" in model.words
    layers = advise(LARGE, CARD, 3 * GIB)
    assert layers.placement is Placement.SEQUENTIAL_OFFLOAD
    assert not model.is_hopeless
    assert not layers.is_hopeless


def test_on_the_cpu_what_could_be_dropped_is_only_slow() -> None:
    tight = advise(LARGE, CPU, 5 * GIB)
    assert "about 7.0 GB" in tight.words
    assert "5.0 GB can be had" in tight.words
    assert not tight.is_hopeless
    hopeless = advise(LARGE, CPU, 2 * GIB)
    assert hopeless.is_hopeless
    assert "would end Sfumato" in hopeless.words


def test_this_process_has_its_own_memory_to_use() -> None:
    import psutil

    assert room(CPU) > psutil.virtual_memory().available


def test_model_is_placed_for_the_largest_picture_and_read_once(zoo: Zoo) -> None:
    checkpoint, device = describe(zoo("sd15")), CrampedDevice("cuda")
    cache = device.new_cache()
    peak = forecast(checkpoint, cache.plan, Demand(Size(64, 64))).peak
    for given, placement in (
        (peak - 1, Placement.MODEL_OFFLOAD),
        (peak, Placement.MODEL_OFFLOAD),  # kept: reading it anew would cost more
        (0, Placement.SEQUENTIAL_OFFLOAD),
    ):
        prepare(a_request(), checkpoint, cache, lambda plan, given=given: given)
        loaded = cache.get(checkpoint, a_request().kind)
        assert loaded.plan.placement is placement
    assert device.placements == [Placement.MODEL_OFFLOAD, Placement.SEQUENTIAL_OFFLOAD]


# --------------------------------------------------------------------- through the engine


def test_what_the_system_would_kill_is_refused_and_can_be_risked(
    qapp: QCoreApplication, zoo: Zoo
) -> None:
    with an_engine([zoo("sd15")], room=lambda plan: 1000) as engine:
        failed = engine.make(a_request())
        assert isinstance(failed, Failed)
        assert failed.can_be_risked
        assert "would end Sfumato" in failed.message
        risked = a_request()
        engine.thread.submit(risked, risk=True)
        assert isinstance(engine.recorder.outcome(risked), Finished)
        assert "would end Sfumato" in engine.recorder.of(MemoryIsTight, risked)[0].words
