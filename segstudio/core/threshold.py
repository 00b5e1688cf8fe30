"""Thresholds: from which probability on a pixel is foreground, and what another threshold would have given.

Probabilities are stored as bytes, 255 times the probability, rounded. A byte belongs to all probabilities that round to
it, so the threshold that parts byte L - 1 from byte L is (L - 0.5) / 255; byte 128 and more is p >= 0.5.

A histogram of the bytes on true foreground and on true background says all about one prediction that counts of pixels
can say, at every threshold: the counts at another one are sums over its end, and no image is read again.
"""

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.mask import Mask
from segstudio.core.metrics import Counts

BYTES = 256
"""How many values a stored probability can have."""

DEFAULT = 0.5
"""The threshold of a run for which nobody has chosen another."""

ACCEPTED_IOU = 0.8
"""From this IoU on a prediction passes, until somebody says otherwise."""

_CHUNK = 2048
"""Samples whose histograms are summed up together; more would want more memory, and no less time."""

_EXACT = 1 << 24
"""OpenCV gives counts as float32, which are whole up to this number."""

Levels = npt.NDArray[np.int64]


def level_of(threshold: float) -> int:
    """The least byte, from 1 to 255, that is foreground at a threshold.

    Raises:
        ValueError: When it is no number between 0 and 1.
    """
    if not 0 <= threshold <= 1:  # a NaN is neither
        raise ValueError(f"a threshold lies between 0 and 1, not at {threshold}")
    return min(max(math.floor(threshold * 255 + 1), 1), 255)


def threshold_of(level: int) -> float:
    """The threshold at which bytes of `level` or more are foreground, to four digits; see the module."""
    return round((level - 0.5) / 255, 4)


