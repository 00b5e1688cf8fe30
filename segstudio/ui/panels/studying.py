"""Studying: plans a cross-validation or a learning curve, starts it, follows it, and lists the earlier ones."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.way import Flips
from segstudio.jobs.predict import MEASURED_FLIPS
from segstudio.jobs.presets import DEFAULT, presets
from segstudio.project.studies import Kind, Study
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.dialogs import places
from segstudio.ui.form import Combo, Form
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.job_progress import JobProgress
from segstudio.ui.panels.rows_model import Index, RowsModel
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.numbers import change_text
from segstudio.ui.views.study import NOTHING_YET, TOKENS, WHAT, StudyView, number_text
from segstudio.ui.widgets import READ_ONLY, allow, heading, keeping_focus, muted, push_button, row_table, set_property

RELOAD_MS = 1000
CONFIRM_MS = 5000
"""So long "Delete for good?" is asked."""

MOST_ROWS = 5
ROW_MARGIN, CELL_MARGIN = 10, 26

EXPECTED = (UserError, OSError, sqlite3.Error)

JOBS = {Kind.FOLDS: "cross-validate", Kind.CURVE: "advise"}
"""The job of each kind."""

START = {Kind.FOLDS: "Start cross-validation", Kind.CURVE: "Start advice"}

ABOUT = {
    Kind.FOLDS: "How good is this training on images it has not seen? Each fold is measured by a network that learnt "
    "from the others. Near-duplicates and groups stay in one fold.",
    Kind.CURVE: "Would more masks help, or is it time to stop? Networks learn from an eighth, a quarter, a half and "
    "all of the masks; the curve says what further ones would bring.",
}


class FoldsPlan(Options):
    """What a cross-validation asks for."""

    folds: int = option(5, "Folds", ge=2, le=50, help="Parts of the samples, each measured by what learnt the others.")
    repeats: int = option(1, "Repeats", ge=1, le=50, help="How often, each time with other folds and seeds.")
    epochs: int = option(
        0, "Epochs", ge=0, le=10_000, zero="as the preset says",
        help="How often every image is seen; empty: as the preset says.",
    )  # fmt: skip
    include_test: bool = option(
        False,
        "With test split",
        help="Takes the test split's samples in too. It is no untouched test any more for what is decided by this.",
    )
    flips: Flips = option("off", "Mirror images", help=MEASURED_FLIPS)


class CurvePlan(Options):
    """What advice on more masks asks for."""

    steps: int = option(4, "Sizes", ge=3, le=10, help="So many numbers of masks, each half of the next one.")
    repeats: int = option(3, "Repeats", ge=1, le=50, help="Trainings of each size, with other masks and other seeds.")
    epochs: int = option(
        0, "Epochs", ge=0, le=10_000, zero="as the preset says",
        help="How often every image is seen; empty: as the preset says.",
    )  # fmt: skip
    split: Literal["val", "test"] = option("val", "Split", help="Which part of the samples is measured.")
    flips: Flips = option("off", "Mirror images", help=MEASURED_FLIPS)


PLANS: dict[Kind, type[Options]] = {Kind.FOLDS: FoldsPlan, Kind.CURVE: CurvePlan}


class StudiesModel(RowsModel):
    """The studies of one kind, the newest first."""

    COLUMNS = ("#", "Result", "What")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Study] = ()
        self._running: int | None = None

    def show_studies(self, rows: Sequence[Study], running: int | None) -> None:
        """Show other rows; `running` is the one that is being made."""
        self.beginResetModel()
        self.rows, self._running = rows, running
        self.endResetModel()

    def row_of(self, study_id: int | None) -> int | None:
        """The row of a study, or None."""
        return next((row for row, one in enumerate(self.rows) if one.id == study_id), None)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        one = self.rows[index.row()]
        column = self.COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(one, column)
        if role == Qt.ItemDataRole.ForegroundRole and column == "Result":
            advice = str((one.result or {}).get("advice", ""))
            return theme.color(TOKENS.get(advice, "text" if one.is_finished else "text_muted"))
        return self._text(one, "What") if role == Qt.ItemDataRole.ToolTipRole else None

    def _text(self, one: Study, column: str) -> str:
        result = one.result
        match column:
            case "#":
                return one.name
            case "Result" if one.id == self._running:
                return "running"
            case "Result" if result is None:
                return "unfinished"
            case "Result":
                return _result_text(one.kind, result or {})
        return f"{one.title} · {one.arm.preset}\n{when_text(one.created)}"


def _result_text(kind: Kind, result: dict[str, Any]) -> str:
    if kind is Kind.FOLDS:
        return f"IoU {number_text(result['figures']['iou']['mean'])}\n{result['images']} images"
    last = result["gains"][-1]
    return f"{result['advice']}\n{last['more']}: {change_text(last['gain'])}"


class Studying(QWidget):
    """The side of the Compare panel that plans and lists the studies of one kind.

    Signals:
        opened: Told the id of a sample that the person wants to see in Review.

    Attributes:
        view: Shows the one that is selected.
    """

    opened = Signal(int)

    def __init__(self, session: Session, queue: JobQueue, kind: Kind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.queue = queue
        self.kind = kind
        self.view = StudyView(session, kind)
        self.view.opened.connect(self.opened)
        self.record: JobRecord | None = None
        self._exporting: JobRecord | None = None
        self._doomed: int | None = None
        self._background = Background("studies", self)
        self._is_stale = True
        self.preset_box = Combo()
        for one in presets().values():
            self.preset_box.addItem(one.title, one.name)
        self.preset_box.setAccessibleName("Preset")
        self.preset_box.setToolTip("What is trained")
        self.form = Form(PLANS[kind])
        self.start_button = push_button(START[kind], ABOUT[kind], self._on_start)
        self.progress = JobProgress(queue, "finished trainings are kept")
        self.message = muted(wraps=True)
        self.model = StudiesModel(self)
        # Two lines a row: all of it fits a narrow panel.
        self.table = row_table(self.model, "Earlier ones", row_height=2 * self.fontMetrics().lineSpacing() + ROW_MARGIN)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.horizontalHeader().setStretchLastSection(True)
        widest = self.fontMetrics().horizontalAdvance("more helps")
        for column, width in enumerate((self.fontMetrics().horizontalAdvance("0000"), widest)):
            self.table.setColumnWidth(column, width + CELL_MARGIN)
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._show_selected())
        self.resume_button = push_button("Go on", "Train what is missing", self._resume)
        kinds = "Write a page for people (HTML), all of it (JSON) or the scores (CSV)"
        self.export_button = push_button("Export…", kinds, self._export)
        self.delete_button = push_button("Delete", "Delete it with its files", self._delete)
        self._unconfirm = QTimer(self, singleShot=True, interval=CONFIRM_MS)
        self._unconfirm.timeout.connect(self._update)
        self._reloading = QTimer(self, singleShot=True, interval=RELOAD_MS)
        self._reloading.timeout.connect(self._reload)
        self._lay_out()
        self._restore()
        self.form.changed.connect(self._update)
        queue.added.connect(lambda _record: self._follow_next())
        queue.changed.connect(self._on_changed)
        queue.ended.connect(self._on_ended)
        session.project_changed.connect(self._on_project_changed)
        self._follow_next()
        self._update()

    @property
    def is_studying(self) -> bool:
        """Whether such a study of this project runs or waits."""
        return self.record is not None and not self.record.state.is_end

    @property
    def is_busy(self) -> bool:
        """Whether anything is being read."""
        return self._background.is_busy or (self._is_stale and self.isVisible())

    @property
    def selected(self) -> Study | None:
        """The study in the list that is shown."""
        index = self.table.currentIndex()
        return self.model.rows[index.row()] if index.isValid() else None

    def close_threads(self) -> None:
        """End all that is read in the background."""
        self._reloading.stop()
        self._background.close()

    def start(self) -> JobRecord:
        """Begin the study that is planned.

        Raises:
            UserError: When the plan is wrong, a stroke is not saved, or one runs already.
        """
        plan = self.form.options().model_dump()
        values = {"preset": str(self.preset_box.currentData()), **plan}
        record = self._submit(values, WHAT[self.kind])
        self.session.remember(self._setting, {"preset": self.preset_box.currentData(), "plan": self.form.values()})
        return record

    @property
    def _setting(self) -> str:
        """The project's setting that keeps the last plan."""
        return f"study-{JOBS[self.kind]}"

    def _submit(self, values: dict[str, Any], title: str) -> JobRecord:
        self.session.project.require_writable()
        if self.is_studying:
            raise UserError(f"{WHAT[self.kind].lower()} is under way already", "wait for it, or stop it")
        if not self.session.save_now(wait=True):
            raise UserError(
                "the last strokes are not saved", "a training would not see them; make room, then try again"
            )
        return self.queue.submit(JOBS[self.kind], values, title, self.session.project.folder)

    def _on_start(self) -> None:
        self._attempt(self.start)

    def _resume(self) -> None:
        one = self.selected
        if one is not None:
            self._attempt(lambda: self._submit({"resume": one.id}, f"Go on with study {one.name}"))

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except UserError as error:
            self._tell(str(error), is_error=True)

    # following

    def _follow_next(self) -> None:
        """Follow such a study of this project that runs or waits, whoever asked for it."""
        if self.is_studying:
            return
        record = self.queue.running(JOBS[self.kind])
        if record is None or record.project != self.session.project.folder or record is self.record:
            return
        self.record = record
        self._tell("")
        self._reload_soon()
        self._update()

    def _on_changed(self, record: JobRecord) -> None:
        if record is not self.record:
            return
        self.progress.show_record(record if self.is_studying else None)
        if self.view.study is not None and self.view.study.id == self._running:
            self.view.show_progress(record.text if self.is_studying else "")
        elif self._running is None and record.state is JobState.RUNNING:
            self._reload_soon()

    @property
    def _running(self) -> int | None:
        """The study that is being made: the newest unfinished one, or the one that goes on."""
        if not self.is_studying or self.record is None:
            return None
        resumed = int(self.record.options.get("resume") or 0)
        newest = next((one for one in self.model.rows if not one.is_finished), None)
        return resumed or (newest.id if newest is not None else None)

    def _on_ended(self, record: JobRecord) -> None:
        if record is self._exporting:
            self._show_end(record, f"It is in {record.result.get('path', '')}.", "Nothing was exported.")
        if record is not self.record:
            return
        done = f"Study {int(record.result.get('study') or 0):04} is finished."
        self._show_end(record, done, "Stopped: finished trainings are kept; Go on trains the rest.")
        self._reload(select=int(record.result["study"]) if record.state is JobState.FINISHED else None)
        self._update()

    def _show_end(self, record: JobRecord, done: str, stopped: str) -> None:
        match record.state:
            case JobState.FINISHED:
                self._tell(done)
            case JobState.CANCELLED:
                self._tell(stopped)
            case _:
                self._tell(f"{record.message}\n{record.hint}".strip(), is_error=True)

    # the list

    def _reload_soon(self) -> None:
        if not self._reloading.isActive():
            self._reloading.start()

    def _reload(self, select: int | None = None) -> None:
        """Read the studies in the background; each of them is a file."""
        self._is_stale = False
        project, kind = self.session.project, self.kind
        self._background.submit(
            lambda: [one for one in project.studies.list() if one.kind is kind],
            lambda future: self._take(future, select),
        )

    def _take(self, future: "Future[list[Study]]", select: int | None) -> None:
        if isinstance(future.exception(), EXPECTED):
            self._tell(f"The studies cannot be listed: {future.exception()}", is_error=True)
            return
        rows, shown = future.result(), self.selected
        self.model.show_studies(rows, None)
        self.model.show_studies(rows, self._running)
        row = self.model.row_of(select or self._running or (shown.id if shown else None))
        if rows:
            self.table.selectRow(row if row is not None else 0)
        else:
            self.view.show_study(None)
        self._update()

    def _show_selected(self) -> None:
        one = self.selected
        if one is None or one.id != self._doomed:
            self._unconfirm.stop()  # what was asked about is not what a press would delete now
        is_running = one is not None and one.id == self._running
        if one != self.view.study:
            self.view.show_study(one, self.record.text if self.record is not None and is_running else "")
        self._update()

    def _on_project_changed(self, topics: frozenset[str]) -> None:
        if "studies" in topics:
            self._is_stale = True
            if self.isVisible():
                self._reload()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._reload()

    # export and delete

    def _export(self) -> None:
        one = self.selected
        if one is None:
            return
        kinds = "Page (*.html);;Everything (*.json);;Scores (*.csv)"
        dialog = QFileDialog(self, "Export the study", places.start("export", f"study-{one.name}.html"), kinds)
        places.watch(dialog, "export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.export_to(one, Path(path)))
        dialog.open()

    def export_to(self, one: Study, path: Path) -> JobRecord:
        """Write a study as a page, as JSON or as a table, as the end of the file's name says."""
        values = {"study": one.id, "to": str(path)}
        self._tell(f"Writing {path}…")
        self._exporting = self.queue.submit(
            "export-study", values, f"Export study {one.name}", self.session.project.folder
        )
        return self._exporting

    def _delete(self) -> None:
        """Delete at the second press: it cannot be undone, and nothing shall be modal."""
        one = self.selected
        if one is None:
            return
        if not self._unconfirm.isActive() or self._doomed != one.id:
            self._doomed = one.id
            self.delete_button.setText(f"Delete {one.name} for good?")
            self._unconfirm.start()
            return
        self._unconfirm.stop()
        project = self.session.project

        def take(future: "Future[Any]") -> None:
            if isinstance(future.exception(), EXPECTED):
                self._tell(str(future.exception()), is_error=True)

        self._background.submit(lambda: project.studies.remove(one.id), take)
        self._reload()

    # how it is kept, and how it looks

    def _restore(self) -> None:
        state = self.session.project.settings.get(self._setting)
        state = state if isinstance(state, dict) else {}
        try:
            plan = PLANS[self.kind].model_validate(state.get("plan") or {})
        except ValueError:
            plan = PLANS[self.kind]()
        self.form.set_values(plan.model_dump())
        run = self.session.project.runs.latest()
        usual = run.preset if run is not None and run.preset in presets() else DEFAULT
        self.preset_box.setCurrentIndex(max(self.preset_box.findData(str(state.get("preset") or usual)), 0))

    def _update(self) -> None:
        with keeping_focus(self.progress.stop_button, self.start_button, self.resume_button):
            self._show_state()

    def _show_state(self) -> None:
        one, is_writable = self.selected, not self.session.project.read_only
        allow(self.start_button, (is_writable, READ_ONLY), (self.form.is_valid, "a field is marked as wrong"))
        self.start_button.setVisible(not self.is_studying)
        self.progress.show_record(self.record if self.is_studying else None)
        is_finished = one is not None and one.is_finished
        self.resume_button.setVisible(one is not None and not is_finished and one.id != self._running)
        allow(self.resume_button, (is_writable, READ_ONLY), (not self.is_studying, "another one is under way"))
        allow(self.export_button, (is_writable, READ_ONLY), (is_finished, "it is not finished"))
        is_idle = one is not None and one.id != self._running
        allow(self.delete_button, (is_writable, READ_ONLY), (is_idle, "it is under way"))
        if not self._unconfirm.isActive():
            self.delete_button.setText("Delete")
        self._earlier.setVisible(bool(self.model.rows))
        lines = min(len(self.model.rows), MOST_ROWS) * self.table.verticalHeader().defaultSectionSize()
        titles = self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(lines + titles + 2 * self.table.frameWidth())
        if not self.model.rows and self.is_studying:
            self.view.empty.set_text(f"{WHAT[self.kind]} is under way", "It stands here as soon as it has begun.")
        elif not self._is_stale and not self.model.rows:
            self.view.empty.set_text(*NOTHING_YET[self.kind])

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        set_property(self.message, "error", is_error)
        set_property(self.message, "muted", not is_error)
        self.message.setText(text[:1].upper() + text[1:])
        self.message.setVisible(bool(text))

    def _lay_out(self) -> None:
        self.form.put_first("Preset", self.preset_box)
        start, buttons = QHBoxLayout(), QHBoxLayout()
        start.addWidget(self.start_button)
        start.addStretch(1)
        for widget in (self.resume_button, self.export_button, self.delete_button):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        self._earlier = QWidget()
        earlier = QVBoxLayout(self._earlier)
        earlier.setContentsMargins(0, 0, 0, 0)
        earlier.addWidget(heading("Earlier ones"))
        earlier.addWidget(self.table)
        earlier.addLayout(buttons)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(8)
        column.addWidget(heading(WHAT[self.kind]))
        column.addWidget(muted(ABOUT[self.kind], wraps=True))
        column.addWidget(self.form)
        column.addLayout(start)
        column.addWidget(self.progress)
        column.addWidget(self.message)
        column.addWidget(self._earlier)
        column.addStretch(1)
        self.message.hide()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
