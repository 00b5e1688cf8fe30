"""How long tools that look at the picture, and operations on the whole mask, compute.

`python -m tests.benchmarks.bench_tools`

All of it happens in a thread beside the window; the press of the button, and what is made of it in the end, the step of
history, happen in the window's own.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from segstudio.core.document import Document
from segstudio.core.edit import Edit
from segstudio.operations import OPERATIONS, Subject
from segstudio.tools import TOOLS, Drag, Pointer, Scene, Work


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", type=int, nargs="+", default=[512, 4096])
    cv2.setNumThreads(1)  # as in the window
    for side in parser.parse_args().side:
        measure(side)


def measure(side: int) -> None:
    """All figures for a picture of `side` x `side` pixels."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (16, 16, 3), np.uint8)
    image = cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC)
    y, x = np.ogrid[:side, :side]
    mask = ((x - side / 2) ** 2 + (y - side / 2) ** 2 < (side / 3) ** 2).astype(np.uint8)
    mask ^= (rng.random(mask.shape) < 0.001).astype(np.uint8)
    print(f"\n{side}x{side}, colour")
    for name in ("smart-brush", "fill", "wand", "superpixels", "grabcut", "redraw"):
        document = Document(mask.copy())
        tool = TOOLS[name]()
        scene, press = Scene(document, np.asarray(image, np.uint8)), Pointer(side / 3, side / 3, clicks=1)
        begin = partial(Drag, tool, scene, tool.Options(), press)
        drags: list[Drag] = []
        report(f"{name}: the press", lambda begin=begin, drags=drags: drags.append(begin()))
        drag = drags[0]
        work = drag.work
        if work is None:
            drag.cancel()
            continue
        result = []
        report(name, lambda work=work, result=result: result.append(work.run()))
        drag.deliver(work, result[0])
        report(f"{name}: the change", drag.finish)
    for operation in OPERATIONS:
        one = operation()
        work = Work(partial(one.apply, Subject(mask, mask, lambda: mask), one.Options()), one.title)
        after: list[np.ndarray] = []
        report(one.name, lambda work=work, after=after: after.append(work.run()))
        edit, document = Edit.between(mask, after[0], one.title), Document(mask.copy())
        report(f"{one.name}: the change", partial(document.apply, edit))


def report(what: str, action: Callable[[], object]) -> None:
    """Time an action and print it."""
    start, start_cpu = time.perf_counter(), time.process_time()
    action()
    wall, cpu = (time.perf_counter() - start) * 1000, (time.process_time() - start_cpu) * 1000
    print(f"  {what:32} {wall:9.1f} ms   processor {cpu:9.1f} ms")


if __name__ == "__main__":
    main()
