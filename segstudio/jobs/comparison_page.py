"""The page of a comparison: one HTML file with everything in it, for a colleague or a paper's supplement."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from segstudio.core.epoch_table import Epochs
from segstudio.core.errors import UserError
from segstudio.core.metrics import METRICS
from segstudio.core.page import rendered
from segstudio.jobs.report_pictures import TRUTH, as_rgb, data_uri, tinted, with_errors
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project
from segstudio.project.scores import THRESHOLD

PICTURES = 4
"""Images that are shown of those helped most, and of those hurt most."""

MOST_DOTS = 1500
"""Of more images than this, dots are left out evenly: nobody can tell them apart."""

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 460, 240, 48, 26, 26, 12
COLOURS = 7

Place = Callable[[float, float], str]


def page(project: Project, comparison: Comparison) -> str:
    """The page of a finished comparison."""
    result = comparison.result
    if result is None:
        raise UserError(f"comparison {comparison.name} is not finished", f"go on with it: --resume {comparison.id}")
    return rendered(
        "comparison",
        project=project.name,
        comparison=comparison,
        result=result,
        metric=METRICS[comparison.metric],
        has_chosen=any(arm.options.get("keep", "best") == "best" for arm in comparison.arms),
        arms=_arms(result),
        charts=_charts(comparison),
        effects=[_effect(project, comparison, effect) for effect in result["effects"]],
        seeds=", ".join(map(str, result["arms"][0]["seeds"])),
        settings=_settings(comparison),
    )


def _arms(result: dict[str, Any]) -> list[dict[str, str]]:
    effects = {effect["arm"]: effect for effect in result["effects"]}
    return [
        {
            "name": arm["name"],
            "recipe": arm["recipe"],
            "preset": arm["preset"],
            "mean": f"{arm['mean']:.4f}",
            "repeats": "  ".join(f"{value:.4f}" for value in arm["repeats"]),
            **_judged(effects.get(arm["name"])),
        }
        for arm in result["arms"]
    ]


def _judged(effect: dict[str, Any] | None) -> dict[str, str]:
    """The columns of what one thing says against another."""
    if effect is None:
        return dict.fromkeys(("difference", "interval", "p_value", "verdict"), "")
    low, high = effect["interval"]
    return {
        "difference": f"{effect['difference']:+.4f}",
        "interval": f"{low:+.4f} to {high:+.4f}",
        "p_value": f"{effect['p_value']:.2g}",
        "verdict": effect["verdict"],
    }


def _effect(project: Project, comparison: Comparison, effect: dict[str, Any]) -> dict[str, Any]:
    differences = [row["difference"] for row in effect["per_image"]]
    groups = (("Helped most", effect["helped"]), ("Hurt most", effect["hurt"]))
    return {
        "arm": effect["arm"],
        "against": effect["against"],
        "dots": _dots(sorted(differences), effect["difference"], effect["interval"]),
        "better": sum(value > 0 for value in differences),
        "worse": sum(value < 0 for value in differences),
        "same": sum(value == 0 for value in differences),
        "groups": [{"name": one["group"], "images": one["images"], **_judged(one)} for one in effect["per_group"]],
        "pictures": [
            {
                "title": title,
                "rows": [row for one in rows[:PICTURES] if (row := _pictures(project, comparison, effect, one))],
            }
            for title, rows in groups
        ],
    }


def _pictures(
    project: Project, comparison: Comparison, effect: dict[str, Any], row: dict[str, Any]
) -> dict[str, Any] | None:
    """One line of pictures, or None when a file cannot be read any more."""
    try:
        sample = project.samples.get(row["sample"])
        rgb, truth = as_rgb(project.read_image(sample)), project.masks.load(sample)
        both = [
            (comparison.cell(arm, row["repeat"]).prediction(sample) >= THRESHOLD).astype(np.uint8)
            for arm in (effect["against"], effect["arm"])
        ]
    except (UserError, OSError, KeyError):
        return None
    shown = (rgb, tinted(rgb, truth, TRUTH), *(with_errors(rgb, truth, predicted) for predicted in both))
    return {
        "image": row["image"],
        "first": f"{row['first']:.4f}",
        "second": f"{row['second']:.4f}",
        "difference": f"{row['difference']:+.4f}",
        "repeat": row["repeat"] + 1,
        "pictures": [data_uri(picture) for picture in shown],
    }


def _settings(comparison: Comparison) -> list[tuple[str, str]]:
    first = comparison.arms[0]
    rows = {
        **comparison.about,
        "images per epoch": comparison.images_per_epoch,
        **{name: value for name, value in first.options.items() if value not in ("", None)},
    }
    for arm in comparison.arms[1:]:
        own = {name: value for name, value in arm.options.items() if value != first.options.get(name)}
        rows[f"{arm.name} differs in"] = (
            ", ".join(f"{name} {value}" for name, value in own.items()) or "its seeds alone"
        )
    return [(name.replace("_", " "), str(value)) for name, value in rows.items() if name != "seed"]


# --- charts -----------------------------------------------------------------------------------------------------------


def _charts(comparison: Comparison) -> list[str]:
    curves = comparison.curves()
    titles = {"val_iou": "Foreground IoU, validation", "val_loss": "Loss, validation", "loss": "Loss, training"}
    return [chart for name, title in titles.items() if (chart := _curves(title, name, list(curves.values())))]


def _curves(title: str, name: str, arms: Sequence[list[Epochs]]) -> str:
    """One figure of all arms over the epochs: the mean of the repeats as a line, their range as a band."""
    found = [[_figures(rows, name) for rows in repeats] for repeats in arms]
    values = [value for repeats in found for one in repeats for value in one.values()]
    epochs = [epoch for repeats in found for one in repeats for epoch in one]
    if not values:
        return ""
    # A first epoch that is far off would flatten all others.
    high = min(max(values), 4 * float(np.median(values)))
    place = _placing((min(epochs), max(epochs)), (0.0, high))
    shapes = []
    for number, repeats in enumerate(found):
        colour = f"var(--arm-{number % COLOURS})"
        common = sorted(set.intersection(*(set(one) for one in repeats))) if all(repeats) else []
        spread = [[min(one[epoch], high) for one in repeats] for epoch in common]
        upper = [place(epoch, max(row)) for epoch, row in zip(common, spread, strict=True)]
        lower = [place(epoch, min(row)) for epoch, row in zip(common, spread, strict=True)]
        middle = [place(epoch, sum(row) / len(row)) for epoch, row in zip(common, spread, strict=True)]
        shapes.append(f'<polygon fill="{colour}" opacity="0.2" points="{" ".join([*upper, *lower[::-1]])}"/>')
        shapes.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(middle)}"/>')
    marks = [f"{0:.2f}", f"{high:.2f}", f"epoch {min(epochs):.0f}", f"{max(epochs):.0f}"]
    return _svg(title, marks, shapes)


def _figures(rows: Epochs, name: str) -> dict[float, float]:
    return {row["epoch"]: row[name] for row in rows if name in row and "epoch" in row}


def _dots(differences: Sequence[float], mean: float, interval: Sequence[float]) -> str:
    """One dot for each image in the order of its difference."""
    low, high = min(*interval, differences[0], 0.0), max(*interval, differences[-1], 0.0)
    margin = 0.05 * (high - low) or 0.01
    low, high = low - margin, high + margin
    count = len(differences)
    place = _placing((0, max(1, count - 1)), (low, high), width=2 * WIDTH)

    def line(value: float, style: str) -> str:
        (x1, y), (x2, _) = (place(at, value).split(",") for at in (0, max(1, count - 1)))
        return f'<line x1="{x1}" y1="{y}" x2="{x2}" y2="{y}" {style}/>'

    corners = [place(0, interval[1]), place(max(1, count - 1), interval[1])]
    corners += [place(max(1, count - 1), interval[0]), place(0, interval[0])]
    shapes = [f'<polygon fill="currentColor" opacity="0.12" points="{" ".join(corners)}"/>']
    shapes += [
        line(0, 'stroke="currentColor" stroke-width="1"'),
        line(mean, 'stroke="currentColor" stroke-dasharray="4"'),
    ]
    for at in np.unique(np.linspace(0, count - 1, min(count, MOST_DOTS)).round().astype(int)):
        x, y = place(int(at), differences[at]).split(",")
        colour = "--helps" if differences[at] > 0 else "--hurts" if differences[at] < 0 else "--unclear"
        shapes.append(f'<circle cx="{x}" cy="{y}" r="2.5" fill="var({colour})"/>')
    marks = [f"{low:+.3f}", f"{high:+.3f}", "worst", "best"]
    return _svg("Difference", marks, shapes, width=2 * WIDTH)


def _placing(x: tuple[float, float], y: tuple[float, float], width: int = WIDTH) -> Place:
    """Gives where a point of these ranges lies in a chart, as "x,y"."""

    def place(at: float, value: float) -> str:
        px = LEFT + (at - x[0]) / ((x[1] - x[0]) or 1) * (width - LEFT - RIGHT)
        py = HEIGHT - BOTTOM - (value - y[0]) / ((y[1] - y[0]) or 1) * (HEIGHT - BOTTOM - TOP)
        return f"{px:.1f},{py:.1f}"

    return place


def _svg(title: str, marks: Sequence[str], shapes: Sequence[str], width: int = WIDTH) -> str:
    """A chart with its title and the ends of its axes: least and greatest value, first and last place."""
    low, high, first, last = marks
    texts = [
        f'<text x="{LEFT}" y="16">{title}</text>',
        f'<text x="4" y="{HEIGHT - BOTTOM}">{low}</text>',
        f'<text x="4" y="{TOP + 4}">{high}</text>',
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{first}</text>',
        f'<text x="{width - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{last}</text>',
    ]
    box = f'viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}"'
    return f'<svg {box} role="img" aria-label="{title}">{"".join([*shapes, *texts])}</svg>'
