"""Comparison: how far mask and prediction agree while somebody paints, and which errors are forgiven.

Squares of pixels are counted again some time after a stroke, a few in one go; the ring beside the true boundary, where
errors are forgiven, is found in a thread. No stroke waits for either.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from segstudio.core.blobs import forgiven
from segstudio.core.document import Document
from segstudio.core.mask import NOWHERE, Mask, Rect
from segstudio.ui.background import Background
from segstudio.ui.canvas.agreement import Agreement
from segstudio.ui.canvas.sampling import Pyramid

COUNT_AFTER_MS = 80
"""The legend of the error view follows a stroke at this distance."""

COUNT_AT_ONCE = 64
"""So many squares of pixels are counted for it in one go: a millisecond or two."""


class Comparison(QObject):
    """One mask against one prediction.

    Attributes:
        tolerance: Errors that lie no farther than so many pixels from the true boundary are forgiven.
        agreement: The counts; None while there is nothing to compare.
        forgiven: Where errors are forgiven; None without a tolerance.
    """

    counted = Signal()
    """The counts have followed what was painted."""
    ring_changed = Signal(object)
    """Other errors are forgiven inside a Rect."""

    def __init__(self, is_seen: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self.tolerance = 0
        self.agreement: Agreement | None = None
        self.forgiven: Pyramid | None = None
        self._is_seen = is_seen
        self._document: Document | None = None
        self._predicted: Mask | None = None
        self._unforgiven: list[Rect] = []
        self._forgiving = Background("ring", self)
        self._counting = QTimer(self, singleShot=True, interval=COUNT_AFTER_MS)
        self._counting.timeout.connect(self._count)

    def begin(self, document: Document | None, predicted: Mask | None, not_compared: Sequence[Pyramid]) -> None:
        """Compare others. Nothing is forgiven at first: to find the ring takes longer than the next image may.

        Args:
            document: The mask.
            predicted: uint8 (H, W) of 0 and 1.
            not_compared: Where nothing counts, neither as agreeing nor as an error.
        """
        self._document, self._predicted = document, predicted
        self.agreement = self.forgiven = None
        self._unforgiven.clear()
        if predicted is not None and document is not None:
            if self.tolerance:
                self.forgiven = Pyramid(np.zeros_like(predicted), gain=255)
                self._unforgiven.append(Rect.of(document.shape))
            pixels = None if self.forgiven is None else self.forgiven.pixels
            self.agreement = Agreement(document.mask, predicted, pixels, [one.pixels for one in not_compared])

    @property
    def is_shown(self) -> bool:
        """Whether the errors have their pane, and there is something to compare."""
        return self._is_seen() and self.agreement is not None

    @property
    def is_busy(self) -> bool:
        """Whether the ring of tolerance is being found."""
        return self._forgiving.is_busy or self._counting.isActive()

    def change_mask(self, rect: Rect) -> None:
        """The mask has changed: count it soon, and find what is forgiven there."""
        if self.agreement is not None:
            self.agreement.change(rect)
        if self.forgiven is not None:
            self._unforgiven.append(rect)
        if self.is_shown or self._unforgiven:
            self.count_soon()

    def change_ignored(self, rect: Rect) -> None:
        """What is not compared has changed: count it soon."""
        if self.agreement is not None:
            self.agreement.change(rect)
        if self.is_shown:
            self.count_soon()

    def count_soon(self) -> None:
        """Count what has changed, and find what is forgiven, when the hand has gone a little further."""
        if not self._counting.isActive():
            self._counting.start()

    def _count(self) -> None:
        if self.agreement is not None and self.is_shown and not self.agreement.count(COUNT_AT_ONCE):
            self._counting.start(0)  # the rest after what the person does meanwhile: all of a large mask would be felt
            return
        self._counting.setInterval(COUNT_AFTER_MS)
        self.counted.emit()
        if self._unforgiven and self._document is not None and self._document.is_stroke_open:
            self._counting.start()  # a thread at work beside it would be felt in the hand
        else:
            self.forgive()

    def forgive(self) -> None:
        """Find the errors to forgive where the mask has changed, in a thread; a stroke does not wait for it."""
        document, predicted, target = self._document, self._predicted, self.forgiven
        if not self._unforgiven or document is None or predicted is None or target is None:
            return
        reach, rect = self.tolerance + 1, NOWHERE
        for changed in self._unforgiven:
            rect = rect.union(changed)
        self._unforgiven.clear()
        rect = rect.grown(reach).clip(document.shape)
        around = rect.grown(reach).clip(document.shape)
        truth, part = document.mask[around.slices].copy(), predicted[around.slices]
        inner = rect.relative_to(around)

        tolerance = self.tolerance

        def find() -> Mask | None:
            # Whoever steps through the samples leaves most of them before their turn comes.
            return forgiven(truth, part, tolerance) if target is self.forgiven else None

        def take(future: "Future[Mask | None]") -> None:
            found = future.result()
            if found is not None and target is self.forgiven and self.agreement is not None:
                target.pixels[rect.slices] = found[inner.slices]
                target.change(rect)
                self.agreement.change(rect)
                self.ring_changed.emit(rect)

        self._forgiving.submit(find, take)

    def close_threads(self) -> None:
        """End the thread that finds the ring of tolerance."""
        self._forgiving.close()
