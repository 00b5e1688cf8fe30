"""Ctrl+C and a shutdown of the system close the window in order."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from segstudio.project.project import Project
from tests.ui.projects import make_project

PROGRAM = """
import sys
from segstudio.ui import app
from segstudio.ui.window import Window

shown = Window.show_image
def show_image(self, image):
    shown(self, image)
    print("ready", flush=True)
Window.show_image = show_image
sys.exit(app.main(sys.argv[1], sample=sys.argv[2]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal cannot be sent to another process there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_window_closes_in_order(tmp_path: Path, number: signal.Signals) -> None:
    folder = make_project(tmp_path, 2)
    with Project.open(folder) as project:
        image = next(iter(project.samples.all())).image
    command = [sys.executable, "-c", PROGRAM, str(folder), image]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=120) == 0
    with Project.open(folder, is_editor=True) as project:
        assert not project.read_only, "the lock is given back"
