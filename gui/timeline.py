"""Goes through a finished picture step by step, and lets the next one leave it at a step."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Slot

from core.errors import KnownError
from core.gallery import GalleryItem
from gui.canvas.branching import Branching
from gui.generation import GenerationController
from gui.images import seen_through, to_qimage
from gui.jobs import Job, Proposal
from gui.main_window import MainWindow
from gui.results import ResultController
from gui.sampling import Sampling

NO_TIMELINE = "There is no new picture in the frame whose steps could be gone through."
NO_STEP = "Go back to the step to branch from: drag the timeline, or use the arrow keys on it."


class TimelineController(QObject):
    """Joins the timeline's row, the pictures in the frame, and the chip above Generate.

    Args:
        show_plan: Called when Generate would do something else than before.
    """

    def __init__(
        self,
        window: MainWindow,
        generation: GenerationController,
        results: ResultController,
        sampling: Sampling,
        show_plan: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._canvas = window.canvas
        self._messages = window.messages
        self._chip = window.generation.branch_chip
        self._row = window.canvas.bar.timeline
        self._generation = generation
        self._results = results
        self._sampling = sampling
        self._show_plan = show_plan
        self._proposal: Proposal | None = None
        self._seen = ""
        generation.proposal_shown.connect(self._on_proposal_shown)
        self._row.step_chosen.connect(self._on_step_chosen)
        self._row.branch_asked.connect(self.branch)
        self._row.left.connect(self._canvas.setFocus)
        self._chip.removed.connect(self.let_go)
        window.escape_pressed.connect(self._on_escape)
        # Later than the other settings of the picture, by which the frame gets its size.
        later = Qt.ConnectionType.QueuedConnection
        window.strip.settings_asked.connect(self._on_settings_asked, later)
        window.actions_by_name["scrub"].triggered.connect(self._on_scrub)
        window.actions_by_name["branch"].triggered.connect(self.branch)

    @Slot()
    def branch(self) -> None:
        """Let the next pictures go on from the step that is seen, until `let_go`."""
        if self._proposal is None or not self._row.has_steps:
            self._messages.tell(NO_TIMELINE)
            return
        if not self._row.may_branch:
            self._messages.tell(NO_STEP)
            return
        job, result = self._proposal.pictures[self._proposal.index]
        parent, sampling = result.request, self._sampling
        # What a branch has in common with its run is shown in the panel as it will be.
        sampling.scheduler = parent.scheduler
        sampling.num_inference_steps = parent.num_inference_steps
        if parent.init_image is not None:
            sampling.strength = parent.strength
        self._begin(Branching(job, parent, self._row.step))

    def _begin(self, branching: Branching) -> None:
        self._generation.branching = branching
        self._chip.show_words(branching.words)
        self._show_plan()

    @Slot()
    def let_go(self) -> None:
        """Let the next picture begin from its own start again."""
        if self._generation.branching is not None:
            self._generation.branching = None
            self._chip.hide()
            self._show_plan()

    @Slot(object)
    def _on_settings_asked(self, item: GalleryItem) -> None:
        """The settings of a kept picture are back: where it left another run is a part of them."""
        self.let_go()
        gallery, document = self._results.gallery, self._canvas.document
        if gallery is None or document is None or item.request.get("branch") is None:
            return
        try:
            request = gallery.request(item.id)
        except KnownError as error:
            self._messages.warn(str(error))
            return
        if request.branch is not None:
            job = Job(request, document, document.frame, document.origin)
            self._begin(Branching(job, request.branch.parent, request.branch.step))

    @Slot()
    def _on_escape(self) -> None:
        """After a gesture and a job, which Esc ends first."""
        if not (self._canvas.in_gesture or self._generation.is_busy):
            self.let_go()

    @Slot(object)
    def _on_proposal_shown(self, proposal: Proposal | None) -> None:
        self._proposal = proposal
        if self._generation.branching is None:  # the document was closed
            self._chip.hide()
        if proposal is None:
            self._seen = ""
            self._row.show_no_steps()
            return
        result = proposal.shown[1]
        if not result.frames:
            self._row.show_no_steps()
            return
        first, last = result.frames[0].step, result.frames[-1].step
        step = self._row.step if result.request.id == self._seen else last
        self._seen = result.request.id
        self._row.show_steps(first, last, result.request.steps_to_run, step)
        if step != last:  # the picture was hidden meanwhile, to be compared
            self._on_step_chosen(step)

    @Slot(int)
    def _on_step_chosen(self, step: int) -> None:
        """Show what was expected at that step; at the last one the picture itself."""
        if self._proposal is None:
            return
        rect, result = self._proposal.shown
        frames = {frame.step: frame.image for frame in result.frames[:-1]}
        image = to_qimage(frames.get(step, result.image))
        mask = result.request.mask_image
        if step in frames and mask is not None:
            image = seen_through(image, mask)
        self._canvas.show_overlay(rect, image)

    @Slot()
    def _on_scrub(self) -> None:
        if self._row.has_steps:
            self._row.take_focus()
        else:
            self._messages.tell(NO_TIMELINE)
