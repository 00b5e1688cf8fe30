"""Donors among a project's samples: which ones foreground is taken from, for copies fixed when a job begins.

    augmented/<recipe>/donors/<sha256>.json   which samples, in their order, and the exact bytes of each

A copy's row names such a list by its hash. What is drawn from a seed depends on the whole list: with it the copy can be
made again. The masks are sealed revisions, and the ignored regions are kept, so that both stay what they were.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.mask import Mask
from segstudio.core.sample import USABLE, Sample, Split
from segstudio.project.sample_table import SPLITS

if TYPE_CHECKING:
    from segstudio.project.project import Project

MOST_DONORS = 1000
"""More would be variety that nobody sees, and all of their files are read to know them again."""

MOST_BYTES = 256 * 2**20
"""So much memory the donors take that were read last."""


def donor_samples(project: "Project") -> list[Sample]:
    """The training samples that have foreground and may be learnt from, in the order of names; at most MOST_DONORS.

    This is what a training takes from that learns from all usable masks, and what every job that makes copies does.
    """
    table = project.samples.table()
    of_training = (table.split == SPLITS.index(Split.TRAIN)) & (table.foreground != 0)  # of some it is not known
    rows = np.flatnonzero(of_training)
    samples = [table.row(int(row)) for row in rows[table.position[rows].argsort(kind="stable")]]
    usable = [one for one in samples if one.has_mask and one.state in USABLE and not one.problem]
    if len(usable) <= MOST_DONORS:
        return usable
    # Those of a smaller project are among those of a larger one.
    ranked = sorted(usable, key=lambda one: hashlib.sha256(one.image.encode("utf-8", "surrogatepass")).digest())
    kept = {one.id for one in ranked[:MOST_DONORS]}
    return [one for one in usable if one.id in kept]


@dataclass(frozen=True, slots=True)
class DonorRow:
    """One donor, as it was when a job began.

    Attributes:
        image: Path of the image, below the dataset.
        image_sha256: Of the image's file.
        revision: Number of its mask; 0 is the dataset's own.
        mask_sha256: Of the mask's file.
        ignored_sha256: What `IgnoredRegions.keep` said of it; empty where nothing is ignored.
    """

    image: str
    image_sha256: str
    revision: int
    mask_sha256: str
    ignored_sha256: str = ""

    @property
    def content(self) -> tuple[str, ...]:
        """What decides what is taken from it. An index made anew from the files may count revisions otherwise."""
        return self.image, self.image_sha256, self.mask_sha256, self.ignored_sha256


def digest_of(rows: Sequence[DonorRow]) -> str:
    """sha256 of what decides what is taken from these donors, in this order; empty when there are none."""
    said = [row.content for row in rows]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest() if rows else ""


def donors_file(folder: Path, digest: str) -> Path:
    """Where the donors of that digest are listed in a recipe's folder."""
    return folder / "donors" / f"{digest}.json"


def write_donors(folder: Path, rows: Sequence[DonorRow]) -> None:
    """List donors in a recipe's folder, unless they are listed there already."""
    path = donors_file(folder, digest_of(rows))
    if rows and read_donors(folder, digest_of(rows)) is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1).encode())


def read_donors(folder: Path, digest: str) -> list[DonorRow] | None:
    """The donors of that digest; none for an empty one; None when their list is gone or damaged."""
    if not digest:
        return []
    try:
        rows = [DonorRow(**row) for row in json.loads(donors_file(folder, digest).read_text(encoding="utf-8"))]
        return rows if digest_of(rows) == digest else None
    except (OSError, ValueError, TypeError):
        return None


class CopyDonors:
    """Training samples as donors (see augmentation.donors), read from their files; the last ones are remembered.

    Attributes:
        rows: Which, in their order.
        names: Paths of their images, below the dataset.
    """

    def __init__(self, project: "Project", rows: Sequence[DonorRow]) -> None:
        self.rows = tuple(rows)
        self.names = tuple(row.image for row in rows)
        self._project = project
        self._read: OrderedDict[int, tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def take(self, index: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The whole picture and the foreground of its mask that is not ignored, whatever the seed."""
        with self._lock:
            pair = self._read.get(index)
            if pair is not None:
                self._read.move_to_end(index)
                return pair
        pair = self._pair(self.rows[index])  # two threads may read the same one: it is the same
        with self._lock:
            if index not in self._read:
                self._read[index] = pair
                self._nbytes += _nbytes(pair)
            while self._nbytes > MOST_BYTES and len(self._read) > 1:
                self._nbytes -= _nbytes(self._read.popitem(last=False)[1])
        return pair

    def _pair(self, row: DonorRow) -> tuple[np.ndarray, np.ndarray]:
        sample = self._project.samples.by_image(row.image)
        image, mask = self._project.read_image(sample), self._project.masks.load_revision(sample, row.revision)
        if image.shape[:2] != mask.shape:
            raise UserError(f"{row.image} and its mask have other sizes", "`segstudio check PROJECT` tells more")
        ignored = self._ignored(sample, row)
        return image, mask if ignored is None else mask & (ignored ^ np.uint8(1))

    def _ignored(self, sample: Sample, row: DonorRow) -> Mask | None:
        return self._project.ignored.load_kept(sample, row.ignored_sha256)


class CurrentDonors(CopyDonors):
    """Training samples as donors as they are now, for whoever only looks: nothing is sealed, kept or hashed."""

    def __init__(self, project: "Project", samples: Sequence[Sample]) -> None:
        super().__init__(project, [DonorRow(one.image, "", one.revision, "") for one in samples])

    def _ignored(self, sample: Sample, row: DonorRow) -> Mask | None:
        return self._project.ignored.load(sample)


def _nbytes(pair: tuple[np.ndarray, np.ndarray]) -> int:
    return pair[0].nbytes + pair[1].nbytes
