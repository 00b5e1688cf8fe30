"""The worker thread against a process that misbehaves in every way we could think of."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from segstudio.ui.worker_thread import (
    LONGEST_LINE,
    Lines,
    Patience,
    WorkerThread,
    describe_death,
    parse_event,
    worker_command,
)

SCRIPT = [sys.executable, str(Path(__file__).with_name("scripted_worker.py"))]
IMPATIENT = Patience(cancel=0.3, close=0.5, terminate=0.3, idle=60)


@pytest.fixture
def worker() -> Iterator[WorkerThread]:
    thread = WorkerThread(SCRIPT, IMPATIENT)
    yield thread
    thread.close()
    thread.join()
    assert not thread.isRunning()


class Heard:
    """Everything a thread has said, in order."""

    def __init__(self, thread: WorkerThread) -> None:
        self.events: list[dict] = []
        self.losses: list = []
        self.pids: list[int] = []
        thread.received.connect(self.events.extend)
        thread.lost.connect(self.losses.append)
        thread.process_started.connect(self.pids.append)

    def of(self, job_id: str, kind: str) -> list[dict]:
        return [event for event in self.events if event["event"] == kind and event.get("id") == job_id]


def finish(qtbot: QtBot, heard: Heard, job_id: str) -> dict:
    qtbot.waitUntil(lambda: bool(heard.of(job_id, "finished")), timeout=20_000)
    return heard.of(job_id, "finished")[0]["result"]


def test_job_goes_out_and_its_end_comes_back(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "echo", tmp_path / "Легкие", {"epochs": 3})
    result = finish(qtbot, heard, "1")
    assert result["options"] == {"epochs": 3}
    assert Path(result["project"]) == tmp_path / "Легкие"
    assert heard.pids == [result["pid"]]


def test_second_job_finds_the_process_warm(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "echo", tmp_path, {})
    first = finish(qtbot, heard, "1")
    worker.send("2", "echo", tmp_path, {})
    assert finish(qtbot, heard, "2")["pid"] == first["pid"]


def test_process_is_told_to_use_utf8_and_to_let_the_window_go_first(
    qtbot: QtBot, worker: WorkerThread, tmp_path: Path
) -> None:
    heard = Heard(worker)
    worker.send("1", "echo", tmp_path, {})  # the priority is lowered just after the start
    finish(qtbot, heard, "1")
    worker.send("2", "environment", tmp_path, {})
    result = finish(qtbot, heard, "2")
    assert result["PYTHONUTF8"] == "1"
    assert result["TF_CPP_MIN_LOG_LEVEL"] == "2"
    if os.name == "posix":
        assert result["nice"] > os.nice(0) or result["nice"] == 19


def test_garbage_on_the_wire_is_passed_over(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "garbage", tmp_path, {})
    assert finish(qtbot, heard, "1") == {"survived": True}
    assert not heard.losses


def test_lines_in_pieces_and_lines_in_one_go(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "partial", tmp_path, {})
    assert finish(qtbot, heard, "1") == {"joined": 500}
    assert [event["text"] for event in heard.of("1", "log")] == ["in pieces, даже так"]
    assert [event["step"] for event in heard.of("1", "metric")] == list(range(1, 501))


def test_cancel_is_heeded(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "until_cancelled", tmp_path, {})
    qtbot.waitUntil(lambda: bool(heard.of("1", "progress")), timeout=20_000)
    worker.cancel("1")
    qtbot.waitUntil(lambda: bool(heard.of("1", "cancelled")), timeout=20_000)
    assert not heard.losses
    worker.send("2", "echo", tmp_path, {})
    assert finish(qtbot, heard, "2")["pid"] == heard.pids[0], "the process stays warm after a cancel that was heeded"


@pytest.mark.parametrize("name", ["deaf", "deaf_and_stubborn"])
def test_deaf_process_is_terminated_then_killed(qtbot: QtBot, worker: WorkerThread, tmp_path: Path, name: str) -> None:
    heard = Heard(worker)
    worker.send("1", name, tmp_path, {})
    qtbot.waitUntil(lambda: bool(heard.of("1", "progress")), timeout=20_000)
    worker.cancel("1")
    qtbot.waitUntil(lambda: bool(heard.losses), timeout=20_000)
    assert heard.losses[0].job_id == "1"
    assert heard.losses[0].is_wanted
    assert not psutil.pid_exists(heard.pids[0])
    worker.send("2", "echo", tmp_path, {})
    assert finish(qtbot, heard, "2")["pid"] == heard.pids[1]


def test_second_cancel_does_not_wait_for_the_patience(qtbot: QtBot, tmp_path: Path) -> None:
    thread = WorkerThread(SCRIPT, Patience(cancel=1000, close=0.3, terminate=0.3))
    heard = Heard(thread)
    thread.send("1", "deaf", tmp_path, {})
    qtbot.waitUntil(lambda: bool(heard.of("1", "progress")), timeout=20_000)
    thread.cancel("1")
    thread.cancel("1")
    qtbot.waitUntil(lambda: bool(heard.losses), timeout=20_000)
    thread.close()
    thread.join()


def test_job_sent_while_the_old_process_dies_waits_for_a_new_one(
    qtbot: QtBot, worker: WorkerThread, tmp_path: Path
) -> None:
    heard = Heard(worker)
    worker.send("1", "die_after", tmp_path, {})
    finish(qtbot, heard, "1")
    worker.send("2", "echo", tmp_path, {})
    result = finish(qtbot, heard, "2")
    assert result["pid"] == heard.pids[-1] != heard.pids[0]
    assert not heard.losses


def test_abort_loses_the_job_and_keeps_the_last_words(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "abort", tmp_path, {})
    qtbot.waitUntil(lambda: bool(heard.losses), timeout=20_000)
    loss = heard.losses[0]
    assert "the last words" in loss.tail
    assert not loss.is_wanted
    if os.name == "posix":
        assert loss.message == "the compute process was ended by SIGABRT"
    worker.send("2", "echo", tmp_path, {})
    assert finish(qtbot, heard, "2")["pid"] != heard.pids[0]


def test_exit_code_and_only_the_last_of_the_chatter(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "chatter", tmp_path, {})
    qtbot.waitUntil(lambda: bool(heard.losses), timeout=20_000)
    assert heard.losses[0].message == "the compute process ended with exit code 7"
    assert heard.losses[0].tail.endswith("the very last words\n")
    assert len(heard.losses[0].tail) <= 8 * 1024


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_kill_from_outside_is_said_with_the_likely_reason(qtbot: QtBot, worker: WorkerThread, tmp_path: Path) -> None:
    heard = Heard(worker)
    worker.send("1", "deaf", tmp_path, {})
    qtbot.waitUntil(lambda: bool(heard.of("1", "progress")), timeout=20_000)
    os.kill(heard.pids[0], signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(heard.losses), timeout=20_000)
    assert heard.losses[0].message == "the compute process was ended by SIGKILL"
    assert "memory" in heard.losses[0].hint


def test_program_that_is_not_there(qtbot: QtBot, tmp_path: Path) -> None:
    thread = WorkerThread([str(tmp_path / "nothing")], IMPATIENT)
    heard = Heard(thread)
    for job_id in ("1", "2"):
        thread.send(job_id, "echo", tmp_path, {})
        qtbot.waitUntil(lambda job_id=job_id: any(loss.job_id == job_id for loss in heard.losses), timeout=20_000)
    assert "could not be started" in heard.losses[0].message
    thread.close()
    thread.join()
    assert not thread.isRunning()


def test_idle_process_is_let_go(qtbot: QtBot, tmp_path: Path) -> None:
    thread = WorkerThread(SCRIPT, Patience(close=2, terminate=1, idle=0.05))
    heard = Heard(thread)
    thread.send("1", "echo", tmp_path, {})
    finish(qtbot, heard, "1")
    qtbot.waitUntil(lambda: not psutil.pid_exists(heard.pids[0]), timeout=20_000)
    thread.send("2", "echo", tmp_path, {})
    assert finish(qtbot, heard, "2")["pid"] == heard.pids[1]
    thread.close()
    thread.join()


@pytest.mark.parametrize("name", ["echo", "until_cancelled", "deaf", "deaf_and_stubborn"])
def test_close_ends_the_process_whatever_it_does(qtbot: QtBot, tmp_path: Path, name: str) -> None:
    thread = WorkerThread(SCRIPT, IMPATIENT)
    heard = Heard(thread)
    thread.send("1", name, tmp_path, {})
    qtbot.waitUntil(lambda: bool(heard.of("1", "progress") or heard.of("1", "finished")), timeout=20_000)
    thread.close()
    thread.join()
    assert not thread.isRunning()
    assert not psutil.pid_exists(heard.pids[0])


def test_close_at_once_after_the_first_job(tmp_path: Path, qapp: object) -> None:
    thread = WorkerThread(SCRIPT, IMPATIENT)
    thread.send("1", "deaf", tmp_path, {})
    thread.close()
    thread.join()
    assert not thread.isRunning()


def test_thread_that_is_forgotten_is_ended_at_exit(tmp_path: Path, qapp: object) -> None:
    WorkerThread(SCRIPT, IMPATIENT).send("1", "deaf", tmp_path, {})
    (thread,) = WorkerThread._running
    WorkerThread.end_all()
    assert not thread.isRunning()
    assert not WorkerThread._running


FORGETFUL = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from segstudio.ui.worker_thread import Patience, WorkerThread
app = QCoreApplication([])
thread = WorkerThread(sys.argv[1:], Patience(close=0.2, terminate=0.2))
thread.received.connect(lambda events: app.quit() if events[-1]["event"] == "progress" else None)
thread.send("1", "deaf", Path(), {})
app.exec()
print("over", flush=True)
"""


