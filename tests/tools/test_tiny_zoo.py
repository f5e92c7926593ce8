"""The zoo is the same every time, and every animal in it does what the real one does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tools.tiny_zoo import ENTRIES, build
from tools.tiny_zoo.__main__ import main
from tools.tiny_zoo.hub_cache import REPOSITORIES, write_hub_cache

# What diffusers says about its own inner life is no concern of these tests.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
SIDE = 64
PIPELINES = [name for name in ENTRIES if ENTRIES[name].is_pipeline]


@pytest.fixture(autouse=True)
def _one_quiet_thread() -> Iterator[None]:
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    libraries = (of_diffusers, of_transformers)
    before = [(logs.get_verbosity(), logs.is_progress_bar_enabled()) for logs in libraries]
    for logs in libraries:
        logs.set_verbosity_error()
        logs.disable_progress_bar()
    torch.set_num_threads(1)
    yield
    for logs, (verbosity, had_bars) in zip(libraries, before, strict=True):
        logs.set_verbosity(verbosity)
        if had_bars:
            logs.enable_progress_bar()


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder`, by its path there."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def load(folder: Path, **options: Any) -> Any:
    """The pipeline in `folder`; every weight must have been in its files."""
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, **options
    )
    pipe.set_progress_bar_config(disable=True)
    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            assert not any(weight.is_meta for weight in part.parameters()), name
    return pipe


def run(pipe: Any, **options: Any) -> Any:
    """A picture after two steps; float array of shape (height, width, 3) in 0..1."""
    common: dict[str, Any] = {"prompt": "a cat", "num_inference_steps": 2, "output_type": "np"}
    generator = torch.Generator().manual_seed(3)
    return pipe(**(common | options), generator=generator).images[0]


# ------------------------------------------------------------------------------- the files


def test_the_same_seed_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    names = {"sd15", "taesd", "textual-inversion", "lora-sd15", "single-file"}
    build(tmp_path / "together", names)
    build(tmp_path / "apart", {"textual-inversion"})
    build(tmp_path / "apart", {"single-file"})
    build(tmp_path / "apart", {"lora-sd15", "taesd"})
    assert digests(tmp_path / "together") == digests(tmp_path / "apart")


def test_another_seed_gives_other_weights_and_the_same_configuration(tmp_path: Path) -> None:
    build(tmp_path / "a", {"starter-layout"}, seed=0)
    build(tmp_path / "b", {"starter-layout"}, seed=1)
    a, b = digests(tmp_path / "a"), digests(tmp_path / "b")
    changed = {name for name in a if a[name] != b[name]}
    assert changed == {name for name in a if name.endswith(".safetensors")}


def test_building_leaves_torchs_generator_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.randn(4)
    torch.manual_seed(5)
    build(tmp_path, {"taesd"})
    assert torch.equal(torch.randn(4), expected)


def test_what_an_entry_needs_is_built_and_kept(tmp_path: Path) -> None:
    build(tmp_path, {"controlnet-canny-sd15"})
    assert {child.name for child in tmp_path.iterdir()} == {"controlnet-canny-sd15", "sd15"}
    mark = tmp_path / "sd15" / "mark"
    mark.touch()
    build(tmp_path, {"controlnet-canny-sd15"})
    assert mark.exists()
    build(tmp_path, {"sd15"})
    assert not mark.exists()


def test_an_unknown_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError, match="sd99"):
        build(tmp_path, {"sd99"})
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--only", "sd99"])
    assert "sd99" in capsys.readouterr().err


def test_the_command_line_builds_and_tells_sizes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(tmp_path), "--only", "taesd", "--hub-cache", str(tmp_path / "hub")])
    assert "taesd" in capsys.readouterr().out
    assert list((tmp_path / "hub" / "models--madebyollin--taesd").rglob("config.json"))


def test_needs_come_before_those_that_need_them() -> None:
    names = list(ENTRIES)
    for name, entry in ENTRIES.items():
        assert all(names.index(need) < names.index(name) for need in entry.needs)


# ------------------------------------------------------------------------------- pipelines


@pytest.mark.slow
@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_loads_as_the_class_it_names(zoo: Callable[[str], Path], name: str) -> None:
    folder = zoo(name)
    index = json.loads((folder / "model_index.json").read_text())
    # Kandinsky's README points where the folder was built, which is not where `zoo` has put it.
    options = {} if "kandinsky" not in name else {"load_connected_pipeline": False}
    assert type(load(folder, **options)).__name__ == index["_class_name"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["sd15", "sd21", "starter-layout", "lcm", "sdxl-base", "sd3", "flux-dev", "flux-schnell"],
)
def test_text_becomes_a_picture_that_is_not_grey(zoo: Callable[[str], Path], name: str) -> None:
    pipe = load(zoo(name))
    first, second = (run(pipe, width=SIDE, height=SIDE) for _ in range(2))
    assert first.shape == (SIDE, SIDE, 3)
    assert first.std() > 0.05
    assert (first == second).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sd15-inpaint", "sdxl-inpaint"])
def test_nine_channel_models_inpaint(zoo: Callable[[str], Path], name: str) -> None:
    from PIL import Image

    picture, mask = Image.new("RGB", (SIDE, SIDE), "navy"), Image.new("L", (SIDE, SIDE), 255)
    options = {"image": picture, "mask_image": mask, "width": SIDE, "height": SIDE}
    assert run(load(zoo(name)), **options, num_inference_steps=4).std() > 0.01


@pytest.mark.slow
def test_the_refiner_goes_on_from_a_picture(zoo: Callable[[str], Path]) -> None:
    from PIL import Image

    image = run(load(zoo("sdxl-refiner")), image=Image.new("RGB", (SIDE, SIDE)), strength=1.0)
    assert image.shape == (SIDE, SIDE, 3)


@pytest.mark.slow
def test_kandinsky_runs_from_its_prior_to_the_picture(tmp_path: Path) -> None:
    build(tmp_path, {"kandinsky-2-2-decoder"})
    prior, decoder = (load(tmp_path / f"kandinsky-2-2-{part}") for part in ("prior", "decoder"))
    embeddings = prior("a cat", num_inference_steps=2).to_tuple()
    options = dict(zip(("image_embeds", "negative_image_embeds"), embeddings, strict=True))
    images = decoder(
        **options, width=SIDE, height=SIDE, num_inference_steps=2, output_type="np"
    ).images
    assert images.shape == (1, SIDE, SIDE, 3)
    assert str(tmp_path) in (tmp_path / "kandinsky-2-2-decoder" / "README.md").read_text()


@pytest.mark.slow
def test_the_safety_checker_fires_always_or_never(zoo: Callable[[str], Path]) -> None:
    options = {"width": SIDE, "height": SIDE}
    assert run(load(zoo("sd15")), **options).max() > 0
    assert run(load(zoo("sd15-nsfw")), **options).max() == 0


@pytest.mark.slow
def test_fp16_files_hold_the_same_weights(zoo: Callable[[str], Path]) -> None:
    plain, half = load(zoo("sd15")), load(zoo("sd15"), variant="fp16")
    for part in ("unet", "vae", "text_encoder"):
        weights = getattr(half, part).state_dict()
        for key, value in getattr(plain, part).state_dict().items():
            assert torch.equal(value.half().float(), weights[key].float()), key


# ------------------------------------------------------------------------------- add-ons


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
def test_the_single_file_holds_the_weights_of_sd15(tmp_path: Path, suffix: str) -> None:
    from diffusers import StableDiffusionPipeline

    build(tmp_path, {"single-file"})
    expected = load(tmp_path / "sd15")
    file = tmp_path / "single-file" / f"tiny-sd15.{suffix}"
    found = StableDiffusionPipeline.from_single_file(
        str(file), config=str(tmp_path / "sd15"), dtype=torch.float32, local_files_only=True
    )
    for part in ("unet", "vae", "text_encoder"):
        weights = getattr(found, part).state_dict()
        for key, value in getattr(expected, part).state_dict().items():
            assert torch.equal(value.half().float(), weights[key]), key


@pytest.mark.slow
@pytest.mark.parametrize("file", ["tiny_unet", "tiny_unet_te", "tiny_kohya"])
def test_loras_load_change_the_picture_and_go(tmp_path: Path, file: str) -> None:
    pytest.importorskip("peft")
    build(tmp_path, {"lora-sd15"})
    pipe = load(tmp_path / "sd15")
    options = {"width": SIDE, "height": SIDE}
    before = run(pipe, **options)
    pipe.load_lora_weights(str(tmp_path / "lora-sd15"), weight_name=f"{file}.safetensors")
    assert abs(run(pipe, **options) - before).max() > 0.01
    pipe.unload_lora_weights()
    assert abs(run(pipe, **options) - before).max() < 1e-4


@pytest.mark.slow
def test_controlnet_ip_adapter_and_taesd_fit_sd15(tmp_path: Path) -> None:
    from diffusers import AutoencoderTiny, ControlNetModel, StableDiffusionControlNetPipeline
    from PIL import Image

    build(tmp_path, {"controlnet-canny-sd15", "ip-adapter", "taesd"})
    pipe = load(tmp_path / "sd15")
    options: dict[str, Any] = {"width": SIDE, "height": SIDE}
    plain, white = run(pipe, **options), Image.new("RGB", (SIDE, SIDE), "white")
    net = ControlNetModel.from_pretrained(tmp_path / "controlnet-canny-sd15")
    controlled = StableDiffusionControlNetPipeline(**pipe.components, controlnet=net)
    controlled.set_progress_bar_config(disable=True)
    assert abs(run(controlled, image=white, **options) - plain).max() > 0.01
    weights = {"subfolder": "models", "weight_name": "ip-adapter_sd15.safetensors"}
    pipe.load_ip_adapter(str(tmp_path / "ip-adapter"), **weights)
    assert abs(run(pipe, ip_adapter_image=white, **options) - plain).max() > 0.01
    tiny = AutoencoderTiny.from_pretrained(tmp_path / "taesd")
    assert tiny.decode(torch.randn(1, 4, 8, 8)).sample.shape == (1, 3, SIDE, SIDE)


@pytest.mark.slow
def test_a_learned_word_of_each_dialect_is_taken(tmp_path: Path) -> None:
    build(tmp_path, {"sd15", "textual-inversion"})
    pipe = load(tmp_path / "sd15")
    words = tmp_path / "textual-inversion"
    pipe.load_textual_inversion(str(words), weight_name="learned_embeds.safetensors")
    pipe.load_textual_inversion(
        str(words), weight_name="tiny_badhands.safetensors", token="badhands"
    )
    assert pipe.maybe_convert_prompt("a badhands", pipe.tokenizer).split()[1:] == [
        "badhands",
        "badhands_1",
        "badhands_2",
    ]


# ------------------------------------------------------------------------------- hub cache


@pytest.mark.slow
def test_a_repositorys_name_works_offline_from_the_hub_cache(tmp_path: Path) -> None:
    from diffusers import DiffusionPipeline

    build(tmp_path / "zoo", {"starter-layout", "sd15", "kandinsky-2-2-decoder"})
    write_hub_cache(tmp_path / "zoo", tmp_path / "hub")
    pipe = DiffusionPipeline.from_pretrained(
        "runwayml/stable-diffusion-v1-5",
        cache_dir=tmp_path / "hub",
        dtype=torch.float32,
        local_files_only=True,
    )
    assert type(pipe).__name__ == "StableDiffusionPipeline"
    names = {child.name for child in (tmp_path / "hub").iterdir()}
    assert "models--kandinsky-community--kandinsky-2-2-prior" in names
    (readme,) = (tmp_path / "hub").glob("*2-2-decoder/snapshots/*/README.md")
    assert "- kandinsky-community/kandinsky-2-2-prior\n" in readme.read_text()
    local = (tmp_path / "zoo" / "kandinsky-2-2-decoder" / "README.md").read_text()
    assert str(tmp_path) in local


def test_every_repository_of_the_hub_cache_is_an_entry() -> None:
    assert REPOSITORIES.keys() <= ENTRIES.keys()
