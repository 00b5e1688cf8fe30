"""Operating: one operation on the whole mask under way: computed in a thread, shown, then made or given up."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from segstudio.core.document import Document
from segstudio.core.edit import Edit, Patch
from segstudio.core.errors import UserError
from segstudio.core.mask import Mask, bounding_box
from segstudio.core.options import Options
from segstudio.operations import Check, Operation, Subject
from segstudio.tools import Stopped, Work
from segstudio.ui import background
from segstudio.ui.background import Background
from segstudio.ui.canvas.layers import PreviewLayer


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What an operation would do.

    Attributes:
        edit: The change.
        layer: What it looks like; None when nothing changes.
        added: Pixels that become foreground.
        removed: Pixels that become background.
    """

    edit: Edit
    layer: PreviewLayer | None
    added: int
    removed: int


class Operating(QObject):
    """The operation under way, if there is one. One with options is shown until `apply` or `cancel`.

    Attributes:
        operation: The operation, or None.
        options: Its options; those of the last time when it is begun again.
        outcome: What it would do with these options; None until it is computed.
    """

    begun = Signal()
    """Another operation is under way."""
    changed = Signal()
    """What it would do is known, or no longer."""
    ended = Signal()
    """No operation is under way any more."""
    failed = Signal(str, str)
    """It cannot be done; message and hint."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.operation: Operation[Any] | None = None
        self.options: Options = Options()
        self.outcome: Outcome | None = None
        self._document: Document | None = None
        self._predicted: Mask | None = None
        self._previous: Callable[[], Mask] | None = None
        self._last: dict[str, Options] = {}
        self._work: Work | None = None
        self._computed: tuple[Options, int] | None = None
        self._is_apply_wanted = False
        self._is_made = False
        self._thread = _thread()

    @property
    def is_active(self) -> bool:
        """Whether an operation is under way."""
        return self.operation is not None

    @property
    def is_computing(self) -> bool:
        """Whether it is not known yet what it would do."""
        return self._work is not None

    @property
    def layer(self) -> PreviewLayer | None:
        """What is to be shown over the picture."""
        return None if self.outcome is None else self.outcome.layer

    def begin(
        self,
        operation: Operation[Any],
        document: Document,
        predicted: Mask | None = None,
        previous: Callable[[], Mask] | None = None,
    ) -> None:
        """Begin an operation on a mask; one without options is made as soon as it is computed."""
        self.cancel()
        self.operation, self._document = operation, document
        self._predicted, self._previous = predicted, previous
        self.options = self._last.get(operation.name, operation.Options())
        self._is_apply_wanted = not operation.Options.model_fields
        self._compute()
        self.begun.emit()

    def set_options(self, options: Options) -> None:
        """Show what it would do with other options."""
        self.options = options
        if self._work is None:
            self._compute()

    def apply(self) -> None:
        """Make the change, one step of history, as soon as it is known."""
        self._is_apply_wanted = self.is_active
        if self._is_apply_wanted and self._work is None:
            self._finish()

    def cancel(self) -> None:
        """Leave the mask as it is."""
        if self.operation is not None:
            self._end()

    def finish(self) -> bool:
        """Make what was decided, waiting a moment for it, and give up what is only shown.

        Returns:
            False when something was decided and could not be made; `failed` has told why.
        """
        if not self._is_apply_wanted:
            self.cancel()
            return True
        assert self.operation is not None
        title, self._is_made = self.operation.title, False
        if not self._thread.wait_until(lambda: not self.is_active, background.PATIENCE):
            self.cancel()
            self.failed.emit(f"{title} was not made: it takes too long to compute.", "Begin it again, and wait for it.")
        return self._is_made

    def _compute(self) -> None:
        document, operation, options = self._document, self.operation, self.options
        assert document is not None
        assert operation is not None
        snapshot = document.snapshot()
        subject = Subject(snapshot.mask, self._predicted, self._previous)
        self._computed = options, snapshot.counter
        work = self._work = Work(partial(_outcome, operation, subject, options), operation.title)
        self._thread.submit(work.run, partial(self._take, work))
        self.changed.emit()

    def _take(self, work: Work, future: "Future[Any]") -> None:
        if work is not self._work:
            return
        self._work = None
        error = future.exception()
        if error is not None:
            self._end()
            if isinstance(error, UserError):
                self.failed.emit(error.message, error.hint)
            elif isinstance(error, OSError):  # of the mask that is copied
                self.failed.emit(f"{work.text} was not made: {error.strerror or error}: {error.filename}", "")
            elif not isinstance(error, Stopped):
                raise error
            return
        self.outcome = future.result()
        assert self._document is not None
        if self._computed != (self.options, self._document.revision_counter):
            self._compute()  # something has changed meanwhile; what is known is shown all the same
        elif self._is_apply_wanted:
            self._finish()
        else:
            self.changed.emit()

    def _finish(self) -> None:
        document, outcome = self._document, self.outcome
        if document is None or outcome is None:
            return
        if self._computed != (self.options, document.revision_counter):
            self._compute()
            return
        self._end()
        document.apply(outcome.edit)
        self._is_made = True

    def _end(self) -> None:
        assert self.operation is not None
        self._last[self.operation.name] = self.options
        if self._work is not None:
            self._work.stop()
        self._work = self.operation = self._document = self.outcome = None
        self._predicted = self._previous = self._computed = None
        self._is_apply_wanted = False
        self.ended.emit()


@cache
def _thread() -> Background:
    """One for the whole process: what it computes cannot always be interrupted, and may outlive the window."""
    return Background("operation")


def _outcome(operation: Operation[Any], subject: Subject, options: Options, check: Check) -> Outcome:
    """In a thread: what it would do."""
    before = subject.mask
    after = operation.apply(subject, options, check)
    check()
    edit = Edit.between(before, after, operation.title)
    rect = bounding_box(before != after)
    patch = Patch(rect, np.ascontiguousarray(after[rect.slices]))
    layer = None if rect.is_empty else PreviewLayer(before, patch, None)
    added = int(np.count_nonzero(patch.pixels > before[rect.slices]))
    removed = int(np.count_nonzero(patch.pixels < before[rect.slices]))
    return Outcome(edit, layer, added, removed)
