"""Masks: the current mask of each sample, and the revisions it went through.

    masks/<stem>.png           the current corrected mask
    history/<stem>/NNNN.png    earlier revisions; never changed again

A revision is open until it is sealed (a verdict was given, the sample was left, a run learnt from it): saving again
replaces an open one and begins a new one after a sealed one, so that whatever somebody relied on can be found again.
A sealed revision is copied into history/ at once, because other programs may write over the file in masks/.

The file is the truth and its row a memory of it. When they differ, another program has edited the file, or the power
went between the two: the file wins.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from segstudio.core.errors import BadImage, UserError
from segstudio.core.files import make_durable, write_atomically
from segstudio.core.mask import Mask
from segstudio.core.sample import ReviewState, Sample, state_after_edit
from segstudio.formats import encode_mask, read_mask, read_mask_values
from segstudio.project.clock import now
from segstudio.project.mirror import append_reviews

if TYPE_CHECKING:
    from segstudio.project.project import Project


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a sample's mask.

    Attributes:
        number: 0 is the dataset's own mask, 1 the first correction.
        created: When it was last saved (ISO 8601, UTC); empty for the dataset's own.
        foreground: Share of the area that it covers, or None when not known.
        path: Where it lies.
        is_current: Whether it is the sample's mask now.
        is_sealed: Whether it is permanent.
    """

    number: int
    created: str
    foreground: float | None
    path: Path
    is_current: bool
    is_sealed: bool


class _Ahead(NamedTuple):
    """A mask that was read before anybody asked, and the file, its time and size and the rule it was read by."""

    key: tuple[object, ...]
    mask: Mask


class _Stored(NamedTuple):
    """What the index remembers of a sample's mask file."""

    revision: int
    is_sealed: bool
    state: ReviewState
    size: int | None
    mtime_ns: int | None
    sha256: str | None


class Before(NamedTuple):
    """How a sample stood before the first edit since its last verdict."""

    state: str
    state_changed: str | None
    reviewer: str
    revision: int
    foreground: float | None

    def may_be(self, mask: Mask) -> bool:
        """Whether it covers about as much: only then is it worth reading what was there."""
        return self.foreground is None or abs(float(mask.mean()) - self.foreground) < _NEARLY


_NEARLY = 1e-3
"""Shares of the area that differ by less may have been found in different ways."""

_UNSEEN: tuple[int | None, int | None, str | None] = (None, None, None)
"""Size, time and hash of a mask file that there is none of."""

MOST_AHEAD = 4
"""So many masks wait in memory for whoever goes on to the next sample."""


