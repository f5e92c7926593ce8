"""One request carried out: exact outside the mask, the same every time, and stopped at once."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from core.abilities import GenerationKind
from core.checkpoints import describe
from core.errors import GenerationCancelled, InvalidRequest, KnownError, OutOfMemory
from core.geometry import Size
from core.inference.masked import model_mask
from core.inference.stopping import blocks
from core.inference.watching import Stopwatch
from core.pipelines import PipelineCache
from core.request import Pixels
from core.result import GenerationResult
from core.schedulers import SCHEDULERS, make_scheduler
from tests.helpers.generations import (
    CountedEvent,
    Diary,
    a_request,
    make,
    new_cache,
    picture,
    round_mask,
)

TEXT, IMAGE, INPAINT = GenerationKind
KINDS = tuple(GenerationKind)
ALL_KINDS = [("sd15", kind) for kind in KINDS] + [
    ("sd21", TEXT),
    ("sd21", INPAINT),
    ("sdxl-base", TEXT),
    ("sdxl-base", IMAGE),
    ("sdxl-base", INPAINT),
    ("sd15-inpaint", INPAINT),
    ("sdxl-inpaint", INPAINT),
    ("starter-layout", TEXT),
    ("starter-layout", INPAINT),
]
Zoo = Callable[[str], Path]


@pytest.fixture(scope="module")
def cache() -> PipelineCache:
    """Models in memory, shared by tests that leave them as they were: which is what they test."""
    return new_cache()


def bare(request: Any, cache: PipelineCache, checkpoint: Path) -> Pixels:
    """The same picture by diffusers alone, with the very pipeline and no hook, tap or callback."""
    loaded = cache.get(describe(checkpoint), request.kind)
    pipe = loaded.pipe
    pipe.scheduler = make_scheduler(request.scheduler, loaded.original_scheduler_config)
    arguments: dict[str, Any] = {"width": request.size.width, "height": request.size.height}
    if request.kind is IMAGE:
        arguments = {}
    if request.kind is not TEXT:
        arguments |= {"image": Image.fromarray(request.init_image), "strength": request.strength}
    output = pipe(
        request.prompt,
        negative_prompt=request.negative_prompt or None,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator().manual_seed(request.seed),
        **arguments,
    )
    return np.asarray(output.images[0])


# ------------------------------------------------------------------------------ the picture


@pytest.mark.parametrize(("name", "kind"), ALL_KINDS)
def test_every_kind_on_every_model(zoo: Zoo, cache: PipelineCache, name: str, kind: Any) -> None:
    request = a_request(kind, checkpoint=name)
    result = make(request, zoo(name), cache)
    assert result.request is request
    assert result.image.shape == (64, 64, 3)
    assert result.image.dtype == np.uint8
    assert result.image.std() > 0
    assert result.steps == request.steps_to_run
    assert not result.blanked
    assert result.changed_outside_mask == (0 if kind is INPAINT else None)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_draws_what_bare_diffusers_draws(
    zoo: Zoo, cache: PipelineCache, scheduler: str
) -> None:
    request = a_request(scheduler=scheduler, negative_prompt="blurry")
    expected = bare(request, cache, zoo("sd15"))
    assert np.array_equal(make(request, zoo("sd15"), cache).image, expected)


@pytest.mark.parametrize(("name", "kind"), [("sdxl-base", TEXT), ("sd21", TEXT), ("sd15", IMAGE)])
def test_other_models_and_kinds_match_bare_diffusers(
    zoo: Zoo, cache: PipelineCache, name: str, kind: Any
) -> None:
    request = a_request(kind, checkpoint=name)
    assert np.array_equal(make(request, zoo(name), cache).image, bare(request, cache, zoo(name)))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"prompt": "a red house"},
        {"negative_prompt": "dark"},
        {"guidance_scale": 1.0},
        {"num_inference_steps": 5},
        {"scheduler": "Euler a"},
    ],
)
def test_each_value_of_the_request_counts(
    zoo: Zoo, cache: PipelineCache, change: dict[str, Any]
) -> None:
    usual = make(a_request(), zoo("sd15"), cache).image
    assert not np.array_equal(make(a_request(**change), zoo("sd15"), cache).image, usual)


def test_strength_decides_how_much_changes(zoo: Zoo, cache: PipelineCache) -> None:
    def distance(strength: float) -> float:
        request = a_request(IMAGE, strength=strength, num_inference_steps=20)
        result = make(request, zoo("sd15"), cache)
        unchanged = make(
            a_request(IMAGE, strength=0.05, num_inference_steps=20), zoo("sd15"), cache
        )
        return float(np.abs(result.image.astype(int) - unchanged.image).mean())

    assert 0 < distance(0.3) < distance(0.95)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("scheduler", ["Euler", "Heun", "DPM++ 2M", "DDIM", "PNDM", "DPM2 a"])
def test_strength_runs_the_steps_it_says(
    zoo: Zoo, cache: PipelineCache, scheduler: str, strength: float
) -> None:
    request = a_request(IMAGE, strength=strength, num_inference_steps=8, scheduler=scheduler)
    diary = Diary()
    result = make(request, zoo("sd15"), cache, diary)
    assert result.steps == request.steps_to_run
    assert [step.step for step in diary.steps] == list(range(1, request.steps_to_run + 1))
    assert {step.num_steps for step in diary.steps} == {request.steps_to_run}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_tells_each_step_once_and_shows_it(
    zoo: Zoo, cache: PipelineCache, scheduler: str
) -> None:
    diary = Diary()
    result = make(a_request(scheduler=scheduler), zoo("sd15"), cache, diary)
    assert [step.step for step in diary.steps] == [1, 2, 3, 4]
    assert {step.num_steps for step in diary.steps} == {4}
    assert [frame.step for frame in diary.frames] == [1, 2, 3, 4]
    assert result.steps == 4


def test_picture_of_any_size_is_scaled_there_and_back(zoo: Zoo, cache: PipelineCache) -> None:
    size = Size(101, 67)
    for kind in KINDS:
        request = a_request(kind, size=size, denoising_size=Size(104, 64))
        result = make(request, zoo("sd15"), cache)
        assert result.image.shape == (67, 101, 3)
        assert result.facts["denoising_size"] == [104, 64]


def test_image_to_image_of_full_strength_zero_is_refused(zoo: Zoo, cache: PipelineCache) -> None:
    with pytest.raises(InvalidRequest, match="leaves no step"):
        make(a_request(IMAGE, strength=0.01), zoo("sd15"), cache)


def test_nothing_is_loaded_for_a_request_that_cannot_be(zoo: Zoo) -> None:
    diary = Diary()
    with pytest.raises(InvalidRequest):
        make(a_request(size=Size(60, 60)), zoo("sd15"), listener=diary)
    assert not diary.loading


# ------------------------------------------------------------------------------ inpainting


@pytest.mark.parametrize("name", ["sd15", "sd15-inpaint"])
@pytest.mark.parametrize("size", [Size(64, 64), Size(97, 71)])
def test_pixels_outside_the_mask_are_exact(
    zoo: Zoo, cache: PipelineCache, name: str, size: Size
) -> None:
    request = a_request(INPAINT, checkpoint=name, size=size, denoising_size=Size(64, 64))
    result = make(request, zoo(name), cache)
    outside = round_mask(size) == 0
    assert np.array_equal(result.image[outside], picture(size)[outside])
    assert result.changed_outside_mask == 0
    inside = ~outside
    assert (result.image[inside] != picture(size)[inside]).any(axis=1).mean() > 0.9


def test_thin_stroke_is_repainted(zoo: Zoo, cache: PipelineCache) -> None:
    """diffusers reads one pixel of every 8 × 8: a line beside it would change nothing."""
    mask = np.zeros((64, 64), np.uint8)
    mask[8:56, 27:29] = 255
    request = a_request(INPAINT, mask_image=mask, mask_feather=0, strength=1.0)
    result = make(request, zoo("sd15"), cache)
    kept = make(
        a_request(INPAINT, mask_image=round_mask(), strength=1.0, mask_feather=0, seed=9),
        zoo("sd15"),
        cache,
    )
    line = result.image[mask > 0].astype(int)
    assert np.abs(line - picture()[mask > 0]).mean() > 1
    assert np.array_equal(
        kept.image[mask * (round_mask() == 0) > 0], picture()[mask * (round_mask() == 0) > 0]
    )


def test_mask_for_the_model_covers_every_cell_it_touches() -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[15, 16] = 1
    covered = model_mask(a_request(INPAINT, mask_image=mask), 8)
    expected = np.zeros((64, 64), np.uint8)
    expected[8:16, 16:24] = 255
    assert np.array_equal(covered, expected)


def test_mask_for_the_model_at_another_size_loses_nothing() -> None:
    mask = np.zeros((512, 512), np.uint8)
    mask[100:104, :] = 255
    request = a_request(INPAINT, size=Size(512, 512), denoising_size=Size(64, 128), mask_image=mask)
    covered = model_mask(request, 8)
    assert covered.shape == (128, 64)
    assert covered[25].all()
    assert not covered[:16].any()
    assert not covered[40:].any()


def test_preview_of_inpainting_shows_the_original_outside_the_mask(
    zoo: Zoo, cache: PipelineCache
) -> None:
    diary = Diary()
    black = np.zeros((64, 64, 3), np.uint8)
    make(a_request(INPAINT, init_image=black), zoo("sd15"), cache, diary)
    assert len(diary.frames) == 3
    for frame in diary.frames:
        assert frame.image.shape == (16, 16, 3)
        assert not frame.image[:3].any()
        assert frame.image[7:9, 7:9].any()


# ------------------------------------------------------------------------------ the same again


def after(cache: PipelineCache, zoo: Zoo, *disturbances: Callable[[], object]) -> None:
    """The picture of a request must not care what ran before it."""
    request = a_request(INPAINT, scheduler="DPM++ 2M")
    fresh = make(request, zoo("sd15"), new_cache()).image
    for disturb in disturbances:
        disturb()
        assert np.array_equal(make(request, zoo("sd15"), cache).image, fresh)


def test_same_request_gives_the_same_pixels(zoo: Zoo) -> None:
    cache = new_cache()
    after(cache, zoo, lambda: None, lambda: None)


def test_same_pixels_after_other_jobs(zoo: Zoo) -> None:
    cache = new_cache()
    after(
        cache,
        zoo,
        lambda: make(a_request(TEXT, scheduler="Euler a", seed=1), zoo("sd15"), cache),
        lambda: make(a_request(IMAGE, scheduler="Heun", num_inference_steps=9), zoo("sd15"), cache),
        lambda: make(a_request(TEXT, size=Size(96, 32)), zoo("sd15"), cache),
        lambda: make(a_request(TEXT, checkpoint="sd21"), zoo("sd21"), cache),
    )


def test_same_pixels_with_and_without_previews(zoo: Zoo, cache: PipelineCache) -> None:
    watched, unwatched = Diary(), Diary(previews=False)
    first = make(a_request(), zoo("sd15"), cache, watched)
    second = make(a_request(), zoo("sd15"), cache, unwatched)
    assert len(watched.frames) == 4
    assert not unwatched.frames
    assert np.array_equal(first.image, second.image)


# ------------------------------------------------------------------------------ stopping


@pytest.fixture(scope="module")
def undisturbed(zoo: Zoo) -> Callable[[Any], tuple[int, Pixels]]:
    """(how often a whole run looks whether to stop, its picture), from a cache of its own."""

    @functools.cache
    def run(kind: GenerationKind) -> tuple[int, Pixels]:
        fresh = new_cache()
        fresh.get(describe(zoo("sd15")), kind)  # only the run itself is to be counted
        event = CountedEvent(at=-1)
        result = make(a_request(kind, scheduler="DPM++ 2M"), zoo("sd15"), fresh, stop=event)
        return event.looks, result.image

    return run


@pytest.mark.parametrize("part", [0.0, 0.03, 0.1, 0.31, 0.64, 0.88, 0.97, 0.999])
@pytest.mark.parametrize("kind", KINDS)
def test_stopped_anywhere_the_next_run_is_as_on_a_fresh_engine(
    zoo: Zoo,
    cache: PipelineCache,
    undisturbed: Callable[[Any], tuple[int, Pixels]],
    kind: Any,
    part: float,
) -> None:
    """From encoding the prompt over the middle of a step to the middle of decoding."""
    request = a_request(kind, scheduler="DPM++ 2M")
    looks, fresh = undisturbed(kind)
    assert looks > 100
    cache.get(describe(zoo("sd15")), kind)
    stop = CountedEvent(at=1 + int(part * looks))
    with pytest.raises(GenerationCancelled):
        make(request, zoo("sd15"), cache, stop=stop)
    assert stop.looks == 1 + int(part * looks), "computed on after it was told to stop"
    assert np.array_equal(make(request, zoo("sd15"), cache).image, fresh)


@pytest.mark.parametrize("at", [1, 3, 4])
def test_stopped_between_two_steps(zoo: Zoo, cache: PipelineCache, at: int) -> None:
    stop = threading.Event()
    diary = Diary(on_step=lambda progress: stop.set() if progress.step == at else None)
    with pytest.raises(GenerationCancelled):
        make(a_request(), zoo("sd15"), cache, diary, stop)
    assert len(diary.steps) == at


def test_stopped_run_does_not_decode(zoo: Zoo, cache: PipelineCache) -> None:
    loaded = cache.get(describe(zoo("sd15")), TEXT)
    decoded: list[None] = []
    hook = loaded.pipe.vae.decoder.register_forward_pre_hook(lambda *_: decoded.append(None))
    stop = threading.Event()
    diary = Diary(on_step=lambda progress: stop.set() if progress.step == 4 else None)
    try:
        with pytest.raises(GenerationCancelled):
            make(a_request(), zoo("sd15"), cache, diary, stop)
    finally:
        hook.remove()
    assert not decoded


def test_stopped_before_it_begins(zoo: Zoo) -> None:
    stop = threading.Event()
    stop.set()
    diary = Diary()
    with pytest.raises(GenerationCancelled):
        make(a_request(), zoo("sd15"), new_cache(), diary, stop)
    assert not diary.loading
    assert not diary.steps


def hooks_of(pipe: Any) -> int:
    modules = [c for c in pipe.components.values() if isinstance(c, torch.nn.Module)]
    return sum(len(m._forward_pre_hooks) for module in modules for m in module.modules())


def test_hooks_are_on_while_it_runs_and_off_afterwards(zoo: Zoo) -> None:
    cache = new_cache()
    pipe = cache.get(describe(zoo("sd15")), TEXT).pipe
    seen: list[int] = []
    make(a_request(), zoo("sd15"), cache, Diary(on_step=lambda _: seen.append(hooks_of(pipe))))
    assert set(seen) == {len(blocks(pipe))}
    assert 20 < len(blocks(pipe)) < 400
    assert hooks_of(pipe) == 0
    assert "step" not in vars(pipe.scheduler)
    stop = threading.Event()
    with pytest.raises(GenerationCancelled):
        make(a_request(), zoo("sd15"), cache, Diary(on_step=lambda _: stop.set()), stop)
    assert hooks_of(pipe) == 0
    assert "step" not in vars(pipe.scheduler)


def test_stopping_looks_into_every_network(zoo: Zoo, cache: PipelineCache) -> None:
    pipe = cache.get(describe(zoo("sdxl-base")), TEXT).pipe
    watched = set(map(id, blocks(pipe)))
    for part in (pipe.unet, pipe.vae.decoder, pipe.vae.encoder, pipe.text_encoder):
        assert len(watched & {id(module) for module in part.modules()}) >= 2


# ------------------------------------------------------------------------------ what is told


def test_steps_previews_and_loading_are_told_in_order(zoo: Zoo) -> None:
    diary = Diary()
    request = a_request()
    make(request, zoo("sd15"), new_cache(), diary)
    assert [step.step for step in diary.steps] == [1, 2, 3, 4]
    assert [frame.step for frame in diary.frames] == [1, 2, 3, 4]
    assert {event.request_id for event in (*diary.loading, *diary.steps, *diary.frames)} == {
        request.id
    }
    assert diary.loading[0].fraction == 0.0
    assert diary.loading[-1].fraction == 1.0
    for frame in diary.frames:
        assert frame.image.shape == (16, 16, 3)
        assert frame.image.dtype == np.uint8


def test_loading_is_told_once(zoo: Zoo) -> None:
    cache = new_cache()
    make(a_request(), zoo("sd15"), cache)
    diary = Diary()
    make(a_request(IMAGE), zoo("sd15"), cache, diary)
    assert not diary.loading


def test_previews_come_nearer_to_the_end(zoo: Zoo) -> None:
    """They show the picture to be, and not the noise: the first is already near the last."""
    diary = Diary()
    make(a_request(num_inference_steps=12, guidance_scale=1.0), zoo("sd15"), new_cache(), diary)
    images = [frame.image.astype(float) for frame in diary.frames]
    to_last = [np.abs(image - images[-1]).mean() for image in images]
    assert to_last[0] > to_last[6] > to_last[10]


class Clock:
    """Gives the times it was given, one after the other."""

    def __init__(self, *times: float) -> None:
        self._times = list(times)

    def __call__(self) -> float:
        return self._times.pop(0)


def test_seconds_left_follow_the_measured_steps() -> None:
    # Begin at 0; the first step ends at 3 (with the prompt's encoding), then 1 second each.
    watch = Stopwatch(decode_seconds=2.0, clock=Clock(0.0, 3.0, 4.0, 5.0, 6.0, 8.5))
    assert [watch.seconds_left(index, 4) for index in range(4)] == [11.0, 4.0, 3.0, 2.0]
    assert watch.seconds_since_last_step() == 2.5


def test_seconds_left_guess_the_first_decoding() -> None:
    watch = Stopwatch(decode_seconds=None, clock=Clock(0.0, 2.0, 4.0))
    assert watch.seconds_left(0, 2) == 2.0 + 3.0
    assert watch.seconds_left(1, 2) == 3.0


def test_decoding_is_remembered_for_the_next_run(zoo: Zoo) -> None:
    cache = new_cache()
    pace = cache.get(describe(zoo("sd15")), TEXT).pace
    assert pace.decode_seconds_per_pixel is None
    make(a_request(), zoo("sd15"), cache)
    assert pace.decode_seconds_per_pixel is not None
    assert pace.decode_seconds_per_pixel > 0
    diary = Diary()
    make(a_request(IMAGE), zoo("sd15"), cache, diary)
    assert diary.steps[-1].seconds_left > 0


def test_facts_are_enough_to_make_it_again(zoo: Zoo, cache: PipelineCache) -> None:
    result: GenerationResult = make(a_request(), zoo("sd15"), cache)
    assert set(result.facts) == {
        "model_hash",
        "attention",
        "pipeline_class",
        "device",
        "dtype",
        "torch",
        "diffusers",
        "transformers",
        "denoising_size",
        "threads",
        "cpu",
    }
    assert result.seconds > 0


# ------------------------------------------------------------------------------ what goes wrong


def test_safety_checker_is_honoured(zoo: Zoo) -> None:
    cache = new_cache()
    result = make(a_request(checkpoint="sd15-nsfw"), zoo("sd15-nsfw"), cache)
    assert result.blanked
    assert not result.image.any()
    result = make(a_request(INPAINT, checkpoint="sd15-nsfw"), zoo("sd15-nsfw"), cache)
    assert result.blanked
    assert result.changed_outside_mask == 0
    assert np.array_equal(result.image[:16], picture()[:16])


def test_model_that_computes_nan_says_so(zoo: Zoo, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(zoo("sd15"), tmp_path / "sd15")
    file = folder / "unet/diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    tensors["conv_out.bias"][:] = torch.nan
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(KnownError, match=r"NaN.*“Euler”.*Choose another scheduler"):
        make(a_request(), folder)


def failing_on_step(error: BaseException) -> Diary:
    def fail(progress: Any) -> None:
        if progress.step == 2:
            raise error

    return Diary(on_step=fail)


def test_out_of_memory_says_what_to_do_and_the_next_run_works(zoo: Zoo) -> None:
    cache = new_cache()
    for error in (
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate"
            " memory: you tried to allocate 99 bytes"
        ),
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
    ):
        with pytest.raises(OutOfMemory, match=r"64 × 64 pixels with “sd15”.*smaller size"):
            make(a_request(), zoo("sd15"), cache, failing_on_step(error))
        assert np.array_equal(
            make(a_request(), zoo("sd15"), cache).image,
            make(a_request(), zoo("sd15"), new_cache()).image,
        )


def test_real_want_of_memory_is_recognised(zoo: Zoo, cache: PipelineCache) -> None:
    def ask_for_too_much(_: object) -> None:
        torch.empty(1 << 60, dtype=torch.uint8)

    with pytest.raises(OutOfMemory):
        make(a_request(), zoo("sd15"), cache, Diary(on_step=ask_for_too_much))


def test_bug_comes_out_as_it_is(zoo: Zoo, cache: PipelineCache) -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        make(a_request(), zoo("sd15"), cache, failing_on_step(RuntimeError("a bug")))
    with pytest.raises(ZeroDivisionError):
        make(a_request(), zoo("sd15"), cache, failing_on_step(ZeroDivisionError()))


def test_long_prompt_is_read_to_its_end_without_a_word(zoo: Zoo, cache: PipelineCache) -> None:
    """diffusers would cut it after 75 tokens, and log the text of the prompt."""
    long = make(a_request(prompt="cat " * 75 + "dog " * 50), zoo("sd15"), cache)
    short = make(a_request(prompt="cat " * 75), zoo("sd15"), cache)
    assert not np.array_equal(long.image, short.image)
