"""The palette finds commands and what the project has, by a few letters, and says why something cannot be done."""

import time
from pathlib import Path
from typing import get_args

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtTest import QTest

from segstudio.core.sample import Split
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from segstudio.ui import findable
from segstudio.ui.actions import WANTING, Fact
from segstudio.ui.palette import found
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.windows import shown_window

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(qtbot, qapp):
    with shown_window(qtbot, size=(1200, 800)) as one:
        yield one


@pytest.fixture
def opened(qtbot, window: Window, tmp_path: Path) -> Window:
    path = make_project(tmp_path)
    with Project.open(path, is_editor=True) as project:
        predict_noisily(project)
    window.open_project(path)
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())
    return window


def look_for(window: Window, typed: str) -> list[str]:
    if not window.finder.isVisible():
        window.activateWindow()  # a window manager does so when a panel had the window made anew
        QCoreApplication.processEvents()
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_K, CONTROL)
    window.finder.field.clear()
    QTest.keyClicks(window.finder.field, typed)
    return window.finder.titles()


def enter(window: Window) -> None:
    QTest.keyClick(window.finder.field, Qt.Key.Key_Return)


def test_a_command_is_found_by_its_initials_and_run(opened: Window):
    assert look_for(opened, "ev")[0] == "Error view"
    assert "Remove islands" in [title.removesuffix("…") for title in look_for(opened, "islands mask")]
    titles = look_for(opened, "erase")
    assert titles[0] in ("Erase error", "Eraser")
    QTest.keyClick(opened.finder.field, Qt.Key.Key_Down)
    QTest.keyClick(opened.finder.field, Qt.Key.Key_Up)
    look_for(opened, "eraser")
    enter(opened)
    assert not opened.finder.isVisible()
    assert opened.panes.pointer.tool.name == "eraser"
    assert opened.panes.canvas("truth").hasFocus()
    QTest.keyClick(opened.windowHandle(), Qt.Key.Key_K, CONTROL)
    assert opened.finder.titles()[0] == "Eraser", "what was chosen last comes first"


def test_a_command_is_found_by_its_keys_under_a_russian_layout(opened: Window):
    look_for(opened, "")
    opened.finder.field.setText("УКФЫУК")  # QTest has no keys for these letters
    assert opened.finder.titles()[0] == "Eraser"
    enter(opened)
    assert opened.panes.pointer.tool.name == "eraser"


def test_every_fact_that_a_command_waits_for_has_words():
    assert WANTING.keys() == set(get_args(Fact)) - {"always"}


def test_what_cannot_be_done_says_why_and_does_nothing(opened: Window):
    assert look_for(opened, "undo")[0] == "Undo"
    assert "nothing to undo" in opened.finder.field.accessibleDescription()
    enter(opened)
    assert opened.finder.isVisible()
    look_for(opened, "zzzz")
    assert opened.finder.titles() == []
    assert "Nothing fits" in opened.finder.field.accessibleDescription()


def test_escape_leads_back_to_where_the_keys_were(qtbot, opened: Window):
    edit = opened.samples_panel.filter_edit
    edit.setFocus()
    QTest.keyClick(opened.windowHandle(), Qt.Key.Key_K, CONTROL)
    assert opened.finder.field.hasFocus()
    QTest.keyClick(opened.finder.field, Qt.Key.Key_Escape)
    assert edit.hasFocus()
    opened.workspace.focus_centre()
    QTest.keyClick(opened.windowHandle(), Qt.Key.Key_K, CONTROL)
    QTest.mouseClick(opened.panes.canvas("image"), Qt.MouseButton.LeftButton)
    assert not opened.finder.isVisible(), "a click elsewhere closes it"


def test_samples_filters_runs_recipes_and_presets_are_found(qtbot, opened: Window):
    session = opened.session
    name = session.project.samples.table().image[4]
    assert name in look_for(opened, Path(name).stem)
    look_for(opened, name)
    enter(opened)
    qtbot.waitUntil(lambda: session.sample.image == name and not session.is_busy)
    assert look_for(opened, "flagged")[0] in ("List: Flagged", "Flag", "Next flagged")
    look_for(opened, "list flagged")
    enter(opened)
    assert opened.samples_panel.filter_text == "state:flagged"
    look_for(opened, "list all samples")
    enter(opened)
    qtbot.waitUntil(lambda: not opened.samples_panel.is_busy)
    assert opened.samples_panel.filter_text == ""
    look_for(opened, "run 0001")
    enter(opened)
    assert opened.workspace.tabs.tabText(opened.workspace.tabs.currentIndex()) == "Runs"
    assert opened.workspace.runs_panel.selected().id == 1
    titles = look_for(opened, "conv-unet")
    assert any("onvolution" in title for title in titles), titles
    look_for(opened, "preset conv-unet-fast")
    enter(opened)
    assert opened.train_panel.options.name == "conv-unet-fast"
    look_for(opened, "recipe chest")
    enter(opened)
    assert opened.workspace.tabs.tabText(opened.workspace.tabs.currentIndex()) == "Augment"
    look_for(opened, "theme light")
    enter(opened)


def test_a_filter_that_was_used_is_remembered_and_not_every_letter_of_it(qtbot, opened: Window):
    panel = opened.samples_panel
    panel.filter_edit.setFocus()
    QTest.keyClicks(panel.filter_edit, "split:val")
    qtbot.waitUntil(lambda: not panel.is_busy)
    opened.actions_by_name["next"].trigger()
    panel.select_first()
    qtbot.waitUntil(lambda: opened.workspace.remembering.recent_filters == ["split:val"])
    folder = opened.session.project.folder
    opened.close_project()
    opened.open_project(folder)
    assert opened.workspace.remembering.recent_filters == ["split:val"]
    assert "List split:val" in look_for(opened, "split")


def test_without_a_project_there_are_commands(window: Window):
    assert look_for(window, "open")[0] == "Open"
    assert look_for(window, "sample_03") == []


def test_many_samples_are_searched_while_one_types(qtbot, window: Window, tmp_path: Path):
    (tmp_path / "data").mkdir()
    rows = [NewSample(f"day{n % 50}/Frame {n}.png", None, 64, 64, Split.TRAIN) for n in range(100_000)]
    Project.create(tmp_path / "large", tmp_path / "data", rows).close()
    window.open_project(tmp_path / "large")
    qtbot.waitUntil(lambda: not window.samples_panel.is_busy)
    sources = findable.of_project(window.workspace)
    found("99", sources)
    start = time.process_time()
    rows_found = found("frame 99", sources)
    spent = time.process_time() - start
    titles = [row.entry.title for row in rows_found]
    assert "List frame 99" in titles
    assert len(titles) < 100
    assert spent < 0.5, "many times what it takes"
