"""Shown prediction: what a network predicts of the sample on screen, at a threshold that follows a hand."""

import numpy as np
from numpy.typing import NDArray

from segstudio.core.mask import Mask
from segstudio.core.threshold import DEFAULT, level_of, predicted_at
from segstudio.ui.canvas.layers import HatchLayer
from segstudio.ui.canvas.sampling import Pyramid

FOREGROUND = level_of(DEFAULT)
"""The least probability byte that is foreground, until `set_level` says otherwise."""


class ShownPrediction:
    """The probabilities, and what is foreground of them.

    Attributes:
        probability: uint8 (H, W), 255 times the probability of foreground; None without a prediction.
        level: The least byte of it that is foreground.
        mask: uint8 (H, W) of 0 and 1: the foreground; None without a prediction.
        coverage: The same as it is drawn.
        left_out: Where the prediction says nothing, beside what is ignored; None when nowhere.
    """

    def __init__(self) -> None:
        self.probability: NDArray[np.uint8] | None = None
        self.level = FOREGROUND
        self.mask: Mask | None = None
        self.coverage: Pyramid | None = None
        self.left_out: Pyramid | None = None
        # Memory for what is predicted at other thresholds, used in turn: to ask for new memory takes longer than to
        # fill it. What a thread may still read of the last one is never overwritten by the next.
        self._in_turn: list[NDArray[np.uint8]] = []

    def show(self, probability: NDArray[np.uint8] | None, level: int, left_out: Mask | None) -> None:
        """Take another prediction, or none."""
        self.left_out = None if left_out is None else Pyramid(left_out, gain=255)
        self.probability = probability
        self.level = level
        self.mask = None if probability is None else predicted_at(probability, level)
        self.coverage = None if self.mask is None else Pyramid(self.mask, gain=255)
        self._in_turn.clear()

    def set_level(self, level: int) -> None:
        """Find the foreground at another threshold."""
        self.level = level
        if self.probability is None:
            return
        if not self._in_turn:
            self._in_turn.extend(np.empty((2, *self.probability.shape), np.uint8) for _ in range(2))
        predicted, coverage = pixels = self._in_turn.pop(0)
        self._in_turn.append(pixels)
        np.greater_equal(self.probability, level, out=predicted.view(np.bool_))
        np.multiply(predicted, np.uint8(255), out=coverage)
        self.mask, self.coverage = predicted, Pyramid(coverage)

    @property
    def silence(self) -> HatchLayer | None:
        """The hatching where it says nothing."""
        return None if self.left_out is None else HatchLayer(self.left_out)
