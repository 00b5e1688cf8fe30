"""The stress test in the window: its table, what is chosen in it, the pictures, the recipe; all with real files."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from segstudio.jobs.stress_families import families
from segstudio.project.project import Project
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.compare import ComparePanel
from segstudio.ui.session import Session
from segstudio.ui.views.stress import COSTLY
from tests.ui.experiments import add_run, stress_result
from tests.ui.projects import make_project

WAIT = 20_000

Shown = Callable[..., ComparePanel]


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    session = Session(Project.open(make_project(tmp_path, 8), is_editor=True))
    yield session
    assert session.close()


@pytest.fixture
def queue(qapp: object) -> Iterator[JobQueue]:
    queue = JobQueue(lane_of=lambda _: "compute", command=["false"])
    yield queue
    queue.shutdown()


@pytest.fixture
def shown(qtbot: QtBot, session: Session, queue: JobQueue) -> Iterator[Shown]:
    """Opens the panel and its view; their threads end before the project is closed, as in the window."""
    opened: list[ComparePanel] = []

    def show(of: Session = session) -> ComparePanel:
        panel = ComparePanel(of, queue)
        opened.append(panel)
        for widget in (panel.view, panel):
            qtbot.addWidget(widget)
        panel.show_mode(1)
        panel.resize(340, 860)
        panel.view.resize(800, 820)
        panel.show()
        panel.view.show()
        settle(qtbot, panel)
        return panel

    yield show
    for panel in opened:
        panel.close_threads()


def settle(qtbot: QtBot, panel: ComparePanel) -> None:
    qtbot.waitUntil(lambda: not panel.stressing.is_busy and not panel.stressing.view.is_busy, timeout=WAIT)


def cell(panel: ComparePanel, name: str, strength: int):
    model = panel.stressing.view.model
    row = next(number for number, line in enumerate(model.rows) if line.name == name)
    return model.index(row, strength)


def click(panel: ComparePanel, index) -> None:
    table = panel.stressing.view.table
    table.scrollTo(index)
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center())


def test_without_a_model_it_says_what_to_do(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().stressing
    assert not panel.start_button.isEnabled()
    assert "no trained model" in panel.start_button.toolTip()
    assert panel.view.empty.isVisible()
    assert not panel.view.table.isVisible()


def test_what_was_found_is_shown_worst_first(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    result = stress_result(add_run(session.project))
    view = shown().stressing.view
    QAbstractItemModelTester(view.model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert view.table.isVisible()
    assert [line.name for line in view.model.rows] == list(reversed(families()))
    assert view.model.most == max(row["high"] for row in result["table"])
    index = view.model.index(0, 5)
    assert index.data() == f"−{0.004 * len(families()) * 5:.3f}"
    assert "95 % interval" in index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_a_click_chooses_how_far_and_a_second_takes_it_back(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    stress_result(add_run(session.project))
    panel = shown()
    view = panel.stressing.view
    assert not view.train_button.isEnabled()
    click(panel, cell(panel, "rotation", 2))
    click(panel, cell(panel, "noise", 4))
    assert view.model.chosen == {"rotation": 2, "noise": 4}
    click(panel, cell(panel, "noise", 1))
    assert view.model.chosen == {"rotation": 2, "noise": 1}
    click(panel, cell(panel, "noise", 1))
    assert view.model.chosen == {"rotation": 2}
    assert view.train_button.isEnabled()


def test_keys_do_what_the_mouse_does(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    stress_result(add_run(session.project))
    panel = shown()
    view = panel.stressing.view
    view.table.setCurrentIndex(cell(panel, "shift", 3))
    QTest.keyClick(view.table, Qt.Key.Key_Right)
    QTest.keyClick(view.table, Qt.Key.Key_Space)
    assert view.model.chosen == {"shift": 4}
    view.table.setCurrentIndex(cell(panel, "dirt", 0))
    QTest.keyClick(view.table, Qt.Key.Key_Space)
    assert view.model.chosen == {"shift": 4, "dirt": 3}
    QTest.keyClick(view.table, Qt.Key.Key_Space)
    assert view.model.chosen == {"shift": 4}


def test_what_costs_most_is_ticked_where_it_begins_to(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    stress_result(add_run(session.project))
    view = shown().stressing.view
    qtbot.mouseClick(view.costly_button, Qt.MouseButton.LeftButton)
    assert view.model.chosen
    for line in view.model.rows:
        strength = view.model.chosen.get(line.name, 0)
        assert all(one["lost"] < COSTLY for one in line.cells[: max(strength - 1, 0)])
        assert not strength or line.cells[strength - 1]["lost"] >= COSTLY


def test_the_transform_in_hand_is_shown_on_the_sample(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    stress_result(add_run(session.project))
    first, second = (one.id for one in list(session.project.samples.all())[:2])
    session.show(first)
    qtbot.waitUntil(lambda: session.sample is not None, timeout=WAIT)
    panel = shown()
    strip = panel.stressing.view.strip
    qtbot.waitUntil(lambda: all(one.has_image for one in strip.pictures), timeout=WAIT)
    before = [picture.grab().toImage() for picture in strip.pictures]
    click(panel, cell(panel, "darker", 5))
    settle(qtbot, panel)
    after = [picture.grab().toImage() for picture in strip.pictures]
    assert after[0] == before[0], "the untouched picture stays"
    assert after[5] != before[5]
    session.show(second)
    qtbot.waitUntil(lambda: session.sample.id == second, timeout=WAIT)
    settle(qtbot, panel)
    assert strip.pictures[0].grab().toImage() != before[0]


def test_what_is_chosen_becomes_a_recipe_of_the_project(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    stress_result(add_run(session.project))
    panel = shown()
    click(panel, cell(panel, "rotation", 2))
    click(panel, cell(panel, "brighter", 1))
    with qtbot.waitSignal(panel.recipe_opened, timeout=WAIT) as opened:
        qtbot.mouseClick(panel.stressing.view.train_button, Qt.MouseButton.LeftButton)
    (name,) = opened.args
    recipe = session.project.recipes.get(name)
    assert session.project.recipes.is_own(name)
    assert {step.transform for step in recipe.steps} == {"Rotate", "RandomBrightnessContrast"}
    with qtbot.waitSignal(panel.recipe_opened, timeout=WAIT) as again:
        qtbot.mouseClick(panel.stressing.view.train_button, Qt.MouseButton.LeftButton)
    assert again.args != [name], "an earlier recipe is not written over"


def test_the_table_is_exported(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown, tmp_path: Path) -> None:
    stress_result(add_run(session.project))
    panel = shown().stressing
    panel.export_to(tmp_path / "table.csv")
    qtbot.waitUntil(lambda: "table.csv" in panel.message.text(), timeout=WAIT)
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1 + 5 * len(families())
    panel.export_to(tmp_path / "table.csv" / "below a file.csv")
    qtbot.waitUntil(lambda: panel.message.property("error"), timeout=WAIT)


def test_start_asks_for_the_run_that_is_chosen(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    add_run(session.project)
    second = add_run(session.project)
    panel = shown().stressing
    panel.select(second.id)
    panel.form.set_values({"split": "val"})
    qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    (record,) = queue.records
    assert (record.job, record.options["run"], record.options["split"]) == ("stress", str(second.id), "val")
    queue.cancel(record.id)


def test_another_run_has_another_result(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    first, second = add_run(session.project), add_run(session.project)
    stress_result(first)
    panel = shown()
    panel.stressing.select(second.id)
    settle(qtbot, panel)
    assert panel.stressing.view.empty.isVisible()
    panel.stressing.select(first.id)
    settle(qtbot, panel)
    assert panel.stressing.view.result["run"] == first.id


def test_a_panel_that_is_gone_hears_of_no_job(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown, tmp_path: Path
) -> None:
    panel = ComparePanel(session, queue)
    settle(qtbot, panel)
    panel.close_threads()
    gone = []
    panel.destroyed.connect(lambda: gone.append(True))
    panel.view.deleteLater()
    panel.deleteLater()
    qtbot.waitUntil(lambda: bool(gone))
    queue.submit("stress", {"run": "1"}, "Stress test", session.project.folder)  # raised in the dead panel before
