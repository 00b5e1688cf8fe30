"""Check finds what is wrong, mends what can be mended, and the index can be made anew from the files."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import NotAProject, UserError
from segstudio.core.lint import LintRules
from segstudio.core.mask import Rect
from segstudio.core.raster import Region
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState
from segstudio.core.suspicion import Suspicion
from segstudio.project.check import Finding, check_project
from segstudio.project.project import INDEX, Project
from segstudio.project.rebuilding import rebuild_index
from segstudio.project.suspicions import reasons, store_suspicions
from tests.project.projects import append_metrics
from tests.project.test_samples import COLUMNS

LEFT = np.zeros((48, 64), np.uint8)
LEFT[:, :20] = 1


def work_a_little(project: Project) -> None:
    """Corrections, verdicts, two runs with predictions."""
    project.masks.save(1, LEFT)
    project.masks.seal([1])
    project.masks.save(1, 1 - LEFT)
    project.samples.set_state([1, 2], ReviewState.ACCEPTED)
    project.samples.set_state([3], ReviewState.FLAGGED)
    project.masks.save(2, LEFT)
    project.samples.set_state([4], ReviewState.REJECTED)
    project.samples.set_state([4], ReviewState.TODO)
    for value in (0, 200):
        run = project.runs.create("preset", "model", {"epochs": 2}, "scratch", "a try")
        for epoch in (1, 2):
            append_metrics(run, epoch, {"loss": 1 / epoch})
        run.best_weights.write_bytes(b"weights")
        project.runs.update(run.id, status="finished", epochs=2, best_epoch=2, best_val_iou=0.5, seconds=1.5)
        for sample in project.samples.all():
            project.predictions.save(run.id, sample, LEFT * np.uint8(value))
        project.predictions.score(run.id)
        project.predictions.expect(run.id)
        project.predictions.set_current(run.id)


def check(project: Project, *, is_thorough: bool = False) -> list[tuple[str, str]]:
    findings = check_project(project, ListReporter(), is_thorough=is_thorough)
    return [(finding.path, finding.severity) for finding in findings]


def test_a_sound_project_has_no_findings(project: Project) -> None:
    work_a_little(project)
    report = ListReporter()
    assert check_project(project, report, is_thorough=True) == []
    assert report.progresses[-1][:2] == (6, 6)


def write(text: bytes, *names: str) -> Callable[[Project], None]:
    def damage(project: Project) -> None:
        for name in names:
            path = project.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)

    return damage


def remove(name: str) -> Callable[[Project], None]:
    return lambda project: (project.folder / name).unlink()


def small(name: str) -> Callable[[Project], None]:
    return lambda project: Image.fromarray(np.zeros((2, 3), np.uint8)).save(project.folder / name)


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (remove("../dataset/images/sample_02.png"), ("images/sample_02.png", "error")),
        (small("../dataset/images/sample_02.png"), ("images/sample_02.png", "error")),
        (write(b"x", "../dataset/masks/sample_02.png"), ("masks/sample_02.png", "error")),
        (small("../dataset/masks/sample_02.png"), ("masks/sample_02.png", "error")),
        (write(b"x", "masks/images/sample_00.png"), ("masks/images/sample_00.png", "error")),
        (remove("masks/images/sample_00.png"), ("masks/images/sample_00.png", "error")),
        (small("masks/images/sample_00.png"), ("masks/images/sample_00.png", "error")),
        (write(b"x", "history/images/sample_00/0001.png"), ("history/images/sample_00/0001.png", "warning")),
        (write(b"x", "masks/images/unknown.png"), ("masks/images/unknown.png", "warning")),
        (remove("predictions/0001/images/sample_03.png"), ("predictions/0001/images/sample_03.png", "warning")),
        (remove("runs/0001/best.keras"), ("runs/0001/best.keras", "error")),
        (remove("runs/0001/options.toml"), ("runs/0001/options.toml", "warning")),
        (write(b"= =", "runs/0001/options.toml"), ("runs/0001/options.toml", "warning")),
        (write(b"", "runs/0009/options.toml"), ("runs/0009", "warning")),
        (remove("project.json"), ("project.json", "mended")),
        (write(b"{", "project.json"), ("project.json", "mended")),
        (remove("samples.csv"), ("samples.csv", "mended")),
        (write(b"image,stem\n", "samples.csv"), ("samples.csv", "mended")),
        (remove("reviews.csv"), ("reviews.csv", "mended")),
        (write(b"\xff\0,,\n", "reviews.csv"), ("reviews.csv", "mended")),
    ],
)
def test_each_damage_is_found(project: Project, damage: Callable[[Project], None], expected: tuple[str, str]) -> None:
    work_a_little(project)
    damage(project)
    assert check(project, is_thorough=True) == [expected]
    if expected[1] == "mended" or "predictions" in expected[0]:
        assert check(project) == []


def test_what_is_wrong_with_a_sample_becomes_its_problem_until_it_is_right_again(project: Project) -> None:
    path = project.source / "images/sample_02.png"
    kept = path.read_bytes()
    path.write_bytes(kept[: len(kept) // 2])
    assert check(project) == []  # the header is whole
    assert check(project, is_thorough=True) == [("images/sample_02.png", "error")]
    assert "sample_02.png" in project.samples.get(3).problem
    assert [problem.sample_id for problem in project.problems.list()] == [3]
    path.write_bytes(kept)
    check(project, is_thorough=True)
    assert project.problems.list() == []


def test_a_mask_from_another_program_is_taken_over(project: Project) -> None:
    work_a_little(project)
    Image.fromarray(LEFT * 255).save(project.folder / "masks/images/sample_00.png")
    assert check(project) == [("masks/images/sample_00.png", "mended")]
    assert project.samples.get(1).revision == 3
    assert check(project) == []


def test_a_missing_dataset_is_said_once_for_all(project: Project) -> None:
    project.masks.save(1, LEFT)
    away = project.source.rename(project.source.with_name("away"))
    assert check(project) == [(str(project.source), "error")]
    assert project.problems.list() == []  # nothing is wrong with the samples
    project.masks.path(project.samples.get(1)).write_bytes(b"torn")
    assert check(project) == [(str(project.source), "error"), ("masks/images/sample_00.png", "error")]
    away.rename(project.source)
    assert check(project) == [("masks/images/sample_00.png", "error")]


def test_what_a_crash_left_behind_is_removed_when_it_is_old(project: Project) -> None:
    old, new = project.folder / "masks/.tmp-old", project.folder / "masks/.tmp-new"
    write(b"x", "masks/.tmp-old", "masks/.tmp-new")(project)
    os.utime(old, (1, 1))
    assert check(project) == [("masks/.tmp-old", "mended")]
    assert not old.exists()
    assert new.exists()


def test_a_read_only_project_is_checked_and_left_as_it_is(project: Project) -> None:
    write(b"x", "reviews.csv")(project)
    (project.source / "images/sample_02.png").unlink()
    with Project.open(project.folder, is_editor=True), Project.open(project.folder, is_editor=True) as reader:
        assert check(reader) == [("images/sample_02.png", "error")]
        assert reader.samples.get(3).problem == ""


def test_a_reference_to_nothing_is_found(project: Project) -> None:
    connection = project.database.connection()
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("INSERT INTO revision VALUES (77, 1, '', '', 0)")
    assert check(project) == [(INDEX, "error")]


def test_checking_can_be_cancelled(project: Project) -> None:
    report = ListReporter()
    report.is_cancel_wanted = True
    with pytest.raises(Cancelled):
        check_project(project, report)


def test_findings_are_plain_values() -> None:
    assert Finding("a", "b", "error") == Finding("a", "b", "error")


# The index made anew


def assert_same_work(one: Project, other: Project) -> None:
    a, b = one.samples.table(), other.samples.table()
    for name in COLUMNS:
        first, second = getattr(a, name), getattr(b, name)
        assert (
            first == second
            if isinstance(first, list)
            else np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
        ), name
    assert one.runs.list() == [replace(run, folder=one.runs.get(run.id).folder) for run in other.runs.list()]
    assert [one.runs.metrics(run.id) for run in one.runs.list()] == [
        other.runs.metrics(run.id) for run in one.runs.list()
    ]
    for sample in one.samples.all():
        assert np.array_equal(one.masks.load(sample), other.masks.load(sample))
        assert [revision.number for revision in one.masks.revisions(sample)] == [
            revision.number for revision in other.masks.revisions(sample)
        ]
    assert (one.source, one.rule, one.name) == (other.source, other.rule, other.name)


@pytest.mark.parametrize("loss", ["missing", "damaged"])
def test_the_index_can_be_made_anew_from_the_files(project: Project, tmp_path: Path, loss: str) -> None:
    work_a_little(project)
    shutil.copytree(project.folder, tmp_path / "lost")
    for path in (tmp_path / "lost").glob(f"{INDEX}*"):
        path.unlink()
    if loss == "damaged":
        (tmp_path / "lost" / INDEX).write_bytes(b"damaged")
    found = rebuild_index(tmp_path / "lost", ListReporter())
    assert {name: found[name] for name in ("samples", "masks", "runs", "predictions")} == {
        "samples": 6, "masks": 2, "runs": 2, "predictions": 12,
    }  # fmt: skip
    assert (found["old"] is not None) == (loss == "damaged")
    with Project.open(tmp_path / "lost") as rebuilt:
        assert_same_work(project, rebuilt)
        assert check(rebuilt, is_thorough=True) == []
        assert rebuilt.masks.save(1, LEFT * 0).revision == 3


def test_a_sound_index_is_kept_beside_the_new_one(project: Project) -> None:
    work_a_little(project)
    project.close()
    found = rebuild_index(project.folder, ListReporter())
    shutil.copy(project.folder / found["old"], project.folder / INDEX)
    with Project.open(project.folder) as old:
        assert old.samples.get(3).state is ReviewState.FLAGGED


def test_what_cannot_be_read_is_noted_and_the_rest_is_there(project: Project) -> None:
    work_a_little(project)
    project.close()
    write(b"x", "masks/images/sample_00.png", "runs/0001/options.toml")(project)
    (project.folder / "predictions/0009").mkdir()
    report = ListReporter()
    found = rebuild_index(project.folder, report)
    assert (found["masks"], found["runs"], found["predictions"]) == (2, 1, 5)
    noted = {subject for subject, _ in report.notes}
    assert noted >= {"masks/images/sample_00.png", "runs/0001/options.toml", "predictions/0001", "predictions/0009"}
    with Project.open(project.folder) as rebuilt:
        assert rebuilt.samples.get(1).revision == 3  # the damaged file; the second was sealed and is in the history
        assert [one.number for one in rebuilt.masks.revisions(rebuilt.samples.get(1))] == [0, 1, 2]
        assert check(rebuilt)[0] == ("masks/images/sample_00.png", "error")


def test_a_run_that_was_running_is_lost(project: Project) -> None:
    project.runs.create("preset", "model", {}, "scratch")
    project.close()
    rebuild_index(project.folder, ListReporter())
    with Project.open(project.folder) as rebuilt:
        assert rebuilt.runs.list()[0].status == "lost"


def test_what_was_asked_of_a_run_is_not_what_became_of_it(project: Project) -> None:
    run = project.runs.create("preset", "model", {"epochs": 3, "device": "auto"}, "scratch")
    project.runs.update(run.id, device="CPU")
    for epoch, iou in ((1, 0.4), (2, 0.3)):
        append_metrics(run, epoch, {"val_iou": iou, "val_loss": 1.0})
    project.runs.replan(run.id, epochs=40, device="gpu")
    project.runs.append_event(run, "steer", epoch=2, step=0, epochs=40)
    project.close()
    rebuild_index(project.folder, ListReporter())
    with Project.open(project.folder) as rebuilt:
        (found,) = rebuilt.runs.list()
        assert (found.status, found.device, found.options["epochs"]) == ("lost", "CPU", 40)
        assert (found.epochs, found.best_epoch, found.best_val_iou) == (2, 1, 0.4), "by its curves, as of any lost run"


def test_without_the_mirror_nothing_is_moved(project: Project) -> None:
    project.close()
    (project.folder / "samples.csv").unlink()
    with pytest.raises(NotAProject, match=r"samples\.csv"):
        rebuild_index(project.folder, ListReporter())
    Project.open(project.folder).close()


@pytest.mark.parametrize(
    "text", ["image\n", "image,truth,stem,width,height,split,group,problem,foreground\na,,a,x,1,train,,,\n"]
)
def test_a_damaged_mirror_is_refused(project: Project, text: str) -> None:
    project.close()
    (project.folder / "samples.csv").write_text(text + "b\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"samples\.csv"):
        rebuild_index(project.folder, ListReporter())
    Project.open(project.folder).close()


def test_an_open_window_is_not_robbed_of_its_index(project: Project) -> None:
    with Project.open(project.folder, is_editor=True), pytest.raises(UserError, match="open for editing"):
        rebuild_index(project.folder, ListReporter())


def review_a_little(project: Project) -> None:
    """What only the index knows: looks, kept errors, suspicions, acts, rules, a note."""
    work_a_little(project)
    project.samples.set_seen([2, 5])
    project.samples.set_comment(5, "an edge")
    region = Region(Rect(2, 3, 4, 5), np.ones((5, 4), np.bool_))
    project.predictions.keep(2, project.samples.get(3), region)
    store_suspicions(project, "loss", {2: (1, Suspicion(0.8, "stays high")), 1: (2, Suspicion(0.3, ""))})
    project.lint.set_rules(LintRules(holes=0))
    project.lint.look("masks", [1, 2, 3], ListReporter())
    project.problems.extend([("images/left_out.png", "is no picture")])
    project.predictions.set_current(1)
    with project.database.connection() as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def damage(index: Path, table: str) -> None:
    """Write over the first page of a table, as a bad sector would."""
    with contextlib.closing(sqlite3.connect(index)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with index.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


@pytest.mark.parametrize("loss", ["", "act", "kept", "sample", "setting", "all"])
def test_what_only_the_index_knew_is_brought_along_or_said_to_be_lost(project: Project, loss: str) -> None:
    review_a_little(project)
    folder, images = project.folder, {one.id: one.image for one in project.samples.all()}
    seen = dict(project.database.rows("SELECT image, seen FROM sample"))
    kept, undoable = project.blobs.kept(2, project.samples.get(3)), project.acts.all()
    reasons_of_2, findings = reasons(project, 2), project.lint.findings()
    project.close()
    if loss == "all":
        (folder / INDEX).unlink()
    elif loss:
        damage(folder / INDEX, loss)
    found = rebuild_index(folder, ListReporter())
    with Project.open(folder) as rebuilt:
        assert {one.id: one.image for one in rebuilt.samples.all()} == images
        # Files beside the index say again what people have done by hand.
        assert dict(rebuilt.database.rows("SELECT image, seen FROM sample")) == seen
        assert np.array_equal(rebuilt.blobs.kept(2, rebuilt.samples.get(3)), kept)
        assert kept.sum() == 20
        (review,) = rebuilt.samples.reviews([5])
        assert review.comment == "an edge"
        said = " ".join(found["lost"])
        is_lost = {table: table == loss or loss == "all" for table in ("act", "sample", "setting", "problem")}
        # Acts name samples by numbers of the old index, which nobody knows any more without its samples.
        is_lost["act"] |= is_lost["sample"]
        assert ("The undo of verdicts" in said) == is_lost["act"]
        assert ("Why masks were suspected" in said) == is_lost["sample"]
        assert ("The rules of unusual masks" in said) == is_lost["setting"]
        assert rebuilt.acts.all() == ([] if is_lost["act"] else undoable)
        assert reasons(rebuilt, 2) == ([] if is_lost["sample"] else reasons_of_2)
        assert (rebuilt.lint.rules() == LintRules(holes=0)) == (not is_lost["setting"])
        assert rebuilt.lint.findings() == ([] if is_lost["sample"] else findings)
        assert rebuilt.predictions.current() == (2 if is_lost["setting"] else 1)
        assert bool(rebuilt.problems.list()) == (not is_lost["problem"])
        assert check(rebuilt) == []
        if not loss:
            assert found["lost"] == []
            states = [one.state for one in rebuilt.samples.all()]
            outcome = rebuilt.acts.undo()
            assert outcome.left == 0
            assert [one.state for one in rebuilt.samples.all()] != states
