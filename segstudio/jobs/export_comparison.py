"""export comparison: its page, all of it as JSON, or the table of its scores."""

from dataclasses import asdict
from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.comparison_page import page
from segstudio.jobs.experiment_files import TO_HELP, export
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project


class ExportComparisonOptions(Options):
    """Which, and where to."""

    to: str = option("", "File", help=TO_HELP, is_path=True)
    comparison: int = option(0, "Comparison", ge=0, help="Its number; 0 is the newest one with a result.")


@JOBS.register
class ExportComparison(ProjectJob[ExportComparisonOptions]):
    """Writes one file: a page that needs nothing else to be looked at; what the job returned with its arms; or one line
    for each image and training.
    """

    name: ClassVar[str] = "export-comparison"
    title: ClassVar[str] = "Export comparison"
    Options: ClassVar[type[Options]] = ExportComparisonOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Write the file; the result has its `path` and the `comparison`. See `experiment_files.export`."""
        return export(project, project.comparisons, self.options.comparison, self.options.to, report, page, _about)


def _about(comparison: Comparison) -> dict[str, Any]:
    return {**comparison.about, "arms": [asdict(arm) for arm in comparison.arms]}
