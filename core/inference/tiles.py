"""A picture made larger by image-to-image, tile by tile, so that memory has room for one tile.

Each tile is an ordinary image-to-image run: same prompt, its part of one field of noise, a seed of
its own for samplers that draw more. Neighbours overlap and are mixed softly, and what is coarse
keeps the colours it had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from core.abilities import GenerationKind, InpaintArea, ModelAbilities
from core.errors import InvalidRequest
from core.geometry import Rect, Size
from core.images import resize, thumbnail
from core.inference.colours import with_colours_of
from core.inference.noise_field import NoiseField, NoisePart
from core.inference.suiting import suited
from core.inference.tile_plan import JoinedTiles, TilePlan
from core.inference.watching import Listener
from core.request import MAX_SEED, GenerationRequest, Pixels
from core.result import (
    GenerationResult,
    LoadingProgress,
    MemoryRanShort,
    PreviewFrame,
    StepProgress,
)

MOST_SIDE = 8192
MOST_SCALE = 8.0
LEAST_TILE = 64
STRENGTH = 0.25
COARSE = 16
"""What is larger than one part in this many of a tile keeps the picture's own colours."""
PREVIEW_SIDE = 1024
Clock = Callable[[], float]
OneTile = Callable[[GenerationRequest, Listener, NoisePart], GenerationResult]


