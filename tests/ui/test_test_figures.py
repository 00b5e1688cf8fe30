"""Figures of the test split in the window: nowhere until they are asked for, and then counted."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from segstudio.core.sample import Split
from segstudio.project.project import Project
from segstudio.ui.views.swipe import HIDDEN
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.test_beside import masks_of, settle
from tests.ui.test_window import press
from tests.ui.windows import shown_window


@pytest.fixture
def window(qtbot, tmp_path):
    path = make_project(tmp_path, 4, size=(160, 120))
    with Project.open(path, is_editor=True) as project:
        for seed in range(3):
            predict_noisily(project, seed=seed)
    with shown_window(qtbot, path) as one:
        yield one


def figures(window: Window) -> list[str]:
    return [label.text() for label in window.workspace.review_panel._figures.values()]


def test_they_are_shown_when_they_are_asked_for_and_that_is_counted(qtbot, window: Window) -> None:
    session, samples, review = window.session, window.workspace.samples_panel, window.workspace.review_panel
    looks = session.project.looks
    test = next(one for one in session.project.samples.all() if one.split is Split.TEST)
    samples.set_filter("split:test iou<2")
    settle(qtbot, window)
    assert samples.error_label.text() == "figures of the test split are hidden until somebody looks at them"
    samples.set_filter("-split:train,val iou<2")
    settle(qtbot, window)
    assert "View ▸ Show test figures" in samples.empty_label.text()
    samples.set_filter("iou<2")
    settle(qtbot, window)
    assert samples.left_out_label.isVisible()
    assert samples.left_out_label.text() == "Without 1 test sample: figures hidden"
    samples.set_filter("")
    settle(qtbot, window)
    assert not samples.left_out_label.isVisible()
    session.show(test.id)
    settle(qtbot, window)
    qtbot.waitUntil(lambda: review._reveal.isVisible())
    assert figures(window) == ["–"] * 4
    assert "hidden" in review._note.text()
    row = samples.model.row_of(test.id)
    assert np.isnan(samples.model.iou(row))
    assert "hidden" in samples.model.index(row).data(Qt.ItemDataRole.ToolTipRole)
    assert window.workspace.beside._words("Run 0001", masks_of(window)[1], 1) == "Run 0001"
    press(window, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, window)
    assert window.workspace.swipe_view.words == HIDDEN
    window.workspace.swipe_view.closed.emit()
    window.workspace.set_error_view(True)
    legend = window.panes.canvas("errors").accessibleDescription
    assert "hidden" in legend()
    assert "%" not in legend()
    assert looks.all() == []
    qtbot.mouseClick(review._reveal, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: figures(window)[0] != "–")
    settle(qtbot, window)
    assert [(look.run, look.by) for look in looks.all()] == [("0003", "window")]
    assert "has looked at its test split once" in window.banner.text
    assert not review._reveal.isVisible()
    assert "%" in legend()
    row = samples.model.row_of(test.id)
    assert samples.model.iou(row) == pytest.approx(float(figures(window)[0]), abs=6e-4)
    assert window.workspace.beside._words("Run 0001", masks_of(window)[1], 1) == "Run 0001", "another run's are not"
    window.actions_by_name["test-figures"].trigger()
    settle(qtbot, window)
    assert len(looks.all()) == 1, "the same figures tell nothing new"


def test_the_walk_leaves_them_out_and_says_so_until_they_are_shown(qtbot, window: Window) -> None:
    session, walk, samples = window.session, window.workspace.walk, window.workspace.samples_panel
    test = next(one for one in session.project.samples.all() if one.split is Split.TEST)

    def walked() -> list[int]:
        """Step until the walk has come to its end; the samples it led to."""
        found = []
        for _ in range(200):
            press(window, Qt.Key.Key_N)
            qtbot.waitUntil(lambda: not walk.is_busy and window.is_settled())
            if walk.place is None:
                return found
            found.append(walk.place.sample_id)
        raise AssertionError("no end")

    samples.set_filter(f"name:{test.image.rpartition('/')[2]}")
    session.show(test.id)  # also when it is on screen
    settle(qtbot, window)
    assert walked() == []
    assert "The other listed samples have no errors" in window.banner.text
    assert "1 image of the test split left out" in window.banner.text
    assert session.project.looks.all() == []
    with qtbot.waitSignal(session.predicted):
        window.actions_by_name["test-figures"].trigger()
    settle(qtbot, window)
    found = walked()
    assert found
    assert set(found) == {test.id}
    assert len(session.project.looks.all()) == 1
