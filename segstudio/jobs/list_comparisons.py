"""List the comparisons of a project."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.comparisons import Comparison
from segstudio.project.project import Project


@JOBS.register
class ListComparisons(ProjectJob[Any]):
    """One row a comparison, newest first, with what came out."""

    name: ClassVar[str] = "comparisons"
    title: ClassVar[str] = "List comparisons"

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `comparisons`; one that cannot be read is noted."""
        for problem in project.comparisons.problems():
            report.note("comparisons", str(problem))
        return {"comparisons": [_row(project, one) for one in project.comparisons.list()]}


def _row(project: Project, comparison: Comparison) -> dict[str, Any]:
    result = comparison.result or {}
    cells = comparison.cells()
    status = "finished" if comparison.is_finished else "running" if _is_running(project, comparison) else "unfinished"
    return {
        "comparison": comparison.id,
        "created": comparison.created,
        "arms": comparison.title,
        "repeats": comparison.repeats,
        "trained": f"{sum(cell.is_done for cell in cells)}/{len(cells)}",
        "status": status,
        "metric": comparison.metric,
        "split": comparison.split,
        "verdict": result.get("verdict"),
        "difference": result.get("difference"),
        "interval": result.get("interval"),
    }


def _is_running(project: Project, comparison: Comparison) -> bool:
    return not project.read_only and project.comparisons.is_running(comparison)
