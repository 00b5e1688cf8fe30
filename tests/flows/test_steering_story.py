"""A training is held in hand: paused, changed, gone on with, made shorter and longer; real window, real worker."""

import pytest

from segstudio.project.project import Project
from segstudio.ui.job_queue import JobState
from segstudio.ui.panels.jobs import state_text
from tests.flows.conftest import PATIENCE_MS
from tests.flows.test_story import choose_quick_training
from tests.project.projects import append_metrics

RATE = 0.00025


def test_curves_take_the_centre_and_give_it_back(open_window, project):
    with Project.open(project) as made:
        for _ in range(2):
            run = made.runs.create("conv-unet-fast", "conv-unet", {"epochs": 3}, "scratch")
            for epoch in (1, 2, 3):
                append_metrics(run, epoch, {"loss": 1 / epoch, "val_loss": 1.1 / epoch, "val_dice": 0.5})
            made.runs.update(run.id, status="finished", epochs=3)
    hands = open_window(project)
    workspace = hands.window.workspace
    for tab, panel in (("Train", workspace.train_panel), ("Runs", workspace.runs_panel)):
        hands.tab(tab)
        assert workspace.are_panes_seen
        hands.click(panel.curves.larger_button)
        assert not workspace.are_panes_seen
        hands.until(lambda panel=panel: list(panel.view.charts) == ["loss", "iou", "dice"])
        assert panel.view.charts["dice"].isVisible()
        hands.click(panel.view.close_button)
        assert workspace.are_panes_seen
        assert not panel.curves.larger_button.isChecked()
    hands.click(workspace.runs_panel.curves.larger_button)
    hands.tab("Review")
    assert workspace.are_panes_seen, "the view belongs to its tab"
    hands.tab("Runs")
    assert not workspace.are_panes_seen


@pytest.mark.training
def test_a_training_is_steered_and_helped(open_window, project):
    hands = open_window(project)
    window, session = hands.window, hands.window.session
    panel = window.train_panel
    hands.tab("Train")
    choose_quick_training(hands)
    panel.form.set_values({**panel.form.values(), "epochs": 5000, "schedule": "constant"})
    panel.start_button.click()
    record = panel.record
    assert not panel.steering.isVisible(), "what has not begun cannot be steered"
    hands.until(lambda: len(record.metrics) >= 1, PATIENCE_MS)

    # the strip shows what it predicts for a few validation images, and goes back
    hands.until(lambda: len(panel.strip.epochs) >= 2, PATIENCE_MS)
    assert panel.strip.isVisible()
    assert panel.strip.picture.has_image
    newest = panel.strip.epoch
    panel.strip.slider.setValue(0)
    assert (panel.strip.epoch, newest > 1) == (1, True)

    # pause: nothing more is learnt; meanwhile another rate is asked for
    hands.click(panel.steering.pause_button)
    hands.until(lambda: record.is_paused and panel.steering.pause_button.text() == "Go on", PATIENCE_MS)
    assert panel.progress.text.text().endswith("paused")
    assert state_text(record) == "paused"
    done = len(record.metrics)
    assert not panel.steering.change_button.isEnabled(), "nothing is changed yet"
    hands.write(panel.steering.rate_box.lineEdit(), str(RATE))
    hands.click(panel.steering.change_button)
    hands.until(lambda: any(f"learning rate {RATE}" in line for line in record.log), PATIENCE_MS)
    assert record.is_paused
    assert len(record.metrics) == done
    assert session.project.runs.get(1).is_running

    # go on: the rate holds; three more epochs and it shall be enough
    hands.click(panel.steering.pause_button)
    hands.until(lambda: len(record.metrics) > done, PATIENCE_MS)
    assert record.metrics[-1][1]["learning_rate"] == RATE
    hands.do("pause-training")
    hands.until(lambda: record.is_paused, PATIENCE_MS)
    last = len(record.metrics) + 3
    hands.write(panel.steering.epochs_box.lineEdit(), str(last))
    hands.click(panel.steering.change_button)
    ended = hands.job(lambda: hands.click(panel.steering.pause_button))
    assert (ended.state, ended.result["status"], ended.result["epochs"]) == (JobState.FINISHED, "finished", last)
    assert not panel.steering.isVisible()

    # extend afterwards
    panel.extend.more_box.set_value(2)
    longer = hands.job(lambda: hands.click(panel.extend.button))
    assert (longer.state, longer.result["run"], longer.result["epochs"]) == (JobState.FINISHED, 1, last + 2)
    run = session.project.runs.get(1)
    assert run.options["epochs"] == last + 2
    metrics = session.project.runs.metrics(1)
    assert [row["epoch"] for row in metrics] == list(range(1, last + 3))
    assert metrics[-1]["learning_rate"] == RATE, "a rate set by hand holds when the run is gone on with"
    assert [event["event"] for event in session.project.runs.events(1)].count("steer") == 2

    # what helps: a loss that explodes; the button stops, and trains from the best weights with a tenth of the rate
    panel.form.set_values({**panel.form.values(), "epochs": 5000, "schedule": "constant"})
    panel.start_button.click()
    second = panel.record
    hands.until(lambda: len(second.metrics) >= 2, PATIENCE_MS)
    rate = second.metrics[-1][1]["learning_rate"]
    hands.click(panel.steering.pause_button)
    hands.until(lambda: second.is_paused, PATIENCE_MS)
    exploded = {"loss": 99.0, "val_loss": 1.0, "val_iou": 0.0, "learning_rate": rate}
    second.metrics.append((len(second.metrics) + 1, exploded))
    window.queue.metric.emit(second.id, *second.metrics[-1])
    assert list(panel.remedies.buttons) == ["restart-lower", "stop"]
    hands.click(panel.remedies.buttons["restart-lower"])
    hands.until(lambda: panel.record is not second, PATIENCE_MS)
    assert second.result["status"] == "stopped"
    third = panel.record
    assert third.options["start"] == str(second.result["run"])
    hands.until(lambda: any(step > 0 for step, _ in third.metrics), PATIENCE_MS)
    assert third.metrics[-1][1]["learning_rate"] == pytest.approx(rate / 10)
    assert not panel.remedies.isVisible()
    stopped = hands.job(panel.progress.stop_button.click)
    assert session.project.runs.get(stopped.result["run"]).start == str(second.result["run"])
