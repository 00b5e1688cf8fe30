"""comparisons: list those of a project."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.experiment_files import listed
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project


@JOBS.register
class ListComparisons(ProjectJob[Any]):
    """One row a comparison, newest first, with what came out."""

    name: ClassVar[str] = "comparisons"
    title: ClassVar[str] = "List comparisons"

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `comparisons`; one that cannot be read is noted."""
        return {"comparisons": listed(project, project.comparisons, report, _row)}


def _row(comparison: Comparison) -> dict[str, Any]:
    result = comparison.result or {}
    return {
        "arms": comparison.title,
        "repeats": comparison.repeats,
        "metric": comparison.metric,
        "split": comparison.split,
        "verdict": result.get("verdict"),
        "difference": result.get("difference"),
        "interval": result.get("interval"),
    }
