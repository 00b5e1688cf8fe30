"""Cross-validation: whole groups on one side, every sample measured once a repeat by what has not learnt from it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.errors import ReadOnlyProject, UserError
from segstudio.core.manifest import ManifestRow
from segstudio.core.metrics import Counts
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.jobs import JOBS
from segstudio.jobs.cross_validate import CARVED, CARVED_FOR_CURVES, fold_roles, result_of_folds
from segstudio.jobs.studying import chosen_now, settled_configuration
from segstudio.jobs.training_samples import recall
from segstudio.project.project import Project
from segstudio.project.studies import LEARNT, MEASURED, VALIDATES, Kind
from segstudio.project.suspicions import reasons
from tests.jobs.projects import TINY, empty_mask, make_project, review

SMALL = {name: value for name, value in TINY.items() if name != "preset"}
SPLITS = "ttttttttvvee"


def cross_validate(project, report=None, **values):
    given = {"preset": TINY["preset"], "options": SMALL, "epochs": 1, "folds": 2} | values
    return JOBS["cross-validate"].from_values(given).perform(project.folder, report or ListReporter())


def go_on(project, report=None, **values):
    return JOBS["cross-validate"].from_values(values).perform(project.folder, report or ListReporter())


class StopIn(ListReporter):
    """Wants to stop when the progress speaks of something."""

    def __init__(self, words):
        super().__init__()
        self._words = words

    def progress(self, done, total, text=""):
        self.is_cancel_wanted = self.is_cancel_wanted or self._words in text
        super().progress(done, total, text)


@pytest.fixture
def project(tmp_path):
    with make_project(tmp_path, SPLITS) as made:
        yield made


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"preset": "no-such"}, "there is no preset"),
        ({"options": {"batch": -1}}, "batch"),
        ({"options": {"recipe": "flop"}}, "there is no recipe"),
        ({"options": {"seed": 1}}, "seed and device are the study's"),
        ({"options": {"start": "best"}}, "there is no trained model"),
        ({"folds": 11}, "10 independent samples"),
        ({"resume": 7}, "keeps its"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(project, values, words):
    with pytest.raises(UserError, match=words):
        cross_validate(project, **values)
    assert project.studies.list() == []


def test_a_study_that_is_not_there_and_a_project_for_reading_only_are_refused(project):
    with pytest.raises(UserError, match="no study 0007"):
        go_on(project, resume=7)
    project.database.read_only_reason = "for the test"
    with pytest.raises(ReadOnlyProject):
        JOBS["cross-validate"].from_values({}).run(project, ListReporter())


def test_groups_stay_on_one_side_and_every_sample_is_measured_once_a_repeat(project):
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET group_name = 'twins' || (id / 3) WHERE id < 9")
    samples = list(project.samples.all())
    roles = fold_roles(samples, [0.1 * (n % 4) for n in range(len(samples))], 4, 2, seed=5)
    assert list(roles) == [f"fold-{fold}-{repeat}" for repeat in (0, 1) for fold in (1, 2, 3, 4)]
    for repeat in (0, 1):
        own = [letters for name, letters in roles.items() if name.endswith(f"-{repeat}")]
        assert [sum(letters[place] == MEASURED for letters in own) for place in range(len(samples))] == [1] * 12
    for letters in roles.values():
        assert {LEARNT, VALIDATES, MEASURED} == set(letters)
        sides = {}
        for sample, letter in zip(samples, letters, strict=True):
            assert sides.setdefault(sample.group or sample.image, letter) == letter
    first, second = ({roles[f"fold-{fold}-{repeat}"] for fold in (1, 2, 3, 4)} for repeat in (0, 1))
    assert first != second


def test_where_validation_chooses_nothing_more_is_learnt_from(project):
    one, *_ = project.samples.all()
    samples = [replace(one, id=number, image=f"{number}.png") for number in range(1, 61)]
    chooses, draws = (
        fold_roles(samples, [0.1] * len(samples), 3, 1, seed=0, carved=carved) for carved in (CARVED, CARVED_FOR_CURVES)
    )
    for name, letters in draws.items():
        assert VALIDATES in letters, "its curves are drawn"
        assert letters.count(LEARNT) >= chooses[name].count(LEARNT)
        assert [one == MEASURED for one in letters] == [one == MEASURED for one in chooses[name]]
    assert sum(one.count(LEARNT) for one in draws.values()) > sum(one.count(LEARNT) for one in chooses.values())


def test_no_training_learns_from_a_copy_that_shows_a_part_of_what_it_measures(project):
    project.recipes.save(Recipe("paste", "Paste", "", (Step("PasteForeground", 1.0),)))
    JOBS["augment"].from_values({"recipe": "paste", "copies": 6}).perform(project.folder, ListReporter())
    samples = [one for one in project.samples.all() if one.split is not Split.TEST]
    arm, options = settled_configuration(
        project, "folds", "conv-unet-fast", 0, {"recipe": "paste", "augmentation": "queued"}, ListReporter()
    )
    roles = fold_roles(samples, [0.1] * len(samples), 3, 1, seed=0)
    project.studies.create(
        chosen_now(project, samples, roles, arm, options, ListReporter()), kind=Kind.FOLDS, arm=arm,
        parts=("fold-1", "fold-2", "fold-3"), repeats=1, seed=0,
    )  # fmt: skip
    study = project.studies.get(1)
    shown = {copy.image_file.name: {copy.sample, *dict(copy.donors)} for copy in project.augmented.copies("paste")}
    seen = 0
    for cell in study.cells():
        learnt = study.chosen().of(cell, LEARNT)
        others = {one.sample for role in (VALIDATES, MEASURED) for one in study.chosen().of(cell, role)}
        copies = [one for one in learnt if one.recipe]
        assert all(not shown[Path(one.image).name] & others for one in copies)
        seen += len(copies)
        left_out = shown.keys() - {Path(one.image).name for one in copies}
        assert all(shown[name] & others for name in left_out)
    assert seen > 10


def test_a_study_goes_on_with_the_very_copies_it_began_with(project):
    def augment(seed: int) -> None:
        JOBS["augment"].from_values({"recipe": "turn", "copies": 1, "seed": seed}).perform(
            project.folder, ListReporter()
        )

    project.recipes.save(Recipe("turn", "Turn", "", (Step("Rotate", 1.0),)))
    augment(0)
    samples = [one for one in project.samples.all() if one.split is not Split.TEST]
    arm, options = settled_configuration(
        project, "folds", "conv-unet-fast", 0, {"recipe": "turn", "augmentation": "queued"}, ListReporter()
    )
    roles = fold_roles(samples, [0.1] * len(samples), 3, 1, seed=0)
    project.studies.create(
        chosen_now(project, samples, roles, arm, options, ListReporter()), kind=Kind.FOLDS, arm=arm,
        parts=("fold-1", "fold-2", "fold-3"), repeats=1, seed=0,
    )  # fmt: skip
    there = {copy.sha256 for copy in project.augmented.copies("turn")}
    assert {one.copy_sha256 for one in project.studies.get(1).chosen().copies} == there
    augment(1)
    with pytest.raises(UserError, match="made anew since, and are others"):
        go_on(project, resume=1)
    augment(0)
    learnt = [one for one in project.studies.get(1).chosen().copies if one.copy_sha256 in there]
    rows = [ManifestRow(one.sample, one.image, "train", one.revision, "", "", one.recipe, copy_sha256=one.copy_sha256)
            for one in learnt]  # fmt: skip
    assert len(recall(project, rows)["train"]) == len(there), "made again as they were, they are the same"


def test_too_few_groups_are_said(project):
    samples = list(project.samples.all())[:2]
    with pytest.raises(UserError, match="2 independent samples cannot make 2 folds that each leave"):
        fold_roles(samples, [0.1, 0.2], 2, 1, seed=0)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished study with two repeats of two folds; its project, result and report."""
    folder = tmp_path_factory.mktemp("folds")
    with make_project(folder, SPLITS) as project:
        review(project, [1], ReviewState.REJECTED)
        empty_mask(project, 2)
        report = ListReporter()
        yield project, cross_validate(project, report, repeats=2), report


