"""The whole loop as a person goes through it: real window, real worker process, real files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt

from segstudio.core.sample import ReviewState, Split
from segstudio.project.project import Project
from segstudio.ui.job_queue import JobState
from tests.flows.conftest import PATIENCE_MS, Hands

QUICK = {"size": 32, "filters": 4, "depth": 2, "epochs": 1, "batch": 4, "learning_rate": 0.01, "fine_tuning": 1.0}
"""A training that takes seconds and is real in every part; a second one makes it better, and so takes the title."""


def choose_quick_training(hands: Hands) -> None:
    """As a person would with the preset box and the form."""
    panel = hands.window.train_panel
    index = panel.options.preset_box.findData("conv-unet-fast")
    panel.options.preset_box.setCurrentIndex(index)
    panel.options.preset_box.activated.emit(index)
    panel.form.set_values({**panel.form.values(), **QUICK})


def new_project(hands: Hands, dataset: Path, folder: Path) -> None:
    dialog = hands.window.new_project(dataset)
    hands.until(lambda: dialog.preview is not None)
    assert len(dialog.preview.rows) == 16
    dialog.folder_edit.setText(str(folder))
    hands.until(dialog.create_button.isEnabled)
    dialog.create_button.click()
    hands.until(lambda: hands.window.session is not None)
    hands.settle()


@pytest.mark.training
def test_the_whole_loop(open_window, dataset, tmp_path):
    folder = tmp_path / "project"
    originals = {path: path.read_bytes() for path in dataset.rglob("*.png")}
    hands = open_window()
    window = hands.window
    new_project(hands, dataset, folder)
    session = window.session
    train = [row for row in range(16) if session.project.samples.table().row(row).split is Split.TRAIN]
    first, second = (session.project.samples.table().row(row).id for row in train[:2])
    hands.go_to(first)

    # paint a stroke, undo it, make it again
    before = session.document.mask.copy()
    hands.do("tool-brush")
    hands.drag("truth", (5, 5), (40, 9), (58, 40))
    painted = session.document.mask.copy()
    assert painted.sum() > before.sum() + 100
    hands.do("undo")
    assert np.array_equal(session.document.mask, before)
    hands.do("redo")
    assert np.array_equal(session.document.mask, painted)

    # switch: the mask is in its file, the sample is corrected; a verdict on the next
    hands.go_to(second)
    hands.until(lambda: session.project.samples.get(first).state is ReviewState.CORRECTED)
    saved = np.asarray(Image.open(session.project.masks.path(session.project.samples.get(first))))
    assert np.array_equal(saved, painted * 255)
    hands.key(Qt.Key.Key_A)
    hands.until(lambda: session.project.samples.get(second).state is ReviewState.ACCEPTED)

    # train one epoch: the curves have points
    window.workspace.tabs.setCurrentWidget(window.train_panel)
    choose_quick_training(hands)
    trained = hands.job(window.train_panel.start_button.click)
    assert trained.state is JobState.FINISHED, trained.message
    assert window.train_panel.curves.has_points

    # predict, and see where it is wrong
    predicted = hands.job(lambda: hands.do("predict-all"))
    assert predicted.state is JobState.FINISHED, predicted.message
    hands.until(lambda: session.loaded.probability is not None)
    hands.until(lambda: window.panes.is_error_view)
    assert "agree" in window.panes.canvas("errors").accessibleDescription()
    table = session.project.samples.table()
    assert not np.isnan(table.uncertainty).any()

    # Retrain: one click trains from the best weights, predicts, and shows what changed most
    ended = []
    window.queue.ended.connect(ended.append)
    hands.do("retrain")
    hands.until(lambda: len(ended) == 3, PATIENCE_MS)
    assert [record.job for record in ended] == ["preflight", "train", "predict"]
    assert all(record.state is JobState.FINISHED for record in ended), [record.message for record in ended]
    assert [run.start for run in session.project.runs.list()] == ["1", "scratch"]
    hands.until(lambda: window.samples_panel.sort == "changed" and not window.samples_panel.is_busy)

    # close and reopen: everything is where it was
    hands.go_to(first)
    hands.do("tool-eraser")
    assert window.close()
    assert {path: path.read_bytes() for path in originals} == originals, "the dataset was written to"

    again = open_window(folder)
    session = again.window.session
    assert session.sample.id == first
    assert np.array_equal(session.document.mask, painted)
    assert again.window.samples_panel.sort == "changed"
    assert again.window.panes.is_error_view
    assert again.window.panes.pointer.tool.name == "eraser"
    assert session.loaded.probability is not None
    assert again.window.train_panel.curves.has_points
    assert session.project.samples.get(second).state is ReviewState.ACCEPTED
    again.do("undo")
    assert np.array_equal(session.document.mask, before), "undo does not reach over closing the window"


@pytest.mark.training
def test_stop_keeps_the_best_and_painting_goes_on_meanwhile(open_window, project):
    hands = open_window(project)
    window, session = hands.window, hands.window.session
    choose_quick_training(hands)
    window.train_panel.form.set_values({**window.train_panel.form.values(), "epochs": 5000})
    window.train_panel.start_button.click()
    record = window.train_panel.record
    hands.until(lambda: len(record.metrics) >= 2, PATIENCE_MS)
    before = session.document.mask.copy()
    hands.drag("image", (3, 3), (30, 30))
    assert not np.array_equal(session.document.mask, before)
    stopped = hands.job(window.train_panel.progress.stop_button.click)
    assert stopped.state is JobState.FINISHED, stopped.message
    run = session.project.runs.latest()
    assert run.status == "stopped"
    assert run.best_weights.is_file()
    # the next job works in the same window
    assert hands.job(lambda: hands.do("predict-current")).state is JobState.FINISHED


@pytest.mark.training
def test_a_killed_worker_is_a_lost_job_and_the_next_one_works(open_window, project):
    import psutil

    hands = open_window(project)
    window, session = hands.window, hands.window.session
    choose_quick_training(hands)
    window.train_panel.form.set_values({**window.train_panel.form.values(), "epochs": 5000})
    window.train_panel.start_button.click()
    record = window.train_panel.record
    hands.until(lambda: len(record.metrics) >= 2, PATIENCE_MS)
    hands.drag("truth", (10, 10), (30, 20))
    painted = session.document.mask.copy()

    def kill() -> None:
        (worker,) = psutil.Process().children()
        worker.kill()

    lost = hands.job(kill)
    assert lost.state is JobState.LOST
    assert lost.message
    assert np.array_equal(session.document.mask, painted)
    assert session.save_now(wait=True)
    with Project.open(project) as seen:
        assert seen.runs.latest().status == "lost"
        assert seen.runs.latest().best_weights.is_file(), "the best epoch so far must survive"
        assert seen.runs.latest().best_val_iou is not None, "and what it reached"
    checked = hands.job(lambda: hands.do("check"))
    assert checked.state is JobState.FINISHED
    assert checked.result["ok"], checked.result
    assert hands.job(lambda: hands.do("predict-current")).state is JobState.FINISHED


def test_a_second_window_reads_only_and_says_why(open_window, project):
    first = open_window(project)
    second = open_window(project)
    assert second.window.session.project.read_only
    before = second.window.session.document.mask.copy()
    second.drag("truth", (5, 5), (40, 30))
    assert np.array_equal(second.window.session.document.mask, before)
    assert "read" in second.window.banner.text.lower()
    assert not first.window.session.project.read_only


def test_a_damaged_mask_blocks_its_sample_and_nothing_else(open_window, dataset, tmp_path):
    (dataset / "masks" / "sample_03.png").write_bytes(b"\x89PNG\r\n\x1a\nthis is no picture")
    from segstudio.core.reporter import ListReporter
    from segstudio.jobs import JOBS

    made = JOBS["new"].from_values({"source": str(dataset)}).perform(tmp_path / "damaged", ListReporter())
    assert any("sample_03" in note["path"] for note in made["notes"])
    hands = open_window(tmp_path / "damaged")
    session = hands.window.session
    bad = session.project.samples.by_image("images/sample_03.png")
    hands.go_to(bad.id)
    assert session.document is None
    assert "sample_03" in hands.window.banner.text
    good = session.project.samples.by_image("images/sample_04.png")
    hands.go_to(good.id)
    hands.drag("truth", (5, 5), (20, 20))
    assert session.document.history.can_undo
