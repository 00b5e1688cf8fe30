"""Acts: what a person did to the project and not to the pixels of one mask, with an undo of their own that lasts.

Verdicts, changes of split, bulk accepts and deleted runs are acts. Each is stored with how things stood before and
after it, in the transaction that does it, so undo survives closing. The strokes of a sample have their own history.

Undo brings back how things stood before; what has become something else since the act is left alone and counted.
"""

import contextlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from segstudio.core.errors import UserError
from segstudio.core.sample import ReviewState
from segstudio.core.wording import count_text
from segstudio.project.clock import now
from segstudio.project.documents import put_revision, revision_title, take_back
from segstudio.project.mirror import append_reviews
from segstudio.project.topics import Topic

if TYPE_CHECKING:
    from segstudio.project.project import Project

Kind = Literal["review", "split", "masks", "run"]

Row: TypeAlias = tuple[int, Sequence[Any], Sequence[Any]]
"""Id of a sample (or run), and the values of the kind's columns before and after the act."""

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "review": ("state", "state_changed", "reviewer", "settled_revision"),
    "split": ("split",),
    "masks": ("state", "state_changed", "reviewer", "revision", "settled_revision"),
    "run": ("is_deleted", "current_run", "previous_run"),
}
"""What an act of each kind changes."""

_FOLLOWING = frozenset({"settled_revision", "current_run", "previous_run"})
"""What need not be as the act has left it for the act to be undone."""

KEPT = 500
"""So many acts can be undone."""

UNDER_WAY = "undoing"
"""The setting that holds the samples whose masks are being put back, and how they are to stand."""

