"""Add-ons on a model: on for one picture, off again to the last bit, refused with a sentence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.abilities import AddonKind, FreeU, GenerationKind
from core.addon import Addon, Control
from core.addons import AddonShelf
from core.checkpoints import describe
from core.errors import BrokenAddon, InvalidRequest
from core.pipelines import PipelineCache
from core.request import Pixels
from tests.helpers.addons import comfy_folder, dressed
from tests.helpers.generations import a_request, new_cache, picture

TEXT, IMAGE, INPAINT = GenerationKind
Zoo = Callable[[str], Path]


@pytest.fixture(scope="module")
def folder(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return comfy_folder(zoo, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def shelf(folder: Path) -> AddonShelf:
    return AddonShelf([folder])


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    """Shared, since every test here has to leave the model as it was."""
    return new_cache()


@pytest.fixture
def draw(zoo: Zoo, cache: PipelineCache, shelf: AddonShelf) -> Callable[..., Pixels]:
    """The picture of `a_request` with some changes, on the shared model or another one."""

    def make(kind: Any = TEXT, model: str = "sd15", **changes: Any) -> Pixels:
        request = a_request(kind, checkpoint=model, **changes)
        return dressed(request, zoo(model), cache, shelf).image

    return make


@pytest.fixture
def plain(draw: Callable[..., Pixels]) -> Callable[[], bool]:
    """Whether a picture without add-ons is what a fresh model draws, to the last bit."""
    expected = draw()
    return lambda: np.array_equal(draw(), expected)


def lora(name: str = "tiny_kohya", weight: float = 1.0) -> Addon:
    return Addon(AddonKind.LORA, name, weight)


def differ(first: Pixels, second: Pixels) -> bool:
    return not np.array_equal(first, second)


# ------------------------------------------------------------------------------ LoRA


def test_a_fresh_model_and_one_that_wore_everything_draw_the_same(
    zoo: Zoo, cache: PipelineCache, draw: Any, shelf: AddonShelf
) -> None:
    draw(
        addons=(lora(), lora("tiny_unet_te", 0.5), Addon(AddonKind.VAE, "taesd")),
        controls=(Control("canny", picture()),),
        prompt="a <tiny-cat> in a castle, tiny_badhands",
        clip_skip=2,
        freeu=FreeU(0.9, 0.2, 1.5, 1.6),
    )
    for kind in GenerationKind:
        request = a_request(kind)
        fresh = dressed(request, zoo("sd15"), new_cache(), shelf).image
        assert np.array_equal(draw(kind), fresh)


@pytest.mark.parametrize("name", ["tiny_kohya", "tiny_unet", "tiny_unet_te"])
def test_a_lora_changes_the_picture_and_comes_off_again(draw: Any, plain: Any, name: str) -> None:
    first = draw(addons=(lora(name),))
    assert differ(first, draw())
    assert np.array_equal(draw(addons=(lora(name),)), first)
    assert plain()


def test_a_lora_draws_what_diffusers_draws_with_it(
    zoo: Zoo, draw: Any, folder: Path, cache: PipelineCache, plain: Any
) -> None:
    ours = draw(addons=(lora("tiny_unet_te", 0.6),), scheduler="DDIM")
    loaded = new_cache().get(describe(zoo("sd15")), TEXT)
    pipe = loaded.pipe
    pipe.load_lora_weights(load_file(folder / "loras" / "tiny_unet_te.safetensors"), "theirs")
    pipe.set_adapters(["theirs"], [0.6])
    from core.schedulers import make_scheduler

    pipe.scheduler = make_scheduler("DDIM", loaded.original_scheduler_config)
    request = a_request()
    theirs = pipe(
        request.prompt,
        width=64,
        height=64,
        num_inference_steps=4,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(request.seed),
    ).images[0]
    assert np.array_equal(ours, np.asarray(theirs))


def test_two_loras_add_up_and_weights_count(draw: Any, plain: Any) -> None:
    one, both = draw(addons=(lora(),)), draw(addons=(lora(), lora("tiny_unet", 0.5)))
    assert differ(one, both)
    assert differ(both, draw(addons=(lora(), lora("tiny_unet", 0.9))))
    assert np.array_equal(draw(addons=(lora(),)), one)
    assert np.array_equal(draw(addons=(lora(), lora("tiny_unet", 0.5))), both)
    assert np.array_equal(draw(addons=(lora("tiny_unet", 0.0),)), draw())
    assert plain()


def test_what_was_worn_before_does_not_matter(zoo: Zoo, draw: Any, shelf: AddonShelf) -> None:
    wanted = (lora("tiny_unet"), lora("tiny_kohya", 0.3))
    draw(addons=(lora("tiny_kohya", 0.3), lora("tiny_unet_te")))
    fresh = dressed(a_request(addons=wanted), zoo("sd15"), new_cache(), shelf).image
    assert np.array_equal(draw(addons=wanted), fresh)
    draw(addons=wanted[:1])
    assert np.array_equal(draw(addons=wanted), fresh)


def test_the_same_lora_again_is_not_read_again(
    zoo: Zoo, tmp_path: Path, cache: PipelineCache, draw: Any
) -> None:
    file = tmp_path / "loras" / "mine.safetensors"
    file.parent.mkdir()
    shutil.copy(zoo("lora-sd15") / "tiny_unet.safetensors", file)
    own = AddonShelf([tmp_path])
    request = a_request(addons=(lora("mine"),))
    first = dressed(request, zoo("sd15"), cache, own).image
    wardrobe = cache.get(describe(zoo("sd15")), TEXT).wardrobe
    layer = cache.get(describe(zoo("sd15")), TEXT).pipe.unet.mid_block.attentions[0]
    before = layer.transformer_blocks[0].attn2.to_k
    again = dressed(replace(request, addons=(lora("mine", 0.5),)), zoo("sd15"), cache, own).image
    assert differ(first, again)
    assert len(wardrobe.loras.digests) == 1
    assert layer.transformer_blocks[0].attn2.to_k is before


def test_a_lora_holds_for_every_kind(draw: Any, plain: Any) -> None:
    for kind in GenerationKind:
        assert differ(draw(kind, addons=(lora(),)), draw(kind))
    assert plain()


def test_a_tag_in_the_prompt_is_a_lora_and_no_word(draw: Any, plain: Any) -> None:
    tagged = draw(prompt="a cat in a castle<lora:tiny_kohya:0.8>")
    assert np.array_equal(tagged, draw(addons=(lora(weight=0.8),)))
    assert np.array_equal(tagged, draw(prompt="<lora:Tiny_Kohya:0.8> a cat in a castle"))
    assert plain()


def test_the_result_says_which_files_were_used(
    zoo: Zoo, cache: PipelineCache, shelf: AddonShelf
) -> None:
    request = a_request(addons=(lora(weight=0.8),), prompt="a cat <lora:tiny_unet:0.5>")
    result = dressed(request, zoo("sd15"), cache, shelf)
    assert [(fact["name"], fact["weight"]) for fact in result.facts["addons"]] == [
        ("tiny_kohya", 0.8),
        ("tiny_unet", 0.5),
    ]
    assert all(len(fact["sha256"]) == 64 for fact in result.facts["addons"])
    pinned = result.request.addons[0]
    assert pinned.sha256 == result.facts["addons"][0]["sha256"]
    assert result.request.prompt == request.prompt
    again = dressed(result.request, zoo("sd15"), cache, shelf)
    assert np.array_equal(again.image, result.image)


def test_another_file_of_that_name_is_not_taken_for_the_old_one(
    zoo: Zoo, cache: PipelineCache, shelf: AddonShelf
) -> None:
    old = Addon(AddonKind.LORA, "tiny_kohya", 1.0, "0" * 64)
    with pytest.raises(BrokenAddon, match="not the LoRA that this picture was made with"):
        dressed(a_request(addons=(old,)), zoo("sd15"), cache, shelf)


# ------------------------------------------------------------------------------ refused


@pytest.mark.parametrize("model", ["sd21", "sdxl-base"])
def test_a_lora_for_another_family_is_refused_before_the_model_is_loaded(
    zoo: Zoo, shelf: AddonShelf, model: str
) -> None:
    untouched = new_cache()
    with pytest.raises(BrokenAddon, match="made for another kind of model"):
        dressed(a_request(checkpoint=model, addons=(lora(),)), zoo(model), untouched, shelf)


def test_a_lora_that_only_fails_while_loading_leaves_no_trace(
    zoo: Zoo, cache: PipelineCache, draw: Any, plain: Any, tmp_path: Path
) -> None:
    weights = load_file(zoo("lora-sd15") / "tiny_kohya.safetensors")
    wrong = {
        key: torch.randn(4, 7) if "mid_block" in key and "down" in key else value
        for key, value in weights.items()
    }
    (tmp_path / "loras").mkdir()
    save_file(wrong, tmp_path / "loras" / "wrong.safetensors")
    both = a_request(addons=(lora("wrong"),))
    draw(addons=(lora(),))
    with pytest.raises(BrokenAddon, match="“wrong” does not fit this model"):
        dressed(both, zoo("sd15"), cache, AddonShelf([tmp_path]))
    assert plain()


def test_a_lora_whose_layers_are_unknown_is_refused(
    zoo: Zoo, cache: PipelineCache, plain: Any, tmp_path: Path
) -> None:
    (tmp_path / "loras").mkdir()
    name = "unet.nowhere.attentions.0.transformer_blocks.0.attn1.to_q.lora"
    foreign = {f"{name}.down.weight": torch.ones(4, 16), f"{name}.up.weight": torch.ones(16, 4)}
    save_file(foreign, tmp_path / "loras" / "foreign.safetensors")
    with pytest.raises(BrokenAddon, match="“foreign” does not fit"):
        dressed(a_request(addons=(lora("foreign"),)), zoo("sd15"), cache, AddonShelf([tmp_path]))
    assert plain()


def test_a_missing_lora_is_named_with_those_that_are_there(draw: Any, plain: Any) -> None:
    with pytest.raises(BrokenAddon, match=r"no LoRA called “ghost”\. Found: tiny_kohya, tiny_un"):
        draw(prompt="a cat <lora:ghost:1>")
    assert plain()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"addons": (lora(weight=float("nan")),)}, "Weight of “tiny_kohya” is nan"),
        ({"addons": (lora(weight=99.0),)}, "must lie between -10 and 10"),
        ({"clip_skip": 3}, "Clip skip is 3; it must lie between 1 and 2"),
        ({"freeu": FreeU(9.0, 0.2, 1.5, 1.6)}, "s1 of “FreeU” is 9"),
        ({"controls": (Control("canny", None),)}, "has no picture to follow"),
        ({"controls": (Control("canny", picture(), start=0.5, end=0.5),)}, "Let it end later"),
        ({"controls": (Control("canny", picture(), preprocessor="x"),)}, "“x” is no preprocessor"),
        ({"addons": (Addon(AddonKind.VAE, "a"), Addon(AddonKind.VAE, "b"))}, "only one VAE"),
    ],
)
def test_what_no_model_could_wear_is_refused(draw: Any, changes: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(words)):
        draw(**changes)


# ------------------------------------------------------------------------------ textual inversion


@pytest.mark.parametrize("word", ["learned_embeds", "tiny_badhands", "TINY_BADHANDS"])
def test_a_word_that_an_embedding_teaches_changes_the_picture(
    draw: Any, plain: Any, word: str, zoo: Zoo, cache: PipelineCache
) -> None:
    prompt = f"a cat in a castle, ({word})"
    taught = draw(prompt=prompt)
    untaught = dressed(a_request(prompt=prompt), zoo("sd15"), cache, AddonShelf()).image
    assert differ(taught, untaught)
    assert np.array_equal(draw(prompt=prompt), taught)
    assert plain()


def test_an_embedding_in_the_negative_prompt(draw: Any, plain: Any) -> None:
    assert differ(draw(negative_prompt="tiny_badhands"), draw(negative_prompt="blurry"))
    assert plain()


def test_an_embedding_gives_what_diffusers_gives(zoo: Zoo, draw: Any, folder: Path) -> None:
    ours = draw(prompt="a tiny_badhands cat", scheduler="DDIM")
    loaded = new_cache().get(describe(zoo("sd15")), TEXT)
    vectors = load_file(folder / "embeddings" / "tiny_badhands.safetensors")["emb_params"]
    loaded.pipe.load_textual_inversion(vectors, token="<theirs>")
    from core.schedulers import make_scheduler

    loaded.pipe.scheduler = make_scheduler("DDIM", loaded.original_scheduler_config)
    theirs = loaded.pipe(
        "a <theirs> cat",
        width=64,
        height=64,
        num_inference_steps=4,
        guidance_scale=7.5,
        generator=torch.Generator().manual_seed(7),
    ).images[0]
    assert np.array_equal(ours, np.asarray(theirs))


def test_a_two_part_embedding_on_sdxl(zoo: Zoo, draw: Any, cache: PipelineCache) -> None:
    before = draw(model="sdxl-base")
    prompt = "a tiny_sdxl cat"
    taught = draw(model="sdxl-base", prompt=prompt)
    mere = dressed(
        a_request(checkpoint="sdxl-base", prompt=prompt), zoo("sdxl-base"), cache, AddonShelf()
    )
    assert differ(taught, mere.image)
    assert np.array_equal(draw(model="sdxl-base", prompt=prompt), taught)
    assert np.array_equal(draw(model="sdxl-base"), before)


def test_an_embedding_for_another_family_is_a_mere_word(
    zoo: Zoo, draw: Any, cache: PipelineCache
) -> None:
    request = a_request(prompt="a tiny_sdxl cat")
    mere = dressed(request, zoo("sd15"), cache, AddonShelf()).image
    assert np.array_equal(draw(prompt="a tiny_sdxl cat"), mere)


def test_the_pooled_text_is_read_at_the_end_of_the_prompt_also_with_new_words(
    zoo: Zoo, cache: PipelineCache, shelf: AddonShelf
) -> None:
    """Old configurations find the end at the largest token, which a new word would be."""
    from core.addons import outfit_for

    checkpoint = describe(zoo("sdxl-base"))
    loaded = cache.get(checkpoint, TEXT)
    request = a_request(checkpoint="sdxl-base", prompt="tiny_sdxl a cat in a castle")
    outfit = outfit_for(request, checkpoint.abilities, shelf)
    shorter = replace(outfit.request, prompt=outfit.request.prompt.removesuffix(" in a castle"))
    with loaded.wearing(outfit) as worn:
        pooled = [
            worn.pipe.encode_prompt(r.prompt, device="cpu")[2] for r in (outfit.request, shorter)
        ]
    assert not torch.equal(*pooled)


# ------------------------------------------------------------------------------ clip skip, FreeU


@pytest.mark.parametrize("model", ["sd15", "sd21", "sdxl-base"])
def test_clip_skip_and_freeu_change_the_picture_and_come_off(draw: Any, model: str) -> None:
    before = draw(model=model)
    assert differ(draw(model=model, clip_skip=2), before)
    assert differ(draw(model=model, freeu=FreeU(0.9, 0.2, 1.4, 1.6)), before)
    assert np.array_equal(draw(model=model), before)


def test_clip_skip_on_sdxl_is_that_of_diffusers(zoo: Zoo, cache: PipelineCache) -> None:
    from core.addons.text_layers import clip_skipped

    pipe = cache.get(describe(zoo("sdxl-base")), TEXT).pipe
    theirs = pipe.encode_prompt("a cat", device="cpu", clip_skip=1)
    with clip_skipped(pipe, 2):
        ours = pipe.encode_prompt("a cat", device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert torch.equal(pipe.encode_prompt("a cat", device="cpu")[2], theirs[2])


def test_clip_skip_on_sd1_is_an_earlier_layer_through_the_final_norm(
    zoo: Zoo, cache: PipelineCache
) -> None:
    from core.addons.text_layers import clip_skipped

    pipe = cache.get(describe(zoo("sd15")), TEXT).pipe
    tokens = pipe.tokenizer("a cat", padding="max_length", return_tensors="pt").input_ids
    hidden = pipe.text_encoder(tokens, output_hidden_states=True).hidden_states[-2]
    expected = pipe.text_encoder.final_layer_norm(hidden)
    with clip_skipped(pipe, 2):
        ours = pipe.encode_prompt("a cat", "cpu", 1, False)[0]
    assert torch.equal(ours, expected)


# ------------------------------------------------------------------------------ ControlNet, VAE


@pytest.mark.parametrize("kind", GenerationKind)
@pytest.mark.parametrize("preprocessor", ["none", "canny"])
def test_a_controlnet_leads_every_kind(draw: Any, plain: Any, kind: Any, preprocessor: str) -> None:
    led = draw(kind, controls=(Control("canny", picture(), preprocessor=preprocessor),))
    assert differ(led, draw(kind))
    again = draw(kind, controls=(Control("canny", picture(), preprocessor=preprocessor),))
    assert np.array_equal(led, again)
    assert plain()


def test_a_faint_mask_lets_the_last_steps_follow_a_controlnet(draw: Any) -> None:
    """The pipelines with a ControlNet take no mask back from the callback."""
    faint = np.full((64, 64), 60, np.uint8)
    led, less = (
        draw(INPAINT, mask_image=faint, controls=(Control("canny", picture(), weight=weight),))
        for weight in (1.0, 0.2)
    )
    assert differ(led, less)


def test_weight_range_and_number_of_controls_count(draw: Any, plain: Any) -> None:
    whole = draw(controls=(Control("canny", picture()),))
    early = draw(controls=(Control("canny", picture(), end=0.3),))
    weak = draw(controls=(Control("canny", picture(), weight=0.4),))
    two = draw(controls=(Control("canny", picture()), Control("canny", picture()[::-1].copy())))
    assert len({image.tobytes() for image in (whole, early, weak, two)}) == 4
    assert plain()


def test_a_control_of_another_size_is_scaled(draw: Any) -> None:
    from core.geometry import Size

    assert draw(controls=(Control("canny", picture(Size(96, 80))),)).shape == (64, 64, 3)


def test_another_vae_decodes_and_gives_way_again(draw: Any, plain: Any) -> None:
    assert differ(draw(addons=(Addon(AddonKind.VAE, "taesd"),)), draw())
    assert plain()


def test_a_vae_in_one_file(zoo: Zoo, cache: PipelineCache, tmp_path: Path, plain: Any) -> None:
    weights = load_file(zoo("sd15") / "vae" / "diffusion_pytorch_model.safetensors")
    brighter = {k: v + 1 if k == "decoder.conv_out.bias" else v for k, v in weights.items()}
    (tmp_path / "VAE").mkdir()
    save_file(brighter, tmp_path / "VAE" / "bright.safetensors")
    request = a_request(addons=(Addon(AddonKind.VAE, "bright"),))
    bright = dressed(request, zoo("sd15"), cache, AddonShelf([tmp_path])).image
    assert bright.mean() > dressed(a_request(), zoo("sd15"), cache, AddonShelf()).image.mean()
    assert plain()


def test_a_controlnet_in_one_file_is_that_in_a_folder(
    zoo: Zoo, cache: PipelineCache, tmp_path: Path, draw: Any
) -> None:
    (tmp_path / "ControlNet").mkdir()
    shutil.copy(
        zoo("controlnet-canny-sd15") / "diffusion_pytorch_model.safetensors",
        tmp_path / "ControlNet" / "edges.safetensors",
    )
    request = a_request(controls=(Control("edges", picture()),))
    single = dressed(request, zoo("sd15"), cache, AddonShelf([tmp_path])).image
    assert np.array_equal(single, draw(controls=(Control("canny", picture()),)))
