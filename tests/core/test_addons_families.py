"""Add-ons of every family: a picture is another one with them, and the very same without again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from core.abilities import AddonKind, GenerationKind
from core.addon import Addon, AddonChoices, Control
from core.addons import AddonShelf, describe_addon
from core.checkpoints import describe
from core.errors import BrokenAddon, InvalidRequest
from core.pipelines import PipelineCache
from core.request import Pixels
from tests.helpers.addons import dressed
from tests.helpers.generations import a_request, new_cache, picture

TEXT, IMAGE, INPAINT = GenerationKind
LORA, _, CONTROLNET, VAE, _ = AddonKind
Zoo = Callable[[str], Path]
LORAS = {
    "sdxl-base": ("tiny_sdxl",),
    "sd3": ("tiny_sd3", "tiny_sd3_te"),
    "flux-dev": ("tiny_flux", "tiny_flux_kohya"),
    "flux-schnell": ("tiny_flux",),
}
CONTROLS = {"sd21": "sd21", "sdxl-base": "sdxl", "sd3": "sd3", "flux-dev": "flux"}


@pytest.fixture(scope="module")
def shelf(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> AddonShelf:
    """LoRAs, ControlNets called by their family, and a brighter VAE for each model."""
    root = tmp_path_factory.mktemp("models")
    for entry in ("lora-sdxl", "lora-sd3", "lora-flux"):
        shutil.copytree(zoo(entry), root / "loras", dirs_exist_ok=True)
    for family in CONTROLS.values():
        shutil.copytree(zoo(f"controlnet-{family}"), root / "controlnet" / family)
    (root / "vae").mkdir()
    for model in ("sdxl-base", "sd3", "flux-dev"):
        weights = load_file(zoo(model) / "vae" / "diffusion_pytorch_model.safetensors")
        weights["decoder.conv_out.bias"] += 1
        save_file(weights, root / "vae" / f"{model}.safetensors")
    return AddonShelf([root])


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    """Shared, since every test here has to leave the models as they were."""
    return new_cache()


@pytest.fixture
def draw(zoo: Zoo, cache: PipelineCache, shelf: AddonShelf) -> Callable[..., Pixels]:
    def make(model: str, kind: Any = TEXT, shelf: AddonShelf = shelf, **changes: Any) -> Pixels:
        base = {"guidance_scale": 0.0} if model == "flux-schnell" else {}
        request = a_request(kind, checkpoint=model, num_inference_steps=2, **base | changes)
        return dressed(request, zoo(model), cache, shelf).image

    return make


def differ(first: Pixels, second: Pixels) -> bool:
    return not np.array_equal(first, second)


def lora(name: str, weight: float = 1.0) -> Addon:
    return Addon(LORA, name, weight)


# ------------------------------------------------------------------------------ LoRA


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model, names in LORAS.items() for name in names]
)
def test_a_lora_is_on_for_one_picture(draw: Any, model: str, name: str) -> None:
    before = draw(model)
    worn = draw(model, addons=(lora(name),))
    assert differ(worn, before)
    assert differ(draw(model, addons=(lora(name, 0.3),)), worn)
    assert np.array_equal(draw(model), before)


@pytest.mark.parametrize("model", ["sd3", "flux-dev"])
def test_several_at_once_and_for_every_kind(draw: Any, model: str) -> None:
    one, two = LORAS[model]
    both = (lora(one), lora(two, 0.5))
    for kind in GenerationKind:
        before = draw(model, kind)
        assert differ(draw(model, kind, addons=both), before)
        assert np.array_equal(draw(model, kind), before)


def test_a_lora_draws_what_diffusers_draws_with_it(zoo: Zoo, draw: Any) -> None:
    ours = draw("flux-dev", addons=(lora("tiny_flux_kohya", 0.6),))
    pipe = new_cache().get(describe(zoo("flux-dev")), TEXT).pipe
    file = zoo("lora-flux") / "tiny_flux_kohya.safetensors"
    pipe.load_lora_weights(load_file(file), adapter_name="theirs")
    pipe.set_adapters(["theirs"], [0.6])
    request = a_request(checkpoint="flux-dev")
    theirs = pipe(
        request.prompt,
        width=64,
        height=64,
        num_inference_steps=2,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(request.seed),
    ).images[0]
    assert np.array_equal(ours, np.asarray(theirs))


@pytest.mark.parametrize(
    ("model", "name", "words"),
    [
        ("sd3", "tiny_flux", r"made for another kind of model \(flux\); this one is sd3"),
        ("flux-dev", "tiny_sdxl", "made for another kind of model"),
        ("sdxl-base", "tiny_sd3", "made for another kind of model"),
    ],
)
def test_one_for_another_family_is_refused_before_anything_is_loaded(
    draw: Any, model: str, name: str, words: str
) -> None:
    before = draw(model)
    with pytest.raises(BrokenAddon, match=words):
        draw(model, addons=(lora(name),))
    assert np.array_equal(draw(model), before)


@pytest.mark.parametrize("model", ["sd3", "flux-dev"])
def test_one_that_fails_half_way_leaves_no_trace(draw: Any, tmp_path: Path, model: str) -> None:
    """Its names are those of a layer of this model, its sizes are not."""
    before = draw(model)
    (tmp_path / "loras").mkdir()
    layer = "transformer.transformer_blocks.0.attn.to_q"
    save_file(
        {f"{layer}.lora_A.weight": torch.ones(4, 32), f"{layer}.lora_B.weight": torch.ones(99, 4)},
        tmp_path / "loras" / "odd.safetensors",
    )
    with pytest.raises(BrokenAddon, match="its layers have other sizes"):
        draw(model, shelf=AddonShelf([tmp_path]), addons=(lora("odd"),))
    assert np.array_equal(draw(model), before)


# ------------------------------------------------------------------------------ told apart


def test_each_family_is_offered_what_fits_it(zoo: Zoo, shelf: AddonShelf) -> None:
    files = shelf.files()
    for model in ("sd21", *LORAS):
        abilities = describe(zoo(model)).abilities
        fitting = {file.name for file in files if file.fits(abilities) and file.kind is not VAE}
        led_by = CONTROLS.get(model.replace("schnell", "dev"))
        loras = LORAS.get("flux-dev" if "flux" in model else model, ())
        # The names in SD3's LoRAs are those of Flux' double blocks, and so are their widths here.
        assert fitting - {"tiny_sd3", "tiny_sd3_te"} == {led_by, *loras} - {
            "tiny_sd3",
            "tiny_sd3_te",
        }
        assert {"tiny_sd3", "tiny_sd3_te"} <= fitting or model in ("sd21", "sdxl-base")


@pytest.mark.parametrize(
    ("name", "width", "family", "fits"),
    [
        ("transformer.transformer_blocks.0.attn.to_q.lora_A.weight", 1536, "", ["sd3"]),
        ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", 3072, "flux", ["flux"]),
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", 3072, "flux", ["flux"]),
        ("unet.mid_block.transformer_blocks.0.attn2.to_k.lora_A.weight", 768, "sd1", []),
        ("lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", 768, "", ["sd3", "flux"]),
    ],
)  # fmt: skip
def test_a_lora_is_told_by_its_layers_and_their_width(
    zoo: Zoo, tmp_path: Path, name: str, width: int, family: str, fits: list[str]
) -> None:
    from dataclasses import replace

    save_file({name: torch.ones(4, width)}, tmp_path / "a.safetensors")
    found = describe_addon(tmp_path / "a.safetensors")
    assert found.family == family
    sd3 = replace(describe(zoo("sd3")).abilities, text_width=1536)
    flux = replace(describe(zoo("flux-dev")).abilities, text_width=3072)
    assert [name for name, a in (("sd3", sd3), ("flux", flux)) if found.fits(a)] == fits


def test_what_diffusers_cannot_load_is_refused_by_its_header(tmp_path: Path) -> None:
    name = "lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight"
    save_file({name: torch.ones(4, 1536)}, tmp_path / "a.safetensors")
    with pytest.raises(BrokenAddon, match="Stable Diffusion 3 as kohya-ss writes it"):
        describe_addon(tmp_path / "a.safetensors")
    save_file({"lycoris_blocks_0.lokr_w1": torch.ones(4, 4)}, tmp_path / "b.safetensors")
    with pytest.raises(BrokenAddon, match="is a LyCORIS file"):
        describe_addon(tmp_path / "b.safetensors")


# ------------------------------------------------------------------------------ ControlNet

LED = [(m, kind) for m in CONTROLS for kind in GenerationKind if m != "sd3" or kind is TEXT]


@pytest.mark.parametrize(("model", "kind"), LED)
def test_a_controlnet_leads_and_leaves_no_trace(draw: Any, model: str, kind: Any) -> None:
    name, before = CONTROLS[model], draw(model, kind)
    edges = Control(name, picture()[::-1].copy(), 0.5, preprocessor="canny")
    both = (Control(name, picture()), edges)
    led, twice = (draw(model, kind, controls=controls) for controls in (both[:1], both))
    assert len({image.tobytes() for image in (before, led, twice)}) == 3
    assert np.array_equal(draw(model, kind), before)


@pytest.mark.parametrize("model", CONTROLS)
def test_the_same_request_is_led_to_the_same_picture(draw: Any, model: str) -> None:
    control = (Control(CONTROLS[model], picture()),)
    assert np.array_equal(draw(model, controls=control), draw(model, controls=control))


@pytest.mark.parametrize("model", ["sd3", "flux-dev", "sdxl-base"])
def test_a_controlnet_in_one_file_is_that_in_a_folder(
    zoo: Zoo, draw: Any, tmp_path: Path, model: str
) -> None:
    name = CONTROLS[model]
    (tmp_path / "controlnet").mkdir()
    weights = zoo(f"controlnet-{name}") / "diffusion_pytorch_model.safetensors"
    shutil.copy(weights, tmp_path / "controlnet" / "one.safetensors")
    single = draw(model, shelf=AddonShelf([tmp_path]), controls=(Control("one", picture()),))
    assert np.array_equal(single, draw(model, controls=(Control(name, picture()),)))


def test_sd3_is_led_in_new_pictures_alone(zoo: Zoo, draw: Any) -> None:
    control = (Control("sd3", picture()),)
    with pytest.raises(InvalidRequest, match="in a single pass"):
        AddonChoices(controls=control).validate(describe(zoo("sd3")).abilities, (TEXT, IMAGE))
    for kind in (IMAGE, INPAINT):
        with pytest.raises(InvalidRequest, match="a ControlNet leads text-to-image alone"):
            draw("sd3", kind, controls=control)


def test_one_for_another_family_does_not_lead(draw: Any) -> None:
    with pytest.raises(BrokenAddon, match="made for another kind of model"):
        draw("flux-dev", controls=(Control("sd3", picture()),))


# ------------------------------------------------------------------------------ VAE


@pytest.mark.parametrize("model", ["sdxl-base", "sd3", "flux-dev"])
def test_another_vae_decodes_and_gives_way_again(draw: Any, model: str) -> None:
    before = draw(model)
    brighter = draw(model, addons=(Addon(VAE, model),))
    assert brighter.mean() > before.mean()
    assert np.array_equal(draw(model), before)


def test_a_vae_of_other_latents_is_refused(draw: Any) -> None:
    with pytest.raises(BrokenAddon, match="made for another kind of model"):
        draw("sd3", addons=(Addon(VAE, "sdxl-base"),))
