"""Projects for tests of the window: real ones, on generated data, without the worker."""

from pathlib import Path

import numpy as np

from segstudio.core.sample import Split
from segstudio.formats import image_size
from segstudio.project.project import Project
from segstudio.project.samples import NewSample
from tests.datasets import make_dataset


def make_project(folder: Path, count: int = 6, *, size: tuple[int, int] = (64, 48), name: str = "blobs") -> Path:
    """A project of blobs below `folder`; returns its folder."""
    dataset = make_dataset(folder / f"{name}-data", count, size)
    rows = []
    for number, image in enumerate(sorted((dataset / "images").iterdir())):
        width, height = image_size(image)
        split = (Split.TRAIN, Split.TRAIN, Split.VAL, Split.TEST)[number % 4]
        rows.append(NewSample(f"images/{image.name}", f"masks/{image.name}", width, height, split))
    Project.create(folder / name, dataset, rows).close()
    return folder / name


def predict_noisily(project: Project, *, seed: int = 0) -> int:
    """Store a run with predictions that are right but for some noise, worse from sample to sample; returns its id."""
    rng = np.random.default_rng(seed)
    run = project.runs.create("conv-unet-fast", "conv-unet", {}, "scratch")
    for number, sample in enumerate(project.samples.all()):
        mask = project.masks.load(sample)
        noise = rng.random(mask.shape) < 0.02 * (number + 1)
        project.predictions.save(run.id, sample, np.where(mask ^ noise, 230, 20).astype(np.uint8))
    project.predictions.score(run.id)
    project.predictions.set_current(run.id)
    return int(run.id)
