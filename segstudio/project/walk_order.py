"""WalkOrder: which error comes next, over all samples, while masks change and some errors are settled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segstudio.core.blobs import Blob, Errors
from segstudio.project.blob_table import blob_of

Places = NDArray[np.void]


@dataclass(slots=True)
class _Known:
    """A blob of a sample that has been looked at."""

    sample_id: int
    blob: Blob
    is_visited: bool


class WalkOrder:
    """The worst blobs of all samples; those that were visited are not offered again.

    Samples that were looked at since are kept beside the ranking: to put a few rows into a million would be felt.
    """

    def __init__(self, ranking: Places, before: "WalkOrder | None" = None) -> None:
        """Begin with what `BlobTable.ranking` says; what was visited in the order `before` stays so."""
        self._rows = ranking
        self._samples = np.ascontiguousarray(ranking["sample"])
        self._is_gone = np.zeros(len(ranking), np.bool_)
        self._known: dict[int, list[_Known]] = {}
        self._visited: dict[int, list[Blob]] = {}
        for sample_id, blobs in before._visited.items() if before is not None else ():
            for blob in blobs:
                self.visit(sample_id, blob)

    def next(self, listed: NDArray[np.int64]) -> tuple[int, Blob] | None:
        """The most severe blob that was not visited, and its sample; only of samples whose id is listed."""
        found = self._first(listed, 1)
        return (found[0].sample_id, found[0].blob) if found else None

    def count(self, listed: NDArray[np.int64]) -> int:
        """How many blobs were not visited."""
        return int(np.count_nonzero(self._open(listed))) + len(self._open_known(listed))

    def samples_ahead(self, listed: NDArray[np.int64], count: int) -> list[int]:
        """The samples of the next few blobs."""
        return list(dict.fromkeys(one.sample_id for one in self._first(listed, count)))

    def visit(self, sample_id: int, blob: Blob) -> None:
        """Do not offer a blob again."""
        self._visited.setdefault(sample_id, []).append(blob)
        for row in np.flatnonzero(self._samples == sample_id).tolist():
            self._is_gone[row] |= _is_same(blob_of(self._rows[row]), blob)
        for known in self._known.get(sample_id, ()):
            known.is_visited |= _is_same(known.blob, blob)

    def replace(self, sample_id: int, errors: Errors, blobs: list[Blob]) -> None:
        """The mask or the decisions about a sample may have changed.

        Args:
            sample_id: Which sample.
            errors: All its errors.
            blobs: Those that are to be offered.
        """
        # A visited blob is the same blob as long as the place where it was visited is in it.
        visited = self._visited.get(sample_id, [])
        found = (errors.at(blob.x, blob.y) for blob in visited)
        seen = [blob for blob in found if blob is not None]
        # Another place may stand for it now, and a ranking that is read anew knows places only.
        visited += [blob for blob in seen if not any(_is_same(blob, one) for one in visited)]
        is_visited = [any(_is_same(blob, one) for one in seen) for blob in blobs]
        self._known[sample_id] = [_Known(sample_id, *one) for one in zip(blobs, is_visited, strict=True)]
        self._is_gone |= self._samples == sample_id

    def begin_again(self) -> None:
        """Offer what was visited and is still there."""
        self._visited.clear()
        self._is_gone = np.isin(self._samples, list(self._known))
        for blobs in self._known.values():
            for known in blobs:
                known.is_visited = False

    def _first(self, listed: NDArray[np.int64], count: int) -> list[_Known]:
        rows = np.flatnonzero(self._open(listed))[:count].tolist()
        found = [_Known(int(self._samples[row]), blob_of(self._rows[row]), False) for row in rows]
        found += self._open_known(listed)
        return sorted(found, key=lambda one: -one.blob.severity)[:count]

    def _open(self, listed: NDArray[np.int64]) -> NDArray[np.bool_]:
        is_open: NDArray[np.bool_] = ~self._is_gone & np.isin(self._samples, listed)
        return is_open

    def _open_known(self, listed: NDArray[np.int64]) -> list[_Known]:
        ids = np.array(list(self._known), np.int64)
        return [
            known
            for sample_id in ids[np.isin(ids, listed)].tolist()
            for known in self._known[sample_id]
            if not known.is_visited
        ]


def _is_same(blob: Blob, other: Blob) -> bool:
    return (blob.kind, blob.x, blob.y) == (other.kind, other.x, other.y)
