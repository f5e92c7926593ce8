"""From one generation to the engine's events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.result import PreviewFrame


class Relay:
    """Listens to one generation and passes on what it hears, previews only when looked at.

    Args:
        post: Sends an event.
        request_id: Whose generation it is.
    """

    def __init__(self, post: Callable[[Any], None], request_id: str) -> None:
        self.request_id = request_id
        self.loading_progressed = self.step_completed = self.memory_ran_short = post
        self._post = post
        self._is_taken = True

    def wants_preview(self) -> bool:
        """Whether the last preview was taken."""
        return self._is_taken

    def preview_ready(self, frame: PreviewFrame) -> None:
        """Send a preview, and then none until it is taken."""
        self._is_taken = False
        self._post(frame)

    def take_preview(self) -> None:
        """The window has drawn the last preview."""
        self._is_taken = True
