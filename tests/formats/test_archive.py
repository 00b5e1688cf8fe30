"""Archives from anybody: unpacked completely and inside the folder, or refused."""

import shutil
import stat
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.formats.archive import allowed, extract, is_archive


def packed(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_arrives(tmp_path: Path) -> None:
    entries = {
        "a/b/вид.png": b"1",
        "c.png": b"22" * 100_000,
        "empty/": b"",
        "__MACOSX/._c.png": b"x",
        "a/.DS_Store": b"x",
    }
    archive = packed(tmp_path / "set.zip", entries)
    report = ListReporter()
    extract(archive, tmp_path / "out" / "data", report)
    assert tree(tmp_path / "out") == {"data/a/b/вид.png": b"1", "data/c.png": b"22" * 100_000}
    assert report.progresses[-1][:2] == (200_001, 200_001)
    assert not report.notes
    assert is_archive(archive)
    assert not is_archive(tmp_path)


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/evil.png", "C:/evil.png", "..\\evil.png", "\\evil.png", "c:evil.png"]
)
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    archive = packed(tmp_path / "set.zip", {"good.png": b"1", name: b"2"})
    with pytest.raises(UserError, match="outside"):
        extract(archive, tmp_path / "in" / "data", ListReporter())
    assert list((tmp_path / "in").iterdir()) == []
    assert not list(tmp_path.rglob("evil.png"))


def test_links_are_left_out(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.png", b"1")
    report = ListReporter()
    extract(tmp_path / "set.zip", tmp_path / "data", report)
    assert tree(tmp_path / "data") == {"a.png": b"1"}
    assert [subject for subject, _ in report.notes] == ["link.png"]


def test_two_entries_of_one_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.png", b"2")
    report = ListReporter()
    extract(tmp_path / "set.zip", tmp_path / "data", report)
    assert tree(tmp_path / "data") == {"a.png": b"1"}
    assert len(report.notes) == 1


class _Disk(NamedTuple):
    total: int
    used: int
    free: int


def test_a_bomb_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = packed(tmp_path / "bomb.zip", {"a.png": bytes(50_000_000)})
    assert archive.stat().st_size < 100_000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: _Disk(10**9, 0, 300_000_000))
    with pytest.raises(UserError, match="free"):
        extract(archive, tmp_path / "data", ListReporter())
    assert not (tmp_path / "data").exists()


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    archive = packed(tmp_path / "set.zip", {f"{number}.png": b"1" * 1000 for number in range(10)})
    report = ListReporter()
    report.is_cancel_wanted = True
    with pytest.raises(Cancelled):
        extract(archive, tmp_path / "in" / "data", report)
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-8", "cp866", "cp437"])
def test_names_without_a_flag(tmp_path: Path, encoding: str) -> None:
    name = "café.png" if encoding == "cp437" else "снимок.png"
    raw = name.encode(encoding)
    stand_in = "x" * len(raw)
    archive = packed(tmp_path / "set.zip", {stand_in: b"1"})
    archive.write_bytes(archive.read_bytes().replace(stand_in.encode(), raw))
    extract(archive, tmp_path / "data", ListReporter())
    assert tree(tmp_path / "data") == {name: b"1"}


def test_a_damaged_archive(tmp_path: Path) -> None:
    archive = packed(tmp_path / "set.zip", {"a.png": bytes(range(256)) * 50})
    data = bytearray(archive.read_bytes())
    data[80:100] = bytes(20)
    archive.write_bytes(data)
    with pytest.raises(UserError, match=r"set\.zip.*damaged"):
        extract(archive, tmp_path / "data", ListReporter())
    assert not (tmp_path / "data").exists()
    archive.write_bytes(bytes(data[:100]))
    with pytest.raises(UserError, match="damaged"):
        extract(archive, tmp_path / "data", ListReporter())


def test_an_encrypted_archive(tmp_path: Path) -> None:
    archive = packed(tmp_path / "set.zip", {"a.png": b"1"})
    data = bytearray(archive.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(data)
    with pytest.raises(UserError, match="encrypted"):
        extract(archive, tmp_path / "data", ListReporter())


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(UserError, match="exists"):
        extract(packed(tmp_path / "set.zip", {"a.png": b"1"}), tmp_path / "data", ListReporter())


@pytest.mark.parametrize(
    ("name", "on_windows"),
    [
        ("con.png", "_con.png"),  # writing to it would write to the console, and no file would be there
        ("NUL", "_NUL"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("конец.png", "конец.png"),
        ("console.png", "console.png"),
        ("12:30?.png", "12_30_.png"),
        ("folder.", "folder_"),
    ],
)
def test_names_that_windows_does_not_bear(name: str, on_windows: str) -> None:
    assert allowed(name, is_windows=True) == on_windows
    assert allowed(name, is_windows=False) == name
