"""Redraw: a line takes the place of the part of the outline beside it, and nothing else changes."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.raster import polygon
from segstudio.tools import TOOLS, Drag, Pointer
from segstudio.tools.redraw import Outlines
from tests.tools.drags import compute, dragged, scene_of


def block(*parts: tuple[slice, slice], shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    for part in parts:
        mask[part] = 1
    return mask


def drawn(mask: np.ndarray, *points: tuple[float, float], reach: float = 3, **press: object) -> np.ndarray:
    first, *others = points
    start = Pointer(*first, clicks=1, **press)  # type: ignore[arg-type]
    return dragged("redraw", scene_of(mask), start, *(Pointer(*point) for point in others), reach=reach)


THING = (slice(20, 40), slice(20, 60))


def test_one_line_adds_on_its_outer_side_and_takes_away_on_its_inner() -> None:
    wanted = block(THING)
    wanted[10:20, 25:40] = 1  # the line goes out and around this
    wanted[20:30, 40:55] = 0  # and in and around that
    line = [(25, 20), (25, 10), (40, 10), (40, 30), (55, 30), (55, 20)]
    assert np.array_equal(drawn(block(THING), *line), wanted)
    assert np.array_equal(drawn(block(THING), *line[::-1]), wanted)


def test_the_alternate_replaces_the_rest_of_the_outline() -> None:
    line = [(25, 20), (25, 10), (40, 10), (40, 20)]
    assert np.array_equal(drawn(block(THING), *line, is_alternate=True), block((slice(10, 20), slice(25, 40))))


def test_a_slip_of_the_hand_changes_nothing() -> None:
    for is_alternate in (False, True):
        for line in ([(30.5, 20)], [(30.5, 20), (31, 20)], [(30.5, 21), (33, 20)]):
            assert np.array_equal(drawn(block(THING), *line, is_alternate=is_alternate), block(THING))


def test_what_is_drawn_before_the_outline_and_after_it_is_cut_off() -> None:
    wanted = block(THING)
    wanted[10:20, 25:40] = 1
    line = [(25, 35), (25, 30), (25, 20), (25, 10), (40, 10), (40, 20), (40, 30), (35, 36)]
    assert np.array_equal(drawn(block(THING), *line), wanted)


def test_an_outline_drawn_all_around_takes_the_place_of_the_whole() -> None:
    line = [(20, 20), (62, 17), (64, 44), (18, 42), (20, 21)]
    after = drawn(block(THING), *line)
    wanted = np.zeros_like(after)
    region = polygon((60, 80), line)
    wanted[region.rect.slices] = region.inside
    assert np.count_nonzero(after != wanted) <= 2


def test_the_outline_of_a_hole_is_redrawn_like_any_other() -> None:
    mask = block(THING)
    mask[26:34, 30:40] = 0
    wanted = mask.copy()
    wanted[26:34, 40:50] = 0
    assert np.array_equal(drawn(mask, (40, 26), (50, 26), (50, 34), (40, 34), reach=2), wanted)
    wanted = mask.copy()
    wanted[26:34, 36:40] = 1
    assert np.array_equal(drawn(mask, (36, 26), (36, 34), reach=2), wanted)


def test_other_things_between_line_and_outline_become_part_of_it_or_go() -> None:
    mask = block(THING, (slice(12, 15), slice(30, 33)))
    mask[24:28, 45:48] = 0
    wanted = block(THING)
    wanted[10:20, 25:40] = 1
    wanted[20:30, 40:55] = 0
    line = [(25, 20), (25, 10), (40, 10), (40, 30), (55, 30), (55, 20)]
    assert np.array_equal(drawn(mask, *line, reach=2), wanted)


def test_a_line_away_from_every_outline_is_one_itself_around_a_thing_or_a_hole() -> None:
    line = [(5, 45), (30, 45), (30, 55), (5, 55)]
    for mask in (block(THING), block()):
        assert np.array_equal(drawn(mask, *line), mask | block((slice(45, 55), slice(5, 30))))
        assert np.array_equal(drawn(mask, *line, is_alternate=True), mask)
    hole = [(30, 26), (40, 26), (40, 33), (30, 33)]
    holed = block(THING)
    holed[26:33, 30:40] = 0
    assert np.array_equal(drawn(block(THING), *hole, is_alternate=True), holed)
    assert np.array_equal(drawn(block(THING), *hole), block(THING))


def test_a_fast_hand_joins_the_outline_between_two_reports_of_the_mouse() -> None:
    wanted = block(THING)
    wanted[10:20, 25:40] = 1
    assert np.array_equal(drawn(block(THING), (25, 33), (25, 10), (40, 10), (40, 33)), wanted)


def test_a_line_that_does_not_come_back_changes_nothing() -> None:
    assert np.array_equal(drawn(block(THING), (25.5, 20), (25.5, 10), (40, 5)), block(THING))


def test_the_reach_is_one_of_the_screen() -> None:
    line = [(25, 14), (25, 10), (40, 10), (40, 14)]
    joined = block(THING)
    joined[10:20, 25:40] = 1
    assert np.array_equal(drawn(block(THING), *line, reach=8), joined)
    assert np.array_equal(drawn(block(THING), *line, reach=8, zoom=4.0), block(THING, (slice(10, 14), slice(25, 40))))


def test_things_at_the_border_of_the_image_have_an_outline_there() -> None:
    mask = block((slice(0, 30), slice(0, 40)))
    wanted = block((slice(0, 30), slice(0, 60)))
    assert np.array_equal(drawn(mask, (40, 0), (60, -5), (60, 30), (40, 30)), wanted)


def test_while_the_button_is_down_it_is_seen_and_escape_leaves_all_as_it_was() -> None:
    scene, tool = scene_of(block(THING)), TOOLS["redraw"]()
    drag = Drag(tool, scene, tool.Options(reach=3), Pointer(25, 20, clicks=1))
    for point in ((25, 10), (40, 10), (40, 20)):
        compute(drag)
        drag.move(Pointer(*point))
    compute(drag)
    patch = drag.preview.patch
    assert patch is not None
    assert patch.pixels[patch.rect.height // 2, patch.rect.width // 2]
    assert np.array_equal(scene.document.mask, block(THING))
    drag.cancel()
    assert np.array_equal(scene.document.mask, block(THING))
    assert not scene.document.history.past


def star(radii: list[float], centre: tuple[float, float]) -> list[tuple[float, float]]:
    """A closed outline, a point a pixel or so."""
    angles = np.linspace(0, 2 * math.pi, 360, endpoint=False)
    lengths = np.interp(angles, np.linspace(0, 2 * math.pi, len(radii) + 1), [*radii, radii[0]])
    return [*zip(centre[0] + lengths * np.cos(angles), centre[1] + lengths * np.sin(angles), strict=True)]


def filled(points: list[tuple[float, float]]) -> np.ndarray:
    mask = np.zeros((120, 120), np.uint8)
    region = polygon(mask.shape, points)
    mask[region.rect.slices] = region.inside
    return mask


RADII = st.lists(st.floats(35, 50), min_size=3, max_size=12)


@settings(max_examples=60, deadline=None)
@given(RADII, RADII, st.integers(0, 359), st.integers(60, 180), st.floats(1, 3), st.booleans())
def test_within_the_ends_of_a_line_the_mask_becomes_the_truth_and_elsewhere_stays(
    mask_radii, true_radii, first, count, reach, is_backwards
) -> None:
    centre = (60.1, 59.9)
    had, true = star(mask_radii, centre), star(true_radii, centre)
    mask, truth = filled(had), filled(true)
    # From the outline straight to the true one, along that, and back.
    line = np.array([had[first], *[*true, *true][first : first + count + 1], had[(first + count) % 360]])
    patch = Outlines(mask).redrawn(line[::-1] if is_backwards else line, reach)
    after = mask.copy()
    after[patch.rect.slices] = patch.pixels
    rows, columns = np.indices(mask.shape) + 0.5
    angles = (np.degrees(np.arctan2(rows - centre[1], columns - centre[0])) - first) % 360
    slack = 14  # degrees: a line that crosses the outline again, within twice the reach, may join it there
    inside, outside = (angles > slack) & (angles < count - slack), (angles > count + slack) & (angles < 360 - slack)
    # An outline runs between the centres of pixels: one that lies on the line may fall on either side.
    assert np.count_nonzero((after != truth) & inside) <= 2
    assert np.array_equal(after[outside], mask[outside])
