import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segstudio.core.labels import CORRECTED, FOREGROUND, IGNORED, Weighing, labelled, scaled_labels, without_errors
from segstudio.core.metrics import Counts
from segstudio.core.scaling import scaled_mask

SIDES = st.integers(1, 24)
WEIGHING = Weighing(correction=3.0, unreviewed=0.5)


@st.composite
def masks(draw, count):
    shape = draw(SIDES), draw(SIDES)
    return [draw(arrays(np.uint8, shape, elements=st.integers(0, 1))) for _ in range(count)]


@given(masks(1), SIDES, SIDES)
def test_a_plain_mask_is_its_own_labels(one, height, width):
    (mask,) = one
    assert labelled(mask) is mask
    assert np.array_equal(scaled_labels(mask, height, width), scaled_mask(mask, height, width))


@given(masks(4), SIDES, SIDES)
def test_nothing_under_an_ignored_pixel_is_left_at_any_size(four, height, width):
    mask, other, ignored, before = four
    inside = np.where(ignored, other, mask)
    one, two = (labelled(each, ignored=ignored, before=before) for each in (mask, inside))
    assert np.array_equal(one, two)
    assert np.array_equal(scaled_labels(one, height, width), scaled_labels(two, height, width))


@given(masks(3))
def test_what_each_pixel_counts(three):
    mask, ignored, before = three
    labels = labelled(mask, ignored=ignored, before=before)
    counted = ignored == 0
    assert np.array_equal(labels & FOREGROUND, mask * counted)
    assert np.array_equal(WEIGHING.weights(labels), counted * np.where(mask != before, 3.0, 1.0))
    assert np.array_equal(WEIGHING.weights(labels, is_reviewed=False), counted * np.where(mask != before, 3.0, 0.5))


@given(masks(2), st.integers(1, 3))
def test_a_stroke_thinner_than_a_pixel_of_the_network_counts(two, factor):
    mask, before = two
    labels = labelled(np.kron(mask, np.ones((factor, factor), np.uint8)), before=None)
    changed = np.kron(mask ^ before, np.eye(1, factor**2, dtype=np.uint8).reshape(factor, factor))
    scaled = scaled_labels(labels | changed * np.uint8(CORRECTED), *mask.shape)
    assert np.array_equal(scaled & FOREGROUND, mask)
    assert np.array_equal(scaled & CORRECTED > 0, mask != before)
    ignored = scaled_labels(np.where(changed, np.uint8(IGNORED), labels), *mask.shape)
    assert np.array_equal(ignored == IGNORED, mask != before)


@given(masks(3))
def test_figures_leave_out_what_is_ignored(three):
    mask, predicted, ignored = three
    counted = ignored == 0
    counts = Counts.of(mask, predicted, ignored)
    assert counts == Counts.of(mask[counted], predicted[counted])
    assert counts.total == counted.sum()
    settled = without_errors(predicted, mask, ignored)
    assert np.array_equal(settled != mask, (predicted != mask) & counted)
