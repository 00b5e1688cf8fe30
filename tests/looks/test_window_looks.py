"""Pictures of the window on generated data, dark and light; what can be judged by a machine is.

Set SEGSTUDIO_LOOKS to a folder to keep the pictures for a person.
"""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QToolButton, QWidget

from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.ui import app as application
from segstudio.ui import theme
from segstudio.ui.panels.readers import ReadersPanel
from segstudio.ui.widgets import ElidedLabel, allow, push_button
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily

SIZE = (1440, 900)


@pytest.fixture
def window(qtbot, qapp: QApplication, tmp_path: Path) -> Iterator[Window]:
    QSettings().clear()
    _, one = application.build(["segstudio"])
    one.resize(*SIZE)
    one.show()
    one.open_project(make_project(tmp_path, 12, size=(256, 192)))
    predict_noisily(one.session.project)
    qtbot.waitUntil(lambda: one.session.loaded is not None and one.session.loaded.probability is not None)
    qtbot.waitUntil(one.is_settled)
    yield one
    one.close()
    one.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    theme.choose("dark", is_kept=False)


def picture(window: Window, name: str) -> np.ndarray:
    """What the window shows, as (H, W, 3); kept where SEGSTUDIO_LOOKS says."""
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    if folder := os.environ.get("SEGSTUDIO_LOOKS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        image.save(str(Path(folder) / f"{name}.png"))
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def visible(window: QWidget, kind: type[QWidget]) -> list[QWidget]:
    return [one for one in window.findChildren(kind) if one.isVisible() and one.width() > 0]


def clipped(window: Window) -> list[str]:
    """Words that do not have the room they need."""
    found = []
    for label in visible(window, QLabel):
        if label.wordWrap():
            is_clipped = label.height() < label.heightForWidth(label.width())
        else:
            is_ignored = label.sizePolicy().horizontalPolicy() == label.sizePolicy().Policy.Ignored
            is_clipped = not is_ignored and label.text() and label.width() < label.sizeHint().width()
        if is_clipped:
            found.append(f"label {label.text()!r}: {label.size()} of {label.sizeHint()}")
    for button in visible(window, QAbstractButton):
        shows_icon = (
            isinstance(button, QToolButton) and button.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
        )
        shows_text = button.text() and not (shows_icon and not button.icon().isNull())
        if shows_text and button.width() < button.minimumSizeHint().width():
            found.append(f"button {button.text()!r}: {button.size()} of {button.minimumSizeHint()}")
    return found


def overlapping(window: Window) -> list[str]:
    """Labels and buttons of one parent that lie on each other."""
    found = []
    for one in visible(window, QWidget):
        for other in one.parentWidget().children() if one.parentWidget() else []:
            if other is one or not isinstance(other, QLabel | QAbstractButton) or not other.isVisible():
                continue
            if isinstance(one, QLabel | QAbstractButton) and one.geometry().intersects(other.geometry()):
                found.append(f"{one} and {other}")
    return found


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_the_window_is_worth_showing(qtbot, window: Window, choice: theme.Choice):
    window.set_theme(choice)
    for tab in range(window.workspace.tabs.count()):
        window.workspace.tabs.setCurrentIndex(tab)
        # A panel is made when it is first shown, and its bars are laid out after that, pass by pass.
        qtbot.waitUntil(lambda: not clipped(window), timeout=20_000)
        shown = picture(window, f"window-{choice}-{tab}")
        assert shown.shape == (SIZE[1], SIZE[0], 3)
        assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 500, "icons, words and pictures have many shades"
        assert not clipped(window)
        assert not overlapping(window)
    ground = theme.color("window")
    np.testing.assert_array_equal(shown[-4, 600], [ground.red(), ground.green(), ground.blue()])


def test_the_theme_can_change_while_the_window_is_open(qtbot, window: Window):
    window.set_theme("dark")
    dark = picture(window, "change-dark").mean()
    window.set_theme("light")
    qtbot.wait(20)
    assert picture(window, "change-light").mean() > dark + 40


def test_the_error_view_shows_its_colours(qtbot, window: Window):
    assert window.actions_by_name["error-view"].isChecked(), "what is predicted is compared at once"
    qtbot.wait(150)
    shown = picture(window, "error-view").reshape(-1, 3).astype(int)
    for colour in ((230, 159, 0), (86, 180, 233)):
        assert (np.abs(shown - colour).max(axis=1) < 40).sum() > 50, colour


def test_the_welcome_page(qtbot, window: Window):
    assert window.close_project()
    qtbot.wait(20)
    shown = picture(window, "welcome")
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 200
    assert not clipped(window)


def test_a_small_window_keeps_its_words(qtbot, window: Window):
    window.resize(1100, 700)
    qtbot.wait(50)
    assert not clipped(window)


def test_the_bars_of_a_small_window_have_no_dots(qtbot, window: Window):
    window.resize(1100, 700)
    window.actions_by_name["error-next"].trigger()
    work = window.workspace
    for is_scrubbing in (False, True):
        work.show_threshold(is_scrubbing)
        qtbot.waitUntil(lambda: window.is_settled() and bool(work.walk.words), timeout=20_000)
        qtbot.waitUntil(lambda: not clipped(window), timeout=20_000)
        picture(window, f"small-bars-{is_scrubbing}")
        bars = [bar for bar in (work.error_bar, work.threshold_bar, work.display) if bar is not None]
        labels = [label for bar in bars if bar.isVisible() for label in visible(bar, ElidedLabel)]
        assert len(labels) >= 1
        assert [label.shown_text for label in labels] == [label.text() for label in labels]
        assert work.panes.canvas("image").height() >= 120, "the picture is what it is all about"
        assert work.error_bar.isVisible() != is_scrubbing


@pytest.mark.parametrize("width", [1100, 1440])
def test_every_choice_of_the_smart_brush_can_be_read(qtbot, window: Window, width: int):
    window.resize(width, 900)
    window.workspace.set_tool("smart-brush")
    options = window.panes.tool_options("smart-brush")
    for paints in ("like pixels", "a range"):
        window.panes.set_tool_options("smart-brush", options.replaced(paints=paints, looks_at="probability"))
        qtbot.wait(20)
        boxes = visible(window._tool_bar.options, QComboBox)
        assert len(boxes) == 2
        if width == 1440:
            assert all(box.width() >= box.sizeHint().width() for box in boxes)
        assert all(box.width() >= 40 for box in boxes)


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_every_view_of_correcting_is_worth_showing(qtbot, window: Window, tmp_path: Path, choice: theme.Choice):
    window.set_theme(choice)
    workspace, session, seen = window.workspace, window.session, []

    def look(name: str) -> None:
        qtbot.waitUntil(lambda: window.is_settled() and not clipped(window), timeout=20_000)
        assert not overlapping(window), name
        seen.append(picture(window, f"view-{name}-{choice}"))

    window.actions_by_name["error-next"].trigger()
    qtbot.waitUntil(lambda: bool(workspace.walk.words))
    look("walk")
    window.actions_by_name["error-take"].trigger()
    session.document.replace(np.zeros_like(session.document.mask), "Clear")
    qtbot.waitUntil(lambda: session.autosave.state == "saved")
    look("history")
    window.actions_by_name["threshold"].trigger()
    look("scrubber")
    window.actions_by_name["threshold"].trigger()
    window.actions_by_name["swipe"].trigger()
    look("swipe")
    window.actions_by_name["swipe"].trigger()
    window.show_palette()
    look("palette")
    window.show_palette()
    bundle = str(tmp_path / "bundle.zip")
    JOBS["export-bundle"].from_values({"to": bundle, "reviewer": "Anna"}).run(session.project, ListReporter())
    JOBS["import-bundle"].from_values({"file": bundle}).run(session.project, ListReporter())
    window.show_readers(True)
    panel = window.findChild(ReadersPanel)
    qtbot.waitUntil(lambda: panel.model.rowCount() == 12 and not panel.is_busy)
    look("readers")
    assert all((one != other).any() for one, other in pairwise(seen)), "each of them shows something else"


def test_the_slider_of_the_radius_gives_way_and_comes_back(qtbot, window: Window):
    slider = window._tool_bar.options.radius._slider
    for tool in ("smart-brush", "brush"):
        window.workspace.set_tool(tool)
        for width in (1440, 1100, 1440):
            window.resize(width, 900)
            qtbot.waitUntil(lambda width=width, tool=tool: slider.isHidden() == (width == 1100 and tool != "brush"))


def test_what_cannot_be_used_says_why(window: Window):
    action = window.actions_by_name["undo"]
    assert not action.isEnabled()
    assert "nothing to undo" in action.toolTip()
    assert "Not now" not in window.actions_by_name["accept"].toolTip()
    assert window.close_project()
    assert "open a project first" in window.actions_by_name["export"].toolTip()


def test_a_button_that_cannot_be_pressed_says_why_and_then_no_more(qapp: QApplication):
    button = push_button("Delete", "Delete the run", lambda: None)
    allow(button, (True, "no"), (False, "choose a run"), (False, "never said"))
    assert not button.isEnabled()
    assert button.toolTip() == "Delete the run\nNot now: choose a run."
    allow(button, (True, "no"))
    assert button.isEnabled()
    assert button.toolTip() == "Delete the run"
