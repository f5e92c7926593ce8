"""What model folders are said to be able to do, and how they are found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.abilities import GenerationKind
from core.checkpoints import (
    FAMILIES,
    FAMILY_NAMED,
    Checkpoint,
    describe,
    find_checkpoints,
    model_folders,
    resolve,
)
from core.errors import BrokenCheckpoint
from core.geometry import Size
from core.schedulers import FLOW_SCHEDULERS, SCHEDULERS, names_for
from core.settings import RESOURCES, Settings
from tests.helpers.model_folders import (
    UNET_WEIGHTS,
    WEIGHTS,
    put,
    safetensors,
    to_shards,
    to_variant,
    write_model,
    write_sdxl,
)

EVERY_KIND = frozenset(GenerationKind)
FROM_PICTURES = EVERY_KIND - {GenerationKind.TEXT_TO_IMAGE}
LEFT_OUT = "is left out"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models" / "sd15")


# ------------------------------------------------------------------------------- abilities


def test_the_makers_advice_on_guidance_is_taken(model: Path) -> None:
    index = model / "model_index.json"
    values = json.loads(index.read_text())
    for scale, expected in ((4, 4.0), (0.5, 0.5), ("4", 7.5), (True, 7.5), (-1, 7.5), (1e9, 7.5)):
        index.write_text(json.dumps(values | {"_guidance_scale": scale}))
        assert describe(model).abilities.guidance_scale == expected


def test_stable_diffusion_1_is_described_in_full(model: Path) -> None:
    found = describe(model)
    assert found == Checkpoint("sd15", model, "StableDiffusionPipeline", found.abilities, None)
    abilities = found.abilities
    assert (abilities.family, abilities.kinds) == ("sd1", EVERY_KIND)
    assert (abilities.native_size, abilities.size_multiple) == (Size(512, 512), 8)
    assert (abilities.num_inference_steps, abilities.guidance_scale) == (20, 7.5)
    assert (abilities.prompt_tokens, abilities.max_size) == (75, 2048)
    assert abilities.uses_negative_prompt


def test_linear_projections_and_not_a_width_tell_stable_diffusion_2(tmp_path: Path) -> None:
    narrow = {"cross_attention_dim": 32, "use_linear_projection": True, "sample_size": 96}
    abilities = describe(write_model(tmp_path / "sd2", unet=narrow)).abilities
    assert (abilities.family, abilities.native_size) == ("sd2", Size(768, 768))
    assert (abilities.num_inference_steps, abilities.guidance_scale) == (20, 7.5)
    wide = write_model(tmp_path / "sd1", unet={"cross_attention_dim": 1024})
    assert describe(wide).abilities.family == "sd1"


def test_nine_channels_can_only_inpaint_whatever_the_class_says(tmp_path: Path) -> None:
    for name in ("StableDiffusionPipeline", "StableDiffusionInpaintPipeline"):
        index = {"_class_name": name}
        model = write_model(tmp_path / name, index=index, unet={"in_channels": 9})
        assert describe(model).abilities.kinds == {GenerationKind.INPAINTING}
    four = write_model(tmp_path / "four", index={"_class_name": "StableDiffusionInpaintPipeline"})
    assert describe(four).abilities.kinds == EVERY_KIND


def test_sdxl_needs_both_encoders_and_has_its_own_defaults(tmp_path: Path) -> None:
    model = write_sdxl(tmp_path / "xl")
    abilities = describe(model).abilities
    assert (abilities.family, abilities.native_size) == ("sdxl", Size(1024, 1024))
    assert (abilities.num_inference_steps, abilities.guidance_scale) == (30, 5.0)
    shutil.rmtree(model / "text_encoder_2")
    with pytest.raises(BrokenCheckpoint, match="text_encoder_2 is missing"):
        describe(model)


def test_the_embedded_model_goes_the_ordinary_way(zoo: Callable[[str], Path]) -> None:
    abilities = describe(zoo("starter-layout")).abilities
    assert (abilities.family, abilities.kinds) == ("sd1", EVERY_KIND)
    assert (abilities.native_size, abilities.size_multiple) == (Size(128, 128), 8)


@pytest.mark.parametrize(
    ("levels", "sample", "size", "multiple"),
    [
        (4, 64, Size(512, 512), 8),
        (3, 64, Size(256, 256), 8),  # diffusers wants multiples of 8 from every VAE
        (5, 64, Size(1024, 1024), 16),
        (4, [64, 96], Size(768, 512), 8),  # height first, as diffusers has it
        (4, None, Size(512, 512), 8),
    ],
)
def test_native_size_is_sample_size_times_the_vae_factor(
    tmp_path: Path, levels: int, sample: Any, size: Size, multiple: int
) -> None:
    vae = {"block_out_channels": [32] * levels}
    abilities = describe(write_model(tmp_path, unet={"sample_size": sample}, vae=vae)).abilities
    assert (abilities.native_size, abilities.size_multiple) == (size, multiple)


def test_a_model_with_embedded_guidance_has_no_use_for_a_negative_prompt(tmp_path: Path) -> None:
    model = write_model(tmp_path, unet={"time_cond_proj_dim": 256})
    assert not describe(model).abilities.uses_negative_prompt


def test_the_shorter_of_tokenizer_and_text_encoder_limits_the_prompt(model: Path) -> None:
    put(model / "text_encoder" / "config.json", {"max_position_embeddings": 64})
    assert describe(model).abilities.prompt_tokens == 62
    # Files without a real limit say 10^30.
    put(model / "tokenizer" / "tokenizer_config.json", {"model_max_length": 10**30})
    assert describe(model).abilities.prompt_tokens == 62
    put(model / "tokenizer" / "tokenizer_config.json", {"model_max_length": 40})
    assert describe(model).abilities.prompt_tokens == 38


@pytest.mark.parametrize("name", FAMILY_NAMED)
def test_every_family_has_schedulers_that_can_be_made(name: str) -> None:
    is_flow = FAMILY_NAMED[name].denoiser == "transformer"
    names = names_for(name)
    assert names
    assert set(names) <= (FLOW_SCHEDULERS if is_flow else SCHEDULERS).keys()


def test_no_two_families_share_a_name() -> None:
    rows = {id(family): family.name for families in FAMILIES.values() for family in families}
    assert sorted(rows.values()) == sorted(FAMILY_NAMED)


def test_describing_does_not_import_torch(model: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from core.checkpoints import describe\n"
        "describe(Path(sys.argv[1])); print({'torch', 'numpy', 'diffusers'} & sys.modules.keys())"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code, str(model)], cwd=root, capture_output=True, text=True
    )
    assert (run.returncode, "torch" in run.stdout) == (0, False), run.stderr


# ------------------------------------------------------------------------------- weights


def test_plain_weights_are_preferred_to_a_variant(model: Path) -> None:
    for part, stem in WEIGHTS.items():
        put(model / part / f"{stem}.fp16.safetensors", safetensors())
    assert describe(model).variant is None


def test_a_variant_that_only_some_parts_have_is_found(model: Path) -> None:
    to_variant(model, "fp16", "unet", "vae")
    assert describe(model).variant == "fp16"
    to_variant(model, "fp16", "text_encoder", "safety_checker")
    assert describe(model).variant == "fp16"


def test_only_the_files_that_will_be_loaded_are_checked(model: Path) -> None:
    put(model / "unet" / "diffusion_pytorch_model.fp16.safetensors", b"cut")
    assert describe(model).variant is None


def test_variants_that_do_not_go_together_are_refused(model: Path) -> None:
    to_variant(model, "fp16", "unet")
    to_variant(model, "bf16", "vae")
    with pytest.raises(BrokenCheckpoint, match="do not go together"):
        describe(model)


@pytest.mark.parametrize("variant", [None, "fp16"])
def test_shards_are_followed_and_each_is_checked(model: Path, variant: str | None) -> None:
    shards = to_shards(model, variant)
    assert describe(model).variant == variant
    put(shards[1], safetensors()[:-1])
    with pytest.raises(BrokenCheckpoint, match=r"00002-of-00002\.safetensors is cut short"):
        describe(model)
    shards[1].unlink()
    with pytest.raises(BrokenCheckpoint, match=r"00002-of-00002\.safetensors is missing"):
        describe(model)


def test_pickles_beside_safetensors_do_no_harm(model: Path) -> None:
    put(model / "unet" / "diffusion_pytorch_model.bin", b"pickle")
    assert describe(model).variant is None


def test_python_files_that_nothing_names_are_never_run_and_do_no_harm(model: Path) -> None:
    put(model / "pipeline.py", "raise SystemExit")
    assert describe(model).abilities.family == "sd1"


# ------------------------------------------------------------------------------- search


def test_models_are_found_in_folders_and_as_folders(tmp_path: Path, model: Path) -> None:
    other = write_model(tmp_path / "elsewhere" / "anime")
    put(model.parent / "notes.txt", "not a model")
    (model.parent / "empty").mkdir()
    found = find_checkpoints([model.parent, other, tmp_path / "missing", model])
    assert [(c.name, c.path) for c in found] == [("sd15", model), ("anime", other)]


def test_a_broken_model_does_not_hide_the_others(
    model: Path, expected_log: Callable[[str], None]
) -> None:
    write_model(model.parent / "broken", index={"_class_name": "Nothing"})
    expected_log(f"model broken {LEFT_OUT}")
    assert [c.name for c in find_checkpoints([model.parent])] == ["sd15"]


def test_two_models_of_one_name_can_be_told_apart(tmp_path: Path, model: Path) -> None:
    second = write_model(tmp_path / "others" / "sd15")
    third = write_model(tmp_path / "deep" / "others" / "sd15")
    folders = [model.parent, second.parent, third.parent]
    names = [c.name for c in find_checkpoints(folders)]
    assert names == ["sd15", "others/sd15", str(third)]
    assert [resolve(name, folders).path for name in names] == [model, second, third]


def test_a_hub_cache_is_read_as_the_hub_library_writes_it(tmp_path: Path) -> None:
    old, new = "a" * 40, "b" * 40
    repository = tmp_path / "hub" / "models--runwayml--stable-diffusion-v1-5"
    write_model(repository / "snapshots" / old)
    write_model(repository / "snapshots" / new)
    put(repository / "refs" / "main", old)
    os.utime(repository / "snapshots" / old, (1, 1))
    for folder in (repository.parent, repository):
        (found,) = find_checkpoints([folder])
        assert found.name == "runwayml/stable-diffusion-v1-5"
        assert found.path == repository / "snapshots" / old
    (repository / "refs" / "main").unlink()
    assert resolve(found.name, [tmp_path / "hub"]).path == repository / "snapshots" / new


def test_a_hub_snapshot_given_as_a_path_keeps_its_name(tmp_path: Path) -> None:
    snapshot = write_model(tmp_path / "models--a--b" / "snapshots" / "c0ffee")
    assert resolve(str(snapshot), []).name == "a/b"


def test_a_link_to_a_model_is_the_same_model(tmp_path: Path, model: Path) -> None:
    (model.parent / "zz-link").symlink_to(model)
    assert [c.name for c in find_checkpoints([model.parent])] == ["sd15"]


def test_resolve_takes_a_name_or_a_folder(model: Path) -> None:
    assert resolve("sd15", [model.parent]).path == model
    assert resolve(str(model), []) == describe(model)


def test_resolve_tells_why_the_named_model_is_broken(model: Path) -> None:
    (model / UNET_WEIGHTS).unlink()
    with pytest.raises(BrokenCheckpoint, match="holds no weights"):
        resolve("sd15", [model.parent])


@pytest.mark.parametrize("name", ["", "unknown", "a/b", "\0", "~nobody-here/x", "x" * 10_000])
def test_an_unknown_name_is_answered_with_the_known_ones(model: Path, name: str) -> None:
    with pytest.raises(BrokenCheckpoint, match="Found: sd15"):
        resolve(name, [model.parent])


def test_without_any_model_the_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(BrokenCheckpoint, match="no model at all"):
        resolve("starter", [tmp_path])


def test_the_embedded_models_folder_comes_first() -> None:
    folders = model_folders(Settings(model_folders=("/a", "/b")))
    assert folders == [RESOURCES / "models", Path("/a"), Path("/b")]


# ------------------------------------------------------------------------------- the zoo


@pytest.mark.parametrize(
    ("name", "family", "kinds"),
    [
        ("sd15", "sd1", EVERY_KIND),
        ("sd15-inpaint", "sd1", {GenerationKind.INPAINTING}),
        ("sd21", "sd2", EVERY_KIND),
        ("sdxl-base", "sdxl", EVERY_KIND),
        ("sdxl-inpaint", "sdxl", {GenerationKind.INPAINTING}),
        ("sdxl-refiner", "sdxl-refiner", FROM_PICTURES),
        ("lcm", "lcm", EVERY_KIND),
        ("kandinsky-2-2-decoder", "kandinsky22", EVERY_KIND - {GenerationKind.INPAINTING}),
        ("kandinsky-2-2-decoder-inpaint", "kandinsky22", {GenerationKind.INPAINTING}),
        ("sd3", "sd3", EVERY_KIND),
    ],
)
def test_models_that_diffusers_wrote_are_described(
    zoo: Callable[[str], Path], name: str, family: str, kinds: set[GenerationKind]
) -> None:
    abilities = describe(zoo(name)).abilities
    assert (abilities.family, set(abilities.kinds)) == (family, kinds)
    assert abilities.native_size == Size(128, 128)


def test_what_a_model_does_not_use_is_known_before_it_is_loaded(zoo: Callable[[str], Path]) -> None:
    dev, schnell, lcm = (describe(zoo(name)) for name in ("flux-dev", "flux-schnell", "lcm"))
    assert not any(model.abilities.uses_negative_prompt for model in (dev, schnell, lcm))
    assert [model.abilities.uses_guidance_scale for model in (dev, schnell, lcm)] == [1, 0, 1]
    assert (dev.abilities.num_inference_steps, schnell.abilities.num_inference_steps) == (28, 4)
    assert {model.abilities.size_multiple for model in (dev, schnell)} == {16}
    decoder = describe(zoo("kandinsky-2-2-decoder-inpaint")).abilities
    assert decoder.ignores_strength(GenerationKind.INPAINTING)
    assert not lcm.abilities.ignores_strength(GenerationKind.INPAINTING)
    assert decoder.size_multiple == 64


def test_a_table_of_positions_limits_the_size(zoo: Callable[[str], Path]) -> None:
    assert describe(zoo("sd3")).abilities.max_size == 512  # 32 places of 2 latents of 8 pixels


def test_the_longer_text_encoder_limits_the_prompt(
    zoo: Callable[[str], Path], tmp_path: Path
) -> None:
    sd3 = describe(zoo("sd3"))
    assert (sd3.abilities.prompt_tokens, sd3.tokenizer.name) == (255, "tokenizer_3")
    without = Path(shutil.copytree(zoo("sd3"), tmp_path / "sd3"))
    for part in ("text_encoder_3", "tokenizer_3"):  # as many people keep it, to save memory
        shutil.rmtree(without / part)
    index = json.loads((without / "model_index.json").read_text())
    index |= {"text_encoder_3": [None, None], "tokenizer_3": [None, None]}
    put(without / "model_index.json", index)
    found = describe(without)
    assert (found.abilities.prompt_tokens, found.tokenizer.name) == (75, "tokenizer")
    assert describe(zoo("sdxl-refiner")).tokenizer.name == "tokenizer_2"


def test_the_variant_that_is_told_is_one_that_diffusers_loads(
    zoo: Callable[[str], Path], tmp_path: Path
) -> None:
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextModel

    model = tmp_path / "fp16"
    shutil.copytree(zoo("sd15"), model)
    for part, stem in WEIGHTS.items():
        (model / part / f"{stem}.safetensors").unlink()
    variant = describe(model).variant
    assert variant == "fp16"
    for part, component in (("unet", UNet2DConditionModel), ("text_encoder", CLIPTextModel)):
        loaded = component.from_pretrained(model / part, variant=variant, local_files_only=True)
        assert not any(parameter.is_meta for parameter in loaded.parameters())
