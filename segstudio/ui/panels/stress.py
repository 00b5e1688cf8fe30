"""Stressing: starts a stress test of a run, and turns what was found into a recipe."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.jobs.stress import StressOptions, load_result, recipe_from_stress, write_table
from segstudio.project.runs import Run
from segstudio.project.topics import Topics
from segstudio.ui.background import EXPECTED, Background
from segstudio.ui.combo import Combo
from segstudio.ui.dialogs import places
from segstudio.ui.form import Form
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.job_progress import JobProgress
from segstudio.ui.session import Session
from segstudio.ui.views.stress import NOTHING_YET, READING, UNDER_WAY, StressView
from segstudio.ui.widgets import READ_ONLY, allow, heading, keeping_focus, muted, push_button, say, scrolling

HIDDEN = ("run", "transforms", "to")
"""Options that have no row in the form: the box above it, all of them, and a button."""

ABOUT = (
    "How much does the model lose when pictures are darker, noisier or tilted than those it learnt from? "
    "Whatever costs too much can be trained against."
)


class Stressing(QWidget):
    """The side of the Compare panel that tests one run.

    Signals:
        recipe_made: Told the name of a new recipe of the project.

    Attributes:
        view: Shows the result of the run that is chosen.
    """

    recipe_made = Signal(str)

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.queue = queue
        self.view = StressView(session)
        self.view.train_requested.connect(self.make_recipe)
        self.view.export_requested.connect(self._export)
        self.record: JobRecord | None = None
        self._background = Background("stress results", self)
        self._is_read = False
        self.run_box = Combo()
        self.run_box.setAccessibleName("Run")
        self.run_box.setToolTip("Whose model is tested")
        self.run_box.activated.connect(lambda _: self._load())
        self.form = Form(StressOptions, hidden=HIDDEN)
        self.form.changed.connect(self._update)
        self.start_button = push_button("Start stress test", "Measure the run under every transform", self._on_start)
        self.progress = JobProgress(queue, "an earlier result stays")
        self.message = muted(wraps=True)
        self.message.hide()
        self._lay_out()
        queue.added.connect(self._on_added)
        queue.changed.connect(self._on_changed)
        queue.ended.connect(self._on_ended)
        session.project_changed.connect(self._on_project_changed)
        self._show_runs()
        self._follow_next()
        self._update()

    @property
    def is_busy(self) -> bool:
        """Whether anything is being read."""
        return self._background.is_busy

    @property
    def is_testing(self) -> bool:
        """Whether a stress test of this project runs or waits."""
        return self.record is not None and not self.record.state.is_end

    @property
    def run(self) -> Run | None:
        """The run that is chosen."""
        data = self.run_box.currentData()
        return data if isinstance(data, Run) else None

    def close_threads(self) -> None:
        """End all that is read in the background."""
        self._background.close()
        self.view.strip.close_threads()

    def select(self, run_id: int) -> None:
        """Choose a run, and show its last result."""
        for index in range(self.run_box.count()):
            if self.run_box.itemData(index).id == run_id:
                self.run_box.setCurrentIndex(index)
        self._load()

    def start(self) -> JobRecord:
        """Test the run that is chosen.

        Raises:
            UserError: When there is none, an option is wrong, or a test runs already.
        """
        self.session.project.require_writable()
        run = self.run
        if run is None:
            raise UserError("there is no trained model yet", "train one first, in the Train tab")
        if self.is_testing:
            raise UserError("a stress test is under way already", "wait for it, or stop it")
        self.form.options()
        self.session.save_now(wait=True)
        values = {**self.form.values(), "run": str(run.id)}
        return self.queue.submit("stress", values, f"Stress test of run {run.name}", self.session.project.folder)

    def make_recipe(self, chosen: dict[str, int]) -> None:
        """Save a recipe of what is chosen; `recipe_made` tells when it is there."""
        result, project = self.view.result, self.session.project
        if result is None:
            return

        def save() -> str:
            recipe = recipe_from_stress(result, chosen, project.recipes.free_name(f"stress {int(result['run']):04}"))
            project.recipes.save(recipe)
            return recipe.name

        def told(future: "Future[str]") -> None:
            error = future.exception()
            if isinstance(error, EXPECTED):
                self._tell(str(error), is_error=True)
            else:
                self._tell(f"Recipe {future.result()} is saved; it is open in the Augment tab.")
                self.recipe_made.emit(future.result())

        self._background.submit(save, told)

    def _on_start(self) -> None:
        try:
            self.start()
        except UserError as error:
            self._tell(str(error), is_error=True)

    # following

    def _follow_next(self) -> None:
        record = self.queue.running("stress")
        if record is not None and record.project == self.session.project.folder and not self.is_testing:
            self.record = record
            self._tell("")
            self._update()

    def _on_added(self, _record: JobRecord) -> None:
        self._follow_next()

    def _on_changed(self, record: JobRecord) -> None:
        if record is self.record:
            self.progress.show_record(record if self.is_testing else None)

    def _on_ended(self, record: JobRecord) -> None:
        if record is not self.record:
            return
        match record.state:
            case JobState.FINISHED:
                self._tell(str(record.result.get("hint") or ""))
                self.select(int(record.result["run"]))
            case JobState.CANCELLED:
                self._tell(record.message or "Stopped.")
            case _:
                self._tell(f"{record.message}\n{record.hint}".strip(), is_error=True)
        self._update()

    # runs and results

    def _on_project_changed(self, topics: Topics) -> None:
        if "runs" in topics:
            self._show_runs()

    def _show_runs(self) -> None:
        """The runs with weights, the newest first; the best one is chosen until the person chooses another."""
        before, runs = self.run, self.session.project.runs
        best = runs.best()
        able = [run for run in runs.list() if run.best_weights.is_file()]
        self.run_box.clear()
        for run in able:
            iou = "" if run.best_val_iou is None else f" · val IoU {run.best_val_iou:.3f}"
            mark = " · best" if best is not None and run.id == best.id else ""
            self.run_box.addItem(f"{run.name} · {run.preset}{iou}{mark}", run)
        wanted = before.id if before is not None else best.id if best is not None else None
        rows = [row for row, run in enumerate(able) if run.id == wanted]
        self.run_box.setCurrentIndex(rows[0] if rows else 0)
        self._load()

    def _load(self) -> None:
        run = self.run
        self._update()
        if run is None:
            self.view.show_result(None)
            return

        def take(future: "Future[dict[str, Any] | None]") -> None:
            self._is_read = True
            if run == self.run and not isinstance(future.exception(), EXPECTED) and future.result() != self.view.result:
                self.view.show_result(future.result())
            self._update()

        self._background.submit(lambda: load_result(run), take)

    def _export(self) -> None:
        result = self.view.result
        if result is None:
            return
        proposed = places.start("export", f"stress-{int(result['run']):04}.csv")
        dialog = QFileDialog(self, "Export the table", proposed, "Table (*.csv)")
        places.watch(dialog, "export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.export_to(Path(path)))
        dialog.open()

    def export_to(self, path: Path) -> None:
        """Write the table that is shown as CSV."""
        result = self.view.result
        if result is None:
            return

        def told(future: "Future[None]") -> None:
            error = future.exception()
            if isinstance(error, OSError):
                self._tell(f"{path} could not be written: {error.strerror or error}", is_error=True)
            else:
                future.result()
                self._tell(f"The table is in {path}.")

        self._background.submit(lambda: write_table(result, path), told)

    def _update(self) -> None:
        with keeping_focus(self.progress.stop_button, self.start_button):
            self._show_state()

    def _show_state(self) -> None:
        allow(
            self.start_button,
            (not self.session.project.read_only, READ_ONLY),
            (self.run is not None, "there is no trained model yet"),
            (self.form.is_valid, "a field is marked as wrong"),
        )
        self.start_button.setVisible(not self.is_testing)
        self._no_run.setVisible(self.run is None)
        self.run_box.setEnabled(self.run is not None)
        self.progress.show_record(self.record if self.is_testing else None)
        is_read = self._is_read or self.run is None
        self.view.empty.set_text(*(UNDER_WAY if self.is_testing else NOTHING_YET if is_read else READING))

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        say(self.message, text[:1].upper() + text[1:], is_error=is_error)

    def _lay_out(self) -> None:
        self._no_run = muted("There is no trained model yet: train one in the Train tab.", wraps=True)
        self.form.put_first("Run", self.run_box)
        start = QHBoxLayout()
        start.addWidget(self.start_button)
        start.addStretch(1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(8)
        column.addWidget(heading("Stress test"))
        column.addWidget(muted(ABOUT, wraps=True))
        column.addWidget(self._no_run)
        column.addWidget(self.form)
        column.addLayout(start)
        column.addWidget(self.progress)
        column.addWidget(self.message)
        column.addStretch(1)
        area = scrolling(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
