"""Tokens are counted exactly as transformers' CLIPTokenizer does, and no character gets lost."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.errors import BrokenCheckpoint
from core.prompts import CLIP_LIMIT, PromptTokenizer, joined, parse_weights, without_addon_tags
from tools.tiny_zoo.tokenizers import write_clip_tokenizer

LONG = "a photo of an astronaut, riding a horse on mars! " * 20
PROMPTS = [
    "",
    " ",
    "a",
    "a red apple on a blue background",
    "An ASTRONAUT's portrait, it'll be   high quality\n\n\tdetailed",
    "8k, 1girl, (masterpiece:1.3), [blurry], {x|y} <lora:tiny:0.8>",
    "!!! !",
    "<|startoftext|>cat<|endoftext|>dog <|ENDOFTEXT|> <|StartOfText|>",
    "naïve café ﬁancée e\u0301 e\u0301\u0301 İstanbul straße ΑΒΓ",
    "漢字 かな 한국어 العربية हिन्दी",
    "👩‍🚀 on 🏳️‍🌈 with 🐈\u200d⬛ and \U0001f9d1\U0001f3fd",
    "line\u2028separated\u00a0spaces\u3000and\ufeffmarks",
    "zero\0byte \x07 \x85",
    "½ ² Ⅷ \uff19",
    "word" * 300,
    "🐈" * 200,
    LONG,
]
PIECES = [
    *"abc XYZ 019 ,.!?'\"()<>|[]\n\t",
    "<|endoftext|>",
    "<|ENDOFTEXT|>",
    "'s",
    "é",
    "e\u0301",
    "İ",
    "漢",
]
PIECES += ["👩‍🚀", "\u200d", "\u00a0", "\u2028", "ǅ", "ﬁ", "½", "\0", "photo", "horse "]


@pytest.fixture(
    scope="module", params=["files", "bang as padding", "map wins", "whole", "whole bang"]
)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose tokenizer is written in one of the ways they are found."""
    checkpoint = tmp_path_factory.mktemp("checkpoint")
    bang = "bang" in request.param
    write_clip_tokenizer(checkpoint / "tokenizer", **({"pad": "!"} if bang else {}))
    if request.param == "map wins":
        _change(checkpoint / "tokenizer" / "special_tokens_map.json", pad_token="!")
    if "whole" in request.param:
        reference(checkpoint).save_pretrained(checkpoint / "saved")
        shutil.rmtree(checkpoint / "tokenizer")
        (checkpoint / "saved").rename(checkpoint / "tokenizer")
        assert not (checkpoint / "tokenizer" / "vocab.json").exists()
    return checkpoint


