"""augment: write copies of training samples that a recipe has changed, to be looked at and learnt from."""

import os
import time
from typing import Any, ClassVar

from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import USABLE, Sample, Split
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.copying import Copying
from segstudio.project.copy_donors import donor_samples
from segstudio.project.copy_rows import About
from segstudio.project.copy_writer import CopyWriter
from segstudio.project.filter import asked_splits, compile_filter
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class AugmentOptions(Options):
    """Which recipe, and how many copies of which samples."""

    recipe: str = option("flip", "Recipe", help="Name of a recipe, or the path of a recipe's .json file.")
    copies: int = option(3, "Copies", ge=1, le=999, help="How many copies of each sample.")
    filter: str = option(
        "", "Only", help="Which training samples, for example state:accepted; empty is all. No others are ever taken."
    )
    seed: int = option(0, "Seed", ge=0, le=2**31 - 1, help="The same seed makes the same copies, byte for byte.")
    threads: int = option(0, "Threads", ge=0, le=256, is_advanced=True, help="How many work at once; 0 is every core.")


@JOBS.register
class Augment(ProjectJob[AugmentOptions]):
    """Makes copies of training samples; stopped and started again it goes on where it was, with the same bytes."""

    name: ClassVar[str] = "augment"
    title: ClassVar[str] = "Augment"
    topics: ClassVar[Topics] = frozenset({"augmented", "masks"})
    Options: ClassVar[type[Options]] = AugmentOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Make the copies that are not there yet, or that would be others now.

        Returns:
            `recipe`, `written`, `kept` (were there already), `skipped` (samples that no copy could be made of),
            `rejected` (copies that a person does not want), `removed` (copies that are not asked for any more),
            `folder`, `seconds`, and `notes` [{path, reason}] for the samples that were skipped.

        Raises:
            UserError: When there is no such recipe, it does nothing, no sample fits, the disk is too small, or another
                job is at the same recipe.
            Cancelled: When it was stopped; what was made until then is kept.
        """
        project.require_writable()
        begun, options = time.monotonic(), self.options
        recipe = self._recipe(project)
        samples, notes = self._samples(project, report)
        with CopyWriter.opened(project.augmented, recipe.name) as writer:
            copying = Copying(project, writer, recipe, report)
            copying.plan(samples, options.copies, options.seed, _donors(project) if recipe.wants_donors else [])
            copying.check_room()
            copying.remove_unwanted()
            writer.say(About(recipe, recipe.digest, options.copies, options.filter, options.seed))
            copying.make(options.threads or os.cpu_count() or 1)
        if copying.notes and not copying.written + copying.kept:
            raise UserError(f"no copy could be made; {copying.notes[0][0]}: {copying.notes[0][1]}")
        report.artifact(writer.folder)
        notes += copying.notes
        return {
            "recipe": recipe.name,
            "written": copying.written,
            "kept": copying.kept,
            "skipped": len(notes),
            "rejected": sum(copy.is_rejected for copy in project.augmented.copies(recipe.name)),
            "removed": copying.removed,
            "folder": str(writer.folder),
            "seconds": round(time.monotonic() - begun, 3),
            "notes": [{"path": path, "reason": reason} for path, reason in notes],
        }

    def _recipe(self, project: Project) -> Recipe:
        recipe = project.recipes.get(self.options.recipe)
        recipe.require_valid()
        if recipe.is_empty:
            raise UserError(f"recipe {recipe.name} changes nothing", "enable one of its steps, or choose another one")
        if recipe.name in project.recipes.names():
            # A file may be called like a recipe of the project; its copies would lie in the same folder.
            other = project.recipes.get(recipe.name)
            if other.steps != recipe.steps and other.digest != recipe.digest:
                raise UserError(f"the project has another recipe called {recipe.name}", "give the file another name")
        return recipe

    def _samples(self, project: Project, report: Reporter) -> tuple[list[Sample], list[tuple[str, str]]]:
        """The samples that shall be copied, their masks sealed, and those of the training split that cannot be."""
        chosen = compile_filter(self.options.filter)
        for split in sorted(asked_splits(self.options.filter) - {Split.TRAIN}):
            hint = "take split: out of the filter; what a network is judged by must never be learnt from"
            raise UserError(f"the filter asks for the {split} split, but only training samples are ever copied", hint)
        table = project.samples.table()
        samples = [table.row(int(row)) for row in chosen.rows(table)]
        notes = {one: reason for one in samples if one.split is Split.TRAIN and (reason := _why_not(one))}
        usable = [one for one in samples if one.split is Split.TRAIN and one not in notes]
        if not usable:
            raise UserError(
                "no training sample can be copied", "they want a mask, and must fit the filter and not be rejected"
            )
        if notes:
            report.log(f"{len(notes)} training samples are left out: without a mask, flagged, rejected or unreadable")
        project.masks.seal(one.id for one in usable)
        sealed = project.samples.all(one.id for one in usable)
        return list(sealed), [(one.image, reason) for one, reason in notes.items()]


def _donors(project: Project) -> list[Sample]:
    """The training samples that foreground may be taken from, their masks sealed: whichever ones the filter chooses."""
    ids = [one.id for one in donor_samples(project)]
    project.masks.seal(ids)
    return list(project.samples.all(ids))


def _why_not(sample: Sample) -> str:
    """Why a sample cannot be copied, or an empty text."""
    if sample.problem:
        return sample.problem
    if not sample.has_mask:
        return "it has no mask"
    return "" if sample.state in USABLE else f"it is {sample.state}"