@pytest.mark.training
def test_every_figure_is_that_of_networks_that_had_not_learnt_from_the_image(done):
    project, result, report = done
    study = project.studies.get(result["study"])
    chosen = study.chosen()
    assert result["images"] == len(chosen.samples) == 9  # one is rejected, two are of the test split
    assert json.loads(json.dumps(result, allow_nan=False)) == result == study.result
    assert [(row["fold"], row["repeat"]) for row in result["per_fold"]] == [(1, 1), (2, 1), (1, 2), (2, 2)]
    assert sum(row["images"] for row in result["per_fold"]) == 2 * 9

    rows = {row["sample"]: row for row in result["per_image"]}
    pooled = [Counts(), Counts()]
    for cell in study.cells():
        learnt = {one.sample for one in chosen.of(cell, LEARNT)} | {one.sample for one in chosen.of(cell, VALIDATES)}
        manifest = {int(line.split(",")[0]) for line in cell.manifest.read_text("utf-8").splitlines()[1:]}
        assert manifest == learnt
        assert not list(cell.folder.glob("*.keras"))
        for one in chosen.of(cell, MEASURED):
            assert one.sample not in manifest
            sample = project.samples.get(one.sample)
            counts = Counts.of(project.masks.load(sample), cell.prediction(sample) >= 128)
            assert rows[one.sample]["ious"][cell.repeat] == counts.iou
            pooled[cell.repeat] += counts
    assert result["pooled"]["binary_iou"] == pytest.approx(np.mean([one.binary_iou for one in pooled]))
    truth = pooled[0].tp + pooled[0].fn
    assert result["predict_nothing"]["binary_iou"] == pytest.approx((1 - truth / pooled[0].total) / 2)
    for name in ("iou", "dice", "binary_iou", "pooled_iou"):
        figure = result["figures"][name]
        values = [row[name] for row in result["per_fold"] if row[name] is not None]
        assert figure["mean"] == pytest.approx(np.mean(values))
        assert figure["interval"][0] <= figure["mean"] <= figure["interval"][1]
    assert "2 of the test split stay out" in result["notes"][0]
    assert any(result["summary"] in line for line in report.lines)


