"""The prior of a Kandinsky decoder is found wherever it may lie, or asked for in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from core.abilities import GenerationKind
from core.checkpoints import describe, find_checkpoints, resolve
from core.errors import BrokenCheckpoint
from tests.helpers.model_folders import put, safetensors, write_decoder, write_prior

HUB_PRIOR = "models--kandinsky-community--kandinsky-2-2-prior"
HUB_DECODER = "models--kandinsky-community--kandinsky-2-2-decoder"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache of this test, empty."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def snapshot(cache: Path, repository: str) -> Path:
    put(cache / repository / "refs" / "main", "c0ffee")
    return cache / repository / "snapshots" / "c0ffee"


def found(decoder: Path) -> Path:
    prior = describe(decoder).prior
    assert prior is not None
    return prior.path


def test_a_folder_beside_the_decoder_is_its_prior_whatever_it_is_called(tmp_path: Path) -> None:
    decoder = write_decoder(tmp_path / "models" / "decoder")
    prior = write_prior(tmp_path / "models" / "something")
    assert found(decoder) == prior
    preferred = write_prior(tmp_path / "models" / "the-prior")
    assert found(decoder) == preferred


@pytest.mark.parametrize(
    "readme",
    [
        "license: mit\nprior:\n- {prior}\ntags:\n- art",
        "prior:\n  - '{prior}'",
        "prior: {prior}",
        'prior: ["{prior}"]',
    ],
)
def test_the_readme_goes_before_the_neighbours(tmp_path: Path, readme: str) -> None:
    write_prior(tmp_path / "models" / "prior")
    named = write_prior(tmp_path / "elsewhere")
    text = readme.format(prior=named)
    assert found(write_decoder(tmp_path / "models" / "decoder", text)) == named


def test_the_readme_may_name_a_model_of_the_hub(tmp_path: Path, cache: Path) -> None:
    prior = write_prior(snapshot(cache, "models--mine--prior"))
    write_prior(snapshot(cache, HUB_PRIOR))
    assert found(write_decoder(tmp_path / "decoder", "prior:\n- mine/prior")) == prior


def test_the_hub_cache_of_this_computer_is_looked_through(tmp_path: Path, cache: Path) -> None:
    prior = write_prior(snapshot(cache, HUB_PRIOR))
    assert found(write_decoder(tmp_path / "decoder")) == prior


def test_another_hub_cache_is_enough_when_the_decoder_lies_in_it(tmp_path: Path) -> None:
    decoder = write_decoder(snapshot(tmp_path / "copied", HUB_DECODER))
    prior = write_prior(snapshot(tmp_path / "copied", HUB_PRIOR))
    assert found(decoder) == prior


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HF_HUB_CACHE": "a"}, "a"),
        ({"HF_HOME": "b"}, "b/hub"),
        ({"XDG_CACHE_HOME": "c"}, "c/huggingface/hub"),
        ({"HOME": "d", "USERPROFILE": "d"}, "d/.cache/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_hub_library_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    prior = write_prior(snapshot(tmp_path / expected, HUB_PRIOR))
    assert found(write_decoder(tmp_path / "models" / "decoder")) == prior


@pytest.mark.parametrize(
    "readme", ["", "prior:", "prior:\n- ~nobody-here/x", "prior:\n- {long}", "tags:\n- prior\n- x"]
)
def test_a_missing_prior_is_one_sentence_that_tells_what_to_fetch(
    tmp_path: Path, readme: str
) -> None:
    decoder = write_decoder(tmp_path / "decoder", readme.format(long="x" * 5000))
    with pytest.raises(BrokenCheckpoint) as caught:
        describe(decoder)
    message = str(caught.value)
    assert "kandinsky-community/kandinsky-2-2-prior" in message
    assert "beside decoder" in message


def test_a_broken_prior_is_named(tmp_path: Path) -> None:
    decoder = write_decoder(tmp_path / "decoder")
    prior = write_prior(tmp_path / "prior")
    put(prior / "prior" / "diffusion_pytorch_model.safetensors", safetensors()[:-1])
    with pytest.raises(BrokenCheckpoint, match=r"prior/prior/.* is cut short"):
        describe(decoder)
    shutil.rmtree(prior / "image_encoder")
    with pytest.raises(BrokenCheckpoint, match="image_encoder is missing"):
        describe(decoder)


def test_the_priors_variant_is_its_own(tmp_path: Path) -> None:
    decoder = write_decoder(tmp_path / "decoder")
    prior = write_prior(tmp_path / "prior")
    for file in prior.rglob("*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    checkpoint = describe(decoder)
    assert checkpoint.prior is not None
    assert (checkpoint.variant, checkpoint.prior.variant) == (None, "fp16")


def test_a_prior_is_no_model_to_choose_and_no_broken_one(tmp_path: Path) -> None:
    """Nothing is logged either, which the guard would notice."""
    write_prior(tmp_path / "prior")
    write_decoder(tmp_path / "decoder")
    assert [model.name for model in find_checkpoints([tmp_path])] == ["decoder"]
    with pytest.raises(BrokenCheckpoint, match="Found: decoder"):
        resolve("prior", [tmp_path])
    with pytest.raises(BrokenCheckpoint, match="is the prior that Kandinsky"):
        describe(tmp_path / "prior")


def test_the_priors_text_encoder_limits_the_prompt(tmp_path: Path) -> None:
    decoder = write_decoder(tmp_path / "decoder", in_channels=9)
    prior = write_prior(tmp_path / "prior")
    put(prior / "text_encoder" / "config.json", {"max_position_embeddings": 42})
    checkpoint = describe(decoder)
    assert checkpoint.abilities.prompt_tokens == 40
    assert checkpoint.tokenizer == prior / "tokenizer"
    assert checkpoint.abilities.kinds == {GenerationKind.INPAINTING}
