"""Would more masks help, and how much: scores of networks that learnt from more and more of them, extrapolated.

The error of a network falls with the number n of examples as c + a n^-b (Hestness et al. 2017, "Deep learning scaling
is predictable, empirically", arXiv:1712.00409): c is what no number of examples mends, such as masks that contradict
each other. It is fitted by least squares: for a given b the rest is a straight line, so that b alone is searched, on a
grid, and there are no local minima to be caught in. The sign of a is left free. Were it held positive, more masks would
help whatever was measured, and nothing could ever speak against it.

The interval is a bootstrap of the measured points, each draw fitted anew. Images, by whole groups, are drawn with
replacement, the same ones for all numbers of masks, as they were measured on the same ones; chance between trainings
is drawn from Student's t, its variance pooled over the numbers of masks, for each has but few repeats. Both parts are
those of `segstudio.core.statistics`, with the corrections for what is few that are explained there. Simulated from
known curves (tests/core/test_learning_curve.py), it holds what the curve goes on to in 89 to 100 of 100 cases.

Its limits: it speaks of masks like those there are. It knows nothing of masks from elsewhere, nor of mending those that
are learnt from already, which leaves their number as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from segstudio.core.statistics import CONFIDENCE, draws_of_units, widening

MORE = (10, 25, 50)
"""So many more masks are asked about."""

WORTH = 0.01
"""A gain that surely is smaller is not worth the work."""

DRAWS = 2000

FEWEST_SIZES = 3
"""The curve has three unknowns."""

FEWEST_REPEATS = 2
"""With one training a size, chance between trainings is unknown."""

_EXPONENTS = np.geomspace(0.05, 2.0, 60)
"""Hestness et al. find 0.07 to 0.35, and 0.5 in theory; few examples of an easy thing fall faster."""

_STEPS = 60
"""Points of the drawn curve."""

Floats = npt.NDArray[np.float64]


class Advice(StrEnum):
    """Whether to go on correcting."""

    HELPS = "more helps"
    ENOUGH = "enough"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, slots=True)
class Gain:
    """What so many more masks are expected to bring.

    Attributes:
        more: How many.
        gain: Of the score.
        interval: Low and high end of its 95 % interval.
    """

    more: int
    gain: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A learning curve.

    Attributes:
        sizes: From how many masks was learnt.
        means: The score with each of them.
        coefficients: a, b and c of the fitted error.
        at: Numbers of masks at which the curve is drawn, beyond the last size too.
        fitted: Its score there.
        low: Lower end of the 95 % interval there.
        high: Upper end.
        gains: What more masks would bring.
        advice: In one word.
        explanation: In a few sentences.
    """

    sizes: tuple[int, ...]
    means: tuple[float, ...]
    coefficients: tuple[float, float, float]
    at: tuple[float, ...]
    fitted: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    gains: tuple[Gain, ...]
    advice: Advice
    explanation: str


def power_law(sizes: npt.ArrayLike, errors: npt.ArrayLike) -> Floats:
    """Fit c + a n^-b to errors.

    Args:
        sizes: (sizes,) numbers of examples.
        errors: (..., sizes); each row is fitted on its own.

    Returns:
        float (..., 3) of a, b and c; c is never negative.
    """
    n, y = np.asarray(sizes, np.float64), np.asarray(errors, np.float64)
    best = np.full(y.shape[:-1], np.inf)
    found = np.zeros((*y.shape[:-1], 3))
    for exponent in _EXPONENTS:
        x = n**-exponent
        centred = x - x.mean()
        slope = (y * centred).sum(-1) / (centred**2).sum()
        rest = y.mean(-1) - slope * x.mean()
        # An error below nothing is none: then the line goes through the origin.
        is_below = rest < 0
        slope = np.where(is_below, (y * x).sum(-1) / (x**2).sum(), slope)
        rest = np.where(is_below, 0.0, rest)
        misfit = ((y - rest[..., None] - slope[..., None] * x) ** 2).sum(-1)
        is_better = misfit < best
        best = np.where(is_better, misfit, best)
        found[is_better] = np.stack(np.broadcast_arrays(slope, exponent, rest), -1)[is_better]
    return found


def error_at(coefficients: Floats, n: npt.ArrayLike) -> Floats:
    """The error of fitted curves, (..., 3), at numbers of examples, (points,): float (..., points)."""
    a, b, c = (coefficients[..., place, None] for place in range(3))
    errors: Floats = c + a * np.asarray(n, np.float64) ** -b
    return errors


