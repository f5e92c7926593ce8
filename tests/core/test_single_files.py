"""Checkpoints in one file: told apart by the header, found, loaded, and the same picture."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.abilities import GenerationKind
from core.checkpoints import Checkpoint, describe, find_checkpoints, resolve, signature
from core.checkpoints.weighing import weigh
from core.commands.doctor import examine
from core.errors import BrokenCheckpoint, GenerationCancelled
from core.geometry import Size
from core.inference.demand import Demand
from core.inference.forecast import forecast
from core.prompts import PromptTokenizer
from core.settings import Paths, Settings, save_settings
from tests.helpers.generations import CPU, a_request, make, new_cache
from tests.helpers.single_files import CONFIGS, true_shapes, write_sparse

Zoo = Callable[[str], Path]
EVERY_KIND = frozenset(GenerationKind)
INPAINTING = frozenset({GenerationKind.INPAINTING})
FILES = ("sd15", "sd15-inpaint", "sd21", "sdxl-base", "sdxl-inpaint", "sdxl-refiner")
LEFT_OUT = "is left out"


def file_of(zoo: Zoo, name: str) -> Path:
    zoo(name)
    return zoo(f"{name}-file") / f"{name}.safetensors"


def copied(zoo: Zoo, name: str, folder: Path, stem: str | None = None) -> Path:
    """A copy of a zoo file with its configurations, under another name perhaps."""
    file = file_of(zoo, name)
    stem = stem or name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(file.with_suffix(".config"), folder / f"{stem}.config")
    return Path(shutil.copy(file, folder / f"{stem}.safetensors"))


# ----------------------------------------------------------------------------- the header


@pytest.mark.parametrize(
    ("name", "family", "kinds", "side"),
    [
        ("sd1", "sd1", EVERY_KIND, 512),
        ("sd1-inpaint", "sd1", INPAINTING, 512),
        ("sd2", "sd2", EVERY_KIND, 512),
        ("sd2-inpaint", "sd2", INPAINTING, 512),
        ("sdxl", "sdxl", EVERY_KIND, 1024),
        ("sdxl-inpaint", "sdxl", INPAINTING, 1024),
        ("sdxl-refiner", "sdxl-refiner", EVERY_KIND - {GenerationKind.TEXT_TO_IMAGE}, 1024),
    ],
)
def test_a_real_models_header_tells_what_it_is(
    tmp_path: Path, name: str, family: str, kinds: frozenset[GenerationKind], side: int
) -> None:
    found = describe(write_sparse(tmp_path / "a model.safetensors", true_shapes(name)))
    assert (found.name, found.configs) == ("a model", CONFIGS / name)
    assert (found.abilities.family, found.abilities.kinds) == (family, kinds)
    assert found.abilities.native_size == Size(side, side)
    numbers = sum(part.numbers for part in weigh(found).values())
    assert numbers == sum(int(np.prod(shape)) for shape in true_shapes(name).values())


@pytest.mark.parametrize(
    ("name", "metadata", "yaml", "expected"),
    [
        ("sd2", {"modelspec.prediction_type": "v"}, None, "sd2-v"),
        ("sd2", {"modelspec.prediction_type": "epsilon"}, 'parameterization: "v"', "sd2"),
        ("sd2", {"modelspec.architecture": "stable-diffusion-v2-768-v"}, None, "sd2-v"),
        ("sd2", {"modelspec.architecture": "stable-diffusion-v2-512"}, None, "sd2"),
        ("sd2", {}, 'model:\n  params:\n    parameterization: "v"  # a comment', "sd2-v"),
        ("sd2", {}, "model:\n  params: {}", "sd2"),
        ("sd2-inpaint", {"modelspec.prediction_type": "v"}, None, "sd2-inpaint"),
        ("sd1", {"modelspec.prediction_type": "v"}, None, "sd1-v"),
        ("sd1", {}, None, "sd1"),
        ("sdxl", {"modelspec.prediction_type": "epsilon"}, None, "sdxl"),
    ],
)
def test_what_the_author_says_of_the_prediction_counts(
    tmp_path: Path, name: str, metadata: dict[str, str], yaml: str | None, expected: str
) -> None:
    file = write_sparse(tmp_path / "m.safetensors", true_shapes(name), metadata=metadata)
    if yaml is not None:
        file.with_suffix(".yaml").write_text(yaml)
    assert describe(file).configs == CONFIGS / expected


def test_a_marker_tells_an_xl_that_predicts_v(tmp_path: Path) -> None:
    shapes = {**true_shapes("sdxl"), "v_pred": (), "ztsnr": ()}
    found = describe(write_sparse(tmp_path / "m.safetensors", shapes))
    assert found.configs == CONFIGS / "sdxl-v"
    scheduler = json.loads((CONFIGS / "sdxl-v/scheduler/scheduler_config.json").read_text())
    assert scheduler["prediction_type"] == "v_prediction"
    assert scheduler["rescale_betas_zero_snr"]


@pytest.mark.parametrize("dtype", ["F16", "F32", "BF16"])
@pytest.mark.parametrize(("spread", "expected"), [(0.05, "sd2"), (0.12, "sd2-v")])
def test_one_bias_tells_the_two_forms_of_stable_diffusion_2(
    tmp_path: Path, dtype: str, spread: float, expected: str
) -> None:
    numbers = np.array([spread, -spread] * 160, np.float32)
    content = {
        "F16": numbers.astype(np.float16).tobytes(),
        "F32": numbers.tobytes(),
        "BF16": (numbers.view(np.uint32) >> 16).astype(np.uint16).tobytes(),
    }[dtype]
    bias = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
    shapes = true_shapes("sd2")
    file = write_sparse(tmp_path / "m.safetensors", shapes, dtype, values={bias: content})
    assert describe(file).configs == CONFIGS / expected


def _without(prefix: str, name: str = "sd1") -> dict[str, Any]:
    return {key: shape for key, shape in true_shapes(name).items() if not key.startswith(prefix)}


FIRST = "model.diffusion_model.input_blocks.0.0.weight"
REFUSED: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "a VAE": (lambda: {"decoder.conv_in.weight": (512, 4, 3, 3)}, "no whole model"),
    "a LoRA": (lambda: {"lora_unet_x.lora_down.weight": (4, 320)}, "no whole model"),
    "flux": (lambda: {"double_blocks.0.img_attn.qkv.weight": (9, 3)}, "is Flux in one file"),
    "sd3": (
        lambda: {"model.diffusion_model.joint_blocks.0.x.weight": (9, 3)},
        "Stable Diffusion 3 in one file",
    ),
    "no text": (lambda: _without("cond_stage_model."), "no text encoder"),
    "no VAE": (lambda: _without("first_stage_model."), "no VAE in it"),
    "8 channels": (lambda: {**true_shapes("sd1"), FIRST: (320, 8, 3, 3)}, "8 input channels"),
    "flat": (lambda: {**true_shapes("sd1"), FIRST: (320,)}, "no input channels"),
    "wide": (lambda: {**true_shapes("sd1"), FIRST: (384, 4, 3, 3)}, "other widths"),
    "playground": (lambda: {**true_shapes("sdxl"), "edm_mean": (4,)}, "Playground 2.5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_files_are_refused_with_a_sentence(tmp_path: Path, case: str) -> None:
    shapes, words = REFUSED[case]
    file = write_sparse(tmp_path / "m.safetensors", shapes())
    with pytest.raises(BrokenCheckpoint, match=words) as caught:
        describe(file)
    assert str(file) in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("ending", [".ckpt", ".pt", ".bin", ".CKPT"])
def test_a_pickle_is_refused_unopened(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"model{ending}"
    file.write_bytes(b"PK\x03\x04 whatever")
    with pytest.raises(BrokenCheckpoint, match="is a pickle, which could run"):
        describe(file)
    renamed = tmp_path / "model.safetensors"
    renamed.write_bytes(b"\x80\x02}q\x00." + bytes(100))
    with pytest.raises(BrokenCheckpoint, match="pickle under another name"):
        describe(renamed)


def test_the_memory_is_forecast_from_the_header(tmp_path: Path) -> None:
    sd1 = describe(write_sparse(tmp_path / "sd1.safetensors", true_shapes("sd1")))
    xl = describe(write_sparse(tmp_path / "xl.safetensors", true_shapes("sdxl")))
    small, large = (forecast(one, CPU, Demand(Size(512, 512))) for one in (sd1, xl))
    assert small.resident > 4 * 1_066_235_307  # float32 of all that is in it
    assert large.resident > 3 * small.resident
    assert large.working > 0


# ----------------------------------------------------------------------------- where they lie


def test_checkpoints_are_found_where_other_programs_keep_them(zoo: Zoo, tmp_path: Path) -> None:
    a1111, comfy = tmp_path / "webui", tmp_path / "ComfyUI"
    copied(zoo, "sd15", a1111 / "models/Stable-diffusion/anime", "one")
    copied(zoo, "sdxl-base", comfy / "models/checkpoints", "two")
    shutil.copytree(zoo("sd21"), comfy / "models/diffusers/three")
    copied(zoo, "sd21", tmp_path / "downloads", "four")
    shutil.copytree(zoo("lora-sd15"), tmp_path / "downloads/loras")

    def names(*folders: Path) -> list[str]:
        return [found.name for found in find_checkpoints(folders)]

    assert names(a1111) == names(a1111 / "models") == ["one"]
    assert names(a1111 / "models/Stable-diffusion") == ["one"]
    assert names(comfy) == ["two", "three"]
    assert names(tmp_path / "downloads") == ["four"]
    assert names(a1111, comfy, a1111 / "models") == ["one", "two", "three"]


def test_other_files_beside_models_are_passed_over_in_silence(zoo: Zoo, tmp_path: Path) -> None:
    copied(zoo, "sd15", tmp_path)
    write_sparse(tmp_path / "vae.safetensors", {"decoder.conv_in.weight": (512, 512, 3, 3)})
    assert [found.name for found in find_checkpoints([tmp_path])] == ["sd15"]
    with pytest.raises(BrokenCheckpoint, match=r"Found: sd15\. Add"):
        resolve("nobody", [tmp_path])


def test_what_lies_among_checkpoints_and_is_none_is_told(
    zoo: Zoo, tmp_path: Path, expected_log: Callable[[str], None]
) -> None:
    folder = tmp_path / "checkpoints"
    copied(zoo, "sd15", folder)
    (folder / "old.ckpt").write_bytes(b"PK\x03\x04")
    (folder / "cut.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    (folder / "loop.safetensors").symlink_to(folder / "loop.safetensors")
    (folder / "round").symlink_to(folder)
    expected_log(LEFT_OUT)
    assert [found.name for found in find_checkpoints([folder])] == ["sd15"]
    with pytest.raises(BrokenCheckpoint, match="is a pickle"):
        resolve("old", [folder])


def test_the_doctor_names_what_is_left_out_and_why(zoo: Zoo, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    copied(zoo, "sd15", folder)
    (folder / "old.ckpt").write_bytes(b"PK\x03\x04")
    paths = Paths.find(home)
    save_settings(Settings(model_folders=(str(folder),)), paths.settings_file)
    report = examine(paths, CPU)
    assert report["models"][-1]["name"] == "sd15"
    assert report["models"][-1]["path"] == str(folder / "sd15.safetensors")
    assert "is a pickle" in report["left_out"]["old"]


def test_a_change_on_disk_shows_in_the_signature(zoo: Zoo, tmp_path: Path) -> None:
    folder = tmp_path / "webui"
    file = copied(zoo, "sd15", folder / "models/Stable-diffusion")
    before = signature([folder])
    assert signature([folder]) == before
    file.with_suffix(".yaml").write_text("parameterization: v")
    after = signature([folder])
    assert after != before
    file.unlink()
    assert signature([folder]) not in (before, after)


def test_two_files_of_one_name_get_different_names(zoo: Zoo, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    copied(zoo, "sd15", folder / "a", "same")
    copied(zoo, "sd21", folder / "b", "same")
    names = {found.name: found.abilities.family for found in find_checkpoints([folder])}
    assert names == {"same": "sd1", "b/same": "sd2"}
    assert resolve("b/same", [folder]).abilities.family == "sd2"


def test_a_file_is_found_by_its_path(zoo: Zoo) -> None:
    file = file_of(zoo, "sd15")
    assert resolve(str(file), []) == describe(file)


# ----------------------------------------------------------------------------- loading


@pytest.mark.parametrize("name", FILES)
def test_the_picture_is_that_of_the_folder_to_the_last_bit(zoo: Zoo, name: str) -> None:
    file, folder = describe(file_of(zoo, name)), describe(zoo(name))
    assert file.abilities == folder.abilities
    kind = max(file.abilities.kinds)
    request = a_request(kind, scheduler=file.abilities.schedulers[0], negative_prompt="a dog")
    cache = new_cache()
    found = make(request, file, cache)
    assert np.array_equal(found.image, make(request, folder).image)
    assert found.image.std() > 10
    whole = hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert found.facts["model_hash"] == whole[:10]
    assert np.array_equal(make(request, file, cache).image, found.image)


def test_half_precision_is_computed_in_the_planned_dtype(zoo: Zoo, tmp_path: Path) -> None:
    source = zoo("single-file") / "tiny-sd15.safetensors"
    file = Path(shutil.copy(source, tmp_path))
    shutil.copytree(zoo("sd15-file") / "sd15.config", tmp_path / "tiny-sd15.config")
    checkpoint = describe(file)
    pipe = new_cache().get(checkpoint, GenerationKind.TEXT_TO_IMAGE).pipe
    assert {str(p.dtype) for p in pipe.unet.parameters()} == {"torch.float32"}
    assert {str(p.dtype) for p in pipe.text_encoder.parameters()} == {"torch.float32"}
    assert weigh(checkpoint)["unet"].dtype == "float16"


def test_loading_tells_of_each_part_and_can_be_cancelled(zoo: Zoo) -> None:
    told: list[tuple[float, str]] = []
    checkpoint = describe(file_of(zoo, "sdxl-base"))
    cache = new_cache()

    def stop_at_the_unet(fraction: float, what: str) -> None:
        told.append((fraction, what))
        if what == "the U-Net":
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        cache.get(checkpoint, GenerationKind.TEXT_TO_IMAGE, stop_at_the_unet)
    assert "the second text encoder" in {what for _, what in told}
    told.clear()
    cache.get(checkpoint, GenerationKind.TEXT_TO_IMAGE, lambda f, what: told.append((f, what)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def _damage(file: Path, change: Callable[[dict[str, Any]], object]) -> Checkpoint:
    from safetensors.torch import load_file, save_file

    tensors = load_file(file)
    change(tensors)
    file.unlink()  # its memory is still mapped
    save_file(tensors, file)
    return describe(file)


def test_missing_weights_are_refused_and_the_next_picture_is_the_same(
    zoo: Zoo, tmp_path: Path
) -> None:
    cache = new_cache()
    sound = describe(file_of(zoo, "sd15"))
    before = make(a_request(), sound, cache).image
    for part in ("model.diffusion_model.out.2.weight", "first_stage_model.decoder.conv_in.bias"):
        folder = tmp_path / part
        broken = _damage(copied(zoo, "sd15", folder), lambda tensors, part=part: tensors.pop(part))
        with pytest.raises(BrokenCheckpoint, match=r"lacks .*weights.* Download it again\.$"):
            make(a_request(), broken, cache)
    assert np.array_equal(make(a_request(), sound, cache).image, before)


def test_weights_of_another_shape_are_refused(zoo: Zoo, tmp_path: Path) -> None:
    name = "model.diffusion_model.middle_block.0.in_layers.0.weight"
    broken = _damage(
        copied(zoo, "sd15", tmp_path), lambda tensors: tensors.update({name: tensors[name][:8]})
    )
    with pytest.raises(BrokenCheckpoint, match=r"“sd15” cannot be loaded: .*Download it again\.$"):
        new_cache().get(broken, GenerationKind.TEXT_TO_IMAGE)


def test_configurations_beside_the_file_may_not_bring_code(zoo: Zoo, tmp_path: Path) -> None:
    file = copied(zoo, "sd15", tmp_path)
    index = tmp_path / "sd15.config/model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"unet": ["evil", "Net"]}))
    (tmp_path / "sd15.config/unet/evil.py").write_text("raise SystemExit")
    with pytest.raises(BrokenCheckpoint, match="program code of its own"):
        describe(file)


# ----------------------------------------------------------------------------- CLIP's words


def test_a_file_without_a_vocabulary_is_read_with_clips_own(tmp_path: Path) -> None:
    sd2 = describe(write_sparse(tmp_path / "m.safetensors", true_shapes("sd2")))
    tokenizer = PromptTokenizer.load(sd2.tokenizer, sd2.abilities.prompt_tokens)
    assert sd2.tokenizer == CONFIGS / "sd2/tokenizer"
    assert tokenizer.count("a photo of a cat, astronaut dog").count == 8
    assert tokenizer.count("wow!!!").count == 4  # each "!" is a token where it is the padding


def test_clips_tokens_have_the_numbers_that_the_models_learned() -> None:
    vocabulary = json.loads((CONFIGS / "clip/vocab.json").read_text(encoding="utf-8"))
    known = {"a</w>": 320, "photo</w>": 1125, "of</w>": 539, "cat</w>": 2368, "dog</w>": 1929}
    marks = {"<|startoftext|>": 49406, "<|endoftext|>": 49407, "!": 0, "astronaut</w>": 18376}
    assert len(vocabulary) == 49408
    assert {word: vocabulary[word] for word in known | marks} == known | marks


def test_the_header_is_read_again_when_the_file_changed(zoo: Zoo, tmp_path: Path) -> None:
    file = copied(zoo, "sd15", tmp_path)
    assert describe(file).abilities.family == "sd1"
    shutil.copy(file_of(zoo, "sd21"), file)
    shutil.rmtree(tmp_path / "sd15.config")
    shutil.copytree(file_of(zoo, "sd21").with_suffix(".config"), tmp_path / "sd15.config")
    assert describe(file).abilities.family == "sd2"
    file.write_bytes(struct.pack("<Q", 2) + b"{}")
    with pytest.raises(BrokenCheckpoint, match="holds no weights"):
        describe(file)


def test_sizes_add_up(zoo: Zoo) -> None:
    file = file_of(zoo, "sdxl-base")
    parts = weigh(describe(file))
    assert list(parts) == ["text_encoder", "unet", "vae", "text_encoder_2"]
    assert 0.9 < sum(part.file_bytes for part in parts.values()) / file.stat().st_size < 1
