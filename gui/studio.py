"""Joins the window with the rooms of core; imported right after the first paint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from core.canvas.document import Document
from core.canvas.presets import BrushShelf
from core.canvas.tiles import tile_reserve
from core.checkpoints import Checkpoint, model_folders
from core.engine import InferenceThread, WaitingShelf
from core.errors import StorageFailed
from core.gallery import GalleryItem
from core.geometry import Rect, Size
from core.logs import logger
from core.pipelines import PipelineCache
from core.prompts import WildcardFolder
from core.settings import Paths, Settings, load_settings, save_settings
from gui.addons import AddonController, addons_of
from gui.autosave import Autosave
from gui.background import Background
from gui.beginning import Beginning
from gui.canvas.asking import frame_about_centre
from gui.closing import Closing
from gui.comparing import ComparisonController
from gui.documents import DocumentController
from gui.errands import Errands
from gui.export import ExportController
from gui.generation import GenerationController
from gui.layers import LayerController
from gui.main_window import MainWindow
from gui.models import ModelController, size_presets
from gui.prompting import PromptController, as_written
from gui.queueing import QueueController
from gui.recent import RecentFiles
from gui.results import ResultController
from gui.sampling import Mode, Sampling
from gui.selecting import SelectionController
from gui.settings import SettingsController
from gui.side_windows import SideWindows
from gui.timeline import TimelineController
from gui.undoing import UndoController
from gui.waiting import WaitingController
from gui.wildcards import WildcardController

FIRST_SIZE = Size(256, 256)
_log = logger("studio")


class Studio(QObject):
    """Everything behind one window.

    Signals:
        ready: A model is chosen and the first picture can be asked for.
    """

    ready = Signal()

    def __init__(
        self, window: MainWindow, sampling: Sampling, background: Background, paths: Paths
    ) -> None:
        super().__init__(window)
        self.window = window
        self.sampling = sampling
        self.paths = paths
        self.background = background
        self.settings = load_settings(paths.settings_file)
        self.engine: InferenceThread | None = None
        canvas, messages = window.canvas, window.messages
        self.generation = GenerationController(sampling, canvas, messages, self)
        self.queue = QueueController(window, self.generation)
        shelf = WaitingShelf(paths.queue)
        self.waiting = WaitingController(self.generation, messages, background, shelf)
        self.documents = DocumentController(canvas, messages, sampling, paths, window)
        self.undo = UndoController(window, self.documents, self.settings.undo_megabytes)
        Beginning(window, self.documents)
        self.closing = Closing(window, self.documents)
        self.exports = ExportController(window, self.documents, self.settings.export)
        self.generation.kept.connect(self.exports.on_kept)
        self.layers = LayerController(window, self.documents)
        self.recent = RecentFiles(window.actions_by_name["recent"], window)
        self.recent.show_files(self.settings.recent_files)
        self.selecting = SelectionController(window, self.documents, self.generation, background)
        self.undo.instead = self.selecting.take_back
        self.results = ResultController(window, self.documents, self.generation)
        self.autosave = Autosave(self.documents, background, self._settings_now, self)
        self.autosave.failed.connect(messages.warn)
        self.generation.wildcards = wildcards = WildcardFolder(paths.wildcards)
        self.prompting = PromptController(sampling, background, self._prompts, wildcards, self)
        WildcardController(window, wildcards)
        folders = model_folders(self.settings)
        self.models = ModelController(sampling, background, folders, self)
        section = window.generation.addons
        self.addons = AddonController(section, self.models, sampling, background, self)
        self.errands = Errands(
            window, sampling, self.generation, self.models, self.results, background
        )
        TimelineController(window, self.generation, self.results, sampling, self._show_plan)
        self.exit_code = 0
        ComparisonController(window, background)
        SideWindows(window)
        SettingsController(self, self.autosave.keep)
        self._connect()
        self._connect_actions()

    def start(self, files: Sequence[str] = ()) -> None:
        """Show the last session or an empty canvas, then open the gallery and the engine."""
        self.sampling.restore(self.settings.sampling)
        shelf = BrushShelf(self.paths.brushes)
        self.window.brush_settings.restore(self.settings.brush, shelf)
        self.window.options.use_shelf(shelf)
        self.window.keymap.restore(self.settings.keys)
        self.window.looking.restore(self.settings.view)
        self.documents.show(Document(self._first_size()))
        self._follow_frame()
        self.documents.restore_session()
        self.closing.welcome()
        for file in files:
            self.documents.open(file)
        gallery = self.results.open(self.paths, self.background)
        pipelines = PipelineCache(self.paths.preview_maps)
        pipelines.compiles = self.settings.compile_models
        megabytes = self.settings.timeline_megabytes
        self.engine = InferenceThread(
            gallery, pipelines, self.models.folders, timeline_megabytes=megabytes
        )
        self.engine.event_emitted.connect(self.generation.on_event)
        self.engine.event_emitted.connect(self.queue.on_event)
        self.generation.use_engine(self.engine)
        self.window.canvas.hand_waits.connect(self.engine.hold)
        self.queue.use_engine(self.engine)
        self.engine.start()
        self.models.look()
        self.window.keymap.changed.connect(self.autosave.keep)
        self.window.looking.changed.connect(self.autosave.keep)
        self.autosave.start()
        tile_reserve.open()

    def close(self) -> None:
        """Stop the job, keep what is open, and end every thread."""
        self.autosave.stop()
        self.generation.keep()
        self.background.close()  # first: an older session may be on its way to the same file
        self.errands.close()
        self.waiting.close()
        settings = self._settings_now()
        for keep in (
            self.documents.keep_session,
            partial(save_settings, settings, self.paths.settings_file),
        ):
            try:
                keep()
            except StorageFailed as error:
                _log.info("not kept: %s", error)
        if self.engine is not None:
            self.engine.close()
        self.results.close()
        tile_reserve.close()

    @Slot(list)
    def on_called(self, files: list[str]) -> None:
        """Another start handed its files over: open them here, in front."""
        for file in files:
            self.documents.open(file)
        self.window.setWindowState(self.window.windowState() & ~Qt.WindowState.WindowMinimized)
        self.window.raise_()
        self.window.activateWindow()

    # --- joining -----------------------------------------------------------------------------

    def _connect(self) -> None:
        window, sampling = self.window, self.sampling
        sampling.changed.connect(self._on_sampling_changed)
        window.generation.generate_asked.connect(self.generate)
        window.generation.recall_asked.connect(self.prompting.recall)
        window.generation.size_chosen.connect(self._on_size_chosen)
        window.header.model_chosen.connect(self.models.choose)
        window.strip.settings_asked.connect(self.recall)
        window.escape_pressed.connect(self._on_escape)
        window.options.refused.connect(window.messages.warn)
        window.canvas.frame_edited.connect(self._follow_frame)
        window.canvas.gesture_ended.connect(self._show_plan)
        self.documents.opened.connect(self._on_opened)
        self.documents.title_changed.connect(self._show_title)
        self.documents.settings_found.connect(self._on_settings_found)
        self.documents.file_used.connect(self.recent.remember)
        self.documents.may_ask = lambda: not self.generation.is_busy
        self.recent.chosen.connect(self.documents.ask_to_open)
        self.generation.item_kept.connect(self.results.add)
        self.generation.jobs_changed.connect(window.generation.show_jobs)
        self.models.found.connect(window.header.show_models)
        self.models.chosen.connect(self._on_model_chosen)
        self.models.missing.connect(self._on_models_missing)
        self.prompting.counted.connect(window.generation.show_fit)
        window.generation.prompt.tokens_asked.connect(self.prompting.tell_tokens)
        self.prompting.told.connect(window.generation.prompt.show_tokens)

    def _connect_actions(self) -> None:
        documents, generation = self.documents, self.generation
        for name, slot in {
            "open": documents.ask_for_file,
            "place": documents.ask_for_layer,
            "save": documents.save,
            "save_as": documents.ask_where_to_save,
            "copy": documents.copy,
            "paste": documents.paste,
            "quit": self.window.close,
            "frame_all": self._on_frame_all,
            "generate": self.generate,
            "stop": generation.stop,
            "keep": self.selecting.confirm_or_keep,
            "discard": self.selecting.discard_or_clear,
        }.items():
            self.window.actions_by_name[name].triggered.connect(slot)

    # --- generating --------------------------------------------------------------------------

    @Slot()
    def generate(self) -> None:
        """Start, and remember the prompt; what is being done to the mask is waited for."""
        if self.selecting.edits.then(self.generate):
            return
        prompt = self.sampling.prompt.strip()
        if prompt:
            self.settings = self.settings.with_prompt(prompt)
        self.generation.generate()

    @Slot(object)
    def recall(self, item: GalleryItem) -> None:
        """Bring back the settings that made a picture, its seed locked."""
        self._recall(item.record["request"])

    def _recall(self, request: dict[str, Any]) -> None:
        draft = self.sampling.prompt.strip()
        request = as_written(request)
        if draft and draft != request.get("prompt"):
            self.settings = self.settings.with_prompt(draft)
        known = {name: request.get(name) for name in Sampling.KEPT if name in request}
        from_canvas = request.get("kind") == "image-to-image"
        known["mode"] = Mode.FROM_CANVAS if from_canvas else Mode.AUTO
        known["hires"] = request.get("first_pass_size") is not None
        known |= addons_of(request, self.paths.inputs)
        name = known.pop("checkpoint", "")
        size = request.get("size")
        if isinstance(size, list | tuple) and len(size) == 2:
            known["width"], known["height"] = size
        self.sampling.restore(known | {"seed_locked": True})
        self.models.choose(str(name))
        self.window.messages.tell("Its settings are back; the seed is locked.")

    def _prompts(self) -> tuple[str, ...]:
        return self.settings.prompts

    @Slot(object)
    def _on_settings_found(self, record: dict[str, Any]) -> None:
        self._recall(record["request"])

    @Slot()
    def _on_escape(self) -> None:
        """First a gesture, then the job."""
        if not self.window.canvas.end_gesture():
            self.generation.stop()

    # --- the dock follows the canvas, and the other way round -------------------------------------

    @Slot(str)
    def _on_sampling_changed(self, name: str) -> None:
        if name in ("width", "height"):
            self._resize_frame()
        self._show_plan()

    @Slot(int, int)
    def _on_size_chosen(self, width: int, height: int) -> None:
        self.sampling.width, self.sampling.height = width, height

    def _resize_frame(self) -> None:
        """The frame takes the dock's size; a canvas nobody touched goes with it."""
        if self.window.canvas.document is None:  # at start the settings come first
            return
        document = self.documents.document
        size = Size(self.sampling.width, self.sampling.height)
        if size == document.frame.size:
            return
        if self.documents.is_pristine and not self.generation.is_busy:
            self.documents.show(Document(size))
        else:
            document.set_frame(frame_about_centre(document.frame, size, document.size))

    def _fit_frame(self) -> None:
        """A frame larger than the model can draw becomes one that it draws best, in the middle."""
        document, checkpoint = self.documents.document, self.generation.checkpoint
        if checkpoint is not None and max(document.frame.size) > checkpoint.abilities.max_size:
            native = checkpoint.abilities.native_size
            document.set_frame(frame_about_centre(document.frame, native, document.size))

    @Slot()
    def _follow_frame(self) -> None:
        frame = self.documents.document.frame
        self.sampling.blockSignals(True)
        self.sampling.width, self.sampling.height = frame.width, frame.height
        self.sampling.blockSignals(False)
        self.window.generation.show_size(frame.width, frame.height)
        self._show_plan()

    @Slot()
    def _show_plan(self) -> None:
        plan, size_note, uses_strength = self.generation.plan()
        panel = self.window.generation
        panel.show_plan(plan)
        panel.show_size_note(size_note)
        panel.set_strength_used(uses_strength)
        inpaints, enlarges = self.generation.ways()
        panel.show_ways(inpaints=inpaints, enlarges=enlarges)

    @Slot()
    def _on_opened(self) -> None:
        self.generation.leave_document()
        self.documents.document.undo_stack.changed.connect(self._show_plan)
        self._fit_frame()
        self._follow_frame()
        self._show_title()

    @Slot()
    def _show_title(self) -> None:
        documents = self.documents
        size, modified = str(documents.document.size), documents.is_modified
        self.window.header.show_document(documents.title, size, modified)
        self.window.setWindowTitle(f"{documents.title}{'*' if modified else ''} — Sfumato")

    def _first_size(self) -> Size:
        if self.settings.sampling:
            return Size(self.sampling.width, self.sampling.height)
        return FIRST_SIZE

    # --- models ------------------------------------------------------------------------------

    @Slot(object)
    def _on_model_chosen(self, checkpoint: Checkpoint) -> None:
        abilities = checkpoint.abilities
        is_first = self.generation.checkpoint is None
        self.window.header.show_model(checkpoint.name)
        self.window.canvas.frame_step = abilities.size_multiple
        if is_first and not self.settings.sampling:
            self._on_size_chosen(*abilities.native_size)
            self.sampling.num_inference_steps = abilities.num_inference_steps
            self.sampling.guidance_scale = abilities.guidance_scale
        panel = self.window.generation
        panel.show_schedulers(abilities.schedulers)
        panel.show_abilities(abilities)
        panel.show_size_presets(size_presets(checkpoint, self.documents.document.size))
        self.prompting.use(checkpoint)
        self.generation.use_model(checkpoint)
        self._fit_frame()
        self._follow_frame()
        if self.engine is not None:
            self.engine.warm_up(checkpoint.name)
        if is_first:
            self.ready.emit()

    @Slot()
    def _on_models_missing(self) -> None:
        self.window.messages.warn(
            "No model was found. Choose “Add a folder of models” in the File menu; a model is a "
            "folder in diffusers' layout."
        )

    # --- small actions -----------------------------------------------------------------------

    @Slot()
    def _on_frame_all(self) -> None:
        self.window.canvas.move_frame(Rect.of_size(self.documents.document.size))

    def _settings_now(self) -> Settings:
        return replace(
            self.settings,
            theme=self.window.theme.choice,
            checkpoint=self.sampling.checkpoint,
            sampling=self.sampling.to_dict(),
            brush=self.window.brush_settings.to_dict(),
            keys=self.window.keymap.to_dict(),
            view=self.window.looking.to_dict(),
            export=self.exports.choice.to_dict(),
            recent_files=self.recent.files,
            window=self.window.geometry_text(),
        )
