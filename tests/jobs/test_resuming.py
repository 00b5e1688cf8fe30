"""A run that is resumed and broken off: what it had stays good, and what is said of it stays true."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.jobs.presets import options_of
from segstudio.jobs.train import Training
from tests.jobs.projects import make_project
from tests.project.projects import append_metrics


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path) as made:
        yield made


@pytest.fixture
def stopped(project):
    """A run that was stopped after two epochs."""
    run = project.runs.create("conv-unet-fast", "conv-unet", {"epochs": 4}, "scratch")
    run.best_weights.write_bytes(b"good")
    for epoch, iou in ((1, 0.4), (2, 0.5)):
        append_metrics(run, epoch, {"val_iou": iou, "val_loss": 1 - iou})
    figures = {"best_epoch": 2, "best_val_iou": 0.5, "best_val_loss": 0.5}
    return project.runs.update(run.id, status="stopped", epochs=2, **figures)


def resumed(project, run, monkeypatch, fit, report=None, *, is_resumed=True):
    """Resume it, with `fit` in place of the real training."""
    monkeypatch.setattr(Training, "_fit", lambda self, project, report: fit(self.run))
    options = options_of(run.model)(**run.options)
    run = project.runs.resume(run.id)
    return Training(run, options, None, None, [], [], is_resumed=is_resumed).perform(project, report or ListReporter())


def raising(error):
    def fit(run):
        raise error

    return fit


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("there is no GPU 7"), "there is no GPU 7"),
        (Cancelled(), "stopped before another epoch was done"),
        (MemoryError("much"), "MemoryError: much"),
    ],
)
def test_a_resumed_run_that_comes_to_nothing_is_still_the_best(project, stopped, monkeypatch, error, said):
    with pytest.raises(type(error)):
        resumed(project, stopped, monkeypatch, raising(error))
    run = project.runs.get(stopped.id)
    assert (run.status, run.epochs, run.best_val_iou) == ("stopped", 2, 0.5)
    assert run.message == f"resumed, and broken off after epoch 2: {said}"
    assert project.runs.best() == run


def test_what_it_learnt_until_it_broke_off_is_counted(project, stopped, monkeypatch):
    def fit(run):
        append_metrics(run, 3, {"val_iou": 0.6, "val_loss": 0.3})
        raise UserError("the loss is no longer a number")

    with pytest.raises(UserError):
        resumed(project, stopped, monkeypatch, fit)
    run = project.runs.get(stopped.id)
    assert (run.epochs, run.best_epoch, run.best_val_iou, run.best_val_loss) == (3, 3, 0.6, 0.3)
    assert "after epoch 3" in run.message


@pytest.mark.parametrize(("error", "status"), [(UserError("no"), "failed"), (Cancelled(), "cancelled")])
def test_one_that_begins_or_has_no_weights_is_no_model(project, stopped, monkeypatch, error, status):
    with pytest.raises(type(error)):
        resumed(project, stopped, monkeypatch, raising(error), is_resumed=False)
    assert project.runs.get(stopped.id).status == status
    stopped.best_weights.unlink()
    with pytest.raises(type(error)):
        resumed(project, stopped, monkeypatch, raising(error))
    assert project.runs.get(stopped.id).status == status


def predict(project, run):
    """Predict every sample, in place of the network."""
    for sample in project.samples.all():
        project.predictions.save(run.id, sample, np.full((sample.height, sample.width), 200, np.uint8))
    project.predictions.score(run.id)
    return next(iter(project.samples.all()))


@pytest.mark.parametrize("error", [None, UserError("no")])
def test_what_the_weights_before_have_predicted_is_forgotten_when_there_are_better_ones(
    project, stopped, monkeypatch, error
):
    other = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    sample = predict(project, stopped)
    predict(project, other)

    def fit(run):
        write_atomically(run.best_weights, b"better")
        if error:
            raise error
        row = {"epoch": 3, "val_iou": 0.6, "val_loss": 0.3}
        return SimpleNamespace(rows=[row], best=row, is_stopped=False, ended="", paused=0.0, initial="")

    report = ListReporter()
    with pytest.raises(UserError) if error else nullcontext():
        resumed(project, stopped, monkeypatch, fit, report)
    assert not project.predictions.has(stopped.id, sample)
    assert project.predictions.counts(stopped.id) == {}
    assert report.lines == ["8 predictions of run 0001 are deleted: its best weights are better ones now"]
    assert project.predictions.has(other.id, sample)
    assert len(project.predictions.counts(other.id)) == 8


def test_what_the_same_weights_have_predicted_stays(project, stopped, monkeypatch):
    sample = predict(project, stopped)
    with pytest.raises(Cancelled):
        resumed(project, stopped, monkeypatch, raising(Cancelled()))
    assert project.predictions.has(stopped.id, sample)
    assert len(project.predictions.counts(stopped.id)) == 8
