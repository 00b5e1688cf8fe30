"""What moving the slider of thresholds costs: `python -m tests.benchmarks.bench_threshold`. Prints; asserts nothing.

A move repaints the panes and asks what every sample would score; both happen in the window's thread. Beside it: what
the history of a sample and the divider between two masks cost.
"""

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from segstudio.core.changes import changes
from segstudio.core.document import Document
from segstudio.core.raster import brush_centre, capsule
from segstudio.core.sample import Split
from segstudio.core.threshold import Histogram, Sweep
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from segstudio.ui.canvas.layers import PREDICTION, TRUTH, ImageLayer, MaskLayer, SplitLayer
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.view import View
from segstudio.ui.views.swipe import SwipeCanvas

SIDE = 4096
REPEATS = 60
FRAME = 16.0
"""Milliseconds between two pictures on the screen."""


def measured(words: str, work: Callable[[], object], repeats: int = REPEATS, budget: float = 0.0) -> None:
    """Print median and 95th percentile of what something takes, after doing it once, and of the processor's time."""
    work()
    wall, cpu = [], []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.thread_time()
        work()
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((time.thread_time() - start_cpu) * 1000)
    median, p95 = np.percentile(wall, [50, 95])
    busy = float(np.percentile(cpu, 95))
    share = f" ({busy / budget:.0%} of {budget:.0f} ms)" if budget else ""
    print(f"{words:62} median {median:8.2f}  p95 {p95:8.2f} ms   processor p95 {busy:8.2f} ms{share}", flush=True)


