"""How smooth the window stays while a training runs: the lateness of a 16 ms timer, with a stroke being painted.

    python -m tests.benchmarks.bench_responsiveness [PROJECT]

Prints median, 95th and 99th percentile and maximum of the time between two ticks, idle and during training. Without a
project it makes one of generated X-rays.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
from segstudio.ui import app as application
from segstudio.ui.window import Window

TICK_MS = 16
SECONDS = 20
WAIT_SECONDS = 300


class Ticks:
    """Gathers the milliseconds between the ticks of a precise timer, and paints a little at each."""

    def __init__(self, app: QApplication, window: Window) -> None:
        self._app = app
        self._canvas = window.panes.canvas("truth")
        self._times: list[float] = []
        self._timer = QTimer(timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    def gather(self, seconds: float, is_done=lambda: False) -> np.ndarray:
        """Milliseconds between ticks during some seconds, or until `is_done`."""
        self._times.clear()
        QTest.mousePress(self._canvas, Qt.MouseButton.LeftButton, pos=self._spot())
        self._timer.start()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end and not is_done():
            self._app.processEvents()
            time.sleep(0.0005)  # as the event loop would, instead of taking a core from the training
        self._timer.stop()
        QTest.mouseRelease(self._canvas, Qt.MouseButton.LeftButton, pos=self._spot())
        return np.diff(self._times) * 1000

    def _tick(self) -> None:
        self._times.append(time.perf_counter())
        QTest.mouseMove(self._canvas, self._spot())

    def _spot(self) -> QPoint:
        turn = len(self._times) / 20
        size = self._canvas.size()
        x, y = 0.5 + 0.3 * np.cos(turn), 0.5 + 0.3 * np.sin(turn * 0.7)
        return QPoint(round(size.width() * x), round(size.height() * y))


def say(name: str, ticks: np.ndarray) -> None:
    late = np.maximum(ticks - TICK_MS, 0)
    figures = [np.median(ticks), *np.percentile(ticks, [95, 99]), ticks.max()]
    words = "  ".join(
        f"{word} {value:6.1f}" for word, value in zip(("median", "p95", "p99", "max"), figures, strict=True)
    )
    print(f"{name:28} {words} ms between ticks; stall p99 {np.percentile(late, 99):5.1f} ms  ({len(ticks)} ticks)")


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    if len(sys.argv) > 1:
        project = Path(sys.argv[1])
    else:
        project = folder / "project"
        JOBS["generate"].from_values({"count": 48}).perform(folder / "dataset", ListReporter())
        JOBS["new"].from_values({"source": str(folder / "dataset")}).perform(project, ListReporter())
    app, window = application.build(["segstudio"])
    window.resize(1440, 900)
    window.show()
    window.open_project(project)
    end = time.perf_counter() + WAIT_SECONDS
    while not window.is_settled() and time.perf_counter() < end:
        app.processEvents()
    ticks = Ticks(app, window)
    say("idle", ticks.gather(SECONDS / 2))
    values = {"preset": "conv-unet-fast", "epochs": 500, "samples": "all"}
    record = window.queue.submit("train", values, "Train", project)
    say("TensorFlow loads, traces", ticks.gather(WAIT_SECONDS, lambda: bool(record.metrics) or record.state.is_end))
    say("training", ticks.gather(SECONDS))
    window.queue.cancel(record.id)
    say("stopping", ticks.gather(WAIT_SECONDS, lambda: record.state.is_end))
    print(f"the training ended as {record.state}: {record.message}")
    window.close()


if __name__ == "__main__":
    main()
