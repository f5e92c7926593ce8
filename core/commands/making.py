"""Carries out a request for the command line: progress, files, gallery, and Ctrl+C."""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import metadata
from core.checkpoints import Checkpoint
from core.commands.adding import shelf_for
from core.commands.terminal import Terminal
from core.commands.wanted import numbers_of, require_batches, wanted_pictures
from core.errors import GenerationCancelled, InvalidRequest, OutOfMemory, StorageFailed
from core.gallery import Gallery, GalleryItem
from core.images import image_format, side_by_side, write_image
from core.prompts import WildcardFolder
from core.request import GenerationRequest
from core.result import (
    GenerationResult,
    LoadingProgress,
    MemoryRanShort,
    PreviewFrame,
    StepProgress,
)
from core.settings import Paths, load_settings

if TYPE_CHECKING:
    from core.addons import AddonShelf
    from core.inference.forecast import Advice
    from core.pipelines import PipelineCache

MAX_COUNT = 10_000
STOPPED = 130
MEMORY = "SFUMATO_MEMORY"
"""Set to ``risk``, it lets a picture be tried that memory will hardly suffice for."""


@dataclass(frozen=True)
class Output:
    """What becomes of the pictures.

    Attributes:
        target: A file, a folder, or None for the gallery alone.
        count: How many pictures, of following seeds.
        grid: Whether to write what the picture was made from beside it.
        gallery: Whether the gallery keeps them.
        json: Whether to tell about them in JSON.
        batch_size: How many at most are drawn together.
        compiles: Whether torch compiles the model first, whatever the settings say.
    """

    target: str | None
    count: int
    grid: bool
    gallery: bool
    json: bool
    batch_size: int = 1
    compiles: bool = False

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Output:
        """From parsed arguments.

        Raises:
            InvalidRequest: they do not fit together.
        """
        if not 1 <= arguments.count <= MAX_COUNT:
            raise InvalidRequest(
                f"--count is {arguments.count}; it must lie between 1 and {MAX_COUNT:,}."
            )
        if arguments.batch_size < 1:
            raise InvalidRequest(f"--batch-size is {arguments.batch_size}; it must be 1 or more.")
        target = arguments.output
        if target is None and (arguments.no_gallery or arguments.grid):
            target = "."
        return cls(
            target,
            arguments.count,
            arguments.grid,
            not arguments.no_gallery,
            arguments.json,
            arguments.batch_size,
            arguments.compile,
        )

    def path(self, index: int, request: GenerationRequest) -> Path | None:
        """The file of picture `index` (from 0); None without a target."""
        if self.target is None:
            return None
        if self.is_folder:
            moment = datetime.now().astimezone()
            return Path(self.target) / f"{moment:%Y%m%d-%H%M%S}-{request.seed}.png"
        file = Path(self.target)
        return file if index == 0 else file.with_stem(f"{file.stem}-{index + 1}")

    @property
    def is_folder(self) -> bool:
        """Whether the target is one: it is there, ends in a slash, or has no ending."""
        target = Path(self.target or ".")
        ends_in_slash = (self.target or "").endswith(("/", os.sep))
        return ends_in_slash or target.is_dir() or not target.suffix

    def refuse_if_unwritable(self) -> None:
        """Look before minutes of work; nothing is created.

        Raises:
            StorageFailed: no file could be written there, or not of this kind.
        """
        if self.target is None:
            return
        target = Path(self.target)
        if not self.is_folder:
            image_format(target)
        require_writable(target if self.is_folder else target.parent)


