"""Lists of values as people write them: ``10, 20``, ``a cat | a dog``, ``10-30 (+5)``."""

from __future__ import annotations

import re
from decimal import Decimal

from core.errors import InvalidRequest

MOST_VALUES = 400
_NUMBER = r"([+-]?\d+(?:\.\d+)?)"
_RANGE = re.compile(
    rf"\s*{_NUMBER}\s*-\s*{_NUMBER}\s*(?:\(\s*{_NUMBER}\s*\)|\[\s*(\d{{1,4}})\s*\])?\s*"
)


def split(text: str) -> list[str]:
    """The values of a list, stripped: parted by ``|`` where there is one, else by commas.

    Marks inside braces are alternatives and part nothing.
    """
    parts = _parts(text, "|")
    return parts if len(parts) > 1 else _parts(text, ",")


def spread(text: str, *, is_whole: bool) -> list[str]:
    """The numbers of a range, both ends included; anything else alone, as it is.

    ``1-4`` counts by one, ``10-30 (+5)`` by five, ``9-1 (-2)`` downwards, ``0-1 [5]`` gives five
    numbers at equal distances.

    Args:
        is_whole: Round those of the last kind.

    Raises:
        InvalidRequest: the range has no end, or too many numbers.
    """
    found = _RANGE.fullmatch(text)
    if found is None:
        return [text]
    first, last = Decimal(found[1]), Decimal(found[2])
    if found[4] is not None:
        return _evenly(first, last, int(found[4]), is_whole)
    step = Decimal(found[3]) if found[3] else Decimal(1 if first <= last else -1)
    if step == 0 or (last - first) / step < 0:
        raise InvalidRequest(f"“{text.strip()}” never arrives. Write ranges like 10-30 (+5).")
    count = int((last - first) / step) + 1
    _require_few(count, text)
    return [_plain(first + step * number) for number in range(count)]


def _evenly(first: Decimal, last: Decimal, count: int, is_whole: bool) -> list[str]:
    _require_few(count, f"[{count}]")
    pieces = max(1, count - 1)
    values = [first + (last - first) * number / pieces for number in range(max(1, count))]
    return [_plain(value.quantize(Decimal(1 if is_whole else "0.0001"))) for value in values]


def _require_few(count: int, text: str) -> None:
    if count > MOST_VALUES:
        raise InvalidRequest(f"“{text.strip()}” are more than {MOST_VALUES} values. Take fewer.")


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parts(text: str, mark: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if character == mark and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
