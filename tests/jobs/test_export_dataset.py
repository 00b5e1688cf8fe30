"""An exported dataset is whole, exact, upright and apart from the project; it appears complete or not at all."""

import csv
import json
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
from segstudio.project.samples import NewSample
from tests.jobs.projects import damage


def export(project: Project, to: object, report: ListReporter | None = None, **options: Any) -> dict[str, Any]:
    job = JOBS["export-dataset"].from_values({"to": str(to), **options})
    return job.perform(project.folder, report or ListReporter())


def grey(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        return np.asarray(file)


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "samples.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_images_are_copied_as_they_are_and_masks_are_the_current_ones(project: Project, tmp_path: Path) -> None:
    project.masks.save(1, np.ones((48, 64), np.uint8))
    project.samples.set_state([2], ReviewState.ACCEPTED)
    project.samples.set_comment(2, "fine, “really”\nfine")
    with project.transaction("samples") as connection:
        connection.execute("UPDATE sample SET truth = NULL WHERE id = 3")
    report = ListReporter()
    out = tmp_path / "deep" / "out"
    result = export(project, out, report)
    assert (result["samples"], result["without_mask"], result["notes"]) == (5, 1, [])
    assert (result["lowest_agreement"], result["turned"]) == (1.0, 0)
    assert sum(result["splits"].values()) == 5
    assert report.artifacts == [out]
    for row in table(out):
        sample = project.samples.by_image(row["source"])
        assert (out / row["image"]).read_bytes() == project.image_path(sample).read_bytes()
        assert np.array_equal(grey(out / row["mask"]), project.masks.load(sample) * np.uint8(255))
        assert (row["split"], row["state"]) == (str(sample.split), str(sample.state))
    by_source = {row["source"]: row for row in table(out)}
    assert by_source["images/sample_01.png"]["comment"] == "fine, “really”\nfine"
    assert by_source["images/sample_00.png"]["image"] == "images/sample_00.png", "the common folder is not repeated"
    assert not [path for path in out.parent.iterdir() if path != out], "nothing is left beside it"


@pytest.mark.parametrize("name", ["folders", "split-folders"])
def test_a_new_project_of_it_has_the_same_masks(project: Project, tmp_path: Path, name: str) -> None:
    project.masks.save(1, np.ones((48, 64), np.uint8))
    project.ignored.save(2, np.ones((48, 64), np.uint8))
    export(project, tmp_path / "out", format=name)
    values = {"source": str(tmp_path / "out"), **({"split": "folders"} if name == "split-folders" else {})}
    made = JOBS["new"].from_values(values).perform(tmp_path / "again", ListReporter())
    assert (made["samples"], made["pairs"]) == (6, 6)
    assert {note["path"].rpartition("/")[2] for note in made["notes"]} == {"samples.csv", "ignored"}, "no pictures"
    with Project.open(tmp_path / "again") as again:
        for sample in again.samples.all():
            before = project.samples.by_image(f"images/{sample.name}")
            assert np.array_equal(again.masks.load(sample), project.masks.load(before))
            if name == "split-folders":
                assert sample.split is before.split


def test_an_image_that_only_exif_puts_upright_is_written_upright(tmp_path: Path) -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:10, :10] = 255
    (tmp_path / "data").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("jpg", "tif"):
        Image.fromarray(pixels).save(tmp_path / f"data/turned.{suffix}", exif=exif, quality=95)
        mask = np.zeros((30, 20), np.uint8)
        mask[:10, 10:] = 255
        Image.fromarray(mask).save(tmp_path / f"data/{suffix}_mask.png")
    rows = [NewSample(f"turned.{suffix}", f"{suffix}_mask.png", 20, 30) for suffix in ("jpg", "tif")]
    with Project.create(tmp_path / "project", tmp_path / "data", rows) as project:
        assert export(project, tmp_path / "out")["turned"] == 2
        for sample, row in zip(project.samples.all(), table(tmp_path / "out"), strict=True):
            assert row["image"].endswith(".png")
            written = grey(tmp_path / "out" / row["image"])
            assert np.array_equal(written, project.read_image(sample))
            mask = grey(tmp_path / "out" / row["mask"]) > 0
            assert written[mask].min() > 200
            assert written[~mask].max() < 60


def test_what_is_ignored_goes_where_the_format_has_a_place_for_it(project: Project, tmp_path: Path) -> None:
    region = np.zeros((48, 64), np.uint8)
    region[5:9, 7:20] = 1
    project.ignored.save(2, region)
    kept = {}
    for name in ("folders", "split-folders", "coco", "yolo"):
        result = export(project, tmp_path / name, format=name)
        assert result["ignored"] == 1
        kept[name] = result["ignored_kept"]
    assert kept == {"folders": True, "split-folders": True, "coco": True, "yolo": False}
    (written,) = (tmp_path / "folders/ignored").rglob("*.png")
    assert written.name == "sample_01.png"
    assert np.array_equal(grey(written), region * 255)
    crowds = [
        one["area"]
        for file in (tmp_path / "coco/annotations").iterdir()
        for one in json.loads(file.read_text(encoding="utf-8"))["annotations"]
        if one["iscrowd"]
    ]
    assert crowds == [int(region.sum())]


def test_only_what_the_filter_names_is_written(project: Project, tmp_path: Path) -> None:
    project.samples.set_state([1, 4], ReviewState.ACCEPTED)
    assert export(project, tmp_path / "out", filter="state:accepted", format="coco", category="lung")["samples"] == 2
    with pytest.raises(UserError, match="no sample fits"):
        export(project, tmp_path / "none", filter="name:*nowhere*")
    assert not (tmp_path / "none").exists()


def test_what_cannot_be_read_is_noted_and_the_rest_is_written(project: Project, tmp_path: Path) -> None:
    name = damage(project, 0)
    report = ListReporter()
    result = export(project, tmp_path / "out", report)
    assert result["samples"] == 5
    assert [note["path"] for note in result["notes"]] == [name]
    assert [subject for subject, _ in report.notes] == [name]
    assert len(table(tmp_path / "out")) == 5
    for number in range(1, 6):
        damage(project, number)
    with pytest.raises(UserError, match="no sample could be written"):
        export(project, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_it_appears_complete_or_not_at_all(project: Project, tmp_path: Path) -> None:
    class Stops(ListReporter):
        def progress(self, done: float, total: float, text: str = "") -> None:
            if done >= 3:
                raise Cancelled

    before = set(tmp_path.iterdir())
    with pytest.raises(Cancelled):
        export(project, tmp_path / "out", Stops())
    assert set(tmp_path.iterdir()) == before


def test_it_goes_into_a_new_or_empty_folder_outside_of_dataset_and_project(project: Project, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine", encoding="utf-8")
    for folder in (full, full / "mine.txt", project.folder / "x", project.source / "x", project.source, ""):
        with pytest.raises(UserError):
            export(project, folder)
    assert (full / "mine.txt").read_text(encoding="utf-8") == "mine"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert export(project, empty)["samples"] == 6
    with pytest.raises(UserError, match="is none of coco"):
        export(project, tmp_path / "other", format="pascal")


def test_a_full_disk_is_told_before_anything_is_written(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Nearly:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda _path: Nearly)
    with pytest.raises(UserError, match="GB left"):
        export(project, tmp_path / "out")
    assert not (tmp_path / "out").exists()
