"""Journal: every finished change of one sample's mask, written down at once, so that undo survives a crash.

One append-only file for each sample that was ever painted on; `journal_records` says what is in it. Its digests tie it
to the mask file: a mask that is loaded is looked up among the masks that may rightly lie there, which are the last one
that was put in place and those that were announced since then. What the journal says beyond that mask is applied to it,
and all that it says becomes the history. So a crash between any two steps of a save loses nothing:

    SAVE is written and on the disk     before: the old file is known, and all changes since then are replayed
    the mask file is renamed            before: likewise
    SAVED is written                    before: the new file is known from SAVE, and the changes after it are replayed

A mask that is none of these was changed by another program: then the file wins, and the journal is put aside.
"""

import contextlib
import hashlib
import itertools
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from segstudio.core.edit import Edit
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.history import BUDGET, History
from segstudio.core.mask import Mask
from segstudio.project.journal_records import MAGIC, Damaged, Kind, Mark, Record, Story, digest_of, parse

NAME_BYTES = 200
"""Longest file name of a journal; leaves room for `.stale-N` below the 255 bytes of most file systems."""

_SLACK = 256 << 10  # bytes of changes that are not worth a compaction


class Opened(NamedTuple):
    """What `Journal.open` finds.

    Attributes:
        journal: Where further changes are written down; None when opened for reading only.
        mask: The mask with every change that the journal knew beyond it.
        history: What can be undone and redone.
        note: What is wrong with the journal, for the user, or None.
        replayed: How many changes the mask file did not hold.
    """

    journal: "Journal | None"
    mask: Mask
    history: History
    note: str | None
    replayed: int


def journal_path(folder: Path, stem: str) -> Path:
    """The journal of a sample below a folder: its stem with `.journal`, made shorter when no file can be called so."""
    parent, _, name = stem.rpartition("/")
    data = name.encode("utf-8", "surrogatepass")
    if len(data) + len(".journal") > NAME_BYTES:
        sign = hashlib.blake2b(data, digest_size=8).hexdigest()
        name = f"{data[: NAME_BYTES - 32].decode('utf-8', 'ignore')}~{sign}"
    return folder / parent / f"{name}.journal"


