"""Every token of a prompt told apart: its words, weight and chunk, and what nobody reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.checkpoints import describe
from core.prompts import PromptTokenizer, WrittenToken

Zoo = Callable[[str], Path]


def tokenizer(zoo: Zoo, model: str, reader: int = 0) -> PromptTokenizer:
    checkpoint = describe(zoo(model))
    found, reads_weights = checkpoint.readers[reader], checkpoint.abilities.reads_weights
    return PromptTokenizer.load(found.tokenizer, found.tokens, reads_weights=reads_weights)


def test_words_weights_and_places(zoo: Zoo) -> None:
    tokens = tokenizer(zoo, "sd15").read("A (red castle:1.3), <lora:ink:0.8> cat")
    assert tokens == (
        WrittenToken("a", 1.0, 0, 0, True),
        WrittenToken("red", 1.3, 3, 0, True),
        WrittenToken("castle", 1.3, 7, 0, True),
        WrittenToken(",", 1.0, 18, 0, True),
        WrittenToken("cat", 1.0, 35, 0, True),
    )


def test_an_empty_prompt_has_none(zoo: Zoo) -> None:
    assert tokenizer(zoo, "sd15").read("") == ()
    assert tokenizer(zoo, "sd3", -1).read(" ") == ()


def test_parts_of_words_and_of_characters(zoo: Zoo) -> None:
    tokens = tokenizer(zoo, "sd15").read("zq 🚀")
    assert [(t.text, t.ends_word) for t in tokens[:2]] == [("z", False), ("q", True)]
    assert {t.text for t in tokens[2:]} == {"🚀"}
    assert [t.ends_word for t in tokens[2:]] == [False] * (len(tokens) - 3) + [True]


def test_a_padding_mark_that_is_a_word_ends_one(zoo: Zoo) -> None:
    assert [t.ends_word for t in tokenizer(zoo, "sd21").read("a cat!")] == [True] * 3


def test_t5_begins_its_words(zoo: Zoo) -> None:
    tokens = tokenizer(zoo, "flux-dev", -1).read("a red castle, zq")
    assert "".join(t.text + " " * t.ends_word for t in tokens).startswith("a red castle, z")
    assert tokens[-1].ends_word


@pytest.mark.parametrize("model", ["sd15", "sdxl-base"])
def test_chunks_are_counted_from_0_and_nothing_is_dropped(zoo: Zoo, model: str) -> None:
    tokens = tokenizer(zoo, model, -1).read("a cat BREAK " + "castle " * 80)
    assert [sum(t.chunk == number for t in tokens) for number in range(3)] == [2, 75, 5]


@pytest.mark.parametrize(("model", "reader", "limit"), [
    ("sd3", 0, 75), ("sd3", 1, 75), ("sd3", 2, 255), ("flux-dev", 0, 75), ("flux-dev", 1, 511),
    ("kandinsky-2-2-decoder", 0, 75),
])  # fmt: skip
def test_what_an_encoder_drops(zoo: Zoo, model: str, reader: int, limit: int) -> None:
    found = tokenizer(zoo, model, reader)
    prompt = "(a castle:1.2) " * 400
    tokens = found.read(prompt)
    assert sum(t.chunk == 0 for t in tokens) == limit
    assert {t.chunk for t in tokens[limit:]} == {None}
    assert {t.weight for t in tokens} == {1.0}
    counted = found.count(prompt)
    assert (len(tokens), tokens[limit].place) == (counted.count, len(counted.kept))


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("sd15", ["CLIP"]),
        ("sdxl-base", ["CLIP 1", "CLIP 2"]),
        ("sdxl-refiner", ["CLIP"]),
        ("sd3", ["CLIP 1", "CLIP 2", "T5"]),
        ("flux-schnell", ["CLIP", "T5"]),
        ("kandinsky-2-2-decoder", ["CLIP"]),
    ],
)
def test_who_reads_for_a_family(zoo: Zoo, model: str, names: list[str]) -> None:
    checkpoint = describe(zoo(model))
    assert [reader.name for reader in checkpoint.readers] == names
    assert checkpoint.tokenizer in {reader.tokenizer for reader in checkpoint.readers}
    assert max(r.tokens for r in checkpoint.readers) == checkpoint.abilities.prompt_tokens


def test_who_reads_for_a_single_file(zoo: Zoo) -> None:
    (file,) = zoo("sd15-file").glob("*.safetensors")
    (reader,) = describe(file).readers
    assert PromptTokenizer.load(reader.tokenizer, reader.tokens).count("a cat").count == 2
