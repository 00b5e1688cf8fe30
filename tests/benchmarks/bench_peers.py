"""Beside napari and labelme, in the same run: `python -m tests.benchmarks.bench_peers [--keep FOLDER]`.

- napari's Labels layer: one move of a brush at 4096 x 4096, radius 20, 200 and 1000, events processed and the canvas
  repainted; ours is a real mouse move over the pane that is painted on, beside image and prediction.
- labelme: from the call that opens a folder of 10,000 images to the first image in its window; ours is opening a
  project of the same 10,000 images, and, once before that, taking the folder in.

Both come from PyPI, each into a throw-away environment made by uv (minutes the first time; `--keep FOLDER` keeps them
for the next run). Everything is shown on a virtual display by Xvfb where there is no other: napari needs OpenGL, which
the processor then computes; a machine with a graphics card shows napari faster, and its texture is uploaded as a whole
all the same. Prints median and 95th percentile, and how many times as long the other takes.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SIDE, RADII, MOVES = 4096, (20, 200, 1000), 40
IMAGES = 10_000
BUDGETS = {"move": 8.0, "open": 1000.0}
PACKAGES = {"napari": ("napari", "PySide6<6.11"), "labelme": ("labelme",)}

NAPARI = """
import json, math, sys, time
import numpy as np
import napari
side, moves, radii = int(sys.argv[1]), int(sys.argv[2]), [int(one) for one in sys.argv[3:]]
viewer = napari.Viewer(show=True)
viewer.window.resize(1440, 900)
rng = np.random.default_rng(0)
viewer.add_image(rng.integers(0, 255, (side, side), np.uint8))
labels = viewer.add_labels(np.zeros((side, side), np.uint8))
labels.mode = "paint"
from qtpy.QtWidgets import QApplication
app = QApplication.instance()
native = viewer.window._qt_viewer.canvas.native
def shown():
    app.processEvents()
    native.repaint()
    app.processEvents()
for _ in range(20):
    shown()
found = {}
for radius in radii:
    labels.brush_size = 2 * radius
    shown()
    times, last = [], None
    with labels.block_history():
        for step in range(moves):
            angle, reach = step / 6, side * 0.45 * step / moves
            spot = (side / 2 + reach * math.sin(angle), side / 2 + reach * math.cos(angle))
            start = time.perf_counter()
            labels._draw(1, last or spot, spot)
            shown()
            times.append((time.perf_counter() - start) * 1000)
            last = spot
    found[radius] = times[1:]
print(json.dumps({"version": napari.__version__, "times": found}))
"""

LABELME = """
import json, sys, time
import labelme
from labelme.app import MainWindow
from PyQt5 import QtWidgets
app = QtWidgets.QApplication(["labelme"])
times = []
for _ in range(3):
    window = MainWindow(config_overrides={"auto_save": False})
    window.resize(1440, 900)
    window.show()
    app.processEvents()
    start = time.perf_counter()
    window._load_from_file_or_dir(sys.argv[1])
    app.processEvents()
    window.repaint()
    app.processEvents()
    times.append((time.perf_counter() - start) * 1000)
    assert window._docks.file_list.count() == int(sys.argv[2])
    window.close()
