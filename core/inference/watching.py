"""What a running pipeline is seen doing, told to a listener after each denoising step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from core.errors import GenerationCancelled, KnownError
from core.inference.finishing import EarlyEnd
from core.inference.masked import thumbnail
from core.inference.reins import Reins
from core.inference.resuming import StateKeeper
from core.previews import PreviewChoice
from core.request import GenerationRequest
from core.result import LoadingProgress, MemoryRanShort, PreviewFrame, StepProgress

Tensor = Any
Clock = Callable[[], float]

# Before a model's first run its decoding is taken for this many steps; 1.46 was measured for
# Stable Diffusion 1.5 at 512 pixels.
_DECODE_IN_STEPS = 1.5


class Listener(Protocol):
    """Hears how a generation goes on; called on the thread that generates."""

    def loading_progressed(self, progress: LoadingProgress) -> None:
        """A model is being read."""

    def step_completed(self, progress: StepProgress) -> None:
        """One denoising step is done."""

    def memory_ran_short(self, event: MemoryRanShort) -> None:
        """The picture is begun anew with less memory."""

    def preview_ready(self, frame: PreviewFrame) -> None:
        """A preview, which `wants_preview` had asked for, is there."""

    def wants_preview(self) -> bool:
        """Whether a preview made now would be looked at."""


class Stopwatch:
    """Estimates how long a run will go on, from the steps so far.

    Args:
        decode_seconds: What decoding took the last time at this size; None if never.
        clock: Gives seconds.
    """

    def __init__(self, decode_seconds: float | None, clock: Clock = time.perf_counter) -> None:
        self._decode_seconds = decode_seconds
        self._clock = clock
        self._begin = clock()
        self._first_step: float | None = None
        self._first_index = 0
        self._last_step = self._begin

    def seconds_left(self, index: int, total: int) -> float:
        """To be asked after each of the pipeline's `total` steps that is computed; index from 0."""
        now = self._last_step = self._clock()
        if self._first_step is None:
            self._first_step, self._first_index = now, index
            step = now - self._begin  # encoding the prompt included: an upper bound
        else:
            step = (now - self._first_step) / (index - self._first_index)
        decode = self._decode_seconds
        return (total - 1 - index) * step + (step * _DECODE_IN_STEPS if decode is None else decode)

    def seconds_since_last_step(self) -> float:
        """Time from the last step, at first from the beginning."""
        return self._clock() - self._last_step

    def leave_out(self, seconds: float) -> None:
        """Count that much less: the run rested after its last step."""
        self._last_step += seconds
        if self._first_step is not None:
            self._first_step += seconds


