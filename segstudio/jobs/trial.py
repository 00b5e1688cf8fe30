"""The dry run of a training, from a job: asked of a process of its own, and of its memory when it was asked before."""

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import psutil

from segstudio.core.dry_run import SPARE, DryRun, Request, chosen_batch
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.reporter import Reporter

POLL_SECONDS = 0.1

STAGES = 5
"""About so many words come from the process; for the progress bar."""


class Exhausted(UserError):
    """The network does not fit into memory, not even for a few images."""


def dry_run(request: Request, cache: Path | None, report: Reporter) -> DryRun:
    """Try some steps, unless that was done before on this machine; a process of its own does it.

    Args:
        request: What to try. Its `budget` is filled in here.
        cache: Folder that keeps what was found; None where nothing may be written.
        report: Hears of progress.

    Raises:
        Exhausted: When the system ended the process for want of memory, or TensorFlow found none.
        UserError: When there is no such device, or the network cannot be built.
        Cancelled: When the user stopped it; the process is gone then.
    """
    budget = psutil.virtual_memory().available
    path = cache / f"{_digest(request)}.json" if cache else None
    known = _known(path) if path else None
    if known is not None and (known.is_gpu or known.bytes < SPARE * budget):
        return replace(known, budget=known.budget if known.is_gpu else budget)
    found = DryRun.from_dict(_ask(replace(request, budget=budget), report))
    wanted = request.batch or chosen_batch(request.images, is_gpu=found.is_gpu)[0]
    if path and found.fitting_batch == found.batch == wanted:
        # Only what there was room for: next time there may be more of it.
        write_atomically(path, json.dumps(asdict(found)).encode("utf-8"), is_durable=False)
    return found


def _known(path: Path) -> DryRun | None:
    try:
        return DryRun.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _digest(request: Request) -> str:
    """Of all that memory and time depend on."""
    libraries = {name: version(name) for name in ("tensorflow", "keras", "numpy")}
    what: dict[str, Any] = {**asdict(request), "budget": 0, "machine": platform.node(), "cores": os.cpu_count()}
    return hashlib.sha256(json.dumps(what | libraries, sort_keys=True).encode()).hexdigest()[:32]


def _ask(request: Request, report: Reporter) -> dict[str, Any]:
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "segstudio.ml.dry_run"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            encoding="utf-8",
        )
        try:
            last = _conversation(process, json.dumps(asdict(request)), report)
            status = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if "result" in last:
            return dict(last["result"])
        if "error" in last:
            raise UserError(last["error"], last["hint"])
        words.seek(0)
        said = words.read().decode("utf-8", errors="replace").strip().splitlines() or [f"it ended with {status}"]
    if "exhausted" in last or status < 0 or "bad_alloc" in said[-1]:
        raise Exhausted(
            "the network does not fit into the memory that is free", "choose a smaller size, or a slimmer network"
        )
    raise UserError(f"the network cannot be tried: {reason_in(said)}", "another network or another size may do")


def reason_in(said: Sequence[str]) -> str:
    """The line of a traceback that says what was wrong; TensorFlow goes on after it with where in its graph."""
    named = [line for line in said if re.match(r"[\w.]*(Error|Exception)\b", line)]
    own = [line for line in said if re.search(r"message: ", line)]
    return (own or named or said)[-1].strip()


def _conversation(process: "subprocess.Popen[str]", request: str, report: Reporter) -> dict[str, Any]:
    """The last line that the process says; it is ended when the user wants that."""
    lines: SimpleQueue[str | None] = SimpleQueue()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(request)
    process.stdin.close()
    reader = threading.Thread(target=_read, args=(process.stdout, lines.put), name="dry run", daemon=True)
    reader.start()
    last: dict[str, Any] = {}
    done, text = 0, "starting TensorFlow"
    while True:
        report.progress(min(done, STAGES - 1), STAGES, f"dry run: {text}")
        try:
            line = lines.get(timeout=POLL_SECONDS)
        except Empty:
            continue
        if line is None:
            return last
        last = json.loads(line)
        done, text = done + 1, str(last.get("stage", text))


def _read(stream: Any, put: Callable[[str | None], None]) -> None:
    try:
        for line in stream:
            put(line)
    except ValueError:
        pass  # closed, because the user stopped it
    put(None)
