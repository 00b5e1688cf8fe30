"""How long painting, undo and saving take: `python -m tests.benchmarks.bench_editing`. Prints; asserts nothing.

The budgets (two cores): a brush move at 4096x4096 < 8 ms at the 95th percentile, repaint included; undo < 20 ms.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from segstudio.core.document import Document
from segstudio.project.journal import Journal
from segstudio.tools import TOOLS, Drag, Pointer, Scene

SIDES = (1024, 4096)
RADII = (0.5, 20, 200, 500)
STROKES = 12
MOVES = 80


class Times:
    """Durations of one thing, in milliseconds."""

    def __init__(self) -> None:
        self.values: list[float] = []

    @contextmanager
    def measured(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.values.append((time.perf_counter() - start) * 1000)

    def __str__(self) -> str:
        median, p95 = np.percentile(self.values, [50, 95])
        return f"median {median:7.2f}  p95 {p95:7.2f}  max {max(self.values):7.2f} ms"


def way(side: int, rng: np.random.Generator, speed: float) -> list[tuple[float, float]]:
    """Positions of a hand that draws curves: `speed` pixels from one to the next, bouncing at the borders."""
    angle, (x, y) = rng.uniform(0, 6.28), rng.uniform(0, side, 2)
    points = []
    for _ in range(MOVES):
        angle += rng.normal(0, 0.3)
        x, y = np.clip((x + speed * np.cos(angle), y + speed * np.sin(angle)), 0, side)
        points.append((float(x), float(y)))
    return points


def bench_strokes(side: int, radius: float, speed: float, folder: Path) -> None:
    """Strokes with a journal behind them, each undone and redone."""
    rng = np.random.default_rng(0)
    opened = Journal.open(folder / f"{side}-{radius}-{speed}.journal", np.zeros((side, side), np.uint8))
    assert opened.journal is not None
    document = Document(opened.mask, opened.history, opened.journal)
    scene, tool = Scene(document, document.mask), TOOLS["brush"]()
    options = tool.Options().replaced(radius=radius)
    press, move, release, undo, redo = Times(), Times(), Times(), Times(), Times()
    for number in range(STROKES):
        first, *others = way(side, rng, speed)
        with press.measured():
            drag = Drag(tool, scene, options, Pointer(*first, is_alternate=number % 3 == 2, clicks=1))
        for point in others:
            with move.measured():
                drag.move(Pointer(*point))
        with release.measured():
            drag.finish()
        with undo.measured():
            document.undo()
        with redo.measured():
            document.redo()
    opened.journal.close()
    print(f"\n{side}x{side}, radius {radius:g}, {speed:g} px a move; {MOVES} moves a stroke")
    for name, times in (("press", press), ("move", move), ("release", release), ("undo", undo), ("redo", redo)):
        print(f"  {name:8} {times}")
    print(f"  an edit takes {np.median([edit.nbytes for edit in document.history.past]) / 1024:.1f} KiB")


def bench_whole(side: int, folder: Path) -> None:
    """What costs as much as the image is large."""
    rng = np.random.default_rng(0)
    blobs = np.kron(rng.integers(0, 2, (side // 64, side // 64)), np.ones((64, 64))).astype(np.uint8)
    path = folder / f"{side}.journal"
    opened = Journal.open(path, np.zeros((side, side), np.uint8))
    journal = opened.journal
    assert journal is not None
    document = Document(opened.mask, opened.history, journal)
    scene = Scene(document, document.mask)
    fill = TOOLS["fill"]()

    def fill_all() -> None:
        """The looking, which the window leaves to a thread, and the change."""
        drag = Drag(fill, scene, fill.Options(), Pointer(1, 1, bool(document.mask[1, 1])))
        drag.finish()
        while (work := drag.work) is not None:
            drag.deliver(work, work.run())

    actions: dict[str, Callable[[], object]] = {
        "replace all": lambda: document.replace(1 - document.mask if document.mask.any() else blobs, "Paste"),
        "undo all": document.undo,
        "redo all": document.redo,
        "fill all": fill_all,
        "snapshot": document.snapshot,
        "before_save": lambda: journal.before_save(document.mask),
    }
    print(f"\n{side}x{side}, the whole image")
    for name, action in actions.items():
        times = Times()
        for _ in range(8):
            with times.measured():
                action()
        print(f"  {name:12} {times}")
    journal.close()
    times = Times()
    for _ in range(8):
        with times.measured():
            Journal.open(path, np.zeros((side, side), np.uint8), is_read_only=True)
    print(f"  {'open journal':12} {times}  ({path.stat().st_size / 1024:.0f} KiB)")


def main() -> None:
    """Run everything."""
    with tempfile.TemporaryDirectory() as folder:
        for side in SIDES:
            for radius in RADII:
                for speed in (15, 300):
                    bench_strokes(side, radius, speed, Path(folder))
            bench_whole(side, Path(folder))


if __name__ == "__main__":
    main()
