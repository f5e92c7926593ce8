"""Broken model folders of every sort: each is refused with one sentence, and nothing else."""

from __future__ import annotations

import copy
import json
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.checkpoints import describe, find_checkpoints
from core.errors import BrokenCheckpoint
from tests.helpers.model_folders import (
    INDEX,
    UNET,
    UNET_WEIGHTS,
    put,
    safetensors,
    to_shards,
    write_model,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "models" / "sd15")


Break = Callable[[Path], object]


def _index(**changes: Any) -> Break:
    return lambda model: put(model / "model_index.json", INDEX | changes)


def _unet(**changes: Any) -> Break:
    return lambda model: put(model / "unet" / "config.json", UNET | changes)


def _put(name: str, content: Any) -> Break:
    return lambda model: put(model / name, content)


def _delete(name: str) -> Break:
    return lambda model: (
        shutil.rmtree(model / name) if (model / name).is_dir() else (model / name).unlink()
    )


def _link_to_nothing(name: str) -> Break:
    def link(model: Path) -> None:
        (model / name).unlink()
        (model / name).symlink_to(model / "blobs" / "gone")

    return link


def _only_pickle(model: Path) -> None:
    (model / UNET_WEIGHTS).rename(model / "unet" / "diffusion_pytorch_model.bin")


def _shard_index(weight_map: Any) -> Break:
    def change(model: Path) -> None:
        to_shards(model)
        index = model / "unet" / "diffusion_pytorch_model.safetensors.index.json"
        put(index, {"weight_map": weight_map})

    return change


