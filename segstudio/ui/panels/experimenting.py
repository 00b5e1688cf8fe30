"""Experimenting: what the sides of the Compare panel that plan, start, follow and list experiments have in common.

An experiment is many trainings that are planned and measured together: a comparison of arms, or a study. It is made by
a job; what it has trained stays when that is stopped, and another job goes on with the rest.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.options import Options
from segstudio.jobs.presets import DEFAULT, presets
from segstudio.jobs.training_time import Paces, Planned
from segstudio.project.experiments import Experiments
from segstudio.project.project import Project
from segstudio.project.topics import Topics
from segstudio.ui.background import EXPECTED, Background
from segstudio.ui.combo import Combo
from segstudio.ui.dialogs import places
from segstudio.ui.form import Form
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.experiments_model import E, ExperimentsModel
from segstudio.ui.panels.job_progress import JobProgress
from segstudio.ui.session import Session
from segstudio.ui.widgets import READ_ONLY, allow, heading, keeping_focus, muted, push_button, row_table, say, scrolling

RELOAD_MS = 1000
CONFIRM_MS = 5000
"""So long "Delete for good?" is asked."""

MOST_ROWS = 5
"""Experiments in sight at once."""

ROW_MARGIN, CELL_MARGIN = 10, 26
"""Pixels around the words of a row."""

FILES = "Page (*.html);;Everything (*.json);;Scores (*.csv)"
"""What one can be exported as."""


class _Read(NamedTuple, Generic[E]):
    """What was read in the background: the experiments, what else a side wants to know, and how fast trainings are."""

    rows: Sequence[E]
    more: Any
    paces: Paces | None


class Experimenting(QWidget, Generic[E]):
    """A side of the Compare panel: a plan, the experiment that is under way, and the list of all of its kind.

    A subclass says its own words, adds what its plan has of its own, and ends its `__init__` with `_lay_out` and
    `_begin`.

    Attributes:
        IT: The one that is selected, in a sentence.
        OTHER: Another one, in a sentence.
        EARLIER: The name of the list.
        TOPICS: The changes of the project after which the list is read anew.
        record: The job that is followed: the last one of this project that made such an experiment.
        preset_box: What is trained.
        form: The rest of the plan.
        estimate: How long what is planned will take.
    """

    IT: ClassVar[str]
    OTHER: ClassVar[str]
    EARLIER: ClassVar[str]
    TOPICS: ClassVar[Topics]

    def __init__(
        self, session: Session, queue: JobQueue, job: str, what: str, plan: type[Options], model: ExperimentsModel[E],
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        """A side without a view.

        Args:
            session: Whose project has the experiments.
            queue: Has the jobs.
            job: Makes such an experiment.
            what: What cannot be under way twice, in a sentence.
            plan: The options in the form.
            model: The list.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.session = session
        self.queue = queue
        self._job = job
        self._what = what
        self.record: JobRecord | None = None
        self._exporting: JobRecord | None = None
        self._running: int | None = None
        self._doomed: int | None = None
        self._background = Background(self.experiments.listing, self)
        self._is_stale = True
        self.preset_box = Combo()
        for one in presets().values():
            self.preset_box.addItem(one.title, one.name)
        self.form = Form(plan)
        self.estimate = muted(wraps=True)
        self._paces: Paces | None = None
        self.start_button = push_button("", "", lambda: self._attempt(self.start))
        self.progress = JobProgress(queue, "finished trainings are kept")
        self.message = muted(wraps=True)
        self.model = model
        model.setParent(self)
        # Two lines a row: all of it fits a narrow panel.
        self.table = row_table(model, self.EARLIER, row_height=2 * self.fontMetrics().lineSpacing() + ROW_MARGIN)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.horizontalHeader().setStretchLastSection(True)
        for column, widest in enumerate(("0000", model.WIDEST)):
            self.table.setColumnWidth(column, self.fontMetrics().horizontalAdvance(widest) + CELL_MARGIN)
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._show_selected())
        self.resume_button = push_button("Go on", "Train what is missing", lambda: self._again("resume", "Go on with"))
        self.export_button = push_button(
            "Export…", "Write a page for people (HTML), all of it (JSON) or the scores (CSV)", self._export
        )
        self.delete_button = push_button("Delete", "", self._delete)
        self._unconfirm = QTimer(self, singleShot=True, interval=CONFIRM_MS)
        self._unconfirm.timeout.connect(self._update)
        self._reloading = QTimer(self, singleShot=True, interval=RELOAD_MS)
        self._reloading.timeout.connect(self._reload)

    def _begin(self) -> None:
        """Show the last plan, and follow what happens from now on."""
        self._restore()
        self.form.changed.connect(self._update)
        self.queue.added.connect(self._on_added)
        self.queue.changed.connect(self._on_changed)
        self.queue.ended.connect(self._on_ended)
        self.session.project_changed.connect(self._on_project_changed)
        self._follow_next()
        self._update()

    @property
    def is_under_way(self) -> bool:
        """Whether such an experiment of this project runs or waits."""
        return self.record is not None and not self.record.state.is_end

    @property
    def is_busy(self) -> bool:
        """Whether anything is being read."""
        return self._background.is_busy or (self._is_stale and self.isVisible())

    @property
    def selected(self) -> E | None:
        """The experiment in the list that is shown."""
        index = self.table.currentIndex()
        return self.model.rows[index.row()] if index.isValid() else None

    def close_threads(self) -> None:
        """End all that is read in the background."""
        self._reloading.stop()
        self._background.close()

    # what a subclass says

    @property
    def experiments(self) -> Experiments[E]:
        """Where the project keeps them."""
        raise NotImplementedError

    def start(self) -> JobRecord:
        """Begin the experiment that is planned, with `_submit`.

        Raises:
            UserError: When the plan is wrong, a stroke is not saved, or one runs already.
        """
        raise NotImplementedError

    def _restore(self) -> None:
        """Put the last plan of the project into the form."""
        raise NotImplementedError

    def _shown(self) -> E | None:
        """The one that the view shows."""
        raise NotImplementedError

    def _show(self, one: E | None, progress: str = "") -> None:
        """Let the view show another one; `progress` is how far it is when it is being made."""
        raise NotImplementedError

    def _show_progress(self, text: str) -> None:
        """Let the view say how far the one is that it shows."""
        raise NotImplementedError

    def _find_running(self, rows: Sequence[E]) -> int | None:
        """Which of these the job that runs is making; None when it has not begun it yet."""
        raise NotImplementedError

    # beginning

    def _submit(self, values: dict[str, Any], title: str) -> JobRecord:
        self.session.project.require_writable()
        if self.is_under_way:
            raise UserError(f"{self._what} is under way already", "wait for it, or stop it")
        if not self.session.save_now(wait=True):
            raise UserError(
                "the last strokes are not saved", "a training would not see them; make room, then try again"
            )
        return self.queue.submit(self._job, values, title, self.session.project.folder)

    def _again(self, option: str, words: str, **more: Any) -> None:
        """Do something with the one that is selected, whose number is the value of this option of the job."""
        one = self.selected
        if one is not None:
            title = f"{words} {self.experiments.word} {one.name}"
            self._attempt(lambda: self._submit({option: one.id, **more}, title))

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except UserError as error:
            self._tell(str(error), is_error=True)

    # following

    def _on_added(self, _record: JobRecord) -> None:
        self._follow_next()

    def _follow_next(self) -> None:
        """Follow such an experiment of this project that runs or waits, whoever asked for it."""
        if self.is_under_way:
            return
        record = self.queue.running(self._job)
        if record is not None and record.project == self.session.project.folder and record is not self.record:
            self._follow(record)

    def _follow(self, record: JobRecord) -> None:
        self.record = record
        self._running = self._find_running(self.model.rows)
        self._tell("")
        self._reload_soon()
        self._update()

    def _on_changed(self, record: JobRecord) -> None:
        if record is not self.record:
            return
        self.progress.show_record(record if self.is_under_way else None)
        if self._running is None and record.state is JobState.RUNNING and record.text:
            self._reload_soon()
        shown = self._shown()
        if shown is not None and shown.id == self._running:
            self._show_progress(record.text if self.is_under_way else "")

    def _on_ended(self, record: JobRecord) -> None:
        if record is self._exporting:
            self._tell_end(record, f"{self.IT} is in {record.result.get('path', '')}.", "Nothing was exported.")
        if record is not self.record:
            return
        self._running = None
        word, finished = self.experiments.word, record.state is JobState.FINISHED
        number = int(record.result[word]) if finished else None
        self._tell_end(
            record,
            f"{word} {number or 0:04} is finished.",
            f"{record.message or 'Stopped'}: finished trainings are kept; Go on trains the rest.",
        )
        self._reload(select=number)
        self._follow_next()
        self._update()

    def _tell_end(self, record: JobRecord, done: str, stopped: str) -> None:
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
        """Read the experiments in the background; each of them is a file."""
        self._is_stale = False
        project = self.session.project
        # How fast trainings are is asked while the next one is planned.
        wants_paces = not self.is_under_way

        def read() -> _Read[E]:
            rows, more = self._read(project)
            return _Read(rows, more, Paces(project) if wants_paces else None)

        self._background.submit(read, lambda future: self._take(future, select))

    def _read(self, project: Project) -> tuple[Sequence[E], Any]:
        """In a thread: the experiments, and what else `_take_more` wants to know."""
        raise NotImplementedError

    def _take_more(self, more: Any) -> None:
        """What was read with the list."""

    def _planned(self, paces: Paces) -> Sequence[Planned]:
        """The trainings that are planned; UserError when the plan is wrong."""
        raise NotImplementedError

    def _show_estimate(self) -> None:
        """Say how long the plan will take, where that is known."""
        text = ""
        if self._paces is not None and not self.is_under_way:
            with suppress(UserError):
                text = self._paces.words(self._planned(self._paces))
        self.estimate.setText(text)
        self.estimate.setVisible(bool(text))

    def _take(self, future: "Future[_Read[E]]", select: int | None) -> None:
        if isinstance(future.exception(), EXPECTED):
            self._tell(f"The {self.experiments.listing} cannot be listed: {future.exception()}", is_error=True)
            return
        (rows, more, paces), shown, before = future.result(), self.selected, self._running
        self._paces = paces or self._paces
        if self.is_under_way:
            self._running = self._find_running(rows)
        self.model.show_experiments(rows, self._running)
        self._take_more(more)
        row = self.model.row_of(select or self._leading(before) or (shown.id if shown else None))
        if rows:
            self.table.selectRow(row if row is not None else 0)
        else:
            self._show(None)
        self._update()

    def _leading(self, before: int | None) -> int | None:
        """The one that the list goes to by itself when it was read anew; `before` is the one that ran until then."""
        return self._running

    def _show_selected(self) -> None:
        one = self.selected
        if one is None or one.id != self._doomed:
            self._unconfirm.stop()  # what was asked about is not what a press would delete now
        is_running = one is not None and one.id == self._running
        if one != self._shown():
            self._show(one, self.record.text if self.record is not None and is_running else "")
        self._update()

    def _on_project_changed(self, topics: Topics) -> None:
        if topics & self.TOPICS:
            self._is_stale = True
            if self.isVisible():
                self._reload()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._reload()

    # export and delete

    def _export(self) -> None:
        one, word = self.selected, self.experiments.word
        if one is None:
            return
        proposed = places.start("export", f"{word}-{one.name}.html")
        dialog = QFileDialog(self, f"Export the {word}", proposed, FILES)
        places.watch(dialog, "export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.export_to(one, Path(path)))
        dialog.open()

    def export_to(self, one: E, path: Path) -> JobRecord:
        """Write an experiment as one of FILES, as the end of the file's name says."""
        word = self.experiments.word
        self._tell(f"Writing {path}…")
        self._exporting = self.queue.submit(
            f"export-{word}", {word: one.id, "to": str(path)}, f"Export {word} {one.name}", self.session.project.folder
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
        experiments = self.experiments

        def take(future: "Future[Any]") -> None:
            if isinstance(future.exception(), EXPECTED):
                self._tell(str(future.exception()), is_error=True)

        self._background.submit(lambda: experiments.remove(one.id), take)
        self._reload()

    # how it is kept, and how it looks

    def _choose_preset(self, name: object) -> None:
        """Have a preset in the box; without a name that of the last training."""
        run = self.session.project.runs.latest()
        usual = run.preset if run is not None and run.preset in presets() else DEFAULT
        self.preset_box.setCurrentIndex(max(self.preset_box.findData(str(name or usual)), 0))

    def _buttons(self) -> tuple[QWidget, ...]:
        """Those that come and go, and pass the keyboard's focus on."""
        return self.progress.stop_button, self.start_button, self.resume_button

    def _update(self) -> None:
        with keeping_focus(*self._buttons()):
            self._show_state()

    def _show_state(self) -> None:
        one = self.selected
        is_finished, is_running = one is not None and one.is_finished, one is not None and one.id == self._running
        is_writable = (not self.session.project.read_only, READ_ONLY)
        self._show_estimate()
        self.start_button.setVisible(not self.is_under_way)
        self.progress.show_record(self.record if self.is_under_way else None)
        self.resume_button.setVisible(one is not None and not is_finished and not is_running)
        allow(self.resume_button, is_writable, (not self.is_under_way, f"{self.OTHER} is under way"))
        allow(self.export_button, is_writable, (is_finished, f"{self.IT} is not finished"))
        is_idle = one is not None and not is_running
        allow(self.delete_button, is_writable, (is_idle, f"{self.IT} is under way"))
        if not self._unconfirm.isActive():
            self.delete_button.setText("Delete")
        self._earlier.setVisible(bool(self.model.rows))
        lines = min(len(self.model.rows), MOST_ROWS) * self.table.verticalHeader().defaultSectionSize()
        titles = self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(lines + titles + 2 * self.table.frameWidth())

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        say(self.message, text[:1].upper() + text[1:], is_error=is_error)

    def _lay_out(self, plan: Sequence[QWidget], earlier: str, *buttons: Sequence[QWidget]) -> None:
        """One column that scrolls: the plan, what is under way, and the list under its heading with rows of buttons."""
        self.form.put_first("Preset", self.preset_box)
        self._earlier = QWidget()
        below = QVBoxLayout(self._earlier)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(heading(earlier))
        below.addWidget(self.table)
        for row in buttons:
            below.addLayout(_row(*row))
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(8)
        for widget in (*plan, self.estimate):
            column.addWidget(widget)
        column.addLayout(_row(self.start_button))
        column.addWidget(self.progress)
        column.addWidget(self.message)
        column.addWidget(self._earlier)
        column.addStretch(1)
        self.message.hide()
        area = scrolling(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)


def _row(*widgets: QWidget) -> QLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch(1)
    return row
