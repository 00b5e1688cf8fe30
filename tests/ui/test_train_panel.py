"""The Train panel on a real project, with a scripted worker for the stages and the real one for a real training."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLineEdit, QScrollArea, QToolButton
from pytestqt.qtbot import QtBot

from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes
from segstudio.core.advice import NOT_A_NUMBER
from segstudio.core.errors import UserError
from segstudio.jobs.presets import options_of, preset, presets
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.job_progress import progress_text
from segstudio.ui.panels.jobs import log_text
from segstudio.ui.panels.train import SETTING, TrainPanel, failure_text, has_exploded, outcome_text, state_text
from segstudio.ui.panels.train_options import FROM_ELSEWHERE, FROM_FILE
from segstudio.ui.plot import WholeAxis
from segstudio.ui.session import Session
from segstudio.ui.worker_thread import Patience
from tests.project.projects import append_metrics, make_project

SCRIPT = [sys.executable, str(Path(__file__).with_name("scripted_worker.py")), "training"]
WAIT = 20_000
TINY = {"epochs": 2, "batch": 4, "size": 32, "filters": 4, "depth": 1}


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    make_project(tmp_path, 12).close()
    session = Session(Project.open(tmp_path / "project", is_editor=True))
    yield session
    assert session.close()


@pytest.fixture
def queue(qapp: object) -> Iterator[JobQueue]:
    """A queue whose worker plays a training of three epochs and then waits to be stopped."""
    queue = JobQueue(command=SCRIPT, patience=Patience(cancel=5, close=0.5, terminate=0.3))
    yield queue
    queue.shutdown()


@pytest.fixture
def panel(qtbot: QtBot, session: Session, queue: JobQueue) -> TrainPanel:
    panel = TrainPanel(session, queue)
    qtbot.addWidget(panel)
    panel.resize(348, 780)
    panel.show()
    return panel


def choose(panel: TrainPanel, name: str) -> None:
    panel.options.preset_box.setCurrentIndex(panel.options.preset_box.findData(name))
    panel.options.preset_box.activated.emit(panel.options.preset_box.currentIndex())


def add_run(
    project: Project, name: str = "conv-unet-fast", *, status: str = "finished", epochs: int = 3, **options
) -> Run:
    values = preset(name).options(**options).model_dump()
    run = project.runs.create(name, preset(name).model, values, values["start"])
    for epoch in range(1, epochs + 1):
        append_metrics(run, epoch, {"loss": 1 / epoch, "val_loss": 1.2 / epoch, "iou": 0.8, "val_iou": 0.7})
    run.best_weights.write_bytes(b"weights")
    return project.runs.update(run.id, status=status, epochs=epochs, best_epoch=1, best_val_iou=0.7, best_val_loss=1.2)


def test_every_preset_is_offered_and_shown_with_its_own_options(panel: TrainPanel) -> None:
    assert {
        panel.options.preset_box.itemData(index) for index in range(panel.options.preset_box.count())
    } == presets().keys()
    for name, one in presets().items():
        choose(panel, name)
        values = panel.options.form.values()
        expected = one.options().model_dump()
        assert {key: expected[key] for key in values} == values
        assert values.keys() | FROM_ELSEWHERE == options_of(one.model).model_fields.keys()
        given = panel.options.given()
        assert (given["recipe"], given["augmentation"]) == (expected["recipe"], expected["augmentation"])
        assert panel.options.form.is_valid


def test_panel_without_a_training_says_what_to_do(panel: TrainPanel) -> None:
    assert not panel.curves.isVisible()
    assert panel.start_button.isEnabled()
    assert not panel.progress.isVisible()


def test_panel_is_no_wider_than_the_window_makes_it(panel: TrainPanel) -> None:
    panel.options.fold.unfold()
    assert panel.minimumSizeHint().width() <= 280
    assert panel.options.form.width() <= 348
    assert panel.options.minimumSizeHint().width() <= 280, "nothing is cut off at its right"


def test_heading_of_the_options_tells_that_few_samples_are_learnt_from(panel: TrainPanel) -> None:
    title = panel.options.fold.findChild(QToolButton)
    assert title.text() == "Options: 30 epochs · batch 8 · 256 px"
    panel.form.set_values({"limit": 20})
    assert title.text().endswith("· 20 samples")


def test_an_epoch_is_whole_on_the_axis(qapp: object) -> None:
    axis = WholeAxis("bottom")
    for most in (2, 4, 25, 400):
        values = [value for _, ticks in axis.tickValues(1, most, 300) for value in ticks]
        assert values
        assert all(value == round(value) for value in values)


def test_start_draws_the_curves_live_and_stop_keeps_the_best(qtbot: QtBot, panel: TrainPanel, session: Session) -> None:
    choose(panel, "conv-unet-fast")
    panel.options.form.set_values({"epochs": 10})
    qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    record = panel.record
    assert record is not None
    assert record.options["preset"] == "conv-unet-fast"
    assert record.options["epochs"] == 10
    assert record.options["samples"] == "all"
    assert record.options["filters"] == 16
    qtbot.waitUntil(panel.progress.isVisible, timeout=WAIT)
    assert not panel.start_button.isVisible()
    qtbot.waitUntil(lambda: len(record.metrics) == 3, timeout=WAIT)
    assert panel.curves.iou.series[1].values == [0.5, 0.75, 0.7]
    assert panel.curves.best_epoch == 2
    assert panel.curves.isVisible()
    assert "epoch 3 of 10" in panel.progress.text.text()
    assert panel._message.text() == ""
    for epoch, loss in ((4, 30.0), (5, 60.0)):
        record.metrics.append((epoch, {"loss": loss, "val_loss": 1.0, "val_iou": 0.1}))
        panel.queue.metric.emit(record.id, *record.metrics[-1])
    assert "The loss explodes: 60 in epoch 5" in panel._message.text()
    del record.metrics[3:]
    panel.queue.metric.emit(record.id, *record.metrics[-1])
    assert panel._message.text() == "", "it is taken back when it is so no more"
    qtbot.mouseClick(panel.progress.stop_button, Qt.MouseButton.LeftButton)
    assert "stopping" in panel.progress.text.text()
    assert panel.progress.stop_button.text() == "End it now"
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    assert record.state is JobState.FINISHED
    assert panel._message.text() == "Run 0001 stopped: best epoch 2, validation IoU 0.750"
    assert panel.start_button.isVisible()
    assert not panel.progress.isVisible()
    with qtbot.waitSignal(panel.predict_requested):
        qtbot.mouseClick(panel.predict_button, Qt.MouseButton.LeftButton)


def test_commands_pause_and_stop_what_runs_and_say_when_nothing_does(
    qtbot: QtBot, panel: TrainPanel, queue: JobQueue
) -> None:
    for command in (panel.toggle_pause, panel.stop):
        with pytest.raises(UserError, match="no training of this project"):
            command()
    record = panel.start()
    with pytest.raises(UserError, match="can be steered yet"):
        panel.toggle_pause()  # this worker says nowhere where its run lies
    qtbot.waitUntil(lambda: len(record.metrics) == 3, timeout=WAIT)
    panel.stop()
    panel.stop()
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    assert record.state is JobState.FINISHED, "pressed twice it is stopped once, and keeps its best"


def test_failure_is_said_in_the_panel(qtbot: QtBot, panel: TrainPanel) -> None:
    choose(panel, "conv-unet-fast")
    panel.options.form.set_values({"seed": 666})
    record = panel.start()
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    assert panel._message.text() == "No such thing. Make one."
    assert panel._message.property("error")
    assert panel.start_button.isEnabled()


def test_second_training_is_refused_while_one_runs(qtbot: QtBot, panel: TrainPanel, queue: JobQueue) -> None:
    record = panel.start()
    with pytest.raises(UserError, match="under way"):
        panel.retrain()
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


@pytest.mark.parametrize("is_in_form", [False, True])
def test_whoever_starts_by_keyboard_finds_the_stop_under_the_same_hand(
    qtbot: QtBot, panel: TrainPanel, is_in_form: bool
) -> None:
    choose(panel, "conv-unet-fast")
    panel.activateWindow()
    if is_in_form:
        panel.options.fold.unfold()
        panel.options.form.editor("epochs").setFocus()
        qtbot.waitUntil(panel.options.form.editor("epochs").hasFocus, timeout=WAIT)
        panel.start()
    else:
        panel.start_button.setFocus()
        qtbot.waitUntil(panel.start_button.hasFocus, timeout=WAIT)
        qtbot.keyClick(panel.start_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not panel.start_button.isVisible() and panel.progress.stop_button.isVisible(), timeout=WAIT)
    enders = panel.steering.pause_button, panel.progress.stop_button
    assert any(button.hasFocus() for button in enders), QApplication.focusWidget()
    record = panel.record
    assert record is not None
    panel.queue.cancel(record.id)
    qtbot.waitUntil(panel.start_button.isVisible, timeout=WAIT)
    assert panel.start_button.hasFocus(), QApplication.focusWidget()


def test_wrong_option_stops_the_start_with_its_name(panel: TrainPanel) -> None:
    panel.options.form.set_values({"epochs": 0})
    assert not panel.start_button.isEnabled()
    with pytest.raises(UserError, match="epochs"):
        panel.start()


def test_options_are_remembered_with_the_project(
    qtbot: QtBot, panel: TrainPanel, session: Session, queue: JobQueue
) -> None:
    choose(panel, "mobilenetv2-unet-fast")
    panel.options.form.set_values({"epochs": 7, "learning_rate": 3e-4, "weights": "/somewhere/weights.h5"})
    record = panel.start()
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    qtbot.waitUntil(lambda: session.project.settings.get(SETTING) is not None, timeout=WAIT)
    other = TrainPanel(session, queue)
    qtbot.addWidget(other)
    assert other.options.preset_box.currentData() == "mobilenetv2-unet-fast"
    values = other.options.form.values()
    assert (values["epochs"], values["learning_rate"], values["weights"]) == (7, 3e-4, "/somewhere/weights.h5")


def test_what_is_remembered_and_not_known_any_more_is_passed_over(
    qtbot: QtBot, session: Session, queue: JobQueue
) -> None:
    session.project.settings.set(SETTING, {"preset": "conv-unet", "values": {"epochs": -1, "gone": 3}})
    panel = TrainPanel(session, queue)
    qtbot.addWidget(panel)
    assert panel.options.preset_box.currentData() == "conv-unet"
    assert panel.options.form.is_valid


def test_another_preset_keeps_what_is_of_this_machine(panel: TrainPanel) -> None:
    choose(panel, "mobilenetv2-unet-fast")
    panel.options.form.set_values({"weights": "w.h5", "device": "cpu", "epochs": 3})
    choose(panel, "mobilenetv2-unet")
    values = panel.options.form.values()
    assert (values["weights"], values["device"], values["epochs"]) == ("w.h5", "cpu", 25)


def pick(panel: TrainPanel, recipe: str, mode: str = "on-the-fly") -> None:
    boxes = panel.options.augmentation.recipe_box, panel.options.augmentation.mode_box
    for box, wanted in zip(boxes, (recipe, mode), strict=True):
        assert box.findData(wanted) >= 0
        box.setCurrentIndex(box.findData(wanted))


def titles(panel: TrainPanel) -> list[str]:
    box = panel.options.augmentation.recipe_box
    return [box.itemText(index) for index in range(box.count()) if box.itemText(index)]


def test_recipes_are_chosen_by_title_ours_and_the_projects_as_they_come(
    qtbot: QtBot, panel: TrainPanel, session: Session
) -> None:
    assert titles(panel) == ["None", *(one.title for one in built_in_recipes().values())]
    pick(panel, "chest-xray")
    mine = Recipe("my-own", "My own", "Turns a little.", (Step("Rotate", 0.5),))
    session.project.recipes.save(mine)
    qtbot.waitUntil(lambda: "My own" in titles(panel), timeout=WAIT)
    assert panel.options.given()["recipe"] == "chest-xray", "what is chosen stays"
    pick(panel, "my-own", "both")
    assert (panel.options.given()["recipe"], panel.options.given()["augmentation"]) == ("my-own", "both")
    session.project.recipes.delete("my-own")
    qtbot.waitUntil(lambda: "My own" not in titles(panel), timeout=WAIT)
    assert panel.options.given()["recipe"] == "my-own", "a recipe that is gone is not replaced in silence"
    assert "my-own" in titles(panel)


def test_without_a_recipe_there_is_no_question_of_when(panel: TrainPanel) -> None:
    assert panel.options.augmentation.mode_box.isVisible()
    pick(panel, "none")
    assert not panel.options.augmentation.mode_box.isVisible()
    assert panel.options.given()["recipe"] == "none"


def test_another_preset_keeps_what_is_of_the_images(panel: TrainPanel) -> None:
    pick(panel, "lens-dirt", "queued")
    choose(panel, "mobilenetv2-unet")
    assert panel.options.augmentation.values() == {"recipe": "lens-dirt", "augmentation": "queued"}


def test_a_preset_brings_its_recipe_unless_a_person_has_chosen_another(panel: TrainPanel) -> None:
    choose(panel, "lens-dirt")
    assert panel.options.given()["recipe"] == "lens-dirt"
    choose(panel, "conv-unet-fast")
    assert panel.options.given()["recipe"] == "flip", "that was the other preset's own"
    pick(panel, "strong")
    choose(panel, "chest-xray")
    assert panel.options.given()["recipe"] == "strong"


def test_recipe_is_remembered_and_goes_with_retrain(
    qtbot: QtBot, panel: TrainPanel, session: Session, queue: JobQueue
) -> None:
    add_run(session.project)
    pick(panel, "light")
    record = panel.retrain()
    assert (record.options["start"], record.options["recipe"]) == ("best", "light")
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    later = TrainPanel(session, queue)
    qtbot.addWidget(later)
    assert later.options.augmentation.values()["recipe"] == "light"


def test_start_from_a_run_takes_its_network(qtbot: QtBot, panel: TrainPanel, session: Session, queue: JobQueue) -> None:
    add_run(session.project)
    choose(panel, "conv-unet-fast")
    assert panel.options.form.editor("filters").isEnabled()
    panel.options.form.set_values({"start": "best"})
    assert not panel.options.form.editor("filters").isEnabled()
    assert "run" in panel.options.form.editor("filters").toolTip()
    record = panel.start()
    assert record.options["start"] == "best"
    assert not record.options.keys() & {"preset", "filters", "size", "depth"}
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_retrain_without_a_run_begins_where_the_preset_does(qtbot: QtBot, panel: TrainPanel, queue: JobQueue) -> None:
    choose(panel, "conv-unet-fast")
    record = panel.retrain()
    assert record.options["samples"] == "retrain"
    assert record.options["start"] == "scratch"
    assert record.options["preset"] == "conv-unet-fast"
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_retrain_goes_on_from_the_best_run_with_the_last_options(
    qtbot: QtBot, session: Session, queue: JobQueue
) -> None:
    add_run(session.project, epochs=3, learning_rate=5e-4)
    panel = TrainPanel(session, queue)
    qtbot.addWidget(panel)
    assert panel.options.preset_box.currentData() == "conv-unet-fast"
    assert panel.curves.has_points, "the last run is drawn by the same path"
    assert "Run 0001 finished: best epoch 1" in panel._message.text()
    record = panel.retrain()
    assert record.title == "Retrain from run 0001"
    assert record.options["start"] == "best"
    assert record.options["samples"] == "retrain"
    assert record.options["learning_rate"] == 5e-4
    assert not record.options.keys() & {"preset", "filters", "size", "depth"}
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_panel_that_comes_later_follows_the_training_under_way(
    qtbot: QtBot, panel: TrainPanel, session: Session, queue: JobQueue
) -> None:
    record = panel.start()
    qtbot.waitUntil(lambda: len(record.metrics) == 3, timeout=WAIT)
    later = TrainPanel(session, queue)
    qtbot.addWidget(later)
    assert later.is_training
    assert later.curves.iou.series[0].epochs == [1, 2, 3]
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_resumed_training_goes_on_with_its_own_curves(
    qtbot: QtBot, panel: TrainPanel, session: Session, queue: JobQueue
) -> None:
    run = add_run(session.project, status="lost", epochs=2)
    record = queue.submit("train", {"resume": str(run.id)}, project=session.project.folder)
    assert panel.record is record
    assert panel.curves.loss.series[0].epochs == [1, 2]
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_what_is_noticed_after_a_resume_counts_the_epochs_before_it(
    qtbot: QtBot, panel: TrainPanel, session: Session, queue: JobQueue
) -> None:
    run = add_run(session.project, status="lost", epochs=3)
    for epoch in range(4, 21):
        figures = {"loss": 0.1, "val_loss": 0.1, "val_iou": 0.9 if epoch == 4 else 0.8}
        append_metrics(run, epoch, figures)
    record = queue.submit("train", {"resume": str(run.id)}, project=session.project.folder)
    qtbot.waitUntil(lambda: len(record.metrics) == 3, timeout=WAIT)
    qtbot.waitUntil(lambda: "No epoch of the last 16 was better" in panel._message.text(), timeout=WAIT)
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_what_broke_off_says_how_far_it_came_and_what_helps(panel: TrainPanel, session: Session) -> None:
    run = add_run(session.project, status="lost", epochs=2)
    assert state_text(run) == (
        "Run 0001 was broken off with its process after 2 of 30 epochs: best epoch 1, validation IoU 0.700"
    )
    record = JobRecord("1", "train", "Train", {}, session.project.folder, "compute", message="it was killed")
    record.hint = "try a smaller batch"
    assert failure_text(record, run) == "It was killed. Try a smaller batch.", "nothing is there to go on with"
    run.last_weights.write_bytes(b"weights")
    assert failure_text(record, run).endswith("2 of 30 epochs are done and kept: Train on goes on after them.")
    record.message = f"{NOT_A_NUMBER} in epoch 3"
    assert "Train on" not in failure_text(record, run), "the same steps would lead to the same end"
    assert has_exploded(record)


def test_next_training_in_the_queue_is_followed_when_the_first_ends(
    qtbot: QtBot, panel: TrainPanel, queue: JobQueue
) -> None:
    first = panel.start()
    second = queue.retry(first.id)
    assert panel.record is first
    queue.cancel(first.id)
    qtbot.waitUntil(lambda: panel.record is second, timeout=WAIT)
    queue.cancel(second.id)
    qtbot.waitUntil(lambda: second.state.is_end, timeout=WAIT)


def test_training_of_another_project_is_not_shown(
    qtbot: QtBot, panel: TrainPanel, queue: JobQueue, tmp_path: Path
) -> None:
    record = queue.submit("train", {}, project=tmp_path / "another")
    assert panel.record is None
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_read_only_project_cannot_train(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    with Project.open(session.project.folder, is_editor=True) as project:
        assert project.read_only
        second = Session(project)
        panel = TrainPanel(second, queue)
        qtbot.addWidget(panel)
        assert not panel.start_button.isEnabled()
        with pytest.raises(UserError, match="reading only"):
            panel.retrain()
        second.close()


def test_panel_without_a_project_refuses_politely(qtbot: QtBot, queue: JobQueue) -> None:
    panel = TrainPanel(None, queue)
    qtbot.addWidget(panel)
    assert not panel.start_button.isEnabled()
    with pytest.raises(UserError, match="no project"):
        panel.start()


def test_progress_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    record = JobRecord("1", "train", "Train", {}, Path(), "compute")
    assert progress_text(record, "the best weights are kept") == "waiting for another job to end"
    record.state = JobState.RUNNING
    assert progress_text(record, "the best weights are kept") == "starting TensorFlow…"
    now = [0.0]
    monkeypatch.setattr("segstudio.ui.job_queue.time.monotonic", lambda: now[0])
    record.advance(0, 25, "")
    now[0] = 180
    record.advance(18, 25, "epoch 18 of 25 · 21 img/s")
    assert progress_text(record, "the best weights are kept") == "epoch 18 of 25 · 21 img/s · 1 min 10 s left"


def test_outcome_tells_where_it_began() -> None:
    best = {"epoch": 4, "val_iou": 0.91234, "val_loss": 0.1}
    result = {"run": 7, "status": "finished", "best": best, "baseline": {"val_iou": 0.9}}
    assert outcome_text(result) == "Run 0007 finished: best epoch 4, validation IoU 0.912 (it began at 0.900)"
    assert outcome_text({"run": 7, "best": {"epoch": 1, "val_iou": None}}) == "Run 0007 finished: best epoch 1"
    kept = {"run": 8, "best": {"epoch": 0, "val_iou": None}, "learnt_from": "9 reviewed masks of 70 usable ones"}
    assert outcome_text(kept) == (
        "Run 0008 finished: no epoch was better, the weights stay; learnt from 9 reviewed masks of 70 usable ones"
    )


def test_outcome_tells_why_it_ended_early() -> None:
    result = {"run": 7, "best": {"epoch": 4, "val_iou": 0.912}, "ended": "stopped early: no epoch was better"}
    assert outcome_text(result).endswith("IoU 0.912; stopped early: no epoch was better")


@pytest.mark.training
def test_real_training_then_retraining(qtbot: QtBot, session: Session) -> None:
    queue = JobQueue()
    panel = TrainPanel(session, queue)
    qtbot.addWidget(panel)
    choose(panel, "conv-unet-fast")
    panel.options.form.set_values(TINY)
    first = panel.start()
    qtbot.waitUntil(lambda: first.state.is_end, timeout=300_000)
    assert first.state is JobState.FINISHED, log_text(first)
    assert panel.curves.loss.series[0].epochs == [1, 2]
    assert len(panel.curves.iou.series[1].values) == 2
    assert panel._message.text().startswith("Run 0001 finished")
    assert session.project.runs.metrics(1)[0]["loss"] == pytest.approx(panel.curves.loss.series[0].values[0])
    second = panel.retrain()
    assert second.options["start"] == "best"
    qtbot.waitUntil(lambda: second.state.is_end, timeout=300_000)
    assert second.state is JobState.FINISHED, log_text(second)
    assert session.project.runs.get(2).start == "1"
    assert "it began at" in panel._message.text()
    queue.shutdown()


# --- pre-flight --------------------------------------------------------------------------------------------------


def test_every_training_is_checked_first_and_what_was_decided_stands_below_its_field(
    qtbot: QtBot, panel: TrainPanel, queue: JobQueue
) -> None:
    choose(panel, "conv-unet-fast")
    panel.form.set_values({"batch": 0})
    assert panel.form.text("batch") == "0"
    record = panel.start()
    assert [one.job for one in queue.records] == ["preflight", "train"]
    assert queue.records[0].options == record.options
    qtbot.waitUntil(lambda: len(record.metrics) == 3, timeout=WAIT)
    assert panel.form.note("batch") == "8 images: usual on a CPU"
    assert panel.preflight.summary.text() == "About 1 min 40 s for 2 epochs, 1.2 GB of memory"
    assert panel.preflight.texts == []
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    panel.form.set_values({"batch": 4})
    assert panel.form.note("batch") == "", "what a person says is not decided"
    assert not panel.preflight.isVisible()


def test_start_stays_in_sight_however_long_the_options_are(qtbot: QtBot, panel: TrainPanel) -> None:
    panel.resize(340, 500)
    panel.options.fold.unfold()
    qtbot.waitUntil(lambda: panel.options.height() > panel.height())
    area = panel.findChild(QScrollArea)
    for value in (area.verticalScrollBar().maximum(), 0):
        area.verticalScrollBar().setValue(value)
        place = panel.start_button.mapTo(panel, panel.start_button.rect().bottomRight())
        assert panel.rect().contains(place)
        assert panel.start_button.visibleRegion().boundingRect() == panel.start_button.rect()


def test_what_blocks_stops_the_start_in_words(qtbot: QtBot, panel: TrainPanel, queue: JobQueue) -> None:
    panel.form.set_values({"seed": 13})
    record = panel.start()
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    assert (record.state, record.message, record.hint) == (JobState.FAILED, "all masks are empty", "correct some")
    assert panel.preflight.texts == ["All masks are empty."]
    assert panel._message.text() == "Not started: the check has found why it would fail.", (
        "the reason stands above once"
    )
    assert panel.tells_end_of(record)
    assert panel.start_button.isVisible()
    assert not panel.preflight.pass_button.isVisible()


def test_a_warning_asks_once_and_is_passed_over(
    qtbot: QtBot, panel: TrainPanel, queue: JobQueue, session: Session
) -> None:
    panel.form.set_values({"seed": 14})
    held = panel.start()
    qtbot.waitUntil(panel.preflight.pass_button.isVisible, timeout=WAIT)
    assert held.state is JobState.CANCELLED
    assert "Not started yet" in panel._message.text()
    panel.preflight.pass_button.click()
    record = panel.record
    assert record is not None
    assert record is not held
    assert record.options == held.options
    qtbot.waitUntil(lambda: len(record.metrics) == 3, timeout=WAIT)
    assert panel.preflight.texts == ["All masks are empty."], "it is still to be seen"
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)
    again = panel.start()
    qtbot.waitUntil(lambda: len(again.metrics) == 3, timeout=WAIT)
    queue.cancel(again.id)
    qtbot.waitUntil(lambda: again.state.is_end, timeout=WAIT)


def test_retrain_asks_nothing_but_shows_the_warning(qtbot: QtBot, panel: TrainPanel, queue: JobQueue) -> None:
    panel.form.set_values({"seed": 14})
    record = panel.retrain()
    qtbot.waitUntil(lambda: len(record.metrics) == 3, timeout=WAIT)
    assert len(panel.preflight.texts) == 1
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_check_alone_starts_nothing(qtbot: QtBot, panel: TrainPanel, queue: JobQueue) -> None:
    panel.check_button.click()
    assert panel.checking.isVisible()
    qtbot.waitUntil(lambda: panel.check is not None and panel.check.state.is_end, timeout=WAIT)
    assert [one.job for one in queue.records] == ["preflight"]
    assert panel.preflight.isVisible()
    assert not panel.checking.isVisible()
    assert panel.start_button.isVisible()


def test_a_click_on_what_goes_away_leaves_the_keys_where_they_are(
    qtbot: QtBot, panel: TrainPanel, queue: JobQueue
) -> None:
    elsewhere = QLineEdit(panel)
    elsewhere.show()
    panel.activateWindow()
    elsewhere.setFocus()
    qtbot.waitUntil(elsewhere.hasFocus)
    for button in (panel.check_button, panel.start_button):
        qtbot.mousePress(button, Qt.MouseButton.LeftButton)
        assert elsewhere.hasFocus()
        qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
        assert not (button.isEnabled() and button.isVisible()), "it goes away"
        assert elsewhere.hasFocus()
        for record in queue.records:
            queue.cancel(record.id)
        qtbot.waitUntil(lambda: panel.check_button.isEnabled() and panel.start_button.isVisible(), timeout=WAIT)


def test_stop_while_it_is_checked_stops_the_training_too(
    qtbot: QtBot, session: Session, panel: TrainPanel, queue: JobQueue
) -> None:
    queue.submit("predict", {}, project=session.project.folder)  # has no end, so that the check waits
    record = panel.start()
    panel.checking.stop_button.click()
    qtbot.waitUntil(lambda: record.state is JobState.CANCELLED, timeout=WAIT)
    assert panel.check is not None
    assert panel.check.state is JobState.CANCELLED
    assert panel.start_button.isVisible()


# --- a rate, and a file to start from ----------------------------------------------------------------------------


def test_a_rate_is_found_drawn_and_taken_with_one_click(qtbot: QtBot, panel: TrainPanel, queue: JobQueue) -> None:
    choose(panel, "conv-unet-fast")
    panel.options.fold.unfold()
    qtbot.mouseClick(panel.options.find_button, Qt.MouseButton.LeftButton)
    dialog = panel.rate_dialog
    assert dialog is not None
    assert not dialog.isModal(), "one goes on painting meanwhile"
    assert (dialog.record.job, dialog.record.options["preset"]) == ("find-rate", "conv-unet-fast")
    qtbot.waitUntil(dialog.take_button.isEnabled, timeout=WAIT)
    rates, losses = dialog._mean.getOriginalDataset()
    assert len(rates) == len(losses) == 13
    assert dialog._line.value() == pytest.approx(-3.52, abs=0.01), "where a logarithmic axis has 3e-4"
    assert "The options say 0.001" in dialog.words.text()
    assert dialog.take_button.text() == "Use 0.0003"
    qtbot.mouseClick(dialog.take_button, Qt.MouseButton.LeftButton)
    assert panel.form.values()["learning_rate"] == 3e-4
    qtbot.waitUntil(lambda: panel.rate_dialog is None, timeout=WAIT)


def test_the_line_can_be_moved_to_another_rate(qtbot: QtBot, panel: TrainPanel) -> None:
    panel.options.rate_wanted.emit()
    dialog = panel.rate_dialog
    assert dialog is not None
    assert dialog.plot.getViewBox().viewRange()[0][0] < -5, "all rates, before the first is tried"
    qtbot.waitUntil(dialog.take_button.isEnabled, timeout=WAIT)
    dialog._line.setValue(math.log10(0.01217))  # what a drag does
    assert dialog.take_button.text() == "Use 0.012"
    dialog._line.setValue(5)
    assert dialog.take_button.text() == "Use 1", "no further than rates go"
    dialog._line.setValue(math.log10(0.01217))
    qtbot.mouseClick(dialog.take_button, Qt.MouseButton.LeftButton)
    assert panel.form.values()["learning_rate"] == 0.012


def test_closing_the_search_stops_it(qtbot: QtBot, panel: TrainPanel, queue: JobQueue, session: Session) -> None:
    queue.submit("predict", {}, project=session.project.folder)  # has no end, so that the search waits
    panel.options.rate_wanted.emit()
    dialog = panel.rate_dialog
    assert dialog is not None
    record = dialog.record
    dialog.close()
    assert record.state is JobState.CANCELLED
    assert panel.form.values()["learning_rate"] == 1e-3


def test_start_from_a_file_asks_for_it_and_takes_its_network(panel: TrainPanel, session: Session) -> None:
    choose(panel, "conv-unet-fast")
    asked = []
    panel.options._ask_for_file = lambda: asked.append(True)
    panel.form.set_values({"start": FROM_FILE})
    assert asked == [True]
    assert panel.form.values()["start"] == "scratch", "until a file is chosen"

    run = add_run(session.project)  # its folder says what the file holds
    panel.options.start_from_file(str(run.best_weights))
    assert panel.form.values()["start"] == str(run.best_weights)
    assert not panel.form.editor("filters").isEnabled()
    assert "preset" not in panel.options.given()
    unknown = session.project.folder / "unknown.keras"
    unknown.write_bytes(b"weights of who knows what")
    panel.options.start_from_file(str(unknown))
    assert panel.form.editor("filters").isEnabled(), "only the preset says which network that is"
    assert panel.options.given()["preset"] == "conv-unet-fast"
    panel.options.start_from_file(str(session.project.folder / "saved" / "saved_model.pb"))
    assert panel.form.values()["start"] == str(session.project.folder / "saved")


def test_heading_says_auto(panel: TrainPanel) -> None:
    panel.form.set_values({"batch": 0, "size": 0})
    assert panel.options.fold.findChild(QToolButton).text() == "Options: 30 epochs · batch auto · auto px"
