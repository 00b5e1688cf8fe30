"""Runs: each training with its options, its curves and its weights.

    runs/NNNN/options.toml    preset, model, start and every option, and the reasons of what was decided
              metrics.csv     one line an epoch
              events.jsonl    what happened, one JSON object a line
              recipe.json     what augmented its images, when something did
              manifest.csv    hash and revision of everything it learnt from and was validated by
              card.json       with what, on what and from what it was made; report.html for people
              meeting.json    how it did against the champion
              best.keras last.keras

The folder says all; the rows of the index are for sorting and can be made anew from it.
"""

import json
import os
import shutil
import socket
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import psutil
import tomli_w

from segstudio.core.epoch_table import METRICS, Epochs, load_epochs
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.threshold import DEFAULT, level_of
from segstudio.project.clock import now

if TYPE_CHECKING:
    from segstudio.project.project import Project

STATUSES = ("running", "finished", "stopped", "failed", "lost", "cancelled")
"""What a run can be: stopped keeps its best weights, lost is one whose process died."""

READER = "reader"
"""Preset and model of what is no training: the masks of another reader; see project/readers.py."""

USABLE = frozenset({"finished", "stopped", "lost"})
"""Statuses of runs whose best weights may be used."""

Events: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """One training.

    Attributes:
        id: Shown as four digits.
        created: When it began (ISO 8601, UTC).
        status: One of STATUSES.
        preset: Name of the preset it began with.
        model: Name of the network.
        start: What its weights were at first: "imagenet", "scratch" or the number of a run.
        options: All options of the training and the network, as plain values.
        folder: Where its files lie.
        note: A word from the person.
        epochs: How many are done.
        best_epoch: The epoch of best.keras: that which validated best, or the last one when that is kept.
        best_val_iou: Foreground IoU of the validation split at that epoch.
        best_val_loss: Loss of the validation split at that epoch.
        seconds: Time it took.
        device: What it ran on.
        precision: Numbers it ran with, for example "mixed_bfloat16".
        message: Why it failed, or anything else worth knowing.
        threshold: From which probability on its predictions are foreground.
    """

    id: int
    created: str
    status: str
    preset: str
    model: str
    start: str
    options: dict[str, Any]
    folder: Path
    note: str = ""
    epochs: int = 0
    best_epoch: int | None = None
    best_val_iou: float | None = None
    best_val_loss: float | None = None
    seconds: float = 0.0
    device: str = ""
    precision: str = ""
    message: str = ""
    threshold: float = DEFAULT

    @property
    def level(self) -> int:
        """The least probability byte, of 255 times the probability, that is foreground in its predictions."""
        return level_of(self.threshold)

    @property
    def name(self) -> str:
        """Its number as it is shown: "0007"."""
        return f"{self.id:04}"

    @property
    def best_weights(self) -> Path:
        """The weights of the best epoch."""
        return self.folder / "best.keras"

    @property
    def last_weights(self) -> Path:
        """The weights of the last epoch, from which a run is resumed."""
        return self.folder / "last.keras"

    @property
    def options_file(self) -> Path:
        """What it was begun with."""
        return self.folder / "options.toml"

    @property
    def manifest(self) -> Path:
        """The list of every image and mask revision it learnt from."""
        return self.folder / "manifest.csv"

    @property
    def recipe(self) -> Path:
        """The recipe that augmented its images, as it was then; not there when nothing did."""
        return self.folder / "recipe.json"

    @property
    def card(self) -> Path:
        """With what, on what and from what it was made."""
        return self.folder / "card.json"

    @property
    def report(self) -> Path:
        """The same for people, with curves and figures."""
        return self.folder / "report.html"

    @property
    def meeting(self) -> Path:
        """How it did against the champion; not there before they met."""
        return self.folder / "meeting.json"

    @property
    def validation_score(self) -> float:
        """Its foreground IoU on the validation split, for sorting; -1 when it has none."""
        return -1.0 if self.best_val_iou is None else self.best_val_iou

    @property
    def is_reader(self) -> bool:
        """Whether it is no training but the masks of another reader."""
        return self.model == READER

    @property
    def reader(self) -> str:
        """Whose masks they are; empty for a training."""
        return str(self.options.get("reader", "")) if self.is_reader else ""

    @property
    def is_running(self) -> bool:
        """Whether it is being trained now."""
        return self.status == "running"


