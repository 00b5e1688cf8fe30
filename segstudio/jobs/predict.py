"""predict: a run's foreground probabilities at each image's own resolution, stored and scored."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from segstudio.core.options import Options, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import Sample
from segstudio.core.way import Flips, Tiling, Way, manner_of, way_of
from segstudio.core.wording import count_text
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.topics import Topics

MEASURED_FLIPS = (
    "Predicts mirror images too and measures the mean: slower, often better. horizontal is left to right; all is "
    "upside down as well. Figures that were measured so say it, and are none of plain predictions."
)
"""What mirror images do where something is measured, for help texts."""


class PredictOptions(Options):
    """By which run, and for which samples."""

    run: str = option("best", "Run", help="best (the champion), last, or the number of a run.")
    filter: str = option("", "Filter", help="Which samples; all when empty. For example: state:todo split:test")
    samples: tuple[int | str, ...] = option(
        (), "Samples", is_advanced=True, help="Ids or image paths of samples; these alone, whatever the filter says."
    )
    tiling: Tiling = option(
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
    topics: ClassVar[Topics] = frozenset({"predictions", "samples"})
    Options: ClassVar[type[Options]] = PredictOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Predict.

        Returns:
            `run`, `samples` (how many were predicted), `way` ({tiles, overlap, crop, flips, words}), `changed` (ids of
            samples, those first whose masks differ most from the previous run's, where that has predicted alike).

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
        return {
            "run": run.id,
            "samples": count,
            "way": way_of(run.options, self.options.tiling, self.options.flips).to_values(),
            "changed": project.predictions.changed_most(run.id),
        }

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

    Of the options, those count that say how: device, batch, tiling, flips and uncertainty.
    """
    from segstudio.ml.device import choose_device
    from segstudio.ml.network import load_network
    from segstudio.ml.predict import predictions

    chosen = choose_device(options.device)
    report.log(f"run {run.name} on {chosen.title}, {chosen.precision}")
    doubts: Flips = "off" if options.uncertainty == "probability" else options.uncertainty
    manner = manner_of(run.options, options.tiling, options.flips)
    way = replace(way_of(run.options, *manner), doubts=doubts if options.flips == "off" else "off")
    kind = options.flips if options.flips != "off" else options.uncertainty
    predicted: list[int] = []
    predicting = Phase(report, 0, 0.9)
    try:
        with chosen.scope():
            network = load_network(run.best_weights, chosen.precision)

            def advanced(share: float) -> None:
                count = f"{len(predicted) + 1} of {count_text(len(samples), 'image')}"
                predicting.progress(len(predicted) + 0.99 * share, len(samples), f"image {count}, in tiles")

            done = predictions(
                network, samples, project.read_image, report, lambda one: one.image, options.batch, way, advanced
            )
            for sample, probability, disagreement in done:
                project.predictions.save(
                    run.id, sample, probability, uncertainty=disagreement, kind=kind, manner=manner
                )
                predicted.append(sample.id)
                count = f"{len(predicted)} of {count_text(len(samples), 'image')}"
                predicting.progress(len(predicted), len(samples), count)
    finally:
        # Also after a cancel: no stored prediction shall stay without its figures.
        project.predictions.score(run.id, predicted)
        project.predictions.expect(run.id)
    return len(predicted)


def predicted_apart(
    project: Project, run: Run, samples: Sequence[Sample], way: Way, device: str, report: Reporter
) -> Iterator[tuple[Sample, NDArray[np.uint8]]]:
    """Predict in a way that the stored predictions were not made in; those stay as they are.

    Yields:
        Each sample that can be read with its probabilities, uint8 (H, W).
    """
    from segstudio.ml.device import choose_device
    from segstudio.ml.network import load_network
    from segstudio.ml.predict import predict

    chosen = choose_device(device)
    report.log(f"run {run.name} on {chosen.title}, {chosen.precision}: {way.words}; what is stored stays as it is")
    with chosen.scope():
        network = load_network(run.best_weights, chosen.precision)
        done = predict(network, samples, project.read_image, report, lambda one: one.image, way=way)
        for number, (sample, probability) in enumerate(done, 1):
            yield sample, probability
            report.progress(number, len(samples), f"{number} of {count_text(len(samples), 'image')}")
