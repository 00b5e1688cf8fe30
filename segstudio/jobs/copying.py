"""Making the copies of an augmentation job, on every core, and only those that are not there yet."""

import contextlib
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import cv2
import numpy as np

from segstudio.augmentation.augmenter import Augmenter, seed_of
from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample, Split
from segstudio.core.wording import count_text
from segstudio.project.augmented import copy_name
from segstudio.project.copy_donors import CopyDonors, DonorRow, digest_of, read_donors
from segstudio.project.copy_rows import Row
from segstudio.project.copy_writer import CopyWriter, encoded_image, encoded_mask
from segstudio.project.project import Project
from segstudio.project.threads import in_threads

MARGIN = 500_000_000
"""So many bytes shall stay free on the disk: masks and trainings want room too."""

MEASURED = 4
"""So many copies at most (and one of a hundred) are made before the first is written, to see what room they take."""

BESIDE_PIXELS = 12_000
"""Bytes that a copy takes besides its pixels: the last blocks of two files and a row of the manifest."""

PAUSE_SECONDS = 0.1
"""How often progress is told and a cancel is noticed."""


@dataclass(frozen=True)
class _Order:
    """Copies of one sample for one thread to make: their rows, without what only the making tells."""

    sample: Sample
    rows: Sequence[Row]


