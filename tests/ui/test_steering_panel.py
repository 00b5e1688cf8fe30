"""Steering and the buttons that help, without a worker: what they ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from segstudio.core.errors import UserError
from segstudio.core.steering import Wish
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.steering import RunSteering
from segstudio.ui.job_queue import JobRecord, JobState
from segstudio.ui.panels.remedies import Remedies
from segstudio.ui.panels.steering import ExtendBox, SteeringBox, ask, run_of
from tests.project.projects import make_project

OPTIONS = {"epochs": 9, "learning_rate": 0.001, "recipe": "flip", "augmentation": "on-the-fly", "samples": "all"}


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with make_project(tmp_path) as made:
        yield made


def begin(project: Project, **options: object) -> tuple[Run, JobRecord]:
    run = project.runs.create("conv-unet-fast", "conv-unet", OPTIONS | options, "scratch")
    record = JobRecord("1", "train", "Train", {}, project.folder, "compute", JobState.RUNNING)
    record.artifacts += [run.folder / "elsewhere.png", run.options_file]
    return run, record


def end(project: Project, run: Run, **fields: object) -> Run:
    run.last_weights.write_bytes(b"weights")
    return project.runs.update(run.id, **({"status": "finished", "epochs": 9} | fields))


def test_a_wish_reaches_the_run_that_the_job_says_it_trains(project: Project) -> None:
    run, record = begin(project)
    assert run_of(record, project) == run
    ask(record, project, Wish(pause=True))
    assert RunSteering(project, run).wishes() == [Wish(pause=True)]
    record.artifacts.clear()
    with pytest.raises(UserError, match="yet"):
        ask(record, project, Wish(pause=True))


def test_only_what_was_changed_and_can_be_is_asked_for(qtbot: QtBot, project: Project) -> None:
    box = SteeringBox()
    qtbot.addWidget(box)
    wishes: list[Wish] = []
    box.wished.connect(wishes.append)
    run, record = begin(project)
    box.show_training(record, None)
    assert box.isHidden()
    box.show_training(record, run)
    assert not box.isHidden()
    assert (box.rate_box.value(), box.epochs_box.value()) == (0.001, 9)
    assert not box.change_button.isEnabled()
    box.rate_box.lineEdit().setText("7")
    assert not box.change_button.isEnabled(), "no rate is above 1"
    box.rate_box.lineEdit().setText("0.0005")
    record.metrics.append((1, {"learning_rate": 0.001}))
    box.show_training(record, run)
    assert box.rate_box.value() == 0.0005, "what is being typed stays"
    box.change_button.click()
    assert wishes == [Wish(learning_rate=0.0005)]
    assert not box.change_button.isEnabled()
    box.show_training(record, run)  # before the epoch ends that tells the new rate
    assert box.rate_box.value() == 0.0005
    assert not box.change_button.isEnabled()
    record.metrics.append((2, {"learning_rate": 0.00043219876}))
    box.show_training(record, run)
    assert box.rate_box.value() == 0.000432, "the schedule has gone on"
    box.epochs_box.lineEdit().setText("12")
    box.change_button.click()
    assert wishes.pop() == Wish(epochs=12), "a rate that is shown shorter is none that is asked for"
    record.text = "epoch 3 of 9 · paused"
    box.show_training(record, run)
    box.pause_button.click()
    assert wishes[-1] == Wish(pause=False)
    record.is_cancel_asked = True
    box.show_training(record, run)
    assert box.isHidden()


def test_time_waited_is_no_time_of_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    record = JobRecord("1", "train", "Train", {}, Path(), "compute", JobState.RUNNING)
    now = [0.0]
    monkeypatch.setattr("segstudio.ui.job_queue.time.monotonic", lambda: now[0])
    for now[0], done, text in ((0, 0, "epoch 1"), (10, 1, "epoch 2"), (20, 2, "epoch 3"), (21, 2, "x · paused")):
        record.advance(done, 10, text)
    assert record.seconds_left is None
    for now[0], done, text in ((5000, 2, "x · paused"), (5001, 2, "epoch 3"), (5011, 3, "epoch 4")):
        record.advance(done, 10, text)
    assert record.seconds_left == pytest.approx(70, rel=0.2)


def test_more_epochs_are_counted_from_those_that_are_done(qtbot: QtBot, project: Project) -> None:
    box = ExtendBox()
    qtbot.addWidget(box)
    wanted: list[dict[str, object]] = []
    box.wanted.connect(wanted.append)
    run, _ = begin(project, schedule="cosine")
    box.show_run(run)
    assert box.isHidden(), "it runs still"
    box.show_run(end(project, run))
    box.more_box.set_value(5)
    assert "14 epochs" in box._words.text()
    box.button.click()
    early, _ = begin(project, patience=3)
    box.show_run(end(project, early, epochs=4))
    box.more_box.set_value(5)
    assert box._words.isHidden()
    box.button.click()
    stopped, _ = begin(project, patience=3)
    box.show_run(end(project, stopped, epochs=4, status="stopped"))
    box.button.click()
    assert wanted == [
        {"resume": "1", "epochs": 14},
        {"resume": "2", "epochs": 9, "patience": 0},
        {"resume": "3", "epochs": 9},
    ]
    box.more_box.lineEdit().setText("")
    assert not box.button.isEnabled()
    box.show_run(end(project, begin(project, schedule="cosine")[0], epochs=4, status="stopped"))
    assert box.more_box.value() == 5, "as many as are left"
    assert box._words.text() == ""
    box.more_box.set_value(2)
    assert "for 6 epochs: it falls sooner" in box._words.text()
    stopped.last_weights.unlink()
    box.show_run(project.runs.get(stopped.id))
    assert box.isHidden()


def test_what_helps_does_exactly_what_it_says(qtbot: QtBot, project: Project) -> None:
    remedies = Remedies()
    qtbot.addWidget(remedies)
    wishes, restarts, stops = [], [], []
    remedies.stop_wanted.connect(lambda: stops.append(None))
    remedies.wished.connect(wishes.append)
    remedies.restart_wanted.connect(lambda options, title: restarts.append(options))
    run, _ = begin(project)
    remedies.offer(("restart-lower", "lower", "restart-augmented", "stop"), run, 0.0003)
    assert "0.00003" in remedies.buttons["restart-lower"].toolTip().replace("3e-5", "0.00003")
    for button in remedies.buttons.values():
        button.click()
    assert wishes == [Wish(learning_rate=0.00003)]
    assert len(stops) == 1
    lower, augmented = restarts
    assert lower == {
        "start": "1", "epochs": 9, "samples": "all", "learning_rate": 0.00003, "frozen_epochs": 0,
    }  # fmt: skip
    assert augmented == lower | {"learning_rate": 0.0003, "recipe": "light", "augmentation": "on-the-fly"}
    retrained, _ = begin(project, samples="retrain", fine_tuning=0.1, recipe="strong")
    remedies.offer(("restart-lower", "restart-augmented"), retrained, 0.0001)
    assert list(remedies.buttons) == ["restart-lower"], "nothing of ours is stronger"
    remedies.buttons["restart-lower"].click()
    assert restarts[-1]["learning_rate"] * 0.1 == pytest.approx(0.00001), "of which Retrain takes its share"
    remedies.offer((), None, None)
    assert remedies.isHidden()