def test_program_that_forgets_to_close_still_ends_in_peace() -> None:
    done = subprocess.run([sys.executable, "-c", FORGETFUL, *SCRIPT], capture_output=True, text=True, timeout=60)
    assert done.stdout == "over\n"
    assert "QThread" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_frozen_program_has_its_worker_beside_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert worker_command()[0] == sys.executable
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "segstudio.exe"))
    assert worker_command() == [str(tmp_path / "segstudio-worker.exe")]


@given(st.lists(st.binary().map(lambda data: data.replace(b"\n", b"").replace(b"\r", b""))), st.data())
def test_lines_come_out_whole_however_the_stream_is_cut(lines: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    buffer, found = Lines(), []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += buffer.feed(stream[start:stop])
    assert found == lines


def test_line_without_end_is_not_kept_for_ever() -> None:
    buffer = Lines()
    assert buffer.feed(b"x" * (LONGEST_LINE + 1)) == []
    assert buffer.feed(b"y\n") == [b"y"]


@given(st.binary())
def test_parse_event_never_raises(line: bytes) -> None:
    event = parse_event(line)
    assert event is None or isinstance(event["event"], str)


def test_parse_event() -> None:
    assert parse_event(json.dumps({"event": "ready", "pid": 1}).encode()) == {"event": "ready", "pid": 1}
    assert parse_event(b"[" * 100_000) is None


def test_death_by_an_unknown_signal_has_a_name() -> None:
    message, hint = describe_death(250, is_crash=True)
    assert "250" in message or "0x" in message
    assert hint


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_hint_for_a_killed_job_fits_the_job() -> None:
    assert "batch" in describe_death(signal.SIGKILL, is_crash=True)[1]
    hint = describe_death(signal.SIGKILL, is_crash=True, uses_network=False)[1]
    assert "memory" in hint
    assert "batch" not in hint


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(("job", "has_batch"), [("augment", False), ("predict", True)])
def test_a_killed_job_gets_its_own_hint(job, has_batch, qtbot: QtBot, tmp_path: Path) -> None:
    script = f"import os, signal; os.kill(os.getpid(), signal.{signal.SIGKILL.name})"
    thread = WorkerThread([sys.executable, "-c", script], IMPATIENT)
    heard = Heard(thread)
    try:
        thread.send("1", job, tmp_path, {})
        qtbot.waitUntil(lambda: bool(heard.losses), timeout=20_000)
    finally:
        thread.close()
        thread.join()
    assert ("batch" in heard.losses[0].hint) is has_batch
