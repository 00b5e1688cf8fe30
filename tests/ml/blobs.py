"""Small pairs to learn from, for the tests of segstudio.ml and of the jobs that use it."""

from pathlib import Path

import numpy as np
from PIL import Image

from segstudio.core.sample import ReviewState, Split
from segstudio.ml.data import ManifestRow, Pairs
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from tests.datasets import blob_pair, make_dataset

SIDE = 32
TINY = {"preset": "conv-unet-fast", "size": SIDE, "filters": 4, "depth": 2, "batch": 2, "learning_rate": 0.01}
"""Options of a training that takes seconds."""


def blob_pairs(count: int, *, seed: int = 0, channels: int = 1) -> Pairs:
    """Pairs at the network's size, in memory."""
    rng = np.random.default_rng(seed)
    drawn = [blob_pair(rng, (SIDE, SIDE), is_rgb=channels == 3) for _ in range(count)]
    images = np.stack([image.reshape(SIDE, SIDE, channels) for image, _ in drawn])
    masks = np.stack([mask[..., None] for _, mask in drawn])
    return Pairs(images, masks, [ManifestRow(n, f"{n}.png", "train", 0, "", "") for n in range(count)])


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
