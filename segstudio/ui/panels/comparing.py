"""Comparing: plans a comparison, starts it, follows it, and lists the earlier ones."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import field_validator
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QHBoxLayout, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.sample import Split
from segstudio.jobs.presets import DEFAULT, preset, presets
from segstudio.project.comparisons import Comparison
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.sample_table import SPLITS
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.dialogs import places
from segstudio.ui.form import Combo, Form
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, duration
from segstudio.ui.panels.arms import ArmDraft, ArmsEditor
from segstudio.ui.panels.job_progress import JobProgress
from segstudio.ui.panels.rows_model import Index, RowsModel
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.comparison import ComparisonView
from segstudio.ui.views.numbers import change_text
from segstudio.ui.widgets import READ_ONLY, allow, heading, keeping_focus, muted, push_button, row_table, set_property

SETTING = "compare"
"""The project's setting that keeps the last plan."""

AUGMENT_SETTING = "augment"
"""The project's setting in which the Augment panel keeps what it shows."""

RELOAD_MS = 1000
CONFIRM_MS = 5000
"""So long "Delete for good?" is asked."""

MOST_ROWS = 5
"""Comparisons in sight at once."""

ROW_MARGIN, CELL_MARGIN = 10, 26
"""Pixels around the words of a row."""

DEFAULT_RECIPE = "flip"

EXPECTED = (UserError, OSError, sqlite3.Error)

TOKENS = {"helps": "good", "hurts": "bad"}


class Plan(Options):
    """What all arms have in common."""

    repeats: int = option(3, "Repeats", ge=1, le=100, help="Trainings of each arm, each with other seeds.")
    epochs: int = option(
        0, "Epochs", ge=0, le=10_000, zero="as the preset says",
        help="How often every image is seen; empty: as the preset says.",
    )  # fmt: skip
    limit: int = option(
        0, "Learn from", ge=0, unit="images", zero="all", help="So many samples at most; empty: all of the train split."
    )
    control: bool = option(
        False, "Control arm", help="One more arm repeats the first with other seeds: it shows what chance alone does."
    )
    metric: Literal["iou", "dice"] = option("iou", "Metric", is_advanced=True, help="The score of an image.")
    split: Literal["test", "val"] = option(
        "test", "Split", is_advanced=True, help="Which part of the samples is measured."
    )
    groups: tuple[str, ...] = option(
        (), "Sub-groups", is_advanced=True,
        help="Kinds of images whose effect is shown on its own too: filters as above the list of samples, with commas "
        "between them, for example name:MCUCXR*, name:CHNCXR*",
    )  # fmt: skip

    @field_validator("groups")
    @classmethod
    def _check_groups(cls, groups: tuple[str, ...]) -> tuple[str, ...]:
        for text in groups:
            try:
                compile_filter(text)
            except UserError as error:
                raise ValueError(str(error)) from None
        return groups


class ComparisonsModel(RowsModel):
    """The comparisons of the project, the newest first."""

    COLUMNS = ("#", "Verdict", "Arms")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Comparison] = ()
        self._running: int | None = None

    def show_comparisons(self, rows: Sequence[Comparison], running: int | None) -> None:
        """Show other rows; `running` is the one that is being made."""
        self.beginResetModel()
        self.rows, self._running = rows, running
        self.endResetModel()

    def row_of(self, comparison_id: int | None) -> int | None:
        """The row of a comparison, or None."""
        return next((row for row, one in enumerate(self.rows) if one.id == comparison_id), None)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        one = self.rows[index.row()]
        column = self.COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(one, column)
        if role == Qt.ItemDataRole.ForegroundRole and column == "Verdict":
            verdict = str((one.result or {}).get("verdict", ""))
            return theme.color(TOKENS.get(verdict, "text" if one.is_finished else "text_muted"))
        return self._text(one, "Arms") if role == Qt.ItemDataRole.ToolTipRole else None

    def _text(self, one: Comparison, column: str) -> str:
        result = one.result or {}
        match column:
            case "#":
                return one.name
            case "Verdict":
                if one.id == self._running:
                    return "running"
                return f"{result['verdict']}\n{change_text(result['difference'])}" if one.is_finished else "unfinished"
        repeats = "1 repeat" if one.repeats == 1 else f"{one.repeats} repeats"
        return f"{one.title}\n{repeats} · {when_text(one.created)}"


