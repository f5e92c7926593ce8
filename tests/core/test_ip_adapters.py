"""IP-Adapters: pictures that lead the drawing as in diffusers, and are gone without a trace."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from core.abilities import AddonKind, GenerationKind
from core.addon import Addon, Reference
from core.addons import AddonShelf, describe_addon
from core.checkpoints import describe
from core.errors import BrokenAddon, GenerationCancelled, InvalidRequest
from core.geometry import Size
from core.inference import generate
from core.pipelines import PipelineCache
from core.request import Pixels
from core.schedulers import make_scheduler
from tests.core.test_addon_files import mutated
from tests.helpers.addons import dressed, ip_adapter_folder
from tests.helpers.generations import Diary, a_request, new_cache, picture

TEXT, IMAGE, INPAINT = GenerationKind
Zoo = Callable[[str], Path]
SD1, PLUS, SDXL = "ip-adapter_sd15", "ip-adapter-plus_sd15", "ip-adapter_sdxl_vit-h"


@pytest.fixture(scope="module")
def folder(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ip_adapter_folder(zoo, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def shelf(folder: Path) -> AddonShelf:
    return AddonShelf([folder])


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    """Shared, since every test here has to leave the model as it was."""
    return new_cache()


@pytest.fixture
def draw(zoo: Zoo, cache: PipelineCache, shelf: AddonShelf) -> Callable[..., Pixels]:
    def make(kind: Any = TEXT, model: str = "sd15", **changes: Any) -> Pixels:
        request = a_request(kind, checkpoint=model, **changes)
        return dressed(request, zoo(model), cache, shelf).image

    return make


def a_look(name: str = SD1, weight: float = 1.0, size: Size | None = None) -> Reference:
    return Reference(name, picture(size or Size(90, 120)), weight)


def differ(first: Pixels, second: Pixels) -> bool:
    return not np.array_equal(first, second)


# ------------------------------------------------------------------------------ drawn with


@pytest.mark.parametrize("kind", GenerationKind)
@pytest.mark.parametrize("name", [SD1, PLUS])
def test_a_picture_leads_every_kind_and_leaves_no_trace(draw: Any, name: str, kind: Any) -> None:
    before = draw(kind)
    led = draw(kind, references=(a_look(name),))
    assert differ(led, before)
    assert np.array_equal(draw(kind, references=(a_look(name),)), led)
    assert np.array_equal(draw(kind), before)


def test_on_sdxl_too(draw: Any) -> None:
    before = draw(model="sdxl-base")
    assert differ(draw(model="sdxl-base", references=(a_look(SDXL),)), before)
    assert np.array_equal(draw(model="sdxl-base"), before)


def test_without_a_half_that_knows_no_prompt(draw: Any) -> None:
    plain = draw(guidance_scale=1.0)
    assert differ(draw(guidance_scale=1.0, references=(a_look(),)), plain)


@pytest.mark.parametrize("name", [SD1, PLUS])
@pytest.mark.parametrize("count", [1, 2])
def test_what_is_drawn_is_what_diffusers_draws(zoo: Zoo, draw: Any, name: str, count: int) -> None:
    pictures = (picture(Size(90, 120)), picture()[::-1].copy())[:count]
    looks = tuple(Reference(name, pixels, 0.7) for pixels in pictures)
    ours = draw(scheduler="DDIM", references=looks)
    loaded = new_cache().get(describe(zoo("sd15")), TEXT)
    pipe = loaded.pipe
    file = {"subfolder": "models", "weight_name": f"{name}.safetensors"}
    pipe.load_ip_adapter(str(zoo("ip-adapter")), **file, local_files_only=True)
    pipe.set_ip_adapter_scale(0.7)
    pipe.scheduler = make_scheduler("DDIM", loaded.original_scheduler_config)
    theirs = pipe(
        "a cat in a castle",
        width=64,
        height=64,
        num_inference_steps=4,
        guidance_scale=7.5,
        generator=torch.Generator().manual_seed(7),
        ip_adapter_image=[[Image.fromarray(pixels) for pixels in pictures]],
    ).images[0]
    # Its encoder reads several at once, which adds the same numbers in another order.
    assert np.abs(ours.astype(int) - np.asarray(theirs)).max() <= count - 1


def test_several_pictures_each_count(draw: Any) -> None:
    other = Reference(SD1, picture()[::-1].copy(), 0.5)
    drawn = [
        draw(references=looks)
        for looks in (
            (a_look(),),
            (a_look(weight=0.3),),
            (a_look(), other),
            (a_look(), replace(other, weight=1.0)),
            (a_look(), a_look(PLUS)),
        )
    ]
    assert len({image.tobytes() for image in drawn}) == 5


def test_two_of_the_same_picture_are_one(draw: Any) -> None:
    """They share the adapter's attention: what both say weighs no more than what one does."""
    two, one = draw(references=(a_look(), a_look())), draw(references=(a_look(),))
    assert np.abs(two.astype(int) - one).max() <= 1


