"""Salvage: what a rebuilt index takes over from the one before, and from the small files that repeat it.

    seen.csv                       time and image, one line each time a sample was left; appended
    predictions/<run>/<stem>.kept  where a person has decided that the mask is right and the run wrong: an Edit

The files say again what people have done by hand. Verdicts and comments lie in reviews.csv, see `mirror`. All else is
read from the old index, table by table: a damaged one often has only a few pages that cannot be read.
"""

import contextlib
import csv
import io
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segstudio.core.edit import Edit
from segstudio.core.files import write_atomically

if TYPE_CHECKING:
    from segstudio.project.project import Project

SEEN = "seen.csv"
SEEN_SLACK = 256 << 10
"""Bytes of seen.csv that are not worth making it smaller."""
KEPT = ".kept"

_OF_REVISION = (
    "loss_suspicion", "loss_reason", "fold_suspicion", "fold_reason", "fold_iou", "suspected_revision",
    "settled_revision", "lint", "lint_words", "lint_revision", "lint_predicted", "lint_predicted_words", "lint_run",
)  # fmt: skip
"""What the index knows of a sample as long as its mask has that revision."""

_NOT_TAKEN = frozenset({"editor", "accepting", "accepting_reached", "undoing", "ignoring"})
"""Settings that speak of a process, not of the project."""


def append_seen(folder: Path, time: str, images: Iterable[str]) -> None:
    """Write down that samples were on screen until now; a full disk is no reason to stop anybody for that."""
    text = _csv((time, image) for image in images)
    with contextlib.suppress(OSError), (folder / SEEN).open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def read_seen(folder: Path) -> dict[str, str]:
    """When each image was last on screen (ISO 8601, UTC); a line torn by a crash is left out."""
    try:
        text = (folder / SEEN).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    lines = csv.reader(io.StringIO(text.replace("\0", "")))
    return {line[1]: line[0] for line in lines if len(line) == 2 and line[0] and line[1]}


def write_seen(folder: Path, seen: Mapping[str, str]) -> None:
    """Write seen.csv anew, with one line of each image."""
    write_atomically(folder / SEEN, _csv((time, image) for image, time in seen.items()).encode(), is_durable=False)


def compact_seen(folder: Path) -> None:
    """Write seen.csv anew where that saves half of a large one; a crash meanwhile leaves the one or the other."""
    with contextlib.suppress(OSError):
        size = (folder / SEEN).stat().st_size
        if size > SEEN_SLACK:
            seen = read_seen(folder)
            if 2 * len(_csv((time, image) for image, time in seen.items()).encode()) < size:
                write_seen(folder, seen)


def write_kept(project: "Project", run_id: int, stem: str, edit: Edit) -> None:
    """Write down where the mask of a sample is right and the run wrong."""
    path = kept_path(project, run_id, stem)
    with contextlib.suppress(OSError):  # the index has it
        if edit.is_empty:
            path.unlink(missing_ok=True)
        elif path.parent.parent.is_dir():
            write_atomically(path, edit.to_bytes(), is_durable=False)


def kept_path(project: "Project", run_id: int, stem: str) -> Path:
    """Where `write_kept` writes."""
    return project.folder / "predictions" / f"{run_id:04}" / f"{stem}{KEPT}"


def salvage(project: "Project", old: Path | None) -> tuple[dict[str, int], list[str]]:
    """Bring into a rebuilt index what the files repeat, and what can be read of the old one.

    Args:
        project: With the samples, masks, runs and predictions that there are files of.
        old: The index before, put aside; None when there is none.

    Returns:
        How much of each kind was found, by a word for it; and what is lost, in sentences.
    """
    found = {"seen": _take_seen(project, read_seen(project.folder)), "keeps": _take_kept_files(project)}
    found |= dict.fromkeys(("suspicions", "acts", "settings", "problems"), 0)
    tables, lost = _read(old) if old is not None else ({}, list(LOST.values()))
    images = {sample.image: sample for sample in project.samples.all()}
    if "sample" in tables:
        found["seen"] += _take_seen(project, {row["image"]: row["seen"] for row in tables["sample"] if row.get("seen")})
        found["suspicions"] = _take_figures(project, tables["sample"])
        ids = {row["id"]: images[row["image"]].id for row in tables["sample"] if row["image"] in images}
        found["keeps"] += _take_keeps(project, tables.get("kept", []), ids)
        found["acts"] = _take_acts(project, tables.get("act", []), ids)
    else:  # they name samples by numbers that nobody knows any more
        lost += [LOST[name] for name in ("kept", "act") if name in tables]
    settings, problems = tables.get("setting", []), tables.get("problem", [])
    found["settings"] = _take_settings(project, {row["name"]: row["value"] for row in settings})
    with project.transaction("problems") as connection:
        for row in problems:
            values = row["path"], row["reason"], row["created"]
            found["problems"] += connection.execute("INSERT OR IGNORE INTO problem VALUES (?, ?, ?)", values).rowcount
    if any(row["name"] == "accepting" for row in settings):
        lost.append("Of a bulk accept that was under way: its audit. What it had accepted is accepted.")
    return found, lost