@pytest.mark.training
def test_the_list_knows_what_unseen_networks_said(done):
    project, result, _ = done
    table = project.samples.table()
    for row in result["per_image"]:
        at = table.index_of(row["sample"])
        iou = np.nan if row["iou"] is None else row["iou"]
        assert table.fold_iou[at] == pytest.approx(iou, nan_ok=True)
        assert table.suspicion[at] == pytest.approx(row["suspicion"])
        assert reasons(project, row["sample"]) == ([row["reason"]] if row["reason"] else [])
    assert np.isnan(table.fold_iou[table.index_of(project.samples.by_image("sample_11.png").id)])


@pytest.mark.training
def test_a_study_is_listed_and_its_result_is_made_of_its_files(done):
    project, result, _ = done
    (row,) = JOBS["studies"].from_values({}).perform(project.folder, ListReporter())["studies"]
    assert (row["study"], row["kind"], row["status"], row["trained"]) == (1, "cross-validation", "finished", "4/4")
    study = project.studies.get(1)
    assert result_of_folds(study, list(project.studies.scores(study))) == result
    report = ListReporter()
    assert go_on(project, report, resume=1) == result
    assert "study 0001 is finished already" in report.lines


@pytest.mark.training
def test_a_page_has_everything_in_one_file(done, tmp_path):
    project, result, _ = done
    export = JOBS["export-study"].from_values({"study": result["study"], "to": str(tmp_path / "folds.html")})
    page = Path(export.perform(project.folder, ListReporter())["path"]).read_text(encoding="utf-8")
    assert "http" not in page, "it must be self-contained"
    assert result["summary"].replace("'", "&#39;") in page
    for row in result["per_image"]:
        assert row["image"] in page
    assert page.count("data:image/png;base64,") == 3 * 6
    assert page.count("<polyline") >= 4
    assert f"{result['predict_nothing']['binary_iou']:.4f}" in page
    with pytest.raises(UserError, match="no kind of file"):
        JOBS["export-study"].from_values({"to": str(tmp_path / "folds.doc")}).perform(project.folder, ListReporter())