class Comparing(QWidget):
    """The side of the Compare panel that plans and lists comparisons.

    Attributes:
        view: Shows the one that is selected.
    """

    def __init__(self, session: Session, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.queue = queue
        self.view = ComparisonView(session)
        self.record: JobRecord | None = None
        self._exporting: JobRecord | None = None
        self._running: int | None = None
        self._newest_before = 0
        self._proposed: ArmDraft | None = None
        self._doomed: int | None = None
        self._background = Background("comparisons", self)
        self._is_stale = True
        self.arms = ArmsEditor()
        self.preset_box = Combo()
        for one in presets().values():
            self.preset_box.addItem(one.title, one.name)
        self.preset_box.setAccessibleName("Preset of all arms")
        self.preset_box.setToolTip("The network of every arm that has no preset of its own")
        self.form = Form(Plan)
        self.estimate = muted(wraps=True)
        self.start_button = push_button(
            "Start comparison", "Train every arm in every repeat, and judge", self._on_start
        )
        self.progress = JobProgress(queue, "finished trainings are kept")
        self.message = muted(wraps=True)
        self.model = ComparisonsModel(self)
        # Two lines a row: all of it fits a narrow panel.
        self.table = row_table(
            self.model, "Earlier comparisons", row_height=2 * self.fontMetrics().lineSpacing() + ROW_MARGIN
        )
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.horizontalHeader().setStretchLastSection(True)
        widest = self.fontMetrics().horizontalAdvance("not distinguishable")
        for column, width in enumerate((self.fontMetrics().horizontalAdvance("0000"), widest)):
            self.table.setColumnWidth(column, width + CELL_MARGIN)
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._show_selected())
        self.more_box = QSpinBox(minimum=1, maximum=50, value=1, prefix="+ ")
        self.more_box.setAccessibleName("How many repeats more")
        self.more_box.setToolTip("How many times more each arm is trained")
        self.resume_button = push_button("Go on", "Train what is missing", lambda: self._again("resume"))
        self.extend_button = push_button(
            "More repeats", "Train every arm some more times", lambda: self._again("extend")
        )
        self.rerun_button = push_button(
            "Run again", "The same anew, with the masks of today", lambda: self._again("rerun")
        )
        self.export_button = push_button("Export…", "Write it as a page (HTML) or as a table (CSV)", self._export)
        self.delete_button = push_button("Delete", "Delete this comparison with its files", self._delete)
        self._unconfirm = QTimer(self, singleShot=True, interval=CONFIRM_MS)
        self._unconfirm.timeout.connect(self._update)
        self._reloading = QTimer(self, singleShot=True, interval=RELOAD_MS)
        self._reloading.timeout.connect(self._reload)
        self._lay_out()
        self._connect()
        self._restore()
        self._follow_next()
        self._update()

    @property
    def is_comparing(self) -> bool:
        """Whether a comparison of this project runs or waits."""
        return self.record is not None and not self.record.state.is_end

    @property
    def is_busy(self) -> bool:
        """Whether anything is being read."""
        return self._background.is_busy

    @property
    def selected(self) -> Comparison | None:
        """The comparison in the list that is shown."""
        index = self.table.currentIndex()
        return self.model.rows[index.row()] if index.isValid() else None

    def close_threads(self) -> None:
        """End all that is read in the background."""
        self._reloading.stop()
        self._background.close()
        self.view.close_threads()

    def set_recipe(self, name: str) -> None:
        """Let the second arm have this recipe, as long as it is the one that was put there last, and by nobody else."""
        arms = self.arms.arms
        if len(arms) == 2 and arms[1] == self._proposed:
            self._proposed = ArmDraft(recipe=name)
            self.arms.set_arms([arms[0], self._proposed])

    def values(self) -> dict[str, Any]:
        """The options of the job as they are planned.

        Raises:
            UserError: When one of them is wrong, or there is only one arm.
        """
        plan = self.form.options().model_dump()
        arms = self.arms.values()
        if len(arms) < 2 and not plan["control"]:
            raise UserError("a comparison wants two arms at least", "add one, or tick the control arm")
        limit = plan.pop("limit")
        options = {"limit": limit} if limit else {}
        return {"arms": arms, "preset": str(self.preset_box.currentData()), "options": options, **plan}

    def start(self) -> JobRecord:
        """Begin the comparison that is planned.

        Raises:
            UserError: When the plan is wrong, a stroke is not saved, or a comparison runs already.
        """
        values = self.values()
        arms = " vs ".join(str(one["name"]) for one in values["arms"])
        record = self._submit(values, f"Compare {arms}")
        self.session.remember(SETTING, self._state())
        return record

    def _submit(self, values: dict[str, Any], title: str) -> JobRecord:
        self.session.project.require_writable()
        if self.is_comparing:
            raise UserError("a comparison is under way already", "wait for it, or stop it")
        if not self.session.save_now(wait=True):
            raise UserError(
                "the last strokes are not saved", "a training would not see them; make room, then try again"
            )
        return self.queue.submit("compare", values, title, self.session.project.folder)

    def _on_start(self) -> None:
        self._attempt(self.start)

    def _again(self, word: Literal["resume", "extend", "rerun"]) -> None:
        one = self.selected
        if one is None:
            return
        values: dict[str, Any] = {word: one.id}
        if word == "extend":
            values["repeats"] = self.more_box.value()
        titles = {"resume": "Go on with", "extend": "Extend", "rerun": "Run again"}
        self._attempt(lambda: self._submit(values, f"{titles[word]} comparison {one.name}"))

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except UserError as error:
            self._tell(str(error), is_error=True)

    # following

    def _follow_next(self) -> None:
        """Follow the comparison of this project that runs or waits, whoever asked for it."""
        record = self.queue.running("compare")
        if record is None or record.project != self.session.project.folder or record is self.record:
            return
        self.record = record
        self._newest_before = max((one.id for one in self.model.rows), default=0)
        self._running = int(record.options.get("extend") or record.options.get("resume") or 0) or None
        self._tell("")
        self._reload_soon()
        self._update()

    def _on_added(self, _record: JobRecord) -> None:
        if not self.is_comparing:
            self._follow_next()

    def _on_metric(self, job_id: str, step: int, values: dict[str, float]) -> None:
        if self.record is None or job_id != self.record.id:
            return
        if self._running is None:
            self._reload_soon()
        elif self.view.comparison is not None and self.view.comparison.id == self._running:
            self.view.append(step, values)

    def _on_changed(self, record: JobRecord) -> None:
        if record is not self.record:
            return
        self.progress.show_record(record if self.is_comparing else None)
        if self._running is None and record.state is JobState.RUNNING and record.text:
            self._reload_soon()
        if self.view.comparison is not None and self.view.comparison.id == self._running:
            self.view.show_progress(record.text if self.is_comparing else "")

    def _on_ended(self, record: JobRecord) -> None:
        if record is self._exporting:
            self._show_exported(record)
        if record is not self.record:
            return
        match record.state:
            case JobState.FINISHED:
                self._tell(f"Comparison {int(record.result['comparison']):04} is finished.")
                self._running = int(record.result["comparison"])
                self._reload(select=self._running)
            case JobState.CANCELLED:
                self._tell(f"{record.message or 'Stopped'}: finished trainings are kept; Go on trains the rest.")
            case _:
                self._tell(f"{record.message}\n{record.hint}".strip(), is_error=True)
        self._running = None
        self._reload()
        self._follow_next()
        self._update()

    def _show_exported(self, record: JobRecord) -> None:
        match record.state:
            case JobState.FINISHED:
                self._tell(f"The comparison is in {record.result['path']}.")
            case JobState.CANCELLED:
                self._tell("Nothing was exported.")
            case _:
                self._tell(f"{record.message}\n{record.hint}".strip(), is_error=True)

    # the list

    def _reload_soon(self) -> None:
        if not self._reloading.isActive():
            self._reloading.start()

    def _reload(self, select: int | None = None) -> None:
        """Read the comparisons in the background; each of them is a file."""
        self._is_stale = False
        project = self.session.project
        self._background.submit(lambda: _read(project), lambda future: self._take(future, select))

    def _take(self, future: "Future[tuple[Sequence[Comparison], Sequence[Recipe], Pace]]", select: int | None) -> None:
        if isinstance(future.exception(), EXPECTED):
            self._tell(f"The comparisons cannot be listed: {future.exception()}", is_error=True)
            return
        rows, recipes, self._pace = future.result()
        newest = max((one.id for one in rows), default=0)
        if self._running is None and self.is_comparing and newest > self._newest_before:
            self._running = select = newest
        shown = self.selected
        wanted = select or (self._running if self.view.comparison is None else None) or (shown.id if shown else None)
        self.model.show_comparisons(rows, self._running if self.is_comparing else None)
        self.arms.set_recipes(recipes)
        row = self.model.row_of(wanted)
        if rows:
            self.table.selectRow(row if row is not None else 0)
        else:
            self.view.show_comparison(None)
        self._update()

    def _show_selected(self) -> None:
        if self.selected is None or self.selected.id != self._doomed:
            self._unconfirm.stop()  # what was asked about is not what a press would delete now
        one = self.selected
        text = self.record.text if self.record is not None and one is not None and one.id == self._running else ""
        if one != self.view.comparison:
            self.view.show_comparison(one, text)
        self._update()

    def _replay(self) -> None:
        """What was told since the files were read; the files may be a little behind."""
        one = self.view.comparison
        if self.record is not None and one is not None and one.id == self._running:
            for step, values in self.record.metrics:
                self.view.append(step, values)

    def _on_project_changed(self, topics: frozenset[str]) -> None:
        if topics & {"comparisons", "recipes", "runs"}:
            self._is_stale = True
            if self.isVisible():
                self._reload()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.set_recipe(self._edited_recipe())
        if self._is_stale:
            self._reload()

    # export and delete

    def _export(self) -> None:
        one = self.selected
        if one is None:
            return
        proposed = places.start("export", f"comparison-{one.name}.html")
        dialog = QFileDialog(self, "Export the comparison", proposed, "Page (*.html);;Table (*.csv)")
        places.watch(dialog, "export")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.export_to(one, Path(path)))
        dialog.open()

    def export_to(self, one: Comparison, path: Path) -> JobRecord:
        """Write a comparison as a page or a table, as the end of the file's name says."""
        values = {"comparison": one.id, "to": str(path)}
        self._tell(f"Writing {path}…")
        self._exporting = self.queue.submit(
            "export-comparison", values, f"Export comparison {one.name}", self.session.project.folder
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

        self._background.submit(lambda: project.comparisons.remove(one.id), take)
        self._reload()

    # how it is kept, and how it looks

    def _state(self) -> dict[str, Any]:
        arms = [{"name": one.name, "recipe": one.recipe, "preset": one.preset, "options": one.options}
                for one in self.arms.arms]  # fmt: skip
        return {"arms": arms, "preset": self.preset_box.currentData(), "plan": self.form.values()}

    def _restore(self) -> None:
        state = self.session.project.settings.get(SETTING)
        state = state if isinstance(state, dict) else {}
        try:
            arms = [ArmDraft(**one) for one in state.get("arms") or []]
            plan = Plan.model_validate(state.get("plan") or {})
        except (TypeError, ValueError):
            arms, plan = [], Plan()
        if not arms:
            self._proposed = ArmDraft(recipe=self._edited_recipe())
            arms = [ArmDraft(), self._proposed]
        self.arms.set_arms(arms)
        self.form.set_values(plan.model_dump())
        chosen = str(state.get("preset") or self._usual_preset())
        self.preset_box.setCurrentIndex(max(self.preset_box.findData(chosen), 0))

    def _edited_recipe(self) -> str:
        """The recipe that is open in the Augment tab."""
        state = self.session.project.settings.get(AUGMENT_SETTING)
        return str((state if isinstance(state, dict) else {}).get("recipe") or DEFAULT_RECIPE)

    def _usual_preset(self) -> str:
        run = self.session.project.runs.latest()
        return run.preset if run is not None and run.preset in presets() else DEFAULT

    def _connect(self) -> None:
        self._pace = Pace({}, 0)
        self.arms.changed.connect(self._update)
        self.form.changed.connect(self._update)
        self.preset_box.activated.connect(lambda _: self._update())
        self.view.loaded.connect(self._replay)
        self.queue.added.connect(self._on_added)
        self.queue.metric.connect(self._on_metric)
        self.queue.changed.connect(self._on_changed)
        self.queue.ended.connect(self._on_ended)
        self.session.project_changed.connect(self._on_project_changed)

    def _update(self) -> None:
        with keeping_focus(
            self.progress.stop_button, self.start_button, self.resume_button, self.extend_button, self.rerun_button
        ):
            self._show_state()

    def _show_state(self) -> None:
        one, is_writable = self.selected, not self.session.project.read_only
        is_free = is_writable and not self.is_comparing
        try:
            values: dict[str, Any] | None = self.values()
        except UserError as error:
            values = None
            self.start_button.setToolTip(str(error))
        else:
            self.start_button.setToolTip("Train every arm in every repeat, and judge")
        self.start_button.setEnabled(is_free and values is not None)
        self.start_button.setVisible(not self.is_comparing)
        self.estimate.setText("" if values is None or self.is_comparing else self._pace.words(values))
        self.estimate.setVisible(bool(self.estimate.text()))
        self.progress.show_record(self.record if self.is_comparing else None)
        is_finished = one is not None and one.is_finished
        self.resume_button.setVisible(one is not None and not is_finished and one.id != self._running)
        free = (is_writable, READ_ONLY), (not self.is_comparing, "a comparison is under way")
        allow(self.resume_button, *free)
        for widget in (self.extend_button, self.more_box):
            widget.setVisible(is_finished)
            allow(widget, *free)
        allow(self.rerun_button, *free, (one is not None, "choose a comparison"))
        allow(self.export_button, (is_writable, READ_ONLY), (is_finished, "the comparison is not finished"))
        is_idle = one is not None and one.id != self._running
        allow(self.delete_button, (is_writable, READ_ONLY), (is_idle, "the comparison is under way"))
        if not self._unconfirm.isActive():
            self.delete_button.setText("Delete")
        self._earlier.setVisible(bool(self.model.rows))
        lines = min(len(self.model.rows), MOST_ROWS) * self.table.verticalHeader().defaultSectionSize()
        titles = self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(lines + titles + 2 * self.table.frameWidth())

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        set_property(self.message, "error", is_error)
        set_property(self.message, "muted", not is_error)
        self.message.setText(text[:1].upper() + text[1:])
        self.message.setVisible(bool(text))

    def _lay_out(self) -> None:
        self.form.put_first("Preset", self.preset_box)
        start = QHBoxLayout()
        start.addWidget(self.start_button)
        start.addStretch(1)
        first, second = QHBoxLayout(), QHBoxLayout()
        for widget in (self.resume_button, self.extend_button, self.more_box, self.rerun_button):
            first.addWidget(widget)
        for widget in (self.export_button, self.delete_button):
            second.addWidget(widget)
        first.addStretch(1)
        second.addStretch(1)
        self._earlier = QWidget()
        earlier = QVBoxLayout(self._earlier)
        earlier.setContentsMargins(0, 0, 0, 0)
        earlier.addWidget(heading("Comparisons"))
        earlier.addWidget(self.table)
        earlier.addLayout(first)
        earlier.addLayout(second)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(8, 4, 8, 8)
        column.setSpacing(8)
        column.addWidget(heading("Arms"))
        column.addWidget(self.arms)
        column.addWidget(heading("All arms"))
        column.addWidget(self.form)
        column.addWidget(self.estimate)
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


class Pace:
    """How long trainings took on this machine, to say how long a comparison will take."""

    def __init__(self, seconds: dict[str, float], samples: int) -> None:
        """Seconds of an image in an epoch by preset, and how many samples there are to learn from."""
        self._seconds = seconds
        self._samples = samples

    def words(self, values: dict[str, Any]) -> str:
        """How long a comparison will take, in a sentence; empty when nothing like it was trained yet."""
        total = 0.0
        arms = [*values["arms"], *(values["arms"][:1] if values["control"] else [])]
        for arm in arms:
            name = str(arm.get("preset") or values["preset"])
            options = {**preset(name).options().model_dump(), **values["options"], **(arm.get("options") or {})}
            epochs = int(values["epochs"] or options["epochs"])
            images = min(int(options.get("limit") or self._samples), self._samples)
            if name not in self._seconds or not images:
                return ""
            total += self._seconds[name] * epochs * images * values["repeats"]
        count = len(arms) * values["repeats"]
        return f"{count} trainings, about {duration(total)} on this machine, as earlier ones of these presets took."


def _read(project: Project) -> "tuple[Sequence[Comparison], Sequence[Recipe], Pace]":
    """In a thread: comparisons, recipes, and how long trainings take."""
    comparisons = project.comparisons.list()
    table = project.samples.table()
    train = int(np.count_nonzero(table.split == SPLITS.index(Split.TRAIN)))
    seconds: dict[str, float] = {}
    for one in comparisons:
        for arm in one.arms:
            done = [cell.done() for cell in one.cells() if cell.arm == arm.name and cell.is_done]
            work = sum(int(how.get("epochs") or 0) for how in done) * one.images_per_epoch
            if work:
                seconds.setdefault(arm.preset, sum(float(how.get("seconds") or 0) for how in done) / work)
    for run in project.runs.list():
        images = min(int(run.options.get("limit") or train), train)
        if run.epochs and run.seconds and images:
            seconds.setdefault(run.preset, run.seconds / run.epochs / images)
    return comparisons, project.recipes.all(), Pace(seconds, train)
