"""Is one way of training better than another, and how sure are we: paired differences of images and repeats.

Two kinds of chance are in a difference of scores. Other test images would have given another one, and so would other
trainings (seeds: fresh weights, order of images, augmentation). Every image is measured in every repeat, so the two are
crossed: score difference = what is general + what is this image's + what is this repeat's + the rest. An interval that
counts one of them alone is too narrow (Bouthillier et al. 2021, "Accounting for variance in machine learning
benchmarks", MLSys 3, find the seeds' to be as large as the data's).

The interval is a crossed ("pigeonhole") bootstrap, see Owen (2007), "The pigeonhole bootstrap", Annals of Applied
Statistics 1(2), 386-411, with two corrections for what is few:

- Images, by whole groups of near-duplicates or of one patient, are drawn with replacement. A bootstrap of few things is
  too narrow; it is widened by sqrt(n / (n - 1)) and by t / z, the "expanded percentile" of Hesterberg (2015), "What
  teachers should know about the bootstrap", The American Statistician 69(4), 371-386.
- Of two to five repeats there are hardly any resamples (three of two), and their percentiles are far too narrow. Their
  part is drawn from Student's t with R - 1 degrees of freedom, scaled by the standard error of the repeats' means.

The noise of a single image in a single repeat is counted in both parts: the interval is a little too wide rather than
too narrow. A verdict wants the interval to be on one side of 0, and the signed-rank test of Wilcoxon (1945), zeros
ranked as Pratt (1959) proposed, to agree. Simulated without any true difference (tests/core/test_statistics.py), it
cries wolf in at most 5 of 100 comparisons from two repeats on, whichever chance dominates.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

CONFIDENCE = 0.95
DRAWS = 10_000

POWER = 0.8
"""The chance of finding a difference of the present size that counts as enough to find it."""

FEWEST = 5
"""Independent images that a verdict needs at least."""

RANKED = 6
"""Independent images from which on the signed-rank test can come below 0.05 at all."""

MOST_IMAGES = 100_000
MOST_REPEATS = 100

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Verdict(StrEnum):
    """What a comparison says of one arm against another."""

    HELPS = "helps"
    HURTS = "hurts"
    UNCLEAR = "not distinguishable"


@dataclass(frozen=True)
class Paired:
    """What the paired differences of two arms say.

    Attributes:
        difference: Their mean over images and repeats; positive is better.
        interval: Low and high end of its 95 % interval. With one repeat it knows of other images alone.
        p_value: Wilcoxon's signed-rank test over the independent images' means; it knows nothing of repeats.
        images: How many were measured.
        units: How many of them are independent: groups count as one.
        repeats: How many pairs of trainings.
        verdict: See the module.
        needed_images: Test images in all, with the present repeats, that would find a difference of this size four
            times out of five; the present number when it is found. None when no number would, or none is known.
        needed_repeats: Repeats in all, with the present images, that would.
        is_needed_together: Whether neither of these alone would, but so many images and so many repeats together.
        explanation: All of that as one or two sentences.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float
    images: int
    units: int
    repeats: int
    verdict: Verdict
    needed_images: int | None
    needed_repeats: int | None
    is_needed_together: bool
    explanation: str


def paired(differences: npt.ArrayLike, groups: npt.ArrayLike | None = None, seed: int = 0) -> Paired:
    """Judge the differences between two arms that were measured on the same images in the same repeats.

    Args:
        differences: float (images, repeats) of -1..1: score of the second arm less that of the first. NaN where there
            was nothing to measure.
        groups: (images,) whatever tells which images belong together (near-duplicates, one patient) and are no
            independent witnesses; None when each stands for itself.
        seed: Of the draws: the same differences and seed give the same interval.

    Raises:
        ValueError: When nothing was measured, or the shapes do not fit.
    """
    table = _table(np.asarray(differences, np.float64), groups)
    low, high = _interval(table, np.random.default_rng(seed))
    p_value = _wilcoxon(table.sums.sum(1) / table.counts.sum(1))
    verdict = _verdict(table, low, high, p_value)
    needed = _needed(table, is_found=verdict is not Verdict.UNCLEAR)
    found = Paired(table.mean, (low, high), p_value, table.images, table.units, table.repeats, verdict, *needed, "")
    return Paired(**{**found.__dict__, "explanation": _explained(found)})


