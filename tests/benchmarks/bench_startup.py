"""From the command to the first image on screen: `python -m tests.benchmarks.bench_startup [PROJECT] [--times N]`.

Starts `segstudio open PROJECT` offscreen in a new process several times and prints medians, in wall time and in the
processor time of the process (which other programs of the machine disturb less). The budget is 2 s, TensorFlow not
loaded. Without a project it makes one of generated X-rays. `--profile` says where the time of one more start goes.
"""

import argparse
import cProfile
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

MARKS = ("imports", "window", "image", "settled")
WAIT_SECONDS = 60
BUDGET = 2.0


def make_project(folder: Path) -> Path:
    """A project of generated X-rays whose thumbnails are not made yet."""
    from segstudio.core.reporter import ListReporter
    from segstudio.jobs import JOBS

    JOBS["generate"].from_values({"count": 48}).perform(folder / "dataset", ListReporter())
    JOBS["new"].from_values({"source": str(folder / "dataset")}).perform(folder / "project", ListReporter())
    return folder / "project"


def environment(folder: Path) -> dict[str, str]:
    """Settings of nobody, and byte code that is kept as it is where the program is installed."""
    changed = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"),
               "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}  # fmt: skip
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | changed


def start(project: Path, folder: Path, *more: str) -> dict[str, Any]:
    """The marks of one start, in seconds of the clock and of the processor."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_startup", str(project), "--begun", repr(time.monotonic())]
    done = subprocess.run([*command, *more], env=environment(folder), capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        raise SystemExit(done.stderr)
    print(*lines[:-1], sep="\n", end="")
    return dict(json.loads(lines[-1]))


class Watch:
    """Runs the command in this process and looks when what is on screen."""

    def __init__(self, begun: float) -> None:
        self._begun = begun
        self.marks: dict[str, tuple[float, float]] = {}

    def mark(self, name: str) -> None:
        """Note when something was first the case."""
        if name not in self.marks:
            used = resource.getrusage(resource.RUSAGE_SELF)
            self.marks[name] = time.monotonic() - self._begun, used.ru_utime + used.ru_stime

    def run(self, project: str) -> None:
        """`segstudio open PROJECT` until everything is on screen."""
        from segstudio import cli
        from segstudio.ui import app as application

        self.mark("imports")
        build = application.build

        def watched_build(argv: Any) -> Any:
            app, window = build(argv)
            self._watch(app, window)
            return app, window

        application.build = watched_build
        cli.main(["open", project])

    def _watch(self, app: Any, window: Any) -> None:
        from PySide6.QtCore import QEvent, QObject, QTimer

        class Eyes(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint:
                    if window.session is not None and window.session.loaded is not None:
                        if watched is window.panes.canvas("image"):
                            QTimer.singleShot(0, lambda: look.mark("image"))
                    elif watched is window:
                        QTimer.singleShot(0, lambda: look.mark("window"))
                return False

        look, self._eyes, self._timer = self, Eyes(), QTimer(interval=5)
        app.installEventFilter(self._eyes)
        self._timer.timeout.connect(lambda: self._end_when_settled(window))
        self._timer.start()

    def _end_when_settled(self, window: Any) -> None:
        if "image" in self.marks and window.is_settled():
            self.mark("settled")
        if "settled" in self.marks or time.monotonic() - self._begun > WAIT_SECONDS:
            self._timer.stop()
            window.close()


def child(project: str, begun: float, is_profiled: bool) -> None:
    watch = Watch(begun)
    profile = cProfile.Profile()
    if is_profiled:
        profile.runcall(watch.run, project)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(90).sort_stats("tottime").print_stats(40)
    else:
        watch.run(project)
    if "tensorflow" in sys.modules or "keras" in sys.modules:
        raise SystemExit("TensorFlow was loaded into the window")
    print(json.dumps(watch.marks))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("project", nargs="?")
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--begun", type=float, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.begun is not None:
        child(args.project, args.begun, args.profile)
        return
    folder = Path(tempfile.mkdtemp())
    project = Path(args.project) if args.project else make_project(folder)
    start(project, folder)  # byte code and thumbnails are there from now on, as at every start but the first
    if args.profile:
        start(project, folder, "--profile")
    starts = [start(project, folder) for _ in range(args.times)]
    for name in MARKS:
        clock, cpu = np.transpose([one[name] for one in starts])
        share = f"   {np.median(clock) / BUDGET:6.1%} of {BUDGET:.0f} s" if name == "image" else ""
        print(f"  {name:10} median {np.median(clock):5.2f} s (best {clock.min():5.2f})   "
              f"processor {np.median(cpu):5.2f} s (best {cpu.min():5.2f}){share}")  # fmt: skip


if __name__ == "__main__":
    main()
