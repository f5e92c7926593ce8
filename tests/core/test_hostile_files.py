"""Five hundred damaged files and some hostile folders: a sentence each, and nothing is left."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from core.checkpoints import describe
from core.checkpoints.weighing import weigh
from core.engine import Failed, Finished
from core.errors import BrokenCheckpoint, GenerationCancelled
from tests.helpers.engines import an_engine
from tests.helpers.generations import a_request, make, new_cache
from tests.helpers.mutants import HEADER_MUTATIONS, mutant

Zoo = Callable[[str], Path]
SEEDS = 20  # times 13 kinds times 2 places: 520 files
UNET = "unet/diffusion_pytorch_model.safetensors"
# What changes no meaning is no fault: a letter in the metadata, a space less.
MAY_PASS = {"bits"}


def link(source: str, target: str) -> None:
    Path(target).symlink_to(source)


@pytest.fixture
def folder(zoo: Zoo, tmp_path: Path) -> Path:
    """A model folder of links, so that a file in it is replaced and not written."""
    return Path(shutil.copytree(zoo("sd15"), tmp_path / "sd15", copy_function=link))


@pytest.fixture
def single(zoo: Zoo, tmp_path: Path) -> Path:
    """A single file with its configurations."""
    zoo("sd15")
    shutil.copytree(zoo("sd15-file") / "sd15.config", tmp_path / "file" / "one.config")
    return Path(
        shutil.copy(zoo("sd15-file") / "sd15.safetensors", tmp_path / "file/one.safetensors")
    )


def _is_refused(model: Path, about: Path) -> bool:
    """Whether it is refused, with one sentence about the file; else that it can be weighed."""
    try:
        weigh(describe(model))
    except BrokenCheckpoint as error:
        sentence = str(error)
        assert sentence.endswith(".")
        assert str(about) in sentence
        assert "\n" not in sentence
        return True
    return False


@pytest.mark.parametrize("kind", HEADER_MUTATIONS)
def test_every_damaged_file_is_refused_with_one_sentence(
    folder: Path, single: Path, kind: str
) -> None:
    for seed in range(SEEDS):
        for model, file in ((folder, folder / UNET), (single, single)):
            sound = file.read_bytes()
            target = file.resolve() if file.is_symlink() else None
            file.unlink()
            file.write_bytes(mutant(sound, kind, seed))
            refused = _is_refused(model, file)
            assert refused or kind in MAY_PASS, f"{kind} {seed} of {file.name} was taken"
            file.unlink()
            if target is not None:
                file.symlink_to(target)
            else:
                file.write_bytes(sound)


def test_truncated_and_missing_shards_are_refused(zoo: Zoo, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(zoo("sd15"), tmp_path / "sd15", copy_function=link))
    tensors = load_file(folder / UNET)
    (folder / UNET).unlink()
    names = [f"diffusion_pytorch_model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    half = len(tensors) // 2
    halves = [dict(list(tensors.items())[:half]), dict(list(tensors.items())[half:])]
    for name, part in zip(names, halves, strict=True):
        save_file(part, folder / "unet" / name, metadata={"format": "pt"})
    weight_map = {key: name for name, part in zip(names, halves, strict=True) for key in part}
    index = folder / "unet/diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    assert describe(folder)
    shard = folder / "unet" / names[1]
    whole = shard.read_bytes()
    for size in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        shard.unlink()
        shard.write_bytes(whole[:size])
        assert _is_refused(folder, shard)
    shard.unlink()
    assert _is_refused(folder, shard)


# --------------------------------------------------------------------- sound headers, bad weights


def _replaced(single: Path, name: str, change: Callable[[dict[str, Any]], object]) -> Path:
    """A sound file beside it with other tensors."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(single)
    change(tensors)
    save_file(tensors, single.with_name(f"{name}.safetensors"))
    shutil.copytree(single.with_suffix(".config"), single.with_name(f"{name}.config"))
    return single.with_name(f"{name}.safetensors")


UNET_OUT, VAE_OUT = "model.diffusion_model.out.2.weight", "first_stage_model.decoder.conv_out.bias"
TEXT = "cond_stage_model.transformer.text_model.final_layer_norm.weight"
BAD_WEIGHTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no first layer": (lambda t: t.pop(UNET_OUT), r"“no first layer” lacks .*weights"),
    "no text layer": (lambda t: t.pop(TEXT), r"“no text layer” lacks .*weights"),
    "half a layer": (lambda t: t.update({UNET_OUT: t[UNET_OUT][:2]}), "cannot be loaded"),
    "flat layer": (lambda t: t.update({UNET_OUT: t[UNET_OUT].flatten()}), "cannot be loaded"),
    "nan unet": (lambda t: t[UNET_OUT].fill_(float("nan")), "numbers that are none"),
    "nan text": (lambda t: t[TEXT].fill_(float("nan")), "numbers that are none"),
    "nan vae": (lambda t: t[VAE_OUT].fill_(float("nan")), "VAE of .* numbers that are none"),
    "infinite": (lambda t: t[UNET_OUT].fill_(float("inf")), "numbers that are none"),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:(invalid value|overflow) encountered:RuntimeWarning")
