import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.boundary import outline_of
from segstudio.core.errors import UserError
from segstudio.core.metrics import Counts
from segstudio.core.reliability import calibration_of, curve_of
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.core.threshold import Histogram
from segstudio.jobs import JOBS
from segstudio.jobs.evaluate import figures
from segstudio.project.run_files import read_evaluation, read_evaluations
from tests.jobs.projects import TINY, empty_mask, make_project, review


def perform(project, job, **values):
    return JOBS[job].from_values(values).perform(project.folder, ListReporter())


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with make_project(tmp_path_factory.mktemp("evaluate"), "ttttvvveeee", size=(70, 45)) as made:
        empty_mask(made, 10)
        perform(made, "train", **TINY, epochs=3)
        yield made


def masks_of(project, split):
    samples = [one for one in project.samples.all() if one.split == split]
    return {
        one.image: (project.masks.load(one) > 0, project.predictions.load(1, one) >= 128)
        for one in samples
        if one.state is not ReviewState.REJECTED
    }


@pytest.mark.training
def test_figures_are_those_of_numpy_and_keras(project):
    import keras

    result = perform(project, "evaluate", run="1")
    json.dumps(result, allow_nan=False)
    assert (result["run"], result["split"], result["images"]) == (1, "test", 4)
    pairs = masks_of(project, "test")
    per_image = {row["image"]: row for row in result["per_image"]}
    assert per_image.keys() == pairs.keys()
    ious, dices = [], []
    metric = keras.metrics.BinaryIoU()
    for name, (truth, predicted) in pairs.items():
        metric.update_state(truth, predicted.astype(np.float32))
        union = (truth | predicted).sum()
        if union:
            ious.append((truth & predicted).sum() / union)
            dices.append(2 * (truth & predicted).sum() / (truth.sum() + predicted.sum()))
            assert per_image[name]["iou"] == pytest.approx(ious[-1])
            assert per_image[name]["dice"] == pytest.approx(dices[-1])
    assert result["iou"] == pytest.approx(np.mean(ious))
    assert result["dice"] == pytest.approx(np.mean(dices))
    assert result["binary_iou"] == pytest.approx(float(metric.result()), abs=1e-6)
    right = sum((truth == predicted).sum() for truth, predicted in pairs.values())
    assert result["accuracy"] == pytest.approx(right / (4 * 45 * 70))


@pytest.mark.training
def test_with_mirror_images_it_measures_their_mean_and_touches_nothing_that_is_stored(project):
    from segstudio.ml.network import load_network
    from segstudio.ml.predict import predict

    plain = perform(project, "evaluate", run="1")
    run, before = project.runs.get(1), masks_of(project, "test")
    found = perform(project, "evaluate", run="1", flips="all")
    assert (plain["manner"], plain["way"]["words"]) == ("plain", "whole image")
    assert (found["manner"], found["way"]["flips"]) == ("flips=all", "all")
    samples = [project.samples.get(row["sample"]) for row in found["per_image"]]
    network = load_network(run.best_weights, "float32")
    expected = []
    for sample in samples:
        image, looks = project.read_image(sample), []
        for axes in ((), (0,), (1,), (0, 1)):  # the mean of mirror images, by other means than the program's
            ((_, seen),) = predict(network, [sample], lambda _, a=axes, i=image: np.flip(i, a).copy(), ListReporter())
            looks.append(np.flip(seen, axes).astype(float))
        counts = Counts.of(project.masks.load(sample), np.mean(looks, 0) >= 127.5)
        expected.append(counts.iou)
    assert [row["iou"] for row in found["per_image"]] == pytest.approx(expected, abs=0.01)
    assert [row["iou"] for row in found["per_image"]] != [row["iou"] for row in plain["per_image"]]
    for name, (_, predicted) in masks_of(project, "test").items():
        assert (predicted == before[name][1]).all()
    assert set(project.predictions.manners(1).values()) == {"plain"}
    assert read_evaluation(run, "test") == plain  # each has a file of its own
    assert read_evaluations(run, "test") == {"plain": plain, "flips=all": found}
    assert "mean with three mirror images" in run.report.read_text("utf-8")

    test = [row["sample"] for row in plain["per_image"]]
    perform(project, "predict", run="1", flips="all", samples=test[:2])
    try:
        assert perform(project, "evaluate", run="1")["per_image"] == plain["per_image"]
        again = perform(project, "evaluate", run="1", flips="all")
        assert again["per_image"] == found["per_image"]  # two of them are stored so
    finally:
        perform(project, "predict", run="1")


