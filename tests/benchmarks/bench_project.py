"""How long a large project takes: `python -m tests.benchmarks.bench_project [--files]`. Prints; asserts nothing.

The budgets (two cores): open 10,000 pairs < 1 s, 100,000 pairs < 3 s; filter or sort 100,000 samples < 100 ms.
With --files, 100,000 pairs of tiny pictures are written and read by `new` first (minutes).
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from segstudio.core.reporter import ListReporter
from segstudio.core.sample import ReviewState, Split
from segstudio.core.suspicion import Suspicion
from segstudio.formats import encode_grey
from segstudio.jobs import JOBS
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from segstudio.project.sorting import SORT_KEYS, sorted_rows
from segstudio.project.suspicions import store_suspicions
from tests.datasets import blob_pair

FILTERS = (
    "state:todo,flagged", "state:todo split:test iou<0.8 uncertainty>0.2", "77", "name:*lens*", "name:frame*7.jpg",
    "group:day1", "-mask:yes", "iou:0.2..0.4 -state:todo лёгкие", "suspicion>0.5", "unseen>7", "seen:no", "work>0.1",
    "fold_iou<0.5",
)  # fmt: skip
REPEATS = 7


def measured(name: str, act: Callable[[], Any], *, budget: float = 0.0, repeats: int = REPEATS) -> Any:
    """Print median, 95th percentile and the longest time of something, and its share of the budget (milliseconds)."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = act()
        times.append((time.perf_counter() - start) * 1000)
    median, p95 = np.percentile(times, [50, 95])
    share = f"   p95 {p95 / budget:6.1%} of {budget:.0f} ms" if budget else ""
    print(f"  {name:52} median {median:8.1f}   p95 {p95:8.1f}   max {max(times):8.1f} ms{share}")
    return result


def rows(count: int) -> list[NewSample]:
    """Made-up samples in fifty folders, in no order."""
    order = np.random.default_rng(0).permutation(count)
    splits = [Split.TRAIN] * 14 + [Split.VAL] * 3 + [Split.TEST] * 3
    return [
        NewSample(f"lens/day{n % 50}/Frame {n}.jpg", f"masks/Frame {n}.png", 640, 480, splits[n % 20], f"day{n % 50}",
                  foreground=0.3)
        for n in map(int, order)
    ]  # fmt: skip


def add_figures(project: Project) -> None:
    """Two runs with figures for every sample, and some verdicts."""
    rng = np.random.default_rng(1)
    count = project.samples.count
    for _ in range(2):
        run = project.runs.create("preset", "model", {}, "scratch")
        figures = rng.random((count, 4)).tolist()
        with project.transaction("predictions") as connection:
            connection.executemany(
                "INSERT INTO prediction (run_id, sample_id, uncertainty, foreground, change, iou, dice, fp, fn) "
                "VALUES (?, ?, ?, 0.3, ?, ?, ?, 10, 20)",
                [(run.id, number, *line) for number, line in enumerate(figures, start=1)],
            )
        project.predictions.set_current(run.id)
    with project.transaction("samples") as connection:
        connection.execute(
            "UPDATE sample SET suspected_revision = revision, loss_suspicion = abs(random() % 1000) / 1000.0, "
            "fold_suspicion = abs(random() % 1000) / 1000.0, fold_iou = abs(random() % 1000) / 1000.0, "
            "seen = iif(id % 2, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-' || (id % 40) || ' days'), NULL)"
        )
        connection.execute("UPDATE prediction SET expected = 0.1, fp = iif(sample_id % 4, fp, NULL)")
    project.samples.set_state(range(1, count, 3), ReviewState.ACCEPTED)
    project.samples.set_state(range(2, count, 9), ReviewState.FLAGGED)


def bench_size(folder: Path, count: int, budget: float) -> None:
    """Open, look, filter, sort, judge."""
    print(f"{count} samples")
    (folder / "dataset").mkdir(parents=True)
    made = measured("create", lambda: Project.create(folder / "project", folder / "dataset", rows(count)), repeats=1)
    measured("open and read the first table", lambda: _open(made.folder), budget=budget, repeats=3)
    add_figures(made)
    made.close()
    measured("the same with two runs of figures", lambda: _open(made.folder), budget=budget, repeats=3)
    with Project.open(made.folder, is_editor=True) as project:
        table = project.samples.table()
        measured("table, nothing changed", project.samples.table)
        for text in FILTERS:
            chosen = compile_filter(text)
            measured(f"filter {text}", lambda chosen=chosen: chosen.rows(table), budget=100)
        everything = np.arange(len(table))
        print("  queues: worst, most uncertain, most work, longest unseen, suspicious and the other orders of the list")
        for key in SORT_KEYS:
            measured(f"sort {key}", lambda key=key: sorted_rows(table, everything, key), budget=100)
        states = iter([ReviewState.ACCEPTED, ReviewState.TODO] * REPEATS)
        measured("one verdict and the new table", lambda: _judge(project, [7], next(states)))
        measured(
            "a verdict on all and the new table", lambda: _judge(project, range(1, count + 1), next(states)), repeats=2
        )
        measured("one sample seen and the new table", lambda: _see(project, [9]))
        everybody = {number: (0, Suspicion(number % 10 / 10)) for number in range(1, count + 1)}
        measured("suspicions of all stored", lambda: store_suspicions(project, "loss", everybody), repeats=2)
        measured("progress by state", project.samples.progress)
    print(f"  the index takes {(made.folder / 'project.sqlite').stat().st_size / 1e6:.1f} MB")


