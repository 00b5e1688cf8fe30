"""WalkOrder: which error comes next, over all samples, while masks change and some errors are settled."""

import numpy as np
from numpy.typing import NDArray

from segstudio.core.blobs import Blob, Errors
from segstudio.project.blob_table import KINDS, as_ranked, blob_of

Places = NDArray[np.void]


class WalkOrder:
    """The worst blobs of all samples; those that were visited are not offered again."""

    def __init__(self, ranking: Places, before: "WalkOrder | None" = None) -> None:
        """Begin with what `BlobTable.ranking` says; what was visited in the order `before` stays so."""
        self._rows = ranking
        self._is_visited = np.zeros(len(ranking), np.bool_)
        self._visited: dict[int, list[Blob]] = {}
        for sample_id, blobs in before._visited.items() if before is not None else ():
            for blob in blobs:
                self.visit(sample_id, blob)

    def next(self, listed: NDArray[np.int64]) -> tuple[int, Blob] | None:
        """The most severe blob that was not visited, and its sample; only of samples whose id is listed."""
        open_rows = self._open(listed)
        first = int(open_rows.argmax()) if open_rows.size else 0
        if not open_rows.size or not open_rows[first]:
            return None
        return int(self._rows["sample"][first]), blob_of(self._rows[first])

    def count(self, listed: NDArray[np.int64]) -> int:
        """How many blobs were not visited."""
        return int(np.count_nonzero(self._open(listed)))

    def samples_ahead(self, listed: NDArray[np.int64], count: int) -> list[int]:
        """The samples of the next few blobs."""
        rows = np.flatnonzero(self._open(listed))[:count]
        return list(dict.fromkeys(self._rows["sample"][rows].tolist()))

    def visit(self, sample_id: int, blob: Blob) -> None:
        """Do not offer a blob again."""
        self._visited.setdefault(sample_id, []).append(blob)
        rows = self._rows
        is_it = (rows["sample"] == sample_id) & (rows["x"] == blob.x) & (rows["y"] == blob.y)
        self._is_visited |= is_it & (rows["kind"] == KINDS.index(blob.kind))

    def replace(self, sample_id: int, errors: Errors, blobs: list[Blob]) -> None:
        """The mask or the decisions about a sample have changed.

        Args:
            sample_id: Which sample.
            errors: All its errors.
            blobs: Those that are to be offered.
        """
        # A visited blob is the same blob as long as one of its pixels is where it was visited.
        seen = {
            (found.kind, found.x, found.y)
            for blob in self._visited.get(sample_id, ())
            if (found := errors.at(blob.x, blob.y)) is not None and found.kind is blob.kind
        }
        others = self._rows["sample"] != sample_id
        kept, is_visited = self._rows[others], self._is_visited[others]
        new = as_ranked(sample_id, blobs)
        places = np.searchsorted(-kept["severity"], -new["severity"], side="right")
        self._rows = np.insert(kept, places, new)
        flags = np.array([(blob.kind, blob.x, blob.y) in seen for blob in blobs], np.bool_)
        self._is_visited = np.insert(is_visited, places, flags)

    def begin_again(self) -> None:
        """Offer what was visited and is still there."""
        self._visited.clear()
        self._is_visited[:] = False

    def _open(self, listed: NDArray[np.int64]) -> NDArray[np.bool_]:
        is_open: NDArray[np.bool_] = ~self._is_visited & np.isin(self._rows["sample"], listed)
        return is_open
