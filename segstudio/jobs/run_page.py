"""The page of a run: report.html in its folder, with all that is known of it in one file for people.

It is written at the end of a training, and anew whenever the run was measured or met the champion.
"""

from collections.abc import Sequence
from typing import Any

from segstudio import __version__
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.manifest import load_manifest
from segstudio.core.page import rendered, shown
from segstudio.core.way import PLAIN, manner_words
from segstudio.jobs.report_charts import Line, line_chart
from segstudio.project.clock import now
from segstudio.project.project import Project
from segstudio.project.run_files import read_card, read_evaluations, read_meeting
from segstudio.project.runs import Run, kept_words

ROWS = 500
"""Images that the page lists; manifest.csv has all of them."""


def write_page(project: Project, run: Run) -> None:
    """Write report.html in the run's folder from what is known of the run now."""
    card, meeting = read_card(run), read_meeting(run)
    best = project.runs.best()
    page = rendered(
        "run",
        run=run,
        project=project.name,
        made=now()[:16].replace("T", " "),
        version=__version__,
        is_champion=best is not None and best.id == run.id,
        cards=_cards(run),
        charts=_curves(project.runs.metrics(run.id)),
        meeting=meeting,
        evaluations=[_charted(found) for split in ("val", "test") for found in read_evaluations(run, split).values()],
        data=card.get("data") or {"train": 0, "val": 0, "copies": 0, "manifest_sha256": ""},
        split={name: value for name, value in (card.get("split") or {}).items() if value not in ("", None)},
        start=card.get("start") or {"from": run.start, "weights_sha256": ""},
        digests={name: card.get(name) or "" for name in ("weights_digest", "initial_digest")},
        sessions=[_session(one) for one in card.get("sessions", [])],
        options=sorted((name, value) for name, value in run.options.items() if value not in ("", None)),
        log=_log(project, run),
        images=_images(run)[:ROWS],
    )
    write_atomically(run.report, page.encode("utf-8"))


def _curves(rows: Sequence[dict[str, float]]) -> list[str]:
    """Loss and IoU over the epochs."""
    charts = []
    for name, title, most in (("loss", "Loss", None), ("iou", "Foreground IoU", 1.0)):
        lines = [
            Line(words, colour, [(row["epoch"], row[figure]) for row in rows if figure in row])
            for words, colour, figure in (("train", "var(--train)", name), ("validation", "var(--val)", f"val_{name}"))
        ]
        charts.append(line_chart(title, lines, most=most))
    return [chart for chart in charts if chart]


def _log(project: Project, run: Run) -> list[str]:
    """What was decided and noted while it was trained."""
    events = (event for event in project.runs.events(run.id) if event.get("event") in ("log", "note"))
    return [": ".join(str(event[name]) for name in ("subject", "text") if event.get(name)) for event in events]


def _cards(run: Run) -> list[tuple[str, str]]:
    minutes, seconds = divmod(round(run.seconds), 60)
    return [
        ("Validation IoU", shown(run.best_val_iou)),
        ("Epochs", str(run.epochs)),
        ("Weights", kept_words(run) or "–"),
        ("Duration", f"{minutes} min {seconds} s" if minutes else f"{seconds} s"),
        ("Device", " ".join(part for part in (run.device, run.precision) if part) or "–"),
        ("Seed", str(run.options.get("seed", "–"))),
    ]


def _charted(found: dict[str, Any]) -> dict[str, Any]:
    """Figures with their charts, and how the images were predicted, in words."""
    curve, bins = found.get("pr_curve") or {}, (found.get("calibration") or {}).get("bins", [])
    points = list(zip(curve.get("recall") or [], curve.get("precision") or [], strict=True))
    reliable = [(float(one["predicted"]), float(one["observed"])) for one in bins]
    charts = [
        line_chart("Precision at each recall", [Line("", "var(--train)", points)], across="recall", most=1.0),
        line_chart(
            "Calibration",
            [Line("perfect", "var(--line)", [(0.0, 0.0), (1.0, 1.0)]), Line("observed", "var(--train)", reliable)],
            across="predicted probability",
            most=1.0,
        ),
    ]
    return {**found, "charts": charts, "how": manner_words(found.get("manner", PLAIN))}


def _session(session: dict[str, Any]) -> dict[str, str]:
    """When and with what, in words."""
    of, on = session.get("versions") or {}, session.get("machine") or {}
    return {
        "began": str(session.get("began", ""))[:16].replace("T", " "),
        "versions": ", ".join(f"{name} {number}" for name, number in of.items()),
        "machine": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in on.items()),
    }


def _images(run: Run) -> list[dict[str, Any]]:
    try:
        rows = load_manifest(run.manifest)
    except UserError:
        return []
    return [
        {"image": row.image, "split": row.split, "revision": row.revision, "image_sha256": row.image_sha256,
         "mask_sha256": row.mask_sha256}
        for row in rows
    ]  # fmt: skip
