"""Each operation, pixel by pixel, against what it says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.operations import OPERATIONS, Subject


def done(name: str, mask: np.ndarray, **options: float) -> np.ndarray:
    operation = OPERATIONS[name]()
    return operation.apply(Subject(mask), operation.Options(**options), lambda: None)


def shapes() -> np.ndarray:
    """A block with a hole of 6 pixels and one of 1, an island of 4, one of 2 over a corner; a bay at the border."""
    mask = np.zeros((20, 30), np.uint8)
    mask[2:15, 2:20] = 1
    mask[5:7, 5:8] = 0
    mask[10, 10] = 0
    mask[2:4, 12] = 0
    mask[17:19, 24:26] = 1
    mask[5, 25] = mask[6, 26] = 1
    return mask


def test_holes() -> None:
    wanted = shapes()
    wanted[5:7, 5:8] = 1
    wanted[10, 10] = 1
    assert np.array_equal(done("fill-holes", shapes()), wanted)
    wanted[5:7, 5:8] = 0
    assert np.array_equal(done("fill-holes", shapes(), largest=5), wanted)


def test_background_at_the_border_is_no_hole() -> None:
    mask = np.ones((6, 6), np.uint8)
    mask[0, 3] = 0
    assert np.array_equal(done("fill-holes", mask), mask)


def test_islands() -> None:
    wanted = shapes()
    wanted[5:7, 25:27] = 0
    assert np.array_equal(done("remove-islands", shapes(), smallest=3), wanted)
    assert np.array_equal(done("remove-islands", shapes(), smallest=2), shapes()), "a corner joins two pixels"
    wanted[17:19] = 0
    assert np.array_equal(done("remove-islands", shapes(), smallest=5), wanted)
    assert np.array_equal(done("keep-largest", shapes()), wanted)
    assert done("keep-largest", shapes(), count=2).sum() == wanted.sum() + 4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 50), st.integers(1, 9), st.floats(0.001, 0.2))
def test_growing_is_a_disc_around_every_pixel(seed: int, pixels: int, share: float) -> None:
    mask = (np.random.default_rng(seed).random((25, 31)) < share).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    y, x = np.ogrid[:25, :31]
    wanted = np.zeros_like(mask)
    for row, column in zip(rows, columns, strict=True):
        wanted |= ((y - row) ** 2 + (x - column) ** 2 <= pixels * pixels).astype(np.uint8)
    assert np.array_equal(done("grow", mask, pixels=pixels), wanted)
    assert np.array_equal(done("shrink", 1 - mask, pixels=pixels), 1 - wanted)


def test_shrinking_leaves_the_border_of_the_image_alone() -> None:
    assert done("shrink", np.ones((9, 9), np.uint8), pixels=3).all()


def test_smoothing_takes_specks_and_leaves_straight_edges() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 1
    assert np.array_equal(done("smooth", mask, radius=4), mask)
    with_speck = mask.copy()
    with_speck[20, 10] = 1
    with_speck[40, 50] = 0
    assert np.array_equal(done("smooth", with_speck, radius=4), mask)


def test_inverting_twice_is_nothing() -> None:
    assert np.array_equal(done("invert", done("invert", shapes())), shapes())


def test_a_mask_of_another_size_is_not_copied() -> None:
    operation = OPERATIONS["copy-previous"]()
    subject = Subject(shapes(), previous=lambda: np.zeros((5, 5), np.uint8))
    with pytest.raises(UserError, match="5x5"):
        operation.apply(subject, operation.Options(), lambda: None)
