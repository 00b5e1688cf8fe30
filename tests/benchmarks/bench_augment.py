"""Copies a second that the augment job writes, beside a bare loop: `python -m tests.benchmarks.bench_augment`.

The bare loop is what a competent person would write: albumentations.Compose of the same steps, each pair read once,
`cv2.imwrite` of image and mask, as many threads as the job has. Both work on the same pairs, in turns; the job shall
reach 0.9 of the loop's rate, with its seeds, hashes, manifest and atomic files. On generated 512x512 pictures, or on
the lungs where SEGSTUDIO_TEST_DATA lies.
"""

import functools
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from segstudio.core.reporter import ListReporter
from segstudio.core.sample import Split
from segstudio.jobs import JOBS
from segstudio.project.project import Project
from tests.datasets import make_dataset

RECIPE = "chest-xray"
COPIES = 10
"""Of each pair: what a job does once (hashing the sources, trying how large a few copies are) weighs little then."""

ROUNDS = 3
SIZE = (512, 512)
THREADS = os.cpu_count() or 1


def main() -> int:
    """Print the rates of both, and of the bare loop in one thread."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = Path(os.environ.get("SEGSTUDIO_TEST_DATA", "")) / "lungs"
        source = data if data.is_dir() else make_dataset(folder / "dataset", 60, SIZE)
        JOBS["new"].from_values({"source": str(source)}).perform(folder / "project", ListReporter())
        with Project.open(folder / "project") as project:
            compare(project, folder)
    return 0


def compare(project: Project, folder: Path) -> None:
    """Measure in turns, so that whatever else the machine does disturbs all alike."""
    import albumentations

    train = [one for one in project.samples.all() if one.split is Split.TRAIN]
    pairs = [(project.image_path(one), project.source / str(one.truth)) for one in train]
    saved, count = project.recipes.get(RECIPE).to_albumentations(), COPIES * len(train)

    def job() -> None:
        options = {"recipe": RECIPE, "copies": COPIES}
        JOBS["augment"].from_values(options).perform(project.folder, ListReporter())

    acts: dict[str, Callable[[], None]] = {"augment": job}
    for threads in (THREADS, 1):
        acts[f"bare loop, threads: {threads}"] = functools.partial(
            bare_loop, pairs, folder / "bare", lambda: albumentations.from_dict(saved), threads
        )
    print(f"{count} copies of {len(train)} pairs of {project.source.name} by {RECIPE}: copies a second on the clock")
    print("(and by processor time on all cores, which other programs on the machine disturb less)")
    clocks: dict[str, list[float]] = {name: [] for name in acts}
    cores: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(1 + ROUNDS):
        for name, act in acts.items():
            project.augmented.remove(RECIPE)
            shutil.rmtree(folder / "bare", ignore_errors=True)
            clock, core = time.perf_counter(), time.process_time()
            act()
            clock, core = time.perf_counter() - clock, time.process_time() - core
            if number:  # the first round loads libraries and fills the cache of files
                clocks[name].append(count / clock)
                cores[name].append(count * THREADS / core)
    middle = {name: (statistics.median(clocks[name]), statistics.median(cores[name])) for name in acts}
    for name, (clock, core) in middle.items():
        print(f"  {name:24} {clock:7.1f} ({core:7.1f})   best {max(clocks[name]):7.1f}")
    ours, threaded, single = middle.values()
    print(f"  augment against the loop in as many threads: {ours[0] / threaded[0]:.2f} ({ours[1] / threaded[1]:.2f})")
    print(f"  augment against the loop in one thread:      {ours[0] / single[0]:.2f} ({ours[1] / single[1]:.2f})")


def bare_loop(pairs: list[tuple[Path, Path]], folder: Path, compose: object, threads: int) -> None:
    """Augment and write every pair COPIES times; a Compose of its own for each thread, as they cannot be shared."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    local = threading.local()

    def copy(pair: tuple[Path, Path]) -> None:
        if not hasattr(local, "compose"):
            local.compose = compose()  # type: ignore[operator]
        image = cv2.imread(str(pair[0]), cv2.IMREAD_UNCHANGED)  # noqa: TID251 - as others do
        mask = (cv2.imread(str(pair[1]), cv2.IMREAD_GRAYSCALE) > 127).astype(np.uint8)  # noqa: TID251 - as others do
        for number in range(COPIES):
            made = local.compose(image=image, mask=mask)
            name = f"{pair[0].stem}-{number}.png"
            cv2.imwrite(str(folder / "images" / name), made["image"])  # noqa: TID251 - as others do
            cv2.imwrite(str(folder / "masks" / name), made["mask"] * 255)  # noqa: TID251 - as others do

    if threads == 1:
        for pair in pairs:
            copy(pair)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(copy, pairs))


if __name__ == "__main__":
    raise SystemExit(main())
