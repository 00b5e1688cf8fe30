"""The GPU worker thread: a QThread that owns the compute process and speaks the wire with it.

TensorFlow runs in a process of its own, because inside the window's process it would hold the interpreter for half a
second at a time, keep GPU memory until the end, and take unsaved strokes with it when it aborts. This thread starts
that process, writes job lines, reads event lines, and brings up a new process when the old one has died. The window
hears of it through signals alone and never waits.
"""

import atexit
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil
from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Qt, QThread, QTimer, Signal, Slot

from segstudio.jobs import JOBS

TAIL_BYTES = 8 * 1024
"""How much of the process's standard error is kept, to tell why it died."""

LONGEST_LINE = 16 * 1024 * 1024
"""A longer line is no event; it is dropped rather than kept in memory for ever."""

ENDS = frozenset({"finished", "cancelled", "failed"})
"""The events of which exactly one ends every job."""


@dataclass(frozen=True)
class Patience:
    """How long the compute process may take, in seconds.

    Attributes:
        cancel: From the wish to cancel until the process is terminated, without an end of the job.
        close: From the end of its input until it is terminated.
        terminate: From terminate until kill.
        idle: Without a job until it is let go, so that its GPU memory and RAM are free for others.
    """

    cancel: float = 60.0
    close: float = 3.0
    terminate: float = 2.0
    idle: float = 900.0


@dataclass(frozen=True)
class Loss:
    """A job that ended without an end, because its process died.

    Attributes:
        job_id: The job.
        message: What happened to the process.
        hint: What to do about it; may be empty.
        tail: The last of the process's standard error.
        is_wanted: Whether it was ended here, because it did not heed a cancel.
    """

    job_id: str
    message: str
    hint: str
    tail: str
    is_wanted: bool


class Lines:
    """Puts the chunks of a byte stream together to lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that `chunk` completes, without their ends."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self._rest = b""
        return [line.rstrip(b"\r") for line in lines]


def parse_event(line: bytes) -> dict[str, Any] | None:
    """The event of one line of the wire, or None for anything else."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def worker_command() -> list[str]:
    """Program and arguments of the compute process."""
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        return [str(program.with_name(f"segstudio-worker{program.suffix}"))]
    # -P: a file called random.py in the folder the user started from must not become our module.
    return [sys.executable, "-P", "-m", "segstudio.worker"]


