"""Events without Qt: a model tells whoever listens, and does not keep the listener alive."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, ParamSpec

P = ParamSpec("P")


class Event(Generic[P]):
    """A list of callbacks that are held weakly and called in the order they were connected.

    Only bound methods and named functions make sense as callbacks: a lambda that nobody else
    holds would vanish at once.
    """

    def __init__(self) -> None:
        self._callbacks: list[weakref.ref[Callable[P, object]]] = []

    def connect(self, callback: Callable[P, object]) -> None:
        """Call `callback` at every `emit` from now on, for as long as it lives."""
        self._callbacks.append(_weakly(callback))

    def disconnect(self, callback: Callable[P, object]) -> None:
        """Call `callback` no more; nothing happens if it was not connected."""
        self._callbacks = [ref for ref in self._callbacks if ref() not in (None, callback)]

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every callback that is still alive."""
        for ref in tuple(self._callbacks):
            callback = ref()
            if callback is None:
                self._callbacks.remove(ref)
            else:
                callback(*args, **kwargs)


def _weakly(callback: Callable[..., Any]) -> weakref.ref[Any]:
    if hasattr(callback, "__self__"):
        return weakref.WeakMethod(callback)
    return weakref.ref(callback)
