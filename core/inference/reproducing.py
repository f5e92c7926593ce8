"""Make a kept picture again under the conditions of its first time, as far as we set them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

MOST_THREADS = 1024


@contextmanager
def threads_of(facts: Mapping[str, Any]) -> Iterator[None]:
    """While the context is open, torch computes with as many threads as then.

    Sums of floats depend on how they are divided. The number counts for the calling thread.

    Args:
        facts: Of the kept result; nothing is changed where they do not say.
    """
    import torch

    before, then = torch.get_num_threads(), facts.get("threads")
    if isinstance(then, int) and 1 <= then <= MOST_THREADS:
        torch.set_num_threads(then)
    try:
        yield
    finally:
        torch.set_num_threads(before)
