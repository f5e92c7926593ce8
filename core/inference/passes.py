"""Text-to-image in two passes: small, where composition is right, then larger from there.

Known as "hires fix": above its native size a model repeats what it draws, so that the second pass
starts from the enlarged first picture instead of from noise.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from core.abilities import GenerationKind
from core.images import resize
from core.inference.watching import Listener
from core.request import GenerationRequest, Pixels
from core.result import (
    GenerationResult,
    LoadingProgress,
    MemoryRanShort,
    PreviewFrame,
    StepProgress,
)

Clock = Callable[[], float]
OnePass = Callable[[GenerationRequest, Listener], GenerationResult]


def in_two_passes(request: GenerationRequest, listener: Listener, one: OnePass) -> GenerationResult:
    """The picture of a request with a `first_pass_size`.

    Args:
        listener: Hears of both passes as of one, with the steps of both counted through.
        one: Makes the picture of a request of a single pass.

    Raises:
        KnownError, GenerationCancelled: as `one`, in either pass.
    """
    hears = _Counted(request, listener)
    first = one(_first(request), hears)
    hears.begin_second(first.steps)
    second = one(_second(request, first.image), hears)
    return replace(
        second,
        request=request,
        seconds=first.seconds + second.seconds,
        steps=first.steps + second.steps,
        blanked=first.blanked or second.blanked,
    )


def _first(request: GenerationRequest) -> GenerationRequest:
    assert request.first_pass_size is not None  # it is why we are here
    size = request.first_pass_size
    return replace(request, size=size, denoising_size=size, first_pass_size=None)


def _second(request: GenerationRequest, picture: Pixels) -> GenerationRequest:
    return replace(
        request,
        kind=GenerationKind.IMAGE_TO_IMAGE,
        init_image=resize(picture, request.size),
        strength=request.hires_strength,
        first_pass_size=None,
    )


class _Counted:
    """Passes on what it hears of one pass as a part of both."""

    def __init__(
        self, request: GenerationRequest, listener: Listener, clock: Clock = time.perf_counter
    ) -> None:
        assert request.first_pass_size is not None
        self._listener = listener
        self._clock = clock
        self._before = 0
        self._after = request.hires_steps
        self._heavier = request.denoising_size.area / request.first_pass_size.area
        self._first_heard: tuple[float, int] | None = None

    def begin_second(self, steps: int) -> None:
        """The first pass is over, after that many steps."""
        self._before, self._after = steps, 0

    def loading_progressed(self, progress: LoadingProgress) -> None:
        """A model is being read."""
        self._listener.loading_progressed(progress)

    def step_completed(self, progress: StepProgress) -> None:
        """One denoising step is done, of either pass."""
        self._listener.step_completed(
            StepProgress(
                progress.request_id,
                self._before + progress.step,
                self._before + progress.num_steps + self._after,
                progress.seconds_left + self._seconds_of_second(progress),
            )
        )

    def memory_ran_short(self, event: MemoryRanShort) -> None:
        """The pass is begun anew with less memory."""
        self._listener.memory_ran_short(event)

    def preview_ready(self, frame: PreviewFrame) -> None:
        """A preview of either pass."""
        self._listener.preview_ready(replace(frame, step=self._before + frame.step))

    def wants_preview(self) -> bool:
        """Whether a preview made now would be looked at."""
        return self._listener.wants_preview()

    def _seconds_of_second(self, progress: StepProgress) -> float:
        """The second pass from the pace of the first; a step is dearer by its pixels at least."""
        if self._after == 0:
            return 0.0
        now = self._clock()
        if self._first_heard is None or progress.step <= self._first_heard[1]:
            self._first_heard = now, progress.step
            step = progress.seconds_left / max(1, progress.num_steps - progress.step)
        else:
            begin, first = self._first_heard
            step = (now - begin) / (progress.step - first)
        return step * self._after * self._heavier