def enlarging(
    base: GenerationRequest,
    picture: Pixels,
    scale: float,
    abilities: ModelAbilities,
    *,
    strength: float = STRENGTH,
    tile: int | None = None,
    overlap: int | None = None,
) -> GenerationRequest:
    """The request that makes a picture larger.

    Args:
        base: For prompt, model, steps and the like.
        picture: uint8 (h, w, 3).
        scale: Above 1, up to 8.
        strength: How far the tiles may go from the enlarged picture, 0 to 1.
        tile: Side of a tile in pixels; the model's own size when left out.
        overlap: Pixels in which neighbours are mixed; an eighth of the tile when left out.

    Raises:
        InvalidRequest: it cannot be, in words.
    """
    if not 1 < scale <= MOST_SCALE:  # also refuses NaN
        raise InvalidRequest(f"The scale is {scale:g}; it must lie between 1 and {MOST_SCALE:g}.")
    height, width = picture.shape[:2]
    side = max(abilities.native_size) if tile is None else tile
    request = replace(
        base,
        kind=GenerationKind.IMAGE_TO_IMAGE,
        size=Size(round(width * scale), round(height * scale)),
        denoising_size=Size(side, side).rounded_to(abilities.size_multiple),
        init_image=picture,
        mask_image=None,
        inpaint_area=InpaintArea.WHOLE_PICTURE,
        strength=strength,
        frame=None,
        first_pass_size=None,
        branch=None,
        tile_overlap=max(1, side // 8) if overlap is None else overlap,
        together=(),
    )
    request = suited(request, abilities)
    request.validate(abilities)
    validate_tiles(request, abilities)
    return request


def plan_for(request: GenerationRequest, step: int) -> TilePlan:
    """Where the tiles of a request lie.

    Args:
        step: `ModelAbilities.size_multiple`.
    """
    return TilePlan.of(request.size, request.denoising_size, request.tile_overlap, step)


def validate_tiles(request: GenerationRequest, abilities: ModelAbilities) -> None:
    """Refuse tiles that could not be made.

    Raises:
        InvalidRequest: names what was asked for and what would be accepted.
    """
    if not request.tile_overlap:
        return
    if request.kind is not GenerationKind.IMAGE_TO_IMAGE or not abilities.takes_tiles:
        raise InvalidRequest(
            f"The model “{request.checkpoint}” cannot enlarge pictures in tiles. Choose a model "
            "of Stable Diffusion 1, 2 or XL that starts from pictures."
        )
    if max(request.size) > MOST_SIDE:
        raise InvalidRequest(
            f"{request.size} is too large; a side has {MOST_SIDE} pixels at most. Take a smaller "
            "scale."
        )
    if request.controls:
        raise InvalidRequest("ControlNets cannot lead tiles. Take them out.")
    tile, least = min(request.denoising_size), max(LEAST_TILE, 8 * abilities.size_multiple)
    if tile < least or not 1 <= request.tile_overlap <= tile // 4:
        raise InvalidRequest(
            f"Tiles of {tile} pixels overlapping by {request.tile_overlap} cannot be joined. A "
            f"tile has {least} pixels or more, and a quarter of it may overlap."
        )


def in_tiles(
    request: GenerationRequest,
    step: int,
    listener: Listener,
    is_finishing: Callable[[], bool],
    one: OneTile,
) -> GenerationResult:
    """The picture of a request with a `tile_overlap`.

    Args:
        step: `ModelAbilities.size_multiple`.
        listener: Hears of all tiles as of one picture, which it sees growing.
        is_finishing: Whether the picture is wanted as it is; the tiles that are left are only
            enlarged then.
        one: Makes one tile.

    Raises:
        KnownError, GenerationCancelled: as `one`, in any tile.
    """
    assert request.init_image is not None  # validate() refused it
    begin = time.perf_counter()
    plan = plan_for(request, step)
    source = _padded(resize(request.init_image, request.size), plan.padded)
    field, joined = NoiseField(request.seed, plan.padded), JoinedTiles(plan)
    hears = _WholePicture(request, plan, listener, source)
    results: list[GenerationResult] = []
    for number, tile in enumerate(plan):
        part = np.ascontiguousarray(source[tile.rect.slices()])
        if is_finishing() and results:
            joined.lay(tile, part)
            continue
        hears.begin(tile.rect)
        results.append(one(_of_tile(request, part, number), hears, field.part(tile.rect)))
        painted = with_colours_of(part, results[-1].image, min(plan.tile) / COARSE)
        joined.lay(tile, painted)
        hears.end(painted)
    return GenerationResult(
        request=replace(request, addons=results[0].request.addons),
        image=joined.picture,
        seconds=time.perf_counter() - begin,
        steps=sum(result.steps for result in results),
        blanked=any(result.blanked for result in results),
        facts={**results[0].facts, **results[-1].facts, "tiles": len(results)},
    )


def _of_tile(request: GenerationRequest, part: Pixels, number: int) -> GenerationRequest:
    size = Size(part.shape[1], part.shape[0])
    return replace(
        request,
        size=size,
        denoising_size=size,
        init_image=part,
        tile_overlap=0,
        # Samplers that draw noise at each step would repeat one pattern in all tiles.
        seed=(request.seed + number) % (MAX_SEED + 1),
    )


def _padded(picture: Pixels, size: Size) -> Pixels:
    """The picture with its last row and column repeated up to `size`."""
    height, width = picture.shape[:2]
    margins = ((0, size.height - height), (0, size.width - width), (0, 0))
    return picture if not any(map(sum, margins)) else np.pad(picture, margins, mode="edge")


class _WholePicture:
    """Passes on what it hears of one tile as a part of the whole."""

    def __init__(
        self,
        request: GenerationRequest,
        plan: TilePlan,
        listener: Listener,
        source: Pixels,
        clock: Clock = time.perf_counter,
    ) -> None:
        self._request = request
        self._plan = plan
        self._listener = listener
        self._clock = clock
        self._begin = clock()
        self._tile_begin = self._begin
        self._done = 0
        self._rect = Rect(0, 0, 0, 0)
        self._small = thumbnail(source, PREVIEW_SIDE).copy()
        self._said: set[str] = set()

    def begin(self, rect: Rect) -> None:
        """From now on everything is about the tile there."""
        self._rect = rect
        self._tile_begin = self._clock()

    def end(self, painted: Pixels) -> None:
        """That tile is done."""
        self._done += 1
        self._put(self._small, painted)

    def loading_progressed(self, progress: LoadingProgress) -> None:
        """A model is being read."""
        self._listener.loading_progressed(progress)

    def step_completed(self, progress: StepProgress) -> None:
        """One denoising step of a tile is done."""
        now, left = self._clock(), self._plan.count - self._done - 1
        tile = now - self._tile_begin + progress.seconds_left
        if self._done:
            tile = (self._tile_begin - self._begin) / self._done
        self._listener.step_completed(
            StepProgress(
                progress.request_id,
                self._done * progress.num_steps + progress.step,
                self._plan.count * progress.num_steps,
                progress.seconds_left + left * tile,
            )
        )

    def memory_ran_short(self, event: MemoryRanShort) -> None:
        """A tile is begun anew with less memory; of all tiles it is said once."""
        if event.saving not in self._said:
            self._said.add(event.saving)
            self._listener.memory_ran_short(event)

    def preview_ready(self, frame: PreviewFrame) -> None:
        """The tile in its place in the whole picture."""
        shown = self._small.copy()
        self._put(shown, frame.image)
        step = self._done * self._request.steps_to_run + frame.step
        self._listener.preview_ready(replace(frame, step=step, image=shown))

    def wants_preview(self) -> bool:
        """Whether a preview made now would be looked at."""
        return self._listener.wants_preview()

    def _put(self, small: Pixels, tile: Pixels) -> None:
        """Lay a tile of any resolution into the small picture of the whole."""
        height, width = small.shape[:2]
        across, down = width / self._plan.padded.width, height / self._plan.padded.height
        rect = self._rect
        left, top = math.floor(rect.x * across), math.floor(rect.y * down)
        right = min(width, math.ceil(rect.right * across))
        bottom = min(height, math.ceil(rect.bottom * down))
        small[top:bottom, left:right] = resize(tile, Size(right - left, bottom - top))
