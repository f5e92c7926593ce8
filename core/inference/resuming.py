"""Begin a run in its middle: its first steps are gone through without being computed.

A pipeline prepares itself as ever, drawing what it draws, and its loop comes round as often as
ever. But until the state to go on from is reached, network and scheduler are shadowed by what
costs nothing; then latents, scheduler and generator are put back as they were. So there is one way
for all families, and what their loops do besides (blending, change maps) is done by themselves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from core.errors import KnownError
from core.inference.finishing import forward_replaced, saying_nothing
from core.inference.timeline import Copies, KeptTensor, StepState, kept

Tensor = Any
Callback = Callable[[Any, int, Any, dict[str, Any]], Any]


class StepReached(Exception):
    """The step is done that a run was wanted for. Control flow, not an error."""

    def __init__(self, state: StepState) -> None:
        super().__init__(state.step)
        self.state = state


@dataclass(frozen=True)
class Leg:
    """The part of a run that is computed.

    Attributes:
        start: Where it begins; None for the run's own beginning.
        seed: From `start` on, noise is drawn from this seed; None goes on with what there was.
        until: The step after which it ends without a picture; None goes to the end.
    """

    start: StepState | None = None
    seed: int | None = None
    until: int | None = None


class StateKeeper:
    """Takes the state of a run after a step, for as long as it runs.

    Args:
        generator: The `torch.Generator` that the run draws from.
        keep: Hears of each state.
        until: The step at which to raise `StepReached`; None for none.
    """

    def __init__(
        self, generator: Any, keep: Callable[[StepState], None] | None, until: int | None
    ) -> None:
        self._generator = generator
        self._keep = keep
        self._until = until
        self._copies = Copies()

    @property
    def keeps(self) -> bool:
        """Whether it keeps the states of a run that ends with a picture."""
        return self._keep is not None and self._until is None

    @property
    def goes_to_the_end(self) -> bool:
        """Whether a picture is wanted."""
        return self._until is None

    def take(self, step: int, evaluations: int, scheduler: Any, latents: Tensor) -> None:
        """The loop has come round `evaluations` times, and `step` denoising steps are done.

        Raises:
            StepReached: that was the one.
        """
        if self._keep is None and step != self._until:
            return
        state = StepState(
            step,
            evaluations,
            kept(latents),
            self._copies.of(_attributes(scheduler)),
            self._generator.get_state(),
        )
        if self._keep is not None:
            self._keep(state)
        if step == self._until:
            raise StepReached(state)


def _attributes(scheduler: Any) -> dict[str, Any]:
    """All that a scheduler remembers; not its configuration, nor what this program hung on it."""
    return {
        name: value
        for name, value in vars(scheduler).items()
        if name != "_internal_dict" and not callable(value)
    }


class HeadStart:
    """The pipeline's callback around another one, which hears of the steps behind `start` alone.

    Use as a context around the pipeline's call; entered last, since it shadows what is there.

    Args:
        leg: Where to begin; with no start there is nothing but `then`.
        generator: What the run draws from.
        then: The other callback.
    """

    def __init__(self, leg: Leg, pipe: Any, generator: Any, then: Callback) -> None:
        self._leg = leg
        self._pipe = pipe
        self._generator = generator
        self._then = then
        self._undo = ExitStack()

    def __enter__(self) -> HeadStart:
        if self._leg.start is not None:
            pipe = self._pipe
            for name in ("unet", "transformer", "controlnet"):
                network = getattr(pipe, name, None)
                if network is not None:
                    said = _no_residuals if name == "controlnet" else saying_nothing(network)
                    self._undo.enter_context(forward_replaced(network, said))
            self._undo.callback(_step_replaced(pipe.scheduler))
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def __call__(self, pipe: Any, index: int, timestep: Tensor, tensors: dict[str, Any]) -> Any:
        """As diffusers' `callback_on_step_end`."""
        start = self._leg.start
        if start is None or index + 1 > start.evaluations:
            return self._then(pipe, index, timestep, tensors)
        if index + 1 < start.evaluations:
            return tensors
        self._undo.close()
        latents = start.latents.restored().to(tensors["latents"].device)
        if latents.shape != tensors["latents"].shape:
            raise KnownError(
                "The picture cannot be branched: the other run was of another shape. "
                "Make it from its beginning."
            )
        pipe.scheduler.__dict__.update(_restored(dict(start.scheduler)))
        if self._leg.seed is None:
            self._generator.set_state(start.generator)
        else:
            self._generator.manual_seed(self._leg.seed)
        return tensors | {"latents": latents}


def _restored(value: Any) -> Any:
    if isinstance(value, KeptTensor):
        return value.restored()
    if isinstance(value, dict):
        return {name: _restored(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_restored(each) for each in value)
    return value


def _step_replaced(scheduler: Any) -> Callable[[], None]:
    """Let `scheduler.step` give back the sample; returns what undoes it."""
    before = scheduler.__dict__.get("step")  # the preview's tap

    # wraps: pipelines ask inspect.signature(scheduler.step) what it takes.
    @functools.wraps(scheduler.step)
    def step(model_output: Any, timestep: Any, sample: Tensor, *_: Any, **__: Any) -> Any:
        return sample, sample  # LCM's gives two

    def undo() -> None:
        if before is None:
            scheduler.__dict__.pop("step", None)
        else:
            scheduler.step = before

    scheduler.step = step
    return undo


def _no_residuals(*_: Any, **__: Any) -> tuple[None, None]:
    return None, None
