"""How long trainings will take on this machine, told from those that were made on it."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from segstudio.core.duration import duration
from segstudio.core.epoch_table import Epochs
from segstudio.core.errors import UserError
from segstudio.core.manifest import load_manifest
from segstudio.core.sample import Split
from segstudio.core.wording import count_text
from segstudio.jobs.deciding import size_of
from segstudio.jobs.preflight import VALIDATING
from segstudio.jobs.presets import TrainOptions, options_of
from segstudio.models import MODELS
from segstudio.project.cells import Arm, Cell
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.sample_table import SPLITS


class Planned(NamedTuple):
    """A training that will be made.

    Attributes:
        model: Name of the network.
        options: All its options.
        images: So many make an epoch, crops not counted.
    """

    model: str
    options: TrainOptions
    images: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one network learnt.

    Attributes:
        per_image: Seconds of an image in an epoch.
        per_epoch: Seconds of an epoch besides its images: weights are saved, predictions are shown.
        to_begin: Seconds besides the epochs: reading, building the network, predicting in the end.
        size: Side of what the network saw, in pixels.
    """

    per_image: float
    per_epoch: float
    to_begin: float
    size: int

    def seconds(self, size: int, epochs: int, images: float) -> float:
        """How long it takes to learn from so many images of this size an epoch; of the same size when it is 0."""
        scale = (size / self.size) ** 2 if size and self.size else 1.0
        return self.to_begin + epochs * (self.per_epoch + images * self.per_image * scale)


class Paces:
    """The paces of a project's networks, each from the newest training of its like."""

    def __init__(self, project: Project) -> None:
        """Read them from comparisons, studies and runs: files, so not for the window's thread."""
        table = project.samples.table()
        is_usable = table.has_mask
        self._counts = {
            split: int(np.count_nonzero(is_usable & (table.split == SPLITS.index(split)))) for split in Split
        }
        self._validating = self._counts[Split.VAL]
        self._found: dict[tuple[object, ...], Pace] = {}
        for one in sorted(_made(project), key=lambda made: made.when, reverse=True):
            try:
                options = options_of(one.model).model_validate(one.options)
                network = _network(one.model, options)
                if network not in self._found and (pace := self._pace(options, one)) is not None:
                    self._found[network] = pace
            except (KeyError, ValueError, OSError, UserError):
                continue  # of another version, or damaged: others may say it

    def _pace(self, options: TrainOptions, made: "_Made") -> Pace | None:
        """What a training says; nothing when its epochs do not say how fast they were."""
        epochs = [row for row in made.epochs() if row.get("epoch", 0) > 0]
        rates = [row["images_per_second"] for row in epochs if row.get("images_per_second", 0) > 0]
        images = made.images() if rates else 0
        if not images:
            return None
        # The rates leave out the first step, in which a network is built.
        per_look = float(np.mean(1 / np.array(rates)))
        learning = per_look * (_looks(options, images) + VALIDATING * self._validating)
        # So does the middle of all epochs; an epoch of older trainings does not say how long it was.
        each = np.median([row.get("epoch_seconds", learning) for row in epochs])
        per_epoch = max(float(each) - learning, 0.0)
        to_begin = max(made.seconds - len(epochs) * (learning + per_epoch), 0.0)
        return Pace(per_look, per_epoch, to_begin, size_of(options))

    def count(self, *splits: Split) -> int:
        """How many samples of these splits have a mask."""
        return sum(self._counts[split] for split in splits)

    def seconds(self, planned: Planned) -> float | None:
        """How long a training will take; None when nothing like it was trained yet."""
        pace = self._found.get(_network(planned.model, planned.options))
        if pace is None or not planned.images:
            return None
        options = planned.options
        looks = _looks(options, planned.images) + VALIDATING * self._validating
        return pace.seconds(size_of(options), options.epochs, looks)

    def words(self, trainings: Sequence[Planned]) -> str:
        """How long they will take, in a sentence; empty when nothing like one of them was trained yet."""
        each = [self.seconds(one) for one in trainings]
        known = [one for one in each if one is not None]
        if not known or len(known) < len(each):
            return ""
        count = count_text(len(each), "training")
        return f"{count}, about {duration(_rounded(sum(known)))} at the pace of earlier ones."


@dataclass(frozen=True)
class _Made:
    """A training that was made: a run, or a cell of an experiment.

    Attributes:
        when: The run or the experiment was made (ISO 8601, UTC).
        model: Name of the network.
        options: Its options as plain values.
        seconds: It took.
        epochs: Reads the figures of its epochs.
        images: Reads how many images made an epoch.
    """

    when: str
    model: str
    options: dict[str, Any]
    seconds: float
    epochs: Callable[[], Epochs]
    images: Callable[[], int]


def _made(project: Project) -> Iterator[_Made]:
    for run in project.runs.list():
        if run.epochs and run.seconds:
            metrics = functools.partial(project.runs.metrics, run.id)
            yield _Made(run.created, run.model, run.options, run.seconds, metrics, functools.partial(_learnt, run))
    for comparison in project.comparisons.list():
        for arm in comparison.arms:
            cells = [comparison.cell(arm.name, repeat) for repeat in range(comparison.repeats)]
            yield from _of_cells(comparison.created, arm, cells, comparison.images_per_epoch)
    for study in project.studies.list():
        yield from _of_cells(study.created, study.arm, study.cells(), study.images_per_epoch)


def _of_cells(when: str, arm: Arm, cells: Sequence[Cell], images_per_epoch: int) -> Iterator[_Made]:
    """The last of these cells that is done."""
    for cell in reversed(cells):
        if seconds := float(cell.done().get("seconds") or 0):
            images = functools.partial(lambda cell: images_per_epoch or _learnt(cell), cell)
            yield _Made(when, arm.model, arm.options, seconds, cell.metrics, images)
            return


def _learnt(one: Run | Cell) -> int:
    return sum(row.split == Split.TRAIN for row in load_manifest(one.manifest))


def _network(model: str, options: TrainOptions) -> tuple[object, ...]:
    """What decides how long an image takes, but for its size."""
    own = MODELS[model].Options.model_fields.keys() - {"size"}
    return model, options.device, *(getattr(options, name) for name in sorted(own))


def _looks(options: TrainOptions, images: float) -> float:
    """How many images a network sees in an epoch: of each, several crops may be seen."""
    return images * (options.crops if options.crop else 1)


def _rounded(seconds: float) -> float:
    """No more exact than it is known."""
    step = 5 if seconds < 60 else 30 if seconds < 600 else 60
    return max(round(seconds / step) * step, step)
