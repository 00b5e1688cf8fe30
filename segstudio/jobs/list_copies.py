"""copies: list the augmented ones of a recipe, keep single ones out of training, let them in again, or delete all."""

from fnmatch import fnmatchcase
from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.augmented import Copy
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class ListCopiesOptions(Options):
    """Of which recipe, and which of them are wanted."""

    recipe: str = option("flip", "Recipe", help="Name of the recipe that made them.")
    reject: tuple[str, ...] = option(
        (), "Reject", help="Names of copies that shall not be learnt from; * stands for any characters."
    )
    restore: tuple[str, ...] = option((), "Restore", help="Names of those that shall be learnt from again.")
    delete: bool = option(False, "Delete", help="All of them; they can be made again, with the same bytes.")


@JOBS.register
class ListCopies(ProjectJob[ListCopiesOptions]):
    """One row a copy, in the order of the samples."""

    name: ClassVar[str] = "copies"
    title: ClassVar[str] = "Copies"
    topics: ClassVar[Topics] = frozenset({"augmented"})
    Options: ClassVar[type[Options]] = ListCopiesOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """List, after rejecting and restoring.

        Returns:
            `copies` [{name, sample, source, number, seed, rejected, stale, image, mask}], `usable` (how many of them
            may be learnt from), `rejected` and `restored` (names that were changed now), `deleted` (how many).

        Raises:
            UserError: When no copy has one of the names, or there is none to delete; nothing is changed then.
        """
        copies = project.augmented.copies(self.options.recipe)
        if self.options.delete:
            return self._deleted(project, len(copies))
        rejected = _matching(copies, self.options.reject, self.options.recipe, is_rejected=False)
        restored = _matching(copies, self.options.restore, self.options.recipe, is_rejected=True)
        for names, is_rejected in ((rejected, True), (restored, False)):
            if names:
                project.augmented.reject(self.options.recipe, names, is_rejected)
        return {
            "copies": [_row(one) for one in project.augmented.copies(self.options.recipe)],
            "usable": len(project.augmented.copies(self.options.recipe, usable=True)),
            "rejected": rejected,
            "restored": restored,
            "deleted": 0,
        }

    def _deleted(self, project: Project, count: int) -> dict[str, Any]:
        if not count:
            raise UserError(
                f"there are no copies by {self.options.recipe}",
                "`segstudio recipes PROJECT` shows which ones there are",
            )
        project.augmented.remove(self.options.recipe)
        return {"copies": [], "usable": 0, "rejected": [], "restored": [], "deleted": count}


def _matching(copies: list[Copy], patterns: tuple[str, ...], recipe: str, *, is_rejected: bool) -> list[str]:
    """The names of those copies that fit a pattern and are rejected, or are not."""
    found: list[str] = []
    for pattern in patterns:
        fitting = [one for one in copies if fnmatchcase(one.name, pattern)]
        if not fitting:
            raise UserError(
                f"no copy by {recipe} is called {pattern}", "`segstudio copies PROJECT --recipe NAME` lists their names"
            )
        found += [one.name for one in fitting if one.is_rejected == is_rejected]
    return list(dict.fromkeys(found))


def _row(copy: Copy) -> dict[str, Any]:
    return {
        "name": copy.name,
        "sample": copy.sample,
        "source": copy.source,
        "number": copy.number,
        "seed": copy.seed,
        "rejected": copy.is_rejected,
        "stale": copy.is_stale,
        "image": str(copy.image_file),
        "mask": str(copy.mask_file),
    }
