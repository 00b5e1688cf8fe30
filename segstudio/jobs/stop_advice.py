"""advise: would more masks make the network better, and how much, or is it time to stop.

The same training learns from more and more of the masks there are: nested subsets, each with as many gradient steps, so
that what differs is the number of masks alone. What its scores say of still more masks is a learning curve, see
`segstudio.core.learning_curve`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Literal

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.learning_curve import FEWEST_SIZES, MORE, learning_curve
from segstudio.core.metrics import COMPARED_CONVENTION, METRICS
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample, Split
from segstudio.core.way import Flips, flips_notes
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.evaluate import measurable
from segstudio.jobs.predict import MEASURED_FLIPS
from segstudio.jobs.presets import DEFAULT, TrainOptions
from segstudio.jobs.studying import (
    chosen_now,
    performed,
    require_alone,
    settled_configuration,
    way_of_study,
)
from segstudio.jobs.training_samples import by_review, carved, usable_samples
from segstudio.jobs.versions import versions
from segstudio.project.cells import Score
from segstudio.project.project import Project
from segstudio.project.studies import LEARNT, LEFT_OUT, MEASURED, VALIDATES, VALIDATES_AND_MEASURED, Kind, Study
from segstudio.project.topics import Topics

LEAST = 3
"""Masks that the smallest network learns from at least."""


class StopAdviceOptions(Options):
    """From how many masks is learnt, how often; or which study goes on."""

    steps: int = option(4, "Sizes", ge=FEWEST_SIZES, le=10, help="So many numbers of masks, each half of the next one.")
    sizes: tuple[int, ...] = option(
        (), "Numbers of masks", is_advanced=True, help="From how many is learnt, instead of halves of all: 10, 20, 40."
    )
    repeats: int = option(3, "Repeats", ge=1, le=50, help="Trainings of each size, with other masks and other seeds.")
    more: tuple[int, ...] = option(MORE, "More", is_advanced=True, help="How many more masks are asked about.")
    preset: str = option(DEFAULT, "Preset", help="What the options of training begin with.")
    epochs: int = option(0, "Epochs", ge=0, le=10_000, help="How often every image is seen; 0 is as the preset says.")
    options: dict[str, Any] = option({}, "Options", is_advanced=True, help="Any other options of training.")
    split: Literal["val", "test"] = option("val", "Split", help="Which part of the samples is measured.")
    metric: Literal["iou", "dice"] = option("iou", "Metric", is_advanced=True, help="The score of an image.")
    flips: Flips = option("off", "Mirror images", is_advanced=True, help=MEASURED_FLIPS)
    seed: int = option(0, "Seed", ge=0, le=10**6 - 1, is_advanced=True, help="Of the first repeat.")
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")
    resume: int = option(0, "Go on with", ge=0, is_advanced=True, help="Number of a study that was stopped.")


@JOBS.register
class StopAdvice(ProjectJob[StopAdviceOptions]):
    """Trains on nested parts of the masks, and says what more of them would bring."""

    name: ClassVar[str] = "advise"
    title: ClassVar[str] = "Advice on more masks"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"studies", "masks"})
    Options: ClassVar[type[Options]] = StopAdviceOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Advise.

        Returns:
            `study` (its number), `kind`, `advice` ("more helps", "enough" or "cannot tell"), `gains` [{more, gain,
            interval}], `points` [{size, mean, repeats}], `curve` {coefficients, at, fitted, low, high}, `metric`,
            `split`, `way` (how images were predicted: {tiles, overlap, crop, flips, words}), `images` (measured),
            `units` (independent ones), `learnt_from`, `explanation`, `notes`,
            `summary`, `convention`, `seconds`.

        Raises:
            UserError: When something is wrong, or there are too few masks; nothing has begun then.
            Cancelled: When it was stopped; finished trainings are kept, and `resume` goes on.
        """
        project.require_writable()
        if self.options.resume:
            require_alone(self.options)
            study = project.studies.get(self.options.resume)
            if study.kind is not Kind.CURVE:
                raise UserError(
                    f"study {study.name} is a {study.kind}", f"go on with it: cross-validate --resume {study.id}"
                )
        else:
            study = self._begun(project, report)
        return performed(project, study, self.options.device, report, result_of_sizes)

    def _begun(self, project: Project, report: Reporter) -> Study:
        given = self.options
        if not given.more or min(given.more) < 1 or list(given.more) != sorted(set(given.more)):
            raise UserError("how many more masks are asked about must be rising numbers", "for example 10, 25, 50")
        arm, options = settled_configuration(project, "sizes", given.preset, given.epochs, given.options, report)
        train, val, words = _samples(project, options)
        sizes = sizes_of(len(train), given.steps, given.sizes)
        measured = [] if given.split == "val" else measurable(project, Split.TEST)
        if given.split == "test" and not measured:
            raise UserError("no sample of the test split has a mask to measure by", "measure on --split val")
        samples = [*train, *val, *measured]
        parts = {f"size-{size}": size for size in sizes}
        roles = {
            f"{part}-{repeat}": nested_roles(train, size, given.seed + repeat)
            + (VALIDATES_AND_MEASURED if given.split == "val" else VALIDATES) * len(val)
            + MEASURED * len(measured)
            for repeat in range(given.repeats)
            for part, size in parts.items()
        }
        chosen = chosen_now(project, samples, roles, arm, options, report)
        report.log(f"learning from {', '.join(map(str, sizes))} of {words}")
        return project.studies.create(
            chosen,
            kind=Kind.CURVE,
            arm=arm,
            parts=tuple(parts),
            repeats=given.repeats,
            seed=given.seed,
            settings={
                "sizes": list(sizes), "more": list(given.more), "split": given.split, "metric": given.metric,
                "learnt_from": words, "flips": given.flips,
            },
            # As many steps from few masks as from all: what differs is the masks.
            images_per_epoch=sizes[-1],
            about=versions(),
        )  # fmt: skip


