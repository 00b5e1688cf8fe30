"""Predictions: kept at native size, scored against the current masks, and brought up to date by every edit."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segstudio.core.errors import BadImage, UserError
from segstudio.core.metrics import Counts
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import Split
from segstudio.core.threshold import level_of
from segstudio.project.project import Project
from segstudio.project.rebuilding import rebuild_index
from segstudio.project.samples import NewSample
from segstudio.project.scores import THRESHOLD, uncertainty_of
from tests.datasets import make_dataset

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
    project.looks.record(f"{run:04}", "evaluate")
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


def rough(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64), np.uint8)


def counts_at(project: Project, run_id: int, level: int) -> dict[int, Counts]:
    """By comparing pixels."""
    counts = {}
    for sample in project.samples.all():
        probability = project.predictions.load(run_id, sample)
        assert probability is not None
        counts[sample.id] = Counts.of(project.masks.load(sample), probability >= level)
    return counts


def test_a_threshold_holds_for_all_figures_of_its_run_and_of_no_other(project: Project) -> None:
    first, second = new_run(project), new_run(project)
    for run in (first, second):
        for sample in project.samples.all():
            predict(project, run, sample.id, rough(10 * run + sample.id))
        project.predictions.score(run)
    project.predictions.set_current(first)
    assert project.predictions.counts(first) == counts_at(project, first, 128)
    assert project.predictions.set_threshold(first, 0.3) == 0.3
    assert project.predictions.level(first) == project.runs.get(first).level == 77
    assert project.predictions.counts(first) == counts_at(project, first, 77)
    assert project.predictions.counts(second) == counts_at(project, second, 128)
    table = project.samples.table()
    assert table.iou[0] == pytest.approx(counts_at(project, first, 77)[1].iou)
    before = project.predictions.counts(first)
    assert {one: score.counts for one, score in project.predictions.score(first).items()} == before
    project.masks.save(1, (LEFT > 0).astype(np.uint8))
    assert project.predictions.counts(first) == counts_at(project, first, 77)


def test_where_a_run_is_worst_follows_its_threshold(project: Project) -> None:
    run = new_run(project)
    project.predictions.set_current(run)
    for sample in project.samples.all():
        predict(project, run, sample.id, rough(sample.id))
    project.predictions.score(run)
    at_half = project.blobs.ranking(run, 0)
    project.predictions.set_threshold(run, 0.9)
    assert len(project.blobs.ranking(run, 0)) == 0
    project.predictions.find_missing_blobs()
    at_nine = project.blobs.ranking(run, 0)
    assert len(at_nine)
    assert not np.array_equal(at_half, at_nine)
    project.predictions.set_threshold(run, 0.5)
    project.predictions.find_missing_blobs()
    places = ["sample", "kind", "x", "y", "area"]  # depths differ in the last digit from time to time
    assert np.array_equal(np.sort(project.blobs.ranking(run, 0)[places]), np.sort(at_half[places]))


def test_old_predictions_are_counted_when_somebody_asks(project: Project) -> None:
    run = new_run(project)
    for sample in project.samples.all():
        predict(project, run, sample.id, rough(sample.id))
    project.predictions.score(run)
    with project.transaction("predictions") as connection:
        connection.execute("DELETE FROM histogram")  # as an earlier version left it
    assert len(project.histograms.missing(run)) == 6
    project.predictions.count(run, goes_on=lambda: False)
    assert len(project.histograms.missing(run)) == 6
    project.predictions.count(run)
    assert project.histograms.missing(run) == []
    sweep = project.histograms.sweep(run)
    assert sweep.ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert sweep.chosen.tolist() == [False, False, True, False, False, False]
    with project.transaction("predictions") as connection:
        connection.execute("DELETE FROM histogram WHERE sample_id > 3")
    project.predictions.set_threshold(run, 0.7)
    assert project.predictions.counts(run) == counts_at(project, run, level_of(0.7))


def test_a_mask_that_changes_is_counted_anew_for_the_runs_on_screen_and_forgotten_for_others(project: Project) -> None:
    runs = [new_run(project) for _ in range(3)]
    for run in runs:
        predict(project, run, 1, rough(run))
        project.predictions.score(run)
        project.predictions.set_current(run)
    project.masks.save(1, (LEFT > 0).astype(np.uint8))
    assert project.histograms.missing(runs[0]) == [1]
    assert project.histograms.missing(runs[1]) == project.histograms.missing(runs[2]) == []
    assert project.predictions.counts(runs[0]) == {}, "no figure of a mask that is another now is shown or reported"
    assert project.blobs.missing(runs[0]) == []
    project.predictions.recount(runs[0])
    assert project.predictions.counts(runs[0])[1] == Counts.of((LEFT > 0).astype(np.uint8), rough(runs[0]) >= THRESHOLD)
    file = project.predictions.path(runs[2], project.samples.get(1))
    data = file.read_bytes()
    file.write_bytes(data[:30])
    project.masks.save(1, (LEFT == 0).astype(np.uint8))
    assert project.histograms.missing(runs[2]) == [1], "what cannot be read is not taken for counted"
    file.write_bytes(data)
    for run in runs:
        project.predictions.set_threshold(run, 0.2)
        mask = project.masks.load(project.samples.get(1))
        assert project.predictions.counts(run)[1] == Counts.of(mask, rough(run) >= level_of(0.2))


def test_what_is_saved_while_predictions_are_compared_is_not_overwritten_by_figures_of_before(project: Project) -> None:
    run = new_run(project)
    for sample in project.samples.all():
        predict(project, run, sample.id, rough(sample.id))
    project.predictions.set_current(run)
    other = (LEFT > 0).astype(np.uint8)

    class Editing(ListReporter):
        def progress(self, done: float, total: float, text: str = "") -> None:
            if done == 3:  # nothing is stored yet
                project.masks.save(1, other)
                project.ignored.save(2, other)

    scores = project.predictions.score(run, report=Editing())
    counts = project.predictions.counts(run)
    assert counts[1] == scores[1].counts == Counts.of(other, rough(1) >= THRESHOLD)
    mask = project.masks.load(project.samples.get(2))
    assert counts[2] == scores[2].counts == Counts.of(mask, rough(2) >= THRESHOLD, other)
    assert project.histograms.missing(run) == []


def test_a_sample_without_a_mask_has_a_share_and_no_figures_at_any_threshold(tmp_path: Path) -> None:
    source = make_dataset(tmp_path / "dataset", 1, (64, 48))
    rows = [NewSample("images/sample_00.png", None, 64, 48, Split.TRAIN)]
    with Project.create(tmp_path / "project", source, rows) as project:
        run = new_run(project)
        predict(project, run, 1, rough(1))
        project.predictions.score(run)
        project.predictions.set_threshold(run, 0.9)
        (row,) = project.database.rows("SELECT foreground, tp FROM prediction")
        assert tuple(row) == (pytest.approx((rough(1) >= level_of(0.9)).mean()), None)
        assert len(project.histograms.sweep(run)) == 0


def test_what_is_no_threshold_is_refused_and_nothing_changes(project: Project) -> None:
    run = new_run(project)
    with pytest.raises(UserError, match="between 0 and 1"):
        project.predictions.set_threshold(run, 1.5)
    with pytest.raises(UserError, match="no run"):
        project.predictions.set_threshold(run + 1, 0.5)
    assert project.runs.get(run).threshold == 0.5


def test_a_rebuilt_index_knows_the_threshold(project: Project) -> None:
    run = new_run(project)
    project.runs.update(run, status="finished")
    for sample in project.samples.all():
        predict(project, run, sample.id, rough(sample.id))
    project.predictions.score(run)
    project.predictions.set_threshold(run, 0.3)
    expected = project.predictions.counts(run)
    folder = project.folder
    project.close()
    (folder / "project.sqlite").unlink()
    rebuild_index(folder, ListReporter())
    with Project.open(folder) as rebuilt:
        assert rebuilt.runs.get(run).threshold == 0.3
        assert rebuilt.predictions.counts(run) == expected


def test_what_an_earlier_version_has_not_expected_is_found_out_once_and_stops_when_it_must(project: Project) -> None:
    run = new_run(project)
    samples = list(project.samples.all())
    for sample in samples:
        predict(project, run, sample.id, LEFT)
    project.predictions.set_current(run)
    project.predictions.score(run)
    with project.transaction("predictions") as connection:  # as a migration leaves it
        connection.execute("UPDATE prediction SET expected = NULL")
        connection.execute("DELETE FROM histogram")
    assert project.predictions.expect_missing(lambda: False) is False
    assert np.isnan(project.samples.table().expected).all()
    project.predictions.path(run, samples[-1]).unlink()
    assert project.predictions.expect_missing()
    expected = project.samples.table().expected
    assert np.isfinite(expected[:-1]).all()
    assert np.isnan(expected[-1]), "what cannot be read stays unsaid"
    assert project.predictions.expect_missing() is False, "and is no reason to do all of it again"