def _open(folder: Path) -> None:
    with Project.open(folder, is_editor=True) as project:
        project.samples.table()


def _see(project: Project, ids: Any) -> None:
    project.samples.set_seen(ids)
    project.samples.table()


def _judge(project: Project, ids: Any, state: ReviewState) -> None:
    project.samples.set_state(ids, state)
    project.samples.table()


WRITE = """
import itertools, sys
from pathlib import Path
import numpy as np
from segstudio.project.project import Project
with Project.open(Path(sys.argv[1])) as project:
    print("ready", flush=True)
    with project.transaction("samples"): pass
    for number in itertools.count():
        sample = project.samples.get(1 + number % 1000)
        project.predictions.save(2, sample, np.full((480, 640), number % 256, np.uint8))
"""


def bench_beside_a_writer(folder: Path) -> None:
    """What the window waits for while a job stores predictions as fast as it can."""
    print("while another process stores predictions")
    job = subprocess.Popen([sys.executable, "-c", WRITE, str(folder)], stdout=subprocess.PIPE, text=True)
    assert job.stdout is not None
    job.stdout.readline()
    with Project.open(folder, is_editor=True) as project:
        project.samples.table()
        times: dict[str, list[float]] = {"table": [], "get": [], "set_state": []}
        end = time.monotonic() + 5
        while time.monotonic() < end:
            number = len(times["get"])
            acts: dict[str, Callable[[], Any]] = {
                "table": project.samples.table,
                "get": lambda: project.samples.get(5),
                "set_state": lambda number=number: project.samples.set_state([5], list(ReviewState)[number % 5]),
            }
            for name, act in acts.items():
                start = time.perf_counter()
                act()
                times[name].append((time.perf_counter() - start) * 1000)
        for name, values in times.items():
            median, p99 = np.percentile(values, [50, 99])
            print(f"  {name:52} median {median:8.1f}   p99 {p99:8.1f}   max {max(values):8.1f} ms")
    job.kill()
    job.wait()
    job.stdout.close()


def bench_masks(folder: Path, side: int) -> None:
    """Saving and loading masks, and scoring predictions."""
    print(f"masks of {side} x {side}")
    (folder / "d").mkdir(parents=True)
    image, mask = blob_pair(np.random.default_rng(0), (side, side))
    masks = itertools.cycle([mask, 1 - mask])
    new = [NewSample(f"{number}.png", None, side, side) for number in range(8)]
    with Project.create(folder / "p", folder / "d", new) as project:
        run = project.runs.create("preset", "model", {}, "scratch")
        for sample in project.samples.all():
            project.predictions.save(run.id, sample, image)
        measured("save an open revision", lambda: project.masks.save(1, next(masks)))
        measured("load", lambda: project.masks.load(project.samples.get(1)))
        measured("seal and save", lambda: (project.masks.seal([1]), project.masks.save(1, next(masks))))
        project.predictions.set_current(run.id)
        measured("save and score against a prediction", lambda: project.masks.save(1, next(masks)))
        for sample in project.samples.all():
            project.masks.save(sample.id, mask)
        measured("score 8 predictions", lambda: project.predictions.score(run.id), repeats=3)


def bench_files(folder: Path, count: int = 100_000) -> None:
    """Write tiny pairs and make a project of them."""
    print(f"{count} pairs of tiny files")
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / "d" / name).mkdir(parents=True)

    def write() -> None:
        for number in range(count):
            # Noise of its own for each, so that none is taken for the near-duplicate of another.
            (folder / f"d/images/frame_{number}.png").write_bytes(encode_grey(rng.integers(0, 256, (9, 9), np.uint8)))
            mask = (rng.random((9, 9)) < 0.3).astype(np.uint8) * np.uint8(255)
            (folder / f"d/masks/frame_{number}.png").write_bytes(encode_grey(mask))

    measured("write the files", write, repeats=1)
    new = JOBS["new"].from_values({"source": str(folder / "d")})
    result = measured("new", lambda: new.perform(folder / "p", ListReporter()), repeats=1)
    print(f"  pairs {result['pairs']}, empty {result['empty']}, full {result['full']}")
    measured("open and read the first table", lambda: _open(folder / "p"), budget=3000, repeats=3)
    with Project.open(folder / "p") as project:
        table = project.samples.table()
        measured("filter name:*77*", lambda: compile_filter("name:*77*").rows(table), budget=100)
        measured("sort name", lambda: sorted_rows(table, np.arange(len(table)), "name"), budget=100)
    check = JOBS["check"].from_values({})
    print("  check:", measured("check", lambda: check.perform(folder / "p", ListReporter()), repeats=1)["ok"])


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", action="store_true", help="write 100,000 pairs and run `new` on them")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench_size(folder / "small", 10_000, 1000)
        bench_size(folder / "large", 100_000, 3000)
        bench_beside_a_writer(folder / "large" / "project")
        for side in (512, 2048, 4096):
            bench_masks(folder / "masks" / str(side), side)
        if arguments.files:
            bench_files(folder / "files")


if __name__ == "__main__":
    main()
