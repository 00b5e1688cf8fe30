"""evaluate: measure a run on one split, at each image's own resolution, against the masks as they are now."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from segstudio.core.boundary import CONVENTION, Outline, outline_of
from segstudio.core.errors import UserError
from segstudio.core.labels import without_errors
from segstudio.core.mask import Mask
from segstudio.core.metrics import EMPTY_CONVENTION, Counts, mean
from segstudio.core.options import Options, option
from segstudio.core.reliability import calibration_of, curve_of
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.core.threshold import Histogram, predicted_at
from segstudio.core.way import PLAIN, Flips, Manner, Tiling, manner_of, way_of
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.comparison_result import sub_groups
from segstudio.jobs.predict import MEASURED_FLIPS, PredictOptions, predict_samples, predicted_apart
from segstudio.jobs.run_page import write_page
from segstudio.project.clock import now
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.run_files import evaluation_file, save
from segstudio.project.runs import Run
from segstudio.project.scores import Score
from segstudio.project.threads import in_threads, room_for
from segstudio.project.topics import Topics

PER_IMAGE = ("iou", "dice", "precision", "recall")
POOLED = ("accuracy", "binary_iou", *PER_IMAGE)
OUTLINES = ("boundary_iou", "hausdorff95")


class EvaluateOptions(Options):
    """Which run, on what."""

    run: str = option("best", "Run", help="best (the champion), last, or the number of a run.")
    split: Literal["train", "val", "test"] = option("test", "Split", help="Which part is measured.")
    groups: tuple[str, ...] = option(
        (), "Sub-groups", is_advanced=True, help="Filter expressions of samples that are measured on their own too."
    )
    tiling: Tiling = option(
        "auto",
        "Tiles",
        is_advanced=True,
        help="auto measures the run as it has learnt to look; off at the whole image; full in tiles at its own "
        "resolution.",
    )
    flips: Flips = option("off", "Mirror images", is_advanced=True, help=MEASURED_FLIPS)
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")


@dataclass(frozen=True)
class Measured:
    """One image as it was measured.

    Attributes:
        sample: Id of the sample.
        image: Its path.
        state: Its review state.
        foreground: Share of the area that its mask covers.
        counts: Pixels against the mask.
        outline: How the outlines stand to each other.
        histogram: Of the probabilities.
    """

    sample: int
    image: str
    state: str
    foreground: float
    counts: Counts
    outline: Outline
    histogram: Histogram


@JOBS.register
class Evaluate(ProjectJob[EvaluateOptions]):
    """Predicts what this run has not predicted yet; never changes which run is shown.

    Whatever was stored in another manner (tiles, mirror images) than what is measured stays, and is predicted apart.
    """

    name: ClassVar[str] = "evaluate"
    title: ClassVar[str] = "Evaluate"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"predictions", "runs"})
    Options: ClassVar[type[Options]] = EvaluateOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Measure, and keep the result in the run's folder.

        Rejected samples, and those without a usable mask, are not measured.

        Returns:
            `run`, `threshold` (of the run), `split`, `way` (how images were predicted: {tiles, overlap, crop, flips,
            words}), `manner` (in what that differs from how the run has learnt to look: figures of the same manner can
            be compared), `images` (measured); `iou`, `dice`, `precision`, `recall`: means
            over the images where they exist; `accuracy`, `binary_iou`: over all pixels of the split; `undefined`:
            images with nothing to measure; `pooled`: every figure over all pixels; `predict_nothing`: what an empty
            prediction would score; `empty_convention`: how empty masks count; `boundary_iou`, `hausdorff95` (pixels):
            means over the images where they exist, `hausdorff95_undefined`: how many have none, `outline_convention`;
            `pr_curve` and `calibration`: over all pixels, see `segstudio.core.reliability`; `groups`: the same figures
            of every sub-group; `test_looks`: how often this project has looked at its test split, `test_looks_words`:
            that in words; `made`: when; `per_image`: one row an image.

        Raises:
            UserError: When there is no such run, or nothing to measure.
        """
        for text in self.options.groups:
            compile_filter(text)
        run, split = project.runs.resolve(self.options.run), Split(self.options.split)
        samples = measurable(project, split)
        if not samples:
            raise UserError(f"no sample of the {split} split has a mask to measure by")
        manner = manner_of(run.options, self.options.tiling, self.options.flips)
        images = self._measured(project, run, samples, manner, report)
        if not images:
            raise UserError(f"no sample of the {split} split could be read", "see the Problems panel")
        if split is Split.TEST:
            project.looks.record(run.name, self.name)
        result = {
            "run": run.id,
            "threshold": project.runs.get(run.id).threshold,
            "split": self.options.split,
            "way": way_of(run.options, *manner).to_values(),
            "manner": manner.text,
            **evaluation_of(project, images, self.options.groups),
            "test_looks": len(project.looks.all()),
            "test_looks_words": project.looks.words(),
            "made": now(),
        }
        save(evaluation_file(run, split, manner.text), result)
        write_page(project, run)
        return result

    def _measured(
        self, project: Project, run: Run, samples: Sequence[Sample], manner: Manner, report: Reporter
    ) -> list[Measured]:
        """Each image as it was measured, in the order of the samples; what is missing is predicted."""
        missing = [one for one in samples if not project.predictions.has(run.id, one)]
        if missing and manner.text == PLAIN:
            predict_samples(project, run, missing, Phase(report, 0, 0.8), PredictOptions(device=self.options.device))
        manners = project.predictions.manners(run.id)
        stored = [one for one in samples if manners.get(one.id) == manner.text]
        apart = [one for one in samples if manners.get(one.id) != manner.text]
        found: dict[int, Measured] = {}
        if apart:
            way, device = way_of(run.options, *manner), self.options.device
            for sample, probability in predicted_apart(project, run, apart, way, device, Phase(report, 0, 0.8)):
                one = _measured_apart(project, run, sample, probability, report)
                if one is not None:
                    found[sample.id] = one
        measuring = Phase(report, 0.8, 0.2) if missing or apart else Phase(report, 0, 1)
        # Masks may have been corrected since: count anew.
        scores = project.predictions.score(run.id, [one.id for one in stored], measuring.part(0, 0.5))
        found |= {one.sample: one for one in measured(project, run, scores, stored, measuring.part(0.5, 0.5))}
        return [found[one.id] for one in samples if one.id in found]


