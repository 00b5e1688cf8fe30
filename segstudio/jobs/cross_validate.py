"""cross-validate: how good is this way of training on images it has not seen, and how sure is that.

Every sample is measured by networks that learnt from the other folds alone, and whose best epoch was chosen by samples
of the other folds. Whole groups (near-duplicates, one patient) are in one fold.
"""

from collections import defaultdict
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.metrics import EMPTY_CONVENTION, Counts, mean
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.resampling import METHOD, Estimate, estimated
from segstudio.core.sample import Sample, Split
from segstudio.core.suspicion import Suspicion, disagreement, from_folds
from segstudio.core.way import Flips, flips_notes
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.evaluate import POOLED, figures
from segstudio.jobs.predict import MEASURED_FLIPS
from segstudio.jobs.presets import DEFAULT, TrainOptions
from segstudio.jobs.studying import (
    chosen_now,
    counts_of,
    group_of,
    performed,
    require_alone,
    settled_configuration,
    shares_of,
    way_of_study,
)
from segstudio.jobs.training_samples import by_review, usable_samples
from segstudio.jobs.versions import versions
from segstudio.project.cells import Score
from segstudio.project.project import Project
from segstudio.project.splitting import assign, folds, strata
from segstudio.project.studies import LEARNT, LEFT_OUT, MEASURED, VALIDATES, Kind, Study
from segstudio.project.suspicions import store_suspicions
from segstudio.project.topics import Topics

CARVED = (0.85, 0.15, 0.0)
"""Of what a fold does not measure, so much is learnt from and so much chooses the best epoch."""

CARVED_FOR_CURVES = (0.95, 0.05, 0.0)
"""The same where the last epoch or an average is kept: validation chooses nothing then, and only draws its curves."""

FIGURES = ("iou", "dice", "binary_iou", "precision", "recall", "accuracy")
"""Figures of a fold, as `evaluate` has them: means over images, but for binary_iou and accuracy."""


class CrossValidateOptions(Options):
    """How many folds, how often, of what; or which study goes on."""

    folds: int = option(5, "Folds", ge=2, le=50, help="Parts of the samples, each measured by what learnt the others.")
    repeats: int = option(1, "Repeats", ge=1, le=50, help="How often, each time with other folds and seeds.")
    preset: str = option(DEFAULT, "Preset", help="What the options of training begin with.")
    epochs: int = option(0, "Epochs", ge=0, le=10_000, help="How often every image is seen; 0 is as the preset says.")
    options: dict[str, Any] = option({}, "Options", is_advanced=True, help="Any other options of training.")
    include_test: bool = option(
        False,
        "With the test split",
        help="Takes the test split's samples in too. It is no untouched test any more for what is decided by this.",
    )
    flips: Flips = option("off", "Mirror images", is_advanced=True, help=MEASURED_FLIPS)
    seed: int = option(0, "Seed", ge=0, le=10**6 - 1, is_advanced=True, help="Of folds and of the first repeat.")
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")
    resume: int = option(0, "Go on with", ge=0, is_advanced=True, help="Number of a study that was stopped.")


