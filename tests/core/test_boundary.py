"""Figures of outlines, against their definitions computed the slow way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from segstudio.core.boundary import THICKNESS, Outline, outline_of

masks = arrays.arrays(np.uint8, (17, 23), elements=st.integers(0, 1))


def disc(shape, centre, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return ((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2).astype(np.uint8)


def slow_band(mask, thickness):
    """Pixels within so many steps of the background; what lies outside the image is background."""
    padded = np.pad(mask, 1)
    eroded = ndimage.binary_erosion(padded, np.ones((3, 3)), iterations=thickness)
    return (padded.astype(bool) & ~eroded)[1:-1, 1:-1]


def slow_hausdorff(truth, predicted):
    edges = []
    for mask in (truth, predicted):
        padded = np.pad(mask, 1).astype(bool)
        edges.append((padded & ~ndimage.binary_erosion(padded))[1:-1, 1:-1])
    if not edges[0].any() or not edges[1].any():
        return None
    there = ndimage.distance_transform_edt(~edges[1])[edges[0]]
    back = ndimage.distance_transform_edt(~edges[0])[edges[1]]
    return max(np.quantile(there, 0.95), np.quantile(back, 0.95))


@settings(max_examples=60, deadline=None)
@given(truth=masks, predicted=masks)
def test_both_figures_are_what_their_definitions_say(truth, predicted):
    found = outline_of(truth, predicted)
    thickness = max(1, round(THICKNESS * np.hypot(17, 23)))
    one, other = slow_band(truth, thickness), slow_band(predicted, thickness)
    either = (one | other).sum()
    assert found.boundary_iou == (pytest.approx((one & other).sum() / either) if either else None)
    slow = slow_hausdorff(truth, predicted)
    assert found.hausdorff95 == (None if slow is None else pytest.approx(slow))
    assert outline_of(predicted, truth) == found


def test_a_shifted_disc_is_as_far_off_as_it_was_shifted():
    truth, shifted = disc((200, 300), (100, 150), 40), disc((200, 300), (100, 157), 40)
    found = outline_of(truth, shifted)
    assert found.hausdorff95 == pytest.approx(7, abs=0.5)
    assert 0 < found.boundary_iou < 0.6
    assert outline_of(truth, truth) == Outline(1.0, 0.0)


def test_one_stray_pixel_does_not_decide():
    truth = disc((200, 300), (100, 150), 40)
    stray = truth.copy()
    stray[2, 2] = 1
    assert outline_of(truth, stray).hausdorff95 == 0


def test_the_band_is_that_of_the_whole_image_wherever_the_object_lies():
    small, large = np.zeros((400, 300), np.uint8), np.zeros((40, 30), np.uint8)
    small[10:40, 5:25] = large[5:35, 5:25] = 1
    shifted = np.roll(small, 3, axis=1)
    thickness = round(THICKNESS * 500)
    one, other = slow_band(small, thickness), slow_band(shifted, thickness)
    assert outline_of(small, shifted).boundary_iou == pytest.approx((one & other).sum() / (one | other).sum())


def test_empty_masks_have_no_outline():
    nothing, something = np.zeros((20, 20), np.uint8), disc((20, 20), (10, 10), 4)
    assert outline_of(nothing, nothing) == Outline(None, None)
    assert outline_of(something, nothing) == outline_of(nothing, something) == Outline(0.0, None)
    with pytest.raises(ValueError, match="shape"):
        outline_of(nothing, something[1:])
