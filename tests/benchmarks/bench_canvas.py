"""How long painting, undo and zoom take on the canvas: `python -m tests.benchmarks.bench_canvas`.

Real widgets, real mouse events, real painting (into memory, when QT_QPA_PLATFORM=offscreen). A brush move is the edit,
the repaint of every pane that it touches, crosshair and ring included, until nothing is left to do. The budget is 8 ms
at the 95th percentile for a move, 20 ms for undo. The error map is all that turning the error view on takes until it is
painted; with a tolerance the ring is found in a thread after that, and is not in it.

Beside the time on the clock stands the processor time of the whole process, which other programs on the machine disturb
less.
"""

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from segstudio.core.document import Document
from segstudio.tools.brush import BrushOptions
from segstudio.ui.canvas.canvas import Canvas
from segstudio.ui.canvas.panes import Panes

MOVES = 120
BUDGETS = {"move": 8.0, "undo": 20.0, "error map": 100.0}
"""In ms, at the 95th percentile."""


class Time(NamedTuple):
    """How long something took, in ms."""

    wall: float
    processor: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, nargs="+", default=[4096, 8192])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)  # as the window does
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    rows = [row for side in arguments.side for is_rgb in (False, True) for row in measure(app, side, is_rgb=is_rgb)]
    if arguments.json:
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    for row in rows:
        wall = f"median {row['median']:6.2f}  p95 {row['p95']:6.2f}  max {row['max']:6.2f} ms"
        processor = f"processor: median {row['cpu_median']:6.2f}  p95 {row['cpu_p95']:6.2f} ms"
        share = next((_share(row, most) for kind, most in BUDGETS.items() if str(row["what"]).startswith(kind)), "")
        sys.stdout.write(f"{row['what']:62s} {wall}   {processor}{share}\n")


def _share(row: dict[str, object], budget: float) -> str:
    wall, cpu = float(str(row["p95"])), float(str(row["cpu_p95"]))
    return f"   p95 {wall / budget:4.0%} of {budget:.0f} ms, by processor {cpu / budget:4.0%}"


def measure(app: QApplication, side: int, *, is_rgb: bool) -> list[dict[str, object]]:
    """All figures for one image of `side` x `side` pixels."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (side, side, 3) if is_rgb else (side, side), np.uint8)
    y, x = np.ogrid[:side, :side]
    mask = ((x - side / 2) ** 2 + (y - side / 2) ** 2 > (side / 3) ** 2).astype(np.uint8)
    probability = np.roll(mask, side // 40, axis=1) * np.uint8(255)
    document = Document(mask)
    panes = Panes()
    panes.resize(1330, 820)
    panes.show()
    panes.set_tool("brush")
    panes.show_sample(image, document, probability)
    app.processEvents()
    acts = (document.undo, document.redo)
    kind = "colour" if is_rgb else "grey"
    rows = []
    maps = []
    for is_on in (True, False) * 7:
        took = _timed(lambda is_on=is_on: (panes.set_error_view(is_on), app.processEvents()))
        maps += [took] if is_on else []
    rows.append(_row(f"error map: {side}, {kind}, zoom fit", maps))
    for is_error_view in (False, True):
        panes.set_error_view(is_error_view)
        for zoom in ("fit", 0.5, 1.0, 4.0):
            panes.fit() if zoom == "fit" else panes.view._set(float(zoom), side / 2, side / 2)
            app.processEvents()
            for radius in (20, 200, 1000):
                panes.set_tool_options("brush", BrushOptions(radius=radius))
                app.processEvents()
                what = f"{side}, {kind}, {'errors' if is_error_view else 'prediction'}, zoom {zoom}, radius {radius}"
                rows.append(_row(f"move: {what}", _stroke(app, panes.canvas("truth"))))
                undo_and_redo = [_timed(lambda act=act: (act(), app.processEvents())) for act in acts * 5]
                rows.append(_row(f"undo, redo: {what}", undo_and_redo))
                document.undo()
        rows.append(_row(f"wheel: {kind}, {'errors' if is_error_view else 'prediction'}", _zooming(app, panes)))
    panes.close()
    return rows


def _stroke(app: QApplication, canvas: Canvas) -> list[Time]:
    """The time of each move of one stroke along a spiral, in ms."""
    centre = QPointF(canvas.width() / 2, canvas.height() / 2)
    _send(app, canvas, QEvent.Type.MouseButtonPress, centre, Qt.MouseButton.LeftButton)
    app.processEvents()
    times = []
    for step in range(MOVES):
        angle, reach = step / 6, canvas.width() * 0.45 * step / MOVES
        point = centre + QPointF(reach * math.cos(angle), reach * math.sin(angle))
        times.append(_timed(lambda point=point: _move(app, canvas, point)))
    _send(app, canvas, QEvent.Type.MouseButtonRelease, centre, Qt.MouseButton.LeftButton)
    app.processEvents()
    return times


def _move(app: QApplication, canvas: Canvas, point: QPointF) -> None:
    _send(app, canvas, QEvent.Type.MouseMove, point, Qt.MouseButton.NoButton)
    app.processEvents()


def _zooming(app: QApplication, panes: Panes) -> list[Time]:
    panes.fit()
    times = []
    for step in range(40):
        factor = 1.25 if step < 20 else 0.8
        times.append(_timed(lambda factor=factor: (panes.view.zoom_at(factor, 1900, 1900), app.processEvents())))
    return times


def _send(app: QApplication, canvas: Canvas, kind: QEvent.Type, point: QPointF, button: Qt.MouseButton) -> None:
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    everywhere = QPointF(canvas.mapToGlobal(QPoint(0, 0))) + point
    app.sendEvent(canvas, QMouseEvent(kind, point, everywhere, button, held, Qt.KeyboardModifier.NoModifier))


def _timed(action: Callable[[], object]) -> Time:
    start, start_cpu = time.perf_counter(), time.process_time()
    action()
    return Time((time.perf_counter() - start) * 1000, (time.process_time() - start_cpu) * 1000)


def _row(what: str, times: list[Time]) -> dict[str, object]:
    wall, cpu = zip(*times, strict=True)
    return {
        "what": what,
        "median": float(np.median(wall)),
        "p95": float(np.percentile(wall, 95)),
        "max": float(max(wall)),
        "cpu_median": float(np.median(cpu)),
        "cpu_p95": float(np.percentile(cpu, 95)),
    }


if __name__ == "__main__":
    main()
