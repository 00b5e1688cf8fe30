"""Small projects for tests, of real files."""

from collections.abc import Mapping
from pathlib import Path

from segstudio.core.epoch_table import METRICS, load_epochs, save_epochs
from segstudio.core.sample import Split
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.samples import NewSample
from tests.datasets import make_dataset

SIZE = (64, 48)


def new_samples(count: int, size: tuple[int, int] = SIZE) -> list[NewSample]:
    """What `new` would make of the pairs of `make_dataset`: two of three train, then val and test in turn."""
    splits = (Split.TRAIN, Split.TRAIN, Split.VAL, Split.TRAIN, Split.TRAIN, Split.TEST)
    return [
        NewSample(f"images/sample_{n:02}.png", f"masks/sample_{n:02}.png", *size, splits[n % 6]) for n in range(count)
    ]


def make_project(folder: Path, count: int = 6, size: tuple[int, int] = SIZE) -> Project:
    """A project in folder/project of a dataset in folder/dataset; the caller closes it."""
    source = make_dataset(folder / "dataset", count, size)
    return Project.create(folder / "project", source, new_samples(count, size))


def append_metrics(run: Run, epoch: int, figures: Mapping[str, float]) -> None:
    """The curves of a run as its training would leave them after one more epoch."""
    path = run.folder / METRICS
    save_epochs([*load_epochs(path), {"epoch": epoch, **figures}], path)
