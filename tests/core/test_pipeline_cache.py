"""Several models in memory: bounded by bytes, the oldest leaves first, equal parts are once."""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint, describe
from core.errors import BrokenCheckpoint, GenerationCancelled
from core.inference import prepare
from core.pipelines import PipelineCache
from tests.helpers.generations import CPU, a_request, make, new_cache

Zoo = Callable[[str], Path]
TEXT = GenerationKind.TEXT_TO_IMAGE
UNET = "unet/diffusion_pytorch_model.safetensors"


def cache_of(megabytes: float) -> PipelineCache:
    """A cache in which models may take that much: half of what is free."""
    return PipelineCache(None, replace(CPU, free_bytes=int(2 * megabytes * 1e6)))


def unet_of(cache: PipelineCache, model: Checkpoint) -> weakref.ref[Any]:
    return weakref.ref(cache.get(model, TEXT).pipe.unet)


@pytest.fixture
def fine_tune(zoo: Zoo, tmp_path: Path) -> Checkpoint:
    """A copy of SD 1.5 with another U-Net."""
    folder = Path(shutil.copytree(zoo("sd15"), tmp_path / "tuned"))
    change(folder / UNET, lambda tensors: tensors["conv_out.bias"].add_(1))
    return describe(folder)


def change(file: Path, how: Callable[[dict[str, Any]], object]) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    how(tensors)
    file.unlink()
    save_file(tensors, file, metadata={"format": "pt"})


def test_what_was_used_last_stays_and_the_oldest_leaves(zoo: Zoo) -> None:
    cache = cache_of(14)  # each is about 5 MB
    first, second, third = (describe(zoo(name)) for name in ("lcm", "sd21", "sdxl-base"))
    one, two = unet_of(cache, first), unet_of(cache, second)
    assert unet_of(cache, first)() is one()  # used again
    unet_of(cache, third)
    assert one() is not None
    assert two() is None
    assert cache.bytes_in_use < 14e6


def test_a_model_larger_than_the_bound_is_alone(zoo: Zoo) -> None:
    cache = cache_of(1)
    one = unet_of(cache, describe(zoo("sd15")))
    assert one() is not None
    two = unet_of(cache, describe(zoo("sd21")))
    assert one() is None
    assert two() is not None


def test_equal_parts_are_in_memory_once(zoo: Zoo, fine_tune: Checkpoint) -> None:
    cache = cache_of(100)
    first = cache.get(describe(zoo("sd15")), TEXT)
    alone = cache.bytes_in_use
    told: list[str] = []
    second = cache.get(fine_tune, TEXT, lambda _, what: told.append(what))
    assert second.pipe.text_encoder is first.pipe.text_encoder
    assert second.pipe.vae is first.pipe.vae
    assert second.pipe.safety_checker is first.pipe.safety_checker
    assert second.pipe.unet is not first.pipe.unet
    assert second.preview is first.preview
    own = sum(p.numel() * 4 for p in second.pipe.unet.parameters())
    assert cache.bytes_in_use == alone + own
    for kind in GenerationKind:
        cache.get(fine_tune, kind)
    assert cache.bytes_in_use == alone + own


def test_two_copies_of_a_file_share_everything(zoo: Zoo, tmp_path: Path) -> None:
    zoo("sdxl-base")
    source = zoo("sdxl-base-file") / "sdxl-base.safetensors"
    for name in ("a", "b"):
        shutil.copy(source, tmp_path / f"{name}.safetensors")
        shutil.copytree(source.with_suffix(".config"), tmp_path / f"{name}.config")
    cache = cache_of(100)
    first, second = (cache.get(describe(tmp_path / f"{n}.safetensors"), TEXT).pipe for n in "ab")
    for part in ("unet", "vae", "text_encoder", "text_encoder_2"):
        assert getattr(first, part) is getattr(second, part)
    assert first.tokenizer is not second.tokenizer


