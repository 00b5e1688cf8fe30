"""kill -9 in the middle of a bulk accept: the half batch is taken back, the rest is one act and can be finished."""

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from segstudio.cli import main
from segstudio.core.errors import UserError
from segstudio.core.mask import Rect
from segstudio.core.raster import Region
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState, Sample
from segstudio.project.accepting import TITLE, accept, finish, plan_accept, read_audits, unfinished
from segstudio.project.check import check_project
from segstudio.project.documents import close_document, open_document, put_mask, save_document, take_back
from segstudio.project.project import Project
from tests.jobs.test_accept import predicted
from tests.project.processes import finish as end
from tests.project.processes import start_python, wait_for_line
from tests.project.projects import make_project

COUNT, BATCH = 14, 4

ACCEPT = f"""
import sys
from pathlib import Path
from segstudio.core.reporter import ListReporter
from segstudio.project import accepting
from segstudio.project.masks import Masks
from segstudio.project.project import Project

accepting.BATCH = {BATCH}
wanted, is_written = int(sys.argv[2]), sys.argv[3] == "written"
save, count = Masks.save, 0

def paused(masks, sample_id, mask):
    global count
    count += 1
    if count == wanted and not is_written:
        print("in the middle", flush=True)
        sys.stdin.read()
    saved = save(masks, sample_id, mask)
    if count == wanted:
        print("in the middle", flush=True)
        sys.stdin.read()
    return saved

Masks.save = paused
project = Project.open(Path(sys.argv[1]), is_editor=True)
project.reviewer = "Anna"
plan = accepting.plan_accept(project, "predictions", "", replaces_corrected=True)
accepting.accept(project, plan, ListReporter(), answers={{plan.ids[0]: True, plan.ids[-1]: False}})
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fourteen predicted samples: the second was painted on, with a history; the third was corrected and put back."""
    with make_project(tmp_path, COUNT) as project:
        run = project.runs.create("p", "m", {}, "scratch")
        project.runs.update(run.id, status="finished")
        run.best_weights.write_bytes(b"weights")
        for sample in project.samples.all():
            project.predictions.save(run.id, sample, predicted(sample.id))
        project.predictions.score(run.id)
        project.predictions.set_current(run.id)
        sample = project.samples.get(2)
        document = open_document(project, sample).document
        with document.stroke("Brush") as stroke:
            stroke.fill_region(Region(Rect(3, 3, 9, 9), np.ones((9, 9), np.bool_)), 1)
        save_document(project, sample, document)
        close_document(document)
        project.masks.save(3, np.ones((48, 64), np.uint8))
        project.masks.put_back(3, 0)
    return tmp_path / "project"


def everything(project: Project) -> list[tuple[object, ...]]:
    """State, revision and pixels of every sample."""
    return [
        (one.state, one.revision, project.masks.load(one).tobytes() if one.has_mask else b"")
        for one in project.samples.all()
    ]


