"""Predict masks: a run's foreground probabilities at each image's own resolution, stored and scored."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np

from segstudio.core.options import Options, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import Sample
from segstudio.core.way import Flips, Way
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.runs import Run

MEASURED_FLIPS = (
    "Predicts mirror images too and measures the mean: slower, often better. horizontal is left to right; all is "
    "upside down as well. Figures that were measured so say it, and are none of plain predictions."
)
"""What mirror images do where something is measured, for help texts."""

OTHERWISE = "predicted otherwise"
"""The event of a run some of whose stored predictions were made in another way than it has learnt to look."""


class PredictOptions(Options):
    """By which run, and for which samples."""

    run: str = option("best", "Run", help="best (the champion), last, or the number of a run.")
    filter: str = option("", "Filter", help="Which samples; all when empty. For example: state:todo split:test")
    samples: tuple[int | str, ...] = option(
        (), "Samples", is_advanced=True, help="Ids or image paths of samples; these alone, whatever the filter says."
    )
    tiling: Literal["auto", "off", "full"] = option(
        "auto",
        "Tiles",
        help="auto looks as the network has learnt to: at the whole image, scaled to its size, or in overlapping tiles "
        "when it has learnt from crops. off: at the whole image; full: in tiles at its own resolution.",
    )
    flips: Flips = option(
        "off",
        "Mirror images",
        help="Predicts mirror images too and takes the mean: slower, often better; where they disagree is the "
        "uncertainty. horizontal is left to right; all is upside down as well.",
    )
    uncertainty: Literal["probability", "horizontal", "all"] = option(
        "probability",
        "Uncertainty",
        is_advanced=True,
        help="What it is measured by when no mirror images are predicted: what the probabilities say, which costs "
        "nothing, or how far mirror images disagree, which are then looked at for that alone (twice or four times the "
        "time). The prediction stays the same.",
    )
    device: str = option("auto", "Device", is_advanced=True, help="auto, cpu, gpu or gpu:N.")
    batch: int = option(8, "Batch", ge=1, le=1024, unit="images", is_advanced=True, help="Images or tiles per step.")


@JOBS.register
class Predict(ProjectJob[PredictOptions]):
    """Stores probabilities, compares them with the current masks, and makes the run the one that is shown."""

    name: ClassVar[str] = "predict"
    title: ClassVar[str] = "Predict"
    lane: ClassVar = "compute"
    topics: ClassVar[frozenset[str]] = frozenset({"predictions", "samples"})
    Options: ClassVar[type[Options]] = PredictOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Predict.

        Returns:
            `run`, `samples` (how many were predicted), `changed` (ids of samples, those first whose masks differ most
            from the previous run's).

        Raises:
            UserError: When there is no such run, or the filter is wrong.
            Cancelled: When it was stopped; what was predicted until then is kept.
        """
        project.require_writable()
        run = project.runs.resolve(self.options.run)
        samples = self._samples(project)
        count = predict_samples(project, run, samples, report, self.options)
        project.predictions.set_current(run.id)
        project.predictions.recount(run.id)
        return {"run": run.id, "samples": count, "changed": project.predictions.changed_most(run.id)}

    def _samples(self, project: Project) -> list[Sample]:
        if self.options.samples:
            named = self.options.samples
            ids = (one if isinstance(one, int) else project.samples.by_image(one).id for one in named)
            return list(project.samples.all(ids))
        table = project.samples.table()
        rows = compile_filter(self.options.filter).rows(table)
        order = rows[np.argsort(table.position[rows], kind="stable")]
        return [table.row(int(row)) for row in order]


def predict_samples(
    project: Project, run: Run, samples: list[Sample], report: Reporter, options: PredictOptions
) -> int:
    """Predict and score these samples with the best weights of a run; returns how many could be.

    Of the options, those count that say how: device, batch, tiling and flips.
    """
    from segstudio.ml.device import choose_device
    from segstudio.ml.network import load_network
    from segstudio.ml.predict import predictions

    chosen = choose_device(options.device)
    report.log(f"run {run.name} on {chosen.title}, {chosen.precision}")
    plain = way_of(run.options, options.tiling, options.flips)
    doubts: Flips = "off" if options.uncertainty == "probability" else options.uncertainty
    way = replace(plain, doubts=doubts if options.flips == "off" else "off")
    kind = options.flips if options.flips != "off" else options.uncertainty
    if plain != way_of(run.options):
        # Before the first of them is stored: whoever compares runs must know whatever interrupts this.
        project.runs.append_event(run, OTHERWISE, tiling=options.tiling, flips=options.flips)
    predicted: list[int] = []
    predicting = Phase(report, 0, 0.9)
    try:
        with chosen.scope():
            network = load_network(run.best_weights, chosen.precision)
            done = predictions(network, samples, project.read_image, report, lambda one: one.image, options.batch, way)
            for sample, probability, disagreement in done:
                project.predictions.save(run.id, sample, probability, uncertainty=disagreement, kind=kind)
                predicted.append(sample.id)
                predicting.progress(len(predicted), len(samples), f"{len(predicted)} of {len(samples)} images")
    finally:
        # Also after a cancel: no stored prediction shall stay without its figures.
        project.predictions.score(run.id, predicted)
        project.predictions.expect(run.id)
    return len(predicted)


def way_of(trained: Mapping[str, Any], tiling: str = "auto", flips: Flips = "off") -> Way:
    """How a network looks at images.

    Args:
        trained: The options it was trained with: it sees images at the scale it has learnt them at.
        tiling: As in PredictOptions.
        flips: The same.
    """
    crop = int(trained.get("crop") or 0)
    if tiling == "auto":
        return Way(is_tiled=crop > 0, flips=flips, crop=crop)
    return Way(is_tiled=tiling == "full", flips=flips)


def is_plainly_predicted(project: Project, run: Run) -> bool:
    """Whether all stored predictions of a run were made as it has learnt to look, without mirror images."""
    return not any(event.get("event") == OTHERWISE for event in project.runs.events(run.id))
