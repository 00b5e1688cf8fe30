"""SampleTable: all samples of a project as columns, for lists of any length; SQLite is asked only for what changed."""

import json
import sqlite3
import threading
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.core.way import MANNERS, PLAIN
from segstudio.project.database import Database
from segstudio.project.looks import SEEN
from segstudio.project.runs import READER
from segstudio.project.stems import folded

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int32]
Codes: TypeAlias = NDArray[np.int8]

STATES = tuple(ReviewState)
"""The review states in the order of their codes."""

SPLITS = tuple(Split)
"""The splits in the order of their codes."""

UNCERTAINTIES = ("probability", "horizontal", "all")
"""What an uncertainty is measured by, in the order of their codes: what the probabilities say, or which mirror images
disagree."""

SUSPICIOUS = 0.5
"""A suspicion of this or more is one."""


@dataclass(frozen=True, eq=False)
class SampleTable:
    """A snapshot of every sample, one row each, in the order of ids. Never changes; ask `Samples.table` for a new one.

    Metrics are those of the project's current run against the current masks; NaN where there is none. Those of the test
    split that need the truth (wrong, iou, dice, precision, recall, iou_before) are NaN too until the project has looked
    at that run, see `project.looks`: nothing is ordered, filtered or chosen by them without being counted.

    Attributes:
        id: int64, ascending.
        image: Paths below the source.
        truth: Paths of the dataset's own masks, or None.
        stem: Where the samples' files lie.
        group: Names of groups; empty for a sample that is alone.
        problem: Why a sample cannot be used, or empty.
        position: Place in the natural order of the images' paths.
        width: In pixels.
        height: In pixels.
        state: Index into STATES.
        split: Index into SPLITS.
        revision: Number of the current corrected mask, 0 for the dataset's own.
        foreground: Share of the area that the current mask covers.
        uncertainty: Of the prediction; see `predictions.uncertainty_of`.
        uncertainty_kind: What it was measured by: index into UNCERTAINTIES; -1 without a prediction.
        wrong: Share of the area that the prediction gets wrong.
        expected: Share of the area that it is expected to get wrong, by its probabilities; see `predictions`.
        change: Share of the area predicted otherwise than by the previous run.
        iou: Intersection over union of the foreground.
        dice: Dice coefficient of the foreground.
        precision: Of the foreground.
        recall: Of the foreground.
        hidden: 1 where there are figures that are left out, because nobody has looked at the test split; else 0.
        iou_before: The previous run's IoU; NaN where one of the two was predicted in another manner.
        manner: How it was predicted: index into `core.way.MANNERS`; -1 without a prediction.
        seen: float64, when the sample was last on screen: seconds since 1970, UTC; NaN when it never was.
        suspicion: How likely it is that the mask is wrong, 0..1, see `core.suspicion`; NaN where nothing is known, the
            mask has been changed since, or somebody has judged it although it was suspicious.
        fold_iou: Mean IoU of the networks of the last cross-validation that had not learnt from the sample.
        lint: How unusual the shape of the mask is, 0 for not at all; that of the prediction where there is no mask;
            NaN where nobody has looked since it became another.
        comment: What somebody says of it.
        reviewer: Who gave the last verdict, or empty.
        seconds: That somebody has worked on it.
        judged: When the last verdict was given, in seconds since 1970; NaN without one.
    """

    id: NDArray[np.int64]
    image: list[str]
    truth: list[str | None]
    stem: list[str]
    group: list[str]
    problem: list[str]
    position: Ints
    width: Ints
    height: Ints
    state: Codes
    split: Codes
    revision: Ints
    foreground: Floats
    uncertainty: Floats
    uncertainty_kind: Codes
    wrong: Floats
    expected: Floats
    change: Floats
    iou: Floats
    dice: Floats
    precision: Floats
    recall: Floats
    hidden: Codes
    iou_before: Floats
    manner: Codes
    seen: NDArray[np.float64]
    suspicion: Floats
    fold_iou: Floats
    lint: Floats
    comment: list[str]
    reviewer: list[str]
    seconds: Floats
    judged: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.id)

    @cached_property
    def has_mask(self) -> NDArray[np.bool_]:
        """Which samples have any mask."""
        has_truth = np.fromiter((truth is not None for truth in self.truth), np.bool_, len(self))
        return np.logical_or(self.revision > 0, has_truth)

    @cached_property
    def has_problem(self) -> NDArray[np.bool_]:
        """Which samples cannot be used."""
        return np.fromiter((bool(problem) for problem in self.problem), np.bool_, len(self))

    @cached_property
    def work(self) -> Floats:
        """How much of the area there is to mend: what is wrong, and where there is no mask what probably is."""
        return np.where(np.isnan(self.wrong), self.expected, self.wrong)

    @cached_property
    def folded_image(self) -> list[str]:
        """The images' paths as a search compares them."""
        return [folded(image) for image in self.image]

    @cached_property
    def folded_comment(self) -> list[str]:
        """The comments as a search compares them."""
        return [folded(comment) for comment in self.comment]

    def row(self, index: int) -> Sample:
        """The sample in that row."""
        return Sample(
            int(self.id[index]),
            self.image[index],
            self.truth[index],
            self.stem[index],
            int(self.width[index]),
            int(self.height[index]),
            STATES[self.state[index]],
            SPLITS[self.split[index]],
            self.group[index],
            int(self.revision[index]),
            self.problem[index],
        )

    def index_of(self, sample_id: int) -> int:
        """The row of a sample; KeyError when there is none of that id."""
        index = int(np.searchsorted(self.id, sample_id))
        if index == len(self) or self.id[index] != sample_id:
            raise KeyError(sample_id)
        return index

    def indices_of(self, sample_ids: NDArray[np.int64] | list[int]) -> NDArray[np.intp]:
        """The rows of many samples; ids that are not there are left out."""
        ids = np.asarray(sample_ids, np.int64)
        if not len(self):
            return np.empty(0, np.intp)
        found = np.minimum(np.searchsorted(self.id, ids), len(self) - 1)
        is_there: NDArray[np.bool_] = self.id[found] == ids
        return found[is_there]


