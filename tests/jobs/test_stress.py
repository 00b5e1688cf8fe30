"""The stress test: its families, that the truth moves with the image, its table, and the recipe made of it."""

import csv
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.jobs import JOBS
from segstudio.jobs.stress import (
    Cell,
    Stress,
    StressOptions,
    _resampled_means,
    _table,
    _Test,
    load_result,
    recipe_from_stress,
    write_table,
)
from segstudio.jobs.stress_families import chosen_families, families, recipe_against
from tests.datasets import blob_pair
from tests.jobs.projects import TINY, damage, empty_mask, make_project

GEOMETRY = ("rotation", "shift", "closer", "farther")
SIDE = 48


def perform(project, job, **values):
    return JOBS[job].from_values(values).perform(project.folder, ListReporter())


def result_of(project, **values):
    return perform(project, "stress", **values)


# --- what is done to pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", families())
def test_a_family_grows_and_its_range_covers_all_its_strengths(name):
    family = families()[name]
    assert len(family.labels) == 5
    assert len(set(family.labels)) == 5
    for key, values in family.varied.items():
        distances = [abs(value - family.neutral[key]) for value in values]
        assert distances == sorted(distances)
        for strength in family.strengths:
            low, high = family.ranges(strength)[key]
            assert low <= family.neutral[key] <= high
            reached = [family.parameters(one)[key] for one in family.strengths if one <= strength]
            assert all(low <= a == b <= high for a, b in reached)
            if family.is_two_sided:
                assert low == -high


@pytest.mark.parametrize("name", families())
@pytest.mark.parametrize("is_rgb", [False, True])
def test_a_family_can_be_applied_and_its_strongest_changes_the_picture(name, is_rgb):
    family = families()[name]
    image, mask = blob_pair(np.random.default_rng(3), (64, 64), is_rgb=is_rgb)
    changes = []
    for strength in (1, 5):
        for sign in (1, -1) if family.is_two_sided else (1,):
            augmenter = Augmenter(Recipe("one", steps=(family.step(strength, sign),)))
            changed, moved = augmenter.apply_fitted(image, mask, 5)
            assert changed.shape == image.shape
            assert moved.shape == mask.shape
            assert set(np.unique(moved)) <= {0, 1}
            changes.append(np.abs(changed.astype(int) - image).mean())
            if name not in GEOMETRY:
                assert np.array_equal(moved, mask), "only what moves the picture may move the truth"
    assert changes[-1] > 1
    assert changes[-1] > changes[0]


def scores_by(oracle, cells, size=(SIDE, SIDE)):
    """IoU (images, cells) of a network that is a plain function of the picture."""
    pairs = [blob_pair(np.random.default_rng(seed), size) for seed in range(6)]
    samples = [_Named(f"{number}.png") for number in range(len(pairs))]
    pairs = [(image[..., None], mask) for image, mask in pairs]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        test = _Test(StressOptions(batch=4), cells, (size[1], size[0], 1), oracle, threads)
        return test.scores(samples, pairs, ListReporter())[..., 0]


class _Named:
    def __init__(self, image):
        self.image = image


def sees_bright(images):
    """Segments the blobs without fail as long as they are brighter than their ground."""
    return (images[..., 0] > 125).astype(np.float32)


def test_the_truth_moves_with_the_image():
    cells = [Cell(), *(Cell(families()[name], strength) for name in GEOMETRY for strength in (1, 3, 5))]
    scores = scores_by(sees_bright, cells)
    assert scores[:, 0].min() > 0.97
    assert scores.min() > 0.8, "whoever follows the picture follows the truth"


