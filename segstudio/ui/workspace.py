"""Workspace: everything on screen that belongs to one open project, and how its parts are joined."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import QByteArray, QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from segstudio.core.sample import Sample
from segstudio.tools import TOOLS
from segstudio.ui.actions import Actions, Fact
from segstudio.ui.banner import Banner
from segstudio.ui.canvas.panes import PaneName, Panes
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.display import PANES, DisplayBar
from segstudio.ui.panels.review import ReviewPanel
from segstudio.ui.panels.samples import SamplesPanel
from segstudio.ui.panels.spare import Spare
from segstudio.ui.session import Session
from segstudio.ui.widgets import card

if TYPE_CHECKING:
    from segstudio.ui.panels.runs import RunsPanel
    from segstudio.ui.panels.train import TrainPanel

P = TypeVar("P", bound=QWidget)

_SETTING = "window"
"""The project's setting that keeps how it was looked at."""

_REMEMBER_MS = 1500


class Page(QWidget, Generic[P]):
    """A page of the tabs whose panel is made when it is looked at or asked for.

    Plots take longer to import than the first image takes to be read, and the image comes first.
    """

    def __init__(self, make: Callable[[], P]) -> None:
        super().__init__()
        self._make = make
        self._panel: P | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def panel(self) -> P:
        """The panel."""
        if self._panel is None:
            self._panel = self._make()
            self._layout.addWidget(self._panel)
        return self._panel

    def showEvent(self, event: QShowEvent) -> None:
        _ = self.panel
        super().showEvent(event)


