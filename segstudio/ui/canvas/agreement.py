"""Agreement: how many pixels of mask and prediction agree, kept up to date while somebody paints.

Errors that are forgiven, because they lie beside the true boundary, count as right; what is ignored is not counted.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from segstudio.core.mask import Mask, Rect

SIDE = 256
"""Pixels are counted in squares of this side; a stroke touches a few, and counting a large mask would be felt."""


class Agreement:
    """The counts of one mask against one prediction."""

    def __init__(
        self, truth: Mask, predicted: Mask, forgiven: Mask | None = None, ignored: Sequence[Mask] = ()
    ) -> None:
        self._truth = truth
        self._ignored = ignored
        self._forgiven = forgiven
        self._predicted = predicted
        height, width = truth.shape
        self._counts = np.zeros((-(-height // SIDE), -(-width // SIDE), 3), np.int64)
        self._stale = np.ones(self._counts.shape[:2], np.bool_)

    def change(self, rect: Rect) -> None:
        """The mask, or what is ignored, has changed inside `rect`; it is counted again when somebody asks."""
        self._stale[rect.y // SIDE : -(-rect.bottom // SIDE), rect.x // SIDE : -(-rect.right // SIDE)] = True

    def count(self, most: int | None = None) -> bool:
        """Count what has changed, or the first `most` squares of it; whether nothing is left to count."""
        stale = np.argwhere(self._stale)
        for row, column in stale[:most].tolist():
            square = slice(row * SIDE, (row + 1) * SIDE), slice(column * SIDE, (column + 1) * SIDE)
            truth, predicted = self._truth[square], self._predicted[square]
            if self._forgiven is not None:
                predicted = predicted ^ (self._forgiven[square] & (truth ^ predicted))
            for ignored in self._ignored:
                inside = ignored[square]
                truth, predicted = (np.where(inside, np.uint8(0), one) for one in (truth, predicted))
            both = cv2.countNonZero(cv2.bitwise_and(truth, predicted))
            self._counts[row, column] = both, cv2.countNonZero(predicted) - both, cv2.countNonZero(truth) - both
            self._stale[row, column] = False
        return most is None or len(stale) <= most

    @property
    def counts(self) -> tuple[int, int, int]:
        """Pixels in both, in the prediction alone, in the mask alone."""
        self.count()
        both, too_much, too_little = self._counts.sum(axis=(0, 1)).tolist()
        return both, too_much, too_little

    @property
    def shares(self) -> tuple[float, float, float] | None:
        """The same as shares of all that is foreground in either; None when there is none. The first is the IoU."""
        counts = self.counts
        total = sum(counts)
        return None if total == 0 else (counts[0] / total, counts[1] / total, counts[2] / total)
