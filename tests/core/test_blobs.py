"""Blobs against an implementation that looks at every pixel."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segstudio.core.blobs import TOLERANCES, Blob, Errors, Kind, SignedDepths, forgiven, is_kept, ranked
from segstudio.core.mask import Rect, bounding_box
from segstudio.core.metrics import Counts

masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: st.tuples(*(arrays(np.uint8, shape, elements=st.integers(0, 1)) for _ in range(2)))
)
tolerances = st.sampled_from((0, 1, 2, 3))


def naive_depths(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """For every wrong pixel its distance to the nearest pixel that is otherwise in the truth."""
    result = np.zeros(truth.shape)
    for y, x in np.argwhere(truth != predicted):
        others = np.argwhere(truth != truth[y, x])
        distances = [math.hypot(y - row, x - column) for row, column in others]
        result[y, x] = min(distances, default=math.hypot(*truth.shape))
    return result


def naive_blobs(truth: np.ndarray, predicted: np.ndarray, tolerance: int) -> list[tuple[Kind, frozenset]]:
    depths = naive_depths(truth, predicted)
    found = []
    for kind in Kind:
        is_kind = predicted > truth if kind is Kind.FALSE_POSITIVE else truth > predicted
        left = {(int(y), int(x)) for y, x in np.argwhere(is_kind & (depths > tolerance + 1e-4))}
        while left:
            blob, border = set(), [left.pop()]
            while border:
                y, x = border.pop()
                blob.add((y, x))
                near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
                left -= near
                border += near
            found.append((kind, frozenset(blob)))
    return found


def coordinates(errors: Errors, blob: Blob) -> frozenset:
    rect, inside = errors.pixels(blob)
    assert bounding_box(inside) == Rect(0, 0, rect.width, rect.height)
    return frozenset((int(y) + rect.y, int(x) + rect.x) for y, x in np.argwhere(inside))


@settings(deadline=None, max_examples=60)
@given(masks, tolerances)
def test_blobs_are_the_connected_parts_of_the_errors_beyond_the_ring(pair, tolerance):
    truth, predicted = pair
    errors, depths = Errors(truth, predicted, tolerance), naive_depths(truth, predicted)
    blobs = errors.worst(1000)
    assert {(blob.kind, coordinates(errors, blob)) for blob in blobs} == set(naive_blobs(truth, predicted, tolerance))
    assert errors.count() == len(blobs)
    assert [blob.severity for blob in blobs] == sorted((blob.severity for blob in blobs), reverse=True)
    for blob in blobs:
        pixels = coordinates(errors, blob)
        assert blob.area == len(pixels)
        assert blob.depth == pytest.approx(max(depths[pixel] for pixel in pixels), rel=1e-5)
        assert (blob.y, blob.x) in pixels
        assert depths[blob.y, blob.x] == pytest.approx(blob.depth, rel=1e-5)
        assert all(errors.at(x, y) == blob for y, x in pixels)


@settings(deadline=None, max_examples=60)
@given(masks, tolerances, st.integers(1, 3))
def test_the_worst_few_are_the_first_of_all(pair, tolerance, count):
    errors = Errors(*pair, tolerance)
    assert errors.worst(count) == errors.worst(1000)[:count]


@settings(deadline=None, max_examples=60)
@given(masks, tolerances)
def test_no_blob_is_where_there_is_no_error(pair, tolerance):
    truth, predicted = pair
    errors = Errors(truth, predicted, tolerance)
    for y in range(truth.shape[0]):
        for x in range(truth.shape[1]):
            assert truth[y, x] != predicted[y, x] or errors.at(x, y) is None
    assert errors.at(-1, 0) is None
    assert errors.at(0, truth.shape[0]) is None


@settings(deadline=None, max_examples=60)
@given(masks, tolerances)
def test_errors_are_forgiven_where_no_blobs_are_and_counted_where_they_are(pair, tolerance):
    truth, predicted = pair
    left = forgiven(truth, predicted, tolerance) ^ truth ^ predicted
    expected = set().union(*(pixels for _, pixels in naive_blobs(truth, predicted, tolerance)))
    assert {(int(y), int(x)) for y, x in np.argwhere(left)} == expected
    assert Errors(truth, predicted, tolerance).counts() == Counts.of(truth, truth ^ left)


@settings(deadline=None, max_examples=60)
@given(masks, tolerances)
def test_a_hunk_holds_its_blob_and_nothing_but_errors_of_its_kind(pair, tolerance):
    truth, predicted = pair
    errors = Errors(truth, predicted, tolerance)
    for blob in errors.worst(1000):
        rect, inside = errors.hunk(blob)
        hunk = {(int(y) + rect.y, int(x) + rect.x) for y, x in np.argwhere(inside)}
        assert coordinates(errors, blob) <= hunk
        is_kind = predicted > truth if blob.kind is Kind.FALSE_POSITIVE else truth > predicted
        assert all(is_kind[pixel] for pixel in hunk)
        assert tolerance or hunk == coordinates(errors, blob)


@settings(deadline=None, max_examples=60)
@given(masks)
def test_what_is_ranked_for_every_tolerance_is_what_is_found_for_it_alone(pair):
    for tolerance, blobs in ranked(*pair, 3):
        assert blobs == Errors(*pair, tolerance).worst(3)


@settings(deadline=None, max_examples=60)
@given(masks, st.data())
def test_kept_blobs_make_room_for_the_next(pair, data):
    truth, predicted = pair
    kept = data.draw(arrays(np.uint8, truth.shape, elements=st.integers(0, 1)))
    for tolerance, blobs in ranked(truth, predicted, 2, kept):
        errors = Errors(truth, predicted, tolerance)
        assert blobs == [blob for blob in errors.worst(1000) if not is_kept(errors, blob, kept)][:2]


@pytest.mark.parametrize("tolerance", TOLERANCES)
def test_filling_a_hunk_leaves_no_moat(tolerance):
    """A square and a round hole in a mask: what is beyond the ring is mended to the last pixel, and its feet too."""
    whole = np.zeros((160, 320), np.uint8)
    whole[10:150, 10:310] = 1
    truth = whole.copy()
    truth[40:100, 40:100] = 0
    y, x = np.mgrid[:160, :320]
    truth[(x - 220) ** 2 + (y - 75) ** 2 < 35**2] = 0
    errors = Errors(truth, whole, tolerance)
    blobs = errors.worst(10)
    assert [blob.kind for blob in blobs] == [Kind.FALSE_POSITIVE] * 2
    for blob in blobs:
        rect, inside = errors.hunk(blob)
        truth[rect.slices] |= inside
    assert np.array_equal(truth, whole)


def test_a_speck_far_away_does_not_outrank_a_hole():
    speck = Blob(Kind.FALSE_POSITIVE, 4, 900.0, 0, 0)
    hole = Blob(Kind.FALSE_POSITIVE, 400, 10.0, 0, 0)
    assert hole.severity > speck.severity


def test_without_any_boundary_errors_are_as_deep_as_the_image():
    empty, some = np.zeros((30, 40), np.uint8), np.zeros((30, 40), np.uint8)
    some[5:9, 5:9] = 1
    assert Errors(empty, some, 20).worst(5)[0].depth == 50
    assert Errors(empty + 1, some, 20).worst(5)[0].depth == 50
    assert not Errors(empty, empty).worst(5)


def test_masks_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="shape"):
        SignedDepths.of(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))


@pytest.mark.parametrize("seed", range(6))
def test_decisions_leave_no_crumbs_where_an_edge_was_shifted(seed: int):
    rng = np.random.default_rng(seed)
    truth = np.zeros((200, 200), np.uint8)
    cv2.ellipse(truth, (100, 100), (60, 80), int(rng.integers(0, 180)), 0, 360, 1, -1)
    wobble = cv2.resize(rng.integers(-1, 2, (8, 8)).astype(np.float32), (200, 200))
    grown, shrunk = cv2.dilate(truth, np.ones((5, 5), np.uint8)), cv2.erode(truth, np.ones((5, 5), np.uint8))
    predicted = np.where(wobble > 0.4, grown, np.where(wobble < -0.4, shrunk, truth)).astype(np.uint8)
    mask = truth.copy()
    mask[60:140] = cv2.erode(truth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (27, 27)))[60:140]
    for _ in range(20):
        errors = Errors(mask.copy(), predicted, 3)
        if not (worst := errors.worst(1)):
            break
        hunk = errors.hunk(worst[0])
        mask[hunk.rect.slices][hunk.inside] = int(worst[0].kind is Kind.FALSE_POSITIVE)
    assert Errors(truth, mask, 3).worst(1) == []
