"""Augment: the same seed makes the same bytes, whatever happens in between; only training samples; nothing is lost."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.errors import ReadOnlyProject, UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import USABLE, ReviewState, Split
from segstudio.formats import read_image, read_mask_values
from segstudio.jobs import JOBS
from segstudio.project.augmented import Outlook
from segstudio.project.check import check_project
from segstudio.project.copy_donors import CopyDonors
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from tests.datasets import make_dataset
from tests.jobs.projects import damage, empty_mask, make_project, review

PASTE = Recipe("paste", "Paste", "", (Step("HorizontalFlip", 0.5), Step("PasteForeground", 1.0)))
TURN = Recipe("turn", "Turn", "", (Step("Rotate", 1.0, {"limit": [-20, 20]}), Step("HorizontalFlip", 0.5)))


@pytest.fixture
def project(tmp_path: Path):
    """Five training samples, two that validate and one of the test split; and a recipe."""
    with make_project(tmp_path) as made:
        made.recipes.save(TURN)
        made.recipes.save(PASTE)
        yield made


def augment(project: Project, report: ListReporter | None = None, **options: Any) -> dict[str, Any]:
    job = JOBS["augment"].from_values({"recipe": "turn", "copies": 2, **options})
    return job.perform(project.folder, report or ListReporter())


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def originals(project: Project) -> dict[str, bytes]:
    return files(project.source)


class StopsAt(ListReporter):
    """Wants to stop when so many copies are there."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Keep it; raise Cancelled when it is enough."""
        self.is_cancel_wanted = "copies" in text and done >= self._count
        super().progress(done, total, text)


def test_copies_of_the_training_samples_and_of_no_others(project: Project) -> None:
    before, report = originals(project), ListReporter()
    result = augment(project, report)
    folder = project.folder / "augmented/turn"
    assert {name: result[name] for name in ("recipe", "written", "kept", "skipped", "rejected", "removed")} == {
        "recipe": "turn", "written": 10, "kept": 0, "skipped": 0, "rejected": 0, "removed": 0,
    }  # fmt: skip
    assert (result["folder"], result["notes"], report.artifacts) == (str(folder), [], [folder])
    assert report.progresses[-1][:2] == (10, 10)
    copies = project.augmented.copies("turn", usable=True)
    assert [copy.number for copy in copies] == [1, 2] * 5
    assert {project.samples.get(copy.sample).split for copy in copies} == {Split.TRAIN}
    assert len({copy.seed for copy in copies}) == 10
    assert originals(project) == before, "the dataset is never written"
    assert check_project(project, ListReporter(), is_thorough=True) == []


def test_a_copy_is_what_the_recipe_makes_of_its_source_with_its_seed(project: Project) -> None:
    augment(project)
    augmenter = Augmenter(TURN)
    for copy in project.augmented.copies("turn"):
        sample = project.samples.get(copy.sample)
        made = augmenter.apply(
            project.read_image(sample), project.masks.load(sample), copy.seed, has_applied=True
        )  # fmt: skip
        np.testing.assert_array_equal(read_image(copy.image_file), made.image)
        np.testing.assert_array_equal(read_mask_values(copy.mask_file), made.mask * 255)
        assert json.loads(copy.parameters) == made.applied
        assert made.applied[0]["transform"] == "Rotate"


def test_the_same_seed_makes_the_same_bytes_with_any_number_of_threads(project: Project) -> None:
    augment(project, threads=1)
    first = files(project.folder / "augmented/turn")
    project.augmented.remove("turn")
    augment(project, threads=3)
    assert files(project.folder / "augmented/turn") == first
    augment(project, seed=1)
    other = files(project.folder / "augmented/turn")
    assert other.keys() == first.keys()
    assert all(other[name] != first[name] for name in first if name.startswith("images"))


def test_grey_stays_grey_and_colours_stay_colours(tmp_path: Path) -> None:
    source = make_dataset(tmp_path / "dataset", 2, (33, 21), is_rgb=True)
    grey = make_dataset(tmp_path / "grey", 1, (33, 21))
    shutil.copy(grey / "images/sample_00.png", source / "images/sample_01.png")
    rows = [NewSample(f"images/sample_0{n}.png", f"masks/sample_0{n}.png", 33, 21) for n in range(2)]
    with Project.create(tmp_path / "project", source, rows) as project:
        augment(project, recipe="strong", copies=1)
        shapes = [read_image(copy.image_file).ndim for copy in project.augmented.copies("strong")]
    assert shapes == [3, 2]