def learning_curve(
    scores: npt.ArrayLike,
    sizes: Sequence[int],
    groups: npt.ArrayLike | None = None,
    more: Sequence[int] = MORE,
    seed: int = 0,
    name: str = "IoU",
) -> Curve:
    """What more masks would bring.

    Args:
        scores: float (images, sizes, repeats) of 0..1.
        sizes: From how many masks was learnt, rising.
        groups: (images,) whatever tells which images belong together; None when each stands for itself.
        more: How many more are asked about.
        seed: Of the draws.
        name: Of the score, for the explanation.

    Raises:
        ValueError: When the shapes do not fit, or there are fewer than FEWEST_SIZES sizes.
    """
    table, last = np.asarray(scores, np.float64), sizes[-1]
    if table.ndim != 3 or table.shape[1] != len(sizes) or len(sizes) < FEWEST_SIZES or not table.size:
        raise ValueError(f"scores of shape {table.shape} are not (images, {len(sizes)} sizes, repeats)")
    means: Floats = table.mean((0, 2))
    fit = power_law(sizes, 1 - means)
    drawn = power_law(sizes, 1 - _draws(table, groups, np.random.default_rng(seed)))
    beyond = np.array([last + count for count in more], np.float64)
    gain = error_at(fit, [last]) - error_at(fit, beyond)
    gains = [
        Gain(count, float(gain[place]), _interval(of_draws))
        for place, (count, of_draws) in enumerate(
            zip(more, (error_at(drawn, [last]) - error_at(drawn, beyond)).T, strict=True)
        )
    ]
    at = np.geomspace(sizes[0], last + max(more, default=0), _STEPS)
    low, high = np.quantile(1 - error_at(drawn, at), _ENDS, axis=0)
    advice = _advice(gains[-1], table.shape[2])
    return Curve(
        tuple(sizes), _plain(means), (float(fit[0]), float(fit[1]), float(fit[2])), _plain(at),
        _plain(1 - error_at(fit, at)), _plain(np.clip(low, 0, 1)), _plain(np.clip(high, 0, 1)), tuple(gains), advice,
        _explained(advice, gains, table, name),
    )  # fmt: skip


_ENDS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


def _draws(table: Floats, groups: npt.ArrayLike | None, rng: np.random.Generator) -> Floats:
    """Other mean scores that might have been measured: float (DRAWS, sizes)."""
    images, sizes, repeats = table.shape
    codes = np.arange(images) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    units = int(codes.max()) + 1
    sums, counts = np.zeros((units, sizes)), np.zeros(units)
    np.add.at(sums, codes, table.mean(2))
    np.add.at(counts, codes, 1)
    draws = np.broadcast_to(table.mean((0, 2)), (DRAWS, sizes)).copy()
    if units > 1:
        drawn = draws_of_units(units, DRAWS, rng)
        draws += widening(units) * (sums[drawn].sum(1) / counts[drawn].sum(1)[:, None] - table.mean((0, 2)))
    if repeats > 1:
        left = table.mean(0) - table.mean((0, 2))[:, None]
        freedom = sizes * (repeats - 1)
        error = np.sqrt((left**2).sum() / freedom / repeats)
        # One t for all numbers of masks: its tail says how badly the one pooled variance may be known.
        scale = np.sqrt(freedom / rng.chisquare(freedom, DRAWS))
        draws += error * scale[:, None] * rng.standard_normal((DRAWS, sizes))
    return draws


def _interval(values: Floats) -> tuple[float, float]:
    low, high = np.quantile(values, _ENDS)
    return float(low), float(high)


def _advice(last: Gain, repeats: int) -> Advice:
    low, high = last.interval
    if repeats < FEWEST_REPEATS:
        return Advice.UNCLEAR
    if high < WORTH:
        # More masks do not harm by much: where the scores seem to fall so far, chance speaks.
        return Advice.ENOUGH if low > -WORTH else Advice.UNCLEAR
    # A curve that has fallen once falls for ever, if by next to nothing: to be above 0 is not enough to help.
    return Advice.HELPS if low > 0 and last.gain >= WORTH else Advice.UNCLEAR


def _explained(advice: Advice, gains: Sequence[Gain], table: Floats, name: str) -> str:
    images, _, repeats = table.shape
    numbers = " / ".join(str(one.more) for one in gains)
    about = " / ".join(f"{one.gain:+.3f}" for one in gains)
    within = " / ".join(f"{one.interval[0]:+.3f} to {one.interval[1]:+.3f}" for one in gains)
    what = f"{numbers} more masks like these ≈ {about} {name} (95 % interval {within})."
    last = gains[-1]
    if advice is Advice.HELPS:
        return f"{what} More masks help."
    if advice is Advice.ENOUGH:
        return (
            f"{what} More masks would hardly help: {last.more} of them bring less than {WORTH:g}. "
            "Mending wrong masks, another network or other options may bring more."
        )
    if repeats < FEWEST_REPEATS:
        return f"{what} With one repeat, chance between trainings is unknown, so this tells nothing yet: repeat it."
    if last.interval[0] > 0:
        return (
            f"{what} Most likely {last.more} of them bring less than {WORTH:g}, which is hardly worth the work, but as "
            f"much as {last.interval[1]:+.3f} cannot be ruled out. More repeats (now {repeats}) or more images to "
            f"measure by (now {images}) would tell."
        )
    return (
        f"{what} It cannot be told whether more masks help: chance between images and trainings is as large. "
        f"More repeats (now {repeats}) or more images to measure by (now {images}) would tell."
    )


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
