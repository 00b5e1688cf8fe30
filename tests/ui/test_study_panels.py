"""Cross-validation and stop advice in the window: what is planned is asked for, what came out is shown."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from segstudio.project.project import Project
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.compare import MODES, ComparePanel
from segstudio.ui.panels.studying import Studying
from segstudio.ui.session import Session
from tests.ui.experiments import curve_study, fold_study
from tests.ui.projects import make_project

WAIT = 20_000
FOLDS, ADVICE = 2, 3

Shown = Callable[..., Studying]


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    session = Session(Project.open(make_project(tmp_path, 24), is_editor=True))
    yield session
    assert session.close()


@pytest.fixture
def queue(qapp: object) -> Iterator[JobQueue]:
    queue = JobQueue(lane_of=lambda _: "compute", command=["false"])
    yield queue
    queue.shutdown()


@pytest.fixture
def shown(qtbot: QtBot, session: Session, queue: JobQueue) -> Iterator[Shown]:
    """Opens the panel in a mode; its threads end before the project is closed, as in the window."""
    opened: list[ComparePanel] = []

    def show(mode: int) -> Studying:
        panel = ComparePanel(session, queue)
        opened.append(panel)
        for widget in (panel.view, panel):
            qtbot.addWidget(widget)
        panel.show_mode(mode)
        panel.resize(340, 860)
        panel.view.resize(800, 820)
        panel.show()
        panel.view.show()
        page = (panel.folds, panel.advice)[mode - FOLDS]
        qtbot.waitUntil(lambda: not page.is_busy, timeout=WAIT)
        return page

    yield show
    for panel in opened:
        panel.close_threads()


def cells(table) -> list[list[str]]:
    model = table.model
    return [[str(model.data(model.index(row, column))) for column in range(model.columnCount())]
            for row in range(model.rowCount())]  # fmt: skip


def test_without_a_study_the_view_says_what_to_do(shown: Shown) -> None:
    for mode in (FOLDS, ADVICE):
        page = shown(mode)
        assert page.view.study is None
        assert page.start_button.isEnabled()
        assert "Press Start" in page.view.empty._text.text()


def test_a_cross_validation_is_shown_with_its_figures_and_its_worst_images(
    qtbot: QtBot, session: Session, shown: Shown
) -> None:
    study = fold_study(session.project)
    page = shown(FOLDS)
    view, result = page.view, study.result
    assert view.study == study
    assert view.verdict.text() == f"IoU {result['figures']['iou']['mean']:.3f} on images not learnt from"
    assert f"predicting nothing has {result['predict_nothing']['binary_iou']:.3f}" in view.explanation.text()
    figures = {row[0]: row[1:] for row in cells(view.figures)}
    assert figures["IoU"][0] == f"{result['figures']['iou']['mean']:.3f}"
    assert figures["Both classes' IoU"][3] == f"{result['predict_nothing']['binary_iou']:.3f}"
    assert len(view.plot.points.data) == 6
    rows = cells(view.rows)
    assert len(rows) == result["images"]
    assert rows[0][1] == "0.100"
    assert view.rows.title.text() == "Images, the worst first · 1 mask looks wrong"
    assert result["method"] in view.notes.text()
    with qtbot.waitSignal(page.opened) as opened:
        view.rows.table.activated.emit(view.rows.model.index(0, 0))
    assert opened.args == [result["per_image"][0]["sample"]]
    QAbstractItemModelTester(page.model, QAbstractItemModelTester.FailureReportingMode.Fatal)


def test_the_list_of_samples_has_the_suspicious_one_first(session: Session) -> None:
    result = fold_study(session.project).result
    table = session.project.samples.table()
    assert result["per_image"][0]["suspicion"] > 0.5
    assert table.suspicion[table.index_of(result["per_image"][0]["sample"])] > 0.5


def test_advice_is_shown_in_words_and_as_a_curve(session: Session, shown: Shown) -> None:
    study = curve_study(session.project)
    view = shown(ADVICE).view
    assert view.study == study
    assert view.verdict.text() == "More masks help"
    assert view.explanation.text() == study.result["explanation"].replace("-0.", "−0.")
    assert [row[0] for row in cells(view.figures)] == ["10 more", "25 more", "50 more"]
    assert len(view.plot.means.data) == len(study.parts)
    assert view.plot.now.isVisible()
    xs, ys = view.plot.line.getData()
    assert xs[-1] == pytest.approx(study.result["points"][-1]["size"] + 50)
    assert ys[-1] == pytest.approx(study.result["curve"]["fitted"][-1])


def test_what_is_planned_is_asked_for_and_remembered(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    page = shown(FOLDS)
    page.form.set_values({"folds": 3, "repeats": 2, "epochs": 0, "include_test": True})
    page.preset_box.setCurrentIndex(page.preset_box.findData("conv-unet-fast"))
    record = page.start()
    assert record.job == "cross-validate"
    assert record.options == {
        "preset": "conv-unet-fast", "folds": 3, "repeats": 2, "epochs": 0, "include_test": True, "flips": "off",
    }  # fmt: skip
    assert page.is_under_way
    assert page.start_button.isHidden()
    qtbot.waitUntil(lambda: record.state.is_end, timeout=WAIT)  # the worker of this test dies at once
    assert not page.start_button.isHidden()
    assert page.message.property("error")
    qtbot.waitUntil(lambda: session.project.settings.get("study-cross-validate") is not None, timeout=WAIT)
    again = shown(FOLDS)
    assert again.form.values()["folds"] == 3
    assert again.preset_box.currentData() == "conv-unet-fast"


def test_an_unfinished_study_goes_on_and_a_finished_one_is_exported(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown, tmp_path: Path
) -> None:
    study = session.project.studies.update(fold_study(session.project), result=None)
    page = shown(FOLDS)
    assert page.view.progress.text() == "Not finished: 0 of 6 trainings are done."
    assert not page.resume_button.isHidden()
    assert not page.export_button.isEnabled()
    page.resume_button.click()
    assert page.record is not None
    assert (page.record.job, page.record.options) == ("cross-validate", {"resume": study.id})
    qtbot.waitUntil(lambda: page.record.state.is_end, timeout=WAIT)
    finished = fold_study(session.project)
    qtbot.waitUntil(lambda: len(page.model.rows) == 2, timeout=WAIT)
    record = page.export_to(finished, tmp_path / "a.csv")
    assert (record.job, record.options["study"]) == ("export-study", finished.id)


def test_a_study_is_deleted_at_the_second_press(qtbot: QtBot, session: Session, shown: Shown) -> None:
    fold_study(session.project)
    page = shown(FOLDS)
    page.delete_button.click()
    assert page.delete_button.text() == "Delete 0001 for good?"
    assert len(session.project.studies.list()) == 1
    page.delete_button.click()
    qtbot.waitUntil(lambda: page.view.study is None and not page.model.rows, timeout=WAIT)
    assert session.project.studies.list() == []


def test_the_modes_fit_the_narrowest_panel(qtbot: QtBot, session: Session, shown: Shown) -> None:
    page = shown(FOLDS)
    panel = page.parentWidget().parentWidget()
    panel.resize(340, 700)
    for button in panel._modes.buttons():
        assert button.width() >= button.fontMetrics().horizontalAdvance(button.text())
    assert len(panel._modes.buttons()) == len(MODES)
    assert page.findChild(type(page.table)).horizontalScrollBarPolicy() == Qt.ScrollBarPolicy.ScrollBarAlwaysOff
