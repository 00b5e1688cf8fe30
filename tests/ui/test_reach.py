"""Everything in the window is reached by keys and has a name for those who cannot see it; no panel keeps the keys."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QListView,
    QPushButton,
    QScrollBar,
    QTextEdit,
    QToolButton,
    QWidget,
)

from segstudio.project.project import Project
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.windows import shown_window

KINDS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QTextEdit)
NO, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def opened(qtbot, qapp, tmp_path: Path):
    path = make_project(tmp_path)
    with Project.open(path, is_editor=True) as project:
        predict_noisily(project)
    with shown_window(qtbot, path) as window:
        yield window


def name_of(widget: QWidget) -> str:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name) if interface is not None else ""


def is_part(widget: QWidget) -> bool:
    """Whether it is a part that Qt makes of a control that is named itself: the field of a spin box, a header."""
    if widget.objectName().startswith("qt_") or isinstance(widget, QScrollBar | QHeaderView):
        return True
    parent = widget.parentWidget()
    if isinstance(parent, QComboBox | QAbstractSpinBox | QLineEdit):
        return True
    return isinstance(widget, QListView) and parent is not None and isinstance(parent.parentWidget(), QComboBox)


def controls(window: Window) -> list[QWidget]:
    return [one for one in window.findChildren(QWidget) if isinstance(one, KINDS) and not is_part(one)]


def where(widget: QWidget) -> str:
    names, one = [], widget
    while one is not None and len(names) < 4:
        names.append(type(one).__name__)
        one = one.parentWidget()
    return f"{' in '.join(names)} ({widget.toolTip().partition(chr(10))[0]})"


def make_all_panels(qtbot, window: Window) -> None:
    tabs = window.workspace.tabs
    for index in range(tabs.count()):
        tabs.setCurrentIndex(index)
        qtbot.waitUntil(window.is_settled)
    tabs.setCurrentIndex(0)
    assert window.isActiveWindow(), "something was shown before it had a parent: a window of its own for a moment"


def test_every_control_has_a_name(qtbot, opened: Window):
    make_all_panels(qtbot, opened)
    opened.show_jobs(True)
    opened.show_problems(True)
    found = controls(opened)
    assert len(found) > 150
    assert [where(one) for one in found if not name_of(one)] == []


def test_every_button_is_reached_by_the_tab_key(qtbot, opened: Window):
    make_all_panels(qtbot, opened)
    buttons = [one for one in controls(opened) if isinstance(one, QPushButton | QToolButton)]
    assert len(buttons) > 60
    # What lies in a field or a title bar of Qt's own has a menu entry or a key beside it.
    # Of buttons that exclude each other Qt lets the Tab key reach the one that is on, and the arrows the others.
    buttons = [one for one in buttons if one.group() is None or one.isChecked()]
    unreached = [where(one) for one in buttons if not one.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert unreached == []
    start = opened.panes.canvas("truth")
    start.setFocus()
    seen: list[QWidget] = []
    while (focus := opened.focusWidget()) not in seen:
        seen.append(focus)
        QTest.keyClick(focus, Qt.Key.Key_Tab)
        assert len(seen) < 500
    assert start in seen, "around once"
    shown = [one for one in buttons if one.isVisible() and one.isEnabled() and not one.visibleRegion().isEmpty()]
    assert len(shown) > 25
    assert [where(one) for one in shown if one not in seen] == []


def test_the_status_bar_says_its_numbers(qtbot, opened: Window):
    canvas = opened.panes.canvas("image")
    spot = canvas.rect().center()
    QTest.mouseMove(canvas, spot - QPoint(2, 0))
    QTest.mouseMove(canvas, spot)
    status = opened._status
    for label, name in ((status.pixel, "Pixel under the pointer"), (status.zoom, "Zoom"), (status.saved, "Saved")):
        interface = QAccessible.queryAccessibleInterface(label)
        assert interface.text(QAccessible.Text.Name) == name
        assert interface.text(QAccessible.Text.Description) == label.text()
    assert "value" in status.pixel.accessibleDescription()
    legend = QAccessible.queryAccessibleInterface(opened.panes.canvas("errors")).text(QAccessible.Text.Description)
    assert "agree" in legend


def press(window: Window, key: Qt.Key, modifier=NO) -> None:
    QTest.keyClick(window.windowHandle(), key, modifier)


def tool(window: Window) -> str:
    return window.panes.pointer.tool.name


def spots(window: Window) -> list[QWidget]:
    """Something to click in each corner of the window."""
    work = window.workspace
    runs, train = work.runs_panel, work.train_panel
    return [
        window.samples_panel.view.viewport(), work.tabs.tabBar(), work.display, work.error_bar, work.review_panel,
        window._tool_bar, window._status, window.menuBar(), runs, train, work.display.tolerance_slider,
    ]  # fmt: skip


def test_after_a_click_in_a_panel_the_keys_still_mean_the_work(qtbot, opened: Window):
    for number, widget in enumerate(spots(opened)):
        if not widget.isVisible():
            opened.workspace.tabs.setCurrentWidget(widget.parentWidget())
            qtbot.waitUntil(widget.isVisible)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, NO, QPoint(3, 3))
        key, name = ((Qt.Key.Key_E, "eraser"), (Qt.Key.Key_B, "brush"))[number % 2]
        press(opened, key)
        assert tool(opened) == name, where(widget)


def test_escape_leads_back_to_the_picture(qtbot, opened: Window):
    edit = opened.samples_panel.filter_edit
    edit.setFocus()
    before = tool(opened)
    press(opened, Qt.Key.Key_E)
    assert edit.text() == "e"
    assert tool(opened) == before, "in a field letters are text"
    press(opened, Qt.Key.Key_Escape)  # empties it
    press(opened, Qt.Key.Key_Escape)
    assert opened.panes.canvas("truth").hasFocus()
    for widget in (opened.workspace.display.tolerance_slider, opened.samples_panel.view, opened.samples_panel.sort_box):
        widget.setFocus()
        assert not opened.panes.canvas("truth").hasFocus()
        press(opened, Qt.Key.Key_Escape)
        assert opened.panes.canvas("truth").hasFocus(), where(widget)
    opened.train_panel.start_button.setFocus()
    press(opened, Qt.Key.Key_E)
    assert tool(opened) == "eraser"


def test_a_key_leads_from_area_to_area_and_back(qtbot, opened: Window):
    opened.focus_work()
    opened.show_problems(True)  # there are none, so nothing to press either
    press(opened, Qt.Key.Key_F6)
    press(opened, Qt.Key.Key_F6)
    assert opened.workspace.samples_panel.isAncestorOf(opened.focusWidget())
    opened.focus_work()
    opened.queue.cancel(opened.queue.submit("check", {}, "Check").id)
    opened.show_jobs(True)  # in front of the other
    qtbot.waitUntil(lambda: not opened._jobs.visibleRegion().isEmpty())
    work = opened.workspace
    where_to = [work.tabs, opened._jobs, work.samples_panel, work.centre]
    for area in where_to:
        press(opened, Qt.Key.Key_F6)
        assert area.isAncestorOf(opened.focusWidget()), where(area)
    assert opened.panes.canvas("truth").hasFocus()
    for area in (*where_to[-2::-1], work.centre):
        press(opened, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
        assert area.isAncestorOf(opened.focusWidget()), where(area)
    work.samples_panel.filter_edit.setFocus()
    press(opened, Qt.Key.Key_F6)
    assert opened.panes.canvas("truth").hasFocus(), "out of a text field too"
    opened.show_jobs(False)
    opened.show_problems(False)
