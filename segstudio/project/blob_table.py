"""BlobTable: the worst blobs of every prediction, and the places where somebody has decided that the mask is right.

Both lie in the index alone: the blobs are found again from masks and predictions when they are lost, the decisions are
not. Decisions are kept as pixels, so that edits elsewhere, and another tolerance, do not lose them.
"""

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from segstudio.core.blobs import Blob, Kind, ranked
from segstudio.core.edit import Edit
from segstudio.core.mask import Mask, Rect
from segstudio.core.raster import Region
from segstudio.core.sample import Sample
from segstudio.project.salvage import write_kept

if TYPE_CHECKING:
    from segstudio.project.project import Project

MOST = 8
"""So many blobs of a sample are stored for each tolerance; when some are settled, the next take their places."""

KINDS = tuple(Kind)
"""The kinds in the order of their codes."""

_STORED = np.dtype([("kind", "u1"), ("x", "<u4"), ("y", "<u4"), ("area", "<u4"), ("depth", "<f4")])

RANKED = np.dtype([("sample", "i8"), *((name, _STORED[name]) for name in _STORED.names or ()), ("severity", "f8")])
"""One blob of `BlobTable.ranking`; kind is an index into KINDS."""

Found = dict[int, list[Blob]]
"""The worst blobs of a sample for each tolerance."""


class BlobTable:
    """The worst blobs of all predictions, without reading files."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def found(self, run_id: int, sample: Sample, mask: Mask, predicted: Mask) -> Found:
        """The worst blobs of a prediction that nobody has settled, for `store`."""
        return dict(ranked(mask, predicted, MOST, self.kept(run_id, sample)))

    def store(self, connection: sqlite3.Connection, run_id: int, sample_id: int, found: Found) -> None:
        """Put these in the place of what was known of a prediction."""
        self.forget(connection, [(run_id, sample_id)])
        connection.executemany(
            "INSERT INTO blobs (run_id, tolerance, sample_id, found) VALUES (?, ?, ?, ?)",
            # With nothing tolerated there is always a row: it says that somebody has looked.
            [
                (run_id, tolerance, sample_id, _packed(blobs))
                for tolerance, blobs in found.items()
                if blobs or not tolerance
            ],
        )

    def forget(self, connection: sqlite3.Connection, predictions: Iterable[tuple[int, int]]) -> None:
        """Drop what is known of some predictions, each named by run id and sample id. Decisions stay."""
        connection.executemany("DELETE FROM blobs WHERE run_id = ? AND sample_id = ?", predictions)

    def ranking(self, run_id: int, tolerance: int) -> NDArray[np.void]:
        """The worst blobs of all samples, the most severe first.

        Args:
            run_id: Whose predictions.
            tolerance: One of core.blobs.TOLERANCES.

        Returns:
            Of type RANKED.
        """
        rows = self._project.database.rows(
            "SELECT sample_id, found FROM blobs WHERE run_id = ? AND tolerance = ? AND length(found) > 0",
            (run_id, tolerance),
        )
        stored = np.frombuffer(b"".join(found for _, found in rows), _STORED)
        result = np.empty(len(stored), RANKED)
        counts = np.array([len(found) // _STORED.itemsize for _, found in rows], np.int64)
        result["sample"] = np.repeat(np.array([sample_id for sample_id, _ in rows], np.int64), counts)
        for name in _STORED.names or ():
            result[name] = stored[name]
        return by_severity(result)

    def missing(self, run_id: int) -> list[int]:
        """The samples whose prediction was compared with a mask before blobs were looked for."""
        rows = self._project.database.rows(
            "SELECT sample_id FROM prediction AS p WHERE run_id = ? AND tp IS NOT NULL AND NOT EXISTS "
            "(SELECT 1 FROM blobs AS b WHERE b.run_id = p.run_id AND b.tolerance = 0 AND b.sample_id = p.sample_id)",
            (run_id,),
        )
        return [sample_id for (sample_id,) in rows]

    def kept(self, run_id: int, sample: Sample) -> Mask | None:
        """Where somebody has decided that the mask is right: uint8 (H, W) of 0 and 1; None when nowhere."""
        row = self._project.database.row(
            "SELECT pixels FROM kept WHERE run_id = ? AND sample_id = ?", (run_id, sample.id)
        )
        if row is None:
            return None
        result = np.zeros((sample.height, sample.width), np.uint8)
        try:
            Edit.from_bytes(row[0]).apply(result)
        except ValueError:  # of an image that was exchanged for one of another size: decisions about another picture
            return None
        return result

    def keep(self, run_id: int, sample: Sample, region: Region, *, is_kept: bool = True) -> None:
        """Remember that the mask is right in a region, or that nobody has decided."""
        if region.rect.is_empty:
            return
        with self._project.transaction("blobs") as connection:
            kept = self.kept(run_id, sample)
            empty = np.zeros((sample.height, sample.width), np.uint8)
            after = empty.copy() if kept is None else kept
            after[region.rect.slices][region.inside] = is_kept
            edit = Edit.between(empty, after, "kept")
            connection.execute(
                "INSERT OR REPLACE INTO kept (run_id, sample_id, pixels) VALUES (?, ?, ?)",
                (run_id, sample.id, edit.to_bytes()),
            )
            self._project.database.after_commit(lambda: write_kept(self._project, run_id, sample.stem, edit))


def by_severity(blobs: NDArray[np.void]) -> NDArray[np.void]:
    """The blobs with their severity filled in, the worst first; see `Blob.severity`."""
    area = blobs["area"].astype(np.float64)
    blobs["severity"] = area * np.minimum(blobs["depth"], np.sqrt(area))
    return blobs[np.argsort(-blobs["severity"], kind="stable")]


def as_ranked(sample_id: int, blobs: Iterable[Blob]) -> NDArray[np.void]:
    """Blobs of one sample as rows of a ranking."""
    rows = [(sample_id, *_row(blob), blob.severity) for blob in blobs]
    return np.array(rows, RANKED)


def blob_of(row: Any) -> Blob:
    """A row of a ranking as a Blob, whose bounds are not known."""
    return Blob(
        KINDS[int(row["kind"])], int(row["area"]), float(row["depth"]), int(row["x"]), int(row["y"]), Rect(0, 0, 0, 0)
    )


def _packed(blobs: list[Blob]) -> bytes:
    return np.array([_row(blob) for blob in blobs], _STORED).tobytes()


def _row(blob: Blob) -> tuple[int, int, int, int, float]:
    return KINDS.index(blob.kind), blob.x, blob.y, blob.area, blob.depth
