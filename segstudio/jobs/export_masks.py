"""export masks: write the current masks as files for other programs."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.core.threshold import predicted_at
from segstudio.formats import encode_grey
from segstudio.formats.naming import folded
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.outside import folder_outside
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.threads import in_threads
from segstudio.volumes.record import VolumeRecord, read_records
from segstudio.volumes.stacking import stacked, stacked_name, stacked_suffix

_VALUES = {"png": 255, "png01": 1}


class ExportMasksOptions(Options):
    """What to write, and where."""

    to: str = option("", "Folder", help="Where it is written; made when missing.", is_path=True)
    format: Literal["png", "png01", "volumes"] = option(
        "png",
        "Format",
        help="png is 8-bit grey with 0 and 255, png01 with 0 and 1, as many training programs want it; volumes puts "
        "the slices of each volume together again, as it lay (NIfTI; TIFF for stacks without a place in space).",
    )
    of: Literal["masks", "predictions"] = option(
        "masks", "What", help="The masks as they stand, or what a run predicts, at its own threshold."
    )
    run: str = option(
        "", "Run", only_with="of=predictions",
        help="Whose predictions: number of a run, best (the champion) or last; empty is the one that is shown.",
    )  # fmt: skip
    filter: str = option("", "Only", help="Which samples, for example state:accepted,corrected; empty is all.")
    ignored: str = option(
        "", "Ignored regions to", is_path=True,
        help="Another folder, for what is ignored of these samples as PNG of the same names; no mask can say it.",
    )  # fmt: skip
    overwrite: bool = option(False, "Overwrite", help="Replace files of the same names.")


@JOBS.register
class ExportMasks(ProjectJob[ExportMasksOptions]):
    """Writes the current mask of each sample under the image's own path."""

    name: ClassVar[str] = "export-masks"
    title: ClassVar[str] = "Export masks"
    Options: ClassVar[type[Options]] = ExportMasksOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the masks of the chosen samples.

        Returns:
            `to`, `masks` (how many were written), `without_mask`, `notes` [{path, reason}] for those left out,
            `ignored` (how many of the masks have an ignored region) and `ignored_to` (where these were written, or
            null), and `words`, when they were not. Of volumes also `volumes` [{volume, file, slices, masks}]: how many
            slices each has, and how many of them have a mask; the others are empty in the file. Of predictions also
            `run`; `masks` and `without_mask` then count those that it has predicted and has not.

        Raises:
            UserError: When the folder is none to write to, there is no such run, it has predicted nothing of this, or
                not one mask could be written.
        """
        folder = folder_outside(project, self.options.to)
        regions = folder_outside(project, self.options.ignored) if self.options.ignored else None
        if regions is not None and (regions == folder or regions in folder.parents or folder in regions.parents):
            raise UserError(f"{regions} is no folder of its own", "ignored regions would be taken for masks")
        table = project.samples.table()
        samples = [table.row(int(row)) for row in compile_filter(self.options.filter).rows(table)]
        run = self._run(project) if self.options.of == "predictions" else None
        chosen, load = _masks_of(project, samples, run)
        about = {} if run is None else {"run": run.id}
        if self.options.format == "volumes":
            stacking = _Stacking(project, chosen, load, folder, regions, self.options.overwrite)
            return stacking.run(report, len(samples) - len(chosen)) | about
        if not self.options.overwrite:
            _refuse_to_overwrite(folder, chosen)
            if regions is not None:
                _refuse_to_overwrite(regions, chosen)
        notes, ignored = [], 0
        with in_threads(chosen, lambda sample: self._write(project, sample, load, folder, regions)) as written:
            for done, (sample, result) in enumerate(written, start=1):
                try:
                    ignored += result.result()
                except UserError as error:
                    report.note(sample.image, str(error))
                    notes.append({"path": sample.image, "reason": str(error)})
                report.progress(done, len(chosen), sample.name)
        count = len(chosen) - len(notes)
        if notes and not count:
            raise UserError(f"no mask could be written; {notes[0]['path']}: {notes[0]['reason']}")
        report.artifact(folder)
        told: dict[str, Any] = {
            "to": str(folder),
            "masks": count,
            "without_mask": len(samples) - len(chosen),
            "notes": notes,
        }
        return told | _told_of_ignored(ignored, regions, report) | about

    def _run(self, project: Project) -> Run:
        """Whose predictions: they can be there without the weights that made them."""
        said, current = self.options.run.strip(), project.predictions.current()
        if not said and current is not None:
            return project.runs.get(current)
        return project.runs.training(int(said)) if said.isdecimal() else project.runs.resolve(said or "best")

    def _write(self, project: Project, sample: Sample, load: "_Load", folder: Path, regions: Path | None) -> bool:
        """Write the mask, and what is ignored where that is wanted; whether anything is."""
        mask, ignored = load(sample), None
        with contextlib.suppress(*([UserError] if regions is None else [])):  # a mask that is sound is written
            ignored = project.ignored.load(sample)
        wanted = [(folder, mask)] + ([(regions, ignored)] if regions is not None and ignored is not None else [])
        for where, pixels in wanted:
            try:
                data = encode_grey(pixels * np.uint8(_VALUES[self.options.format]))
                write_atomically(where / _name(sample), data, is_durable=False)
            except OSError as error:
                raise UserError(f"{where} cannot be written: {error.strerror or error}") from error
        return ignored is not None


_Load = Callable[[Sample], np.ndarray]
"""Gives the mask of a sample, uint8 (H, W) of 0 and 1; UserError when it cannot be read. Called in threads."""


def _masks_of(project: Project, samples: list[Sample], run: Run | None) -> tuple[list[Sample], _Load]:
    """The samples that have a mask, or a prediction by a run, and how it is read."""
    if run is None:
        return [sample for sample in samples if sample.has_mask], project.masks.load

    def load(sample: Sample) -> np.ndarray:
        probability = project.predictions.load(run.id, sample)
        if probability is None:
            raise UserError("its prediction is missing", "predict this sample again")
        return predicted_at(probability, run.level)

    predicted = project.predictions.manners(run.id)
    chosen = [sample for sample in samples if sample.id in predicted]
    if not chosen:
        raise UserError(f"run {run.id} has predicted none of these samples", "predict them first")
    return chosen, load


class _Stacking:
    """Puts the masks of volumes together again."""

    def __init__(
        self,
        project: Project,
        samples: list[Sample],
        load: _Load,
        folder: Path,
        regions: Path | None,
        is_overwriting: bool,
    ) -> None:
        self._project = project
        self._load = load
        self._samples = {sample.image: sample for sample in samples}
        self._folder = folder
        self._regions = regions
        self._records = [one for one in read_records(project.source) if self._of(one)]
        if not self._records:
            raise UserError(
                "none of these samples with masks is a slice of a volume", "png writes a file for each of them"
            )
        self._files = _file_names(self._records)
        wanted = [one / name for one in (folder, regions) if one is not None for name in self._files]
        if not is_overwriting and (there := next((path for path in wanted if path.exists()), None)):
            raise UserError(f"{there} exists already", "choose another folder")
        self._notes: list[dict[str, str]] = []
        self._masks = self._ignored = self._done = 0

    def run(self, report: Reporter, without_mask: int) -> dict[str, Any]:
        told = []
        for record, name in zip(self._records, self._files, strict=True):
            before = self._masks
            self._put(self._folder / name, stacked(record, self._read(record, report)))
            if self._regions is not None and any(map(self._is_ignoring, self._of(record))):
                self._put(self._regions / name, stacked(record, self._read_ignored(record)))
            told.append(
                {
                    "volume": record.image,
                    "file": name,
                    "slices": len(record.slices),
                    "masks": self._masks - before,
                }
            )
        report.artifact(self._folder)
        result = {
            "to": str(self._folder),
            "masks": self._masks,
            "without_mask": without_mask,
            "notes": self._notes,
            "volumes": told,
        }
        return result | _told_of_ignored(self._ignored, self._regions, report)

    def _of(self, record: VolumeRecord) -> list[Sample]:
        return [self._samples[path] for path in record.slices if path is not None and path in self._samples]

    def _read(self, record: VolumeRecord, report: Reporter) -> Iterator[np.ndarray | None]:
        """The mask of each slice, and how many of them have an ignored region counted on the way."""
        samples = [None if path is None else self._samples.get(path) for path in record.slices]
        with in_threads(samples, lambda one: None if one is None else self._load(one)) as read:
            for sample, result in read:
                mask = None
                if sample is not None:
                    try:
                        mask = result.result()
                        self._masks += 1
                        self._ignored += self._is_ignoring(sample)
                    except UserError as error:
                        report.note(sample.image, str(error))
                        self._notes.append({"path": sample.image, "reason": f"{error}; its slice is empty"})
                    self._done += 1
                    report.progress(self._done, len(self._samples), sample.name)
                yield mask

    def _is_ignoring(self, sample: Sample) -> bool:
        with contextlib.suppress(UserError):
            return self._project.ignored.load(sample) is not None
        return False

    def _read_ignored(self, record: VolumeRecord) -> Iterator[np.ndarray | None]:
        for path in record.slices:
            sample = None if path is None else self._samples.get(path)
            yield None if sample is None else self._project.ignored.load(sample)

    @staticmethod
    def _put(path: Path, data: bytes) -> None:
        try:
            write_atomically(path, data, is_durable=False)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror or error}") from error


def _file_names(records: list[VolumeRecord]) -> list[str]:
    """A file for each volume, called as its labels were, or as itself where two would share one."""
    wanted = [stacked_name(record) for record in records]
    counts = Counter(map(folded, wanted))
    return [
        f"{name if counts[folded(name)] == 1 else record.name}{stacked_suffix(record)}"
        for name, record in zip(wanted, records, strict=True)
    ]


def _told_of_ignored(ignored: int, regions: Path | None, report: Reporter) -> dict[str, Any]:
    """What the job tells of ignored regions, and in words that they were left out."""
    told: dict[str, Any] = {"ignored": ignored, "ignored_to": None if regions is None else str(regions)}
    if ignored and regions is None:
        what = "1 of these masks has an ignored region" if ignored == 1 else f"{ignored} have ignored regions"
        told["words"] = f"{what}, which no mask can say: --ignored FOLDER writes them beside."
        report.log(told["words"])
    return told


def _name(sample: Sample) -> PurePosixPath:
    return PurePosixPath(f"{sample.stem}.png")


def _refuse_to_overwrite(folder: Path, samples: list[Sample]) -> None:
    there = next((sample for sample in samples if (folder / _name(sample)).exists()), None)
    if there:
        raise UserError(f"{folder / _name(there)} exists already", "choose another folder")