class Copying:
    """The copies of one job, from what is wanted to what is written.

    Attributes:
        kept: Copies that were there already.
        written: Copies that were made.
        removed: Copies that are not asked for any more.
        notes: (image, reason) of samples that could not be copied.
    """

    def __init__(self, project: Project, writer: CopyWriter, recipe: Recipe, report: Reporter) -> None:
        self.kept = self.written = self.removed = 0
        self.notes: list[tuple[str, str]] = []
        self._project = project
        self._writer = writer
        self._report = report
        self._augmenter = Augmenter(recipe)
        self._digest = recipe.digest
        self._donors: dict[str, DonorRow] = {}
        self._earlier: dict[str, dict[str, DonorRow]] = {}
        self._hashed: dict[int, tuple[str, str]] = {}
        self._missing: list[_Order] = []
        self._unwanted: set[str] = set()
        self._stop = threading.Event()
        self._counting = threading.Lock()

    @property
    def total(self) -> int:
        """How many copies of the samples there shall be in the end."""
        return self.kept + self._to_make

    @property
    def _to_make(self) -> int:
        return sum(len(order.rows) for order in self._missing)

    def plan(self, samples: list[Sample], copies: int, seed: int, donors: Sequence[Sample] = ()) -> None:
        """Find out which copies are there as they would be made now, and which are not.

        Args:
            samples: With a sealed mask.
            copies: Of each.
            seed: Of all of them.
            donors: Training samples that foreground may be taken from, with a sealed mask; always in the same order.
        """
        there = self._writer.rows
        wanted: set[str] = set()
        donors_digest = self._fix_donors(donors)
        with in_threads(samples, self._hashes) as hashed:
            for done, (sample, result) in enumerate(hashed, start=1):
                self._report.progress(done, len(samples), f"looking at {sample.name}")
                try:
                    hashes = result.result()
                except (UserError, OSError) as error:
                    self._note(sample, error)
                    wanted |= {name for name, row in there.items() if row.source == sample.image}
                    continue
                rows = [self._row(sample, number, seed, *hashes, donors_digest) for number in range(1, copies + 1)]
                wanted |= {row.name for row in rows}
                missing = [row for row in rows if not self._is_there(row)]
                self.kept += len(rows) - len(missing)
                self._missing += [_Order(sample, missing)] if missing else []
        train = {one.image for one in self._project.samples.all() if one.split is Split.TRAIN}
        chosen = {one.image for one in samples}
        surplus = {
            name for name, row in there.items()
            if row.source not in train or (row.source in chosen and name not in wanted)
        }  # fmt: skip
        self.removed = len(surplus)
        to_make = {row.name for order in self._missing for row in order.rows}
        self._unwanted = surplus | (to_make & there.keys())
        text = f"{count_text(self.total, 'copy', 'copies')} of {count_text(len(samples), 'sample')}"
        self._report.log(f"{text}, {self.kept} of them there already")

    def _fix_donors(self, donors: Sequence[Sample]) -> str:
        """Fix what is taken from: whatever is edited meanwhile, the copies of this job take the same. Returns its hash.

        One that cannot be read is left out.
        """
        with in_threads(donors, self._hashes) as hashed:
            for done, (donor, result) in enumerate(hashed, start=1):
                self._report.progress(done, len(donors), f"looking at {donor.name}")
                try:
                    self._hashed[donor.id] = image, mask = result.result()
                except (UserError, OSError) as error:
                    self._report.log(f"nothing is taken from {donor.image}: {error}")
                    continue
                ignored = self._project.ignored.keep(donor)
                self._donors[donor.image] = DonorRow(donor.image, image, donor.revision, mask, ignored)
        rows = list(self._donors.values())
        self._augmenter = self._augmenter.with_donors(CopyDonors(self._project, rows))
        if rows:
            self._report.log(f"foreground is taken from {len(rows)} training samples")
        elif self._augmenter.wants_donors:
            reason = "nothing is taken from other samples: no training sample has any foreground"
            self._report.note(f"recipe {self._augmenter.recipe.name}", reason)
        return digest_of(rows)

    def check_room(self) -> None:
        """Make a few copies without writing them, and see whether all of them fit on the disk.

        Raises:
            UserError: When they do not; nothing has been written or removed then.
        """
        if not self._missing:
            return
        share = self._bytes_per_pixel()
        pixels = sum(order.sample.width * order.sample.height * len(order.rows) for order in self._missing)
        wanted = round(share * pixels) + BESIDE_PIXELS * self._to_make
        free = shutil.disk_usage(self._writer.folder).free + self._writer.nbytes(self._unwanted)
        if wanted + MARGIN > free:
            raise UserError(
                f"{self._to_make} copies need about {_size(wanted)}, and {_size(MARGIN)} shall stay free, but the disk "
                f"of {self._writer.folder} has only {_size(free)}",
                "make fewer copies, choose fewer samples with a filter, or free some space",
            )
        self._report.log(f"{self._to_make} copies will take about {_size(wanted)} of {_size(free)}")

    def remove_unwanted(self) -> None:
        """Remove the copies that are not asked for any more, and those that will be made anew."""
        self._writer.drop(self._unwanted)

    def make(self, threads: int) -> None:
        """Make and write what is missing.

        Raises:
            Cancelled: When the user stopped it; every pair that was begun is whole.
            OSError: When the disk is full.
        """
        self._writer.keep_donors(list(self._donors.values()))
        total, orders = self.total, iter(self._in_pieces(threads))
        pending: dict[Future[None], _Order] = {}
        with self._pool(threads) as pool:
            while True:
                there = self.kept + self.written
                self._report.progress(there, total, f"{there} of {count_text(total, 'copy', 'copies')}")
                for order in islice(orders, 2 * threads - len(pending)):
                    pending[pool.submit(self._make, order)] = order
                if not pending:
                    return
                done, _ = wait(pending, PAUSE_SECONDS, FIRST_COMPLETED)
                for future in done:
                    self._take(pending.pop(future).sample, future)

    @contextlib.contextmanager
    def _pool(self, threads: int) -> Iterator[ThreadPoolExecutor]:
        """Threads that are there for whole copies; at the end no copy is begun and those under way are finished."""
        before = cv2.getNumThreads()
        if threads > 1:
            # OpenCV would split every step among as many threads again, and they would wait for each other: a tenth.
            cv2.setNumThreads(1)
        pool = ThreadPoolExecutor(threads, thread_name_prefix="augment")
        try:
            yield pool
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)
            cv2.setNumThreads(before)

    def _hashes(self, sample: Sample) -> tuple[str, str]:
        """sha256 of the files of a sample's image and of its mask's current revision."""
        if known := self._hashed.get(sample.id):
            return known
        revisions = self._project.masks.revisions(sample)
        mask = next((one.path for one in revisions if one.number == sample.revision), None)
        if mask is None:
            raise UserError(f"the mask of {sample.image} is missing", "`segstudio check PROJECT` tells more")
        image = self._project.image_path(sample)
        return hashlib.sha256(image.read_bytes()).hexdigest(), hashlib.sha256(mask.read_bytes()).hexdigest()

    def _row(self, sample: Sample, number: int, seed: int, image_sha256: str, mask_sha256: str, donors: str) -> Row:
        own_seed = seed_of(seed, sample.image, number)
        name = copy_name(sample.stem, number)
        return Row(
            name, sample.image, number, own_seed, sample.revision, image_sha256, mask_sha256, self._digest, "", "",
            donors,
        )  # fmt: skip

    def _is_there(self, row: Row) -> bool:
        there = self._writer.rows.get(row.name)
        return there is not None and self._is_same(there, row) and self._writer.is_whole(row.name)

    def _is_same(self, there: Row, row: Row) -> bool:
        """Whether the copy that is there has the bytes that this row asks for."""
        if there.identity == row.identity:
            return True
        if replace(there, donors_sha256=row.donors_sha256).identity != row.identity:
            return False
        # Who else could have given foreground matters by their number and order alone.
        before = self._donors_before(there.donors_sha256)
        return list(before) == list(self._donors) and all(
            before[one.image].content == self._donors[one.image].content for one in there.taken
        )

    def _donors_before(self, digest: str) -> dict[str, DonorRow]:
        """The donors of an earlier job, by their images; nothing when it is not known any more."""
        if digest not in self._earlier:
            rows = read_donors(self._writer.folder, digest) or []
            self._earlier[digest] = {row.image: row for row in rows}
        return self._earlier[digest]

    def _in_pieces(self, threads: int) -> Iterator[_Order]:
        """The orders; those of few samples in pieces, so that every thread gets some."""
        if len(self._missing) >= 4 * threads:
            yield from self._missing
            return
        for order in self._missing:
            size = max(1, len(order.rows) // threads)
            for start in range(0, len(order.rows), size):
                yield replace(order, rows=order.rows[start : start + size])

    def _make(self, order: _Order) -> None:
        """In a thread: one sample's copies, one after the other."""
        image, mask = self._pair(order.sample)
        for row in order.rows:
            if self._stop.is_set():
                return
            made = self._augmenter.apply(image, mask, row.seed, source=row.source, has_applied=True)
            applied = json.dumps(self._traced(made.applied), ensure_ascii=False, separators=(",", ":"))
            self._writer.write(replace(row, parameters=applied), made.image, made.mask)
            with self._counting:
                self.written += 1

    def _traced(self, applied: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What was applied, with the exact mask of every donor beside its name."""
        for step in applied:
            for pasted in step.get("pasted", ()):
                donor = self._donors[pasted["donor"]]
                pasted |= {"revision": donor.revision, "mask_sha256": donor.mask_sha256}
                if donor.ignored_sha256:
                    pasted["ignored_sha256"] = donor.ignored_sha256
        return applied

    def _pair(self, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        return self._project.read_image(sample), self._project.masks.load_revision(sample, sample.revision)

    def _take(self, sample: Sample, done: "Future[None]") -> None:
        error = done.exception()
        if isinstance(error, UserError):
            self._note(sample, error)
        elif error is not None:
            raise error

    def _note(self, sample: Sample, error: Exception) -> None:
        if sample.image not in dict(self.notes):
            self.notes.append((sample.image, str(error)))
            self._report.note(sample.image, str(error))

    def _bytes_per_pixel(self) -> float:
        """How many bytes a copy takes for each pixel of its source: the mean of a few that lie far apart."""
        count = min(MEASURED, 1 + self._to_make // 100)
        step = max(1, len(self._missing) // count)
        shares = []
        for order in self._missing[::step][:count]:
            try:
                row = order.rows[0]
                made = self._augmenter.apply(*self._pair(order.sample), row.seed, source=row.source)
            except UserError:
                continue  # it will be noted when its turn comes
            size = len(encoded_image(made.image)) + len(encoded_mask(made.mask))
            shares.append(size / (order.sample.width * order.sample.height))
        return sum(shares) / len(shares) if shares else 0.0


def _size(count: int) -> str:
    """A number of bytes for people: "1.2 GB"."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"
