"""Augmented copies: pairs that a recipe has made of training samples, to be looked at and learnt from.

    augmented/<recipe>/images/<stem>-NN.png   the image, grey or in colours as its source is
    augmented/<recipe>/masks/<stem>-NN.png    its mask, 8-bit 0/255
    augmented/<recipe>/manifest.csv           what each was made of, and how
    augmented/<recipe>/rejected.csv           those that shall not be learnt from
    augmented/<recipe>/donors/*.json          which samples foreground was taken from, see copy_donors

The mask is written before its image and the image before its row: what has a row is whole, whenever a job is killed.
Copies can always be made again, byte for byte, from what their row says.
"""

import contextlib
import functools
import hashlib
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock, Timeout

from segstudio.augmentation.augmenter import seed_of
from segstudio.core.errors import UserError
from segstudio.core.files import stamp_of
from segstudio.core.sample import Split
from segstudio.project.clock import now
from segstudio.project.copy_donors import CopyDonors, donor_samples, read_donors
from segstudio.project.copy_rows import (
    About,
    Manifest,
    Row,
    Taken,
    read_about,
    read_manifest,
    read_rejected,
    write_rejected,
)
from segstudio.project.recipes import folder_name
from segstudio.project.stems import folded, shortened

if TYPE_CHECKING:
    from segstudio.project.project import Project

REJECTING_SECONDS = 10.0
"""So long one process waits for another that is writing rejected.csv."""


@dataclass(frozen=True, slots=True)
class Copy:
    """An augmented pair.

    Attributes:
        recipe: Name of the recipe, as its folder has it.
        name: Unique in its recipe: the path of both files below images/ and masks/, without the extension.
        sample: Id of the sample that it was made of.
        source: That sample's image, a path below the dataset.
        number: Which copy of the sample it is, from 1.
        seed: Of this copy alone; the recipe with this seed makes it again.
        revision: Number of the mask that it was made of.
        mask_sha256: Of that mask's file.
        image_file: Where the image lies.
        mask_file: Where the mask lies.
        parameters: JSON of what was applied: a list of steps with the values that were drawn.
        is_rejected: Whether a person does not want it to be learnt from.
        is_stale: Whether the mask, that of a donor, what is ignored of a donor or the recipe is another by now.
        sha256: Of the contents of both files.
        recipe_digest: Of the recipe that made it, as it was then.
        donors: Ids of the samples that foreground was taken from, each with what `IgnoredRegions.keep` said of it then.
        donors_sha256: Of all samples that it might have been taken from; see `AugmentedCopies.donors`.
    """

    recipe: str
    name: str
    sample: int
    source: str
    number: int
    seed: int
    revision: int
    mask_sha256: str
    image_file: Path
    mask_file: Path
    parameters: str
    is_rejected: bool
    is_stale: bool
    sha256: str
    recipe_digest: str
    donors: tuple[tuple[int, str], ...] = ()
    donors_sha256: str = ""


class Outlook(NamedTuple):
    """What a job would find of the copies that it is asked for, as far as the index knows.

    Attributes:
        kept: There as they would be made now.
        anew: There, but made of another mask or with another seed or recipe: they would be made anew.
        removed: Not asked for any more: more copies of a sample than wanted, or of one that is not learnt from now.
        rejected: Of those that are kept, how many a person does not want.
        others: Of samples that are not asked about.
    """

    kept: int = 0
    anew: int = 0
    removed: int = 0
    rejected: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        """How many copies there are now."""
        return self.kept + self.anew + self.removed + self.others


class _Known(NamedTuple):
    """A copy's row, and what the index says of it.

    Attributes:
        row: As the manifest has it.
        source: What it was made of.
        donors: What foreground was taken from, each with its ignored regions then; those that are gone are left out.
        splits: Of all of these.
        is_stale: See `Copy`.
    """

    row: Row
    source: "_Source"
    donors: tuple[tuple[int, str], ...]
    splits: frozenset[str]
    is_stale: bool


class _Source(NamedTuple):
    """What the index knows of a sample that copies were made of."""

    id: int
    position: int
    revision: int
    mask_sha256: str | None
    split: str


class _Read(NamedTuple):
    """What the files of a recipe's folder say, and their stamps."""

    stamps: tuple[object, ...]
    manifest: Manifest
    taken: dict[str, tuple[Taken, ...]]
    rejected: dict[tuple[str, str], str]
    about: About | None


