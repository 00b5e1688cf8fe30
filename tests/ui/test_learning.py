"""What the window asks of the jobs, and what follows when they end."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings

from segstudio.core.errors import UserError
from segstudio.jobs import JOBS
from segstudio.project.project import Project
from segstudio.ui import app as application
from segstudio.ui.job_queue import JobRecord, JobState
from segstudio.ui.welcome import recent_projects
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.windows import shown_window

WORKER_MS = 60_000


@pytest.fixture
def window(qtbot, qapp, tmp_path: Path):
    with shown_window(qtbot, make_project(tmp_path)) as one:
        runs = one.session.project.runs
        run = runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
        run.best_weights.write_bytes(b"weights")
        runs.update(run.id, status="finished", epochs=1, best_epoch=1, best_val_iou=0.5)
        qtbot.waitUntil(lambda: one.session.sample is not None and one.is_settled())
        qtbot.waitUntil(one.actions_by_name["predict-all"].isEnabled)
        yield one


def test_a_training_that_was_broken_off_is_told_once_at_opening_and_goes_on_with_a_click(qtbot, qapp, tmp_path: Path):
    QSettings().clear()
    folder = make_project(tmp_path)
    with Project.open(folder, is_editor=True) as project:
        run = project.runs.create("conv-unet-fast", "conv-unet", {"epochs": 9, "keep": "best"}, "scratch")
        run.last_weights.write_bytes(b"weights")
        project.runs.update(run.id, status="lost", epochs=4, best_epoch=3, best_val_iou=0.8)
    _, window = application.build(["segstudio"])
    records: list[JobRecord] = []
    window.queue.added.connect(lambda record: (records.append(record), window.queue.cancel(record.id)))
    try:
        window.show()
        window.open_project(folder)
        qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())
        assert "run 0001 was broken off after 4 of 9 epochs" in window.banner.text
        (button,) = window.banner.buttons
        button.click()
        assert [(one.job, one.options) for one in records] == [("train", {"resume": "1", "epochs": 9})]
        assert window.banner.text == ""
        window.close_project()
        window.open_project(folder)
        qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())
        assert window.banner.text == "", "it has been told"
    finally:
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def asked(window: Window) -> list[JobRecord]:
    """The jobs that were asked for; none of them runs."""
    records: list[JobRecord] = []

    def keep(record: JobRecord) -> None:
        records.append(record)
        window.queue.cancel(record.id)

    window.queue.added.connect(keep)
    return records


@pytest.mark.parametrize(
    ("command", "job"),
    [
        ("train", "train"),
        ("retrain", "train"),
        ("predict-current", "predict"),
        ("predict-filtered", "predict"),
        ("predict-all", "predict"),
        ("check", "check"),
    ],
)
def test_each_command_asks_for_a_job_that_understands_it(
    window: Window, asked: list[JobRecord], command: str, job: str
):
    window.actions_by_name[command].trigger()
    assert [record.job for record in asked] == (["preflight", job] if job == "train" else [job])
    for record in asked:  # a training is checked with the very options that it will have
        JOBS[record.job].from_values(record.options)
        assert record.options == asked[-1].options
        assert record.project == window.session.project.folder


def test_without_a_run_predicting_says_what_it_waits_for(qtbot, window: Window, tmp_path: Path):
    window.open_project(make_project(tmp_path / "other", name="other"))
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled())
    for name in ("predict-current", "predict-filtered", "predict-all"):
        assert not window.actions_by_name[name].isEnabled()
        assert "train first" in window.actions_by_name[name].toolTip().replace("\n", " ")
    assert not window._tool_bar._predict.isEnabled()
    assert "train first" in window._tool_bar._predict.toolTip().replace("\n", " ")


def test_predicting_this_sample_names_it_alone(window: Window, asked: list[JobRecord]):
    window.actions_by_name["predict-current"].trigger()
    assert list(asked[0].options["samples"]) == [window.session.sample.id]


def test_predicting_the_list_takes_its_filter(qtbot, window: Window, asked: list[JobRecord]):
    window.samples_panel.set_filter("split:test")
    window.actions_by_name["predict-filtered"].trigger()
    assert asked[0].options["filter"] == "split:test"


def test_a_job_sees_the_last_stroke(window: Window, asked: list[JobRecord]):
    mask = window.session.document.mask ^ 1
    window.session.document.replace(mask, "Invert")
    window.actions_by_name["check"].trigger()
    assert asked
    sample = window.session.project.samples.get(window.session.sample.id)
    np.testing.assert_array_equal(window.session.project.masks.load(sample), mask)


def test_nothing_is_started_while_a_stroke_cannot_be_saved(window: Window, asked: list[JobRecord]):
    (window.session.project.folder / "masks").write_bytes(b"in the way")
    window.session.document.replace(window.session.document.mask ^ 1, "Invert")
    window.actions_by_name["retrain"].trigger()
    assert not asked
    assert "not saved" in window.banner.text.lower()
    (window.session.project.folder / "masks").unlink()


def test_without_a_project_there_is_nothing_to_learn(window: Window):
    window.close_project()
    with pytest.raises(UserError):
        window.learning.predict_all()


def test_retraining_predicts_and_shows_what_changed_most(qtbot, window: Window, asked: list[JobRecord]):
    predict_noisily(window.session.project)
    window.actions_by_name["retrain"].trigger()
    assert asked[-1].job == "train"
    asked[-1].state = JobState.FINISHED  # as if it had not been cancelled
    window.learning._retraining = asked[-1].id
    window.queue.ended.emit(asked[-1])
    assert asked[-1].job == "predict"
    predict_noisily(window.session.project, seed=1)
    asked[-1].state = JobState.FINISHED
    window.learning._predicting = asked[-1].id
    window.queue.ended.emit(asked[-1])
    assert window.samples_panel.sort == "changed"
    qtbot.waitUntil(lambda: not window.samples_panel.is_busy and window.is_settled())
    assert window.session.sample.id == window.samples_panel.ids()[0]


def test_a_failed_job_is_told_in_the_banner(window: Window):
    window.actions_by_name["predict-all"].trigger()
    record = window.queue.records[-1]
    record.state, record.message, record.hint = JobState.FAILED, "there is no run yet", "train first"
    window.queue.ended.emit(record)
    assert "There is no run yet" in window.banner.text or "there is no run yet" in window.banner.text
    assert "rain first" in window.banner.text
    window.actions_by_name["check"].trigger()
    assert "rain first" in window.banner.text
    window.queue.cancel(window.queue.records[-1].id)
    window.actions_by_name["predict-all"].trigger()
    assert not window.banner.text  # it is tried again: whether it fails again will be seen
    window.queue.cancel(window.queue.records[-1].id)


def test_the_report_shows_what_is_selected_and_filtered(
    qtbot, window: Window, asked: list[JobRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("segstudio.ui.dialogs.files.choose_report_file", lambda _parent: tmp_path / "report.html")
    window.actions_by_name["export-report"].trigger()
    assert not asked[-1].options.get("samples")
    assert asked[-1].options["chosen"] == ""
    panel = window.samples_panel
    panel.set_filter("split:train")
    qtbot.waitUntil(lambda: not panel.is_busy and window.is_settled())
    panel.view.selectAll()
    window.actions_by_name["export-report"].trigger()
    assert list(asked[-1].options["samples"]) == [int(one) for one in panel.ids()]
    assert asked[-1].options["chosen"] == "split:train"
    for record in asked:
        JOBS[record.job].from_values(record.options)


def test_masks_are_exported_by_the_real_worker(qtbot, window: Window, tmp_path: Path):
    with qtbot.waitSignal(window.queue.ended, timeout=WORKER_MS) as told:
        window.learning.export_masks(tmp_path / "exported")
    assert told.args[0].state is JobState.FINISHED, told.args[0].message
    assert len(list((tmp_path / "exported").rglob("*.png"))) == 6


def test_the_demo_opens_on_the_worst_sample_of_its_first_project(qtbot, window: Window, asked, tmp_path: Path):
    window.close_project()
    made = [make_project(tmp_path / name, name=name) for name in ("rays", "lens")]
    record = window.learning.make_demo(tmp_path / "demo")
    assert (record.job, record.project) == ("demo", tmp_path / "demo")
    record.state = JobState.FINISHED
    projects = [{"project": str(folder), "worst": "images/sample_03.png"} for folder in made]
    record.result = {"projects": projects}
    window.learning._demo = record.id  # as if it had not been cancelled
    window.queue.ended.emit(record)
    assert window.session.project.folder == made[0]
    qtbot.waitUntil(lambda: window.is_settled() and window.session.sample is not None)
    assert window.session.sample.image == "images/sample_03.png"


def test_the_demo_takes_no_work_from_under_the_hands(window: Window, asked, tmp_path: Path):
    before = window.session.project.folder
    made = make_project(tmp_path, name="rays")
    record = window.learning.make_demo(tmp_path / "demo")
    record.state, record.result = JobState.FINISHED, {"projects": [{"project": str(made), "worst": "x.png"}]}
    window.learning._demo = record.id
    window.queue.ended.emit(record)
    assert window.session.project.folder == before
    assert "demo projects" in window.banner.text.lower()
    assert recent_projects()[0] == made


def test_a_report_is_written_by_the_worker_and_shown_in_the_browser(qtbot, window: Window, tmp_path: Path, monkeypatch):
    opened: list[str] = []
    window.session.project.runs.update(1, status="failed")  # its weights are none that could be measured
    monkeypatch.setattr(
        "segstudio.ui.learning.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()) or True
    )
    monkeypatch.setattr("segstudio.ui.dialogs.files.choose_report_file", lambda _parent: tmp_path / "report.html")
    with qtbot.waitSignal(window.queue.ended, timeout=WORKER_MS) as ended:
        window.actions_by_name["export-report"].trigger()
    assert ended.args[0].state is JobState.FINISHED, ended.args[0].message
    assert opened == [str(tmp_path / "report.html")]
    assert "blobs" in (tmp_path / "report.html").read_text(encoding="utf-8")
