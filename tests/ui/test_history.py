"""The history of a sample in the real window: listed, gone back to by a click, and there again after a crash."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from segstudio.core.mask import Rect
from segstudio.core.raster import Region
from segstudio.ui.window import Window
from tests.ui.projects import make_project
from tests.ui.test_window import press
from tests.ui.windows import shown_window


@pytest.fixture
def window(qtbot, tmp_path):
    with shown_window(qtbot, make_project(tmp_path, 3, size=(160, 120))) as one:
        yield one


def settle(qtbot, window: Window) -> None:
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled(), timeout=20_000)


def fill(window: Window, rect: Rect, value: int, label: str) -> np.ndarray:
    with window.session.document.stroke(label) as stroke:
        stroke.fill_region(Region(rect, np.ones((rect.height, rect.width), np.bool_)), value)
    return window.session.document.mask.copy()


def click(history, row: int) -> None:
    history.scrollTo(history.model().index(row))
    place = history.visualRect(history.model().index(row)).center()
    QTest.mouseClick(history.viewport(), Qt.MouseButton.LeftButton, pos=place)


def labels(history) -> list[str]:
    return [history.model().index(row).data() for row in range(history.model().rowCount())]


def test_edits_are_listed_and_a_click_goes_back_to_one(qtbot, window: Window) -> None:
    history = window.workspace.review_panel.history
    assert not history.isVisible()
    before = window.session.document.mask.copy()
    masks = [
        fill(window, Rect(0, 0, 160, 120), 1, "Fill"),
        fill(window, Rect(10, 10, 20, 30), 0, "Eraser"),
        fill(window, Rect(12, 12, 5, 5), 1, "Brush"),
    ]
    fill(window, Rect(0, 0, 4, 4), 1, "Nothing")  # it was so already
    settle(qtbot, window)
    assert history.isVisible()
    assert labels(history) == ["Brush", "Eraser", "Fill", "Before these edits"]
    assert "+25 −0 px" in history.history.words(0)
    assert "+0 −600 px" in history.history.words(1)
    assert "where you are" in history.history.words(0)
    click(history, 2)
    assert np.array_equal(window.session.document.mask, masks[0])
    assert (history.history.current, labels(history)[0]) == (2, "Brush")
    assert "undone" in history.history.words(0)
    click(history, 3)
    assert np.array_equal(window.session.document.mask, before)
    click(history, 0)
    assert np.array_equal(window.session.document.mask, masks[2])
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(window.session.document.mask, masks[1])
    history.setFocus()
    history.setCurrentIndex(history.model().index(2))
    QTest.keyClick(history, Qt.Key.Key_Return)
    assert np.array_equal(window.session.document.mask, masks[0])


def test_strokes_on_what_is_ignored_are_listed_among_the_others_and_gone_back_to(qtbot, window: Window) -> None:
    history, session = window.workspace.review_panel.history, window.session
    qtbot.waitUntil(lambda: session.ignored is not None)
    before = session.document.mask.copy()
    filled = fill(window, Rect(0, 0, 160, 120), 1, "Fill")
    with session.ignored.stroke("Rectangle") as stroke:
        stroke.fill_region(Region(Rect(5, 5, 10, 10), np.ones((10, 10), np.bool_)), 1)
    ignored = session.ignored.mask.copy()
    erased = fill(window, Rect(10, 10, 20, 30), 0, "Eraser")
    settle(qtbot, window)
    assert labels(history) == ["Eraser", "Rectangle", "Fill", "Before these edits"]
    assert [history.history.is_of_ignored(row) for row in range(4)] == [False, True, False, False]
    assert "ignored region" in history.history.words(1)
    assert "+100 −0 px" in history.history.words(1)
    click(history, 2)
    assert np.array_equal(session.document.mask, filled)
    assert not session.ignored.mask.any()
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert np.array_equal(session.ignored.mask, ignored)
    click(history, 0)
    assert np.array_equal(session.document.mask, erased)
    click(history, 3)
    assert np.array_equal(session.document.mask, before)
    assert not session.ignored.mask.any()
    click(history, 1)
    # The order is that of the time also after closing.
    folder = session.project.folder
    window.close_project()
    window.open_project(folder)
    settle(qtbot, window)
    session, history = window.session, window.workspace.review_panel.history
    qtbot.waitUntil(lambda: session.ignored is not None and window.is_settled())
    assert labels(history) == ["Eraser", "Rectangle", "Fill", "Before these edits"]
    assert history.history.current == 1
    press(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not session.ignored.mask.any()
    assert np.array_equal(session.document.mask, filled)


def test_the_history_belongs_to_its_sample_and_comes_back(qtbot, window: Window) -> None:
    history, session = window.workspace.review_panel.history, window.session
    first = session.sample.id
    other = next(one.id for one in session.project.samples.all() if one.id != first)
    fill(window, Rect(0, 0, 160, 120), 1, "Fill")
    mask = fill(window, Rect(10, 10, 20, 30), 0, "Eraser")
    session.show(other)
    settle(qtbot, window)
    assert labels(history) == []
    session.show(first)
    settle(qtbot, window)
    assert labels(history) == ["Eraser", "Fill", "Before these edits"]
    folder = session.project.folder
    window.close_project()
    window.open_project(folder)
    settle(qtbot, window)
    window.session.show(first)
    settle(qtbot, window)
    history = window.workspace.review_panel.history
    assert labels(history) == ["Eraser", "Fill", "Before these edits"]
    assert "+0 −600 px" in history.history.words(0)
    assert np.array_equal(window.session.document.mask, mask)
    click(history, 1)
    assert window.session.document.mask.all()


def test_an_edit_that_is_gone_is_not_gone_back_to(qtbot, window: Window) -> None:
    history, told = window.workspace.review_panel.history, []
    window.session.failed.connect(lambda message, _hint: told.append(message))
    fill(window, Rect(0, 0, 160, 120), 1, "Fill")
    settle(qtbot, window)
    gone = window.session.document.history.past[0]
    window.session.undo()
    mask = fill(window, Rect(5, 5, 9, 9), 0, "Eraser") if window.session.document.mask[5, 5] else fill(
        window, Rect(5, 5, 9, 9), 1, "Brush"
    )  # fmt: skip
    history.wanted.emit(gone)
    assert told == ["That edit is not in the history any more."]
    assert np.array_equal(window.session.document.mask, mask)
