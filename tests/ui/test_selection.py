"""Decisions about a part of the picture that was selected by hand, and about the whole of it: one step each."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from scipy import ndimage

from segstudio.core.edit import Mode
from segstudio.core.sample import ReviewState
from segstudio.ui.canvas.pixel_info import PixelInfo
from segstudio.ui.window import Window
from tests.ui.test_walk import damaged_project, step
from tests.ui.windows import shown_window

NO, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
)  # fmt: skip
BOX = (0, 0, 70, 60)
"""Left, top, right, bottom of the part that is selected: it cuts through things."""


@pytest.fixture
def opened(qtbot, qapp, tmp_path):
    with shown_window(qtbot, damaged_project(tmp_path)[0]) as one:
        yield one


def drag(window: Window, *points: tuple[float, float], keys=CONTROL) -> None:
    canvas = window.panes.canvas("errors")
    spots = [QPoint(*(round(part) for part in canvas.frame.to_widget(x, y))) for x, y in points]
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, keys, spots[0])
    for spot in spots[1:]:
        QTest.mouseMove(canvas, spot)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, keys, spots[-1])


def select(window: Window) -> np.ndarray:
    """Lasso BOX with whatever tool is in hand; returns what is selected as a mask."""
    left, top, right, bottom = BOX
    drag(window, (left, top), (right, top), (right, bottom), (left, bottom))
    region = window.panes.selection.region
    result = np.zeros(window.session.document.shape, np.bool_)
    result[region.rect.slices] = region.inside
    return result


def masks(window: Window) -> tuple[np.ndarray, np.ndarray]:
    session = window.session
    return session.document.mask.copy().astype(bool), session.loaded.probability >= 128


def undo(window: Window) -> None:
    window.actions_by_name["undo"].trigger()


@pytest.mark.parametrize("tool", ["brush", "rectangle", "wand"])
def test_ctrl_and_a_drag_select_with_any_tool_and_change_nothing(opened: Window, tool: str):
    opened.actions_by_name[f"tool-{tool}"].trigger()
    before, _ = masks(opened)
    drag(opened, (10, 10), (60, 12), (60, 50), (12, 50))
    assert np.array_equal(masks(opened)[0], before)
    assert not opened.session.document.history.can_undo
    if tool == "rectangle":
        drag(opened, (10, 10), (60, 50))
    if tool != "wand":  # which needs its thread for what is alike
        rect = opened.panes.selection.region.rect
        assert abs(rect.x - 10) <= 2
        assert abs(rect.width - 50) <= 4
        assert opened.panes.canvas("truth").marks.selected
        assert "differ" in opened.workspace.error_bar.words.text()
        assert opened.workspace.error_bar.words.text().startswith("Selection")


def selected(window: Window) -> np.ndarray:
    region = window.panes.selection.region
    result = np.zeros(window.session.document.shape, np.bool_)
    result[region.rect.slices] = region.inside
    return result


def test_keys_select_a_thing_what_is_seen_or_all_of_it(qtbot, opened: Window):
    opened.actions_by_name["error-go-on"].trigger()
    step(qtbot, opened)  # to the worst error
    before, predicted = masks(opened)
    place = opened.workspace.walk.place.blob
    step(qtbot, opened, Qt.Key.Key_O, SHIFT)
    labels, _ = ndimage.label(before | predicted, np.ones((3, 3)))
    thing = labels == labels[place.y, place.x]
    assert 0 < thing.sum() < (before | predicted).sum(), "there are others"
    assert np.array_equal(selected(opened), thing)
    assert opened.panes.canvas("truth").marks.selected
    step(qtbot, opened, Qt.Key.Key_Y)
    assert np.array_equal(masks(opened)[0], np.where(thing, predicted, before))
    undo(opened)
    opened.panes.one_to_one()
    for _ in range(3):
        opened.actions_by_name["zoom-in"].trigger()
    step(qtbot, opened, Qt.Key.Key_V, SHIFT)
    canvas, rect = opened.panes.canvas("truth"), opened.panes.selection.region.rect
    assert rect == opened.panes.seen
    assert 0 < rect.width * rect.height < before.size
    for x, y in ((rect.x, rect.y), (rect.right, rect.bottom)):
        column, row = canvas.frame.to_widget(x, y)
        assert -1 - canvas.frame.zoom <= column <= canvas.width() + 1 + canvas.frame.zoom
        assert -1 - canvas.frame.zoom <= row <= canvas.height() + 1 + canvas.frame.zoom
    step(qtbot, opened, Qt.Key.Key_E, SHIFT)
    assert selected(opened).all()
    step(qtbot, opened, Qt.Key.Key_A, CONTROL | SHIFT)
    assert not selected(opened).any()
    opened.panes.fit()
    opened.workspace.walk._here = PixelInfo(0, 0, 0, 0, 0.0)
    opened.workspace.walk.place = None
    assert not (before | predicted)[0, 0]
    step(qtbot, opened, Qt.Key.Key_O, SHIFT)
    assert "nothing here to select" in opened.banner.text


@pytest.mark.parametrize("key", [Qt.Key.Key_Y, Qt.Key.Key_I, Qt.Key.Key_D])
def test_a_decision_is_about_what_is_selected_and_is_one_step(qtbot, opened: Window, key: Qt.Key):
    before, predicted = masks(opened)
    inside = select(opened)
    differ = (before != predicted) & inside
    assert differ.any()
    assert ((before != predicted) & ~inside).any()
    step(qtbot, opened, key)
    if key == Qt.Key.Key_Y:
        wanted = np.where(inside, predicted, before)
    else:
        wanted = np.where(differ, key == Qt.Key.Key_I, before)
    after, _ = masks(opened)
    assert np.array_equal(after, wanted), "where both agree nothing changes"
    assert opened.panes.selection.is_empty, "it is decided"
    if opened.session.document.history.can_undo:
        undo(opened)
        assert not opened.session.document.history.can_undo, "one step"
    assert np.array_equal(masks(opened)[0], before)


def test_the_whole_image_is_decided_with_shift(qtbot, opened: Window):
    before, predicted = masks(opened)
    opened.actions_by_name["error-go-on"].trigger()
    for key, wanted in (
        (Qt.Key.Key_Y, predicted),
        (Qt.Key.Key_I, before | predicted),
        (Qt.Key.Key_D, before & predicted),
    ):
        step(qtbot, opened, key, SHIFT)
        assert np.array_equal(masks(opened)[0], wanted)
        undo(opened)
        assert not opened.session.document.history.can_undo
        assert np.array_equal(masks(opened)[0], before)


def test_what_is_kept_in_a_selection_is_not_offered_and_can_be_taken_back(qtbot, opened: Window):
    opened.actions_by_name["error-go-on"].trigger()
    words = step(qtbot, opened)
    count = int(words.split(" of ")[1].split()[0])
    bounds = opened.workspace.walk.place.blob.bounds
    opened.panes.fit()
    corners = ((bounds.x - 2, bounds.y - 2), (bounds.right + 2, bounds.y - 2), (bounds.right + 2, bounds.bottom + 2),
               (bounds.x - 2, bounds.bottom + 2))  # fmt: skip
    drag(opened, *corners)
    assert step(qtbot, opened, Qt.Key.Key_J).endswith("settled")
    drag(opened, *corners)
    assert not step(qtbot, opened, Qt.Key.Key_J).endswith("settled"), "once more takes it back"
    drag(opened, *corners)
    step(qtbot, opened, Qt.Key.Key_J)
    seen = 1
    while step(qtbot, opened):
        seen += 1
    assert seen <= count
    assert not opened.session.document.history.can_undo, "keeping changes no mask"


def test_escape_and_another_sample_forget_the_selection(qtbot, opened: Window):
    select(opened)
    QTest.keyClick(opened.panes.canvas("errors"), Qt.Key.Key_Escape)
    assert opened.panes.selection.is_empty
    assert not opened.panes.canvas("truth").marks.selected
    select(opened)
    opened.actions_by_name["deselect"].trigger()
    assert opened.panes.selection.is_empty
    select(opened)
    first = opened.session.sample.id
    opened.actions_by_name["next"].trigger()
    qtbot.waitUntil(lambda: opened.session.sample.id != first and not opened.session.is_busy)
    assert opened.panes.selection.is_empty
    select(opened)
    drag(opened, (5, 5), (5, 5))
    assert opened.panes.selection.is_empty, "a click selects nothing"


def test_a_tool_can_be_set_to_select(opened: Window):
    opened.actions_by_name["tool-lasso"].trigger()
    for _ in range(3):
        opened.actions_by_name["mode"].trigger()
    assert opened.panes.pointer.options.mode is Mode.SELECT
    before, _ = masks(opened)
    drag(opened, (10, 10), (60, 12), (60, 50), keys=NO)
    assert not opened.panes.selection.is_empty
    assert np.array_equal(masks(opened)[0], before)


def test_a_flag_says_where_to_look(qtbot, opened: Window):
    session = opened.session
    session.decisions.set_comment(session.sample.id, "A rib?")
    select(opened)
    QTest.keyClick(opened.panes.canvas("truth"), Qt.Key.Key_F)
    qtbot.waitUntil(lambda: session.sample.state is ReviewState.FLAGGED)
    qtbot.waitUntil(lambda: "Look at" in session.project.samples.reviews([session.sample.id])[0].comment)
    (review,) = session.project.samples.reviews([session.sample.id])
    assert review.comment.startswith("A rib?\nLook at x 0 to ")
    assert opened.panes.selection.is_empty


def test_where_both_agree_it_says_so(qtbot, opened: Window):
    before, predicted = masks(opened)
    rows, columns = np.nonzero(before == predicted)
    far = [(x, y) for y, x in zip(rows.tolist(), columns.tolist(), strict=True) if x > 120 and y > 80]
    x, y = far[-1]
    drag(opened, (x - 3, y - 3), (x, y - 3), (x, y), (x - 3, y))
    step(qtbot, opened, Qt.Key.Key_Y)
    assert "agree there" in opened.banner.text
    assert np.array_equal(masks(opened)[0], before)
