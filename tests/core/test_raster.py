"""Which pixels belong: the documented rules, checked against the plainest possible computation."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segstudio.core.raster import (
    Spans,
    brush_centre,
    brush_diameter,
    capsule,
    contiguous,
    polygon,
)

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
RADII = st.sampled_from([0.5, 0.7, 1, 1.5, 2, 2.5, 3, 4.2, 7.5, 11, 30])
COORDINATES = st.floats(-30, 70, allow_nan=False)
POINTS = st.tuples(COORDINATES, COORDINATES)


def stamped(shape: tuple[int, int], spans: Spans) -> np.ndarray:
    canvas = np.zeros(shape, bool)
    for row, start, stop in zip(range(spans.top, shape[0]), spans.starts, spans.stops, strict=False):
        assert 0 <= start <= shape[1]
        assert 0 <= stop <= shape[1]
        canvas[row, start : max(start, stop)] = True
    return canvas


def near_segment(shape: tuple[int, int], start: tuple[int, int], end: tuple[int, int], diameter: int) -> np.ndarray:
    """The definition, pixel by pixel and without rounding."""
    canvas = np.zeros(shape, bool)
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = dx * dx + dy * dy
    for row in range(shape[0]):
        for column in range(shape[1]):
            x, y = 2 * column + 1 - start[0], 2 * row + 1 - start[1]
            along = min(max(Fraction(x * dx + y * dy, length), Fraction(0)), Fraction(1)) if length else Fraction(0)
            canvas[row, column] = (x - along * dx) ** 2 + (y - along * dy) ** 2 <= diameter * diameter
    return canvas


@settings(max_examples=60)
@given(st.tuples(st.integers(1, 16), st.integers(1, 16)), POINTS, POINTS, RADII)
@example((9, 9), (4.5, 4.5), (4.5, 4.5), 0.5)
@example((9, 9), (0.0, 4.0), (8.0, 4.0), 1.0)
@example((9, 9), (4.0, 8.0), (4.0, 0.0), 1.0)
def test_a_move_paints_exactly_what_is_within_the_radius(shape, one, other, radius) -> None:
    diameter = brush_diameter(radius)
    start, end = brush_centre(*one, diameter), brush_centre(*other, diameter)
    assert np.array_equal(
        stamped(shape, capsule(shape, start, end, diameter)), near_segment(shape, start, end, diameter)
    )


@given(POINTS)
def test_the_smallest_brush_is_the_pixel_under_the_pointer(point) -> None:
    shape = (40, 40)
    diameter = brush_diameter(0.5)
    centre = brush_centre(*point, diameter)
    hit = np.argwhere(stamped(shape, capsule(shape, centre, centre, diameter)))
    column, row = math.floor(point[0]), math.floor(point[1])
    is_inside = 0 <= column < 40 and 0 <= row < 40
    assert hit.tolist() == ([[row, column]] if is_inside else [])


@pytest.mark.parametrize(("radius", "pixels"), [(0.5, 1), (1, 4), (1.5, 9), (2, 12), (2.5, 21)])
def test_small_brushes_are_the_documented_squares_and_discs(radius, pixels) -> None:
    diameter = brush_diameter(radius)
    for x in np.linspace(8, 9, 7, endpoint=False):
        centre = brush_centre(float(x), 8.3, diameter)
        assert stamped((20, 20), capsule((20, 20), centre, centre, diameter)).sum() == pixels


@given(st.floats(0.5, 60), POINTS)
def test_a_disc_is_as_wide_as_it_is_high_and_always_the_same(radius, point) -> None:
    diameter = brush_diameter(radius)
    shape = (400, 400)
    centre = brush_centre(point[0] + 150, point[1] + 150, diameter)
    canvas = stamped(shape, capsule(shape, centre, centre, diameter))
    rows, columns = np.flatnonzero(canvas.any(1)), np.flatnonzero(canvas.any(0))
    assert len(rows) == len(columns) == diameter
    cut = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert np.array_equal(cut, cut.T)
    assert np.array_equal(cut, cut[::-1])


@given(st.lists(POINTS, min_size=2, max_size=6), RADII)
def test_a_stroke_has_no_gaps_however_fast_the_pointer_moves(points, radius) -> None:
    # Everything in view, so that the image's border does not cut the stroke apart.
    shape = (200, 200)
    diameter = brush_diameter(radius)
    centres = [brush_centre(x + 60, y + 60, diameter) for x, y in points]
    canvas = np.zeros(shape, bool)
    for start, end in pairwise(centres):
        canvas |= stamped(shape, capsule(shape, start, end, diameter))
    row, column = np.argwhere(canvas)[0]
    reached = contiguous(canvas.view(np.uint8), int(column), int(row), is_diagonal=True)
    assert reached.inside.sum() == canvas.sum()


@given(st.lists(st.sampled_from([-math.inf, math.inf, -1e300, 1e300, 1e7, -3.0, 5.0]), min_size=4, max_size=4))
def test_pointers_at_the_end_of_the_world_are_no_trouble(numbers) -> None:
    x0, y0, x1, y1 = numbers
    spans = capsule((10, 12), brush_centre(x0, y0, 7), brush_centre(x1, y1, 7), 7)
    stamped((10, 12), spans)


def is_inside(x: float, y: float, points: list[tuple[int, int]]) -> bool:
    """Even-odd, a crossing counted when it is not right of the point; for whole-number corners all is exact."""
    crossings = 0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if (y0 <= y) != (y1 <= y):
            crossings += Fraction(x0) + (Fraction(y) - y0) * Fraction(x1 - x0, y1 - y0) <= x
    return crossings % 2 == 1


WHOLE_POINTS = st.tuples(st.integers(-6, 20), st.integers(-6, 20))


@settings(max_examples=60)
@given(st.tuples(st.integers(1, 14), st.integers(1, 14)), st.lists(WHOLE_POINTS, min_size=3, max_size=7))
def test_a_polygon_is_the_pixels_whose_centre_is_inside(shape, points) -> None:
    region = polygon(shape, points)
    canvas = np.zeros(shape, bool)
    canvas[region.rect.slices] = region.inside
    wanted = [[is_inside(column + 0.5, row + 0.5, points) for column in range(shape[1])] for row in range(shape[0])]
    assert np.array_equal(canvas, np.array(wanted))


@given(POINTS, POINTS, POINTS, POINTS)
def test_polygons_that_share_an_edge_neither_overlap_nor_leave_a_gap(a, b, c, d) -> None:
    shape = (70, 70)

    def filled(*points) -> np.ndarray:
        canvas = np.zeros(shape, np.uint8)
        region = polygon(shape, points)
        canvas[region.rect.slices] = region.inside
        return canvas

    assert np.array_equal(filled(a, b, c) ^ filled(a, c, d), filled(a, b, c, d))


def test_degenerate_polygons_are_nothing() -> None:
    for points in ([], [(1, 1)], [(1, 1), (9, 9)], [(1, 1), (5, 1), (9, 1)], [(3.1, 3.1), (3.2, 3.1), (3.2, 3.3)]):
        assert polygon((20, 20), points).rect.is_empty


def test_flood_through_corners_only_when_asked() -> None:
    mask = np.eye(5, dtype=np.uint8)
    assert contiguous(mask, 2, 2).inside.sum() == 1
    assert contiguous(mask, 2, 2, is_diagonal=True).inside.sum() == 5
    assert contiguous(mask, 4, 0).inside.sum() == 10
    assert contiguous(mask, 5, 0).rect.is_empty
    assert contiguous(mask, 0, -1).rect.is_empty
