"""How many pixels of a prediction are probably wrong, where there is no mask to say it.

A probability of 0.7 is right in seven of ten cases only when the network is calibrated, and networks seldom are (Guo et
al. 2017, "On calibration of modern neural networks", arXiv:1706.04599). What a stored byte is worth is counted on
validation images, where the truth is known, and made to rise with the byte by isotonic regression (Zadrozny and Elkan
2002, "Transforming classifier scores into accurate multiclass probability estimates", KDD).
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from segstudio.core.threshold import BYTES, Histogram

FAITH = 1.0
"""So many pixels of each byte are believed to be as it says, before any is counted; of most there are thousands."""

Floats = npt.NDArray[np.float64]


def chances(counted: Iterable[Histogram]) -> Floats:
    """How likely foreground is where each byte is predicted: float64 (256,), rising.

    Args:
        counted: Of images with a mask. Of none, the bytes are taken at their word.
    """
    from scipy.optimize import isotonic_regression  # here: the window imports this module

    said = np.arange(BYTES) / (BYTES - 1)
    hits, pixels = FAITH * said, np.full(BYTES, FAITH)
    for one in counted:
        if one.foreground is not None:
            hits = hits + one.foreground
            pixels = pixels + one.foreground + one.background
    found: Floats = isotonic_regression(hits / pixels, weights=pixels).x
    return found


def expected_wrong(histogram: Histogram, chance: Floats, level: int) -> float:
    """Which share of the pixels is probably on the wrong side of a threshold.

    Args:
        histogram: Of the prediction; where it has a mask, that is not looked at.
        chance: See `chances`.
        level: The least byte that is foreground.
    """
    pixels = histogram.background if histogram.foreground is None else histogram.background + histogram.foreground
    wrong = np.where(np.arange(BYTES) >= level, 1 - chance, chance)
    return float((pixels * wrong).sum() / max(int(pixels.sum()), 1))
