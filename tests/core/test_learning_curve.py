"""Learning curves: made ones are recovered, the interval holds what it promises, and noise tells nothing."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.learning_curve import MORE, Advice, error_at, learning_curve, power_law

SIZES = [9, 18, 35, 70]


def made(rng, a, b, c, *, images=15, repeats=3, chance=0.01, sizes=SIZES):
    """Scores (images, sizes, repeats) of networks on a known curve: harder images, chance of trainings, noise."""
    n = np.array(sizes, float)
    own = rng.normal(0, 0.05, (images, 1, 1)) + rng.normal(0, 0.01, (images, 1, 1)) * np.log(n / n[-1])[None, :, None]
    noise = rng.normal(0, chance, (1, len(n), repeats)) + rng.normal(0, 0.02, (images, len(n), repeats))
    return (1 - c - a * n**-b)[None, :, None] + own + noise


@given(st.floats(0.1, 1), st.floats(0.1, 1.5), st.floats(0, 0.3))
def test_a_made_curve_is_recovered(a, b, c):
    errors = c + a * np.array(SIZES, float) ** -b
    fit = power_law(SIZES, errors)
    assert np.abs(error_at(fit, SIZES) - errors).max() < 2e-3 * a
    further = np.array([80, 95, 120])
    assert np.abs(error_at(fit, further) - (c + a * further**-b)).max() < 5e-3 * a
    assert fit[2] >= 0


def test_rows_are_fitted_on_their_own():
    errors = np.array([[[0.5, 0.4, 0.3, 0.25], [0.1, 0.1, 0.1, 0.1]], [[0.1, 0.2, 0.3, 0.4], [0.9, 0.5, 0.3, 0.2]]])
    fits = power_law(SIZES, errors)
    assert fits.shape == (2, 2, 3)
    for place in np.ndindex(2, 2):
        np.testing.assert_array_equal(fits[place], power_law(SIZES, errors[place]))
    assert fits[1, 0, 0] < 0  # an error that rises is not made to fall


@pytest.mark.parametrize(("a", "b", "c"), [(0.5, 0.5, 0.03), (0.8, 0.35, 0.0), (0.0, 0.5, 0.1)])
def test_the_interval_holds_what_the_curve_goes_on_to(a, b, c):
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(40):
        gains = learning_curve(made(rng, a, b, c), SIZES, seed=seed).gains
        truth = a * 70.0**-b - a * (70.0 + gains[-1].more) ** -b
        held += gains[-1].interval[0] <= truth <= gains[-1].interval[1]
    assert held >= 34


def test_advice_says_what_is_so():
    def advices(a, b, c, **how):
        rng = np.random.default_rng(1)
        return Counter(learning_curve(made(rng, a, b, c, **how), SIZES, seed=seed).advice for seed in range(20))

    assert advices(0.8, 0.5, 0.02)[Advice.HELPS] >= 19
    assert advices(0.0, 0.5, 0.05)[Advice.ENOUGH] >= 18
    noise = advices(0.0, 0.5, 0.3, chance=0.1, images=6)
    assert noise[Advice.UNCLEAR] >= 18


def test_a_curve_that_is_flat_by_now_is_not_said_to_help():
    """Lungs at 64 px, 15 images, two repeats: +0.0005 for 50 more, interval +0.0001 to +0.011."""
    repeats = [[0.8308, 0.8461], [0.8806, 0.8587], [0.8844, 0.8700], [0.8876, 0.8708]]
    own = np.random.default_rng(0).normal(0, 0.03, (15, 1, 1))
    curve = learning_curve(np.array(repeats)[None] + own - own.mean(), SIZES)
    last = curve.gains[-1]
    assert 0 < last.gain < 0.01
    assert curve.advice is not Advice.HELPS
    assert "More masks help" not in curve.explanation


def test_it_says_all_that_is_needed_in_words():
    rng = np.random.default_rng(2)
    curve = learning_curve(made(rng, 0.8, 0.5, 0.02), SIZES, name="Dice")
    assert [gain.more for gain in curve.gains] == list(MORE)
    assert curve.explanation.startswith("10 / 25 / 50 more masks like these ≈ +")
    assert "Dice (95 % interval" in curve.explanation
    assert curve.at[0] == pytest.approx(9)
    assert curve.at[-1] == pytest.approx(120)
    assert all(low <= fit <= high for low, fit, high in zip(curve.low, curve.fitted, curve.high, strict=True))
    # The one thing a single training a size cannot know.
    once = learning_curve(made(rng, 0.8, 0.5, 0.02, repeats=1), SIZES)
    assert once.advice is Advice.UNCLEAR
    assert "With one repeat" in once.explanation


def test_images_of_one_group_are_one_witness():
    rng = np.random.default_rng(3)
    scores = made(rng, 0.5, 0.5, 0.02, images=5)
    one_each, groups = learning_curve(scores, SIZES), np.repeat(np.arange(5), 6)
    repeated = learning_curve(np.repeat(scores, 6, axis=0), SIZES, groups)
    for few, many in zip(one_each.gains, repeated.gains, strict=True):
        assert few.gain == pytest.approx(many.gain)
        assert few.interval == pytest.approx(many.interval, abs=2e-3)


def test_what_is_no_table_is_refused():
    for shape, sizes in [((5, 4), SIZES), ((5, 3, 2), SIZES), ((5, 2, 2), SIZES[:2]), ((0, 4, 2), SIZES)]:
        with pytest.raises(ValueError, match="scores of shape"):
            learning_curve(np.zeros(shape), sizes)