class Masks:
    """Reads and saves the masks of a project.

    Attributes:
        saving: Held while a mask is saved, and before any transaction: by whoever stores what depends on a mask.
    """

    def __init__(self, project: "Project") -> None:
        self._project = project
        self.saving = threading.RLock()
        self._ahead: dict[int, _Ahead] = {}
        self._looking_ahead = threading.Lock()

    def path(self, sample: Sample) -> Path | None:
        """The file that holds the current mask, or None when the sample came without and was never corrected."""
        file = self._file(sample)
        if sample.revision or file.is_file():
            return file
        return None if sample.truth is None else self._project.source / sample.truth

    def load(self, sample: Sample) -> Mask:
        """The current mask: the corrected one, else the dataset's, else an empty one.

        Returns:
            uint8 (H, W) of 0 and 1, of the image's own size.

        Raises:
            BadImage: When there should be a mask and it is missing, damaged or of another size, or when nobody knows
                what size it would have because the image was never read. Never an empty mask in its place.
        """
        if not self._notice_edit(sample):
            original = self.load_original(sample)
            return _empty(sample) if original is None else original
        return self._read(sample, self._file(sample))

    def read_ahead(self, sample: Sample) -> None:
        """Read the current mask for a `take` that may follow; any thread. What cannot be read is told of then."""
        key = self._key(sample)
        with self._looking_ahead:
            found = self._ahead.get(sample.id)
        if key is None or (found is not None and found.key == key):
            return
        try:
            ahead = _Ahead(key, self.load(sample))
        except (UserError, OSError, MemoryError):
            return
        with self._looking_ahead:
            self._ahead.pop(sample.id, None)
            self._ahead[sample.id] = ahead
            while len(self._ahead) > MOST_AHEAD:
                del self._ahead[next(iter(self._ahead))]

    def take(self, sample: Sample) -> Mask:
        """As `load`, and at once when the mask was read ahead and its file has not changed since."""
        with self._looking_ahead:
            ahead = self._ahead.pop(sample.id, None)
        if ahead is None:
            return self.load(sample)
        self._notice_edit(sample)
        return ahead.mask if ahead.key == self._key(sample) else self.load(sample)

    def _key(self, sample: Sample) -> tuple[object, ...] | None:
        """What must be the same for a mask in memory to be that of the file; None when there is no file."""
        path = self.path(sample)
        try:
            status = None if path is None else path.stat()
        except OSError:
            return None
        return None if status is None else (path, status.st_mtime_ns, status.st_size, self._project.rule)

    def load_original(self, sample: Sample) -> Mask | None:
        """The dataset's own mask, or None when the sample came without.

        Raises:
            BadImage: When it is missing, damaged or of another size than the image.
        """
        if sample.truth is None:
            return None
        path = self._project.source / sample.truth
        return _of_size(sample, read_mask(path, self._project.rule), path)

    def save(self, sample_id: int, mask: Mask, *, may_go_back: bool = False) -> Sample:
        """Make `mask` the current one: the file first, whole or not at all, then the index in one transaction.

        Args:
            sample_id: Whose mask it is.
            mask: uint8 (H, W) of 0 and 1, of the image's size.
            may_go_back: Whether a mask that is as it was before the first edit since the last verdict makes all as it
                was then: revision, state and verdict. So it is when everything was undone.

        Returns:
            The sample as it is now, with its revision and state.

        Raises:
            ReadOnlyProject: When the project is not to be changed.
            OSError: When the disk is full; the old mask is then untouched.
        """
        sample = self._project.samples.get(sample_id)
        if mask.shape != (sample.height, sample.width) or mask.dtype != np.uint8:
            raise ValueError(
                f"{sample.image} wants uint8 {(sample.height, sample.width)}, not {mask.dtype} {mask.shape}"
            )
        self._project.require_writable()
        data = _encoded(mask, sample)
        with self.saving:
            is_there = self._notice_edit(sample) and self._file(sample).is_file()
            stored = self._stored(sample_id)
            if is_there and stored.sha256 == _sha256(data):
                return self._project.samples.get(sample_id)
            if may_go_back and self._went_back(sample, stored, mask):
                return self._project.samples.get(sample_id)
            if stored.revision and stored.is_sealed:
                self._keep(sample, stored, is_durable=True)
            write_atomically(self._file(sample), data)
            if not stored.revision:
                self.withdrawn(sample).unlink(missing_ok=True)
            # Asked now: until the index is free, another program may have written the file again.
            status = self._file(sample).stat()
            with self._project.transaction("masks", "samples") as connection:
                self._remember(connection, sample, data, mask, status, self._project.reviewer)
        return self._project.samples.get(sample_id)

    def seal(self, sample_ids: Iterable[int]) -> None:
        """Make the current revisions of these samples permanent."""
        with self.saving:
            ids = [(sample_id,) for sample_id in self.keep(sample_ids)]
            with self._project.transaction("masks") as connection:
                connection.executemany("UPDATE sample SET is_sealed = 1 WHERE id = ?", ids)

    def keep(self, sample_ids: Iterable[int]) -> list[int]:
        """Copy the current open revisions of these samples into the history, for whoever seals them next.

        The file in masks/ is durable already and heals a copy that a power cut has torn, so nobody waits for the disk.

        Returns:
            The samples that have an open revision.
        """
        opened = []
        for sample_id in sample_ids:
            stored = self._stored(sample_id)
            if stored.revision and not stored.is_sealed:
                sample = self._project.samples.get(sample_id)
                with contextlib.suppress(BadImage):  # missing or damaged: there is nothing to keep, as `check` will say
                    self._notice_edit(sample)
                self._keep(sample, self._stored(sample_id), is_durable=False)
                opened.append(sample_id)
        return opened

    def revisions(self, sample: Sample) -> list[Revision]:
        """All states of the sample's mask that can still be read, the oldest first."""
        stored = self._stored(sample.id)
        found = []
        if sample.truth is not None:
            found.append(
                Revision(0, "", None, self._project.source / sample.truth, stored.revision == 0, is_sealed=True)
            )
        rows = self._project.database.rows(
            "SELECT number, created, foreground FROM revision WHERE sample_id = ? ORDER BY number", (sample.id,)
        )
        for number, created, foreground in rows:
            is_current = number == stored.revision
            is_sealed = stored.is_sealed or not is_current
            path = self._history(sample, number)
            if is_current and not (is_sealed and path.is_file()):
                path = self._file(sample)
            if path.is_file():
                found.append(Revision(number, created, foreground, path, is_current, is_sealed))
        return found

    def load_revision(self, sample: Sample, number: int) -> Mask:
        """One state of the mask; 0 is the dataset's own.

        Raises:
            BadImage: When it cannot be read any more.
        """
        if number == 0:
            original = self.load_original(sample)
            return _empty(sample) if original is None else original
        stored, kept = self._stored(sample.id), self._history(sample, number)
        if number == stored.revision and not (stored.is_sealed and kept.is_file()):
            return self.load(sample)
        return self._read(sample, kept)

    def put_back(self, sample_id: int, number: int) -> None:
        """Make a kept revision the current one again, under its own number; 0 is the dataset's own mask, or none.

        Unlike `save` this is no edit: no revision is made, and the review state stays. What is current now is kept.

        Raises:
            BadImage: When that revision cannot be read any more.
        """
        sample = self._project.samples.get(sample_id)
        self._project.require_writable()
        with self.saving:
            self._notice_edit(sample)
            stored = self._stored(sample_id)
            if number == stored.revision:
                return
            if stored.revision:
                self._keep(sample, stored, is_durable=True)
            mask = self.load_original(sample) if number == 0 else self.load_revision(sample, number)
            with self._project.transaction("masks", "samples") as connection:
                if number:
                    data = self._history(sample, number).read_bytes()
                    write_atomically(self._file(sample), data)
                    self.withdrawn(sample).unlink(missing_ok=True)
                    status = self._file(sample).stat()
                    seen: tuple[int | str | None, ...] = (status.st_size, status.st_mtime_ns, _sha256(data))
                else:
                    write_atomically(self.withdrawn(sample), b"")
                    self._file(sample).unlink(missing_ok=True)
                    seen = (None, None, None)
                connection.execute(
                    "UPDATE sample SET mask_size = ?, mask_mtime_ns = ?, mask_sha256 = ?, revision = ?, is_sealed = 1, "
                    "foreground = ?, lint_revision = NULL WHERE id = ?",
                    (*seen, number, None if mask is None else float(mask.mean()), sample_id),
                )
                if mask is None:
                    self._project.predictions.mask_removed(sample)
                else:
                    self._project.predictions.mask_changed(sample, mask)

    def _went_back(self, sample: Sample, stored: _Stored, mask: Mask) -> bool:
        """Whether a mask is as before the first edit since the last verdict; then all is as it was. Call it `saving`.

        A crash on the way leaves a file that counts as an edit: nothing is lost, and it is gone back from once more.
        """
        if not stored.revision:
            return not self._file(sample).is_file() and self._is_revision(sample, 0, mask)
        before = self.before_edit(sample.id)
        if before is None or not before.may_be(mask) or not self._is_revision(sample, before.revision, mask):
            return False
        if stored.is_sealed:
            self._keep(sample, stored, is_durable=True)
        file, seen = self._file(sample), _UNSEEN
        if before.revision:
            data = self._history(sample, before.revision).read_bytes()
            write_atomically(file, data)
            status = file.stat()
            seen = (status.st_size, status.st_mtime_ns, _sha256(data))
        elif stored.is_sealed or any(self.withdrawn(sample).parent.glob("[0-9]*.png")):
            write_atomically(self.withdrawn(sample), b"")
        with self._project.transaction("masks", "samples") as connection:
            if not stored.is_sealed:
                row = (sample.id, stored.revision)
                connection.execute("DELETE FROM revision WHERE sample_id = ? AND number = ?", row)
            connection.execute(
                "UPDATE sample SET mask_size = ?, mask_mtime_ns = ?, mask_sha256 = ?, revision = ?, is_sealed = ?, "
                "foreground = ?, state = ?, state_changed = ?, reviewer = ?, before_edit = NULL, lint_revision = NULL "
                "WHERE id = ?",
                (*seen, before.revision, before.revision > 0, before.foreground, before.state, before.state_changed,
                 before.reviewer, sample.id),
            )  # fmt: skip
            if before.revision or sample.truth is not None:
                self._project.predictions.mask_changed(sample, mask)
            else:
                self._project.predictions.mask_removed(sample)
            reviews = self._project.samples.reviews([sample.id])
            self._project.database.after_commit(lambda: append_reviews(self._project.folder, reviews))
        if not before.revision:
            file.unlink(missing_ok=True)
        return True

    def _is_revision(self, sample: Sample, number: int, mask: Mask) -> bool:
        """Whether a mask has the pixels of a revision that can still be read; where there is none, no pixel is set."""
        try:
            return np.array_equal(self.load_revision(sample, number), mask)
        except (BadImage, OSError):
            return False

    def before_edit(self, sample_id: int) -> "Before | None":
        """How a sample stood before it was corrected; None when a verdict was given since, or nobody knows."""
        row = self._project.database.row(
            "SELECT before_edit, state, state_changed FROM sample WHERE id = ?", (sample_id,)
        )
        if row[0] is None or row[1] != ReviewState.CORRECTED:
            return None
        since, *before = json.loads(row[0])
        return Before(*before) if since == row[2] else None

    def on_disk(self, sample: Sample) -> Mask:
        """The mask that lies in the file, whatever the index knows of it, and without telling the index.

        Raises:
            BadImage: When it cannot be read.
        """
        if self._file(sample).is_file():
            return self._read(sample, self._file(sample))
        original = self.load_original(sample)
        return _empty(sample) if original is None else original

    def is_ahead(self, sample: Sample, mask: Mask) -> bool:
        """Whether `mask` lies in the file, or there is none in its place, and the index does not know of it."""
        file, stored = self._file(sample), self._stored(sample.id)
        if not file.is_file():
            return stored.revision > 0 and self.withdrawn(sample).is_file()
        if _sha256(file.read_bytes()) == stored.sha256:
            return False
        return np.array_equal(self._read(sample, file), mask)

    def take_back(self, sample: Sample, mask: Mask) -> None:
        """Put the file back as the index knows it, when it is ahead of that with `mask`.

        Raises:
            BadImage: When the file from before is not in the history any more; all stays as it is then.
        """
        file = self._file(sample)
        with self.saving:
            stored = self._stored(sample.id)
            if not self.is_ahead(sample, mask):
                return
            if stored.revision:
                kept = self._history(sample, stored.revision)
                data = kept.read_bytes() if kept.is_file() else b""
                if _sha256(data) != stored.sha256:
                    raise BadImage(f"revision {stored.revision} of {sample.image} is missing or damaged")
                write_atomically(file, data)
                self.withdrawn(sample).unlink(missing_ok=True)
                return
            if self._project.database.row("SELECT 1 FROM revision WHERE sample_id = ?", (sample.id,)):
                write_atomically(self.withdrawn(sample), b"")
            file.unlink()

    def withdrawn(self, sample: Sample) -> Path:
        """The file that says that there is no corrected mask although there are earlier revisions of one."""
        return self._project.folder / "history" / sample.stem / "withdrawn"

    def _file(self, sample: Sample) -> Path:
        return self._project.folder / "masks" / f"{sample.stem}.png"

    def _history(self, sample: Sample, number: int) -> Path:
        return self._project.folder / "history" / sample.stem / f"{number:04}.png"

    def _stored(self, sample_id: int) -> _Stored:
        row = self._project.database.row(
            "SELECT revision, is_sealed, state, mask_size, mask_mtime_ns, mask_sha256 FROM sample WHERE id = ?",
            (sample_id,),
        )
        if row is None:
            raise KeyError(sample_id)
        return _Stored(row[0], bool(row[1]), ReviewState(row[2]), *row[3:])

    def _read(self, sample: Sample, path: Path) -> Mask:
        if not path.is_file():
            raise BadImage(
                f"{path} is missing: the corrected mask of {sample.image}",
                "put the file back, or take an earlier revision",
            )
        return _of_size(sample, _binary(read_mask_values(path)), path)

    def _keep(self, sample: Sample, stored: _Stored, *, is_durable: bool) -> None:
        """Copy the current file into the history, unless it is there already; a torn copy is replaced.

        A copy, no hard link: a program that writes over the file in place would change both.
        """
        kept, current = self._history(sample, stored.revision), self._file(sample)
        if not current.is_file():
            return
        if kept.is_file() and _sha256(kept.read_bytes()) == stored.sha256:
            if is_durable:  # it may have been copied without waiting, and is the only one in a moment
                make_durable(kept)
            return
        data = current.read_bytes()
        if _sha256(data) == stored.sha256:  # else another program was faster: its work is a revision of its own
            write_atomically(kept, data, is_durable=is_durable)

    def _notice_edit(self, sample: Sample) -> bool:
        """Whether there is, or ought to be, a file in masks/; what another program changed in it is taken over."""
        file = self._file(sample)
        stored = self._stored(sample.id)
        try:
            status = file.stat()
        except FileNotFoundError:
            return stored.revision > 0
        is_known = (status.st_size, status.st_mtime_ns) == (stored.size, stored.mtime_ns)
        if not is_known and not self._project.read_only:
            with self.saving:
                if not file.is_file():  # it has just been taken away, see `_went_back`
                    return self._stored(sample.id).revision > 0
                self._take_over(sample, file)
        return True

    def _take_over(self, sample: Sample, file: Path) -> None:
        # The time of the file before its bytes: when it changes in between, it is noticed again next time.
        status, data = file.stat(), file.read_bytes()
        mask = self._read(sample, file)  # a damaged file is refused before anything is written
        is_same = _sha256(data) == self._stored(sample.id).sha256
        with self._project.transaction(*(() if is_same else ("masks", "samples"))) as connection:
            self._remember(connection, sample, data, mask, status)

    def _remember(
        self,
        connection: sqlite3.Connection,
        sample: Sample,
        data: bytes,
        mask: Mask,
        status: os.stat_result,
        reviewer: str = "",
    ) -> None:
        """Write the row for a file with these bytes and this size and time, made by that reviewer if one is known."""
        stored = self._stored(sample.id)
        sha256 = _sha256(data)
        seen = (status.st_size, status.st_mtime_ns, sha256)
        if sha256 == stored.sha256:  # only copied, or put back: still the same revision
            connection.execute(
                "UPDATE sample SET mask_size = ?, mask_mtime_ns = ?, mask_sha256 = ? WHERE id = ?", (*seen, sample.id)
            )
            return
        # After an earlier revision was put back, those that came after it keep their numbers.
        (last,) = connection.execute(
            "SELECT coalesce(max(number), 0) FROM revision WHERE sample_id = ?", (sample.id,)
        ).fetchone()
        number = last + 1 if stored.is_sealed or not stored.revision else stored.revision
        state, time, foreground = state_after_edit(stored.state), now(), float(mask.mean())
        if state is not stored.state:
            before = connection.execute(
                "SELECT state, state_changed, reviewer, revision, foreground FROM sample WHERE id = ?", (sample.id,)
            ).fetchone()
            told = json.dumps([time, *before], ensure_ascii=False)
            connection.execute("UPDATE sample SET before_edit = ? WHERE id = ?", (told, sample.id))
        connection.execute(
            "UPDATE sample SET mask_size = ?, mask_mtime_ns = ?, mask_sha256 = ?, revision = ?, is_sealed = 0, "
            "foreground = ?, state = ?, state_changed = iif(state = ?, state_changed, ?), "
            "reviewer = iif(state = ?, reviewer, ?), lint_revision = NULL WHERE id = ?",
            (*seen, number, foreground, state, state, time, state, reviewer, sample.id),
        )
        connection.execute(
            "INSERT OR REPLACE INTO revision VALUES (?, ?, ?, ?, ?)", (sample.id, number, time, sha256, foreground)
        )
        self._project.predictions.mask_changed(sample, mask)
        if state is not stored.state:
            reviews = self._project.samples.reviews([sample.id])
            self._project.database.after_commit(lambda: append_reviews(self._project.folder, reviews))


def _encoded(mask: Mask, sample: Sample) -> bytes:
    """The PNG of the mask, read back and compared: what cannot be read again is not saved."""
    data = encode_mask(mask)
    back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if back is None or not np.array_equal(back > 127, mask > 0):
        raise RuntimeError(f"the mask of {sample.image} does not survive its own encoding")
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _binary(values: np.ndarray) -> Mask:
    """A mask of 0 and 1 from whatever a drawing program made of a file that was 0/255."""
    if values.ndim == 3:
        values = values.max(axis=2)
    threshold = 127 if values.max(initial=0) > 1 else 0
    return (values > threshold).astype(np.uint8)


def _of_size(sample: Sample, mask: Mask, path: Path) -> Mask:
    if mask.shape != (sample.height, sample.width):
        raise BadImage(
            f"{path} is {mask.shape[1]}x{mask.shape[0]} pixels, but the image {sample.image} is "
            f"{sample.width}x{sample.height}",
            "masks are never resized silently: mend the file",
        )
    return mask


def _empty(sample: Sample) -> Mask:
    if not sample.width or not sample.height:
        raise BadImage(f"{sample.image}: {sample.problem or 'the image could not be read'}")
    return np.zeros((sample.height, sample.width), np.uint8)
