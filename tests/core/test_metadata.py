"""What a file says about itself is read back by us without loss, and by strangers."""

from __future__ import annotations

import json
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hanaikada.core.metadata import MetadataService
from PIL import Image, PngImagePlugin
from sd_prompt_reader.image_data_reader import ImageDataReader

from core import metadata
from core.abilities import GenerationKind, InpaintArea, MaskedContent
from core.geometry import Size
from core.images import image_format, write_image
from core.request import GenerationRequest
from core.result import GenerationResult
from core.schedulers import SCHEDULERS
from tests.helpers.results import an_inpainting, noise

ROOT = Path(__file__).resolve().parents[2]
WHEN = datetime(2026, 11, 23, 7, 16, 17, tzinfo=UTC)
SUFFIXES = [".png", ".jpg", ".webp"]
MODES = {
    GenerationKind.TEXT_TO_IMAGE: "txt2img",
    GenerationKind.IMAGE_TO_IMAGE: "img2img",
    GenerationKind.INPAINTING: "inpaint",
}


def a_result(
    kind: GenerationKind = GenerationKind.TEXT_TO_IMAGE, **changes: Any
) -> GenerationResult:
    inpainting = an_inpainting()
    request = replace(inpainting.request, kind=kind, **changes)
    return replace(inpainting, request=request, facts={"model_hash": "0123abcdef"})


def save(folder: Path, suffix: str, result: GenerationResult) -> Path:
    file = folder / f"a{suffix}"
    text = metadata.infotext(result.request, result.facts)
    record = metadata.record(result, "1a2b3c4d5e6f", WHEN)
    write_image(file, result.image, metadata.embedded(image_format(file), text, record))
    return file


# ---------------------------------------------------------------- by strangers


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", list(GenerationKind))
def test_hanaikada_reads_everything(tmp_path: Path, suffix: str, kind: GenerationKind) -> None:
    file = save(tmp_path, suffix, a_result(kind, prompt="a green pear, 雪 é\n(soft:1.2)"))
    info = MetadataService().read(file).info
    assert info.mode == MODES[kind]
    assert info.prompt == "a green pear, 雪 é\n(soft:1.2)"
    assert info.negative_prompt == "blurry"
    assert (int(info.seed), int(info.steps), float(info.cfg_scale)) == (5, 20, 7.5)
    assert info.sampler == "DPM++ 2M"
    assert (int(info.width), int(info.height)) == (64, 48)
    assert (info.model.name, info.model.hash) == ("starter", "0123abcdef")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", list(GenerationKind))
def test_sd_prompt_reader_reads_everything(
    tmp_path: Path, suffix: str, kind: GenerationKind
) -> None:
    reader = ImageDataReader(str(save(tmp_path, suffix, a_result(kind))))
    assert reader.positive == "a green pear"
    assert reader.negative == "blurry"
    settings = dict(pair.split(": ", 1) for pair in reader.setting.split(", "))
    expected = {"Steps": "20", "Sampler": "DPM++ 2M", "CFG scale": "7.5", "Seed": "5"}
    expected |= {"Size": "64x48", "Model": "starter", "Model hash": "0123abcdef"}
    assert expected.items() <= settings.items()
    assert ("Denoising strength" in settings) == (kind is not GenerationKind.TEXT_TO_IMAGE)
    assert ("Mask blur" in settings) == (kind is GenerationKind.INPAINTING)


