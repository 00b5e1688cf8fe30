"""export report: one HTML file with everything in it, for a colleague or a paper's supplement."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from segstudio import __version__
from segstudio.core.boundary import CONVENTION
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.metrics import EMPTY_CONVENTION, Counts
from segstudio.core.options import Options, option
from segstudio.core.page import rendered, shown
from segstudio.core.percentage import percent
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.sample import ReviewState, Split
from segstudio.core.threshold import predicted_at
from segstudio.core.way import PLAIN, manner_words
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.evaluate import measurable
from segstudio.jobs.report_charts import Line, histogram, line_chart
from segstudio.jobs.report_pictures import PREDICTED, TRUTH, as_rgb, data_uri, tinted, with_errors
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.sample_table import SampleTable
from segstudio.project.topics import Topics

MOST_PROBLEMS = 50
"""So many problems are listed; the others are counted."""

MOST_IMAGES = 300
"""So many images are listed one by one, the worst; the others are in `segstudio evaluate --json`."""

MOST_RUNS = 12
"""The curves of so many runs are laid over each other, the newest."""

MOST_CHOSEN = 50
"""So many of the samples that a person has chosen are shown, at least."""


class ExportReportOptions(Options):
    """Where to, and how much to show."""

    to: str = option("", "File", help="The HTML file to write.", is_path=True)
    run: str = option("best", "Run", help="Number of a run, best (the champion) or last.")
    split: str = option("test", "Split", help="Which part is measured.")
    filter: str = option("", "Filter", help="Which samples the pictures are chosen from; all when empty.")
    chosen: str = option(
        "", "Chosen", help="A filter that names samples to be shown besides: name:*0017* or state:flagged."
    )
    samples: tuple[int, ...] = option(
        (), "Samples", is_advanced=True, help="Samples that are shown besides, by their ids."
    )
    rows: int = option(4, "Pictures", ge=1, le=50, help="Samples in each group of pictures.")


@JOBS.register
class ExportReport(ProjectJob[ExportReportOptions]):
    """Writes dataset, runs, figures, curves, and the grid image | true mask | prediction | error of some samples."""

    name: ClassVar[str] = "export-report"
    title: ClassVar[str] = "Export report"
    lane: ClassVar = "compute"
    topics: ClassVar[Topics] = frozenset({"predictions"})
    Options: ClassVar[type[Options]] = ExportReportOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the file; the result has its `path`, and the `run` and `split` that were measured, or None.

        A project without a run gets a report of its dataset. Where the split that is to be measured has nothing to
        measure by, the validation split takes its place, and the report says so.

        Raises:
            UserError: When no file is named, it must not be written, or there is no such run.
        """
        path = self._path(project)
        compile_filter(self.options.filter), compile_filter(self.options.chosen)  # a slip costs no minutes
        measured = self._measured(project, Phase(report, 0, 0.6, "measuring"))
        page = rendered(
            "report",
            project=project.name,
            source=str(project.source),
            foreground=str(project.rule),
            made=dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
            version=__version__,
            conventions=_conventions(measured),
            dataset=_dataset(project),
            runs=_runs(project),
            all_curves=_all_curves(project),
            measured=measured,
            groups=self._groups(project, measured["of"], Phase(report, 0.6, 0.4, "pictures")) if measured else [],
        )
        write_atomically(path, page.encode("utf-8"))
        report.artifact(path)
        shown = measured["evaluation"] if measured else {"run": None, "split": None}
        return {"path": str(path), "run": shown["run"], "split": shown["split"]}

    def _path(self, project: Project) -> Path:
        """The file to write; never in the dataset."""
        if not self.options.to:
            raise UserError("no file is named", "say where the report goes: --to report.html")
        path = Path(self.options.to).expanduser().absolute()
        if path.is_dir() or not path.suffix:
            path = path / "report.html"
        if path.resolve().is_relative_to(project.source.resolve()):
            raise UserError(f"{path} lies in the dataset, which is never written", "choose a folder outside of it")
        if path.exists() and path.suffix.lower() not in (".html", ".htm"):
            raise UserError(f"{path} exists already", "choose a name that ends in .html")
        return path

    def _measured(self, project: Project, report: Reporter) -> dict[str, Any] | None:
        """All that is told of one run; None when there is none yet."""
        if not project.runs.able() and self.options.run in ("best", "last"):
            return None
        run = project.runs.resolve(self.options.run)
        split, note = self.options.split, ""
        if split == Split.TEST and not measurable(project, Split.TEST) and measurable(project, Split.VAL):
            split = Split.VAL.value
            note = (
                "There is no test split to measure by. These figures are of the validation split, which chose the best "
                "epoch: expect a little less of images that were never seen."
            )
        evaluate = JOBS["evaluate"].from_values({"run": str(run.id), "split": split})
        evaluation = evaluate.perform(project.folder, report)
        rows = sorted(evaluation["per_image"], key=lambda row: (row["iou"] is not None, row["iou"] or 0.0))
        shares = {name: [row[name] for row in rows if row[name] is not None] for name in ("iou", "dice")}
        return {
            "of": project.runs.get(run.id),
            "evaluation": evaluation,
            "note": note,
            "cards": _cards(evaluation),
            "figures": _figures(evaluation),
            "curves": _curves(project.runs.metrics(run.id)),
            "distribution": [
                histogram("IoU of each image", shares["iou"], across="IoU"),
                histogram("Dice of each image", shares["dice"], across="Dice"),
            ],
            "per_image": [{**row, **{name: shown(row[name]) for name in ("iou", "dice", "precision", "recall")}}
                          for row in rows[:MOST_IMAGES]],
            "options": sorted(
                (name.replace("_", " "), value)
                for name, value in {**run.options, "threshold": run.threshold}.items()
                if value not in ("", None)
            ),
        }  # fmt: skip

    def _groups(self, project: Project, run: Run, report: Reporter) -> list[dict[str, Any]]:
        """Chosen, worst, best and random samples that have a prediction by this run."""
        table, manners = project.samples.revealed(), project.predictions.manners(run.id)
        # Only what was predicted alike is put in one order.
        numbers = Counter(manners.values())
        usual = PLAIN if PLAIN in numbers or not numbers else numbers.most_common(1)[0][0]
        counts = {one: found for one, found in project.predictions.counts(run.id).items() if manners[one] == usual}
        if not project.looks.has_seen(run.id):  # a report of another split is no look at this one
            counts = {one: counts[one] for one in counts.keys() - set(_ids(table, f"split:{Split.TEST}"))}
        measured = [(iou, one) for one in _ids(table, self.options.filter)
                    if one in counts and (iou := counts[one].iou) is not None]  # fmt: skip
        ranked = [one for _, one in sorted(measured)]
        count = self.options.rows
        chance = np.random.default_rng(0).permutation([one for _, one in measured]).tolist()
        groups = {"Worst": ranked[:count], "Best": ranked[::-1][:count], "At random": chance[:count]}
        if self.options.chosen:
            chosen = [one for one in _ids(table, self.options.chosen) if one in counts]
            groups = {f"Chosen: {self.options.chosen}": chosen[: max(count, MOST_CHOSEN)], **groups}
        if self.options.samples:
            named = [one for one in self.options.samples if one in counts]
            groups = {"Selected": named[: max(count, MOST_CHOSEN)], **groups}
        shown: list[dict[str, Any]] = []
        for number, (title, some) in enumerate(groups.items()):
            pictures = [_row(project, run, one, counts[one]) for one in some]
            shown.append({"title": title, "rows": [row for row in pictures if row]})
            report.progress(number + 1, len(groups), title)
        return shown