def test_without_weight_nothing_is_heard(draw: Any) -> None:
    assert np.array_equal(draw(references=(a_look(weight=0.0),)), draw())


def test_stopped_in_the_middle_it_is_off_again(
    zoo: Zoo, cache: PipelineCache, shelf: AddonShelf, draw: Any
) -> None:
    before, stop = draw(), threading.Event()
    request = a_request(references=(a_look(PLUS),))
    diary = Diary(on_step=lambda progress: stop.set())
    with pytest.raises(GenerationCancelled):
        generate(request, describe(zoo("sd15")), cache, diary, stop, shelf=shelf)
    assert np.array_equal(draw(), before)


def test_the_encoder_is_not_read_again_for_the_same_picture(
    zoo: Zoo, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "models")
    cache, shelf = new_cache(), AddonShelf([tmp_path / "models"])
    request = a_request(references=(a_look(),))
    first = dressed(request, zoo("sd15"), cache, shelf).image
    weights = tmp_path / "models" / "ipadapter" / "image_encoder" / "model.safetensors"
    loaded = weights.read_bytes()
    header = 8 + int.from_bytes(loaded[:8], "little")
    weights.write_bytes(loaded[:header] + bytes(len(loaded) - header))  # other weights, all zero
    assert differ(dressed(request, zoo("sd15"), cache, shelf).image, first)
    weights.write_bytes(loaded)
    assert np.array_equal(dressed(request, zoo("sd15"), cache, shelf).image, first)


# ------------------------------------------------------------------------------ found


@pytest.mark.parametrize(
    ("adapter", "encoder"),
    [
        ("models/ipadapter", "models/clip_vision/h14"),
        ("models/IPAdapter", "models/ipadapter-eyes/../IPAdapter/image_encoder"),
        ("models/ControlNet", "models/ControlNet/image_encoder"),
        ("ip-adapter/models", "ip-adapter/models/image_encoder"),
        ("ip-adapter/sdxl_models", "ip-adapter/models/image_encoder"),
    ],
)
def test_where_other_programs_keep_them(
    zoo: Zoo, tmp_path: Path, adapter: str, encoder: str
) -> None:
    (tmp_path / adapter).mkdir(parents=True)
    (tmp_path / adapter / "ip-adapter_sd15.bin").write_bytes(b"a pickle of the same")
    shutil.copy(zoo("ip-adapter") / "models" / f"{SD1}.safetensors", tmp_path / adapter)
    (tmp_path / encoder).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(zoo("ip-adapter") / "models" / "image_encoder", (tmp_path / encoder).resolve())
    shelf = AddonShelf([tmp_path])
    (found,) = shelf.files()
    assert (found.kind, found.name, found.dialect) == (AddonKind.IP_ADAPTER, SD1, "plain")
    assert shelf.encoder_for(found).path.resolve() == (tmp_path / encoder).resolve()


def test_an_encoder_in_one_file_as_comfyui_keeps_it(zoo: Zoo, tmp_path: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    small = {"intermediate_size": 8, "num_hidden_layers": 3, "image_size": 64, "patch_size": 32}
    encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(hidden_size=768, num_attention_heads=12, projection_dim=48, **small)
    )
    for folder in ("a/image_encoder", "b/models/ipadapter", "b/models/clip_vision"):
        (tmp_path / folder).mkdir(parents=True)
    encoder.save_pretrained(tmp_path / "a" / "image_encoder")
    adapter = zoo("ip-adapter") / "models" / f"{SD1}.safetensors"
    shutil.copy(adapter, tmp_path / "a")
    shutil.copy(adapter, tmp_path / "b" / "models" / "ipadapter")
    shutil.copy(
        tmp_path / "a" / "image_encoder" / "model.safetensors",
        tmp_path / "b" / "models" / "clip_vision" / "tiny.safetensors",
    )
    request = a_request(references=(a_look(),))
    one, two = (
        dressed(request, zoo("sd15"), new_cache(), AddonShelf([tmp_path / name])).image
        for name in "ab"
    )
    # The same numbers elsewhere in memory are not always added in the same order.
    assert np.abs(one.astype(int) - two.astype(int)).max() <= 1


