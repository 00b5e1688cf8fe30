"""Train panel: choose a preset, change its options, start, watch the curves, stop with the best weights kept."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.advice import NOT_A_NUMBER, Remedy, advice
from segstudio.core.errors import UserError
from segstudio.core.steering import Wish
from segstudio.jobs.presets import DEFAULT, presets
from segstudio.project.runs import Run
from segstudio.project.topics import Topics
from segstudio.ui.form import Form
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.curves import Curves
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.job_progress import JobProgress
from segstudio.ui.panels.preflight import PASSED, PreflightBox, first_block, has_result, is_over, notes_of, warnings_of
from segstudio.ui.panels.remedies import Remedies
from segstudio.ui.panels.steering import ExtendBox, SteeringBox, ask, can_go_on, epochs_words, run_of
from segstudio.ui.panels.strip import StripBox
from segstudio.ui.panels.train_options import TrainOptionsEditor, options_of_training
from segstudio.ui.widgets import READ_ONLY, allow, keeping_focus, muted, push_button, say, scrolling

if TYPE_CHECKING:
    from segstudio.ui.dialogs.find_rate import FindRateDialog
    from segstudio.ui.session import Session
    from segstudio.ui.views.curves import CurvesView

NOTHING_YET = ("No training yet", "Choose a preset and press Start training: loss and IoU are drawn here, live.")
WAITING = ("The curves begin after the first epoch", "Loss and IoU are drawn here, live. Go on painting meanwhile.")

NOTHING_RUNS = ("no training of this project is running", "start one in the Train panel")

SETTING = "train"
"""The project's setting that keeps the last options."""


