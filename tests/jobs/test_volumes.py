"""Volumes become projects of slices, and the masks of the slices volumes again: nothing is lost on the way."""

import errno
import gzip
import itertools
import json
import shutil
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.formats import read_image
from segstudio.formats.window import scaled
from segstudio.jobs import JOBS
from segstudio.project.project import Project
from tests.datasets import ct, dicom, make_dataset, nifti, nnunet


def new(project: Path, source: Path, report: ListReporter | None = None, **options: Any) -> dict[str, Any]:
    return JOBS["new"].from_values({"source": str(source), **options}).perform(project, report or ListReporter())


def export(project: Path, to: Path, **options: Any) -> dict[str, Any]:
    job = JOBS["export-masks"].from_values({"to": str(to), "format": "volumes", **options})
    return job.perform(project, ListReporter())


def reasons(result: dict[str, Any]) -> dict[str, str]:
    return {note["path"]: note["reason"] for note in result["notes"]}


def splits(project: Path) -> dict[str, set[str]]:
    """The splits of each folder of slices."""
    found: dict[str, set[str]] = {}
    with Project.open(project) as one:
        table = one.samples.table()
        for row in range(len(table)):
            sample = table.row(row)
            found.setdefault(sample.image.rpartition("/")[0], set()).add(str(sample.split))
    return found


