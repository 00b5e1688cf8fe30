"""check: compare a project's index with its files, or make the index anew from them."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, Job
from segstudio.project.check import Finding, check_project
from segstudio.project.project import Project
from segstudio.project.rebuilding import rebuild_index
from segstudio.project.topics import Topics


class CheckOptions(Options):
    """What to check."""

    thorough: bool = option(False, "Decode every image", help="Read each image in full, instead of its header alone.")
    rebuild: bool = option(
        False, "Make the index anew", help="Make project.sqlite from the files first; the old one is kept beside it."
    )
    source: str = option("", "Dataset", help="Where the dataset lies now, when its folder was moved.", is_path=True)


@JOBS.register
class Check(Job[CheckOptions]):
    """Verifies that everything the index says is true, and mends what can be mended."""

    name: ClassVar[str] = "check"
    title: ClassVar[str] = "Check project"
    topics: ClassVar[Topics] = frozenset({"samples", "masks", "problems", "predictions"})
    Options: ClassVar[type[Options]] = CheckOptions

    def perform(self, folder: Path, report: Reporter) -> dict[str, Any]:
        """Check the project in `folder`.

        Returns:
            `ok` (nothing is wrong now), `samples`, `findings` [{path, text, severity}], and `rebuilt` (what was found
            when the index was made anew) or None.
        """
        rebuilt = rebuild_index(folder, report) if self.options.rebuild else None
        with Project.open(folder) as project:
            if self.options.source:
                project.relocate(Path(self.options.source).expanduser())
            findings = check_project(project, report, is_thorough=self.options.thorough)
            for finding in findings:
                report.note(finding.path, finding.text)
            return {
                "ok": not any(map(_is_wrong, findings)),
                "samples": project.samples.count,
                "findings": [asdict(finding) for finding in findings],
                "rebuilt": rebuilt,
            }


def _is_wrong(finding: Finding) -> bool:
    return finding.severity != "mended"
