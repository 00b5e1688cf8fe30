"""A challenger that is worse is not promoted and the window says so; a person may promote it, and take that back."""

import pytest

from segstudio.ui.job_queue import JobState
from tests.flows.conftest import PATIENCE_MS, Hands

GOOD = {"preset": "conv-unet-fast", "size": 32, "filters": 4, "depth": 1, "batch": 2, "epochs": 10,
        "learning_rate": 0.01}  # fmt: skip
SPOILT = {"learning_rate": 1.0, "epochs": 1, "fine_tuning": 1.0}
"""A rate at which the first step destroys whatever the weights knew."""


def trained(hands: Hands, **values) -> dict:
    record = hands.job(lambda: hands.window.queue.submit("train", GOOD | values, project=project_of(hands).folder))
    assert record.state is JobState.FINISHED, record.message
    return record.result


def project_of(hands: Hands):
    return hands.window.session.project


def champion(hands: Hands) -> int:
    return project_of(hands).runs.best().id


@pytest.mark.training
def test_a_worse_challenger_is_told_promoted_by_hand_and_rolled_back(open_window, project):
    hands = open_window(project)
    window, workspace = hands.window, hands.window.workspace
    assert trained(hands)["champion"] == 1
    assert window.banner.text == "", "nobody was beaten by the first run"

    # Retrain with a rate that spoils everything: it keeps the weights it began with, and gains nothing
    ended = []
    window.queue.ended.connect(lambda record: ended.append(record) if record.job == "train" else None)
    panel = window.train_panel
    panel.form.set_values({**panel.form.values(), **SPOILT})
    hands.do("retrain")
    hands.until(lambda: bool(ended) or panel.preflight.pass_button.isVisible(), PATIENCE_MS)
    if not ended:  # the check beforehand may ask whether that is meant
        hands.click(panel.preflight.pass_button)
        hands.until(lambda: bool(ended), PATIENCE_MS)
    assert ended[0].state is JobState.FINISHED, ended[0].message
    assert "scores the same as the champion, run 0001" in window.banner.text
    assert "Run 0001 stays champion" in window.banner.text
    assert window.queue.is_idle, "a challenger that gains nothing predicts nothing"

    # from scratch it is worse
    result = trained(hands, **SPOILT)
    assert result["meeting"]["verdict"] in ("worse", "not better")
    assert "Run 0001 stays champion" in window.banner.text
    assert champion(hands) == 1

    # the meeting, and one of the images that got worse, under both runs
    look, promote = window.banner.buttons
    hands.click(look)
    view = workspace.runs_panel.closer
    hands.until(lambda: not workspace.are_panes_seen and view.facts is not None and not view.is_busy)
    assert view.facts.run.id == 3
    assert view.meeting.verdict.text() in ("Worse than run 0001", "No better than run 0001")
    sample = view.meeting.worse.sample_at(0)
    flip = view.meeting.flip
    assert (flip.shown.sample, flip.words) == (sample, "Run 0003"), "the worst is there at once"
    hands.click(flip.turn_button)
    assert flip.words == "Run 0001"
    hands.click(flip.open_button)
    hands.until(lambda: workspace.are_panes_seen and window.session.sample.id == sample)
    predictions = project_of(hands).predictions
    hands.until(lambda: (predictions.current(), predictions.previous()) == (3, 1))
    hands.settle()
    assert window.session.loaded.probability is not None

    # a person knows better, and then does not
    hands.click(promote)
    assert champion(hands) == 3
    hands.tab("Runs")
    hands.until(lambda: view.facts.champion == 3 and not view.is_busy)
    hands.click(view.meeting.roll_back_button)
    hands.until(lambda: champion(hands) == 1)
    hands.click(view.close_button)
    hands.until(lambda: workspace.are_panes_seen)
