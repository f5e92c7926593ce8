"""Out of memory? Again, with less of it: rung by rung until the picture fits or none is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, TypeVar

from core.checkpoints import Checkpoint
from core.errors import OutOfMemory
from core.inference import savings
from core.inference.reins import Reins
from core.inference.watching import Listener
from core.logs import logger
from core.memory import Placement, forget_frames, is_out_of_memory
from core.pipelines import LoadedPipeline, PipelineCache, free_memory
from core.pipelines.loading import too_large
from core.request import GenerationRequest
from core.result import MemoryRanShort, StepProgress

T = TypeVar("T")
_log = logger("memory")


class Phase(Enum):
    """How far a run had come."""

    LOADING = auto()
    DENOISING = auto()
    DECODING = auto()


@dataclass(frozen=True)
class Rung:
    """One thing that saves memory.

    Attributes:
        name: For log and record.
        words: What is done now, to end the sentence "Memory ran short; now …".
        helps: Where it makes a difference.
        switch: Switches it on for a run; None for what is not done to the pipeline.
        can: Whether the pipeline has what it takes.
        suits: Whether a picture like that is the same with it.
        placement: Where the model's parts have to be, instead of all on the device.
        by_casting: Whether it needs a device that keeps weights in 8 bits.
        only_off_cpu: Whether it saves nothing on the CPU: offloading has nowhere to go, and the
            CPU's attention never holds the whole matrix that slicing would cut.
    """

    name: str
    words: str
    helps: frozenset[Phase]
    switch: Callable[[Any], AbstractContextManager[None]] | None = None
    can: Callable[[Any], bool] = lambda pipe: True
    suits: Callable[[GenerationRequest], bool] = lambda request: True
    placement: Placement | None = None
    by_casting: bool = False
    only_off_cpu: bool = False


_EVERYWHERE = frozenset(Phase)
_BEFORE_DECODING = frozenset({Phase.LOADING, Phase.DENOISING})
_DENOISING = frozenset({Phase.DENOISING})

# From harmless to slow. The order of attention slicing and the two offloads is diffusers' own
# advice; layerwise casting changes the picture a little, but moves the model once and not at
# every step.
AGAIN = Rung("again", "trying again with what was freed", _BEFORE_DECODING)
# Not for decoding, which goes through a batch one by one in any case.
FEWER = Rung(
    "fewer at a time",
    "drawing the pictures of the batch one after the other",
    _DENOISING,
    suits=lambda request: len(request.together) > 1,
)
RUNGS = (
    AGAIN,
    FEWER,
    Rung(
        "VAE tiling",
        "encoding and decoding in tiles",
        frozenset({Phase.DENOISING, Phase.DECODING}),
        savings.tiled_vae,
        savings.can_tile,
    ),
    Rung(
        "one by one",
        "denoising with and without the prompt in turn",
        _DENOISING,
        savings.one_by_one,
        savings.has_unet,
        suits=savings.halves_apart,
    ),
    Rung(
        "attention slicing",
        "computing attention in slices",
        _DENOISING,
        savings.sliced_attention,
        savings.has_unet,
        suits=savings.attention_is_plain,
        only_off_cpu=True,
    ),
    Rung(
        "model offload",
        "keeping only one part of the model on the device",
        _EVERYWHERE,
        placement=Placement.MODEL_OFFLOAD,
        only_off_cpu=True,
    ),
    Rung(
        "layerwise casting",
        "keeping the weights that denoise in 8 bits",
        _BEFORE_DECODING,
        suits=savings.wears_nothing,
        placement=Placement.LAYERWISE_CASTING,
        by_casting=True,
        only_off_cpu=True,
    ),
    Rung(
        "sequential offload",
        "keeping only one layer of the model on the device, which is slow",
        _EVERYWHERE,
        placement=Placement.SEQUENTIAL_OFFLOAD,
        only_off_cpu=True,
    ),
)


class MemoryLadder:
    """Tries one generation again and again; what it changes it puts back.

    Args:
        listener: Hears of each rung, and of everything else through `listener`.
        reins: A run that is ended early decodes sooner than its steps say.

    Attributes:
        listener: To be given to the attempts.
    """

    def __init__(
        self,
        request: GenerationRequest,
        checkpoint: Checkpoint,
        pipelines: PipelineCache,
        listener: Listener,
        reins: Reins,
    ) -> None:
        self.listener = _Ear(listener)
        self._reins = reins
        self._request = request
        self._checkpoint = checkpoint
        self._pipelines = pipelines
        self._climbed: list[Rung] = []
        self._pipe: Any = None

    @property
    def facts(self) -> dict[str, Any]:
        """What saves memory in the present attempt, for the record; empty without savings."""
        # With these two a picture is what it is by itself with all of the memory.
        names = [rung.name for rung in self._climbed if rung not in (AGAIN, FEWER)]
        return {"memory_savings": names} if names else {}

    @property
    def one_at_a_time(self) -> bool:
        """Whether the pictures of a batch are to be drawn one after the other."""
        return FEWER in self._climbed

    def run(self, attempt: Callable[[], T]) -> T:
        """What `attempt` gives, called again with another rung after each lack of memory.

        Raises:
            OutOfMemory: no rung is left.
        """
        try:
            while True:
                self.listener.phase = Phase.LOADING
                try:
                    return attempt()
                except (RuntimeError, MemoryError, OutOfMemory) as error:
                    if not is_out_of_memory(error):
                        raise
                    forget_frames(error)  # they hold the tensors that filled the memory
                    reason = error if isinstance(error, OutOfMemory) else str(error)
                self._climb(reason)
        finally:
            self._put_back()

    @contextmanager
    def equipped(self, loaded: LoadedPipeline) -> Iterator[None]:
        """While the context is open, the pipeline computes with the rungs climbed so far."""
        self.listener.phase = Phase.DENOISING
        self._pipe = loaded.pipe
        with ExitStack() as stack:
            for rung in self._climbed:
                if rung.switch is not None:
                    stack.enter_context(rung.switch(loaded.pipe))
            yield

    def _climb(self, reason: OutOfMemory | str) -> None:
        phase, rung = self.listener.phase, self._next()
        self._pipe = None
        self._pipelines.keep_only(self._checkpoint)
        free_memory()
        _log.info(
            "out of memory while %s (%s); %s",
            phase.name.lower(),
            str(reason).split("\n")[0],
            "nothing is left to try" if rung is None else rung.name,
        )
        if rung is None:
            raise self._too_large(reason)
        self._climbed.append(rung)
        if rung.placement is not None:
            self._pipelines.place(rung.placement)
        self.listener.memory_ran_short(MemoryRanShort(self._request.id, rung.words))

    def _next(self) -> Rung | None:
        plan = self._pipelines.plan
        for rung in RUNGS:
            if rung in self._climbed or (rung.only_off_cpu and plan.device == "cpu"):
                continue
            if rung.by_casting and not plan.can_cast:
                continue
            if self.listener.phase in rung.helps and self._is_of_use(rung):
                return rung
        return None

    def _is_of_use(self, rung: Rung) -> bool:
        if rung.name == "VAE tiling" and self.listener.phase is Phase.DENOISING:
            encodes = self._request.init_image is not None
            return (encodes or self._reins.is_finishing) and rung.can(self._pipe)
        return rung.can(self._pipe) and rung.suits(self._request)

    def _put_back(self) -> None:
        self._pipe = None
        if any(rung.placement is not None for rung in self._climbed):
            self._pipelines.place(None)

    def _too_large(self, reason: OutOfMemory | str) -> OutOfMemory:
        if isinstance(reason, OutOfMemory):
            return reason
        if self.listener.phase is Phase.LOADING:
            return too_large(self._checkpoint)
        size, name = self._request.denoising_size, self._checkpoint.name
        error = OutOfMemory(
            f"There is not enough memory for {size} pixels with “{name}”. "
            "Try a smaller size, or close other programs."
        )
        error.__cause__ = MemoryError(reason)
        return error


class _Ear:
    """A listener before the listener, which notes how far the run has come."""

    def __init__(self, listener: Listener) -> None:
        self.phase = Phase.LOADING
        self.loading_progressed = listener.loading_progressed
        self.memory_ran_short = listener.memory_ran_short
        self.preview_ready = listener.preview_ready
        self.wants_preview = listener.wants_preview
        self._step_completed = listener.step_completed

    def step_completed(self, progress: StepProgress) -> None:
        """After the last one the picture is decoded."""
        is_last = progress.step == progress.num_steps
        self.phase = Phase.DECODING if is_last else Phase.DENOISING
        self._step_completed(progress)
