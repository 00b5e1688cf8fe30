"""compare: is one way of training better than another, and how sure are we.

Every arm is trained several times. Within one repeat all arms have the same split, the same first weights, the same
order of images and the same number of gradient steps: what differs is what was asked for. The split that is measured
never chooses an epoch; the validation split does, in every arm alike.
"""

import platform
from dataclasses import replace
from typing import Any, ClassVar, Literal

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, checked, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import Sample, Split
from segstudio.core.statistics import FEWEST
from segstudio.core.way import Flips
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.comparison_arms import recipe_of, settled_arm, wanted_arms
from segstudio.jobs.comparison_cells import Training, recalled
from segstudio.jobs.comparison_page import page
from segstudio.jobs.comparison_result import measured, result_of
from segstudio.jobs.evaluate import measurable
from segstudio.jobs.predict import MEASURED_FLIPS
from segstudio.jobs.presets import DEFAULT, options_of
from segstudio.jobs.training_samples import choose, examples
from segstudio.jobs.training_time import Paces, Planned
from segstudio.jobs.versions import versions
from segstudio.project.cells import Arm, Choice
from segstudio.project.comparisons import Comparison
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.topics import Topics

TRAINING = 0.97
"""Share of the time for the trainings; the rest measures and writes the report."""


class CompareOptions(Options):
    """Which arms, how often, measured where; or which comparison goes on."""

    recipe: str = option("", "Recipe", help="Original images are held against this recipe: a name, or a file.")
    arms: tuple[dict[str, Any], ...] = option(
        (),
        "Arms",
        help="Any number, each with a name and its own recipe, preset or options; the first is the original.",
    )
    control: bool = option(
        False, "Control", help="One more arm repeats the first with other seeds: what chance alone does."
    )
    repeats: int = option(
        3, "Repeats", ge=1, le=100, help="Trainings of each arm, with other seeds; with extend, how many more."
    )
    preset: str = option(DEFAULT, "Preset", help="What the options of all arms begin with.")
    epochs: int = option(0, "Epochs", ge=0, le=10_000, help="How often every image is seen; 0 is as the preset says.")
    options: dict[str, Any] = option(
        {}, "Options", is_advanced=True, help="Any other options of training, for all arms."
    )
    split: Literal["test", "val"] = option("test", "Split", help="Which part of the samples is measured.")
    metric: Literal["iou", "dice"] = option("iou", "Metric", help="The score of an image.")
    flips: Flips = option("off", "Mirror images", is_advanced=True, help=MEASURED_FLIPS)
    groups: tuple[str, ...] = option(
        (), "Sub-groups", is_advanced=True, help="Filter expressions of samples that are looked at on their own too."
    )
    seed: int = option(
        0, "Seed", ge=0, le=10**6 - 1, is_advanced=True, help="Of the first repeat; the next has one more."
    )
    keep_weights: bool = option(
        False, "Keep weights", is_advanced=True, help="Weights of every training stay, instead of predictions alone."
    )
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")
    resume: int = option(0, "Go on with", ge=0, is_advanced=True, help="Number of a comparison that was stopped.")
    extend: int = option(0, "Extend", ge=0, is_advanced=True, help="Number of a comparison that gets more repeats.")
    rerun: int = option(0, "Rerun", ge=0, is_advanced=True, help="Number of a comparison to make again.")


CHANGEABLE = {
    "resume": frozenset({"device"}),
    "extend": frozenset({"device", "repeats"}),
    "rerun": frozenset({"device", "repeats", "seed"}),
}
"""What may be given beside the number of an earlier comparison: all else is as it was."""


