"""The worst blobs of every prediction in the index: up to date with masks and decisions, without reading files."""

import numpy as np
import pytest

from segstudio.core.blobs import TOLERANCES, Errors, Kind
from segstudio.project import predictions
from segstudio.project.blob_table import KINDS, MOST, as_ranked, blob_of
from segstudio.project.project import Project
from tests.ui.projects import make_project


@pytest.fixture
def project(tmp_path):
    with Project.open(make_project(tmp_path, 3, size=(128, 96)), is_editor=True) as opened:
        yield opened


def predict_with_holes(project: Project) -> int:
    """Predictions that are right but for a hole of 10 x 6 pixels in the first sample and an island in the second."""
    run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    for number, sample in enumerate(project.samples.all()):
        predicted = project.masks.load(sample).copy()
        y, x = (int(part) for part in np.argwhere(predicted)[np.count_nonzero(predicted) // 2])
        if number == 0:
            predicted[y - 3 : y + 3, x - 5 : x + 5] = 0
        elif number == 1:
            predicted[:8, :8] = 1
        project.predictions.save(run.id, sample, predicted * np.uint8(255))
    project.predictions.score(run.id)
    project.predictions.set_current(run.id)
    return int(run.id)


def test_scoring_stores_the_worst_blobs_for_every_tolerance(project):
    run, samples = predict_with_holes(project), list(project.samples.all())
    for tolerance in TOLERANCES:
        ranking = project.blobs.ranking(run, tolerance)
        expected = []
        for sample in samples:
            predicted = (project.predictions.load(run, sample) >= 128).view(np.uint8)
            expected += [
                (sample.id, blob) for blob in Errors(project.masks.load(sample), predicted, tolerance).worst(MOST)
            ]
        expected.sort(key=lambda item: -item[1].severity)
        assert ranking["sample"].tolist() == [sample_id for sample_id, _ in expected]
        for row, (_, blob) in zip(ranking, expected, strict=True):
            found = blob_of(row)
            assert (found.kind, found.area, found.x, found.y) == (blob.kind, blob.area, blob.x, blob.y)
            assert found.depth == pytest.approx(blob.depth)
            assert row["severity"] == pytest.approx(blob.severity)
    assert len(project.blobs.ranking(run, 20)) <= 1
    assert not project.blobs.missing(run)


def test_saving_a_mask_brings_its_blobs_up_to_date(project):
    run, (first, second, _) = predict_with_holes(project), list(project.samples.all())
    before = project.blobs.ranking(run, 0)
    assert {first.id, second.id} == set(before["sample"].tolist())
    mask = project.masks.load(second).copy()
    mask[:8, :8] = 1
    project.masks.save(second.id, mask)
    after = project.blobs.ranking(run, 0)
    assert set(after["sample"].tolist()) == {first.id}
    assert np.array_equal(after, before[before["sample"] == first.id])


def test_the_blobs_of_a_large_mask_are_found_later(project, monkeypatch):
    monkeypatch.setattr(predictions, "PROMPT", 100)
    run, (first, second, _) = predict_with_holes(project), list(project.samples.all())
    mask = project.masks.load(second).copy()
    mask[:8, :8] = 1
    project.masks.save(second.id, mask)
    assert project.blobs.missing(run) == [second.id]
    assert set(project.blobs.ranking(run, 0)["sample"].tolist()) == {first.id}
    project.predictions.find_missing_blobs([first.id])
    assert project.blobs.missing(run) == [second.id]
    project.predictions.find_missing_blobs()
    assert not project.blobs.missing(run)
    assert set(project.blobs.ranking(run, 0)["sample"].tolist()) == {first.id}


def test_another_run_that_becomes_current_has_no_blobs_of_old_masks(project):
    before, second = predict_with_holes(project), list(project.samples.all())[1]
    predict_with_holes(project)
    mask = project.masks.load(second).copy()
    mask[:8, :8] = 1
    project.masks.save(second.id, mask)
    assert project.blobs.missing(before) == [second.id]
    project.predictions.set_current(before)
    project.predictions.find_missing_blobs()
    assert second.id not in project.blobs.ranking(before, 0)["sample"]


def test_a_kept_blob_is_not_listed_and_comes_back_when_the_decision_is_taken_back(project):
    run, first = predict_with_holes(project), next(iter(project.samples.all()))
    mask, probability = project.masks.load(first), project.predictions.load(run, first)
    errors = Errors(mask, (probability >= 128).view(np.uint8), 1)
    (blob,) = errors.worst(5)
    assert blob.kind is Kind.FALSE_NEGATIVE
    counts = project.predictions.counts(run)[first.id]
    project.predictions.keep(run, first, errors.hunk(blob))
    for tolerance in (0, 1, 2):
        assert first.id not in project.blobs.ranking(run, tolerance)["sample"]
    assert project.predictions.counts(run)[first.id] == counts

    # an edit elsewhere, and scoring again, do not lose the decision
    edited = mask.copy()
    edited[-4:, -4:] ^= 1
    project.masks.save(first.id, edited)
    project.predictions.score(run)
    left = project.blobs.ranking(run, 0)
    assert [(row["x"] >= 124, row["y"] >= 92) for row in left[left["sample"] == first.id]] == [(True, True)]

    project.predictions.keep(run, first, errors.hunk(blob), is_kept=False)
    assert np.count_nonzero(project.blobs.ranking(run, 0)["sample"] == first.id) == 2


def test_a_decision_is_about_one_run(project):
    run, first = predict_with_holes(project), next(iter(project.samples.all()))
    errors = Errors(project.masks.load(first), (project.predictions.load(run, first) >= 128).view(np.uint8))
    project.predictions.keep(run, first, errors.hunk(errors.worst(1)[0]))
    other = predict_with_holes(project)
    assert first.id in project.blobs.ranking(other, 0)["sample"]
    assert first.id not in project.blobs.ranking(run, 0)["sample"]


def test_predictions_that_were_scored_before_blobs_were_looked_for_are_found(project):
    run, samples = predict_with_holes(project), list(project.samples.all())
    with project.transaction("blobs") as connection:
        connection.execute("DELETE FROM blobs")
    assert project.blobs.missing(run) == [sample.id for sample in samples]
    project.predictions.find_blobs(run, project.blobs.missing(run))
    assert not project.blobs.missing(run)
    assert len(project.blobs.ranking(run, 0)) == 2


def test_a_new_or_forgotten_prediction_has_no_blobs(project):
    run, (first, second, _) = predict_with_holes(project), list(project.samples.all())
    project.predictions.save(run, first, np.zeros((first.height, first.width), np.uint8))
    assert first.id not in project.blobs.ranking(run, 0)["sample"]
    project.predictions.forget([(run, second.id)])
    assert not len(project.blobs.ranking(run, 0))


def test_blobs_of_one_sample_as_rows():
    truth, predicted = np.zeros((20, 20), np.uint8), np.zeros((20, 20), np.uint8)
    predicted[2:6, 2:9] = 1
    truth[15, 15] = 1
    blobs = Errors(truth, predicted).worst(5)
    rows = as_ranked(7, blobs)
    assert rows["sample"].tolist() == [7, 7]
    assert [KINDS[row["kind"]] for row in rows] == [blob.kind for blob in blobs]
    assert rows["severity"].tolist() == [blob.severity for blob in blobs]
