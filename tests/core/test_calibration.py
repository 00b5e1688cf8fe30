"""Expected errors: right on average for a network that is sure of itself too often."""

import numpy as np
import pytest

from segstudio.core.calibration import chances, expected_wrong
from segstudio.core.threshold import Histogram


def made(rng, side=200):
    """A prediction that claims more than it knows, and its truth."""
    logits = rng.normal(0, 2, (side, side))
    truth = (rng.random((side, side)) < 1 / (1 + np.exp(-logits))).astype(np.uint8)
    boasted = np.rint(255 / (1 + np.exp(-4 * logits))).astype(np.uint8)
    return boasted, truth


@pytest.mark.parametrize("level", [128, 40, 220])
def test_what_is_expected_is_what_is_found_on_average(level):
    rng = np.random.default_rng(0)
    chance = chances(Histogram.of(*made(rng)) for _ in range(5))
    assert np.all(np.diff(chance) >= 0)
    for _ in range(3):
        predicted, truth = made(rng)
        wrong = float(((predicted >= level) != truth).mean())
        without = Histogram.of(predicted, None)
        assert expected_wrong(without, chance, level) == pytest.approx(wrong, abs=0.01)
        assert expected_wrong(Histogram.of(predicted, truth), chance, level) == pytest.approx(wrong, abs=0.01)
        # At its word the network would be believed to be right nearly everywhere.
        assert expected_wrong(without, chances([]), level) < wrong - 0.05 or level != 128


def test_without_truth_the_bytes_are_taken_at_their_word():
    np.testing.assert_allclose(chances([]), np.arange(256) / 255)
    np.testing.assert_allclose(chances([Histogram.of(np.zeros((4, 4), np.uint8), None)]), np.arange(256) / 255)
    half = Histogram.of(np.full((2, 2), 128, np.uint8), None)
    assert expected_wrong(half, chances([]), 128) == pytest.approx(1 - 128 / 255)
