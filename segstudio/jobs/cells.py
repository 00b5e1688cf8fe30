"""Trainings of an experiment, one after the other: each leaves its curves and its predictions, and no weights.

What was finished is kept: an experiment that was stopped or killed goes on with the others. TensorFlow is loaded when
a function of this module is called, and not before.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, Phase, Reporter
from segstudio.core.sample import Sample
from segstudio.core.way import Flips, way_of
from segstudio.jobs.fitting import computing_on, fit_network
from segstudio.jobs.starts import weights_of
from segstudio.project.cells import Cell
from segstudio.project.project import Project

if TYPE_CHECKING:
    from segstudio.jobs.presets import TrainOptions
    from segstudio.ml.data import Example
    from segstudio.ml.fit import Outcome

FITTING = 0.95
"""Share of a cell's time for its training; the rest is prediction."""

Examples = dict[str, "list[Example]"]
"""What a training learns from and is validated by, under "train" and "val"."""


class CellReporter(Phase):
    """Says everything of one cell under its name: curves are called <arm>/<repeat>/<figure>."""

    def __init__(self, report: Reporter, cell: Cell, number: int, count: int) -> None:
        super().__init__(
            report, number / count, 1 / count, f"{cell.arm}, repeat {cell.repeat + 1} ({number + 1}/{count})"
        )
        self._prefix = f"{cell.arm}/{cell.repeat}/"

    def pace(self, *, is_even: bool) -> None:
        """Nothing: one training after the other, all of them go on evenly."""

    def part(self, start: float, share: float) -> Phase:
        """A phase of this cell, which speaks under its names too."""
        return Phase(self, start, share)

    def metric(self, step: int, **values: float) -> None:
        """Pass on, under the names of the cell."""
        super().metric(step, **{self._prefix + name: value for name, value in values.items()})

    def log(self, text: str) -> None:
        """Pass on, with the name of the cell."""
        super().log(f"{self.title}: {text}")


@dataclass(frozen=True)
class CellTraining:
    """What it takes to train and measure one cell.

    Attributes:
        cell: Where its files lie.
        model: Name of the network.
        options: All options, with the cell's seed and the device.
        recipe: What augments, or None.
        examples: What it learns from and is validated by.
        samples: What it predicts.
        images_per_epoch: How many images make an epoch; all of them once when None.
        keeps_weights: Whether the best weights stay.
        flips: Which mirror images are predicted too, see `core.way`; the mean counts.
    """

    cell: Cell
    model: str
    options: "TrainOptions"
    recipe: Recipe | None
    examples: Examples
    samples: Sequence[Sample]
    images_per_epoch: int | None = None
    keeps_weights: bool = False
    flips: Flips = "off"

    def perform(self, project: Project, cache: Path, report: CellReporter) -> None:
        """Train it, keep the best epoch's predictions, and say that it is done."""
        started = time.monotonic()
        cell = self.cell
        # What a cell that was stopped has left would be of no use: the next try is the same, from its first step.
        shutil.rmtree(cell.folder, ignore_errors=True)
        cell.folder.mkdir(parents=True)
        outcome = self._fit(project, cache, report.part(0, FITTING))
        if outcome.is_stopped:
            raise Cancelled
        predicted = self._predict(project, report.part(FITTING, 1 - FITTING))
        for weights in cell.folder.glob("*.keras"):
            if weights != cell.best_weights or not self.keeps_weights:
                weights.unlink()
        images, epochs = self.images_per_epoch or len(self.examples["train"]), outcome.rows[-1]["epoch"]
        images *= self.options.crops if self.options.crop else 1
        cell.finish(
            seed=cell.seed,
            epochs=epochs,
            best={name: outcome.best[name] for name in ("epoch", "val_iou", "val_loss")},
            batch=outcome.batch,
            steps=epochs * -(-images // outcome.batch),
            initial=outcome.initial,
            predicted=predicted,
            flips=self.flips,
            seconds=time.monotonic() - started,
            **_computed(self.options),
        )

    def _fit(self, project: Project, cache: Path, report: Reporter) -> "Outcome":
        return fit_network(
            self.model,
            self.options,
            self.examples["train"],
            self.examples["val"],
            self.cell.folder,
            report,
            cache=cache,
            recipe=self.recipe,
            start=weights_of(project, self.options.start),
            images_per_epoch=self.images_per_epoch,
        )

    def _predict(self, project: Project, report: Reporter) -> int:
        """Keep the best epoch's predictions of what is measured; returns how many there are."""
        from segstudio.ml.network import load_network, release
        from segstudio.ml.predict import predict

        device, precision = computing_on(self.options)
        count, way = 0, way_of(self.options.model_dump(), flips=self.flips)
        with device.scope():
            network = load_network(self.cell.best_weights, precision)
            for sample, probability in predict(
                network, self.samples, project.read_image, report, lambda one: one.image, way=way
            ):
                self.cell.save_prediction(sample, probability)
                count += 1
                report.progress(count, len(self.samples), f"predicting image {count} of {len(self.samples)}")
        del network
        release()
        return count


def perform_cells(
    project: Project,
    cells: Sequence[Cell],
    training: Callable[[Cell], CellTraining],
    cache: Path,
    report: Reporter,
    word: str = "",
) -> None:
    """Train and predict every cell that is not finished.

    Args:
        project: Whose samples.
        cells: In the order they are done.
        training: What it takes to train one.
        cache: Folder for arrays that memory is too small for.
        report: Hears of everything, under the cells' names.
        word: What an arm is called in an error.

    Raises:
        UserError: When one of them cannot be trained; it names the cell.
        Cancelled: When the user stopped it; what is finished is kept.
    """
    if kept := sum(cell.is_done for cell in cells):
        report.log(f"{kept} of {len(cells)} trainings are done already")
    for number, cell in enumerate(cells):
        inner = CellReporter(report, cell, number, len(cells))
        if not cell.is_done:
            try:
                training(cell).perform(project, cache, inner)
            except UserError as error:
                where = f"{word} {cell.arm}, repeat {cell.repeat + 1}".strip()
                raise UserError(f"{where}: {error.message}", error.hint) from error
        inner.progress(1, 1, "done")


def _computed(options: "TrainOptions") -> dict[str, Any]:
    device, precision = computing_on(options)
    return {"device": device.title, "precision": precision}
