"""CLIP's vocabulary as transformers reads it, made of the list of merges that OpenAI published.

The list, ``bpe_simple_vocab_16e6.txt.gz``, is in OpenAI's CLIP and in open_clip_torch on PyPI, both
under the MIT licence. How it becomes tokens with numbers: `SimpleTokenizer` of either.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from tools.tiny_zoo.tokenizers import byte_letters, clip_settings

START, END = "<|startoftext|>", "<|endoftext|>"
# The file goes on; of its merges CLIP has as many as make 49,152 tokens with the bytes and marks.
_MERGES = 49152 - 256 - 2


def write_vocabulary(file: Path, folder: Path) -> int:
    """Write vocab.json, merges.txt and their settings into `folder`.

    Args:
        file: The gzipped list.
        folder: Where to; made when missing.

    Returns:
        Number of tokens.
    """
    lines = gzip.decompress(file.read_bytes()).decode("utf-8").split("\n")
    merges = lines[1 : _MERGES + 1]
    letters = byte_letters()
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += [*(merge.replace(" ", "") for merge in merges), START, END]
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {token: number for number, token in enumerate(tokens)}
    text = json.dumps(numbers, ensure_ascii=False, separators=(",", ":"))
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    settings = json.dumps(clip_settings(END), indent=2)
    (folder / "tokenizer_config.json").write_text(f"{settings}\n", encoding="utf-8")
    return len(numbers)
