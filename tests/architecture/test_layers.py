"""The walls of the house, checked at run time: what import-linter reads in the source must hold in a live process."""

import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "albumentations")

REGISTRIES = (
    "tools.TOOLS",
    "operations.OPERATIONS",
    "formats.FORMATS",
    "volumes.VOLUME_FORMATS",
    "dataset_formats.DATASET_FORMATS",
    "models.MODELS",
    "losses.LOSSES",
    "exporting.EXPORTERS",
    "synthetic.KINDS",
    "jobs.JOBS",
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_window_never_loads_tensorflow():
    code = "import sys, segstudio.ui.app, segstudio.ui.window; from segstudio.jobs import JOBS; JOBS.names()\n"
    loaded = run(code + f"print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded.strip() == "[]"


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_registry_lists_its_entries_without_qt_or_tensorflow(registry):
    module, _, name = registry.partition(".")
    code = f"""
import sys
from segstudio.{module} import {name} as registry
assert registry.names()
print([name for name in ("PySide6", *{HEAVY}) if name in sys.modules])"""
    assert run(code).strip() == "[]"


def test_the_worker_never_loads_qt():
    code = (
        "import sys, segstudio.worker; from segstudio.jobs import JOBS; JOBS.names(); print('PySide6' in sys.modules)"
    )
    assert run(code).strip() == "False"


def test_layers_and_forbidden_imports():
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
