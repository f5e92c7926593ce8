"""What is drawn follows from the seed alone, and the record keeps what was written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.errors import InvalidRequest
from core.prompts import WildcardFolder, drawn, has_alternatives, resolve
from tests.helpers.generations import a_request

WORDS = {"colour": ["red", "green", "blue"], "pet": ["a __colour__ cat", "{dog|hen}"]}
EXPECTED = [
    "a small blue red cat",
    "a small blue green cat",
    "a big green green cat",
    "a huge blue blue cat",
]
CIRCLE = {"a": ["__b__"], "b": ["__a__ and __a__"]}


def outcomes(prompt: str, wildcards: Any = WORDS, count: int = 300) -> Counter[str]:
    return Counter(resolve(prompt, seed, wildcards) for seed in range(count))


def test_each_alternative_comes_up_about_equally_often() -> None:
    found = outcomes("{red|green|blue}")
    assert found.keys() == {"red", "green", "blue"}
    assert min(found.values()) > 70


def test_several_draws_of_one_prompt_are_independent() -> None:
    assert len(outcomes("{a|b} {a|b} {a|b}")) == 8


def test_nested_and_empty_alternatives() -> None:
    assert outcomes("{a|{b|c}d|}x").keys() == {"ax", "bdx", "cdx", "x"}


def test_a_wildcard_stands_for_one_of_its_lines_with_their_own_alternatives() -> None:
    assert outcomes("__pet__!").keys() == {
        "a red cat!", "a green cat!", "a blue cat!", "dog!", "hen!",
    }  # fmt: skip
    assert outcomes("{__colour__|grey}").keys() == {"red", "green", "blue", "grey"}


def test_the_same_seed_draws_the_same_for_ever() -> None:
    # Written down: a change here would make old prompts draw others.
    prompt = "a {small|big|huge} {red|green|blue} __colour__ cat"
    assert [resolve(prompt, seed, WORDS) for seed in (0, 1, 31, 2**32 - 1)] == EXPECTED


@pytest.mark.parametrize(
    "prompt",
    ["a cat", "", "{a}", "{}", "a | b", "(a:1.2) [b]", "__init", "snake_case__name", "a __ b __"],
)
def test_what_is_no_alternative_stays_as_it_is(prompt: str) -> None:
    assert resolve(prompt, 5, {}) == prompt


def test_a_backslash_takes_the_signs_literally() -> None:
    assert resolve(r"\{a\|b\}", 1, {}) == "{a|b}"
    assert outcomes(r"{a\|b|c\}}", {}).keys() == {"a|b", "c}"}
    assert resolve(r"\(a\) {b|b}", 1, {}) == r"\(a\) b"


def test_a_missing_wildcard_is_named() -> None:
    with pytest.raises(InvalidRequest, match="colour"):
        resolve("a __colour__ cat", 1, {})


@pytest.mark.parametrize(
    "prompt", ["__a__", "{" * 5000 + "a|b" + "}" * 5000, "{a|b}" * 1001], ids=range(3)
)
def test_alternatives_without_an_end_are_refused(prompt: str) -> None:
    with pytest.raises(InvalidRequest, match="circle"):
        resolve(prompt, 1, CIRCLE)


def test_whether_there_is_anything_to_draw() -> None:
    assert has_alternatives("a {b|c}")
    assert has_alternatives("a __b__")
    assert not has_alternatives("a {b}, c__d")


# ------------------------------------------------------------------------------ files


def test_lines_of_a_file_without_notes_and_blanks(tmp_path: Path) -> None:
    (tmp_path / "colour.txt").write_text("\ufeffred\n\n # a note\n  sky blue \r\nvert é\n", "utf-8")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "deep.txt").write_text("x")
    folder = WildcardFolder(tmp_path)
    assert folder["colour"] == ["red", "sky blue", "vert é"]
    assert resolve("__in/deep__", 1, folder) == "x"


def test_a_missing_or_empty_file_is_named_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n# nothing\n")
    folder = WildcardFolder(tmp_path)
    for name, sentence in {"none": "Put a file none.txt", "empty": "is empty"}.items():
        with pytest.raises(InvalidRequest, match=sentence) as refused:
            resolve(f"__{name}__", 1, folder)
        assert str(tmp_path) in str(refused.value)


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "wildcards").mkdir()
    folder = WildcardFolder(tmp_path / "wildcards")
    for prompt in ("__../secret__", f"__{tmp_path}/secret__"):
        assert resolve(prompt, 1, folder) == prompt


# ------------------------------------------------------------------------------ requests


def test_a_request_keeps_what_was_written_beside_what_is_sent() -> None:
    request = drawn(a_request(prompt="a {red|green} cat", negative_prompt="{b|c}", seed=3), {})
    assert request.prompt in ("a red cat", "a green cat")
    assert request.written_prompt == "a {red|green} cat"
    assert (request.negative_prompt, request.written_negative_prompt[0]) != ("{b|c}", "")
    again = type(request).from_dict(request.to_dict())
    assert (again.prompt, again.written_prompt) == (request.prompt, request.written_prompt)


def test_each_seed_draws_its_own_from_what_was_written() -> None:
    first = drawn(a_request(prompt="{a|b|c|d|e|f}", seed=0), {})
    prompts = {drawn(first.with_seed(seed), {}).prompt for seed in range(40)}
    assert prompts == set("abcdef")
    assert drawn(first.with_seed(0), {}).prompt == first.prompt


def test_prompt_and_negative_prompt_draw_apart() -> None:
    prompt = "{a|b} {a|b} {a|b} {a|b} {a|b} {a|b}"
    request = drawn(a_request(prompt=prompt, negative_prompt=prompt), {})
    assert request.prompt != request.negative_prompt


def test_a_plain_request_stays_what_it_is() -> None:
    request = drawn(a_request(prompt="a cat"), {})
    assert (request.prompt, request.written_prompt) == ("a cat", "")
