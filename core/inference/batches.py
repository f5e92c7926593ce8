"""Several pictures computed in one batch: faster where a device idles over one, and dearer.

Each picture draws its noise from a generator of its own seed, so that it is the picture which that
seed gives by itself, but for rounding: what is computed at once is summed up in another order. So
the seeds of the whole batch belong to each picture's request, and with them it is made again.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from core.abilities import ModelAbilities
from core.addons import Outfit
from core.errors import InvalidRequest
from core.inference.reins import Reins
from core.inference.watching import Listener
from core.request import MAX_SEED, GenerationRequest
from core.result import GenerationResult, PreviewFrame, StepProgress

MOST_TOGETHER = 16
Clock = Callable[[], float]
Draw = Callable[[Sequence[Outfit]], list[GenerationResult]]


def validate_batch(request: GenerationRequest, abilities: ModelAbilities) -> None:
    """Refuse a batch that could not be drawn; a picture by itself is fine.

    Raises:
        InvalidRequest: names what stands in its way.
    """
    seeds = request.together
    if not seeds:
        return
    if not abilities.draws_together:
        raise InvalidRequest(
            f"“{request.checkpoint}” draws one picture at a time. Leave the batch size at 1."
        )
    if _has_other_parts(request):
        raise InvalidRequest(
            "Pictures of several passes (two sizes, tiles, a refiner) and branches are drawn one "
            "at a time. Leave the batch size at 1."
        )
    if not 2 <= len(seeds) <= MOST_TOGETHER:
        raise InvalidRequest(f"{len(seeds)} pictures are no batch; it has 2 to {MOST_TOGETHER}.")
    if request.seed not in seeds or len(set(seeds)) < len(seeds):
        raise InvalidRequest("The seeds of a batch are its own and each other's. Name each once.")
    if not all(0 <= seed <= MAX_SEED for seed in seeds):
        raise InvalidRequest(f"The seeds of a batch lie between 0 and {MAX_SEED}. Choose others.")


def can_be_together(request: GenerationRequest, abilities: ModelAbilities) -> bool:
    """Whether pictures like that can be drawn in one batch."""
    return abilities.draws_together and not _has_other_parts(request)


def batched(
    requests: Iterable[GenerationRequest], abilities: ModelAbilities, most: int = MOST_TOGETHER
) -> list[GenerationRequest]:
    """Requests of one start that differ in seed, as few batches of up to `most` each.

    Pictures whose alternatives were drawn differently, and what can only be drawn by itself, are
    left as they are.
    """
    groups: list[list[GenerationRequest]] = []
    for request in requests:
        last = groups[-1] if groups else []
        fits = bool(last) and len(last) < most and can_be_together(request, abilities)
        if fits and _same_words(last[0], request):
            last.append(request)
        else:
            groups.append([request])
    return [replace(group[0], together=_seeds(group)) for group in groups]


class Batch:
    """The pictures of one request that are drawn together, and those of them that are done.

    Args:
        outfit: Of a request with `together`.
        listener: Hears of the batch as of one run, in however many parts it is drawn.
        reins: Where they end it early, the parts that are not begun are left out.

    Attributes:
        hears: Who is to listen to each part.
    """

    def __init__(self, outfit: Outfit, listener: Listener, reins: Reins) -> None:
        self._outfit = outfit
        self._reins = reins
        # The picture that was asked for is in the first part, whatever becomes of the others.
        self._left = sorted(outfit.asked.together, key=lambda seed: seed != outfit.asked.seed)
        self._done: list[GenerationResult] = []
        self.hears = _InParts(listener)

    def draw(self, at_once: int, draw: Draw) -> GenerationResult:
        """Draw those that are left; what is done stays done if it fails.

        Args:
            at_once: How many at most.
            draw: Gives the pictures of these outfits, computed in one batch.

        Returns:
            The picture of the request's own seed; the others are its `together`.
        """
        sizes = _evenly(len(self._left), at_once)
        for number, size in enumerate(sizes):
            if self._done and self._reins.is_finishing:
                break
            self.hears.begin(number, len(sizes))
            self._done += draw(self._outfits(sorted(self._left[:size], key=self._place)))
            self._left = self._left[size:]
        return self._result()

    def _outfits(self, seeds: Sequence[int]) -> list[Outfit]:
        together = tuple(seeds) if len(seeds) > 1 else ()
        outfit, outfits = self._outfit, []
        for seed in seeds:
            name = outfit.asked.id if seed == outfit.asked.seed else uuid.uuid4().hex
            asked, request = (
                replace(each, seed=seed, together=together, id=name)
                for each in (outfit.asked, outfit.request)
            )
            outfits.append(replace(outfit, asked=asked, request=request))
        return outfits

    def _result(self) -> GenerationResult:
        done = sorted(self._done, key=lambda each: self._place(each.request.seed))
        own = next(each for each in done if each.request.seed == self._outfit.asked.seed)
        return replace(own, together=tuple(each for each in done if each is not own))

    def _place(self, seed: int) -> int:
        return self._outfit.asked.together.index(seed)


class _InParts:
    """Passes on what it hears of one part of a batch as of the whole."""

    def __init__(self, listener: Listener, clock: Clock = time.perf_counter) -> None:
        self._listener = listener
        self._clock = clock
        self._number, self._parts, self._began = 0, 1, clock()
        self.loading_progressed = listener.loading_progressed
        self.memory_ran_short = listener.memory_ran_short
        self.wants_preview = listener.wants_preview

    def begin(self, number: int, parts: int) -> None:
        """Part `number`, from 0, of so many begins."""
        self._number, self._parts, self._began = number, parts, self._clock()

    def step_completed(self, progress: StepProgress) -> None:
        """One denoising step of a part is done; the parts to come take as long as this one."""
        before = self._number * progress.num_steps
        took = self._clock() - self._began + progress.seconds_left
        self._listener.step_completed(
            replace(
                progress,
                step=before + progress.step,
                num_steps=self._parts * progress.num_steps,
                seconds_left=progress.seconds_left + took * (self._parts - 1 - self._number),
            )
        )

    def preview_ready(self, frame: PreviewFrame) -> None:
        """A preview of the pictures of a part."""
        self._listener.preview_ready(frame)


def _has_other_parts(request: GenerationRequest) -> bool:
    parts = (request.first_pass_size, request.tile_overlap, request.refinement, request.branch)
    return any(parts)


def _same_words(one: GenerationRequest, other: GenerationRequest) -> bool:
    return (one.prompt, one.negative_prompt) == (other.prompt, other.negative_prompt)


def _seeds(group: Sequence[GenerationRequest]) -> tuple[int, ...]:
    return tuple(request.seed for request in group) if len(group) > 1 else ()


def _evenly(count: int, at_once: int) -> list[int]:
    """`count` in as few parts of up to `at_once` as will do, none much larger than another."""
    parts = -(-count // max(1, at_once))
    return [count // parts + (number < count % parts) for number in range(parts)]
