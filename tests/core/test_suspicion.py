"""Suspicious masks are found among losses that were made for it, and nobody is suspected for nothing."""

import numpy as np
import pytest

from segstudio.core.suspicion import disagreement, from_folds, from_losses, outlyingness


def losses(rng, samples=40, epochs=20):
    """What a training loses: falling, each sample with a difficulty of its own, and chance."""
    fall = 0.7 * np.exp(-np.arange(epochs) / 5) + 0.05
    own = np.exp(rng.normal(0, 0.3, samples))
    return fall[:, None] * own * np.exp(rng.normal(0, 0.15, (epochs, samples)))


def test_what_is_never_learnt_and_what_is_forgotten_stand_out():
    table = losses(np.random.default_rng(0))
    table[:, 3] = 0.9  # never learnt
    table[14:, 7] *= 12  # learnt, then forgotten
    table[5, 9] *= 20  # one odd augmentation is no suspicion
    found = from_losses(table, "run 0004")
    suspected = {place for place, one in enumerate(found) if one.score >= 0.5}
    assert suspected == {3, 7}
    assert found[3].reason.startswith("never learnt: its loss stood out from the others' in 1")
    assert found[3].reason.endswith("epochs of run 0004")
    assert found[7].reason.startswith("learnt and forgotten")
    assert not found[9].reason


def test_a_training_without_wrong_masks_has_hardly_a_suspicion():
    rng = np.random.default_rng(1)
    counts = [sum(one.score >= 0.5 for one in from_losses(losses(rng))) for _ in range(50)]
    assert np.mean(counts) < 0.6  # of 40


def test_gaps_of_epochs_and_of_samples_are_left_out():
    table = losses(np.random.default_rng(2))
    table[4] = np.nan
    table[::2, 0] = np.nan
    table[:, 1] = np.nan
    table[:, 3] = 0.9
    found = from_losses(table)
    assert [place for place, one in enumerate(found) if one.score >= 0.5] == [3]
    assert found[1].score == 0
    assert from_losses(table[:2]) == []
    assert from_losses(table[:, :7]) == []


def test_unseen_images_that_are_predicted_otherwise_are_suspected():
    rng = np.random.default_rng(5)
    wrong = np.exp(rng.normal(np.log(0.05), 0.3, 30))
    wrong[4] = 0.8
    found = from_folds(wrong, [1 - float(one) for one in wrong], "study 0002")
    assert [place for place, one in enumerate(found) if one.score >= 0.5] == [4]
    assert "study 0002" in found[4].reason
    assert found[4].iou == pytest.approx(0.2)
    # Of too few nobody can tell, and where everything is right nobody is to blame.
    assert all(one.score == 0 for one in from_folds([0.1, 0.9], [0.9, 0.1]))
    assert all(one.score < 0.5 for one in from_folds([0.0] * 20 + [0.004], [1.0] * 21))


def test_a_few_false_pixels_of_an_empty_image_are_little():
    assert disagreement(0, 5, 0, 9995) == pytest.approx(1 - 50 / 55)
    assert disagreement(0, 5000, 0, 5000) > 0.98
    assert disagreement(0, 0, 0, 100) == 0
    assert disagreement(50, 0, 50, 0) == pytest.approx(0.5, abs=0.01)


def test_outlyingness_counts_robust_deviations_of_factors():
    values = np.exp(np.array([-1.0, -0.5, 0, 0.5, 1.0]))
    np.testing.assert_allclose(outlyingness(values), np.array([-1, -0.5, 0, 0.5, 1]) / (1.4826 * 0.5))
    assert np.abs(outlyingness([1, 1, 1, 1.01])).max() < 0.2
