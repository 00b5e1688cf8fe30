"""Comparisons in the window: planned, followed, listed, shown; with real files, without a training."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QDir, QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from segstudio.core.errors import UserError
from segstudio.core.files import resource
from segstudio.core.manifest import ManifestRow, save_manifest
from segstudio.jobs import JOBS
from segstudio.jobs.presets import preset
from segstudio.project.project import Project
from segstudio.ui import theme
from segstudio.ui.job_queue import JobQueue, JobState
from segstudio.ui.panels.arms import ArmDraft
from segstudio.ui.panels.compare import ComparePanel
from segstudio.ui.panels.curves import Series
from segstudio.ui.session import Session
from segstudio.ui.views.arm_curves import arm_color, together
from segstudio.ui.views.differences import CHANGE, GAP, SMALL, Interval, Intervals, scaled
from segstudio.ui.views.examples import ExampleRow
from segstudio.ui.views.numbers import change_text, p_text, short_change_text, with_minus
from segstudio.ui.views.pictures import compared, outlined, shrunk, small
from tests.ui.experiments import begin_comparison, finish_comparison, train_cells
from tests.ui.projects import make_project

WAIT = 20_000

Shown = Callable[..., ComparePanel]


@pytest.fixture
def session(qapp: object, tmp_path: Path) -> Iterator[Session]:
    session = Session(Project.open(make_project(tmp_path, 24), is_editor=True))
    yield session
    assert session.close()


@pytest.fixture
def queue(qapp: object) -> Iterator[JobQueue]:
    """A queue that never starts what waits in it: tests say themselves what its job says."""
    queue = JobQueue(lane_of=lambda _: "compute")
    queue._start_next = lambda lane: None  # type: ignore[method-assign]
    yield queue
    queue.shutdown()


def say(queue: JobQueue, record, event: str, **fields) -> None:
    """What a worker would have said of a job."""
    record.state = JobState.RUNNING
    queue._take_events([{"event": event, "id": record.id, **fields}])


@pytest.fixture
def shown(qtbot: QtBot, session: Session, queue: JobQueue) -> Iterator[Shown]:
    """Opens the panel and its view; their threads end before the project is closed, as in the window."""
    opened: list[ComparePanel] = []

    def show(of: Session = session) -> ComparePanel:
        panel = ComparePanel(of, queue)
        opened.append(panel)
        for widget in (panel.view, panel):
            qtbot.addWidget(widget)
        panel.resize(340, 860)
        panel.view.resize(800, 860)
        panel.show()
        panel.view.show()
        settle(qtbot, panel)
        return panel

    yield show
    for panel in opened:
        panel.close_threads()


def settle(qtbot: QtBot, panel: ComparePanel) -> None:
    one = panel.comparing
    qtbot.waitUntil(lambda: not one.is_busy and not one.view.is_busy and not one._reloading.isActive(), timeout=WAIT)


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_original_against_the_recipe_in_hand_is_planned_at_first(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    panel = shown().comparing
    assert [one["name"] for one in panel.values()["arms"]] == ["original", "flip"]
    session.project.settings.set("augment", {"recipe": "strong"})
    panel.hide()
    panel.show()
    assert [one.recipe for one in panel.arms.arms] == ["none", "strong"]
    panel.arms.add(ArmDraft(recipe="light"))
    session.project.settings.set("augment", {"recipe": "lens-dirt"})
    panel.hide()
    panel.show()
    assert [one.recipe for one in panel.arms.arms] == ["none", "strong", "light"], "a plan of the person's own stays"
    panel.arms.set_arms([ArmDraft(), ArmDraft(recipe="light")])
    panel.hide()
    panel.show()
    assert [one.recipe for one in panel.arms.arms] == ["none", "light"], "also one that looks like a proposal"


def test_what_is_planned_is_what_the_job_takes(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().comparing
    panel.arms.add(ArmDraft(preset="conv-unet-fast", options="learning_rate=0.01, batch=4"))
    panel.form.set_values({"repeats": 2, "epochs": 3, "limit": 5, "control": True, "metric": "dice", "flips": "all"})
    values = json.loads(json.dumps(panel.values()))
    JOBS["compare"].from_values(values)
    assert values["options"] == {"limit": 5}
    assert (values["metric"], values["flips"]) == ("dice", "all")
    assert values["arms"][2] == {
        "name": "conv-unet-fast-learning_rate-0.01-batch-", "preset": "conv-unet-fast", "recipe": "none",
        "options": {"learning_rate": "0.01", "batch": "4"},
    }  # fmt: skip
    qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    (record,) = queue.records
    assert (record.job, record.options) == ("compare", panel.values())
    assert not panel.start_button.isVisible()
    with pytest.raises(UserError, match="under way"):
        panel.start()


def test_the_plan_is_there_again_next_time(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().comparing
    panel.arms.set_arms([ArmDraft(), ArmDraft("mine", "strong", options="batch=2")])
    panel.form.set_values({"repeats": 7})
    panel.start()
    qtbot.waitUntil(lambda: session.project.settings.get("compare") is not None, timeout=WAIT)
    again = shown().comparing
    assert again.arms.arms == panel.arms.arms
    assert again.form.values()["repeats"] == 7
    session.project.settings.set("compare", {"arms": [{"no": 1}], "plan": 3})
    assert len(shown().comparing.arms.arms) == 2, "what cannot be read is the usual"


def test_arms_are_edited_in_the_form(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().comparing
    arms = panel.arms
    arms.list.setCurrentRow(1)
    arms.recipe_box.setCurrentIndex(arms.recipe_box.findData("strong"))
    arms.recipe_box.activated.emit(arms.recipe_box.currentIndex())
    arms.fold.unfold()
    QTest.keyClicks(arms.options_edit, "batch=4")
    assert arms.arms[1] == ArmDraft(recipe="strong", options="batch=4")
    assert arms.arms[1].title == "strong-batch-4"
    QTest.keyClicks(arms.name_edit, "original")
    assert not panel.start_button.isEnabled(), "two of one name"
    assert "two arms" in panel.start_button.toolTip()
    arms.name_edit.selectAll()
    QTest.keyClicks(arms.name_edit, "mine")
    assert panel.start_button.isEnabled()
    QTest.keyClicks(arms.options_edit, " nonsense")
    assert not panel.start_button.isEnabled()
    qtbot.mouseClick(arms.remove_button, Qt.MouseButton.LeftButton)
    assert [one.title for one in arms.arms] == ["original"]
    assert "two arms" in panel.start_button.toolTip()
    panel.form.set_values({"control": True})
    assert panel.start_button.isEnabled(), "the first against itself"
    assert not arms.remove_button.isEnabled()


def test_sub_groups_are_filters_and_a_wrong_one_is_said_at_once(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    panel = shown().comparing
    panel.form.set_values({"groups": ["name:lungs*", "foreground>0.2"]})
    values = json.loads(json.dumps(panel.values()))
    assert values["groups"] == ["name:lungs*", "foreground>0.2"]
    JOBS["compare"].from_values(values)
    panel.form.set_values({"groups": ["iou<a"]})
    assert "is not a number" in panel.form.errors["groups"]
    assert not panel.start_button.isEnabled()


def test_the_list_of_comparisons_is_read_without_scrolling_sideways(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    result = finish_comparison(session.project).result
    panel = shown().comparing
    assert result is not None
    header = panel.table.horizontalHeader()
    assert header.length() <= panel.table.viewport().width()
    cells = [str(panel.model.index(0, column).data()) for column in range(panel.model.columnCount())]
    assert cells[1] == f"{result['verdict']}\n{change_text(result['difference'])}"
    assert "original vs chest-xray\n2 repeats · " in cells[2]


@pytest.mark.parametrize("width", [320, 420, 900])
def test_an_interval_is_never_cut_however_narrow_it_is(qtbot: QtBot, width: int) -> None:
    view = Intervals()
    qtbot.addWidget(view)
    view.show_rows([Interval("a long name of an arm", -0.0555, -0.1234, 0.1234, "p = 0.639", is_main=True)])
    view.resize(width, view.sizeHint().height())
    view.grab()
    room = view._figures_width - GAP - CHANGE
    assert room >= QFontMetricsF(scaled(view.font(), SMALL)).horizontalAdvance(view.rows[0].ends)
    assert room < width / 2, "the name and the line are seen too"


def test_the_menu_adds_arms(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().comparing
    panel.arms._menu.aboutToShow.emit()
    recipes, nets, other = panel.arms._menu.actions()
    for action in (recipes.menu().actions()[0], recipes.menu().actions()[0], nets.menu().actions()[0], other):
        action.trigger()
    names = [one["name"] for one in panel.arms.values()]
    assert len(names) == len(set(names)) == 6


def test_how_long_it_will_take_is_said_when_it_is_known(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    panel = shown().comparing
    assert not panel.estimate.isVisible()
    options = preset("conv-unet-fast").options().model_dump()
    run = session.project.runs.create("conv-unet-fast", "conv-unet", options, "scratch")
    save_manifest([ManifestRow(n, f"{n}.png", "train", 0, "", "") for n in range(1, 13)], run.manifest)
    (run.folder / "metrics.csv").write_text("epoch,images_per_second,epoch_seconds\n1,1,25\n2,1,20\n3,1,20\n4,1,20\n")
    session.project.runs.update(run.id, status="finished", epochs=4, seconds=100.0)  # 20 of them once
    panel.preset_box.setCurrentIndex(panel.preset_box.findData("conv-unet-fast"))
    panel.form.set_values({"repeats": 3, "epochs": 4})
    qtbot.waitUntil(lambda: panel.estimate.text().startswith("6 trainings, about 10 min"), timeout=WAIT)
    panel.form.set_values({"control": True})
    assert panel.estimate.text().startswith("9 trainings, about 15 min")
    panel.form.set_values({"limit": 2, "epochs": 40})
    assert panel.estimate.text().startswith("9 trainings, about 1 h 3 min"), "a few images more often"


# --- following --------------------------------------------------------------------------------------------------------


def test_a_comparison_is_followed_cell_by_cell(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().comparing
    record = panel.start()
    say(queue, record, "progress", done=0, total=1, text="original, repeat 1 (1/4): epoch 1 of 4")
    comparison = begin_comparison(session.project)  # as the job does, in its own process
    say(queue, record, "metric", step=1, values={"original/0/val_iou": 0.5, "original/0/val_loss": 0.7})
    qtbot.waitUntil(lambda: panel.view.comparison is not None and not panel.view.is_busy, timeout=WAIT)
    assert panel.view.comparison.id == comparison.id
    assert panel.model.data(panel.model.index(0, 1)) == "running"
    assert panel.view.cells.isVisible()
    assert not panel.view.verdict.isVisible()
    chart = panel.view.curves.charts[0]
    assert chart.series["original"][0].values == [0.5], "what was told before the files were read is there"
    say(queue, record, "metric", step=2, values={"original/0/val_iou": 0.6})
    say(queue, record, "metric", step=1, values={"chest-xray/0/val_iou": 0.4, "no such/0/val_iou": 1, "odd": 2})
    assert chart.series["original"][0].values == [0.5, 0.6]
    assert chart.series["chest-xray"][0].values == [0.4]
    assert panel.view.cells.fraction("original", 0) == 0.5
    say(queue, record, "metric", step=4, values={"original/0/val_iou": 0.8})
    assert panel.view.cells.fraction("original", 0) == 1
    assert panel.view.cells.fraction("chest-xray", 0) == 0.25


def test_a_stopped_one_shows_how_far_it_came(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    train_cells(session.project, begin_comparison(session.project), 3)
    view = shown().comparing.view
    done = [view.cells.fraction(arm, repeat) for repeat in (0, 1) for arm in ("original", "chest-xray")]
    assert done == [1, 1, 1, 0]
    assert view.cells.accessibleName() == "3 of 4 trainings are done"
    assert len(view.curves.charts[1].series["original"][1].epochs) == 4


def test_the_end_is_shown_at_once(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    whole = shown()
    panel = whole.comparing
    record = panel.start()
    comparison = finish_comparison(session.project)
    say(queue, record, "finished", result={"comparison": comparison.id})
    settle(qtbot, whole)
    assert panel.view.comparison == comparison
    assert panel.view.verdict.isVisible()
    assert panel.start_button.isVisible()
    assert "0001 is finished" in panel.message.text()


def test_a_failure_is_said(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().comparing
    record = panel.start()
    say(queue, record, "failed", message="arm flip: no such thing", hint="make one")
    assert "no such thing" in panel.message.text()
    assert "make one" in panel.message.text()
    assert panel.start_button.isVisible()


def test_an_unfinished_one_goes_on_and_a_finished_one_is_extended(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    comparison = begin_comparison(session.project)
    panel = shown().comparing
    assert panel.resume_button.isVisible()
    assert not panel.extend_button.isVisible()
    qtbot.mouseClick(panel.resume_button, Qt.MouseButton.LeftButton)
    (record,) = queue.records
    assert record.options == {"resume": comparison.id}
    say(queue, record, "cancelled")
    finish_comparison(session.project)
    qtbot.waitUntil(lambda: len(panel.model.rows) == 2, timeout=WAIT)
    panel.table.selectRow(0)
    qtbot.waitUntil(panel.extend_button.isVisible, timeout=WAIT)  # the list may have been read before it was finished
    panel.more_box.setValue(3)
    qtbot.mouseClick(panel.extend_button, Qt.MouseButton.LeftButton)
    assert queue.records[-1].options == {"extend": 2, "repeats": 3}
    say(queue, queue.records[-1], "cancelled")
    qtbot.mouseClick(panel.rerun_button, Qt.MouseButton.LeftButton)
    assert queue.records[-1].options == {"rerun": 2}


def test_export_and_delete(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown, tmp_path: Path) -> None:
    comparison = finish_comparison(session.project)
    whole = shown()
    panel = whole.comparing
    panel.export_to(comparison, tmp_path / "page.html")
    (record,) = queue.records
    JOBS[record.job].from_values(record.options)
    assert record.options == {"comparison": 1, "to": str(tmp_path / "page.html")}
    say(queue, record, "finished", result={"comparison": 1, "path": str(tmp_path / "page.html")})
    assert panel.message.isVisible()
    assert panel.message.text() == f"The comparison is in {tmp_path / 'page.html'}."
    qtbot.mouseClick(panel.delete_button, Qt.MouseButton.LeftButton)
    settle(qtbot, whole)
    assert len(panel.model.rows) == 1, "nothing is deleted at the first press"
    assert "for good" in panel.delete_button.text()
    qtbot.mouseClick(panel.delete_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.model.rows and panel.view.comparison is None, timeout=WAIT)
    assert not comparison.folder.exists()


def test_what_is_deleted_is_what_was_asked_about(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    comparisons = [finish_comparison(session.project) for _ in range(2)]
    whole = shown()
    panel = whole.comparing
    panel.table.selectRow(0)
    qtbot.mouseClick(panel.delete_button, Qt.MouseButton.LeftButton)
    panel.table.selectRow(1)
    assert panel.delete_button.text() == "Delete"
    qtbot.mouseClick(panel.delete_button, Qt.MouseButton.LeftButton)
    settle(qtbot, whole)
    assert len(panel.model.rows) == 2
    assert all(one.folder.exists() for one in comparisons)


def test_a_project_that_is_read_only_can_be_looked_at(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown, tmp_path: Path
) -> None:
    finish_comparison(session.project)
    reader = Session(Project.open(session.project.folder, is_editor=True))
    assert reader.project.read_only
    panel = shown(reader).comparing
    assert panel.view.verdict.isVisible()
    buttons = (panel.start_button, panel.extend_button, panel.rerun_button, panel.delete_button, panel.export_button)
    assert not any(button.isEnabled() for button in buttons)
    assert reader.close()


# --- the view ---------------------------------------------------------------------------------------------------------


def test_nothing_yet_says_what_to_do(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown().comparing
    assert not panel.view.title.isVisible()
    assert panel.view.comparison is None


def test_the_result_is_all_there(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    comparison = finish_comparison(session.project, arms=("original", "chest-xray", "strong"))
    whole = shown()
    view = whole.comparing.view
    result = comparison.result
    assert view.verdict.text() == "chest-xray helps"
    assert result["verdict"] == "helps"
    assert with_minus(result["summary"]) == view.explanation.text()
    assert [row.label for row in view.effects.rows] == ["chest-xray", "strong"]
    assert [row.token for row in view.effects.rows] == ["good", "bad"]
    assert "95 % interval" in view.effects.accessibleName()
    assert len(view.dots.dots) == result["images"] == 6
    assert [dot.difference for dot in view.dots.dots] == sorted(dot.difference for dot in view.dots.dots)
    assert all(dot.low <= dot.difference <= dot.high for dot in view.dots.dots)
    assert [row.wanted.row["sample"] for row in view.helped.rows] == [one["sample"] for one in result["helped"][:4]]
    assert view.hurt.rows == []
    assert not view.hurt.isVisible()
    assert all(picture.has_image for row in view.helped.rows for picture in row.pictures)
    assert view.curves.charts[0].series["strong"][1].values == pytest.approx([0.3, 0.4, 0.5, 0.6])
    QAbstractItemModelTester(view.arms, QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert view.arms.index(0, 3).data() == f"{result['arms'][0]['mean']:.4f}"


def test_another_arm_has_other_images(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    finish_comparison(session.project, arms=("original", "chest-xray", "strong"))
    whole = shown()
    view = whole.comparing.view
    view.arm_box.setCurrentIndex(1)
    view.arm_box.activated.emit(1)
    settle(qtbot, whole)
    assert all(dot.difference < 0 for dot in view.dots.dots)
    assert view.helped.rows == []
    assert len(view.hurt.rows) == 4


def test_a_dot_shows_its_image_and_a_double_click_opens_it(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    finish_comparison(session.project)
    whole = shown()
    view = whole.comparing.view
    dot = view.dots.dots[2]
    plot = view.dots._plot

    def spot() -> QPoint:
        return plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(2, dot.difference)))

    def is_pointed_at() -> bool:
        # As a hand does, until it is there: the plot may still be laid out anew, and it passes over moves in haste.
        QTest.mouseMove(plot.viewport(), spot() + QPoint(1, 1))
        QTest.mouseMove(plot.viewport(), spot())
        return dot.words in view.dots._where.text()

    qtbot.waitUntil(is_pointed_at, timeout=WAIT)
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=spot())
    assert [row.wanted.row["sample"] for row in view.chosen.rows] == [dot.sample]
    settle(qtbot, whole)
    (row,) = view.chosen.rows
    assert all(picture.has_image for picture in row.pictures)
    with qtbot.waitSignal(whole.sample_opened, timeout=WAIT) as opened:
        QTest.mouseDClick(row.pictures[0], Qt.MouseButton.LeftButton)
    assert opened.args == [dot.sample]
    with qtbot.waitSignal(whole.sample_opened, timeout=WAIT):
        QTest.keyClick(row.pictures[3], Qt.Key.Key_Return)


def test_a_picture_that_is_gone_says_why_and_the_others_are_shown(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown
) -> None:
    comparison = finish_comparison(session.project)
    row = comparison.result["helped"][0]
    sample = session.project.samples.get(row["sample"])
    comparison.cell("original", row["repeat"])._prediction(sample).unlink()
    view = shown().comparing.view
    first, *others = view.helped.rows
    assert "missing" in first._words.text()
    assert isinstance(first, ExampleRow)
    assert all(picture.has_image for one in others for picture in one.pictures)


def test_scores_that_cannot_be_read_are_told(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    comparison = finish_comparison(session.project)
    comparison.results.write_text("sample\nx\n", encoding="utf-8")
    view = shown().comparing.view
    assert view.verdict.isVisible()
    assert "cannot be read" in view.notes.text()


def test_it_follows_the_theme(
    qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown, qapp: QApplication
) -> None:
    finish_comparison(session.project)
    view = shown().comparing.view
    QDir.addSearchPath("style", str(resource("style")))
    before = theme.choice()
    try:
        for choice in ("dark", "light"):
            theme.choose(choice, is_kept=False)
            qapp.processEvents()
            line = view.curves.charts[0]._lines[2]
            assert line.opts["pen"].color().name() == arm_color(0).name()
            assert theme.color("good").name() in view.verdict.styleSheet()
    finally:
        theme.choose(before, is_kept=False)


# --- parts ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.floats(0, 1), max_size=6), min_size=1, max_size=4))
def test_repeats_are_drawn_as_mean_and_range(repeats: list[list[float]]) -> None:
    shown = together(Series([float(n) for n in range(len(one))], one) for one in repeats)
    assert list(shown.epochs) == list(range(max(map(len, repeats))))
    assert (shown.low <= shown.mean + 1e-12).all()
    assert (shown.mean <= shown.high + 1e-12).all()
    for epoch in range(len(shown.epochs)):
        there = [one[epoch] for one in repeats if len(one) > epoch]
        assert (shown.low[epoch], shown.high[epoch]) == (min(there), max(there))


def test_why_nothing_can_be_listed_is_told(qtbot: QtBot, session: Session, queue: JobQueue, shown: Shown) -> None:
    panel = shown()
    assert panel.comparing.message.text() == ""
    connection = session.project.database.connection()
    connection.execute("ALTER TABLE setting RENAME TO away")
    session.take_job_end(frozenset({"comparisons"}))
    qtbot.waitUntil(lambda: "cannot be listed: no such table" in panel.comparing.message.text(), timeout=WAIT)
    connection.execute("ALTER TABLE away RENAME TO setting")


def test_figures_in_words() -> None:
    assert [change_text(one) for one in (0.0341, -0.0341, 0.0004, -0.0004)] == ["+0.034", "−0.034", "0", "0"]
    assert [short_change_text(one) for one in (0.345, -0.399, 0.004)] == ["+0.34", "−0.40", "0"]
    words = "by -0.0375 (95 % interval -0.39 to +0.29), seeds 0-2 of conv-unet-2"
    assert with_minus(words) == "by −0.0375 (95 % interval −0.39 to +0.29), seeds 0-2 of conv-unet-2"
    assert [p_text(one) for one in (None, 0.0131, 0.00099)] == ["", "p = 0.013", "p < 0.001"]


def test_the_axis_of_intervals_reaches_all_ends(qtbot: QtBot) -> None:
    widget = Intervals()
    qtbot.addWidget(widget)
    widget.show_rows([])
    widget.grab()
    widget.show_rows([Interval("a", 0.1, 0.05, 0.2, "p = 0.01", is_main=True), Interval("b", -0.3, -0.4, 0.01)])
    assert widget.reach >= 0.4
    assert [row.token for row in widget.rows] == ["good", "text_muted"]
    widget.resize(500, widget.sizeHint().height())
    assert not widget.grab().isNull()


@given(st.integers(1, 60), st.integers(1, 60), st.booleans(), st.integers(1, 40))
def test_small_pictures_keep_their_proportions(height: int, width: int, is_rgb: bool, side: int) -> None:
    image = np.full((height, width, 3) if is_rgb else (height, width), 100, np.uint8)
    mask = np.zeros((height, width), np.uint8)
    mask[: height // 2] = 1
    shown = small(image, mask, side)
    assert shown.rgb.shape == (*shrunk(image.shape, side), 3)
    assert max(shown.rgb.shape[:2]) == side
    assert outlined(shown.rgb, None, (1, 2, 3)).tolist() == shown.rgb.tolist()
    errors = compared(shown.rgb, shown.mask, 1 - shown.mask)
    assert (errors != shown.rgb).any()