class TrainPanel(QWidget):
    """Starts trainings of one project and shows the one that runs, or the last one.

    Signals:
        predict_requested: The user wants predictions of the run that has just finished.
        view_changed: `view`, what the centre shows in place of the panes, is there or is there no more.

    Attributes:
        view: All curves, larger, while they are wanted.
    """

    predict_requested = Signal()
    view_changed = Signal()

    def __init__(self, session: "Session | None", queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.queue = queue
        self.session: Session | None = None
        self.record: JobRecord | None = None
        self._run: Run | None = None
        self._earlier: Sequence[Mapping[str, float]] = []
        self._seen_artifacts = 0
        self._afterwards: tuple[dict[str, Any], str] | None = None
        self.options = TrainOptionsEditor()
        self.options.changed.connect(self._on_options)
        self.options.rate_wanted.connect(self._find_rate)
        self.rate_dialog: FindRateDialog | None = None
        self.start_button = push_button(
            "Start training",
            "Train with the options above; Retrain goes on from the best weights instead",
            self._on_start,
        )
        self.check_button = push_button(
            "Check",
            "Look for what would make this training fail or be in vain, and what it takes, without starting it",
            self._on_check,
        )
        self.check: JobRecord | None = None
        self.preflight = PreflightBox()
        self.preflight.passed.connect(self._on_passed)
        self._held: tuple[dict[str, Any], str] | None = None
        self.checking = JobProgress(queue, "nothing has begun")
        self.progress = JobProgress(queue, "the best weights are kept", "Stop, keep best")
        self.steering = SteeringBox()
        self.steering.wished.connect(self._ask)
        self.progress.add_button(self.steering.pause_button)
        self.remedies = Remedies()
        self.remedies.stop_wanted.connect(self._stop)
        self.remedies.wished.connect(self._ask)
        self.remedies.restart_wanted.connect(self._restart)
        self.extend = ExtendBox()
        self.extend.wanted.connect(self._extend)
        self.curves = Curves()
        self.curves.larger_wanted.connect(self._show_larger)
        self.curves.failed.connect(lambda words: self._tell(words, is_error=True))
        self.strip = StripBox()
        for chart in (self.curves.loss, self.curves.iou):
            chart.hovered.connect(self._on_hovered)
        self.view: QWidget | None = None
        self._larger: CurvesView | None = None
        self._message = muted(wraps=True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.predict_button = push_button(
            "Predict all", "Ask the new run about every sample, to see where it is right and wrong", self._on_predict
        )
        for button in (self.start_button, self.check_button, self.predict_button):
            # They go away once they are pressed: had a click given them the keys, those would go on to Undo.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._empty = Empty("train", *NOTHING_YET)
        self._either = Either(self.curves, self._empty)
        self._lay_out()
        queue.added.connect(self._on_added)
        queue.metric.connect(self._on_metric)
        queue.changed.connect(self._on_changed)
        queue.ended.connect(self._on_ended)
        self.set_session(session)

    # what others ask for

    @property
    def form(self) -> Form:
        """The options as they are shown."""
        return self.options.form

    def set_session(self, session: "Session | None") -> None:
        """Serve another project, or none."""
        if self.session is not None:
            self.session.project_changed.disconnect(self._on_project_changed)
        self.session, self.record, self._run, self._afterwards = session, None, None, None
        self.check, self._held = None, None
        self.preflight.clear()
        if session is not None:
            session.project_changed.connect(self._on_project_changed)
            self._on_project_changed(frozenset({"recipes"}))
        self.curves.clear()
        self._tell("")
        self.options.show_options(*self._last_options())
        if session is not None and not self._follow_next():
            run = session.project.runs.latest()
            if run is not None:
                self._show_run(run)
        self._update()

    def start(self) -> JobRecord:
        """Train with the options as they are shown.

        Raises:
            UserError: When an option is wrong, a stroke is not saved, or a training runs already.
        """
        return self._submit({**self.options.given(), "samples": "all"}, f"Train {self.options.name}")

    def retrain(self) -> JobRecord:
        """Go on from the best weights, with all reviewed masks and the last options; no question asked.

        Without any run yet it is a first training, from where the preset starts.

        Raises:
            UserError: As `start`.
        """
        session = self._writable_session()
        values = {**self.options.given(), "samples": "retrain"}
        best = session.project.runs.best()
        if best is None:
            return self._submit(values, "Retrain")
        return self._submit({**options_of_training(values), "start": "best"}, f"Retrain from run {best.name}")

    # starting

    def _submit(self, options: dict[str, Any], title: str, *, is_checked: bool = True) -> JobRecord:
        session = self._writable_session()
        if self.is_training:
            raise UserError("a training is under way already", "wait for it, or stop it in the Train panel")
        if not session.save_now(wait=True):
            raise UserError(
                "the last strokes are not saved", "a training would not see them; make room, then try again"
            )
        session.remember(SETTING, self.options.state())
        # Before the training, in the same lane: when it has something to say, the training waits still.
        self._held = None
        if "resume" not in options and is_checked:
            self._begin_check(options)
        return self.queue.submit("train", options, title, session.project.folder)

    def _show_larger(self, is_wanted: bool) -> None:
        """Show all curves in the centre, or the panes again."""
        from segstudio.ui.views.curves import CurvesView

        if is_wanted and self._larger is None:
            self._larger = CurvesView(self.curves)
            self._larger.closed.connect(lambda: self.curves.larger_button.setChecked(False))
        self.view = self._larger if is_wanted else None
        self._show_strip()
        self.view_changed.emit()

    def _on_hovered(self, epoch: float | None) -> None:
        """Show the predictions of the epoch under the pointer; the newest again when it has left."""
        if self.strip.isVisible():
            self.strip.show_epoch(epoch)

    def _show_strip(self) -> None:
        folder = None if self._run is None else self._run.folder
        self.strip.show_run(folder)
        if self._larger is not None:
            self._larger.show_run(folder, "Training" if self._run is None else f"Run {self._run.name}")

    # pre-flight

    def _begin_check(self, options: dict[str, Any]) -> None:
        assert self.session is not None
        self.preflight.clear()
        self.check = self.queue.submit("preflight", options, "Pre-flight check", self.session.project.folder)

    def _on_check(self) -> None:
        """Check alone."""
        options = self._shown_training()
        if options is not None:
            self._tell("")
            self._begin_check(options)
            self._update()

    def _shown_training(self) -> dict[str, Any] | None:
        """The options of the training as it is shown, once all strokes are saved; else None, and a message says why."""
        try:
            session = self._writable_session()
            options = {**self.options.given(), "samples": "all"}
            if not session.save_now(wait=True):
                raise UserError("the last strokes are not saved", "make room, then try again")
        except UserError as error:
            self._tell(str(error), is_error=True)
            return None
        return options

    def _find_rate(self) -> None:
        """Search for a rate for the training as it is shown."""
        from segstudio.ui.dialogs.find_rate import FindRateDialog

        options = self._shown_training()
        if options is None or self.session is None:
            return
        self.rate_dialog = FindRateDialog(self.queue, options, self.session.project.folder, self.window())
        self.rate_dialog.taken.connect(lambda rate: self.form.set_values({"learning_rate": rate}))
        self.rate_dialog.destroyed.connect(self._forget_rate_dialog)
        self.rate_dialog.show()

    def _forget_rate_dialog(self) -> None:
        self.rate_dialog = None

    def _on_options(self) -> None:
        """Other options: what was found of the earlier ones holds no more."""
        if is_over(self.check) and not self.is_training:
            self.preflight.clear()
            self.form.set_notes({})
            self._held = None
        self._update()

    def _show_check(self, check: JobRecord) -> None:
        """Show what the check has found, and let the training that waits for it begin, or not."""
        waiting = self.record if self.record is not None and self.record.state is JobState.QUEUED else None
        if check.state is JobState.CANCELLED:
            if waiting is not None:
                self.queue.cancel(waiting.id)
            return
        if not has_result(check):
            self.preflight.show_failure(check)
            return
        result = check.result
        is_asking = waiting is not None and result["ok"] and self._must_ask(waiting, result)
        self.preflight.show_result(result, is_asking=is_asking)
        self.form.set_notes(notes_of(result))
        if waiting is None:
            return
        if not result["ok"]:
            self.queue.refuse(waiting.id, *first_block(result))
        elif is_asking:
            held = (waiting.options, waiting.title)
            self.queue.cancel(waiting.id)
            self._held = held
            self._tell("Not started yet: there are warnings.")

    def _must_ask(self, waiting: JobRecord, result: dict[str, Any]) -> bool:
        """Whether there are warnings that nobody has seen yet; Retrain is one click, and asks nothing."""
        if waiting.options.get("samples") == "retrain" or self.session is None:
            return False
        passed = self.session.project.settings.get(PASSED) or []
        return not set(warnings_of(result)) <= set(passed)

    def _on_passed(self) -> None:
        held, self._held = self._held, None
        if held is None or self.session is None or self.check is None:
            return
        self.session.remember(PASSED, warnings_of(self.check.result))
        self.preflight.show_result(self.check.result, is_asking=False)
        try:
            self._submit(*held, is_checked=False)
        except UserError as error:
            self._tell(str(error), is_error=True)

    def _ask(self, wish: Wish) -> None:
        """Ask something of the training that runs."""
        if self.session is None:
            return
        try:
            ask(self.record, self.session.project, wish)
        except UserError as error:
            self._tell(str(error), is_error=True)

    def toggle_pause(self) -> None:
        """Let the training that runs wait, or go on; UserError when none can."""
        session, record = self._writable_session(), self.record
        if record is None or not self.is_training:
            raise UserError(*NOTHING_RUNS)
        ask(record, session.project, Wish(pause=not record.is_paused))

    def stop(self) -> None:
        """Stop the training that runs or waits, and keep its best weights; UserError when there is none."""
        if self.record is None or not self.is_training:
            raise UserError(*NOTHING_RUNS)
        if not self.record.is_cancel_asked:  # asked twice, its process would be ended
            self.queue.cancel(self.record.id)

    def _stop(self) -> None:
        if self.is_training:
            self.stop()

    def _restart(self, options: dict[str, Any], title: str) -> None:
        """End the training under way, then begin another one from its best weights."""
        self._afterwards = (options, title)
        if self.is_training:
            self._stop()
        else:
            self._go_on_afterwards()

    def _go_on_afterwards(self) -> None:
        wanted, self._afterwards = self._afterwards, None
        if wanted is None:
            return
        try:
            self._submit(*wanted, is_checked=False)  # it has just been trained on the very same samples
        except UserError as error:
            self._tell(str(error), is_error=True)

    def _extend(self, options: dict[str, Any]) -> None:
        try:
            self._submit(options, f"Train on with run {int(options['resume']):04}")
        except UserError as error:
            self._tell(str(error), is_error=True)

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

    # following

    @property
    def is_training(self) -> bool:
        """Whether a training of this project runs or waits."""
        return self.record is not None and not self.record.state.is_end

    def _follow(self, record: JobRecord) -> None:
        self.record, self._run = record, None
        self._tell("")
        with keeping_focus(*self._starting_and_ending()):
            self.options.fold.fold()
            self._begin_curves(record)
            for step, values in record.metrics:
                self.curves.append(step, values)
            self._advise()
            self._update()

    def _begin_curves(self, record: JobRecord) -> None:
        """Empty curves, or those of the run that is gone on with."""
        resumed = str(record.options.get("resume", ""))
        if self.session is not None and resumed.isdecimal():
            run = self.session.project.runs.get(int(resumed))
            self._earlier = epochs = self.session.project.runs.metrics(run.id)
            self.curves.show_epochs(epochs, last_epoch=float(run.options.get("epochs") or 0))
        else:
            self._earlier = []
            self.curves.clear(last_epoch=float(record.options.get("epochs") or 0))
        self._either.show_content(self.curves.has_points or bool(record.metrics))

    def _follow_next(self) -> bool:
        """Follow the training of this project that runs or waits, whoever asked for it; False when there is none."""
        record = self.queue.running("train")
        if self.session is None or record is None or record.project != self.session.project.folder:
            return False
        self._follow(record)
        return True

    def _on_added(self, _record: JobRecord) -> None:
        if not self.is_training:
            self._follow_next()

    def _on_metric(self, job_id: str, step: int, values: dict[str, float]) -> None:
        if self.record is not None and job_id == self.record.id:
            self._either.show_content(True)
            self.curves.append(step, values)
            self._find_run()
            self._advise()

    def _find_run(self) -> None:
        """Look up the run that is trained or was, as it is now."""
        if self.session is None or self.record is None:
            return
        self._run = run_of(self.record, self.session.project)
        resumed = str(self.record.options.get("resume", ""))
        if self._run is None and self.record.state.is_end and resumed.isdecimal():
            self._run = self.session.project.runs.get(int(resumed))  # it failed before it said where it lies
        if self._run is not None:
            self.curves.set_last_epoch(float(self._run.options.get("epochs") or 0))

    def _advise(self) -> None:
        """Say what the curves show while Stop can be pressed, with the buttons that help."""
        if self.record is not None and not self.record.is_cancel_asked:
            epochs = {int(row["epoch"]): row for row in self._earlier}
            epochs |= {step: {"epoch": step, **values} for step, values in self.record.metrics}
            found = advice(list(epochs.values()))
            self._tell(f"{found.message} {found.help}" if found else "")
            self._offer(found.remedies if found else ())

    def _offer(self, remedies: tuple[Remedy, ...]) -> None:
        rates = (values.get("learning_rate") for _, values in reversed(self.record.metrics if self.record else ()))
        self.remedies.offer(remedies, self._run, next((rate for rate in rates if rate), None))

    def _on_changed(self, record: JobRecord) -> None:
        if record is self.check:
            self._update()
        if record is self.record:
            if self._run is None and record.artifacts:
                self._find_run()
            if len(record.artifacts) != self._seen_artifacts:
                self._seen_artifacts = len(record.artifacts)
                self.strip.refresh()
                if self._larger is not None:
                    self._larger.strip.refresh()
            self._update()

    def _on_project_changed(self, topics: Topics) -> None:
        if self.session is not None and "recipes" in topics:
            self.options.augmentation.set_recipes(self.session.project.recipes.all())

    def _on_ended(self, record: JobRecord) -> None:
        if record is self.check:
            self._show_check(record)
            self._update()
        if record is not self.record:
            return
        self._show_end(record)
        self._update()
        if self._afterwards is not None:
            self._go_on_afterwards()
        if not self.is_training:
            self._follow_next()

    def _show_end(self, record: JobRecord) -> None:
        self._find_run()
        self._offer(())
        match record.state:
            case JobState.FINISHED:
                self._tell(outcome_text(record.result))
                # After a Retrain the predictions come by themselves.
                self.predict_button.setVisible(record.options.get("samples") != "retrain")
            case JobState.CANCELLED:
                self._tell(stop_text(record))
            case _ if self._is_told_by_check(record):
                self._tell("Not started: the check has found why it would fail.")
            case _:
                self._tell(failure_text(record, self._run), is_error=True)
                if has_exploded(record) and self._run is not None and self._run.best_weights.is_file():
                    self._offer(("restart-lower",))

    def _is_told_by_check(self, record: JobRecord) -> bool:
        """Whether what the check shows is why a training was not begun: the same words need not stand there twice."""
        check = self.check
        if check is None or not has_result(check) or check.result["ok"] or not self.preflight.isVisibleTo(self):
            return False
        return (record.message, record.hint) == first_block(check.result)

    def tells_end_of(self, record: JobRecord) -> bool:
        """Whether somebody who looks at the window sees here how a job has ended."""
        return record is self.record and self.isVisible()

    def _show_run(self, run: Run) -> None:
        assert self.session is not None
        self._run = run
        epochs = self.session.project.runs.metrics(run.id)
        self.curves.show_epochs(epochs, last_epoch=float(run.options.get("epochs") or 0))
        self._either.show_content(bool(epochs))
        self._tell(state_text(run))

    def _on_predict(self) -> None:
        self.predict_button.hide()
        self.predict_requested.emit()

    def _starting_and_ending(self) -> tuple[QWidget, ...]:
        """What starts, pauses and ends a training, and its options: as these come and go, the keys stay among them."""
        enders = self.checking.stop_button, self.steering.pause_button, self.progress.stop_button
        return *enders, self.start_button, self.check_button, self.extend.button, self.options

    def _update(self) -> None:
        with keeping_focus(*self._starting_and_ending()):
            self._show_state()

    def _show_state(self) -> None:
        is_writable = self.session is not None and not self.session.project.read_only
        usable = (is_writable, READ_ONLY), (self.options.form.is_valid, "an option is marked as wrong")
        allow(self.start_button, *usable)
        self.start_button.setVisible(not self.is_training)
        is_checking = not is_over(self.check)
        allow(self.check_button, *usable, (not is_checking, "it is being checked"))
        self.check_button.setVisible(not self.is_training)
        self._footer.setVisible(not self.is_training)
        self.checking.show_record(self.check if is_checking else None)
        self.options.set_busy(self.is_training)
        self._empty.set_text(*(WAITING if self.is_training else NOTHING_YET))
        self.progress.show_record(self.record if self.is_training and not is_checking else None)
        self.steering.show_training(*((self.record, self._run) if self.is_training else (None, None)))
        self._show_strip()
        self.extend.show_run(self._run if is_writable and not self.is_training else None)
        if not self.is_training:
            self._either.show_content(self.curves.has_points)

    def _tell(self, text: str, *, is_error: bool = False) -> None:
        say(self._message, text[:1].upper() + text[1:], is_error=is_error)
        self.predict_button.hide()

    # how it looks

    def _lay_out(self) -> None:
        # Below what scrolls: however long the options are, what they are for stays in sight.
        self._footer = QWidget()
        buttons = QHBoxLayout(self._footer)
        buttons.setContentsMargins(9, 4, 9, 9)
        buttons.addWidget(self.start_button)
        buttons.addWidget(self.check_button)
        buttons.addStretch(1)
        outcome = QHBoxLayout()
        outcome.addWidget(self._message, 1)
        outcome.addWidget(self.predict_button, 0, Qt.AlignmentFlag.AlignTop)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setSpacing(8)
        column.addWidget(self.options)
        column.addWidget(self.preflight)
        column.addWidget(self.checking)
        column.addWidget(self.progress)
        column.addWidget(self.steering)
        column.addLayout(outcome)
        column.addWidget(self.remedies)
        column.addWidget(self.extend)
        column.addWidget(self.strip)
        column.addLayout(self._either, 1)
        area = scrolling(content)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area, 1)
        layout.addWidget(self._footer)


_EPOCHS = {"best": "best epoch", "last": "last epoch", "average": "average of the weights after epoch"}
"""What the epoch is called whose weights are kept."""


def stop_text(record: JobRecord) -> str:
    """What is left of a training that was cancelled."""
    is_begun = any(step > 0 for step, _ in record.metrics)  # step 0 is how it was before
    kept = "its weights so far are kept, see Runs" if is_begun else "no epoch was done; nothing was kept"
    return f"{record.message or 'stopped'}: {kept}"


def has_exploded(record: JobRecord) -> bool:
    """Whether a training has failed because its steps were too large."""
    return record.message.startswith(NOT_A_NUMBER)


def failure_text(record: JobRecord, run: Run | None) -> str:
    """Why a training has failed, what helps, and what is left of it."""
    said = [record.message, record.hint]
    if run is not None and can_go_on(run) and not has_exploded(record):
        said.append(f"{epochs_words(run)} are done and kept: Train on goes on after them")
    return " ".join(f"{words[:1].upper()}{words[1:].removesuffix('.')}." for words in said if words)


def state_text(run: Run) -> str:
    """What has become of a run, in a sentence."""
    best = ""
    if run.best_val_iou is not None:
        words = _EPOCHS.get(str(run.options.get("keep")), _EPOCHS["best"])
        best = f": {words} {run.best_epoch}, validation IoU {run.best_val_iou:.3f}"
    if run.status != "lost":
        return f"Run {run.name} {run.status}{best}"
    how = f"after {epochs_words(run)}{best}" if run.epochs else "before its first epoch was done"
    return f"Run {run.name} was broken off with its process {how}"


def outcome_text(result: dict[str, Any]) -> str:
    """The result of a training in one sentence."""
    best = result.get("best") or {}
    status = "stopped" if result.get("status") == "stopped" else "finished"
    text = f"Run {int(result['run']):04} {status}: "
    # Epoch 0 is before training: fine-tuning that makes nothing better keeps what it began with.
    words = _EPOCHS.get(str(result.get("keep")), _EPOCHS["best"])
    text += f"{words} {best.get('epoch')}" if best.get("epoch") != 0 else "no epoch was better, the weights stay"
    if best.get("val_iou") is not None:
        text += f", validation IoU {best['val_iou']:.3f}"
    baseline = (result.get("baseline") or {}).get("val_iou")
    if baseline is not None and best.get("val_iou") is not None:
        text += f" (it began at {baseline:.3f})"
    if ended := result.get("ended"):
        text += f"; {ended}"
    if learnt_from := result.get("learnt_from"):
        text += f"; learnt from {learnt_from}"
    return text
