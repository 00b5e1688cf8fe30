"""threshold: what each would give over the validation split, which is best, and which one a run uses."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Split
from segstudio.core.threshold import BYTES, Curve, Sweep, level_of, threshold_of
from segstudio.core.way import PLAIN, Manner, manner_from
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.evaluate import measurable
from segstudio.jobs.predict import PredictOptions, predict_samples
from segstudio.project.project import Project
from segstudio.project.sample_table import SPLITS
from segstudio.project.topics import Topics


class ThresholdOptions(Options):
    """Whose threshold, and what it shall be."""

    run: str = option("best", "Run", help="best (the champion), last, or the number of a run.")
    set: str = option("", "Threshold", help="A number from 0 to 1, or best; empty changes nothing.")
    split: Literal["train", "val"] = option(
        "val",
        "Split",
        is_advanced=True,
        help="What the curve is measured over. The test split is not offered: nothing is chosen by it.",
    )
    accept: float | None = option(
        None,
        "Accepted from IoU",
        ge=0,
        le=1,
        help="From this IoU on a prediction passes, and is kept as the project's limit; the limit as it is when empty.",
    )
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")


@JOBS.register
class Threshold(ProjectJob[ThresholdOptions]):
    """Looks at every threshold, from what is counted already; chooses one when told so."""

    name: ClassVar[str] = "threshold"
    title: ClassVar[str] = "Threshold"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"predictions", "runs", "settings"})
    Options: ClassVar[type[Options]] = ThresholdOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Measure, and choose.

        Samples of the split that the run has not predicted yet are predicted, where the project can be written to; to
        look at what is counted already it need not be. Rejected samples, and those without a usable mask, are left out.

        Returns:
            `run`; `manner`: how the predictions were made that are looked at (see `core.way`), that of most of them;
            `left_out`: how many were made in another one and are not; `threshold`: the one that is used from now on;
            `before`: the one until now; `split`, `images`: what the curve is over; `at`, `best`: {threshold, iou, dice,
            precision, recall} over all pixels of these images, at the threshold used and at the one with the highest
            IoU; `curve`: the same for every threshold; `accept`: from which IoU on a prediction passes; `flips`:
            {sample, image, iou_before, iou} of samples of all splits whose verdict became another, or would by choosing
            the best.

        Raises:
            UserError: When there is no such run, nothing to measure, or `set` is no threshold.
        """
        wanted = self._wanted()
        if wanted is not None or self.options.accept is not None:
            project.require_writable()
        run = project.runs.resolve(self.options.run)
        samples = measurable(project, Split(self.options.split))
        missing = [one for one in samples if not project.predictions.has(run.id, one)]
        manner = usual_manner(project, run.id, Split(self.options.split))
        if missing and not project.read_only:
            how = manner_from(manner) or Manner()
            options = PredictOptions(device=self.options.device, tiling=how.tiling, flips=how.flips)
            predict_samples(project, run, missing, report, options)
        if not project.read_only:
            project.predictions.count(run.id, report)
        sweep = project.histograms.sweep(run.id, Split(self.options.split), manner)
        manners = project.predictions.manners(run.id)
        left_out = sum(manners.get(one.id, manner) != manner for one in samples)
        if left_out:
            report.log(f"{left_out} images were predicted in another way and are left out: predict them alike first")
        best = sweep.curve.best
        if best is None and not isinstance(wanted, float):
            raise UserError(
                f"no sample of the {self.options.split} split has a mask to measure by",
                "a threshold can be set all the same, by its number",
            )
        if self.options.accept is not None:
            project.predictions.set_accepted_iou(self.options.accept)
        limit = project.predictions.accepted_iou()
        chosen = threshold_of(best) if wanted == "best" and best is not None else wanted
        taken = project.predictions.set_threshold(run.id, chosen) if isinstance(chosen, float) else run.threshold
        other = best if best is not None and wanted is None else level_of(taken)
        return {
            "run": run.id,
            "manner": manner,
            "left_out": left_out,
            "threshold": taken,
            "before": run.threshold,
            "split": self.options.split,
            "images": sweep.curve.images,
            "at": point(sweep.curve, level_of(taken)),
            "best": None if best is None else point(sweep.curve, best),
            "accept": limit,
            "flips": _flips(project, sweep, run.level, other, limit),
            "curve": [point(sweep.curve, level) for level in range(1, BYTES)],
        }

    def _wanted(self) -> float | Literal["best"] | None:
        text = self.options.set.strip().lower()
        if text in ("", "best"):
            return "best" if text else None
        try:
            value = float(text)
            level_of(value)
        except ValueError as error:
            raise UserError(f"{self.options.set!r} is no threshold", "say best, or a number from 0 to 1") from error
        return value


def usual_manner(project: Project, run_id: int, split: Split) -> str:
    """How most of what a run has predicted of a split was made, see `core.way.MANNERS`; the plain one without any."""
    table, manners = project.samples.table(), project.predictions.manners(run_id)
    of_split = (int(one) for one in table.id[table.split == SPLITS.index(split)])
    counts = Counter(manners[one] for one in of_split if one in manners)
    return max(counts, key=lambda one: (counts[one], one == PLAIN), default=PLAIN)


def point(curve: Curve, level: int) -> dict[str, float | None]:
    """The figures of one threshold; None for what cannot be measured."""
    figures = {name: float(getattr(curve, name)[level]) for name in ("iou", "precision", "recall")}
    dice = 2 * figures["iou"] / (1 + figures["iou"])
    found = {"threshold": threshold_of(level), **figures, "dice": dice}
    return {name: None if value != value else value for name, value in found.items()}


def _flips(project: Project, sweep: Sweep, before: int, after: int, limit: float) -> Sequence[dict[str, Any]]:
    rows = sweep.flips(before, after, limit)
    ious = sweep.iou(before)[rows].tolist(), sweep.iou(after)[rows].tolist()
    samples = project.samples.all(int(sweep.ids[row]) for row in rows)
    images = {sample.id: sample.image for sample in samples}
    return [
        {
            "sample": int(sweep.ids[row]),
            "image": images[int(sweep.ids[row])],
            "iou_before": None if was != was else was,
            "iou": None if now != now else now,
        }
        for row, was, now in zip(rows, *ious, strict=True)
    ]
