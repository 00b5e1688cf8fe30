"""HistogramTable: how often each probability is predicted where, for every prediction; see core/threshold.py.

They lie in the index alone: they are counted again from masks and predictions when they are lost.
"""

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from segstudio.core.sample import ReviewState, Split
from segstudio.core.threshold import Histogram, Sweep

if TYPE_CHECKING:
    from segstudio.project.project import Project


class HistogramTable:
    """The histograms of all predictions, without reading files."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def store(self, connection: sqlite3.Connection, run_id: int, sample_id: int, histogram: Histogram) -> None:
        """Put this in the place of what was known of a prediction."""
        connection.execute(
            "INSERT OR REPLACE INTO histogram (run_id, sample_id, has_mask, counts) VALUES (?, ?, ?, ?)",
            (run_id, sample_id, int(histogram.foreground is not None), histogram.to_bytes()),
        )

    def forget(self, connection: sqlite3.Connection, predictions: Iterable[tuple[int, int]]) -> None:
        """Drop what is known of some predictions, each named by run id and sample id."""
        connection.executemany("DELETE FROM histogram WHERE run_id = ? AND sample_id = ?", predictions)

    def forget_sample(self, connection: sqlite3.Connection, sample_id: int) -> None:
        """Drop what is known of the predictions of a sample, whose mask is another now."""
        connection.execute("DELETE FROM histogram WHERE sample_id = ?", (sample_id,))

    def all(self, run_id: int) -> list[tuple[int, bytes]]:
        """Sample id and histogram, see `Histogram.from_bytes`, of each prediction of a run that is known."""
        rows = self._project.database.rows("SELECT sample_id, counts FROM histogram WHERE run_id = ?", (run_id,))
        return [(sample_id, counts) for sample_id, counts in rows]

    def missing(self, run_id: int) -> list[int]:
        """The samples whose prediction was stored, or whose mask was changed, without a histogram."""
        rows = self._project.database.rows(
            "SELECT sample_id FROM prediction AS p WHERE run_id = ? AND NOT EXISTS "
            "(SELECT 1 FROM histogram AS h WHERE h.run_id = p.run_id AND h.sample_id = p.sample_id)",
            (run_id,),
        )
        return [sample_id for (sample_id,) in rows]

    def sweep(self, run_id: int, split: Split = Split.VAL, manner: str | None = None) -> Sweep:
        """All predictions of a run that have a mask to be measured by, with the curve over one split.

        Rejected samples, and those that cannot be used, are left out, as they are in `evaluate`; so are those that
        were not predicted in this manner, when one is named.
        """
        rows = self._project.database.rows(
            "SELECT s.id, s.split = ?, h.counts FROM histogram AS h JOIN sample AS s ON s.id = h.sample_id "
            "WHERE h.run_id = ? AND h.has_mask AND s.state <> ? AND s.problem = '' ORDER BY s.id",
            (str(split), run_id, str(ReviewState.REJECTED)),
        )
        if manner is not None:
            manners = self._project.predictions.manners(run_id)
            rows = [row for row in rows if manners.get(row[0]) == manner]
        ids = np.array([row[0] for row in rows], np.int64)
        return Sweep(ids, (row[2] for row in rows), np.array([row[1] for row in rows], np.bool_))
