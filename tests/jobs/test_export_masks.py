"""Exported masks are ordinary files under the images' own names, and never overwrite anything."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import ReviewState
from segstudio.jobs import JOBS
from segstudio.project.project import Project


def export(project: Project, to: object, report: ListReporter | None = None, **options: Any) -> dict[str, Any]:
    job = JOBS["export-masks"].from_values({"to": str(to), **options})
    return job.perform(project.folder, report or ListReporter())


def values(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        assert file.mode == "L"
        return np.asarray(file)


@pytest.mark.parametrize(("name", "value"), [("png", 255), ("png01", 1)])
def test_every_current_mask_is_written(project: Project, tmp_path: Path, name: str, value: int) -> None:
    project.masks.save(1, np.ones((48, 64), np.uint8))
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET truth = NULL WHERE id = 2")
    report = ListReporter()
    assert export(project, tmp_path / "out", report, format=name) == {
        "to": str(tmp_path / "out"), "masks": 5, "without_mask": 1, "notes": [], "ignored": 0, "ignored_to": None,
    }  # fmt: skip
    assert report.artifacts == [tmp_path / "out"]
    assert (values(tmp_path / "out/images/sample_00.png") == value).all()
    third = values(tmp_path / "out/images/sample_02.png")
    assert np.array_equal(third, project.masks.load(project.samples.get(3)) * np.uint8(value))
    assert len([*(tmp_path / "out").rglob("*.*")]) == 5


def test_ignored_regions_go_into_a_folder_of_their_own_or_are_said_to_stay(project: Project, tmp_path: Path) -> None:
    region = np.zeros((48, 64), np.uint8)
    region[5:9, 7:20] = 1
    project.ignored.save(2, region)
    report = ListReporter()
    result = export(project, tmp_path / "out", report)
    assert (result["ignored"], result["ignored_to"]) == (1, None)
    assert "--ignored FOLDER" in result["words"]
    assert result["words"] in report.lines
    result = export(project, tmp_path / "again", ignored=str(tmp_path / "regions"))
    assert (result["masks"], result["ignored"], result["ignored_to"]) == (6, 1, str(tmp_path / "regions"))
    assert "words" not in result
    (written,) = (tmp_path / "regions").rglob("*.*")
    assert written == tmp_path / "regions/images/sample_01.png"
    assert np.array_equal(values(written), region * 255)
    for folder in (tmp_path / "new", tmp_path / "new/inside", tmp_path, project.folder / "x"):
        with pytest.raises(UserError):
            export(project, tmp_path / "new", ignored=str(folder))


def test_a_filter_chooses(project: Project, tmp_path: Path) -> None:
    project.samples.set_state([2, 4], ReviewState.ACCEPTED)
    assert export(project, tmp_path / "out", filter="state:accepted")["masks"] == 2
    with pytest.raises(UserError, match="never 'good'"):
        export(project, tmp_path / "out", filter="state:good")


def test_nothing_is_overwritten_unless_wished(project: Project, tmp_path: Path) -> None:
    export(project, tmp_path / "out")
    kept = tmp_path / "out/images/sample_00.png"
    kept.write_bytes(b"mine")
    with pytest.raises(UserError, match="exists already"):
        export(project, tmp_path / "out")
    assert kept.read_bytes() == b"mine"
    assert export(project, tmp_path / "out", overwrite=True)["masks"] == 6
    assert kept.read_bytes() != b"mine"


@pytest.mark.parametrize("where", ["dataset", "dataset/masks", "dataset/../dataset/new", "project", "project/masks"])
def test_the_dataset_and_the_project_are_not_written(project: Project, tmp_path: Path, where: str) -> None:
    with pytest.raises(UserError, match="itself"):
        export(project, tmp_path / where)


def test_a_place_that_is_none(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="wants a folder"):
        export(project, "")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="is a file"):
        export(project, tmp_path / "file")


def test_a_bad_mask_is_a_note_and_the_rest_is_written(project: Project, tmp_path: Path) -> None:
    (project.source / "masks/sample_03.png").write_bytes(b"torn")
    report = ListReporter()
    result = export(project, tmp_path / "out", report)
    assert (result["masks"], [note["path"] for note in result["notes"]]) == (5, ["images/sample_03.png"])
    assert [subject for subject, _ in report.notes] == ["images/sample_03.png"]


def test_cancelling_stops_it(project: Project, tmp_path: Path) -> None:
    report = ListReporter()
    report.is_cancel_wanted = True
    with pytest.raises(Cancelled):
        export(project, tmp_path / "out", report)


def test_not_one_mask_is_a_failure(project: Project, tmp_path: Path) -> None:
    project.source.rename(tmp_path / "away")
    with pytest.raises(UserError, match="no mask could be written"):
        export(project, tmp_path / "out")


def test_predictions_are_written_in_place_of_masks(project: Project, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no trained model"):
        export(project, tmp_path / "none", of="predictions")
    probability = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64).astype(np.uint8)
    runs = [project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch") for _ in range(2)]
    project.predictions.save(runs[0].id, project.samples.get(2), probability)
    project.predictions.save(runs[1].id, project.samples.get(3), 255 - probability)
    project.predictions.set_threshold(runs[0].id, 0.75)
    project.predictions.set_current(runs[0].id)
    result = export(project, tmp_path / "out", of="predictions")
    assert (result["masks"], result["without_mask"], result["run"]) == (1, 5, runs[0].id)
    (written,) = (tmp_path / "out").rglob("*.*")
    assert np.array_equal(values(written), (probability > 0.75 * 255) * np.uint8(255))
    result = export(project, tmp_path / "other", of="predictions", run="2", format="png01")
    assert np.array_equal(values(tmp_path / "other/images/sample_02.png"), 255 - probability >= 128)
    with pytest.raises(UserError, match="has predicted none of these samples"):
        export(project, tmp_path / "empty", of="predictions", filter="name:sample_05*")
