"""What a training learns from: limits, augmented copies, and that nothing of them ever validates."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.formats import read_image
from segstudio.jobs import JOBS
from segstudio.jobs.presets import preset
from segstudio.jobs.train import Training
from segstudio.jobs.training_samples import choose, example, examples, recall
from segstudio.project.project import Project
from tests.jobs.projects import make_project, review

TURN = Recipe("turn", "Turn", "", (Step("Rotate", 1.0, {"limit": [-20, 20]}), Step("HorizontalFlip", 0.5)))
QUEUED = {"recipe": "turn", "augmentation": "queued"}


@pytest.fixture
def project(tmp_path: Path):
    """Five training samples, two that validate and one of the test split; and a recipe."""
    with make_project(tmp_path) as made:
        made.recipes.save(TURN)
        yield made


def queue(project: Project, **options):
    JOBS["augment"].from_values({"recipe": "turn", "copies": 2, **options}).perform(project.folder, ListReporter())


def chosen(project: Project, report=None, **values):
    return choose(project, preset("conv-unet-fast").options(**values), report or ListReporter())


def names(samples):
    return [int(one.name[-6:-4]) for one in samples]


def test_a_limit_takes_always_the_same_samples_and_smaller_ones_are_within_larger_ones(project):
    everything = names(chosen(project).train)
    before: set[int] = set()
    for limit in range(1, 8):
        found = chosen(project, limit=limit)
        assert names(found.train) == names(chosen(project, limit=limit, seed=limit).train)
        assert before <= set(names(found.train)) <= set(everything)
        assert len(found.train) == min(limit, 5)
        assert names(found.val) == [5, 6]
        before = set(names(found.train))
    assert chosen(project, limit=2).learnt_from == "2 samples of all 5 usable masks"


def test_a_limit_does_not_care_what_else_is_there(project):
    some = set(names(chosen(project, limit=2).train))
    left_out = next(n for n in range(5) if n not in some)
    review(project, [left_out], ReviewState.FLAGGED)
    assert set(names(chosen(project, limit=2).train)) == some


def test_on_the_fly_takes_no_copies(project):
    queue(project)
    assert chosen(project, recipe="turn").copies == []


@pytest.mark.parametrize("augmentation", ["queued", "both"])
def test_queued_copies_are_learnt_from_beside_their_samples(project, augmentation):
    queue(project)
    found = chosen(project, **QUEUED | {"augmentation": augmentation})
    assert len(found.copies) == 10
    assert found.learnt_from == "all 5 usable masks and 10 augmented copies"
    train, val = examples(project, found)
    assert [one.split for one in (*train, *val)] == ["train"] * 15 + ["val"] * 2
    assert [one.recipe for one in train] == [""] * 5 + ["turn"] * 10
    copy = train[5]
    assert (project.folder / copy.image).samefile(copy.image_file)
    assert copy.image.startswith("augmented/turn/images/")
    assert copy.read_image().shape[:2] == copy.read_mask().shape
    assert set(np.unique(copy.read_mask())) == {0, 1}


def test_copies_of_what_validates_are_never_learnt_from(tmp_path):
    # All of them are in the training split, so all have copies; then some validate because there is no other split.
    with make_project(tmp_path, "t" * 10) as project:
        project.recipes.save(TURN)
        queue(project)
        found = chosen(project, **QUEUED)
        assert len(found.val) == 2
        assert {copy.sample for copy in found.copies} == {one.id for one in found.train}
        assert not {copy.sample for copy in found.copies} & {one.id for one in found.val}
        train, val = examples(project, found)
        assert not {one.sample for one in train} & {one.sample for one in val}
        assert not any(one.recipe for one in val)


@pytest.mark.parametrize("split", ["val", "test"])
def test_copies_of_a_sample_that_is_not_learnt_from_any_more_are_not_either(project, split):
    queue(project)
    moved = project.samples.by_image("images/sample_02.png")
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET split = ? WHERE id = ?", (split, moved.id))
    found = chosen(project, **QUEUED)
    assert len(found.copies) == 8
    assert moved.id not in {copy.sample for copy in found.copies}


def test_limited_and_unreviewed_samples_lend_no_copies(project):
    queue(project)
    found = chosen(project, **QUEUED, limit=2)
    assert {copy.sample for copy in found.copies} == {one.id for one in found.train}
    review(project, [0, 3], ReviewState.ACCEPTED)
    found = chosen(project, **QUEUED, samples="reviewed")
    assert names(found.train) == [0, 3]
    assert len(found.copies) == 4


def test_a_copy_with_a_part_of_what_is_not_learnt_from_is_left_out(project):
    project.recipes.save(Recipe("paste", "Paste", "", (Step("PasteForeground", 1.0),)))
    queue(project, recipe="paste", copies=4)
    values, report = {"recipe": "paste", "augmentation": "queued"}, ListReporter()
    assert len(chosen(project, **values).copies) == 20
    found = chosen(project, report, **values, limit=3)
    learnt = {one.id for one in found.train}
    expected = [
        copy.name for copy in project.augmented.copies("paste")
        if copy.sample in learnt and {donor for donor, _ in copy.donors} <= learnt
    ]  # fmt: skip
    assert [copy.name for copy in found.copies] == expected
    assert 0 < len(expected) < 12
    assert [reason.partition(": ")[2] for _, reason in report.notes] == [
        "they show parts of samples that are not learnt from"
    ]
    train, val = examples(project, found)
    assert {donor for one in train for donor in one.donors} <= learnt - {one.sample for one in val}
    # As if the sample had validated then, and the copy had been made anew since.
    copy = found.copies[0]
    rows = [
        ManifestRow(copy.sample, copy.image_file.relative_to(project.folder).as_posix(), "train", 0, "", "", "paste"),
        ManifestRow(copy.donors[0][0], "images/x.png", "val", 0, "", ""),
    ]
    assert len(recall(project, rows[:1])["train"]) == 1
    with pytest.raises(UserError, match="shows a part of what validated"):
        recall(project, rows)
    # A region of a donor that is ignored since says that what was taken is no foreground.
    donor = found.copies[0].donors[0][0]
    project.ignored.save(donor, np.ones((48, 64), np.uint8))
    assert all(donor not in dict(copy.donors) for copy in chosen(project, **values).copies)


def test_rejected_and_stale_copies_are_left_out_and_stale_ones_counted(project):
    queue(project)
    copies = project.augmented.copies("turn")
    project.augmented.reject("turn", [copies[0].name])
    changed = project.samples.by_image("images/sample_04.png")
    project.masks.save(changed.id, np.ones_like(project.masks.load(changed)))
    report = ListReporter()
    found = chosen(project, report, **QUEUED)
    assert len(found.copies) == 7
    assert copies[0].name not in {copy.name for copy in found.copies}
    assert changed.id not in {copy.sample for copy in found.copies}
    assert report.notes == [("augmented/turn", "2 copies are not used: their mask or the recipe has changed since")]


def test_copies_by_a_recipe_file_are_stale_when_the_file_is_another_by_now(project, tmp_path, monkeypatch):
    file = tmp_path / "mine.json"
    values = {"recipe": str(file), "augmentation": "both", "preset": "conv-unet-fast"}
    said = []

    class Chosen(Exception):
        pass

    def stop(training, *_):
        raise Chosen(training.learnt_from)

    def train():
        report = ListReporter()
        with monkeypatch.context() as patched:
            patched.setattr(Training, "perform", stop)
            with pytest.raises(Chosen) as chosen:
                JOBS["train"].from_values(values).perform(project.folder, report)
        said[:] = [text for _, text in report.notes]
        return chosen.value.args[0]

    file.write_text(TURN.to_json(), encoding="utf-8")
    queue(project, recipe=str(file))
    assert train() == "all 5 usable masks and 10 augmented copies"
    assert said == []
    other = dataclasses.replace(TURN, steps=(Step("HorizontalFlip", 1.0),))
    file.write_text(other.to_json(), encoding="utf-8")
    with pytest.raises(UserError, match="10 are out of date"):
        train()
    values["samples"] = "retrain"
    assert "copies" not in train()
    assert said == ["10 copies are not used: their mask or the recipe has changed since"]
    queue(project, recipe=str(file))
    assert "10 augmented copies" in train()


def test_copies_that_are_not_there_are_asked_for_in_words(project):
    with pytest.raises(UserError, match="no copies by recipe turn") as error:
        chosen(project, **QUEUED)
    assert "segstudio augment" in error.value.hint
    with pytest.raises(UserError, match="recipe is none"):
        chosen(project, recipe="none", augmentation="queued")


def test_one_click_retraining_goes_on_without_copies(project):
    assert chosen(project, **QUEUED, samples="retrain").copies == []


def test_what_a_manifest_names_is_found_again(project):
    from segstudio.ml.data import load_pairs

    queue(project)
    train, val = examples(project, chosen(project, **QUEUED))
    pairs = [load_pairs(part, (32, 32, 3), project.folder / "cache", ListReporter()) for part in (train, val)]
    rows = [row for part in pairs for row in part.rows]
    again = recall(project, rows)
    assert [(one.sample, one.image, one.recipe) for one in again["train"]] == [
        (one.sample, one.image, one.recipe) for one in train
    ]
    assert load_pairs(again["train"], (32, 32, 3), project.folder / "cache", ListReporter()).rows == pairs[0].rows
    # What was rejected or got out of date since the run began is still what it learns from.
    copies = project.augmented.copies("turn")
    project.augmented.reject("turn", [copy.name for copy in copies])
    assert len(recall(project, rows)["train"]) == 15
    copies[3].image_file.unlink()
    with pytest.raises(UserError, match="1 augmented copies that the run learnt from are gone") as error:
        recall(project, rows)
    assert copies[3].image_file.name in str(error.value)


def test_the_loader_refuses_what_would_leak(project, tmp_path):
    from segstudio.jobs.fitting import fit_network

    queue(project)
    found = chosen(project, **QUEUED)
    train, val = examples(project, found)
    options = preset("conv-unet-fast").options(size=32)
    for bad in ([dataclasses.replace(train[5], split="val")], [example(project, found.train[0], "val", 1)]):
        with pytest.raises(ValueError, match="validate"):
            fit_network(
                "conv-unet", options, train, val + bad, tmp_path, ListReporter(), cache=tmp_path / "cache", recipe=None
            )


def test_copies_are_what_the_recipe_makes_of_the_sample(project):
    from segstudio.augmentation.augmenter import Augmenter

    queue(project)
    found = chosen(project, **QUEUED)
    copy = found.copies[1]
    sample = next(one for one in found.train if one.id == copy.sample)
    made = Augmenter(TURN).apply(project.read_image(sample), project.masks.load(sample), copy.seed)
    assert np.array_equal(read_image(copy.image_file), made.image)
