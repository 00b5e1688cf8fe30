"""How long the walk from error to error takes: `python -m tests.benchmarks.bench_errors`. Prints; asserts nothing.

Finding the errors of the sample on screen and of those that are saved happens in threads; the order of the walk is
asked in the window's own.
"""

import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from segstudio.core.blobs import TOLERANCES, Errors, forgiven, ranked
from segstudio.core.sample import Split
from segstudio.project.blob_table import _STORED, MOST
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from segstudio.project.walk_order import WalkOrder

SAMPLES = 100_000
REPEATS = 7


NEXT_BUDGET = 100.0
"""For the next error to be known, in ms: it shall cost no more than filtering the list."""


def measured(words: str, work: Callable[[], object], *, budget: float = 0.0) -> None:
    """Print median and 95th percentile of what something takes, and of the processor time in this thread."""
    wall, cpu = [], []
    for _ in range(REPEATS):
        start, start_cpu = time.perf_counter(), time.thread_time()
        work()
        wall.append((time.perf_counter() - start) * 1000)
        cpu.append((time.thread_time() - start_cpu) * 1000)
    median, p95 = np.percentile(wall, [50, 95])
    share = f"   p95 {p95 / budget:4.0%} of {budget:.0f} ms" if budget else ""
    print(f"{words:48} median {median:8.1f}  p95 {p95:8.1f} ms   processor {np.median(cpu):8.1f} ms{share}")


def bench_finding(side: int) -> None:
    """Two ellipses that differ by a tilt, with a hole, an island and specks."""
    rng = np.random.default_rng(0)
    truth, predicted = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
    cv2.ellipse(truth, (side // 2, side // 2), (side // 3, side // 5 * 2), 0, 0, 360, 1, -1)
    cv2.ellipse(predicted, (side // 2 + 2, side // 2 + 2), (side // 3, side // 5 * 2), 5, 0, 360, 1, -1)
    cv2.circle(predicted, (side // 2, side // 2), side // 60, 0, -1)
    cv2.circle(predicted, (side // 12, side // 12), side // 50, 1, -1)
    predicted ^= cv2.dilate((rng.random(truth.shape) < 2e-5).astype(np.uint8), np.ones((3, 3), np.uint8))
    measured(f"{side}²: the worst errors, one tolerance", lambda: Errors(truth, predicted, 3).worst(MOST))
    measured(f"{side}²: the worst errors, every tolerance", lambda: list(ranked(truth, predicted, MOST)))
    measured(f"{side}²: the ring of tolerance", lambda: forgiven(truth, predicted, 3))
    errors = Errors(truth, predicted, 3)
    blob = errors.worst(1)[0]
    measured(f"{side}²: what a decision changes", lambda: errors.hunk(blob))


def bench_order(folder: Path) -> None:
    """The worst errors of 100,000 samples."""
    (folder / "data").mkdir()
    rows = [NewSample(f"{number:06}.png", None, 512, 512, Split.TRAIN) for number in range(SAMPLES)]
    Project.create(folder / "project", folder / "data", rows).close()
    with Project.open(folder / "project", is_editor=True) as project:
        run = int(project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch").id)
        ids = project.samples.table().id
        with project.transaction("blobs") as connection:
            _fill(connection, run, ids)
        measured(f"{SAMPLES:,} samples: read the order", lambda: project.blobs.ranking(run, 3))
        order = WalkOrder(project.blobs.ranking(run, 3))

        def step() -> None:
            found = order.next(ids)
            assert found is not None
            order.visit(*found)
            order.count(ids)

        measured(f"{SAMPLES:,} samples: next error", step, budget=NEXT_BUDGET)
        truth, predicted = np.zeros((512, 512), np.uint8), np.zeros((512, 512), np.uint8)
        predicted[5:50, 5:60] = 1
        errors = Errors(truth, predicted)
        measured(f"{SAMPLES:,} samples: a mask has changed", lambda: order.replace(5, errors, errors.worst(MOST)))


def _fill(connection: sqlite3.Connection, run: int, ids: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for tolerance in TOLERANCES:
        blobs = np.zeros((len(ids), MOST), _STORED)
        for name, most in (("kind", 2), ("x", 512), ("y", 512), ("area", 3000)):
            blobs[name] = rng.integers(0, most, blobs.shape)
        blobs["depth"] = rng.random(blobs.shape) * 30 + 1
        rows = [
            (run, tolerance, sample_id, found.tobytes()) for sample_id, found in zip(ids.tolist(), blobs, strict=True)
        ]
        connection.executemany("INSERT INTO blobs VALUES (?, ?, ?, ?)", rows)


def main() -> None:
    """All of it."""
    for side in (512, 2048, 4096):
        bench_finding(side)
    with tempfile.TemporaryDirectory() as folder:
        bench_order(Path(folder))


if __name__ == "__main__":
    main()
