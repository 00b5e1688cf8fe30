"""The job queue of the window: what was asked for, what runs, what became of it. One worker thread per lane."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal, Slot

from segstudio.core.duration import duration as duration
from segstudio.core.steering import PAUSED
from segstudio.jobs import JOBS
from segstudio.project.topics import Topics
from segstudio.ui.worker_thread import Loss, Patience, WorkerThread

LOG_LINES = 1000
"""How many lines of a job's log are kept."""

DISCOVERY_MS = 1000
"""After the start of the window, when it has painted its first image."""

RECORDS = 500
"""How many ended jobs are kept in the list."""


class JobState(StrEnum):
    """Where a job stands; the last four are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(eq=False)
class JobRecord:
    """One job of the queue, as far as the window knows.

    Attributes:
        id: Unique in this window.
        job: The job's name in the registry.
        title: What the window calls it.
        options: Its options, as plain values.
        project: The project folder.
        lane: Jobs of one lane run one after the other.
        state: Where it stands.
        done: How much of `total` is done.
        total: 0 while unknown.
        text: What the job says it is at.
        started: Monotonic seconds, None before it runs.
        ended: Monotonic seconds, None before its end.
        result: What `perform` returned.
        message: What is wrong, when it failed or was lost.
        hint: What to do about it.
        traceback: The traceback of a bug of ours, or empty.
        log: The last lines the job or its process said.
        notes: (subject, text) of all that was left out.
        metrics: (step, values) of every point of its curves.
        artifacts: Files it has written.
        is_cancel_asked: Whether the user wants it to stop.
        is_even: Whether the time left can be told from how far it is.
    """

    id: str
    job: str
    title: str
    options: dict[str, Any]
    project: Path
    lane: str
    state: JobState = JobState.QUEUED
    done: float = 0.0
    total: float = 0.0
    text: str = ""
    started: float | None = None
    ended: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    hint: str = ""
    traceback: str = ""
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    notes: list[tuple[str, str]] = field(default_factory=list)
    metrics: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    artifacts: list[Path] = field(default_factory=list)
    is_cancel_asked: bool = False
    is_even: bool = True
    _course: list[tuple[float, float]] = field(default_factory=list)  # (monotonic seconds, done), one a second

    @property
    def fraction(self) -> float | None:
        """How much is done, 0 to 1, or None while unknown."""
        return min(self.done / self.total, 1.0) if self.total > 0 else None

    @property
    def is_paused(self) -> bool:
        """Whether it waits because a person wants it to."""
        return self.state is JobState.RUNNING and self.text.endswith(PAUSED)

    @property
    def seconds(self) -> float | None:
        """How long it has run, or ran."""
        if self.started is None:
            return None
        return (self.ended or time.monotonic()) - self.started

    @property
    def seconds_left(self) -> float | None:
        """How long it will still run at the rate of late, or None while that cannot be told.

        The rate is that of the last half of its time: reading files and loading libraries do not repeat.
        """
        if self.state is not JobState.RUNNING or self.is_paused or not self.is_even or len(self._course) < 2:
            return None
        if self.done >= self.total:
            return None  # what is done after the end is not counted
        now, begun = time.monotonic(), self._course[0][0]
        since = min(now - 10, (now + begun) / 2)
        then, done_then = next((point for point in self._course if point[0] >= since), self._course[-1])
        if self.done <= done_then or now - then < 1:
            then, done_then = self._course[0]
        if self.done <= done_then or now <= then:
            return None
        return (self.total - self.done) * (now - then) / (self.done - done_then)

    def advance(self, done: float, total: float, text: str) -> None:
        """Take in a progress event."""
        # A little back is rounding, far back is another phase of the job; during a pause nothing is done.
        if done < self.done - total / 100 or total != self.total or self.is_paused:
            self._course.clear()
        now = time.monotonic()
        if not self._course or now - self._course[-1][0] >= 1:
            self._course.append((now, done))
        self.done, self.total, self.text = done, total, text

    def take_pace(self, *, is_even: bool) -> None:
        """Tell the time left by what follows alone, or not at all."""
        self.is_even = is_even
        self._course.clear()


class JobQueue(QObject):
    """Takes jobs and runs those of one lane in order, each lane in its own worker process.

    Signals:
        added: A JobRecord was put in the queue.
        changed: Something of a JobRecord changed; at most once per batch of events.
        metric: (job id, step, values) a point of the curves.
        noted: (job id, subject, text) something was left out.
        ended: A JobRecord reached its end; comes after `changed`.
        moved: A JobRecord waits at another place now.
    """

    added = Signal(object)
    changed = Signal(object)
    metric = Signal(str, int, object)
    noted = Signal(str, str, str)
    ended = Signal(object)
    moved = Signal(object)

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        command: Sequence[str] | None = None,
        patience: Patience | None = None,
        lane_of: Callable[[str], str] | None = None,
    ) -> None:
        """Make an empty queue; no process is started before the first job.

        Args:
            parent: Qt parent.
            command: Program and arguments of the compute process; the program's own worker when None.
            patience: How long the process may take to stop.
            lane_of: The lane of a job's name; from the registry when None.
        """
        super().__init__(parent)
        self.project: Path | None = None  # of jobs submitted without one
        self._command = command
        self._patience = patience
        self._lane_of = lane_of or (lambda name: JOBS[name].lane)
        self._records: dict[str, JobRecord] = {}
        self._lanes: dict[str, WorkerThread] = {}
        self._running: dict[str, JobRecord] = {}  # by lane
        self._number = 0
        self._is_shut = False
        if lane_of is None:
            # Every job's module is imported at the first look-up: better before the first click than in it.
            QTimer.singleShot(DISCOVERY_MS, self, _discover)
        application = QCoreApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.shutdown)

    @property
    def records(self) -> list[JobRecord]:
        """All jobs: those of one lane in the order in which they run, else the oldest first."""
        return list(self._records.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return all(record.state.is_end for record in self._records.values())

    def __getitem__(self, job_id: str) -> JobRecord:
        return self._records[job_id]

    def running(self, job: str | None = None) -> JobRecord | None:
        """The job that runs (the compute lane's first), or the one of that name that runs or waits."""
        if job is not None:
            open_ones = (record for record in self._records.values() if not record.state.is_end)
            return next((record for record in open_ones if record.job == job), None)
        return self._running.get("compute") or next(iter(self._running.values()), None)

    def submit(self, job: str, options: dict[str, Any], title: str = "", project: Path | None = None) -> JobRecord:
        """Put a job in the queue; it starts as soon as its lane is free.

        Raises:
            UserError: When there is no such job.
            ValueError: When no project is named, neither here nor by `self.project`.
        """
        folder = project or self.project
        if folder is None:
            raise ValueError(f"job {job!r} was submitted without a project")
        lane = self._lane_of(job)
        self._number += 1
        record = JobRecord(str(self._number), job, title or title_of(job), dict(options), folder, lane)
        self._records[record.id] = record
        self._drop_old()
        self.added.emit(record)
        self._start_next(lane)
        return record

    def cancel(self, job_id: str) -> None:
        """Stop a job: a waiting one is taken out, a running one is asked; asked twice, its process is ended."""
        record = self._records[job_id]
        if record.state is JobState.QUEUED:
            self._end(record, JobState.CANCELLED)
        elif record.state is JobState.RUNNING:
            record.is_cancel_asked = True
            self._lanes[record.lane].cancel(job_id)
            self.changed.emit(record)

    def refuse(self, job_id: str, message: str, hint: str = "") -> None:
        """End a waiting job before it begins, because of what is known by now; one that runs is not touched."""
        record = self._records[job_id]
        if record.state is JobState.QUEUED:
            record.message, record.hint = message, hint
            self._end(record, JobState.FAILED)

    def waiting(self, lane: str) -> list[JobRecord]:
        """The jobs that wait for a lane, the one that runs next first."""
        return [one for one in self._records.values() if one.lane == lane and one.state is JobState.QUEUED]

    def place(self, job_id: str, place: int) -> None:
        """Let a waiting job run as the `place`-th of those that wait for its lane, 0 being the next one.

        A job that does not wait any more stays where it is.
        """
        record = self._records[job_id]
        others = [one for one in self.waiting(record.lane) if one is not record]
        if record.state is not JobState.QUEUED or not others:
            return
        place = min(max(place, 0), len(others))
        order = [one for one in self._records.values() if one is not record]
        order.insert(order.index(others[place]) if place < len(others) else order.index(others[-1]) + 1, record)
        if order != self.records:
            self._records = {one.id: one for one in order}
            self.moved.emit(record)

    def retry(self, job_id: str) -> JobRecord:
        """Submit a job once more with the same options."""
        old = self._records[job_id]
        return self.submit(old.job, old.options, old.title, old.project)

    @Slot()
    def shutdown(self) -> None:
        """End all processes and threads and wait for them; afterwards nothing can be submitted."""
        self._is_shut = True
        for record in self._records.values():
            if record.state is JobState.QUEUED:
                record.state = JobState.CANCELLED
        for thread in self._lanes.values():
            thread.close()
        for thread in self._lanes.values():
            thread.join()
        self._lanes.clear()
        self._running.clear()

    def _start_next(self, lane: str) -> None:
        if self._is_shut or lane in self._running:
            return
        record = next(iter(self.waiting(lane)), None)
        if record is None:
            return
        self._running[lane] = record
        record.state, record.started = JobState.RUNNING, time.monotonic()
        self._thread(lane).send(record.id, record.job, record.project, record.options)
        self.changed.emit(record)

    def _thread(self, lane: str) -> WorkerThread:
        if lane not in self._lanes:
            thread = WorkerThread(self._command, self._patience)
            thread.setObjectName(f"{lane} worker")
            thread.received.connect(self._take_events)
            thread.lost.connect(self._take_loss)
            self._lanes[lane] = thread
        return self._lanes[lane]

    @Slot(object)
    def _take_events(self, events: list[dict[str, Any]]) -> None:
        touched: dict[str, JobRecord] = {}
        for event in events:
            record = self._records.get(str(event.get("id", "")))
            take = getattr(self, f"_take_{event['event']}", None) if event["event"] in _EVENTS else None
            if record is None or take is None or record.state.is_end:
                continue
            touched[record.id] = record
            try:
                take(record, event)
            except (KeyError, TypeError, ValueError):
                record.log.append(f"not understood: {event}")
        for record in touched.values():
            if not record.state.is_end:
                self.changed.emit(record)

    def _take_progress(self, record: JobRecord, event: dict[str, Any]) -> None:
        record.advance(float(event["done"]), float(event["total"]), str(event.get("text", "")))

    def _take_pace(self, record: JobRecord, event: dict[str, Any]) -> None:
        record.take_pace(is_even=bool(event["is_even"]))

    def _take_metric(self, record: JobRecord, event: dict[str, Any]) -> None:
        point = (int(event["step"]), dict(event["values"]))
        record.metrics.append(point)
        self.metric.emit(record.id, *point)

    def _take_note(self, record: JobRecord, event: dict[str, Any]) -> None:
        note = (str(event["subject"]), str(event["text"]))
        record.notes.append(note)
        self.noted.emit(record.id, *note)

    def _take_artifact(self, record: JobRecord, event: dict[str, Any]) -> None:
        record.artifacts.append(Path(event["path"]))

    def _take_log(self, record: JobRecord, event: dict[str, Any]) -> None:
        record.log.extend(str(event["text"]).splitlines())

    def _take_finished(self, record: JobRecord, event: dict[str, Any]) -> None:
        record.result = dict(event.get("result") or {})
        self._end(record, JobState.FINISHED)

    def _take_cancelled(self, record: JobRecord, _event: dict[str, Any]) -> None:
        self._end(record, JobState.CANCELLED)

    def _take_failed(self, record: JobRecord, event: dict[str, Any]) -> None:
        record.message, record.hint = str(event.get("message", "")), str(event.get("hint") or "")
        record.traceback = str(event.get("traceback") or "")
        self._end(record, JobState.FAILED)

    @Slot(object)
    def _take_loss(self, loss: Loss) -> None:
        record = self._records.get(loss.job_id)
        if record is None or record.state.is_end:
            return
        record.message, record.hint = loss.message, loss.hint
        record.log.extend(loss.tail.splitlines())
        self._end(record, JobState.CANCELLED if loss.is_wanted else JobState.LOST)

    def _end(self, record: JobRecord, state: JobState) -> None:
        record.state, record.ended = state, time.monotonic()
        if self._running.get(record.lane) is record:
            del self._running[record.lane]
        self.changed.emit(record)
        self.ended.emit(record)
        self._start_next(record.lane)

    def _drop_old(self) -> None:
        surplus = len(self._records) - RECORDS
        for record in [record for record in self._records.values() if record.state.is_end][: max(surplus, 0)]:
            del self._records[record.id]


_EVENTS = frozenset({"progress", "pace", "metric", "note", "artifact", "log", "finished", "cancelled", "failed"})


def _discover() -> None:
    threading.Thread(target=JOBS.names, name="discover jobs", daemon=True).start()


def title_of(job: str) -> str:
    """What the window calls the job of that name."""
    return JOBS[job].title if job in JOBS else job


def trouble_of(job: str) -> str:
    """What a message about a job that came to nothing is about: the next job of its kind takes it away."""
    return f"job {job}"


def topics_of(record: JobRecord) -> Topics:
    """What the job may have changed in its project, for `Project.changed`."""
    return JOBS[record.job].topics if record.job in JOBS else frozenset()