@dataclass(frozen=True)
class _Table:
    """Differences added up by unit (group of images) and repeat.

    Attributes:
        sums: float (units, repeats).
        counts: float (units, repeats), how many images are in each sum.
        images: Images that were measured at all.
    """

    sums: Floats
    counts: Floats
    images: int

    @property
    def units(self) -> int:
        return int(self.sums.shape[0])

    @property
    def repeats(self) -> int:
        return int(self.sums.shape[1])

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())

    @property
    def of_repeats(self) -> Floats:
        """The mean of each repeat, (repeats,)."""
        means: Floats = self.sums.sum(0) / self.counts.sum(0)
        return means


def _table(differences: Floats, groups: npt.ArrayLike | None) -> _Table:
    if differences.ndim != 2:
        raise ValueError(f"differences are (images, repeats), not of shape {differences.shape}")
    codes = np.arange(len(differences)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if codes.shape != (len(differences),):
        raise ValueError(f"{len(differences)} images have {len(codes)} groups")
    is_measured = ~np.isnan(differences)
    differences, codes = differences[is_measured.any(1)][:, is_measured.any(0)], codes[is_measured.any(1)]
    if not differences.size:
        raise ValueError("nothing was measured")
    codes = np.unique(codes, return_inverse=True)[1]
    shape = (codes.max() + 1, differences.shape[1])
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, codes, np.nan_to_num(differences))
    np.add.at(counts, codes, ~np.isnan(differences))
    return _Table(sums, counts, len(differences))


def _interval(table: _Table, rng: np.random.Generator) -> tuple[float, float]:
    """The percentiles of the crossed bootstrap; all that is possible when there is but one independent image."""
    if table.units == 1:
        return -1.0, 1.0
    draws = table.mean + widening(table.units) * _drawn_images(table, rng)
    if table.repeats > 1:
        draws += _error_of_repeats(table) * rng.standard_t(table.repeats - 1, DRAWS)
    low, high = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(max(low, -1.0)), float(min(high, 1.0))