def _samples(project: Project, options: TrainOptions) -> tuple[list[Sample], list[Sample], str]:
    """What there is to learn from, what validates, and what the first are in words."""
    usable = usable_samples(project)
    train = [one for one in usable if one.split is Split.TRAIN]
    val = [one for one in usable if one.split is Split.VAL]
    if not val:
        train, val = carved(train, options.seed)
    train, words = by_review(train, options)
    if not val:
        raise UserError("there is no sample to choose the best epoch by", "give the validation split some masks")
    return train, val, words


def sizes_of(count: int, steps: int, asked: Sequence[int]) -> tuple[int, ...]:
    """From how many of `count` masks is learnt, rising.

    Raises:
        UserError: When there are too few masks, or those that were asked for are no such numbers.
    """
    if asked:
        sizes = tuple(asked)
        if list(sizes) != sorted(set(sizes)) or sizes[0] < 1 or sizes[-1] > count or len(sizes) < FEWEST_SIZES:
            raise UserError(
                f"{', '.join(map(str, asked))} are no sizes to learn from",
                f"give {FEWEST_SIZES} rising numbers at least, up to the {count} masks there are",
            )
        return sizes
    sizes = tuple(sorted({max(LEAST, round(count / 2**step)) for step in range(steps)}))
    if len(sizes) < FEWEST_SIZES or sizes[-1] > count:
        raise UserError(
            f"{count} masks to learn from are too few to tell what more would bring",
            "give the training split more of them, or name the sizes",
        )
    return sizes


def nested_roles(train: Sequence[Sample], size: int, seed: int) -> str:
    """A letter for each: so many are learnt from, those of a smaller size among those of a larger one."""

    def rank(sample: Sample) -> bytes:
        return hashlib.blake2b(f"{seed}\0{sample.image}".encode("utf-8", "surrogatepass")).digest()

    kept = {one.id for one in sorted(train, key=rank)[:size]}
    return "".join(LEARNT if one.id in kept else LEFT_OUT for one in train)


def result_of_sizes(study: Study, scores: list[Score]) -> dict[str, Any]:
    """What the job returns, as plain JSON values; see there."""
    settings = study.settings
    sizes, metric, split = settings["sizes"], settings["metric"], settings["split"]
    rows = {sample: row for row, sample in enumerate(dict.fromkeys(score.sample for score in scores))}
    table = np.full((len(rows), len(sizes), study.repeats), np.nan)
    groups = [""] * len(rows)
    for score in scores:
        table[rows[score.sample], study.parts.index(score.arm), score.repeat] = getattr(score, metric)
        groups[rows[score.sample]] = score.group or f"sample {score.sample}"
    curve = learning_curve(table, sizes, np.array(groups), settings["more"], study.seed, METRICS[metric])
    units, part = len(set(groups)), "validation" if split == "val" else split
    notes = [
        f"Learnt from nested parts of {settings['learnt_from']}; every network takes as many gradient steps.",
        f"Measured on {len(rows)} images of the {part} split, {units} of them independent.",
        *flips_notes(study.flips),
        "It speaks of more masks like these. What mending masks brings that are learnt from already, it does not know.",
    ]
    if split == "val" and study.arm.options.get("keep", "best") == "best":
        notes.append("The validation split also chose the best epoch of every training: its scores are a little high.")
    if unfinished := _unfinished(study):
        notes.append(unfinished)
    return {
        "study": study.id,
        "kind": str(study.kind),
        "advice": str(curve.advice),
        "gains": [{**asdict(one), "interval": list(one.interval)} for one in curve.gains],
        "points": [
            {
                "size": size,
                "mean": float(table[:, place].mean()),
                "repeats": [float(value) for value in table[:, place].mean(0)],
            }
            for place, size in enumerate(sizes)
        ],
        "curve": {name: list(getattr(curve, name)) for name in ("coefficients", "at", "fitted", "low", "high")},
        "metric": metric,
        "split": split,
        "way": way_of_study(study).to_values(),
        "images": len(rows),
        "units": units,
        "repeats": study.repeats,
        "learnt_from": settings["learnt_from"],
        "explanation": curve.explanation,
        "summary": curve.explanation,
        "notes": notes,
        "convention": COMPARED_CONVENTION,
        "seconds": sum(float(cell.done().get("seconds", 0)) for cell in study.cells()),
    }


def _unfinished(study: Study) -> str:
    """What to know when networks were still becoming better as their training ended; else empty."""
    done = [study.cell(study.parts[-1], repeat).done() for repeat in range(study.repeats)]
    rising = sum(one.get("best", {}).get("epoch") == one.get("epochs") for one in done)
    if study.arm.options.get("keep", "best") != "best" or 2 * rising <= len(done):
        return ""
    return (
        f"In {rising} of {len(done)} trainings with all masks the last epoch was the best one: with more epochs they "
        "may become better still, and so may what more masks bring."
    )
