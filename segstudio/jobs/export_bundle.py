"""export bundle: masks, verdicts and comments of one reader as a zip for another."""

import secrets
from pathlib import Path
from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.user_settings import reviewer_name
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.bundle import write_bundle
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project


class ExportBundleOptions(Options):
    """What to pack, and where to."""

    to: str = option("", "File", help="The zip to write; it must not be there.", is_path=True)
    filter: str = option("", "Only", help="Which samples, for example state:accepted,corrected; empty is all.")
    images: bool = option(False, "With images", help="Pack the images too; the other reader usually has them.")
    reviewer: str = option("", "Reviewer", help="Whose bundle it is; the name of the settings when empty.")


@JOBS.register
class ExportBundle(ProjectJob[ExportBundleOptions]):
    """Packs the current masks with hashes of their images, so that nobody holds masks of other images against them."""

    name: ClassVar[str] = "export-bundle"
    title: ClassVar[str] = "Export bundle"
    Options: ClassVar[type[Options]] = ExportBundleOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the bundle.

        Returns:
            `to`, `reviewer`, `samples`, `masks`, `ignored` (how many ignored regions are packed), and `notes`
            [{path, reason}] of those left out.

        Raises:
            UserError: When nobody says whose it is, or the file cannot be written.
        """
        reviewer = (self.options.reviewer or reviewer_name()).strip()
        if not reviewer:
            raise UserError("a bundle bears the name of its reader", "say it with --reviewer, or in Edit ▸ Settings")
        target = self._target(project)
        table = project.samples.table()
        rows = compile_filter(self.options.filter).rows(table)
        samples = [one for one in project.samples.all([int(one) for one in table.id[rows]]) if not one.problem]
        if not samples:
            raise UserError("no sample fits the filter")
        heard = _Heard(report)
        part = target.with_name(f".tmp-{secrets.token_hex(8)}")
        try:
            entries = write_bundle(project, samples, part, reviewer, heard, has_images=self.options.images)
            if not entries:
                raise UserError(f"nothing could be packed; {heard.notes[0]['path']}: {heard.notes[0]['reason']}")
            part.rename(target)
        except OSError as error:
            raise UserError(f"{target} cannot be written: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)
        report.artifact(target)
        masks = sum(entry.mask is not None for entry in entries)
        ignored = sum(entry.ignored is not None for entry in entries)
        return {
            "to": str(target), "reviewer": reviewer, "samples": len(entries), "masks": masks, "ignored": ignored,
            "notes": heard.notes,
        }  # fmt: skip

    def _target(self, project: Project) -> Path:
        if not self.options.to:
            raise UserError("export wants a file to write", "say it with --to FILE.zip")
        target = Path(self.options.to).expanduser().absolute()
        target = target if target.suffix else target.with_suffix(".zip")
        if target.exists():
            raise UserError(f"{target} exists already", "choose another name")
        if not target.parent.is_dir():
            raise UserError(f"there is no folder {target.parent}")
        if target.resolve().is_relative_to(project.source.resolve()):
            raise UserError(f"{target} lies in the dataset itself", "choose a file outside of it")
        return target


class _Heard:
    """A reporter that keeps the notes too."""

    def __init__(self, report: Reporter) -> None:
        self._report = report
        self.notes: list[dict[str, str]] = []

    def note(self, subject: str, text: str) -> None:
        """A sample that was left out."""
        self.notes.append({"path": subject, "reason": text})
        self._report.note(subject, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._report, name)
