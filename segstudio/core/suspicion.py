"""Which true masks may be wrong: those that networks never learn, forget again, or predict otherwise unseen.

A network learns what images and masks have in common; a mask that contradicts the others has a high loss epoch after
epoch, when the rest has been learnt long ago (Swayamdipta et al. 2020, "Dataset cartography", arXiv:2009.10795), or is
learnt and forgotten (Toneva et al. 2019, "An empirical study of example forgetting", arXiv:1812.05159). A network that
has learnt enough learns wrong masks by heart too. So what says most is a network that has not seen the sample, as in a
cross-validation.

How much of an outlier a value is says its distance from the median in robust standard deviations (1.4826 times the
median absolute deviation), of logarithms, because losses spread over factors. z of them is a suspicion of z / (z + 3):
half of it is the usual limit for outliers (Leys et al. 2013, "Detecting outliers", J. Exp. Soc. Psychol. 49, 764-766).
It is no probability. It ranks what to look at; whether the mask is wrong, or the image only hard, a person must say.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LIMIT = 3.0
"""Robust standard deviations that make a suspicion of a half."""

LEAST_SPREAD = 0.1
"""Losses that lie within a tenth of each other are alike, however small their spread is."""

SMOOTHING = 0.005
"""Share of the area: so few wrong pixels in an image without foreground make no suspicion."""

FEWEST_SAMPLES = 8
"""Of fewer nobody can tell what is usual."""

FEWEST_EPOCHS = 3
"""Before that nothing was learnt that could be forgotten."""

LEARNT = 1.0
"""A loss that lies no more than this above the median is that of a sample that has been learnt."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """How suspicious the mask of a sample is.

    Attributes:
        score: 0..1; a half and more is an outlier.
        reason: In a sentence; empty for what is not suspicious.
        iou: Of networks that had not seen it, when that is known.
    """

    score: float
    reason: str = ""
    iou: float | None = None


def outlyingness(values: npt.ArrayLike) -> Floats:
    """How far values lie above the median of the last axis, in robust standard deviations of their logarithms.

    Args:
        values: float (..., samples), 0 or more; NaN where nothing is known.
    """
    logarithms = np.log(np.maximum(np.asarray(values, np.float64), 1e-7))
    away = logarithms - np.nanmedian(logarithms, axis=-1, keepdims=True)
    spread = 1.4826 * np.nanmedian(np.abs(away), axis=-1, keepdims=True)
    found: Floats = away / np.maximum(spread, LEAST_SPREAD)
    return found


def from_losses(losses: npt.ArrayLike, of: str = "") -> list[Suspicion]:
    """What the losses of a training say of each sample that was learnt from.

    Args:
        losses: float (epochs, samples); NaN where a sample was not seen in an epoch.
        of: What they are of, for the reason: "run 0004".

    Returns:
        One for each sample; none at all when there are too few samples or epochs to tell.
    """
    table = np.asarray(losses, np.float64)
    seen = ~np.isnan(table).all(1)
    table = table[seen]
    if table.shape[0] < FEWEST_EPOCHS or table.shape[1] < FEWEST_SAMPLES:
        return []
    above = outlyingness(table)
    # In the first third hardly anything is learnt yet.
    return [_of_training(column[len(column) // 3 :], _forgotten(column), of) for column in above.T]


def _forgotten(above: Floats) -> float:
    """How high a sample's loss came, in a fifth of the epochs at least, after it had been learnt in two of them."""
    above = above[~np.isnan(above)]
    learnt = np.flatnonzero(np.cumsum(above <= LEARNT) >= 2)
    later = np.sort(above[learnt[0] + 1 :]) if learnt.size else np.empty(0)
    often = max(2, int(np.ceil(later.size / 5)))
    return float(later[-often]) if later.size >= often else 0.0


def _of_training(late: Floats, forgotten: float, of: str) -> Suspicion:
    known = late[~np.isnan(late)]
    never = float(np.median(known)) if known.size else 0.0
    score = _score(max(never, forgotten))
    if score < 0.5:
        return Suspicion(score)
    where = f" of {of}" if of else ""
    high = int((known > LIMIT).sum())
    if never >= forgotten:
        reason = f"never learnt: its loss stood out from the others' in {high} of the last {known.size} epochs{where}"
    else:
        reason = f"learnt and forgotten: its loss stood out again in {high} of the last {known.size} epochs{where}"
    return Suspicion(score, reason)


def from_folds(wrong: npt.ArrayLike, ious: Sequence[float | None], of: str = "") -> list[Suspicion]:
    """What networks that had not seen them say of samples.

    Args:
        wrong: float (samples,) of 0..1, see `disagreement`.
        ious: IoU of each, None where there was nothing to measure.
        of: What they are of, for the reason: "study 0002".

    Returns:
        One for each sample; of too few the score is 0.
    """
    values = np.asarray(wrong, np.float64)
    if len(values) < FEWEST_SAMPLES:
        return [Suspicion(0.0, "", iou) for iou in ious]
    # Below a hundredth nothing is wrong that anybody could see.
    scores = [_score(float(z)) for z in outlyingness(np.maximum(values, 0.01))]
    where = f" of {of}" if of else ""
    return [
        Suspicion(score, f"networks{where} that had not learnt from it see something else", iou)
        if score >= 0.5
        else Suspicion(score, "", iou)
        for score, iou in zip(scores, ious, strict=True)
    ]


def disagreement(tp: int, fp: int, fn: int, tn: int) -> float:
    """How far a prediction is from a mask: 1 less their IoU, with a little area that both agree on added.

    So a few pixels of false alarm in an empty image are little, and all of it is much.
    """
    some = SMOOTHING * (tp + fp + fn + tn)
    return 1 - (tp + some) / (tp + fp + fn + some) if tp + fp + fn else 0.0


def _score(z: float) -> float:
    return z / (z + LIMIT) if z > 0 else 0.0
