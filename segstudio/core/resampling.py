"""How good is a way of training, and how sure is that: the figures of the folds of a cross-validation.

The interval is the corrected resampled t of Nadeau and Bengio (2003), "Inference for the generalization error", Machine
Learning 52, 239-281: mean ± t(J - 1) sqrt((1 / J + measured / learnt) s²) over the J figures of all folds and repeats,
whose variance is s². The figures of two folds are not independent, for their networks have learnt from mostly the same
images; 1 / J alone, the usual t, takes them to be so and is far too narrow. Bouckaert and Frank (2004), "Evaluating the
replicability of significance tests for comparing learning algorithms", PAKDD, recommend it for repeated folds.

Its limits: no estimate of this variance is unbiased (Bengio and Grandvalet 2004, "No unbiased estimator of the variance
of K-fold cross-validation", JMLR 5, 1089-1105), so the 95 % are approximate; and it speaks of networks that learn from
as many images as in a fold, fewer than the project has, so that the final network will be a little better than that.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segstudio.core.statistics import CONFIDENCE

METHOD = (
    "95 % interval over folds and repeats by the corrected resampled t of Nadeau and Bengio (2003). It is approximate: "
    "folds share what they learn from. It speaks of networks that learn from as many images as a fold's."
)
"""What is said beside every interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure over all folds and repeats.

    Attributes:
        mean: Of the folds in which it exists; None when it exists in none.
        interval: Low and high end of the 95 % interval, within 0..1; None with less than two folds.
        deviation: Standard deviation between folds; None with less than two.
        count: In how many folds it exists.
    """

    mean: float | None
    interval: tuple[float, float] | None
    deviation: float | None
    count: int


def estimated(values: npt.ArrayLike, ratio: float) -> Estimate:
    """The mean of a figure over folds and repeats, and how sure it is.

    Args:
        values: float of 0..1, one a fold and repeat; NaN where there was nothing to measure.
        ratio: Images that a fold measures for each one that it learns from.
    """
    from scipy.special import stdtrit  # here: the window imports this module

    found = np.asarray(values, np.float64).ravel()
    found = found[~np.isnan(found)]
    if not found.size:
        return Estimate(None, None, None, 0)
    mean = float(found.mean())
    if found.size < 2:
        return Estimate(mean, None, None, 1)
    variance = float(found.var(ddof=1))
    half = float(stdtrit(found.size - 1, (1 + CONFIDENCE) / 2)) * np.sqrt((1 / found.size + ratio) * variance)
    return Estimate(
        mean, (float(max(0.0, mean - half)), float(min(1.0, mean + half))), float(np.sqrt(variance)), found.size
    )