class Workspace(QWidget):
    """One open project: samples | panes | review, training, runs.

    Attributes:
        facts_changed: Told when other commands may have become usable.
        predictions_wanted: Told when the person asks the training panel for predictions of its run.
        session: The project and the sample on screen.
    """

    facts_changed = Signal()
    predictions_wanted = Signal()

    def __init__(self, session: Session, queue: JobQueue, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._actions = actions
        self._queue = queue
        self.banner = Banner(self)
        self.samples_panel = SamplesPanel(session)
        self.panes = Panes()
        shows = ("error-view", *(f"pane-{name}" for name in PANES))
        commands = {name: actions.commands[name] for name in shows}
        self._spare = Spare(actions.by_name, commands, self.show_training)
        self.panes.set_spare(self._spare)
        self.display = DisplayBar(self.panes, actions.by_name)
        self.review_panel = ReviewPanel(session, actions.by_name)
        self._train = Page(self._train_panel)
        self._runs = Page(lambda: _runs_panel(session, queue))
        self.tabs = _tabs(Review=self.review_panel, Train=self._train, Runs=self._runs)
        self._is_error_view_wanted = True
        self._remembering = QTimer(self)
        self._remembering.setSingleShot(True)
        self._remembering.setInterval(_REMEMBER_MS)
        self._remembering.timeout.connect(self.remember)
        self._lay_out()
        self._connect()
        self._restore()

    @property
    def train_panel(self) -> "TrainPanel":
        """The panel of training."""
        return self._train.panel

    @property
    def runs_panel(self) -> "RunsPanel":
        """The panel of all trainings."""
        return self._runs.panel

    def show_training(self) -> None:
        """Bring the panel of training to the front."""
        self.tabs.setCurrentWidget(self._train)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is being loaded, so that a picture of the window shows all there is."""
        busy = self.session.is_busy or not self.session.is_measured or self.samples_panel.is_busy
        return not busy and self.samples_panel.has_all_thumbnails()

    def facts(self) -> set[Fact]:
        """What is the case, for the commands that depend on it."""
        session = self.session
        facts: set[Fact] = {"project"}
        if not session.project.read_only:
            facts.add("writable")
        if session.sample is not None:
            facts |= {"sample", "verdict"} if "writable" in facts else {"sample"}
        if session.loaded is not None and session.loaded.probability is not None and session.document is not None:
            facts.add("prediction")
        if session.is_editable and session.document is not None:
            facts.add("mask")
            facts |= {"undo"} if session.document.history.can_undo else set()
            facts |= {"redo"} if session.document.history.can_redo else set()
        return facts

    def device(self) -> str:
        """What the last run was computed on, in a few words; empty before the first."""
        run = self.session.project.runs.latest()
        if run is None or not run.device:
            return ""
        precision = run.precision.removeprefix("mixed_") if run.precision else ""
        return f"{run.device}  ·  {precision}" if precision else run.device

    # what the person does

    def set_tool(self, name: str) -> None:
        """Take a tool in hand."""
        self.panes.set_tool(name)
        self._actions.check(f"tool-{name}", True)
        self._remembering.start()

    def set_error_view(self, is_on: bool) -> None:
        """Show where mask and prediction differ, as soon as anything is predicted."""
        self._is_error_view_wanted = is_on
        self._show_error_view()
        self._remembering.start()

    def _show_error_view(self) -> None:
        is_on = self._is_error_view_wanted and self.session.project.predictions.current() is not None
        self.panes.set_error_view(is_on)
        self._actions.check("error-view", is_on)
        self._show_spare()

    def _show_spare(self) -> None:
        hidden = [f"pane-{name}" for name in PANES if self.panes.pane(name).isHidden()]
        hidden += [] if self.panes.is_error_view else ["error-view"]
        self._spare.show_offer(hidden, is_predicted=self.session.project.predictions.current() is not None)

    def set_pane_visible(self, name: PaneName, is_visible: bool) -> None:
        """Show or hide a pane; the last one stays."""
        self.panes.set_pane_visible(name, is_visible)
        self._actions.check(f"pane-{name}", not self.panes.pane(name).isHidden())
        self._show_spare()
        self._remembering.start()

    def undo(self) -> None:
        """Undo the last stroke; one that is under way ends first."""
        self.panes.finish_stroke()
        self.session.undo()

    def redo(self) -> None:
        """Make it again."""
        self.panes.finish_stroke()
        self.session.redo()

    # how it is kept

    def remember(self) -> None:
        """Store in the project how it is looked at."""
        self._remembering.stop()
        self.session.remember(_SETTING, self._state())

    def close_project(self, *, is_forced: bool = False) -> bool:
        """Save and close; False when something could not be saved and it is still open."""
        self.panes.finish_stroke()
        self.remember()
        QSettings().setValue("splitter", self._splitter.saveState())
        if not self.session.save_now(wait=True) and not is_forced:
            return False
        self.samples_panel.close_threads()
        if not self.session.close(is_forced=is_forced):
            return False
        self.panes.clear()
        return True

    def _state(self) -> dict[str, Any]:
        session, panes = self.session, self.panes
        tool = panes.pointer.tool
        options = {one.name: panes.tool_options(one.name).model_dump(mode="json") for one in TOOLS}
        return {
            "sample": session.sample.image if session.sample else None,
            "filter": self.samples_panel.filter_text,
            "sort": self.samples_panel.sort,
            "tool": tool.name if tool is not None else None,
            "tool_options": options,
            "error_view": self._is_error_view_wanted,
            "panes": [name for name in PANES if not panes.pane(name).isHidden()],
            "tab": self.tabs.currentIndex(),
            **self.display.state(),
        }

    def _restore(self) -> None:
        state: Mapping[str, Any] = self.session.project.settings.get(_SETTING) or {}
        for one in TOOLS:
            self._restore_tool(one.name, (state.get("tool_options") or {}).get(one.name) or {})
        tool = str(state.get("tool"))
        self.set_tool(tool if tool in TOOLS else "brush")
        self.display.restore(state)
        self.set_error_view(bool(state.get("error_view", True)))
        shown = state.get("panes") or list(PANES)
        for name in sorted(PANES, key=lambda name: name not in shown):  # the last one cannot be hidden
            self.set_pane_visible(name, name in shown)
        self.tabs.setCurrentIndex(int(state.get("tab") or 0))
        self.samples_panel.restore(str(state.get("filter") or ""), str(state.get("sort") or "iou"))
        self._show_first_sample(state.get("sample"))
        self._remembering.stop()

    def _restore_tool(self, name: str, values: Mapping[str, Any]) -> None:
        known = {key: value for key, value in values.items() if key in TOOLS[name].Options.model_fields}
        try:
            self.panes.set_tool_options(name, TOOLS[name].Options.model_validate(known))
        except ValueError:  # an option's range became another since
            self.panes.set_tool_options(name, TOOLS[name].Options())

    def _show_first_sample(self, image: object) -> None:
        table = self.session.project.samples.table()
        if isinstance(image, str) and image in table.image:
            self.session.show(int(table.id[table.image.index(image)]))
        else:
            self.samples_panel.select_first()

    # how it is joined

    def _connect(self) -> None:
        session, panes = self.session, self.panes
        self.samples_panel.chosen.connect(session.show)
        self.samples_panel.left.connect(lambda: panes.setFocus(Qt.FocusReason.OtherFocusReason))
        self.samples_panel.query_changed.connect(self._remembering.start)
        self.samples_panel.listed.connect(self.facts_changed)
        self.samples_panel.listed.connect(lambda: session.images.prefetch(self.samples_panel.neighbours()))
        session.sample_changed.connect(self._show_sample)
        session.verdict_changed.connect(lambda _sample: self._show_details())
        session.probability_changed.connect(self._show_probability)
        session.project_changed.connect(lambda _topics: self._show_details())
        session.history_changed.connect(self.facts_changed)
        session.saved_changed.connect(self._show_saved)
        session.failed.connect(lambda message, hint: self.banner.tell(message, hint, kind="bad"))
        panes.tool_refused.connect(lambda why: self.banner.tell(why, kind="warn", topic="refused"))
        panes.radius_changed.connect(lambda _radius: self._remembering.start())
        self.display.changed.connect(self._remembering.start)
        self.tabs.currentChanged.connect(lambda _index: self._remembering.start())
        panes.set_read_only(session.project.read_only, f"Read-only: {session.project.read_only_reason}.")

    def _show_sample(self, sample: Sample | None) -> None:
        session, panes = self.session, self.panes
        self.banner.clear("sample")
        self.banner.clear("refused")
        problem = session.problem
        if session.loaded is None:
            panes.clear(problem.message if problem else "")
        else:
            words = problem.message if problem else ""
            panes.show_sample(session.loaded.image, session.document, session.loaded.probability, problem=words)
            self.display.set_grey(session.loaded.image.ndim == 2)
        if problem is not None:
            hint = problem.hint or "The sample cannot be edited until the file is mended."
            self.banner.tell(problem.message, hint, kind="bad", topic="sample")
        self._show_details()
        session.images.prefetch(self.samples_panel.neighbours())
        self._remembering.start()
        self.facts_changed.emit()

    def _show_probability(self, probability: Any) -> None:
        self.panes.set_probability(probability)
        self._show_details()
        self.facts_changed.emit()

    def _show_details(self) -> None:
        sample, loaded = self.session.sample, self.session.loaded
        revision = f"revision {sample.revision}" if sample and sample.revision else "from the dataset"
        has_mask = sample is not None and sample.has_mask
        self.panes.set_detail("truth", revision if has_mask else ("no mask yet" if sample else ""))
        run = self.session.project.predictions.current()
        is_predicted = loaded is not None and loaded.probability is not None and run is not None
        self.panes.set_detail("prediction", f"run {run:04}" if is_predicted else "")
        self._show_error_view()

    def _show_saved(self, state: str, reason: str) -> None:
        if state == "unsaved":
            hint = "Your strokes are kept in the journal, and saving is tried again by itself."
            self.banner.tell(f"NOT SAVED — {reason}", hint, kind="bad", topic="save")
        elif state == "saved":
            self.banner.clear("save")

    def _train_panel(self) -> "TrainPanel":
        from segstudio.ui.panels.train import TrainPanel

        panel = TrainPanel(self.session, self._queue)
        panel.predict_requested.connect(self.predictions_wanted)
        return panel

    # how it looks

    def _lay_out(self) -> None:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.panes, 1)
        column.addWidget(self.display)
        right = card()
        inside = QVBoxLayout(right)
        inside.setContentsMargins(4, 2, 4, 4)
        inside.addWidget(self.tabs)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(8)
        parts = ((self.samples_panel, 210, 0), (centre, 0, 1), (right, 340, 0))
        for index, (widget, least, stretch) in enumerate(parts):
            if least:
                widget.setMinimumWidth(least)
            self._splitter.addWidget(widget)
            self._splitter.setStretchFactor(index, stretch)
            self._splitter.setCollapsible(index, index != 1)
        self._splitter.setSizes([272, 800, 348])
        saved = QSettings().value("splitter")
        if isinstance(saved, QByteArray):
            self._splitter.restoreState(saved)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 0, 8, 2)
        layout.setSpacing(8)
        layout.addWidget(self.banner)
        layout.addWidget(self._splitter, 1)


def _runs_panel(session: Session, queue: JobQueue) -> "RunsPanel":
    from segstudio.ui.panels.runs import RunsPanel

    return RunsPanel(session, queue)


def _tabs(**pages: QWidget) -> QTabWidget:
    tabs = QTabWidget()
    tabs.setDocumentMode(True)
    for words, page in pages.items():
        tabs.addTab(page, words)
    return tabs
