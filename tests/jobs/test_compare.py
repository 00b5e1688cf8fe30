"""Comparing: what is refused before anything begins, that arms are truly paired, and what comes out."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from segstudio.augmentation.recipe import Recipe, Step
from segstudio.cli import main
from segstudio.core.errors import ReadOnlyProject, UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState
from segstudio.jobs import JOBS
from segstudio.jobs.compare import finished
from segstudio.jobs.comparison_arms import wanted_arms
from segstudio.jobs.comparison_cells import recalled
from segstudio.jobs.comparison_result import measured, result_of
from segstudio.jobs.presets import options_of
from segstudio.jobs.training_samples import choose
from segstudio.jobs.versions import versions
from segstudio.project.cells import Arm
from segstudio.project.project import Project
from tests.jobs.projects import TINY, empty_mask, make_project, review

SMALL = {name: value for name, value in TINY.items() if name != "preset"}
SPLITS = "ttttvv" + "e" * 7


def compare(project, report=None, **values):
    given = {"preset": TINY["preset"], "options": SMALL, "epochs": 1, "repeats": 2} | values
    return JOBS["compare"].from_values(given).perform(project.folder, report or ListReporter())


def go_on(project, report=None, **values):
    return JOBS["compare"].from_values(values).perform(project.folder, report or ListReporter())


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path, SPLITS) as made:
        yield made


class StopIn(ListReporter):
    """Wants to stop when the progress speaks of something."""

    def __init__(self, words):
        super().__init__()
        self._words = words

    def progress(self, done, total, text=""):
        self.is_cancel_wanted = self.is_cancel_wanted or self._words in text
        super().progress(done, total, text)


# --- before anything begins -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "two arms at least"),
        ({"recipe": "chest-xrya"}, "arm chest-xrya: there is no recipe"),
        ({"recipe": "flip", "preset": "no-such"}, "arm original: there is no preset"),
        ({"recipe": "flip", "options": {"epoch": 3}}, "arm original: epoch"),
        ({"recipe": "flip", "options": {"batch": -1}}, "arm original: batch"),
        ({"recipe": "flip", "options": {"start": "best"}}, "arm original: there is no trained model"),
        ({"arms": ({"name": "a"}, {"name": "b", "filters": "x"})}, "arm b: filters"),
        ({"arms": ({"name": "a"}, {"name": "A"})}, "two arms are called"),
        ({"arms": ({"name": "a/b"}, {"name": "c"})}, "cannot be called"),
        ({"arms": ({"name": "a"},)}, "two arms at least"),
        ({"recipe": "flip", "options": {"seed": "x"}}, "--seed"),
        ({"arms": ({"name": "a"}, {"name": "b", "flips": "all"})}, "arm b: all arms have the same flips.*--flips"),
        ({"recipe": "flip", "groups": ("iou<",)}, "filter"),
        ({"recipe": "flip", "rerun": 1}, "keeps its"),
        ({"resume": 1, "split": "test"}, "keeps its split"),
        ({"resume": 1, "repeats": 3}, "keeps its repeats"),
        ({"extend": 1, "seed": 0}, "keeps its seed"),
        ({"resume": 1, "extend": 2}, "do not go together"),
        ({"resume": 7}, "no comparison 0007"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(project, values, words):
    report = ListReporter()
    with pytest.raises(UserError, match=words):
        go_on(
            project,
            report,
            **{"preset": TINY["preset"]} | values if not {"resume", "extend"} & values.keys() else values,
        )
    assert report.progresses == []
    assert project.comparisons.list() == []


def test_without_a_test_split_the_other_one_is_offered(tmp_path):
    with make_project(tmp_path, "tttvv") as project:
        with pytest.raises(UserError, match="--split val") as error:
            compare(project, recipe="flip")
        assert "test split" in error.value.message
    with make_project(tmp_path / "b", "ttt") as project, pytest.raises(UserError, match="70/15/15"):
        compare(project, recipe="flip", split="val")


def test_a_project_for_reading_only_is_refused(project):
    project.database.read_only_reason = "for the test"
    with pytest.raises(ReadOnlyProject):
        JOBS["compare"].from_values({"recipe": "flip"}).run(project, ListReporter())


def test_what_was_chosen_once_stays_and_is_chosen_anew_only_when_made_again(tmp_path):
    with make_project(tmp_path, "t" * 8 + "e" * 7) as project:
        with pytest.raises(Cancelled):
            compare(project, StopIn(""), recipe="flip", control=True)
        first = project.comparisons.latest()
        chosen = first.chosen()
        assert list(chosen) == ["original", "flip", "control"]
        assert chosen["original"] == chosen["flip"] == chosen["control"]
        assert {one.split for one in chosen["flip"]} == {"train", "val"}

        sample = project.samples.by_image("images/sample_00.png")
        project.masks.save(sample.id, np.ones_like(project.masks.load(sample)))
        review(project, [1], ReviewState.REJECTED)
        for word in ("resume", "extend"):
            with pytest.raises(Cancelled):
                go_on(project, StopIn(""), **{word: first.id})
        assert {one.revision for rows in project.comparisons.get(first.id).chosen().values() for one in rows} == {0}
        found = recalled(project, first)
        for arm, rows in chosen.items():
            learnt = [(one.sample, one.split, one.revision) for one in (*found[arm]["train"], *found[arm]["val"])]
            assert learnt == [(one.sample, one.split, one.revision) for one in rows]

        with pytest.raises(Cancelled):
            go_on(project, StopIn(""), rerun=first.id, seed=5)
        again = project.comparisons.latest().chosen()
        assert again["original"] == again["flip"] == again["control"]
        assert {one.sample: one.revision for one in again["flip"]}[sample.id] == 1
        assert len(again["flip"]) == 7

        # What validates is carved by the new seed, in every arm.
        options = options_of("conv-unet")(seed=5)
        val = {one.id for one in choose(project, options, ListReporter()).val}
        assert {one.sample for one in again["flip"] if one.split == "val"} == val


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ("Lens dirt", "Lens-dirt"),
        ("lens (2)", "lens-2"),
        ("a" * 41, "a" * 40),
        ("/recipes/Lens dirt.JSON", "Lens-dirt"),
        ("(!)", "recipe"),
        ("Trübe Linse", "Trübe-Linse"),
        ("none", "none"),
    ],
)
def test_an_arm_is_called_after_its_recipe_whatever_that_is_called(recipe, name):
    asked = wanted_arms({}, (), recipe, has_control=False)
    assert [one.name for one in asked] == ["original", name]
    assert asked[1].values["recipe"] == recipe
    with pytest.raises(UserError, match="cannot be called"):
        wanted_arms({}, ({"name": "Lens dirt"},), "flip", has_control=False)


def test_what_is_given_counts_also_when_it_is_the_default(project):
    with pytest.raises(Cancelled):
        compare(project, StopIn(""), recipe="flip", repeats=2, seed=7)
    first = project.comparisons.latest()
    for given, repeats, seed in (({}, 2, 7), ({"repeats": 3, "seed": 0}, 3, 0)):
        with pytest.raises(Cancelled):
            go_on(project, StopIn(""), rerun=first.id, **given)
        again = project.comparisons.latest()
        assert (again.repeats, again.seed) == (repeats, seed)


def test_one_that_is_older_than_what_is_chosen_takes_what_a_training_learnt_from(project):
    from segstudio.core.manifest import ManifestRow, save_manifest

    arms = tuple(Arm(name, "p", "m", {}) for name in ("one", "other"))
    older = project.comparisons.create(
        arms=arms, repeats=2, seed=0, split="test", metric="iou", groups=(), samples=(7,), images_per_epoch=1
    )
    assert older.chosen() == {}
    with pytest.raises(UserError, match="arm one: comparison 0001 does not say"):
        go_on(project, resume=older.id)
    for arm in arms:
        cell = older.cell(arm.name, 0)
        save_manifest([ManifestRow(3, "images/sample_02.png", "train", 0, "", "")], cell.manifest)
        cell.finish()
    assert [one.sample for one in recalled(project, older)["other"]["train"]] == [3]
    (older.folder / "chosen.json").write_text("[", encoding="utf-8")
    with pytest.raises(UserError, match=r"chosen\.json cannot be read"):
        go_on(project, resume=older.id)


# --- the whole --------------------------------------------------------------------------------------------------------


@pytest.mark.training
def test_arms_are_paired_measured_and_judged(project, tmp_path):
    review(project, [6], ReviewState.ACCEPTED)
    report = ListReporter()
    result = compare(project, report, recipe="flip", control=True, groups=("name:*_08*", "state:rejected"))
    assert json.loads(json.dumps(result, allow_nan=False)) == result

    # The contract, of the second arm against the first.
    assert result["verdict"] in ("helps", "hurts", "not distinguishable")
    low, high = result["interval"]
    assert low <= result["difference"] <= high
    assert [arm["name"] for arm in result["arms"]] == ["original", "flip", "control"]
    assert [effect["arm"] for effect in result["effects"]] == ["flip", "control"]
    assert (result["images"], result["repeats"], result["metric"], result["split"]) == (7, 2, "iou", "test")
    assert result["difference"] == pytest.approx(result["arms"][1]["mean"] - result["arms"][0]["mean"])
    assert len(result["per_image"]) == 7
    assert result["summary"].startswith("flip ")
    assert Path(result["report"]).is_file()

    # Pairs: the same first weights and steps in one repeat, others in the next; a control has its own.
    original, flip, control = result["arms"]
    assert original["initial"] == flip["initial"]
    assert len({*original["initial"], *control["initial"]}) == 4
    assert original["seeds"] == flip["seeds"] == [0, 1]
    assert not set(control["seeds"]) & {0, 1}
    assert original["steps"] == flip["steps"] == [2, 2]
    assert result["is_paired"]
    comparison = project.comparisons.get(result["comparison"])
    manifests = {cell.manifest.read_bytes() for cell in comparison.cells()}
    assert len(manifests) == 1, "the same examples in every training"

    # Sub-groups, with a word on their number.
    groups = {one["group"]: one for one in result["per_group"]}
    assert groups["name:*_08*"]["images"] == 1
    assert "state:rejected" not in groups, "nothing is in it"
    assert {"todo", "accepted"} <= groups.keys()
    assert any("stands out by chance" in note for note in result["notes"])

    # Live: curves under the names of their training, and progress over all of them.
    names = {name for _, values in report.metrics for name in values}
    assert {"original/0/val_iou", "flip/1/loss", "control/1/val_loss"} <= names
    shares = [done / total for done, total, _ in report.progresses]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)

    # What stays: curves, manifests and predictions, no weights and no cache.
    assert list(comparison.folder.rglob("*.keras")) == []
    assert not (project.folder / "cache" / "comparison" / comparison.name).exists()
    assert [len(rows) for rows in comparison.curves()["flip"]] == [1, 1]
    for cell in comparison.cells():
        for sample in project.samples.all(comparison.samples):
            assert cell.prediction(sample).shape == (sample.height, sample.width)
    with comparison.results.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 7 * 3 * 2
    mean = np.mean([float(row["iou"]) for row in rows if row["arm"] == "flip"])
    assert mean == pytest.approx(flip["mean"])
    assert project.runs.list() == [], "a comparison is no run"
    assert [one.by for one in project.looks.all()] == ["compare"], "a look at the test split counts"

    # The page needs nothing else.
    page = comparison.report.read_text(encoding="utf-8")
    assert page.count("<polyline") >= 6
    assert page.count("<circle") == 7 * 2
    assert "data:image/png" in page
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "http" not in page
    assert result["summary"].split(".")[0] in page
    for ending, words in ((".html", "Sub-groups"), (".csv", "sample,image,group")):
        to = str(tmp_path / f"out{ending}")
        made = JOBS["export-comparison"].from_values({"to": to}).perform(project.folder, ListReporter())
        assert (made["path"], made["comparison"]) == (to, 1)
        assert words in Path(to).read_text(encoding="utf-8")
    listed = JOBS["comparisons"].from_values({}).perform(project.folder, ListReporter())["comparisons"]
    assert [(row["status"], row["trained"], row["verdict"]) for row in listed] == [
        ("finished", "6/6", result["verdict"])
    ]


@pytest.mark.training
def test_two_arms_that_are_the_same_give_the_same_to_the_last_bit(project):
    result = compare(project, arms=({"name": "one"}, {"name": "other"}), repeats=1, epochs=2)
    assert (result["difference"], result["interval"]) == (0.0, [0.0, 0.0])
    assert result["verdict"] == "not distinguishable"
    assert result["helped"] == result["hurt"] == []


@pytest.mark.training
def test_mirror_images_are_those_of_all_arms_and_every_figure_says_so(project, capsys):
    arms = ({"name": "one"}, {"name": "other", "filters": 8})
    plain = compare(project, arms=arms, repeats=1)
    place = str(project.folder)
    argv = ["compare", place, "--flips", "all", "--repeats", "1", "--epochs", "1", "--preset", TINY["preset"], "--json"]
    argv += [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]
    assert main([*argv, "--arm", "one", "--arm", "other", "filters=8"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (plain["flips"], result["flips"]) == ("off", "all")
    assert {arm["way"]["flips"] for arm in result["arms"]} == {"all"}
    before, after = (project.comparisons.get(one["comparison"]) for one in (plain, result))
    sample = next(iter(project.samples.all(after.samples)))
    for old, new in zip(before.cells(), after.cells(), strict=True):
        assert old.metrics()[0]["val_iou"] == new.metrics()[0]["val_iou"], "the same networks"
        assert not np.array_equal(old.prediction(sample), new.prediction(sample)), "that look otherwise"
    assert after.title == "one vs other, mirror images (all)"
    assert "mirror images (all)" in result["summary"]
    assert any("mean with three mirror images" in note for note in result["notes"])
    assert "mean with three mirror images" in after.report.read_text(encoding="utf-8")
    assert "mirror" not in f"{plain['summary']} {plain['notes']} {before.title}"
    with pytest.raises(UserError, match="keeps its flips"):
        go_on(project, extend=after.id, flips="off")
    with pytest.raises(Cancelled):
        go_on(project, StopIn(""), rerun=after.id)
    assert project.comparisons.latest().flips == "all"


@pytest.mark.training
def test_stopped_goes_on_extended_and_made_again(project):
    def trained():
        folder = project.comparisons.latest().folder
        return {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("cells/*/done.json")}

    project.recipes.save(Recipe("mine", "Mine", "", (Step("HorizontalFlip", 1.0),)))
    with pytest.raises(Cancelled):
        compare(project, StopIn("repeat 2 (4/4): epoch 1"), recipe="mine")
    first = trained()
    assert first.keys() == {"original-0", "mine-0", "original-1"}
    comparison = project.comparisons.latest()
    assert comparison.result is None
    assert "HorizontalFlip" in comparison.arm("mine").recipe_text
    listed = JOBS["comparisons"].from_values({}).perform(project.folder, ListReporter())["comparisons"]
    assert (listed[0]["status"], listed[0]["trained"]) == ("unfinished", "3/4")
    with pytest.raises(UserError, match="not finished"):
        JOBS["export-comparison"].from_values({"to": "x.html", "comparison": 1}).perform(project.folder, ListReporter())

    # A recipe that is gone since does not change the comparison, nor does a mask that was corrected.
    project.recipes.delete("mine")
    sample = project.samples.by_image("images/sample_00.png")
    project.masks.save(sample.id, np.ones_like(project.masks.load(sample)))
    resumed = go_on(project, resume=comparison.id)
    assert {name: trained()[name] for name in first} == first, "finished trainings are kept"
    cells = project.comparisons.get(comparison.id).cells()
    assert len({cell.manifest.read_bytes() for cell in cells}) == 1
    again = go_on(project, resume=comparison.id)
    assert again == resumed, "there was nothing left to do"

    extended = go_on(project, extend=comparison.id, repeats=1)
    assert (extended["comparison"], extended["repeats"]) == (comparison.id, 3)
    assert extended["arms"][1]["repeats"][:2] == resumed["arms"][1]["repeats"]
    assert {name: trained()[name] for name in first} == first
    assert any("looked at after 2, 3 repeats" in note for note in extended["notes"])

    project.masks.save(sample.id, project.masks.load_revision(sample, 0))
    made = go_on(project, rerun=comparison.id, repeats=1)
    assert made["comparison"] == comparison.id + 1
    assert made["arms"][0]["initial"] == extended["arms"][0]["initial"][:1]
    assert "unknown" in made["explanation"]
    assert made["verdict"] == "not distinguishable"


@pytest.mark.training
def test_arms_with_more_images_or_other_networks_say_so(project):
    result = compare(
        project, arms=({"name": "two", "limit": 2}, {"name": "all"}, {"name": "wide", "filters": 8}), repeats=1
    )
    assert [arm["steps"] for arm in result["arms"]] == [[1], [1], [1]], "as many steps, however many images"
    assert result["arms"][1]["differs"] == {"limit": 0}
    assert not result["is_paired"]
    assert any("wide begins with other weights" in note for note in result["notes"])


@pytest.mark.training
def test_a_killed_worker_keeps_what_is_finished_and_the_next_one_goes_on(project):
    options = {"recipe": "flip", "preset": TINY["preset"], "options": SMALL, "epochs": 1, "repeats": 2}
    job = {"id": "1", "job": "compare", "project": str(project.folder), "options": options}
    with subprocess.Popen(
        [sys.executable, "-m", "segstudio.worker"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
    ) as worker:  # fmt: skip
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        for line in worker.stdout:
            event = json.loads(line)
            assert event["event"] not in ("finished", "failed"), event
            if "flip, repeat 1 (2/4)" in event.get("text", ""):
                break
        worker.kill()
    comparison = project.comparisons.latest()
    assert comparison.result is None

    def finished():
        return {
            cell.folder.name: {one: one.stat().st_mtime_ns for one in cell.folder.rglob("*") if one.is_file()}
            for cell in comparison.cells()
            if cell.is_done
        }

    kept = finished()
    assert kept.keys() == {"original-0"}, "the second was in the middle of it"
    report = ListReporter()
    # Neither a mask that was corrected nor a verdict changes what the arms that are left learn from.
    sample = project.samples.by_image("images/sample_00.png")
    project.masks.save(sample.id, np.ones_like(project.masks.load(sample)))
    review(project, [1], ReviewState.REJECTED)
    result = go_on(project, report, resume=comparison.id)
    assert len({cell.manifest.read_bytes() for cell in comparison.cells()}) == 1
    assert (result["repeats"], result["comparison"]) == (2, comparison.id)
    assert {name: finished()[name] for name in kept} == kept, "nothing of them is written again"
    assert {name.rpartition("/")[0] for _, values in report.metrics for name in values} == {
        "flip/0", "original/1", "flip/1"
    }  # fmt: skip


def test_what_cannot_be_extended_stays_finished_and_what_is_being_extended_is_exported(project, predicted, tmp_path):
    finished(project, project.comparisons.update(predicted, about=versions()), ListReporter())
    with pytest.raises(UserError, match="arm blind"):
        go_on(project, extend=predicted.id)
    there = project.comparisons.get(predicted.id)
    assert (there.repeats, there.is_finished) == (3, True)
    there = project.comparisons.update(there, repeats=5)
    assert not there.is_finished
    for number in (0, there.id):
        words_of = {
            ".html": there.result["summary"].split(".")[0], ".csv": "sample,image,group", ".json": '"seed_offset": 0',
        }  # fmt: skip
        for ending, words in words_of.items():
            to = str(tmp_path / f"out{number}{ending}")
            JOBS["export-comparison"].from_values({"to": to, "comparison": number}).perform(
                project.folder, ListReporter()
            )
            assert words in Path(to).read_text(encoding="utf-8")


# --- measuring and judging, without any training ----------------------------------------------------------------------


@pytest.fixture
def predicted(project):
    """A comparison whose cells have predicted: "right" all, "blind" nothing, "wrong" everything as foreground."""
    empty_mask(project, 12)
    samples = [one for one in project.samples.all() if one.split == "test"]
    arms = tuple(Arm(name, "p", "m", {}) for name in ("blind", "right", "wrong"))
    comparison = project.comparisons.create(
        arms=arms, repeats=3, seed=0, split="test", metric="iou", groups=("name:sample_1*",),
        samples=tuple(one.id for one in samples), images_per_epoch=4,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for cell in comparison.cells():
        for sample in samples:
            truth = project.masks.load(sample)
            share = {"right": truth, "blind": truth * 0, "wrong": truth * 0 + 1}[cell.arm]
            noise = (rng.random(truth.shape) < 0.01 * rng.random()) & (truth > 0)
            cell.save_prediction(sample, (share ^ (noise & (cell.arm == "right"))).astype(np.uint8) * 255)
        cell.finish(initial="same", steps=1, batch=2)
    return comparison


def test_an_image_without_foreground_is_right_when_nothing_is_predicted(project, predicted):
    result = result_of(project, predicted, measured(project, predicted, ListReporter()))
    right, wrong = result["effects"]
    assert (right["verdict"], result["verdict"]) == ("helps", "helps")
    empty = next(row for row in wrong["per_image"] if row["image"].endswith("12.png"))
    assert (empty["first"], empty["second"], empty["difference"]) == (1.0, 0.0, -1.0)
    group = next(one for one in wrong["per_group"] if one["group"] == "no foreground")
    assert (group["images"], group["difference"], group["verdict"]) == (1, -1.0, "not distinguishable")
    assert [row["image"] for row in wrong["hurt"]] == [empty["image"]]
    assert len(right["helped"]) == 6
    assert "nothing is predicted" in result["convention"]


def test_what_one_training_could_not_predict_is_left_out_of_all(project, predicted):
    sample = project.samples.by_image("images/sample_07.png")
    predicted.cell("right", 1)._prediction(sample).unlink()
    report = ListReporter()
    result = result_of(project, predicted, measured(project, predicted, report))
    assert [subject for subject, _ in report.notes] == [sample.image]
    assert result["images"] == 6
    assert any("1 images could not be measured" in note for note in result["notes"])


def test_what_was_predicted_in_another_way_is_not_compared(project, predicted):
    cell = predicted.cell("right", 1)
    cell.finish(**cell.done(), flips="horizontal")
    with pytest.raises(UserError, match="right, repeat 2 was predicted with mirror images horizontal, not off"):
        measured(project, predicted, ListReporter())


def test_dice_is_measured_when_asked_for(project, predicted):
    scores = measured(project, predicted, ListReporter())
    dice = result_of(project, project.comparisons.update(predicted, metric="dice"), scores)
    iou = result_of(project, project.comparisons.update(predicted, metric="iou"), scores)
    assert dice["arms"][1]["mean"] > iou["arms"][1]["mean"]
    assert "Dice" in dice["summary"]


def test_groups_count_once(project, predicted):
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET group_name = 'patient' WHERE split = 'test'")
    result = result_of(project, predicted, measured(project, predicted, ListReporter()))
    assert (result["images"], result["units"], result["verdict"]) == (7, 1, "not distinguishable")
    assert any("So few independent images" in note for note in result["notes"])


def test_a_corrected_mask_counts_from_then_on(project, predicted):
    before = measured(project, predicted, ListReporter())
    sample = project.samples.by_image("images/sample_07.png")
    project.masks.save(sample.id, project.masks.load(sample) * 0)
    after = measured(project, predicted, ListReporter())

    def score(scores):
        return next(one for one in scores if (one.sample, one.arm, one.repeat) == (sample.id, "blind", 0))

    assert (score(before).iou, score(before).revision) == (0.0, 0)
    assert (score(after).iou, score(after).revision) == (1.0, 1)


def test_never_into_the_dataset(project):
    for to, words in (
        (str(project.source / "c.html"), "never written"),
        ("c.pdf", "no kind"),
        ("", "no file is named"),
    ):
        with pytest.raises(UserError, match=words):
            JOBS["export-comparison"].from_values({"to": to}).perform(project.folder, ListReporter())


def test_a_comparison_that_cannot_be_read_is_noted(project, predicted):
    (predicted.folder / "comparison.json").write_text("{", encoding="utf-8")
    report = ListReporter()
    assert JOBS["comparisons"].from_values({}).perform(project.folder, report) == {"comparisons": []}
    assert len(report.notes) == 1
    with Project.open(project.folder) as other:
        assert other.comparisons.list() == []