def _ids(table: SampleTable, text: str) -> list[int]:
    return [int(table.id[row]) for row in compile_filter(text).rows(table)]


# --- the dataset


def _dataset(project: Project) -> dict[str, Any]:
    """What there is to learn from and to measure by."""
    table, problems = project.samples.table(), project.problems.list()
    states, splits = list(ReviewState), list(Split)
    cells = np.zeros((len(splits), len(states)), np.int64)
    np.add.at(cells, (table.split, table.state), 1)
    foreground = table.foreground[table.has_mask & ~np.isnan(table.foreground)]
    sizes, counts = np.unique(np.stack([table.width, table.height], axis=1), axis=0, return_counts=True)
    ranked = sorted(zip(sizes.tolist(), counts.tolist(), strict=True), key=lambda one: -one[1])
    common = [f"{w} × {h}" + (f" ({n})" if len(sizes) > 1 else "") for (w, h), n in ranked[:4]]
    shares = (percent(share, 1) for share in np.percentile(foreground, [0, 50, 100])) if foreground.size else ()
    return {
        "samples": len(table),
        "states": [state.value for state in states],
        "rows": [{"split": split.value, "counts": row.tolist(), "sum": int(row.sum())}
                 for split, row in zip(splits, cells, strict=True)],
        "sums": cells.sum(axis=0).tolist(),
        "sizes": ", ".join(common) + (f" and {len(sizes) - 4} more" if len(sizes) > 4 else ""),
        "foreground": " / ".join(shares),
        "without_mask": int(np.count_nonzero(~table.has_mask)),
        "empty": int(np.count_nonzero(foreground == 0)),
        "groups": len({group for group in table.group if group}),
        "problems": [{"path": one.path, "reason": one.reason} for one in problems[:MOST_PROBLEMS]],
        "more_problems": max(0, len(problems) - MOST_PROBLEMS),
    }  # fmt: skip


def _conventions(measured: dict[str, Any] | None) -> list[str]:
    """What every figure of the report means."""
    level = "" if measured is None else f" (here {measured['evaluation']['threshold']:g})"
    resolution = (
        "Everything is measured at the images' own resolution, against the masks as they were when this was made; "
        f"a pixel is predicted foreground from the run's threshold on{level}."
    )
    means = (
        "A mean is over images, each counting alike; pooled figures count every pixel of the split alike. Binary IoU "
        "is the mean of the foreground's and the background's IoU over all pixels, as keras.metrics.BinaryIoU."
    )
    left_out = (
        "Rejected samples, and those without a usable mask, are not measured. The test split is frozen when a project "
        "is made, and near-duplicates stay on one side."
    )
    return [
        resolution,
        means,
        EMPTY_CONVENTION,
        CONVENTION,
        "“Predicting nothing” is what an empty mask for every image would score: what any model must beat.",
        left_out,
        "Worst and best are by IoU; those at random are drawn with a fixed seed from all that were measured.",
    ]