def test_nnunet_s_folders_and_back(tmp_path: Path) -> None:
    dataset = nnunet(tmp_path / "set")
    nifti(dataset / "imagesTr/case_0_0001.nii.gz", ct()[0])
    before = {path: path.read_bytes() for path in dataset.rglob("*.gz")}
    report = ListReporter()
    result = new(tmp_path / "project", dataset, report, window="lung")
    assert (result["pairs"], result["without_mask"], result["foreground"]["kind"]) == (36, 0, "nonzero")
    assert [(one["volume"], one["slices"], one["plane"]) for one in result["volumes"]] == [
        (f"imagesTr/case_{number}_0000.nii.gz", 12, "axial") for number in range(3)
    ]
    assert reasons(result) == {"imagesTr/case_0_0001.nii.gz": "another channel of the same case; _0000 is taken"}
    assert {path: path.read_bytes() for path in dataset.rglob("*.gz")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["project", "set"]
    assert sorted(path.name for path in (tmp_path / "project/data").iterdir()) == ["images", "masks", "volumes.json"]
    values, mask = ct(seed=1)
    with Project.open(tmp_path / "project") as project:
        sample = project.samples.by_image("images/case_1_0000/case_1_0000_005.png")
        assert sample is not None
        assert np.array_equal(project.read_image(sample), scaled(values[:, :, 4].T, -1350, 150))
        assert np.array_equal(project.masks.load(sample), mask[:, :, 4].T)
        assert sample.group == "case_1_0000"
        edited = project.masks.load(sample)
        edited[3:9, 5:8] = 1
        project.masks.save(sample.id, edited)
    mask[5:8, 3:9, 4] = 1
    assert export(tmp_path / "project", tmp_path / "out")["masks"] == 36
    for number in range(3):
        back = nibabel.load(tmp_path / f"out/case_{number}.nii.gz")
        wanted = mask if number == 1 else ct(seed=number)[1]
        original = nibabel.load(dataset / f"imagesTr/case_{number}_0000.nii.gz")
        assert np.array_equal(np.asarray(back.dataobj), wanted)
        assert back.get_data_dtype() == np.uint8
        assert np.array_equal(back.affine, original.affine)
        for field in ("sform_code", "qform_code", "xyzt_units"):
            assert back.header[field] == original.header[field]
    with pytest.raises(UserError, match="exists already"):
        export(tmp_path / "project", tmp_path / "out")
    assert export(tmp_path / "project", tmp_path / "out", overwrite=True, filter="name:case_1*")["masks"] == 12


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_volume_that_lies_askew_comes_back_as_it_was(tmp_path: Path, plane: str) -> None:
    values, mask = ct()
    turned = np.array([[0.1, 0, 3, -7], [-1.1, 0.1, 0.2, 12], [0, -1.2, 0.1, 30], [0, 0, 0, 1]])
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        folder = tmp_path / kind.__name__
        (folder / "set/images").mkdir(parents=True)
        image = kind(values, turned)
        image.header.set_xyzt_units("mm", "sec")
        image.set_qform(turned, 1)
        nibabel.save(image, folder / "set/images/a.nii")
        nifti(folder / "set/masks/a.nii.gz", mask, turned)
        assert new(folder / "project", folder / "set", plane=plane)["volumes"][0]["plane"] == plane
        export(folder / "project", folder / "out")
        back = nibabel.load(folder / "out/a.nii.gz")
        assert type(back) is kind
        assert np.array_equal(np.asarray(back.dataobj), mask)
        assert np.array_equal(back.affine, image.affine)
        assert np.array_equal(back.get_qform(), image.get_qform())
        assert back.header.get_xyzt_units() == ("mm", "sec")


def test_labels_are_laid_where_their_own_affine_says(tmp_path: Path) -> None:
    values, mask = ct()
    mask[:10] = 0  # nothing symmetrical
    nifti(tmp_path / "set/images/a.nii.gz", values)
    flipped = np.diag([0.8, -0.8, 5, 1.0])
    flipped[0, 3] = -0.8 * (values.shape[0] - 1)
    nifti(tmp_path / "set/masks/a.nii.gz", np.ascontiguousarray(mask[::-1]), flipped)
    nifti(tmp_path / "set/images/b.nii.gz", values)
    bare = nibabel.Nifti1Image(mask, None)
    assert not bare.header["sform_code"]
    assert not bare.header["qform_code"]
    nibabel.save(bare, tmp_path / "set/masks/b.nii.gz")
    nifti(tmp_path / "set/images/c.nii.gz", values)
    away = np.diag([-0.8, -0.8, 5, 1.0])
    away[2, 3] = 20
    nifti(tmp_path / "set/masks/c.nii.gz", mask, away)
    result = new(tmp_path / "project", tmp_path / "set")
    assert list(reasons(result)) == ["masks/c.nii.gz"]
    assert "affines differ" in reasons(result)["masks/c.nii.gz"]
    export(tmp_path / "project", tmp_path / "out")
    for name in "abc":
        assert np.array_equal(np.asarray(nibabel.load(tmp_path / f"out/{name}.nii.gz").dataobj), mask), name


def test_whole_volumes_stay_on_one_side_although_their_ends_look_alike(tmp_path: Path) -> None:
    for number in range(10):
        values, mask = ct(8, seed=number)
        values[:, :, :2] = -1000
        nifti(tmp_path / f"set/images/case{number}.nii.gz", values)
        nifti(tmp_path / f"set/masks/case{number}.nii.gz", mask)
    for folder in ("images", "masks"):
        shutil.copy(tmp_path / f"set/{folder}/case3.nii.gz", tmp_path / f"set/{folder}/copy_of_3.nii.gz")
    result = new(tmp_path / "project", tmp_path / "set")
    found = splits(tmp_path / "project")
    assert (len(found), result["groups"], result["near_duplicates"]["groups"]) == (11, 10, 1)
    assert found["images/case3"] == found["images/copy_of_3"]
    checked = JOBS["preflight"].from_values({"preset": "conv-unet-fast", "step": False})
    findings = checked.perform(tmp_path / "project", ListReporter())["findings"]
    assert not [one for one in findings if one["kind"].startswith("leak")], "air in two patients is no leak"
    assert all(len(one) == 1 for one in found.values())
    assert result["splits"]["train"] >= 40
    assert min(result["splits"].values()) >= 8


def test_two_volumes_of_one_subject_stay_together(tmp_path: Path) -> None:
    for name in ("sub-01/a", "sub-01/b", "sub-02/a", "sub-03/a"):
        nifti(tmp_path / f"set/{name}.nii.gz", ct(4, seed=hash(name) % 100)[0])
    for seed in range(4):
        new(tmp_path / f"project{seed}", tmp_path / "set", seed=seed)
        found = splits(tmp_path / f"project{seed}")
        assert found["images/sub-01/a"] == found["images/sub-01/b"]


def test_of_one_volume_alone_runs_of_slices_are_dealt_and_that_is_said(tmp_path: Path) -> None:
    nifti(tmp_path / "set/ct.nii.gz", ct(40)[0])
    nifti(tmp_path / "set/ct_mask.nii.gz", ct(40)[1])
    report = ListReporter()
    result = new(tmp_path / "project", tmp_path / "set", report)
    assert min(result["splits"].values()) > 0
    with Project.open(tmp_path / "project") as project:
        table = project.samples.table()
        said = [str(table.row(row).split) for row in range(40)]
    assert sum(one != other for one, other in itertools.pairwise(said)) <= 9
    assert any("one volume only" in line for line in report.lines)


def test_one_file_and_its_labels(tmp_path: Path) -> None:
    nifti(tmp_path / "set/ct.nii.gz", ct()[0])
    nifti(tmp_path / "set/ct_seg.nii.gz", ct()[1])
    nifti(tmp_path / "set/other.nii.gz", ct()[0])
    labels = nifti(tmp_path / "elsewhere/any.nii", ct()[1] * 255)
    assert (tmp_path / "set/inner").mkdir() is None
    assert new(tmp_path / "p1", tmp_path / "set/ct.nii.gz")["pairs"] == 12
    told = new(tmp_path / "p2", tmp_path / "set/other.nii.gz", masks=str(labels))
    assert (told["pairs"], told["pairing"]) == (12, {"said by the user": 12})
    assert new(tmp_path / "p3", tmp_path / "set/other.nii.gz")["without_mask"] == 12
    with pytest.raises(UserError, match="there is no such file"):
        new(tmp_path / "p4", tmp_path / "set/other.nii.gz", masks="nobody.nii")
    with pytest.raises(UserError, match="neither a folder nor a zip archive nor a volume"):
        new(tmp_path / "p4", make_dataset(tmp_path / "plain") / "images/sample_00.png")


def test_volumes_in_an_archive_and_pictures_beside_volumes(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "set", 3)
    nifti(dataset / "images/ct.nii.gz", ct()[0])
    nifti(dataset / "masks/ct.nii.gz", ct()[1] * 255)
    nifti(dataset / "masks/sample_02.nii", ct()[1])
    (dataset / "masks/sample_02.png").unlink()
    picture = (dataset / "images/sample_00.png").read_bytes()
    archive = Path(shutil.make_archive(str(dataset), "zip", dataset))
    for source in (archive, dataset):
        result = new(tmp_path / f"project{source.suffix}", source)
        assert (result["samples"], result["pairs"], result["without_mask"]) == (15, 14, 1)
        assert list(reasons(result)) == ["masks/sample_02.nii"]
        folder = tmp_path / f"project{source.suffix}"
        assert (folder / "data/images/sample_00.png").read_bytes() == picture
        assert not [path for path in folder.iterdir() if path.name.startswith((".un", ".tmp"))]
        with Project.open(folder) as project:
            assert project.source == folder / "data"


def test_broken_volumes_are_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    images, masks = tmp_path / "set/images", tmp_path / "set/masks"
    values, mask = ct()[0], ct()[1].astype(np.int16)
    for name in ("good", "other_size", "many", "soft", "torn"):
        nifti(images / f"{name}.nii.gz", values)
    nifti(masks / "good.nii.gz", mask * 1000)  # one value: which it is does not matter
    nifti(masks / "other_size.nii.gz", mask[:, :, 1:])
    nifti(masks / "many.nii.gz", mask * 1000 + ct(seed=1)[1].astype(np.int16) * 500)
    nifti(masks / "soft.nii.gz", mask * np.float32(0.5) + ct(seed=1)[1] * np.float32(0.2))
    cut = nifti(masks / "torn.nii.gz", mask)
    cut.write_bytes(cut.read_bytes()[:-40])
    whole = nifti(images / "cut.nii.gz", values).read_bytes()
    (images / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    (images / "bit.nii.gz").write_bytes(whole[:-6] + bytes([whole[-6] ^ 1]) + whole[-5:])  # of the checksum
    plain = nifti(images / "short.nii", values).read_bytes()
    (images / "short.nii").write_bytes(plain[:-100])
    huge = bytearray(plain[:352])
    struct.pack_into("<8h", huge, 40, 3, 20000, 8000, 32767, 1, 1, 1, 1)
    (images / "bomb.nii.gz").write_bytes(gzip.compress(bytes(huge) + bytes(10_000)))
    nothing = bytearray(plain)
    struct.pack_into("<8h", nothing, 40, 3, 40, 0, 12, 1, 1, 1, 1)
    (images / "empty.nii").write_bytes(bytes(nothing))
    (images / "none.nii").write_bytes(b"")
    (images / "noise.nii.gz").write_bytes(b"\x1f\x8b" + bytes(range(256)) * 4)
    nifti(images / "complex.nii", values.astype(np.complex64))
    nifti(images / "five.nii", np.zeros((4, 4, 4, 2, 2), np.int16))
    result = new(tmp_path / "project", tmp_path / "set")
    assert (result["samples"], result["pairs"]) == (60, 12)
    told = reasons(result)
    for path, words in {
        "masks/other_size.nii.gz": "11 axial slices of 40×30, the image 12 axial slices",
        "masks/many.nii.gz": "from 0 to 1500",
        "masks/soft.nii.gz": "between whole numbers",
        "masks/torn.nii.gz": "cut off",
        "images/cut.nii.gz": "cut off",
        "images/bit.nii.gz": "damaged",
        "images/short.nii": "cut off",
        "images/bomb.nii.gz": "GB",
        "images/empty.nii": "empty",
        "images/none.nii": "damaged",
        "images/noise.nii.gz": "damaged",
        "images/complex.nii": "complex",
        "images/five.nii": "more than four dimensions",
    }.items():
        assert words in told.pop(path), path
    assert not told
    alone = tmp_path / "alone/bad.nii"
    alone.parent.mkdir()
    alone.write_bytes(plain[:-100])
    with pytest.raises(UserError, match=r"bad\.nii: the file is cut off"):
        new(tmp_path / "nothing", alone.parent)
    assert not (tmp_path / "nothing").exists()


def test_series_colours_and_values_that_are_no_numbers(tmp_path: Path) -> None:
    values = ct()[0]
    series = nifti(tmp_path / "series.nii.gz", np.stack([values, values[::-1]], axis=3))
    result = new(tmp_path / "first", series, window="40/400")
    assert "it holds 2 volumes" in reasons(result)["series.nii.gz"]
    new(tmp_path / "second", series, window="40/400", channel=2)
    with pytest.raises(UserError, match="it has 2 volumes"):
        new(tmp_path / "third", series, channel=3)
    one, other = (read_image(tmp_path / name / "data/images/series/series_006.png") for name in ("first", "second"))
    assert np.array_equal(one, other[:, ::-1])
    assert one.std() > 20
    colours = np.zeros((6, 5, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours["G"] = 200
    new(tmp_path / "colour", nifti(tmp_path / "rgb.nii", colours))
    assert read_image(tmp_path / "colour/data/images/rgb/rgb_004.png")[2, 3].tolist() == [0, 200, 0]
    gaps = values.astype(np.float32) / 1000
    gaps[:5] = np.nan
    gaps[6, 6, 6] = np.inf
    result = new(tmp_path / "gaps", nifti(tmp_path / "gaps.nii", gaps))
    low, high = result["volumes"][0]["window"]
    assert -1.1 < low < -0.9
    assert 0 < high < 0.2
    shown = read_image(tmp_path / "gaps/data/images/gaps/gaps_006.png")
    assert not shown[:, :5].any()
    assert shown[:, 5:].max() > 200


def test_ct_is_seen_from_air_on_and_one_window_holds_for_all_slices(tmp_path: Path) -> None:
    values = ct()[0]
    values[:4] = -3024  # outside of what the scanner sees
    result = new(tmp_path / "project", nifti(tmp_path / "ct.nii.gz", values))
    low, high = result["volumes"][0]["window"]
    assert (low, 40 < high < 120) == (-1024, True)
    record = json.loads((tmp_path / "project/data/volumes.json").read_text(encoding="utf-8"))
    assert record["volumes"][0]["window"] == [low, high]
    with pytest.raises(UserError, match="is no window"):
        new(tmp_path / "other", tmp_path / "ct.nii.gz", window="liver")


def test_classes_in_labels_are_asked_for(tmp_path: Path) -> None:
    values, mask = ct()
    labels = mask.copy()
    labels[20:] *= 2
    nifti(tmp_path / "set/images/a.nii.gz", values)
    nifti(tmp_path / "set/labels/a.nii.gz", labels)
    with pytest.raises(UserError, match="2 values besides 0"):
        new(tmp_path / "project", tmp_path / "set")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
    new(tmp_path / "project", tmp_path / "set", foreground="2")
    export(tmp_path / "project", tmp_path / "out")
    assert np.array_equal(np.asarray(nibabel.load(tmp_path / "out/a.nii.gz").dataobj), labels == 2)


def pages(path: Path, stack: np.ndarray, description: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if description:
        tags[270] = description
    first, *rest = [Image.fromarray(page) for page in stack]
    first.save(path, "TIFF", save_all=True, append_images=rest, tiffinfo=tags)
    return path


def test_pages_of_a_tiff_and_back(tmp_path: Path) -> None:
    values, mask = (np.ascontiguousarray(one.transpose(2, 1, 0)) for one in ct())
    pages(tmp_path / "set/images/cells.tif", (values + 1100).astype(np.uint16))
    pages(tmp_path / "set/masks/cells.tif", mask * 255)
    two = np.stack([values, values[:, ::-1]], axis=1).reshape(-1, *values.shape[1:]).astype(np.uint16)
    pages(tmp_path / "set/images/two.tif", two, "ImageJ=1.54f\nimages=24\nchannels=2\nslices=12\n")
    preview = [Image.new("L", (5, 4))]  # one picture, with a small copy of itself
    Image.fromarray(values[0].astype(np.uint8)).save(
        tmp_path / "set/images/preview.tif", save_all=True, append_images=preview
    )
    result = new(tmp_path / "project", tmp_path / "set")
    assert (result["samples"], result["pairs"]) == (25, 12)
    told = reasons(result)
    assert told["images/two.tif"] == "it holds 2 channels; number 1 is taken"
    assert "the file holds 2 pictures" in told["images/preview.tif"]
    assert export(tmp_path / "project", tmp_path / "out")["volumes"] == [
        {"volume": "images/cells.tif", "file": "cells.tif", "slices": 12, "masks": 12}
    ]
    with Image.open(tmp_path / "out/cells.tif") as back:
        assert back.n_frames == 12
        for index in range(12):
            back.seek(index)
            assert np.array_equal(np.asarray(back), mask[index] * 255)


def test_a_damaged_page_is_left_out_alone(tmp_path: Path) -> None:
    values, mask = (np.ascontiguousarray(one.transpose(2, 1, 0)) for one in ct(4))
    path = pages(tmp_path / "set/images/cells.tif", (values + 1100).astype(np.uint16))
    pages(tmp_path / "set/masks/cells.tif", mask * 255)
    content = bytearray(path.read_bytes())
    with Image.open(path) as picture:
        picture.seek(2)
        at = content.index(struct.pack("<HHII", 273, 4, 1, picture.tag_v2[273][0]))
    struct.pack_into("<I", content, at + 8, len(content) + 99)  # where the pixels of the third page begin
    path.write_bytes(content)
    result = new(tmp_path / "project", tmp_path / "set")
    assert (result["samples"], result["pairs"]) == (3, 3)
    assert [path for path in reasons(result) if reasons(result)[path].startswith("slice 3: ")] == ["images/cells.tif"]
    assert len(list((tmp_path / "project/data/masks").rglob("*.png"))) == 3
    export(tmp_path / "project", tmp_path / "out")
    with Image.open(tmp_path / "out/cells.tif") as back:
        for index in range(4):
            back.seek(index)
            assert np.array_equal(np.asarray(back), mask[index] * (0 if index == 2 else 255))


def test_a_full_disk_ends_it_and_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = nifti(tmp_path / "set/ct.nii", ct()[0])
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UserError, match="cannot be written: No space left"):
        new(tmp_path / "project", source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]


def test_frames_of_dicom(tmp_path: Path) -> None:
    values = np.ascontiguousarray(ct()[0].transpose(2, 1, 0) + 1100).astype(np.uint16)
    tags = {"RescaleSlope": 1, "RescaleIntercept": -1100, "WindowCenter": -600, "WindowWidth": 1500}
    (tmp_path / "set").mkdir()
    for name, patient in (("a", "Ann"), ("b", "Ann"), ("c", "Bob"), ("d", "Cid")):
        dicom(tmp_path / f"set/{name}.dcm", values, PatientID=patient, **tags)
    result = new(tmp_path / "project", tmp_path / "set")
    assert [one["window"] for one in result["volumes"]] == [(-1350, 150)] * 4
    found = splits(tmp_path / "project")
    assert found["images/a"] == found["images/b"]
    shown = read_image(tmp_path / "project/data/images/c/c_006.png")
    assert np.array_equal(shown, scaled(ct()[0][:, :, 5].T, -1350, 150))
    result = new(tmp_path / "bone", tmp_path / "set", window="bone")
    assert result["volumes"][0]["window"] == (-500, 1500)


@pytest.mark.filterwarnings("ignore:The DICOM readers are highly experimental")
def test_frames_that_lie_in_the_patient_come_in_order_and_go_back_as_nifti(tmp_path: Path) -> None:
    """Enhanced CT, its frames stored from head to feet and mixed up; the affine is the one that nibabel finds."""
    from nibabel.nicom.dicomwrappers import MultiframeWrapper
    from pydicom import Dataset, dcmread

    stack = np.ascontiguousarray(ct(5)[0].transpose(2, 1, 0) + 1100).astype(np.uint16)
    stored = [3, 0, 4, 1, 2]
    path = dicom(tmp_path / "ct.dcm", stack[stored], RescaleIntercept=-1100, RescaleSlope=1)

    def item(**tags: Any) -> Dataset:
        found = Dataset()
        for name, value in tags.items():
            setattr(found, name, value)
        return found

    header = dcmread(path)
    header.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.8], SliceThickness=2.5)],
        )
    ]
    header.PerFrameFunctionalGroupsSequence = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[-12.5, 7, 30 + 2.5 * place])],
            FrameContentSequence=[
                item(DimensionIndexValues=[1, place + 1], StackID="1", InStackPositionNumber=place + 1)
            ],
        )
        for place in stored
    ]
    header.DimensionIndexSequence = [
        item(DimensionIndexPointer=0x00209056, FunctionalGroupPointer=0x00209111),
        item(DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111),
    ]
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    header.save_as(path)
    new(tmp_path / "project", path, window="lung")
    for index in range(5):
        shown = read_image(tmp_path / f"project/data/images/ct/ct_00{index + 1}.png")
        assert np.array_equal(shown, scaled(stack[index].astype(int) - 1100, -1350, 150))
    with Project.open(tmp_path / "project", is_editor=True) as project:
        sample = project.samples.by_image("images/ct/ct_002.png")
        mask = (np.arange(1200).reshape(30, 40) % 7 == 0).astype(np.uint8)
        project.masks.save(sample.id, mask)
    export(tmp_path / "project", tmp_path / "out")
    back = nibabel.load(tmp_path / "out/ct.nii.gz")
    assert np.array_equal(np.asarray(back.dataobj)[:, :, 1].T, mask)
    assert np.asarray(back.dataobj).sum() == mask.sum()
    wanted = np.array([[-0.8, 0, 0, 12.5], [0, -0.7, 0, -7], [0, 0, 2.5, 30], [0, 0, 0, 1]])
    assert np.allclose(back.affine, wanted)
    # Each slice lies where nibabel's own reader puts it, which counts rows first, and towards left and back.
    frames = header.PerFrameFunctionalGroupsSequence
    header.PerFrameFunctionalGroupsSequence = [frames[stored.index(place)] for place in range(5)]
    header.PixelData = stack.tobytes()
    oracle = MultiframeWrapper(header)
    slices = np.moveaxis(oracle.get_data(), 2, 0)
    for index in range(5):
        (there,) = (at for at in range(5) if np.array_equal(slices[at], stack[index].astype(int) - 1100))
        for row, column in ((0, 0), (29, 39)):
            place = np.diag([-1, -1, 1, 1]) @ oracle.affine @ [row, column, there, 1]
            assert np.allclose(back.affine @ [column, row, index, 1], place)