@pytest.mark.parametrize(
    "prompt",
    [
        "cat\nNegative prompt: dog\nbird",
        "Negative prompt: x",
        "cat\nSteps: 5, Sampler: no, a: b, c: d",
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_prompt_that_looks_like_the_grammar_harms_nobody(
    tmp_path: Path, prompt: str, suffix: str
) -> None:
    file = save(tmp_path, suffix, a_result(prompt=prompt))
    record = metadata.read_record(file)
    assert record is not None
    assert record["request"]["prompt"] == prompt
    info = MetadataService().read(file).info
    assert info.negative_prompt == ImageDataReader(str(file)).negative == "blurry"
    assert (int(info.steps), int(info.seed)) == (20, 5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_picture_is_marked_as_made_by_a_model(tmp_path: Path, suffix: str) -> None:
    with Image.open(save(tmp_path, suffix, a_result())) as picture:
        packet = picture.info.get("xmp") or picture.info["XML:com.adobe.xmp"].encode()
    description = next(
        element for element in ET.fromstring(packet).iter() if element.tag.endswith("Description")
    )
    source = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"
    assert description.attrib[source].endswith("/trainedAlgorithmicMedia")


def test_parameters_is_the_first_text_of_a_png(tmp_path: Path) -> None:
    content = save(tmp_path, ".png", a_result()).read_bytes()
    assert content[37:41] == b"tEXt"
    assert content[41:52] == b"parameters\0"


# ---------------------------------------------------------------- by us


ODD = [
    "",
    "  outer blanks ",
    "a\r\nb\rc",
    "nul \0",
    "\ud800",
    "x" * 9_000,
    '{"json": [1]}',
    "\U0001f34e",
]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("prompt", ODD)
def test_our_record_loses_nothing(tmp_path: Path, suffix: str, prompt: str) -> None:
    result = a_result(GenerationKind.INPAINTING, prompt=prompt, checkpoint='my, "model": v1')
    file = save(tmp_path, suffix, result)
    assert metadata.read_record(file) == metadata.record(result, "1a2b3c4d5e6f", WHEN)
    record = metadata.read_record(file)
    assert record is not None
    back = GenerationRequest.from_dict(record["request"])
    assert back.prompt == prompt
    assert back.checkpoint == 'my, "model": v1'
    assert (record["schema"], record["software"]) == (1, "Sfumato 0.1.0")


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_hundred_thousand_characters_are_kept(tmp_path: Path, suffix: str) -> None:
    file = save(tmp_path, suffix, a_result(prompt="é" * 100_000))
    record = metadata.read_record(file)
    assert record is not None
    assert record["request"]["prompt"] == "é" * 100_000
    assert (metadata.read_infotext(file) or "").startswith("é" * 100_000)


def test_a_jpeg_is_written_even_when_its_prompt_does_not_fit(tmp_path: Path) -> None:
    file = save(tmp_path, ".jpg", a_result(prompt="é" * 100_000))
    assert metadata.read_record(file) is None
    with Image.open(file) as picture:
        assert b"trainedAlgorithmicMedia" in picture.info["xmp"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", list(GenerationKind))
def test_infotext_is_parsed_back(tmp_path: Path, suffix: str, kind: GenerationKind) -> None:
    result = a_result(kind, checkpoint="a, b: c", prompt="two\r\nlines", negative_prompt="")
    text = metadata.read_infotext(save(tmp_path, suffix, result))
    assert text == metadata.infotext(result.request, result.facts)
    fields = metadata.parse_infotext(text or "")
    assert fields["prompt"] == "two\nlines"
    assert fields["negative_prompt"] == ""
    assert (fields["Model"], fields["Seed"], fields["Steps"]) == ("a, b: c", "5", "20")
    assert fields["Version"] == "Sfumato 0.1.0"
    assert ("Denoising strength" in fields) == (kind is not GenerationKind.TEXT_TO_IMAGE)


def test_the_infotext_of_others_is_parsed() -> None:
    text = (
        "masterpiece, <lora:x:0.8>\nsecond line\nNegative prompt: bad\nworse\n"
        "Steps: 25, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768, "
        'Lora hashes: "x: 1234abcd", Version: v1.9.4'
    )
    fields = metadata.parse_infotext(text)
    assert fields["prompt"] == "masterpiece, <lora:x:0.8>\nsecond line"
    assert fields["negative_prompt"] == "bad\nworse"
    assert (fields["Sampler"], fields["Lora hashes"]) == ("Euler a", "x: 1234abcd")
    assert metadata.parse_infotext("only words") == {"prompt": "only words", "negative_prompt": ""}


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [
        ("Euler", ("Euler", "Automatic")),
        ("Euler a", ("Euler a", "Automatic")),
        ("DPM++ 2M Karras", ("DPM++ 2M", "Karras")),
        ("UniPC", ("UniPC", "Automatic")),
        ("DPM++ 2M", ("DPM++ 2M", "Uniform")),  # "Automatic" would mean Karras
        ("DPM++ 2M SDE Exponential", ("DPM++ 2M SDE", "Exponential")),
        ("DPM2 a Karras", ("DPM2 a", "Karras")),
        ("Euler SGM Uniform", ("Euler", "SGM Uniform")),
        ("PNDM", ("PLMS", "Automatic")),
    ],
)
def test_samplers_are_written_in_two_words(scheduler: str, words: tuple[str, str]) -> None:
    fields = metadata.parse_infotext(metadata.infotext(a_result(scheduler=scheduler).request, {}))
    assert (fields["Sampler"], fields["Schedule type"]) == words


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_is_read_back_from_its_words(scheduler: str) -> None:
    fields = metadata.parse_infotext(metadata.infotext(a_result(scheduler=scheduler).request, {}))
    assert metadata.scheduler_named(fields["Sampler"], fields["Schedule type"]) == scheduler


def test_words_of_others_are_read_as_they_mean_them() -> None:
    assert metadata.scheduler_named("DPM++ 2M", "Automatic") == "DPM++ 2M Karras"
    assert metadata.scheduler_named("DPM++ 3M SDE", "Automatic") == "DPM++ 3M SDE Exponential"
    assert metadata.scheduler_named("Euler a", "Automatic") == "Euler a"
    assert metadata.scheduler_named("DPM++ 2M Karras") == "DPM++ 2M Karras"  # before version 1.9
    assert metadata.scheduler_named("Restart", "Karras") == "Restart Karras"


def test_the_infotext_of_another_program_becomes_a_request(tmp_path: Path) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text(
        "parameters",
        "a red cat\nNegative prompt: bad\nSteps: 25, Sampler: DPM++ 2M, Schedule type: Karras, "
        'CFG scale: 6.5, Seed: 42, Size: 512x768, Model: "a, b", Denoising strength: x, '
        'Template: "a {red|blue} cat", Version: v1.10',
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "theirs.png", pnginfo=chunks)
    found = metadata.foreign_record(tmp_path / "theirs.png")
    assert found is not None
    assert found["request"] == {
        "prompt": "a red cat",
        "negative_prompt": "bad",
        "written_prompt": "a {red|blue} cat",
        "written_negative_prompt": "",
        "checkpoint": "a, b",
        "scheduler": "DPM++ 2M Karras",
        "num_inference_steps": 25,
        "guidance_scale": 6.5,
        "seed": 42,
        "size": [512, 768],
    }
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    assert metadata.foreign_record(tmp_path / "plain.png") is None


def test_what_was_written_before_the_draw_is_told_to_others() -> None:
    request = a_result(
        prompt="a red cat", written_prompt="a {red|blue} cat", written_negative_prompt="{a|b}"
    ).request
    fields = metadata.parse_infotext(metadata.infotext(request, {}))
    assert (fields["prompt"], fields["Template"]) == ("a red cat", "a {red|blue} cat")
    assert fields["Negative Template"] == "{a|b}"


def test_only_what_a_json_can_hold_goes_into_the_record() -> None:
    result = replace(a_result(), facts={"size": Size(1, 2), "folder": Path("x"), "n": 1.5})
    record = metadata.record(result, "id", WHEN)
    assert json.loads(json.dumps(record)) == record


# ---------------------------------------------------------------- files that mean harm


def _png_with(tmp_path: Path, key: str, text: str) -> Path:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt(key, text)
    Image.fromarray(noise(0, 8, 8, 3)).save(tmp_path / "a.png", pnginfo=chunks)
    return tmp_path / "a.png"


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{", "7", '{"request": 7}', "[" * 200_000, '{"request"' * 9]
)
def test_a_damaged_record_is_no_record(tmp_path: Path, text: str) -> None:
    assert metadata.read_record(_png_with(tmp_path, "sfumato", text)) is None


@pytest.mark.parametrize(
    "packet",
    [
        f"<x {metadata.NAMESPACE}",
        f'<!DOCTYPE x [<!ENTITY a "b">]><x xmlns:s="{metadata.NAMESPACE}" s:record="&a;"/>',
        f'<x xmlns:s="{metadata.NAMESPACE}" s:record="no json"/>',
    ],
)
def test_a_hostile_xmp_packet_is_no_record(tmp_path: Path, packet: str) -> None:
    assert metadata.read_record(_png_with(tmp_path, "XML:com.adobe.xmp", packet)) is None


def test_files_without_metadata_have_none(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.jpg")
    (tmp_path / "text.png").write_text("no picture")
    for name in ("plain.jpg", "text.png", "missing.png"):
        assert metadata.read_record(tmp_path / name) is None
        assert metadata.read_infotext(tmp_path / name) is None


def test_text_behind_the_pixels_is_found(tmp_path: Path) -> None:
    content = _png_with(tmp_path, "x", "y").read_bytes()
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "late\nNegative prompt: \nSteps: 1, Sampler: Euler, Seed: 1")
    Image.new("RGB", (1, 1)).save(tmp_path / "b.png", pnginfo=text)
    other = (tmp_path / "b.png").read_bytes()
    chunk = other[33 : other.index(b"IDAT") - 4]
    (tmp_path / "c.png").write_bytes(content[:-12] + chunk + content[-12:])
    assert (metadata.read_infotext(tmp_path / "c.png") or "").startswith("late")


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == metadata.VERSION


# ---------------------------------------------------------------- repainting, and two passes


def test_how_a_mask_is_repainted_is_said_in_the_words_of_a1111() -> None:
    usual = a_result(GenerationKind.INPAINTING).request
    assert "Inpaint area: Whole picture, Masked content: original" in metadata.infotext(usual, {})
    close = replace(
        usual,
        inpaint_area=InpaintArea.ONLY_MASKED,
        area_padding=24,
        masked_content=MaskedContent.NOISE,
    )
    words = "Inpaint area: Only masked, Masked area padding: 24, Masked content: latent noise"
    assert words in metadata.infotext(close, {})


def test_two_passes_are_said_in_the_words_of_a1111(tmp_path: Path) -> None:
    result = a_result(first_pass_size=Size(32, 24), hires_strength=0.4, num_inference_steps=10)
    fields = metadata.parse_infotext(metadata.infotext(result.request, {}))
    assert {name: fields[name] for name in fields if "ires" in name} == {
        "Hires upscale": "2",
        "Hires resize": "64x48",
        "Hires steps": "4",
        "Hires upscaler": "Lanczos",
    }
    assert (fields["Size"], fields["Denoising strength"]) == ("32x24", "0.4")
    info = MetadataService().read(save(tmp_path, ".png", result)).info
    assert info is not None
