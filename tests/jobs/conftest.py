"""Projects shared by these tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from segstudio.project.project import Project
from tests.project.projects import make_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project of six samples."""
    with make_project(tmp_path) as made:
        yield made