class StepWatch:
    """The pipeline's callback: stops it, tells the listener, and keeps the last latents.

    Args:
        reins: Stop it, let it rest, or end it early.
        early_end: Leaves the other steps out.
        predicted: Gives the predicted clean latents, if there are any.
        previews: Draws them, and learns how long the steps take.
        keeper: Takes the run's state after each step; None for nobody.
        done: Denoising steps that were done before.

    Attributes:
        predictions: The clean latents that each step predicted, where its state is kept.
        rested: Seconds of the pauses.
        stopped_at: After how many steps it was ended early; None if it was not.
        steps: Denoising steps that are done. A scheduler of second order, such as Heun, asks the
            model twice for one of them.
        latents: The latents after the last step.
    """

    def __init__(
        self,
        request: GenerationRequest,
        listener: Listener,
        reins: Reins,
        stopwatch: Stopwatch,
        *,
        early_end: EarlyEnd,
        predicted: Callable[[], Tensor | None],
        previews: PreviewChoice,
        keeper: StateKeeper | None = None,
        done: int = 0,
    ) -> None:
        self.steps = done
        self.predictions: dict[int, Tensor] = {}
        self._keeper = keeper
        self.rested = 0.0
        self.stopped_at: int | None = None
        self.latents: Tensor = None
        self._request = request
        self._listener = listener
        self._reins = reins
        self._early_end = early_end
        self._stopwatch = stopwatch
        self._predicted = predicted
        self._previews = previews

    def __call__(self, pipe: Any, index: int, timestep: Tensor, tensors: dict[str, Any]) -> Any:
        """As diffusers' `callback_on_step_end`.

        Raises:
            GenerationCancelled: the person asked to stop.
            KnownError: the model computed something that is not a number.
        """
        with self._previews.between_evaluations():
            return self._after(pipe, index, tensors)

    def _after(self, pipe: Any, index: int, tensors: dict[str, Any]) -> Any:
        self._give_way()
        if self.stopped_at is not None:
            return self._put_back(tensors)
        self.latents = tensors["latents"]
        seconds_left = self._stopwatch.seconds_left(index, pipe.num_timesteps)
        asked = self._request.steps_to_run
        done, total = _denoising_steps(index, pipe.num_timesteps, pipe.scheduler.order, asked)
        if done == total:
            _require_finite(self.latents, self._request)
        if done > self.steps:
            self.steps = done
            self._tell(total, seconds_left)
            if self._keeper is not None:
                self._keeper.take(done, index + 1, pipe.scheduler, self.latents)
        if done < total:
            self._rest()
        self._give_way()
        if 0 < self.steps < total and self._wants_end():
            self._end_early(pipe)
            return self._put_back(tensors)
        return tensors

    def frames(self) -> Iterator[PreviewFrame]:
        """Small previews of the steps whose state is kept, drawn now: colours are learnt late."""
        for step, x0 in self.predictions.items():
            yield PreviewFrame(self._request.id, step, thumbnail(self._previews.by_map(x0)))

    def _put_back(self, tensors: dict[str, Any]) -> dict[str, Any]:
        # LCM decodes what its scheduler calls "denoised"; the others leave that name alone.
        return tensors | {"latents": self.latents, "denoised": self.latents}

    def _rest(self) -> None:
        seconds = self._reins.rest()
        self.rested += seconds
        self._stopwatch.leave_out(seconds)

    def _end_early(self, pipe: Any) -> None:
        """Decode what was seen last: the expected clean picture, not what of it is still noise."""
        clean = self._predicted()
        if clean is not None:
            self.latents = clean.to(self.latents.dtype)
        _require_finite(self.latents, self._request)
        self.stopped_at = self.steps
        self._early_end.begin(pipe)

    def _wants_end(self) -> bool:
        # On the way to a branch there is no picture yet that one could end with.
        is_wanted = self._keeper is None or self._keeper.goes_to_the_end
        return is_wanted and self._reins.ends_after(self.steps)

    def _give_way(self) -> None:
        if self._reins.stop.is_set():
            raise GenerationCancelled

    def _tell(self, total: int, seconds_left: float) -> None:
        name = self._request.id
        self._listener.step_completed(StepProgress(name, self.steps, total, seconds_left))
        self._previews.step_completed()
        is_wanted = self._listener.wants_preview()
        keeps = self._keeper is not None and self._keeper.keeps
        x0 = self._predicted() if is_wanted or keeps else None
        if x0 is None:
            return
        if is_wanted and (images := self._previews.draw(x0)):
            frame = PreviewFrame(name, self.steps, images[0], tuple(images[1:]))
            self._listener.preview_ready(frame)
        if keeps:
            self.predictions[self.steps] = x0


def _denoising_steps(index: int, evaluations: int, order: int, asked: int) -> tuple[int, int]:
    """(done, total) for the pipeline's evaluation of that index; the last step has but one."""
    total = -(-evaluations // order)
    done = total if index == evaluations - 1 else (index + 1) // order
    again = max(0, total - asked)  # PNDM looks twice at its first step
    return max(done - again, min(done, 1)), total - again


def _require_finite(latents: Tensor, request: GenerationRequest) -> None:
    """NaN would become a black picture without a word."""
    if not bool(latents.isfinite().all()):
        raise KnownError(
            f"The model “{request.checkpoint}” computed numbers that are none (NaN) with the "
            f"scheduler “{request.scheduler}”. Choose another scheduler or a lower guidance scale."
        )