class _CancelAt(ListReporter):
    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def progress(self, done: float, total: float, text: str = "") -> None:
        super().progress(done, total, text)
        if self._text in text:
            raise Cancelled


@pytest.mark.parametrize("text", ["unpacking case", "finding the window", "masks of", "slices of", "looking at images"])
def test_cancelling_leaves_nothing(tmp_path: Path, text: str) -> None:
    nnunet(tmp_path / "set", 2, 20)
    report = _CancelAt(text)
    with pytest.raises(Cancelled):
        new(tmp_path / "project", tmp_path / "set", report)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
    shares = [round(done, 9) for done, total, _ in report.progresses if total == 1]
    assert shares == sorted(shares)


def test_volumes_that_lie_in_the_project_s_own_folder_are_never_touched(tmp_path: Path) -> None:
    project = tmp_path / "project"
    nnunet(project / "data", 2, 4)
    originals = {path: path.read_bytes() for path in project.rglob("*.gz")}
    for wrong in ({"foreground": "7"}, {"split": "folders"}, {"channel": 4, "group_by": "nothing"}):
        with pytest.raises(UserError):
            new(project, project / "data", **wrong)
        assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == originals, wrong
    assert new(project, project / "data")["pairs"] == 8
    assert {path: path.read_bytes() for path in project.rglob("*.gz")} == originals
    with Project.open(project) as one:
        assert one.source == project / "slices"