def test_the_pictures_of_models_that_share_are_their_own(zoo: Zoo, fine_tune: Checkpoint) -> None:
    cache = cache_of(100)
    models = [describe(zoo("sd15")), fine_tune]
    alone = [make(a_request(), model).image for model in models]
    for _ in range(2):
        for model, expected in zip(models, alone, strict=True):
            assert np.array_equal(make(a_request(), model, cache).image, expected)
    assert not np.array_equal(*alone)


@pytest.mark.parametrize("part", ["vae", "text_encoder"])
def test_one_number_that_differs_is_not_shared(zoo: Zoo, tmp_path: Path, part: str) -> None:
    folder = Path(shutil.copytree(zoo("sd15"), tmp_path / "other"))
    file = next(file for file in (folder / part).glob("*.safetensors") if "fp16" not in file.name)
    change(file, lambda tensors: next(reversed(tensors.values())).view(-1)[-1:].add_(1))
    cache = cache_of(100)
    first, second = (cache.get(describe(each), TEXT).pipe for each in (zoo("sd15"), folder))
    assert getattr(first, part) is not getattr(second, part)
    assert first.safety_checker is second.safety_checker


def test_another_configuration_is_not_shared(zoo: Zoo, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(zoo("sd15"), tmp_path / "other"))
    config = folder / "vae/config.json"
    config.write_text(config.read_text().replace("0.18215", "0.2"))
    cache = cache_of(100)
    first, second = (cache.get(describe(each), TEXT).pipe for each in (zoo("sd15"), folder))
    assert first.vae is not second.vae
    assert second.vae.config.scaling_factor == 0.2


def test_a_replaced_file_is_loaded_anew(fine_tune: Checkpoint) -> None:
    cache = cache_of(100)
    before = cache.get(fine_tune, TEXT).pipe.unet.conv_out.bias.clone()
    change(fine_tune.path / UNET, lambda tensors: tensors["conv_out.bias"].add_(1))
    os.utime(fine_tune.path / UNET, ns=(1, 1))
    after = cache.get(describe(fine_tune.path), TEXT).pipe.unet.conv_out.bias
    assert torch.equal(after, before + 1)


def test_a_picture_that_needs_the_memory_gets_it(zoo: Zoo) -> None:
    """The forecast of the picture, with the other models counted, decides who may stay."""
    cache = cache_of(100)
    one, two = describe(zoo("lcm")), describe(zoo("sd21"))
    first, second = unet_of(cache, one), unet_of(cache, two)
    prepare(a_request(), two, cache, lambda plan: 1 << 40)
    assert first() is not None
    prepare(a_request(), two, cache, lambda plan: 1 << 20)
    assert first() is None
    assert second() is not None


def test_a_failed_or_cancelled_load_leaves_the_others_as_they_were(
    zoo: Zoo, fine_tune: Checkpoint
) -> None:
    cache = cache_of(100)
    sound = describe(zoo("sd21"))
    one = unet_of(cache, sound)
    size = cache.bytes_in_use

    def stop(_fraction: float, what: str) -> None:
        if what == "the VAE":
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        cache.get(fine_tune, TEXT, stop)
    change(fine_tune.path / UNET, lambda tensors: tensors.pop("conv_in.weight"))
    with pytest.raises(BrokenCheckpoint):
        cache.get(fine_tune, TEXT)
    assert unet_of(cache, sound)() is one()
    assert cache.bytes_in_use == size


def test_everything_can_be_let_go(zoo: Zoo) -> None:
    cache = cache_of(100)
    models = [describe(zoo(name)) for name in ("sd15", "sd21")]
    networks = [unet_of(cache, model) for model in models]
    cache.keep_only(models[0])
    assert [network() is not None for network in networks] == [True, False]
    cache.release()
    assert networks[0]() is None
    assert cache.bytes_in_use == 0
    assert new_cache().bytes_in_use == 0
