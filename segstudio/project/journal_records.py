"""What a journal says: its records as bytes, and the story they tell about a mask. No files here.

A journal is a magic line and then records: length, kind, checksum of the payload, checksum of these three, payload.

    BASE    position, digest        the mask from which the rest begins; always first
    PAST    edit                    what could be undone at the base, oldest first
    FUTURE  edit                    what could be redone at the base, next first
    EDIT    edit                    a change; each change makes the position greater by one
    UNDO, REDO                      changes, too
    SAVE    position, digest        a mask file with this digest is about to be put in place
    SAVED   position, digest        it is in place
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from segstudio.core.edit import Edit
from segstudio.core.history import History
from segstudio.core.mask import Mask

MAGIC = b"SegStudio journal 1\n"

_HEAD = struct.Struct("<IBI")  # length of the payload, kind, checksum of the payload
_CHECKSUM = struct.Struct("<I")  # of the head: tells a record that was cut short from one that was damaged
_MARK = struct.Struct("<Q20s")
_KINDS = frozenset(range(1, 9))
_UNLIMITED = 1 << 62


class Damaged(Exception):
    """A journal that does not make sense; the text completes "the journal ..."."""


class Kind(IntEnum):
    """What a record says; see the module."""

    BASE = 1
    PAST = 2
    FUTURE = 3
    EDIT = 4
    UNDO = 5
    REDO = 6
    SAVE = 7
    SAVED = 8


class Record(NamedTuple):
    """One entry.

    Attributes:
        kind: What it says.
        payload: An edit, a mark, or nothing.
    """

    kind: Kind
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        """The record as it lies in the file."""
        head = _HEAD.pack(len(self.payload), self.kind, zlib.crc32(self.payload))
        return head + _CHECKSUM.pack(zlib.crc32(head)) + self.payload

    @property
    def size(self) -> int:
        """How many bytes it takes in the file."""
        return _HEAD.size + _CHECKSUM.size + len(self.payload)


class Mark(NamedTuple):
    """A mask file that lies, or may lie, in place.

    Attributes:
        position: How many changes had been made when the mask was like that.
        digest: Of the mask; see `digest_of`.
    """

    position: int
    digest: bytes

    def record(self, kind: Kind) -> Record:
        """The record that says it."""
        return Record(kind, _MARK.pack(*self))


def digest_of(mask: Mask) -> bytes:
    """20 bytes that two masks share only when they have the same shape and pixels."""
    shape = struct.pack("<QQ", *mask.shape)
    return hashlib.blake2b(shape + np.packbits(mask).tobytes(), digest_size=20).digest()


class Parsed(NamedTuple):
    """The records of a file.

    Attributes:
        records: All whole ones, up to the first that is not.
        size: How many bytes they take, the magic line included.
        damage: What is wrong behind them, or an empty string; a record that a crash cut short is not wrong.
    """

    records: list[Record]
    size: int
    damage: str


def parse(data: bytes) -> Parsed:
    """The records of a journal's bytes.

    Raises:
        Damaged: When they are no journal, or one of another version.
    """
    if not data.startswith(MAGIC[: len(data)]):
        raise Damaged("is not one of this version of SegStudio")
    records: list[Record] = []
    size = min(len(data), len(MAGIC))
    try:
        while (record := _record_at(data, size)) is not None:
            records.append(record)
            size += record.size
    except Damaged as error:
        return Parsed(records, size, str(error))
    return Parsed(records, size, "")


def _record_at(data: bytes, start: int) -> Record | None:
    """The record that begins there; None when the data end before it does."""
    payload_at = start + _HEAD.size + _CHECKSUM.size
    if len(data) < payload_at:
        return None
    head = data[start : start + _HEAD.size]
    length, kind, checksum = _HEAD.unpack(head)
    if (zlib.crc32(head),) != _CHECKSUM.unpack_from(data, start + _HEAD.size) or kind not in _KINDS:
        raise Damaged(f"is damaged at byte {start}")
    payload = data[payload_at : payload_at + length]
    if len(payload) < length:
        return None
    if zlib.crc32(payload) != checksum:
        raise Damaged(f"is damaged at byte {payload_at}")
    return Record(Kind(kind), payload)


@dataclass
class Story:
    """What the records tell, in order.

    Attributes:
        base: The mask from which the changes begin.
        past: Edits that could be undone at the base, oldest first.
        future: Edits that could be redone at the base, next first.
        changes: EDIT, UNDO and REDO records since then.
        marks: The mask files that may rightly lie in place: the last one known to, and those announced since then.
        head_size: Bytes of the file before the first change.
    """

    base: Mark
    past: list[Edit] = field(default_factory=list)
    future: list[Edit] = field(default_factory=list)
    changes: list[Record] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    head_size: int = 0

    @classmethod
    def read(cls, records: list[Record]) -> "Story":
        """The story of the records of one file.

        Raises:
            Damaged: When they make no sense.
        """
        try:
            if not records or records[0].kind is not Kind.BASE:
                raise Damaged("does not begin with a mask")
            base = Mark(*_MARK.unpack(records[0].payload))
            story = cls(base, marks=[base], head_size=len(MAGIC) + records[0].size)
            for record in records[1:]:
                story._add(record)
        except (struct.error, ValueError) as error:
            raise Damaged(f"makes no sense: {error}") from error
        return story

    @property
    def position(self) -> int:
        """How many changes there were in all, also before the base."""
        return self.base.position + len(self.changes)

    def find(self, digest: bytes) -> Mark | None:
        """Where a mask belongs that lies in place now; None when it was put there by somebody else.

        Of several equal masks the latest, which leaves the least to be replayed.
        """
        return next((mark for mark in reversed(self.marks) if mark.digest == digest), None)

    def replay(self, mark: Mark, mask: Mask, budget: int) -> History:
        """Bring `mask` from `mark` to the end, in place, and give its history.

        Raises:
            Damaged: When that is impossible; the mask may then be half done.
        """
        history = self._history()
        flips: dict[int, Edit] = {}
        try:
            for number, change in enumerate(self.changes, self.base.position):
                edit = _follow(history, change)
                # Twice the same edit is nothing, in whatever order the others come.
                if number >= mark.position and flips.pop(id(edit), None) is None:
                    flips[id(edit)] = edit
            for edit in flips.values():
                edit.apply(mask)
        except ValueError as error:
            raise Damaged(f"makes no sense: {error}") from error
        return History(budget, history.past, history.future)

    def compacted(self, budget: int) -> bytes:
        """A shorter journal with the same end: the last mask known to be in place becomes its base.

        Args:
            budget: Bytes of edits to keep from before that.

        Raises:
            Damaged: When the story makes no sense.
        """
        base, *later = self.marks
        changes = base.position - self.base.position
        history = self._history()
        try:
            for change in self.changes[:changes]:
                _follow(history, change)
        except ValueError as error:
            raise Damaged(f"makes no sense: {error}") from error
        history = History(budget, history.past, history.future)
        records: list[Record] = [base.record(Kind.BASE)]
        records += (Record(Kind.PAST, edit.to_bytes()) for edit in history.past)
        records += (Record(Kind.FUTURE, edit.to_bytes()) for edit in history.future)
        records += self.changes[changes:]
        records += (mark.record(Kind.SAVE) for mark in later if mark.position >= base.position)
        return to_bytes(records)

    def _add(self, record: Record) -> None:
        match record.kind:
            case Kind.PAST | Kind.FUTURE:
                edits = self.past if record.kind is Kind.PAST else self.future
                edits.append(Edit.from_bytes(record.payload))
                self.head_size += record.size
            case Kind.EDIT | Kind.UNDO | Kind.REDO:
                self.changes.append(record)
            case Kind.SAVE | Kind.SAVED:
                mark = Mark(*_MARK.unpack(record.payload))
                if not self.base.position <= mark.position <= self.position:
                    raise Damaged("speaks of changes that it does not hold")
                self.marks = [mark] if record.kind is Kind.SAVED else [*self.marks, mark]
            case Kind.BASE:
                raise Damaged("begins twice")

    def _history(self) -> History:
        # Without a limit: what the window could undo at that time does not depend on today's budget.
        return History(_UNLIMITED, self.past, self.future)


def to_bytes(records: Iterable[Record]) -> bytes:
    """A whole journal."""
    return MAGIC + b"".join(record.to_bytes() for record in records)


def _follow(history: History, change: Record) -> Edit:
    """Do to the history what was done; the edit to apply to the mask."""
    if change.kind is Kind.EDIT:
        made = Edit.from_bytes(change.payload)
        history.push(made)
        return made
    edit = history.undo() if change.kind is Kind.UNDO else history.redo()
    if edit is None:
        raise ValueError(f"{change.kind.name} without a change")
    return edit
