"""An engine without a model: it says what the test tells it to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from core.engine import Cancelled, EngineEvent, Failed, Finished, Lane, Ready
from core.gallery import GalleryItem
from core.request import GenerationRequest, Pixels
from core.result import GenerationResult, LoadingProgress, PreviewFrame, StepProgress
from tests.helpers.results import noise


class FakeEngine:
    """Fulfils `gui.generation.Engine`; events go to `listener` at once.

    Attributes:
        requests: Everything submitted, in order.
        lanes: The lane of each of them.
        risked: Whether each of them is to be tried however little memory there is.
        waiting: Ids of those that have not ended.
        previews_taken: Ids given to `preview_taken`, in order.
        stops: How often `cancel_all` was called.
        compared: Facts given to `reproduce`, by request id.
    """

    def __init__(self, listener: Callable[[EngineEvent], None]) -> None:
        self._tell = listener
        self.requests: list[GenerationRequest] = []
        self.waiting: list[str] = []
        self.previews_taken: list[str] = []
        self.lanes: list[Lane] = []
        self.risked: list[bool] = []
        self.stops = 0
        self.compared: dict[str, Mapping[str, object]] = {}

    # --- what the controller calls ---

    def submit(
        self, request: GenerationRequest, lane: Lane = Lane.FRONT, risk: bool = False
    ) -> None:
        self.requests.append(request)
        self.lanes.append(lane)
        self.risked.append(risk)
        self.waiting.append(request.id)

    def reproduce(self, request: GenerationRequest, then: Mapping[str, object]) -> None:
        self.submit(request, Lane.BACK)
        self.compared[request.id] = then

    def cancel_all(self) -> None:
        self.stops += 1

    def preview_taken(self, request_id: str) -> None:
        self.previews_taken.append(request_id)

    # --- what a test makes it say; without an id it speaks of the oldest job ---

    def ready(self) -> None:
        self._tell(Ready())

    def load(self, fraction: float, what: str = "weights", request_id: str | None = None) -> None:
        self._tell(LoadingProgress(self._id(request_id), fraction, what))

    def step(self, step: int, num_steps: int = 20, seconds_left: float = 2.0) -> None:
        self._tell(StepProgress(self._id(), step, num_steps, seconds_left))

    def preview(self, step: int, image: Pixels, request_id: str | None = None) -> None:
        self._tell(PreviewFrame(self._id(request_id), step, image))

    def finish(
        self,
        image: Pixels | None = None,
        item: GalleryItem | None = None,
        message: str = "",
        **facts: object,
    ) -> GenerationResult:
        """End the oldest job with a picture: noise of its seed unless one is given."""
        request = next(r for r in self.requests if r.id == self.waiting[0])
        shape = (request.size.height, request.size.width, 3)
        result = GenerationResult(
            request=request,
            image=noise(request.seed % 1000, *shape) if image is None else image,
            seconds=1.0,
            steps=request.steps_to_run,
            **facts,  # type: ignore[arg-type]
        )
        self._tell(Finished(self.waiting.pop(0), result, item, message))
        return result

    def finish_batch(self) -> list[GenerationResult]:
        """End the oldest job, a batch, with noise of each of its seeds."""
        request = next(r for r in self.requests if r.id == self.waiting[0])
        shape, steps = (request.size.height, request.size.width, 3), request.steps_to_run
        results = [
            GenerationResult(
                request=request.with_seed(seed), image=noise(seed, *shape), seconds=1.0, steps=steps
            )
            for seed in request.together
        ]
        first, *others = (Finished(each.request.id, each) for each in results)
        end = Finished(self.waiting.pop(0), first.result, together=tuple(others))
        self._tell(end)
        return results

    def cancelled(self) -> None:
        """End the oldest job as stopped."""
        self._tell(Cancelled(self.waiting.pop(0)))

    def fail(
        self, message: str, known: bool = True, details: str = "", can_be_risked: bool = False
    ) -> None:
        """End the oldest job as failed."""
        self._tell(Failed(self.waiting.pop(0), message, known, details, can_be_risked))

    def fail_to_import(self, message: str) -> None:
        """Say what no request is to blame for."""
        self._tell(Failed("", message, known=False))

    def _id(self, request_id: str | None = None) -> str:
        return self.waiting[0] if request_id is None else request_id


def inpainted(request: GenerationRequest, colour: tuple[int, int, int]) -> Pixels:
    """The request's picture with `colour` wherever its mask is not 0."""
    assert request.init_image is not None
    assert request.mask_image is not None
    picture = request.init_image.copy()
    picture[request.mask_image > 0] = colour
    return np.ascontiguousarray(picture)
