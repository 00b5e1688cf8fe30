"""Files: where the program's own resources lie, and how a file is replaced so that no crash can tear it."""

import contextlib
import os
import re
import secrets
import time
from importlib.resources import files
from pathlib import Path
from typing import IO

_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)

_CAN_REPLACE_WHAT_IS_OPEN = os.name != "nt"

_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts: reading a picture, or looking for viruses in it, takes no longer."""


def resource(*parts: str) -> Path:
    """The path of something in `resources/`, from a checkout as well as from an installed wheel.

    Raises:
        FileNotFoundError: When there is no such resource; that is a packaging bug.
    """
    package = Path(str(files("segstudio")))
    for root in (package / "resources", package.parent / "resources"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"resource {'/'.join(parts)} is missing from this installation")


def is_device(name: str) -> bool:
    """Whether Windows takes a file of that name for a device, in every folder: "con", "NUL.png", "com1.tar.gz"."""
    return _DEVICE.fullmatch(name) is not None


def write_atomically(path: Path, data: bytes, *, is_durable: bool = True) -> None:
    """Replace `path` by `data`: a temporary file in the same folder, fsync, rename.

    A reader sees the old bytes or the new ones, never a part; missing folders are made.

    Args:
        path: The file to replace.
        data: All of its new content.
        is_durable: Whether to wait until the disk has the bytes; False for what can be made again.

    Raises:
        OSError: When the disk is full or read-only; the old file is then untouched.
    """
    # The temporary name does not contain the final one: a stem may already be as long as the file system allows.
    temporary = path.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        with _created(temporary) as file:
            file.write(data)
            file.flush()
            if is_durable:
                os.fsync(file.fileno())
        _replace(path, temporary)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if is_durable:
        _sync_folder(path.parent)


def stamp_of(path: Path) -> tuple[int, int]:
    """What tells that a file has become another: when it was changed, in nanoseconds, and its size; 0, 0 without it."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def make_durable(path: Path) -> None:
    """Wait until the disk has a file that was written without waiting.

    Raises:
        OSError: When it cannot be opened, or the disk does not take it.
    """
    with path.open("r+b") as file:  # Windows wants the right to write
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _created(path: Path) -> IO[bytes]:
    """A new file, open for writing; its folder is made only when it is missing, which is seldom."""
    # Mode "x", not the tempfile module: other programs shall be able to read the masks, as the umask says.
    try:
        return path.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")


def _replace(path: Path, temporary: Path) -> None:
    """Give a file the name of another; where a file that is being read cannot be replaced, wait for the reader."""
    for pause in () if _CAN_REPLACE_WHAT_IS_OPEN else _PAUSES:
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    temporary.replace(path)


def _sync_folder(folder: Path) -> None:
    # The rename itself is durable only when the folder is; Windows has no such call and needs none. Some network drives
    # refuse it: the file is in place all the same, so that is no failure.
    if os.name == "posix":
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
