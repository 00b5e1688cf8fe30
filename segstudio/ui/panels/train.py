"""Train panel: choose a preset, change its options, start, watch the curves, stop with the best weights kept."""

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.jobs.presets import DEFAULT, TrainOptions, options_of, preset, presets
from segstudio.models import MODELS
from segstudio.project.runs import Run
from segstudio.ui.form import Combo, Fold, Form
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, duration
from segstudio.ui.panels.curves import Curves
from segstudio.ui.panels.empty import Either, Empty

if TYPE_CHECKING:
    from segstudio.ui.session import Session

SETTING = "train"
"""The project's setting that keeps the last options."""

OF_THIS_MACHINE = ("weights", "device", "precision")
"""Options that another preset takes over, because they say something of the machine and not of the training."""

FROM_ELSEWHERE = frozenset({"preset", "samples"})
"""Options without a row in the form: the combo box above it, and the button that is pressed, decide them."""


class TrainPanel(QWidget):
    """Starts trainings of one project and shows the one that runs, or the last one.

    Signals:
        predict_requested: The user wants predictions of the run that has just finished.
    """

    predict_requested = Signal()

    def __init__(self, session: "Session | None", queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queue = queue
        self.session: Session | None = None
        self.record: JobRecord | None = None
        self.form = Form(TrainOptions)
        self.curves = Curves()
        self.preset_box = self._make_preset_box()
        self._description = QLabel(wordWrap=True)
        self._description.setProperty("muted", True)
        self._form_place = QVBoxLayout()
        self._fold = self._make_fold()
        self.start_button = QPushButton("Start training")
        self.start_button.setToolTip("Train with the options above; Retrain goes on from the best weights instead")
        self.start_button.clicked.connect(self._on_start)
        self.progress = TrainingProgress(queue)
        self._message = QLabel(wordWrap=True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.predict_button = QPushButton("Predict all")
        self.predict_button.setToolTip("Ask the new run about every sample, to see where it is right and wrong")
        self.predict_button.clicked.connect(self._on_predict)
        empty = Empty("train", "No training yet", "Choose a preset and press Start: loss and IoU are drawn here, live.")
        self._either = Either(self.curves, empty)
        self._lay_out()
        queue.added.connect(self._on_added)
        queue.metric.connect(self._on_metric)
        queue.changed.connect(self._on_changed)
        queue.ended.connect(self._on_ended)
        self.set_session(session)

    # what others ask for

    def set_session(self, session: "Session | None") -> None:
        """Serve another project, or none."""
        self.session, self.record = session, None
        self.curves.clear()
        self._tell("")
        name, values = self._last_options()
        self._show_preset(name, values)
        if session is not None:
            running = self.queue.running("train")
            if running is not None and running.project == session.project.folder:
                self._follow(running)
            elif (run := session.project.runs.latest()) is not None:
                self._show_run(run)
        self._update()

    def start(self) -> JobRecord:
        """Train with the options as they are shown.

        Raises:
            UserError: When an option is wrong, a stroke is not saved, or a training runs already.
        """
        return self._submit({**self._given(), "samples": "all"}, f"Train {self._preset_name()}")

    def retrain(self) -> JobRecord:
        """Go on from the best weights, with all reviewed masks and the last options; no question asked.

        Without any run yet it is a first training, from where the preset starts.

        Raises:
            UserError: As `start`.
        """
        session = self._writable_session()
        values = {**self._given(), "samples": "retrain"}
        best = session.project.runs.best()
        if best is None:
            return self._submit(values, "Retrain")
        return self._submit({**_of_training(values), "start": "best"}, f"Retrain from run {best.name}")

    # starting

    def _given(self) -> dict[str, Any]:
        """The options as they are shown; a training that starts from a run has the network of that run."""
        self.form.options()
        values = self.form.values()
        return _of_training(values) if self._is_from_run() else values | {"preset": self._preset_name()}

    def _submit(self, options: dict[str, Any], title: str) -> JobRecord:
        session = self._writable_session()
        if self.is_training:
            raise UserError("a training is under way already", "wait for it, or stop it in the Train panel")
        if not session.save_now(wait=True):
            raise UserError(
                "the last strokes are not saved", "a training would not see them; make room, then try again"
            )
        session.remember(SETTING, {"preset": self._preset_name(), "values": self.form.values()})
        return self.queue.submit("train", options, title, session.project.folder)

    def _writable_session(self) -> "Session":
        if self.session is None:
            raise UserError("no project is open", "open or make one first")
        self.session.project.require_writable()
        return self.session

    def _on_start(self) -> None:
        try:
            self.start()
        except UserError as error:
            self._tell(str(error), is_error=True)

    # following

    @property
    def is_training(self) -> bool:
        """Whether a training of this project runs or waits."""
        return self.record is not None and not self.record.state.is_end

    def _follow(self, record: JobRecord) -> None:
        self.record = record
        self._tell("")
        self._fold.fold()
        self._begin_curves(record)
        for step, values in record.metrics:
            self.curves.append(step, values)
        self._update()

    def _begin_curves(self, record: JobRecord) -> None:
        """Empty curves, or those of the run that is gone on with."""
        resumed = str(record.options.get("resume", ""))
        if self.session is not None and resumed.isdecimal():
            run = self.session.project.runs.get(int(resumed))
            epochs = self.session.project.runs.metrics(run.id)
            self.curves.show_epochs(epochs, last_epoch=float(run.options.get("epochs") or 0))
        else:
            self.curves.clear(last_epoch=float(record.options.get("epochs") or 0))
        self._either.show_content(self.curves.has_points or bool(record.metrics))

    def _on_added(self, record: JobRecord) -> None:
        # Whoever asked for it: this panel, a retry in the Jobs panel, or Resume in the Runs panel.
        is_ours = self.session is not None and record.project == self.session.project.folder
        if record.job == "train" and is_ours:
            self._follow(record)

    def _on_metric(self, job_id: str, step: int, values: dict[str, float]) -> None:
        if self.record is not None and job_id == self.record.id:
            self._either.show_content(True)
            self.curves.append(step, values)

    def _on_changed(self, record: JobRecord) -> None:
        if record is self.record:
            self._update()

    def _on_ended(self, record: JobRecord) -> None:
        if record is not self.record:
            return
        self._update()
        match record.state:
            case JobState.FINISHED:
                self._tell(outcome_text(record.result))
                self.predict_button.show()
            case JobState.CANCELLED:
                self._tell(record.message or "Stopped before the first epoch was done; nothing was kept.")
            case _:
                self._tell(f"{record.message}. {record.hint}".strip(" ."), is_error=True)

    def _show_run(self, run: Run) -> None:
        assert self.session is not None
        epochs = self.session.project.runs.metrics(run.id)
        self.curves.show_epochs(epochs, last_epoch=float(run.options.get("epochs") or 0))
        self._either.show_content(bool(epochs))
        best = (
            "" if run.best_val_iou is None else f": best epoch {run.best_epoch}, validation IoU {run.best_val_iou:.3f}"
        )
        self._tell(f"Run {run.name} {run.status}{best}")

    def _on_predict(self) -> None:
        self.predict_button.hide()
        self.predict_requested.emit()

    def _update(self) -> None:
        is_writable = self.session is not None and not self.session.project.read_only
        self.start_button.setEnabled(is_writable and self.form.is_valid)
        for widget in (self.start_button, self._description):
            widget.setVisible(not self.is_training)
        self.preset_box.setEnabled(not self.is_training)
        self.progress.show_record(self.record if self.is_training else None)
        if not self.is_training:
            self._either.show_content(self.curves.has_points)

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        self._message.setProperty("error", is_error)
        self._message.setProperty("muted", not is_error)
        self._message.style().unpolish(self._message)  # the style sheet looks at properties only once
        self._message.style().polish(self._message)
        self._message.setText(text)
        self._message.setVisible(bool(text))
        self.predict_button.hide()

    # preset and options

    def _preset_name(self) -> str:
        return str(self.preset_box.currentData())

    def _make_preset_box(self) -> Combo:
        box = Combo()
        for one in presets().values():
            box.addItem(one.title, one.name)
            box.setItemData(box.count() - 1, f"{one.name}: {one.description}", Qt.ItemDataRole.ToolTipRole)
        box.setAccessibleName("Preset")
        box.activated.connect(self._on_preset)
        return box

    def _on_preset(self) -> None:
        kept = {name: value for name, value in self.form.values().items() if name in OF_THIS_MACHINE}
        self._show_preset(self._preset_name(), kept)
        self._update()

    def _last_options(self) -> tuple[str, dict[str, Any]]:
        """Preset and options to begin with: the last ones used here, those of the last run, or the default."""
        if self.session is None:
            return DEFAULT, {}
        last = self.session.project.settings.get(SETTING)
        if isinstance(last, dict) and last.get("preset") in presets():
            return str(last["preset"]), dict(last.get("values") or {})
        run = self.session.project.runs.latest()
        if run is not None and run.preset in presets():
            return run.preset, {name: value for name, value in run.options.items() if name != "start"}
        return DEFAULT, {}

    def _show_preset(self, name: str, values: dict[str, Any]) -> None:
        """Show a preset with some of its options changed; what it does not know or would refuse is left out."""
        chosen = preset(name)
        self.preset_box.setCurrentIndex(self.preset_box.findData(name))
        self._description.setText(chosen.description)
        model = options_of(chosen.model)
        known = {name: value for name, value in values.items() if name in model.model_fields.keys() - FROM_ELSEWHERE}
        try:
            options = chosen.options(**known)
        except UserError:
            options = chosen.options()
        starts = ["scratch", "best", "last"]
        if MODELS[chosen.model].is_pretrained:
            starts.insert(0, "imagenet")
        shown = options.model_dump()
        self.form.deleteLater()
        self.form = Form(
            model,
            {name: value for name, value in shown.items() if name not in FROM_ELSEWHERE},
            hidden=FROM_ELSEWHERE,
            first=("epochs", "batch", "learning_rate", "size", "start"),
            suggestions={"start": starts, "device": ("auto", "cpu", "gpu")},
        )
        self._form_place.addWidget(self.form)
        self.form.changed.connect(self._on_options)
        self._on_options()

    def _on_options(self) -> None:
        values = self.form.values()
        of_network = [name for name in values if name not in TrainOptions.model_fields]
        self.form.set_locked(of_network if self._is_from_run() else [], "As in the run that it starts from")
        rate, size = self.form.text("learning_rate"), self.form.text("size")
        self._fold.set_title(f"Options: {values['epochs']} epochs · batch {values['batch']} · {rate} · {size} px")
        if not self.form.is_valid:
            self._fold.unfold()
        self._update()

    def _is_from_run(self) -> bool:
        return self.form.values()["start"] not in {"imagenet", "scratch"}

    # how it looks

    def _make_fold(self) -> Fold:
        content = QWidget()
        content.setLayout(self._form_place)
        self._form_place.setContentsMargins(0, 4, 0, 4)
        return Fold("Options", content)

    def _lay_out(self) -> None:
        choice = QFormLayout()
        choice.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        choice.addRow("Preset", self.preset_box)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button)
        buttons.addStretch(1)
        outcome = QHBoxLayout()
        outcome.addWidget(self._message, 1)
        outcome.addWidget(self.predict_button, 0, Qt.AlignmentFlag.AlignTop)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setSpacing(8)
        column.addLayout(choice)
        column.addWidget(self._description)
        column.addWidget(self._fold)
        column.addLayout(buttons)
        column.addWidget(self.progress)
        column.addLayout(outcome)
        column.addLayout(self._either, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)


def _of_training(values: dict[str, Any]) -> dict[str, Any]:
    """The options that do not describe a network."""
    return {name: value for name, value in values.items() if name in TrainOptions.model_fields and name != "preset"}


class TrainingProgress(QWidget):
    """The bar, what the training is at, and Stop."""

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._record: JobRecord | None = None
        self.bar = QProgressBar(textVisible=False)
        self.bar.setMaximum(1000)
        self.text = QLabel(wordWrap=True)
        self.text.setProperty("muted", True)
        self.stop_button = QPushButton("Stop, keep best")
        self.stop_button.clicked.connect(self._stop)
        row = QHBoxLayout()
        row.addWidget(self.stop_button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addWidget(self.text)
        layout.addLayout(row)
        # The time left goes down by itself between two events.
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._draw)
        self.hide()

    def show_record(self, record: JobRecord | None) -> None:
        """Show how far a training is; hide for None."""
        self._record = record
        self.setVisible(record is not None)
        if record is None:
            self._clock.stop()
            return
        if not self._clock.isActive():
            self._clock.start()
        self._draw()

    def _draw(self) -> None:
        record = self._record
        if record is None:
            return
        # Nothing to tell yet: a moving bar while TensorFlow is loaded.
        self.bar.setMaximum(1000 if record.fraction is not None else 0)
        self.bar.setValue(round(1000 * (record.fraction or 0)))
        self.text.setText(progress_text(record))
        self.stop_button.setText("End it now" if record.is_cancel_asked else "Stop, keep best")
        help_text = (
            "End the process at once" if record.is_cancel_asked else "Stop after this step; the best weights stay"
        )
        self.stop_button.setToolTip(help_text)

    def _stop(self) -> None:
        if self._record is not None:
            self._queue.cancel(self._record.id)


def progress_text(record: JobRecord) -> str:
    """What a job is at and how long it will take, for example "epoch 18 of 25 · 21 img/s · 1 min 40 s left"."""
    if record.state is JobState.QUEUED:
        return "waiting for another job to end"
    if record.is_cancel_asked:
        return "stopping after this step; the best weights are kept"
    left = record.seconds_left
    parts = [record.text or "starting TensorFlow…", "" if left is None else f"{duration(left)} left"]
    return " · ".join(part for part in parts if part)


def outcome_text(result: dict[str, Any]) -> str:
    """The result of a training in one sentence."""
    best = result.get("best") or {}
    status = "stopped" if result.get("status") == "stopped" else "finished"
    text = f"Run {int(result['run']):04} {status}: best epoch {best.get('epoch')}"
    if best.get("val_iou") is not None:
        text += f", validation IoU {best['val_iou']:.3f}"
    baseline = (result.get("baseline") or {}).get("val_iou")
    if baseline is not None and best.get("val_iou") is not None:
        text += f" (it began at {baseline:.3f})"
    return text
