"""Learn a CLIP byte-pair vocabulary (Sennrich et al. 2016) from the captions' words."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from tools.starter_model.dataset import CAPTIONED_SET, DRAWING_SETS, load_drawings
from tools.starter_model.nouns import VOCABULARY
from tools.starter_model.scenes import Scenes
from tools.starter_model.workplace import Workplace

MERGES = 6500
"""At most so many; fewer when every word has become one token."""

END_OF_WORD = "</w>"
START, END = "<|startoftext|>", "<|endoftext|>"

_HABITS = """photo painting drawing illustration picture image of portrait landscape beautiful cute
colorful bright dark digital art high quality detailed masterpiece blurry low bad ugly style with
without wearing holding big small inside outside behind front""".split()
"""Words that people write by habit, so that each of them is few tokens."""

Pair = tuple[str, str]


def run(work: Workplace) -> None:
    """Write the tokenizer's folder, unless it is there."""
    if (work.tokenizer / "tokenizer_config.json").exists():
        return
    merges = learn_merges(_counted_words(work), 200 if work.smoke else MERGES)
    write_folder(work.tokenizer, merges)
    work.note("tokenizer", merges=len(merges))


def _counted_words(work: Workplace) -> Counter[str]:
    """Count the words of captions, of all drawings' names, and of what people write by habit."""
    counts: Counter[str] = Counter()
    scenes = Scenes(load_drawings(work, CAPTIONED_SET), seed=0, side=16, nouns=VOCABULARY)
    captions = (scenes.scene()[1] for _ in range(200 if work.smoke else 6000))
    names = (slug for name in DRAWING_SETS for slug in load_drawings(work, name))
    for weight, texts in ((3, captions), (20, names), (20, (noun.also for noun in VOCABULARY))):
        for text in texts:
            for word in re.findall(r"[a-z]+", text.lower()):
                counts[word] += weight
    return counts + Counter(dict.fromkeys(_HABITS, 10))


def learn_merges(counts: Counter[str], most: int) -> list[Pair]:
    """Merge the most frequent neighbours again and again; ties go to the greater pair.

    Args:
        counts: how often each word occurs.
        most: the number of merges to stop at.

    Returns:
        The merges in the order in which they have to be applied.
    """
    words = [([*word[:-1], word[-1] + END_OF_WORD], count) for word, count in counts.items()]
    pairs: Counter[Pair] = Counter()
    places: defaultdict[Pair, set[int]] = defaultdict(set)
    for place in range(len(words)):
        _count_pairs(words, place, pairs, places, sign=1)
    merges: list[Pair] = []
    while len(merges) < most and pairs:
        best, count = max(pairs.items(), key=lambda item: (item[1], item[0]))
        if count <= 0:
            break
        merges.append(best)
        for place in list(places[best]):
            _count_pairs(words, place, pairs, places, sign=-1)
            words[place] = (_merged(words[place][0], best), words[place][1])
            _count_pairs(words, place, pairs, places, sign=1)
        del pairs[best]
    return merges


def _count_pairs(
    words: list[tuple[list[str], int]],
    place: int,
    pairs: Counter[Pair],
    places: defaultdict[Pair, set[int]],
    sign: int,
) -> None:
    """Add (`sign` 1) or take away (-1) the pairs of one word."""
    symbols, count = words[place]
    for pair in pairwise(symbols):
        pairs[pair] += sign * count
        places[pair].add(place)


def _merged(symbols: list[str], pair: Pair) -> list[str]:
    result: list[str] = []
    for symbol in symbols:
        if result and (result[-1], symbol) == pair:
            result[-1] += symbol
        else:
            result.append(symbol)
    return result


def byte_characters() -> list[str]:
    """Name every byte by a printable character, in the order of GPT-2 and CLIP."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + k) for k in range(len(others))]


def write_folder(folder: Path, merges: Iterable[Pair]) -> None:
    """Write the files that `CLIPTokenizer.from_pretrained` reads; the configuration comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = list(merges)
    characters = byte_characters()
    tokens = [*characters, *(c + END_OF_WORD for c in characters)]
    tokens += [*(a + b for a, b in merges), START, END]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(_configuration(), indent=1), "utf-8")


def _configuration() -> dict[str, object]:
    """Say what CLIP's tokenizers say; padding is the end token, as in Stable Diffusion 1."""
    names = {"bos_token": START, "eos_token": END, "pad_token": END, "unk_token": END}
    rules = {"add_prefix_space": False, "do_lower_case": True, "errors": "replace"}
    return {**names, **rules, "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
