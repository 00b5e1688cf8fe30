"""The page of a study: one HTML file with everything in it, for a colleague or a paper's supplement."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from segstudio import __version__
from segstudio.core.epoch_table import Epochs
from segstudio.core.errors import UserError
from segstudio.core.metrics import METRICS
from segstudio.core.page import rendered, shown
from segstudio.jobs.report_charts import Line, histogram, line_chart
from segstudio.jobs.report_pictures import TRUTH, as_rgb, data_uri, tinted, with_errors
from segstudio.project.cells import Choice
from segstudio.project.project import Project
from segstudio.project.scores import THRESHOLD
from segstudio.project.studies import Kind, Study

PICTURES = 6
"""So many of the worst images are shown."""

MOST_IMAGES = 2000
"""Rows of the table of images; the CSV export has all of them."""

FIGURES = (
    ("iou", "IoU", None), ("dice", "Dice", None), ("precision", "Precision", None), ("recall", "Recall", None),
    ("binary_iou", "Mean of both classes' IoU", "binary_iou"), ("accuracy", "Accuracy", "accuracy"),
    ("pooled_iou", "IoU over all pixels of a fold", "iou"), ("pooled_dice", "Dice over all pixels of a fold", "dice"),
)  # fmt: skip
"""Figures of a cross-validation, what they are called, and which pooled figure stands beside them."""


def page(project: Project, study: Study) -> str:
    """The page of a finished study.

    Raises:
        UserError: When it is not finished.
    """
    result = study.result
    if result is None:
        raise UserError(f"study {study.name} is not finished", f"go on with it: --resume {study.id}")
    is_folds = study.kind is Kind.FOLDS
    return rendered(
        "study",
        project=project.name,
        study=study,
        result=result,
        is_folds=is_folds,
        version=__version__,
        how=(result.get("way") or {}).get("words", "whole image"),
        charts=_charts(study, result),
        figures=_figures(result) if is_folds else [],
        metric="" if is_folds else METRICS[result["metric"]],
        images=result["per_image"][:MOST_IMAGES] if is_folds else [],
        worst=_worst(project, study, result) if is_folds else [],
        notes=[*([result["method"]] if is_folds else []), *result["notes"]],
        convention=result["empty_convention" if is_folds else "convention"],
        settings=_settings(study),
    )


def _figures(result: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for name, title, pooled in FIGURES:
        found = result["figures"][name]
        interval = found["interval"]
        rows.append(
            {
                "title": title,
                "mean": shown(found["mean"]),
                "interval": "–" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}",
                "deviation": shown(found["deviation"]),
                "pooled": "" if pooled is None else shown(result["pooled"][pooled]),
                "nothing": "" if pooled is None else shown(result["predict_nothing"][pooled]),
            }
        )
    return rows


def _charts(study: Study, result: dict[str, Any]) -> list[str]:
    charts = []
    if study.kind is Kind.FOLDS:
        ious = [row["iou"] for row in result["per_image"] if row["iou"] is not None]
        charts.append(histogram("IoU of each image, by networks that had not learnt from it", ious, across="IoU"))
    else:
        charts.append(_curve(result))
    curves = study.curves()
    for figure, title in (("val_iou", "Foreground IoU, validation"), ("loss", "Loss, training")):
        lines = [
            Line(part.replace("-", " "), f"var(--series-{number % 6})", _mean(repeats, figure))
            for number, (part, repeats) in enumerate(curves.items())
        ]
        charts.append(line_chart(title, lines, most=1.0 if figure == "val_iou" else None))
    return [chart for chart in charts if chart]


def _curve(result: dict[str, Any]) -> str:
    """What was measured by number of masks, and the curve through it with its interval."""
    at, means = result["curve"]["at"], [(one["size"], one["mean"]) for one in result["points"]]
    edges = [Line("", "var(--line)", list(zip(at, result["curve"][name], strict=True))) for name in ("low", "high")]
    fitted = Line("curve", "var(--train)", list(zip(at, result["curve"]["fitted"], strict=True)))
    return line_chart(
        f"{METRICS[result['metric']]} by number of masks",
        [*edges, fitted, Line("measured", "var(--val)", means)],
        across="masks to learn from",
        most=1.0,
    )


def _mean(repeats: Sequence[Epochs], figure: str) -> list[tuple[float, float]]:
    """The mean of the repeats at every epoch that all of them have."""
    found = [{row["epoch"]: row[figure] for row in rows if figure in row} for rows in repeats]
    common = sorted(set.intersection(*(set(one) for one in found))) if found else []
    return [(epoch, float(np.mean([one[epoch] for one in found]))) for epoch in common]


def _worst(project: Project, study: Study, result: dict[str, Any]) -> list[dict[str, Any]]:
    """The images that were predicted worst, as the first network saw them that had not learnt from them."""
    known = {one.sample: one for one in study.chosen().samples}
    rows = (_pictures(project, study, row, known[row["sample"]]) for row in result["per_image"][:PICTURES])
    return [row for row in rows if row is not None]


def _pictures(project: Project, study: Study, row: dict[str, Any], known: Choice) -> dict[str, Any] | None:
    """One line of pictures, or None when a file cannot be read any more."""
    try:
        sample = project.samples.get(row["sample"])
        rgb, truth = as_rgb(project.read_image(sample)), project.masks.load_revision(sample, known.revision)
        predicted = (study.cell(f"fold-{row['fold']}", 0).prediction(sample) >= THRESHOLD).astype(np.uint8)
    except (UserError, OSError, KeyError):
        return None
    shown = (rgb, tinted(rgb, truth, TRUTH), with_errors(rgb, truth, predicted))
    return {**row, "pictures": [data_uri(picture) for picture in shown]}


def _settings(study: Study) -> list[tuple[str, str]]:
    own = {name: value for name, value in study.settings.items() if name != "learnt_from"}
    rows = {"seed": study.seed, "repeats": study.repeats, **own, **study.about, **study.arm.options}
    return [(name.replace("_", " "), str(value)) for name, value in rows.items() if value not in ("", None)]