class Watch:
    """Hears from the generation and draws the progress bar."""

    def __init__(self, screen: Terminal, name: str) -> None:
        self._screen = screen
        self._name = name

    def loading_progressed(self, progress: LoadingProgress) -> None:
        """Show what is read."""
        self._screen.progress(progress.fraction, f"loading {progress.what}")

    def step_completed(self, progress: StepProgress) -> None:
        """Show how many steps are done."""
        minutes, seconds = divmod(round(progress.seconds_left), 60)
        words = f"{self._name}{progress.step}/{progress.num_steps}  {minutes}:{seconds:02} left"
        self._screen.progress(progress.step / progress.num_steps, words)

    def say_of_memory(
        self,
        request: GenerationRequest,
        checkpoint: Checkpoint,
        pipelines: PipelineCache,
        shelf: AddonShelf,
    ) -> Advice:
        """Look ahead, and say it when memory is tight.

        Raises:
            OutOfMemory: the system would end the program; ``SFUMATO_MEMORY=risk`` tries it.
        """
        from core.inference import prepare

        advice = prepare(request, checkpoint, pipelines, shelf=shelf)
        if advice.is_hopeless and os.environ.get(MEMORY) != "risk":
            raise OutOfMemory(f"{advice.words} To try it nevertheless, set {MEMORY}=risk.")
        if advice.words:
            self._screen.note(advice.words)
        return advice

    def remark(self, words: str) -> None:
        """Say something worth knowing."""
        self._screen.note(words)

    def memory_ran_short(self, event: MemoryRanShort) -> None:
        """Say what takes longer now."""
        self._screen.note(f"Memory ran short; now {event.saving}.")

    def preview_ready(self, frame: PreviewFrame) -> None:
        """Never wanted."""

    def wants_preview(self) -> bool:
        """A terminal shows no pictures."""
        return False


def make(
    request: GenerationRequest,
    checkpoint: Checkpoint,
    paths: Paths,
    output: Output,
    screen: Terminal,
) -> None:
    """Make `output.count` pictures, write them, keep them, and tell about each.

    Raises:
        KnownError: one sentence; what was finished before stays.
        GenerationCancelled: Ctrl+C.
    """
    require_batches(request, checkpoint.abilities, output.batch_size)
    output.refuse_if_unwritable()
    paths.make()
    say_cut_off(request, checkpoint, screen)
    with ExitStack() as stack:
        gallery = stack.enter_context(Gallery(paths)) if output.gallery else None
        stop = stack.enter_context(stopped_by_ctrl_c())
        run = _runner(checkpoint, paths, stop, output.compiles)
        wildcards, done = WildcardFolder(paths.wildcards), 0
        for wanted in wanted_pictures(
            request, checkpoint.abilities, output.count, output.batch_size, wildcards
        ):
            if stop.is_set():
                raise GenerationCancelled
            # Of a batch from a record, only the picture that is made again is wanted.
            size = len(wanted.together) if output.batch_size > 1 else 1
            result = run(wanted, Watch(screen, numbers_of(done, size, output.count)))
            others = result.together if output.batch_size > 1 else ()
            for index, each in enumerate((result, *others), done):
                _hand_over(each, index, gallery, output, screen)
            done += 1 + len(others)


def _runner(
    checkpoint: Checkpoint, paths: Paths, stop: threading.Event, compiles: bool
) -> Callable[[GenerationRequest, Watch], GenerationResult]:
    # Here, so that an argument that is refused does not wait for it.
    from core.inference import Timelines, generate
    from core.inference.timeline import MEBIBYTE
    from core.pipelines import PipelineCache
    from core.pipelines.compiling import COMPILING

    pipelines = PipelineCache(paths.preview_maps)
    shelf = shelf_for(checkpoint, paths)
    settings = load_settings(paths.settings_file)
    pipelines.compiles = compiles or settings.compile_models
    kept = Timelines(settings.timeline_megabytes * MEBIBYTE)

    def run(request: GenerationRequest, watch: Watch) -> GenerationResult:
        request.validate(checkpoint.abilities)
        advice = watch.say_of_memory(request, checkpoint, pipelines, shelf)
        timelines = None if request.branch is None else kept  # several may leave the same run
        if pipelines.will_compile(checkpoint):
            watch.remark(COMPILING)
        result = generate(
            request, checkpoint, pipelines, watch, stop,
            shelf=shelf, timelines=timelines, at_once=advice.at_once,
        )  # fmt: skip
        for words in pipelines.take_remarks():
            watch.remark(words)
        return result

    return run


