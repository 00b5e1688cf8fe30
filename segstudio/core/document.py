"""Document: the mask of the open sample with its history, and the only way to change it.

A mask that nobody has made yet may be proposed: it is there to be seen and painted on, but it becomes a step of
history, and is written down, only before the first change that somebody makes of it, or when they keep it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy.typing as npt

from segstudio.core.edit import Edit, Patch, Stroke
from segstudio.core.history import History
from segstudio.core.mask import NOWHERE, Mask, Rect, checked_mask
from segstudio.core.signal import Signal


class JournalSink(Protocol):
    """Something that writes down every finished change, in order. It must not raise for a full disk."""

    def edit(self, edit: Edit) -> None:
        """A new change was made."""

    def undo(self) -> None:
        """The last change was undone."""

    def redo(self) -> None:
        """What was undone last was made again."""

    @property
    def position(self) -> int:
        """How many changes it was told of; says where in the journal a snapshot belongs."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The mask as it was after the last finished change; belongs to whoever took it, also in another thread.

    Attributes:
        mask: A copy, without the stroke that is under way.
        counter: `Document.revision_counter` of that moment.
        position: `JournalSink.position` of that moment; 0 without a journal.
    """

    mask: Mask
    counter: int
    position: int


class Document:
    """The open sample's mask. Belongs to one thread; other threads get a `snapshot`.

    Attributes:
        history: What can be undone and redone. Read it; change it through the document.
        changed: Told every rectangle whose pixels changed, also during a stroke.
        history_changed: Told after every finished change, undo and redo.
        journal: Where finished changes are written down, or None.
    """

    def __init__(
        self, mask: Mask, history: History | None = None, journal: JournalSink | None = None, *, is_saved: bool = True
    ) -> None:
        """Open a mask.

        Args:
            mask: Belongs to the document from now on (it is copied only when it cannot be written to).
            history: Of this mask, when there is any.
            journal: Where changes are to be written down.
            is_saved: Whether the mask file holds the same.

        Raises:
            ValueError: When it is no mask.
        """
        mask = checked_mask(mask)
        self._mask = mask if mask.flags.writeable else mask.copy()
        self._view = self._mask.view()
        self._view.flags.writeable = False
        self._stroke: Stroke | None = None
        self._counter = 0 if is_saved else 1
        self._saved_counter = 0
        self._proposal: Edit | None = None
        self.history = History() if history is None else history
        self.journal = journal
        self.changed: Signal[[Rect]] = Signal()
        self.history_changed: Signal[[]] = Signal()

    @property
    def mask(self) -> Mask:
        """The mask, live and read-only: the same array for the document's whole life."""
        return self._view

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self._mask.shape[0], self._mask.shape[1]

    @property
    def revision_counter(self) -> int:
        """Greater after every finished change."""
        return self._counter

    @property
    def is_saved(self) -> bool:
        """Whether the mask file holds every finished change."""
        return self._saved_counter == self._counter

    def saved(self, snapshot: "Snapshot") -> None:
        """Say that a snapshot is in the mask file; what was changed after it was taken stays unsaved."""
        self._saved_counter = max(self._saved_counter, snapshot.counter)

    @property
    def is_proposed(self) -> bool:
        """Whether the mask is one that was proposed, and nobody has changed or kept it."""
        return self._proposal is not None

    def propose(self, edit: Edit) -> None:
        """Make a change that is no step of history yet, and leaves the document as saved as it is.

        What was proposed before is taken back. An edit that changes nothing proposes the mask as it is.

        Raises:
            ValueError: When it belongs to a mask of another shape.
            RuntimeError: When a stroke is under way, or there is history already.
        """
        self._check_no_stroke()
        if self.history.past or self.history.future:
            raise RuntimeError("nothing can be proposed for a mask that somebody has changed")
        before, self._proposal = self._proposal, edit
        rects = [one.apply(self._mask) for one in (before, edit) if one is not None]
        self._tell_proposal(rects)

    def withdraw(self) -> bool:
        """Take back what was proposed; False when nothing is, or while a stroke is under way."""
        if self._proposal is None or self._stroke is not None:
            return False
        edit, self._proposal = self._proposal, None
        self._tell_proposal([edit.apply(self._mask)])
        return True

    def keep_proposal(self) -> bool:
        """Make what was proposed a step of history; False when it was none, or changes nothing."""
        self._check_no_stroke()
        edit, self._proposal = self._proposal, None
        if edit is None or edit.is_empty:
            return False
        self._record(edit)
        return True

    def _tell_proposal(self, rects: list[Rect]) -> None:
        # The mask is another one, and as saved as it was.
        self._saved_counter += self._saved_counter == self._counter
        self._counter += 1
        for rect in rects:
            if not rect.is_empty:
                self.changed.emit(rect)
        self.history_changed.emit()

    @property
    def is_stroke_open(self) -> bool:
        """Whether a stroke is under way."""
        return self._stroke is not None

    @contextmanager
    def stroke(self, label: str) -> Iterator[Stroke]:
        """Paint inside a `with` block: one step of history at its end, or none when nothing changed.

        An exception inside cancels the stroke: every pixel is as before.

        Raises:
            RuntimeError: When another stroke is under way.
        """
        self._check_no_stroke()
        stroke = self._stroke = Stroke(self._mask, label, self.changed.emit)
        try:
            yield stroke
        except BaseException:
            self._stroke = None
            painted = stroke.cancel()
            if not painted.is_empty:
                self.changed.emit(painted)
            raise
        self._stroke = None
        edit = stroke.commit()
        if not edit.is_empty:
            self._record(edit)

    def apply(self, edit: Edit, outcome: Patch | None = None) -> None:
        """Make a change that was computed elsewhere, as one step of history; an empty one is not recorded.

        Args:
            edit: The change.
            outcome: What the edit makes of the mask as it is now, at least wherever it changes anything, when somebody
                has that at hand: to copy it takes a fraction of the time that unpacking a large edit does.

        Raises:
            ValueError: When it belongs to a mask of another shape.
            RuntimeError: When a stroke is under way.
        """
        self._check_no_stroke()
        if edit.is_empty:
            return
        if outcome is None:
            edit.apply(self._mask)
        elif edit.shape != self.shape or edit.bounds.intersect(outcome.rect) != edit.bounds:
            raise ValueError(f"the outcome of an edit of {edit.bounds} covers {outcome.rect} alone")
        else:
            self._mask[outcome.rect.slices] = outcome.pixels
        self.changed.emit(edit.bounds)
        self._record(edit)

    def replace(self, mask: npt.NDArray[Any], label: str) -> None:
        """Put another mask in place of this one, as one step of history.

        Args:
            mask: uint8 of 0 and 1, or bool, of the same shape; it is not kept.
            label: What the user did.

        Raises:
            ValueError: When it is no mask or has another shape.
            RuntimeError: When a stroke is under way.
        """
        self.apply(Edit.between(self._mask, checked_mask(mask), label))

    def undo(self) -> bool:
        """Undo the last change, or take back what was proposed; False when there is none, or a stroke is under way."""
        if self.is_proposed:
            return self.withdraw()
        if self._stroke is not None or (edit := self.history.undo()) is None:
            return False
        if self.journal is not None:
            self.journal.undo()
        self._flip(edit)
        return True

    def redo(self) -> bool:
        """Make the change again that was undone last; False when there is none, or while a stroke is under way."""
        if self._stroke is not None or (edit := self.history.redo()) is None:
            return False
        if self.journal is not None:
            self.journal.redo()
        self._flip(edit)
        return True

    def go_to(self, edit: Edit | None) -> bool:
        """Undo or redo until an edit is the last that holds, as one act; None is before all that can be undone.

        Args:
            edit: One of the history, undone or not.

        Returns:
            False when it is not there any more, or while a stroke is under way; nothing is changed then.
        """
        edits = (*self.history.past, *self.history.future)
        place = next((number for number, one in enumerate(edits, start=1) if one is edit), None)
        wanted = 0 if edit is None else place
        if self._stroke is not None or wanted is None:
            return False
        changed = NOWHERE
        while (many := len(self.history.past)) != wanted:
            step = self.history.undo() if many > wanted else self.history.redo()
            assert step is not None
            if self.journal is not None:
                (self.journal.undo if many > wanted else self.journal.redo)()
            changed = changed.union(step.apply(self._mask))
        if not changed.is_empty:
            self._counter += 1
            self.changed.emit(changed)
            self.history_changed.emit()
        return True

    def snapshot(self) -> Snapshot:
        """A copy of the mask for another thread, without the stroke that is under way."""
        copy = self._mask.copy()
        if self._stroke is not None:
            self._stroke.restore(copy)
        return Snapshot(copy, self._counter, 0 if self.journal is None else self.journal.position)

    def _flip(self, edit: Edit) -> None:
        rect = edit.apply(self._mask)
        self._counter += 1
        self.changed.emit(rect)
        self.history_changed.emit()

    def _record(self, edit: Edit) -> None:
        before, self._proposal = self._proposal, None  # what is painted on was there first
        for one in (before, edit):
            if one is not None and not one.is_empty:
                one = one if one.made is not None else replace(one, made=time.time())
                self.history.push(one)
                if self.journal is not None:
                    self.journal.edit(one)
                self._counter += 1
        self.history_changed.emit()

    def _check_no_stroke(self) -> None:
        if self._stroke is not None:
            raise RuntimeError(f"the stroke {self._stroke.label!r} is still under way")
