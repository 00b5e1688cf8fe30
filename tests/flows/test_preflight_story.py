"""A doomed training is not begun, and a doubtful one when the person says so: real window, real worker, real files."""

import numpy as np
import pytest
from PIL import Image

from segstudio.core.reporter import ListReporter
from segstudio.core.sample import Split
from segstudio.jobs import JOBS
from segstudio.ui.job_queue import JobState
from tests.datasets import make_dataset
from tests.flows.test_story import choose_quick_training

pytestmark = pytest.mark.training


def test_all_masks_empty_blocks_and_a_full_one_only_asks(open_window, tmp_path):
    dataset = make_dataset(tmp_path / "dataset", 16)
    for path in (dataset / "masks").iterdir():
        Image.fromarray(np.zeros_like(np.asarray(Image.open(path)))).save(path)
    JOBS["new"].from_values({"source": str(dataset)}).perform(tmp_path / "project", ListReporter())
    hands = open_window(tmp_path / "project")
    window, panel = hands.window, hands.window.train_panel
    choose_quick_training(hands)
    hands.tab("Train")

    blocked = hands.job(panel.start_button.click)
    assert blocked.state is JobState.FAILED
    assert "masks to learn from are empty" in blocked.message
    assert "foreground" in blocked.hint
    hands.until(lambda: any("are empty" in text for text in panel.preflight.texts))
    assert panel.preflight.isVisible()
    assert not panel.preflight.pass_button.isVisible()
    assert panel.start_button.isEnabled(), "the person can mend it and start again"
    assert window.session.project.runs.list() == []

    # The masks are corrected, one of them wholly.
    project = window.session.project
    for number, sample in enumerate(project.samples.all()):
        mask = np.ones((sample.height, sample.width), np.uint8)
        if number:
            mask[:, number % 20 + 4 :] = 0
        project.masks.save(sample.id, mask)
    full = next(project.samples.all())
    assert full.split is Split.TRAIN
    held = hands.job(panel.start_button.click)
    assert held.state is JobState.CANCELLED
    assert any("all foreground" in text for text in panel.preflight.texts)
    assert project.runs.list() == []
    hands.tab("Train")
    trained = hands.job(lambda: hands.click(panel.preflight.pass_button))
    assert trained.state is JobState.FINISHED, trained.message
    (run,) = project.runs.list()
    assert run.status == "finished"
    assert any("all foreground" in text for text in panel.preflight.texts), "it is still to be seen"
