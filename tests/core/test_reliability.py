"""Curves of precision and recall, and calibration, against their definitions pixel by pixel."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segstudio.core.reliability import BINS, calibration_of, curve_of
from segstudio.core.threshold import Histogram

truths = arrays.arrays(np.uint8, (6, 9), elements=st.integers(0, 1))
bytes_ = arrays.arrays(np.uint8, (6, 9), elements=st.integers(0, 255))


@settings(max_examples=60, deadline=None)
@given(truth=truths, probability=bytes_)
def test_the_curve_has_precision_and_recall_at_every_threshold(truth, probability):
    curve = curve_of([Histogram.of(probability, truth)])
    json.dumps(curve, allow_nan=False)
    if not truth.any():
        assert curve["threshold"] == []
        assert curve["average_precision"] is None
        return
    assert curve["threshold"] == sorted({round(float(value) / 255, 4) for value in probability.flat}, reverse=True)
    before = area = 0.0
    for threshold, precision, recall in zip(
        sorted(set(probability.ravel().tolist()), reverse=True), curve["precision"], curve["recall"], strict=True
    ):
        found = probability >= threshold
        assert precision == pytest.approx((truth[found] == 1).mean())
        assert recall == pytest.approx((truth[found] == 1).sum() / truth.sum())
        area += precision * (recall - before)
        before = recall
    assert curve["average_precision"] == pytest.approx(area)
    assert curve["prevalence"] == pytest.approx(truth.mean())
    assert curve["recall"][-1] == 1


@settings(max_examples=60, deadline=None)
@given(truth=truths, probability=bytes_)
def test_calibration_is_the_distance_of_what_is_said_from_what_is(truth, probability):
    found = calibration_of([Histogram.of(probability, truth)])
    json.dumps(found, allow_nan=False)
    p = probability / 255
    places = np.minimum((p * BINS).astype(int), BINS - 1)
    gaps = [abs(p[places == n].mean() - truth[places == n].mean()) * (places == n).sum() for n in set(places.flat)]
    assert found["ece"] == pytest.approx(sum(gaps) / truth.size)
    assert found["brier"] == pytest.approx(((p - truth) ** 2).mean())
    assert sum(one["pixels"] for one in found["bins"]) == truth.size
    inner = [gap for n, gap in zip(set(places.flat), gaps, strict=True) if 0 < n < BINS - 1]
    unsure = ((places > 0) & (places < BINS - 1)).sum()
    assert found["ece_unsure"] == (pytest.approx(sum(inner) / unsure) if unsure else None)


def test_images_are_pooled_pixel_by_pixel():
    rng = np.random.default_rng(0)
    pairs = [(rng.integers(0, 256, (8, 8), np.uint8), rng.integers(0, 2, (8, 8), np.uint8)) for _ in range(3)]
    stacked = Histogram.of(np.vstack([one for one, _ in pairs]), np.vstack([truth for _, truth in pairs]))
    apart = [Histogram.of(*pair) for pair in pairs]
    unknown = Histogram.of(pairs[0][0], None)
    assert curve_of([*apart, unknown]) == curve_of([stacked])
    assert calibration_of([*apart, unknown]) == calibration_of([stacked])


def test_a_network_that_is_right_and_sure_is_perfect():
    truth = np.array([[0, 1], [1, 0]], np.uint8)
    histogram = Histogram.of(truth * np.uint8(255), truth)
    assert curve_of([histogram])["average_precision"] == 1
    assert (calibration_of([histogram])["ece"], calibration_of([histogram])["brier"]) == (0, 0)
    assert calibration_of([]) == {"bins": [], "ece": None, "ece_unsure": None, "brier": None}
    assert curve_of([])["prevalence"] is None