def test_a_second_time_nothing_is_made_again(project: Project) -> None:
    augment(project)
    folder = project.folder / "augmented/turn"
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}
    result = augment(project)
    assert (result["written"], result["kept"]) == (0, 10)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")} == before


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_cancelled_job_keeps_what_it_has_and_goes_on_with_the_same_bytes(project: Project, count: int) -> None:
    augment(project)
    whole = files(project.folder / "augmented/turn")
    project.augmented.remove("turn")
    with pytest.raises(Cancelled):
        augment(project, StopsAt(count), threads=1)
    kept = len(project.augmented.copies("turn", usable=True))
    assert count <= kept <= 10, "what was being made when the wish came may have been finished"
    images = list((project.folder / "augmented/turn/images").rglob("*.png"))
    assert len(images) == kept
    result = augment(project)
    assert (result["written"], result["kept"]) == (10 - kept, kept)
    assert files(project.folder / "augmented/turn") == whole


def test_more_copies_are_added_and_fewer_remove_the_rest(project: Project) -> None:
    augment(project)
    two = files(project.folder / "augmented/turn")
    assert augment(project, copies=3)["written"] == 5
    result = augment(project, copies=2)
    assert (result["written"], result["kept"], result["removed"]) == (0, 10, 5)
    assert files(project.folder / "augmented/turn") == two


def test_a_changed_mask_makes_exactly_its_copies_anew(project: Project) -> None:
    augment(project)
    before = files(project.folder / "augmented/turn/masks")
    project.masks.save(2, np.ones((48, 64), np.uint8))
    result = augment(project)
    assert (result["written"], result["kept"], result["removed"]) == (2, 8, 0)
    after = files(project.folder / "augmented/turn/masks")
    assert {name for name in before if before[name] != after[name]} == {
        "images/sample_01-01.png", "images/sample_01-02.png",
    }  # fmt: skip
    assert len(project.augmented.copies("turn", usable=True)) == 10
    assert {copy.revision for copy in project.augmented.copies("turn")} == {0, 1}


def test_the_revision_that_was_copied_stays_available(project: Project) -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[:10] = 1
    project.masks.save(1, mask)
    augment(project)
    project.masks.save(1, np.ones((48, 64), np.uint8))
    sample = project.samples.get(1)
    assert sample.revision == 2
    np.testing.assert_array_equal(project.masks.load_revision(sample, 1), mask)


def test_a_changed_recipe_makes_all_copies_anew_and_a_new_title_none(project: Project) -> None:
    augment(project)
    project.recipes.save(replace(TURN, title="Turned"))
    assert augment(project)["kept"] == 10
    project.recipes.save(replace(TURN, steps=TURN.steps[1:]))
    assert augment(project)["written"] == 10


def test_damaged_and_missing_copies_are_made_anew(project: Project) -> None:
    augment(project)
    whole = files(project.folder / "augmented/turn")
    first, second, third, *_ = project.augmented.copies("turn")
    first.image_file.unlink()
    second.mask_file.write_bytes(second.mask_file.read_bytes()[:-1])
    third.image_file.write_bytes(b"")
    assert augment(project)["written"] == 3
    assert files(project.folder / "augmented/turn") == whole


def test_rejected_copies_stay_rejected_while_they_are_the_same(project: Project) -> None:
    augment(project)
    for name in ("images/sample_00-01", "images/sample_01-01"):
        project.augmented.reject("turn", [name])
    project.masks.save(2, np.ones((48, 64), np.uint8))
    (project.folder / "augmented/turn/images/images/sample_00-01.png").unlink()
    assert augment(project)["rejected"] == 1
    rejected = [copy.name for copy in project.augmented.copies("turn") if copy.is_rejected]
    assert rejected == ["images/sample_00-01"], "the other one is asked anew: its mask is another"


