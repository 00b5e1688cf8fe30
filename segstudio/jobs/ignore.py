"""ignore: take ignored regions of samples from a folder of pictures, write them to one, or forget them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from segstudio.core.errors import BadImage, UserError
from segstudio.core.files import write_atomically
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.formats import encode_mask, read_mask_values
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.editing import refuse_beside_a_window
from segstudio.jobs.outside import require_outside
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class IgnoreOptions(Options):
    """What to do: one of these, or nothing to be told what is ignored."""

    source: str = option(
        "", "From", is_path=True,
        help="A folder of pictures named as the images and of their size; what is not black is ignored.",
    )  # fmt: skip
    to: str = option("", "To", is_path=True, help="A folder for the regions, as 8-bit PNG of 0 and 255.")
    clear: bool = option(False, "Clear", help="Ignore nothing any more.")
    filter: str = option("", "Only", help="Which samples; all when empty.")


@JOBS.register
class Ignore(ProjectJob[IgnoreOptions]):
    """What is ignored is not learnt from and not measured."""

    name: ClassVar[str] = "ignore"
    title: ClassVar[str] = "Ignored regions"
    topics: ClassVar[Topics] = frozenset({"masks", "samples", "predictions"})
    Options: ClassVar[type[Options]] = IgnoreOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Import, export or clear.

        Returns:
            `samples` [{sample, image, share}]: those with an ignored region now, and what share of their area it is;
            `changed` or `written`: how many regions became others, or were written; `notes` [{path, reason}].

        Raises:
            UserError: When more than one thing is asked for, a folder is none or holds nothing that fits, or regions
                are to be changed while a window is editing the project.
        """
        options = self.options
        if sum((bool(options.source), bool(options.to), options.clear)) > 1:
            raise UserError("from, to and clear are three things to do", "say one of them")
        table = project.samples.table()
        samples = [table.row(int(row)) for row in compile_filter(options.filter).rows(table)]
        notes: list[dict[str, str]] = []
        done = {}
        if options.source:
            with refuse_beside_a_window(project):
                done["changed"] = self._take(project, samples, report, notes)
        elif options.clear:
            project.require_writable()
            with refuse_beside_a_window(project):
                nothing = ((one, np.zeros((one.height, one.width), np.uint8)) for one in samples)
                done["changed"] = sum(_set(project, one, region) for one, region in nothing)
        elif options.to:
            done["written"] = self._write(project, samples, report)
        there = []
        for one in samples:
            try:
                region = project.ignored.load(one)
            except UserError as error:
                notes.append({"path": one.image, "reason": str(error)})
                continue
            if region is not None:
                there.append({"sample": one.id, "image": one.image, "share": float(region.mean())})
        return {**done, "samples": there, "notes": notes}

    def _take(self, project: Project, samples: list[Sample], report: Reporter, notes: list[dict[str, str]]) -> int:
        project.require_writable()
        folder = Path(self.options.source).expanduser().absolute()
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder", "name the folder of the regions")
        names = Counter(PurePosixPath(one.stem).name for one in project.samples.all())
        files = {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for path in sorted(folder.rglob("*.*"))
            if path.is_file()
        }
        found = [(one, path) for one in samples if (path := files.get(one.stem) or _alone(files, one, names))]
        if not found:
            stem = samples[0].stem if samples else "IMAGE"
            raise UserError(f"{folder} holds a region of none of the images", f"it would be called {stem}.png")
        changed = 0
        for number, (sample, path) in enumerate(found, 1):
            try:
                values = read_mask_values(path)
                region = ((values.max(axis=2) if values.ndim == 3 else values) > 0).astype(np.uint8)
                height, width = region.shape
                if (height, width) != (sample.height, sample.width):
                    raise UserError(f"it is {width}x{height}, but the image is {sample.width}x{sample.height}")
                changed += _set(project, sample, region)
            except (UserError, OSError) as error:
                report.note(str(path), str(error))
                notes.append({"path": str(path), "reason": str(error)})
            report.progress(number, len(found), sample.name)
        return changed

    def _write(self, project: Project, samples: list[Sample], report: Reporter) -> int:
        folder, written = Path(self.options.to).expanduser().absolute(), 0
        require_outside(project, folder)
        for number, sample in enumerate(samples, 1):
            try:
                region = project.ignored.load(sample)
            except BadImage:  # said in the notes of the result
                continue
            if region is not None:
                write_atomically(folder / PurePosixPath(f"{sample.stem}.png"), encode_mask(region), is_durable=False)
                written += 1
            report.progress(number, len(samples), sample.name)
        if written:
            report.artifact(folder)
        return written


def _set(project: Project, sample: Sample, region: np.ndarray) -> bool:
    """Ignore a region; whether that is another one than before."""
    try:
        before = project.ignored.load(sample)
        if np.array_equal(region, np.zeros_like(region) if before is None else before):
            return False
    except BadImage:  # what is damaged is replaced
        pass
    project.ignored.save(sample.id, region)
    return True


def _alone(files: dict[str, Path], sample: Sample, names: Mapping[str, int]) -> Path | None:
    """The file of a sample by the plain name of its image, when no other image has that name."""
    name = PurePosixPath(sample.stem).name
    return files.get(name) if names[name] == 1 else None
