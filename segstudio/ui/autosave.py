"""Autosave: the mask on screen reaches its file within a second of the last stroke, and nobody is told so before."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from segstudio.core.document import Document, Snapshot
from segstudio.project.journal import Journal
from segstudio.ui.background import Background

SavedState = Literal["saved", "saving", "unsaved"]

REST_MS = 500
"""How long after the last stroke the mask is written."""

LONGEST_MS = 2000
"""Who never rests is saved nevertheless after this time."""

RETRY_MS = (2000, 5000, 10000, 30000)
"""How long to wait after the first, second, ... failure before trying again."""

Save = Callable[[int, Document, Snapshot], Any]
"""Writes a snapshot of a sample's mask; called in the background thread."""

Close = Callable[[Document], Any]
"""Lets go of a document that is written and no longer on screen; called in the background thread."""


@dataclass(eq=False)
class _Open:
    """A document that is on screen, or was and is not written yet."""

    sample_id: int
    document: Document
    is_being_written: bool = False


class Autosave(QObject):
    """Writes documents in the background, one after the other, and tries again until it has worked.

    Attributes:
        changed: Told (state, reason) whenever either changes. `saved`: every stroke is in its file. `saving`: it will
            be in a moment. `unsaved`: writing failed for this reason, and is tried again. A reason with another state
            says why strokes are not in the journal: only a crash before the next save would lose them.
        state: What was told last.
        reason: What was told last.
    """

    changed = Signal(str, str)

    def __init__(self, background: Background, save: Save, close: Close, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: SavedState = "saved"
        self.reason = ""
        self._background = background
        self._save = save
        self._close = close
        self._open: dict[int, _Open] = {}
        self._closing: list[int] = []
        self._current: int | None = None
        self._failures = 0
        self._failure = ""
        self._disconnect: Callable[[], None] = lambda: None
        self._waiting = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.save_now)

    def watch(self, sample_id: int | None, document: Document | None) -> None:
        """Save this document from now on; what was watched before is written at once."""
        self.save_now()
        self._disconnect()
        self._disconnect = lambda: None
        self._current = None
        if sample_id is not None and document is not None:
            self._current = sample_id
            self._open.setdefault(sample_id, _Open(sample_id, document))
            self._disconnect = document.history_changed.connect(self._note_change)
            if not document.is_saved:
                self._note_change()  # a crash had left strokes in the journal
        self._let_go()

    def unsaved_document(self, sample_id: int) -> Document | None:
        """The document of a sample that is not written yet, though it may have been left: it is the truth."""
        entry = self._open.get(sample_id)
        return None if entry is None else entry.document

    @property
    def journal_problem(self) -> str:
        """Why strokes are not in the journal of one of the documents, or an empty string."""
        journals = [entry.document.journal for entry in self._open.values()]
        return next((one.problem for one in journals if isinstance(one, Journal) and one.problem), "")

    @property
    def is_empty(self) -> bool:
        """Whether no document is open any more, and none is being let go of."""
        return not self._open and not self._closing

    def is_closing(self, sample_id: int) -> bool:
        """Whether a document of this sample is still being let go of in the background."""
        return sample_id in self._closing

    def save_now(self, *, wait_seconds: float = 0.0) -> bool:
        """Write all that is not written; True when everything is in its file.

        Args:
            wait_seconds: How long to wait for the disk; 0 returns at once.
        """
        self._timer.stop()
        self._waiting.invalidate()
        under_way = [entry for entry in self._open.values() if entry.is_being_written]
        self._write_all(wait_seconds)
        if wait_seconds and any(not entry.document.is_saved for entry in under_way):
            # Those were begun before this call: they may lack the last stroke, or have met what is mended by now.
            self._write_all(wait_seconds)
        return all(entry.document.is_saved for entry in self._open.values())

    def close(self) -> None:
        """Let go of all documents, written or not; their journals keep what is not."""
        self._timer.stop()
        self._disconnect()
        self._current = None
        for entry in self._open.values():
            self._submit_close(entry)
        self._open.clear()

    def _note_change(self) -> None:
        if not self._waiting.isValid():
            self._waiting.start()
        rest = max(0, min(REST_MS, LONGEST_MS - self._waiting.elapsed()))
        self._timer.start(rest)
        self._tell()

    def _write_all(self, wait_seconds: float) -> None:
        for entry in list(self._open.values()):
            self._write(entry)
        if wait_seconds:
            self._background.wait(wait_seconds)

    def _write(self, entry: _Open) -> None:
        if entry.is_being_written or entry.document.is_saved:
            return
        snapshot = entry.document.snapshot()
        entry.is_being_written = True
        self._background.submit(
            lambda: self._save(entry.sample_id, entry.document, snapshot),
            lambda future: self._written(entry, snapshot, future),
        )
        self._tell()

    def _written(self, entry: _Open, snapshot: Snapshot, future: "Future[Any]") -> None:
        entry.is_being_written = False
        error = future.exception()
        if error is None:
            entry.document.saved(snapshot)
            self._failures, self._failure = 0, ""
            if not entry.document.is_saved and not self._timer.isActive():
                self._timer.start(REST_MS)
        else:
            self._failure = _reason(error)
            self._timer.start(RETRY_MS[min(self._failures, len(RETRY_MS) - 1)])
            self._failures += 1
        self._let_go()
        self._tell()

    def _let_go(self) -> None:
        for sample_id, entry in list(self._open.items()):
            if entry.document.is_saved and not entry.is_being_written and sample_id != self._current:
                del self._open[sample_id]
                self._submit_close(entry)

    def _submit_close(self, entry: _Open) -> None:
        self._closing.append(entry.sample_id)

        def closed(future: "Future[Any]") -> None:
            self._closing.remove(entry.sample_id)
            future.result()

        self._background.submit(lambda: self._close(entry.document), closed)

    def _tell(self) -> None:
        state: SavedState = "saved"
        if not all(entry.document.is_saved for entry in self._open.values()):
            state = "unsaved" if self._failures else "saving"
        reason = self._failure if state == "unsaved" else self.journal_problem
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self.changed.emit(state, reason)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
