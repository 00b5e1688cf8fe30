"""Predictions: kept at native size, scored against the current masks, and brought up to date by every edit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segstudio.core.errors import BadImage
from segstudio.core.metrics import Counts
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.project.predictions import THRESHOLD, uncertainty_of
from segstudio.project.project import Project

LEFT = np.zeros((48, 64), np.uint8)
LEFT[:, :20] = 255


def new_run(project: Project) -> int:
    return project.runs.create("p", "m", {}, "scratch").id


def predict(project: Project, run_id: int, sample_id: int, probability: np.ndarray) -> None:
    project.predictions.save(run_id, project.samples.get(sample_id), probability)


def test_a_prediction_is_kept_as_it_was_made(project: Project) -> None:
    run = new_run(project)
    sample = project.samples.get(2)
    probability = np.random.default_rng(0).integers(0, 256, (48, 64), np.uint8)
    assert project.predictions.load(run, sample) is None
    assert not project.predictions.has(run, sample)
    project.predictions.save(run, sample, probability)
    assert project.predictions.has(run, sample)
    loaded = project.predictions.load(run, sample)
    assert loaded is not None
    assert np.array_equal(loaded, probability)
    assert project.predictions.path(run, sample) == project.folder / "predictions/0001/images/sample_01.png"
    with pytest.raises(ValueError, match="wants uint8"):
        project.predictions.save(run, sample, probability[1:])


def test_scores_are_the_metrics_of_the_current_masks(project: Project) -> None:
    run = new_run(project)
    for sample in project.samples.all():
        predict(project, run, sample.id, LEFT)
    project.predictions.set_current(run)
    scores = project.predictions.score(run)
    assert sorted(scores) == [1, 2, 3, 4, 5, 6]
    table = project.samples.table()
    for index, sample in enumerate(project.samples.all()):
        counts = Counts.of(project.masks.load(sample), LEFT >= THRESHOLD)
        assert project.predictions.counts(run)[sample.id] == scores[sample.id].counts == counts
        assert table.iou[index] == pytest.approx(counts.iou)
        assert table.dice[index] == pytest.approx(counts.dice)
        assert table.precision[index] == pytest.approx(counts.precision)
        assert table.recall[index] == pytest.approx(counts.recall)
        assert table.wrong[index] == pytest.approx((counts.fp + counts.fn) / counts.total)
        assert table.uncertainty[index] == 0


def test_the_table_shows_the_current_run_alone(project: Project) -> None:
    first, second = new_run(project), new_run(project)
    predict(project, first, 1, LEFT)
    project.predictions.score(first)
    assert np.isnan(project.samples.table().iou).all()
    project.predictions.set_current(first)
    assert not np.isnan(project.samples.table().iou[0])
    project.predictions.set_current(second)
    project.predictions.set_current(second)
    assert (project.predictions.current(), project.predictions.previous()) == (second, first)
    table = project.samples.table()
    assert np.isnan(table.iou).all()
    assert not np.isnan(table.iou_before[0])
    project.predictions.set_current(None)
    assert project.predictions.current() is None


def test_an_edit_brings_the_figures_of_both_runs_up_to_date(project: Project) -> None:
    first, second = new_run(project), new_run(project)
    for run, probability in ((first, LEFT), (second, 255 - LEFT)):
        predict(project, run, 1, probability)
        project.predictions.set_current(run)
        project.predictions.score(run)
    told = []
    project.changed.connect(told.append)
    project.masks.save(1, (LEFT > 0).astype(np.uint8))
    table = project.samples.table()
    assert (table.iou[0], table.iou_before[0], table.wrong[0]) == (0, 1, 1)
    assert told == [frozenset({"masks", "samples", "predictions"})]


def test_change_is_measured_against_the_run_before(project: Project) -> None:
    first, second = new_run(project), new_run(project)
    for sample_id in range(1, 7):
        predict(project, first, sample_id, LEFT)
        changed = LEFT.copy()
        changed[: 8 * (sample_id - 1)] = 0
        predict(project, second, sample_id, changed)
    project.predictions.set_current(first)
    assert project.predictions.score(first)[1].change is None
    assert project.predictions.score(second)[3].change == pytest.approx(16 * 20 / LEFT.size)
    project.predictions.set_current(second)
    assert project.predictions.score(second)[3].change == pytest.approx(16 * 20 / LEFT.size)
    assert project.predictions.changed_most(second, 3) == [6, 5, 4]
    assert 1 not in project.predictions.changed_most(second)


def test_predicting_again_forgets_the_old_figures_until_they_are_scored(project: Project) -> None:
    run = new_run(project)
    project.predictions.set_current(run)
    predict(project, run, 1, LEFT)
    project.predictions.score(run)
    predict(project, run, 1, np.full((48, 64), 128, np.uint8))
    table = project.samples.table()
    assert np.isnan(table.iou[0])
    assert table.uncertainty[0] > 0.9


def test_a_bad_file_is_a_note_and_the_rest_is_scored(project: Project) -> None:
    run = new_run(project)
    for sample_id in range(1, 7):
        predict(project, run, sample_id, LEFT)
    project.predictions.path(run, project.samples.get(1)).write_bytes(b"torn")
    (project.source / "masks/sample_01.png").write_bytes(b"torn")
    project.predictions.path(run, project.samples.get(3)).unlink()
    report = ListReporter()
    assert sorted(project.predictions.score(run, None, report)) == [4, 5, 6]
    assert sorted(subject for subject, _ in report.notes) == ["images/sample_00.png", "images/sample_01.png"]
    with pytest.raises(BadImage):
        project.predictions.load(run, project.samples.get(1))
    project.masks.save(1, LEFT // 255)  # a damaged prediction does not stop a save


def test_scoring_can_be_cancelled(project: Project) -> None:
    run = new_run(project)
    for sample_id in range(1, 7):
        predict(project, run, sample_id, LEFT)
    report = ListReporter()
    report.is_cancel_wanted = True
    with pytest.raises(Cancelled):
        project.predictions.score(run, None, report)


def test_a_sample_without_a_mask_is_predicted_and_not_measured(project: Project) -> None:
    run = new_run(project)
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET truth = NULL WHERE id = 1")
    predict(project, run, 1, LEFT)
    project.predictions.set_current(run)
    score = project.predictions.score(run, [1])[1]
    assert score.counts is None
    assert np.isnan(project.samples.table().iou[0])
    assert not np.isnan(project.samples.table().uncertainty[0])
    assert project.predictions.counts(run) == {}


# Uncertainty


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (np.zeros((10, 10), np.uint8), 0.0),
        (np.full((10, 10), 255, np.uint8), 0.0),
        (np.full((10, 10), 12, np.uint8), 0.0),  # surely background
        (np.full((10, 10), 128, np.uint8), 1.0),
        (np.zeros((0, 0), np.uint8), 0.0),
    ],
)
def test_uncertainty_of_plain_pictures(probability: np.ndarray, expected: float) -> None:
    assert uncertainty_of(probability) == pytest.approx(expected, abs=0.01)


def test_a_large_background_does_not_hide_a_doubtful_object() -> None:
    probability = np.zeros((100, 100), np.uint8)
    probability[:20, :20] = 128
    assert uncertainty_of(probability) > 0.9
    probability[:] = 0
    probability[0, 0] = 128  # but a stray pixel is no doubt
    assert uncertainty_of(probability) < 0.02


@given(arrays(np.uint8, (6, 7)))
def test_uncertainty_is_a_share(probability: np.ndarray) -> None:
    assert 0 <= uncertainty_of(probability) <= 1


@given(st.integers(13, 126))
def test_uncertainty_grows_towards_a_half(value: int) -> None:
    lower, higher = (uncertainty_of(np.full((4, 4), one, np.uint8)) for one in (value, value + 1))
    assert lower < higher