@pytest.mark.training
def test_with_mirror_images_the_same_networks_are_measured_otherwise_and_every_figure_says_so(done):
    project, plain, _ = done
    with pytest.raises(Cancelled):
        cross_validate(project, StopIn("fold-2, repeat 1 (2/2): epoch"), flips="horizontal")
    result = go_on(project, resume=project.studies.latest().id)
    assert (plain["way"]["flips"], result["way"]["flips"]) == ("off", "horizontal")
    study, before = project.studies.get(result["study"]), project.studies.get(plain["study"])
    differing = 0
    for cell, other in zip(study.cells(), before.cells(), strict=False):  # the first repeat of what was plain
        assert [row["val_iou"] for row in cell.metrics()] == [row["val_iou"] for row in other.metrics()]
        for one in study.chosen().of(cell, MEASURED):
            sample = project.samples.get(one.sample)
            differing += int(np.count_nonzero(cell.prediction(sample) != other.prediction(sample)))
    assert differing
    assert "mirror images (horizontal)" in result["summary"]
    assert "mirror images" not in plain["summary"]
    assert any("mean with the mirror image" in note for note in result["notes"])
    with pytest.raises(UserError, match="keeps its flips"):
        go_on(project, resume=study.id, flips="off")


@pytest.mark.training
def test_what_is_stopped_goes_on_and_ends_as_if_it_had_not_been(tmp_path):
    with make_project(tmp_path / "a", SPLITS) as one, make_project(tmp_path / "b", SPLITS) as other:
        with pytest.raises(Cancelled):
            cross_validate(one, StopIn("fold-2, repeat 1 (2/2): epoch"))
        study = one.studies.latest()
        assert [cell.is_done for cell in study.cells()] == [True, False]
        kept = (study.cells()[0].folder / "done.json").read_bytes()
        # What is edited meanwhile is not what the study began with.
        sample = one.samples.by_image("images/sample_00.png")
        one.masks.save(sample.id, np.ones_like(one.masks.load(sample)))
        resumed = go_on(one, resume=study.id)
        assert (study.cells()[0].folder / "done.json").read_bytes() == kept
        straight = cross_validate(other)
        for result in (resumed, straight):
            result.pop("seconds")
            for row in result["per_fold"]:
                row.pop("seconds")
            for row in result["per_image"]:
                row.pop("state")
        assert resumed == straight
        assert np.isnan(one.samples.table().fold_iou[0])


KILLED = """
import sys
from pathlib import Path
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
class Report(ListReporter):
    def progress(self, done, total, text=""):
        if "fold-2" in text and "epoch" in text:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
JOBS["cross-validate"].from_values(eval(sys.argv[2])).perform(Path(sys.argv[1]), Report())
"""


@pytest.mark.training
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_what_is_killed_goes_on_where_it_was(project):
    values = {"preset": TINY["preset"], "options": SMALL, "epochs": 1, "folds": 2}
    run = subprocess.run(
        [sys.executable, "-c", KILLED, str(project.folder), repr(values)], capture_output=True, check=False
    )
    assert run.returncode == -9, run.stderr
    study = project.studies.latest()
    assert not project.studies.is_running(study)
    assert [cell.is_done for cell in study.cells()] == [True, False]
    stamp = (study.cells()[0].folder / "done.json").stat().st_mtime_ns
    result = go_on(project, resume=study.id)
    assert result["images"] == 10
    assert (study.cells()[0].folder / "done.json").stat().st_mtime_ns == stamp


def test_damaged_studies_are_noted_and_others_listed(project: Project):
    with pytest.raises(Cancelled):
        cross_validate(project, StopIn(""))
    folder = project.folder / "studies" / "0002"
    folder.mkdir()
    (folder / "study.json").write_text('{"format": "segstudio-study", "version": 99}', encoding="utf-8")
    report = ListReporter()
    rows = JOBS["studies"].from_values({}).perform(project.folder, report)["studies"]
    assert [row["status"] for row in rows] == ["unfinished"]
    assert "later version" in report.notes[0][1]
    project.studies.remove(1)
    assert project.studies.list() == []
    assert not (Path(project.folder) / "studies" / "0001").exists()
