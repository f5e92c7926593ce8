"""One request in, one finished picture out; everything in between can be stopped."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from core.addons import AddonShelf, Outfit, outfit_for
from core.checkpoints import Checkpoint
from core.inference.arguments import arguments_for
from core.inference.batches import MOST_TOGETHER, Batch, validate_batch
from core.inference.branching import first_leg, validate_branch
from core.inference.change_map import following
from core.inference.decoded import pixels_of
from core.inference.ensemble import (
    Arguments,
    HalfDone,
    UpTo,
    in_ensemble,
    refiner_for,
    validate_ensemble,
)
from core.inference.finishing import EarlyEnd
from core.inference.forecast import prepare
from core.inference.ladder import MemoryLadder
from core.inference.masked import MaskedPreview, WorkArea
from core.inference.noise_field import NoisePart
from core.inference.passes import in_two_passes
from core.inference.reins import CALM, Reins
from core.inference.resuming import HeadStart, Leg, StateKeeper, StepReached
from core.inference.savings import sliced_vae
from core.inference.stopping import stoppable
from core.inference.tiles import in_tiles, validate_tiles
from core.inference.timeline import StepState, Timelines, name_of_run
from core.inference.watching import GenerationCancelled, Listener, StepWatch, Stopwatch
from core.pipelines import LoadedPipeline, PipelineCache
from core.previews import X0Tap
from core.request import GenerationRequest, Pixels
from core.result import GenerationResult, LoadingProgress
from core.schedulers import make_scheduler
from core.tracing import trace

Tensor = Any
NO_ADDONS = AddonShelf()


def generate(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    pipelines: PipelineCache,
    listener: Listener,
    stop: threading.Event,
    reins: Reins | None = None,
    shelf: AddonShelf = NO_ADDONS,
    timelines: Timelines | None = None,
    noise: NoisePart | None = None,
    at_once: int = MOST_TOGETHER,
) -> GenerationResult:
    """Make the picture that was asked for, and those that are drawn together with it.

    The same request gives the same pixels, whatever ran before. Set `stop` from any thread to
    end it early: it is looked at while loading, and before every block of the networks.

    Where memory does not suffice, it is tried again with savings that cost time (`MemoryLadder`);
    they are named in the result's facts, and the next picture is made without them.

    A request with a `branch` begins with what its parent's run had after that step: where
    `timelines` no longer has it, that run's steps are done again. The picture is the same.

    Args:
        reins: To pause it, or to end it after a step with the picture there is by then; made of
            `stop` when left out.
        shelf: Where the add-ons are that the request or its prompt names.
        timelines: Keep the states of runs, and give them back; None keeps none.
        noise: To be added to the picture at the start, instead of what the seed says.
        at_once: How many pictures of a batch there is memory for.

    Raises:
        InvalidRequest: the model cannot carry it out; nothing was loaded.
        BrokenAddon: an add-on is missing or does not fit; the model wears none of it.
        BrokenCheckpoint: the model cannot be loaded.
        OutOfMemory: no saving helped; what it had taken is free again.
        GenerationCancelled: `stop` was set.
        KnownError: the model computed no picture.
    """
    request.validate(checkpoint.abilities)
    validate_branch(request, checkpoint.abilities)
    validate_tiles(request, checkpoint.abilities)
    validate_ensemble(request, checkpoint.abilities)
    validate_batch(request, checkpoint.abilities)
    reins = Reins(stop) if reins is None else reins
    outfit = outfit_for(request, checkpoint.abilities, shelf, lambda: _give_way(stop))
    if request.first_pass_size is not None:
        return in_two_passes(
            outfit.asked,
            listener,
            lambda one, hears: generate(one, checkpoint, pipelines, hears, stop, reins, shelf),
        )
    if request.tile_overlap:
        return in_tiles(
            outfit.asked,
            checkpoint.abilities.size_multiple,
            listener,
            lambda: reins.is_finishing,
            lambda one, hears, noise: generate(
                one, checkpoint, pipelines, hears, stop, reins, shelf, noise=noise
            ),
        )
    means = _Means(checkpoint, pipelines, listener, reins, shelf, timelines, noise)
    if request.refinement is not None:
        refiner = refiner_for(outfit, checkpoint.abilities, shelf.folders)
        return in_ensemble(outfit, listener, means.begin, replace(means, checkpoint=refiner).finish)
    if request.together:
        return means.make_batch(outfit, at_once)
    with_its_id = _Ancestors(means, request.id)
    return means.make(outfit, first_leg(request, with_its_id.kept, with_its_id.until))


@dataclass(frozen=True)
class _Means:
    """With what a picture is made, and the runs that it is branched from."""

    checkpoint: Checkpoint
    pipelines: PipelineCache
    listener: Listener
    reins: Reins
    shelf: AddonShelf
    timelines: Timelines | None
    noise: NoisePart | None = None
    arguments: Arguments = dict

    def make(
        self, outfit: Outfit, leg: Leg, ladder: MemoryLadder | None = None
    ) -> GenerationResult:
        ladder = self.ladder(outfit.asked) if ladder is None else ladder

        def attempt() -> GenerationResult:
            loaded = self.load(outfit.request, ladder.listener)
            with (
                loaded.wearing(outfit, lambda: _give_way(self.reins.stop)) as dressed,
                ladder.equipped(dressed),
            ):
                return _run([outfit], dressed, ladder, self, leg)[0]

        return ladder.run(attempt)

    def make_batch(self, outfit: Outfit, at_once: int) -> GenerationResult:
        """Pictures drawn together; what they were on their way is not kept to be branched from."""
        batch = Batch(outfit, self.listener, self.reins)
        means = replace(self, listener=batch.hears, timelines=None)
        ladder = means.ladder(outfit.asked)

        def attempt() -> GenerationResult:
            loaded = means.load(outfit.request, ladder.listener)
            with loaded.wearing(outfit, lambda: _give_way(self.reins.stop)) as dressed:

                def draw(outfits: Sequence[Outfit]) -> list[GenerationResult]:
                    with ladder.equipped(dressed), sliced_vae(dressed.pipe):
                        return _run(outfits, dressed, ladder, means, Leg())

                return batch.draw(1 if ladder.one_at_a_time else at_once, draw)

        return ladder.run(attempt)

    def begin(self, outfit: Outfit, up_to: UpTo, hears: Listener) -> HalfDone:
        """The first of two models, as `in_ensemble` asks."""
        means = replace(self, listener=hears, timelines=None)
        ladder = means.ladder(outfit.asked)
        loaded = ladder.run(lambda: means.load(outfit.request, ladder.listener))
        until = up_to(loaded.original_scheduler_config)
        ladder = means.ladder(outfit.asked)
        try:
            means.make(outfit, Leg(until=until), ladder)
        except StepReached as reached:
            return HalfDone(reached.state, loaded.facts | ladder.facts)
        raise AssertionError(f"the first model ended before step {until}")

    def finish(self, outfit: Outfit, arguments: Arguments, hears: Listener) -> GenerationResult:
        """The second of two models, as `in_ensemble` asks."""
        prepare(outfit.request, self.checkpoint, self.pipelines)
        means = replace(self, listener=hears, timelines=None, arguments=arguments)
        return means.make(outfit, Leg())

    def ladder(self, request: GenerationRequest) -> MemoryLadder:
        return MemoryLadder(request, self.checkpoint, self.pipelines, self.listener, self.reins)

    def load(self, request: GenerationRequest, listener: Listener) -> LoadedPipeline:
        return _load(request, self.checkpoint, self.pipelines, listener, self.reins.stop)

    def outfit(self, request: GenerationRequest) -> Outfit:
        abilities, stop = self.checkpoint.abilities, self.reins.stop
        return outfit_for(request, abilities, self.shelf, lambda: _give_way(stop))


@dataclass(frozen=True)
class _Ancestors:
    """The runs before the branch, which tell of themselves by the id of what is asked for."""

    means: _Means
    request_id: str

    def kept(self, request: GenerationRequest, step: int) -> StepState | None:
        """As `first_leg` asks."""
        means, timelines = self.means, self.means.timelines
        if timelines is None:
            return None
        outfit, ladder = means.outfit(replace(request, id=self.request_id)), means.ladder(request)
        loaded = ladder.run(lambda: means.load(outfit.request, ladder.listener))
        name = name_of_run(outfit.asked, loaded.facts | outfit.facts)
        return timelines.up_to(name, step)

    def until(self, request: GenerationRequest, leg: Leg) -> StepState:
        """As `first_leg` asks."""
        try:
            self.means.make(self.means.outfit(replace(request, id=self.request_id)), leg)
        except StepReached as reached:
            return reached.state
        raise AssertionError(f"the run ended before step {leg.until}")


def _load(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    pipelines: PipelineCache,
    listener: Listener,
    stop: threading.Event,
) -> LoadedPipeline:
    def progress(fraction: float, what: str) -> None:
        if stop.is_set():
            raise GenerationCancelled
        listener.loading_progressed(LoadingProgress(request.id, fraction, what))

    with trace("load"):
        return pipelines.get(checkpoint, request.kind, progress)


def _give_way(stop: threading.Event) -> None:
    if stop.is_set():
        raise GenerationCancelled


class _Denoised(NamedTuple):
    """Pictures at the denoising size, how they came about, and which of them were blanked."""

    pictures: list[Pixels]
    watch: StepWatch
    blanked: list[bool]

    @property
    def facts(self) -> dict[str, Any]:
        """What decided the pictures on the way."""
        stopped_at, count = self.watch.stopped_at, len(self.pictures)
        ended = {} if stopped_at is None else {"stopped_at_step": stopped_at}
        return ended | ({"drawn_together": count} if count > 1 else {})


def _run(
    outfits: Sequence[Outfit],
    loaded: LoadedPipeline,
    ladder: MemoryLadder,
    means: _Means,
    leg: Leg,
) -> list[GenerationResult]:
    """One result for each outfit; of several, which differ in seed alone, in one batch."""
    begin = time.perf_counter()
    keep = _keeping(outfits[0], loaded, ladder, means.timelines)
    areas = [WorkArea.of(each.request, loaded.checkpoint.abilities) for each in outfits]
    with trace("denoise"):
        denoised = _denoise(areas, loaded, ladder.listener, means, leg, keep)
    watch = denoised.watch
    finished = [area.finish(each) for area, each in zip(areas, denoised.pictures, strict=True)]
    seconds = (time.perf_counter() - begin - watch.rested) / len(outfits)
    return [
        GenerationResult(
            request=outfit.asked,
            image=image,
            seconds=seconds,
            steps=watch.steps,
            changed_outside_mask=changed,
            blanked=blanked,
            facts={
                **loaded.facts,
                "denoising_size": list(outfit.asked.denoising_size),
                **outfit.facts,
                **ladder.facts,
                **denoised.facts,
            },
            frames=tuple(watch.frames()),
        )
        for outfit, (image, changed), blanked in zip(
            outfits, finished, denoised.blanked, strict=True
        )
    ]


def _keeping(
    outfit: Outfit, loaded: LoadedPipeline, ladder: MemoryLadder, timelines: Timelines | None
) -> Callable[[StepState], None] | None:
    if timelines is None:
        return None
    name = name_of_run(outfit.asked, loaded.facts | outfit.facts | ladder.facts)
    return functools.partial(timelines.add, name)


def _denoise(
    areas: Sequence[WorkArea],
    loaded: LoadedPipeline,
    listener: Listener,
    means: _Means,
    leg: Leg,
    keep: Callable[[StepState], None] | None,
) -> _Denoised:
    request, pipe, reins = areas[0].request, loaded.pipe, means.reins
    # A scheduler of its own for each run: siblings that share one would share its position.
    config, steps = loaded.original_scheduler_config, request.num_inference_steps
    loaded.schedule(make_scheduler(request.scheduler, config, steps))
    pixels = request.denoising_size.area * len(areas)
    pace = loaded.pace.decode_seconds_per_pixel
    stopwatch = Stopwatch(None if pace is None else pace * pixels)
    over = MaskedPreview(areas[0])
    previews = loaded.previews(request.denoising_size, means.shelf.folders, over)
    try:
        with (
            stoppable(pipe, reins.stop, functools.partial(reins.give_way, _calm(loaded))),
            nullcontext() if means.noise is None else means.noise.given_to(pipe.scheduler),
            X0Tap(pipe.scheduler) as tap,
            EarlyEnd() as early_end,
        ):
            arguments = arguments_for([area.request for area in areas], loaded)
            arguments |= means.arguments()
            generator = arguments["generator"]
            watch = StepWatch(
                request,
                listener,
                reins,
                stopwatch,
                early_end=early_end,
                predicted=lambda: loaded.map_of(tap.x0, request.denoising_size),
                previews=previews,
                keeper=StateKeeper(generator, keep, leg.until),
                done=0 if leg.start is None else leg.start.step,
            )
            with HeadStart(leg, pipe, generator, watch) as callback:
                output = pipe(**arguments, output_type="np", **following(request, callback))
    finally:
        _tidy(loaded)
    loaded.pace.decode_seconds_per_pixel = stopwatch.seconds_since_last_step() / pixels
    blanked = list(getattr(output, "nsfw_content_detected", None) or [False] * len(areas))
    if not blanked[0]:
        latents = loaded.map_of(watch.latents, request.denoising_size)
        _learn_preview(loaded, latents, output.images)
    pictures = [pixels_of(image, request) for image in output.images]
    return _Denoised(pictures, watch, blanked)


def _calm(loaded: LoadedPipeline) -> float:
    """How long a hand rests before the next block: a graphics card is no rival to the window."""
    return CALM if loaded.plan.device == "cpu" else 0.0


def _learn_preview(loaded: LoadedPipeline, latents: Tensor, images: Any) -> None:
    import torch

    loaded.preview.observe(latents[:1], torch.from_numpy(images[:1]).permute(0, 3, 1, 2))


def _tidy(loaded: LoadedPipeline) -> None:
    """Leave the pipeline as new, also after it was stopped in the middle of anything."""
    import torch

    loaded.pipe.maybe_free_model_hooks()
    dtype = getattr(torch, loaded.plan.dtype)
    if loaded.vae.dtype != dtype:  # SDXL in float16 decodes in float32
        loaded.vae.to(dtype)
