"""A model is loaded once, shared by every kind, and refused with a sentence where it is broken."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.abilities import GenerationKind
from core.checkpoints import describe
from core.errors import BrokenCheckpoint, GenerationCancelled, OutOfMemory
from core.geometry import Size
from core.pipelines import LoadedPipeline, PipelineCache, import_libraries, loading
from core.pipelines.fingerprint import model_hash
from tests.helpers.generations import CPU, new_cache
from tools.tiny_zoo.kandinsky import write_readme

KINDS = tuple(GenerationKind)
Zoo = Callable[[str], Path]


@pytest.fixture
def own_copy(zoo: Zoo, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a zoo model that may be damaged."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(zoo(name), tmp_path / name))

    return copy


def get(cache: PipelineCache, folder: Path, kind: GenerationKind) -> LoadedPipeline:
    return cache.get(describe(folder), kind)


def weights_of(pipe: Any) -> dict[str, int]:
    """Where in memory the weights of a pipeline lie."""
    modules = [c for c in pipe.components.values() if isinstance(c, torch.nn.Module)]
    return {
        f"{type(module).__name__}.{name}": parameter.data_ptr()
        for module in modules
        for name, parameter in module.named_parameters()
    }


@pytest.mark.parametrize("name", ["sd15", "sd21", "sdxl-base", "lcm", "sd3", "flux-dev"])
def test_three_kinds_share_one_load(zoo: Zoo, name: str) -> None:
    cache = new_cache()
    loaded = [get(cache, zoo(name), kind) for kind in KINDS]
    first = weights_of(loaded[0].pipe)
    assert first
    assert all(weights_of(other.pipe) == first for other in loaded[1:])
    assert len({type(each.pipe) for each in loaded}) == 3
    assert loaded[0].preview is loaded[2].preview
    assert loaded[0].pace is loaded[1].pace


def test_same_kind_is_the_same_object(zoo: Zoo) -> None:
    cache = new_cache()
    once = get(cache, zoo("sd15"), GenerationKind.INPAINTING)
    assert get(cache, zoo("sd15"), GenerationKind.INPAINTING) is once


DECODERS = ("kandinsky-2-2-decoder", "kandinsky-2-2-decoder-inpaint")


def test_the_prior_and_the_movq_stay_in_memory_from_one_decoder_to_the_other(zoo: Zoo) -> None:
    cache = new_cache()
    kinds = (KINDS[0], KINDS[1])
    first, second = (get(cache, zoo(DECODERS[0]), kind).pipe for kind in kinds)
    third = get(cache, zoo(DECODERS[1]), GenerationKind.INPAINTING).pipe
    before = first.components
    assert second.prior_prior is before["prior_prior"]
    shared = {name for name, part in third.components.items() if part is before[name]}
    assert {"movq", "prior_prior", "prior_text_encoder", "prior_image_encoder"} <= shared
    assert "unet" not in shared
    assert third.unet.config.in_channels == 9


def test_another_movq_is_read(own_copy: Zoo, zoo: Zoo) -> None:
    cache = new_cache()
    first = get(cache, zoo(DECODERS[0]), KINDS[0]).pipe
    folder, name = own_copy(DECODERS[1]), "decoder.conv_in.weight"
    write_readme(folder, str(zoo("kandinsky-2-2-prior")))
    change_weights(
        folder / "movq/diffusion_pytorch_model.safetensors",
        lambda tensors: tensors.update({name: torch.zeros_like(tensors[name])}),
    )
    pipe = get(cache, folder, GenerationKind.INPAINTING).pipe
    assert pipe.prior_prior is first.prior_prior
    assert pipe.movq is not first.movq
    assert not pipe.movq.decoder.conv_in.weight.any()


def test_a_decoder_loads_without_any_readme(
    own_copy: Zoo, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """diffusers' own loading reads nothing but the README to find the prior."""
    own_copy("kandinsky-2-2-prior")
    folder = own_copy(DECODERS[0])
    (folder / "README.md").unlink()
    checkpoint = describe(folder)
    assert checkpoint.prior is not None
    assert checkpoint.prior.path == tmp_path / "kandinsky-2-2-prior"
    told: list[tuple[float, str]] = []
    loaded = new_cache().get(checkpoint, KINDS[0], lambda f, what: told.append((f, what)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert {"the prior", "the image encoder", "the U-Net", "the MoVQ"} <= {w for _, w in told}
    assert weights_of(loaded.pipe)
    assert capfd.readouterr() == ("", "")


def test_packed_latents_become_the_map_that_diffusers_makes_of_them(zoo: Zoo) -> None:
    loaded = get(new_cache(), zoo("flux-schnell"), KINDS[0])
    size = Size(96, 64)
    packed = torch.randn(2, (96 // 16) * (64 // 16), 64)
    unpacked = loaded.pipe._unpack_latents(packed, 64, 96, 8)
    found = loaded.map_of(packed, size)
    assert found is not None
    assert torch.equal(found, unpacked)
    assert loaded.map_of(found, size) is found
    assert loaded.map_of(None, size) is None


@pytest.mark.parametrize("name", ["sd15-inpaint", "sdxl-inpaint"])
def test_nine_channel_model_loads_for_inpainting(zoo: Zoo, name: str) -> None:
    loaded = get(new_cache(), zoo(name), GenerationKind.INPAINTING)
    assert "Inpaint" in type(loaded.pipe).__name__
    assert loaded.pipe.unet.config.in_channels == 9


def test_every_weight_has_the_planned_dtype(zoo: Zoo) -> None:
    """SDXL's text encoders say float16 in their own configuration."""
    for kind in KINDS:
        pipe = get(new_cache(), zoo("sdxl-base"), kind).pipe
        modules = [c for c in pipe.components.values() if isinstance(c, torch.nn.Module)]
        assert {p.dtype for module in modules for p in module.parameters()} == {torch.float32}


def test_siblings_do_not_cast_the_shared_weights(zoo: Zoo) -> None:
    plan = type(CPU)("cpu", "bfloat16", "", 0, 0)
    cache = PipelineCache(None, plan)
    for kind in KINDS:
        pipe = get(cache, zoo("sd15"), kind).pipe
        assert {p.dtype for p in pipe.unet.parameters()} == {torch.bfloat16}
        assert {p.dtype for p in pipe.text_encoder.parameters()} == {torch.bfloat16}


def test_no_progress_bar_and_no_word(zoo: Zoo, capfd: pytest.CaptureFixture[str]) -> None:
    cache = new_cache()
    for kind in KINDS:
        pipe = get(cache, zoo("sd15"), kind).pipe
        for _ in pipe.progress_bar(range(2)):
            pass
    assert capfd.readouterr() == ("", "")


def test_model_without_a_terminal_loads(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program started by double click on Windows has no stderr."""
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    assert get(new_cache(), zoo("sd15"), GenerationKind.TEXT_TO_IMAGE).pipe


def test_variant_is_read_where_it_is_the_only_one(own_copy: Zoo) -> None:
    folder = own_copy("sd15")
    for file in folder.rglob("*.safetensors"):
        if ".fp16." not in file.name:
            file.unlink()
    loaded = get(new_cache(), folder, GenerationKind.TEXT_TO_IMAGE)
    assert loaded.checkpoint.variant == "fp16"
    assert {p.dtype for p in loaded.pipe.unet.parameters()} == {torch.float32}
    expected = hashlib.sha256(
        (folder / "unet/diffusion_pytorch_model.fp16.safetensors").read_bytes()
    )
    assert loaded.facts["model_hash"] == expected.hexdigest()[:10]


def test_progress_rises_from_0_to_1_and_names_the_parts(zoo: Zoo) -> None:
    told: list[tuple[float, str]] = []
    new_cache().get(
        describe(zoo("sd15")), KINDS[0], lambda fraction, what: told.append((fraction, what))
    )
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert {"the U-Net", "the VAE", "the text encoder"} <= {what for _, what in told}


def test_progress_counts_bytes(zoo: Zoo) -> None:
    """Half the bar must not be spent on a tokenizer of a few kilobytes."""
    told: dict[str, float] = {}
    order: list[str] = []

    def progress(fraction: float, what: str) -> None:
        told[what] = fraction
        order.append(what)

    new_cache().get(describe(zoo("sd15")), KINDS[0], progress)
    share = {what: told[after] - told[what] for what, after in pairwise(order)}
    assert share["the U-Net"] > 10 * share["the tokenizer"]


def test_load_can_be_cancelled_between_components(zoo: Zoo) -> None:
    from diffusers.utils import logging as diffusers_logging

    bar = diffusers_logging.tqdm
    heard: list[str] = []

    def cancel(_fraction: float, what: str) -> None:
        heard.append(what)
        if len(heard) == 3:
            raise GenerationCancelled

    cache = new_cache()
    with pytest.raises(GenerationCancelled):
        cache.get(describe(zoo("sd15")), KINDS[0], cancel)
    assert len(heard) == 3
    assert diffusers_logging.tqdm is bar
    assert get(cache, zoo("sd15"), KINDS[0]).pipe.unet is not None


def test_another_model_makes_room(zoo: Zoo) -> None:
    cache = new_cache()
    first = weights_of(get(cache, zoo("sd15"), KINDS[0]).pipe)
    second = get(cache, zoo("sd21"), KINDS[0])
    assert second.checkpoint.name == "sd21"
    assert get(cache, zoo("sd21"), KINDS[1]).preview is second.preview
    assert weights_of(get(cache, zoo("sd15"), KINDS[0]).pipe).keys() == first.keys()


def test_release_frees_the_weights(zoo: Zoo) -> None:
    import weakref

    cache = new_cache()
    unet = weakref.ref(get(cache, zoo("sd15"), KINDS[0]).pipe.unet)
    for kind in KINDS:
        get(cache, zoo("sd15"), kind)
    assert unet() is not None
    cache.release()
    assert unet() is None


def test_original_scheduler_config_stays(zoo: Zoo) -> None:
    loaded = get(new_cache(), zoo("sd15"), KINDS[0])
    on_disk = json.loads((zoo("sd15") / "scheduler/scheduler_config.json").read_text())
    kept = loaded.original_scheduler_config
    assert {key: kept[key] for key in on_disk if not key.startswith("_")} == {
        key: value for key, value in on_disk.items() if not key.startswith("_")
    }


def test_facts_say_what_decides_a_picture(zoo: Zoo) -> None:
    facts = get(new_cache(), zoo("sd15"), KINDS[0]).facts
    weights = (zoo("sd15") / "unet/diffusion_pytorch_model.safetensors").read_bytes()
    assert facts["model_hash"] == hashlib.sha256(weights).hexdigest()[:10]
    assert facts["torch"] == torch.__version__
    assert facts["device"] == "cpu"
    assert facts["dtype"] == "float32"
    assert json.loads(json.dumps(facts)) == facts


# --------------------------------------------------------------------------------- model hash


def test_hash_is_remembered_until_the_file_changes(own_copy: Zoo, tmp_path: Path) -> None:
    folder = own_copy("sd15")
    read: list[None] = []

    def digest() -> str:
        return model_hash(describe(folder), tmp_path, lambda: read.append(None))

    first = digest()
    assert digest() == first
    assert len(read) == 1
    file = folder / "unet/diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"\x55")
    os.utime(file, ns=(1, 1))
    assert digest() != first
    assert len(read) == 2


@pytest.mark.parametrize("content", ["", "[]", "{not json"])
def test_damaged_hash_file_is_written_anew(own_copy: Zoo, tmp_path: Path, content: str) -> None:
    checkpoint = describe(own_copy("sd15"))
    (tmp_path / "hashes.json").write_text(content)
    digest = model_hash(checkpoint, tmp_path)
    assert digest in (tmp_path / "hashes.json").read_text()


def test_maps_and_hashes_are_kept_between_two_starts(zoo: Zoo, tmp_path: Path) -> None:
    get(new_cache(tmp_path), zoo("sd15"), KINDS[0])
    kept = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(kept) == 2
    get(new_cache(tmp_path), zoo("sd15"), KINDS[0])
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == kept


# --------------------------------------------------------------------------------- broken models


def change_weights(file: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def test_missing_weights_are_refused_instead_of_drawing_garbage(own_copy: Zoo) -> None:
    folder = own_copy("sd15")
    change_weights(
        folder / "unet/diffusion_pytorch_model.safetensors",
        lambda tensors: [tensors.pop(key) for key in list(tensors)[:3]] and None,
    )
    with pytest.raises(BrokenCheckpoint, match=r"lacks 3 weights of the U-Net.*Download"):
        get(new_cache(), folder, KINDS[0])


def test_weights_of_another_shape_are_refused(own_copy: Zoo) -> None:
    folder = own_copy("sd15")

    def shrink(tensors: dict[str, torch.Tensor]) -> None:
        tensors["conv_in.weight"] = tensors["conv_in.weight"][:, :2].contiguous()

    change_weights(folder / "unet/diffusion_pytorch_model.safetensors", shrink)
    with pytest.raises(BrokenCheckpoint, match=r"“sd15” cannot be loaded.*Download it again"):
        get(new_cache(), folder, KINDS[0])


def test_file_that_vanishes_after_it_was_described(own_copy: Zoo) -> None:
    folder = own_copy("sd15")
    checkpoint = describe(folder)
    shutil.rmtree(folder / "vae")
    with pytest.raises(BrokenCheckpoint, match="“sd15” cannot be loaded"):
        new_cache().get(checkpoint, KINDS[0])


def test_configuration_with_values_that_do_not_fit(own_copy: Zoo) -> None:
    folder = own_copy("sd15")
    checkpoint = describe(folder)
    config = folder / "unet/config.json"
    record = json.loads(config.read_text()) | {"down_block_types": ["NoSuchBlock"] * 4}
    config.write_text(json.dumps(record))
    with pytest.raises(BrokenCheckpoint, match="“sd15” cannot be loaded"):
        new_cache().get(checkpoint, KINDS[0])


def test_broken_model_leaves_the_cache_usable(own_copy: Zoo, zoo: Zoo) -> None:
    cache = new_cache()
    checkpoint = describe(own_copy("sd15"))
    shutil.rmtree(checkpoint.path / "unet")
    with pytest.raises(BrokenCheckpoint):
        cache.get(checkpoint, KINDS[0])
    assert get(cache, zoo("sd15"), KINDS[0]).pipe.unet is not None


def test_model_larger_than_memory(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: object, **__: object) -> Any:
        raise RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't "
            "allocate memory: you tried to allocate 9999999999 bytes."
        )

    import_libraries()
    import diffusers

    monkeypatch.setattr(diffusers.DiffusionPipeline, "from_pretrained", too_large)
    with pytest.raises(OutOfMemory, match="“sd15” does not fit into memory"):
        get(new_cache(), zoo("sd15"), KINDS[0])


def test_nothing_is_asked_of_the_network(zoo: Zoo, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard fails this test at the first connection; here the switch for it is off."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert get(new_cache(), zoo("sd15"), KINDS[0])


def test_progress_words_for_a_part_without_a_name(zoo: Zoo) -> None:
    volume = loading._Volume(zoo("sd15"), None)
    with loading._progress_of_components(volume, lambda fraction, what: said.append(what)):
        from diffusers.utils import logging as diffusers_logging

        said: list[str] = []
        assert list(diffusers_logging.tqdm([("image_encoder", 1)], desc="x")) == [
            ("image_encoder", 1)
        ]
    assert said == ["the image encoder"]
