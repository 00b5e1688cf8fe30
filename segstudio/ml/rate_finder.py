"""Learning-rate range test: a hundred steps at ever larger rates show where a network learns fastest.

Smith: Cyclical learning rates for training neural networks, 2017, arXiv:1506.01186, section 3.3; with the exponential
sweep and the smoothing of fastai's lr_find.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.wording import rate_text
from segstudio.ml.data import Pictures, batches_of_epoch
from segstudio.ml.fit import Plan, compile_for

LOWEST, HIGHEST = 1e-6, 1.0
"""The rates that are tried."""

KEPT = 0.9
"""Of the running mean at each step: batches differ, and one says little."""

DIVERGED = 4.0
"""The test ends when the mean is so many times its lowest value."""

LEAST_FALL = 0.02
"""Share of the first loss by which it must fall somewhere, so that anything can be said."""

MARGIN = 10.0
"""The rate stays so many times below the one at which the loss was lowest: there it is about to diverge."""


@dataclass(frozen=True)
class Sweep:
    """What was measured, and what follows from it.

    Attributes:
        rates: Tried one after the other.
        losses: Of the batch at each rate.
        smoothed: Their running mean.
        suggested: A rate to begin with, or None when the curve shows none.
        reason: Why that one, or why none.
    """

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggested: float | None
    reason: str


def sweep(network: keras.Model, train: Pictures, plan: Plan, report: Reporter, steps: int = 100) -> Sweep:
    """Train for some steps, each at a larger rate than the last; the network is good for nothing afterwards.

    Args:
        network: As a training would begin with it.
        train: Pictures to learn from.
        plan: Batch, loss, clipping, augmentation and kept layers; its rate and schedule do not count.
        report: Hears of every step.
        steps: How many.

    Raises:
        Cancelled: When the user stopped it.
        UserError: When the augmenter refuses an image.
    """
    plan = plan.for_pairs(train)
    compile_for(network, plan, epoch=1)
    failures: list[UserError] = []
    batches = batches_of_epoch(
        train, plan.batch, seed=plan.seed, epoch=1, augmenter=plan.augmenter, images=steps * plan.batch,
        failures=failures, weighing=plan.weighing,
    )  # fmt: skip
    rates, losses = np.geomspace(LOWEST, HIGHEST, steps).tolist(), list[float]()
    try:
        for rate, (images, masks, *weights) in zip(rates, batches, strict=True):
            report.progress(len(losses), steps, f"learning rate {rate:.2g}")
            network.optimizer.learning_rate = rate
            network.reset_metrics()
            losses.append(float(network.train_on_batch(images, masks, *weights, return_dict=True)["loss"]))
            report.metric(len(losses), learning_rate=rate, loss=losses[-1])
            if len(losses) == 1:
                report.pace(is_even=True)  # the first step has built the graph
            means = smoothed(losses)
            if not math.isfinite(losses[-1]) or means[-1] > DIVERGED * min(means):
                break
    except Exception:
        if failures:  # in the words of whoever could not augment, instead of TensorFlow's
            raise failures[0] from None
        raise
    if not math.isfinite(losses[-1]):
        losses.pop()
    rates = rates[: len(losses)]
    return Sweep(rates, losses, smoothed(losses), *suggestion(rates, losses))


def smoothed(losses: Sequence[float]) -> list[float]:
    """The running mean at each step, without the pull towards 0 at the beginning."""
    means, mean = [], 0.0
    for count, loss in enumerate(losses, 1):
        mean = KEPT * mean + (1 - KEPT) * loss
        means.append(mean / (1 - KEPT**count))
    return means


def suggestion(rates: Sequence[float], losses: Sequence[float]) -> tuple[float | None, str]:
    """A rate to begin with and the reason; None when the loss fell nowhere.

    Args:
        rates: Rising.
        losses: Of a batch at each.
    """
    means = np.array(smoothed(losses))
    if len(means) < 3:
        return None, "the loss was no number from the beginning: try another loss, or look at the masks"
    # Until a third of the first decade is over the mean is one of a few batches alone.
    settled = min(5, len(means) - 2)
    lowest = settled + int(means[settled:].argmin())
    if means[lowest] > (1 - LEAST_FALL) * means[settled]:
        return None, "the loss fell at no rate: keep the preset's, or try more steps or larger batches"
    slopes = np.gradient(means, np.log10(rates))[settled : lowest + 1]
    steepest = rates[settled + int(slopes.argmin())]
    rate = _round(min(steepest, rates[lowest] / MARGIN))
    return rate, (
        f"the loss falls fastest near {_two(steepest)} and is lowest near {_two(rates[lowest])}; the smaller of the "
        f"first and a tenth of the second is {rate_text(rate)}"
    )


def _round(value: float) -> float:
    """To one digit: the curve says no more."""
    return float(f"{value:.0e}")


def _two(rate: float) -> str:
    """A rate that was measured roughly, to two digits."""
    return rate_text(float(f"{rate:.2g}"))
