"""The job that looks at all thresholds, on predictions that are stored: nothing is predicted anew."""

import json

import numpy as np
import pytest

from segstudio.cli import main
from segstudio.core.errors import UserError
from segstudio.core.metrics import Counts
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.core.threshold import level_of
from segstudio.core.way import Manner
from segstudio.jobs import JOBS
from segstudio.project.predictions import OTHERWISE
from tests.jobs.projects import make_project, review

SIZE = (64, 48)


def perform(project, job="threshold", **values):
    return JOBS[job].from_values(values).perform(project.folder, ListReporter())


@pytest.fixture
def project(tmp_path):
    """A run that says about 100 of 255 on what is foreground, and less elsewhere: at one half it finds nothing."""
    with make_project(tmp_path, "ttvvvee", size=SIZE) as made:
        run = made.runs.create("p", "conv-unet", {}, "scratch")
        run.best_weights.write_bytes(b"never read")
        made.runs.update(run.id, status="finished", best_val_iou=0.5)
        chance = np.random.default_rng(0)
        for sample in made.samples.all():
            probability = made.masks.load(sample) * 70 + chance.integers(0, 50, SIZE[::-1]).astype(np.uint8)
            made.predictions.save(run.id, sample, probability)
        made.predictions.score(run.id)
        made.predictions.set_current(run.id)
        yield made


def pooled(project, level, split="val"):
    counts = Counts()
    for sample in project.samples.all():
        if sample.split == split and sample.state is not ReviewState.REJECTED:
            counts += Counts.of(project.masks.load(sample), project.predictions.load(1, sample) >= level)
    return counts


def test_the_best_threshold_is_that_of_the_validation_split(project):
    review(project, [4], ReviewState.REJECTED)
    result = perform(project)
    json.dumps(result, allow_nan=False)
    assert (result["run"], result["split"], result["images"], result["threshold"]) == (1, "val", 2, 0.5)
    assert len(result["curve"]) == 255
    for row in result["curve"][::20]:
        counts = pooled(project, level_of(row["threshold"]))
        assert [row[name] for name in ("iou", "dice", "precision", "recall")] == [
            pytest.approx(value) for value in (counts.iou, counts.dice, counts.precision, counts.recall)
        ]
    assert result["best"]["iou"] == max(row["iou"] for row in result["curve"]) > 0.9
    assert result["at"]["iou"] == 0
    assert {row["sample"] for row in result["flips"]} == {1, 2, 3, 4, 6, 7}
    assert project.runs.get(1).threshold == 0.5


def test_the_chosen_threshold_is_used_by_all_that_follows(project):
    result = perform(project, set="best")
    assert result["before"] == 0.5
    assert result["threshold"] == result["best"]["threshold"] == result["at"]["threshold"]
    assert result["flips"]
    project.runs.get(1)
    evaluated = perform(project, "evaluate", run="1", split="test")
    assert evaluated["threshold"] == result["threshold"]
    counts = pooled(project, level_of(result["threshold"]), "test")
    assert evaluated["pooled"]["iou"] == pytest.approx(counts.iou)
    assert perform(project, "runs")["runs"][0]["threshold"] == result["threshold"]
    again = perform(project, set="best")
    assert (again["before"], again["flips"]) == (result["threshold"], [])


def test_the_limit_of_acceptance_belongs_to_the_project(project):
    assert perform(project)["accept"] == 0.8
    some = perform(project, set="0.45", accept=0.999)
    assert some["accept"] == perform(project)["accept"] == 0.999
    assert all(row["iou"] is None or row["iou"] < 0.999 for row in some["flips"])


def test_what_is_no_threshold_is_an_error_in_words(project):
    for wrong in ("much", "1.2", "nan"):
        with pytest.raises(UserError, match="is no threshold"):
            perform(project, set=wrong)
    assert project.runs.get(1).threshold == 0.5


def test_without_a_validation_split_a_number_can_be_set_all_the_same(project):
    review(project, [2, 3, 4], ReviewState.REJECTED)
    for wanted in ("", "best"):
        with pytest.raises(UserError, match="no sample of the val split"):
            perform(project, set=wanted)
    result = perform(project, set="0.3")
    json.dumps(result, allow_nan=False)
    assert (result["threshold"], result["best"], result["images"]) == (0.3, None, 0)
    assert perform(project, split="train")["images"] == 2


def test_on_the_command_line(project, capsys):
    assert main(["threshold", str(project.folder), "--set", "best", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert project.runs.get(1).threshold == result["threshold"] != 0.5
    assert main(["threshold", str(project.folder), "--set", "0.5"]) == 0
    words = capsys.readouterr().out
    assert "used: 0.5 (IoU 0)" in words
    assert "6 samples change their verdict" in words or "7 samples change their verdict" in words
    assert main(["threshold", str(project.folder), "--set", "half"]) == 1
    assert "error: 'half' is no threshold" in capsys.readouterr().err


def test_predictions_of_another_manner_are_left_out_and_that_is_said(project):
    whole = perform(project)
    assert (whole["manner"], whole["left_out"], whole["images"]) == ("plain", 0, 3)
    one = next(sample for sample in project.samples.all() if sample.split == "val")
    project.predictions.save(1, one, project.predictions.load(1, one), manner=Manner(flips="all"))
    report = ListReporter()
    mixed = JOBS["threshold"].from_values({}).perform(project.folder, report)
    assert (mixed["manner"], mixed["left_out"], mixed["images"]) == ("plain", 1, 2)
    assert any("1 images were predicted in another way" in line for line in report.lines)
    for sample in project.samples.all():
        project.predictions.save(1, sample, project.predictions.load(1, sample), manner=Manner(flips="all"))
    mirrored = perform(project)
    assert mirrored["at"] == whole["at"]
    assert (mirrored["manner"], mirrored["left_out"], mirrored["images"]) == ("flips=all", 0, 3)


def test_an_earlier_version_said_of_a_run_alone_that_not_all_is_plain(project):
    project.runs.append_event(project.runs.get(1), OTHERWISE, flips="all")
    assert set(project.predictions.manners(1).values()) == {"unknown"}
    assert perform(project)["manner"] == "unknown"


def test_the_test_split_chooses_no_threshold():
    with pytest.raises(UserError, match="split"):
        JOBS["threshold"].from_values({"split": "test", "set": "best"})
