import threading
from pathlib import Path

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.project import mirror
from segstudio.project.accepting import accept, plan_accept
from segstudio.project.acts import BATCH
from segstudio.project.check import check_project
from segstudio.project.documents import close_document, open_document, put_mask, put_revision, save_document
from segstudio.project.project import Project
from segstudio.project.rebuilding import rebuild_index
from tests.project.projects import make_project

TODO, ACCEPTED, FLAGGED = ReviewState.TODO, ReviewState.ACCEPTED, ReviewState.FLAGGED


def states(project: Project) -> list[ReviewState]:
    return [one.state for one in project.samples.all()]


def splits(project: Project) -> str:
    return "".join(one.split[1] for one in project.samples.all())


def test_verdicts_are_undone_one_after_the_other_and_done_again(project: Project) -> None:
    project.samples.set_state([1, 2], ACCEPTED)
    project.samples.set_state([2], FLAGGED)
    given = project.samples.state_changed(2)
    assert [act.title for act in project.acts.all()] == ["flag sample_01.png", "accept 2 samples"]
    assert project.acts.undo().ids == [2]
    assert states(project)[:2] == [ACCEPTED, ACCEPTED]
    assert project.acts.undo().ids == [1, 2]
    assert states(project) == [TODO] * 6
    assert project.samples.state_changed(1) is None
    with pytest.raises(UserError, match="nothing to undo"):
        project.acts.undo()
    project.acts.redo()
    project.acts.redo()
    assert states(project)[:2] == [ACCEPTED, FLAGGED]
    assert project.samples.state_changed(2) == given
    with pytest.raises(UserError, match="nothing to do again"):
        project.acts.redo()


def test_an_act_on_very_many_samples_is_one_act(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BATCH, "review", 4)
    project.samples.set_state([1, 2, 3, 4, 5, 6], FLAGGED)
    (act,) = project.acts.all()
    assert act.title == "flag 6 samples"
    assert len(list(mirror.read_reviews(project.folder))) == 6
    assert project.acts.undo().ids == [1, 2, 3, 4, 5, 6]
    assert states(project) == [TODO] * 6
    assert project.acts.redo().left == 0
    project.reviewer = "Anna"
    project.samples.set_state([1], TODO)
    project.samples.set_state([1], TODO)
    assert len(project.acts.all()) == 2, "who takes back what nobody gave does nothing"


