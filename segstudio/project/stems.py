"""Stems: where the files of a sample lie below masks/, history/ and predictions/."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

MAX_BYTES = 251
"""Longest part of a stem: with `.png` it is as long as a name may be on any common file system."""

_REVISION_FILE = re.compile(r"\d{4,}\.png", re.IGNORECASE)


def assign_stems(images: Iterable[str]) -> list[str]:
    """One stem for each image: its path without the extension, so that other programs find the mask by its name.

    Two images that would share one (a.png and a.jpg; or A.png and a.png, which are one file on Windows and macOS) get
    theirs with the extension, and a number if need be.

    Args:
        images: Paths below the source, with forward slashes, each once.

    Returns:
        As many stems, in the same order; no two of them share a file on any file system.
    """
    images = list(images)
    wanted = [_plain(image) for image in images]
    counts: dict[str, int] = {}
    for stem in wanted:
        counts[folded(stem)] = counts.get(folded(stem), 0) + 1
    taken = _Taken()
    stems = [""] * len(images)
    # Those that are alone go first: a name that was made longer must not take theirs.
    alone = [index for index, stem in enumerate(wanted) if counts[folded(stem)] == 1]
    others = [index for index, stem in enumerate(wanted) if counts[folded(stem)] > 1]
    for index in alone + others:
        first = wanted[index] if counts[folded(wanted[index])] == 1 else shortened(images[index])
        stems[index] = taken.take(first)
    return stems


def folded(path: str) -> str:
    """What two names have in common when a file system may hold them for one."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


class _Taken:
    """The files and folders of the stems so far, as a careless file system sees them."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, stem: str) -> str:
        candidate, number = stem, 2
        while not self._is_free(candidate):
            candidate = shortened(f"{stem}-{number}")
            number += 1
        self._files.add(folded(candidate) + ".png")
        self._folders.update(_folders(folded(candidate)))
        return candidate

    def _is_free(self, stem: str) -> bool:
        # history/<stem>/ is a folder of files NNNN.png: no stem may have such a name as a folder in there.
        if any(_REVISION_FILE.fullmatch(part) for part in stem.split("/")):
            return False
        file = folded(stem) + ".png"
        is_taken = file in self._files or file in self._folders
        return not is_taken and self._files.isdisjoint(_folders(folded(stem)))


def _folders(path: str) -> list[str]:
    folders = []
    while (end := path.rfind("/")) > 0:
        path = path[:end]
        folders.append(path)
    return folders


def _plain(image: str) -> str:
    folder, slash, name = image.rpartition("/")
    before, _, extension = name.rpartition(".")
    return shortened(f"{folder}{slash}{before if before.strip('.') and extension else name}")


def shortened(stem: str) -> str:
    """The stem with its last part cut to MAX_BYTES, and a sign that tells it from others cut alike."""
    folder, slash, name = stem.rpartition("/")
    data = name.encode()
    if len(data) <= MAX_BYTES:
        return stem
    sign = hashlib.sha256(data).hexdigest()[:8]
    return f"{folder}{slash}{data[: MAX_BYTES - 9].decode(errors='ignore')}~{sign}"