# ------------------------------------------------------------------------------ refused


def test_one_for_another_family_is_refused(draw: Any) -> None:
    before = draw()
    with pytest.raises(BrokenAddon, match="was made for another kind of model"):
        draw(references=(a_look(SDXL),))
    with pytest.raises(InvalidRequest, match="is an IP-Adapter, which this model does not take"):
        draw(model="sd3", references=(a_look(),))
    assert np.array_equal(draw(), before)


def test_without_an_encoder_it_says_what_to_put_where(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "ipadapter").mkdir()
    shutil.copy(zoo("ip-adapter") / "models" / f"{SD1}.safetensors", tmp_path / "ipadapter")
    request = a_request(references=(a_look(),))
    with pytest.raises(BrokenAddon, match="into a folder “image_encoder” beside it") as refusal:
        dressed(request, zoo("sd15"), new_cache(), AddonShelf([tmp_path]))
    assert "has no image encoder" in str(refusal.value)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (Reference(SD1, None), "has no picture to read"),
        (Reference(SD1, picture(), 2.5), "must lie between 0 and 2"),
        (Reference(SD1, picture(), float("nan")), "must lie between 0 and 2"),
    ],
)
def test_a_reference_that_cannot_be_followed(draw: Any, reference: Reference, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        draw(references=(reference,))


def test_among_the_add_ons_it_lacks_its_picture(draw: Any) -> None:
    with pytest.raises(InvalidRequest, match="has no picture to go by"):
        draw(addons=(Addon(AddonKind.IP_ADAPTER, SD1),))


def test_another_file_of_the_same_name_is_refused(draw: Any) -> None:
    for old in ({"sha256": "ab" * 32}, {"encoder_sha256": "ab" * 32}):
        with pytest.raises(BrokenAddon, match=r"is not the (IP-Adapter|image encoder) that this"):
            draw(references=(Reference(SD1, picture(), **old),))


@pytest.mark.parametrize(
    "more",
    ["image_proj.perceiver_resampler.proj_in.weight", "ip_adapter.1.to_k_lora.down.weight"],
)
def test_those_for_faces_are_named(zoo: Zoo, tmp_path: Path, more: str) -> None:
    weights = load_file(zoo("ip-adapter") / "models" / f"{SD1}.safetensors")
    save_file(weights | {more: torch.ones(2, 2)}, tmp_path / "faceid.safetensors")
    with pytest.raises(BrokenAddon, match="needs a face recognizer"):
        describe_addon(tmp_path / "faceid.safetensors")


@pytest.mark.parametrize("lost", ["ip_adapter.1.to_v_ip.weight", "image_proj.norm.bias"])
def test_one_that_lacks_weights_is_refused_and_leaves_no_trace(
    zoo: Zoo, folder: Path, tmp_path: Path, cache: PipelineCache, draw: Any, lost: str
) -> None:
    before = draw()
    shutil.copytree(folder, tmp_path / "models")
    file = tmp_path / "models" / "ipadapter" / f"{SD1}.safetensors"
    weights = load_file(file)
    del weights[lost]
    file.unlink()
    save_file(weights, file)
    request = a_request(references=(a_look(),))
    with pytest.raises(BrokenAddon, match="does not fit this model, or lacks weights"):
        dressed(request, zoo("sd15"), cache, AddonShelf([tmp_path / "models"]))
    assert np.array_equal(draw(), before)


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [f"{SD1}.safetensors", "image_encoder/model.safetensors"])
def test_a_hundred_mutated_files_leave_no_trace(
    zoo: Zoo, folder: Path, tmp_path: Path, cache: PipelineCache, damaged: str
) -> None:
    """Each is refused with a sentence or drawn with; the next picture is as if none had been."""
    shutil.copytree(folder, tmp_path / "models")
    file, shelf = tmp_path / "models" / "ipadapter" / damaged, AddonShelf([tmp_path / "models"])
    content, numbers, drawn = file.read_bytes(), random.Random(7), 0
    plain = a_request(num_inference_steps=1)
    before = dressed(plain, zoo("sd15"), cache, AddonShelf()).image
    for _ in range(100):
        file.write_bytes(mutated(content, numbers))
        wearing = a_request(num_inference_steps=1, references=(a_look(),))
        with suppress(BrokenAddon):
            dressed(wearing, zoo("sd15"), cache, shelf)
            drawn += 1
    assert drawn < 50
    assert np.array_equal(dressed(plain, zoo("sd15"), cache, AddonShelf()).image, before)