BATCH: dict[Kind, int] = {"review": 5000, "split": 100_000, "masks": 64, "run": 100_000}
"""So much is done, or put back, in one transaction: nobody else waits for longer than half a second."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act.

    Attributes:
        id: Rises with time.
        created: When (ISO 8601, UTC).
        title: What was done, as one would ask for it: "accept 12 samples".
        kind: Of COLUMNS.
        is_undone: Whether it was taken back and can be done again.
    """

    id: int
    created: str
    title: str
    kind: Kind
    is_undone: bool

    @property
    def done(self) -> str:
        """What was done, as one tells it: "accepted 12 samples"."""
        verb = next((verb for verb in _DONE if self.title.startswith(f"{verb} ")), "")
        return _DONE.get(verb, "") + self.title.removeprefix(verb)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What undoing or redoing an act has done.

    Attributes:
        act: Which act, as it is now.
        ids: The samples (or the run) that are now as before the act, or as after it.
        left: How many had become something else since, and were left alone.
    """

    act: Act
    ids: list[int]
    left: int

    @property
    def words(self) -> str:
        """What was left alone, as a sentence; empty when nothing was."""
        return f"{self.left} had been changed since, or cannot be read, and stay as they are." if self.left else ""


class Acts:
    """The acts of a project, the newest of which can be undone, and those undone that can be done again."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def record(self, kind: Kind, title: str, rows: Sequence[Row]) -> int | None:
        """Store an act that the transaction under way has done; what was undone cannot be done again after it.

        Returns:
            Its id; None when nothing was changed, which is no act.
        """
        if not rows:
            return None
        change = _packed(rows)
        with self._project.transaction("acts") as connection:
            connection.execute("DELETE FROM act WHERE is_undone")
            inserted = connection.execute(
                "INSERT INTO act (created, title, kind, change) VALUES (?, ?, ?, ?)", (now(), title, kind, change)
            )
            connection.execute(
                "DELETE FROM act WHERE id <= (SELECT id FROM act ORDER BY id DESC LIMIT 1 OFFSET ?)", (KEPT,)
            )
        return inserted.lastrowid

    def extend(self, act_id: int, rows: Sequence[Row], title: str) -> int:
        """Add to an act that is done in several transactions, and is called `title` from now on; returns its id."""
        with self._project.transaction("acts") as connection:
            (data,) = connection.execute("SELECT change FROM act WHERE id = ?", (act_id,)).fetchone()
            change = _packed([*json.loads(zlib.decompress(data)), *rows])
            connection.execute("UPDATE act SET change = ?, title = ? WHERE id = ?", (change, title, act_id))
        return act_id

    def all(self) -> list[Act]:
        """All acts, the newest first."""
        return [_act(row) for row in self._project.database.rows(f"{_SQL} ORDER BY id DESC")]

    def undoable(self) -> Act | None:
        """What undo would take back; None when there is nothing."""
        row = self._project.database.row(f"{_SQL} WHERE NOT is_undone ORDER BY id DESC LIMIT 1")
        return None if row is None else _act(row)

    def redoable(self) -> Act | None:
        """What redo would do again; None when there is nothing."""
        row = self._project.database.row(f"{_SQL} WHERE is_undone ORDER BY id LIMIT 1")
        return None if row is None else _act(row)

    def undo(self) -> Outcome:
        """Take the newest act back.

        Raises:
            UserError: When there is none.
        """
        act = self.undoable()
        if act is None:
            raise UserError("there is nothing to undo: no verdict, split, bulk accept or deleted run")
        return self._carry_out(act, is_undo=True)

    def redo(self) -> Outcome:
        """Do the act again that was undone last.

        Raises:
            UserError: When there is none.
        """
        act = self.redoable()
        if act is None:
            raise UserError("there is nothing to do again")
        return self._carry_out(act, is_undo=False)

    def _carry_out(self, act: Act, *, is_undo: bool) -> Outcome:
        """Put back, in batches: nobody else waits long, and a crash between two of them leaves the act to be undone."""
        (data,) = self._project.database.row("SELECT change FROM act WHERE id = ?", (act.id,))
        rows = json.loads(zlib.decompress(data))
        wanted = [(key, *((after, before) if is_undo else (before, after))) for key, before, after in rows]
        is_compared = [name not in _FOLLOWING for name in COLUMNS[act.kind]]
        moved: list[int] = []
        for start in range(0, len(wanted), BATCH[act.kind]):
            batch = wanted[start : start + BATCH[act.kind]]
            if act.kind == "masks":
                self._project.settings.set(UNDER_WAY, [[key, to] for key, _, to in batch])
            # Whoever saves a mask holds this before any transaction: the other way round, both would wait.
            with (
                self._project.masks.saving,
                self._recovering(),
                self._project.transaction("acts", *_TOPICS[act.kind]) as connection,
            ):
                found = self.standing(act.kind, [key for key, *_ in batch])
                standing = {key: list(compress(values, is_compared)) for key, values in found.items()}
                same = [
                    (key, to) for key, since, to in batch if standing.get(key) == list(compress(since, is_compared))
                ]
                # Before a crash, some may have been put back already.
                same_ids = {key for key, _ in same}
                moved += [
                    key
                    for key, _, to in batch
                    if key not in same_ids and standing.get(key) == list(compress(to, is_compared))
                ]
                moved += self._put(act.kind, same)
                if start + len(batch) == len(wanted):
                    connection.execute("UPDATE act SET is_undone = ? WHERE id = ?", (is_undo, act.id))
                connection.execute("DELETE FROM setting WHERE name = ?", (UNDER_WAY,))
        return Outcome(replace(act, is_undone=is_undo), moved, len(wanted) - len(moved))

    @contextlib.contextmanager
    def _recovering(self) -> Iterator[None]:
        """Put masks back as a whole batch, or not at all."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(UserError, sqlite3.Error):  # else it is done when the project is opened again
                self.recover()
            raise

    def recover(self) -> str:
        """Take back the masks that an undo or redo was putting in place when it ended, unknown to the index.

        Nobody else may edit the project meanwhile.

        Returns:
            What a person should know, as a sentence; empty when nothing was under way.
        """
        batch = self._project.settings.get(UNDER_WAY)
        if batch is None:
            return ""
        place, failed = COLUMNS["masks"].index("revision"), []
        for key, to in batch:
            sample, number = self._project.samples.get(key), to[place]
            try:
                mask = self._project.masks.load_revision(sample, number)
                take_back(self._project, sample, mask, revision_title(number))
            except (UserError, OSError):
                failed.append(sample.image)
        if failed:
            return f"Undoing a bulk accept has ended in the middle; look at the masks of {', '.join(failed)}."
        with self._project.transaction("acts") as connection:
            connection.execute("DELETE FROM setting WHERE name = ?", (UNDER_WAY,))
        return "Undoing (or redoing) a bulk accept has ended in the middle; do it again to bring it to its end."

    def standing(self, kind: Kind, keys: Sequence[int]) -> dict[int, list[Any]]:
        """How what acts of a kind change stands now, by sample (or run)."""
        table, columns = ("run", "is_deleted, NULL, NULL") if kind == "run" else ("sample", ", ".join(COLUMNS[kind]))
        sql = f"SELECT id, {columns} FROM {table} WHERE id IN (SELECT value FROM json_each(?))"
        return {key: values for key, *values in self._project.database.rows(sql, (json.dumps(keys),))}

    def _put(self, kind: Kind, rows: Sequence[tuple[int, Sequence[Any]]]) -> list[int]:
        """Give the columns of a kind other values, and do what follows from it. Within a transaction.

        Returns:
            Where that was done; not where the mask that was there before cannot be read any more.
        """
        project = self._project
        with project.transaction() as connection:
            if kind == "run":
                for run_id, (is_deleted, *shown) in rows:
                    connection.execute("UPDATE run SET is_deleted = ? WHERE id = ?", (is_deleted, run_id))
                    # What is shown changes only when this run is shown, or is shown again.
                    if run_id in (*shown, project.predictions.current(), project.predictions.previous()):
                        project.runs.show(*shown)
                    project.database.after_commit(partial(project.runs.note_deleted, run_id, is_deleted))
                return [run_id for run_id, _ in rows]
            if kind == "masks":
                place = COLUMNS[kind].index("revision")
                rows = [row for row in rows if self._put_revision(row[0], row[1][place])]
            # Putting a mask back has set its revision already.
            chosen = [place for place, name in enumerate(COLUMNS[kind]) if name != "revision"]
            assignments = ", ".join(f"{COLUMNS[kind][place]} = ?" for place in chosen)
            connection.executemany(
                f"UPDATE sample SET {assignments} WHERE id = ?",
                [(*(values[place] for place in chosen), key) for key, values in rows],
            )
            if kind == "split":
                project.database.after_commit(project.samples.write_mirror)
            else:
                reviews = project.samples.reviews([key for key, _ in rows])
                project.database.after_commit(lambda: append_reviews(project.folder, reviews))
        return [key for key, _ in rows]

    def _put_revision(self, sample_id: int, number: int) -> bool:
        """Put the mask of a sample back; False when that cannot be read any more."""
        sample = self._project.samples.get(sample_id)
        try:
            if number != sample.revision:
                put_revision(self._project, sample, number)
        except UserError:
            return False
        return True


def review_title(state: ReviewState, count: int, name: str) -> str:
    """What giving a verdict is called: "accept 12 samples", "flag lung_03.png"."""
    what = name if count == 1 else count_text(count, "sample")
    return f"{_VERBS[state]} {what}"


_VERBS = {
    ReviewState.TODO: "take back verdict on",
    ReviewState.CORRECTED: "mark as corrected",
    ReviewState.ACCEPTED: "accept",
    ReviewState.FLAGGED: "flag",
    ReviewState.REJECTED: "reject",
}

_DONE = {
    "accept": "accepted", "flag": "flagged", "reject": "rejected", "take back": "took back", "mark": "marked",
    "move": "moved", "delete": "deleted",
}  # fmt: skip
"""How the verbs of titles are told afterwards."""

_TOPICS: dict[Kind, tuple[Topic, ...]] = {
    "review": ("samples",), "split": ("samples",), "masks": ("samples", "masks"), "run": ("runs", "predictions"),
}  # fmt: skip

_SQL = "SELECT id, created, title, kind, is_undone FROM act"


def _packed(rows: Sequence[Row]) -> bytes:
    return zlib.compress(json.dumps(rows, ensure_ascii=False).encode(), 1)


def _act(row: Any) -> Act:
    return Act(row[0], row[1], row[2], row[3], bool(row[4]))
