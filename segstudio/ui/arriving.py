"""Arriving: the image and the mask of the sample that shall be shown next, read in the background.

Whoever asks for another one meanwhile gets that one; of what was asked for before, nothing stays open.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from segstudio.core.document import Document
from segstudio.core.edit import Edit
from segstudio.core.errors import UserError
from segstudio.core.sample import Sample
from segstudio.project.documents import OpenedDocument, close_document, open_document
from segstudio.project.project import Project
from segstudio.ui.autosave import Autosave
from segstudio.ui.background import Background
from segstudio.ui.images import ImageStore, LoadedSample


@dataclass(eq=False)
class Arrival:
    """What is there already of a sample that shall be shown.

    Attributes:
        sample: Which.
        has_image: Whether its image was read, or cannot be.
        has_mask: The same of its mask.
        loaded: Its image and prediction, or None when the image cannot be read.
        document: Its mask, or None when that cannot be read, or must not be painted because nobody sees the image.
        problem: Why image or mask cannot be read, or None.
        is_looked_at: Whether it was asked if there is a mask to propose.
        has_proposal: Whether nobody waits for that.
        proposal: What it is to begin with, where it has no mask; None when with what there is.
    """

    sample: Sample
    has_image: bool = False
    has_mask: bool = False
    loaded: LoadedSample | None = None
    document: Document | None = None
    problem: UserError | None = None
    is_looked_at: bool = False
    has_proposal: bool = True
    proposal: Edit | None = None


class Arriving(QObject):
    """Brings one sample after the other.

    Attributes:
        arrived: Told an Arrival of which all is there that can be there.
        read_again: Told (sample id, LoadedSample) when an image was read that is not on its way: of the sample on
            screen, say, whose prediction has become another.
    """

    arrived = Signal(object)
    read_again = Signal(int, object)

    def __init__(
        self,
        project: Project,
        images: ImageStore,
        autosave: Autosave,
        reader: Background,
        writer: Background,
        report: Callable[["Future[Any]"], object],
        proposal: Callable[[Arrival], Callable[[], Edit] | None] = lambda _arrival: None,
        parent: QObject | None = None,
    ) -> None:
        """Bring samples of a project.

        Args:
            project: Where they are.
            images: Reads their images.
            autosave: Has the masks that were left and are not written yet.
            reader: The thread in which masks are opened.
            writer: The thread in which they are saved and closed.
            report: Gets what writing has come to.
            proposal: Says how to find what a sample is to begin with, or None.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._project = project
        self._images = images
        self._autosave = autosave
        self._reader = reader
        self._writer = writer
        self._report = report
        self._proposal = proposal
        self._next: Arrival | None = None
        self._is_opening = False
        images.loaded.connect(self._take_image)
        images.failed.connect(self._take_image_failure)

    @property
    def sample(self) -> Sample | None:
        """What is on its way, or None."""
        return None if self._next is None else self._next.sample

    def bring(self, sample: Sample) -> None:
        """Read a sample, in place of the one that is on its way; `arrived` tells when it is there."""
        self.drop()
        arrival = self._next = Arrival(sample)
        self._open_mask(arrival)
        loaded = self._images.cached(sample.id)
        if loaded is not None:
            arrival.loaded, arrival.has_image = loaded, True
        else:
            self._images.request(sample.id)
        self._tell_when_ready()

    def drop(self) -> None:
        """Bring nothing: what is on its way is let go of."""
        arrival, self._next = self._next, None
        if arrival is not None:
            self._let_go(arrival)

    def ask_again(self) -> bool:
        """Read the image of what is on its way anew; False when nothing is."""
        if self._next is None:
            return False
        self._next.has_image = self._next.is_looked_at = False
        self._images.request(self._next.sample.id)
        return True

    def _let_go(self, arrival: Arrival) -> None:
        """Close a document that was opened and is not shown, unless it is one that is still being saved."""
        document, arrival.document = arrival.document, None
        if document is not None and document is not self._autosave.unsaved_document(arrival.sample.id):
            close_document(document)

    def _open_mask(self, arrival: Arrival) -> None:
        document = self._autosave.unsaved_document(arrival.sample.id)
        if document is not None:
            arrival.document, arrival.has_mask = document, True
        elif not self._is_opening:
            # One at a time: who holds the arrow key down passes most samples by, and none is opened twice.
            self._is_opening = True
            # A document that is being closed must be so before it is opened again: same thread, same order.
            thread = self._writer if self._autosave.is_closing(arrival.sample.id) else self._reader
            thread.submit(
                lambda: open_document(self._project, arrival.sample), lambda future: self._take_mask(arrival, future)
            )

    def _take_mask(self, arrival: Arrival, future: "Future[OpenedDocument]") -> None:
        self._is_opening = False
        error = future.exception()
        if error is not None and not isinstance(error, UserError | OSError):
            raise error
        if error is None:
            arrival.document = future.result().document
            self._note_problems(future.result())
        else:
            arrival.problem = error if isinstance(error, UserError) else UserError(str(error))
        arrival.has_mask = True
        if arrival is self._next:
            self._tell_when_ready()
            return
        if arrival.document is not None:
            close_document(arrival.document)
        if self._next is not None and not self._next.has_mask:
            self._open_mask(self._next)
            self._tell_when_ready()

    def _note_problems(self, opened: OpenedDocument) -> None:
        if opened.notes and not self._project.read_only:
            notes = [(str(path), reason) for path, reason in opened.notes]
            self._writer.submit(lambda: self._project.problems.extend(notes), self._report)

    def _take_image(self, sample_id: int, loaded: LoadedSample) -> None:
        arrival = self._next
        if arrival is not None and arrival.sample.id == sample_id:
            arrival.loaded, arrival.has_image = loaded, True
            self._tell_when_ready()
        else:
            self.read_again.emit(sample_id, loaded)

    def _take_proposal(self, arrival: Arrival, future: "Future[Edit]") -> None:
        arrival.proposal, arrival.has_proposal = future.result(), True
        if arrival is self._next:
            self._tell_when_ready()

    def _take_image_failure(self, sample_id: int, message: str, hint: str) -> None:
        arrival = self._next
        if arrival is not None and arrival.sample.id == sample_id:
            arrival.problem = arrival.problem or UserError(message, hint)
            arrival.has_image = True
            self._tell_when_ready()

    def _tell_when_ready(self) -> None:
        arrival = self._next
        if arrival is None or not (arrival.has_image and arrival.has_mask and arrival.has_proposal):
            return
        if not arrival.is_looked_at:
            arrival.is_looked_at = True
            if (work := self._proposal(arrival)) is not None:
                arrival.has_proposal = False
                self._reader.submit(work, lambda future: self._take_proposal(arrival, future))
                return
        self._next = None
        if arrival.loaded is None:
            self._let_go(arrival)  # without the picture nobody can tell what they are painting
        self.arrived.emit(arrival)