_LINT = "CASE WHEN s.lint_revision IS s.revision THEN s.lint END"
_LINT_PREDICTED = "CASE WHEN s.lint_run IS :run THEN s.lint_predicted END"
_OF_THIS_MASK = "CASE WHEN s.suspected_revision = s.revision THEN {} END"
_SUSPICION = "nullif(max(ifnull(s.loss_suspicion, -1), ifnull(s.fold_suspicion, -1)), -1)"

_SHOWN, _SHOWN_BEFORE = (f"(s.split <> '{Split.TEST}' OR :{name})" for name in ("shows_test", "shows_test_before"))

_ALIKE = f"ifnull(p.way, '{PLAIN}') = ifnull(b.way, '{PLAIN}')"

_COLUMNS: dict[str, tuple[str, Any]] = {
    "id": ("s.id", np.int64),
    "image": ("s.image", list),
    "truth": ("s.truth", list),
    "stem": ("s.stem", list),
    "group": ("s.group_name", list),
    "problem": ("s.problem", list),
    "position": ("s.position", np.int32),
    "width": ("s.width", np.int32),
    "height": ("s.height", np.int32),
    "state": ("s.state", {str(state): code for code, state in enumerate(STATES)}),
    "split": ("s.split", {str(split): code for code, split in enumerate(SPLITS)}),
    "revision": ("s.revision", np.int32),
    "foreground": ("s.foreground", np.float32),
    "uncertainty": ("p.uncertainty", np.float32),
    "uncertainty_kind": ("p.uncertainty_kind", {None: -1, **{kind: code for code, kind in enumerate(UNCERTAINTIES)}}),
    "wrong": (f"CASE WHEN {_SHOWN} THEN CAST(p.fp + p.fn AS REAL) / (s.width * s.height) END", np.float32),
    "expected": ("p.expected", np.float32),
    "change": ("p.change", np.float32),
    **{
        name: (f'CASE WHEN {_SHOWN} THEN p."{name}" END', np.float32) for name in ("iou", "dice", "precision", "recall")
    },
    "hidden": (f"p.tp IS NOT NULL AND NOT {_SHOWN}", {0: 0, 1: 1}),
    "iou_before": (f"CASE WHEN {_ALIKE} AND {_SHOWN_BEFORE} THEN b.iou END", np.float32),
    "manner": (
        f"CASE WHEN p.run_id IS NOT NULL THEN ifnull(p.way, '{PLAIN}') END",
        {None: -1, **{text: code for code, text in enumerate(MANNERS)}},
    ),
    "seen": ("(julianday(s.seen) - 2440587.5) * 86400", np.float64),
    "suspicion": (
        f"CASE WHEN s.settled_revision IS NOT s.revision THEN {_OF_THIS_MASK.format(_SUSPICION)} END",
        np.float32,
    ),
    "fold_iou": (_OF_THIS_MASK.format("s.fold_iou"), np.float32),
    "lint": (f"CASE WHEN s.revision > 0 OR s.truth IS NOT NULL THEN {_LINT} ELSE {_LINT_PREDICTED} END", np.float32),
    "comment": ("s.comment", list),
    "reviewer": ("s.reviewer", list),
    "seconds": ("s.seconds", np.float32),
    "judged": ("(julianday(s.state_changed) - 2440587.5) * 86400", np.float64),
}
"""What each column asks of SQLite and what it is made of: a numpy type, a list, or codes."""