# --- the runs


def _runs(project: Project) -> list[dict[str, str]]:
    current, best = project.predictions.current(), project.runs.best()
    rows = []
    for run in project.runs.list():
        marks = ["shown"] * (run.id == current) + ["champion"] * (best is not None and run.id == best.id)
        rows.append(
            {
                "name": run.name,
                "created": run.created[:16].replace("T", " "),
                "preset": run.preset,
                "start": f"run {int(run.start):04}" if run.start.isdigit() else run.start,
                "epochs": f"{run.epochs}" + (f" (best {run.best_epoch})" if run.best_epoch is not None else ""),
                "val_iou": shown(run.best_val_iou),
                "val_loss": shown(run.best_val_loss),
                "time": _time(run.seconds),
                "device": " ".join(part for part in (run.device, run.precision.removeprefix("mixed_")) if part),
                "status": run.status,
                "marks": ", ".join(marks),
            }
        )
    return rows


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def _all_curves(project: Project) -> str:
    """The validation IoU of the newest runs in one chart; nothing for a single one, which has its own."""
    lines = []
    for number, run in enumerate(project.runs.list()[:MOST_RUNS]):
        points = [(row["epoch"], row["val_iou"]) for row in project.runs.metrics(run.id) if "val_iou" in row]
        if points:
            lines.append(Line(run.name, f"var(--series-{number % 6})", points))
    return line_chart("Validation IoU of the runs", lines[::-1], most=1.0) if len(lines) > 1 else ""


_WORDS = {"iou": "IoU", "dice": "Dice", "precision": "Precision", "recall": "Recall", "accuracy": "Accuracy",
          "binary_iou": "Binary IoU"}  # fmt: skip


def _cards(evaluation: dict[str, Any]) -> list[tuple[str, str]]:
    names = ("dice", "iou", "precision", "recall", "binary_iou")
    return [(_WORDS[name], shown(evaluation[name])) for name in names]


def _figures(evaluation: dict[str, Any]) -> list[dict[str, str]]:
    names = ("iou", "dice", "precision", "recall", "accuracy", "binary_iou")
    per_image = ("iou", "dice", "precision", "recall")
    pooled, nothing = evaluation["pooled"], evaluation["predict_nothing"]
    return [
        {
            "name": _WORDS[name],
            "mean": shown(evaluation[name]) if name in per_image else "",
            "pooled": shown(pooled.get(name, evaluation.get(name))),
            "nothing": shown(nothing.get("pooled", nothing).get(name, nothing.get(name))),
        }
        for name in names
    ] + [
        {"name": title, "mean": shown(evaluation[name]), "pooled": "", "nothing": ""}
        for name, title in (("boundary_iou", "Boundary IoU"), ("hausdorff95", "Hausdorff 95, pixels"))
    ]


def _curves(rows: Sequence[dict[str, float]]) -> list[str]:
    """Loss, IoU and learning rate over the epochs."""

    def points(name: str) -> list[tuple[float, float]]:
        return [(row["epoch"], row[name]) for row in rows if name in row]

    def both(name: str) -> list[Line]:
        return [
            Line("train", "var(--train)", points(name)), Line("validation", "var(--val)", points(f"val_{name}"))
        ]  # fmt: skip

    charts = [line_chart("Loss", both("loss")), line_chart("Foreground IoU", both("iou"), most=1.0)]
    rates = points("learning_rate")
    if len({rate for _, rate in rates}) > 1:
        charts.append(line_chart("Learning rate", [Line("", "var(--train)", rates)]))
    return [chart for chart in charts if chart]


def _row(project: Project, run: Run, sample_id: int, counts: Counts) -> dict[str, Any] | None:
    """One line of the grid, or None when a file cannot be read (the Problems panel says which)."""
    sample = project.samples.get(sample_id)
    try:
        image, truth = project.read_image(sample), project.masks.load(sample)
        probability = project.predictions.load(run.id, sample)
    except UserError:
        return None
    if probability is None:
        return None
    rgb, predicted = as_rgb(image), predicted_at(probability, run.level)
    pictures = (rgb, tinted(rgb, truth, TRUTH), tinted(rgb, predicted, PREDICTED), with_errors(rgb, truth, predicted))
    words = ("image", "true mask", "prediction", "error")
    return {
        "name": sample.image,
        "how": manner_words(project.predictions.manner(run.id, sample.id)),
        "split": sample.split.value,
        "state": sample.state.value,
        "iou": shown(counts.iou),
        "dice": shown(counts.dice),
        "pictures": [(word, data_uri(picture)) for word, picture in zip(words, pictures, strict=True)],
    }