def _hand_over(
    result: GenerationResult,
    index: int,
    gallery: Gallery | None,
    output: Output,
    screen: Terminal,
) -> None:
    """Keep and write one picture; a failure of one does not cost the other."""
    item: GalleryItem | None = None
    path = output.path(index, result.request)
    grid = path.with_stem(f"{path.stem}-grid") if path and output.grid else None
    try:
        item = gallery.keep(result) if gallery else None
    finally:
        if path is not None:
            write_result(path, result, item)
        if grid is not None:
            write_image(grid, side_by_side(_columns(result)))
    where = path or (item.path if item else Path())
    if output.json:
        screen.print_json(_report(result, where, grid, item))
    else:
        screen.print(str(where))
    if result.blanked:
        screen.note("The model's safety checker replaced this picture by black.")


def write_result(path: Path, result: GenerationResult, item: GalleryItem | None) -> None:
    """Write a finished picture with everything about it into one file.

    Raises:
        StorageFailed: it cannot be written; an older file of that name is untouched.
    """
    record = item.record if item else _record(result)
    text = metadata.infotext(result.request, result.facts)
    write_image(path, result.image, metadata.embedded(image_format(path), text, record))


def _record(result: GenerationResult) -> dict[str, Any]:
    return metadata.record(result, result.request.id, datetime.now().astimezone())


def _columns(result: GenerationResult) -> list[Any]:
    request = result.request
    columns = (request.init_image, request.mask_image, result.image)
    return [pixels for pixels in columns if pixels is not None]


def _report(
    result: GenerationResult, path: Path, grid: Path | None, item: GalleryItem | None
) -> dict[str, Any]:
    request = result.request
    return {
        "path": str(path),
        "grid": None if grid is None else str(grid),
        "id": None if item is None else item.id,
        "kind": str(request.kind),
        "seed": request.seed,
        "seconds": round(result.seconds, 3),
        "steps": result.steps,
        "size": list(request.size),
        "denoising_size": list(request.denoising_size),
        "model": request.checkpoint,
        "scheduler": request.scheduler,
        "guidance_scale": request.guidance_scale,
        "strength": None if request.init_image is None else request.strength,
        "changed_outside_mask": result.changed_outside_mask,
        "drawn_together": result.facts.get("drawn_together", 1),
        "blanked": result.blanked,
    }


def say_cut_off(request: GenerationRequest, checkpoint: Checkpoint, screen: Terminal) -> None:
    """Tell what of a long prompt the model will not read."""
    if len(request.prompt.encode("utf-8", "replace")) <= checkpoint.abilities.prompt_tokens:
        return  # no token is shorter than a byte
    from core.prompts import PromptTokenizer

    abilities = checkpoint.abilities
    limit, reads_weights = abilities.prompt_tokens, abilities.reads_weights
    tokenizer = PromptTokenizer.load(checkpoint.tokenizer, limit, reads_weights=reads_weights)
    count = tokenizer.count(request.prompt)
    if count.cut.strip():
        screen.note(f"The model reads {count.limit} tokens; this is not read: {count.cut.strip()}")


def require_writable(folder: Path) -> None:
    """Look whether files could be written there; nothing stays behind.

    Raises:
        StorageFailed: names the folder and the reason.
    """
    try:
        nearest = folder.absolute()
        while not nearest.exists():
            nearest = nearest.parent
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise StorageFailed(
            f"The folder {folder} cannot be written ({error.strerror}). Choose another."
        ) from error


@contextmanager
def stopped_by_ctrl_c() -> Iterator[threading.Event]:
    """An event that Ctrl+C sets, so that files are finished first; a second one ends at once."""
    stop = threading.Event()

    def on_interrupt(*_: object) -> None:
        if stop.is_set():
            os._exit(STOPPED)
        stop.set()

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