def _header(text: str, tail: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode() + tail


BROKEN: dict[str, tuple[Break, str]] = {
    "no folder": (shutil.rmtree, "does not exist"),
    "no index": (_delete("model_index.json"), r"has no model_index\.json"),
    "index not json": (_put("model_index.json", "{"), r"model_index\.json is damaged: it is not"),
    "index a list": (_put("model_index.json", []), "holds no JSON object"),
    "index not text": (_put("model_index.json", b"\xff\xfe{}"), "is not JSON"),
    "index too deep": (_put("model_index.json", "[" * 200_000), "is not JSON"),
    "class unknown": (_index(_class_name="StableDoodlePipeline"), "“StableDoodlePipeline”"),
    "class missing": (_index(_class_name=None), "“None”"),
    "own pipeline": (_index(_class_name=["my_pipeline", "Mine"]), "program code of its own"),
    "own unet": (_index(unet=["my_unet", "MyUNet"]), "program code of its own for “unet”"),
    "path as part": (_index(**{"../x": ["diffusers", "X"]}), "program code of its own"),
    "part not a class": (_index(unet=["diffusers", 3]), "“unet” names no class"),
    "part too long": (_index(unet=["diffusers", "A", "B"]), "“unet” names no class"),
    "unet class unknown": (
        _index(unet=["diffusers", "UNet9000"]),
        r"“UNet9000”.*knows: UNet2DConditionModel\.$",
    ),
    "scheduler unknown": (_index(scheduler=["diffusers", "MyScheduler"]), "“MyScheduler”"),
    "checker unknown": (_index(safety_checker=["diffusers", "Other"]), "“Other”"),
    "vae null": (_index(vae=[None, None]), "vae"),
    "unet null": (_index(unet=[None, None]), "has no “unet”"),
    "no unet folder": (_delete("unet"), "unet is missing"),
    "no unet config": (_delete("unet/config.json"), r"unet/config\.json is missing"),
    "unet config broken": (_put("unet/config.json", "null"), "holds no JSON object"),
    "5 channels": (_unet(in_channels=5), "5 input channels"),
    "channels a list": (_unet(in_channels=[4]), "input channels"),
    "channels a truth": (_unet(in_channels=True), "input channels"),
    "sample size text": (_unet(sample_size="64"), "sample_size is '64'"),
    "sample size 0": (_unet(sample_size=0), "sample_size is 0"),
    "sample size huge": (_unet(sample_size=10**9), "sample_size"),
    "vae levels": (_put("vae/config.json", {"block_out_channels": 4}), "block_out_channels is 4"),
    "vae no levels": (_put("vae/config.json", {}), "block_out_channels is None"),
    "no positions": (
        _put("text_encoder/config.json", {"max_position_embeddings": 2}),
        "max_position_embeddings is 2",
    ),
    "no scheduler config": (_delete("scheduler/scheduler_config.json"), "is missing"),
    "no vocabulary": (_delete("tokenizer/vocab.json"), r"vocab\.json is missing"),
    "no merges": (_delete("tokenizer/merges.txt"), r"merges\.txt is missing"),
    "vocabulary broken": (_put("tokenizer/vocab.json", "{"), r"vocab\.json is damaged"),
    "no weights": (_delete(UNET_WEIGHTS), "holds no weights"),
    "pickle only": (_only_pickle, "as pickle only"),
    "weights empty": (_put(UNET_WEIGHTS, b""), "is cut short"),
    "weights cut in the length": (_put(UNET_WEIGHTS, safetensors()[:7]), "is cut short"),
    "weights cut in the header": (_put(UNET_WEIGHTS, safetensors()[:20]), "is cut short"),
    "weights cut in the data": (_put(UNET_WEIGHTS, safetensors()[:-1]), "is cut short"),
    "weights with a tail": (_put(UNET_WEIGHTS, safetensors() + b"x"), "longer than it says"),
    "weights of text": (_put(UNET_WEIGHTS, "<html>not found</html>"), "no safetensors file"),
    "weights a pointer": (
        _put(UNET_WEIGHTS, "version https://git-lfs.github.com/spec/v1\noid sha256:00\n"),
        "Git LFS pointer",
    ),
    "weights without tensors": (_put(UNET_WEIGHTS, _header("{}")), "holds no weights"),
    "header a list": (_put(UNET_WEIGHTS, _header("[1, 2]")), "header is unreadable"),
    "header not json": (_put(UNET_WEIGHTS, _header("{{")), "header is unreadable"),
    "header too deep": (_put(UNET_WEIGHTS, _header("[" * 200_000)), "header is unreadable"),
    "offsets infinite": (
        _put(UNET_WEIGHTS, _header('{"a": {"data_offsets": [0, Infinity]}}')),
        "header is unreadable",
    ),
    "weights a dead link": (_link_to_nothing(UNET_WEIGHTS), "is missing"),
    "shards a list": (_shard_index(["a"]), "names no weights"),
    "shards none": (_shard_index({}), "names no weights"),
    "shard outside": (_shard_index({"a": "../../secret.safetensors"}), "names no file beside it"),
    "shard with a zero": (_shard_index({"a": "a\0.safetensors"}), "names no file beside it"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_refused_with_a_sentence(
    model: Path, case: str, expected_log: Callable[[str], None]
) -> None:
    break_it, words = BROKEN[case]
    break_it(model)
    with pytest.raises(BrokenCheckpoint, match=words) as caught:
        describe(model)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert str(model) in sentence
    assert "\n" not in sentence
    if (model / "model_index.json").exists():
        expected_log("is left out")
        assert find_checkpoints([model.parent]) == []


def _files(model: Path) -> Iterator[Path]:
    yield from sorted(file for file in model.rglob("*") if file.is_file())


def _described(model: Path) -> str:
    """The family, or "refused"; any other exception is a failure of the test."""
    try:
        return describe(model).abilities.family
    except BrokenCheckpoint:
        return "refused"


def test_no_damage_to_any_file_escapes_as_another_error(model: Path) -> None:
    rng = random.Random(0)
    for file in list(_files(model)):
        whole = file.read_bytes()
        for _ in range(40):
            file.write_bytes(_damaged(whole, rng))
            _described(model)
        file.unlink()
        file.mkdir()  # a folder where a file should be
        _described(model)
        file.rmdir()
        _described(model)
        file.write_bytes(whole)
        assert _described(model) == "sd1"


def _damaged(whole: bytes, rng: random.Random) -> bytes:
    content = bytearray(whole)
    for _ in range(rng.choice([1, 1, 3, 20])):
        if content:
            content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content[: rng.choice([len(content), rng.randrange(len(content) + 1)])])


ODD_VALUES: list[Any] = [
    *(None, True, -1, 0, 1e300, 10**40),
    *("", "x", "\0", [], [None], [[]], {}, {"a": []}),
]


def test_no_odd_value_in_any_json_escapes_as_another_error(model: Path) -> None:
    for file in list(_files(model)):
        if file.suffix != ".json":
            continue
        whole = json.loads(file.read_text())
        for key in whole:
            for value in ODD_VALUES:
                put(file, copy.deepcopy(whole) | {key: value})
                _described(model)
        put(file, whole)
    assert _described(model) == "sd1"