def predicted_at(probability: npt.NDArray[np.uint8], level: int) -> Mask:
    """What is predicted as foreground: uint8 (H, W) of 0 and 1, from uint8 (H, W)."""
    return cast(Mask, (probability >= level).view(np.uint8))


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """How often each byte is predicted for one sample.

    Attributes:
        background: int64 (256,), on pixels that are not foreground in the true mask; all pixels without a mask.
        foreground: int64 (256,), on pixels that are; None without a mask.
    """

    background: Levels
    foreground: Levels | None

    @classmethod
    def of(cls, probability: npt.NDArray[np.uint8], truth: Mask | None, ignored: Mask | None = None) -> "Histogram":
        """Count.

        Args:
            probability: uint8 (H, W).
            truth: uint8 (H, W) of 0 and 1, or None.
            ignored: uint8 (H, W) of 0 and 1: what is 1 there is not counted; everything is when None.

        Raises:
            ValueError: When the shapes differ.
        """
        if truth is not None and truth.shape != probability.shape:
            raise ValueError(f"a prediction of {probability.shape} cannot be compared with a mask of {truth.shape}")
        found = np.zeros((BYTES, 1 if truth is None else 2), np.int64)
        rows = max(1, _EXACT // max(probability.shape[1], 1))
        for top in range(0, probability.shape[0], rows):
            part = np.ascontiguousarray(probability[top : top + rows])
            where = None if ignored is None else np.ascontiguousarray(ignored[top : top + rows] ^ 1)
            if truth is None:
                counted = cv2.calcHist([part], [0], where, [BYTES], [0, BYTES])
            else:
                mask = np.ascontiguousarray(truth[top : top + rows])
                counted = cv2.calcHist([part, mask], [0, 1], where, [BYTES, 2], [0, BYTES, 0, 2])
            found += counted.reshape(found.shape).astype(np.int64)
        return cls(found[:, 0], None if truth is None else found[:, 1])

    @property
    def pixels(self) -> int:
        """How many pixels of the sample count."""
        return int(self.background.sum() + (0 if self.foreground is None else self.foreground.sum()))

    def share(self, level: int) -> float:
        """The share of the area that is predicted as foreground."""
        found = self.background[level:].sum() + (0 if self.foreground is None else self.foreground[level:].sum())
        return float(found / max(self.pixels, 1))

    def counts(self, level: int) -> Counts | None:
        """The pixels against the true mask, as `Counts.of` has them; None without a mask."""
        if self.foreground is None:
            return None
        tp, fp = int(self.foreground[level:].sum()), int(self.background[level:].sum())
        return Counts(tp, fp, int(self.foreground[:level].sum()), int(self.background[:level].sum()))

    def to_bytes(self) -> bytes:
        """The histogram as `from_bytes` reads it: about one kilobyte."""
        rows = [self.background] if self.foreground is None else [self.background, self.foreground]
        return zlib.compress(np.array(rows, "<u4").tobytes(), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Histogram":
        """The histogram of `to_bytes`.

        Raises:
            ValueError: When the bytes are none.
        """
        try:
            rows = np.frombuffer(zlib.decompress(data), "<u4").reshape(-1, BYTES).astype(np.int64)
        except zlib.error as error:
            raise ValueError(f"these bytes are no histogram: {error}") from error
        if len(rows) not in (1, 2):
            raise ValueError("these bytes are no histogram")
        return cls(rows[0], rows[1] if len(rows) == 2 else None)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What every threshold gives over all pixels of some samples together.

    Attributes:
        iou: float64 (256,), by level; NaN where there is nothing to measure. Level 0 is foreground everywhere.
        precision: The same.
        recall: The same.
        images: How many samples.
    """

    iou: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    images: int

    @property
    def best(self) -> int | None:
        """The level with the highest IoU, of several the one next to p >= 0.5; None when nothing can be measured."""
        usable = self.iou[1:]
        if np.isnan(usable).all():
            return None
        levels = np.flatnonzero(usable == np.nanmax(usable)) + 1
        return int(levels[np.abs(levels - level_of(DEFAULT)).argmin()])


class Sweep:
    """The predictions of many samples at every threshold; to look at another one is a matter of sums made before.

    Attributes:
        ids: int64 (N,), of the samples.
        chosen: bool (N,): those that the curve is about.
    """

    def __init__(self, ids: npt.NDArray[np.int64], histograms: Iterable[bytes], chosen: npt.NDArray[np.bool_]) -> None:
        """Sum up.

        Args:
            ids: Of the samples.
            histograms: `Histogram.to_bytes` of each, all with a mask.
            chosen: Those that the curve is about.
        """
        self.ids = ids
        self.chosen = chosen
        # By level first: what is asked for is one level of all samples. 2 KB for each sample.
        self._above = np.zeros((2, BYTES, len(ids)), np.uint32)
        part = np.zeros((min(_CHUNK, len(ids)), 2, BYTES), np.uint32)
        start = 0
        for index, data in enumerate(histograms):
            part[index - start] = np.frombuffer(zlib.decompress(data), "<u4").reshape(2, BYTES)
            if index - start == len(part) - 1 or index == len(ids) - 1:
                summed = np.cumsum(part[: index - start + 1, :, ::-1], axis=2, dtype=np.uint32)[:, :, ::-1]
                self._above[:, :, start : index + 1] = summed.transpose(1, 2, 0)
                start = index + 1

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def curve(self) -> Curve:
        """Over all pixels of the chosen samples."""
        fp, tp = self._above[:, :, self.chosen].sum(axis=2, dtype=np.int64)
        everything, predicted = tp[0], tp + fp
        recall = _ratio(tp, np.broadcast_to(everything, tp.shape))
        # Nothing predicted where there is something: see metrics.Counts.precision.
        precision = np.where((predicted == 0) & (everything > 0), 0.0, _ratio(tp, predicted))
        return Curve(_ratio(tp, everything + fp), precision, recall, int(np.count_nonzero(self.chosen)))

    def iou(self, level: int) -> npt.NDArray[np.float64]:
        """Of each sample: float64 (N,), NaN where mask and prediction are both empty."""
        fp, tp = self._above[:, level].astype(np.int64)
        return _ratio(tp, self._above[1, 0].astype(np.int64) + fp)

    def is_empty(self, level: int) -> npt.NDArray[np.bool_]:
        """Where nothing is predicted: bool (N,)."""
        fp, tp = self._above[:, level]
        return np.asarray((fp == 0) & (tp == 0))

    def passes(self, level: int, limit: float) -> npt.NDArray[np.bool_]:
        """Which predictions reach an IoU of `limit`, bool (N,); two empty masks do, for nothing is wrong with them."""
        iou = self.iou(level)
        return np.isnan(iou) | (iou >= limit)

    def flips(self, before: int, after: int, limit: float) -> npt.NDArray[np.intp]:
        """The rows of samples whose verdict is another at level `after` than at level `before`.

        A verdict is whether the IoU reaches `limit`, and whether anything is predicted at all.

        Returns:
            (K,) indices into `ids`, those first whose IoU changes most.
        """
        is_other = self.passes(before, limit) != self.passes(after, limit)
        is_other |= self.is_empty(before) != self.is_empty(after)
        rows = np.flatnonzero(is_other)
        change = np.abs(np.nan_to_num(self.iou(after)[rows], nan=1.0) - np.nan_to_num(self.iou(before)[rows], nan=1.0))
        return rows[np.argsort(-change, kind="stable")]


def _ratio(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    ratio: npt.NDArray[np.float64] = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
