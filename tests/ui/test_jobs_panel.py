"""The queue and its panel, with a process that speaks the wire."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from segstudio.core.errors import UserError
from segstudio.jobs import JOBS
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, duration, topics_of
from segstudio.ui.panels.jobs import JobsModel, JobsPanel, log_text
from segstudio.ui.worker_thread import Patience

SCRIPT = [sys.executable, str(Path(__file__).with_name("scripted_worker.py"))]
IMPATIENT = Patience(cancel=0.3, close=0.5, terminate=0.3)
WAIT = 20_000


@pytest.fixture
def queue(qapp: object, tmp_path: Path) -> Iterator[JobQueue]:
    queue = JobQueue(command=SCRIPT, patience=IMPATIENT, lane_of=lambda name: "io" if name == "slow" else "compute")
    queue.project = tmp_path
    yield queue
    queue.shutdown()


def ends(record: JobRecord) -> Callable[[], bool]:
    return lambda: record.state.is_end


def runs(record: JobRecord) -> Callable[[], bool]:
    return lambda: bool(record.text)


def test_story_of_a_job(qtbot: QtBot, queue: JobQueue) -> None:
    told: list[tuple] = []
    queue.added.connect(lambda record: told.append(("added", record.state)))
    queue.metric.connect(lambda job_id, step, values: told.append(("metric", step, values["loss"])))
    queue.noted.connect(lambda job_id, subject, text: told.append(("note", subject, text)))
    queue.ended.connect(lambda record: told.append(("ended", record.state)))
    record = queue.submit("story", {"a": 1}, "A story")
    qtbot.waitUntil(ends(record), timeout=WAIT)
    assert told[0] == ("added", JobState.QUEUED)
    assert told[-1] == ("ended", JobState.FINISHED)
    assert ("metric", 4, pytest.approx(0.2)) in told
    assert ("note", "a.png", "is torn") in told
    assert record.result == {"kept": "best"}
    assert record.fraction == 1
    assert record.text == "step 4 of 4"
    assert record.notes == [("a.png", "is torn")]
    assert [step for step, _ in record.metrics] == [0, 1, 2, 3, 4]
    assert record.artifacts == [Path("/tmp/file")]
    assert record.seconds is not None
    assert record.seconds_left is None


def test_jobs_of_a_lane_run_one_after_the_other_and_lanes_beside_each_other(qtbot: QtBot, queue: JobQueue) -> None:
    first = queue.submit("until_cancelled", {})
    second = queue.submit("echo", {})
    beside = queue.submit("slow", {"seconds": 0})
    qtbot.waitUntil(ends(beside), timeout=WAIT)
    qtbot.waitUntil(runs(first), timeout=WAIT)
    assert first.state is JobState.RUNNING
    assert second.state is JobState.QUEUED
    assert queue.running() is first
    assert queue.running("echo") is second
    assert not queue.is_idle
    queue.cancel(first.id)
    qtbot.waitUntil(ends(second), timeout=WAIT)
    assert first.state is JobState.CANCELLED
    assert second.state is JobState.FINISHED
    assert queue.is_idle
    assert queue.running() is None


def test_waiting_job_is_cancelled_without_a_process(qtbot: QtBot, queue: JobQueue) -> None:
    first = queue.submit("until_cancelled", {})
    second = queue.submit("echo", {})
    queue.cancel(second.id)
    assert second.state is JobState.CANCELLED
    queue.cancel(first.id)
    qtbot.waitUntil(ends(first), timeout=WAIT)
    queue.cancel(first.id)  # an end is an end
    assert first.state is JobState.CANCELLED


def test_stop_that_keeps_the_best_is_a_finish(qtbot: QtBot, queue: JobQueue) -> None:
    record = queue.submit("keep_best", {})
    qtbot.waitUntil(runs(record), timeout=WAIT)
    queue.cancel(record.id)
    assert record.is_cancel_asked
    qtbot.waitUntil(ends(record), timeout=WAIT)
    assert record.state is JobState.FINISHED
    assert record.result == {"epochs": 1}


@pytest.mark.parametrize("name", ["deaf", "deaf_and_stubborn"])
def test_deaf_job_is_ended_and_the_next_one_works(qtbot: QtBot, queue: JobQueue, name: str) -> None:
    record = queue.submit(name, {})
    after = queue.submit("echo", {})
    qtbot.waitUntil(runs(record), timeout=WAIT)
    queue.cancel(record.id)
    qtbot.waitUntil(ends(after), timeout=WAIT)
    assert record.state is JobState.CANCELLED
    assert "did not stop" in record.message
    assert after.state is JobState.FINISHED
    assert not psutil.pid_exists(int(record.text))


def test_death_of_the_process_is_a_lost_job_and_the_next_one_works(qtbot: QtBot, queue: JobQueue) -> None:
    record, after = queue.submit("abort", {}), queue.submit("echo", {})
    qtbot.waitUntil(ends(after), timeout=WAIT)
    assert record.state is JobState.LOST
    assert "ended by" in record.message or "crashed" in record.message
    assert "the last words" in record.log
    assert after.state is JobState.FINISHED


def test_failure_says_what_is_wrong_and_what_to_do(qtbot: QtBot, queue: JobQueue) -> None:
    record = queue.submit("fail", {})
    qtbot.waitUntil(ends(record), timeout=WAIT)
    assert (record.state, record.message, record.hint) == (JobState.FAILED, "no such thing", "make one")
    assert "Hint: make one" in log_text(record)


def test_event_that_makes_no_sense_is_logged_and_passed_over(qtbot: QtBot, queue: JobQueue) -> None:
    record = queue.submit("garbage", {})
    qtbot.waitUntil(ends(record), timeout=WAIT)
    assert record.state is JobState.FINISHED
    assert any(line.startswith("not understood") for line in record.log)


def test_retry_is_a_new_job_with_the_same_options(qtbot: QtBot, queue: JobQueue) -> None:
    record = queue.submit("echo", {"a": 1}, "Once")
    qtbot.waitUntil(ends(record), timeout=WAIT)
    again = queue.retry(record.id)
    qtbot.waitUntil(ends(again), timeout=WAIT)
    assert again.id != record.id
    assert again.title == "Once"
    assert again.result["options"] == {"a": 1}


def test_job_needs_a_project_and_a_name(qapp: object) -> None:
    queue = JobQueue()
    with pytest.raises(UserError, match="no job called"):
        queue.submit("nonsense", {}, project=Path())
    with pytest.raises(ValueError, match="without a project"):
        queue.submit("check", {})
    queue.shutdown()


def test_shutdown_ends_what_runs_and_forgets_what_waits(qtbot: QtBot, tmp_path: Path) -> None:
    queue = JobQueue(command=SCRIPT, patience=IMPATIENT, lane_of=lambda name: name)
    deaf = queue.submit("deaf", {}, project=tmp_path)
    queue.submit("echo", {}, project=tmp_path)
    waiting = queue.submit("deaf", {}, project=tmp_path)
    qtbot.waitUntil(runs(deaf), timeout=WAIT)
    queue.shutdown()
    assert waiting.state is JobState.CANCELLED
    assert not psutil.pid_exists(int(deaf.text))
    queue.shutdown()


@pytest.fixture
def waiting(qtbot: QtBot, queue: JobQueue) -> list[JobRecord]:
    """Three jobs that wait behind one that runs, and one of another lane that does not care."""
    first = queue.submit("until_cancelled", {})
    jobs = [queue.submit("echo", {"n": number}, f"Job {number}") for number in range(3)]
    qtbot.waitUntil(runs(first), timeout=WAIT)
    return jobs


def test_waiting_jobs_run_in_the_order_they_were_given(qtbot: QtBot, queue: JobQueue, waiting: list[JobRecord]) -> None:
    moved: list[JobRecord] = []
    ended: list[str] = []
    queue.moved.connect(moved.append)
    queue.ended.connect(lambda record: ended.append(record.title))
    a, b, c = waiting
    queue.place(c.id, 0)
    assert queue.waiting("compute") == [c, a, b]
    queue.place(c.id, 1)
    queue.place(b.id, -5)
    queue.place(a.id, 99)
    assert queue.waiting("compute") == [b, c, a]
    assert moved == [c, c, b, a]
    queue.place(a.id, 2)
    assert len(moved) == 4, "it is there already"
    running = queue.running()
    queue.place(running.id, 1)
    assert queue.records[0] is running, "what runs stays where it is"
    queue.cancel(running.id)
    qtbot.waitUntil(lambda: queue.is_idle, timeout=WAIT)
    assert ended[1:] == ["Job 1", "Job 2", "Job 0"]
    queue.place(a.id, 0)
    assert len(moved) == 4, "what has ended stays too"


@given(moves=st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 8)), max_size=12))
def test_the_model_follows_every_move(moves: list[tuple[int, int]]) -> None:
    queue = JobQueue(command=["nothing-is-started"], lane_of=lambda name: name)
    queue._running = {"a": None, "b": None}  # both lanes are busy
    records = [queue.submit("ab"[number % 2], {}, project=Path()) for number in range(6)]
    model = JobsModel(queue)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for number, place in moves:
        before = queue.waiting(records[number].lane)
        queue.place(records[number].id, place)
        assert model.rows == queue.records[::-1]
        after = queue.waiting(records[number].lane)
        assert after.index(records[number]) == min(max(place, 0), 2)
        assert [one for one in after if one is not records[number]] == [
            one for one in before if one is not records[number]
        ]
    del tester


def running_record(monkeypatch: pytest.MonkeyPatch) -> tuple[JobRecord, list[float]]:
    now = [100.0]
    monkeypatch.setattr("segstudio.ui.job_queue.time.monotonic", lambda: now[0])
    return JobRecord("1", "train", "Train", {}, Path(), "compute", state=JobState.RUNNING, started=60.0), now


def test_time_left_is_told_as_soon_as_there_is_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    record, now = running_record(monkeypatch)
    assert record.seconds_left is None
    record.advance(10, 100, "after a long start")
    assert record.seconds_left is None
    now[0] += 10
    record.advance(30, 100, "two a second")
    assert record.seconds_left == pytest.approx(35)
    record.advance(29.9, 100, "a step back is no new beginning")
    assert record.seconds_left is not None
    record.advance(0, 50, "a second phase")
    assert record.seconds_left is None
    assert record.seconds == 50


def test_time_left_forgets_how_long_the_beginning_took(monkeypatch: pytest.MonkeyPatch) -> None:
    record, now = running_record(monkeypatch)
    record.advance(0, 1000, "loading")
    for _ in range(100):  # a hundred seconds of nothing, then one a second
        now[0] += 1
        record.advance(0, 1000, "loading")
    for done in range(1, 201):
        now[0] += 1
        record.advance(done, 1000, "at work")
    assert record.seconds_left == pytest.approx(800, rel=0.01)


def test_time_left_goes_by_what_is_even_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    record, now = running_record(monkeypatch)
    record.take_pace(is_even=False)
    for done in (0, 20, 40):
        now[0] += 1
        record.advance(done, 1000, "reading")
    assert record.seconds_left is None, "how fast it reads says nothing about how fast it learns"
    now[0] += 500
    record.take_pace(is_even=True)
    record.advance(40, 1000, "the first step is done")
    assert record.seconds_left is None
    now[0] += 4
    record.advance(50, 1000, "steps")
    assert record.seconds_left == pytest.approx(380)
    record.advance(1000, 1000, "saving")
    assert record.seconds_left is None, "rather than 0 s for as long as that takes"


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 1)), max_size=50))
def test_time_left_is_never_negative(course: list[tuple[float, float]]) -> None:
    record = JobRecord("1", "train", "Train", {}, Path(), "compute", state=JobState.RUNNING)
    now = 0.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("segstudio.ui.job_queue.time.monotonic", lambda: now)
        for pause, done in course:
            now += pause
            record.advance(done, 1.0, "")
            left = record.seconds_left
            assert left is None or left >= 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (100, "1 min 40 s"), (600, "10 min"), (3599, "59 min"), (7500, "2 h 5 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_every_job_says_what_it_changes() -> None:
    for job in JOBS:
        record = JobRecord("1", job.name, job.title, {}, Path(), job.lane)
        assert topics_of(record) == job.topics


# the panel


def test_model_keeps_qt_rules(qtbot: QtBot, queue: JobQueue) -> None:
    model = JobsModel(queue)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    record, other = queue.submit("story", {}), queue.submit("fail", {})
    qtbot.waitUntil(lambda: record.state.is_end and other.state.is_end, timeout=WAIT)
    assert model.rowCount() == 2
    assert model.record(0) is other
    assert model.data(model.index(0, 1)) == "failed"
    assert model.data(model.index(0, 2)) == "no such thing"
    del tester


def test_empty_panel_says_what_will_come(qtbot: QtBot, queue: JobQueue) -> None:
    panel = JobsPanel(queue)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.table.isVisible()
    record = queue.submit("echo", {})
    assert panel.table.isVisible()
    qtbot.waitUntil(ends(record), timeout=WAIT)


def test_panel_follows_cancels_and_retries(qtbot: QtBot, queue: JobQueue) -> None:
    panel = JobsPanel(queue)
    qtbot.addWidget(panel)
    panel.show()
    counts: list[int] = []
    panel.count_changed.connect(counts.append)
    record = queue.submit("until_cancelled", {}, "Wait")
    assert panel.selected() is record
    qtbot.waitUntil(runs(record), timeout=WAIT)
    assert panel.cancel_button.isEnabled()
    assert not panel.retry_button.isEnabled()
    qtbot.mouseClick(panel.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(ends(record), timeout=WAIT)
    assert counts == [1, 0]
    assert not panel.cancel_button.isEnabled()
    qtbot.mouseClick(panel.retry_button, Qt.MouseButton.LeftButton)
    again = panel.selected()
    assert again is not None
    assert again is not record
    queue.cancel(again.id)
    qtbot.waitUntil(ends(again), timeout=WAIT)


def test_log_shows_the_last_words_of_a_lost_job(qtbot: QtBot, queue: JobQueue) -> None:
    panel = JobsPanel(queue)
    qtbot.addWidget(panel)
    panel.show()
    queue.submit("abort", {}, "Doomed")
    qtbot.waitUntil(lambda: "the last words" in panel.log.toPlainText(), timeout=WAIT)
    qtbot.mouseClick(panel.copy_button, Qt.MouseButton.LeftButton)
    assert "Doomed: lost" in QGuiApplication.clipboard().text()


def test_selection_stays_while_the_selected_job_runs(qtbot: QtBot, queue: JobQueue) -> None:
    panel = JobsPanel(queue)
    qtbot.addWidget(panel)
    first = queue.submit("until_cancelled", {})
    queue.submit("echo", {})
    assert panel.selected() is first
    queue.cancel(first.id)
    qtbot.waitUntil(lambda: queue.is_idle, timeout=WAIT)


def test_a_waiting_job_is_moved_by_buttons_and_keys(qtbot: QtBot, queue: JobQueue, waiting: list[JobRecord]) -> None:
    panel = JobsPanel(queue)
    qtbot.addWidget(panel)
    panel.show()
    a, b, c = waiting
    panel.select(c)
    assert panel.sooner_button.isVisible()
    assert not panel.later_button.isEnabled()
    qtbot.mouseClick(panel.sooner_button, Qt.MouseButton.LeftButton)
    assert queue.waiting("compute") == [a, c, b]
    assert panel.selected() is c
    assert panel.later_button.isEnabled()
    panel.table.setFocus()
    panel.activateWindow()
    qtbot.waitUntil(panel.table.hasFocus)
    qtbot.keyClick(panel.table, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert queue.waiting("compute") == [c, a, b]
    assert not panel.sooner_button.isEnabled()
    qtbot.keyClick(panel.table, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert queue.waiting("compute") == [a, c, b]
    panel.select(queue.records[0])
    assert not panel.sooner_button.isVisible(), "what runs cannot be moved"


def test_a_waiting_job_is_dragged(queue: JobQueue, waiting: list[JobRecord], qtbot: QtBot) -> None:
    model = JobsModel(queue)
    a, b, c = waiting
    assert [model.record(row) for row in range(4)] == [c, b, a, queue.records[0]]
    flags = [bool(model.flags(model.index(row, 0)) & Qt.ItemFlag.ItemIsDragEnabled) for row in range(4)]
    assert flags == [True, True, True, False]
    nowhere = QModelIndex()

    def drop(record: JobRecord, row: int) -> None:
        data = model.mimeData([model.index(model.rows.index(record), 0)])
        model.dropMimeData(data, Qt.DropAction.MoveAction, row, 0, nowhere)

    drop(c, 2)  # between b and a
    assert queue.waiting("compute") == [a, c, b]
    drop(b, 4)  # below the job that runs
    assert queue.waiting("compute") == [b, a, c]
    drop(b, 0)
    assert queue.waiting("compute") == [a, c, b]
    drop(a, -1)  # behind the last row
    assert queue.waiting("compute") == [a, c, b]


def test_job_of_the_real_worker(qtbot: QtBot, tmp_path: Path) -> None:
    queue = JobQueue()
    record = queue.submit("generate", {"count": 2}, project=tmp_path / "Снимки")
    qtbot.waitUntil(ends(record), timeout=60_000)
    assert record.state is JobState.FINISHED, log_text(record)
    assert record.result["count"] == 2
    assert len(list((tmp_path / "Снимки" / "images").iterdir())) == 2
    again = queue.retry(record.id)
    qtbot.waitUntil(ends(again), timeout=60_000)
    assert again.state is JobState.FAILED
    assert "is not empty" in again.message
    queue.shutdown()