def test_mgh_comes_back_as_nifti_of_the_same_place(tmp_path: Path) -> None:
    values, mask = ct(6)
    affine = np.array([[0, 0, 2.0, -7], [-1.1, 0, 0, 12], [0, -1.2, 0, 30], [0, 0, 0, 1]], np.float32)
    for folder, one in (("images", values), ("masks", mask)):
        (tmp_path / "set" / folder).mkdir(parents=True)
        nibabel.save(nibabel.MGHImage(one, affine), tmp_path / "set" / folder / "a.mgz")
    result = new(tmp_path / "project", tmp_path / "set")
    assert (result["pairs"], result["volumes"][0]["plane"], result["notes"]) == (6, "sagittal", [])
    export(tmp_path / "project", tmp_path / "out")
    back = nibabel.load(tmp_path / "out/a.nii.gz")
    assert np.array_equal(np.asarray(back.dataobj), mask)
    assert np.allclose(back.affine, affine)


def test_masks_of_ordinary_pictures_are_no_volumes(tmp_path: Path) -> None:
    new(tmp_path / "project", make_dataset(tmp_path / "set", 4))
    with pytest.raises(UserError, match="none of these samples with masks is a slice of a volume"):
        export(tmp_path / "project", tmp_path / "out")


def test_slices_without_a_mask_are_empty_in_the_volume_and_ignored_regions_go_along(tmp_path: Path) -> None:
    new(tmp_path / "project", nifti(tmp_path / "ct_0000.nii.gz", ct()[0]))
    mask = np.zeros((30, 40), np.uint8)
    mask[4:8, 10:20] = 1
    with Project.open(tmp_path / "project", is_editor=True) as project:
        sample = project.samples.by_image("images/ct_0000/ct_0000_003.png")
        assert sample is not None
        project.masks.save(sample.id, mask)
        project.ignored.save(sample.id, 1 - mask)
    assert "words" in export(tmp_path / "project", tmp_path / "plain")
    result = export(tmp_path / "project", tmp_path / "out", ignored=str(tmp_path / "ignored"))
    assert (result["masks"], result["without_mask"], result["ignored"]) == (1, 11, 1)
    for folder, wanted in (("out", mask), ("ignored", 1 - mask)):
        stored = np.asarray(nibabel.load(tmp_path / folder / "ct.nii.gz").dataobj)
        assert np.array_equal(stored[:, :, 2].T, wanted)
        assert stored.sum() == wanted.sum()
