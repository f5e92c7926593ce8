"""How many tokens a prompt has, and what of it the model will never read.

Uses the `tokenizers` library directly, since importing transformers takes seconds and the count is
wanted at every key press. The rules are those of transformers' CLIPTokenizer; tests compare both.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import BrokenCheckpoint
from core.prompts.chunks import Token, chunks_of
from core.prompts.tags import without_addon_tags
from core.prompts.weights import joined, parse_weights
from core.settings import CLIP_VOCABULARY

if TYPE_CHECKING:
    from tokenizers import AddedToken, Tokenizer

CLIP_LIMIT = 75  # 77 places, of which start and end marks take two

_WHOLE = "tokenizer.json"
_START, _END = "<|startoftext|>", "<|endoftext|>"
_ENDS_WORD, _BEGINS_WORD = "</w>", "▁"
_WORDS = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
_MARKS = {
    "bos_token": _START,
    "eos_token": _END,
    "unk_token": _END,
    "sep_token": None,
    "pad_token": _END,
    "cls_token": None,
    "mask_token": None,
}


@dataclass(frozen=True)
class TokenCount:
    """How a prompt fits.

    Attributes:
        count: Tokens of the whole prompt; its syntax and start and end marks are not counted.
        limit: Tokens for which there is room, in all chunks together.
        kept: The beginning of the prompt that is read in full.
        cut: The rest; ``kept + cut`` is the prompt, character for character.
        breaks: Where in the prompt each chunk but the first begins.
    """

    count: int
    limit: int
    kept: str
    cut: str
    breaks: tuple[int, ...] = ()


class WrittenToken(NamedTuple):
    """One token of a prompt, for people.

    Attributes:
        text: As the vocabulary has it, mostly in small letters; a part of one character is that
            character, and T5's mark of a new word is empty.
        weight: 1 is plain, as everything is for a model that reads no weights.
        place: Where it begins in the written prompt.
        chunk: Number of the chunk in which it is read, from 0; None where it is not read.
        ends_word: Whether nothing of its word follows.
    """

    text: str
    weight: float
    place: int
    chunk: int | None
    ends_word: bool


class PromptTokenizer:
    """The tokenizer of one checkpoint.

    Args:
        limit: Tokens that are read at once.
        reads_weights: Whether longer prompts are read chunk by chunk; else their rest is cut off.
    """

    def __init__(
        self, tokenizer: Tokenizer, limit: int = CLIP_LIMIT, *, reads_weights: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._limit = limit
        self._reads_weights = reads_weights

    @classmethod
    def load(
        cls, folder: Path, limit: int = CLIP_LIMIT, *, reads_weights: bool = False
    ) -> PromptTokenizer:
        """Read a tokenizer's folder of a model in diffusers' layout.

        Args:
            folder: `Checkpoint.tokenizer`.
            limit: Tokens that are read at once; `ModelAbilities.prompt_tokens`.
            reads_weights: `ModelAbilities.reads_weights`.

        Raises:
            BrokenCheckpoint: its files are missing or damaged.
        """
        try:
            return cls(_build(folder), limit, reads_weights=reads_weights)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise BrokenCheckpoint(
                f"The tokenizer in {folder} cannot be read ({error}). Download the model again."
            ) from error

    def count(self, prompt: str) -> TokenCount:
        """Count the tokens of `prompt` and say where the model stops reading, or reads anew."""
        spans = parse_weights(without_addon_tags(prompt))
        if self._reads_weights:
            chunks = chunks_of(spans, self._encode, self._limit)
            breaks = tuple(chunk[0].place for chunk in chunks[1:] if chunk)
            count = sum(map(len, chunks))
            return TokenCount(count, self._limit * len(chunks), prompt, "", breaks)
        whole = joined(spans)
        tokens = self._encode(whole.text)
        end = len(prompt)
        if len(tokens) > self._limit:
            end = whole.places[tokens[self._limit][1]]
        return TokenCount(len(tokens), self._limit, prompt[:end], prompt[end:])

    def read(self, prompt: str) -> tuple[WrittenToken, ...]:
        """Every token of `prompt`, those that the model never reads included."""
        spans = parse_weights(without_addon_tags(prompt))
        if self._reads_weights:
            chunks = chunks_of(spans, self._encode, self._limit)
        else:
            (tokens,) = chunks_of((joined(spans),), self._encode, sys.maxsize)
            chunks = (tokens[: self._limit], tokens[self._limit :])
        return tuple(self._written(chunks, prompt))

    def _written(self, chunks: Sequence[Sequence[Token]], prompt: str) -> Iterator[WrittenToken]:
        pairs = [(number, token) for number, chunk in enumerate(chunks) for token in chunk]
        names = [self._tokenizer.id_to_token(token.id) or "" for _, token in pairs]
        # T5 marks where words begin, CLIP where they end; what was added to CLIP's is a word.
        marks_ends = not any(name.startswith(_BEGINS_WORD) for name in names)
        added = self._tokenizer.get_added_tokens_decoder() if marks_ends else {}
        for (number, token), name, after in zip(
            pairs, names, [*names, _BEGINS_WORD][1:], strict=True
        ):
            ends = name.endswith(_ENDS_WORD) or token.id in added or after.startswith(_BEGINS_WORD)
            chunk = number if self._reads_weights or number == 0 else None
            text = self._letters(name) or prompt[token.place : token.place + 1]
            text = "" if name == _BEGINS_WORD else text
            yield WrittenToken(text, token.weight, token.place, chunk, ends)

    def _letters(self, name: str) -> str:
        """What an entry of the vocabulary stands for; empty for a part of one character."""
        text: str = self._tokenizer.decoder.decode([name.removesuffix(_ENDS_WORD)])
        return "" if "\ufffd" in text else text.strip()

    def _encode(self, text: str) -> list[tuple[int, int]]:
        """Each token's id, and where in the text it begins."""
        # A lone surrogate, half of an emoji that is still being typed, counts as "?".
        text = text.encode("utf-8", "replace").decode("utf-8")
        found = self._tokenizer.encode(text, add_special_tokens=False)
        starts = (start for start, _ in found.offsets)
        return list(zip(found.ids, starts, strict=True))


