"""Export a report: one HTML file with everything in it, for a colleague or a paper's supplement."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from segstudio import __version__
from segstudio.core.errors import UserError
from segstudio.core.files import resource, write_atomically
from segstudio.core.metrics import EMPTY_CONVENTION, Counts
from segstudio.core.options import Options, option
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.threshold import predicted_at
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.report_pictures import PREDICTED, TRUTH, as_rgb, data_uri, tinted, with_errors
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.runs import Run


class ExportReportOptions(Options):
    """Where to, and how much to show."""

    to: str = option("", "File", help="The HTML file to write.", is_path=True)
    run: str = option("best", "Run", help="Number of a run, best or last.")
    split: str = option("test", "Split", help="Which part is measured.")
    filter: str = option("", "Filter", help="Which samples the pictures are chosen from; all when empty.")
    rows: int = option(4, "Pictures", ge=1, le=50, help="Samples in each group of pictures.")


@JOBS.register
class ExportReport(ProjectJob[ExportReportOptions]):
    """Writes figures, curves, and the grid image | true mask | prediction | error of worst, best and random samples."""

    name: ClassVar[str] = "export-report"
    title: ClassVar[str] = "Export report"
    lane: ClassVar = "compute"
    Options: ClassVar[type[Options]] = ExportReportOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the file; the result has its `path`.

        Raises:
            UserError: When no file is named, or there is no run to report.
        """
        path = self._path(project)
        evaluate = JOBS["evaluate"].from_values({"run": self.options.run, "split": self.options.split})
        evaluation = evaluate.perform(project.folder, Phase(report, 0, 0.6, "measuring"))
        run = project.runs.get(int(evaluation["run"]))
        page = _template().render(
            info=JOBS["info"].from_values({}).perform(project.folder, report) | {"foreground": str(project.rule)},
            made=dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
            version=__version__,
            convention=EMPTY_CONVENTION,
            evaluation=evaluation,
            cards=_cards(evaluation),
            figures=_figures(evaluation),
            charts=_charts(project.runs.metrics(run.id)),
            options=sorted(
                (name, value)
                for name, value in {**run.options, "threshold": run.threshold}.items()
                if value not in ("", None)
            ),
            groups=self._groups(project, run, Phase(report, 0.6, 0.4, "pictures")),
        )
        write_atomically(path, page.encode("utf-8"))
        report.artifact(path)
        return {"path": str(path)}

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

    def _groups(self, project: Project, run: Run, report: Reporter) -> list[dict[str, Any]]:
        """Worst, best and random samples that have a prediction by this run."""
        table, counts = project.samples.table(), project.predictions.counts(run.id)
        ids = [int(table.id[row]) for row in compile_filter(self.options.filter).rows(table)]
        measured = [(iou, one) for one in ids if one in counts and (iou := counts[one].iou) is not None]
        ranked = [one for _, one in sorted(measured)]
        count = self.options.rows
        chance = np.random.default_rng(0).permutation([one for _, one in measured]).tolist()
        groups = {"Worst": ranked[:count], "Best": ranked[::-1][:count], "Chosen by chance": chance[:count]}
        shown: list[dict[str, Any]] = []
        for number, (title, chosen) in enumerate(groups.items()):
            pictures = [_row(project, run, one, counts[one]) for one in chosen]
            shown.append({"title": title, "rows": [row for row in pictures if row]})
            report.progress(number + 1, len(groups), title)
        return shown


def _template() -> Any:
    # Here, because the window imports every job, and this would cost it a tenth of a second at the first one.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(resource("report"))
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("report.html.jinja")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _cards(evaluation: dict[str, Any]) -> list[tuple[str, str]]:
    names = {"dice": "Dice", "iou": "IoU", "precision": "Precision", "recall": "Recall", "binary_iou": "Binary IoU"}
    return [(title, _shown(evaluation[name])) for name, title in names.items()]


def _figures(evaluation: dict[str, Any]) -> list[dict[str, str]]:
    names = ("iou", "dice", "precision", "recall", "accuracy", "binary_iou")
    per_image = ("iou", "dice", "precision", "recall")
    pooled, nothing = evaluation["pooled"], evaluation["predict_nothing"]
    return [
        {
            "name": name.replace("_", " "),
            "mean": _shown(evaluation[name]) if name in per_image else "",
            "pooled": _shown(pooled.get(name, evaluation.get(name))),
            "nothing": _shown(nothing.get("pooled", nothing).get(name, nothing.get(name))),
        }
        for name in names
    ]


def _charts(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [
        _chart("Loss", rows, ("loss", "val_loss")),
        _chart("Foreground IoU", rows, ("iou", "val_iou")),
    ]


def _chart(title: str, rows: Sequence[dict[str, Any]], names: tuple[str, str]) -> str:
    """A line chart of a train and a validation curve as SVG."""
    width, height, left, bottom, top = 460, 240, 44, 26, 26
    curves = [
        [(float(row["epoch"]), float(row[name])) for row in rows if row.get(name) not in (None, "")] for name in names
    ]
    points = [point for curve in curves for point in curve]
    if not points:
        return ""
    low_x, high_x = min(x for x, _ in points), max(x for x, _ in points)
    low_y, high_y = min(0.0, *(y for _, y in points)), max(y for _, y in points)

    def place(x: float, y: float) -> str:
        px = left + (x - low_x) / (high_x - low_x or 1) * (width - left - 12)
        py = height - bottom - (y - low_y) / (high_y - low_y or 1) * (height - bottom - top)
        return f"{px:.1f},{py:.1f}"

    lines = [
        f'<polyline fill="none" stroke="var({colour})" stroke-width="2" points="{" ".join(place(*p) for p in curve)}"/>'
        for curve, colour in zip(curves, ("--train", "--val"), strict=True)
    ]
    marks = [f'<text x="4" y="{height - bottom}">{low_y:.2f}</text>', f'<text x="4" y="{top + 4}">{high_y:.2f}</text>']
    marks += [f'<text x="{left}" y="{height - 8}">epoch {low_x:.0f}</text>']
    marks += [f'<text x="{width - 12}" y="{height - 8}" text-anchor="end">{high_x:.0f}</text>']
    marks += [f'<text x="{left}" y="16">{title}</text>']
    return f'<svg width="{width}" height="{height}" role="img" aria-label="{title}">{"".join(marks + lines)}</svg>'


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
    return {
        "name": sample.image,
        "split": sample.split.value,
        "state": sample.state.value,
        "iou": _shown(counts.iou),
        "dice": _shown(counts.dice),
        "pictures": [data_uri(picture) for picture in pictures],
    }