def _drawn_images(table: _Table, rng: np.random.Generator) -> Floats:
    """How far the mean is off when other units had been drawn: float (DRAWS,)."""
    sums, counts = table.sums.sum(1), table.counts.sum(1)
    parts = []
    portion = max(1, 4_000_000 // table.units)  # so many draws at a time keep the memory small
    for start in range(0, DRAWS, portion):
        drawn = draws_of_units(table.units, min(portion, DRAWS - start), rng)
        parts.append(sums[drawn].sum(1) / counts[drawn].sum(1))
    return np.concatenate(parts) - table.mean


def draws_of_units(units: int, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Which units each draw with replacement has: int64 (count, units)."""
    return rng.integers(units, size=(count, units))


def widening(units: int) -> float:
    """How much wider a bootstrap of so few units must be; see the module."""
    return float(np.sqrt(units / (units - 1)) * _t(units - 1) / _z(CONFIDENCE))


def _error_of_repeats(table: _Table) -> float:
    """The standard error of the mean from the repeats' means alone."""
    return float(table.of_repeats.std(ddof=1) / np.sqrt(table.repeats))


def _wilcoxon(means: Floats) -> float:
    # Here, because scipy.stats takes most of a second to load, and the window imports this module.
    from scipy.stats import wilcoxon

    if not means.any():
        return 1.0
    return float(wilcoxon(means, zero_method="pratt").pvalue)


def _verdict(table: _Table, low: float, high: float, p_value: float) -> Verdict:
    # One pair of trainings says nothing about another one: see `_explained`.
    if table.repeats < 2 or table.units < FEWEST or low <= 0 <= high:
        return Verdict.UNCLEAR
    if table.units >= RANKED and p_value >= 1 - CONFIDENCE:
        return Verdict.UNCLEAR
    return Verdict.HELPS if low > 0 else Verdict.HURTS


# --- how much more would tell -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Spread:
    """Variances of one image in one repeat, by where they come from.

    Attributes:
        images: Of what is the image's own.
        repeats: Of what is the repeat's own.
        rest: Of what is neither's.
    """

    images: float
    repeats: float
    rest: float

    def found(self, difference: float, units: npt.NDArray[np.int64], repeats: npt.NDArray[np.int64]) -> Flags:
        """Whether so many units and repeats find a difference of this size with the chance POWER: (units, repeats)."""
        n, r = units[:, None].astype(np.float64), repeats[None, :].astype(np.float64)
        of_images, of_repeats, rest = self.images / n, self.repeats / r, self.rest / (n * r)
        half = np.sqrt(_t(n - 1) ** 2 * (of_images + rest) + _t(r - 1) ** 2 * (of_repeats + rest))
        enough: Flags = difference >= half + _z(2 * POWER - 1) * np.sqrt(of_images + of_repeats + rest)
        return enough


def _spread(table: _Table) -> _Spread:
    """Estimates by the mean squares of a crossed table (Searle, Casella and McCulloch 1992, "Variance components")."""
    units, repeats = table.units, table.repeats
    cells = np.divide(table.sums, table.counts, out=np.full(table.sums.shape, np.nan), where=table.counts > 0)
    of_units = table.sums.sum(1) / table.counts.sum(1)
    left = cells - of_units[:, None] - table.of_repeats + table.mean
    rest = float(np.nansum(left**2) / ((units - 1) * (repeats - 1)))
    return _Spread(
        max(float(of_units.var(ddof=1)) - rest / repeats, 0.0),
        max(float(table.of_repeats.var(ddof=1)) - rest / units, 0.0),
        rest,
    )


def _needed(table: _Table, *, is_found: bool) -> tuple[int | None, int | None, bool]:
    """Images and repeats in all that would find the present difference, and whether only both together would."""
    if is_found:
        return table.images, table.repeats, False
    difference = abs(table.mean)
    if table.repeats < 2 or table.units < 2 or not difference:
        return None, None, False
    # Growing by a fiftieth: an estimate needs no more.
    units, repeats = _grown(max(table.units, RANKED), MOST_IMAGES), _grown(table.repeats, MOST_REPEATS)
    is_enough = _spread(table).found(difference, units, repeats)
    # What the estimate finds and the draws did not needs at least one more.
    images = np.maximum(np.round(units * table.images / table.units).astype(np.int64), table.images + 1)
    with_more_images, with_more_repeats = images[is_enough[:, 0]], repeats[is_enough[0]]
    if len(with_more_images) or len(with_more_repeats):
        return (
            int(with_more_images[0]) if len(with_more_images) else None,
            max(int(with_more_repeats[0]), table.repeats + 1) if len(with_more_repeats) else None,
            False,
        )
    if not is_enough.any():
        return None, None, False
    # Images want to be labelled and trainings to be waited for: the least product of the two.
    cost = np.where(is_enough, images[:, None] * repeats[None, :], np.iinfo(np.int64).max)
    row, column = np.unravel_index(np.argmin(cost), cost.shape)
    return int(images[row]), int(repeats[column]), True


def _grown(start: int, end: int) -> npt.NDArray[np.int64]:
    """Numbers from start to end (start itself at least) that grow by a fiftieth."""
    numbers = [start]
    while numbers[-1] + max(1, numbers[-1] // 50) <= end:
        numbers.append(numbers[-1] + max(1, numbers[-1] // 50))
    return np.array(numbers, np.int64)


def _t(freedom: npt.ArrayLike) -> Floats:
    """Student's t beyond which CONFIDENCE leaves but 5 % on both sides."""
    from scipy.special import stdtrit

    quantile: Floats = np.asarray(stdtrit(freedom, (1 + CONFIDENCE) / 2))
    return quantile


def _z(confidence: float) -> float:
    """How many standard deviations around the mean hold this share of a normal distribution."""
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


# --- in words ---------------------------------------------------------------------------------------------------------


def _explained(found: Paired) -> str:
    low, high = found.interval
    if low == high == 0:
        return "There is no difference at all: every image has the same score in both."
    what = f"The mean difference is {found.difference:+.4f} (95 % interval {low:+.4f} to {high:+.4f}"
    if found.units < FEWEST:
        few = "independent image" if found.units == 1 else "independent images"
        return f"{what}), but {found.units} {few} are too few for a verdict: at least {FEWEST} are needed."
    if found.repeats < 2:
        return (
            f"{what} over images alone). With one repeat, chance between trainings is unknown: another seed might say "
            "the opposite. Two or more further repeats would tell."
        )
    if found.verdict is not Verdict.UNCLEAR:
        return f"{what}): more than chance between images and between {found.repeats} trainings explains."
    return f"{what}): it can be chance. {_wanted(found)}"


def _wanted(found: Paired) -> str:
    images, repeats = found.needed_images, found.needed_repeats
    if images is None and repeats is None:
        return "It is so small beside the chance that no sensible number of test images and repeats would tell."
    if found.is_needed_together:
        return (
            f"To tell a difference of this size would take about {images} test images (now {found.images}) together "
            f"with {repeats} repeats (now {found.repeats})."
        )
    if images is None:
        return (
            f"More test images would not tell, because the trainings differ too much among each other; about {repeats} "
            f"repeats instead of {found.repeats} would."
        )
    tell = (
        f"To tell a difference of this size from none would take about {images} test images instead of {found.images}"
    )
    if repeats is None:
        return f"{tell}; more repeats would not do."
    return f"{tell}, or about {repeats} repeats instead of {found.repeats}."
