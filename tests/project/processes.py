"""Other processes for tests: locks, crashes and read-only disks cannot be played in one."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start_python(code: str, arguments: Sequence[object] = ()) -> "subprocess.Popen[str]":
    """Run code in a fresh interpreter with text pipes; it sees the arguments in sys.argv[1:]."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
    )  # fmt: skip


def wait_for_line(process: "subprocess.Popen[str]", line: str) -> None:
    """Read the process's output up to a line; fails with its errors when it ends before."""
    assert process.stdout is not None
    assert process.stderr is not None
    for said in process.stdout:
        if said.rstrip("\n") == line:
            return
    raise AssertionError(f"the process ended without saying {line!r}:\n{process.stderr.read()}")


def finish(process: "subprocess.Popen[str]") -> None:
    """Close its input, wait for its end and close the pipes."""
    process.communicate(timeout=60)
