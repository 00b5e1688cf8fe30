"""Brush and eraser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.document import Document
from segstudio.core.errors import UserError
from segstudio.core.raster import contiguous
from segstudio.tools import TOOLS, Drag, Pointer, Scene
from segstudio.tools.brush import BrushOptions


def stroke(mask: np.ndarray, points: list[tuple[float, float]], radius: float, name: str = "brush") -> np.ndarray:
    tool = TOOLS[name]()
    document = Document(mask.copy())
    first, *others = (Pointer(x, y) for x, y in points)
    drag = Drag(tool, Scene(document, mask), tool.Options().replaced(radius=radius), first)
    for pointer in others:
        drag.move(pointer)
    drag.finish()
    return document.mask


@given(st.integers(0, 19), st.integers(0, 19), st.floats(0, 0.999), st.floats(0, 0.999))
def test_a_click_with_the_smallest_brush_is_one_pixel(column, row, dx, dy) -> None:
    mask = stroke(np.zeros((20, 20), np.uint8), [(column + dx, row + dy)], 0.5)
    assert np.argwhere(mask).tolist() == [[row, column]]


@given(st.lists(st.tuples(st.floats(0, 180), st.floats(0, 180)), min_size=2, max_size=8), st.floats(0.5, 12))
def test_a_stroke_hangs_together(points, radius) -> None:
    mask = stroke(np.zeros((180, 180), np.uint8), points, radius)
    if mask.any():
        row, column = np.argwhere(mask)[0]
        assert contiguous(mask, int(column), int(row), is_diagonal=True).inside.sum() == mask.sum()


def test_how_often_the_pointer_is_asked_makes_no_difference_to_a_straight_stroke() -> None:
    empty = np.zeros((60, 400), np.uint8)
    fast = stroke(empty, [(5.5, 30.5), (390.5, 30.5)], 8)
    slow = stroke(empty, [(x + 0.5, 30.5) for x in range(5, 391)], 8)
    assert np.array_equal(fast, slow)


def test_the_eraser_takes_away_what_the_brush_paints() -> None:
    way = [(3.0, 4.0), (50.2, 60.9), (80.0, 10.0)]
    painted = stroke(np.zeros((90, 90), np.uint8), way, 6)
    assert painted.any()
    assert not stroke(painted, way, 6, "eraser").any()
    assert np.array_equal(stroke(np.ones((90, 90), np.uint8), way, 6, "eraser"), 1 - painted)


def test_a_stroke_that_leaves_the_image_comes_back_where_the_pointer_does() -> None:
    mask = stroke(np.zeros((50, 50), np.uint8), [(25.5, 25.5), (500.5, 25.5), (500.5, 40.5), (25.5, 40.5)], 0.5)
    assert np.array_equal(np.flatnonzero(mask.any(1)), [25, 40])
    assert mask[25, 25:].all()
    assert mask[40, 25:].all()
    assert not mask[:, :25].any()


def test_a_radius_that_is_no_radius_is_refused() -> None:
    for radius in (0, -3, 1e9, "wide"):
        with pytest.raises(UserError, match="radius"):
            BrushOptions().replaced(radius=radius)
