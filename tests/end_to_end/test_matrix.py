"""Every family of models, every kind it can do, through the engine: previews, stop, the same again.

Models are tiny, with random weights; what is looked at is that each way through diffusers is gone
to its end, not how the pictures look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication

from core.abilities import GenerationKind
from core.checkpoints import describe
from core.engine import Cancelled, EngineEvent, Failed, Finished, InferenceThread
from core.pipelines import import_libraries
from core.request import GenerationRequest
from core.result import PreviewFrame, StepProgress
from tests.helpers.engines import Recorder
from tests.helpers.generations import a_request, new_cache, picture, round_mask

TEXT, IMAGE, INPAINT = GenerationKind
EVERY = (TEXT, IMAGE, INPAINT)
Zoo = Callable[[str], Path]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]  # importing torch may take minutes

# Which kinds each model does. Models stay together, since the engine keeps one in memory, and the
# decoders of Kandinsky beside each other, since they share the prior.
KINDS: dict[str, tuple[GenerationKind, ...]] = {
    "sd15": EVERY,
    "sd15-inpaint": (INPAINT,),
    "sd21": EVERY,
    "lcm": EVERY,
    "sdxl-base": EVERY,
    "sdxl-inpaint": (INPAINT,),
    "sdxl-refiner": (IMAGE, INPAINT),
    "kandinsky-2-2-decoder": (TEXT, IMAGE),
    "kandinsky-2-2-decoder-inpaint": (INPAINT,),
    "sd3": EVERY,
    "flux-dev": EVERY,
    "flux-schnell": EVERY,
}
_KANDINSKY = ("DDIM", "DPM++ 2M Karras", "DPM++ 2M SDE")
# Schedulers beside the first of each model, on the kind that asks most of them.
SCHEDULERS: dict[tuple[str, GenerationKind], tuple[str, ...]] = {
    ("sd15", INPAINT): ("Euler a", "UniPC", "Heun"),
    ("sd21", IMAGE): ("DPM++ 2M SDE Karras",),
    ("sdxl-refiner", IMAGE): ("DPM++ 2M Karras",),
    ("kandinsky-2-2-decoder", IMAGE): _KANDINSKY,
    ("kandinsky-2-2-decoder-inpaint", INPAINT): _KANDINSKY,
}


def cases() -> Iterator[Any]:
    """One for each model and kind, and one for each further scheduler."""
    for name, kinds in KINDS.items():
        for kind in kinds:
            yield pytest.param(name, kind, None, id=f"{name}, {kind}")
            for scheduler in SCHEDULERS.get((name, kind), ()):
                yield pytest.param(name, kind, scheduler, id=f"{name}, {kind}, {scheduler}")


class PromptThread(InferenceThread):
    """Draws each preview at once, and stops a request after its first step when told to.

    Attributes:
        to_stop: Ids of the requests to stop.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.to_stop: set[str] = set()

    def post(self, event: EngineEvent) -> None:
        super().post(event)
        if isinstance(event, PreviewFrame):
            self.preview_taken(event.request_id)
        if isinstance(event, StepProgress) and event.request_id in self.to_stop:
            self.cancel(event.request_id)


class Bench:
    """An engine, and someone who waits for what it tells."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.thread = PromptThread(None, new_cache(), [])
        self.thread.event_emitted.connect(self.recorder.on_event)
        self.thread.start()

    def make(self, request: GenerationRequest) -> Any:
        self.thread.submit(request)
        return self.recorder.outcome(request)

    def stop_early(self, request: GenerationRequest) -> Any:
        self.thread.to_stop.add(request.id)
        return self.make(request)


@pytest.fixture(scope="module")
def bench(qapp: QCoreApplication) -> Iterator[Bench]:
    import_libraries()  # here, where nobody waits for a picture with a limit of time
    bench = Bench()
    yield bench
    bench.thread.close()


def request_for(
    folder: Path, kind: GenerationKind, scheduler: str | None = None, **changes: Any
) -> GenerationRequest:
    """A small request as the window would make it for that model."""
    abilities = describe(folder).abilities
    values = {
        "checkpoint": str(folder),
        "scheduler": scheduler or abilities.schedulers[0],
        "guidance_scale": abilities.guidance_scale,
        "negative_prompt": "blurry" if abilities.uses_negative_prompt else "",
        "strength": 1.0 if abilities.ignores_strength(kind) else 0.75,
    }
    request: GenerationRequest = a_request(kind, **(values | changes))
    return request


@pytest.mark.parametrize(("name", "kind", "scheduler"), list(cases()))
def test_matrix(
    bench: Bench, zoo: Zoo, name: str, kind: GenerationKind, scheduler: str | None
) -> None:
    request = request_for(zoo(name), kind, scheduler)
    finished = bench.make(request)
    assert isinstance(finished, Finished), finished

    steps = bench.recorder.of(StepProgress, request)
    assert [step.step for step in steps] == list(range(1, request.steps_to_run + 1))
    previews = bench.recorder.of(PreviewFrame, request)
    assert [preview.step for preview in previews] == [step.step for step in steps]
    assert all(preview.image.std() > 0 for preview in previews)

    image = finished.result.image
    assert image.shape == (64, 64, 3)
    assert image.std() > 0
    outside = round_mask() == 0
    if kind is INPAINT:
        assert finished.result.changed_outside_mask == 0
        assert np.array_equal(image[outside], picture()[outside])
        assert (image[~outside] != picture()[~outside]).any()
    if scheduler is None:
        stopped = request_for(zoo(name), kind, seed=8)
        assert isinstance(bench.stop_early(stopped), Cancelled)
        assert len(bench.recorder.of(StepProgress, stopped)) == 1
        again = bench.make(request.with_seed(request.seed))
        assert np.array_equal(again.result.image, image)


@pytest.mark.parametrize("name", KINDS)
def test_no_more_and_no_less_is_offered(bench: Bench, zoo: Zoo, name: str) -> None:
    """What a model cannot do is refused in words, before it is loaded."""
    assert describe(zoo(name)).abilities.kinds == set(KINDS[name])
    for kind in set(EVERY) - set(KINDS[name]):
        failed = bench.make(request_for(zoo(name), kind))
        assert isinstance(failed, Failed)
        assert failed.known
        assert f"cannot do {kind}" in failed.message


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("flux-dev", {"negative_prompt": "blurry"}, "reads no negative prompt"),
        ("flux-schnell", {"guidance_scale": 7.5}, "works without guidance"),
        ("lcm", {"scheduler": "Euler"}, "is not a scheduler of this model"),
        ("sd3", {"scheduler": "DDIM"}, "is not a scheduler of this model"),
        ("kandinsky-2-2-decoder-inpaint", {"scheduler": "Euler"}, "is not a scheduler"),
        ("kandinsky-2-2-decoder-inpaint", {"strength": 0.5}, "from noise alone"),
        ("kandinsky-2-2-decoder-inpaint", {"num_inference_steps": 0}, "Steps is 0"),
    ],
)
def test_values_that_mean_nothing_to_a_model_are_refused(
    bench: Bench, zoo: Zoo, name: str, change: dict[str, Any], words: str
) -> None:
    failed = bench.make(request_for(zoo(name), KINDS[name][0], **change))
    assert isinstance(failed, Failed)
    assert words in failed.message