class Journal:
    """The journal of one open sample.

    Changes (`edit`, `undo`, `redo`) come from the thread that owns the document; they are with the operating system
    when the call returns, so that a killed process loses none. `before_save` also waits for the disk. It, `after_save`
    and `sync` may be called from another thread, one save after the other.

    A full or broken disk raises nothing here: the changes are kept in memory, `problem` says what is wrong, and every
    further call tries again.

    At most one Journal of a file may be open: keep a document until its last save is done, then `close`.

    Attributes:
        path: The file; made at the first change.
        problem: Why changes are not on the disk, or an empty string.
    """

    _open_paths: ClassVar[set[Path]] = set()

    def __init__(self, path: Path, base: Mark) -> None:
        """A journal without a file yet; see `open`."""
        self.path = path
        self.problem = ""
        self._base = base
        self._position = base.position
        self._lock = threading.Lock()
        self._file: int | None = None
        self._size = 0  # bytes of whole records in the file; what lies behind them is overwritten
        self._head_size = 0  # bytes of them that a compaction would not save
        self._pending = bytearray()  # records that are not in the file yet

    @classmethod
    def open(cls, path: Path, mask: Mask, *, budget: int = BUDGET, is_read_only: bool = False) -> Opened:
        """Open the journal of a mask that was just loaded, and bring the mask up to date.

        Args:
            path: From `journal_path`; need not exist.
            mask: As it lies in the file; not changed, but it may be the mask of the result.
            budget: Bytes of edits that the history keeps.
            is_read_only: Whether to leave the disk as it is; there is no journal to write to then.

        Raises:
            UserError: When the journal cannot be read, or cannot be put aside.
            RuntimeError: When it is open already.
        """
        if path in cls._open_paths and not is_read_only:
            raise RuntimeError(f"{path} is open already")
        try:
            found = _recover(path, mask, budget)
            note = found.complaint and f"the journal {found.complaint}"
            if is_read_only:
                return Opened(None, found.mask, found.history, note or None, found.replayed)
            if found.complaint:
                note += f"; it is kept as {_put_aside(path).name}"
                if found.size:
                    write_atomically(path, found.data[: found.size])
        except OSError as error:
            reason = error.strerror or str(error)
            raise UserError(
                f"{path}: the journal of unsaved changes cannot be opened: {reason}",
                "make the file readable and its folder writeable, or move the file away",
            ) from error
        journal = cls(path, found.mark)
        journal._position, journal._size, journal._head_size = found.position, found.size, found.head_size
        cls._open_paths.add(path)
        return Opened(journal, found.mask, found.history, note or None, found.replayed)

    @property
    def position(self) -> int:
        """How many changes there were since the journal began."""
        return self._position

    def edit(self, edit: Edit) -> None:
        """A new change was made."""
        self._change(Record(Kind.EDIT, edit.to_bytes()))

    def undo(self) -> None:
        """The last change was undone."""
        self._change(Record(Kind.UNDO))

    def redo(self) -> None:
        """What was undone last was made again."""
        self._change(Record(Kind.REDO))

    def before_save(self, mask: Mask, position: int | None = None) -> Mark:
        """Say that the mask file is about to be replaced by `mask`; the disk knows when the call returns.

        Args:
            mask: What will be in the file.
            position: When the mask was like that (`Snapshot.position`); now, when None.

        Returns:
            What to hand to `after_save`.
        """
        mark = Mark(self._position if position is None else position, digest_of(mask))
        self._say(mark.record(Kind.SAVE))
        self.sync()
        return mark

    def after_save(self, mark: Mark) -> None:
        """Say that the file is in place: an older one, from now on, was put there by somebody else."""
        self._say(mark.record(Kind.SAVED))

    def sync(self) -> None:
        """Wait until the disk has everything; changes may be written down meanwhile. For a background thread."""
        with self._lock:
            self._write()
            # A second descriptor, because nobody waits for the disk while holding the lock.
            file = None if self._file is None else os.dup(self._file)
        if file is not None:
            try:
                os.fsync(file)
            except OSError as error:
                self.problem = _reason(error)
            finally:
                os.close(file)

    def compact(self, budget: int = BUDGET) -> None:
        """Rewrite the file without what the history no longer needs; what is not saved yet stays.

        Args:
            budget: Bytes of edits to keep for undo.
        """
        with self._lock:
            if not self._size:
                return
            self._let_go()  # Windows replaces no file that is open
            try:
                story = Story.read(parse(self.path.read_bytes()[: self._size]).records)
                data = story.compacted(budget)
                write_atomically(self.path, data)
            except (OSError, Damaged) as error:
                self.problem = _reason(error)  # the file is as it was: longer than need be, and right
                return
            self._size = self._head_size = len(data)

    def close(self) -> None:
        """Let go of the file, after making it smaller where that saves half of it; harmless if twice."""
        if self._size - self._head_size > self._head_size + _SLACK:
            self.compact()
        with self._lock:
            self._write()
            self._let_go()
        self._open_paths.discard(self.path)

    def _change(self, record: Record) -> None:
        with self._lock:
            if not self._is_begun:
                self._pending += MAGIC + self._base.record(Kind.BASE).to_bytes()
            self._position += 1
            self._pending += record.to_bytes()
            self._write()

    def _say(self, record: Record) -> None:
        with self._lock:
            # Nothing was ever changed: the mask that is saved is the base, and there is nothing to replay.
            if self._is_begun:
                self._pending += record.to_bytes()
                self._write()

    @property
    def _is_begun(self) -> bool:
        return bool(self._size or self._pending)

    def _write(self) -> None:
        """Put what is pending into the file; on failure it stays pending. Call with the lock held."""
        if not self._pending:
            return
        try:
            if self._file is None:
                self._file = self._opened()
            os.lseek(self._file, self._size, os.SEEK_SET)
            unwritten = memoryview(bytes(self._pending))
            while unwritten:
                unwritten = unwritten[os.write(self._file, unwritten) :]
        except OSError as error:
            self.problem = _reason(error)
            return
        self._size += len(self._pending)
        self._pending.clear()
        self.problem = ""

    def _opened(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        try:
            os.ftruncate(file, self._size)  # a record that a crash cut short
        except OSError:
            os.close(file)
            raise
        return file

    def _let_go(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            with contextlib.suppress(OSError):
                os.close(file)


@dataclass(frozen=True, slots=True)
class _Found:
    """What lies on the disk.

    Attributes:
        mask: Brought up to date.
        history: Of the mask.
        mark: The mask as it was loaded.
        position: How many changes the journal holds, in all.
        data: The bytes of the file.
        size: How many of them are of use; 0 when the journal begins anew.
        head_size: How many of these a compaction would not save.
        complaint: Why not all of them are of use, or an empty string.
    """

    mask: Mask
    history: History
    mark: Mark
    position: int = 0
    data: bytes = b""
    size: int = 0
    head_size: int = 0
    complaint: str = ""

    @property
    def replayed(self) -> int:
        """How many changes of the journal the mask file did not hold."""
        return self.position - self.mark.position


def _recover(path: Path, mask: Mask, budget: int) -> _Found:
    digest = digest_of(mask)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    nothing = _Found(mask, History(budget), Mark(0, digest))
    try:
        records, size, damage = parse(data)
        if not records and not damage:
            return nothing  # not even its first mask was written: no change was ever finished
        story = Story.read(records)
        mark = story.find(digest)
        if mark is None:
            raise Damaged("belongs to another mask: the mask file was changed by another program")
        updated = mask.copy() if mark.position < story.position else mask
        history = story.replay(mark, updated, budget)
    except Damaged as error:
        return _Found(mask, History(budget), Mark(0, digest), complaint=str(error))
    return _Found(updated, history, mark, story.position, data, size, story.head_size, damage)


def _put_aside(path: Path) -> Path:
    """Rename a journal to the first free `.stale-N`."""
    for number in itertools.count(1):
        stale = path.with_name(f"{path.name}.stale-{number}")
        if not stale.exists():
            path.rename(stale)
            return stale
    raise AssertionError("unreachable")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
