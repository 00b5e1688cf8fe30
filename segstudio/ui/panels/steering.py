"""What a person holds of a training: pause and go on, its learning rate, its length; and more epochs after its end.

All of it is asked through the run's folder, as `segstudio steer` does; see project/steering.py.
"""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.options import bounds_of, checked
from segstudio.core.steering import Wish
from segstudio.core.wording import count_text
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.steering import steer
from segstudio.ui.job_queue import JobRecord, JobState
from segstudio.ui.number_box import NumberBox
from segstudio.ui.widgets import allow, muted, push_button

TRAIN_ON = "Go on with this run from its last epoch, with the very same masks"

DIGITS = 3
"""Of the rate, as it is shown."""

MORE = 10
"""So many epochs are offered after a training."""


def run_of(record: JobRecord | None, project: Project) -> Run | None:
    """The run that a training job trains, once the job has said where it lies."""
    files = (path for path in (record.artifacts if record else ()) if path.name == "options.toml")
    folder = next((path.parent for path in files if path.parent.name.isdecimal()), None)
    return None if folder is None else project.runs.get(int(folder.name))


class SteeringBox(QWidget):
    """Pause, rate and length of the training that runs; hidden until its run can be steered.

    Signals:
        wished: A Wish of the person.
    """

    wished = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pause_button = push_button("Pause", "", self._pause)
        self.rate_box = _number_box("learning_rate", "Learning rate from the next step on")
        self.epochs_box = _number_box("epochs", "How many epochs there shall be in all")
        self.change_button = push_button("Change", "", self._change)
        for box in (self.rate_box, self.epochs_box):
            box.edited.connect(self._enable)
            box.lineEdit().returnPressed.connect(self._change)
        self._is_paused = False
        self._shown: dict[str, float | None] = {"learning_rate": None, "epochs": None}
        self._reported = dict(self._shown)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        for word, box, share in (("Rate", self.rate_box, 3), ("Epochs", self.epochs_box, 2)):  # a rate has more digits
            label = QLabel(word)
            label.setBuddy(box)
            row.addWidget(label)
            row.addWidget(box, share)
        row.addWidget(self.change_button)
        self.show_training(None, None)

    def show_training(self, record: JobRecord | None, run: Run | None) -> None:
        """Show where a training stands; hide for None."""
        can_steer = record is not None and run is not None and record.state is JobState.RUNNING
        can_steer = can_steer and not (record is not None and record.is_cancel_asked)
        self.setVisible(can_steer)
        self.pause_button.setVisible(can_steer)
        if record is None or run is None:
            self._shown = {"learning_rate": None, "epochs": None}
            self._reported = dict(self._shown)
            return
        self._is_paused = record.is_paused
        self.pause_button.setText("Go on" if self._is_paused else "Pause")
        self.pause_button.setToolTip(
            "Go on with the next step"
            if self._is_paused
            else "Wait before the next step: the processor is free, the memory stays taken"
        )
        rates = (values["learning_rate"] for _, values in reversed(record.metrics) if "learning_rate" in values)
        self._show("learning_rate", self.rate_box, next(rates, run.options.get("learning_rate")))
        self._show("epochs", self.epochs_box, run.options.get("epochs"))
        is_cosine = run.options.get("schedule") == "cosine"
        self.change_button.setToolTip(
            "The rate holds from the next step on, and the schedule goes on from there in proportion; a run that is "
            "resumed repeats it" + (". Another number of epochs stretches or shortens the cosine" if is_cosine else "")
        )
        self._enable()

    def _show(self, name: str, box: NumberBox, value: Any) -> None:
        """Show what holds, when that has become another; what the person is typing stays."""
        if isinstance(value, float):
            value = float(f"{value:.{DIGITS}g}")  # a schedule gives it sixteen
        if value is None or value == self._reported[name]:
            return  # what was asked meanwhile is reported with the next epoch
        self._reported[name] = value
        is_touched = self._shown[name] is not None and box.value() != self._shown[name]
        self._shown[name] = value
        if not is_touched:
            box.set_value(value)
            box.lineEdit().setCursorPosition(0)  # its beginning says more than its end

    def _pause(self) -> None:
        self.wished.emit(Wish(pause=not self._is_paused))

    def _changes(self) -> dict[str, float | str]:
        values = {"learning_rate": self.rate_box.value(), "epochs": self.epochs_box.value()}
        return {name: value for name, value in values.items() if value != self._shown[name]}

    def _enable(self) -> None:
        allow(self.change_button, (self._wish() is not None, "write another rate or number of epochs first"))

    def _wish(self) -> Wish | None:
        changes = self._changes()
        try:
            return checked(Wish, dict(changes)) if changes else None
        except UserError:
            return None

    def _change(self) -> None:
        if (wish := self._wish()) is not None:
            self.wished.emit(wish)
            # It holds as soon as the training has heeded it, which is before its next step; it tells with its epoch.
            self._shown |= wish.model_dump(exclude_defaults=True)
            self._enable()


