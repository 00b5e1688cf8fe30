"""The judge of comparisons: it must not cry wolf, must see what is there, and must say what it does not know."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from segstudio.core import statistics
from segstudio.core.statistics import Verdict, paired

SPREADS = {"seeds": (0.3, 1.0, 0.3), "images": (1.0, 0.0, 0.3), "noise": (0.3, 0.0, 1.0), "all": (1.0, 0.4, 0.5)}
"""How much the image, the repeat and the rest contribute to a simulated difference."""


def simulated(rng, images, repeats, spread, mean=0.0):
    """Differences (images, repeats) around a true mean; one unit of spread is 0.02."""
    of_images, of_repeats, rest = (0.02 * one for one in spread)
    differences = mean + of_images * rng.normal(size=(images, 1)) + of_repeats * rng.normal(size=(1, repeats))
    return differences + rest * rng.normal(size=(images, repeats))


def deviation(images, repeats, spread):
    """Of the mean of such differences."""
    of_images, of_repeats, rest = (0.02 * one for one in spread)
    return np.sqrt(of_images**2 / images + of_repeats**2 / repeats + rest**2 / (images * repeats))


@pytest.fixture
def few_draws(monkeypatch):
    """Enough for a share of alarms over many tables."""
    monkeypatch.setattr(statistics, "DRAWS", 1000)


@pytest.mark.parametrize("repeats", [2, 3, 5])
@pytest.mark.parametrize("images", [6, 15, 60])
def test_without_a_difference_it_cries_wolf_in_five_of_a_hundred_at_most(few_draws, repeats, images):
    """Image effects, seed effects or noise dominate; the tolerance is what chance does in a thousand such tests."""
    tables = 40
    for number, spread in enumerate(SPREADS.values()):
        rng = np.random.default_rng([number, repeats, images])
        found = [paired(simulated(rng, images, repeats, spread), seed=seed).verdict for seed in range(tables)]
        alarms = sum(verdict is not Verdict.UNCLEAR for verdict in found)
        assert alarms <= stats.binom.ppf(0.999, tables, 0.05), (spread, alarms)


def test_over_all_of_these_too(few_draws):
    """The same pooled, where chance leaves less room; an interval over images alone would be far off."""
    tables, alarms, naive = 300, 0, 0
    rng = np.random.default_rng(5)
    for seed in range(tables):
        spread = list(SPREADS.values())[seed % len(SPREADS)]
        differences = simulated(rng, 15, 3, spread)
        alarms += paired(differences, seed=seed).verdict is not Verdict.UNCLEAR
        means = differences.mean(1)
        naive += abs(means.mean()) > 1.96 * means.std(ddof=1) / np.sqrt(15)
    assert alarms <= stats.binom.ppf(0.999, tables, 0.05)
    assert naive > stats.binom.ppf(0.999, tables, 0.15)


@pytest.mark.parametrize(("repeats", "least"), [(3, 0.5), (5, 0.7)])
def test_a_clear_difference_is_found(few_draws, repeats, least):
    """Five deviations of the mean: the share that is found at least, whatever dominates."""
    for number, spread in enumerate(SPREADS.values()):
        rng = np.random.default_rng([number, repeats])
        mean = 5 * deviation(15, repeats, spread)
        found = [paired(simulated(rng, 15, repeats, spread, mean), seed=seed).verdict for seed in range(40)]
        assert Verdict.HURTS not in found
        assert np.mean([verdict is Verdict.HELPS for verdict in found]) >= least, spread


def test_the_other_way_round_is_the_mirror():
    differences = simulated(np.random.default_rng(3), 30, 4, SPREADS["all"], 0.03)
    there, back = paired(differences), paired(-differences)
    assert (there.verdict, back.verdict) == (Verdict.HELPS, Verdict.HURTS)
    assert there.difference == -back.difference
    assert there.p_value == back.p_value
    assert there.interval[0] == pytest.approx(-back.interval[1], abs=0.002)


def test_the_same_seed_gives_the_same_interval():
    differences = simulated(np.random.default_rng(3), 30, 4, SPREADS["all"])
    assert paired(differences, seed=1) == paired(differences, seed=1)
    assert paired(differences, seed=1) != paired(differences, seed=2)


def test_one_repeat_gives_no_verdict_and_says_why():
    found = paired(np.full((40, 1), 0.2) + np.random.default_rng(0).normal(0, 0.01, (40, 1)))
    assert found.verdict is Verdict.UNCLEAR
    assert found.interval[0] > 0.19
    assert "chance between trainings is unknown" in found.explanation
    assert (found.needed_images, found.needed_repeats) == (None, None)


@pytest.mark.parametrize("images", [1, 2, 4])
def test_few_images_give_no_verdict_and_say_so(images):
    found = paired(np.full((images, 3), 0.2))
    assert found.verdict is Verdict.UNCLEAR
    assert "too few" in found.explanation
    assert paired(np.full((1, 3), 0.2)).interval == (-1.0, 1.0), "of one image nothing is known"


def test_no_difference_at_all():
    found = paired(np.zeros((20, 3)))
    assert (found.difference, found.interval, found.p_value) == (0.0, (0.0, 0.0), 1.0)
    assert found.verdict is Verdict.UNCLEAR
    assert "no difference at all" in found.explanation


def test_near_duplicates_are_no_further_witnesses():
    rng = np.random.default_rng(1)
    differences = simulated(rng, 8, 3, SPREADS["images"], 0.01)
    copied, groups = np.repeat(differences, 10, axis=0), np.repeat(np.arange(8), 10)
    alone, together, apart = paired(differences), paired(copied, groups), paired(copied)
    assert (together.images, together.units) == (80, 8)
    assert together.p_value == alone.p_value
    assert together.interval == pytest.approx(alone.interval, abs=0.002)
    assert apart.interval[1] - apart.interval[0] < 0.6 * (together.interval[1] - together.interval[0])


def test_groups_may_be_named():
    differences = simulated(np.random.default_rng(1), 6, 2, SPREADS["all"])
    assert paired(differences, ["a", "b", "b", "c", "d", "e"]).units == 5


def test_what_was_not_measured_is_left_out():
    differences = simulated(np.random.default_rng(1), 20, 3, SPREADS["all"], 0.05)
    with_gaps = np.vstack([differences, np.full((2, 3), np.nan)])
    assert paired(with_gaps) == paired(differences)
    with_gaps[0, 1] = np.nan
    assert paired(with_gaps).images == 20
    with pytest.raises(ValueError, match="nothing was measured"):
        paired(np.full((3, 2), np.nan))


def test_repeats_that_disagree_ask_for_repeats_and_not_for_images():
    spread = (0.1, 1.0, 0.1)
    differences = 0.03 + 0.02 * np.array([[-1.0, 0.0, 1.0]]) + simulated(np.random.default_rng(2), 60, 3, spread) * 0.1
    found = paired(differences)
    assert found.verdict is Verdict.UNCLEAR
    assert found.needed_images is None
    assert found.needed_repeats is not None
    assert 3 < found.needed_repeats < 12
    assert "More test images would not tell" in found.explanation


def test_where_neither_alone_would_tell_both_together_are_named():
    rng = np.random.default_rng(0)
    own, seeds = rng.normal(size=(15, 1)), np.array([[-1.0, 0.0, 1.0]])
    differences = 0.004 + 0.01 * (own - own.mean()) + 0.006 * seeds + 0.001 * rng.normal(size=(15, 3))
    found = paired(differences)
    assert found.is_needed_together
    assert found.needed_images is not None
    assert found.needed_images > 15
    assert found.needed_repeats is not None
    assert found.needed_repeats > 3
    assert f"about {found.needed_images} test images (now 15) together with {found.needed_repeats}" in found.explanation


def test_images_that_disagree_ask_for_images():
    rng = np.random.default_rng(2)
    own = rng.normal(size=(20, 1))
    own = (own - own.mean()) / own.std(ddof=1)
    differences = 0.01 + 0.05 * own + 0.001 * rng.normal(size=(20, 5))
    found = paired(differences)
    assert found.verdict is Verdict.UNCLEAR
    assert found.needed_repeats is None
    # (1.96 + 0.84)^2 (0.05 / 0.01)^2 = 196, and a little for what is not known.
    assert found.needed_images is not None
    assert 180 <= found.needed_images <= 260
    more = 0.01 + 0.05 * rng.normal(size=(2 * found.needed_images, 1)) + 0.001 * rng.normal(size=(1, 5))
    assert paired(more).verdict is Verdict.HELPS


@settings(deadline=None, max_examples=50)
@given(
    hnp.arrays(
        float, st.tuples(st.integers(1, 12), st.integers(1, 5)), elements=st.floats(-1, 1, width=16) | st.just(np.nan)
    ),
    st.integers(1, 4),
)
def test_whatever_is_measured_gets_an_answer(differences, size):
    if np.isnan(differences).all():
        return
    found = paired(differences, np.arange(len(differences)) // size)
    low, high = found.interval
    assert -1 <= low <= high <= 1
    assert 0 <= found.p_value <= 1
    assert found.explanation
    assert found.verdict is Verdict.UNCLEAR or (low > 0) is (found.verdict is Verdict.HELPS)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="images, repeats"):
        paired(np.zeros(3))
    with pytest.raises(ValueError, match="2 groups"):
        paired(np.zeros((3, 2)), [1, 2])


@pytest.mark.parametrize("images", [8, 40])
def test_the_interval_over_images_is_as_wide_as_students(images):
    from scipy.stats import t

    differences = np.random.default_rng(3).normal(0.01, 0.05, images)
    low, high = paired(differences[:, None]).interval
    expected = 2 * t.ppf(0.975, images - 1) * differences.std(ddof=1) / np.sqrt(images)
    assert high - low == pytest.approx(expected, rel=0.1)