def test_a_filter_chooses_and_leaves_the_copies_of_others_alone(project: Project) -> None:
    assert augment(project, filter="name:*sample_00*")["written"] == 2
    result = augment(project, filter="name:*sample_01*")
    assert (result["written"], result["kept"], result["removed"]) == (2, 0, 0)
    assert len(project.augmented.copies("turn")) == 4
    assert augment(project, filter="split:train")["written"] == 6


@pytest.mark.parametrize("text", ["split:test", "split:train,val", "name:*sample* split:VAL", "split=test"])
def test_what_judges_a_network_is_never_copied(project: Project, text: str) -> None:
    with pytest.raises(UserError, match=r"only training samples|never 'VAL'") as refused:
        augment(project, filter=text)
    assert "learnt" in refused.value.hint
    assert not (project.folder / "augmented").exists()


def test_other_splits_are_left_out_silently_when_nobody_asks_for_them(project: Project) -> None:
    result = augment(project, filter="-split:test")
    assert (result["written"], result["notes"]) == (10, [])
    with pytest.raises(UserError, match="no training sample"):
        augment(project, filter="-split:train")
    with pytest.raises(UserError, match="no field"):
        augment(project, filter="nonsense:1")


def test_what_cannot_be_learnt_from_is_skipped_and_noted(project: Project) -> None:
    review(project, [0], ReviewState.REJECTED)
    review(project, [1], ReviewState.FLAGGED)
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET truth = NULL WHERE id = 3")
    broken, report = damage(project, 3), ListReporter()
    result = augment(project, report)
    assert (result["written"], result["skipped"]) == (2, 4)
    assert [note["path"] for note in result["notes"]] == [*(f"images/sample_0{n}.png" for n in range(3)), broken]
    assert [subject for subject, _ in report.notes] == [broken], "a verdict is no problem"


def test_a_mask_that_is_gone_is_noted_and_its_old_copies_stay(project: Project) -> None:
    augment(project)
    (project.source / "masks/sample_00.png").unlink()
    report = ListReporter()
    result = augment(project, report)
    assert (result["kept"], result["written"], result["removed"], result["skipped"]) == (8, 0, 0, 1)
    assert len(project.augmented.copies("turn")) == 10
    assert [subject for subject, _ in report.notes] == ["images/sample_00.png"]


def test_not_one_copy_is_a_failure(project: Project) -> None:
    for number in range(5):
        damage(project, number)
    with pytest.raises(UserError, match="no copy could be made"):
        augment(project)


