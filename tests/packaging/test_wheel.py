"""The wheel as a user gets it: built, installed into an environment of its own, and started from there."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, **environment: str) -> str:
    # Away from the checkout, so that nothing is found there by accident.
    done = subprocess.run(
        list(map(str, command)),
        cwd=ROOT.anchor,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a fresh environment with the wheel; the dependencies are lent by this one."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    bin_folder = environment / ("Scripts" if os.name == "nt" else "bin")
    python = bin_folder / ("python.exe" if os.name == "nt" else "python")
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # Appended to the path, so that the wheel's own package comes first.
    (Path(packages) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    run(python, "-m", "installer", wheel)
    return bin_folder


def test_package_and_resources_come_from_the_wheel(scripts):
    code = """
import json, segstudio
from segstudio.core.files import resource
parts = [("presets", "conv-unet.toml"), ("icons",), ("style",), ("report", "report.html.jinja")]
print(json.dumps([segstudio.__file__, *(str(resource(*part)) for part in parts)]))"""
    paths = json.loads(run(scripts / "python", "-c", code))
    assert all(Path(path).is_relative_to(scripts.parent) for path in paths), paths


def test_the_window_opens(scripts, tmp_path):
    code = """
import sys
from segstudio.ui import app
application, window = app.build(["segstudio"])
window.show()
application.processEvents()
picture = window.grab()
assert picture.width() > 400
window.close()
print("opened")"""
    assert "opened" in run(scripts / "python", "-c", code, HOME=str(tmp_path))


def test_the_commands_start(scripts, tmp_path):
    assert run(scripts / "segstudio", "--version").startswith("segstudio ")
    dataset, project = tmp_path / "dataset", tmp_path / "project"
    code = f"""
from pathlib import Path
from segstudio.core.reporter import ListReporter
from segstudio.jobs import JOBS
JOBS["generate"].from_values({{"count": 6}}).perform(Path({str(dataset)!r}), ListReporter())"""
    run(scripts / "python", "-c", code)
    made = json.loads(run(scripts / "segstudio", "new", project, "--from", dataset, "--json"))
    assert made["pairs"] == 6
    listed = json.loads(run(scripts / "segstudio", "list", project, "--json"))
    assert len(listed["samples"]) == 6


def test_the_worker_command_speaks_the_wire(scripts):
    done = subprocess.run([scripts / "segstudio-worker"], input="", capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["event"] == "ready"
