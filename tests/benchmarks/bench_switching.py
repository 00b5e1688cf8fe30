"""From the key to the next sample on screen: `python -m tests.benchmarks.bench_switching [--size N] [--count N]`.

Photos and grey pictures of N x N pixels with a mask, a prediction each. Prints the median and the longest time from
`session.show` to the painted panes, prefetched (everything was quiet before) and not (the store was told to forget);
budgets 100 ms and 250 ms. `--profile` says where the window's thread was meanwhile.
"""

import argparse
import cProfile
import os
import pstats
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image
from PySide6.QtWidgets import QApplication

from segstudio.core.sample import Split
from segstudio.formats import encode_mask
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from segstudio.ui import app as application
from segstudio.ui.window import Window

WAIT_SECONDS = 60
BUDGETS = {"prefetched": 100.0, "not prefetched": 250.0}


def picture(rng: np.random.Generator, size: int, *, is_grey: bool) -> np.ndarray:
    """Soft shapes with the noise of a camera, which takes a decoder about as long as a photo does."""
    channels = 1 if is_grey else 3
    soft = cv2.resize(rng.integers(0, 256, (24, 24, channels), np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 5, (size, size, channels)).astype(np.float32)
    return np.clip(soft.reshape(size, size, channels) + noise, 0, 255).astype(np.uint8)


def make_project(folder: Path, count: int, size: int) -> Path:
    """Half of the pictures are colour JPEG, half grey PNG; every one is predicted."""
    rng = np.random.default_rng(0)
    dataset = folder / "dataset"
    (dataset / "images").mkdir(parents=True)
    (dataset / "masks").mkdir()
    rows = []
    for number in range(count):
        name = f"{number:03}.{'png' if number % 2 else 'jpg'}"
        Image.fromarray(picture(rng, size, is_grey=bool(number % 2)).squeeze()).save(dataset / "images" / name)
        blobs = cv2.resize(rng.random((9, 9), np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        (dataset / "masks" / f"{number:03}.png").write_bytes(encode_mask(blobs > 0.6))
        rows.append(NewSample(f"images/{name}", f"masks/{number:03}.png", size, size, Split.TRAIN))
    with Project.create(folder / "project", dataset, rows) as project:
        run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
        for sample in project.samples.all():
            mask = project.masks.load(sample)
            soft = cv2.GaussianBlur(mask.astype(np.float32) * 255, (0, 0), 4) + rng.normal(0, 2, mask.shape)
            project.predictions.save(run.id, sample, np.clip(soft, 0, 255).astype(np.uint8))
        project.predictions.score(run.id)
        project.predictions.set_current(run.id)
    return folder / "project"


class Switching:
    """Goes from sample to sample and takes the time."""

    def __init__(self, app: QApplication, window: Window) -> None:
        self._app = app
        self._window = window
        self.busy: list[float] = []
        self.profile: cProfile.Profile | None = None

    def settle(self) -> None:
        """Wait until all is quiet, also what is prefetched."""
        end = time.perf_counter() + WAIT_SECONDS
        quiet = 0
        while quiet < 20 and time.perf_counter() < end:
            self._app.processEvents()
            session = self._window.session
            quiet = quiet + 1 if self._window.is_settled() and session.images.is_idle else 0
            time.sleep(0.005)

    def go(self, sample_id: int) -> float:
        """Milliseconds until that sample is on screen."""
        session = self._window.session
        if self.profile is not None:
            self.profile.enable()
        start, used = time.perf_counter(), time.thread_time()
        session.show(sample_id)
        while session.sample is None or session.sample.id != sample_id or session.is_busy:
            self._app.processEvents()
            time.sleep(0.0005)
        self._window.panes.repaint()
        self._app.processEvents()
        spent = (time.perf_counter() - start) * 1000
        self.busy.append((time.thread_time() - used) * 1000)
        if self.profile is not None:
            self.profile.disable()
        return spent


def say(name: str, times: list[float], budget: float) -> None:
    print(f"  {name:24} median {np.median(times):6.1f}   p95 {np.percentile(times, 95):6.1f}   max {max(times):6.1f} ms"
          f"   p95 {np.percentile(times, 95) / budget:6.1%} of {budget:.0f} ms")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--count", type=int, default=16)
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    project = make_project(Path(tempfile.mkdtemp()), args.count, args.size)
    app, window = application.build(["segstudio"])
    window.resize(1440, 900)
    window.show()
    window.open_project(project)
    switching = Switching(app, window)
    switching.settle()
    switching.profile = cProfile.Profile() if args.profile else None
    session = window.session
    ids = [int(one) for one in window.samples_panel.model.ids()]
    times: dict[str, dict[str, list[float]]] = {name: {"colour": [], "grey": []} for name in BUDGETS}
    for name in BUDGETS:
        for sample_id in ids[1:] + ids[:1]:
            if name == "prefetched":
                assert session.images.cached(sample_id) or sample_id == ids[0]
            else:
                session.images._kept.clear()
            kind = "colour" if session.project.samples.get(sample_id).image.endswith("jpg") else "grey"
            times[name][kind].append(switching.go(sample_id))
            switching.settle()
        for kind, some in times[name].items():
            say(f"{name}, {kind}", some, BUDGETS[name])
    print(f"  the window's thread was busy for {np.median(switching.busy):.1f} ms of these (median)")
    if switching.profile is not None:
        pstats.Stats(switching.profile).sort_stats("cumulative").print_stats(70)
    window.close()


if __name__ == "__main__":
    main()
