"""Champion and challenger: real trainings that meet on images that neither was trained on."""

import json

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow, load_manifest, save_manifest
from segstudio.core.metrics import Counts
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.core.statistics import paired
from segstudio.jobs import JOBS
from segstudio.jobs.challenge import hold, introduced
from segstudio.jobs.meeting import is_promotable, judges, lineage, verdict_of
from segstudio.project.run_files import read_meeting
from tests.jobs.projects import TINY, make_project, review


def perform(project, job, report=None, **values):
    return JOBS[job].from_values(values).perform(project.folder, report or ListReporter())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project whose first run has learnt, and whose second was spoilt by a destroyed learning rate."""
    with make_project(tmp_path_factory.mktemp("challenge"), "ttttttvvvvvvee") as project:
        good = perform(project, "train", **TINY, epochs=12)
        bad = perform(project, "train", **(TINY | {"learning_rate": 1.0}), epochs=1)
        yield project, good, bad


# --- real runs ----------------------------------------------------------------------------------------------------


@pytest.mark.training
def test_the_first_run_is_champion_and_a_worse_one_does_not_become_it(trained):
    project, good, bad = trained
    assert (good["champion"], good["meeting"]) == (1, None)
    assert "first that can be used" in good["verdict"]
    meeting = bad["meeting"]
    assert (meeting["run"], meeting["champion"], meeting["images"]) == (2, 1, 6)
    assert meeting["verdict"] == "worse"
    assert not meeting["is_promoted"]
    assert bad["champion"] == 1
    assert "Run 0001 stays champion" in bad["verdict"]
    assert project.runs.resolve("best").id == 1
    json.dumps(bad, allow_nan=False)
    kept = read_meeting(project.runs.get(2))
    assert {name: value for name, value in kept.items() if name != "per_image"} == meeting
    listed = perform(project, "runs")
    assert listed["champion"] == 1
    assert [row["is_champion"] for row in listed["runs"]] == [False, True]


@pytest.mark.training
def test_the_figures_are_those_of_the_predictions(trained):
    project, _, _ = trained
    kept = read_meeting(project.runs.get(2))
    for row in kept["per_image"]:
        sample = project.samples.get(row["sample"])
        assert sample.split is Split.VAL
        truth = project.masks.load(sample)
        before, after = (Counts.of(truth, project.predictions.load(run, sample) >= 128).iou or 0 for run in (1, 2))
        assert (row["before"], row["after"]) == (pytest.approx(before), pytest.approx(after))
    differences = [row["difference"] for row in kept["per_image"]]
    assert kept["difference"] == pytest.approx(np.mean(differences))
    assert kept["interval"][0] <= kept["difference"] <= kept["interval"][1] < 0
    worse = [row["difference"] for row in kept["worse"]]
    assert worse == sorted(value for value in differences if value < 0)


@pytest.mark.training
def test_a_meeting_can_be_held_again_and_the_other_way_round(trained):
    project, _, _ = trained
    again = perform(project, "challenge", run="2")
    assert again["verdict"] == "worse"
    with pytest.raises(UserError, match="the champion itself"):
        perform(project, "challenge", run="1")
    turned = perform(project, "challenge", run="1", against="2", metric="dice")
    assert turned["verdict"] == "better"
    assert not turned["is_promoted"], "nobody is promoted by beating another run than the champion"
    assert project.runs.best().id == 1


@pytest.mark.training
def test_by_hand_and_back_and_then_by_merit(trained):
    project, _, _ = trained
    assert perform(project, "promote", run="2") == {"champion": 2, "before": 1}
    meeting = perform(project, "challenge", run="1")
    assert (meeting["verdict"], meeting["is_promoted"]) == ("better", True)
    assert project.runs.best().id == 1
    assert perform(project, "roll-back")["champion"] == 2
    assert perform(project, "roll-back")["champion"] == 1


@pytest.mark.training
def test_what_was_predicted_with_mirror_images_is_predicted_plainly_to_compare(trained):
    project, _, _ = trained
    before = read_meeting(project.runs.get(2))
    perform(project, "predict", run="1", flips="all", filter="split:val")
    mirrored = {one.id: project.predictions.load(1, one) for one in project.samples.all() if one.split is Split.VAL}
    report = ListReporter()
    after = perform(project, "challenge", report, run="2")
    assert any("predicts plainly" in line for line in report.lines)
    assert after["per_image"] == before["per_image"]
    for sample_id, probability in mirrored.items():
        assert (project.predictions.load(1, project.samples.get(sample_id)) == probability).all()


@pytest.mark.training
def test_a_retraining_that_gains_nothing_leaves_the_champion(trained):
    project, _, _ = trained
    # With the whole of a destroyed rate every epoch is worse than what it began with, so those weights stay.
    retrained = perform(project, "train", start="best", samples="retrain", epochs=1, learning_rate=1.0, fine_tuning=1.0)
    assert retrained["best"]["epoch"] == 0
    assert retrained["meeting"]["verdict"] == "the same"
    assert retrained["champion"] == 1
    assert project.runs.best().id == 1


@pytest.mark.training
def test_a_meeting_that_is_stopped_costs_no_training(trained):
    project, _, _ = trained

    class Stubborn(ListReporter):
        def progress(self, done, total, text=""):
            super().progress(done, total, text)
            if "meeting" in text:
                raise Cancelled

    result = perform(project, "train", Stubborn(), **TINY, epochs=1, seed=3)
    assert result["status"] == "finished"
    assert result["meeting"] is None
    assert "was stopped" in result["verdict"]
    assert project.runs.best().id == 1


# --- who judges -----------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path, "ttttvve") as made:
        yield made


def run_of(project, learnt, start="scratch", validated=(5, 6)):
    run = project.runs.create("conv-unet-fast", "conv-unet", {}, start)
    rows = [ManifestRow(one, f"{one}.png", "train", 0, "", "") for one in learnt]
    rows += [ManifestRow(one, f"{one}.png", "val", 0, "", "") for one in validated]
    save_manifest(rows, run.manifest)
    run.best_weights.write_bytes(b"weights")
    return project.runs.update(run.id, status="finished")


def judging(project, *runs):
    return [one.id for one in judges(project, runs).samples]


def test_the_validation_split_and_accepted_masks_that_neither_learnt_judge(project):
    one, other = run_of(project, [1]), run_of(project, [1, 2])
    assert judging(project, one, other) == [5, 6]
    review(project, [1, 2, 6], ReviewState.ACCEPTED)  # samples 2, 3 and 7: learnt, new to both, of the test split
    review(project, [5], ReviewState.FLAGGED)
    found = judges(project, (one, other))
    assert [one.id for one in found.samples] == [3, 5]
    assert any("1 image validates; 1 more is an accepted mask" in note for note in found.notes)
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET group_name = 'twins' WHERE id IN (2, 3)")
    assert judging(project, one, other) == [5], "a near-duplicate of what was learnt is no judge"


def test_what_an_earlier_run_learnt_is_known_to_those_that_go_on_from_it(project):
    first = run_of(project, [3])
    second = run_of(project, [1], start=str(first.id))
    assert lineage(project, second).learnt == {1, 3}
    review(project, [2, 3], ReviewState.ACCEPTED)
    assert judging(project, second) == [4, 5, 6]


def test_of_a_run_without_a_manifest_the_validation_split_alone_judges(project):
    first = run_of(project, [1])
    first.manifest.unlink()
    review(project, [2], ReviewState.ACCEPTED)
    found = judges(project, (first, run_of(project, [1])))
    assert [one.id for one in found.samples] == [5, 6]
    assert any("Nobody knows what run 0001" in note for note in found.notes)


def test_of_a_run_that_began_with_a_model_file_nobody_knows_what_that_had_learnt(project):
    run = run_of(project, [1], start="/elsewhere/model.keras")
    review(project, [2], ReviewState.ACCEPTED)
    found = judges(project, (run, run_of(project, [1])))
    assert [one.id for one in found.samples] == [5, 6]
    assert any("Nobody knows what model.keras learnt" in note for note in found.notes)


def test_what_may_have_learnt_from_the_judges_is_not_promoted_by_itself(project):
    champion = run_of(project, [1])
    project.champions.promote(champion.id, "the first run that can be used")
    foreign = run_of(project, [1], start="/elsewhere/model.keras")
    for one, noise in ((champion, 0.2), (foreign, 0.0)):
        for sample in project.samples.all():
            mask = project.masks.load(sample)
            wrong = np.random.default_rng(sample.id).random(mask.shape) < noise
            project.predictions.save(one.id, sample, (mask ^ wrong) * np.uint8(255))
        project.predictions.score(one.id)
    meeting = hold(project, foreign, champion, ListReporter())
    assert meeting["difference"] > 0
    assert (meeting["doubts"], meeting["is_promoted"]) == (["model.keras"], False)
    assert "that it may have learnt from" in meeting["summary"]
    assert project.runs.best().id == champion.id
    project.champions.promote(foreign.id, "by hand")
    onward = run_of(project, [1], start=str(foreign.id))
    assert judges(project, (foreign, onward)).doubts == [], "both go back to it"
    assert judges(project, (foreign, champion)).doubts == []


def test_without_a_validation_split_those_that_chose_the_epoch_judge(tmp_path):
    with make_project(tmp_path, "tttt") as project:
        one, other = run_of(project, [1, 2], validated=[3, 4]), run_of(project, [1, 2, 4], validated=[3])
        assert judging(project, one, other) == [3]
        with pytest.raises(UserError, match="no image to hold"):
            judges(project, (run_of(project, [1, 2, 3, 4], validated=[]),))


def test_a_run_that_was_stopped_meets_nobody_by_itself(project):
    run_of(project, [1])
    report = ListReporter()
    said = introduced(project, run_of(project, [1]), report, is_stopped=True)
    assert said["meeting"] is None
    assert "has not met the champion" in said["verdict"]
    assert report.lines == [said["verdict"]]


def test_runs_that_cannot_meet_leave_the_champion(project):
    for number in (4, 5):
        (project.source / f"masks/sample_{number:02}.png").write_bytes(b"no picture")
    run_of(project, [1])
    said = introduced(project, run_of(project, [1]), ListReporter())
    assert said["meeting"] is None
    assert "could not meet the champion" in said["verdict"]


@pytest.mark.parametrize(
    ("differences", "verdict", "is_promoted"),
    [
        ([0.1, 0.12, 0.11, 0.1, 0.09, 0.1], "better", True),
        ([0.1, -0.08, 0.02, 0.01, -0.02, 0.0], "not worse", True),
        ([0.2, -0.2], "not worse", True),
        ([0.0, 0.0, 0.0], "the same", True),
        ([-0.1, 0.08, -0.02, -0.01, 0.02, 0.0], "not better", False),
        ([-0.1, -0.12, -0.11, -0.1, -0.09, -0.1], "worse", False),
        ([-0.3], "not better", False),
    ],
)
def test_the_rule(project, differences, verdict, is_promoted):
    values = np.array(differences)
    assert verdict_of(paired(values[:, None]), values) == verdict
    learnt, kept = (project.runs.update(run_of(project, [1]).id, best_epoch=epoch) for epoch in (3, 0))
    assert is_promotable(verdict, learnt) == is_promoted
    assert is_promotable(verdict, kept) == (is_promoted and verdict != "the same")


@pytest.mark.training
def test_manifests_of_real_runs_name_no_judge(trained):
    project, _, _ = trained
    run = project.runs.get(1)
    learnt = {row.sample for row in load_manifest(run.manifest) if row.split == "train"}
    assert not learnt & set(judging(project, run))
