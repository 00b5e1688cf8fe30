"""The run view and what the Runs panel says of the champion, on real meetings and figures of made predictions."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from segstudio.core.manifest import ManifestRow, save_manifest
from segstudio.core.reporter import ListReporter
from segstudio.core.way import Manner
from segstudio.jobs import JOBS
from segstudio.project.project import Project
from segstudio.project.run_files import evaluation_file, read_evaluation, save
from segstudio.project.runs import Run
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.runs import RunsPanel
from segstudio.ui.session import Session
from segstudio.ui.views.lines import TableModel
from segstudio.ui.views.run import RunView
from segstudio.ui.views.run_facts import points_of
from segstudio.ui.views.run_plots import lowest
from segstudio.ui.worker_thread import Patience
from tests.project.projects import make_project

SCRIPT = [sys.executable, str(Path(__file__).with_name("scripted_worker.py"))]
WAIT = 20_000


def add_run(project: Project, noise: float, **options: object) -> Run:
    """A finished run whose predictions are wrong in so many pixels."""
    rng = np.random.default_rng(0)
    run = project.runs.create("conv-unet-fast", "conv-unet", {"epochs": 3, **options}, "scratch")
    run.best_weights.write_bytes(b"weights")
    rows = []
    for sample in project.samples.all():
        mask = project.masks.load(sample)
        wrong = rng.random(mask.shape) < noise
        project.predictions.save(run.id, sample, np.where(mask ^ wrong, 230, 20).astype(np.uint8))
        if sample.split == "train":
            rows.append(ManifestRow(sample.id, sample.image, "train", 0, "a", "b"))
    save_manifest(rows, run.manifest)
    project.predictions.score(run.id)
    return project.runs.update(run.id, status="finished", epochs=3, best_epoch=3, best_val_iou=1 - noise)


def perform(project: Project, job: str, **values: object) -> None:
    JOBS[job].from_values(values).perform(project.folder, ListReporter())


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    """A champion, and a challenger that is worse."""
    make_project(tmp_path, 30).close()
    session = Session(Project.open(tmp_path / "project", is_editor=True))
    add_run(session.project, 0.02, seed=0)
    session.project.champions.promote(1, "the first run that can be used")
    add_run(session.project, 0.2, seed=1)
    perform(session.project, "challenge", run="2")
    yield session
    assert session.close()


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> Iterator[RunsPanel]:
    queue = JobQueue(command=[*SCRIPT, "training"], patience=Patience(cancel=5, close=0.5, terminate=0.3))
    panel = RunsPanel(session, queue)
    qtbot.addWidget(panel)
    panel.resize(348, 780)
    panel.show()
    yield panel
    panel.close_threads()
    queue.shutdown()


@pytest.fixture
def view(qtbot: QtBot, panel: RunsPanel) -> RunView:
    """The challenger, looked at closely."""
    QTest.mouseClick(panel.look_button, Qt.MouseButton.LeftButton)
    view = panel.closer
    assert view is not None
    qtbot.addWidget(view)
    view.resize(820, 900)
    view.show()
    settle(qtbot, view)
    return view


def settle(qtbot: QtBot, view: RunView) -> None:
    qtbot.waitUntil(lambda: view.facts is not None and not view.is_busy, timeout=WAIT)


def lines(model: TableModel) -> list[tuple[str, ...]]:
    return [words for words, _ in model.rows]


def test_the_champion_is_marked_and_named(panel: RunsPanel, session: Session) -> None:
    QAbstractItemModelTester(panel.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    icons = [panel.model.data(panel.model.index(row, 0), Qt.ItemDataRole.DecorationRole) for row in range(2)]
    assert [icon is not None for icon in icons] == [False, True]
    assert panel._champion_words.text().startswith("Champion: run 0001, the first run that can be used")
    session.project.looks.record("0001", "evaluate")
    panel.reload()
    assert "Test split looked at: once." in panel._champion_words.text()


def test_the_view_tells_the_verdict_and_who_got_worse(view: RunView) -> None:
    assert view.meeting.verdict.text() == "Worse than run 0001"
    assert "Run 0001 stayed champion." in view.meeting.explanation.text()
    QAbstractItemModelTester(view.meeting.worse, QAbstractItemModelTester.FailureReportingMode.Fatal)
    meeting = view.facts.meeting
    assert [row[0] for row in lines(view.meeting.worse)] == [one["image"] for one in meeting["worse"]]
    (row,) = view.meeting.difference.rows
    assert (row.difference, row.low, row.high) == (meeting["difference"], *meeting["interval"])
    assert meeting["rule"] in view.meeting.notes.text()
    assert view.meeting.meet_button.isVisible()
    assert not view.meeting.roll_back_button.isVisible()


def test_an_image_that_got_worse_is_opened_under_both_runs(qtbot: QtBot, view: RunView, panel: RunsPanel) -> None:
    with qtbot.waitSignal(panel.sample_opened) as opened:
        view.meeting.table.activated.emit(view.meeting.worse.index(0, 0))
    assert opened.args == [view.facts.meeting["worse"][0]["sample"], 2, 1]


def test_an_image_that_got_worse_is_turned_over_and_looking_changes_nothing(
    qtbot: QtBot, view: RunView, panel: RunsPanel, session: Session
) -> None:
    flip, shown = view.meeting.flip, session.project.predictions.current()
    first, second = view.facts.meeting["worse"][:2]
    assert (flip.shown.sample, flip.shown.runs) == (first["sample"], (1, 2)), "the worst is there at once"
    assert flip.words == "Run 0002"
    now = flip.picture._image
    QTest.mouseClick(flip.picture, Qt.MouseButton.LeftButton)
    assert flip.words == "Run 0001"
    assert f"before: IoU {first['before']:.3f}" in flip._score.text()
    assert flip.picture._image != now
    QTest.keyClick(flip.picture, Qt.Key.Key_Space)
    assert flip.words == "Run 0002"
    assert flip.picture._image == now
    flip._turning.setInterval(1)
    flip.blink_button.click()
    qtbot.waitUntil(lambda: flip.words == "Run 0001")
    qtbot.waitUntil(lambda: flip.words == "Run 0002")
    view.hide()
    assert not flip._turning.isActive(), "nobody sees it"
    view.show()
    view.meeting.table.setFocus()
    QTest.keyClick(view.meeting.table, Qt.Key.Key_Down)
    settle(qtbot, view)
    assert flip.shown.sample == second["sample"]
    assert flip.words == "Run 0002"
    assert session.project.predictions.current() == shown
    with qtbot.waitSignal(panel.sample_opened) as opened:
        QTest.mouseClick(flip.open_button, Qt.MouseButton.LeftButton)
    assert opened.args == [second["sample"], 2, 1]
    session.project.predictions.path(1, session.project.samples.get(first["sample"])).unlink()
    view.meeting.table.selectRow(0)
    settle(qtbot, view)
    assert "Run 0001 has no prediction of it" in flip._score.text()
    assert not flip.turn_button.isEnabled()


def test_the_axes_begin_where_the_dots_are() -> None:
    assert [lowest(scores) for scores in ([], [0.97, 0.99], [0.886, 0.96], [0.3, 0.9])] == [0.0, 0.95, 0.8, 0.0]


def test_every_image_outside_the_test_split_is_a_dot(qtbot: QtBot, view: RunView, session: Session) -> None:
    samples = [one for one in session.project.samples.all() if one.split != "test"]
    assert [point.sample for point in view.scatter.points] == [one.id for one in samples]
    point = view.scatter.points[0]
    counts = [session.project.predictions.counts(run)[point.sample].iou for run in (1, 2)]
    assert (point.before, point.after) == tuple(counts)
    shown = view.scatter._scatter.getData()
    drawn = [[getattr(one, name) for one in view.scatter.points] for name in ("before", "after")]
    assert [list(axis) for axis in shown] == drawn, "before to the right, now upwards: above the diagonal is better"
    with qtbot.waitSignal(view.opened) as opened:
        view.scatter.clicked.emit(point)
    assert opened.args == [point.sample, 2, 1]


def test_dots_are_of_the_masks_as_they_are_now(qtbot: QtBot, view: RunView, session: Session) -> None:
    sample = session.project.samples.get(view.scatter.points[0].sample)
    before = view.scatter.points[0]
    session.project.masks.save(sample.id, session.project.masks.load(sample) ^ 1)
    view.reload()
    settle(qtbot, view)
    assert view.scatter.points[0].sample == sample.id
    assert view.scatter.points[0].after < before.after / 2
    assert view.since_words.text() == "Since this run: 1 changed mask."
    assert lines(view.since) == [(sample.image, "mask changed")]


def test_options_that_differ_are_side_by_side(view: RunView) -> None:
    assert lines(view.options) == [("seed", "0", "1")]
    assert view.options.columns == ("Option", "Run 0001", "Run 0002")


def test_figures_come_with_the_curves_of_both_runs(qtbot: QtBot, view: RunView, panel: RunsPanel) -> None:
    assert not view.measured.figures_table.isVisible()
    for run in ("1", "2"):
        perform(panel.session.project, "evaluate", run=run, split="val", groups=["name:*0*"])
    panel.reload()
    settle(qtbot, view)
    assert view.measured.figures_table.isVisible()
    figures = {title: values for title, *values in lines(view.measured.figures)}
    found = [view.facts.others["val", "plain"], view.facts.evaluations["val", "plain"]]
    assert figures["Boundary IoU"] == [f"{one['boundary_iou']:.3f}" for one in found]
    assert figures["Hausdorff 95, pixels"] == [f"{one['hausdorff95']:.3f}" for one in found]
    for line, one in zip(view.measured.recall._lines, found[::-1], strict=True):
        assert (list(line.xData), list(line.yData)) == (one["pr_curve"]["recall"], one["pr_curve"]["precision"])
    for line, one in zip(view.measured.calibration._lines, found[::-1], strict=True):
        bins = [(each["predicted"], each["observed"]) for each in one["calibration"]["bins"]]
        assert list(zip(line.xData, line.yData, strict=True)) == bins
    assert "name:*0*" in [row[0] for row in lines(view.measured.groups)]


def test_measuring_asks_for_the_split_and_the_groups(view: RunView, panel: RunsPanel) -> None:
    view.measured.split_box.setCurrentIndex(view.measured.split_box.findData("test"))
    view.measured.split_box.activated.emit(view.measured.split_box.currentIndex())
    assert "Nobody has looked at the test split" in view.measured.words.text()
    view.measured.groups_edit.setText("name:*left*, state:todo")
    QTest.mouseClick(view.measured.measure_button, Qt.MouseButton.LeftButton)
    record = panel.queue.records[-1]
    assert (record.job, record.options) == (
        "evaluate",
        {"run": "0002", "split": "test", "groups": ["name:*left*", "state:todo"], "tiling": "auto", "flips": "off"},
    )
    JOBS["evaluate"].from_values(record.options)


def test_figures_of_another_manner_stand_apart(qtbot: QtBot, view: RunView, panel: RunsPanel, session: Session) -> None:
    project, mirrored = session.project, Manner(flips="all")
    perform(project, "evaluate", run="2", split="val")
    plain = read_evaluation(project.runs.get(2), "val")
    save(evaluation_file(project.runs.get(2), "val", mirrored.text), plain | {"manner": mirrored.text, "iou": 0.123})
    for sample in project.samples.all():
        if sample.split == "val":
            project.predictions.save(1, sample, project.predictions.load(1, sample), manner=mirrored)
    project.predictions.score(1)
    dots = len(view.facts.points)
    view.reload()
    qtbot.waitUntil(lambda: view.facts.unlike > 0 and not view.is_busy, timeout=WAIT)
    assert len(view.facts.points) == dots - view.facts.unlike
    assert "left out" in view._unlike_words.text()
    assert [row[-1] for row in lines(view.measured.figures) if row[0] == "IoU"] == [f"{plain['iou']:.3f}"]
    view.measured.manner_box.setCurrentIndex(view.measured.manner_box.findData(mirrored.text))
    view.measured.manner_box.activated.emit(view.measured.manner_box.currentIndex())
    assert [row for row in lines(view.measured.figures) if row[0] == "IoU"] == [
        ("IoU", "0.123")
    ]  # not beside the plain one
    assert "mean with three mirror images" in view.measured.words.text()
    for manner, asked in ((mirrored, ("auto", "all")), (Manner("full"), ("full", "off"))):
        view.measured.manner_box.setCurrentIndex(view.measured.manner_box.findData(manner.text))
        view.measured.manner_box.activated.emit(view.measured.manner_box.currentIndex())
        QTest.mouseClick(view.measured.measure_button, Qt.MouseButton.LeftButton)
        options = panel.queue.records[-1].options
        assert (options["tiling"], options["flips"]) == asked


def test_a_title_is_given_and_taken_back_in_the_view(qtbot: QtBot, view: RunView, session: Session) -> None:
    QTest.mouseClick(view.meeting.promote_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.facts.champion == 2 and not view.is_busy, timeout=WAIT)
    assert session.project.runs.best().id == 2
    assert "champion" in view._title.text()
    qtbot.waitUntil(view.meeting.roll_back_button.isVisible)
    QTest.mouseClick(view.meeting.roll_back_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: view.facts.champion == 1 and not view.is_busy, timeout=WAIT)
    assert session.project.runs.best().id == 1


def test_what_is_seldom_done_is_in_the_menu(view: RunView, panel: RunsPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.rebuild_action.trigger()
    record = panel.queue.records[-1]
    assert (record.job, record.options) == ("train", {"rebuild": "2"})
    JOBS["train"].from_values(record.options)
    panel.meet_action.trigger()
    QTest.mouseClick(view.meeting.meet_button, Qt.MouseButton.LeftButton)
    for record in panel.queue.records[-2:]:
        assert (record.job, record.options) == ("challenge", {"run": "0002"})
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    panel.card_action.trigger()
    QTest.mouseClick(view.card_button, Qt.MouseButton.LeftButton)
    assert opened == [str(panel.selected().report)] * 2
    panel.select(1)
    assert not panel.promote_action.isEnabled()


def test_another_run_is_held_against_and_escape_leaves(qtbot: QtBot, view: RunView, panel: RunsPanel) -> None:
    add_run(panel.session.project, 0.1)
    panel.reload()
    settle(qtbot, view)
    view.against_box.setCurrentIndex(view.against_box.findData(3))
    view.against_box.activated.emit(view.against_box.currentIndex())
    qtbot.waitUntil(lambda: view.facts.against.id == 3, timeout=WAIT)
    panel.select(1)
    qtbot.waitUntil(lambda: view.facts.run.id == 1, timeout=WAIT)
    assert view.meeting.verdict.text() == "It is the champion."
    with qtbot.waitSignal(panel.view_changed):
        QTest.keyClick(view, Qt.Key.Key_Escape)
    assert panel.view is None


def test_of_very_many_images_the_most_changed_are_there(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    project = session.project
    runs = project.runs.get(2), project.runs.get(1)
    everything = sorted(points_of(project, *runs)[0], key=lambda one: one.after - one.before)
    monkeypatch.setattr("segstudio.ui.views.run_facts.MOST_POINTS", 5)
    some, unlike = points_of(project, *runs)
    assert (len(some), unlike) == (5, 0)
    assert (some[0], some[-1]) == (everything[0], everything[-1])