def test_a_recipe_from_a_file(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "mirror.json"
    path.write_text(replace(TURN, steps=TURN.steps[1:]).to_json(), encoding="utf-8")
    assert augment(project, recipe=str(path), copies=1)["recipe"] == "mirror"
    (copy, *_) = project.augmented.copies("mirror", usable=True)
    assert copy.recipe == "mirror"
    same_name = path.rename(path.with_name("turn.json"))
    with pytest.raises(UserError, match="another recipe called turn"):
        augment(project, recipe=str(same_name))


def test_recipes_that_do_nothing_or_are_wrong(project: Project) -> None:
    with pytest.raises(UserError, match="changes nothing"):
        augment(project, recipe="none")
    with pytest.raises(UserError, match="no recipe called"):
        augment(project, recipe="nonsense")
    (project.folder / "recipes/wrong.json").write_text(TURN.to_json().replace("Rotate", "Rotat"), encoding="utf-8")
    with pytest.raises(UserError, match="Rotat"):
        augment(project, recipe="wrong")


def test_a_step_that_does_not_suit_the_pictures_is_told_by_its_name(project: Project) -> None:
    crop = Recipe("crop", "Crop", "", (Step("RandomCrop", 1.0, {"height": 4000, "width": 4000}),))
    project.recipes.save(crop)
    with pytest.raises(UserError, match="RandomCrop"):
        augment(project, recipe="crop")


def test_copies_of_another_size_than_their_source(project: Project) -> None:
    project.recipes.save(Recipe("crop", "Crop", "", (Step("RandomCrop", 1.0, {"height": 20, "width": 30}),)))
    assert augment(project, recipe="crop")["written"] == 10
    for copy in project.augmented.copies("crop"):
        assert read_image(copy.image_file).shape == read_mask_values(copy.mask_file).shape == (20, 30)


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_written(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    augment(project, copies=1)
    before = files(project.folder / "augmented/turn")
    usage = shutil.disk_usage(project.folder)
    monkeypatch.setattr("segstudio.jobs.copying.shutil.disk_usage", lambda _: usage._replace(free=500_000_100))
    with pytest.raises(UserError, match=r"4995 copies need about \d+\.\d MB.*only 500\.0 MB") as refused:
        augment(project, copies=999, seed=1)
    assert "fewer copies" in refused.value.hint
    assert files(project.folder / "augmented/turn") == before
    assert augment(project, copies=1)["kept"] == 5, "nothing to write always fits"


def test_the_room_is_foreseen(project: Project) -> None:
    report = ListReporter()
    augment(project, report, copies=20)
    (line,) = [line for line in report.lines if "will take about" in line]
    foreseen = float(line.partition("about ")[2].partition(" ")[0]) * 1e6
    folder = project.folder / "augmented/turn"
    blocks = sum(-(-path.stat().st_size // 4096) * 4096 for path in folder.rglob("*.*"))
    assert blocks / 2 < foreseen < blocks * 2


def test_a_read_only_project_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segstudio.project.project._why_not_writable", lambda _: "for a test")
    with pytest.raises(ReadOnlyProject):
        augment(project)


def test_two_jobs_at_one_recipe(project: Project) -> None:
    with project.augmented.locked("turn"), pytest.raises(UserError, match="another job"):
        augment(project)
    assert augment(project)["written"] == 10


def taken(project: Project) -> dict[str, list[dict[str, Any]]]:
    """What each copy by PASTE says that it took, by name."""
    copies = project.augmented.copies("paste")
    return {copy.name: json.loads(copy.parameters)[-1]["pasted"] for copy in copies}


def test_a_copy_says_from_which_masks_it_took_and_can_be_made_again_from_that(project: Project) -> None:
    project.masks.save(2, np.ones((48, 64), np.uint8))
    empty_mask(project, 2)
    review(project, [4], ReviewState.REJECTED)
    augment(project, recipe="paste", copies=3)
    names = {f"images/sample_0{n}.png" for n in (0, 1, 3)}
    revisions = {sample.image: sample.revision for sample in project.samples.all()}
    augmenter = Augmenter(PASTE)
    copies = project.augmented.copies("paste", usable=True)
    assert len(copies) == 12
    for copy in copies:
        sample, donors = project.samples.get(copy.sample), project.augmented.donors(copy)
        assert donors is not None
        assert set(donors.names) == names | {"images/sample_02.png"}, "that its mask is empty by now is not known yet"
        for one in taken(project)[copy.name]:
            assert one["donor"] != sample.image
            assert one["revision"] == revisions[one["donor"]]
            (row,) = [row for row in donors.rows if row.image == one["donor"]]
            assert row.mask_sha256 == one["mask_sha256"]
        mask = project.masks.load_revision(sample, copy.revision)
        made = augmenter.with_donors(donors).apply(project.read_image(sample), mask, copy.seed, source=copy.source)
        np.testing.assert_array_equal(read_image(copy.image_file), made.image)
        np.testing.assert_array_equal(read_mask_values(copy.mask_file), made.mask * 255)
    assert {one["donor"] for pasted in taken(project).values() for one in pasted} <= names | {"images/sample_02.png"}
    assert check_project(project, ListReporter(), is_thorough=True) == []


def test_what_is_taken_is_the_same_with_any_number_of_threads_and_after_a_stop(project: Project) -> None:
    augment(project, recipe="paste", threads=1)
    whole = files(project.folder / "augmented/paste")
    project.augmented.remove("paste")
    with pytest.raises(Cancelled):
        augment(project, StopsAt(4), recipe="paste", threads=1)
    result = augment(project, recipe="paste", threads=3)
    assert 4 <= result["kept"] < 10
    assert files(project.folder / "augmented/paste") == whole
    assert augment(project, recipe="paste")["kept"] == 10
    assert augment(project, recipe="paste", filter="name:*sample_00*")["kept"] == 2, "the filter chooses no donors"


def test_another_mask_of_a_donor_puts_the_copies_with_a_part_of_it_out_of_date(project: Project) -> None:
    augment(project, recipe="paste", copies=3)
    (before,) = (project.folder / "augmented/paste/donors").iterdir()
    project.masks.save(2, np.ones((48, 64), np.uint8))
    own = {copy.name for copy in project.augmented.copies("paste") if copy.sample == 2}
    showing = {
        name for name, pasted in taken(project).items() if "images/sample_01.png" in {x["donor"] for x in pasted}
    }
    assert 0 < len(showing) < 12
    assert {copy.name for copy in project.augmented.copies("paste") if copy.is_stale} == own | showing
    result = augment(project, recipe="paste", copies=3)
    assert result["written"] == len(own | showing), "what others took from others is what it was"
    assert not any(copy.is_stale for copy in project.augmented.copies("paste"))
    assert before in (project.folder / "augmented/paste/donors").iterdir(), "they can be made again from it"
    made = {copy.name: copy.sha256 for copy in project.augmented.copies("paste")}
    project.augmented.remove("paste")
    augment(project, recipe="paste", copies=3)
    assert {copy.name: copy.sha256 for copy in project.augmented.copies("paste")} == made, "as if made at once"
    project.samples.set_split([4], Split.VAL)
    usable = project.augmented.copies("paste", usable=True)
    assert 0 < len(usable) < 12
    assert not any(4 in (copy.sample, *(donor for donor, _ in copy.donors)) for copy in usable)


CHANGES: dict[str, Callable[[Project], object]] = {
    "nothing": lambda project: None,
    "the mask of a sample": lambda project: project.masks.save(2, np.ones((48, 64), np.uint8)),
    "a mask that is empty now": lambda project: project.masks.save(2, np.zeros((48, 64), np.uint8)),
    "the split of a sample": lambda project: project.samples.set_split([2], Split.VAL),
    "one more donor": lambda project: project.samples.set_split([6], Split.TRAIN),
    "an ignored region": lambda project: project.ignored.save(2, np.eye(48, 64, dtype=np.uint8)),
    "a verdict": lambda project: review(project, [2], ReviewState.REJECTED),
    "the recipes": lambda project: [project.recipes.save(replace(one, steps=one.steps[1:])) for one in (TURN, PASTE)],
}


@pytest.mark.parametrize("recipe", ["turn", "paste"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("asked", [{}, {"copies": 1}, {"copies": 4}, {"seed": 5}, {"filter": "name:*sample_00*"}])
def test_what_a_job_would_find_is_foreseen(project: Project, recipe: str, change: str, asked: dict[str, Any]) -> None:
    augment(project, recipe=recipe)
    CHANGES[change](project)
    options = {"copies": 2, "seed": 0, "filter": ""} | asked
    table = project.samples.table()
    matching = set(table.id[compile_filter(options["filter"]).rows(table)])
    ids = [
        one.id
        for one in project.samples.all()
        if one.id in matching and one.split is Split.TRAIN and one.state in USABLE
    ]
    foreseen = project.augmented.outlook(recipe, ids, options["copies"], options["seed"])
    assert foreseen.total == 10
    result = augment(project, recipe=recipe, **options)
    there = foreseen.kept + foreseen.anew
    assert (result["kept"], result["removed"]) == (foreseen.kept, foreseen.removed)
    assert result["written"] == foreseen.anew + len(ids) * options["copies"] - there
    after = project.augmented.outlook(recipe, ids, options["copies"], options["seed"])
    assert after == Outlook(kept=len(ids) * options["copies"], others=foreseen.others)


def test_where_a_donor_is_ignored_nothing_is_taken(project: Project) -> None:
    for number in range(1, 5):  # all but the first
        sample = project.samples.by_image(f"images/sample_0{number}.png")
        project.ignored.save(sample.id, project.masks.load(sample))
    augment(project, recipe="paste")
    for one in (one for pasted in taken(project).values() for one in pasted):
        assert ("ignored_sha256" in one) == (one["donor"] != "images/sample_00.png")
    (first, *_) = [copy for copy in project.augmented.copies("paste") if copy.sample == 1]
    donors = project.augmented.donors(first)
    assert [bool(donors.take(index, 0)[1].any()) for index in range(5)] == [True, False, False, False, False]
    mask = read_mask_values(first.mask_file)
    own = project.masks.load_original(project.samples.get(1)) * 255
    assert np.array_equal(mask, own) or np.array_equal(mask, own[:, ::-1])


def test_donors_are_read_once_as_long_as_there_is_room(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    augment(project, recipe="paste")
    donors = project.augmented.donors(project.augmented.copies("paste")[0])
    assert donors.take(1, 0) is donors.take(1, 5)
    monkeypatch.setattr("segstudio.project.copy_donors.MOST_BYTES", 2 * 2 * 48 * 64)
    fresh = CopyDonors(project, donors.rows)
    first = fresh.take(0, 0)
    for index in (1, 0, 2, 0):
        assert (fresh.take(index, 0)[0] == donors.take(index, 0)[0]).all()
    assert fresh.take(0, 0) is first, "what was asked for lately is kept"
    assert len(fresh._read) == 2


def test_without_donors_copies_are_made_and_it_is_said(project: Project) -> None:
    for number in range(5):
        sample = project.samples.by_image(f"images/sample_0{number}.png")
        project.masks.save(sample.id, np.zeros((48, 64), np.uint8))
    report = ListReporter()
    assert augment(project, report, recipe="paste")["written"] == 10
    assert [subject for subject, _ in report.notes] == ["recipe paste"]
    assert "no training sample has any foreground" in report.notes[0][1]
    assert not (project.folder / "augmented/paste/donors").exists()
    assert all(pasted == [] for pasted in taken(project).values())


def test_copies_from_before_there_were_donors_are_still_there(project: Project) -> None:
    augment(project)
    path = project.folder / "augmented/turn/manifest.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(f"{line.rpartition(',')[0]}\n" for line in lines), encoding="utf-8")
    assert check_project(project, ListReporter(), is_thorough=True) == []
    assert augment(project)["kept"] == 10
    assert path.read_text(encoding="utf-8").splitlines() == lines


def test_recipes_are_listed(project: Project) -> None:
    augment(project, recipe="flip", copies=1)
    augment(project)
    project.recipes.delete("turn")
    (project.folder / "recipes/torn.json").write_text("{", encoding="utf-8")
    report = ListReporter()
    result = JOBS["recipes"].from_values({}).perform(project.folder, report)
    rows = {row["recipe"]: row for row in result["recipes"]}
    assert rows["flip"] == {
        "recipe": "flip", "title": "Flip", "whose": "program", "steps": ["HorizontalFlip"], "copies": 5,
        "rejected": 0, "stale": 0,
    }  # fmt: skip
    assert (rows["turn"]["whose"], rows["turn"]["copies"]) == ("gone", 10)
    assert [note["path"] for note in result["notes"]] == ["recipes/torn.json"]
    assert [subject for subject, _ in report.notes] == ["recipes/torn.json"]


def test_a_recipe_is_checked_on_training_samples_before_anything_is_made(project: Project) -> None:
    def check(recipe: str) -> dict[str, Any]:
        return JOBS["check-recipe"].from_values({"recipe": recipe}).perform(project.folder, ListReporter())

    away = Step("Affine", 1.0, {"translate_percent": {"x": [0.95, 0.95], "y": [0.95, 0.95]}})
    project.recipes.save(Recipe("away", "Away", "", (TURN.steps[1], Step("OneOf", 1.0, steps=(away,)))))
    found = check("away")
    assert (found["recipe"], found["errors"] > 0) == ("away", True)
    assert len(found["examples"]) == 3
    assert {project.samples.by_image(image).split for image in found["examples"]} == {Split.TRAIN}
    (lost,) = [one for one in found["findings"] if one["severity"] == "error" and one["kind"] == "lost"]
    assert (lost["step"], lost["place"]) == ("Affine", [1, 0])
    assert lost["hint"]
    assert check("light")["findings"] == []
    for number in range(5):
        project.samples.set_state([number + 1], ReviewState.REJECTED)
    assert check("light")["examples"] == [], "then it is tried on a drawn picture"
    with pytest.raises(UserError, match="no recipe"):
        check("lihgt")
