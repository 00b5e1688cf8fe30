"""The geometry of the view: where things are on the screen, whatever the size, zoom and pixel ratio."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segstudio.core.mask import Rect
from segstudio.ui.canvas.view import LADDER, MAX_ZOOM, MIN_SIDE, Frame, View

sizes = st.integers(1, 5000)
panes = st.integers(1, 3000)
ratios = st.sampled_from([1.0, 1.25, 1.5, 2.0, 3.0])
parts = st.floats(-0.5, 1.5)


@st.composite
def views(draw: st.DrawFn) -> View:
    view = View()
    view.show(draw(sizes), draw(sizes))
    view.fit(draw(panes), draw(panes))
    view.zoom_at(draw(st.floats(0.01, 200)), draw(parts) * view.width, draw(parts) * view.height)
    return view


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    return draw(views()).frame(draw(panes), draw(panes), draw(ratios))


@given(frames(), st.floats(-100, 4000), st.floats(-100, 4000))
def test_image_and_widget_are_inverse(frame: Frame, x: float, y: float) -> None:
    assert frame.to_widget(*frame.to_image(x, y)) == pytest.approx((x, y), abs=1e-6)


@given(frames(), parts, parts)
def test_widget_and_image_are_inverse(frame: Frame, x: float, y: float) -> None:
    there = (x * frame.image_width, y * frame.image_height)
    assert frame.to_image(*frame.to_widget(*there)) == pytest.approx(there, abs=1e-6)


@given(frames())
def test_widget_pixels_are_device_pixels_divided_by_the_ratio(frame: Frame) -> None:
    x, y = frame.to_device(3, 4)
    assert frame.to_widget(3, 4) == pytest.approx((x / frame.ratio, y / frame.ratio))


@given(views(), panes, panes, st.floats(0.2, 5), parts, parts)
def test_zooming_keeps_what_is_under_the_pointer(
    view: View, width: int, height: int, factor: float, x: float, y: float
) -> None:
    here = (min(max(x, 0), 1) * view.width, min(max(y, 0), 1) * view.height)
    before = view.frame(width, height, 1.0).to_device(*here)
    view.zoom_at(factor, *here)
    assume(0 < view.x < view.width and 0 < view.y < view.height)  # it stops where the image would be lost
    after = view.frame(width, height, 1.0).to_device(*here)
    assert after == pytest.approx(before, abs=1.01)  # each of the two frames is rounded to whole device pixels


@given(views(), st.floats(0.001, 1000))
def test_zoom_has_limits(view: View, factor: float) -> None:
    view.zoom_at(factor, 0, 0)
    assert view.zoom <= MAX_ZOOM
    assert view.zoom >= 1 or view.zoom * max(view.width, view.height) >= MIN_SIDE - 1e-9


@given(views(), st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_the_image_cannot_be_lost(view: View, dx: float, dy: float) -> None:
    view.pan(dx, dy)
    assert 0 <= view.x <= view.width
    assert 0 <= view.y <= view.height


@given(views(), st.integers(-50, 50), st.integers(-50, 50))
def test_panning_moves_the_picture_by_whole_device_pixels(view: View, dx: int, dy: int) -> None:
    before = view.frame(800, 600, 1.0)
    x, y = view.x - dx / view.zoom, view.y - dy / view.zoom
    assume(0 <= x <= view.width and 0 <= y <= view.height)
    view.pan(dx, dy)
    after = view.frame(800, 600, 1.0)
    # One more where a half is rounded the other way by the last bit of the arithmetic.
    assert abs(after.left - before.left - dx) <= 1
    assert abs(after.top - before.top - dy) <= 1
    assert isinstance(after.left, int)


@given(sizes, sizes, panes, panes)
def test_fit_shows_all_and_fills_one_direction(width: int, height: int, wide: int, high: int) -> None:
    view = View()
    view.show(width, height)
    view.fit(wide, high)
    assume(MIN_SIDE / max(width, height) < min(wide / width, high / height) < MAX_ZOOM)
    assert width * view.zoom <= wide + 1e-6
    assert height * view.zoom <= high + 1e-6
    assert width * view.zoom == pytest.approx(wide) or height * view.zoom == pytest.approx(high)


@given(frames(), parts, parts, parts, parts)
def test_a_changed_rectangle_is_covered(frame: Frame, x: float, y: float, w: float, h: float) -> None:
    rect = Rect(int(x * 50), int(y * 50), int(abs(w) * 50) + 1, int(abs(h) * 50) + 1)
    found = frame.device_rect(rect)
    for column, row in ((rect.x, rect.y), (rect.right - 1, rect.bottom - 1)):
        i, j = (math.floor(part) for part in frame.to_device(column + 0.5, row + 0.5))
        if 0 <= i < frame.width and 0 <= j < frame.height:
            assert found.x <= i < found.right
            assert found.y <= j < found.bottom


@given(frames())
def test_the_picture_has_the_device_pixels_whose_centres_are_on_the_image(frame: Frame) -> None:
    picture = frame.picture
    for column in {0, picture.x - 1, picture.x, picture.right - 1, picture.right, frame.width - 1}:
        if 0 <= column < frame.width and picture.height:
            x = (column + 0.5 - frame.left) / frame.zoom
            if min(abs(x), abs(x - frame.image_width)) > 1e-9:
                assert (0 <= x < frame.image_width) == (picture.x <= column < picture.right)


def test_steps_climb_the_ladder() -> None:
    view = View()
    view.show(1000, 1000)
    view.fit(700, 700)
    view.step(1)
    assert view.zoom == 1
    assert not view.is_fitted
    for zoom in (1.5, 2, 3):
        view.step(1)
        assert view.zoom == zoom
    for zoom in (2, 1.5, 1, 2 / 3, 0.5):
        view.step(-1)
        assert view.zoom == zoom
    for _ in range(99):
        view.step(1)
    assert view.zoom == LADDER[-1] == MAX_ZOOM


def test_changes_are_told_once_and_only_when_there_is_one() -> None:
    view, told = View(), []
    view.changed.connect(lambda: told.append(view.zoom))
    view.show(100, 100)
    view.fit(200, 200)
    view.fit(200, 200)
    view.pan(0, 0)
    assert told == [2.0]


def test_nothing_to_fit_is_harmless() -> None:
    view = View()
    view.show(0, 0)
    view.fit(100, 100)
    assert view.frame(100, 100, 1.0).picture.is_empty


@pytest.mark.parametrize(("side", "is_whole"), [(50, False), (190, True)])
def test_what_is_looked_at_whole_stays_whole_when_the_pane_becomes_smaller(side: int, is_whole: bool) -> None:
    view = View()
    view.show(200, 200)
    view.look_at(Rect(5, 5, side // 2, side), 400, 300, 1.0)
    assert view.is_fitted == is_whole
    assert (view.looked_at is None) == is_whole
    if is_whole:
        assert (view.x, view.y, view.zoom) == (100, 100, 1.5)
