"""Tools and operations through the real window: keys, groups of tools, masks of other samples, what is remembered."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from segstudio.core.edit import Mode
from segstudio.core.sample import ReviewState
from segstudio.ui.number_box import NumberBox
from segstudio.ui.tool_bar import GroupButton
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.test_canvas_tools import Hand
from tests.ui.windows import shown_window


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Window]:
    with shown_window(qtbot, make_project(tmp_path)) as one:
        predict_noisily(one.session.project)
        settle(qtbot, one)
        yield one


def settle(qtbot: QtBot, window: Window) -> None:
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())
    qtbot.waitUntil(lambda: window.session.loaded.probability is not None)


def wait_for_operation(qtbot: QtBot, window: Window) -> None:
    qtbot.waitUntil(lambda: not window.panes.operating.is_active)


def test_a_group_shows_the_tool_used_last(window: Window) -> None:
    shapes = next(one for one in window.findChildren(GroupButton) if one.accessibleName() == "Shapes")
    assert shapes.defaultAction().objectName() == "tool-lasso"
    QTest.keyClick(window.panes.canvas("truth"), Qt.Key.Key_O)
    assert window.panes.pointer.tool.name == "ellipse"
    assert shapes.defaultAction().objectName() == "tool-ellipse"
    QTest.keyClick(window.panes.canvas("truth"), Qt.Key.Key_B)
    assert shapes.defaultAction().objectName() == "tool-ellipse"
    shapes.click()
    assert window.panes.pointer.tool.name == "ellipse"


def test_tools_and_operations_have_their_keys_under_a_russian_layout(qtbot: QtBot, window: Window) -> None:
    canvas = window.panes.canvas("truth")

    def type_russian(letter: str, scan: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(canvas, QKeyEvent(kind, ord(letter), modifiers, scan + 8, 0, 0, letter))

    for letter, scan, name in (
        ("Ц", 17, "wand"),
        ("Л", 37, "smart-brush"),
        ("С", 46, "grabcut"),
        ("Ь", 50, "rectangle"),
    ):
        type_russian(letter, scan)
        assert window.panes.pointer.tool.name == name
    before = window.session.document.mask.copy()
    type_russian("Ш", 23, Qt.KeyboardModifier.ControlModifier)
    wait_for_operation(qtbot, window)
    assert np.array_equal(window.session.document.mask, 1 - before)


def test_the_mask_of_the_sample_before_is_copied_with_its_newest_strokes(qtbot: QtBot, window: Window) -> None:
    panel = window.samples_panel
    panel.set_sort("name")
    panel.select_first()
    settle(qtbot, window)
    painted = window.session.document.mask.copy()
    painted[2:9, 3:20] ^= 1
    window.session.document.replace(painted, "Paint")
    panel.step(1)
    settle(qtbot, window)
    window.actions_by_name["mask-copy-previous"].trigger()
    wait_for_operation(qtbot, window)
    assert np.array_equal(window.session.document.mask, painted)
    assert window.session.document.history.undo_label == "Copy from previous sample"


def test_an_operation_takes_a_number_and_enter(qtbot: QtBot, window: Window) -> None:
    document = window.session.document
    before = document.mask.copy()
    window.actions_by_name["mask-shrink"].trigger()
    box = QApplication.focusWidget()
    assert isinstance(box, NumberBox)
    QTest.keyClicks(box, "3")
    QTest.keyClick(box, Qt.Key.Key_Return)
    wait_for_operation(qtbot, window)
    assert document.history.undo_label == "Shrink"
    assert 0 < document.mask.sum() < before.sum()
    assert window.panes.isAncestorOf(QApplication.focusWidget())
    window.actions_by_name["mask-grow"].trigger()
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not window.panes.operating.is_active
    assert len(document.history.past) == 1


def test_a_verdict_waits_for_what_was_decided(qtbot: QtBot, window: Window) -> None:
    session = window.session
    before = session.document.mask.copy()
    window.actions_by_name["mask-invert"].trigger()
    window.actions_by_name["accept"].trigger()
    assert np.array_equal(session.document.mask, 1 - before)
    qtbot.waitUntil(lambda: session.sample.state is ReviewState.ACCEPTED)
    assert np.array_equal(session.project.masks.load(session.sample), 1 - before)


def test_no_verdict_is_given_on_a_mask_that_was_not_made(qtbot: QtBot, window: Window, monkeypatch) -> None:
    monkeypatch.setattr("segstudio.ui.background.PATIENCE", 0.0)
    sample, before = window.session.sample, window.session.document.mask.copy()
    window.actions_by_name["mask-invert"].trigger()
    window.actions_by_name["accept"].trigger()
    assert "Invert was not made" in window.workspace.banner.text
    window.session.save_now(wait=True)
    assert window.session.project.samples.get(sample.id).state is ReviewState.TODO
    assert np.array_equal(window.session.document.mask, before)


def test_undo_gives_up_what_is_only_shown(qtbot: QtBot, window: Window) -> None:
    document = window.session.document
    document.replace(1 - document.mask, "Paint")
    before = document.mask.copy()
    window.actions_by_name["mask-grow"].trigger()
    window.actions_by_name["undo"].trigger()
    assert not window.panes.operating.is_active
    assert np.array_equal(document.mask, before), "one key, one thing"
    window.actions_by_name["undo"].trigger()
    assert np.array_equal(document.mask, 1 - before)


def test_undo_is_offered_for_what_is_only_shown(qtbot: QtBot, window: Window) -> None:
    undo = window.actions_by_name["undo"]
    assert not undo.isEnabled()
    window.actions_by_name["mask-grow"].trigger()
    assert undo.isEnabled()
    undo.trigger()
    assert not window.panes.operating.is_active
    assert not undo.isEnabled()


def test_undo_takes_back_one_corner_after_another(qtbot: QtBot, window: Window) -> None:
    document, panes, undo = window.session.document, window.panes, window.actions_by_name["undo"]
    document.replace(1 - document.mask, "Paint")
    before = document.mask.copy()
    panes.set_tool("polygon")
    hand = Hand(panes)
    hand.drag((10, 10))
    hand.drag((30, 10))
    undo.trigger()
    assert panes.pointer.drag is not None
    undo.trigger()
    assert panes.pointer.drag is None
    assert np.array_equal(document.mask, before)
    undo.trigger()
    assert np.array_equal(document.mask, 1 - before)


def test_undo_gives_up_a_click_that_is_being_computed(qtbot: QtBot, window: Window) -> None:
    document, panes = window.session.document, window.panes
    document.replace(1 - document.mask, "Paint")
    before = document.mask.copy()
    panes.set_tool("wand")
    Hand(panes).drag((10, 10))
    assert panes.pointer.drag.is_waiting
    window.actions_by_name["undo"].trigger()
    assert panes.pointer.drag is None
    assert np.array_equal(document.mask, before)


def test_scribbles_end_before_a_revision_is_taken(qtbot: QtBot, window: Window) -> None:
    session, panes = window.session, window.panes
    original = session.document.mask.copy()
    session.document.replace(1 - original, "Paint")
    assert session.save_now(wait=True)
    panes.set_tool("grabcut")
    Hand(panes).drag((20, 20), (30, 20))
    qtbot.waitUntil(lambda: panes.pointer.drag.work is None, timeout=20_000)
    session.take_revision(0)
    qtbot.waitUntil(lambda: session.document.history.undo_label == "Revision 0")
    panes.pointer.apply()
    assert np.array_equal(session.document.mask, original), "what was found on the mask before is not made"


def test_options_of_tools_come_back(qtbot: QtBot, window: Window) -> None:
    folder = window.session.project.folder
    window.panes.set_tool("wand")
    window.panes.set_tool_options("wand", window.panes.tool_options("wand").replaced(mode="subtract", tolerance=77))
    window.close_project()
    window.open_project(folder)
    options = window.panes.tool_options("wand")
    assert (options.mode, options.tolerance) == (Mode.SUBTRACT, 77)
