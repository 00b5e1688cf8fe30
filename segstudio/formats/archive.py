"""Unpacking a dataset that comes as a zip, from anybody."""

import contextlib
import lzma
import os
import re
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from segstudio.core.errors import UserError
from segstudio.core.files import is_device
from segstudio.core.reporter import Reporter

_COPIED_AT_ONCE = 1 << 20
_KEPT_FREE = 256 << 20
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_CLUTTER = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini"})
_FORBIDDEN_ON_WINDOWS = re.compile(r'[<>:"|?*\x00-\x1f]|[. ]$')


def is_archive(path: Path) -> bool:
    """Whether a file is a zip, by its content."""
    return path.is_file() and zipfile.is_zipfile(path)


def extract(archive: Path, folder: Path, report: Reporter) -> None:
    """Unpack a zip into a new folder, which appears only when it is complete.

    Links and names that the disk cannot hold are noted and left out. Nothing is written outside of the folder.

    Args:
        archive: The zip file.
        folder: Where its content shall lie; must not exist.
        report: Told about the progress in bytes; may cancel, which leaves nothing behind.

    Raises:
        UserError: When it is no zip, is damaged or encrypted, tries to write elsewhere, or is too large for the disk.
    """
    if folder.exists():
        raise UserError(f"{folder} exists already", "choose a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f".tmp-{secrets.token_hex(8)}"
    try:
        with _errors_told(archive), zipfile.ZipFile(archive) as content:
            entries = [(entry, parts) for entry in content.infolist() if (parts := _parts(archive, entry))]
            total = sum(entry.file_size for entry, _ in entries)
            check_space(archive, folder.parent, total)
            temporary.mkdir()
            done = 0
            for entry, parts in entries:
                for count in _extract_one(content, entry, temporary.joinpath(*parts), report):
                    done += count
                    report.progress(done, total, f"unpacking {archive.name}")
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@contextlib.contextmanager
def _errors_told(archive: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise UserError(f"{archive}: the archive is damaged ({error})", "download or copy it again") from error
    except (NotImplementedError, RuntimeError) as error:
        raise UserError(f"{archive}: {error}", "unpack it with another program and give the folder") from error
    except OSError as error:
        raise UserError(f"{archive}: cannot be unpacked: {error.strerror or error}") from error


def check_space(archive: Path, where: Path, total: int) -> None:
    """Refuse what would need more bytes than the disk has.

    Raises:
        UserError: When unpacking `archive` takes `total` bytes and `where` has fewer, or hardly more.
    """
    free = shutil.disk_usage(where).free
    if total + _KEPT_FREE > free:
        raise UserError(
            f"{archive}: unpacked it needs {total / 1e9:.1f} GB, and {where} has {free / 1e9:.1f} GB free",
            "free some space or choose another disk",
        )


def _parts(archive: Path, entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """Where an entry belongs, as parts below the folder; empty for folders and for what is left out."""
    if entry.flag_bits & _ENCRYPTED_FLAG:
        raise UserError(f"{archive}: the archive is encrypted", "unpack it with its password and give the folder")
    name = _name(entry).replace("\\", "/")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        raise UserError(f"{archive}: the archive tries to write outside of its folder ({name})", "do not trust it")
    if name.endswith("/") or any(part.lower() in _CLUTTER for part in path.parts):
        return ()
    return tuple(allowed(part) for part in path.parts)


def allowed(part: str, *, is_windows: bool = os.name == "nt") -> str:
    """The name that a file or folder of an archive gets: its own, but for what the system does not bear in names."""
    if not is_windows:
        return part.replace("\0", "_")
    plain = _FORBIDDEN_ON_WINDOWS.sub("_", part)
    return f"_{plain}" if is_device(plain) else plain


def _name(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant. Without the UTF-8 flag, Python reads it as cp437; many programs mean something else."""
    if entry.flag_bits & _UTF8_FLAG or entry.filename.isascii():
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    with contextlib.suppress(UnicodeDecodeError):
        return raw.decode("utf-8")
    # Two letters of cp866 in a row are Cyrillic words; single ones are accents of cp437.
    is_cyrillic = re.search(rb"[\x80-\xaf\xe0-\xf1]{2}", raw) and not re.search(rb"[\xb0-\xdf\xf2-\xff]", raw)
    return raw.decode("cp866") if is_cyrillic else entry.filename


def _extract_one(content: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, report: Reporter) -> Iterator[int]:
    """Write one entry; yields how many bytes were written each time."""
    shown = "/".join(target.parts[-2:])
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        report.note(_name(entry), "is a link or no ordinary file, and was left out of the archive")
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("xb")
    except OSError as error:
        report.note(shown, f"could not be unpacked: {error.strerror}")
        return
    with content.open(entry) as source, file:
        # zipfile stops at the size that the entry declares, which the check of free space has counted.
        while data := source.read(_COPIED_AT_ONCE):
            file.write(data)
            yield len(data)