_COLUMNS = tuple(one.name for one in fields(Run) if one.name != "folder")
_SQL = f"SELECT {', '.join(_COLUMNS)} FROM run"
_CHANGEABLE = frozenset(_COLUMNS) - {"id", "created", "options"}


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that trains a run: a number alone may be given to another one later."""

    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    started: float = field(default_factory=lambda: psutil.Process().create_time())

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; what runs on another computer is taken to be alive."""
        if self.host != socket.gethostname():
            return True
        try:
            return abs(psutil.Process(self.pid).create_time() - self.started) < 1
        except psutil.Error:
            return False


class Runs:
    """The trainings of a project."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def create(
        self, preset: str, model: str, options: Mapping[str, Any], start: str, note: str = "",
        reasons: Mapping[str, str] | None = None,
    ) -> Run:  # fmt: skip
        """Begin a run: a new number, its folder with options.toml, and its row, owned by this process.

        Args:
            preset: Name of the preset it begins with.
            model: Name of the network.
            options: All options.
            start: What its weights are at first, see Run.
            note: A word from the person.
            reasons: Why options have the values they have, by name; see `explain`.
        """
        self._project.require_writable()
        created, owner = now(), Owner()
        folder = self._new_folder()
        about = {"created": created, "preset": preset, "model": model, "start": start, "note": note}
        _write_options(folder, about | {"options": _without_none(options), "reasons": dict(reasons or {})})
        with self._project.transaction("runs") as connection:
            connection.execute(
                "INSERT INTO run (id, created, status, preset, model, start, options, note, host, pid, pid_started) "
                "VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?, ?, ?)",
                (int(folder.name), created, preset, model, start, json.dumps(options, default=str), note,
                 owner.host, owner.pid, owner.started),
            )  # fmt: skip
        run = self.get(int(folder.name))
        self.append_event(run, "status", status="running")
        return run

    def get(self, run_id: int) -> Run:
        """The run of that number; UserError when there is none."""
        self._notice_lost()
        # A number that SQLite cannot hold is no run's either.
        row = self._project.database.row(f"{_SQL} WHERE id = ? AND NOT is_deleted", (min(run_id, 2**63 - 1),))
        if row is None:
            raise UserError(f"there is no run {run_id:04}", "`segstudio runs PROJECT` shows all of them")
        return self._run(row)

    def training(self, run_id: int) -> Run:
        """The training of that number; UserError when there is none, or when it is the masks of another reader."""
        run = self.get(run_id)
        if run.is_reader:
            raise UserError(
                f"run {run.name} is no training: it is the masks of {run.reader or 'another reader'}",
                "name a training: `segstudio runs PROJECT` shows all of them; `segstudio agreement PROJECT` compares "
                "masks of readers",
            )
        return run

    def list(self) -> list[Run]:
        """All runs, the newest first."""
        self._notice_lost()
        rows = self._project.database.rows(f"{_SQL} WHERE NOT is_deleted ORDER BY id DESC")
        return [self._run(row) for row in rows]

    def latest(self) -> Run | None:
        """The newest training, whatever became of it."""
        return next((run for run in self.list() if not run.is_reader), None)

    def able(self) -> dict[int, Run]:
        """The runs that have weights and did not fail, by their numbers, the newest first.

        A lost run takes part: its process died, but the weights of its best epoch were written whole.
        """
        return {run.id: run for run in self.list() if run.status in USABLE and run.best_weights.is_file()}

    def best(self) -> Run | None:
        """What "best" means: the champion, see `project.champions`; None when no run can be used."""
        return self._project.champions.current()

    def resolve(self, text: str | int) -> Run:
        """The run that a person means: "best" (the champion), "last" (the newest with weights) or a number.

        Raises:
            UserError: When there is no such run, it has no weights, or it is no training.
        """
        word = str(text).strip().lower()
        if word == "best":
            run = self.best()
        elif word == "last":
            run = next((run for run in self.list() if run.best_weights.is_file()), None)
        elif word.isdecimal():
            run = self.training(int(word))
            if not run.best_weights.is_file():
                raise UserError(f"run {run.name} has no weights (it is {run.status})", "choose another run")
        else:
            raise UserError(f"{text!r} is not a run", "say best, last or a number")
        if run is None:
            raise UserError("there is no trained model yet", "train one first")
        return run

    def update(self, run_id: int, **changes: Any) -> Run:
        """Change some fields of a run; a new status and what goes with it are written to events.jsonl too."""
        if unknown := changes.keys() - _CHANGEABLE:
            raise ValueError(f"a run has no field {', '.join(sorted(unknown))} that may change")
        assignments = ", ".join(f'"{name}" = ?' for name in changes)
        with self._project.transaction("runs") as connection:
            connection.execute(f"UPDATE run SET {assignments} WHERE id = ?", (*changes.values(), run_id))
        run = self.get(run_id)
        self.append_event(run, "status" if "status" in changes else "update", **changes)
        return run

    def resume(self, run_id: int) -> Run:
        """Take over a run that ended before its time: it runs again, owned by this process."""
        owner = Owner()
        with self._project.transaction("runs") as connection:
            connection.execute(
                "UPDATE run SET host = ?, pid = ?, pid_started = ? WHERE id = ?",
                (owner.host, owner.pid, owner.started, run_id),
            )
            return self.update(run_id, status="running")

    def replan(self, run_id: int, **options: Any) -> Run:
        """Give a run other values of options that may change while it lives, such as how many epochs it shall have."""
        run = self.get(run_id)
        changes = {name: value for name, value in options.items() if run.options.get(name) != value}
        if not changes:
            return run
        about = read_options(run.folder)
        about["options"] = {**about.get("options", {}), **_without_none(changes)}
        write_atomically(run.folder / "options.toml", tomli_w.dumps(about).encode())
        with self._project.transaction("runs") as connection:
            connection.execute(
                "UPDATE run SET options = ? WHERE id = ?", (json.dumps({**run.options, **changes}, default=str), run_id)
            )
        self.append_event(run, "replan", **changes)
        return self.get(run_id)

    def metrics(self, run_id: int) -> Epochs:
        """The figures of each epoch so far, see `load_epochs`."""
        return load_epochs(self._folder(run_id) / METRICS)

    def explain(self, run: Run, reasons: Mapping[str, str]) -> None:
        """Add to the table `reasons` of options.toml why options have the values they have.

        It is for people: whoever reads the options need not know of it, and runs of earlier versions have none.
        """
        try:
            said = read_options(run.folder)
        except (OSError, ValueError):
            return  # damaged or gone: `check` says so, and a training need not end for it
        _write_options(run.folder, said | {"reasons": {**said.get("reasons", {}), **reasons}})

    def append_event(self, run: Run, event: str, **values: Any) -> None:
        """Add a line to events.jsonl."""
        line = json.dumps({"time": now(), "event": event, **values}, ensure_ascii=False, default=str)
        with (run.folder / "events.jsonl").open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")

    def delete(self, run_id: int) -> Run:
        """Delete a run, with its predictions. An act that can be undone until `purge` removes its files.

        When its predictions are the ones that are shown, those of the run before are shown in their place.

        Raises:
            UserError: When there is no such run, or it is being trained.
        """
        run = self.get(run_id)
        if run.is_running:
            raise UserError(f"run {run.name} is being trained", "stop it first")
        settings = self._project.settings
        shown = [settings.get("current_run"), settings.get("previous_run")]
        left = [one for one in shown if one not in (None, run_id)]
        after = [*left, None, None][:2] if run_id in shown else shown
        with self._project.transaction("runs") as connection:
            connection.execute("UPDATE run SET is_deleted = 1 WHERE id = ?", (run_id,))
            if after != shown:
                self.show(*after)
            self._project.acts.record("run", f"delete run {run.name}", [(run_id, (0, *shown), (1, *after))])
            self._project.database.after_commit(lambda: self.note_deleted(run_id, 1))
        return run

    def note_deleted(self, run_id: int, is_deleted: int) -> None:
        """Write into events.jsonl that a run was deleted, or that it is back: `check --rebuild` reads it there."""
        row = self._project.database.row(f"{_SQL} WHERE id = ?", (run_id,))
        if row is not None:
            self.append_event(self._run(row), "deleted" if is_deleted else "restored", is_deleted=is_deleted)

    def show(self, current: int | None, previous: int | None) -> None:
        """Say whose predictions are shown, and which they are compared with."""
        with self._project.transaction("predictions"):
            self._project.settings.set("current_run", current)
            self._project.settings.set("previous_run", previous)

    def deleted(self) -> tuple[Run, ...]:
        """The runs that were deleted and whose files are still there."""
        return tuple(self._run(row) for row in self._project.database.rows(f"{_SQL} WHERE is_deleted ORDER BY id"))

    def purge(self, days: float = 0.0) -> tuple[Run, ...]:
        """Remove the files of runs that were deleted so many days ago or more; that cannot be undone.

        Returns:
            The runs that are gone for good.
        """
        limit = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="milliseconds")
        gone = []
        for run in self.deleted():
            when = [event.get("time", "") for event in self.events(run.id) if event.get("event") == "deleted"]
            if when and when[-1] > limit:
                continue
            with self._project.transaction("runs", "acts") as connection:
                connection.execute("DELETE FROM act WHERE kind = 'run' AND title = ?", (f"delete run {run.name}",))
                connection.execute("DELETE FROM run WHERE id = ?", (run.id,))
                self._project.settings.set("purged_run", max(run.id, self._purged()))
            for folder in (run.folder, self._project.folder / "predictions" / run.name):
                shutil.rmtree(folder, ignore_errors=True)
            gone.append(run)
        return tuple(gone)

    def events(self, run_id: int) -> Events:
        """What happened in a run; a line torn by a crash is left out."""
        return read_events(self._folder(run_id))

    def _folder(self, run_id: int) -> Path:
        return self._project.folder / "runs" / f"{run_id:04}"

    def _run(self, row: Any) -> Run:
        values = dict(zip(_COLUMNS, row, strict=True))
        values["options"] = json.loads(values["options"])
        return Run(folder=self._folder(values["id"]), **values)

    def _new_folder(self) -> Path:
        number = self._project.database.row("SELECT coalesce(max(id), 0) FROM run")[0]
        # Not that of a run that is gone for good either: others began with it, and it may have been champion.
        number = max(number, self._purged(), *(reign.run for reign in self._project.champions.reigns()))
        while True:
            number += 1
            try:
                self._folder(number).mkdir(parents=True)
            except FileExistsError:
                continue
            return self._folder(number)

    def _purged(self) -> int:
        """The highest number of a run that was purged; 0 when none was."""
        return int(self._project.settings.get("purged_run") or 0)

    def _notice_lost(self) -> None:
        """Mark the runs whose process has died without a word."""
        if self._project.read_only:
            return
        rows = self._project.database.rows("SELECT id, host, pid, pid_started FROM run WHERE status = 'running'")
        for run_id, *owner in rows:
            if not Owner(*owner).is_alive:
                with self._project.transaction("runs") as connection:
                    connection.execute(
                        "UPDATE run SET status = 'lost', epochs = ?, best_epoch = ?, best_val_iou = ?, "
                        "best_val_loss = ? WHERE id = ? AND status = 'running'",
                        (*self.how_far(run_id), run_id),
                    )

    def _keep(self, run_id: int) -> str:
        """Which weights a run keeps, as its file says: the index may be made anew."""
        try:
            return str(read_options(self._folder(run_id)).get("options", {}).get("keep", "best"))
        except (OSError, ValueError):
            return "best"

    def how_far(self, run_id: int) -> tuple[int, int | None, float | None, float | None]:
        """Epochs done, and the one whose weights are kept, with its validation IoU and loss.

        A dead process could not tell it.
        """
        try:
            rows = [row for row in self.metrics(run_id) if "val_iou" in row]
        except (OSError, ValueError):
            rows = []
        if not rows:
            return 0, None, None, None
        best = rows[-1]
        if self._keep(run_id) == "best":
            best = max(rows, key=lambda row: (row["val_iou"], -row.get("val_loss", 0.0)))
        return int(rows[-1]["epoch"]), int(best["epoch"]), best["val_iou"], best.get("val_loss")


def kept_words(run: Run) -> str:
    """Which weights of a run are kept, in words; empty when it has none yet."""
    if run.best_epoch is None:
        return ""
    match run.options.get("keep", "best"):
        case "last":
            return f"those of the last epoch, {run.best_epoch}"
        case "average":
            return f"their moving average after epoch {run.best_epoch}"
    return f"those of the best epoch, {run.best_epoch}" if run.best_epoch else "those it began with"


def _write_options(folder: Path, values: Mapping[str, Any]) -> None:
    write_atomically(folder / "options.toml", tomli_w.dumps(values).encode())


def read_options(folder: Path) -> dict[str, Any]:
    """What options.toml in a run's folder says: preset, model, start, note, created, the tables `options` and
    `reasons` (why options have these values, by name; runs of earlier versions have none).

    Raises:
        OSError: When there is none.
        ValueError: When it is not TOML.
    """
    return tomllib.loads((folder / "options.toml").read_text(encoding="utf-8"))


def read_events(folder: Path) -> Events:
    """The lines of events.jsonl in a run's folder that can be read."""
    path = folder / "events.jsonl"
    if not path.is_file():
        return []
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def _without_none(values: Any) -> Any:
    """The same values without those that TOML has no word for."""
    if isinstance(values, Mapping):
        return {str(name): _without_none(value) for name, value in values.items() if value is not None}
    if isinstance(values, list | tuple):
        return [_without_none(value) for value in values if value is not None]
    return str(values) if isinstance(values, Path) else values
