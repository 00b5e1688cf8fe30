"""Champions: who is one, how a title changes hands, and what survives a lost index."""

import json
from pathlib import Path

import pytest

from segstudio.core.errors import ReadOnlyProject, UserError
from segstudio.core.reporter import ListReporter
from segstudio.project.champions import FILE
from segstudio.project.check import check_project
from segstudio.project.looks import Look
from segstudio.project.project import Project
from segstudio.project.rebuilding import rebuild_index
from segstudio.project.runs import Run
from tests.project.projects import make_project


def finished(project: Project, iou: float, status: str = "finished") -> Run:
    run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    run.best_weights.write_bytes(b"weights")
    return project.runs.update(run.id, status=status, best_val_iou=iou)


def champion(project: Project) -> int | None:
    best = project.runs.best()
    return None if best is None else best.id


def test_before_there_were_champions_the_best_on_validation_counts(project: Project) -> None:
    assert champion(project) is None
    for iou in (0.5, 0.8, 0.6):
        finished(project, iou)
    assert champion(project) == 2
    assert project.champions.reign() is None
    other = project.champions.current(but=2)
    assert other is not None
    assert other.id == 3
    assert not project.champions.can_roll_back


def test_a_title_changes_hands_and_is_given_back(project: Project) -> None:
    for iou in (0.5, 0.8, 0.6):
        finished(project, iou)
    project.champions.promote(3, "because")
    assert champion(project) == 3
    reigns = project.champions.reigns()
    assert [(one.run, one.why) for one in reigns] == [(2, "best on validation of the runs so far"), (3, "because")]
    project.champions.promote(3, "again")
    assert project.champions.reigns() == reigns, "who is champion already stays it without another word"
    project.champions.promote(1, "by hand")
    assert project.champions.roll_back().id == 3
    assert project.champions.roll_back().id == 2
    assert champion(project) == 2
    with pytest.raises(UserError, match="no earlier champion"):
        project.champions.roll_back()
    assert [event["event"] for event in project.runs.events(3)][-2:] == ["champion", "dethroned"]


def test_one_that_was_champion_twice_gives_the_title_back_to_the_one_between(project: Project) -> None:
    for run in (finished(project, 0.5), finished(project, 0.6)):
        project.champions.promote(run.id, "first")
    project.champions.promote(1, "again")
    assert project.champions.roll_back().id == 2
    assert project.champions.roll_back().id == 1


def test_a_run_that_cannot_be_used_is_no_champion(project: Project) -> None:
    first, second = finished(project, 0.5), finished(project, 0.6)
    failed = finished(project, 0.9, "failed")
    with pytest.raises(UserError, match="it is failed"):
        project.champions.promote(failed.id, "no")
    for run in (first, second):
        project.champions.promote(run.id, "yes")
    second.best_weights.unlink()
    assert champion(project) == 1, "without its weights the one before reigns"
    assert not project.champions.can_roll_back


def test_a_rebuilt_index_keeps_champion_and_looks(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        finished(project, 0.9)
        finished(project, 0.5)
        project.champions.promote(2, "by hand")
        project.looks.record("0001", "evaluate")
        project.looks.record("0002", "evaluate")
    rebuild_index(tmp_path / "project", ListReporter())
    with Project.open(tmp_path / "project") as project:
        assert champion(project) == 2
        assert project.champions.can_roll_back
        assert [(look.run, look.by) for look in project.looks.all()] == [("0001", "evaluate"), ("0002", "evaluate")]
        assert check_project(project, ListReporter()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"reigns": [{}]}', '{"reigns": 3}', '{"reigns": [{"run": "x"}]}'])
def test_a_damaged_file_is_found_and_stops_nothing(project: Project, text: str) -> None:
    run = finished(project, 0.5)
    (project.folder / FILE).write_text(text, encoding="utf-8")
    assert champion(project) == run.id
    (finding,) = check_project(project, ListReporter())
    assert (finding.path, finding.severity) == (FILE, "warning")
    project.champions.promote(run.id, "by hand")
    assert json.loads((project.folder / FILE).read_text(encoding="utf-8"))["reigns"][-1]["run"] == run.id


def test_who_may_not_write_may_not_promote(project: Project) -> None:
    finished(project, 0.5)
    with Project.open(project.folder, is_editor=True), Project.open(project.folder, is_editor=True) as reader:
        assert champion(reader) == 1
        with pytest.raises(ReadOnlyProject):
            reader.champions.promote(1, "no")
        with pytest.raises(ReadOnlyProject):
            reader.champions.roll_back()


def test_looks_are_counted_and_a_torn_line_is_left_out(project: Project) -> None:
    assert "Nobody has looked" in project.looks.words()
    told = []
    project.changed.connect(told.append)
    assert project.looks.record("0001", "evaluate") == 1
    assert len(told) == 1
    assert "runs" in told[0]
    assert project.looks.words() == "This project has looked at its test split once."
    project.looks.record("0002", "stress")
    with (project.folder / "test_looks.csv").open("a", encoding="utf-8") as file:
        file.write("2026-01-01T0")
    assert [type(look) for look in project.looks.all()] == [Look, Look]
    assert "2 times (2 runs)" in project.looks.words()