@pytest.mark.parametrize(
    ("at", "where"),
    [
        (1, "written"),
        (2, "unwritten"),
        (2, "written"),
        (3, "written"),
        (BATCH + 2, "written"),
        (2 * BATCH, "unwritten"),
    ],
)
def test_a_killed_accept_leaves_no_half_batch_and_is_finished_or_undone_as_one_act(
    folder: Path, at: int, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(folder) as project:
        before = everything(project)
        planned = plan_accept(project, "predictions", "", replaces_corrected=True).ids[:-1]
    process = start_python(ACCEPT, [folder, at, where])
    wait_for_line(process, "in the middle")
    process.kill()
    end(process)
    done = (at - 1) // BATCH * BATCH
    with Project.open(folder, is_editor=True) as project:
        assert check_project(project, ListReporter()) == []
        found = everything(project)
        accepted = {planned[place] for place in range(done)}
        for sample, then, now in zip(project.samples.all(), before, found, strict=True):
            assert (now == then) == (sample.id not in accepted)
            assert (sample.state is ReviewState.ACCEPTED) == (sample.id in accepted)
        painted = open_document(project, project.samples.get(2)).document
        assert (painted.history.undo_label == TITLE) == bool(done)
        while painted.history.can_undo:
            painted.undo()
        assert np.array_equal(painted.mask, project.masks.load_original(project.samples.get(2)))
        while painted.history.can_redo:
            painted.redo()
        close_document(painted)
        assert [(one.reviewer, one.accepted) for one in read_audits(project)] == ([] if done else [("Anna", None)])
        begun = unfinished(project)
        if not done:
            assert begun is None
            assert any("before it accepted anything" in note for note in project.notes)
            return
        assert begun is not None
        assert f"{done} of {len(planned)} predictions are accepted" in begun.words
        assert any(begun.words in note for note in project.notes)
        project.acts.undo()
        assert everything(project) == before
        assert unfinished(project) is None
        project.acts.redo()
        assert everything(project) == found
        mine = np.eye(48, 64, dtype=np.uint8)
        project.masks.save(planned[-1], mine)  # a person was faster
    assert main(["info", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unfinished_accept"]["accepted"] == done
    assert main(["accept", str(folder), "--finish", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == len(planned) - 1
    with Project.open(folder) as project:
        for one in planned[:-1]:
            assert np.array_equal(project.masks.load(project.samples.get(one)), predicted(one) > 0)
        assert np.array_equal(project.masks.load(project.samples.get(planned[-1])), mine)
        assert [(one.reviewer, one.accepted) for one in read_audits(project)] == [("Anna", len(planned) - 1)]
        assert unfinished(project) is None
        assert project.acts.undoable().title == f"accept {len(planned) - 1} predictions"
        project.acts.undo()
        assert [one[:2] for one in everything(project)][: len(planned) - 1] == [one[:2] for one in before][
            : len(planned) - 1
        ]
    assert main(["accept", str(folder), "--finish"]) == 1
    assert "no bulk accept to be finished" in capsys.readouterr().err


UNDO = f"""
import sys
from pathlib import Path
from segstudio.project import acts
from segstudio.project.masks import Masks
from segstudio.project.project import Project

acts.BATCH["masks"] = {BATCH}
wanted, is_written, is_undo = int(sys.argv[2]), sys.argv[3] == "written", sys.argv[4] == "undo"
put_back, count = Masks.put_back, 0

def paused(masks, sample_id, number):
    global count
    count += 1
    if count == wanted and not is_written:
        print("in the middle", flush=True)
        sys.stdin.read()
    put_back(masks, sample_id, number)
    if count == wanted:
        print("in the middle", flush=True)
        sys.stdin.read()

Masks.put_back = paused
project = Project.open(Path(sys.argv[1]), is_editor=True)
project.acts.undo() if is_undo else project.acts.redo()
"""


@pytest.mark.parametrize("what", ["undo", "redo"])
@pytest.mark.parametrize(("at", "where"), [(2, "unwritten"), (2, "written"), (BATCH + 1, "written")])
def test_a_killed_undo_of_an_accept_leaves_no_half_batch_and_is_done_again(
    folder: Path, at: int, where: str, what: str
) -> None:
    with Project.open(folder, is_editor=True) as project:
        before = everything(project)
        plan = plan_accept(project, "predictions", "", replaces_corrected=True)
        accept(project, plan, ListReporter())
        after = everything(project)
        if what == "redo":
            project.acts.undo()
            before, after = after, everything(project)
    process = start_python(UNDO, [folder, at, where, what])
    wait_for_line(process, "in the middle")
    process.kill()
    end(process)
    done = {plan.ids[place] for place in range((at - 1) // BATCH * BATCH)}
    with Project.open(folder, is_editor=True) as project:
        assert any("do it again" in note for note in project.notes)
        assert check_project(project, ListReporter()) == []
        ids = [one.id for one in project.samples.all()]
        assert everything(project) == [
            then if one in done else now for one, then, now in zip(ids, before, after, strict=True)
        ]
        outcome = project.acts.undo() if what == "undo" else project.acts.redo()
        assert (sorted(outcome.ids), outcome.left) == (sorted(plan.ids), 0)
        assert everything(project) == before
        painted = open_document(project, project.samples.get(2))
        assert painted.notes == [], "its history goes on"
        close_document(painted.document)
    with Project.open(folder, is_editor=True) as project:
        assert project.notes == []


def test_a_prediction_that_was_the_mask_before_keeps_its_history(folder: Path) -> None:
    with Project.open(folder, is_editor=True) as project:
        sample = project.samples.get(2)
        put_mask(project, sample, (predicted(2) > 0).astype(np.uint8), TITLE)
        mask = project.masks.load(project.samples.get(2))
        take_back(project, project.samples.get(2), mask, TITLE)  # an accept that ended before it came to this one
        opened = open_document(project, project.samples.get(2))
        assert opened.notes == []
        assert opened.document.history.undo_label == TITLE
        assert np.array_equal(opened.document.mask, mask)
        close_document(opened.document)


def test_a_full_disk_in_mid_batch_leaves_no_half_batch_either(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segstudio.project.accepting.BATCH", BATCH)
    with Project.open(folder, is_editor=True) as project:
        before = everything(project)
        plan = plan_accept(project, "predictions", "", replaces_corrected=True)
        blocked = project.masks._file(project.samples.get(plan.ids[BATCH + 2]))
        blocked.mkdir()
        (blocked / "in the way").touch()  # a folder where the mask belongs: writing it fails as on a full disk
        with pytest.raises(UserError, match="accepting has stopped after 4 of 12"):
            accept(project, plan, ListReporter())
        (blocked / "in the way").unlink()
        blocked.rmdir()
        found = everything(project)
        changed = [place for place, (then, now) in enumerate(zip(before, found, strict=True)) if then != now]
        assert len(changed) == BATCH
        assert check_project(project, ListReporter()) == []
        assert finish(project, ListReporter()).accepted == len(plan.ids)
        assert project.acts.undo().left == 0
        assert everything(project) == before


def test_a_prediction_that_cannot_be_read_is_noted_and_the_others_are_accepted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Project.open(folder, is_editor=True) as project:
        load, report = project.predictions.load, ListReporter()

        def lost(run_id: int, sample: Sample) -> np.ndarray | None:
            if sample.id == 4:
                raise FileNotFoundError(2, "No such file or directory", "0004.png")  # between asking and reading
            return load(run_id, sample)

        monkeypatch.setattr(project.predictions, "load", lost)
        plan = plan_accept(project, "predictions", "", replaces_corrected=True)
        assert 4 not in accept(project, plan, report)
        assert [name for name, _ in report.notes] == [project.samples.get(4).image]
        assert project.samples.progress()[ReviewState.ACCEPTED] == len(plan.ids) - 1


@pytest.mark.parametrize("what", ["predictions", "masks"])
def test_what_a_person_does_while_samples_are_checked_is_theirs(
    folder: Path, what: Literal["predictions", "masks"]
) -> None:
    mine = np.eye(48, 64, dtype=np.uint8)
    with Project.open(folder, is_editor=True) as project:
        plan = plan_accept(project, what, "state:todo")
        mended, flagged, other = plan.ids[:3]
        project.masks.save(mended, mine)
        project.samples.set_state([flagged], ReviewState.FLAGGED)
        accepted = accept(project, plan, ListReporter())
        assert other in accepted
        assert flagged not in accepted
        assert project.samples.get(flagged).state is ReviewState.FLAGGED
        assert (mended in accepted) == (what == "masks")
        assert np.array_equal(project.masks.load(project.samples.get(mended)), mine)
