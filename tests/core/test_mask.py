"""Rectangles and masks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.mask import NOWHERE, Rect, bounding_box, checked_mask

RECTS = st.builds(Rect, st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 9), st.integers(0, 9))
SHAPE = (30, 30)


def painted(rect: Rect) -> np.ndarray:
    canvas = np.zeros(SHAPE, bool)
    shifted = rect._replace(x=rect.x + 10, y=rect.y + 10)
    canvas[shifted.slices] = True
    return canvas


@given(RECTS, RECTS)
def test_intersection_is_what_both_cover(one: Rect, other: Rect) -> None:
    common = one.intersect(other)
    assert np.array_equal(painted(common), painted(one) & painted(other))
    assert common.is_empty == (common == NOWHERE)


@given(RECTS, RECTS)
def test_a_rectangle_within_another_and_back(one: Rect, other: Rect) -> None:
    assert one.relative_to(other).placed_in(other) == one
    assert one.relative_to(one) == Rect(0, 0, one.width, one.height)
    outer, inner = one.grown(3), one.relative_to(one.grown(3))
    assert inner == Rect(3, 3, one.width, one.height)
    assert outer == Rect(one.x - 3, one.y - 3, one.width + 6, one.height + 6)


@given(RECTS, RECTS)
def test_union_is_the_box_around_both(one: Rect, other: Rect) -> None:
    both = painted(one) | painted(other)
    assert bounding_box(both) == bounding_box(painted(one.union(other)))


def test_clip_keeps_what_is_inside() -> None:
    assert Rect(-5, -5, 10, 20).clip((8, 4)) == Rect(0, 0, 4, 8)
    assert Rect(-5, -5, 5, 5).clip((8, 4)) == NOWHERE


def test_bounding_box_of_single_pixels() -> None:
    mask = np.zeros((5, 7), np.uint8)
    assert bounding_box(mask) == NOWHERE
    mask[4, 6] = 1
    assert bounding_box(mask) == Rect(6, 4, 1, 1)
    mask[1, 0] = 1
    assert bounding_box(mask) == Rect(0, 1, 7, 4)


def test_what_is_no_mask_is_refused() -> None:
    for wrong in (
        np.zeros((2, 2, 3), np.uint8),
        np.full((2, 2), 255, np.uint8),
        np.zeros((2, 2)),
        np.zeros((0, 2), bool),
    ):
        with pytest.raises(ValueError, match="a mask"):
            checked_mask(wrong)


def test_a_mask_stays_the_same_array_and_bool_becomes_one() -> None:
    mask = np.eye(4, dtype=np.uint8)
    assert checked_mask(mask) is mask
    converted = checked_mask(mask.astype(bool).T)
    assert converted.dtype == np.uint8
    assert converted.flags.c_contiguous
    assert np.array_equal(converted, mask)