def test_the_engine_outlives_what_no_header_shows(qapp: QCoreApplication, single: Path) -> None:
    """Every bad model ends in a sentence; the good one then draws the same picture as ever."""
    for name, (change, _) in BAD_WEIGHTS.items():
        _replaced(single, name, change)
    sound = a_request(checkpoint="one")
    expected = make(sound, describe(single)).image
    with an_engine([single.parent]) as engine:
        for name, (_, words) in BAD_WEIGHTS.items():
            failed = engine.make(a_request(checkpoint=name))
            assert isinstance(failed, Failed), name
            assert failed.known, failed
            assert re.search(words, failed.message), failed
            assert failed.message.endswith(".")
        finished = engine.make(a_request(checkpoint="one"))
        assert isinstance(finished, Finished)
        assert np.array_equal(finished.result.image, expected)


# --------------------------------------------------------------------------- hostile folders

EVIL = "import pathlib\npathlib.Path({canary!r}).write_text('ran')\n"


def _index(folder: Path, **changes: Any) -> None:
    file = folder / "model_index.json"
    content = json.loads(file.read_text())
    file.unlink()
    file.write_text(json.dumps(content | changes))


def _config(folder: Path, part: str, **changes: Any) -> None:
    file = folder / part / "config.json"
    content = json.loads(file.read_text())
    file.unlink()
    file.write_text(json.dumps(content | changes))


def _own_code(folder: Path, evil: str) -> None:
    (folder / "pipeline.py").write_text(evil)
    _index(folder, _class_name=["pipeline", "Evil"])


def _own_part(folder: Path, evil: str) -> None:
    (folder / "unet" / "evil.py").write_text(evil)
    _index(folder, unet=["evil", "Net"])


def _builtin(folder: Path, evil: str) -> None:
    _index(folder, unet=["os", "system"])


def _part_elsewhere(folder: Path, evil: str) -> None:
    _index(folder, unet=["transformers", "AutoModel"])


def _pickle(folder: Path, evil: str) -> None:
    (folder / UNET).unlink()
    (folder / "unet/diffusion_pytorch_model.bin").write_bytes(b"\x80\x02cos\nsystem\n.")
    (folder / "unet/diffusion_pytorch_model.fp16.safetensors").unlink()


def _loop(folder: Path, evil: str) -> None:
    (folder / UNET).unlink()
    (folder / UNET).symlink_to(folder / UNET)


def _folder_loop(folder: Path, evil: str) -> None:
    shutil.rmtree(folder / "vae")
    (folder / "vae").symlink_to(folder / "vae")


REFUSED_FOLDERS = [_own_code, _own_part, _builtin, _part_elsewhere, _pickle, _loop, _folder_loop]


def _custom_pipeline(folder: Path, evil: str) -> None:
    (folder / "pipeline.py").write_text(evil)
    _index(folder, custom_pipeline="pipeline", _custom_pipeline="pipeline.py")


def _auto_map(folder: Path, evil: str) -> None:
    (folder / "text_encoder" / "modeling.py").write_text(evil)
    _config(folder, "text_encoder", auto_map={"AutoModel": "modeling.Evil"})
    _config(folder, "unet", auto_map={"AutoModel": "modeling.Evil"})


def _other_class(folder: Path, evil: str) -> None:
    (folder / "unet" / "evil.py").write_text(evil)
    _config(folder, "unet", _class_name="Evil", _module="evil")


DRAWN_WITHOUT = [_custom_pipeline, _auto_map, _other_class]


@pytest.mark.parametrize("spoil", REFUSED_FOLDERS)
def test_a_hostile_folder_is_refused(
    folder: Path, tmp_path: Path, spoil: Callable[[Path, str], None]
) -> None:
    canary = tmp_path / "canary"
    spoil(folder, EVIL.format(canary=str(canary)))
    assert _is_refused(folder, folder)
    assert not canary.exists()


@pytest.mark.parametrize("spoil", DRAWN_WITHOUT)
def test_code_beside_a_model_is_never_run(
    folder: Path, zoo: Zoo, tmp_path: Path, spoil: Callable[[Path, str], None]
) -> None:
    """What a stranger wrote into the settings is not obeyed; the picture is the model's own."""
    canary = tmp_path / "canary"
    spoil(folder, EVIL.format(canary=str(canary)))
    assert np.array_equal(make(a_request(), folder).image, make(a_request(), zoo("sd15")).image)
    assert not canary.exists()


def test_a_cancelled_load_leaves_nothing_half_installed(folder: Path, zoo: Zoo) -> None:
    cache = new_cache()
    before = make(a_request(), zoo("sd15"), cache).image
    heard: list[str] = []

    def stop(_fraction: float, what: str) -> None:
        heard.append(what)
        if what == "the VAE":
            raise GenerationCancelled

    with pytest.raises(GenerationCancelled):
        cache.get(describe(zoo("sd21")), max(describe(zoo("sd21")).abilities.kinds), stop)
    assert np.array_equal(make(a_request(), zoo("sd15"), cache).image, before)
