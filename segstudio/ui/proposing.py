"""Proposing: a sample that has no mask yet begins with what the prediction shows.

Whoever draws the masks of new images then only corrects, and accepts what is right by one key. Nothing of it is stored
before somebody changes or accepts it: to look at a sample is not to say anything about it. In the test split nothing is
proposed: a mask that begins with what a model says would flatter it.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from segstudio.core.document import Document
from segstudio.core.edit import Edit
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.core.threshold import predicted_at
from segstudio.ui.images import LoadedSample

if TYPE_CHECKING:
    from segstudio.ui.session import Session

_OPEN = frozenset({ReviewState.TODO, ReviewState.FLAGGED})
"""States in which nobody has said yet what the mask is."""

TITLE = "Take whole prediction"


class Proposing(QObject):
    """Says what samples begin with, and keeps that up to date on screen.

    Attributes:
        is_on: Whether anything is proposed.
        is_drawing: Says whether somebody is drawing on what is proposed; then it stays.
    """

    def __init__(self, session: "Session") -> None:
        super().__init__(session)
        self._session = session
        self.is_on = True
        self.is_drawing: Callable[[], bool] = lambda: False
        self._declined: Document | None = None
        session.probability_changed.connect(lambda _probability: self.renew())
        session.level_changed.connect(lambda _level: self.renew())

    def set_on(self, is_on: bool) -> None:
        """Propose masks from now on, on screen too, or none."""
        document, self.is_on = self._session.document, is_on
        if not is_on and document is not None:
            document.withdraw()
        self.renew()

    def decline(self) -> None:
        """Take back what is proposed on screen: the person begins with nothing."""
        self._declined = self._session.document
        if self._declined is not None:
            self._declined.withdraw()

    def keep(self) -> bool:
        """The person has accepted what is on screen: what is proposed there is the mask; False when nothing is."""
        session, sample, document = self._session, self._session.sample, self._session.document
        if sample is None or document is None or not document.is_proposed:
            return False
        if not document.keep_proposal():
            # That nothing is there is a mask too, and no step of history.
            session.store(lambda: session.project.masks.save(sample.id, np.zeros(document.shape, np.uint8)))
        return True

    def work_for(
        self, sample: Sample, document: Document | None, loaded: LoadedSample | None
    ) -> Callable[[], Edit] | None:
        """How to find what a sample begins with, in any thread; None when with the mask that it has."""
        session = self._session
        if not self.is_on or document is None or loaded is None or loaded.probability is None:
            return None
        if sample.has_mask or sample.state not in _OPEN or sample.split is Split.TEST:
            return None
        if session.project.read_only or session.reader:
            return None
        if document is self._declined or not document.is_saved or document.history.past or document.history.future:
            return None
        probability, level, shape = loaded.probability, session.level_of(loaded), document.shape
        return lambda: Edit.between(np.zeros(shape, np.uint8), predicted_at(probability, level), TITLE)

    def renew(self) -> None:
        """The prediction on screen is another, or another threshold is tried."""
        session = self._session
        sample, document, loaded = session.sample, session.document, session.loaded
        work = None if sample is None else self.work_for(sample, document, loaded)
        if work is None:
            return
        level = session.level

        def take(future: "Future[Edit]") -> None:
            is_same = session.document is document and session.loaded is loaded and session.level == level
            if not is_same or document is None or session.sample is None or self.is_drawing():
                return
            if self.work_for(session.sample, document, loaded) is not None:
                document.propose(future.result())

        session.read(work, take)