print(json.dumps({"version": labelme.__version__, "times": times}))
"""


def environment(name: str, folder: Path) -> Path:
    """The Python of an environment with a package from PyPI; made when it is not there."""
    uv = _uv()
    python = folder / name / "bin" / "python"
    if not python.exists():
        print(f"installing {name} …", flush=True)
        subprocess.run([uv, "venv", "--quiet", "--python", "3.11", str(folder / name)], check=True)
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES[name]]
        subprocess.run(command, check=True)
    return python


def _uv() -> str:
    return shutil.which("uv") or str(Path.home() / ".cache/segstudio/tools/bin/uv")


def run(command: Sequence[str | Path], *, needs_display: bool = False) -> dict[str, Any]:
    """What a program prints as its last line, as JSON."""
    prefix: list[str] = []
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    if needs_display:
        environ.pop("QT_QPA_PLATFORM")
        if not environ.get("DISPLAY"):
            prefix = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]
    environ.pop("PYTHONPATH", None)
    done = subprocess.run([*prefix, *map(str, command)], env=environ, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def paint() -> dict[str, Any]:
    """Our brush, in this process."""
    import cv2
    from PySide6.QtWidgets import QApplication

    from segstudio.core.document import Document
    from segstudio.tools.brush import BrushOptions
    from segstudio.ui.canvas.panes import Panes
    from tests.benchmarks import bench_canvas

    cv2.setNumThreads(1)
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    rng = np.random.default_rng(0)
    panes = Panes()
    panes.resize(1330, 820)
    panes.show()
    panes.set_tool("brush")
    document = Document(np.zeros((SIDE, SIDE), np.uint8))
    image = rng.integers(0, 255, (SIDE, SIDE), np.uint8)
    panes.show_sample(image, document, np.zeros((SIDE, SIDE), np.uint8))
    for _ in range(20):
        app.processEvents()
    found = {}
    for radius in RADII:
        panes.set_tool_options("brush", BrushOptions(radius=radius))
        app.processEvents()
        found[radius] = [one.wall for one in bench_canvas._stroke(app, panes.canvas("truth"))][1:]
    return {"times": found}


def open_project(folder: Path) -> dict[str, Any]:
    """Our window on a project: from the call to the first image, the list and its thumbnails."""
    from segstudio.ui import app as application

    app, window = application.build(["segstudio"])
    window.resize(1440, 900)
    window.show()
    app.processEvents()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        window.open_project(folder)
        while window.session.sample is None or window.session.is_busy or window.samples_panel.is_busy:
            app.processEvents()
        window.repaint()
        app.processEvents()
        times.append((time.perf_counter() - start) * 1000)
        window.close_project()
    window.close()
    return {"times": times}


def write_images(folder: Path) -> None:
    """10,000 grey pictures of 64 x 64 noise, none like another, and as many masks."""
    from segstudio.formats import encode_grey

    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(IMAGES):
        (folder / "images" / f"{number:05}.png").write_bytes(encode_grey(rng.integers(0, 256, (64, 64), np.uint8)))
        mask = np.zeros((64, 64), np.uint8)
        mask[8 : 9 + number % 40, 8:40] = 255
        (folder / "masks" / f"{number:05}.png").write_bytes(encode_grey(mask))


def say(what: str, ours: list[float], theirs: list[float], name: str, budget: float) -> None:
    """One line."""
    mine, other = np.percentile(ours, [50, 95]), np.percentile(theirs, [50, 95])
    print(
        f"  {what:12} SegStudio median {mine[0]:8.1f}  p95 {mine[1]:8.1f} ms ({mine[1] / budget:4.0%} of the budget)   "
        f"{name} median {other[0]:8.1f}  p95 {other[1]:8.1f} ms   "
        f"x {other[0] / mine[0]:.1f}, p95 x {other[1] / mine[1]:.1f}",
        flush=True,
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path, help="where the environments lie")
    parser.add_argument("--only", choices=["napari", "labelme"])
    parser.add_argument("--paint", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.paint or arguments.open:
        print(json.dumps(paint() if arguments.paint else open_project(arguments.open)))
        return 0
    own = [sys.executable, "-m", "tests.benchmarks.bench_peers"]
    if not Path(_uv()).is_file():
        print("skipped: there is no uv to make environments with")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = arguments.keep or folder
        if arguments.only != "labelme":
            python = environment("napari", kept)
            ours = run([*own, "--paint"], needs_display=True)
            theirs = run([python, "-c", NAPARI, str(SIDE), str(MOVES), *map(str, RADII)], needs_display=True)
            print(f"one brush move at {SIDE} x {SIDE}, against napari {theirs['version']}")
            for radius in map(str, RADII):
                say(f"radius {radius}", ours["times"][radius], theirs["times"][radius], "napari", BUDGETS["move"])
        if arguments.only != "napari":
            python = environment("labelme", kept)
            write_images(folder / "data")
            start = time.perf_counter()
            command = [sys.executable, "-m", "segstudio", "new", folder / "project", "--from", folder / "data"]
            subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            taken = time.perf_counter() - start
            ours = run([*own, "--open", folder / "project"])
            theirs = run([python, "-c", LABELME, str(folder / "data" / "images"), str(IMAGES)])
            print(f"a folder of {IMAGES:,} images, against labelme {theirs['version']}")
            say("open", ours["times"], theirs["times"], "labelme", BUDGETS["open"])
            print(f"  (taking the folder in, once: hashes, pairs, near-duplicates, splits: {taken:.1f} s)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
