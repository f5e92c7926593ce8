"""Add-on files: found where other programs keep them, told apart by headers, refused in words."""

from __future__ import annotations

import json
import pickle
import random
import shutil
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.abilities import AddonKind
from core.addon import Addon
from core.addons import AddonShelf, describe_addon
from core.checkpoints import describe
from core.errors import BrokenAddon
from core.prompts import split_addon_tags
from tests.helpers.addons import comfy_folder, dressed
from tests.helpers.generations import a_request, new_cache

Zoo = Callable[[str], Path]
LORA, EMBEDDING, CONTROLNET, VAE, IP_ADAPTER = AddonKind


def a_file(file: Path, **tensors: Any) -> Path:
    """A safetensors file; two underscores in a name are a dot."""
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name.replace("__", "."): tensor for name, tensor in tensors.items()}, file)
    return file


def a_lora(file: Path, width: int = 768) -> Path:
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    return a_file(
        file,
        **{f"{name}__lora_down__weight": torch.ones(4, width)},
        **{f"{name}__lora_up__weight": torch.ones(8, 4)},
    )


# ------------------------------------------------------------------------------ told apart


@pytest.mark.parametrize(("width", "family"), [(768, "sd1"), (1024, "sd2"), (2048, "sdxl")])
def test_a_loras_family_is_the_width_of_the_text_it_reads(
    tmp_path: Path, width: int, family: str
) -> None:
    found = describe_addon(a_lora(tmp_path / "mine.safetensors", width))
    assert (found.kind, found.name, found.dialect) == (LORA, "mine", "kohya")
    assert (found.text_width, found.family) == (width, family)


@pytest.mark.parametrize(
    ("entry", "name", "kind", "dialect"),
    [
        ("lora-sd15", "tiny_kohya.safetensors", LORA, "kohya"),
        ("lora-sd15", "tiny_unet.safetensors", LORA, "diffusers"),
        ("lora-sd15", "tiny_unet_te.safetensors", LORA, "diffusers"),
        ("textual-inversion", "learned_embeds.safetensors", EMBEDDING, ""),
        ("textual-inversion", "tiny_sdxl.safetensors", EMBEDDING, ""),
        ("controlnet-canny-sd15", "", CONTROLNET, ""),
        ("taesd", "", VAE, ""),
        ("sd15", "vae", VAE, ""),
    ],
)
def test_the_zoo_is_told_apart(zoo: Zoo, entry: str, name: str, kind: Any, dialect: str) -> None:
    found = describe_addon(zoo(entry) / name)
    assert (found.kind, found.dialect) == (kind, dialect)


@pytest.mark.parametrize("name", ["single_transformer_blocks.0.attn", "transformer_blocks.0.attn"])
def test_a_lora_for_a_transformer_fits_no_unet(zoo: Zoo, tmp_path: Path, name: str) -> None:
    file = tmp_path / "flux.safetensors"
    save_file({f"transformer.{name}.to_k.lora_A.weight": torch.ones(4, 64)}, file)
    assert not describe_addon(file).fits(describe(zoo("sd15")).abilities)


def test_what_fits_which_model(zoo: Zoo, tmp_path: Path) -> None:
    files = AddonShelf([comfy_folder(zoo, tmp_path)]).files()
    fitting = {
        model: {file.name for file in files if file.fits(describe(zoo(model)).abilities)}
        for model in ("sd15", "sd21", "sdxl-base", "sd3", "flux-dev")
    }
    loras = {"tiny_kohya", "tiny_unet", "tiny_unet_te"}
    assert fitting["sd15"] == {*loras, "learned_embeds", "tiny_badhands", "canny", "taesd"}
    assert fitting["sd21"] == {"taesd"}
    assert fitting["sdxl-base"] == {"tiny_sdxl", "taesd"}
    assert fitting["sd3"] == fitting["flux-dev"] == set()


# ------------------------------------------------------------------------------ found


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("", "loras/a.safetensors"),
        ("", "loras/style/deep/a.safetensors"),
        ("", "Lora/a.safetensors"),
        ("", "models/Lora/a.safetensors"),
        ("", "a.safetensors"),
        ("loras", "loras/a.safetensors"),
        ("models/Stable-diffusion", "models/Lora/a.safetensors"),
        ("models/checkpoints", "models/loras/a.safetensors"),
    ],
)
def test_where_other_programs_keep_loras(tmp_path: Path, asked: str, place: str) -> None:
    a_lora(tmp_path / place)
    (tmp_path / asked).mkdir(parents=True, exist_ok=True)
    (found,) = AddonShelf([tmp_path / asked]).files()
    assert (found.kind, found.name, found.path) == (LORA, "a", tmp_path / place)


def test_a1111_keeps_embeddings_above_its_models(tmp_path: Path) -> None:
    (tmp_path / "models" / "Stable-diffusion").mkdir(parents=True)
    a_file(tmp_path / "embeddings" / "easy.safetensors", emb_params=torch.ones(2, 768))
    (found,) = AddonShelf([tmp_path / "models" / "Stable-diffusion"]).files()
    assert (found.kind, found.name, found.text_width) == (EMBEDDING, "easy", 768)


def test_two_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    a_lora(tmp_path / "loras" / "a.safetensors")
    a_lora(tmp_path / "loras" / "style" / "a.safetensors", 1024)
    assert [(f.name, f.family) for f in AddonShelf([tmp_path]).files()] == [
        ("a", "sd1"),
        ("style/a", "sd2"),
    ]
    assert AddonShelf([tmp_path]).find(LORA, "STYLE/A").family == "sd2"


def test_a_models_own_vae_is_no_addon(zoo: Zoo) -> None:
    assert AddonShelf([zoo("sd15")]).files() == []