def can_go_on(run: Run) -> bool:
    """Whether a run that is over can be given more epochs."""
    return run.epochs > 0 and not run.is_running and run.last_weights.is_file()


def epochs_words(run: Run) -> str:
    """How far a run came of what was planned: "26 of 60 epochs"."""
    planned = int(run.options.get("epochs") or 0)
    return f"{run.epochs} of {count_text(max(planned, run.epochs), 'epoch')}"


class ExtendBox(QWidget):
    """Offers more epochs to a run that is over.

    Signals:
        wanted: Options of the training that goes on with it.
    """

    wanted = Signal(object)

    def __init__(self, *, is_brief: bool = False, parent: QWidget | None = None) -> None:
        """Make it without a run; a brief one says in its tooltip alone what becomes of the rate."""
        super().__init__(parent)
        self._is_brief = is_brief
        self._run: Run | None = None
        self.more_box = NumberBox(is_integer=True, minimum=1, maximum=10_000)
        self.more_box.setAccessibleName("How many more epochs")
        self.more_box.set_value(MORE)
        self.more_box.edited.connect(self._enable)
        self.button = push_button("Train on", TRAIN_ON, self.ask)
        self._words = muted(wraps=True)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.button)
        row.addWidget(self.more_box)
        row.addWidget(QLabel("more epochs"))
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(row)
        column.addWidget(self._words)
        self.show_run(None)

    def show_run(self, run: Run | None) -> None:
        """Offer it for a run; hide for None and for one that cannot go on."""
        before, self._run = self._run, run if run is not None and can_go_on(run) else None
        if self._run is not None and (before is None or (before.id, before.epochs) != (self._run.id, self._run.epochs)):
            left = self._planned - self._run.epochs
            self.more_box.set_value(left if left > 0 and self._run.status != "finished" else MORE)
        self.setVisible(self._run is not None)
        self._enable()

    @property
    def _planned(self) -> int:
        """How many epochs the run was to have."""
        return int(self._run.options.get("epochs") or 0) if self._run is not None else 0

    def _enable(self) -> None:
        options = self._options()
        self.button.setEnabled(bool(options))
        is_cosine = self._run is not None and self._run.options.get("schedule") == "cosine"
        words = ""
        if is_cosine and options:
            words = _of_cosine(options["epochs"], self._planned)
        self._words.setText(words)
        self._words.setVisible(bool(words) and not self._is_brief)
        self.button.setToolTip(f"{TRAIN_ON}. {words}" if words else TRAIN_ON)

    def _options(self) -> dict[str, Any]:
        more = self.more_box.value()
        if self._run is None or not isinstance(more, int) or more < 1:
            return {}
        options: dict[str, Any] = {"resume": str(self._run.id), "epochs": min(self._run.epochs + more, 10_000)}
        if self._run.status == "finished" and self._run.epochs < self._planned and self._run.options.get("patience"):
            options["patience"] = 0  # it had ended early, and would at once again
        return options

    def ask(self) -> None:
        """Want as many more epochs as are shown."""
        if options := self._options():
            self.wanted.emit(options)


def _of_cosine(epochs: int, planned: int) -> str:
    """What becomes of a rate that falls along a cosine, in words; empty when nothing does."""
    if epochs > planned:
        return f"The learning rate is planned anew for {count_text(epochs, 'epoch')}: it rises once, then falls again."
    return (
        f"The learning rate is planned anew for {count_text(epochs, 'epoch')}: it falls sooner."
        if epochs < planned
        else ""
    )


def ask(record: JobRecord | None, project: Project, wish: Wish) -> None:
    """Ask something of the training that runs; UserError when it cannot be asked."""
    run = run_of(record, project)
    if run is None:
        raise UserError("no training can be steered yet", "wait until it has begun")
    steer(run, wish)


def _number_box(name: str, help_text: str) -> NumberBox:
    least, most = bounds_of(Wish.model_fields[name])
    box = NumberBox(is_integer=name == "epochs", minimum=least, maximum=most)
    box.setAccessibleName(help_text)
    box.setToolTip(help_text)
    box.setMinimumWidth(58)
    box.setAlignment(Qt.AlignmentFlag.AlignLeft)
    return box
