"""doctor: what this machine has: Qt, TensorFlow, processors, memory, pretrained weights. Each is tried, not assumed."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import psutil

from segstudio import __version__
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, Job

PACKAGES = (
    "PySide6-Essentials",
    "tensorflow",
    "keras",
    "numpy",
    "opencv-python-headless",
    "albumentations",
    "pyqtgraph",
)

QT_PROBE = "from PySide6.QtWidgets import QApplication; app = QApplication([]); print(app.platformName())"
"""Run in a process of its own: a missing system library ends the whole process, not only the import."""


@JOBS.register
class Doctor(Job[Any]):
    """Looks at the machine; needs no project."""

    name: ClassVar[str] = "doctor"
    title: ClassVar[str] = "Examine this machine"
    lane: ClassVar = "compute"

    def perform(self, folder: Path, report: Reporter) -> dict[str, Any]:
        """What was found; `problems` lists what needs mending, each with what to do."""
        problems: list[str] = []
        report.progress(0, 3, "versions")
        result: dict[str, Any] = {
            "segstudio": __version__,
            "python": platform.python_version(),
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "packages": {name: _version(name, problems) for name in PACKAGES},
        }
        report.progress(1, 3, "Qt")
        result["qt"] = _qt(problems)
        report.progress(2, 3, "TensorFlow")
        result["tensorflow"] = _tensorflow(problems)
        report.progress(3, 3, "done")
        return result | {"problems": problems}


def _version(package: str, problems: list[str]) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        problems.append(f"{package} is not installed: run `sh packaging/run.sh` or `uv sync`")
        return "missing"


def _qt(problems: list[str]) -> dict[str, Any]:
    """Whether a Qt application starts here: on the display, and without one."""
    found: dict[str, Any] = {}
    has_display = sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    for name, environment in (("display", {}), ("offscreen", {"QT_QPA_PLATFORM": "offscreen"})):
        if name == "display" and not has_display:
            found[name] = "none"
            continue
        command = [sys.executable, "-c", QT_PROBE]
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
        found[name] = done.stdout.strip() if done.returncode == 0 else "does not start"
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            problems.append(f"Qt does not start ({name}): {last}; on Debian: apt-get install libegl1 libxcb-cursor0")
    return found


def _tensorflow(problems: list[str]) -> dict[str, Any]:
    try:
        from segstudio.ml.device import describe
    except ImportError as error:
        problems.append(f"TensorFlow cannot be loaded: {error}")
        return {"works": False}
    return {"works": True, **describe()}
