"""export dataset: images and masks as they stand now, laid out for another program."""

import contextlib
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from segstudio.core.errors import BadImage, UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample, Split
from segstudio.dataset_formats import DATASET_FORMATS, TABLE, DatasetFormat, Exported, Files, table_of
from segstudio.formats import encode_grey, encode_rgb, is_upright
from segstudio.formats.naming import split_suffix
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.outside import folder_outside
from segstudio.project.filter import compile_filter
from segstudio.project.mirror import Review
from segstudio.project.project import Project
from segstudio.project.threads import in_threads

_REST = 100_000_000
"""Bytes that stay free on the disk."""


class ExportDatasetOptions(Options):
    """What to write, and where."""

    to: str = option("", "Folder", help="Where it is written: a new folder, or an empty one.", is_path=True)
    format: str = option(
        "folders",
        "Format",
        choices=DATASET_FORMATS.names(),
        help=f"How it is laid out: {', '.join(DATASET_FORMATS.names())}.",
    )
    filter: str = option("", "Only", help="Which samples, for example state:accepted,corrected; empty is all.")
    category: str = option(
        "foreground", "Category", help="What the foreground is called, in formats that have names for it."
    )


@JOBS.register
class ExportDataset(ProjectJob[ExportDatasetOptions]):
    """Copies images as they are and writes their current masks; the folder appears complete or not at all."""

    name: ClassVar[str] = "export-dataset"
    title: ClassVar[str] = "Export dataset"
    Options: ClassVar[type[Options]] = ExportDatasetOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the dataset.

        Returns:
            `to`, `format`, `samples`, `splits` {train, val, test}, `without_mask` (left out), `notes` [{path, reason}]
            of others left out, `turned` (how many images were written anew, because only EXIF says which side is up),
            `ignored` (samples with an ignored region), `ignored_kept` (whether the format has a place for those),
            `lowest_agreement` (the smallest IoU of a mask with what another program will read; 1 is exact, null when
            all masks are empty).

        Raises:
            UserError: When the folder is none to write to or not empty, the disk has no room, there is no such format,
                or not one sample could be written.
        """
        form = DATASET_FORMATS[self.options.format](self.options.category.strip() or "foreground")
        folder = folder_outside(project, self.options.to)
        _require_empty(folder)
        table = project.samples.table()
        samples = [table.row(int(row)) for row in compile_filter(self.options.filter).rows(table)]
        chosen = [sample for sample in samples if sample.has_mask]
        if not chosen:
            raise UserError("no sample with a mask fits the filter" if samples else "no sample fits the filter")
        with _appearing(folder) as place:
            _require_room(project, chosen, place)
            writer = _Writer(project, form, place, chosen)
            with in_threads(list(enumerate(chosen, start=1)), writer.write) as written:
                for (number, sample), result in written:
                    try:
                        writer.keep(*result.result())
                    except UserError as error:
                        report.note(sample.image, str(error))
                        writer.notes.append({"path": sample.image, "reason": str(error)})
                    report.progress(number, len(chosen), sample.name)
            if not writer.kept:
                first = writer.notes[0]
                raise UserError(f"no sample could be written; {first['path']}: {first['reason']}")
            writer.finish()
        report.artifact(folder)
        return {
            "to": str(folder),
            "format": form.name,
            **writer.counts(),
            "without_mask": len(samples) - len(chosen),
            "notes": writer.notes,
        }


class _Writer:
    """Writes samples into a folder, and remembers what the files about all of them will say.

    Attributes:
        kept: Every sample that was written, with what its format tells of it.
        notes: {path, reason} of every sample that was left out.
    """

    def __init__(self, project: Project, form: DatasetFormat, place: Path, samples: Sequence[Sample]) -> None:
        self.kept: list[tuple[Exported, Any]] = []
        self.notes: list[dict[str, str]] = []
        self._project = project
        self._form = form
        self._place = place
        self._above = _common_folder(samples)
        self._reviews: dict[str, Review] = {
            review.image: review for review in project.samples.reviews([sample.id for sample in samples])
        }
        self._turned = self._ignored = 0
        self._agreements: list[float] = []

    def write(self, numbered: tuple[int, Sample]) -> tuple[Exported, Any, bool, bool, float | None]:
        """Write image and mask; called in threads.

        Returns:
            The sample, what the format tells of it, whether the image had to be turned, whether anything is ignored,
            and how well the mask can be read again.

        Raises:
            UserError: When something cannot be read or written.
        """
        number, sample = numbered
        mask, ignored = self._project.masks.load(sample), self._project.ignored.load(sample)
        suffix, image, is_turned = self._image(sample)
        review = self._reviews[sample.image]
        one = Exported(
            number, sample.stem.removeprefix(self._above), suffix, str(sample.split), sample.width,
            sample.height, str(sample.state), float(mask.mean()), review.reviewer, review.comment, sample.image,
        )  # fmt: skip
        files, told = self._form.describe(one, mask, ignored)
        read = self._form.read_back(one, files, told)
        either = int((read | mask).sum())
        agreement = int((read & mask).sum()) / either if either else None
        self._put({self._form.image_place(one): image, **files})
        return one, told, is_turned, ignored is not None, agreement

    def keep(self, one: Exported, told: Any, is_turned: bool, is_ignoring: bool, agreement: float | None) -> None:
        """Remember what has been written."""
        self.kept.append((one, told))
        self._turned += is_turned
        self._ignored += is_ignoring
        if agreement is not None:
            self._agreements.append(agreement)

    def finish(self) -> None:
        """Write the files about all of the dataset.

        Raises:
            UserError: When that is impossible.
        """
        rows = [(one, self._form.image_place(one), self._form.mask_place(one)) for one, _ in self.kept]
        self._put({**self._form.finish(self.kept), PurePosixPath(TABLE): table_of(rows)})

    def counts(self) -> dict[str, Any]:
        """What the job tells of it."""
        splits = Counter(one.split for one, _ in self.kept)
        return {
            "samples": len(self.kept),
            "splits": {str(split): splits[str(split)] for split in Split},
            "turned": self._turned,
            "ignored": self._ignored,
            "ignored_kept": self._form.keeps_ignored,
            "lowest_agreement": min(self._agreements, default=None),
        }

    def _image(self, sample: Sample) -> tuple[str, bytes, bool]:
        """Suffix and bytes of an image, and whether it is written anew as PNG, because it does not lie upright.

        Programs that do not heed EXIF orientation would see such an image lying on its side below an upright mask.
        """
        path = self._project.image_path(sample)
        pixels = self._project.read_image(sample)  # whoever gets the dataset shall not find the damaged files
        if is_upright(path):
            try:
                return split_suffix(path.name)[1], path.read_bytes(), False
            except OSError as error:
                raise BadImage(f"{path.name}: {error.strerror or error}") from error
        return ".png", encode_grey(pixels) if pixels.ndim == 2 else encode_rgb(pixels), True

    def _put(self, files: Files) -> None:
        for place, data in files.items():
            try:
                write_atomically(self._place / place, data, is_durable=False)
            except OSError as error:
                raise UserError(f"{place} cannot be written: {error.strerror or error}") from error


def _common_folder(samples: Sequence[Sample]) -> str:
    """The folder that all images lie in, with a slash at its end, or an empty string: it says nothing new."""
    folders = {sample.stem.rpartition("/")[0] for sample in samples}
    common = "" if "" in folders else os.path.commonpath(sorted(folders)).replace(os.sep, "/")
    return f"{common}/" if common else ""


def _require_empty(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty", "choose a new folder: a dataset is all that lies in it")


def _require_room(project: Project, samples: Sequence[Sample], place: Path) -> None:
    wanted = _REST
    for sample in samples:
        with contextlib.suppress(OSError):  # a missing image is noted when its turn comes
            wanted += project.image_path(sample).stat().st_size
    free = shutil.disk_usage(place).free
    if wanted > free:
        raise UserError(
            f"the dataset takes about {wanted / 1e9:.1f} GB, and the disk has {free / 1e9:.1f} GB left",
            "make room, or choose another disk",
        )


@contextlib.contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one, which takes its place at the end, and is gone when anything fails."""
    place = folder.with_name(f".tmp-{secrets.token_hex(8)}")
    try:
        try:
            place.mkdir(parents=True)
        except OSError as error:
            raise UserError(f"{folder} cannot be made: {error.strerror or error}") from error
        yield place
        try:
            if folder.exists():
                folder.rmdir()  # it is empty, and not every system can rename onto a folder
            place.rename(folder)
        except OSError as error:
            raise UserError(f"{folder} cannot be made: {error.strerror or error}") from error
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