_SQL = f"""
    SELECT {", ".join(sql for sql, _ in _COLUMNS.values())}
    FROM sample AS s {{how}}
    LEFT JOIN prediction AS p ON p.run_id = :run AND p.sample_id = s.id
    LEFT JOIN prediction AS b ON b.run_id = :before AND b.sample_id = s.id
    {{where}}
"""
_ALL = _SQL.format(how="", where="ORDER BY s.id")
# Left to itself SQLite would walk through all samples, because it knows nothing of how few have changed.
_CHANGED = _SQL.format(how="INDEXED BY sample_by_tick", where="WHERE s.tick > :tick")


@dataclass(frozen=True)
class _Version:
    """What a snapshot depends on."""

    tick: int
    run: int
    before: int
    shows_test: bool
    shows_test_before: bool


class TableCache:
    """Keeps the newest snapshot and brings it up to date with the rows that changed since."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._version: _Version | None = None
        self._table: SampleTable | None = None

    def table(self) -> SampleTable:
        """The state as the calling thread sees it now; the same object while nothing changes."""
        with self._lock, self._database.snapshot() as connection:
            version = _version(connection)
            if self._table is not None and version == self._version:
                return self._table
            table = self._patched(connection, version)
            if table is None:
                table = _full(connection, version)
            # What is not committed yet may never be: it is shown to this thread and not kept.
            if not self._database.is_in_transaction:
                self._version, self._table = version, table
            return table

    def revealed(self) -> SampleTable:
        """The state now with all figures, also those that the project has not looked at; it is not kept."""
        with self._database.snapshot() as connection:
            return _full(connection, replace(_version(connection), shows_test=True, shows_test_before=True))

    def _patched(self, connection: sqlite3.Connection, version: _Version) -> SampleTable | None:
        """The kept snapshot with a few rows replaced; None when it must be read anew."""
        old, table = self._version, self._table
        if old is None or table is None or replace(old, tick=version.tick) != version or version.tick < old.tick:
            return None
        few = len(table) // 5 + 100
        rows = connection.execute(_CHANGED, {**asdict(version), "tick": old.tick}).fetchmany(few)
        is_new = len(table.indices_of([row[0] for row in rows])) < len(rows)
        if len(rows) == few or is_new:
            return None
        return _with_rows(table, rows) if rows else table


def _version(connection: sqlite3.Connection) -> _Version:
    (tick,) = connection.execute("SELECT max(tick) FROM sample").fetchone()
    rows = connection.execute("SELECT name, value FROM setting WHERE name IN (?, ?, ?)", (*_RUN_SETTINGS, SEEN))
    named = {name: json.loads(value) for name, value in rows}
    run, before = (int(named.get(name) or 0) for name in _RUN_SETTINGS)
    readers = connection.execute("SELECT id FROM run WHERE id IN (?, ?) AND model = ?", (run, before, READER))
    seen = {*named.get(SEEN, []), *(run_id for (run_id,) in readers)}
    return _Version(tick or 0, run, before, run in seen, before in seen)


_RUN_SETTINGS = ("current_run", "previous_run")


def _full(connection: sqlite3.Connection, version: _Version) -> SampleTable:
    rows = connection.execute(_ALL, asdict(version)).fetchall()
    columns = zip(*rows, strict=True) if rows else ((),) * len(_COLUMNS)
    made = zip(_COLUMNS.items(), columns, strict=True)
    return SampleTable(**{name: _column(kind, values) for (name, (_, kind)), values in made})


def _column(kind: Any, values: Any) -> Any:
    if kind is list:
        return list(values)
    if isinstance(kind, dict):
        column = np.fromiter((kind[value] for value in values), np.int8, len(values))
    else:
        column = np.array(values, kind)  # None becomes NaN
    column.flags.writeable = False
    return column


def _with_rows(table: SampleTable, rows: list[Any]) -> SampleTable:
    """A copy of the snapshot with some rows replaced; columns that stay the same are shared."""
    indices = table.indices_of([row[0] for row in rows])
    changes: dict[str, Any] = {}
    for (name, (_, kind)), values in zip(_COLUMNS.items(), zip(*rows, strict=True), strict=True):
        old = getattr(table, name)
        if kind is list:
            if any(old[index] != value for index, value in zip(indices, values, strict=True)):
                changes[name] = _replaced(old, indices, values)
            continue
        new = old.copy()
        new[indices] = _column(kind, values)
        new.flags.writeable = False
        changes[name] = new
    patched = replace(table, **changes)
    for name in ("image", "comment"):
        if name not in changes and f"folded_{name}" in table.__dict__:
            patched.__dict__[f"folded_{name}"] = getattr(table, f"folded_{name}")
    return patched


def _replaced(old: list[Any], indices: NDArray[np.intp], values: Any) -> list[Any]:
    new = list(old)
    for index, value in zip(indices, values, strict=True):
        new[index] = value
    return new
