"""Regions, what they do to a mask, and strokes that leave out what they covered: against the plainest way to say it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.components import components, selected
from segstudio.core.document import Document
from segstudio.core.edit import Mode, Patch, combined
from segstudio.core.mask import Rect
from segstudio.core.raster import EMPTY_REGION, Region, box, brush_centre, capsule, ellipse, polygon, without

SHAPES = st.sampled_from([(1, 1), (1, 9), (30, 20), (129, 140)])
POINTS = st.tuples(st.floats(-30, 170), st.floats(-30, 170))


def filled(shape: tuple[int, int], region: Region) -> np.ndarray:
    canvas = np.zeros(shape, np.uint8)
    canvas[region.rect.slices] = region.inside
    return canvas


@given(SHAPES, POINTS, POINTS)
def test_a_box_has_its_sides_on_the_nearest_borders(shape, one, other) -> None:
    left, right = sorted(np.floor(x + 0.5) for x in (one[0], other[0]))
    top, bottom = sorted(np.floor(y + 0.5) for y in (one[1], other[1]))
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    wanted = (columns > left) & (columns < right) & (rows > top) & (rows < bottom)
    assert np.array_equal(filled(shape, box(shape, one, other)), wanted)


@given(st.integers(1, 40), st.integers(1, 40))
def test_an_ellipse_fills_its_box_and_is_symmetric(width, height) -> None:
    shape = (50, 60)
    inside = filled(shape, ellipse(shape, (5, 4), (5 + width, 4 + height)))
    part = inside[4 : 4 + height, 5 : 5 + width]
    assert inside.sum() == part.sum()
    assert part.any(axis=0).all() or width > 2
    assert part.any(axis=1).all() or height > 2
    assert np.array_equal(part, part[::-1])
    assert np.array_equal(part, part[:, ::-1])
    assert abs(int(part.sum()) - np.pi * width * height / 4) <= width + height
    assert np.array_equal(inside, filled(shape, ellipse(shape, (5 + width, 4), (5, 4 + height))))


def test_a_loop_drawn_twice_around_is_inside_or_outside() -> None:
    square = [(10, 10), (40, 10), (40, 40), (10, 40)]
    twice = square + square
    assert filled((50, 50), polygon((50, 50), twice, is_winding=True)).sum() == 900
    assert filled((50, 50), polygon((50, 50), twice)).sum() == 0
    eight = [(5, 5), (25, 25), (25, 5), (5, 25)]
    assert np.array_equal(
        filled((50, 50), polygon((50, 50), eight, is_winding=True)), filled((50, 50), polygon((50, 50), eight))
    ), "the loops of an eight go opposite ways round"


@given(SHAPES, st.integers(0, 99), st.sampled_from(list(Mode)))
def test_modes_are_set_operations(shape, seed, mode) -> None:
    rng = np.random.default_rng(seed)
    mask, inside = ((rng.random(shape) < 0.5).astype(np.uint8) for _ in range(2))
    region = Region.of(inside)
    patch = combined(mask, region, mode)
    document = Document(mask.copy())
    with document.stroke("Region") as stroke:
        stroke.put(patch)
    wanted = {
        Mode.ADD: mask | inside, Mode.SUBTRACT: mask & (1 - inside), Mode.INTERSECT: mask & inside, Mode.SELECT: mask
    }[mode]  # fmt: skip
    if inside.any():
        assert np.array_equal(document.mask, wanted)
    else:
        assert np.array_equal(document.mask, mask)
    document.undo()
    assert np.array_equal(document.mask, mask)


@pytest.mark.parametrize("mode", Mode)
def test_an_empty_region_changes_nothing(mode: Mode) -> None:
    assert combined(np.ones((9, 9), np.uint8), EMPTY_REGION, mode).rect.is_empty


def test_a_patch_that_changes_nothing_says_nothing() -> None:
    document = Document(np.ones((300, 300), np.uint8))
    told: list[Rect] = []
    document.changed.connect(told.append)
    with document.stroke("Region") as stroke:
        stroke.put(Patch(Rect(5, 5, 200, 200), np.ones((200, 200), np.uint8)))
    assert told == []
    assert not document.history.can_undo


@settings(max_examples=60)
@given(
    st.integers(1, 90), st.tuples(st.integers(-40, 340), st.integers(-40, 340)),
    st.tuples(st.integers(-60, 60), st.integers(-60, 60)), st.integers(0, 1), st.booleans(),
)  # fmt: skip
def test_leaving_out_what_was_covered_makes_no_difference(diameter, start, way, value, is_limited) -> None:
    shape = (300, 310)
    here = brush_centre(*start, diameter)
    there = brush_centre(start[0] + way[0], start[1] + way[1], diameter)
    where = (np.random.default_rng(0).random(shape) < 0.5).astype(np.uint8) if is_limited else None
    masks = []
    for is_covered_left_out in (False, True):
        document = Document(np.full(shape, 1 - value, np.uint8))
        screen = document.mask.copy()

        def repaint(rect: Rect, screen: np.ndarray = screen, document: Document = document) -> None:
            screen[rect.slices] = document.mask[rect.slices]

        document.changed.connect(repaint)
        with document.stroke("Brush") as stroke:
            disc = capsule(shape, here, here, diameter)
            stroke.fill_spans(disc, value, where)
            stroke.fill_spans(
                capsule(shape, here, there, diameter), value, where, disc if is_covered_left_out else None
            )
        assert np.array_equal(screen, document.mask)
        masks.append(document.mask.copy())
        document.undo()
        assert (document.mask == 1 - value).all()
    assert np.array_equal(*masks)


@given(st.integers(1, 60), POINTS, POINTS)
def test_a_shape_without_a_part_and_the_part_are_the_shape(diameter, one, other) -> None:
    shape = (140, 150)
    here, there = brush_centre(*one, diameter), brush_centre(*other, diameter)
    whole, part = capsule(shape, here, there, diameter), capsule(shape, here, here, diameter)
    counts = np.zeros(shape, np.int64)
    for spans in (*without(whole, part), part):
        for row, (start, stop) in enumerate(zip(spans.starts, spans.stops, strict=True), start=spans.top):
            counts[row, start : max(start, stop)] += 1
    wanted = np.zeros(shape, np.int64)
    for row, (start, stop) in enumerate(zip(whole.starts, whole.stops, strict=True), start=whole.top):
        wanted[row, start : max(start, stop)] = 1
    assert np.array_equal(counts, wanted)


def test_components_know_their_size_and_place() -> None:
    mask = np.zeros((10, 12), np.uint8)
    mask[0:2, 0:3] = 1
    mask[5, 5] = mask[6, 6] = 1
    found = components(mask, is_diagonal=True)
    assert found.areas.tolist() == [6, 2]
    assert found.touches_border.tolist() == [True, False]
    assert components(mask, is_diagonal=False).areas.tolist() == [6, 1, 1]
    assert np.array_equal(selected(found, found.areas > 2), np.pad(np.ones((2, 3), np.uint8), ((0, 8), (0, 9))))
