"""The painting tests once more on screens with other pixel ratios, which Qt takes only when a program starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("ratio", ["1.5", "2"])
def test_painting_is_exact_at_a_pixel_ratio_of(ratio: str) -> None:
    root = Path(__file__).parents[2]
    environment = os.environ | {"QT_SCALE_FACTOR": ratio, "QT_SCALE_FACTOR_ROUNDING_POLICY": "PassThrough"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/ui/test_canvas_pixels.py"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout
