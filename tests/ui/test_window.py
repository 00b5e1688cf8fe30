from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QFont, QFontMetrics, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton

from segstudio.core.errors import UserError
from segstudio.core.sample import ReviewState
from segstudio.project.project import Project
from segstudio.ui import app as application
from segstudio.ui.actions import all_commands
from segstudio.ui.banner import Banner
from segstudio.ui.dialogs.crash import CrashDialog, ErrorHooks, report_of
from segstudio.ui.dialogs.keys import KeysDialog
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.windows import shown_window


@pytest.fixture
def window(qtbot, qapp):
    with shown_window(qtbot) as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.fixture
def opened(qtbot, window: Window, folder: Path) -> Window:
    window.open_project(folder)
    settle(qtbot, window)
    return window


def settle(qtbot, window: Window) -> None:
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())


def paint(window: Window) -> np.ndarray:
    mask = window.session.document.mask.copy()
    mask[1:6, 1:9] ^= 1
    window.session.document.replace(mask, "Paint")
    return mask


def press(window: Window, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(window.panes.canvas("truth"), key, modifiers)


def test_without_a_project_there_is_a_way_to_begin(window: Window):
    assert window.session is None
    assert window.actions_by_name["open"].isEnabled()
    assert not window.actions_by_name["retrain"].isEnabled()
    assert not window.actions_by_name["accept"].isEnabled()
    assert window.windowTitle() == "SegStudio"


def test_every_command_stands_in_a_menu(window: Window):
    shown = {action.objectName() for menu in window.menuBar().actions() for action in menu.menu().actions()}
    assert {command.name for command in all_commands() if not command.is_held} <= shown


def test_opening_shows_the_first_sample(opened: Window):
    assert opened.windowTitle() == "blobs — 0 of 6 decided"
    assert opened.actions_by_name["accept"].isEnabled()
    assert opened.actions_by_name["tool-brush"].isChecked()
    assert not opened.actions_by_name["undo"].isEnabled()
    assert not opened.actions_by_name["error-view"].isEnabled(), "there is no prediction"


@pytest.mark.parametrize(
    ("key", "tool"),
    [(Qt.Key.Key_B, "brush"), (Qt.Key.Key_E, "eraser"), (Qt.Key.Key_P, "polygon"), (Qt.Key.Key_G, "fill")],
)
def test_a_key_takes_a_tool(opened: Window, key: Qt.Key, tool: str):
    opened.actions_by_name["tool-fill" if tool == "brush" else "tool-brush"].trigger()
    press(opened, key)
    assert opened.panes.pointer.tool.name == tool
    assert opened.actions_by_name[f"tool-{tool}"].isChecked()


def test_keys_work_under_a_russian_layout(qtbot, opened: Window):
    opened.actions_by_name["tool-fill"].trigger()
    handle = opened.windowHandle()
    QCoreApplication.sendEvent(handle, QKeyEvent(QEvent.Type.KeyPress, ord("И"), Qt.KeyboardModifier.NoModifier, "и"))
    assert opened.panes.pointer.tool.name == "brush"
    QCoreApplication.sendEvent(handle, QKeyEvent(QEvent.Type.KeyPress, ord("Ф"), Qt.KeyboardModifier.NoModifier, "ф"))
    qtbot.waitUntil(lambda: opened.session.sample.state is ReviewState.ACCEPTED)


def test_the_filter_box_keeps_what_is_typed(qtbot, opened: Window):
    opened.actions_by_name["filter"].trigger()
    edit = opened.samples_panel.filter_edit
    qtbot.waitUntil(edit.hasFocus)
    QTest.keyClicks(edit, "abefgpr")
    assert edit.text() == "abefgpr"
    assert opened.session.project.samples.progress()[ReviewState.TODO] == 6


@pytest.mark.parametrize(
    ("key", "state"),
    [(Qt.Key.Key_A, ReviewState.ACCEPTED), (Qt.Key.Key_F, ReviewState.FLAGGED), (Qt.Key.Key_R, ReviewState.REJECTED)],
)
def test_a_key_gives_a_verdict(qtbot, opened: Window, key: Qt.Key, state: ReviewState):
    press(opened, key)
    qtbot.waitUntil(lambda: opened.session.sample.state is state)
    qtbot.waitUntil(lambda: opened.windowTitle() == "blobs — 1 of 6 decided")
    press(opened, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: opened.session.sample.state is ReviewState.TODO)


def test_keys_walk_through_the_samples(qtbot, opened: Window):
    ids = opened.samples_panel.ids()
    for key, expected in (
        (Qt.Key.Key_Period, ids[1]),
        (Qt.Key.Key_Down, ids[2]),
        (Qt.Key.Key_Up, ids[1]),
        (Qt.Key.Key_PageDown, ids[2]),
        (Qt.Key.Key_U, ids[3]),
    ):
        press(opened, key)
        qtbot.waitUntil(lambda expected=expected: opened.session.sample.id == expected)


def test_undo_and_redo_follow_the_strokes(qtbot, opened: Window):
    before = opened.session.document.mask.copy()
    after = paint(opened)
    assert opened.actions_by_name["undo"].isEnabled()
    press(opened, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(opened.session.document.mask, before)
    assert not opened.actions_by_name["undo"].isEnabled()
    press(opened, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(opened.session.document.mask, after)


def test_brackets_change_the_radius(opened: Window):
    radius = opened.panes.radius
    press(opened, Qt.Key.Key_BracketRight)
    assert opened.panes.radius > radius
    press(opened, Qt.Key.Key_BracketLeft)
    press(opened, Qt.Key.Key_BracketLeft)
    assert opened.panes.radius < radius


def test_the_error_view_comes_with_a_prediction(qtbot, opened: Window):
    predict_noisily(opened.session.project)
    assert not opened.panes.is_error_view
    qtbot.waitUntil(lambda: opened.actions_by_name["error-view"].isEnabled())
    assert opened.panes.is_error_view
    assert opened.actions_by_name["error-view"].isChecked()
    press(opened, Qt.Key.Key_X)
    assert not opened.panes.is_error_view
    press(opened, Qt.Key.Key_X)
    assert opened.panes.is_error_view


def test_the_last_pane_cannot_be_hidden(opened: Window):
    for name in ("image", "truth", "prediction"):
        opened.actions_by_name[f"pane-{name}"].trigger()
    assert opened.actions_by_name["pane-prediction"].isChecked()
    assert not opened.panes.pane("prediction").isHidden()
    assert opened.panes.pane("image").isHidden()


def test_everything_is_where_it_was(qtbot, opened: Window, folder: Path):
    predict_noisily(opened.session.project)
    qtbot.waitUntil(lambda: opened.actions_by_name["error-view"].isEnabled())
    opened.samples_panel.set_filter("split:train")
    opened.samples_panel.set_sort("name")
    qtbot.waitUntil(lambda: opened.samples_panel.model.rowCount() == 4 and not opened.samples_panel.is_busy)
    opened.samples_panel.step(2)
    settle(qtbot, opened)
    opened.actions_by_name["tool-eraser"].trigger()
    opened.panes.set_radius(33)
    opened.actions_by_name["error-view"].trigger()
    opened.actions_by_name["pane-image"].trigger()
    opened.workspace.display.opacity.setValue(80)
    opened.workspace.show_training()
    image, mask = opened.session.sample.image, paint(opened)
    assert opened.close_project()
    assert opened.session is None
    opened.open_project(folder)
    settle(qtbot, opened)
    assert opened.session.sample.image == image
    np.testing.assert_array_equal(opened.session.document.mask, mask)
    assert opened.actions_by_name["undo"].isEnabled(), "the history came back too"
    assert opened.samples_panel.filter_text == "split:train"
    assert opened.samples_panel.sort == "name"
    assert opened.panes.pointer.tool.name == "eraser"
    assert opened.panes.radius == 33
    assert not opened.panes.is_error_view
    assert opened.panes.pane("image").isHidden()
    assert opened.workspace.display.opacity.value() == 80
    assert opened.workspace.tabs.currentWidget() is opened.workspace.pages.train


def test_closing_the_window_saves(qtbot, opened: Window, folder: Path):
    sample_id, mask = opened.session.sample.id, paint(opened)
    opened.close()
    with Project.open(folder) as project:
        np.testing.assert_array_equal(project.masks.load(project.samples.get(sample_id)), mask)


def test_a_second_window_says_that_it_may_only_look(qtbot, opened: Window, folder: Path):
    other = Project.open(folder, is_editor=True)
    assert other.read_only
    other.close()
    with_editor = opened.session.project
    assert not with_editor.read_only


def test_a_read_only_project_shows_a_banner_and_no_verdicts(qtbot, window: Window, folder: Path):
    with Project.open(folder, is_editor=True):
        window.open_project(folder)
        settle(qtbot, window)
        assert "Read-only" in window.banner.text
        assert not window.actions_by_name["accept"].isEnabled()
        assert not window.actions_by_name["retrain"].isEnabled()
        assert window.actions_by_name["next"].isEnabled()


def test_a_mask_that_cannot_be_saved_is_shown_in_big_words(qtbot, opened: Window, folder: Path):
    (folder / "masks").write_bytes(b"in the way")
    paint(opened)
    qtbot.waitUntil(lambda: "NOT SAVED" in opened.banner.text)
    assert "NOT SAVED" in opened.statusBar().saved.text()
    (folder / "masks").unlink()
    press(opened, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: opened.banner.text == "")
    assert "saved" in opened.statusBar().saved.text()


def test_a_project_that_cannot_be_saved_stays_open_and_whole(qtbot, opened: Window, folder: Path):
    """Whether it closes is decided before anything of it is closed."""
    first = opened.session.sample.id
    obstacle = folder / "masks" / f"{opened.session.sample.stem}.png"
    obstacle.mkdir(parents=True)
    mask = paint(opened)
    assert not opened.close_project()
    # All that has a thread of its own still works: the list, another sample, its figures, what is ignored of it.
    opened.samples_panel.set_filter("state:todo")
    qtbot.waitUntil(lambda: not opened.samples_panel.is_busy)
    opened.samples_panel.set_filter("")
    opened.session.show(next(one for one in opened.samples_panel.ids() if one != first))
    with qtbot.waitSignal(opened.session.measured, timeout=10_000):
        qtbot.waitUntil(lambda: opened.session.sample.id != first)
    settle(qtbot, opened)
    assert opened.session.ignored is not None
    obstacle.rmdir()
    assert opened.close_project()
    with Project.open(folder) as project:
        np.testing.assert_array_equal(project.masks.load(project.samples.get(first)), mask)


def test_what_is_no_project_becomes_a_banner(window: Window, tmp_path: Path):
    window.attempt(lambda: window.open_project(tmp_path))
    assert "not a SegStudio project" in window.banner.text


def test_a_dropped_project_is_opened(qtbot, window: Window, folder: Path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    drop = QDropEvent(
        QPointF(400, 400), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.dropEvent(drop)
    settle(qtbot, window)
    assert window.session.project.folder == folder


def test_recent_projects_are_offered(qtbot, opened: Window, folder: Path):
    assert opened.close_project()
    with qtbot.waitSignal(opened._welcome.chosen) as told:
        button = opened._welcome._recent.itemAt(1).widget()
        QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert told.args == [folder]
    settle(qtbot, opened)


def test_the_pixel_under_the_pointer_is_told(qtbot, opened: Window):
    canvas = opened.panes.canvas("image")
    QTest.mouseMove(canvas, canvas.rect().center())
    qtbot.waitUntil(lambda: opened.statusBar().pixel.text().startswith("x "))
    assert "mask" in opened.statusBar().pixel.text()


def test_the_keys_are_listed(qtbot, window: Window):
    window.actions_by_name["keys"].trigger()
    dialog = window.findChild(KeysDialog)
    assert dialog is not None
    assert not dialog.isModal()
    dialog.close()


def test_a_fault_of_the_world_is_a_banner_and_ours_a_report(qtbot, window: Window):
    hooks = ErrorHooks(window.tell, window)
    hooks._hook(UserError, UserError("the disk is full", "make room"), None)
    qtbot.waitUntil(lambda: "The disk is full" in window.banner.text)
    assert "Make room" in window.banner.text
    try:
        raise KeyError("nobody thought of this")
    except KeyError as error:
        hooks._hook(KeyError, error, error.__traceback__)
    qtbot.waitUntil(lambda: window.findChild(CrashDialog) is not None)
    dialog = window.findChild(CrashDialog)
    assert "nobody thought of this" in dialog.text.toPlainText()
    assert not dialog.isModal()
    dialog.close()


def test_a_report_names_versions_and_the_place():
    try:
        raise ZeroDivisionError("here")
    except ZeroDivisionError as error:
        report = report_of(error)
    assert "SegStudio" in report
    assert "Qt" in report
    assert "test_window.py" in report


def test_the_radius_can_be_set_after_another_tool(opened: Window):
    bar = opened._tool_bar.options.radius
    for name, has_radius in (("fill", False), ("brush", True), ("polygon", False), ("eraser", True)):
        opened.actions_by_name[f"tool-{name}"].trigger()
        assert bar.isEnabled() is has_radius


def test_the_free_cell_says_what_comes_next_and_then_what_is_hidden(qtbot, opened: Window):
    spare = opened.workspace._spare
    words = lambda: [one.text() for one in spare.findChildren(QPushButton) if not one.isHidden()]  # noqa: E731
    assert words() == ["Go to Train"]
    predict_noisily(opened.session.project)
    opened.session.take_job_end({"predictions"})
    qtbot.waitUntil(lambda: words() == [] and opened.actions_by_name["error-view"].isEnabled())
    opened.actions_by_name["error-view"].trigger()
    assert words() == ["Show error view   X"]


def test_once_there_is_a_run_the_free_cell_offers_to_predict(qtbot, opened: Window):
    spare = opened.workspace._spare
    words = lambda: [link.text() for link in spare.findChildren(QPushButton) if link.isVisible()]  # noqa: E731
    qtbot.waitUntil(lambda: words() == ["Go to Train"])
    runs = opened.session.project.runs
    run = runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    run.best_weights.write_bytes(b"weights")
    runs.update(run.id, status="finished", epochs=1, best_epoch=1, best_val_iou=0.5)
    qtbot.waitUntil(lambda: words() == ["Predict all samples"])
    with qtbot.waitSignal(opened.queue.added) as asked:
        next(link for link in spare.findChildren(QPushButton) if link.isVisible()).click()
    assert asked.args[0].job == "predict"
    opened.queue.cancel(asked.args[0].id)


def test_no_tool_moves_when_a_verdict_is_given(qtbot, opened: Window):
    bar = opened._tool_bar
    buttons = [one for one in bar.findChildren(QAbstractButton) if one.isVisible()]
    places = lambda: [(one.mapTo(bar, QPoint()), one.size()) for one in buttons]  # noqa: E731
    before = places()
    assert bar.progress.shown == "6 samples  ·  0 decided"
    ids = opened.samples_panel.ids()
    opened.session.decisions.set_states(ids, ReviewState.FLAGGED)
    qtbot.waitUntil(lambda: bar.progress.shown == "6 samples  ·  6 decided  ·  6 flagged")
    qtbot.waitUntil(opened.is_settled)
    assert places() == before
    opened.resize(1060, 700)
    assert bar.progress.shown == "6 of 6"  # as much as there is room for


def test_no_words_at_the_bottom_make_the_window_wider(qtbot, opened: Window):
    bar, least = opened.statusBar(), opened.minimumSizeHint().width()
    long = "images of a patient with a very long name · " * 20
    bar.show_saved("unsaved", long)
    bar.job._words.setText(long)
    assert opened.minimumSizeHint().width() == least
    qtbot.waitUntil(lambda: bar.job._words.shown_text.endswith("…"))
    assert opened.width() == 1440
    assert bar.saved.shown_text.startswith("NOT SAVED")
    opened.grab()
    assert long in bar.saved.toolTip()


def test_a_window_that_would_leave_the_screen_fills_it(qtbot, window: Window):
    window.hide()
    window.resize(window.screen().availableSize())
    application._show(window)
    assert window.isMaximized()
    assert window.normalGeometry().width() >= 0.8 * window.screen().availableSize().width()
    opened_wide = window.actions_by_name["full-screen"]
    opened_wide.trigger()
    assert window.isFullScreen()
    opened_wide.trigger()
    assert window.isMaximized()
    assert not window.isFullScreen()


def test_the_filter_hands_the_keys_back(qtbot, opened: Window):
    edit, canvas = opened.samples_panel.filter_edit, opened.panes.canvas("truth")
    opened.actions_by_name["filter"].trigger()
    qtbot.waitUntil(edit.hasFocus)
    opened.samples_panel.set_filter("nothing-has-this-name")
    qtbot.waitUntil(lambda: opened.samples_panel.ids() == [])
    assert opened.samples_panel.clear_button.isVisible()
    QTest.keyClick(edit, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: len(opened.samples_panel.ids()) == 6)
    assert edit.hasFocus()
    QTest.keyClick(edit, Qt.Key.Key_Escape)
    assert canvas.hasFocus()
    opened.actions_by_name["filter"].trigger()
    qtbot.waitUntil(edit.hasFocus)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert canvas.hasFocus()


def test_a_panel_with_a_view_takes_the_place_of_the_panes(opened: Window):
    workspace, enabled = opened.workspace, lambda name: opened.actions_by_name[name].isEnabled()
    paint(opened)
    of_panes = ("tool-brush", "fit", "accept", "pane-image", "undo")
    assert all(enabled(name) for name in of_panes)
    workspace.tabs.setCurrentWidget(workspace.pages.augment)
    assert workspace.augment_panel.view.isVisible()
    assert not opened.panes.isVisible()
    assert not any(enabled(name) for name in of_panes)
    assert enabled("next"), "the list stays"
    workspace.show_training()
    assert opened.panes.isVisible()
    assert all(enabled(name) for name in of_panes)
    mask = opened.session.document.mask.copy()
    workspace.tabs.setCurrentWidget(workspace.pages.compare)
    assert workspace.compare_panel.view.isVisible()
    workspace.undo()
    np.testing.assert_array_equal(opened.session.document.mask, mask, "nobody sees what would be undone")


@pytest.mark.parametrize(
    ("kept", "shown"), [(1, "Train"), (2, "Runs"), ("Augment", "Augment"), ("gone", "Review"), (None, "Review")]
)
def test_the_tab_is_kept_by_its_name(qtbot, window: Window, folder: Path, kept, shown):
    with Project.open(folder, is_editor=True) as project:
        project.settings.set("window", {"tab": kept})
    window.open_project(folder)
    settle(qtbot, window)
    assert window.workspace.tabs.tabText(window.workspace.tabs.currentIndex()) == shown
    assert window.workspace.are_panes_seen is (shown != "Augment")


def test_a_note_goes_by_itself_and_what_asks_for_something_stays(qtbot):
    banner = Banner()
    qtbot.addWidget(banner)
    banner._going.setInterval(1)
    banner.tell("It is done.", kind="info")
    assert banner.text == "It is done."
    qtbot.waitUntil(lambda: banner.text == "")
    banner.tell("It is done.", kind="info")
    banner.tell("It has failed.", kind="bad")
    assert not banner._going.isActive()
    banner.tell("It is done.", "Look at it.", kind="info")
    assert not banner._going.isActive()


def test_enter_presses_the_button_that_has_the_keys(qtbot, window: Window, folder: Path):
    window.open_project(folder)
    settle(qtbot, window)
    assert window.close_project()
    links = lambda: [one for one in window._welcome.findChildren(QPushButton) if one.text().startswith(folder.name)]  # noqa: E731
    qtbot.waitUntil(lambda: len(links()) == 1 and links()[0].isVisible())
    (link,) = links()
    link.setFocus()
    QTest.keyClick(link, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.session is not None)
    settle(qtbot, window)


def test_larger_letters_get_the_room_they_need(qtbot, qapp, opened: Window) -> None:
    path, font = opened.session.project.folder, qapp.font()
    opened.close_project()
    larger = QFont(font)
    larger.setPointSizeF(1.5 * font.pointSizeF())
    qapp.setFont(larger)
    try:
        opened.open_project(path)
        qtbot.waitUntil(lambda: opened.session.sample is not None and opened.is_settled())
        opened.resize(1440, 900)
        qapp.processEvents()
        bar, panel = opened.workspace.tabs.tabBar(), opened.workspace.samples_panel
        assert bar.tabRect(bar.count() - 1).right() <= bar.width(), "all tabs are in sight"
        assert panel.view.rowHeight(0) >= 2 * QFontMetrics(larger).height() + 10
        assert opened.width() == 1440, "and it still fits the screen"
    finally:
        qapp.setFont(font)


@pytest.mark.parametrize("is_by_mouse", [True, False])
def test_the_keys_of_a_tab_that_is_left_press_nothing_on_the_next(is_by_mouse, qtbot, opened: Window) -> None:
    workspace, back = opened.workspace, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    tabs, bar = workspace.tabs, workspace.tabs.tabBar()
    tabs.setCurrentWidget(workspace.pages.train)
    button = workspace.train_panel.check_button
    qtbot.waitUntil(lambda: button.isVisible() and button.isEnabled() and opened.is_settled())
    button.setFocus()
    assert QApplication.focusWidget() is button
    if is_by_mouse:
        place = bar.mapTo(opened, bar.tabRect(0).center())
        QTest.mousePress(opened.windowHandle(), Qt.MouseButton.LeftButton, pos=place)
        QTest.mouseRelease(opened.windowHandle(), Qt.MouseButton.LeftButton, pos=place)
    else:
        QTest.keyClick(opened.windowHandle(), Qt.Key.Key_Tab, back)
    assert tabs.currentWidget() is not workspace.pages.train
    focus = QApplication.focusWidget()
    assert not tabs.currentWidget().isAncestorOf(focus)
    assert opened.panes.isAncestorOf(focus) == is_by_mouse
