"""Versions of what computes, for the record."""

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from segstudio import __version__

PACKAGES = ("tensorflow", "keras", "numpy", "albumentations", "opencv-python-headless")
"""What a training computes with, beside Python and this program."""


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Of this program, of Python, and of those of the packages that are installed."""
    found = {"segstudio": __version__, "python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
