"""Weights are read as A1111 reads them, and no character is lost or moved."""

from __future__ import annotations

import random

import pytest

from core.prompts import chunks_of, emphasize, is_plain, joined, parse_weights


def read(prompt: str) -> list[tuple[str, float]]:
    return [(span.text, span.weight) for span in parse_weights(prompt)]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a cat", [("a cat", 1)]),
        ("", []),
        ("a (red) cat", [("a ", 1), ("red", 1.1), (" cat", 1)]),
        ("((red))", [("red", 1.21)]),
        ("[dull]", [("dull", round(1 / 1.1, 6))]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(red : 1.3 )", [("red ", 1.3)]),
        ("(red:.5)", [("red", 0.5)]),
        ("(a (b:1.5) c:0.5)", [("a ", 0.5), ("b", 0.75), (" c", 0.5)]),
        ("[[(x:2)]]", [("x", round(2 / 1.21, 6))]),
        (r"a \(b\) \[c\] \\", [("a (b) [c] \\", 1)]),
        (r"(a \) b:2)", [("a ) b", 2)]),
        ("(never closed", [("never closed", 1.1)]),
        ("never opened) ]", [("never opened) ]", 1)]),
        ("(a [b) c]", [("a ", 1.1), ("b) c", 1)]),
        ("(a:1.2, b)", [("a:1.2, b", 1.1)]),
        ("[a:1.2]", [("a:1.2", round(1 / 1.1, 6))]),
        ("(:1.2)()", []),
        ("(x:99999)", [("x", 100)]),
        ("{a|b} <lora:x:1> \\n", [("{a|b} <lora:x:1> \\n", 1)]),
    ],
)
def test_brackets(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert read(prompt) == expected


def test_break_is_a_word_of_its_own() -> None:
    spans = parse_weights("a BREAK (b) c BREAKFAST")
    assert [(s.text, s.begins_chunk) for s in spans] == [
        ("a ", False),
        (" ", True),
        ("b", False),
        (" c BREAKFAST", False),
    ]
    assert read("BREAK") == []
    assert not is_plain(parse_weights("a BREAK b"))
    assert is_plain(parse_weights("a BREAKFAST"))


def test_every_character_stands_where_it_was_written() -> None:
    rng = random.Random(5)
    for _ in range(300):
        prompt = "".join(rng.choices([*"ab ([)]\\:1.", " BREAK ", "(c:1.3)"], k=rng.randint(0, 40)))
        for span in parse_weights(prompt):
            assert "".join(prompt[place] for place in span.places) == span.text
        places = joined(parse_weights(prompt)).places
        assert list(places) == sorted(set(places))


def test_text_without_syntax_is_one_span_that_is_the_text() -> None:
    for prompt in ("a cat, 8k: it's 1.5 high", "漢字 🐈", " spaces  ", "a\nb"):
        (span,) = parse_weights(prompt)
        assert (span.text, span.weight) == (prompt, 1)
        assert is_plain((span,))


def letters(text: str) -> list[tuple[int, int]]:
    """A tokenizer of one token a letter."""
    return [(ord(letter), at) for at, letter in enumerate(text) if not letter.isspace()]


def test_chunks_carry_weights_and_are_full_but_for_the_last() -> None:
    chunks = chunks_of(parse_weights("abcd(ef:2)gh"), letters, 3)
    assert [len(chunk) for chunk in chunks] == [3, 3, 2]
    assert [token.weight for chunk in chunks for token in chunk] == [1, 1, 1, 1, 2, 2, 1, 1]
    assert [chunk[0].place for chunk in chunks] == [0, 3, 10]


def test_break_leaves_a_chunk_unfilled_and_makes_no_empty_ones() -> None:
    chunks = chunks_of(parse_weights("BREAK ab BREAK BREAK c BREAK"), letters, 3)
    assert ["".join(chr(token.id) for token in chunk) for chunk in chunks] == ["ab", "c"]
    assert chunks_of((), letters, 3) == ((),)


# ------------------------------------------------------------------------------ emphasis


def after(prompt: str, start: int, end: int | None = None, by: float = 0.1) -> tuple[str, str]:
    """(the prompt after the change, what is selected in it)."""
    change = emphasize(prompt, start, start if end is None else end, by)
    assert change is not None
    text = prompt[: change.start] + change.text + prompt[change.end :]
    return text, text[slice(*change.selected)]


@pytest.mark.parametrize("place", [2, 4, 5])
def test_the_word_at_the_cursor_is_weighed(place: int) -> None:
    assert after("a cat, here", place) == ("a (cat:1.1), here", "cat")


def test_a_selection_is_weighed_without_the_blanks_around_it() -> None:
    assert after("a red cat here", 1, 10) == ("a (red cat:1.1) here", "red cat")


@pytest.mark.parametrize("place", [2, 3, 5, 8, 11])
def test_weighed_words_are_weighed_anew_from_anywhere_in_them(place: int) -> None:
    assert after("a (cat:1.1) here", place) == ("a (cat:1.2) here", "cat")


def test_more_and_less_lead_back_to_the_prompt_as_it_was() -> None:
    prompt, change = "a blue-eyed cat", emphasize("a blue-eyed cat", 5, 5)
    for by in (0.1, -0.1, -0.1):
        assert change is not None
        text = prompt[: change.start] + change.text + prompt[change.end :]
        prompt, change = text, emphasize(text, *change.selected, by)
    assert change is not None
    text = prompt[: change.start] + change.text + prompt[change.end :]
    assert text == "a blue-eyed cat"


def test_weights_end_at_zero_and_ten_and_are_round_numbers() -> None:
    assert after("(x:0.05)", 1, by=-0.1)[0] == "(x:0)"
    assert after("(x:9.95)", 1)[0] == "(x:10)"
    assert after("(x:1.30000001)", 1)[0] == "(x:1.4)"
    assert after("(x:0.7)", 1, by=0.1)[0] == "(x:0.8)"


def test_where_there_is_no_word_nothing_is_weighed() -> None:
    assert emphasize("", 0, 0) is None
    assert emphasize("a ,  b", 3, 3) is None
    assert emphasize("a    b", 1, 4) is None


def test_what_is_written_is_what_is_read() -> None:
    text, _ = after("a red cat", 2, 9)
    assert read(text) == [("a ", 1), ("red cat", 1.1)]
