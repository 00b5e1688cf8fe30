"""Ignoring: where the sample on screen is neither learnt from nor measured, as a layer of its own beside its mask.

It is painted with the same tools, has its own journal, and is saved as a mask is. It arrives a moment after the sample:
nobody waits for it to see the picture. One thread opens, saves and closes in the order that was asked for, so that no
journal is ever opened twice.
"""

from concurrent.futures import Future
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from segstudio.core.document import Document, Snapshot
from segstudio.core.errors import UserError
from segstudio.core.sample import Sample
from segstudio.project.documents import OpenedDocument, close_document, open_ignored, save_ignored
from segstudio.ui.autosave import Autosave
from segstudio.ui.background import Background
from segstudio.ui.session import CLOSE_SECONDS, Session


class Ignoring(QObject):
    """Opens, saves and closes the ignored region of whatever sample is on screen.

    Attributes:
        changed: Told when another region, or none, belongs to the screen; `session.ignored` is it.
        failed: Told (message, hint) when it cannot be read, and hence not be painted.
        autosave: Brings it to its file.
        problem: Why it cannot be read, or empty.
    """

    changed = Signal()
    failed = Signal(str, str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.problem = ""
        self._wanted: Sample | None = None
        self._is_opening = False
        self._is_closed = False
        self._thread = Background("ignore", self)
        self.autosave = Autosave(self._thread, self._save, close_document, self)
        session.set_ignored_saver(self.autosave)

    @property
    def is_busy(self) -> bool:
        """Whether it is being read or written."""
        return self._thread.is_busy

    def take_sample(self, sample: Sample | None) -> None:
        """Another sample is on screen, and whoever shows it has let go of what was before."""
        if self._is_closed:
            return  # it was on its way while the project was being closed
        self.autosave.watch(None, None)
        self.problem = ""
        self._wanted = None if self._session.document is None else sample
        self.changed.emit()
        self._open_wanted()

    def clear(self) -> None:
        """Ignore nothing on this sample, as a step that can be undone."""
        document = self._session.ignored
        if document is not None and not document.is_stroke_open:
            document.replace(np.zeros_like(document.mask), "Ignore nothing")

    def close(self) -> None:
        """Let go of what is open, and end the thread; what is not saved stays in the journal."""
        self._is_closed = True
        self._wanted = None
        self._session.set_ignored(None)
        self.autosave.close()
        self._thread.close(CLOSE_SECONDS)

    def _open_wanted(self) -> None:
        sample = self._wanted
        if sample is None or self._is_opening:
            return  # one at a time: whoever steps through the samples passes most of them by
        unsaved = self.autosave.unsaved_document(sample.id)
        if unsaved is not None:
            self._show(sample, unsaved)
        else:
            self._is_opening = True
            self._thread.submit(
                lambda: open_ignored(self._session.project, sample), lambda future: self._take(sample, future)
            )

    def _take(self, sample: Sample, future: "Future[OpenedDocument]") -> None:
        self._is_opening = False
        is_wanted = self._wanted is not None and self._wanted.id == sample.id
        error = future.exception()
        if error is not None and not isinstance(error, UserError | OSError):
            raise error
        if error is not None:
            if is_wanted:
                self.problem = error.message if isinstance(error, UserError) else str(error)
                self.failed.emit(self.problem, error.hint if isinstance(error, UserError) else "")
                self.changed.emit()
        elif is_wanted:
            self._show(sample, future.result().document)
            for path, reason in future.result().notes:
                self.failed.emit(f"{path}: {reason}", "")
        else:
            self._thread.submit(lambda: close_document(future.result().document))
        if not is_wanted:
            self._open_wanted()

    def _show(self, sample: Sample, document: Document) -> None:
        self.autosave.watch(sample.id, document)
        self._session.set_ignored(document)
        self.changed.emit()

    def _save(self, sample_id: int, document: Document, snapshot: Snapshot) -> Any:
        save_ignored(self._session.project, sample_id, document.journal, snapshot)
