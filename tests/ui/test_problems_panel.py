"""The Problems panel: what the project knows, and what this window's jobs said."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from segstudio.project.project import Project
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.problems import ProblemsPanel
from segstudio.ui.session import Session
from segstudio.ui.worker_thread import Patience
from tests.project.projects import make_project

SCRIPT = [sys.executable, str(Path(__file__).with_name("scripted_worker.py"))]
WAIT = 20_000


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    make_project(tmp_path, 6).close()
    session = Session(Project.open(tmp_path / "project", is_editor=True))
    yield session
    assert session.close()


@pytest.fixture
def queue(qapp: object, session: Session) -> Iterator[JobQueue]:
    queue = JobQueue(command=SCRIPT, patience=Patience(close=0.5, terminate=0.3), lane_of=lambda _: "io")
    queue.project = session.project.folder
    yield queue
    queue.shutdown()


@pytest.fixture
def panel(qtbot: QtBot, session: Session, queue: JobQueue) -> ProblemsPanel:
    panel = ProblemsPanel(session, queue)
    qtbot.addWidget(panel)
    panel.resize(1000, 200)
    panel.show()
    return panel


def rows(panel: ProblemsPanel) -> list[tuple[str, ...]]:
    model = panel.model
    return [tuple(model.data(model.index(row, column)) for column in range(3)) for row in range(model.rowCount())]


def test_nothing_wrong_is_said(panel: ProblemsPanel) -> None:
    assert not panel.table.isVisible()
    assert panel.count == 0


def test_problems_of_the_project_appear_when_they_are_found(
    qtbot: QtBot, panel: ProblemsPanel, session: Session
) -> None:
    QAbstractItemModelTester(panel.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    with qtbot.waitSignal(panel.count_changed, timeout=WAIT) as told:
        session.project.problems.add("images/torn.png", "the file ends too early")
    assert told.args == [1]
    assert rows(panel) == [("images/torn.png", "the file ends too early", "project")]
    assert panel.table.isVisible()


def test_notes_of_jobs_are_listed_once(qtbot: QtBot, panel: ProblemsPanel, queue: JobQueue, session: Session) -> None:
    for _ in range(2):
        queue.submit("story", {}, "A story")
    qtbot.waitUntil(lambda: queue.is_idle, timeout=WAIT)
    qtbot.waitUntil(lambda: panel.count == 1, timeout=WAIT)
    assert rows(panel) == [("a.png", "is torn", "A story")]
    session.project.problems.add("a.png", "is torn")
    qtbot.waitUntil(lambda: rows(panel) == [("a.png", "is torn", "project")], timeout=WAIT)


def test_notes_about_another_project_are_not_listed(
    qtbot: QtBot, panel: ProblemsPanel, queue: JobQueue, tmp_path: Path
) -> None:
    queue.submit("story", {}, project=tmp_path / "another")
    qtbot.waitUntil(lambda: queue.is_idle, timeout=WAIT)
    assert not panel._refresh.isActive()
    assert panel.count == 0


def test_clear_leaves_what_is_still_wrong_with_a_sample(
    qtbot: QtBot, panel: ProblemsPanel, queue: JobQueue, session: Session
) -> None:
    sample = next(iter(session.project.samples.all()))
    session.project.samples.set_problem(sample.id, "cannot be decoded")
    session.project.problems.add("masks/x.png", "has no image")
    queue.submit("story", {})
    qtbot.waitUntil(lambda: panel.count == 3, timeout=WAIT)
    qtbot.mouseClick(panel._clear, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: rows(panel) == [(sample.image, "cannot be decoded", "project")], timeout=WAIT)


def test_file_and_folder_are_opened_also_when_they_are_gone(
    qtbot: QtBot, panel: ProblemsPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    project = session.project
    project.problems.extend([("images/sample_00.png", "odd"), ("masks/away/gone.png", "missing")])
    qtbot.waitUntil(lambda: panel.count == 2, timeout=WAIT)
    assert not panel._open_file.isEnabled()
    for row in range(2):
        panel.table.selectRow(row)
        qtbot.mouseClick(panel._open_file, Qt.MouseButton.LeftButton)
        qtbot.mouseClick(panel._open_folder, Qt.MouseButton.LeftButton)
    source = project.source
    assert opened == [source / "images" / "sample_00.png", source / "images", source / "masks", source / "masks"]


def test_double_click_goes_to_the_sample(qtbot: QtBot, panel: ProblemsPanel, session: Session) -> None:
    sample = next(iter(session.project.samples.all()))
    session.project.samples.set_problem(sample.id, "cannot be decoded")
    qtbot.waitUntil(lambda: panel.count == 1, timeout=WAIT)
    with qtbot.waitSignal(panel.sample_requested) as told:
        panel.table.doubleClicked.emit(panel.model.index(0, 0))
    assert told.args == [sample.id]


def test_panel_without_a_project(qtbot: QtBot, panel: ProblemsPanel, session: Session) -> None:
    session.project.problems.add("a", "b")
    qtbot.waitUntil(lambda: panel.count == 1, timeout=WAIT)
    panel.set_session(None)
    assert panel.count == 0
    panel.clear()