class ComputeProcess(QObject):
    """The process and its conversation; lives in the worker thread, where all its slots run."""

    started = Signal(int)  # process id
    received = Signal(object)  # list of events in order, as many as came in one read
    lost = Signal(object)  # Loss
    closed = Signal()

    def __init__(self, command: Sequence[str], patience: Patience) -> None:
        super().__init__()
        self._command = list(command)
        self._patience = patience
        self._process: QProcess | None = None
        self._lines = Lines()
        self._tail = b""
        self._job: dict[str, Any] | None = None  # sent and not ended
        self._waiting: dict[str, Any] | None = None  # to be sent when the leaving process is gone
        self._is_warm = False  # the job was sent to a process that had been there before
        self._has_begun = False
        self._is_cancelled = False
        self._is_leaving = False
        self._is_closing = False
        self._grace = self._timer(self._terminate)
        self._kill_timer = self._timer(self._kill)
        self._idle = self._timer(self._leave)

    def _timer(self, slot: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(slot)
        return timer

    @Slot(object)
    def serve(self, job: dict[str, Any]) -> None:
        """Send a job, to a new process when there is none; only when the one before has ended."""
        self._idle.stop()
        if self._is_leaving:
            self._waiting = job
            return
        self._job, self._has_begun, self._is_cancelled = job, False, False
        self._is_warm = self._process is not None
        if self._process is None:
            self._process = self._start()
        self._write(job)

    @Slot(str)
    def cancel(self, job_id: str) -> None:
        """Ask the job to stop; a second wish ends the process at once."""
        if self._waiting and self._waiting["id"] == job_id:
            self._waiting = None
            self.received.emit([{"event": "cancelled", "id": job_id}])
        elif self._job and self._job["id"] == job_id:
            if self._is_cancelled:
                self._terminate()
            else:
                self._is_cancelled = True
                self._write({"cancel": job_id})
                self._grace.start(_milliseconds(self._patience.cancel))

    @Slot()
    def close(self) -> None:
        """Let the process finish and go; `closed` is emitted when it is gone, at the latest after all patience."""
        self._is_closing = True
        self._waiting = None
        if self._process is None:
            self.closed.emit()
        else:
            self._leave()

    def _start(self) -> QProcess:
        process = QProcess(self)
        process.setProcessEnvironment(_environment())
        process.readyReadStandardOutput.connect(self._read_events)
        process.readyReadStandardError.connect(self._read_tail)
        process.errorOccurred.connect(self._on_error)
        process.finished.connect(self._on_finished)
        process.started.connect(self._on_started)
        self._lines, self._tail = Lines(), b""
        process.start(self._command[0], self._command[1:])
        return process

    def _write(self, message: dict[str, Any]) -> None:
        if self._process is not None:
            self._process.write(json.dumps(message, ensure_ascii=False, default=str).encode() + b"\n")

    @Slot()
    def _on_started(self) -> None:
        if self._process is not None:
            pid = self._process.processId()
            _lower_priority(pid)
            self.started.emit(pid)

    @Slot()
    def _read_events(self) -> None:
        if self._process is None:
            return
        events = []
        for line in self._lines.feed(bytes(self._process.readAllStandardOutput().data())):
            event = parse_event(line)
            if event is None:
                self._keep_tail(line + b"\n")
                continue
            self._follow(event)
            events.append(event)
        if events:
            self.received.emit(events)

    def _follow(self, event: dict[str, Any]) -> None:
        if not self._job or event.get("id") != self._job["id"]:
            return
        self._has_begun = True
        if event["event"] in ENDS:
            self._job = None
            if not self._is_leaving:
                self._grace.stop()
                self._idle.start(_milliseconds(self._patience.idle))

    @Slot()
    def _read_tail(self) -> None:
        if self._process is not None:
            self._keep_tail(bytes(self._process.readAllStandardError().data()))

    def _keep_tail(self, chunk: bytes) -> None:
        self._tail = (self._tail + chunk)[-TAIL_BYTES:]

    @Slot()
    def _leave(self) -> None:
        """End of input: the process finishes by itself, or is made to."""
        if self._process is not None and not self._is_leaving:
            self._is_leaving = True
            self._process.closeWriteChannel()
            self._grace.start(_milliseconds(self._patience.close))

    @Slot()
    def _terminate(self) -> None:
        if self._process is not None:
            self._is_leaving = True
            self._grace.stop()
            self._process.terminate()
            self._kill_timer.start(_milliseconds(self._patience.terminate))

    @Slot()
    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    @Slot(QProcess.ProcessError)
    def _on_error(self, error: QProcess.ProcessError) -> None:
        # Every other error is followed by `finished`.
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            said = self._process.errorString()
            self._forget_process()
            self._report_loss(f"the compute process could not be started: {said}", "is the installation complete?")
            self._go_on()

    @Slot(int, QProcess.ExitStatus)
    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read_events()
        self._read_tail()
        self._forget_process()
        if self._is_warm and not self._has_begun and not self._is_cancelled:
            # It had died unnoticed before the job reached it: not the job's fault.
            self._waiting, self._job = self._job, None
        name = "" if self._job is None else str(self._job["job"])
        uses_network = name not in JOBS or JOBS[name].lane == "compute"
        is_crash = status == QProcess.ExitStatus.CrashExit
        self._report_loss(*describe_death(code, is_crash=is_crash, uses_network=uses_network))
        self._go_on()

    def _report_loss(self, message: str, hint: str) -> None:
        if self._job is None:
            return
        if self._is_cancelled:
            message, hint = "it did not stop by itself and was ended", ""
        tail = self._tail.decode("utf-8", "replace")
        self.lost.emit(Loss(self._job["id"], message, hint, tail, is_wanted=self._is_cancelled))
        self._job = None

    def _forget_process(self) -> None:
        if self._process is not None:
            self._process.deleteLater()
        self._process = None
        self._is_leaving = False
        for timer in (self._grace, self._kill_timer, self._idle):
            timer.stop()

    def _go_on(self) -> None:
        if self._is_closing:
            self.closed.emit()
        elif self._waiting is not None:
            job, self._waiting = self._waiting, None
            self.serve(job)


class WorkerThread(QThread):
    """The thread in which the compute process is started, listened to and ended.

    The methods may be called from the window's thread and return at once; the signals arrive there.
    """

    process_started = Signal(int)  # process id
    received = Signal(object)  # list of events of the wire, in order
    lost = Signal(object)  # Loss

    _serve_asked = Signal(object)
    _cancel_asked = Signal(str)
    _close_asked = Signal()

    _running: ClassVar[set["WorkerThread"]] = set()
    """Keeps running threads alive: Qt aborts the program when a QThread is destroyed before its end."""

    def __init__(self, command: Sequence[str] | None = None, patience: Patience | None = None) -> None:
        super().__init__()
        self._patience = patience or Patience()
        self._compute = ComputeProcess(command or worker_command(), self._patience)
        self._compute.moveToThread(self)
        self._compute.started.connect(self.process_started)
        self._compute.received.connect(self.received)
        self._compute.lost.connect(self.lost)
        # Direct: the window's thread, where `self` lives, may be waiting in `join` for exactly this.
        self._compute.closed.connect(self.quit, Qt.ConnectionType.DirectConnection)
        self._serve_asked.connect(self._compute.serve)
        self._cancel_asked.connect(self._compute.cancel)
        self._close_asked.connect(self._compute.close)

    def send(self, job_id: str, job: str, project: Path, options: dict[str, Any]) -> None:
        """Send a job; its events and its end come by `received`, or `lost`."""
        if not self.isRunning():
            WorkerThread._running.add(self)
            self.start()
        self._serve_asked.emit({"id": job_id, "job": job, "project": str(project), "options": options})

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop."""
        self._cancel_asked.emit(job_id)

    def close(self) -> None:
        """Begin to end the process and the thread; `join` waits for it."""
        if self.isRunning():
            self._close_asked.emit()

    def join(self) -> None:
        """Wait until the thread has ended; never longer than the patience and a little."""
        patience = self._patience.close + self._patience.terminate + 3
        if self.isRunning() and not self.wait(_milliseconds(patience)):
            self.terminate()
            self.wait(1000)
        WorkerThread._running.discard(self)

    @classmethod
    def end_all(cls) -> None:
        """End every thread that nobody has ended; for the exit of the interpreter."""
        for thread in tuple(cls._running):
            thread.close()
        for thread in tuple(cls._running):
            thread.join()


atexit.register(WorkerThread.end_all)


def describe_death(code: int, *, is_crash: bool, uses_network: bool = True) -> tuple[str, str]:
    """What to say of a process that has died: message and hint.

    Args:
        code: Its exit code; after a crash on POSIX the number of the signal.
        is_crash: Whether it was ended from outside or by a fault, and did not exit by itself.
        uses_network: Whether its job was one with a network, that needs less memory when it is given less at once.
    """
    if not is_crash:
        return f"the compute process ended with exit code {code}", "its last words are in the log"
    if os.name != "posix":
        return f"the compute process crashed (code {code & 0xFFFFFFFF:#010x})", "its last words are in the log"
    try:
        name = signal.Signals(code).name
    except ValueError:
        name = f"signal {code}"
    if name == "SIGKILL":
        what = "try a smaller batch or picture size" if uses_network else "close other programs, then start it again"
        hint = f"most often the machine ran out of memory: {what}"
    else:
        hint = "its last words are in the log"
    return f"the compute process was ended by {name}", hint


def _environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    environment.insert("PYTHONUTF8", "1")
    environment.insert("PYTHONFAULTHANDLER", "1")  # a crash in C code leaves Python's stack in the tail
    for name, value in (("TF_CPP_MIN_LOG_LEVEL", "2"), ("NO_ALBUMENTATIONS_UPDATE", "1")):
        if not environment.contains(name):
            environment.insert(name, value)
    return environment


def _lower_priority(pid: int) -> None:
    """Let the window's painting go before the training, which would take every core."""
    with contextlib.suppress(psutil.Error, OSError):
        lower = psutil.BELOW_NORMAL_PRIORITY_CLASS if os.name == "nt" else 10  # type: ignore[attr-defined,unused-ignore]
        psutil.Process(pid).nice(lower)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