class AugmentedCopies:
    """The copies of a project, recipe by recipe; may be used from several threads."""

    def __init__(self, project: "Project") -> None:
        self._project = project
        self._read_before: dict[str, _Read] = {}

    def folder(self, recipe: str) -> Path:
        """Where the copies of a recipe lie, or would lie."""
        return self._project.folder / "augmented" / folder_name(recipe)

    def recipes(self) -> list[str]:
        """The recipes that there are copies of, in the order of their names."""
        manifests = (self._project.folder / "augmented").glob("*/manifest.csv")
        return sorted((path.parent.name for path in manifests), key=folded)

    def copies(self, recipe: str, *, usable: bool = False) -> list[Copy]:
        """The copies of a recipe, in the order of their samples' names.

        The first call after a change of the recipe may load Albumentations, to see whether the change matters: not
        for the window's thread.

        Args:
            recipe: Its name.
            usable: Only what may be learnt from: neither rejected nor stale, and of samples of the training split,
                those that foreground was taken from included.
                Whoever lets some of these samples validate instead leaves out their copies too.
        """
        folder, read, found = self.folder(recipe), self._files(recipe), []
        for row, source, donors, splits, is_stale in self._known(recipe, read):
            is_rejected = (row.name, row.copy_sha256) in read.rejected
            if usable and (is_rejected or is_stale or splits != {Split.TRAIN}):
                continue
            copy = Copy(
                folder.name, row.name, source.id, row.source, row.number, row.seed, row.revision, row.mask_sha256,
                image_file(folder, row.name), mask_file(folder, row.name), row.parameters, is_rejected, is_stale,
                row.copy_sha256, row.recipe_digest, donors, row.donors_sha256,
            )  # fmt: skip
            found.append((source.position, row.number, copy))
        return [copy for *_, copy in sorted(found, key=lambda one: one[:2])]

    def outlook(self, recipe: str, samples: Collection[int], copies: int, seed: int) -> Outlook:
        """What a job would find that is asked for copies now: not for the window's thread, see `copies`.

        Args:
            recipe: Its name.
            samples: Ids of the samples that shall be copied.
            copies: Of each.
            seed: Of all of them.
        """
        read, wanted = self._files(recipe), set(samples)
        numbers = dict.fromkeys(Outlook._fields, 0)
        donors = self._donors_of(recipe)
        are_donors_same: dict[str, bool] = {}
        for row, source, _, _, is_stale in self._known(recipe, read):
            if row.donors_sha256 not in are_donors_same:
                listed = read_donors(self.folder(recipe), row.donors_sha256)
                are_donors_same[row.donors_sha256] = listed is not None and [one.image for one in listed] == donors
            if source.split != Split.TRAIN or (source.id in wanted and row.number > copies):
                numbers["removed"] += 1
            elif source.id not in wanted:
                numbers["others"] += 1
            elif (
                not is_stale
                and are_donors_same[row.donors_sha256]
                and row.seed == seed_of(seed, row.source, row.number)
            ):
                numbers["kept"] += 1
                numbers["rejected"] += (row.name, row.copy_sha256) in read.rejected
            else:
                numbers["anew"] += 1
        return Outlook(**numbers)

    def _known(self, recipe: str, read: _Read) -> Iterator[_Known]:
        """The copies of samples of this dataset; the next job of this recipe removes all others."""
        sources, digest = self._sources(), self._digest(recipe, read)

        @functools.cache
        def ignored_now(image: str) -> str:
            return self._project.ignored.sha256(self._project.samples.by_image(image))

        def is_other(donor: _Source | None, one: Taken) -> bool:
            if donor is None or _has_other_mask(one.revision, one.mask_sha256, donor):
                return True
            return ignored_now(one.image) != one.ignored_sha256

        for row in read.manifest.rows.values():
            source = sources.get(row.source)
            if source is None:
                continue
            donors = [(sources.get(one.image), one) for one in read.taken.get(row.name, ())]
            is_stale = (
                _has_other_mask(row.revision, row.mask_sha256, source)
                or digest not in (None, row.recipe_digest)
                or any(is_other(donor, one) for donor, one in donors)
            )
            known = [(donor, one.ignored_sha256) for donor, one in donors if donor is not None]
            splits = frozenset([source.split, *(donor.split for donor, _ in known)])
            yield _Known(row, source, tuple((donor.id, ignored) for donor, ignored in known), splits, is_stale)

    def _donors_of(self, recipe: str) -> list[str]:
        """The images that a job of this recipe would take foreground from."""
        try:
            wants_donors = self._project.recipes.get(folder_name(recipe)).wants_donors
        except UserError:
            wants_donors = False
        return [one.image for one in donor_samples(self._project)] if wants_donors else []

    def about(self, recipe: str) -> About | None:
        """What was asked for when copies of this recipe were last made."""
        return self._files(recipe).about

    def donors(self, copy: Copy) -> CopyDonors | None:
        """The samples that foreground may have been taken from for a copy; None when it is not known any more."""
        rows = read_donors(self.folder(copy.recipe), copy.donors_sha256)
        return None if rows is None else CopyDonors(self._project, rows)

    def reject(self, recipe: str, names: Iterable[str], is_rejected: bool = True) -> None:
        """Keep some copies out of trainings, or let them in again.

        Args:
            recipe: Whose copies.
            names: Their names; those that are not there are passed over.
            is_rejected: False takes a rejection back.

        Raises:
            ReadOnlyProject: When the project is not to be changed.
        """
        self._project.require_writable()
        rows, time = self._files(recipe).manifest.rows, now()
        chosen = [(row.name, row.copy_sha256) for name in names if (row := rows.get(name)) is not None]
        with self.rejecting(recipe) as rejected:
            for copy in chosen:
                if is_rejected:
                    rejected.setdefault(copy, time)
                else:
                    rejected.pop(copy, None)
        self.tell()

    def remove(self, recipe: str) -> None:
        """Delete all copies of a recipe.

        Raises:
            UserError: When a job is making some.
            ReadOnlyProject: When the project is not to be changed.
        """
        self._project.require_writable()
        folder = self.folder(recipe)
        with self.locked(recipe):
            (folder / "manifest.csv").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
        self.tell()

    @contextlib.contextmanager
    def locked(self, recipe: str) -> Iterator[None]:
        """The right to change the copies of a recipe, for one job of one process.

        Raises:
            UserError: When another one has it.
        """
        lock = self._lock(recipe, "making")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"another job is making copies of {recipe!r} in this project", "wait for its end, or cancel it"
            ) from None
        except (NotImplementedError, OSError):
            pass  # this disk knows no locks
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def rejecting(self, recipe: str) -> Iterator[dict[tuple[str, str], str]]:
        """What rejected.csv says, to be changed in place; it is written at the end of the block."""
        lock = self._lock(recipe, "rejecting")
        with contextlib.suppress(Timeout, NotImplementedError, OSError):
            lock.acquire(timeout=REJECTING_SECONDS)
        try:
            path = self.folder(recipe) / "rejected.csv"
            rejected = read_rejected(path)
            before = dict(rejected)
            yield rejected
            if rejected != before:
                write_rejected(path, rejected)
        finally:
            lock.release()

    def tell(self) -> None:
        """Let everybody know that copies have changed."""
        self._project.changed.emit(frozenset({"augmented"}))

    def _lock(self, recipe: str, what: str) -> FileLock:
        folder = self.folder(recipe)
        folder.parent.mkdir(exist_ok=True)
        # Beside the folder, not in it: Windows deletes no folder with an open file.
        return FileLock(folder.parent / f".lock-{what}-{folder.name}", thread_local=False)

    def _files(self, recipe: str) -> _Read:
        """What the text files say; read again only when one of them is another."""
        folder = self.folder(recipe)
        paths = [folder / name for name in ("manifest.csv", "rejected.csv", "about.json")]
        stamps = tuple(map(stamp_of, paths))
        read = self._read_before.get(folder.name)
        if read is None or read.stamps != stamps:
            manifest, rejected, about = paths
            listed = read_manifest(manifest)
            taken = {row.name: row.taken for row in listed.rows.values() if row.donors_sha256}
            read = _Read(stamps, listed, taken, read_rejected(rejected), read_about(about, folder.name))
            self._read_before[folder.name] = read
        return read

    def _sources(self) -> dict[str, _Source]:
        rows = self._project.database.rows("SELECT image, id, position, revision, mask_sha256, split FROM sample")
        return {image: _Source(*others) for image, *others in rows}

    def _digest(self, recipe: str, read: _Read) -> str | None:
        """The digest of the recipe as it is now; None when nothing is known of it any more."""
        made = read.about
        try:
            current = self._project.recipes.get(folder_name(recipe))
            return made.digest if made and made.recipe.steps == current.steps else current.digest
        except UserError:  # it came from a file, was deleted, or is broken
            return made.digest if made else None


def copy_name(stem: str, number: int) -> str:
    """What a copy of the sample with that stem is called: unique, because stems are, and no longer than a stem may be.

    A folder that could be taken for another copy's file gets a sign.
    """
    folder, slash, name = stem.rpartition("/")
    return shortened(f"{'/'.join(map(_folder, folder.split('/')))}{slash}{name}-{number:02}")


def image_file(folder: Path, name: str) -> Path:
    """The image of a copy in a recipe's folder."""
    return folder / "images" / f"{name}.png"


def mask_file(folder: Path, name: str) -> Path:
    """The mask of a copy in a recipe's folder."""
    return folder / "masks" / f"{name}.png"


def _folder(name: str) -> str:
    if not name.lower().endswith(".png"):
        return name
    return shortened(f"{name}~{hashlib.sha256(name.encode()).hexdigest()[:8]}")


def _has_other_mask(revision: int, mask_sha256: str, source: _Source) -> bool:
    """Whether a sample's mask is not the one that a copy was made of."""
    if source.revision and revision:
        # The content decides: an index made anew from the files may count revisions otherwise.
        return source.mask_sha256 != mask_sha256
    return source.revision != revision