@JOBS.register
class Compare(ProjectJob[CompareOptions]):
    """Trains every arm in every repeat, measures each on the same images, and judges the paired differences."""

    name: ClassVar[str] = "compare"
    title: ClassVar[str] = "Compare"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"comparisons", "masks"})
    Options: ClassVar[type[Options]] = CompareOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Compare.

        Returns:
            `verdict` ("helps", "hurts", "not distinguishable"), `difference`, `interval` [low, high], `p_value`,
            `images`, `units` (independent images), `repeats`, `needed_images`, `needed_repeats`, `explanation`,
            `summary` (the verdict in words), `per_group`, `helped`, `hurt` and `per_image` [{sample, image,
            difference, first, second, repeat}]: of the second arm against the first; `effects`: the same of every arm
            but the first, with its `arm`; `arms` [{name, mean, repeats, recipe, way, ...}]; `comparison` (its number),
            `metric`, `split`, `flips`, `notes`, `convention`, `is_paired`, `report` (the HTML page), `seconds`.

        Raises:
            UserError: When an arm is wrong, or there is nothing to learn from or to measure; nothing has begun then.
            Cancelled: When it was stopped; finished trainings are kept, and `resume` goes on.
        """
        project.require_writable()
        comparison = self._comparison(project, report)
        with project.comparisons.claimed(comparison):
            # As it is now, which no other process changes any more.
            comparison = project.comparisons.get(comparison.id)
            wanted = comparison.repeats + (self.options.repeats if self.options.extend else 0)
            if comparison.is_finished and comparison.repeats == wanted:
                report.log(f"comparison {comparison.name} is finished already")
                return _told(comparison)
            examples = recalled(project, replace(comparison, repeats=wanted))
            # Last: what cannot go on stays finished.
            if comparison.repeats != wanted:
                comparison = project.comparisons.update(comparison, repeats=wanted)
            report.log(f"comparison {comparison.name}: {comparison.title}, {comparison.repeats} repeats")
            _forewarn(project, comparison, report)
            Training(project, comparison, examples, self.options.device).perform(Phase(report, 0, TRAINING))
            return finished(project, comparison, Phase(report, TRAINING, 1 - TRAINING))

    def _comparison(self, project: Project, report: Reporter) -> Comparison:
        """The comparison to work on: a new one, or one there is."""
        earlier = [name for name in CHANGEABLE if getattr(self.options, name)]
        if not earlier:
            return self._begun(project, report)
        if len(earlier) > 1:
            raise UserError(f"{' and '.join(earlier)} do not go together", "choose one of them")
        word = earlier[0]
        if others := self.options.model_fields_set - CHANGEABLE.keys() - CHANGEABLE[word]:
            raise UserError(f"a comparison keeps its {', '.join(sorted(others))}", "make a new one with other settings")
        comparison = project.comparisons.get(getattr(self.options, word))
        return self._rerun(project, comparison, report) if word == "rerun" else comparison

    def _begun(self, project: Project, report: Reporter) -> Comparison:
        """A new comparison; everything that can be wrong is, before there is one."""
        options = self.options
        for text in options.groups:
            compile_filter(text)
        base = {"preset": options.preset, **options.options}
        if options.epochs:
            base["epochs"] = options.epochs
        wanted = wanted_arms(base, options.arms, options.recipe, has_control=options.control)
        settled = [settled_arm(project, one, report) for one in wanted]
        return _created(
            project,
            report,
            arms=tuple(arm for arm, _ in settled),
            repeats=options.repeats,
            seed=options.seed,
            split=options.split,
            metric=options.metric,
            flips=options.flips,
            groups=options.groups,
            keeps_weights=options.keep_weights,
        )

    def _rerun(self, project: Project, comparison: Comparison, report: Reporter) -> Comparison:
        """A new one with the settings of an earlier one, on the samples and masks of today."""
        settings = {name: getattr(comparison, name) for name in _KEPT}
        for name in self.options.model_fields_set & {"repeats", "seed"}:
            settings[name] = getattr(self.options, name)
        return _created(project, report, **settings)


_KEPT = ("arms", "repeats", "seed", "split", "metric", "flips", "groups", "keeps_weights")
"""What a comparison that is made again takes from the earlier one."""


def finished(project: Project, comparison: Comparison, report: Reporter) -> dict[str, Any]:
    """Measure all cells, judge, and write result, table and page; returns the result."""
    scores = measured(project, comparison, report)
    project.comparisons.save_scores(comparison, scores)
    about = {**comparison.about, **{name: comparison.cells()[0].done().get(name) for name in ("device", "precision")}}
    looks = tuple(sorted({*comparison.looks, comparison.repeats}))
    comparison = project.comparisons.update(comparison, about=about, looks=looks)
    if comparison.split == "test":
        project.looks.record("", "compare")
    result = result_of(project, comparison, scores)
    comparison = project.comparisons.update(comparison, result=result)
    write_atomically(comparison.report, page(project, comparison).encode("utf-8"))
    report.artifact(comparison.report)
    report.log(result["summary"])
    return _told(comparison)


def _told(comparison: Comparison) -> dict[str, Any]:
    """The result with where the page lies now: a project may be moved."""
    return {**(comparison.result or {}), "report": str(comparison.report)}


def _forewarn(project: Project, comparison: Comparison, report: Reporter) -> None:
    """Say before the hours of training how many they may be, and what no training can mend."""
    if words := Paces(project).words(_trainings(comparison)):
        report.log(words)
    if len(comparison.samples) < FEWEST:
        few = f"only {len(comparison.samples)} images of the {comparison.split} split are measured"
        report.log(f"{few}: too few for a verdict, which needs {FEWEST} at least")
    if comparison.repeats < 2:
        report.log("with one repeat, chance between trainings stays unknown: a verdict needs two at least")


def _trainings(comparison: Comparison) -> list[Planned]:
    """Those that are not made yet."""
    options = {arm.name: checked(options_of(arm.model), arm.options) for arm in comparison.arms}
    return [
        Planned(comparison.arm(cell.arm).model, options[cell.arm], comparison.images_per_epoch)
        for cell in comparison.cells()
        if not cell.is_done
    ]


def _created(project: Project, report: Reporter, **settings: Any) -> Comparison:
    """A new comparison, with what all its arms and repeats learn from and are measured on: samples as of today."""
    samples = _measured(project, Split(settings["split"]))
    arms, seed = settings["arms"], settings["seed"]
    chosen = {arm.name: _chosen(project, arm, seed, report) for arm in arms}
    return project.comparisons.create(
        chosen,
        **settings,
        samples=tuple(one.id for one in samples),
        images_per_epoch=sum(one.split == "train" for one in chosen[arms[0].name]),
        about={**versions(), "machine": f"{platform.system()} {platform.machine()}"},
    )


def _measured(project: Project, split: Split) -> list[Sample]:
    """What is measured; UserError when there is nothing."""
    if samples := measurable(project, split):
        return samples
    other = Split.VAL if split is Split.TEST else Split.TEST
    hint = "make a project with a test split: --split 70/15/15"
    if measurable(project, other):
        hint = f"measure on the other one with --split {other}, or {hint}"
    raise UserError(f"no sample of the {split} split has a mask to measure by", hint)


def _chosen(project: Project, arm: Arm, seed: int, report: Reporter) -> list[Choice]:
    """What an arm learns from and is validated by; the seed is one for all arms, as it may carve what validates."""
    options = checked(options_of(arm.model), {**arm.options, "seed": seed})
    try:
        train, val = examples(project, choose(project, options, report, recipe_of(arm)))
    except UserError as error:
        raise UserError(f"arm {arm.name}: {error.message}", error.hint) from error
    return [
        Choice(one.sample, one.image, one.split, one.revision, one.recipe, one.ignored_sha256, one.before, one.state,
               one.donors, one.copy_sha256)
        for one in (*train, *val)
    ]  # fmt: skip