def smooth(side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image, a mask and a prediction with soft edges."""
    image = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    mask = np.zeros((side, side), np.uint8)
    for x in (side // 3, side // 3 * 2):
        cv2.ellipse(mask, (x, side // 2), (side // 8, side // 3), 0, 0, 360, 1, -1)
    probability = cv2.GaussianBlur(np.roll(mask, side // 60, 1) * np.uint8(255), (0, 0), side / 60)
    return image, mask, np.asarray(probability, np.uint8)


def bench_panes(app: QApplication) -> None:
    """A move of the slider in the panes, repainted."""
    image, mask, probability = smooth(SIDE)
    panes = Panes()
    panes.resize(1200, 700)
    panes.show()
    panes.set_error_view(True)
    for is_fitted in (True, False):
        panes.show_sample(image, Document(mask.copy()), probability)
        if not is_fitted:
            panes.one_to_one()
        app.processEvents()
        levels = itertools.cycle(range(60, 200))

        def move(levels: "itertools.cycle[int]" = levels) -> None:
            panes.set_level(next(levels))
            for name in ("prediction", "errors"):
                panes.canvas(name).repaint()

        measured(f"{SIDE}², {'fitted' if is_fitted else '1:1'}: a move of the slider, repainted", move, budget=FRAME)
    panes.close()
    panes.close_threads()
    measured(f"{SIDE}²: count the histogram of one sample", lambda: Histogram.of(probability, mask), 20)


def bench_sweep(count: int) -> None:
    """What every sample would score at another threshold."""
    rng = np.random.default_rng(0)
    histograms = []
    for _ in range(50):
        mask = np.zeros((128, 128), np.uint8)
        cv2.circle(mask, (64, 64), int(rng.integers(10, 50)), 1, -1)
        soft = cv2.GaussianBlur(mask * np.uint8(255), (0, 0), 6).astype(np.int16)
        probability = np.clip(soft + rng.normal(0, 25, mask.shape), 0, 255).astype(np.uint8)
        histograms.append(Histogram.of(probability, mask).to_bytes())
    data = [histograms[number % 50] for number in range(count)]
    chosen = np.arange(count) % 7 == 0
    measured(f"{count:,} samples: sum up", lambda: Sweep(np.arange(count), data, chosen), 3)
    sweep = Sweep(np.arange(count), data, chosen)
    start = time.perf_counter()
    best = sweep.curve.best
    print(
        f"{count:,} samples: the curve and the best threshold ({best}): {(time.perf_counter() - start) * 1000:.1f} ms"
    )
    levels = itertools.cycle(range(60, 200))
    measured(f"{count:,} samples: whose verdict changes", lambda: sweep.flips(128, next(levels), 0.8), budget=FRAME)


def bench_storing(folder: Path, count: int) -> None:
    """Choosing a threshold: the figures of all predictions follow."""
    (folder / "data").mkdir()
    rows = [NewSample(f"{number:06}.png", None, 64, 64, Split.VAL) for number in range(count)]
    Project.create(folder / "project", folder / "data", rows).close()
    rng = np.random.default_rng(0)
    with Project.open(folder / "project", is_editor=True) as project:
        run = int(project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch").id)
        with project.transaction("predictions") as connection:
            connection.executemany(
                "INSERT INTO prediction (run_id, sample_id, uncertainty, foreground) VALUES (?, ?, 0, 0)",
                [(run, number + 1) for number in range(count)],
            )
            for number in range(count):
                probability = rng.integers(0, 256, (64, 64), np.uint8)
                histogram = Histogram.of(probability, (probability > 100).astype(np.uint8))
                project.histograms.store(connection, run, number + 1, histogram)
        project.predictions.set_current(run)
        thresholds = itertools.cycle((0.3, 0.6))
        measured(
            f"{count:,} samples: choose a threshold",
            lambda: project.predictions.set_threshold(run, next(thresholds)),
            5,
        )
        measured(f"{count:,} samples: read what is counted", lambda: project.histograms.sweep(run), 3)


def bench_history() -> None:
    """What 200 strokes did, and one more."""
    rng = np.random.default_rng(0)
    document = Document(np.zeros((SIDE, SIDE), np.uint8))

    def stroke() -> None:
        x, y = rng.integers(200, SIDE - 200, 2).tolist()
        with document.stroke("Brush") as one:
            ends = brush_centre(x, y, 40), brush_centre(x + 150, y + 90, 40)
            one.fill_spans(capsule(one.shape, *ends, 40), int(rng.integers(0, 2)))

    for _ in range(200):
        stroke()
    measured(
        f"{SIDE}²: what 200 edits did (in a thread)",
        lambda: changes(document.snapshot().mask, document.history.past, (), {}), 3,
    )  # fmt: skip
    known = changes(document.snapshot().mask, document.history.past, (), {})
    stroke()
    measured(
        f"{SIDE}²: what one more did (in a thread)",
        lambda: changes(document.snapshot().mask, document.history.past, (), known), 10,
    )  # fmt: skip
    middle = document.history.past[len(document.history.past) // 2]
    places = itertools.cycle((middle, document.history.past[-1]))
    measured(f"{SIDE}²: go back over 100 edits, and forward", lambda: document.go_to(next(places)), 10)


def bench_divider(app: QApplication) -> None:
    """A move of the divider, repainted."""
    image, mask, probability = smooth(SIDE)
    view = View()
    canvas = SwipeCanvas(view)
    canvas.resize(800, 700)
    canvas.show()
    view.show(SIDE, SIDE)
    canvas.fit()
    canvas.show_picture(ImageLayer(image))
    left, right = Pyramid(mask, gain=255), Pyramid((probability >= 128).view(np.uint8), gain=255)
    app.processEvents()
    shares = itertools.cycle(np.linspace(0.2, 0.8, 50).tolist())

    def move() -> None:
        canvas.set_share(next(shares))
        layers = MaskLayer(left, TRUTH, 0.45), MaskLayer(right, PREDICTION, 0.45)
        canvas.show_overlay(SplitLayer(*layers, canvas.share))
        canvas.repaint()

    measured(f"{SIDE}²: a move of the divider, repainted", move, budget=FRAME)
    canvas.close()


def main() -> None:
    """Print everything."""
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    bench_panes(app)
    for count in (1_000, 10_000, 100_000):
        bench_sweep(count)
    with tempfile.TemporaryDirectory() as folder:
        bench_storing(Path(folder), 10_000)
    bench_divider(app)
    bench_history()


if __name__ == "__main__":
    main()
