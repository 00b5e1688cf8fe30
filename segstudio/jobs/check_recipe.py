"""check-recipe: what a recipe would do wrong to samples, known before anything is made or trained with it."""

from typing import Any, ClassVar

import numpy as np

from segstudio.augmentation.patterns import Pair
from segstudio.augmentation.places import step_at
from segstudio.augmentation.recipe import Recipe
from segstudio.augmentation.safety import MOST_EXAMPLES, Finding, check_recipe
from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import USABLE, Sample, Split
from segstudio.core.scaling import scaled_image, scaled_mask, without_colour
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project
from segstudio.project.sample_table import SPLITS, STATES


class CheckRecipeOptions(Options):
    """Which recipe, seen at which size."""

    recipe: str = option("flip", "Recipe", help="Name of a recipe, or the path of a recipe's .json file.")
    size: int = option(256, "Size", ge=32, le=2048, unit="px", help="The side at which it is tried, as a training is.")


@JOBS.register
class CheckRecipe(ProjectJob[CheckRecipeOptions]):
    """Tries a recipe on patterns and on a few training samples: see `segstudio.augmentation.safety`."""

    name: ClassVar[str] = "check-recipe"
    title: ClassVar[str] = "Check recipe"
    Options: ClassVar[type[Options]] = CheckRecipeOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Check.

        Returns:
            `recipe`, `errors` and `warnings` (how many), `examples` (paths of the samples that it was tried on), and
            `findings` [{step, place, severity, kind, message, hint}]: those of the steps in their order, then those of
            the whole recipe, whose `step` is empty.

        Raises:
            UserError: When there is no such recipe.
        """
        recipe = project.recipes.get(self.options.recipe)
        pairs = self._examples(project, report)
        report.progress(1, 2, f"trying {recipe.title}")
        found = check_recipe(recipe, list(pairs.values()))
        report.progress(2, 2, "")
        return {
            "recipe": recipe.name,
            "errors": sum(one.severity == "error" for one in found),
            "warnings": sum(one.severity == "warning" for one in found),
            "examples": list(pairs),
            "findings": [_plain(recipe, one) for one in found],
        }

    def _examples(self, project: Project, report: Reporter) -> dict[str, Pair]:
        """A few training samples that lie far apart, with foreground where there is any, at the size of a training."""
        side, found = self.options.size, dict[str, Pair]()
        candidates = _candidates(project)
        for number, sample in enumerate(candidates):
            report.progress(number, 2 * len(candidates), f"looking at {sample.name}")
            try:
                image, mask = project.read_image(sample), project.masks.load(sample)
            except (UserError, OSError) as error:
                report.note(sample.image, str(error))
                continue
            shown = without_colour(scaled_image(image, (side, side, 3)))
            found[sample.image] = shown, scaled_mask(mask, side, side)
        return found


def _candidates(project: Project) -> list[Sample]:
    table = project.samples.table()
    states = [STATES.index(state) for state in USABLE]
    is_usable = (table.split == SPLITS.index(Split.TRAIN)) & np.isin(table.state, states) & table.has_mask
    rows = np.flatnonzero(is_usable & ~table.has_problem)
    # A picture without foreground tells little of what becomes of it; of some it is not known.
    with_foreground = rows[table.foreground[rows] > 0]
    rows = with_foreground if with_foreground.size else rows
    places = np.linspace(0, rows.size - 1, min(MOST_EXAMPLES, rows.size)).round().astype(int)
    return [table.row(int(row)) for row in rows[places]]


def _plain(recipe: Recipe, one: Finding) -> dict[str, Any]:
    step = step_at(recipe.steps, one.place)
    return {
        "step": "" if step is None else step.transform,
        "place": list(one.place),
        "severity": one.severity,
        "kind": one.kind,
        "message": one.message,
        "hint": one.hint,
    }
