"""The Runs panel and the curves, on a real project."""

import csv
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelectionModel, QPointF, QRectF, Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication, QImage
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from segstudio.core.reporter import ListReporter
from segstudio.exporting import EXPORTERS
from segstudio.jobs import JOBS
from segstudio.jobs.presets import preset
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.ui import theme
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.course import FIGURES, Series, course_of
from segstudio.ui.panels.curves import FEW, Curves, course_color
from segstudio.ui.panels.run_words import command_line, measured_on_test, summary
from segstudio.ui.panels.runs import RunsPanel
from segstudio.ui.panels.runs_model import RunsModel
from segstudio.ui.plot import ValueAxis
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.curves import CurvesView
from segstudio.ui.worker_thread import Patience
from tests.project.projects import append_metrics, make_project

SCRIPT = [sys.executable, str(Path(__file__).with_name("scripted_worker.py"))]
WAIT = 20_000


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    make_project(tmp_path, 12).close()
    session = Session(Project.open(tmp_path / "project", is_editor=True))
    yield session
    assert session.close()


@pytest.fixture
def queue(qapp: object) -> Iterator[JobQueue]:
    queue = JobQueue(command=[*SCRIPT, "training"], patience=Patience(cancel=5, close=0.5, terminate=0.3))
    yield queue
    queue.shutdown()


def add_run(project: Project, *, status: str = "finished", epochs: int = 20, val_iou: float | None = 0.7) -> Run:
    one = preset("conv-unet-fast")
    run = project.runs.create(one.name, one.model, one.options(epochs=20).model_dump(), "scratch")
    for epoch in range(1, epochs + 1):
        append_metrics(run, epoch, {"loss": 1 / epoch, "val_loss": 1.2 / epoch, "iou": 0.8, "val_iou": 0.7})
    run.best_weights.write_bytes(b"weights")
    run.last_weights.write_bytes(b"weights")
    return project.runs.update(
        run.id, status=status, epochs=epochs, best_epoch=epochs, best_val_iou=val_iou, seconds=100.0, device="CPU"
    )


def shown(qtbot: QtBot, session: Session | None, queue: JobQueue) -> RunsPanel:
    panel = RunsPanel(session, queue)
    qtbot.addWidget(panel, before_close_func=RunsPanel.close_threads)
    panel.resize(348, 780)
    panel.show()
    return panel


def cells(panel: RunsPanel, row: int) -> dict[str, str]:
    return {name: panel.model.data(panel.model.index(row, column)) for column, name in enumerate(RunsModel.COLUMNS)}


