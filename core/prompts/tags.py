"""``<lora:name:0.8>`` in a prompt, as A1111 and Forge write it: found, and taken out."""

from __future__ import annotations

import math
import re

# A1111's modules/extra_networks.py, for the two networks whose files are the same.
_TAG = re.compile(r"<(?:lora|lyco):([^<>:]+)((?::[^<>:]*)*)>", re.IGNORECASE)


def split_addon_tags(prompt: str) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The prompt without its tags, and each tag's (name, weight) in the order they stand there.

    A weight that is left out or is no number counts as 1. Of two weights, for text encoder and
    U-Net, the first counts for both. What is not quite a tag stays in the prompt.
    """
    tags = tuple((match[1].strip(), _weight(match[2])) for match in _TAG.finditer(prompt))
    return (_TAG.sub("", prompt).strip(), tags) if tags else (prompt, ())


def without_addon_tags(prompt: str) -> str:
    """The prompt with blanks in place of its tags, so that all else stands where it stood."""
    return _TAG.sub(lambda match: " " * len(match[0]), prompt)


def _weight(arguments: str) -> float:
    """Of ``:0.8`` or ``:0.8:0.5`` or ``:te=0.8``."""
    first = arguments.removeprefix(":").split(":")[0].rpartition("=")[2]
    try:
        weight = float(first)
    except ValueError:
        return 1.0
    return weight if math.isfinite(weight) else 1.0
