"""Making the index anew from the files of a project, when it is lost or damaged."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.project import mirror
from segstudio.project.project import INDEX, Project, build_index, editor_lock
from segstudio.project.runs import STATUSES, read_events, read_options
from segstudio.project.salvage import salvage
from segstudio.project.samples import NewSample

_NUMBERED = re.compile(r"\d{4,}")


def rebuild_index(folder: Path, report: Reporter) -> dict[str, Any]:
    """Make project.sqlite from project.json, samples.csv, reviews.csv, masks/, history/, runs/ and predictions/.

    Recipes and augmented copies are files alone and need no index; they are counted. champions.json and
    test_looks.csv are files alone too: who is champion and how often the test split was looked at stays as it was.

    The old index is kept beside it under another name. What only it knew (undo of acts, suspicions, settings) is read
    from it as far as it can be; see `salvage`. Without it the newest run with predictions is the current one.

    Args:
        folder: The project's folder.
        report: Hears of progress and of files that could not be read.

    Returns:
        How many `samples`, `masks`, `runs`, `predictions`, `recipes` and `copies` were found; `salvaged`, how much of
        each kind that no such file says; `lost`, in sentences what could not be brought back; and the name of the `old`
        index or None.

    Raises:
        NotAProject: When project.json or samples.csv is missing or damaged.
        UserError: When a window is editing the project.
    """
    folder = folder.absolute()
    about, samples = mirror.read_about(folder), [_sample(row) for row in mirror.read_samples(folder)]
    lock = editor_lock(folder)
    if lock is None:
        raise UserError(f"{folder} is open for editing in another window", "close it first")
    try:
        old, reviews = _put_aside(folder), list(mirror.read_reviews(folder))
        build_index(folder, about, samples)
        with Project.open(folder) as project:
            found = {
                "samples": len(samples),
                "masks": _find_masks(project, report),
                "runs": _find_runs(project, report),
                "predictions": _find_predictions(project, report),
                "recipes": sum(project.recipes.is_own(recipe.name) for recipe in project.recipes.all()),
                "copies": sum(len(project.augmented.copies(name)) for name in project.augmented.recipes()),
            }
            _replay_reviews(project, reviews)
            for run in project.runs.list():
                if not run.is_reader:
                    project.predictions.expect(run.id)  # by the masks that are not rejected
            salvaged, lost = salvage(project, None if old is None else folder / old)
    finally:
        lock.release()
    return {**found, "salvaged": salvaged, "lost": lost, "old": old}


def _sample(row: dict[str, str]) -> NewSample:
    try:
        return NewSample(
            row["image"],
            row["truth"] or None,
            int(row["width"]),
            int(row["height"]),
            Split(row["split"]),
            row["group"],
            row["problem"],
            float(row["foreground"]) if row["foreground"] else None,
            stem=row["stem"],
        )
    except (TypeError, ValueError) as error:
        raise UserError(f"samples.csv has a line that cannot be read: {row} ({error})") from error


def _put_aside(folder: Path) -> str | None:
    """Give the old index, with its log, another name."""
    name = f"{INDEX}.old-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    is_there = (folder / INDEX).exists()
    for suffix in ("-wal", "-shm", ""):
        path = folder / f"{INDEX}{suffix}"
        if path.exists():
            path.replace(folder / f"{name}{suffix}")
    return name if is_there else None


def _find_masks(project: Project, report: Reporter) -> int:
    """Take over every mask and revision that there is a file of."""
    samples, count = list(project.samples.all()), 0
    for done, sample in enumerate(samples, start=1):
        count += _find_revisions(project, sample, report)
        report.progress(done, len(samples), sample.name)
    return count


def _find_revisions(project: Project, sample: Sample, report: Reporter) -> int:
    folder = project.folder / "history" / sample.stem
    earlier = {int(path.stem): path for path in folder.glob("*.png") if _NUMBERED.fullmatch(path.stem)}
    current = project.folder / "masks" / f"{sample.stem}.png"
    if not earlier and not current.is_file():
        return 0
    if not current.is_file() and project.masks.withdrawn(sample).is_file():
        with project.transaction("masks") as connection:
            _insert_revisions(connection, sample, earlier)
        return 0
    with project.transaction("masks", "samples") as connection:
        # The number of the current file is not written on it. When it is the last one of the history, by its bytes, it
        # was sealed; else it follows it. While the row names the one before, the file counts as an edit, which begins
        # the next revision.
        last = max(earlier, default=0)
        is_kept = last and current.is_file() and current.read_bytes() == earlier[last].read_bytes()
        before = last - 1 if is_kept else last
        _insert_revisions(connection, sample, {number: earlier[number] for number in earlier if number <= before})
        connection.execute("UPDATE sample SET revision = ?, is_sealed = 1 WHERE id = ?", (before, sample.id))
        try:
            project.masks.load(project.samples.get(sample.id))
        except (UserError, OSError) as error:
            connection.execute("UPDATE sample SET revision = ? WHERE id = ?", (last + 1, sample.id))
            report.note(f"masks/{sample.stem}.png", str(error))
        connection.execute("UPDATE sample SET is_sealed = 1 WHERE id = ?", (sample.id,))
    return 1


def _insert_revisions(connection: sqlite3.Connection, sample: Sample, revisions: dict[int, Path]) -> None:
    rows = [
        (sample.id, number, _changed(path), hashlib.sha256(path.read_bytes()).hexdigest())
        for number, path in sorted(revisions.items())
    ]
    connection.executemany("INSERT INTO revision VALUES (?, ?, ?, ?, NULL)", rows)


def _replay_reviews(project: Project, reviews: list[mirror.Review]) -> None:
    """Give every sample its last verdict and comment.

    Finding the masks has made the samples that have one "corrected" and written that down: it holds only for those
    of which nothing else is known.
    """
    last: dict[str, mirror.Review] = {}
    changed: dict[str, str | None] = {}
    for review in reviews:
        before = last.get(review.image) or mirror.Review("", review.image, ReviewState.TODO)
        if (before.state, before.reviewer) != (review.state, review.reviewer):  # else only the comment is another
            changed[review.image] = review.time
        last[review.image] = review
    guessed = [review for review in mirror.read_reviews(project.folder) if review.image not in last]
    mirror.write_reviews(project.folder, [*reviews, *guessed])
    with project.transaction("samples") as connection:
        connection.executemany(
            "UPDATE sample SET state_changed = ?, state = ?, reviewer = ?, seconds = ?, comment = ? WHERE image = ?",
            [
                (changed.get(image), one.state, one.reviewer, one.seconds, one.comment, image)
                for image, one in last.items()
            ],
        )


def _find_runs(project: Project, report: Reporter) -> int:
    count = 0
    for folder in _numbered(project.folder / "runs"):
        try:
            row = _run_row(project, folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            report.note(f"runs/{folder.name}/options.toml", f"this run cannot be read: {error}")
            continue
        names = ", ".join(f'"{name}"' for name in row)
        with project.transaction("runs") as connection:
            connection.execute(f"INSERT INTO run ({names}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
        count += 1
    return count


def _run_row(project: Project, folder: Path) -> dict[str, Any]:
    about = read_options(folder)
    row: dict[str, Any] = {name: str(about[name]) for name in ("created", "preset", "model", "start", "note")}
    row |= {"id": int(folder.name), "options": json.dumps(about.get("options", {}), default=str), "status": "lost"}
    for event in read_events(folder):
        if event.get("event") in _TELLING:
            row |= {name: event[name] for name in _RUN_FIELDS if isinstance(event.get(name), str | int | float)}
    if row["status"] not in STATUSES or row["status"] in ("running", "lost"):
        row["status"] = "lost"
        row |= zip(_REACHED, project.runs.how_far(int(folder.name)), strict=True)
    row.setdefault("epochs", len(project.runs.metrics(int(folder.name))))
    return row


_TELLING = frozenset({"status", "update", "deleted", "restored"})
"""Events that say what is in the row; others say what was asked of a run, with the same words."""

_REACHED = ("epochs", "best_epoch", "best_val_iou", "best_val_loss")


_RUN_FIELDS = (
    "status", "epochs", "best_epoch", "best_val_iou", "best_val_loss", "seconds", "device", "precision", "message",
    "note", "threshold", "is_deleted",
)  # fmt: skip


def _find_predictions(project: Project, report: Reporter) -> int:
    known, count = {run.name for run in project.runs.list()}, 0
    deleted = {run.name for run in project.runs.deleted()}
    for folder in _numbered(project.folder / "predictions"):
        if folder.name in deleted:
            continue
        if folder.name not in known:
            report.note(f"predictions/{folder.name}", "there is no such run")
            continue
        run_id = int(folder.name)
        samples = [sample for sample in project.samples.all() if project.predictions.has(run_id, sample)]
        scores = project.predictions.score(run_id, [one.id for one in samples], report)
        project.predictions.find_manners(run_id, samples)
        if scores:
            project.predictions.set_current(run_id)
        count += len(scores)
    return count


def _numbered(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.glob("[0-9]*")) if _NUMBERED.fullmatch(path.name) and path.is_dir())


def _changed(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")