@JOBS.register
class CrossValidate(ProjectJob[CrossValidateOptions]):
    """Trains once for every fold and repeat, and measures each sample by networks that had not learnt from it."""

    name: ClassVar[str] = "cross-validate"
    title: ClassVar[str] = "Cross-validate"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"studies", "masks", "samples"})
    Options: ClassVar[type[Options]] = CrossValidateOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Cross-validate.

        Returns:
            `study` (its number), `kind`, `folds`, `repeats`, `images`, `way` (how they were predicted: {tiles,
            overlap, crop, flips, words}), `units` (independent ones), `figures` {iou, dice, binary_iou, precision,
            recall, accuracy, and `pooled_iou`, `pooled_dice` over a fold's pixels: {mean, interval, deviation, count}}
            over folds and repeats; `pooled`: over all pixels of all images, mean of the repeats, and `predict_nothing`:
            what an empty prediction would score there; `undefined`: images with nothing to measure; `per_fold` [{fold,
            repeat, seed, images, learnt_from, iou, ...}]; `per_image` [{sample, image, fold, iou, dice, ious, wrong,
            suspicion}] of networks that had not learnt from it, means of the repeats; `suspicious`: how many masks look
            wrong; `method`, `notes`, `empty_convention`, `summary`, `seconds`.

        Raises:
            UserError: When something is wrong, or there are too few samples; nothing has begun then.
            Cancelled: When it was stopped; finished trainings are kept, and `resume` goes on.
        """
        project.require_writable()
        if self.options.resume:
            require_alone(self.options)
            study = project.studies.get(self.options.resume)
            if study.kind is not Kind.FOLDS:
                raise UserError(f"study {study.name} is a {study.kind}", f"go on with it: advise --resume {study.id}")
        else:
            study = self._begun(project, report)

        def result_of(study: Study, scores: list[Score]) -> dict[str, Any]:
            result = result_of_folds(study, scores)
            suspect(project, study, result)
            return result

        return performed(project, study, self.options.device, report, result_of)

    def _begun(self, project: Project, report: Reporter) -> Study:
        given = self.options
        arm, options = settled_configuration(project, "folds", given.preset, given.epochs, given.options, report)
        samples, words = self._samples(project, options)
        shares = shares_of(project, samples)
        carved = CARVED if options.keep == "best" else CARVED_FOR_CURVES
        # Refused before anything is sealed.
        roles = fold_roles(samples, shares, given.folds, given.repeats, given.seed, carved)
        report.log(f"cross-validation over {words}")
        return project.studies.create(
            chosen_now(project, samples, roles, arm, options, report),
            kind=Kind.FOLDS,
            arm=arm,
            parts=tuple(f"fold-{fold + 1}" for fold in range(given.folds)),
            repeats=given.repeats,
            seed=given.seed,
            settings={
                "folds": given.folds,
                "include_test": given.include_test,
                "learnt_from": words,
                "flips": given.flips,
            },
            about=versions(),
        )

    def _samples(self, project: Project, options: TrainOptions) -> tuple[list[Sample], str]:
        usable = usable_samples(project)
        there = [one for one in usable if self.options.include_test or one.split is not Split.TEST]
        left_out = len(usable) - len(there)
        chosen, words = by_review(there, options)
        if left_out:
            words += f" ({left_out} of the test split stay out)"
        elif self.options.include_test:
            words += " (the test split included)"
        if len(chosen) < 3:
            raise UserError(
                f"{len(chosen)} usable samples are too few for a cross-validation",
                "every fold has to leave some to learn from and some to choose the best epoch by",
            )
        return chosen, words


def fold_roles(
    samples: list[Sample],
    shares: list[float | None],
    count: int,
    repeats: int,
    seed: int,
    carved: tuple[float, float, float] = CARVED,
) -> dict[str, str]:
    """The role of every sample in every training, by the name of its folder; see `Chosen`.

    Raises:
        UserError: When there are too few groups to learn from, to validate by and to measure.
    """
    groups, kinds = [group_of(one) for one in samples], strata(shares)
    roles = {}
    for repeat in range(repeats):
        of_fold = folds(groups, count, seed + repeat, kinds)
        for fold in range(count):
            rest = [place for place, own in enumerate(of_fold) if own != fold]
            inner = assign([groups[place] for place in rest], carved, seed + repeat, [kinds[place] for place in rest])
            letters = [LEFT_OUT] * len(samples)
            for place, own in enumerate(of_fold):
                if own == fold:
                    letters[place] = MEASURED
            for place, part in zip(rest, inner, strict=True):
                letters[place] = LEARNT if part is Split.TRAIN else VALIDATES
            if not {LEARNT, VALIDATES} <= set(letters):
                raise UserError(
                    f"{len(set(groups))} independent samples cannot make {count} folds that each leave some to learn "
                    "from and some to choose the best epoch by",
                    "near-duplicates and groups count as one sample; add samples, or ask for more folds",
                )
            roles[f"fold-{fold + 1}-{repeat}"] = "".join(letters)
    return roles


def result_of_folds(study: Study, scores: list[Score]) -> dict[str, Any]:
    """What the job returns, as plain JSON values; see there."""
    per_fold = _per_fold(study, scores)
    learnt = sum(row["learnt_from"] for row in per_fold)
    ratio = sum(row["images"] for row in per_fold) / max(1, learnt)
    names = (*FIGURES, "pooled_iou", "pooled_dice")
    estimates = {name: estimated([_number(row[name]) for row in per_fold], ratio) for name in names}
    by_repeat: dict[int, list[Counts]] = defaultdict(list)
    for score in scores:
        by_repeat[score.repeat].append(counts_of(score))
    pooled = [sum(counts, Counts()) for counts in by_repeat.values()]
    nothing = [Counts(0, 0, one.tp + one.fn, one.tn + one.fp) for one in pooled]
    per_image = _per_image(study, scores)
    result = {
        "study": study.id,
        "kind": str(study.kind),
        "folds": len(study.parts),
        "repeats": study.repeats,
        "images": len(per_image),
        "way": way_of_study(study).to_values(),
        "units": len({score.group or score.image for score in scores}),
        "figures": {name: _plain(one) for name, one in estimates.items()},
        "pooled": _means(pooled),
        "predict_nothing": _means(nothing),
        "undefined": sum(row["iou"] is None for row in per_image),
        "per_fold": per_fold,
        "per_image": per_image,
        "suspicious": sum(row["suspicion"] >= 0.5 for row in per_image),
        "method": METHOD,
        "notes": _notes(study, per_image),
        "empty_convention": EMPTY_CONVENTION,
        "seconds": sum(float(cell.done().get("seconds", 0)) for cell in study.cells()),
    }
    return {**result, "summary": _summary(study, result)}


def _per_fold(study: Study, scores: list[Score]) -> list[dict[str, Any]]:
    rows, chosen = [], study.chosen()
    for cell in study.cells():
        measured = (score for score in scores if (score.arm, score.repeat) == (cell.arm, cell.repeat))
        own = {score.image: counts_of(score) for score in measured}
        if not own:
            continue
        found, done = figures(own), cell.done()
        rows.append(
            {
                "fold": study.parts.index(cell.arm) + 1,
                "repeat": cell.repeat + 1,
                "seed": cell.seed,
                "images": found["images"],
                "learnt_from": chosen.roles[cell.folder.name].count(LEARNT),
                **{name: found[name] for name in FIGURES},
                "pooled_iou": found["pooled"]["iou"],
                "pooled_dice": found["pooled"]["dice"],
                "best_epoch": done.get("best", {}).get("epoch"),
                "val_iou": done.get("best", {}).get("val_iou"),
                "seconds": done.get("seconds"),
            }
        )
    return rows


def _per_image(study: Study, scores: list[Score]) -> list[dict[str, Any]]:
    """One row an image: the worst first."""
    own: dict[int, list[Score]] = defaultdict(list)
    for score in scores:
        own[score.sample].append(score)
    rows: list[dict[str, Any]] = []
    for sample, found in own.items():
        ious = [counts_of(score).iou for score in found]
        rows.append(
            {
                "sample": sample,
                "image": found[0].image,
                "group": found[0].group,
                "state": found[0].state,
                "foreground": found[0].foreground,
                "fold": study.parts.index(found[0].arm) + 1,
                "iou": mean(ious).value,
                "dice": mean(counts_of(score).dice for score in found).value,
                "ious": ious,
                "wrong": float(np.mean([(score.fp + score.fn) / max(1, counts_of(score).total) for score in found])),
                "disagreement": float(np.mean([disagreement(one.tp, one.fp, one.fn, one.tn) for one in found])),
            }
        )
    suspicions = from_folds([row["disagreement"] for row in rows], [row["iou"] for row in rows], f"study {study.name}")
    rows = [{**row, "suspicion": one.score, "reason": one.reason} for row, one in zip(rows, suspicions, strict=True)]
    return sorted(rows, key=lambda row: (-row["disagreement"], row["image"]))


def suspect(project: Project, study: Study, result: dict[str, Any]) -> None:
    """Let the list of samples know which masks look wrong to networks that had not learnt from them."""
    revisions = {one.sample: one.revision for one in study.chosen().samples}
    found = {
        row["sample"]: (revisions[row["sample"]], Suspicion(row["suspicion"], row["reason"], row["iou"]))
        for row in result["per_image"]
    }
    store_suspicions(project, "fold", found)


def _means(counts: list[Counts]) -> dict[str, float | None]:
    return {name: mean(getattr(one, name) for one in counts).value for name in POOLED}


def _plain(found: Estimate) -> dict[str, Any]:
    return {**asdict(found), "interval": None if found.interval is None else list(found.interval)}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _notes(study: Study, per_image: list[dict[str, Any]]) -> list[str]:
    notes = [
        f"Learnt from and measured: {study.settings.get('learnt_from', 'the usable samples')}.",
        *flips_notes(study.flips),
    ]
    if study.settings.get("include_test"):
        notes.append(
            "The test split took part: what is decided by these figures can no longer be examined on it as if unseen."
        )
    lost = len(study.chosen().samples) - len(per_image)
    if lost:
        notes.append(f"{lost} images could not be measured and are left out.")
    if study.repeats == 1:
        notes.append("One repeat: how much chance between trainings and between ways to make folds does is unknown.")
    return notes


def _summary(study: Study, result: dict[str, Any]) -> str:
    figures, pooled, nothing = result["figures"], result["pooled"], result["predict_nothing"]
    both = figures["binary_iou"]
    return (
        f"{study.title} over {result['images']} images ({result['units']} independent): IoU {_said(figures['iou'])}, "
        f"Dice {_said(figures['dice'])}, mean of both classes' IoU {_said(both)}; over all pixels "
        f"{_figure(pooled['binary_iou'])}, where predicting nothing has {_figure(nothing['binary_iou'])}."
    )


def _said(figure: dict[str, Any]) -> str:
    if figure["interval"] is None:
        return _figure(figure["mean"])
    low, high = figure["interval"]
    return f"{_figure(figure['mean'])} (95 % interval {low:.3f} to {high:.3f})"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
