"""Agreement: how many pixels of mask and prediction agree, kept up to date while somebody paints."""

import cv2
import numpy as np

from segstudio.core.mask import Mask, Rect

BAND = 128
"""Rows that are counted together. A stroke touches a few bands; counting all of a large mask would be felt."""


class Agreement:
    """The counts of one mask against one prediction."""

    def __init__(self, truth: Mask, predicted: Mask) -> None:
        self._truth = truth
        self._predicted = predicted
        bands = -(-truth.shape[0] // BAND)
        self._counts = np.zeros((bands, 3), np.int64)
        self._stale = set(range(bands))

    def refresh(self, rect: Rect) -> None:
        """The mask has changed inside `rect`; it is counted again when somebody asks."""
        self._stale.update(range(rect.y // BAND, -(-rect.bottom // BAND)))

    @property
    def counts(self) -> tuple[int, int, int]:
        """Pixels in both, in the prediction alone, in the mask alone."""
        for band in self._stale:
            rows = slice(band * BAND, (band + 1) * BAND)
            truth, predicted = self._truth[rows], self._predicted[rows]
            both = cv2.countNonZero(cv2.bitwise_and(truth, predicted))
            self._counts[band] = both, cv2.countNonZero(predicted) - both, cv2.countNonZero(truth) - both
        self._stale.clear()
        both, too_much, too_little = self._counts.sum(axis=0).tolist()
        return both, too_much, too_little

    @property
    def shares(self) -> tuple[float, float, float] | None:
        """The same as shares of all that is foreground in either; None when there is none. The first is the IoU."""
        counts = self.counts
        total = sum(counts)
        return None if total == 0 else (counts[0] / total, counts[1] / total, counts[2] / total)
