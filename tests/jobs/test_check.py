"""The check job: a plain answer, and an index made anew when that is wished."""

import json
from pathlib import Path

import numpy as np

from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.project.project import INDEX, Project
from segstudio.project.salvage import LOST
from tests.project.projects import make_project


def test_a_sound_project(tmp_path: Path) -> None:
    make_project(tmp_path).close()
    result = JOBS["check"].from_values({"thorough": True}).perform(tmp_path / "project", ListReporter())
    assert result == {"ok": True, "samples": 6, "findings": [], "rebuilt": None}


def test_what_is_wrong_is_in_the_result_and_in_the_notes(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        project.masks.save(1, np.ones((48, 64), np.uint8))
    (tmp_path / "project/masks/images/sample_00.png").write_bytes(b"torn")
    (tmp_path / "project/project.json").unlink()
    report = ListReporter()
    result = JOBS["check"].from_values({}).perform(tmp_path / "project", report)
    assert not result["ok"]
    assert {(one["path"], one["severity"]) for one in result["findings"]} == {
        ("masks/images/sample_00.png", "error"), ("project.json", "mended"),
    }  # fmt: skip
    assert {subject for subject, _ in report.notes} == {"masks/images/sample_00.png", "project.json"}
    assert json.loads(json.dumps(result)) == result


def test_a_lost_index_is_made_anew(tmp_path: Path) -> None:
    with make_project(tmp_path) as project:
        project.masks.save(1, np.ones((48, 64), np.uint8))
    (tmp_path / "project" / INDEX).unlink()
    result = JOBS["check"].from_values({"rebuild": True}).perform(tmp_path / "project", ListReporter())
    assert result["ok"]
    assert result["rebuilt"] == {
        "samples": 6, "masks": 1, "runs": 0, "predictions": 0, "recipes": 0, "copies": 0, "old": None,
        "lost": list(LOST.values()),
        "salvaged": {"seen": 0, "keeps": 0, "suspicions": 0, "acts": 0, "settings": 0, "problems": 0},
    }  # fmt: skip
    with Project.open(tmp_path / "project") as rebuilt:
        assert rebuilt.masks.load(rebuilt.samples.get(1)).all()


def test_a_dataset_that_was_moved_is_found_again(tmp_path: Path) -> None:
    make_project(tmp_path).close()
    (tmp_path / "dataset").rename(tmp_path / "moved")
    result = JOBS["check"].from_values({}).perform(tmp_path / "project", ListReporter())
    assert [one["text"] for one in result["findings"] if "--source" in one["text"]] != []
    options = {"source": str(tmp_path / "moved")}
    result = JOBS["check"].from_values(options).perform(tmp_path / "project", ListReporter())
    assert (result["ok"], result["findings"]) == (True, [])