@pytest.mark.training
def test_outlines_and_probabilities_are_measured_too_and_kept(project):
    result = perform(project, "evaluate", run="1", groups=["name:*_08*", "name:*_09*", "name:nowhere"])
    run = project.runs.get(1)
    assert read_evaluation(run, "test") == result
    test = [one for one in project.samples.all() if one.split == "test"]
    rows = {row["sample"]: row for row in result["per_image"]}
    histograms = []
    for sample in test:
        truth, probability = project.masks.load(sample), project.predictions.load(1, sample)
        outline = outline_of(truth, (probability >= 128).astype(np.uint8))
        assert rows[sample.id]["boundary_iou"] == outline.boundary_iou
        assert rows[sample.id]["hausdorff95"] == outline.hausdorff95
        histograms.append(Histogram.of(probability, truth))
    known = [row["hausdorff95"] for row in rows.values() if row["hausdorff95"] is not None]
    assert result["hausdorff95"] == pytest.approx(np.mean(known))
    assert result["hausdorff95_undefined"] == len(rows) - len(known) >= 1, "one mask is empty"
    assert result["pr_curve"] == curve_of(histograms)
    assert result["calibration"] == calibration_of(histograms)
    groups = {one["group"]: one for one in result["groups"]}
    assert groups["name:*_08*"]["images"] == 1
    assert groups["name:*_08*"]["iou"] == rows[test[1].id]["iou"]
    assert groups["name:nowhere"] == groups["name:nowhere"] | {"images": 0, "iou": None, "hausdorff95": None}
    assert groups["no foreground"]["images"] == 1
    with pytest.raises(UserError, match="colour"):
        perform(project, "evaluate", run="1", groups=["colour:red"])


@pytest.mark.training
def test_every_look_at_the_test_split_is_counted_and_no_other(project):
    before = len(project.looks.all())
    perform(project, "evaluate", run="1", split="val")
    assert perform(project, "evaluate", run="1")["test_looks"] == before + 1
    again = perform(project, "evaluate", run="1")
    assert again["test_looks"] == before + 2
    assert f"{before + 2} times" in again["test_looks_words"]
    assert perform(project, "runs")["test_looks"] == before + 2
    perform(project, "stress", run="1", transforms=["noise"])
    assert [(look.run, look.by) for look in project.looks.all()][-2:] == [("0001", "evaluate"), ("0001", "stress")]


@pytest.mark.training
def test_the_current_masks_count_not_those_of_the_prediction(project):
    before = perform(project, "evaluate", run="1", split="val")
    sample = next(one for one in project.samples.all() if one.split == "val")
    project.masks.save(sample.id, (project.predictions.load(1, sample) >= 128).astype(np.uint8))
    after = perform(project, "evaluate", run="1", split="val")
    rows = {row["image"]: row for row in after["per_image"]}
    assert rows[sample.image]["iou"] in (1.0, None)
    assert after["iou"] >= before["iou"]


@pytest.mark.training
def test_rejected_samples_are_not_measured_and_the_shown_run_stays(project):
    project.predictions.set_current(None)
    review(project, [7], ReviewState.REJECTED)
    assert perform(project, "evaluate", run="1")["images"] == 3
    assert project.predictions.current() is None
    review(project, [7], ReviewState.TODO)


def test_without_a_model_or_anything_to_measure_it_says_so(tmp_path):
    with make_project(tmp_path, "ttv") as project, pytest.raises(UserError, match="no trained model"):
        perform(project, "evaluate")


def test_predicting_nothing_is_told_beside_the_figures():
    found = figures({"full": Counts(50, 10, 0, 40), "empty": Counts(0, 0, 0, 100), "false": Counts(0, 5, 0, 95)})
    assert found["undefined"] == 1
    assert found["iou"] == pytest.approx((50 / 60 + 0) / 2)
    nothing = found["predict_nothing"]
    assert nothing["pooled"]["iou"] == 0
    assert nothing["pooled"]["binary_iou"] == pytest.approx((0 + 250 / 300) / 2)
    assert nothing["iou"] == 0
    assert "Dice" in found["empty_convention"]


@given(st.lists(st.tuples(*[st.integers(0, 1000)] * 4).filter(any), min_size=1, max_size=6))
def test_figures_exist_or_are_none_and_lie_between_zero_and_one(counts):
    found = figures({str(n): Counts(*four) for n, four in enumerate(counts)})
    for name in ("accuracy", "binary_iou", "iou", "dice", "precision", "recall"):
        for value in (found[name], found["pooled"][name], found["predict_nothing"].get(name)):
            assert value is None or 0 <= value <= 1
    assert len(found["per_image"]) == found["images"] == len(counts)
    json.dumps(found, allow_nan=False)
