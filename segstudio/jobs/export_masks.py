"""export masks: write the current masks as files for other programs."""

import contextlib
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.formats import encode_grey
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.outside import folder_outside
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.threads import in_threads

_VALUES = {"png": 255, "png01": 1}


class ExportMasksOptions(Options):
    """What to write, and where."""

    to: str = option("", "Folder", help="Where it is written; made when missing.", is_path=True)
    format: Literal["png", "png01"] = option(
        "png", "Format", help="png is 8-bit grey with 0 and 255, png01 with 0 and 1, as many training programs want it."
    )
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
            null), and `words`, when they were not.

        Raises:
            UserError: When the folder is none to write to, or not one mask could be written.
        """
        folder = folder_outside(project, self.options.to)
        regions = folder_outside(project, self.options.ignored) if self.options.ignored else None
        if regions is not None and (regions == folder or regions in folder.parents or folder in regions.parents):
            raise UserError(f"{regions} is no folder of its own", "ignored regions would be taken for masks")
        table = project.samples.table()
        samples = [table.row(int(row)) for row in compile_filter(self.options.filter).rows(table)]
        chosen = [sample for sample in samples if sample.has_mask]
        if not self.options.overwrite:
            _refuse_to_overwrite(folder, chosen)
            if regions is not None:
                _refuse_to_overwrite(regions, chosen)
        notes, ignored = [], 0
        with in_threads(chosen, lambda sample: self._write(project, sample, folder, regions)) as written:
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
        told |= {"ignored": ignored, "ignored_to": None if regions is None else str(regions)}
        if ignored and regions is None:
            what = "1 of these masks has an ignored region" if ignored == 1 else f"{ignored} have ignored regions"
            told["words"] = f"{what}, which no mask can say: --ignored FOLDER writes them beside."
            report.log(told["words"])
        return told

    def _write(self, project: Project, sample: Sample, folder: Path, regions: Path | None) -> bool:
        """Write the mask, and what is ignored where that is wanted; whether anything is."""
        mask, ignored = project.masks.load(sample), None
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


def _name(sample: Sample) -> PurePosixPath:
    return PurePosixPath(f"{sample.stem}.png")


def _refuse_to_overwrite(folder: Path, samples: list[Sample]) -> None:
    there = next((sample for sample in samples if (folder / _name(sample)).exists()), None)
    if there:
        raise UserError(f"{folder / _name(there)} exists already", "choose another folder")
