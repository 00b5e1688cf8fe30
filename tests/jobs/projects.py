"""Small projects to learn from, for the tests of jobs."""

from pathlib import Path

import numpy as np
from PIL import Image

from segstudio.core.sample import ReviewState, Split
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from tests.datasets import make_dataset

TINY = {"preset": "conv-unet-fast", "size": 32, "filters": 4, "depth": 1, "batch": 2, "learning_rate": 0.01}
"""Options of a training that takes seconds."""


def make_project(folder: Path, splits: str = "tttttvve", *, size: tuple[int, int] = (64, 48)) -> Project:
    """A project of blobs with one sample a letter: t(rain), v(al) or (t)e(st); the caller closes it."""
    dataset = make_dataset(folder / "dataset", len(splits), size)
    names = {"t": Split.TRAIN, "v": Split.VAL, "e": Split.TEST}
    rows = [
        NewSample(f"images/sample_{n:02}.png", f"masks/sample_{n:02}.png", *size, split=names[letter])
        for n, letter in enumerate(splits)
    ]
    return Project.create(folder / "project", dataset, rows)


def damage(project: Project, number: int) -> str:
    """Cut an image file in half; returns its path in the project."""
    name = f"images/sample_{number:02}.png"
    path = project.source / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return name


def empty_mask(project: Project, number: int) -> None:
    """Replace a mask of the dataset by one without foreground."""
    path = project.source / f"masks/sample_{number:02}.png"
    Image.fromarray(np.zeros_like(np.asarray(Image.open(path)))).save(path)


def review(project: Project, numbers: list[int], state: ReviewState) -> None:
    """Give the same verdict on some samples."""
    project.samples.set_state([project.samples.by_image(f"images/sample_{n:02}.png").id for n in numbers], state)
