"""Pages: the tabs at the right beside that of the review, each with a panel that is made when it is looked at.

A new panel is a method `_..._panel` of `Pages` that imports it, and a line in `Pages.fill`.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent, QUndoStack
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from segstudio.ui.job_queue import JobQueue

if TYPE_CHECKING:
    from segstudio.ui.panels.augment import AugmentPanel
    from segstudio.ui.panels.compare import ComparePanel
    from segstudio.ui.panels.runs import RunsPanel
    from segstudio.ui.panels.train import TrainPanel
    from segstudio.ui.workspace import Workspace

P = TypeVar("P", bound=QWidget)


class Page(QWidget, Generic[P]):
    """A page of the tabs whose panel is made when it is looked at or asked for.

    Plots take longer to import than the first image takes to be read, and the image comes first.

    Attributes:
        made: Told when the panel has been made.
    """

    made = Signal()

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
            if self.view is not None:
                # It ends with the page also where nobody ever looks at it and the centre does not take it.
                self.view.setParent(self)
                self.view.hide()
            self.made.emit()
        return self._panel

    @property
    def is_made(self) -> bool:
        """Whether the panel has been looked at or asked for."""
        return self._panel is not None

    @property
    def view(self) -> QWidget | None:
        """What the panel shows in the centre, once it is made; None when it has nothing for it."""
        return getattr(self._panel, "view", None)

    @property
    def undo_stack(self) -> QUndoStack | None:
        """What can be undone in the panel, once it is made."""
        return getattr(self._panel, "undo_stack", None)

    def close_threads(self) -> None:
        """Let the panel write what is not written, and end its threads, if it is made and has any."""
        close = getattr(self._panel, "close_threads", None)
        if close is not None:
            close()

    def showEvent(self, event: QShowEvent) -> None:
        _ = self.panel
        super().showEvent(event)


class Pages:
    """The pages of one workspace, and how their panels are joined with it and with each other.

    Attributes:
        augment: The recipes.
        train: The training.
        runs: All trainings.
        compare: The comparisons.
    """

    def __init__(self, workspace: "Workspace", queue: JobQueue) -> None:
        self._workspace = workspace
        self._queue = queue
        self.augment = Page(self._augment_panel)
        self.train = Page(self._train_panel)
        self.runs = Page(self._runs_panel)
        self.compare = Page(self._compare_panel)
        for page in self.all:
            page.made.connect(workspace.show_centre)
        self.augment.made.connect(self._tell_augmenting)

    @property
    def all(self) -> tuple[Page[Any], ...]:
        """Every page, in the order in which their threads are ended."""
        return self.augment, self.train, self.runs, self.compare

    def fill(self, tabs: QTabWidget) -> None:
        """Add the pages to the tabs."""
        pages: dict[str, QWidget] = {
            "Augment": self.augment,
            "Train": self.train,
            "Runs": self.runs,
            "Compare": self.compare,
        }
        for words, page in pages.items():
            tabs.addTab(page, words)

    def next_training(self) -> Mapping[str, Any]:
        """The options of the next training: as the Train tab shows them, else as Retrain would take them."""
        if self.train.is_made:
            form = self.train.panel.form
            return form.values() if form.is_valid else {}
        runs = self._workspace.session.project.runs
        run = runs.latest()
        return {} if run is None else {**run.options, "start": "best" if runs.best() else "scratch"}

    def _augment_panel(self) -> "AugmentPanel":
        from segstudio.ui.panels.augment import AugmentPanel

        workspace = self._workspace
        panel = AugmentPanel(workspace.session, self._queue)
        for signal in (panel.undo_stack.canUndoChanged, panel.undo_stack.canRedoChanged):
            signal.connect(workspace.facts_changed)
        samples = workspace.samples_panel
        samples.listed.connect(lambda: panel.show_filter(samples.filter_text))
        panel.show_filter(samples.filter_text)
        return panel

    def _train_panel(self) -> "TrainPanel":
        from segstudio.ui.panels.train import TrainPanel

        workspace = self._workspace
        panel = TrainPanel(workspace.session, self._queue)
        panel.predict_requested.connect(workspace.predictions_wanted)
        panel.options.changed.connect(workspace.weighing.refresh)
        panel.options.changed.connect(self._tell_augmenting)
        panel.view_changed.connect(workspace.show_centre)
        return panel

    def _runs_panel(self) -> "RunsPanel":
        from segstudio.ui.panels.runs import RunsPanel

        workspace = self._workspace
        panel = RunsPanel(workspace.session, self._queue)
        panel.view_changed.connect(workspace.show_centre)
        panel.advice_wanted.connect(workspace.show_advice)
        panel.sample_opened.connect(workspace.show_under_runs)
        return panel

    def _compare_panel(self) -> "ComparePanel":
        from segstudio.ui.panels.compare import ComparePanel

        workspace = self._workspace
        panel = ComparePanel(workspace.session, self._queue)
        panel.sample_opened.connect(workspace.show_in_review)
        panel.recipe_opened.connect(workspace.show_recipe)
        return panel

    def _tell_augmenting(self) -> None:
        """Let what recipes are tried on follow the size that the form of training says."""
        if self.augment.is_made and self.train.is_made:
            self.augment.panel.follow_training(self.train.panel.options.state())