def test_a_folder_that_is_gone_holds_nothing(tmp_path: Path) -> None:
    assert AddonShelf([tmp_path / "gone"]).files() == []


# ------------------------------------------------------------------------------ refused in words


def _truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def _cut_in_the_header(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:40])


def _garbage(file: Path) -> None:
    file.write_bytes(random.Random(1).randbytes(5000))


def _pointer(file: Path) -> None:
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")


def _nothing(file: Path) -> None:
    file.write_bytes(b"")


def _pickled(file: Path) -> None:
    file.write_bytes(pickle.dumps({"x": 1}))


def _empty_header(file: Path) -> None:
    file.write_bytes(struct.pack("<Q", 2) + b"{}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_truncated, "is cut short, as by a broken download"),
        (_cut_in_the_header, "is cut short"),
        (_garbage, "is cut short, as by a broken download, or no safetensors file"),
        (_pointer, "is only a Git LFS pointer"),
        (_nothing, "is cut short"),
        (_pickled, "is a pickle under another name"),
        (_empty_header, "holds no weights"),
    ],
)
def test_a_damaged_file_is_refused_with_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None], words: str
) -> None:
    file = a_lora(tmp_path / "loras" / "a.safetensors")
    damage(file)
    with pytest.raises(BrokenAddon, match=words):
        AddonShelf([tmp_path]).find(LORA, "a")
    assert AddonShelf([tmp_path]).files() == []


@pytest.mark.parametrize("suffix", [".pt", ".ckpt", ".bin", ".pth"])
def test_pickles_are_refused_unopened(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / f"a{suffix}").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(BrokenAddon, match="could run a stranger's program"):
        AddonShelf([tmp_path]).find(LORA, "a")
    assert AddonShelf([tmp_path]).files() == []


def test_a_lycoris_is_named(tmp_path: Path) -> None:
    file = a_file(tmp_path / "a.safetensors", lora_unet_x__hada_w1_a=torch.ones(4, 4))
    with pytest.raises(BrokenAddon, match="is a LyCORIS file"):
        describe_addon(file)


def test_a_file_in_the_wrong_folder_is_named(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "loras").mkdir()
    shutil.copy(zoo("textual-inversion") / "learned_embeds.safetensors", tmp_path / "loras")
    with pytest.raises(BrokenAddon, match="is not a LoRA"):
        AddonShelf([tmp_path]).find(LORA, "learned_embeds")


def mutated(content: bytes, numbers: random.Random) -> bytes:
    """The file with one thing about its header changed: a shape, an offset, a name, a byte."""
    length = struct.unpack("<Q", content[:8])[0]
    header, rest = json.loads(content[8 : 8 + length]), content[8 + length :]
    name = numbers.choice([key for key in header if key != "__metadata__"])
    way = numbers.randrange(6)
    if way == 0:
        header[name]["shape"] = [numbers.choice([-1, 0, 3, 2**40]), 4]
    elif way == 1:
        header[name]["data_offsets"] = [0, numbers.choice([-5, 0, 1, 2**50])]
    elif way == 2:
        header[name]["dtype"] = numbers.choice(["F16", "I64", "F8_E4M3", "X", 3])
    elif way == 3:
        header[numbers.choice(["", "a.b", "lora_unet_x.lora_down.weight"])] = header.pop(name)
    elif way == 4:
        header[name]["shape"] = header[name]["shape"][::-1]
    text = json.dumps(header).encode()
    if way == 5:
        place = numbers.randrange(len(text))
        text = text[:place] + bytes([numbers.randrange(256)]) + text[place + 1 :]
    return struct.pack("<Q", len(text)) + text + rest


@pytest.mark.slow
def test_a_hundred_mutated_headers_leave_no_trace(zoo: Zoo, tmp_path: Path) -> None:
    """Each is refused with a sentence or drawn with; the next picture is as if none had been."""
    content = (zoo("lora-sd15") / "tiny_kohya.safetensors").read_bytes()
    numbers, cache = random.Random(7), new_cache()
    plain = a_request(num_inference_steps=1)
    before = dressed(plain, zoo("sd15"), cache, AddonShelf()).image
    shelf, drawn = AddonShelf([tmp_path]), 0
    for index in range(100):
        file = tmp_path / f"{index}.safetensors"
        file.write_bytes(mutated(content, numbers))
        wearing = a_request(num_inference_steps=1, addons=(Addon(LORA, str(index)),))
        with suppress(BrokenAddon):
            dressed(wearing, zoo("sd15"), cache, shelf)
            drawn += 1
        file.unlink()
    assert drawn < 50
    assert np.array_equal(dressed(plain, zoo("sd15"), cache, AddonShelf()).image, before)


# ------------------------------------------------------------------------------ tags


@pytest.mark.parametrize(
    ("prompt", "left", "tags"),
    [
        ("a cat", "a cat", ()),
        ("a cat <lora:ink:0.8>", "a cat", (("ink", 0.8),)),
        ("<lora:ink>a cat<lora:wash:-1>", "a cat", (("ink", 1.0), ("wash", -1.0))),
        ("a <LORA:My File v2:.5:0.3> cat", "a  cat", (("My File v2", 0.5),)),
        ("a cat <lora:style/ink:te=0.7>", "a cat", (("style/ink", 0.7),)),
        ("a <lora:ink:much> cat", "a  cat", (("ink", 1.0),)),
        ("a <lora:ink:nan>", "a", (("ink", 1.0),)),
        ("a <lora:> <lora <hypernet:x:1> cat", "a <lora:> <lora <hypernet:x:1> cat", ()),
    ],
)
def test_tags_are_read_as_a1111_reads_them(prompt: str, left: str, tags: Any) -> None:
    assert split_addon_tags(prompt) == (left, tags)
