"""Scores: how a run's prediction of one sample stands against its mask, in the figures that the index keeps."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segstudio.core.metrics import Counts
from segstudio.core.threshold import DEFAULT, Histogram, level_of
from segstudio.project.blob_table import Found

THRESHOLD = level_of(DEFAULT)
"""A probability byte of this or more is foreground (p >= 0.5), unless another threshold was chosen for the run."""

SURELY_BACKGROUND = 13
"""Bytes below this (p < 0.05) count for nothing in the uncertainty."""


@dataclass(frozen=True, slots=True)
class Score:
    """How a run's prediction of one sample stands against the sample's current mask.

    Attributes:
        sample_id: Of the sample.
        uncertainty: What the prediction's maker knew of it, else see `uncertainty_of`.
        foreground: Share of the area predicted as foreground.
        change: Share of the area that the previous run predicted otherwise, at the thresholds of that time; None
            without one.
        counts: Pixels against the current mask, without those that are ignored; None when the sample has no mask or it
            cannot be read.
        blobs: Where it is worst; None when there are no counts.
        histogram: What it would be at another threshold; None for a new prediction, which was not compared yet.
        level: The least probability byte that was taken for foreground.
        kind: What the uncertainty was measured by; see `Predictions.save`.
        mark: Tells the mask that it was compared with from any that was saved since; None for a new prediction.
        way: How a new prediction was made, see `core.way.MANNERS`; None when nobody says.
    """

    sample_id: int
    uncertainty: float
    foreground: float
    change: float | None
    counts: Counts | None
    blobs: Found | None = None
    histogram: Histogram | None = None
    level: int = THRESHOLD
    kind: str = "probability"
    mark: tuple[object, ...] | None = None
    way: str | None = None

    def at(self, level: int) -> "Score":
        """The same at another threshold; where it is worst is not known then."""
        if self.histogram is None or level == self.level:
            return self
        histogram = self.histogram
        return replace(self, foreground=histogram.share(level), counts=histogram.counts(level), blobs=None, level=level)


COUNTED = 'tp = ?, fp = ?, fn = ?, tn = ?, iou = ?, dice = ?, "precision" = ?, recall = ?'
"""What is set of a prediction when it was compared with a mask."""


def figures(counts: Counts | None) -> tuple[float | None, ...]:
    """The values of COUNTED; all None when nothing was counted."""
    if counts is None:
        return (None,) * 8
    return (
        counts.tp, counts.fp, counts.fn, counts.tn, counts.iou, counts.dice, counts.precision, counts.recall
    )  # fmt: skip


def figures_at(
    counted: Iterable[tuple[int, bytes]], level: int, known: dict[bytes, tuple[float | None, ...]]
) -> list[tuple[int, tuple[float | None, ...]]]:
    """For each sample id and histogram the share of foreground and the figures at a level; `known` grows."""
    found = []
    for sample_id, data in counted:
        if data not in known:
            histogram = Histogram.from_bytes(data)
            known[data] = (histogram.share(level), *figures(histogram.counts(level)))
        found.append((sample_id, known[data]))
    return found


def uncertainty_of(probability: NDArray[np.uint8]) -> float:
    """How unsure the network is of what it found, from 0 to 1.

    The mean of 1 - |2p - 1| over the pixels that are not surely background (p >= 0.05), so that a large background
    does not hide a doubtful object. At least a hundredth of the image is counted: a few stray pixels are no doubt.

    Args:
        probability: uint8 (H, W), 255 times p.
    """
    doubtful = probability[probability >= SURELY_BACKGROUND]
    if not doubtful.size:
        return 0.0
    doubt = 1.0 - np.abs(2.0 * doubtful.astype(np.float32) / 255.0 - 1.0)
    return float(doubt.sum(dtype=np.float64) / max(doubtful.size, probability.size / 100))


def share_of(mask: NDArray[np.bool_]) -> float:
    """Which share of the area is set."""
    return float(np.count_nonzero(mask) / mask.size) if mask.size else 0.0
