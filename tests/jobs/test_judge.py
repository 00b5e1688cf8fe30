import json
from pathlib import Path

import pytest

from segstudio.cli import main
from segstudio.core.sample import ReviewState, Split
from segstudio.project.project import Project
from tests.project.projects import make_project


def test_samples_of_a_filter_are_judged_moved_and_commented_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_project(tmp_path).close()
    folder = str(tmp_path / "project")
    command = ["judge", folder, "--filter", "split:val", "--state", "flagged", "--comment", " blurred ", "--split"]
    assert main([*command, "train", "--reviewer", "Anna", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"samples": 1, "judged": 1, "moved": 1, "commented": 1}
    with Project.open(tmp_path / "project") as project:
        sample = project.samples.get(3)
        assert (sample.state, sample.split) == (ReviewState.FLAGGED, Split.TRAIN)
        (review,) = project.samples.reviews([3])
        assert (review.reviewer, review.comment) == ("Anna", "blurred")
    assert main(["list", folder, "--filter", "comment:*blur* reviewer:anna", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["samples"]
    assert (row["comment"], row["reviewer"], row["seconds"]) == ("blurred", "Anna", 0.0)
    for _ in range(2):
        assert main(["undo", folder]) == 0
    with Project.open(tmp_path / "project") as project:
        assert (project.samples.get(3).state, project.samples.get(3).split) == (ReviewState.TODO, Split.VAL)


def test_the_test_split_is_frozen_and_nothing_is_no_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_project(tmp_path).close()
    folder = str(tmp_path / "project")
    for arguments, said in (
        (["--filter", "", "--split", "val"], "the test split is frozen, and one of the samples is in it"),
        (["--filter", ""], "nothing to say"),
        (["--filter", "name:nobody", "--state", "todo"], "no sample fits"),
    ):
        assert main(["judge", folder, *arguments]) == 1
        assert said in capsys.readouterr().err
