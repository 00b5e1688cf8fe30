"""The trainings of a comparison, and what each of its arms learns from."""

from dataclasses import dataclass

from segstudio.core.errors import UserError
from segstudio.core.manifest import ManifestRow, load_manifest
from segstudio.core.options import checked
from segstudio.core.reporter import Reporter
from segstudio.jobs.cells import CellTraining, Examples, perform_cells
from segstudio.jobs.comparison_arms import recipe_of
from segstudio.jobs.presets import options_of
from segstudio.jobs.training_samples import recall
from segstudio.project.cells import Cell, Choice
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project


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
        """Train and predict every cell that is not finished; see `perform_cells`."""
        samples = list(self.project.samples.all(self.comparison.samples))

        def training(cell: Cell) -> CellTraining:
            arm = self.comparison.arm(cell.arm)
            return CellTraining(
                cell,
                arm.model,
                checked(options_of(arm.model), {**arm.options, "seed": cell.seed, "device": self.device}),
                recipe_of(arm),
                self.examples[arm.name],
                samples,
                self.comparison.images_per_epoch,
                self.comparison.keeps_weights,
                self.comparison.flips,
            )

        cache = self.project.folder / "cache" / "comparison" / self.comparison.name
        perform_cells(self.project, self.comparison.cells(), training, cache, report, word="arm")


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
                        one.before, one.state, one.copy_sha256)
            for one in chosen[arm]
        ]  # fmt: skip
    for cell in comparison.cells():
        if cell.arm == arm and cell.is_done:
            return load_manifest(cell.manifest)
    raise UserError(
        f"comparison {comparison.name} does not say what it learns from", f"make it again: --rerun {comparison.id}"
    )
