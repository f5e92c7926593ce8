"""Small but real tokenizers: a CLIP byte-pair vocabulary learned from a few words, and a T5 one."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from tools.tiny_zoo.files import write_json

_TEXT = """a photo of an astronaut riding a horse on mars high quality detailed cat dog portrait of
a woman man girl boy in the style of painting oil watercolor sketch masterpiece best quality low
quality worst bad anatomy ugly blurry deformed extra limbs text watermark landscape mountain sunset
sea beach city street night light dark red green blue black white yellow cinematic lighting ultra
realistic 8k highly trending on artstation by digital art illustration anime fantasy castle forest
house car flower tree sky cloud water fire robot space cyberpunk jungle cold color palette muted
colors concept art smooth sharp focus the and with at for from very little big old young"""
WORDS = tuple(_TEXT.split())
START, END = "<|startoftext|>", "<|endoftext|>"
_NUM_MERGES = 300

_Word = tuple[str, ...]
_Pair = tuple[str, str]


def write_clip_tokenizer(folder: Path, pad: str = END) -> int:
    """Write vocab.json, merges.txt and the two JSON files as in the SD repositories.

    Args:
        folder: The component's folder.
        pad: Padding token; "!" in Stable Diffusion 2 and in the second encoder of SDXL.

    Returns:
        Number of tokens.
    """
    vocabulary, merges = learn_clip_vocabulary()
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(vocabulary, ensure_ascii=False)
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    marks = {"bos_token": _mark(START), "eos_token": _mark(END), "unk_token": _mark(END)}
    write_json(folder / "special_tokens_map.json", {**marks, "pad_token": pad})
    write_json(folder / "tokenizer_config.json", clip_settings(pad))
    return len(vocabulary)


def write_t5_tokenizer(folder: Path) -> int:
    """Write a T5 tokenizer of `WORDS` and the printable ASCII characters.

    Returns:
        Number of tokens.
    """
    from transformers import T5TokenizerFast

    pieces = {"<pad>": 0.0, "</s>": 0.0, "<unk>": 0.0, "▁": -2.0}
    pieces |= {f"▁{word}": -3.0 for word in WORDS}
    pieces |= {chr(code): -8.0 for code in range(33, 127)}
    tokenizer = T5TokenizerFast(vocab=list(pieces.items()), extra_ids=0, model_max_length=512)
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def learn_clip_vocabulary() -> tuple[dict[str, int], list[_Pair]]:
    """A byte-pair vocabulary as CLIP's: bytes, bytes that end a word, merges, two marks."""
    merges = _learn_merges()
    letters = byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += [*(left + right for left, right in merges), START, END]
    return {token: number for number, token in enumerate(dict.fromkeys(tokens))}, merges


def _learn_merges() -> list[_Pair]:
    """Join the most frequent pair of symbols, again and again (Sennrich et al. 2016)."""
    words = Counter((*word[:-1], f"{word[-1]}</w>") for word in WORDS)
    merges: list[_Pair] = []
    while len(merges) < _NUM_MERGES and (pairs := _count_pairs(words)):
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        words = Counter({_joined(word, best): count for word, count in words.items()})
    return merges


def _count_pairs(words: Counter[_Word]) -> Counter[_Pair]:
    pairs: Counter[_Pair] = Counter()
    for word, count in words.items():
        for pair in pairwise(word):
            pairs[pair] += count
    return pairs


def _joined(word: _Word, pair: _Pair) -> _Word:
    symbols: list[str] = []
    position = 0
    while position < len(word):
        found = word[position : position + 2] == pair
        symbols.append(pair[0] + pair[1] if found else word[position])
        position += 2 if found else 1
    return tuple(symbols)


def byte_letters() -> list[str]:
    """A visible letter for each of the 256 bytes, in the order of GPT-2's and CLIP's vocabulary."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return [*map(chr, visible), *(chr(256 + rank) for rank in range(len(hidden)))]


def _mark(content: str) -> dict[str, object]:
    return {
        "content": content,
        "lstrip": False,
        "normalized": True,
        "rstrip": False,
        "single_word": False,
    }


def clip_settings(pad: str = END) -> dict[str, Any]:
    """The tokenizer_config.json of CLIP's tokenizer; `pad` fills up to 77 tokens."""
    marks = {"bos_token": _mark(START), "eos_token": _mark(END), "unk_token": _mark(END)}
    return {
        "add_prefix_space": False,
        **{key: {"__type": "AddedToken", **mark} for key, mark in marks.items()},
        "do_lower_case": True,
        "errors": "replace",
        "model_max_length": 77,
        "pad_token": pad,
        "tokenizer_class": "CLIPTokenizer",
    }
