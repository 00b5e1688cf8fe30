"""The trainings of a comparison, one after the other: each leaves its curves and its predictions, and no weights.

TensorFlow is loaded when a function of this module is called, and not before.
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow, load_manifest
from segstudio.core.options import checked
from segstudio.core.reporter import Cancelled, Phase, Reporter
from segstudio.core.sample import Sample
from segstudio.jobs.comparison_arms import recipe_of
from segstudio.jobs.fitting import fit_network
from segstudio.jobs.presets import options_of
from segstudio.jobs.starts import weights_of
from segstudio.jobs.training_samples import recall
from segstudio.project.comparisons import Arm, Cell, Choice, Comparison
from segstudio.project.project import Project

if TYPE_CHECKING:
    from segstudio.jobs.presets import TrainOptions
    from segstudio.ml.data import Example
    from segstudio.ml.fit import Outcome

FITTING = 0.95
"""Share of a cell's time for its training; the rest is prediction."""

Examples = dict[str, "list[Example]"]
"""What an arm learns from and is validated by, under "train" and "val"."""


class CellReporter(Phase):
    """Says everything of one cell under its name: curves are called <arm>/<repeat>/<figure>."""

    def __init__(self, report: Reporter, cell: Cell, number: int, count: int) -> None:
        super().__init__(
            report, number / count, 1 / count, f"{cell.arm}, repeat {cell.repeat + 1} ({number + 1}/{count})"
        )
        self._prefix = f"{cell.arm}/{cell.repeat}/"

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
class Training:
    """What it takes to train the cells of a comparison.

    Attributes:
        project: Whose samples.
        comparison: Which cells.
        examples: What every arm learns from and is validated by; see `recalled`.
        device: As in TrainOptions.
    """

    project: Project
    comparison: Comparison
    examples: dict[str, Examples]
    device: str

    def perform(self, report: Reporter) -> None:
        """Train and predict every cell that is not finished.

        Raises:
            UserError: When one of them cannot be trained; it names the cell.
            Cancelled: When the user stopped it; what is finished is kept.
        """
        cells = self.comparison.cells()
        samples = list(self.project.samples.all(self.comparison.samples))
        if kept := sum(cell.is_done for cell in cells):
            report.log(f"{kept} of {len(cells)} trainings are done already")
        for number, cell in enumerate(cells):
            inner = CellReporter(report, cell, number, len(cells))
            if not cell.is_done:
                try:
                    self._perform(cell, samples, inner)
                except UserError as error:
                    raise UserError(f"arm {cell.arm}, repeat {cell.repeat + 1}: {error.message}", error.hint) from error
            inner.progress(1, 1, "done")

    def _perform(self, cell: Cell, samples: list[Sample], report: CellReporter) -> None:
        started = time.monotonic()
        # What a cell that was stopped has left would be of no use: the next try is the same, from its first step.
        shutil.rmtree(cell.folder, ignore_errors=True)
        cell.folder.mkdir(parents=True)
        arm = self.comparison.arm(cell.arm)
        outcome = self._fit(arm, cell, report.part(0, FITTING))
        if outcome.is_stopped:
            raise Cancelled
        predicted = self._predict(cell, arm, samples, report.part(FITTING, 1 - FITTING))
        for weights in cell.folder.glob("*.keras"):
            if weights != cell.best_weights or not self.comparison.keeps_weights:
                weights.unlink()
        cell.finish(
            seed=cell.seed,
            epochs=outcome.rows[-1]["epoch"],
            best={name: outcome.best[name] for name in ("epoch", "val_iou", "val_loss")},
            batch=outcome.batch,
            steps=outcome.rows[-1]["epoch"] * -(-self.comparison.images_per_epoch // outcome.batch),
            initial=outcome.initial,
            predicted=predicted,
            seconds=time.monotonic() - started,
            **_computed(self._options(arm, cell)),
        )

    def _fit(self, arm: Arm, cell: Cell, report: Reporter) -> "Outcome":
        options = self._options(arm, cell)
        examples = self.examples[arm.name]
        return fit_network(
            arm.model,
            options,
            examples["train"],
            examples["val"],
            cell.folder,
            report,
            cache=self.project.folder / "cache" / "comparison" / self.comparison.name,
            recipe=recipe_of(arm),
            start=self._start(options),
            images_per_epoch=self.comparison.images_per_epoch,
        )

    def _options(self, arm: Arm, cell: Cell) -> "TrainOptions":
        return checked(options_of(arm.model), {**arm.options, "seed": cell.seed, "device": self.device})

    def _start(self, options: "TrainOptions") -> Path | None:
        """The weights to begin with, when they are those of a run or a file."""
        return weights_of(self.project, options.start)

    def _predict(self, cell: Cell, arm: Arm, samples: list[Sample], report: Reporter) -> int:
        """Keep the best epoch's predictions of what is measured; returns how many there are."""
        from segstudio.jobs.fitting import computing_on
        from segstudio.ml.network import load_network, release
        from segstudio.ml.predict import predict

        device, precision = computing_on(self._options(arm, cell))
        count = 0
        with device.scope():
            network = load_network(cell.best_weights, precision)
            for sample, probability in predict(
                network, samples, self.project.read_image, report, name=lambda one: one.image
            ):
                cell.save_prediction(sample, probability)
                count += 1
                report.progress(count, len(samples), f"predicting image {count} of {len(samples)}")
        del network
        release()
        return count


def recalled(project: Project, comparison: Comparison) -> dict[str, Examples]:
    """What every arm that has something left to train learns from: as it was chosen once, whatever was edited since.

    Raises:
        UserError: When an augmented copy is gone, or nothing says what was chosen; it names the arm.
    """
    chosen = comparison.chosen()
    found = {}
    for name in dict.fromkeys(cell.arm for cell in comparison.cells() if not cell.is_done):
        try:
            found[name] = recall(project, _rows(comparison, name, chosen))
        except UserError as error:
            raise UserError(f"arm {name}: {error.message}", error.hint) from error
    return found


def _rows(comparison: Comparison, arm: str, chosen: dict[str, list[Choice]]) -> list[ManifestRow]:
    """What was chosen for an arm; before that was written down, what its first finished cell learnt from."""
    if arm in chosen:
        return [
            ManifestRow(one.sample, one.image, one.split, one.revision, "", "", one.recipe, one.ignored_sha256,
                        one.before, one.state)
            for one in chosen[arm]
        ]  # fmt: skip
    for cell in comparison.cells():
        if cell.arm == arm and cell.is_done:
            return load_manifest(cell.manifest)
    raise UserError(
        f"comparison {comparison.name} does not say what it learns from", f"make it again: --rerun {comparison.id}"
    )


def _computed(options: "TrainOptions") -> dict[str, Any]:
    from segstudio.jobs.fitting import computing_on

    device, precision = computing_on(options)
    return {"device": device.title, "precision": precision}
