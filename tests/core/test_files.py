"""Replacing files: the old bytes or the new ones, whatever the disk says."""

import errno
import os
import stat
from pathlib import Path

import pytest

from segstudio.core import files
from segstudio.core.files import resource, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_replaces_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(path.parent) == ["b.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    write_atomically(path, b"one")

    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a.txt"]


def test_waits_for_a_reader_where_open_files_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, attempts, replace = tmp_path / "a.txt", [], Path.replace

    def refused_twice(self: Path, target: Path) -> Path:
        attempts.append(target)
        if len(attempts) < 3:
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return replace(self, target)

    monkeypatch.setattr(files, "_CAN_REPLACE_WHAT_IS_OPEN", False)
    monkeypatch.setattr(files, "_PAUSES", (0, 0, 0))
    monkeypatch.setattr(Path, "replace", refused_twice)
    write_atomically(path, b"one")
    assert path.read_bytes() == b"one"
    attempts.clear()
    monkeypatch.setattr(files, "_PAUSES", (0,))
    with pytest.raises(PermissionError):
        write_atomically(path, b"two")
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX alone")
def test_a_disk_that_cannot_sync_folders_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def not_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", not_folders)
    write_atomically(tmp_path / "a.txt", b"one")
    assert (tmp_path / "a.txt").read_bytes() == b"one"


def test_a_resource_that_is_missing_is_said() -> None:
    assert resource("presets").is_dir()
    with pytest.raises(FileNotFoundError, match="no/such"):
        resource("no", "such")
