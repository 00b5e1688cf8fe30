import json
from pathlib import Path

import pytest

from segstudio.cli import main
from segstudio.core.sample import ReviewState
from segstudio.project.project import Project
from tests.project.projects import make_project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with make_project(tmp_path) as project:
        project.samples.set_state([1, 2], ReviewState.ACCEPTED)
        run = project.runs.create("p", "m", {}, "scratch")
        project.runs.update(run.id, status="finished")
    return tmp_path / "project"


def test_acts_are_listed_undone_and_done_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(folder), "--delete", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"deleted": [1], "purged": [], "kept": [1]}
    assert main(["undo", str(folder)]) == 0
    assert main(["undo", str(folder), "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "undone: delete run 0001"
    result = json.loads(lines[1])
    assert (result["act"]["title"], result["changed"]) == ("accept 2 samples", 2)
    assert main(["undo", str(folder), "--list"]) == 0
    assert "delete run 0001" in capsys.readouterr().out
    assert main(["undo", str(folder), "--redo"]) == 0
    with Project.open(folder) as project:
        assert project.samples.get(1).state is ReviewState.ACCEPTED
        assert [run.id for run in project.runs.list()] == [1]


def test_nothing_is_undone_beside_a_window(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Project.open(folder, is_editor=True):
        assert main(["undo", str(folder)]) == 1
    assert "open for editing in a window" in capsys.readouterr().err