def test_who_does_not_follow_the_image_loses():
    still = {}

    def remembers(images):
        # Answers what it saw in the untouched picture, wherever that has gone.
        answers = []
        for image in images:
            still.setdefault(len(answers), sees_bright(image[None])[0])
            answers.append(still[len(answers)])
        return np.stack(answers)

    scores = scores_by(remembers, [Cell(), Cell(families()["shift"], 5)])
    assert scores[:, 1].mean() < scores[:, 0].mean() - 0.3


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_interval_is_around_what_was_lost_and_knows_groups():
    rng = np.random.default_rng(0)
    clean = rng.uniform(0.7, 0.9, 40)
    worse = clean - rng.normal(0.1, 0.03, 40)
    scores = {"iou": np.stack([clean, worse, clean], axis=1), "dice": np.zeros((40, 3))}
    family = families()["darker"]
    cells = [Cell(), Cell(family, 1), Cell(family, 2)]
    alone, same = _table(cells, scores, "iou", [str(n) for n in range(40)])
    assert (alone["transform"], alone["strength"], alone["label"]) == ("darker", 1, family.labels[0])
    assert alone["lost"] == pytest.approx((clean - worse).mean())
    assert alone["low"] < alone["lost"] < alone["high"]
    assert 0.005 < alone["high"] - alone["low"] < 0.04
    assert (same["lost"], same["low"], same["high"]) == (0, 0, 0)
    pairs = _table(cells, scores, "iou", [str(n // 10) for n in range(40)])[0]
    assert pairs["lost"] == alone["lost"]


def test_one_image_alone_has_an_interval_without_width():
    means = _resampled_means(np.array([[0.25]]), ["only"])
    assert set(means.ravel()) == {0.25}


# --- the recipe -------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.sampled_from(sorted(families())), st.integers(0, 5)))
def test_a_recipe_covers_what_was_chosen(chosen):
    wanted = {name: strength for name, strength in chosen.items() if strength}
    if not wanted:
        with pytest.raises(UserError, match="nothing is chosen"):
            recipe_against(chosen, "r", "R", "")
        return
    recipe = recipe_against(chosen, "r", "R", "")
    steps = {step.transform: step for step in recipe.steps}
    assert len(steps) == len(recipe.steps), "one step a transform"
    for name, strength in wanted.items():
        family = families()[name]
        parameters = steps[family.transform].parameters
        for one in range(1, strength + 1):
            for key in family.varied:
                low, high = parameters[key]
                assert low <= family.parameters(one)[key][0] <= high
    assert Recipe.from_json(recipe.to_json(), "r", is_checked=False) == recipe


def test_a_recipe_of_everything_can_be_trained_with():
    recipe = recipe_against(dict.fromkeys(families(), 3), "all", "All", "")
    recipe.require_valid()
    image, mask = blob_pair(np.random.default_rng(0), (64, 64), is_rgb=True)
    Augmenter(recipe).apply_fitted(image, mask, 1)
    assert sum(step.p for step in recipe.steps) == pytest.approx(2, abs=0.2)


def test_what_there_is_not_is_told_with_what_there_is():
    with pytest.raises(UserError, match="darkr") as caught:
        chosen_families(["darkr"])
    assert "darker" in caught.value.hint
    with pytest.raises(UserError, match="strength 9"):
        recipe_against({"darker": 9}, "r", "R", "")


# --- the job ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    with make_project(tmp_path_factory.mktemp("stress"), "ttttvvveeee", size=(70, 45)) as made:
        empty_mask(made, 10)
        perform(made, "train", **TINY, epochs=3)
        yield made


@pytest.mark.training
def test_the_table_says_what_was_lost(project):
    before = len(project.looks.all())
    result = result_of(project, run="1", transforms=["brighter", "rotation"])
    json.dumps(result, allow_nan=False)
    assert (result["run"], result["split"], result["metric"], result["images"]) == (1, "test", "iou", 4)
    assert result["size"] == TINY["size"]
    assert [(row["transform"], row["strength"]) for row in result["table"]] == [
        (name, strength) for name in ("brighter", "rotation") for strength in range(1, 6)
    ]
    for row in result["table"]:
        assert row["lost"] == pytest.approx(result["clean"]["iou"] - row["iou"], abs=1e-12)
        assert row["low"] <= row["lost"] <= row["high"]
    assert [one.by for one in project.looks.all()[before:]] == ["stress"], "a look at the test split counts"
    stored = load_result(project.runs.get(1))
    assert stored == {name: value for name, value in result.items() if name != "path"}


@pytest.mark.training
def test_the_same_seed_gives_the_same_table_whatever_the_batch(project):
    first = result_of(project, run="1", transforms=["noise", "rotation"], batch=3)
    second = result_of(project, run="1", transforms=["noise", "rotation"], batch=8)
    other = result_of(project, run="1", transforms=["noise", "rotation"], seed=1)
    pick = [[(row["iou"], row["low"]) for row in one["table"]] for one in (first, second, other)]
    assert np.allclose(pick[0], pick[1], atol=1e-3)
    assert not np.allclose(pick[0], pick[2], atol=1e-3)


@pytest.mark.training
def test_untouched_pictures_at_their_own_size_score_as_evaluate_says(project):
    stress = result_of(project, run="1", split="val", size="native", transforms=["jpeg"])
    measured = perform(project, "evaluate", run="1", split="val")
    assert stress["clean"]["iou"] == pytest.approx(measured["iou"], abs=2e-3)
    assert stress["clean"]["dice"] == pytest.approx(measured["dice"], abs=2e-3)


@pytest.mark.training
def test_the_table_as_a_file(project, tmp_path):
    result = result_of(project, run="1", transforms=["fog"], to=str(tmp_path / "table.csv"))
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["strength"] for row in rows] == ["0", "1", "2", "3", "4", "5"]
    assert float(rows[0]["iou"]) == result["clean"]["iou"]
    assert float(rows[5]["lost"]) == result["table"][4]["lost"]
    write_table(result, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "table.csv").read_bytes()


@pytest.mark.training
def test_a_recipe_from_the_result_says_what_it_is_against(project):
    result = result_of(project, run="1", transforms=["brighter", "rotation"])
    recipe = recipe_from_stress(result, {"brighter": 2, "rotation": 0})
    assert recipe.name == "stress-0001"
    assert "run 0001" in recipe.description
    assert "Brighter up to +16 %" in recipe.description
    assert [step.transform for step in recipe.steps] == ["RandomBrightnessContrast"]
    assert recipe.steps[0].parameters["brightness_limit"] == [0.0, 0.16]


@pytest.mark.training
def test_a_stop_leaves_the_earlier_result(project):
    before = result_of(project, run="1", transforms=["jpeg"])
    report = ListReporter()
    report.is_cancel_wanted = True
    with pytest.raises(Cancelled):
        Stress.from_values({"run": "1", "transforms": ["fog"]}).perform(project.folder, report)
    assert load_result(project.runs.get(1))["table"] == before["table"]


@pytest.mark.training
def test_without_a_test_split_validation_is_measured_and_files_that_are_torn_are_noted(tmp_path):
    with make_project(tmp_path, "ttttvvv") as project:
        perform(project, "train", **TINY, epochs=1)
        name = damage(project, 5)
        report = ListReporter()
        result = Stress.from_values({"transforms": ["darker"]}).perform(project.folder, report)
        assert (result["split"], result["images"]) == ("val", 2)
        assert "no test split" in result["hint"]
        assert project.looks.all() == []
        assert [subject for subject, _ in report.notes] == [name]


def test_without_a_model_it_says_so(tmp_path):
    with make_project(tmp_path, "ttve") as project:
        with pytest.raises(UserError, match="no trained model"):
            result_of(project)
        with pytest.raises(UserError, match="no transform called"):
            result_of(project, transforms=["darkness"])


def test_a_damaged_result_is_none(tmp_path):
    with make_project(tmp_path, "ttve") as project:
        run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
        assert load_result(run) is None
        for text in ("", "[]", '{"table": 3}', "\x00"):
            (run.folder / "stress.json").write_text(text, encoding="utf-8")
            assert load_result(run) is None
