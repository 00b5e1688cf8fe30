"""History: the edits that can be undone and redone, within a budget of bytes."""

from collections import deque
from collections.abc import Iterable

from segstudio.core.edit import Edit

BUDGET = 64 << 20
"""Bytes of edits that one open sample keeps."""


class History:
    """What was done to one mask, and what was undone.

    It only keeps the edits; the caller applies them. The oldest are forgotten when all together take more than the
    budget, but never the newest, so the last change can always be undone.
    """

    def __init__(self, budget: int = BUDGET, past: Iterable[Edit] = (), future: Iterable[Edit] = ()) -> None:
        """Begin with edits that exist already.

        Args:
            budget: Bytes of edits to keep.
            past: What can be undone, oldest first.
            future: What can be redone, next first.
        """
        self.budget = budget
        self._past = deque(past)
        self._future = deque(future)
        self._nbytes = sum(edit.nbytes for edit in (*self._past, *self._future))
        self._forget()

    def push(self, edit: Edit) -> None:
        """Remember a change that was just made; what was undone before it can no longer be redone."""
        self._nbytes += edit.nbytes - sum(undone.nbytes for undone in self._future)
        self._future.clear()
        self._past.append(edit)
        self._forget()

    def undo(self) -> Edit | None:
        """The edit to apply to undo the last change; None when there is none."""
        if not self._past:
            return None
        edit = self._past.pop()
        self._future.appendleft(edit)
        return edit

    def redo(self) -> Edit | None:
        """The edit to apply to redo what was undone last; None when there is none."""
        if not self._future:
            return None
        edit = self._future.popleft()
        self._past.append(edit)
        return edit

    @property
    def past(self) -> tuple[Edit, ...]:
        """What can be undone, oldest first."""
        return tuple(self._past)

    @property
    def future(self) -> tuple[Edit, ...]:
        """What can be redone, next first."""
        return tuple(self._future)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to redo."""
        return bool(self._future)

    @property
    def undo_label(self) -> str:
        """What would be undone, or an empty string."""
        return self._past[-1].label if self._past else ""

    @property
    def redo_label(self) -> str:
        """What would be redone, or an empty string."""
        return self._future[0].label if self._future else ""

    @property
    def nbytes(self) -> int:
        """The memory that all edits take."""
        return self._nbytes

    def _forget(self) -> None:
        while self._nbytes > self.budget and len(self._past) + len(self._future) > 1 and self._past:
            self._nbytes -= self._past.popleft().nbytes
