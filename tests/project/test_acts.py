from pathlib import Path

import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.project import mirror
from segstudio.project.check import check_project
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
    assert "1 had been changed" in outcome.words
    assert states(project)[:2] == [TODO, ReviewState.CORRECTED]
    assert (project.masks.load(project.samples.get(2)) == mask).all()


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
