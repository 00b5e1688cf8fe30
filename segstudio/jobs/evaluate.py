"""Measure a run on one split: at each image's own resolution, against the masks as they are now."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from segstudio.core.errors import UserError
from segstudio.core.metrics import EMPTY_CONVENTION, Counts, mean
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.predict import PredictOptions, predict_samples
from segstudio.project.project import Project

PER_IMAGE = ("iou", "dice", "precision", "recall")
POOLED = ("accuracy", "binary_iou", *PER_IMAGE)


class EvaluateOptions(Options):
    """Which run, on what."""

    run: str = option("best", "Run", help="best (the champion), last, or the number of a run.")
    split: Literal["train", "val", "test"] = option("test", "Split", help="Which part is measured.")
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")


@JOBS.register
class Evaluate(ProjectJob[EvaluateOptions]):
    """Predicts what this run has not predicted yet; never changes which run is shown."""

    name: ClassVar[str] = "evaluate"
    title: ClassVar[str] = "Evaluate"
    lane: ClassVar = "compute"
    topics: ClassVar[frozenset[str]] = frozenset({"predictions"})
    Options: ClassVar[type[Options]] = EvaluateOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Measure.

        Rejected samples, and those without a usable mask, are not measured.

        Returns:
            `run`, `threshold` (of the run), `split`, `images` (measured); `iou`, `dice`, `precision`, `recall`: means
            over the images where they exist; `accuracy`, `binary_iou`: over all pixels of the split; `undefined`:
            images with nothing to measure; `pooled`: every figure over all pixels; `predict_nothing`: what an empty
            prediction would score; `empty_convention`: how empty masks count; `per_image`: one row an image.

        Raises:
            UserError: When there is no such run, or nothing to measure.
        """
        run = project.runs.resolve(self.options.run)
        samples = measurable(project, Split(self.options.split))
        if not samples:
            raise UserError(f"no sample of the {self.options.split} split has a mask to measure by")
        missing = [one for one in samples if not project.predictions.has(run.id, one)]
        if missing:
            predict_samples(project, run, missing, report, PredictOptions(device=self.options.device))
        # Masks may have been corrected since: count anew.
        scores = project.predictions.score(run.id, [one.id for one in samples], report)
        counts = {one.image: score.counts for one in samples if (score := scores.get(one.id)) and score.counts}
        if not counts:
            raise UserError(f"no sample of the {self.options.split} split could be read", "see the Problems panel")
        measured = figures(counts)
        ids = {one.image: one.id for one in samples}
        # `sample` is the id here as in `list`, so that scripts can join the two.
        measured["per_image"] = [{"sample": ids[row["image"]], **row} for row in measured["per_image"]]
        threshold = project.runs.get(run.id).threshold
        return {"run": run.id, "threshold": threshold, "split": self.options.split, **measured}


def measurable(project: Project, split: Split) -> list[Sample]:
    """The samples of a split that can be measured: with a mask, readable, and not rejected."""
    return [
        one
        for one in project.samples.all()
        if one.split is split and one.has_mask and not one.problem and one.state is not ReviewState.REJECTED
    ]


def figures(counts: Mapping[str, Counts]) -> dict[str, Any]:
    """Every figure of `Evaluate.run`, from the counts of each image by its name."""
    pooled = sum(counts.values(), Counts())
    means = {name: mean(getattr(one, name) for one in counts.values()) for name in PER_IMAGE}
    # Predicting nothing turns every hit into a miss and every false alarm into a true negative.
    nothing = {name: Counts(0, 0, one.tp + one.fn, one.tn + one.fp) for name, one in counts.items()}
    return {
        "images": len(counts),
        "accuracy": pooled.accuracy,
        "binary_iou": pooled.binary_iou,
        **{name: value.value for name, value in means.items()},
        "undefined": sum(not one.is_defined for one in counts.values()),
        "pooled": _ratios(pooled, POOLED),
        "predict_nothing": {
            "pooled": _ratios(sum(nothing.values(), Counts()), POOLED),
            **{name: mean(getattr(one, name) for one in nothing.values()).value for name in PER_IMAGE},
        },
        "empty_convention": EMPTY_CONVENTION,
        "per_image": [{"image": name, **_ratios(one, PER_IMAGE)} for name, one in counts.items()],
    }


def _ratios(counts: Counts, names: tuple[str, ...]) -> dict[str, float | None]:
    return {name: getattr(counts, name) for name in names}