def test_project_without_runs_says_what_a_run_is(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    panel = shown(qtbot, session, queue)
    assert not panel.table.isVisible()
    assert panel.selected() is None


def test_runs_are_listed_newest_first_with_their_figures(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    add_run(session.project, val_iou=0.8125)
    add_run(session.project, status="lost", epochs=4, val_iou=None)
    panel = shown(qtbot, session, queue)
    QAbstractItemModelTester(panel.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert panel.table.isVisible()
    newest, oldest = cells(panel, 0), cells(panel, 1)
    assert (newest["Run"], newest["Status"], newest["Epochs"], newest["Val IoU"]) == ("0002", "lost", "4 / 20", "–")
    assert (oldest["Run"], oldest["Val IoU"], oldest["Epochs"]) == ("0001", "0.812", "20")
    panel.select(1)
    assert "conv-unet-fast\u00a0· from scratch" in panel._summary.text()
    assert "\u00a0· 1 min 40 s\u00a0· today " in panel._summary.text(), "what has no column is said below the table"


@pytest.fixture
def styled(qapp: QApplication) -> Iterator[None]:
    """The window's style, which has a say in how much room words take."""
    theme.install(qapp)
    yield
    qapp.setStyleSheet("")


@pytest.mark.usefixtures("styled")
def test_table_fits_into_the_narrowest_panel(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    for _ in range(12):  # so many that they scroll
        add_run(session.project, status="cancelled", epochs=4)
    champion = add_run(session.project)
    session.project.champions.promote(champion.id, "by hand")
    session.project.predictions.set_current(champion.id)
    panel = shown(qtbot, session, queue)
    panel.resize(340, 780)
    table = panel.table
    qtbot.waitUntil(lambda: table.verticalScrollBar().isVisible(), timeout=WAIT)
    qtbot.waitUntil(lambda: table.horizontalHeader().length() <= table.viewport().width(), timeout=WAIT)
    for column, name in enumerate(RunsModel.COLUMNS):
        needed = max(table.sizeHintForColumn(column), table.horizontalHeader().sectionSizeHint(column))
        assert table.columnWidth(column) >= needed, f"{name} is cut off"


def test_selected_run_is_drawn(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    add_run(session.project, epochs=20)
    add_run(session.project, epochs=4, status="lost")
    panel = shown(qtbot, session, queue)
    assert panel.selected().id == 2
    assert panel.curves.loss.series[0].epochs == [1, 2, 3, 4]
    with qtbot.waitSignal(panel.run_selected):
        panel.select(1)
    assert len(panel.curves.loss.series[0].epochs) == 20
    add_run(session.project)
    qtbot.waitUntil(lambda: panel.model.rowCount() == 3, timeout=WAIT)
    assert panel.selected().id == 1, "the selection stays on its run when another one comes"


def test_several_selected_runs_lie_over_each_other(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    for epochs in (20, 4, 6):
        add_run(session.project, epochs=epochs)
    panel = shown(qtbot, session, queue)
    panel.select(1)
    flags = QItemSelectionModel.SelectionFlag
    panel.table.selectionModel().select(panel.model.index(1, 0), flags.Select | flags.Rows)
    assert [course.label for course in panel.curves.courses] == ["0001", "0002"]
    panel.curves._draw()
    lines = panel.curves.loss._lines
    assert [len(line.getData()[0]) for line in lines] == [20, 20, 4, 4]
    assert [line.opts["pen"].color() for line in lines[1::2]] == [course_color(0), course_color(1)]
    assert {line.opts["pen"].style() for line in lines[::2]} == {Qt.PenStyle.DotLine}, "training stands back"
    panel.curves.iou.hovered.emit(2)
    text = panel.curves.loss._legends[0].text()
    assert "0001&nbsp;<b>0.600</b>" in text
    assert "0002&nbsp;<b>0.600</b>" in text
    assert not panel.curves.loss._best_line.isVisible()
    panel.reload()
    assert [course.label for course in panel.curves.courses] == ["0001", "0002"], "other news leave the selection"
    rows = list(csv.DictReader(panel.curves.csv_text().splitlines()))
    assert [row["run"] for row in rows] == ["0001"] * 20 + ["0002"] * 4
    assert (rows[-1]["epoch"], float(rows[-1]["val_loss"])) == ("4", 0.3)
    panel.select(3)
    assert [course.label for course in panel.curves.courses] == ["0003"]


def test_a_run_that_is_over_can_be_given_more_epochs(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    add_run(session.project, epochs=20)
    panel = shown(qtbot, session, queue)
    panel.extend.more_box.set_value(3)
    qtbot.mouseClick(panel.extend.button, Qt.MouseButton.LeftButton)
    (record,) = queue.records
    assert (record.job, record.options) == ("train", {"resume": "1", "epochs": 23})
    queue.cancel(record.id)


def test_current_run_is_bold_and_another_can_be_taken(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    project = session.project
    first, second = add_run(project), add_run(project)
    for run in (first, second):
        for sample in project.samples.all():
            project.predictions.save(run.id, sample, np.zeros((sample.height, sample.width), np.uint8))
    project.predictions.set_current(first.id)
    panel = shown(qtbot, session, queue)

    def bold() -> list[bool]:
        fonts = [panel.model.data(panel.model.index(row, 0), Qt.ItemDataRole.FontRole) for row in range(2)]
        return [font is not None and font.bold() for font in fonts]

    assert bold() == [False, True]
    panel.select(second.id)
    qtbot.mouseClick(panel.use_button, Qt.MouseButton.LeftButton)
    assert project.predictions.current() == second.id
    qtbot.waitUntil(lambda: bold() == [True, False], timeout=WAIT)
    assert queue.records == []


def test_run_without_predictions_is_asked_for_them(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    add_run(session.project)
    panel = shown(qtbot, session, queue)
    qtbot.mouseClick(panel.use_button, Qt.MouseButton.LeftButton)
    (record,) = queue.records
    assert (record.job, record.options) == ("predict", {"run": "0001"})


def test_run_without_weights_has_nothing_to_use(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    add_run(session.project, status="failed").best_weights.unlink()
    panel = shown(qtbot, session, queue)
    assert not panel.use_button.isEnabled()


def test_run_that_ended_early_can_be_resumed(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    add_run(session.project)
    add_run(session.project, status="lost", epochs=4)
    panel = shown(qtbot, session, queue)
    assert panel.resume_button.isVisible()
    qtbot.mouseClick(panel.resume_button, Qt.MouseButton.LeftButton)
    (record,) = queue.records
    assert (record.job, record.options) == ("train", {"resume": "2"})
    panel.select(1)
    assert not panel.resume_button.isVisible()
    queue.cancel(record.id)


def test_run_under_way_is_drawn_epoch_by_epoch(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    panel = shown(qtbot, session, queue)
    run = add_run(session.project, status="running", epochs=1)
    record = queue.submit("train", {}, project=session.project.folder)
    append_metrics(run, 2, {"loss": 0.1})
    qtbot.waitUntil(lambda: panel.curves.loss.series[0].epochs == [1, 2], timeout=WAIT)
    queue.cancel(record.id)
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)


def test_folder_is_opened(qtbot: QtBot, session: Session, queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    run = add_run(session.project)
    panel = shown(qtbot, session, queue)
    qtbot.mouseClick(panel.folder_button, Qt.MouseButton.LeftButton)
    assert [Path(path) for path in opened] == [run.folder]


def test_command_line_trains_the_same(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    run = add_run(session.project)
    panel = shown(qtbot, session, queue)
    qtbot.mouseClick(panel.copy_button, Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert text == command_line(session.project.folder, run)
    words = shlex.split(text)
    assert words[:2] == ["segstudio", "train"]
    assert words[words.index("--preset") + 1] == "conv-unet-fast"
    assert words[words.index("--start") + 1] == "scratch"
    settings = dict(words[index + 1].split("=", 1) for index, word in enumerate(words) if word == "--set")
    assert preset("conv-unet-fast").options(**settings).model_dump() == run.options


def test_test_figure_is_told_only_when_somebody_has_asked_for_it_and_that_is_counted(session: Session) -> None:
    project = session.project
    run = add_run(project)
    run.best_weights.write_bytes(b"never read")
    for sample in project.samples.all():
        project.predictions.save(run.id, sample, project.masks.load(sample) * 255)
    project.predictions.score(run.id)
    assert (measured_on_test(project), project.looks.all()) == ({}, [])
    JOBS["evaluate"].from_values({"run": str(run.id)}).perform(project.folder, ListReporter())
    assert measured_on_test(project) == {run.id: pytest.approx(1.0)}
    assert [look.run for look in project.looks.all()] == [run.name]


def test_test_figure_comes_into_the_table(qtbot: QtBot, session: Session, queue: JobQueue) -> None:
    project = session.project
    run = add_run(project)
    panel = shown(qtbot, session, queue)
    assert cells(panel, 0)["Test IoU"] == "–"
    for sample in project.samples.all():
        project.predictions.save(run.id, sample, project.masks.load(sample) * 255)
    run.best_weights.write_bytes(b"never read")
    JOBS["evaluate"].from_values({"run": str(run.id)}).perform(project.folder, ListReporter())
    panel.reload()
    qtbot.waitUntil(lambda: cells(panel, 0)["Test IoU"] == "1.000", timeout=WAIT)
    panel.set_session(None)
    assert panel.model.rowCount() == 0


def test_summary_is_one_sentence(session: Session) -> None:
    run = add_run(session.project)
    assert summary(run).startswith(
        "Run 0001: finished · conv-unet-fast · from scratch · 20 epochs, best 20 · val IoU 0.700"
    )


def test_moments_are_the_shorter_the_nearer() -> None:
    now = datetime(2026, 5, 9, 12, tzinfo=UTC).astimezone()
    assert when_text("2026-05-09T11:30:00+00:00", now).startswith("today ")
    assert when_text("2026-03-01T11:30:00+00:00", now).startswith("01 ")
    assert when_text("2025-03-01T11:30:00+00:00", now).endswith("2025")
    assert when_text("long ago", now) == "long ago"


# curves


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(allow_nan=False))))
def test_series_is_in_order_and_the_last_try_counts(points: list[tuple[int, float]]) -> None:
    series = Series()
    for epoch, value in points:
        series.append(epoch, value)
    assert series.epochs == sorted(set(series.epochs))
    assert len(series.epochs) == len(series.values)
    if points:
        assert series.at(points[-1][0]) == points[-1][1]


def test_curves_draw_only_when_something_came(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.show()
    assert not curves._timer.isActive()
    curves.append(1, {"loss": 0.5, "val_loss": 0.6, "iou": 0.4, "val_iou": float("nan"), "unknown": 1.0})
    assert curves._timer.isActive()
    assert curves.loss._lines[0].getData()[0] is None, "nothing is drawn while points come"
    qtbot.waitUntil(lambda: not curves._timer.isActive(), timeout=WAIT)
    x, y = curves.loss._lines[0].getData()
    assert (list(x), list(y)) == ([1], [0.5])
    assert curves.iou.series[1].values == [], "what is not a number is not drawn"


def test_the_ring_stands_at_the_beginning_as_long_as_no_epoch_was_better(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    assert curves.best_epoch is None
    curves.append(0, {"val_iou": 0.7, "val_loss": 0.25})
    assert curves.best_epoch is None, "nothing was learnt yet"
    for epoch, iou, loss in ((1, 0.65, 0.3), (2, 0.7, 0.3)):
        curves.append(epoch, {"val_iou": iou, "val_loss": loss})
        assert curves.best_epoch == 0, "its weights are kept"
    curves._draw()
    assert curves.iou._best_dot.getData()[0].tolist() == [0]
    for epoch, iou, loss in ((3, 0.8, 0.3), (4, 0.8, 0.2), (5, 0.6, 0.1)):
        curves.append(epoch, {"val_iou": iou, "val_loss": loss})
    assert curves.best_epoch == 4


def test_values_under_the_pointer_are_told_in_both_charts(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.resize(400, 500)
    curves.show()
    curves.show_epochs(
        [{"epoch": e, "loss": 1 / e, "val_loss": 2 / e, "iou": 0.1 * e, "val_iou": 0.09 * e} for e in range(1, 9)]
    )
    curves._draw()
    box = curves.loss._plot.getViewBox()
    curves.loss._plot.scene().sigMouseMoved.emit(box.mapViewToScene(QPointF(4.2, 0.5)))
    for chart in (curves.loss, curves.iou):
        assert chart._where.text() == "epoch 4"
        assert chart._hover_line.isVisible()
    assert "0.250" in curves.loss._legends[0].text()
    assert "0.360" in curves.iou._legends[1].text()
    curves.loss.hovered.emit(None)
    assert curves.iou._where.text() == "epoch 8 · best"


EVERYTHING = {
    "loss": 0.5, "val_loss": 0.6, "iou": 0.5, "val_iou": 0.4, "dice": 0.6, "val_dice": 0.5, "binary_iou": 0.7,
    "val_binary_iou": 0.6, "accuracy": 0.9, "val_accuracy": 0.8, "learning_rate": 1e-5, "images_per_second": 21.5,
    "memory_mib": 1234.5,
}  # fmt: skip


def test_the_figures_that_were_measured_can_be_chosen(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.show_epochs([{"epoch": 1, "loss": 0.5, "val_loss": 0.6, "iou": 0.5, "val_iou": 0.4}])
    curves._draw()
    entries = curves.loss._chooser.menu().actions
    assert [one.text() for one in entries()] == ["Loss", "Foreground IoU"], "a run of an older version has no others"
    curves.show_epochs([{"epoch": 1, **EVERYTHING}])
    curves._draw()
    assert [one.text() for one in entries()] == [
        figure.title for name, figure in FIGURES.items() if name != "gpu_memory_mib"
    ]
    next(one for one in entries() if one.text() == "Learning rate").trigger()
    assert curves.loss._chooser.text() == "Learning rate"
    assert [series.values for series in curves.loss.series] == [[1e-5]]
    assert "1e-5" in curves.loss._legends[0].text()
    assert curves.best_epoch == 1, "whatever is shown"
    assert [one.text() for one in entries() if one.isChecked()] == ["Learning rate"]
    kept = entries()[0]
    curves.append(2, EVERYTHING)
    curves._draw()
    assert entries()[0] is kept, "a menu that may be open stays as it is"


def test_a_part_that_is_looked_at_stays_while_points_come(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.resize(400, 500)
    curves.show()
    curves.show_epochs([{"epoch": e, "loss": 1 / e} for e in range(1, 9)], last_epoch=50)
    curves._draw()
    assert not curves.all_button.isEnabled()
    box = curves.loss._plot.getViewBox()
    box.showAxRect(QRectF(2, 0.1, 3, 0.4))  # as dragging a rectangle does
    curves.append(9, {"loss": 0.1})
    curves._draw()
    left, right = box.viewRange()[0]
    assert 1.5 < left < 2.5 < 4.5 < right < 5.5
    qtbot.mouseClick(curves.all_button, Qt.MouseButton.LeftButton)
    assert box.viewRange()[0][1] > 50
    assert not curves.all_button.isEnabled()


def test_a_logarithmic_axis_is_for_what_has_no_upper_end(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.show_epochs([{"epoch": e, "loss": loss, "iou": 0.5} for e, loss in enumerate((100.0, 0.0, 0.01), 1)])
    curves._draw()
    curves.log_button.click()
    _, y = curves.loss._lines[0].getData()
    assert np.array_equal(y, [2, np.nan, -2], equal_nan=True)
    assert list(curves.iou._lines[0].getData()[1]) == [0.5] * 3
    curves.log_button.click()
    assert list(curves.loss._lines[0].getData()[1]) == [100, 0, 0.01]


def test_what_is_looked_at_stays_when_its_axis_does(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    for chart in (curves.loss, curves.iou):
        chart._plot.zoomed.emit()
    for chart in (curves.loss, curves.iou):
        chart.set_log(True)
    assert (curves.loss.is_zoomed, curves.iou.is_zoomed) == (False, True), "IoU has an upper end, and no such axis"


def test_ticks_of_a_loss_that_exploded_fit_into_the_panel() -> None:
    axis = ValueAxis("left")
    assert axis.tickStrings([0, 2e6, 4e6], 1, 2e6) == ["0", "2e6", "4e6"]
    assert axis.tickStrings([0, 25_000], 1, 25_000) == ["0", "2.5e4"]
    assert axis.tickStrings([0, 0.2], 1, 0.2) == ["0", "0.2"]
    assert axis.logTickStrings([-6, -3, 0, 6], 1, 1) == ["1e-6", "0.001", "1", "1e6"]


def test_curves_are_exported(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.resize(330, 500)
    curves.show()
    assert not curves.export_button.isEnabled()
    curves.show_epochs([{"epoch": 1, **EVERYTHING}, {"epoch": 2, "loss": 0.25}])
    curves._draw()
    monkeypatch.setattr("segstudio.ui.panels.curves.choose_curves_file", lambda _parent, kind: tmp_path / f"a.{kind}")
    for entry in curves.export_button.menu().actions():
        entry.trigger()
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [float(rows[0][name]) for name in EVERYTHING] == list(EVERYTHING.values())
    assert (rows[1]["loss"], rows[1]["val_loss"]) == ("0.25", "")
    picture = QImage(str(tmp_path / "a.png"))
    assert picture.width() == 2 * curves.loss.width()
    colours = {picture.pixelColor(x, y).name() for x in range(0, picture.width(), 2) for y in range(picture.height())}
    assert theme.color("train").name() in colours
    said: list[str] = []
    curves.failed.connect(said.append)
    monkeypatch.setattr("segstudio.ui.panels.curves.choose_curves_file", lambda *_: tmp_path / "a.png" / "a.csv")
    curves._export("csv")
    assert "a.png" in said[0]


def test_a_larger_view_shows_every_figure_as_the_curves_do(qtbot: QtBot) -> None:
    curves = Curves()
    view = CurvesView(curves)
    for widget in (curves, view):
        qtbot.addWidget(widget)
    view.resize(1100, 700)
    curves.append(1, EVERYTHING)
    curves._draw()
    assert list(view.charts) == [name for name in FIGURES if name != "gpu_memory_mib"]
    assert list(view.charts["dice"]._lines[1].getData()[1]) == [0.5]
    curves.append(2, {"val_dice": 0.7})
    curves._draw()
    assert list(view.charts["dice"]._lines[1].getData()[1]) == [0.5, 0.7]
    assert {view._grid.getItemPosition(n)[:2] for n in range(8)} == {(n // 3, n % 3) for n in range(8)}
    curves.show_courses([course_of([{"epoch": 1, "loss": 0.1}], "1"), course_of([{"epoch": 1, "loss": 0.2}], "2")])
    curves._draw()
    assert list(view.charts) == ["loss", "iou"]
    assert len(view.charts["loss"]._lines) == 4
    view.charts["loss"].hovered.emit(1)
    assert view.charts["iou"]._hover_line.isVisible()
    with qtbot.waitSignal(view.closed):
        qtbot.mouseClick(view.close_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(view.closed):
        qtbot.keyClick(view.focusProxy(), Qt.Key.Key_Escape)


def test_many_points_have_no_marks(qtbot: QtBot) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    curves.show_epochs([{"epoch": e, "loss": 1 / e} for e in range(1, FEW + 2)])
    curves._draw()
    assert curves.loss._lines[0].opts["symbol"] is None


def test_curves_follow_the_theme(qtbot: QtBot, qapp: QApplication) -> None:
    curves = Curves()
    qtbot.addWidget(curves)
    before = theme.choice()
    try:
        colours = []
        for choice in ("dark", "light"):
            theme.choose(choice, is_kept=False)
            qapp.processEvents()
            colours.append(curves.loss._lines[0].opts["pen"].color().name())
            assert colours[-1] == theme.color("train").name()
        assert colours[0] != colours[1]
    finally:
        theme.choose(before, is_kept=False)
        qapp.setStyleSheet("")


def test_a_model_is_exported_by_a_form_that_nothing_waits_for(
    session: Session, queue: JobQueue, qtbot: QtBot, tmp_path: Path
) -> None:
    run = add_run(session.project)
    panel = RunsPanel(session, queue)
    qtbot.addWidget(panel, before_close_func=RunsPanel.close_threads)
    panel.show()
    form = panel.export_form
    assert not form.isVisible()
    qtbot.mouseClick(panel.export_button, Qt.MouseButton.LeftButton)
    assert form.isVisible()
    form.format_box.setCurrentIndex(form.format_box.findData("tflite"))
    assert form.path_edit.text() == str(tmp_path / "project-0001.tflite")
    panel.reload()
    assert form.isVisible()  # other news do not take it away
    form.path_edit.clear()
    assert not form.export_button.isEnabled()
    form.path_edit.setText(str(tmp_path / "lens.tflite"))
    qtbot.mouseClick(form.export_button, Qt.MouseButton.LeftButton)
    assert not form.isVisible()
    assert panel.export_button.hasFocus() or not panel.isActiveWindow(), "not the button that trains on"
    record = queue.records[-1]
    assert record.job == "export-model"
    assert record.options == {"run": run.name, "format": "tflite", "to": str(tmp_path / "lens.tflite")}


def test_the_form_says_what_is_missing_for_a_format(
    session: Session, queue: JobQueue, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_run(session.project)
    panel = RunsPanel(session, queue)
    qtbot.addWidget(panel, before_close_func=RunsPanel.close_threads)
    panel.show()
    qtbot.mouseClick(panel.export_button, Qt.MouseButton.LeftButton)
    monkeypatch.setattr(EXPORTERS["onnx"], "modules", ("no_such_package",))
    form = panel.export_form
    form.format_box.setCurrentIndex(form.format_box.findData("onnx"))
    assert not form.export_button.isEnabled()
    form.format_box.setCurrentIndex(form.format_box.findData("keras"))
    assert form.export_button.isEnabled()
