"""How well a predicted mask agrees with the true one, from four counts of pixels."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

EMPTY_CONVENTION = (
    "An image where neither the mask nor the prediction has any foreground has no IoU, Dice, precision or recall: "
    "there is nothing to measure. Such images are left out of means and counted separately. "
    "Foreground predicted where there is none scores 0 (and has no recall); "
    "nothing predicted where there is foreground scores 0."
)
"""The one convention for empty masks; shown wherever the figures are shown."""

COMPARED_CONVENTION = (
    "Where two networks are compared, an image without any foreground in its mask scores 1 when nothing is predicted "
    "and 0 otherwise. (Left out, as in the figures of one network, it would hide the false alarms of one of the two.)"
)
"""The convention for empty masks in comparisons: every image has a score in every arm; see `compared`."""


METRICS = {"iou": "IoU", "dice": "Dice"}
"""By what two networks are compared, and what people call it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many pixels were judged how; counts of several images add up with `+`, or with `sum(counts, Counts())`.

    The ratios of one image's counts are that image's metrics; those of added counts are pooled metrics, in which
    large regions weigh more. A ratio that does not exist (see EMPTY_CONVENTION) is None.

    Attributes:
        tp: Foreground in the mask and in the prediction.
        fp: Foreground in the prediction alone.
        fn: Foreground in the mask alone.
        tn: Background in both.
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0

    @classmethod
    def of(
        cls,
        truth: npt.NDArray[np.uint8 | np.bool_],
        predicted: npt.NDArray[np.uint8 | np.bool_],
        ignored: npt.NDArray[np.uint8 | np.bool_] | None = None,
    ) -> "Counts":
        """The counts of one image.

        Args:
            truth: (H, W), bool or uint8; foreground is what is not 0.
            predicted: (H, W), of the same shape.
            ignored: (H, W), of the same shape: what is not 0 there is not counted at all; everything is when None.

        Raises:
            ValueError: When the shapes differ.
        """
        if truth.shape != predicted.shape:
            raise ValueError(f"a prediction of shape {predicted.shape} cannot be compared with a mask of {truth.shape}")
        is_true, is_predicted = truth.astype(np.bool_, copy=False), predicted.astype(np.bool_, copy=False)
        if ignored is not None:
            is_counted = ~ignored.astype(np.bool_, copy=False)
            is_true, is_predicted = is_true[is_counted], is_predicted[is_counted]
        tp = int(np.count_nonzero(is_true & is_predicted))
        fp = int(np.count_nonzero(is_predicted)) - tp
        fn = int(np.count_nonzero(is_true)) - tp
        return cls(tp, fp, fn, is_true.size - tp - fp - fn)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def total(self) -> int:
        """All pixels."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def is_defined(self) -> bool:
        """Whether there is any foreground to measure, true or predicted."""
        return self.tp + self.fp + self.fn > 0

    @property
    def iou(self) -> float | None:
        """Intersection over union of the foreground (Jaccard)."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def dice(self) -> float | None:
        """Dice coefficient of the foreground (F1)."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def precision(self) -> float | None:
        """How much of the predicted foreground is right; 0 when nothing was predicted though there was something."""
        return _ratio(self.tp, self.tp + self.fp) if self.tp + self.fp or not self.fn else 0.0

    @property
    def recall(self) -> float | None:
        """How much of the true foreground was found; None when there is none."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def accuracy(self) -> float | None:
        """How many pixels are right; None without pixels."""
        return _ratio(self.tp + self.tn, self.total)

    @property
    def binary_iou(self) -> float | None:
        """The mean of the foreground's and the background's IoU, as `keras.metrics.BinaryIoU`.

        A class that is absent from mask and prediction has no IoU and is left out of the mean; None without pixels.
        """
        errors = self.fp + self.fn
        return mean((_ratio(self.tp, self.tp + errors), _ratio(self.tn, self.tn + errors))).value


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of what could be measured.

    Attributes:
        value: The mean; None when nothing could be measured.
        count: How many values are in it.
        undefined: How many were left out because there was nothing to measure.
    """

    value: float | None
    count: int
    undefined: int


def compared(counts: Counts, metric: str) -> float:
    """The score of one image in a comparison, "iou" or "dice", by COMPARED_CONVENTION."""
    score: float | None = getattr(counts, metric)
    return 1.0 if score is None else score


def mean(values: Iterable[float | None]) -> Mean:
    """The mean of values that exist, and how many do not."""
    everything = list(values)
    defined = [value for value in everything if value is not None]
    return Mean(sum(defined) / len(defined) if defined else None, len(defined), len(everything) - len(defined))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
