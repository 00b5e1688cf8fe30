"""Metrics: against their definitions, and the convention for empty masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segstudio.core.metrics import EMPTY_CONVENTION, Counts, compared, mean

MASKS = hnp.arrays(np.uint8, (4, 5), elements=st.integers(0, 1))
NUMBERS = st.integers(0, 5)
COUNTS = st.builds(Counts, NUMBERS, NUMBERS, NUMBERS, NUMBERS)


def keras_binary_iou(truth: np.ndarray, predicted: np.ndarray) -> float:
    """`keras.metrics.BinaryIoU().result()`, as its source computes it from the confusion matrix."""
    matrix = np.zeros((2, 2))
    np.add.at(matrix, (truth.ravel(), predicted.ravel()), 1)
    true_positives = np.diag(matrix)
    denominator = matrix.sum(0) + matrix.sum(1) - true_positives
    valid = np.count_nonzero(denominator)
    iou = np.divide(true_positives, denominator, out=np.zeros(2), where=denominator != 0)
    return float(iou.sum() / valid)


@given(MASKS, MASKS)
def test_figures_are_their_definitions(truth, predicted) -> None:
    counts = Counts.of(truth, predicted)
    assert counts == Counts.of(truth.astype(bool), predicted * 255)
    both, either = (truth & predicted).sum(), (truth | predicted).sum()
    assert counts.total == truth.size
    assert counts.accuracy == pytest.approx((truth == predicted).mean())
    assert counts.binary_iou == pytest.approx(keras_binary_iou(truth, predicted))
    assert counts.is_defined == bool(either)
    if either:
        assert counts.iou == pytest.approx(both / either)
        assert counts.dice == pytest.approx(2 * both / (truth.sum() + predicted.sum()))
        assert counts.precision == pytest.approx(both / predicted.sum() if predicted.any() else 0)
        assert counts.recall == (pytest.approx(both / truth.sum()) if truth.any() else None)
    else:
        assert (counts.iou, counts.dice, counts.precision, counts.recall) == (None,) * 4


@given(COUNTS, COUNTS, COUNTS)
def test_counts_add_up(a, b, c) -> None:
    assert sum((a, b, c), Counts()) == (a + b) + c == c + (b + a)


@pytest.mark.parametrize("metric", ["iou", "dice"])
def test_in_a_comparison_every_image_has_a_score(metric: str) -> None:
    assert compared(Counts(tn=9), metric) == 1, "nothing is there and nothing was predicted"
    assert compared(Counts(fp=1, tn=8), metric) == 0, "a false alarm"
    assert compared(Counts(tp=1, fp=1, fn=1), metric) == pytest.approx({"iou": 1 / 3, "dice": 1 / 2}[metric])


def test_predicting_nothing_scores_nothing_and_a_perfect_model_one() -> None:
    truth, nothing = np.eye(4, dtype=np.uint8), np.zeros((4, 4), np.uint8)
    for counts in (Counts.of(truth, nothing), Counts.of(nothing, truth)):
        assert (counts.iou, counts.dice, counts.precision) == (0, 0, 0)
    assert Counts.of(truth, nothing).recall == 0
    assert Counts.of(nothing, truth).recall is None
    perfect = Counts.of(truth, truth)
    assert (perfect.iou, perfect.dice, perfect.precision, perfect.recall, perfect.binary_iou) == (1, 1, 1, 1, 1)
    assert Counts.of(nothing, nothing).binary_iou == 1  # the background alone is there, and all right
    assert Counts().binary_iou is None
    assert Counts().accuracy is None
    assert "left out of means" in EMPTY_CONVENTION


def test_a_mean_counts_what_it_leaves_out() -> None:
    figures = mean([1.0, None, 0.5, None])
    assert (figures.value, figures.count, figures.undefined) == (0.75, 2, 2)
    assert mean([None]).value is None
    assert mean([]).value is None


def test_masks_of_different_shape_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        Counts.of(np.zeros((3, 3), np.uint8), np.zeros((3, 4), np.uint8))
