"""Tiny autoencoders: found by name, proven by the model's own VAE, never part of the picture."""

from __future__ import annotations

import json
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

from core.abilities import GenerationKind
from core.addons import AddonShelf
from core.checkpoints import FAMILY_NAMED, describe
from core.checkpoints.tiny import tiny_autoencoder_for
from core.commands.doctor import examine
from core.inference import generate
from core.inference.demand import Demand
from core.pipelines import PipelineCache, import_libraries
from core.previews import LatentPreview
from core.previews.calibration import calibration_pictures
from core.previews.latents import latents_of
from core.previews.published import FACTORS, PublishedFactors
from core.previews.tiny import TinyPreview
from core.settings import RESOURCES, Paths
from tests.helpers.generations import CPU, Diary, a_request, make, new_cache
from tests.helpers.tiny_previews import write_taught

Zoo = Callable[[str], Path]
STARTER = RESOURCES / "models" / "starter"
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def taught(zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny autoencoder that reads the latents of the embedded model."""
    import_libraries()
    return write_taught(tmp_path_factory.mktemp("taught"), zoo("taesd"), STARTER / "vae")


@pytest.fixture
def shelf(tmp_path: Path, taught: Path) -> AddonShelf:
    """A folder of models with that tiny autoencoder in it."""
    return AddonShelf([put(taught, tmp_path / "models" / "taesd").parent])


def put(source: Path, folder: Path, **config: Any) -> Path:
    """A copy with other values in its configuration."""
    shutil.copytree(source, folder)
    values = json.loads((folder / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(values))
    return folder


# ------------------------------------------------------------------------------- found


@pytest.mark.parametrize(
    ("name", "latents"),
    [
        ("taesd", "sd"),
        ("TAESD-v1", "sd"),
        ("taesdxl", "sdxl"),
        ("taesd3", "sd3"),
        ("taef1", "flux"),
        ("models--madebyollin--taesdxl", "sdxl"),
        ("vae_approx/taesd", "sd"),
        ("models/vae/taesd3", "sd3"),
        ("previews", ""),
        ("taef2", ""),
    ],
)
def test_the_name_tells_whose_latents_it_reads(
    zoo: Zoo, tmp_path: Path, name: str, latents: str
) -> None:
    folder = tmp_path / name
    if "--" in name:
        put(zoo("taesd"), folder / "snapshots" / "abc")
    else:
        put(zoo("taesd"), folder)
    for known in ("sd", "sdxl", "sd3", "flux"):
        found = tiny_autoencoder_for(known, [tmp_path])
        assert (found is not None) == (known == latents)
    assert tiny_autoencoder_for("", [tmp_path]) is None


def test_a_folder_of_any_name_is_known_by_what_it_was_saved_from(zoo: Zoo, tmp_path: Path) -> None:
    put(zoo("taesd"), tmp_path / "small", _name_or_path="madebyollin/taesdxl")
    assert tiny_autoencoder_for("sd", [tmp_path]) is None
    assert tiny_autoencoder_for("sdxl", [tmp_path]) is not None


def test_it_is_found_in_the_hubs_cache(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    put(zoo("taesd"), tmp_path / "models--madebyollin--taesd" / "snapshots" / "abc")
    found = tiny_autoencoder_for("sd", [])
    assert found is not None
    assert found.name == "madebyollin/taesd"
    assert [file.name for file in found.files] == [WEIGHTS]


def test_what_is_broken_or_something_else_is_left_alone(zoo: Zoo, tmp_path: Path) -> None:
    cut = put(zoo("taesd"), tmp_path / "taesd-cut")
    (cut / WEIGHTS).write_bytes((cut / WEIGHTS).read_bytes()[:5000])
    put(zoo("taesd"), tmp_path / "taesd-none").joinpath(WEIGHTS).unlink()
    put(zoo("taesd"), tmp_path / "taesd-other", _class_name="AutoencoderKL")
    (tmp_path / "taesd-empty").mkdir()
    (tmp_path / "taesd-bad").mkdir()
    (tmp_path / "taesd-bad" / "config.json").write_text("{")
    assert tiny_autoencoder_for("sd", [tmp_path, tmp_path / "absent"]) is None


def test_families_whose_latents_are_known_have_factors_of_as_many_channels() -> None:
    named = {family.latents for family in FAMILY_NAMED.values()} - {""}
    assert named == set(FACTORS)
    for name, channels in (("sd", 4), ("sdxl", 4), ("sd3", 16), ("flux", 16)):
        assert len(FACTORS[name].factors) == channels


# ------------------------------------------------------------------------------- proven


def starter_vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL.from_pretrained(STARTER / "vae", local_files_only=True).eval()


def tiny_of(folder: Path) -> TinyPreview:
    from diffusers import AutoencoderTiny

    return TinyPreview(AutoencoderTiny.from_pretrained(folder, local_files_only=True).eval())


def test_a_stranger_is_found_out_by_the_vae(zoo: Zoo, taught: Path) -> None:
    vae = starter_vae()
    fitted = LatentPreview.for_vae(vae)
    assert tiny_of(taught).is_true_to(vae, fitted)
    assert not tiny_of(zoo("taesd")).is_true_to(vae, fitted)


def test_it_draws_what_the_vae_encoded(taught: Path) -> None:
    pictures = torch.from_numpy(calibration_pictures()[9:11]).permute(0, 3, 1, 2)
    latents = latents_of(starter_vae(), pictures)
    tiny = tiny_of(taught)
    whole, half = tiny(latents), TinyPreview(tiny.network, 2)(latents)
    assert whole.shape == (64, 64, 3)
    assert half.shape == (32, 32, 3)
    assert whole.dtype == half.dtype == np.uint8
    wanted = pictures[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(whole - wanted).mean() < 25
    assert np.abs(half - wanted[::2, ::2]).mean() < 35


def test_factors_of_another_vae_are_found_out() -> None:
    """The embedded model has four channels too, and a VAE of its own."""
    fitted = LatentPreview.for_vae(starter_vae())
    assert not any(fitted.agrees_with(factors) for factors in FACTORS.values())


def test_factors_of_this_vae_are_believed_and_draw_as_the_map_does() -> None:
    """Here the table is made from what the map learnt: one colour from a cell itself."""
    vae = starter_vae()
    fitted = LatentPreview.for_vae(vae)
    pictures = torch.from_numpy(calibration_pictures()).permute(0, 3, 1, 2)
    latents = latents_of(vae, pictures)
    cells = latents.permute(0, 2, 3, 1).flatten(0, 2)
    colours = torch.nn.functional.avg_pool2d(pictures, 8).permute(0, 2, 3, 1).flatten(0, 2) * 2 - 1
    ones = torch.ones_like(cells[:, :1])
    answer = torch.linalg.lstsq(torch.cat([cells, ones], 1), colours).solution.tolist()
    factors = PublishedFactors(tuple(map(tuple, answer[:-1])), tuple(answer[-1]))
    assert fitted.agrees_with(factors)
    by_factors, by_map = factors(latents[20:]), fitted(latents[20:])
    assert by_factors.shape == (8, 8, 3)
    small = by_map.reshape(8, 2, 8, 2, 3).mean((1, 3))
    assert np.abs(by_factors - small).mean() < 20


def test_a_map_that_has_seen_nothing_takes_the_word_of_published_factors() -> None:
    empty = LatentPreview(4)
    assert not empty.is_fitted
    assert empty.agrees_with(FACTORS["sd"])
    assert not empty.agrees_with(FACTORS["sd3"])
    grey = FACTORS["sd"](torch.zeros(1, 4, 3, 5))
    assert grey.shape == (3, 5, 3)
    assert set(grey.ravel()) == {128}
    assert FACTORS["sd"](torch.full((1, 4, 1, 1), torch.nan)).shape == (1, 1, 3)


# ------------------------------------------------------------------------------- used


def frames_of(cache: PipelineCache, shelf: AddonShelf, **changes: Any) -> tuple[Diary, Any]:
    diary = Diary()
    request = a_request(checkpoint="starter", num_inference_steps=4, **changes)
    stop = threading.Event()
    return diary, generate(request, describe(STARTER), cache, diary, stop, shelf=shelf)


def test_previews_by_it_are_larger_and_the_picture_is_the_same(shelf: AddonShelf) -> None:
    with_it, result = frames_of(new_cache(), shelf)
    without, expected = frames_of(new_cache(), AddonShelf())
    unwatched = make(a_request(checkpoint="starter"), STARTER, listener=Diary(previews=False))
    assert np.array_equal(result.image, expected.image)
    assert np.array_equal(result.image, unwatched.image)
    assert [frame.step for frame in with_it.frames] == [1, 2, 3, 4]
    # The first step's time is not known yet; then it is tried twice, whatever it costs.
    shapes = [frame.image.shape for frame in with_it.frames]
    assert shapes[:3] == [(16, 16, 3), (64, 64, 3), (64, 64, 3)]
    assert {frame.image.shape for frame in without.frames} == {(16, 16, 3)}


def test_masked_previews_keep_the_original_at_every_size(shelf: AddonShelf) -> None:
    diary, result = frames_of(new_cache(), shelf, kind=GenerationKind.INPAINTING, strength=1.0)
    assert result.changed_outside_mask == 0
    original = result.request.init_image
    large = [frame.image for frame in diary.frames if frame.image.shape == (64, 64, 3)]
    assert large
    for image in large:
        assert np.array_equal(image[:16], original[:16])
        assert not np.array_equal(image[24:40, 24:40], original[24:40, 24:40])


def test_a_stranger_is_not_used(zoo: Zoo, tmp_path: Path) -> None:
    put(zoo("taesd"), tmp_path / "models" / "taesd")
    diary, _ = frames_of(new_cache(), AddonShelf([tmp_path / "models"]))
    assert {frame.image.shape for frame in diary.frames} == {(16, 16, 3)}


def test_one_that_lacks_weights_costs_only_itself(tmp_path: Path, taught: Path) -> None:
    folder = put(taught, tmp_path / "models" / "taesd")
    weights = load_file(folder / WEIGHTS)
    weights.pop(sorted(name for name in weights if name.startswith("decoder"))[0])
    (folder / WEIGHTS).unlink()
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    diary, _ = frames_of(new_cache(), AddonShelf([folder.parent]))
    assert {frame.image.shape for frame in diary.frames} == {(16, 16, 3)}


def test_one_that_comes_while_the_model_is_loaded_is_used(tmp_path: Path, taught: Path) -> None:
    cache, shelf = new_cache(), AddonShelf([tmp_path])
    before, _ = frames_of(cache, shelf)
    put(taught, tmp_path / "taesd")
    after, _ = frames_of(cache, shelf)
    assert {frame.image.shape for frame in before.frames} == {(16, 16, 3)}
    assert after.frames[1].image.shape == (64, 64, 3)


# ------------------------------------------------------------------------------- told


def test_its_weights_are_in_the_memory_plan(shelf: AddonShelf) -> None:
    starter, request = describe(STARTER), a_request(checkpoint="starter")
    with_it = Demand.of(request, starter.abilities, shelf, 1)
    without = Demand.of(request, starter.abilities, AddonShelf(), 1)
    assert with_it.worn > without.worn == 0
    assert replace(with_it, worn=0) == without


def test_doctor_says_how_each_model_is_previewed(home: Path, shelf: AddonShelf) -> None:
    home.joinpath("config").mkdir(parents=True)
    folders = [str(folder) for folder in shelf.folders]
    (home / "config" / "settings.json").write_text(json.dumps({"model_folders": folders}))
    told = {model["name"]: model["preview"] for model in examine(Paths.find(home), CPU)["models"]}
    assert "“taesd” if it suits" in told["starter"]["words"]
    assert told["starter"]["tiny_autoencoder"] == str(shelf.folders[0] / "taesd")
    (home / "config" / "settings.json").write_text("{}")
    told = {model["name"]: model["preview"] for model in examine(Paths.find(home), CPU)["models"]}
    assert told["starter"] == {"words": "a map fitted to its VAE", "tiny_autoencoder": None}
