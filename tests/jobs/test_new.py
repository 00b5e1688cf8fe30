"""The job `new`: from files as they come to a project, or to a clear refusal."""

import shutil
import stat
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.sample import Split
from segstudio.jobs import JOBS
from segstudio.project.project import Project
from tests.datasets import dicom, make_dataset


def new(project: Path, source: Path, report: ListReporter | None = None, **options: Any) -> dict[str, Any]:
    return JOBS["new"].from_values({"source": str(source), **options}).perform(project, report or ListReporter())


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def zipped(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder), "zip", folder))


def test_from_a_folder(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", count=20)
    before = {path: path.stat().st_mtime_ns for path in dataset.rglob("*")}
    result = new(tmp_path / "проект", dataset)
    assert (result["pairs"], result["without_mask"], result["empty"], result["full"]) == (20, 0, 0, 0)
    assert result["notes"] == []
    assert result["splits"] == {"train": 14, "val": 3, "test": 3}
    with Project.open(tmp_path / "проект") as project:
        table = project.samples.table()
        assert len(table) == 20
        assert project.name == "проект"
        assert project.source == dataset
        sample = project.samples.by_image("images/sample_03.png")
        assert sample is not None
        assert (sample.width, sample.height, sample.truth) == (64, 48, "masks/sample_03.png")
        assert project.masks.load(sample).any()
        assert project.problems.list() == []
    assert {path: path.stat().st_mtime_ns for path in dataset.rglob("*")} == before
    assert leftovers(tmp_path) == ["set", "проект"]


def test_from_an_archive(tmp_path: Path) -> None:
    archive = zipped(make_dataset(tmp_path / "set", count=4))
    result = new(tmp_path / "deep" / "project", archive)
    assert result["pairs"] == 4
    shutil.move(tmp_path / "deep" / "project", tmp_path / "moved")
    with Project.open(tmp_path / "moved") as project:
        assert project.source == tmp_path / "moved" / "data"
        sample = project.samples.by_image("images/sample_00.png")
        assert sample is not None
        assert project.read_image(sample).shape == (48, 64)


def test_into_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    assert new(tmp_path / "project", make_dataset(tmp_path / "set"))["pairs"] == 6


def test_a_dataset_that_lies_in_the_project(tmp_path: Path) -> None:
    make_dataset(tmp_path / "project" / "data")
    assert new(tmp_path / "project", tmp_path / "project" / "data")["pairs"] == 6
    with Project.open(tmp_path / "project") as project:
        assert project.source == tmp_path / "project" / "data"


def test_bad_files_are_noted_and_the_rest_goes_on(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", count=8)
    whole = (dataset / "images/sample_00.png").read_bytes()
    (dataset / "images/sample_00.png").write_bytes(whole[: len(whole) // 2])
    (dataset / "masks/sample_01.png").write_bytes(b"not a mask")
    Image.fromarray(np.full((10, 10), 255, np.uint8)).save(dataset / "masks/sample_02.png")
    (dataset / "masks/sample_03.png").unlink()
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(dataset / "masks/sample_04.png")
    Image.fromarray(np.full((48, 64), 255, np.uint8)).save(dataset / "masks/sample_05.png")
    Image.fromarray(np.full((48, 64), 255, np.uint8)).save(dataset / "masks/stranger.png")
    (dataset / "notes.txt").write_text("hello", encoding="utf-8")
    report = ListReporter()
    result = new(tmp_path / "project", dataset, report)
    assert (result["samples"], result["pairs"], result["without_mask"]) == (8, 7, 1)
    assert (result["empty"], result["full"]) == (1, 1)
    notes = {note["path"]: note["reason"] for note in result["notes"]}
    assert set(notes) == {
        "images/sample_00.png",
        "masks/sample_01.png",
        "masks/sample_02.png",
        "masks/stranger.png",
        "notes.txt",
    }
    assert "cut off" in notes["images/sample_00.png"]
    assert "10x10" in notes["masks/sample_02.png"]
    assert "64x48" in notes["masks/sample_02.png"]
    assert dict(report.notes) == notes
    with Project.open(tmp_path / "project") as project:
        problems = Counter(problem.path for problem in project.problems.list())
        assert problems.total() == 5
        blocked = project.samples.by_image("images/sample_02.png")
        assert blocked is not None
        assert "10x10" in blocked.problem


def test_classes_must_be_chosen(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set")
    mask = np.zeros((48, 64), np.uint8)
    mask[:20], mask[30:] = 1, 2
    Image.fromarray(mask).save(dataset / "masks/sample_00.png")
    with pytest.raises(UserError, match="3 values") as caught:
        new(tmp_path / "project", dataset)
    assert "--foreground" in caught.value.hint
    with pytest.raises(UserError, match="no mask has"):
        new(tmp_path / "project", dataset, foreground="9")
    assert leftovers(tmp_path) == ["set"]
    result = new(tmp_path / "project", dataset, foreground="2,255")
    assert result["foreground"]["values"] == [[2], [255]]
    with Project.open(tmp_path / "project") as project:
        sample = project.samples.by_image("images/sample_00.png")
        assert sample is not None
        assert np.array_equal(project.masks.load(sample), mask == 2)


def test_groups_by_name_stay_together(tmp_path: Path) -> None:
    dataset = tmp_path / "set"
    make_dataset(dataset, count=30)
    for folder in ("images", "masks"):
        for number in range(30):
            path = dataset / folder / f"sample_{number:02}.png"
            path.rename(path.with_name(f"patient{number // 3}_{number}.png"))
    result = new(tmp_path / "project", dataset, group_by=r"(patient\d+)_")
    assert result["groups"] == 10
    with Project.open(tmp_path / "project") as project:
        table = project.samples.table()
        sides = {(table.row(i).group, table.row(i).split) for i in range(len(table))}
        assert len(sides) == 10
        assert {group for group, _ in sides} == {f"patient{number}" for number in range(10)}


def test_twins_stay_together(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", count=10, size=(320, 240))
    shutil.copy(dataset / "images/sample_00.png", dataset / "images/sample_09.png")
    assert new(tmp_path / "a", dataset)["near_duplicates"] == {"groups": 1, "left_apart": 0, "across": 0}
    assert new(tmp_path / "b", dataset, near_duplicates=False)["groups"] == 0
    with Project.open(tmp_path / "a") as project:
        first, last = (project.samples.by_image(f"images/sample_0{number}.png") for number in (0, 9))
        assert first is not None
        assert last is not None
        assert (first.group, first.split) == (last.group, last.split)
        assert first.group


@pytest.mark.parametrize("count", [1, 15])
def test_images_of_one_patient_stay_together_unless_all_have_the_same_name(tmp_path: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "set/masks").mkdir(parents=True)
    (tmp_path / "set/images").mkdir()
    for number in range(30):
        values = rng.integers(0, 4096, (40, 40)).astype(np.uint16)
        dicom(tmp_path / f"set/images/{number:02}.dcm", values, PatientID=f" patient {number // 2 % count} ")
        Image.fromarray((values > 2000).astype(np.uint8) * 255).save(tmp_path / f"set/masks/{number:02}.png")
    report = ListReporter()
    result = new(tmp_path / "project", tmp_path / "set", report, near_duplicates=False)
    assert (result["pairs"], result["notes"]) == (30, [])
    assert result["groups"] == (15 if count > 1 else 0)
    assert any("one side" in line if count > 1 else "anonymised" in line for line in report.lines)
    with Project.open(tmp_path / "project") as project:
        samples = list(project.samples.all())
        assert {sample.split for sample in samples} == set(Split)
        pairs = zip(samples[::2], samples[1::2], strict=True)
        assert all(one.split is other.split for one, other in pairs) or count == 1


def test_series_of_few_patients_stay_together(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    rng = np.random.default_rng(0)
    for patient in ("Ann", "Bob", "Cid"):
        for number in range(8):
            values = rng.integers(0, 4096, (48, 64)).astype(np.uint16)
            dicom(tmp_path / f"set/{patient}_{number}.dcm", values, PatientID=patient)
    result = new(tmp_path / "project", tmp_path / "set")
    assert (result["groups"], result["splits"]) == (3, {"train": 8, "val": 8, "test": 8})


def test_the_split_is_repeatable(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", count=20)

    def splits(name: str, **options: Any) -> list[Split]:
        new(tmp_path / name, dataset, **options)
        with Project.open(tmp_path / name) as project:
            table = project.samples.table()
            return [table.row(index).split for index in range(len(table))]

    assert splits("a", seed=1) == splits("b", seed=1) != splits("c", seed=2)
    assert Counter(splits("d", split="70/30")) == {Split.TRAIN: 14, Split.VAL: 6}


def split_set(folder: Path, *names: str, count: int = 5) -> Path:
    """A dataset of folders with images/ and masks/ each."""
    for number, name in enumerate(names):
        make_dataset(folder / name, count=count, seed=number)
    return folder


def test_the_split_of_the_folders_is_kept_when_that_is_asked_for(tmp_path: Path) -> None:
    source = split_set(tmp_path / "my test set", "train", "valid", "Test")
    report = ListReporter()
    dealt = new(tmp_path / "shares", source, report)
    assert dealt["split_of_folders"] == {"train": 5, "val": 5, "test": 5}
    assert any("--split folders" in line for line in report.lines), "whoever does not know of it is told"
    kept = new(tmp_path / "kept", source, split="Folders")
    assert kept["splits"] == {"train": 5, "val": 5, "test": 5}
    with Project.open(tmp_path / "kept") as project:
        named = {"train": Split.TRAIN, "valid": Split.VAL, "Test": Split.TEST}
        assert all(sample.split is named[sample.image.split("/")[0]] for sample in project.samples.all())


def test_without_a_folder_for_validation_some_of_train_is_taken(tmp_path: Path) -> None:
    report = ListReporter()
    result = new(tmp_path / "p", split_set(tmp_path / "set", "train", "test", count=10), report, split="folders")
    assert result["splits"]["test"] == 10
    assert result["splits"]["val"] in (1, 2)
    assert any("validation" in line for line in report.lines)


def test_near_duplicates_on_both_sides_of_the_folders_split_are_told(tmp_path: Path) -> None:
    source = split_set(tmp_path / "set", "train", "val", "test")
    make_dataset(tmp_path / "large", count=12, size=(320, 240))
    for number, name in enumerate(["train", "train", "val", "val", "test", "test"]):
        for kind in ("images", "masks"):
            shutil.copy(tmp_path / f"large/{kind}/sample_{number:02}.png", source / name / kind / f"n{number}.png")
    for kind in ("images", "masks"):
        shutil.copy(source / "train" / kind / "n0.png", source / "test" / kind / "same.png")
    report = ListReporter()
    result = new(tmp_path / "p", source, report, split="folders")
    assert result["near_duplicates"]["across"] >= 1
    assert any("both sides" in line for line in report.lines)


@pytest.mark.parametrize(
    ("names", "message"),
    [(("train", "other"), "other/images/sample_00.png"), (("test", "val"), "training"), (("train",), "all images")],
)
def test_folders_that_say_no_split_are_refused(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        new(tmp_path / "p", split_set(tmp_path / "set", *names), split="folders")
    assert leftovers(tmp_path) == ["set"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "70/20"}, "adds up"),
        ({"group_by": "("}, "regular expression"),
        ({"group_by": "patient"}, "matches no image"),
        ({"masks": "nowhere"}, "no such folder"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_options_leave_nothing(tmp_path: Path, options: dict[str, str], message: str) -> None:
    dataset = make_dataset(tmp_path / "set")
    with pytest.raises(UserError, match=message):
        new(tmp_path / "project", dataset, **options)
    assert leftovers(tmp_path) == ["set"]


def test_wrong_places_are_refused(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set")
    with pytest.raises(UserError, match="never written"):
        new(dataset / "project", dataset)
    with pytest.raises(UserError, match="never written"):
        new(dataset, dataset)
    with pytest.raises(UserError, match="not empty"):
        new(make_dataset(tmp_path / "full"), dataset)
    with pytest.raises(UserError, match="no such"):
        new(tmp_path / "project", tmp_path / "nowhere")
    (tmp_path / "text.zip").write_text("no zip", encoding="utf-8")
    with pytest.raises(UserError, match="neither"):
        new(tmp_path / "project", tmp_path / "text.zip")
    new(tmp_path / "project", dataset)
    with pytest.raises(UserError, match="project already"):
        new(tmp_path / "project", dataset)
    with pytest.raises(UserError, match="project already"):
        new(tmp_path / "second", tmp_path / "project")


class _CancelAt(ListReporter):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.is_cancel_wanted = self._text in text
        super().progress(done, total, text)


@pytest.mark.parametrize("text", ["unpacking", "looking at masks", "looking at images", "writing"])
def test_cancelling_leaves_no_half_project(tmp_path: Path, text: str) -> None:
    archive = zipped(make_dataset(tmp_path / "set"))
    with pytest.raises(Cancelled):
        new(tmp_path / "project", archive, _CancelAt(text))
    assert leftovers(tmp_path) == ["set", "set.zip"]


def test_lungs(test_data: Path, tmp_path: Path) -> None:
    result = new(tmp_path / "project", test_data / "lungs")
    assert (result["pairs"], result["empty"], result["full"], result["without_mask"]) == (100, 0, 0, 0)
    assert result["splits"] == {"train": 70, "val": 15, "test": 15}
    assert result["notes"] == []


def test_lens_photos(test_data: Path, tmp_path: Path) -> None:
    result = new(tmp_path / "project", test_data / "nornickel" / "train_dataset.zip")
    assert (result["pairs"], result["empty"], result["full"], result["without_mask"]) == (56, 34, 6, 0)
    assert result["foreground"]["values"] == [[250, 50, 83]]
    assert result["near_duplicates"]["groups"] == 1


def test_odd_files_never_stop_it(test_data: Path, tmp_path: Path) -> None:
    result = new(tmp_path / "project", test_data / "odd", foreground="nonzero")
    assert (result["samples"], sum(one["slices"] for one in result["volumes"])) == (122, 70)
    assert len(result["notes"]) == 18


def test_what_is_left_out_of_an_archive_is_told(tmp_path: Path) -> None:
    archive = zipped(make_dataset(tmp_path / "set", count=2))
    link = zipfile.ZipInfo("images/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr(link, "/etc/passwd")
    report = ListReporter()
    result = new(tmp_path / "project", archive, report)
    assert [note["path"] for note in result["notes"]] == ["images/link.png"]
    assert [subject for subject, _ in report.notes] == ["images/link.png"]
    with Project.open(tmp_path / "project") as project:
        assert [one.path for one in project.problems.list()] == ["images/link.png"]


def test_in_the_folder_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset(tmp_path / "set", count=2)
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / ".DS_Store").touch()
    monkeypatch.chdir(folder)
    new(Path(), Path("../set"))
    assert Path("project.sqlite").is_file()  # it is the same folder, and not one of the same name
    with Project.open(Path()) as project:
        assert (project.name, project.source) == ("here", dataset.resolve())
    assert leftovers(tmp_path) == ["here", "set"]


def test_an_archive_in_the_project_s_own_folder_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    archive = zipped(make_dataset(tmp_path / "set", count=2)).rename(folder / "set.zip")
    with pytest.raises(UserError, match=r"not empty.*set\.zip"):
        new(folder, archive)
    assert leftovers(folder) == ["set.zip"]


def test_of_an_archive_in_the_project_s_own_data_that_holds_no_pictures_nothing_is_left(tmp_path: Path) -> None:
    data = tmp_path / "p" / "data"
    data.mkdir(parents=True)
    with zipfile.ZipFile(data / "set.zip", "w") as archive:
        archive.writestr("read me.txt", "nothing to see")
    with pytest.raises(UserError, match="no pictures"):
        new(tmp_path / "p", data / "set.zip")
    assert leftovers(tmp_path / "p") == ["data"]
    assert leftovers(data) == ["set.zip"]


@pytest.mark.parametrize("is_archive", [False, True])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, is_archive: bool) -> None:
    (tmp_path / "file").touch()
    dataset = make_dataset(tmp_path / "set", count=2)
    with pytest.raises(UserError, match=r"file/project|file.project") as error:
        new(tmp_path / "file" / "project", zipped(dataset) if is_archive else dataset)
    assert ".new-" not in str(error.value)


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_a_folder_whose_name_is_not_unicode_is_refused(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", count=2)
    with pytest.raises(UserError, match="Unicode"):
        new(tmp_path / "bad\udcff", dataset)
    with pytest.raises(UserError, match="Unicode"):
        new(tmp_path / "project", dataset.rename(tmp_path / "bad\udcff"))
