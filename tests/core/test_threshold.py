"""Thresholds and histograms: the counts at every threshold are those of comparing pixels, without the pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segstudio.core.metrics import Counts
from segstudio.core.threshold import BYTES, Histogram, Sweep, level_of, predicted_at, threshold_of

SHAPE = (7, 5)
PROBABILITIES = arrays(np.uint8, SHAPE)
MASKS = arrays(np.uint8, SHAPE, elements=st.integers(0, 1))


def test_half_is_the_byte_that_it_always_was() -> None:
    assert level_of(0.5) == 128
    assert threshold_of(128) == 0.5
    assert [level_of(threshold_of(level)) for level in range(1, 256)] == list(range(1, 256))
    assert (level_of(0), level_of(1)) == (1, 255)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            level_of(wrong)


@given(st.floats(0, 1, exclude_min=True), st.integers(1, 255))
def test_a_level_parts_probabilities_as_its_threshold_does(probability: float, level: int) -> None:
    edge = (level - 0.5) / 255
    if abs(probability - edge) > 1e-9:
        assert (round(probability * 255) >= level) == (probability >= edge)


@given(PROBABILITIES, MASKS, st.integers(1, 255))
def test_a_histogram_counts_as_the_pixels_do(probability: np.ndarray, mask: np.ndarray, level: int) -> None:
    histogram = Histogram.from_bytes(Histogram.of(probability, mask).to_bytes())
    predicted = predicted_at(probability, level)
    assert histogram.counts(level) == Counts.of(mask, predicted)
    assert histogram.share(level) == predicted.mean()
    assert histogram.pixels == mask.size
    alone = Histogram.from_bytes(Histogram.of(probability, None).to_bytes())
    assert alone.counts(level) is None
    assert alone.share(level) == predicted.mean()


def test_a_histogram_of_a_large_image_is_exact() -> None:
    probability = np.full((4100, 4100), 200, np.uint8)  # more pixels of one value than a float32 can count
    probability[0, :3] = 10
    histogram = Histogram.of(probability, np.ones_like(probability))
    assert histogram.counts(128) == Counts(4100 * 4100 - 3, 0, 3, 0)


def test_bytes_that_are_no_histogram_are_refused() -> None:
    with pytest.raises(ValueError, match="no histogram"):
        Histogram.from_bytes(b"nonsense")
    with pytest.raises(ValueError, match="cannot be compared"):
        Histogram.of(np.zeros((2, 2), np.uint8), np.zeros((3, 2), np.uint8))


PAIRS = st.lists(st.tuples(PROBABILITIES, MASKS, st.booleans()), min_size=1, max_size=5)


@given(PAIRS, st.integers(1, 255), st.integers(1, 255), st.sampled_from((0.0, 0.3, 0.8, 1.0)))
def test_a_sweep_says_what_every_sample_would_score(
    pairs: list[tuple[np.ndarray, np.ndarray, bool]], before: int, after: int, limit: float
) -> None:
    histograms = [Histogram.of(probability, mask).to_bytes() for probability, mask, _ in pairs]
    sweep = Sweep(np.arange(len(pairs)) + 10, histograms, np.array([chosen for *_, chosen in pairs]))
    verdicts = []
    for level in (before, after):
        counts = [Counts.of(mask, predicted_at(probability, level)) for probability, mask, _ in pairs]
        ious = [one.iou for one in counts]
        assert [None if np.isnan(iou) else iou for iou in sweep.iou(level)] == ious
        verdicts.append([((iou is None or iou >= limit), one.tp + one.fp == 0)
                         for iou, one in zip(ious, counts, strict=True)])  # fmt: skip
        pooled = sum((one for one, (*_, chosen) in zip(counts, pairs, strict=True) if chosen), Counts())
        for name in ("iou", "precision", "recall"):
            found = getattr(sweep.curve, name)[level]
            assert (None if np.isnan(found) else found) == getattr(pooled, name)
    flipped = {row for row in range(len(pairs)) if verdicts[0][row] != verdicts[1][row]}
    rows = sweep.flips(before, after, limit)
    assert set(rows.tolist()) == flipped
    assert len(rows) == len(flipped)
    best = sweep.curve.best
    ious = sweep.curve.iou[1:]
    assert (best is None) == bool(np.isnan(ious).all())
    if best is not None:
        assert sweep.curve.iou[best] == np.nanmax(ious)


def test_of_equally_good_levels_the_best_is_next_to_one_half() -> None:
    probability = np.array([[0, 100, 255]], np.uint8)
    for truth, best in (([[0, 0, 1]], 128), ([[0, 1, 1]], 100)):
        histogram = Histogram.of(probability, np.array(truth, np.uint8))
        curve = Sweep(np.array([1]), [histogram.to_bytes()], np.array([True])).curve
        assert curve.best == best
        assert len(curve.iou) == BYTES


def test_a_sweep_of_more_samples_than_are_summed_up_at_once() -> None:
    one = Histogram.of(np.array([[0, 255]], np.uint8), np.array([[0, 1]], np.uint8)).to_bytes()
    two = Histogram.of(np.array([[255, 0]], np.uint8), np.array([[0, 1]], np.uint8)).to_bytes()
    sweep = Sweep(np.arange(4097), [one] * 4096 + [two], np.ones(4097, bool))
    assert sweep.iou(128)[:4096].min() == 1
    assert sweep.iou(128)[4096] == 0
    assert len(Sweep(np.arange(0), [], np.zeros(0, bool))) == 0
    assert Sweep(np.arange(0), [], np.zeros(0, bool)).curve.best is None