def test_undo_survives_closing_and_a_new_act_ends_redo(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        project.samples.set_state([1], ACCEPTED)
        project.samples.set_state([2], ACCEPTED)
        project.acts.undo()
    with Project.open(tmp_path / "project") as project:
        assert project.acts.redoable() is not None
        assert project.acts.undo().ids == [1]
        project.samples.set_state([3], FLAGGED)
        assert project.acts.redoable() is None
        assert [act.title for act in project.acts.all()] == ["flag sample_02.png"]


def test_what_became_something_else_since_is_left_alone(project: Project) -> None:
    project.samples.set_state([1, 2], ACCEPTED)
    mask = project.masks.load(project.samples.get(2)) ^ 1
    project.masks.save(2, mask)
    outcome = project.acts.undo()
    assert (outcome.ids, outcome.left) == ([1], 1)
    assert outcome.words.startswith("1 had been changed since")
    assert states(project)[:2] == [TODO, ReviewState.CORRECTED]
    assert (project.masks.load(project.samples.get(2)) == mask).all()


def test_acts_are_told_as_what_was_done(project: Project) -> None:
    for state in ReviewState:
        project.samples.set_state([1, 2], state)
    project.samples.set_split([1], Split.VAL)
    told = [act.done for act in reversed(project.acts.all())]
    assert told == [
        "marked as corrected 2 samples", "accepted 2 samples", "flagged 2 samples", "rejected 2 samples",
        "moved sample_00.png to validation",
    ]  # fmt: skip
    project.samples.set_state([1], ReviewState.TODO)
    assert project.acts.undoable().done == "took back verdict on sample_00.png"


def test_a_verdict_that_changes_nothing_is_no_act(project: Project) -> None:
    project.samples.set_state([1], ACCEPTED)
    project.samples.set_state([1], ACCEPTED)
    assert len(project.acts.all()) == 1


def test_splits_move_with_their_groups_and_never_touch_the_test_split(project: Project) -> None:
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET group_name = 'twins' WHERE id IN (1, 2)")
    assert splits(project) == "rrarre"
    assert project.samples.set_split([1, 4], Split.VAL) == [1, 2, 4]
    assert splits(project) == "aaaare"
    assert [row["split"] for row in mirror.read_samples(project.folder)] == ["val"] * 4 + ["train", "test"]
    project.acts.undo()
    assert splits(project) == "rrarre"
    assert [row["split"] for row in mirror.read_samples(project.folder)][:2] == ["train", "train"]
    for ids, split in (([1, 6], Split.VAL), ([1], Split.TEST)):
        with pytest.raises(UserError, match="test split is frozen"):
            project.samples.set_split(ids, split)
    assert splits(project) == "rrarre"


def test_who_gave_the_verdict_and_what_they_say_are_kept_by_a_rebuild(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        project.reviewer = "Анна"
        project.samples.set_state([1, 2], ACCEPTED)
        project.samples.add_seconds({1: 12.5, 3: 4.0})
        project.samples.set_comment(1, "верх, blurred\nsecond line")
        project.reviewer = "Boris"
        project.samples.set_state([2], ACCEPTED)  # agrees: their name takes the place of the first
        project.samples.set_comment(3, "  odd ")
        before = project.samples.reviews([1, 2, 3])[:2]
        assert [one.reviewer for one in before] == ["Анна", "Boris"]
        assert check_project(project, ListReporter()) == []
        folder = project.folder
    rebuild_index(folder, ListReporter())
    with Project.open(folder) as project:
        after = project.samples.reviews([1, 2, 3])
        assert after[:2] == before
        assert (after[2].state, after[2].comment, after[2].seconds) == (TODO, "odd", 4.0)
        assert project.samples.state_changed(3) is None
        assert check_project(project, ListReporter()) == []
        (folder / "reviews.csv").unlink()
        assert [finding.severity for finding in check_project(project, ListReporter())] == ["mended"]
        assert [one.comment for one in mirror.read_reviews(folder)] == ["odd", "верх, blurred\nsecond line", ""]


def test_lines_of_the_first_version_are_read(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("2026-01-01T00:00:00.000+00:00,a.png,accepted\nb.png,torn\n", "utf-8")
    (one,) = mirror.read_reviews(tmp_path)
    assert (one.image, one.state, one.reviewer, one.seconds, one.comment) == ("a.png", ACCEPTED, "", 0.0, "")


def test_a_deleted_run_comes_back_with_its_predictions_and_is_gone_after_a_purge(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        first, second = (project.runs.create("p", "m", {}, "scratch") for _ in range(2))
        for run in (first, second):
            project.predictions.save(run.id, project.samples.get(1), np.full((48, 64), 200, np.uint8))
            project.predictions.score(run.id)
            project.predictions.set_current(run.id)
        with pytest.raises(UserError, match="being trained"):
            project.runs.delete(second.id)
        for run in (first, second):
            project.runs.update(run.id, status="finished")
            run.best_weights.write_bytes(b"weights")
        iou = project.samples.table().iou[0]
        project.runs.delete(second.id)
        assert [run.id for run in project.runs.list()] == [first.id]
        assert (project.predictions.current(), project.predictions.previous()) == (first.id, None)
        with pytest.raises(UserError, match="no run 0002"):
            project.runs.get(second.id)
        assert project.runs.create("p", "m", {}, "scratch").id == 3, "its number is not given away"
        assert check_project(project, ListReporter()) == []
        assert project.runs.purge(days=7) == (), "it was deleted just now"
        assert project.acts.undo().ids == [second.id]
        assert (project.predictions.current(), project.predictions.previous()) == (second.id, first.id)
        assert project.samples.table().iou[0] == iou
        project.acts.redo()
        folder = project.folder
    rebuild_index(folder, ListReporter())
    with Project.open(folder) as project:
        assert [run.id for run in project.runs.list()] == [3, 1]
        assert [run.id for run in project.runs.purge()] == [second.id]
        assert not second.folder.exists()
        assert not (folder / "predictions" / second.name).exists()
        assert check_project(project, ListReporter()) == []


def test_the_number_of_a_run_that_is_gone_for_good_is_given_to_no_other(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        for number in (1, 2):
            run = project.runs.create("p", "m", {}, "scratch")
            run.best_weights.write_bytes(b"weights")
            project.runs.update(run.id, status="finished", best_val_iou=0.5)
            project.champions.promote(number, "a try")
        project.runs.delete(2)
        assert [run.id for run in project.runs.purge()] == [2]
        new = project.runs.create("p", "m", {}, "scratch")
        assert new.id == 3, "else the new run would be the champion that the old one was"
        folder = project.folder
    (folder / "runs" / new.name / "options.toml").unlink()
    (folder / "runs" / new.name / "events.jsonl").unlink()
    (folder / "runs" / new.name).rmdir()
    rebuild_index(folder, ListReporter())
    with Project.open(folder) as project:
        assert project.runs.create("p", "m", {}, "scratch").id == 3, "champions.json remembers it too"


def test_undoing_a_deleted_run_that_was_not_shown_leaves_what_is_shown(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        for _ in range(4):
            run = project.runs.create("p", "m", {}, "scratch")
            project.runs.update(run.id, status="finished")
        project.runs.show(2, None)
        project.runs.delete(1)
        project.runs.show(4, 3)
        project.acts.undo()
        assert (project.predictions.current(), project.predictions.previous()) == (4, 3)
        project.acts.redo()
        assert (project.predictions.current(), project.predictions.previous()) == (4, 3)


@pytest.mark.parametrize("what", ["accept", "undo"])
def test_masks_of_many_change_beside_a_save_without_waiting_for_each_other(project: Project, what: str) -> None:
    project.masks.save(1, np.ones((48, 64), np.uint8))
    plan = plan_accept(project, "masks", "")
    if what == "undo":
        run = project.runs.create("p", "m", {}, "scratch")
        project.predictions.save(run.id, project.samples.get(2), np.full((48, 64), 200, np.uint8))
        project.predictions.set_current(run.id)
        accept(project, plan_accept(project, "predictions", ""), ListReporter())
    done: list[object] = []

    def work() -> None:
        done.append(accept(project, plan, ListReporter()) if what == "accept" else project.acts.undo())

    thread = threading.Thread(target=work)
    with project.masks.saving:  # as a save holds it, before its transaction
        thread.start()
        thread.join(0.3)
        with project.transaction("samples"):  # what is not told "busy" after fifteen seconds
            assert not done
    thread.join()
    assert done


def test_masks_that_are_put_back_keep_their_numbers_and_their_journal(project: Project) -> None:
    sample = project.samples.get(1)
    truth = project.masks.load(sample)
    painted, other = truth.copy(), 1 - truth
    painted[:5] = 1
    document = open_document(project, sample).document
    document.replace(painted, "Paint")
    save_document(project, sample, document)
    close_document(document)
    project.masks.seal([1])
    put_mask(project, project.samples.get(1), other, "Accept prediction")
    assert project.samples.get(1).revision == 2
    put_revision(project, project.samples.get(1), 1)
    sample = project.samples.get(1)
    assert sample.revision == 1
    assert (project.masks.load(sample) == painted).all()
    put_revision(project, sample, 0)
    assert (project.masks.load(project.samples.get(1)) == truth).all()
    put_revision(project, project.samples.get(1), 2)
    assert (project.masks.load(project.samples.get(1)) == other).all()
    opened = open_document(project, project.samples.get(1))
    assert opened.notes == [], "the journal knows of it"
    for _ in range(5):
        opened.document.undo()
    assert (opened.document.mask == truth).all()
    close_document(opened.document)
    put_revision(project, project.samples.get(1), 1)
    assert project.masks.save(1, other ^ painted).revision == 3, "no number is given twice"


def test_a_mask_that_was_taken_back_stays_away_after_a_rebuild(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        with project.transaction("samples") as connection:
            connection.execute("UPDATE sample SET truth = NULL WHERE id = 1")
        project.samples.write_mirror()
        project.masks.save(1, np.ones((48, 64), np.uint8))
        project.masks.put_back(1, 0)
        assert not project.samples.get(1).has_mask
        folder = project.folder
    report = ListReporter()
    rebuild_index(folder, report)
    assert report.notes == []
    with Project.open(folder) as project:
        assert not project.samples.get(1).has_mask
        assert project.masks.load_revision(project.samples.get(1), 1).all()
        assert project.masks.save(1, np.zeros((48, 64), np.uint8)).revision == 2
        (folder / "masks" / f"{project.samples.get(1).stem}.png").unlink()
    report = ListReporter()
    rebuild_index(folder, report)
    assert len(report.notes) == 1, "a mask that was lost is no mask that was taken back"