LOST: dict[str, str] = {
    "sample": "Why masks were suspected of being wrong, and what was unusual in them: train and lint find it anew.",
    "kept": "Which errors were settled by keeping the mask, as far as no file beside the predictions says it.",
    "act": "The undo of verdicts, splits, bulk accepts and deleted runs until now; they themselves hold.",
    "setting": "The rules of unusual masks, which run was shown, the last options of the forms.",
    "problem": "Which files were left out when the project was made, and why.",
}
"""The tables of which the files say nothing, and what is gone with them."""


def _read(old: Path) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """The rows of those tables that can be read, and what is lost with the others."""
    tables: dict[str, list[dict[str, Any]]] = {}
    lost = []
    with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda data: data.decode("utf-8", "replace")
        for name, words in LOST.items():
            rows: list[dict[str, Any]] = []
            try:
                for row in connection.execute(f"SELECT * FROM {name}"):
                    rows.append(dict(row))  # noqa: PERF401 - what comes before the damaged page is taken all the same
            except (sqlite3.Error, MemoryError) as error:
                # A table that an older version did not have yet held nothing.
                if not str(error).startswith("no such table") or name in ("sample", "setting"):
                    lost.append(words if not rows else f"In part: {words[:1].lower()}{words[1:]}")
            if rows:
                tables[name] = rows
    return tables, lost


def _take_seen(project: "Project", seen: Mapping[str, str]) -> int:
    """How many were not known, or not so late."""
    with project.transaction("samples") as connection:
        return sum(
            connection.execute(
                "UPDATE sample SET seen = ? WHERE image = ? AND (seen IS NULL OR seen < ?)", (time, image, time)
            ).rowcount
            for image, time in seen.items()
        )


def _take_figures(project: "Project", rows: list[dict[str, Any]]) -> int:
    """What was found out about masks; it holds for those that still have the same revision."""
    names = [name for name in _OF_REVISION if rows and name in rows[0]]
    if not names:
        return 0
    sql = f"UPDATE sample SET {', '.join(f'{name} = ?' for name in names)} WHERE image = ? AND revision = ?"
    count = 0
    with project.transaction("samples") as connection:
        for row in rows:
            values = [row[name] for name in names]
            if any(value is not None for value in values):
                changed = connection.execute(sql, (*values, row["image"], row["revision"])).rowcount
                is_suspected = row.get("loss_suspicion") is not None or row.get("fold_suspicion") is not None
                count += changed if is_suspected else 0
    return count


def _take_kept_files(project: "Project") -> int:
    count = 0
    ids = {sample.stem: sample.id for sample in project.samples.all()}
    for run in project.runs.list():
        folder = project.folder / "predictions" / run.name
        for path in folder.rglob(f"*{KEPT}"):
            stem = path.relative_to(folder).as_posix().removesuffix(KEPT)
            with contextlib.suppress(OSError, ValueError):
                if stem in ids:
                    count += _keep(project, run.id, ids[stem], Edit.from_bytes(path.read_bytes()).to_bytes())
    return count


def _take_keeps(project: "Project", rows: list[dict[str, Any]], ids: Mapping[int, int]) -> int:
    count = 0
    for row in rows:
        with contextlib.suppress(ValueError):
            if row["sample_id"] in ids:
                data = Edit.from_bytes(row["pixels"]).to_bytes()
                count += _keep(project, row["run_id"], ids[row["sample_id"]], data)
    return count


def _keep(project: "Project", run_id: int, sample_id: int, data: bytes) -> int:
    sql = "INSERT OR IGNORE INTO kept SELECT id, ?, ? FROM run WHERE id = ?"
    with project.transaction("blobs") as connection:
        return connection.execute(sql, (sample_id, data, run_id)).rowcount


def _take_acts(project: "Project", rows: list[dict[str, Any]], ids: Mapping[int, int]) -> int:
    count = 0
    with project.transaction("acts") as connection:
        for row in rows:
            try:
                changes = json.loads(zlib.decompress(row["change"]))
                if row["kind"] != "run":
                    changes = [(ids[key], before, after) for key, before, after in changes if key in ids]
            except (ValueError, TypeError, KeyError, zlib.error):
                continue
            if not changes:
                continue
            change = zlib.compress(json.dumps(changes, ensure_ascii=False).encode(), 1)
            values = row["id"], row["created"], row["title"], row["kind"], row["is_undone"], change
            sql = "INSERT OR IGNORE INTO act (id, created, title, kind, is_undone, change) VALUES (?, ?, ?, ?, ?, ?)"
            count += connection.execute(sql, values).rowcount
    return count


def _take_settings(project: "Project", settings: Mapping[str, str]) -> int:
    """Settings that the files do not say; which run is shown, where that still has predictions."""
    count = 0
    with project.transaction("settings", "predictions") as connection:
        for name, value in settings.items():
            try:
                json.loads(value)
            except (ValueError, TypeError):
                continue
            if name in _NOT_TAKEN or (name in ("current_run", "previous_run") and not _is_predicted(project, value)):
                continue
            what = "REPLACE" if name in ("current_run", "previous_run") else "IGNORE"
            count += connection.execute(f"INSERT OR {what} INTO setting VALUES (?, ?)", (name, value)).rowcount
    return count


def _is_predicted(project: "Project", value: str) -> bool:
    row = project.database.row("SELECT 1 FROM prediction WHERE run_id = ? LIMIT 1", (json.loads(value),))
    return row is not None


def _csv(lines: Iterable[tuple[str, str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()
