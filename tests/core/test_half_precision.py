"""Models that compute in half precision, whatever this computer would choose.

The other tests compute in float32, as most processors do; graphics cards and the newest
processors do not. A part that is left in float32 stops the first step with torch's own error.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.abilities import AddonKind, FreeU, GenerationKind
from core.addon import Addon, Control, Reference
from core.addons import AddonShelf
from core.checkpoints import describe
from core.errors import GenerationCancelled
from core.geometry import Size
from core.inference import generate
from core.pipelines import PipelineCache
from core.request import Pixels
from tests.helpers.addons import comfy_folder, dressed, ip_adapter_folder
from tests.helpers.generations import CPU, SIZE, CountedEvent, Diary, a_request, new_cache, picture

TEXT, IMAGE, INPAINT = GenerationKind
Zoo = Callable[[str], Path]
# What diffusers' SDXL pipelines call themselves, to decode in float32.
UPCAST = pytest.mark.filterwarnings("ignore:.upcast_vae:FutureWarning")
MODELS = ("sd15", "sd21", "sdxl-base", "kandinsky-2-2-decoder", "sd3", "flux-dev")
ROUNDING = 8
"""Of 255, on average; a new picture of the zoo from another seed differs by 50 and more."""
WORN: dict[str, dict[str, Any]] = {
    "lora": {"addons": (Addon(AddonKind.LORA, "tiny_unet_te", 0.5),)},
    "vae": {"addons": (Addon(AddonKind.VAE, "taesd"),)},
    "embedding": {"prompt": "a <tiny-cat> in a castle, tiny_badhands"},
    "controlnet": {"controls": (Control("canny", picture()),)},
    "picture": {"references": (Reference("ip-adapter_sd15", picture(), 0.8),)},
    "picture, plus": {"references": (Reference("ip-adapter-plus_sd15", picture(), 0.8),)},
    "freeu": {"freeu": FreeU(0.9, 0.2, 1.5, 1.6)},
    "perturbed attention": {"pag_scale": 2.5, "size": Size(128, 128)},
    "clip skip": {"clip_skip": 2},
}


def half(dtype: str) -> PipelineCache:
    return PipelineCache(None, replace(CPU, dtype=dtype))


@pytest.fixture(scope="module")
def shelf(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> AddonShelf:
    """Add-ons for SD 1.5, and a brighter VAE for SDXL."""
    root = ip_adapter_folder(zoo, comfy_folder(zoo, tmp_path_factory.mktemp("models")))
    shutil.copytree(zoo("sdxl-base") / "vae", root / "vae" / "bright")
    file = root / "vae" / "bright" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    weights["decoder.conv_out.bias"] += 1
    save_file(weights, file)
    return AddonShelf([root])


@pytest.fixture(scope="module")
def caches() -> dict[str, PipelineCache]:
    return {"float32": new_cache(), "bfloat16": half("bfloat16")}


@pytest.fixture
def draw(zoo: Zoo, caches: dict[str, PipelineCache], shelf: AddonShelf) -> Callable[..., Pixels]:
    """The picture of `a_request` with some changes, computed in that precision."""

    def make(dtype: str, kind: Any = TEXT, model: str = "sd15", **changes: Any) -> Pixels:
        schedulers = describe(zoo(model)).abilities.schedulers
        values = {"checkpoint": model, "num_inference_steps": 2, "scheduler": schedulers[0]}
        return dressed(a_request(kind, **values | changes), zoo(model), caches[dtype], shelf).image

    return make


def apart(first: Pixels, second: Pixels) -> float:
    return float(np.abs(first.astype(int) - second).mean())


@pytest.mark.parametrize("model", MODELS)
def test_every_family_draws_almost_the_same_picture(zoo: Zoo, draw: Any, model: str) -> None:
    for kind in describe(zoo(model)).abilities.kinds:
        assert 0 < apart(draw("bfloat16", kind, model), draw("float32", kind, model)) < ROUNDING


@pytest.mark.parametrize("worn", WORN)
def test_what_is_worn_is_worn_in_it_too(draw: Any, worn: str) -> None:
    size = WORN[worn].get("size", SIZE)
    plain, led = draw("bfloat16", size=size), draw("bfloat16", **WORN[worn])
    assert apart(led, plain) > 0
    assert apart(led, draw("float32", **WORN[worn])) < ROUNDING
    assert np.array_equal(draw("bfloat16", size=size), plain)


@UPCAST
@pytest.mark.parametrize("vae", [(), (Addon(AddonKind.VAE, "bright"),)])
def test_stopped_while_decoding_in_float32_it_is_float16_again(
    zoo: Zoo, shelf: AddonShelf, vae: tuple[Addon, ...]
) -> None:
    """SDXL's VAE overflows in float16, so that diffusers makes it float32 for the decoding."""
    cache, looks = half("float16"), CountedEvent(at=-1)
    checkpoint = describe(zoo("sdxl-base"))
    weights = cache.get(checkpoint, TEXT).vae.parameters
    request = a_request(checkpoint="sdxl-base", num_inference_steps=1, addons=vae)

    def draw(stop: threading.Event) -> Pixels:
        return generate(request, checkpoint, cache, Diary(), stop, shelf=shelf).image

    first = draw(looks)
    with pytest.raises(GenerationCancelled):
        draw(CountedEvent(at=looks.looks - 3))
    assert {weight.dtype for weight in weights()} == {torch.float16}
    assert np.array_equal(draw(threading.Event()), first)
