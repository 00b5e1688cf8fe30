"""Samples: what the project knows of each image, and the changes a person makes to it."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.sample import ReviewState, Sample, Split
from segstudio.project.acts import BATCH, Kind, Row, review_title
from segstudio.project.acts import COLUMNS as ACT_COLUMNS
from segstudio.project.clock import now
from segstudio.project.mirror import SAMPLES_SQL, Review, append_reviews, write_samples
from segstudio.project.problems import storable
from segstudio.project.salvage import append_seen
from segstudio.project.sample_table import STATES, SUSPICIOUS, SampleTable, TableCache

if TYPE_CHECKING:
    from segstudio.project.project import Project

COLUMNS = "id, image, truth, stem, width, height, state, split, group_name, revision, problem"
"""What `sample_of` needs, in its order."""


@dataclass(frozen=True, slots=True)
class NewSample:
    """An image that shall become a sample when a project is made.

    Attributes:
        image: Path below the source, with forward slashes.
        truth: Path of its mask below the source, or None.
        width: In pixels, after EXIF orientation; 0 when the image cannot be read.
        height: In pixels, after EXIF orientation; 0 when the image cannot be read.
        split: Part of learning.
        group: Samples of the same group stay on one side of the split; empty for one that is alone.
        problem: Why it cannot be used, or empty.
        foreground: Share of the area that its mask covers, when known.
        state: Review state.
        stem: Where its files lie below masks/; chosen when empty.
    """

    image: str
    truth: str | None
    width: int
    height: int
    split: Split = Split.TRAIN
    group: str = ""
    problem: str = ""
    foreground: float | None = None
    state: ReviewState = ReviewState.TODO
    stem: str = ""


class Samples:
    """The samples of a project."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._cache = TableCache(project.database)

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self._project.database.row("SELECT count(*) FROM sample")[0])

    def table(self) -> SampleTable:
        """All of them as columns, as they are now; cheap when little has changed since the last call."""
        return self._cache.table()

    def revealed(self) -> SampleTable:
        """The same with the figures of test samples at which nobody has looked yet, for whoever counts the look."""
        return self._cache.revealed()

    def get(self, sample_id: int) -> Sample:
        """The sample of that id; KeyError when there is none."""
        row = self._project.database.row(f"SELECT {COLUMNS} FROM sample WHERE id = ?", (sample_id,))
        if row is None:
            raise KeyError(sample_id)
        return sample_of(row)

    def by_image(self, image: str) -> Sample:
        """The sample of an image, named by its path below the source, or by its name when only one has it.

        Raises:
            UserError: When there is none, or several have that name.
        """
        row = self._project.database.row(f"SELECT {COLUMNS} FROM sample WHERE image = ?", (image,))
        if row is not None:
            return sample_of(row)
        same = [path for (path,) in self._project.database.rows("SELECT image FROM sample") if _ends_with(path, image)]
        if len(same) == 1:
            return self.by_image(same[0])
        if same:
            raise UserError(f"{len(same)} samples are called {image}", f"give the whole path, for example {same[0]}")
        raise UserError(f"there is no sample called {image}", "`segstudio list PROJECT` shows all of them")

    def all(self, sample_ids: Iterable[int] | None = None) -> Iterator[Sample]:
        """The samples of these ids in their order, or every one in the order of names."""
        table = self.table()
        if sample_ids is None:
            order = table.position.argsort(kind="stable")
        else:
            order = table.indices_of(list(sample_ids))
        return (table.row(int(index)) for index in order)

    def progress(self) -> dict[ReviewState, int]:
        """How many samples are in each review state."""
        counts = np.bincount(self.table().state, minlength=len(STATES))
        return {state: int(count) for state, count in zip(STATES, counts, strict=True)}

    def set_state(
        self, sample_ids: Iterable[int], state: ReviewState, *, proposed: Collection[int] = frozenset()
    ) -> None:
        """Give the verdict on some samples; their current revisions are sealed by it. An act that can be undone.

        It is told with the name of the project's reviewer. A verdict that a sample has already is given anew only when
        somebody else gives it.

        Args:
            sample_ids: What the verdict is about.
            state: The verdict.
            proposed: Which of them had no mask and got the one that was proposed to them by this verdict: who undoes
                it takes that mask away again.
        """
        kind: Kind = "masks" if proposed else "review"
        time, ids = now(), list(sample_ids)
        self._project.require_writable()
        act: int | None = None
        count = 0
        for start in range(0, len(ids), BATCH["review"]):
            batch = ids[start : start + BATCH["review"]]
            if state.is_decided:
                self._project.masks.keep(batch)
            with self._project.transaction("samples") as connection:
                rows, name = self._judge(connection, batch, state, time, proposed)
                if kind == "review":
                    rows = [(key, _without_revision(before), _without_revision(after)) for key, before, after in rows]
                count += len(rows)
                title = review_title(state, count, name)
                acts = self._project.acts
                act = acts.record(kind, title, rows) if act is None else acts.extend(act, rows, title)
                reviews = self.reviews([sample_id for sample_id, *_ in rows])
                self._project.database.after_commit(partial(append_reviews, self._project.folder, reviews))

    def _judge(
        self,
        connection: sqlite3.Connection,
        ids: list[int],
        state: ReviewState,
        time: str,
        proposed: Collection[int],
    ) -> tuple[list[Row], str]:
        """Write the verdict on some samples; returns what it has changed, as an act of masks, and the first's name."""
        begun = {one: self._project.masks.before_edit(one) for one in ids if one in proposed}
        reviewer = self._project.reviewer
        is_by_other = "(reviewer <> ? AND ? <> '')" if state.is_decided else "(? <> ?)"
        found = connection.execute(
            "SELECT id, image, state, state_changed, reviewer, revision, settled_revision FROM sample "
            f"WHERE id IN (SELECT value FROM json_each(?)) AND (state <> ? OR {is_by_other})",
            (json.dumps(ids), state, reviewer, reviewer),
        ).fetchall()
        connection.executemany(
            "UPDATE sample SET state = ?, state_changed = ?, reviewer = ? WHERE id = ?",
            [(state, time, reviewer, sample_id) for sample_id, *_ in found],
        )
        if state.is_decided:  # also where the verdict is no other: it is about another mask by now
            connection.execute(
                "UPDATE sample SET is_sealed = 1 WHERE id IN (SELECT value FROM json_each(?)) AND revision > 0 "
                "AND NOT is_sealed",
                (json.dumps(ids),),
            )
        # Who accepts a suspicious mask has looked at it: the same mask is not asked about again.
        number = "revision" if state in (ReviewState.ACCEPTED, ReviewState.REJECTED) else "NULL"
        connection.execute(
            f"UPDATE sample SET settled_revision = {number} WHERE id IN (SELECT value FROM json_each(?)) "
            f"AND suspected_revision = revision AND settled_revision IS NOT {number} "
            "AND max(ifnull(loss_suspicion, 0), ifnull(fold_suspicion, 0)) >= ?",
            (json.dumps(ids), SUSPICIOUS),
        )
        settled = dict(
            connection.execute(
                "SELECT id, settled_revision FROM sample WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps([one for one, *_ in found]),),
            )
        )
        rows: list[Row] = []
        for one, _, *standing in found:
            revision = standing[_REVISION]
            if one in begun:  # a flagged sample stays flagged when it gets a mask, others count as corrected
                before = begun[one]
                judged = standing[:3] if before is None else (before.state, before.state_changed, before.reviewer)
                standing = [*judged, 0, None]
            rows.append((one, standing, (str(state), time, reviewer, revision, settled[one])))
        return rows, str(found[0][1]).rpartition("/")[2] if found else ""

    def reviews(self, sample_ids: Iterable[int]) -> list[Review]:
        """The lines of reviews.csv for how some samples stand now."""
        rows = self._project.database.rows(
            "SELECT coalesce(state_changed, ?), image, state, reviewer, seconds, comment FROM sample "
            "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY position",
            (now(), json.dumps(list(sample_ids))),
        )
        return [Review(time, image, ReviewState(state), *rest) for time, image, state, *rest in rows]

    def set_comment(self, sample_id: int, comment: str) -> None:
        """Say something about a sample; empty takes it back."""
        comment = storable(comment.strip())
        with self._project.transaction("samples") as connection:
            done = connection.execute(
                "UPDATE sample SET comment = ? WHERE id = ? AND comment <> ?", (comment, sample_id, comment)
            )
            if done.rowcount:
                reviews = [replace(one, time=now()) for one in self.reviews([sample_id])]
                self._project.database.after_commit(lambda: append_reviews(self._project.folder, reviews))

    def add_seconds(self, seconds: Mapping[int, float]) -> None:
        """Add to the time that somebody has worked on samples, by their ids; nobody is told of it."""
        with self._project.transaction() as connection:
            connection.executemany(
                "UPDATE sample SET seconds = seconds + ? WHERE id = ?", [(more, one) for one, more in seconds.items()]
            )

    def set_split(self, sample_ids: Iterable[int], split: Split) -> list[int]:
        """Move samples between training and validation, with all of their groups. An act that can be undone.

        Returns:
            The samples that were moved.

        Raises:
            UserError: When the test split would become another: what is measured on it could not be compared any more.
        """
        hint = "a test split that changes measures nothing; choose samples of training and validation alone"
        if split is Split.TEST:
            raise UserError("the test split is frozen: nothing can be moved into it", hint)
        with self._project.transaction("samples") as connection:
            ids = json.dumps(list(sample_ids))
            chosen = "id IN (SELECT value FROM json_each(:ids))"
            (frozen,) = connection.execute(
                f"SELECT count(*) FROM sample WHERE {chosen} AND split = 'test'", {"ids": ids}
            ).fetchone()
            if frozen:
                what = "one of the samples is" if frozen == 1 else f"{frozen} of the samples are"
                raise UserError(f"the test split is frozen, and {what} in it: nothing was moved", hint)
            found = connection.execute(
                f"SELECT id, image, split FROM sample WHERE split NOT IN ('test', :split) AND ({chosen} "
                f"OR group_name IN (SELECT group_name FROM sample WHERE {chosen} AND group_name <> '')) "
                "ORDER BY position",
                {"ids": ids, "split": split},
            ).fetchall()
            moved = [sample_id for sample_id, *_ in found]
            connection.executemany("UPDATE sample SET split = ? WHERE id = ?", [(split, one) for one in moved])
            if found:
                what = found[0][1].rpartition("/")[2] if len(found) == 1 else f"{len(found)} samples"
                where = "validation" if split is Split.VAL else "training"
                rows = [(sample_id, (before,), (str(split),)) for sample_id, _, before in found]
                self._project.acts.record("split", f"move {what} to {where}", rows)
                self._project.database.after_commit(self.write_mirror)
        return moved

    def write_mirror(self) -> None:
        """Write samples.csv as the index has the samples now."""
        write_samples(self._project.folder, self._project.database.rows(SAMPLES_SQL))

    def set_seen(self, sample_ids: Iterable[int]) -> None:
        """Remember that some samples have been on screen until now; nobody is told, as little depends on it."""
        time, ids = now(), list(sample_ids)
        with self._project.transaction() as connection:
            connection.executemany("UPDATE sample SET seen = ? WHERE id = ?", [(time, sample_id) for sample_id in ids])
            images = [self.get(sample_id).image for sample_id in ids]
            self._project.database.after_commit(lambda: append_seen(self._project.folder, time, images))

    def state_changed(self, sample_id: int) -> str | None:
        """When the last verdict was given (ISO 8601, UTC), or None."""
        row = self._project.database.row("SELECT state_changed FROM sample WHERE id = ?", (sample_id,))
        return None if row is None else row[0]

    def set_problem(self, sample_id: int, problem: str) -> None:
        """Say why a sample cannot be used; empty when it can."""
        with self._project.transaction("samples", "problems") as connection:
            connection.execute("UPDATE sample SET problem = ? WHERE id = ?", (problem, sample_id))


def sample_of(row: Any) -> Sample:
    """The sample in a row of COLUMNS."""
    sample_id, image, truth, stem, width, height, state, split, group, revision, problem = row
    return Sample(
        sample_id, image, truth, stem, width, height, ReviewState(state), Split(split), group, revision, problem
    )


_REVISION = ACT_COLUMNS["masks"].index("revision")


def _without_revision(values: Sequence[Any]) -> Sequence[Any]:
    """The values of an act of kind "masks" as those of one of kind "review"."""
    return [*values[:_REVISION], *values[_REVISION + 1 :]]


def _ends_with(path: str, tail: str) -> bool:
    return path == tail or path.endswith("/" + tail)
