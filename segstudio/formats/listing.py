"""Finding every picture below a folder, and saying what was left out and why."""

import os
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter, Throttle
from segstudio.formats import image_suffixes
from segstudio.formats.naming import split_suffix

Note = tuple[str, str]
"""A path below the source, with forward slashes, and a reason."""

_CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"})
_PROJECT = "project.sqlite"


class Listing(NamedTuple):
    """What lies below a folder.

    Attributes:
        folders: For each folder with pictures, as the tuple of its parts below the root: their names, sorted.
        notes: What was left out.
    """

    folders: dict[tuple[str, ...], list[str]]
    notes: list[Note]


def list_pictures(
    root: Path,
    skip: Collection[Path] = (),
    report: Reporter | None = None,
    also: frozenset[str] = frozenset(),
    *,
    is_deep: bool = True,
) -> Listing:
    """All files below `root` that are pictures by their suffix, in a fixed order.

    Hidden files and what operating systems strew are passed over; other files, projects of this program and folders
    that cannot be read are noted. Links to folders are followed, but no folder is entered twice.

    Args:
        root: The folder.
        skip: Folders that are not entered.
        report: Told about the progress.
        also: Further suffixes that are taken for pictures, lower case, with the dot.
        is_deep: Whether folders in it are entered too.

    Raises:
        UserError: When `root` is no folder.
    """
    if not root.is_dir():
        raise UserError(f"{root}: there is no such folder" if not root.exists() else f"{root}: this is not a folder")
    walk = _Walk(root, frozenset(path.resolve() for path in skip), report, image_suffixes() | also)
    walk.run(is_deep=is_deep)
    return Listing(walk.folders, walk.notes())


class _Walk:
    def __init__(self, root: Path, skip: frozenset[Path], report: Reporter | None, suffixes: frozenset[str]) -> None:
        self.root = root
        self.folders: dict[tuple[str, ...], list[str]] = {}
        self._skip = skip
        self._report = report
        self._suffixes = suffixes
        self._entered: set[tuple[int, int]] = set()
        self._notes: list[Note] = []
        self._others: defaultdict[str, list[str]] = defaultdict(list)
        self._count = 0
        self._throttle = Throttle(0.1)

    def run(self, *, is_deep: bool) -> None:
        # Links come after all that is really there, so that a folder is known by its own name.
        links: list[tuple[str, ...]] = []
        waiting: list[tuple[str, ...]] = [()]
        while waiting or links:
            parts = waiting.pop() if waiting else links.pop()
            folders, linked = self._enter(parts)
            if not is_deep:
                return
            waiting += reversed(folders)
            links = [*reversed(linked), *links]
        self.folders = dict(sorted(self.folders.items()))

    def notes(self) -> list[Note]:
        grouped = []
        for suffix, paths in sorted(self._others.items()):
            kind = f"{suffix} files are" if suffix else "files without a suffix are"
            more = f" (and {len(paths) - 1} more like it)" if len(paths) > 1 else ""
            grouped.append((min(paths), f"{kind} not read as pictures{more}"))
        return sorted(self._notes) + grouped

    def _enter(self, parts: tuple[str, ...]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
        """Take a folder's pictures; its folders, and those that are links, are returned."""
        path = self.root.joinpath(*parts)
        try:
            status = path.stat()
            if (status.st_dev, status.st_ino) in self._entered or (parts and path.resolve() in self._skip):
                return [], []
            self._entered.add((status.st_dev, status.st_ino))
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._notes.append(("/".join(parts) or ".", f"the folder cannot be read: {error.strerror}"))
            return [], []
        if parts and any(entry.name == _PROJECT for entry in entries):
            self._notes.append(("/".join(parts), "the folder is a project of this program and was left out"))
            return [], []
        return self._sort(parts, entries)

    def _sort(
        self, parts: tuple[str, ...], entries: list[os.DirEntry[str]]
    ) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
        folders: list[tuple[str, ...]] = []
        links: list[tuple[str, ...]] = []
        pictures: list[str] = []
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.lower() in _CLUTTER:
                continue
            if not _is_unicode(name):
                shown = "/".join([*parts, name]).encode("utf-8", "replace").decode()
                self._notes.append((shown, "the name is not valid Unicode; rename it"))
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append((*parts, name))
            elif (suffix := split_suffix(name)[1]) in self._suffixes and entry.is_file():
                pictures.append(name)
            elif not entry.is_file():
                self._notes.append(("/".join([*parts, name]), "this is a link to nothing, or no ordinary file"))
            else:
                self._others[suffix].append("/".join([*parts, name]))
        if pictures:
            self.folders[parts] = pictures
            self._count += len(pictures)
        if self._report is not None and self._throttle.is_due():
            self._report.progress(0, 0, f"{self._count} pictures found")
        return folders, links


def _is_unicode(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= character <= "\udfff" for character in name)
