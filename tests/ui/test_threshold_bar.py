"""The slider of thresholds in the real window: what is shown follows, and nothing is stored before Use."""

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from segstudio.core.metrics import Counts
from segstudio.core.threshold import level_of, threshold_of
from segstudio.project.project import Project
from segstudio.ui import app as application
from segstudio.ui.window import Window
from tests.ui.projects import make_project
from tests.ui.test_window import press
from tests.ui.windows import shown_window

BEST = 100


@pytest.fixture
def folder(tmp_path):
    """Predictions that are right from byte 51 to byte 100 on, and find nothing at one half."""
    path = make_project(tmp_path, 6)
    with Project.open(path, is_editor=True) as project:
        run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
        for sample in project.samples.all():
            project.predictions.save(run.id, sample, project.masks.load(sample) * np.uint8(BEST - 50) + np.uint8(50))
        project.predictions.score(run.id)
        project.predictions.set_current(run.id)
    return path


@pytest.fixture
def window(qtbot, folder):
    with shown_window(qtbot, folder) as one:
        yield one


@pytest.fixture
def bar(qtbot, window: Window):
    press(window, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, window)
    found = window.workspace.threshold_bar
    assert found.isVisible()
    return found


def settle(qtbot, window: Window) -> None:
    qtbot.waitUntil(window.is_settled, timeout=20_000)


def counts_on_screen(window: Window, level: int) -> Counts:
    loaded, document = window.session.loaded, window.session.document
    return Counts.of(document.mask, loaded.probability >= level)


def test_moving_the_slider_shows_another_threshold_and_stores_nothing(qtbot, window: Window, bar) -> None:
    told = []
    window.session.measured.connect(told.append)
    assert bar.level == 128
    assert len(bar.table.model().rows) == 0
    bar.slider.setValue(BEST)
    assert window.panes.level == BEST
    settle(qtbot, window)
    assert told[-1].counts == counts_on_screen(window, BEST)
    assert told[-1].counts.iou == 1
    assert sorted(bar.table.model().rows) == [1, 2, 3, 4, 5, 6]
    assert {bar.table.model().index(row, 3).data() for row in range(6)} == {"found"}
    run = window.session.project.runs.latest()
    assert run.threshold == 0.5
    press(window, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    assert not bar.isVisible()
    assert window.panes.level == window.session.level == 128
    assert window.session.project.runs.get(run.id).threshold == 0.5


def test_the_best_is_used_and_kept_and_taken(qtbot, window: Window, bar) -> None:
    session = window.session
    bar.show_best()
    assert 50 < bar.level <= BEST
    level = bar.level
    bar.use()
    qtbot.waitUntil(lambda: session.project.runs.latest().level == level, timeout=20_000)
    settle(qtbot, window)
    assert (session.level, window.panes.level, bar.level) == (level, level, level)
    assert len(bar.table.model().rows) == 0
    assert np.all(session.project.samples.revealed().iou == 1)
    press(window, Qt.Key.Key_T, Qt.KeyboardModifier.ShiftModifier)
    assert window.panes.level == level
    document = session.document
    truth = document.mask.copy()
    document.replace(np.zeros_like(truth), "Clear")
    press(window, Qt.Key.Key_P, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: np.array_equal(document.mask, truth), timeout=20_000)
    window.session.show(2)
    settle(qtbot, window)
    assert window.panes.level == level
    folder = session.project.folder
    window.close_project()
    window.open_project(folder)
    settle(qtbot, window)
    assert window.panes.level == level


def test_a_click_in_the_list_leads_to_the_sample(qtbot, window: Window, bar) -> None:
    bar.slider.setValue(BEST)
    settle(qtbot, window)
    wanted = next(row for row, one in enumerate(bar.table.model().rows) if one != window.session.sample.id)
    place = bar.table.visualRect(bar.table.model().index(wanted, 0)).center()
    bar.table.scrollTo(bar.table.model().index(wanted, 0))
    place = bar.table.visualRect(bar.table.model().index(wanted, 0)).center()
    QTest.mouseClick(bar.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle(qtbot, window)
    assert window.session.sample.id == bar.table.model().rows[wanted]
    assert window.panes.level == BEST  # still the one that is tried


def test_the_limit_of_acceptance_decides_who_is_listed_and_stays(qtbot, window: Window, bar) -> None:
    project = window.session.project
    bar.slider.setValue(BEST + 1)  # nothing is found at either: no verdict changes
    settle(qtbot, window)
    assert len(bar.table.model().rows) == 0
    bar.limit.setValue(0.31)
    settle(qtbot, window)
    qtbot.waitUntil(lambda: project.predictions.accepted_iou() == 0.31, timeout=20_000)


def test_the_curve_follows_a_mask_that_is_corrected(qtbot, window: Window, bar) -> None:
    bar.slider.setValue(BEST)
    settle(qtbot, window)
    validation = next(one for one in window.session.project.samples.all() if one.split == "val")
    window.session.show(validation.id)
    settle(qtbot, window)
    assert "<b>1.000</b>" in bar._figures.text()
    document = window.session.document
    document.replace(np.zeros_like(document.mask), "Clear")
    qtbot.waitUntil(lambda: "<b>1.000</b>" not in bar._figures.text().partition("Prec")[0], timeout=20_000)
    assert bar.level == BEST


def test_old_predictions_are_counted_when_the_bar_is_opened(qtbot, folder) -> None:
    with Project.open(folder) as project, project.transaction("predictions") as connection:
        connection.execute("DELETE FROM histogram")
    QSettings().clear()
    _, window = application.build(["segstudio"])
    window.show()
    window.open_project(folder)
    settle(qtbot, window)
    window.actions_by_name["threshold"].trigger()
    settle(qtbot, window)
    assert window.workspace.threshold_bar.slider.isEnabled()
    window.workspace.threshold_bar.show_best()
    assert level_of(threshold_of(window.workspace.threshold_bar.level)) <= BEST
    window.close()
    window.deleteLater()