def _build(folder: Path) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    if _is_unigram(folder):
        return Tokenizer.from_file(str(folder / _WHOLE))
    vocabulary, merges = _vocabulary(folder)
    _require_complete(vocabulary, merges)
    tokenizer = Tokenizer(
        models.BPE(vocab=vocabulary, merges=merges, unk_token=_END, end_of_word_suffix=_ENDS_WORD)
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    for token in _added_tokens(folder):
        add = tokenizer.add_special_tokens if token.special else tokenizer.add_tokens
        add([token])
    return tokenizer


def _is_unigram(folder: Path) -> bool:
    """Whether the file tells all there is to do, as T5's does and old ones of CLIP do not."""
    model = _read_optional(folder / _WHOLE).get("model")
    return isinstance(model, dict) and model.get("type") == "Unigram"


def _vocabulary(folder: Path) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Tokens with their ids, and merges in the order of their rank."""
    whole = folder / _WHOLE
    if whole.exists():
        model = _read(whole)["model"]
        return model["vocab"], [_pair(merge) for merge in model["merges"]]
    has_words = any((folder / name).exists() for name in ("vocab.json", "merges.txt"))
    if not has_words and (folder / "tokenizer_config.json").exists():
        folder = CLIP_VOCABULARY  # settings alone, as those of single files
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    merges = [_pair(line) for line in lines if line and not line.startswith("#version")]
    return _read(folder / "vocab.json"), merges


def _require_complete(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> None:
    # The library would raise a bare Exception, at loading or in the middle of a prompt.
    if {_START, _END} - vocabulary.keys():
        raise ValueError("the vocabulary has no start or end mark")
    for left, right in merges:
        if not {left, right, left + right} <= vocabulary.keys():
            raise ValueError(f"the vocabulary does not have all of the merge {left} {right}")


def _pair(merge: str | list[str]) -> tuple[str, str]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _added_tokens(folder: Path) -> list[AddedToken]:
    """Tokens that are one wherever they stand in a prompt; in SD 2 "!" is one, as padding."""
    config = _read_optional(folder / "tokenizer_config.json")
    if "added_tokens_decoder" in config:
        listed = list(config["added_tokens_decoder"].values())
    else:
        config |= _read_optional(folder / "special_tokens_map.json")
        listed = _read_optional(folder / "tokenizer.json").get("added_tokens", [])
    marks = [config.get(key, default) for key, default in _MARKS.items()]
    tokens = [_token(entry, special=False) for entry in listed]
    contents = {token.content for token in tokens}
    named = [_token(mark, special=True) for mark in marks if mark]
    # Two marks may share a content and differ in their options; the last one wins.
    return [*tokens, *(token for token in named if token.content not in contents)]


def _token(entry: str | dict[str, Any], *, special: bool) -> AddedToken:
    from tokenizers import AddedToken

    if isinstance(entry, str):
        return AddedToken(entry, special=special, normalized=False)
    known = ("lstrip", "rstrip", "normalized", "single_word")
    options = {key: entry[key] for key in known if key in entry}
    return AddedToken(entry["content"], special=special or entry.get("special", False), **options)


def _read_optional(file: Path) -> dict[str, Any]:
    return _read(file) if file.exists() else {}


def _read(file: Path) -> dict[str, Any]:
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{file.name} holds no JSON object")
    return content
