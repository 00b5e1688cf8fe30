"""The compute process as the window sees it: lines in, lines out."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Peer:
    """The other end of the wire."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def send(self, **message: Any) -> None:
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def until(self, *ends: str) -> list[dict[str, Any]]:
        """All events up to the first that is one of `ends`."""
        events = []
        while line := self.process.stdout.readline():
            events.append(json.loads(line))
            if events[-1]["event"] in ends:
                return events
        raise AssertionError(f"the wire ended before {ends}: {events}")


@contextmanager
def worker(prelude: str = "") -> Iterator[Peer]:
    command = [sys.executable, "-c", f"{prelude}\nfrom segstudio.worker import main; main()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, encoding="utf-8") as process:
        peer = Peer(process)
        assert peer.until("ready")[0]["pid"] > 0
        try:
            yield peer
        finally:
            process.stdin.close()
            process.stdout.read()
            process.stderr.read()
            process.wait(timeout=60)


def generate(peer: Peer, job_id: str, folder: Path, **options: Any) -> None:
    peer.send(id=job_id, job="generate", project=str(folder), options=options)


def test_runs_one_job_after_the_other(tmp_path):
    with worker() as peer:
        for number in ("1", "2"):
            generate(peer, number, tmp_path / number, count=3)
        for number in ("1", "2"):
            events = peer.until("finished")
            assert events[0]["event"] == "started"
            assert {event["id"] for event in events} == {number}
            assert events[-1]["result"]["count"] == 3
            assert events[-2]["done"] == events[-2]["total"] == 3
    assert peer.process.returncode == 0


def test_a_running_job_is_cancelled_and_a_waiting_one_never_starts(tmp_path):
    with worker() as peer:
        generate(peer, "long", tmp_path / "long", count=100_000)
        generate(peer, "waiting", tmp_path / "waiting", count=1)
        peer.until("progress")
        peer.send(cancel="waiting")
        peer.send(cancel="long")
        assert peer.until("cancelled")[-1]["id"] == "long"
        assert [event["event"] for event in peer.until("cancelled")] == ["cancelled"]
    assert not (tmp_path / "waiting").exists()


def test_the_worlds_fault_has_a_hint_and_a_bug_has_a_traceback(tmp_path):
    with worker() as peer:
        generate(peer, "1", tmp_path / "a", kind="chest-ray")
        failed = peer.until("failed")[-1]
        assert "chest-ray" in failed["message"]
        assert "chest-xray" in failed["hint"]
        assert failed["traceback"] is None
        generate(peer, "2", tmp_path / "b", count="many")
        assert "count" in peer.until("failed")[-1]["message"]
        peer.send(id="3", job="generate", options={})  # no project: a bug of the sender
        failed = peer.until("failed")[-1]
        assert "KeyError" in failed["traceback"]
        (tmp_path / "file").touch()
        generate(peer, "4", tmp_path / "file" / "d", count=1)
        failed = peer.until("failed")[-1]
        assert "not a directory" in failed["message"]
        assert failed["traceback"] is None
        generate(peer, "5", tmp_path / "c", count=1)
        peer.until("finished")


def test_prints_of_libraries_do_not_tear_the_wire(tmp_path):
    prelude = "import os, segstudio.synthetic.chest_xray as x; d = x.ChestXray.draw\n"
    prelude += "x.ChestXray.draw = lambda s, r: (print('noise'), os.write(1, b'more\\n'), d(s, r))[2]"
    with worker(prelude) as peer:
        generate(peer, "1", tmp_path / "a", count=2)
        assert all("noise" not in str(event) for event in peer.until("finished"))


def test_garbage_on_the_wire_is_passed_over(tmp_path):
    with worker() as peer:
        peer.process.stdin.write("{not json\n\n7\n")
        generate(peer, "1", tmp_path / "a", count=1)
        peer.until("finished")


def test_end_of_input_stops_what_runs(tmp_path):
    with worker() as peer:
        generate(peer, "1", tmp_path / "a", count=100_000)
        peer.until("progress")
    assert peer.process.returncode == 0
    assert 0 < len(list((tmp_path / "a" / "images").iterdir())) < 100_000


def test_what_waits_at_the_end_of_input_never_starts(tmp_path):
    with worker() as peer:
        generate(peer, "1", tmp_path / "a", count=100_000)
        generate(peer, "2", tmp_path / "b", count=100_000)
        peer.until("progress")
    assert peer.process.returncode == 0
    assert not (tmp_path / "b").exists()
