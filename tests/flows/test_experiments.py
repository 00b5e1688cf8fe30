"""Experiments as a person makes them: real window, real worker, real trainings that take seconds."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from segstudio.project.project import Project
from segstudio.ui.job_queue import JobState
from segstudio.ui.panels.arms import ArmDraft
from tests.flows.conftest import PATIENCE_MS, Hands

QUICK = {"preset": "conv-unet-fast", "size": 32, "filters": 4, "depth": 2, "epochs": 1}
TINY = "size=32, filters=4, depth=2, learning_rate=0.01"


def plan(hands: Hands, **values) -> None:
    """Two tiny arms, in the Compare tab."""
    panel = hands.window.workspace.compare_panel.comparing
    panel.arms.set_arms([ArmDraft("original", options=TINY), ArmDraft("turned", "chest-xray", options=TINY)])
    panel.preset_box.setCurrentIndex(panel.preset_box.findData("conv-unet-fast"))
    panel.form.set_values(values)


@pytest.mark.training
def test_a_comparison_is_stopped_goes_on_and_is_looked_at(open_window, project):
    hands = open_window(project)
    window, workspace = hands.window, hands.window.workspace
    workspace.show_comparing()
    hands.until(lambda: not workspace.are_panes_seen)
    panel = workspace.compare_panel.comparing
    plan(hands, repeats=2, epochs=60)
    panel.start_button.click()
    hands.until(lambda: panel.view.comparison is not None and panel.view.curves.has_points, PATIENCE_MS)
    stopped = hands.job(panel.progress.stop_button.click)
    assert stopped.state is JobState.CANCELLED, stopped.message
    assert not any(cell.is_done for cell in panel.view.comparison.cells()[1:])

    # what is planned anew, with fewer epochs; the unfinished one stays in the list
    plan(hands, repeats=1, epochs=2)
    done = hands.job(panel.start_button.click)
    assert done.state is JobState.FINISHED, done.message
    hands.until(lambda: panel.view.comparison.is_finished and not panel.view.is_busy)
    assert [one.is_finished for one in panel.model.rows] == [True, False]
    assert panel.view.verdict.isVisible()
    assert panel.view.verdict.text().startswith("turned")
    assert {len(one.epochs) for arm in panel.view.curves.charts[0].series.values() for one in arm.values()} == {2}

    # an image of it, in Review
    rows = panel.view.helped.rows or panel.view.hurt.rows
    if rows:
        sample = rows[0].wanted.row["sample"]
        hands.until(lambda: rows[0].pictures[0].has_image)
        QTest.mouseDClick(rows[0].pictures[0], Qt.MouseButton.LeftButton)
        hands.until(lambda: workspace.are_panes_seen and window.session.sample.id == sample)

    # and the window comes back to where it was
    workspace.show_comparing()
    assert window.close()
    with Project.open(project) as seen:
        assert [one.is_finished for one in seen.comparisons.list()] == [True, False]


@pytest.mark.training
def test_a_stress_test_becomes_a_recipe_in_hand(open_window, project):
    hands = open_window(project)
    window, workspace = hands.window, hands.window.workspace
    trained = hands.job(lambda: window.queue.submit("train", QUICK, project=project))
    assert trained.state is JobState.FINISHED, trained.message
    workspace.show_comparing()
    panel = workspace.compare_panel
    panel.show_mode(1)
    hands.until(panel.stressing.start_button.isEnabled)
    tested = hands.job(panel.stressing.start_button.click)
    assert tested.state is JobState.FINISHED, tested.message
    view = panel.stressing.view
    hands.until(lambda: bool(view.model.rows))
    assert view.result["images"] > 0
    view.table.scrollTo(view.model.index(0, 2))
    spot = view.table.visualRect(view.model.index(0, 2)).center()
    QTest.mouseClick(view.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    assert list(view.model.chosen.values()) == [2]
    view.train_button.click()
    hands.until(lambda: workspace.tabs.currentIndex() == 1)
    hands.until(lambda: workspace.augment_panel.editing.recipe.name == "stress-0001")
    assert len(workspace.augment_panel.editing.recipe.steps) == 1
    assert window.session.project.recipes.is_own("stress-0001")
    # what is edited there is what is compared next
    workspace.augment_panel.remember()
    hands.until(lambda: (window.session.project.settings.get("augment") or {}).get("recipe") == "stress-0001")
    workspace.show_comparing()
    panel.show_mode(0)
    assert panel.comparing.arms.arms[1].recipe == "stress-0001"
