"""The compute process: job lines in, event lines out, one job at a time.

One JSON object a line, UTF-8, over standard input and output.

In:
    {"id": "7", "job": "train", "project": "/abs/folder", "options": {...}}
    {"cancel": "7"}
    end of input: what runs is asked to stop, what waits is cancelled, and the process quits

Out: `{"event": "ready", "pid": 1}` once, then for each job `started`, any of `progress`, `pace`, `metric`, `note`,
`artifact` and `log`, and at last one of `finished` (with `result`), `cancelled`, `failed` (with `message`, `hint`, and
`traceback`, which is null when the world was at fault and not the program).

Nothing but events reaches the real standard output: its descriptor is duplicated for the wire and then pointed at
standard error, so that a print by TensorFlow or by C code cannot tear a line.
"""

import json
import math
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

from segstudio.core.errors import UserError, of_system
from segstudio.core.reporter import Cancelled, Throttle
from segstudio.jobs import JOBS

PROGRESS_SECONDS = 0.05
"""At most twenty progress lines a second reach the window."""


class Wire:
    """Writes events as lines; may be used from several threads."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, event: str, **fields: Any) -> None:
        """Write one event; a window that is gone ends the process, because nobody could stop it any more."""
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False, default=str)
        with self._lock:
            try:
                self._out.write(line + "\n")
                self._out.flush()
            except (OSError, ValueError):
                os._exit(3)


class WireReporter:
    """A Reporter whose every word is an event of one job."""

    def __init__(self, wire: Wire, job_id: str) -> None:
        self._wire = wire
        self._id = job_id
        self._throttle = Throttle(PROGRESS_SECONDS)
        self._is_cancel_wanted = threading.Event()

    def cancel(self) -> None:
        """Make the next `progress` raise Cancelled. Called from the thread that reads the wire."""
        self._is_cancel_wanted.set()

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Send how far the job is; raise Cancelled when that was asked for."""
        if self._throttle.is_due() or done >= total:
            self._wire.send("progress", id=self._id, done=done, total=total, text=text)
        if self._is_cancel_wanted.is_set():
            raise Cancelled

    def pace(self, *, is_even: bool) -> None:
        """Send whether the time left can be told; the next progress is sent at once, too."""
        self._wire.send("pace", id=self._id, is_even=is_even)
        self._throttle = Throttle(PROGRESS_SECONDS)

    def metric(self, step: int, **values: float) -> None:
        """Send one point of every curve; what is not a number is left out, because JSON has no word for it."""
        finite = {name: float(value) for name, value in values.items() if math.isfinite(value)}
        self._wire.send("metric", id=self._id, step=step, values=finite)

    def note(self, subject: str, text: str) -> None:
        """Send what was left out and why."""
        self._wire.send("note", id=self._id, subject=subject, text=text)

    def artifact(self, path: Path) -> None:
        """Send the path of a finished file."""
        self._wire.send("artifact", id=self._id, path=str(path))

    def log(self, text: str) -> None:
        """Send a line of the job's log."""
        self._wire.send("log", id=self._id, text=text)


class Worker:
    """Takes job lines from a reading thread and runs them one after the other in the thread that calls `run`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._cancelled: set[str] = set()
        self._is_over = False
        self._running: tuple[str, WireReporter] | None = None

    def read(self, lines: Iterable[str]) -> None:
        """Read the wire until its end; called in a thread of its own, so that a cancel reaches a running job."""
        for line in lines:
            try:
                message = dict(json.loads(line))
            except (ValueError, TypeError):
                print(f"not a line of the wire: {line!r}", file=sys.stderr)  # noqa: T201
                continue
            if "cancel" in message:
                self._cancel(str(message["cancel"]))
            else:
                self._lines.put(message)
        # The window is gone or wants to go: what runs shall stop soon and what waits shall not start.
        with self._lock:
            self._is_over = True
            if self._running:
                self._running[1].cancel()
        self._lines.put(None)

    def run(self) -> None:
        """Run jobs until the wire ends."""
        self._wire.send("ready", pid=os.getpid())
        while (message := self._lines.get()) is not None:
            self._perform(message)

    def _cancel(self, job_id: str) -> None:
        with self._lock:
            self._cancelled.add(job_id)
            if self._running and self._running[0] == job_id:
                self._running[1].cancel()

    def _perform(self, message: dict[str, Any]) -> None:
        job_id = str(message.get("id", ""))
        reporter = WireReporter(self._wire, job_id)
        with self._lock:
            self._running = (job_id, reporter)
            is_cancelled = self._is_over or job_id in self._cancelled
        try:
            if is_cancelled:
                raise Cancelled
            self._wire.send("started", id=job_id)
            job = JOBS[message["job"]].from_values(message.get("options", {}))
            result = job.perform(Path(message["project"]), reporter)
            self._wire.send("finished", id=job_id, result=result)
        except Cancelled:
            self._wire.send("cancelled", id=job_id)
        except UserError as error:
            self._fail(job_id, error)
        except Exception as error:
            text = traceback.format_exc()
            print(text, file=sys.stderr)  # noqa: T201
            said = of_system(error) if isinstance(error, OSError) else None
            self._fail(job_id, said or UserError(f"{type(error).__name__}: {error}"), None if said else text)
        finally:
            with self._lock:
                self._running = None

    def _fail(self, job_id: str, error: UserError, text: str | None = None) -> None:
        self._wire.send("failed", id=job_id, message=error.message, hint=error.hint, traceback=text)


def main() -> int:
    """Serve the wire on standard input and output until the input ends."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    wire_out = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8", errors="replace")
    worker = Worker(Wire(wire_out))
    threading.Thread(target=worker.read, args=(lines,), name="wire", daemon=True).start()
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
