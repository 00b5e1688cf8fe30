import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from segstudio.cli import main
from segstudio.core.metrics import Counts
from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState
from segstudio.formats import encode_mask
from segstudio.project.check import check_project
from segstudio.project.project import Project
from segstudio.project.readers import counts_of
from segstudio.project.rebuilding import rebuild_index
from tests.project.projects import make_project, new_samples


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """My project."""
    make_project(tmp_path).close()
    return tmp_path / "project"


@pytest.fixture
def theirs(tmp_path: Path, mine: Path) -> Path:
    """Another reader's project of the same dataset: one mask is another, one is removed, one is commented on."""
    with Project.create(tmp_path / "theirs", tmp_path / "dataset", new_samples(6)) as project:
        mask = project.masks.load(project.samples.get(1))
        project.masks.save(1, np.roll(mask, 6, axis=1))
        project.masks.save(2, np.zeros_like(mask))
        project.samples.set_state([3], ReviewState.FLAGGED)
        project.samples.set_comment(3, "тень, blurred")
    return tmp_path / "theirs"


@pytest.fixture
def bundle(tmp_path: Path, theirs: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """What they export."""
    command = ["export", "bundle", str(theirs), "--to", str(tmp_path / "b.zip"), "--reviewer", "Борис", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["masks"] == 6
    return tmp_path / "b.zip"


def test_two_readers_agree_as_far_as_their_masks_do(
    mine: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(mine) as project:
        project.samples.set_state([3, 4], ReviewState.FLAGGED)
        project.samples.set_state([1], ReviewState.REJECTED)
    assert main(["import-bundle", str(mine), str(bundle), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["reader"], result["samples"]) == ("Борис", 6)
    rows = {row["image"][-6:-4]: row for row in result["per_image"]}
    assert result["per_image"][0]["image"].endswith("01.png"), "the least agreement first"
    assert rows["01"]["dice"] == 0.0
    assert 0 < rows["00"]["dice"] < 1
    assert rows["00"]["kappa"] < rows["00"]["dice"]
    assert (rows["02"]["dice"], rows["02"]["kappa"]) == (1.0, pytest.approx(1.0))
    assert (rows["02"]["theirs"], rows["02"]["comment"]) == ("flagged", "тень, blurred")
    assert (result["same_verdict"], result["both_judged"]) == (0.5, 2)
    with Project.open(mine) as project:
        run = project.runs.get(result["run"])
        assert (run.is_reader, run.reader) == (True, "Борис")
        assert project.predictions.current() == run.id
        assert project.runs.best() is None, "nobody trains on from a reader"
        assert project.runs.latest() is None, "and the Train panel shows none"
        assert [one.state for one in project.samples.all()].count(ReviewState.TODO) == 3, "verdicts stay"
        assert all(one.revision == 0 for one in project.samples.all())
        with Project.open(mine.parent / "theirs") as other:
            assert ((project.predictions.load(run.id, project.samples.get(1)) > 0) == other.masks.load(
                other.samples.get(1)
            )).all()  # fmt: skip
        project.masks.save(1, np.zeros((48, 64), np.uint8))
        assert check_project(project, ListReporter()) == []
    assert main(["agreement", str(mine), "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["readers"]
    assert min(one["per_image"], key=lambda row: row["dice"])["dice"] == 0.0
    rebuild_index(mine, ListReporter())
    with Project.open(mine) as project:
        assert [one.reader for one in project.runs.list()] == ["Борис"]
    assert main(["runs", str(mine), "--delete", "1"]) == 0


def test_what_either_reader_ignores_is_carried_and_not_compared(
    mine: Path, theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> dict:
        assert main([*map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    with Project.open(theirs) as project:
        left, right = np.zeros((2, 48, 64), np.uint8)
        left[:, :30], right[:, 40:] = 1, 1
        project.ignored.save(1, left)
        packed = project.masks.load(project.samples.get(1))
    with Project.open(mine) as project:
        project.ignored.save(1, right)
        own = project.masks.load(project.samples.get(1))
    command = ("export", "bundle", theirs, "--reviewer", "B", "--to")
    assert run(*command, tmp_path / "all.zip")["ignored"] == 1
    assert run(*command, tmp_path / "other.zip", "--filter", "name:*05*")["ignored"] == 0
    versions = []
    for name in ("all", "other"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
            about = json.loads(archive.read("bundle.json"))
            versions.append(about["version"])
            assert ("ignore/images/sample_00.png" in archive.namelist()) == (name == "all")
            assert all(("ignored" in one) == (one["image"].endswith("00.png")) for one in about["samples"])
    assert versions == [2, 1], "who ignores nothing is read by every version"
    result = run("import-bundle", mine, tmp_path / "all.zip")
    wanted = Counts.of(own, packed > 0, left | right)
    (row,) = (row for row in result["per_image"] if row["image"].endswith("00.png"))
    assert wanted.fp + wanted.fn > 0
    assert (row["different"], row["dice"]) == (wanted.fp + wanted.fn, pytest.approx(wanted.dice))
    with Project.open(mine) as project:
        sample = project.samples.get(1)
        assert project.predictions.counts(result["run"])[1] == wanted
        assert np.array_equal(project.ignored.load(sample), right), "mine stays mine"
        assert np.array_equal(project.ignored.between(result["run"], sample), left | right)
        project.ignored.save(1, np.zeros_like(right))
        assert project.predictions.counts(result["run"])[1] == Counts.of(own, packed > 0, left)
        project.predictions.set_current(None)
        assert counts_of(project, project.runs.get(result["run"]))[1] == Counts.of(own, packed > 0, left)
        assert check_project(project, ListReporter()) == []


def test_a_bundle_bears_a_name_and_replaces_nothing(
    theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "bundle", str(theirs), "--to", str(tmp_path / "b.zip")]) == 1
    assert "bears the name" in capsys.readouterr().err
    (tmp_path / "there.zip").write_bytes(b"mine")
    assert main(["export", "bundle", str(theirs), "--to", str(tmp_path / "there.zip"), "--reviewer", "A"]) == 1
    assert (tmp_path / "there.zip").read_bytes() == b"mine"
    command = ["export", "bundle", str(theirs), "--to", str(tmp_path / "b.zip"), "--reviewer", "A", "--images"]
    assert main([*command, "--filter", "state:corrected"]) == 0
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        assert sorted(archive.namelist()) == sorted(
            ["bundle.json", *(f"{kind}s/images/sample_0{n}.png" for n in (0, 1) for kind in ("image", "mask"))]
        )
    assert list(tmp_path.glob(".tmp-*")) == []


def test_images_that_are_others_are_told_of_and_found_by_their_bytes(
    mine: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Project.open(mine) as project:
        first = project.image_path(project.samples.get(1))
        first.write_bytes(encode_mask(np.ones((48, 64), np.uint8)))
        with project.transaction("samples") as connection:
            connection.execute("UPDATE sample SET image = 'images/renamed.png' WHERE id = 2")
        (project.source / "images" / "sample_01.png").rename(project.source / "images" / "renamed.png")
    assert main(["import-bundle", str(mine), str(bundle), "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["samples"] == 5
    assert "images/renamed.png" in [row["image"] for row in result["per_image"]]
    assert "the image of that name is another one here" in captured.err
    with make_project(tmp_path / "other", 2, (32, 24)) as other:
        folder = other.folder
    assert main(["import-bundle", str(folder), str(bundle)]) == 1
    assert "is about other images: none of its 6" in capsys.readouterr().err


def changed(bundle: Path, **entries: bytes | None) -> Path:
    """A copy of a bundle with other content in some entries."""
    copy = bundle.with_name(f"changed-{len(list(bundle.parent.iterdir()))}.zip")
    names = {name.replace("__", "/").replace("_png", ".png").replace("_json", ".json"): data
             for name, data in entries.items()}  # fmt: skip
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = names.get(name, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return copy


def test_what_is_no_bundle_is_refused_in_words(
    mine: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    whole = bundle.read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    about = json.loads(zipfile.ZipFile(bundle).read("bundle.json"))
    newer = json.dumps({**about, "version": 9}).encode()
    evil = json.dumps({**about, "samples": [{**about["samples"][0], "mask": "../../evil.png"}]}).encode()
    broken = json.dumps({**about, "samples": [{"image": 3}]}).encode()
    for path, said in (
        (tmp_path / "missing.zip", "cannot be opened"),
        (tmp_path / "no.zip", "cannot be opened"),
        (tmp_path / "cut.zip", "cannot be opened"),
        (changed(bundle, bundle_json=None), "lacks bundle.json"),
        (changed(bundle, bundle_json=b"{}"), "is no bundle"),
        (changed(bundle, bundle_json=newer), "later version"),
        (changed(bundle, bundle_json=broken), "its list bundle.json is damaged"),
        (changed(bundle, bundle_json=evil), "has no mask of an image of this project that can be read"),
    ):
        assert main(["import-bundle", str(mine), str(path)]) == 1, said
        assert said in capsys.readouterr().err
    with Project.open(mine) as project:
        assert project.runs.list() == []
    assert not (tmp_path.parent / "evil.png").exists()


def test_bad_masks_are_left_out_and_bombs_are_not_decoded(
    mine: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(bundle) as archive:
        about = json.loads(archive.read("bundle.json"))
        png = bytearray(archive.read("masks/images/sample_03.png"))
    png[16:24] = (1 << 20).to_bytes(4, "big") * 2  # claims to be a picture of a terabyte
    other = encode_mask(np.ones((7, 9), np.uint8))
    zeros = bytes(50 << 20)
    for place, data in ((3, bytes(png)), (4, other)):
        about["samples"][place]["mask_sha256"] = hashlib.sha256(data).hexdigest()
    path = changed(
        bundle, bundle_json=json.dumps(about).encode(), masks__images__sample_02_png=b"\x89PNG nothing",
        masks__images__sample_03_png=bytes(png), masks__images__sample_04_png=other, masks__images__sample_05_png=zeros,
    )  # fmt: skip
    assert main(["import-bundle", str(mine), str(path), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["samples"] == 2
    for said in ("not the one that was packed", "1048576x1048576", "is 9x7 pixels", "claims to be 52,428,800 bytes"):
        assert said in captured.err


def test_masks_of_a_reader_are_no_training_and_that_is_said(
    mine: Path, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import-bundle", str(mine), str(bundle)]) == 0
    capsys.readouterr()
    for command in (
        ["train", str(mine), "--resume", "1"],
        ["train", str(mine), "--rebuild", "1"],
        ["train", str(mine), "--start", "1"],
        ["predict", str(mine), "--run", "1"],
        ["evaluate", str(mine), "--run", "1"],
        ["stress", str(mine), "--run", "1"],
        ["threshold", str(mine), "--run", "1"],
        ["challenge", str(mine), "--run", "1"],
        ["promote", str(mine), "1"],
        ["diff", str(mine), "--run", "1"],
        ["steer", str(mine), "--run", "1", "--stop"],
        ["export", "model", str(mine), "--run", "1", "--to", str(tmp_path / "m.keras")],
        ["export", "report", str(mine), "--run", "1", "--to", str(tmp_path / "r.html")],
    ):
        assert main(command) == 1, command
        said = capsys.readouterr().err
        assert "run 0001 is no training: it is the masks of Борис" in said, (command, said)
        assert "segstudio agreement" in said