def _change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def reference(checkpoint: Path) -> Any:
    """The tokenizer that the pipelines use."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(checkpoint / "tokenizer")


def assert_same(ours: PromptTokenizer, theirs: Any, prompt: str) -> None:
    """Same count, and the cut where their 76th token begins; syntax is no text."""
    options = {"add_special_tokens": False, "return_offsets_mapping": True, "verbose": False}
    whole = joined(parse_weights(without_addon_tags(prompt)))
    expected = theirs(whole.text, **options)
    found = ours.count(prompt)
    assert found.count == len(expected["input_ids"])
    assert found.kept + found.cut == prompt
    if found.count <= CLIP_LIMIT:
        assert found.cut == ""
    else:
        assert len(found.kept) == whole.places[expected["offset_mapping"][CLIP_LIMIT][0]]


@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
def test_chosen_prompts_are_counted_as_transformers_does(folder: Path, prompt: str) -> None:
    assert_same(PromptTokenizer.load(folder / "tokenizer"), reference(folder), prompt)


def test_random_prompts_are_counted_as_transformers_does(folder: Path) -> None:
    ours, theirs = PromptTokenizer.load(folder / "tokenizer"), reference(folder)
    rng = random.Random(31)
    for _ in range(400):
        length = rng.choice([1, 2, 3, 10, 80, 300])
        assert_same(ours, theirs, "".join(rng.choices(PIECES, k=length)))


def test_what_is_kept_is_read_in_full_and_the_next_word_is_not(folder: Path) -> None:
    tokenizer = PromptTokenizer.load(folder / "tokenizer")
    found = tokenizer.count(LONG)
    assert (found.limit, found.count > 200) == (75, True)
    assert tokenizer.count(found.kept).count == 75
    assert tokenizer.count(found.kept + found.cut.split()[0]).count > 75


def test_exactly_75_tokens_are_not_cut(folder: Path) -> None:
    tokenizer = PromptTokenizer.load(folder / "tokenizer")
    assert tokenizer.count("cat " * 75).cut == ""
    assert tokenizer.count("cat " * 76).cut == "cat "


def test_an_emoji_of_several_tokens_is_kept_or_cut_as_a_whole(folder: Path) -> None:
    tokenizer = PromptTokenizer.load(folder / "tokenizer")
    prompt = "cat " * 74 + "🐈 dog"
    assert tokenizer.count("🐈").count > 1
    assert tokenizer.count(prompt).cut == "🐈 dog"


def test_half_an_emoji_does_not_raise(folder: Path) -> None:
    found = PromptTokenizer.load(folder / "tokenizer").count("cat \ud83d " * 60)
    assert found.kept + found.cut == "cat \ud83d " * 60
    assert found.cut


def test_another_limit_can_be_given(folder: Path) -> None:
    found = PromptTokenizer.load(folder / "tokenizer", limit=2).count("cat dog cat")
    assert (found.limit, found.kept, found.cut) == (2, "cat dog ", "cat")


def test_a_model_that_reads_weights_reads_on_in_chunks(folder: Path) -> None:
    tokenizer = PromptTokenizer.load(folder / "tokenizer", reads_weights=True)
    prompt = "cat " * 160
    found = tokenizer.count(prompt)
    assert (found.count, found.limit, found.cut) == (160, 225, "")
    assert found.breaks == (75 * 4, 150 * 4)
    assert tokenizer.count("cat").limit == 75
    assert tokenizer.count("").limit == 75


def test_break_begins_a_chunk_where_it_stands(folder: Path) -> None:
    tokenizer = PromptTokenizer.load(folder / "tokenizer", reads_weights=True)
    prompt = "a cat BREAK (dog:1.3) BREAK BREAK"
    found = tokenizer.count(prompt)
    assert (found.count, found.limit) == (tokenizer.count("a cat dog").count, 150)
    assert [prompt[place:][:3] for place in found.breaks] == ["dog"]


def test_syntax_and_addon_tags_are_not_counted_but_keep_their_places(folder: Path) -> None:
    tokenizer = PromptTokenizer.load(folder / "tokenizer", limit=2)
    prompt = r"<lora:of a cat:0.8> ((cat)) [dog] (cat:1.2) \(dog"
    found = tokenizer.count(prompt)
    assert found.count == len(reference(folder)("cat dog cat (dog").input_ids) - 2
    assert found.kept == "<lora:of a cat:0.8> ((cat)) [dog] ("
    assert found.kept + found.cut == prompt


def test_the_zoos_models_are_read(zoo: Callable[[str], Path]) -> None:
    checkpoint = zoo("sd21")
    for prompt in PROMPTS:
        assert_same(PromptTokenizer.load(checkpoint / "tokenizer"), reference(checkpoint), prompt)


def test_counting_imports_neither_transformers_nor_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from core.prompts import PromptTokenizer\n"
        "PromptTokenizer.load(Path(sys.argv[1])).count('a cat')\n"
        "print({'torch', 'transformers', 'numpy'} & sys.modules.keys())"
    )
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder / "tokenizer")],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, "t" in run.stdout.replace("set()", "")) == (0, False), run.stdout


Break = Callable[[Path], object]
BROKEN: dict[str, Break] = {
    "no folder": shutil.rmtree,
    "no vocabulary": lambda f: (f / "vocab.json").unlink(),
    "no merges": lambda f: (f / "merges.txt").unlink(),
    "vocabulary not json": lambda f: (f / "vocab.json").write_text("{"),
    "vocabulary a list": lambda f: (f / "vocab.json").write_text("[]"),
    "vocabulary empty": lambda f: (f / "vocab.json").write_text("{}"),
    "ids are text": lambda f: _change(f / "vocab.json", cat="one"),
    "ids are negative": lambda f: _change(f / "vocab.json", cat=-1),
    "merge of one": lambda f: (f / "merges.txt").write_text("#version: 0.2\nabc\n"),
    "merge unknown": lambda f: (f / "merges.txt").write_text("#version: 0.2\nq z\n"),
    "merges not text": lambda f: (f / "merges.txt").write_bytes(b"\xff\xfe\xff"),
    "config a list": lambda f: (f / "tokenizer_config.json").write_text("[]"),
    "mark a number": lambda f: _change(f / "special_tokens_map.json", pad_token=7),
    "mark without content": lambda f: _change(f / "special_tokens_map.json", pad_token={"a": 1}),
    "whole file empty": lambda f: (f / "tokenizer.json").write_text("{}"),
    "whole file odd": lambda f: (f / "tokenizer.json").write_text('{"model": []}'),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_tokenizer_is_refused_with_a_sentence(tmp_path: Path, case: str) -> None:
    write_clip_tokenizer(tmp_path / "tokenizer")
    BROKEN[case](tmp_path / "tokenizer")
    with pytest.raises(BrokenCheckpoint, match="Download the model again"):
        PromptTokenizer.load(tmp_path / "tokenizer")
