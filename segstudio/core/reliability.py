"""What probabilities are worth: the trade between precision and recall at every threshold, and calibration.

Both come from the histograms of `segstudio.core.threshold`, which add up: any group of images costs but an addition.

- Precision and recall at every threshold, and the average precision: the sum of precision times the step in recall, see
  Davis and Goadrich (2006), "The relationship between Precision-Recall and ROC curves", ICML, 233-240, who show why
  points are not joined by straight lines.
- The reliability diagram: how often pixels with a probability of about p are foreground (DeGroot and Fienberg 1983,
  "The comparison and evaluation of forecasters", The Statistician 32, 12-22), and the expected calibration error, its
  mean distance from the diagonal weighted by pixels: Naeini, Cooper and Hauskrecht (2015), "Obtaining well calibrated
  probabilities using Bayesian binning", AAAI, 2901-2907. The Brier (1950) score is the mean squared error.
"""

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from segstudio.core.threshold import BYTES, Histogram

BINS = 10
"""Bins of the reliability diagram."""

Levels = npt.NDArray[np.float64]


def curve_of(histograms: Iterable[Histogram]) -> dict[str, Any]:
    """Precision and recall at every threshold, all pixels of some images pooled.

    Args:
        histograms: Of the images; those without a mask do not count.

    Returns:
        `threshold` (probability bytes over 255, falling), `precision` and `recall` as lists of equal length, only where
        a further threshold finds further pixels; `average_precision`; `prevalence`, the share of foreground, which is
        the precision of guessing. Empty lists and None without any foreground.
    """
    background, foreground = (one[::-1].cumsum() for one in _together(histograms))
    positives, pixels = foreground[-1], foreground[-1] + background[-1]
    if not positives:
        return {"threshold": [], "precision": [], "recall": [], "average_precision": None,
                "prevalence": 0.0 if pixels else None}  # fmt: skip
    found = foreground + background
    is_step = np.diff(found, prepend=0) > 0
    precision, recall = foreground[is_step] / found[is_step], foreground[is_step] / positives
    return {
        "threshold": (np.arange(BYTES - 1, -1, -1)[is_step] / 255).round(4).tolist(),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "average_precision": float((precision * np.diff(recall, prepend=0)).sum()),
        "prevalence": float(positives / pixels),
    }


def calibration_of(histograms: Iterable[Histogram]) -> dict[str, Any]:
    """How far the probabilities can be taken at their word, all pixels of some images pooled.

    Args:
        histograms: Of the images; those without a mask do not count.

    Returns:
        `bins`: for each tenth of the probabilities that has pixels `low`, `high`, `predicted` (their mean probability),
        `observed` (their share of foreground) and `pixels`; `ece`, the expected calibration error; `ece_unsure`, the
        same over the pixels outside the first and the last bin, because sure background is most of many images and
        hides the rest; `brier`. Errors are None without such pixels.
    """
    values = np.arange(BYTES) / 255
    background, foreground = _together(histograms)
    total = background + foreground
    places = np.minimum((values * BINS).astype(np.int64), BINS - 1)

    def of_bins(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return cast(npt.NDArray[np.float64], np.bincount(places, weights, minlength=BINS))

    pixels, hits, sums = of_bins(total), of_bins(foreground), of_bins(total * values)
    gaps = np.abs(sums - hits)
    squares = background * values**2 + foreground * (1 - values) ** 2
    return {
        "bins": [
            {"low": n / BINS, "high": (n + 1) / BINS, "predicted": float(sums[n] / pixels[n]),
             "observed": float(hits[n] / pixels[n]), "pixels": int(pixels[n])}
            for n in np.flatnonzero(pixels).tolist()
        ],
        "ece": _share(gaps.sum(), pixels.sum()),
        "ece_unsure": _share(gaps[1:-1].sum(), pixels[1:-1].sum()),
        "brier": _share(squares.sum(), total.sum()),
    }  # fmt: skip


def _together(histograms: Iterable[Histogram]) -> tuple[Levels, Levels]:
    """How often each byte is predicted on background and on foreground: float (256,) each."""
    background, foreground = np.zeros(BYTES), np.zeros(BYTES)
    for one in histograms:
        if one.foreground is not None:
            background += one.background
            foreground += one.foreground
    return background, foreground


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
