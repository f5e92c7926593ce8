"""What a run was after each of its steps, kept within a budget of bytes.

A state is what the rest of a run needs and its request does not say: the latents, whatever the
scheduler remembers, and where the generator stands. All else (the prompt's embeddings, masks, the
encoded picture, the noise it is blended with) is made again from the request, the same to the bit.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import Any, NamedTuple

from core.request import GenerationRequest

Tensor = Any
MEBIBYTE = 1 << 20
# Of a request, what changes no pixel of its picture.
_IRRELEVANT = ("id", "parent_ids", "frame", "written_prompt", "written_negative_prompt", "schema")


class KeptTensor(NamedTuple):
    """A tensor in main memory, and the device that it came from."""

    values: Tensor
    device: Any

    def restored(self) -> Tensor:
        """A copy of it where it was."""
        return self.values.to(self.device, copy=True)


class Copies:
    """Copies what a scheduler holds; a tensor that was there a step ago is not copied again.

    Schedulers replace their tensors and never write into them, so that histories of a multistep
    scheduler share what they have in common, and so do its tables.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[Tensor, KeptTensor]] = {}

    def of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same values, their tensors as `KeptTensor`."""
        now: dict[int, tuple[Tensor, KeptTensor]] = {}
        copied = {name: self._copy(value, now) for name, value in values.items()}
        self._last = now
        return copied

    def _copy(self, value: Any, now: dict[int, tuple[Tensor, KeptTensor]]) -> Any:
        import torch

        if isinstance(value, list | tuple):
            return type(value)(self._copy(each, now) for each in value)
        if not isinstance(value, torch.Tensor):
            return value
        # The original is held beside its copy: an address alone may by now be another tensor's.
        known = self._last.get(id(value)) or now.get(id(value))
        now[id(value)] = known or (value, kept(value))
        return now[id(value)][1]


def kept(tensor: Tensor) -> KeptTensor:
    """A copy of a tensor in main memory."""
    return KeptTensor(tensor.detach().to("cpu", copy=True), tensor.device)


@dataclass(frozen=True, eq=False)
class StepState:
    """A run after one of its steps.

    Attributes:
        step: How many denoising steps are done, from 1.
        evaluations: How often the pipeline's loop has come round by then; a scheduler of second
            order, such as Heun, does so twice for a step.
        latents: As the pipeline's loop had them, Flux's as tokens.
        scheduler: The scheduler's attributes; tensors as `KeptTensor`, also in lists.
        generator: uint8 tensor, the state of the generator.
    """

    step: int
    evaluations: int
    latents: KeptTensor
    scheduler: Mapping[str, Any]
    generator: Tensor

    def tensors(self) -> Iterator[Tensor]:
        """Every tensor in it; some may be shared with other states."""
        yield from (self.latents.values, self.generator)
        for value in self.scheduler.values():
            if isinstance(value, KeptTensor):
                yield value.values
            elif isinstance(value, list | tuple):
                yield from (each.values for each in value if isinstance(each, KeptTensor))


class Timeline:
    """The states of one run, from its first step to its last; the thinner, the less they take.

    Attributes:
        bytes: What they take, tensors that several share counted once.
    """

    def __init__(self) -> None:
        self._states: dict[int, StepState] = {}
        self._stride = 1
        self._first: int | None = None
        self._uses: Counter[int] = Counter()
        self.bytes = 0

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps whose state is there, in order."""
        return tuple(sorted(self._states))

    def add(self, state: StepState) -> None:
        """Keep the state after the last step so far; one that is there already stays."""
        if state.step in self._states:
            return
        before = max(self._states, default=None)
        if self._first is None:
            self._first = state.step
        self._states[state.step] = state
        for tensor in state.tensors():
            self._count(tensor, 1)
        if before is not None and not self._is_due(before):
            self._drop(before)

    def up_to(self, step: int) -> StepState | None:
        """The latest state that is there of those up to `step`."""
        found = max((known for known in self._states if known <= step), default=None)
        return None if found is None else self._states[found]

    def thin(self) -> bool:
        """Forget every second state, the first and the last excepted; False if these are all."""
        if len(self._states) <= 2:
            return False
        self._stride *= 2
        last = max(self._states)
        for step in [step for step in self._states if step != last and not self._is_due(step)]:
            self._drop(step)
        return True

    def _is_due(self, step: int) -> bool:
        assert self._first is not None
        return (step - self._first) % self._stride == 0

    def _drop(self, step: int) -> None:
        for tensor in self._states.pop(step).tensors():
            self._count(tensor, -1)

    def _count(self, tensor: Tensor, change: int) -> None:
        before = self._uses[id(tensor)]
        self._uses[id(tensor)] += change
        if (before == 0) != (before + change == 0):
            self.bytes += change * tensor.nbytes
        if before + change == 0:
            del self._uses[id(tensor)]


class Timelines:
    """The timelines of the last runs. Any thread may limit them and ask how much they take.

    Args:
        budget: Bytes that all of them may take; 0 keeps none.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._runs: OrderedDict[str, Timeline] = OrderedDict()
        self._lock = RLock()

    @property
    def bytes(self) -> int:
        """What they take together."""
        with self._lock:
            return sum(timeline.bytes for timeline in self._runs.values())

    def limit(self, budget: int) -> None:
        """Let all of them take that many bytes from now on; what is too much is let go at once."""
        with self._lock:
            self._budget = budget
            self._keep_within()

    def steps(self, run: str) -> tuple[int, ...]:
        """The steps of a run whose state is there."""
        with self._lock:
            return self._runs[run].steps if run in self._runs else ()

    def add(self, run: str, state: StepState) -> None:
        """Keep a state of the run that goes on now; what is too much is thinned out or let go."""
        with self._lock:
            if self._budget <= 0:
                return
            self._runs.setdefault(run, Timeline()).add(state)
            self._runs.move_to_end(run)
            self._keep_within()

    def up_to(self, run: str, step: int) -> StepState | None:
        """The latest state that is kept of a run up to `step`; None if there is none."""
        with self._lock:
            timeline = self._runs.get(run)
            if timeline is None:
                return None
            self._runs.move_to_end(run)
            return timeline.up_to(step)

    def _keep_within(self) -> None:
        while self.bytes > max(self._budget, 0) and self._runs:
            self._make_room()

    def _make_room(self) -> None:
        """Of the largest every second state; where that saves nothing, the oldest as a whole."""
        largest = sorted(self._runs.values(), key=lambda timeline: -timeline.bytes)
        if not any(timeline.thin() for timeline in largest):
            self._runs.popitem(last=False)


def name_of_run(request: GenerationRequest, facts: Mapping[str, Any]) -> str:
    """A digest of all that decides the steps of a run: the same name, the same states.

    Args:
        facts: As in the result: the weights' digest, add-ons, device, number type, threads.
    """
    record = request.to_dict()
    for name in _IRRELEVANT:
        record.pop(name, None)
    branch = record.get("branch")
    if branch is not None:  # the parent by its own name, whichever way its record came here
        assert request.branch is not None
        record["branch"] = [branch["step"], name_of_run(request.branch.parent, {})]
    text = json.dumps([record, dict(facts)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
