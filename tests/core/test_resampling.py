"""The interval of a cross-validation: between the usual t, which is too narrow, and what all folds alone would say."""

import numpy as np
import pytest

from segstudio.core.resampling import estimated


def test_the_interval_is_the_corrected_t():
    values = [0.8, 0.9, 0.85, 0.75, 0.9]
    found = estimated(values, 1 / 4)
    assert found.mean == pytest.approx(0.84)
    # t(4, 0.975) = 2.776445; s² = 0.00425
    half = 2.776445 * np.sqrt((1 / 5 + 1 / 4) * 0.00425)
    assert found.interval == pytest.approx((0.84 - half, 0.84 + half))
    assert found.deviation == pytest.approx(np.sqrt(0.00425))
    assert found.count == 5


def test_it_stays_within_what_a_figure_can_be_and_says_nothing_of_nothing():
    assert estimated([0.1, 0.9], 1.0).interval == (0.0, 1.0)
    assert estimated([np.nan, 0.5], 1.0).interval is None
    assert estimated([np.nan, 0.5], 1.0).mean == 0.5
    empty = estimated([np.nan], 1.0)
    assert (empty.mean, empty.interval, empty.count) == (None, None, 0)


def test_it_holds_the_truth_where_folds_share_what_they_learn_from():
    """Folds of a regression to the mean: the figure of one is how near the mean of the others comes to it."""
    rng = np.random.default_rng(0)
    held = narrow = 0
    expected = 1 - np.sqrt(2 / np.pi) * 0.1  # 1 less the mean distance from the middle
    for _ in range(200):
        values = rng.normal(0.5, 0.1, 40).reshape(5, 8)
        figures = [1 - np.abs(values[fold] - np.delete(values, fold, 0).mean()).mean() for fold in range(5)]
        low, high = estimated(figures, 1 / 4).interval
        held += low <= expected <= high
        narrow += abs(np.mean(figures) - expected) <= 2.776 * np.std(figures, ddof=1) / np.sqrt(5)
    assert held >= 190
    assert held >= narrow
