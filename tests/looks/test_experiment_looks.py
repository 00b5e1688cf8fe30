"""Pictures of comparison and stress test, dark and light, on made-up results; what a machine can judge is judged.

Set SEGSTUDIO_LOOKS to a folder to keep the pictures for a person.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from segstudio.ui import app as application
from segstudio.ui import theme
from segstudio.ui.views.arm_curves import arm_color
from segstudio.ui.window import Window
from tests.looks.test_window_looks import SIZE, clipped, overlapping, picture
from tests.ui.experiments import (
    add_run,
    begin_comparison,
    curve_study,
    finish_comparison,
    fold_study,
    stress_result,
    train_cells,
)
from tests.ui.projects import make_project

WAIT = 30_000


@pytest.fixture
def window(qtbot, qapp: QApplication, tmp_path: Path) -> Iterator[Window]:
    QSettings().clear()
    _, one = application.build(["segstudio"])
    one.resize(*SIZE)
    one.show()
    one.open_project(make_project(tmp_path, 24, size=(96, 72)))
    project = one.session.project
    finish_comparison(project, arms=("original", "chest-xray", "strong"))
    stress_result(add_run(project))
    qtbot.waitUntil(one.is_settled, timeout=WAIT)
    one.workspace.show_comparing()
    yield one
    one.close()
    one.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    theme.choose("dark", is_kept=False)


def settle(qtbot, window: Window) -> None:
    panel = window.workspace.compare_panel
    parts = (panel.comparing, panel.stressing, panel.view)
    qtbot.waitUntil(lambda: not any(part.is_busy for part in parts) and window.is_settled(), timeout=WAIT)
    qtbot.wait(150)  # curves are drawn ten times a second


def has_colour(shown: np.ndarray, colour, least: int) -> bool:
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    return int((np.abs(shown.reshape(-1, 3).astype(int) - wanted).max(axis=1) < 24).sum()) >= least


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_a_comparison_is_worth_showing(qtbot, window: Window, choice: theme.Choice):
    window.set_theme(choice)
    settle(qtbot, window)
    view = window.workspace.compare_panel.comparing.view
    shown = picture(window, f"comparison-{choice}")
    assert not clipped(window)
    assert not overlapping(window)
    assert has_colour(shown, theme.color("good"), 200), "the verdict and its interval"
    for number in range(3):
        assert has_colour(shown, arm_color(number), 150), f"curve and legend of arm {number}"
    view._area.ensureWidgetVisible(view.helped.rows[-1])
    qtbot.wait(50)
    shown = picture(window, f"comparison-images-{choice}")
    assert has_colour(shown, QColor(188, 137, 22), 300), "too much: orange upon dark grey"
    assert has_colour(shown, QColor(110, 177, 215), 300), "too little: blue upon light grey"
    assert not clipped(window)
    view._area.verticalScrollBar().setValue(view._area.verticalScrollBar().maximum())
    qtbot.wait(50)
    picture(window, f"comparison-end-{choice}")
    assert not clipped(window)


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_a_stress_test_is_worth_showing(qtbot, window: Window, choice: theme.Choice):
    window.set_theme(choice)
    panel = window.workspace.compare_panel
    panel.show_mode(1)
    panel.stressing.view.model.choose_costly()
    settle(qtbot, window)
    qtbot.waitUntil(lambda: all(one.has_image for one in panel.stressing.view.strip.pictures), timeout=WAIT)
    shown = picture(window, f"stress-{choice}")
    assert not clipped(window)
    assert not overlapping(window)
    assert has_colour(shown, theme.color("accent_soft"), 5000), "what is chosen"
    assert has_colour(shown, theme.color("accent"), 500), "how far it is chosen"


def test_a_comparison_under_way(qtbot, window: Window):
    project = window.session.project
    train_cells(project, begin_comparison(project, repeats=3), 3)
    panel = window.workspace.compare_panel.comparing
    qtbot.waitUntil(lambda: len(panel.model.rows) == 2, timeout=WAIT)
    panel.table.selectRow(0)
    settle(qtbot, window)
    picture(window, "comparison-unfinished")
    assert panel.view.cells.isVisible()
    assert not clipped(window)
    assert not overlapping(window)


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_cross_validation_and_advice_are_worth_showing(qtbot, window: Window, choice: theme.Choice):
    window.set_theme(choice)
    panel = window.workspace.compare_panel
    fold_study(window.session.project)
    curve_study(window.session.project)
    for mode, page in ((2, panel.folds), (3, panel.advice)):
        panel.show_mode(mode)
        settle(qtbot, window)
        qtbot.waitUntil(lambda page=page: page.view.study is not None and not page.is_busy, timeout=WAIT)
        qtbot.waitUntil(lambda: not clipped(window), timeout=WAIT)  # words find their height after their width
        shown = picture(window, f"study-{mode}-{choice}")
        assert not overlapping(window)
        assert has_colour(shown, theme.color("accent"), 300), "the line of the plot"
        if mode == 2:
            assert has_colour(shown, theme.color("validation"), 60), "the dots of folds"


def test_a_small_window_keeps_its_words(qtbot, window: Window):
    window.resize(1100, 700)
    settle(qtbot, window)
    assert not clipped(window)
    area = window.workspace.compare_panel.comparing.view._area
    qtbot.waitUntil(lambda: area.widget().width() <= area.viewport().width(), timeout=WAIT)
    window.workspace.compare_panel.show_mode(1)
    settle(qtbot, window)
    assert not clipped(window)
    picture(window, "stress-small")