def measured(
    project: Project, run: Run, scores: Mapping[int, Score], samples: Sequence[Sample], report: Reporter
) -> list[Measured]:
    """Look at the outlines too of what was scored against the masks as they are now; what cannot be read is noted."""

    def measure(sample: Sample) -> Measured | None:
        score, probability = scores.get(sample.id), project.predictions.load(run.id, sample)
        if score is None or score.counts is None or score.histogram is None or probability is None:
            return None
        with room_for(probability.size):
            truth, ignored = project.masks.load(sample), project.ignored.load(sample)
            return _seen(sample, truth, ignored, probability, score.level, score.histogram)

    found = []
    with in_threads(samples, measure) as done:
        for number, (sample, future) in enumerate(done, 1):
            one = _noted(future, sample, report)
            if one is not None:
                found.append(one)
            report.progress(number, len(samples), f"measuring image {number} of {len(samples)}")
    return found


def _measured_apart(
    project: Project, run: Run, sample: Sample, probability: NDArray[np.uint8], report: Reporter
) -> Measured | None:
    try:
        truth, ignored = project.masks.load(sample), project.ignored.load(sample)
    except (UserError, OSError) as error:
        report.note(sample.image, str(error))
        return None
    return _seen(sample, truth, ignored, probability, run.level, Histogram.of(probability, truth, ignored))


def _seen(
    sample: Sample, truth: Mask, ignored: Mask | None, probability: NDArray[np.uint8], level: int, histogram: Histogram
) -> Measured | None:
    counts = histogram.counts(level)
    if counts is None:
        return None
    outline = outline_of(truth, without_errors(predicted_at(probability, level), truth, ignored))
    share = float(np.count_nonzero(truth) / truth.size)
    return Measured(sample.id, sample.image, sample.state.value, share, counts, outline, histogram)


def _noted(future: "Future[Measured | None]", sample: Sample, report: Reporter) -> Measured | None:
    try:
        return future.result()
    except (UserError, OSError) as error:
        report.note(sample.image, str(error))
        return None


def evaluation_of(project: Project, images: Sequence[Measured], filters: Sequence[str]) -> dict[str, Any]:
    """Every figure of `Evaluate.run` that comes from the images."""
    found = figures({one.image: one.counts for one in images})
    outlines = {one.image: one for one in images}
    # `sample` is the id here as in `list`, so that scripts can join the two.
    rows = [
        {
            "sample": outlines[row["image"]].sample,
            **row,
            **{name: getattr(outlines[row["image"]].outline, name) for name in OUTLINES},
        }
        for row in found.pop("per_image")
    ]
    histograms = [one.histogram for one in images]
    return {
        **found,
        **_outlines(images),
        "outline_convention": CONVENTION,
        "pr_curve": curve_of(histograms),
        "calibration": calibration_of(histograms),
        "groups": [
            _group(name, kind, [one for one, is_member in zip(images, members, strict=True) if is_member])
            for name, kind, members in sub_groups(project, filters, images)
            if members.any() or kind == "filter"
        ],
        "per_image": rows,
    }


def _outlines(images: Sequence[Measured]) -> dict[str, Any]:
    boundary, distance = (mean(getattr(one.outline, name) for one in images) for name in OUTLINES)
    return {
        "boundary_iou": boundary.value,
        "hausdorff95": distance.value,
        "hausdorff95_undefined": distance.undefined,
    }


def _group(name: str, kind: str, images: Sequence[Measured]) -> dict[str, Any]:
    """The figures of one sub-group; all None when no measured image is in it."""
    histograms = [one.histogram for one in images]
    return {
        "group": name,
        "kind": kind,
        "images": len(images),
        **{one: mean(getattr(image.counts, one) for image in images).value for one in PER_IMAGE},
        **_outlines(images),
        "average_precision": curve_of(histograms)["average_precision"],
        "ece": calibration_of(histograms)["ece"],
    }


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
