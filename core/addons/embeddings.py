"""Textual inversions: words that a file teaches the text encoders, for one picture at a time."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from core.addons.describe import AddonFile, weights_of
from core.addons.headers import read_header
from core.errors import BrokenAddon

Tensor = Any
# By the name of a tensor, the text encoder that it is for; any other name means the first one.
_ENCODER_OF = {"clip_l": 0, "clip_g": 1}


@dataclass(frozen=True)
class TaughtWord:
    """A word of the prompt that stands for learned vectors.

    Attributes:
        file: The embedding.
        tokens: One new token for each vector, in small letters and digits, which stand in the
            prompt instead of the word.
    """

    file: AddonFile
    tokens: tuple[str, ...]


def is_written(name: str, *prompts: str) -> bool:
    """Whether the name stands in one of the prompts as a word."""
    return any(_word(name).search(prompt) for prompt in prompts)


def taught_words(files: Sequence[AddonFile]) -> list[TaughtWord]:
    """The embeddings with a token for each of their vectors.

    Raises:
        BrokenAddon: the file of one of them is damaged.
    """
    return [TaughtWord(file, _tokens(index, file)) for index, file in enumerate(files)]


def with_tokens(prompt: str, words: Sequence[TaughtWord]) -> str:
    """The prompt with each word replaced by its tokens; longer names go first."""
    for word in sorted(words, key=lambda word: -len(word.file.name)):
        prompt = _word(word.file.name).sub(" ".join(word.tokens), prompt)
    return prompt


@contextmanager
def taught(pipe: Any, words: Sequence[TaughtWord]) -> Iterator[None]:
    """While the context is open, the tokenizers and text encoders of `pipe` know these words.

    The old tokenizers and the old tables come back in their very places.

    Raises:
        BrokenAddon: the vectors of one are not as wide as the model's.
    """
    with ExitStack() as stack:
        if words:
            vectors = [_read(word) for word in words]
            for number, suffix in enumerate(("", "_2")):
                if getattr(pipe, f"text_encoder{suffix}", None) is not None:
                    known = {k: v for of in vectors for k, v in of.get(number, {}).items()}
                    stack.enter_context(_one_encoder(pipe, suffix, known, words))
        yield


@contextmanager
def _one_encoder(
    pipe: Any, suffix: str, vectors: dict[str, Tensor], words: Sequence[TaughtWord]
) -> Iterator[None]:
    tokenizer = getattr(pipe, f"tokenizer{suffix}")
    encoder = getattr(pipe, f"text_encoder{suffix}")
    table = encoder.get_input_embeddings()
    inner = getattr(encoder, "text_model", encoder)
    end = inner.eos_token_id
    larger = copy.deepcopy(tokenizer)
    larger.add_tokens([token for word in words for token in word.tokens])
    try:
        encoder.set_input_embeddings(_larger_table(table, larger, vectors, words))
        # Old configurations say 2, which means "the largest number"; that is a new token now.
        inner.eos_token_id = tokenizer.eos_token_id
        setattr(pipe, f"tokenizer{suffix}", larger)
        yield
    finally:
        setattr(pipe, f"tokenizer{suffix}", tokenizer)
        inner.eos_token_id = end
        encoder.set_input_embeddings(table)


def _larger_table(
    table: Any, tokenizer: Any, vectors: dict[str, Tensor], words: Sequence[TaughtWord]
) -> Any:
    """The encoder's table with a row for each new token; rows without vectors are zero."""
    import torch

    weights = table.weight
    numbers = {
        token: tokenizer.convert_tokens_to_ids(token) for word in words for token in word.tokens
    }
    rows = max(max(numbers.values()) + 1, weights.shape[0])
    larger = torch.zeros(rows, weights.shape[1], dtype=weights.dtype, device=weights.device)
    larger[: weights.shape[0]] = weights.detach()
    for word in words:
        for token in word.tokens:
            if token in vectors:
                _require_width(word, vectors[token], weights.shape[1])
                larger[numbers[token]] = vectors[token].to(larger)
    return torch.nn.Embedding.from_pretrained(larger)


def _read(word: TaughtWord) -> dict[int, dict[str, Tensor]]:
    """Vectors by token, for each text encoder by its number."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(str(weights_of(word.file.path)))
    except (OSError, SafetensorError) as error:
        raise BrokenAddon(
            f"The textual inversion “{word.file.name}” cannot be read. Download it again."
        ) from error
    found: dict[int, dict[str, Tensor]] = {}
    for name, rows in tensors.items():
        # strict=False: of two encoders, one may have learned fewer vectors.
        pairs = zip(word.tokens, rows.reshape(-1, rows.shape[-1]), strict=False)
        found[_ENCODER_OF.get(name, 0)] = dict(pairs)
    return found


def _require_width(word: TaughtWord, vector: Tensor, width: int) -> None:
    if vector.shape[-1] != width:
        raise BrokenAddon(
            f"The textual inversion “{word.file.name}” was made for another model: its vectors "
            f"have {vector.shape[-1]} numbers, this model's {width}. Leave it out of the prompt."
        )


def _tokens(index: int, file: AddonFile) -> tuple[str, ...]:
    shapes = read_header(weights_of(file.path)).shapes.values()
    count = max(shape[0] if len(shape) == 2 else 1 for shape in shapes)
    return tuple(f"sfumatoword{index}v{number}" for number in range(count))


def _word(name: str) -> re.Pattern[str]:
    """The name where it stands alone, also behind ComfyUI's ``embedding:``."""
    return re.compile(rf"(?<![\w<-])(?:embedding:)?{re.escape(name)}(?![\w>-])", re.IGNORECASE)
