"""List the cross-validations and learning curves of a project."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project
from segstudio.project.studies import Study


@JOBS.register
class ListStudies(ProjectJob[Any]):
    """One row a study, newest first, with what came out."""

    name: ClassVar[str] = "studies"
    title: ClassVar[str] = "List studies"

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `studies`; one that cannot be read is noted."""
        for problem in project.studies.problems():
            report.note("studies", str(problem))
        return {"studies": [_row(project, one) for one in project.studies.list()]}


def _row(project: Project, study: Study) -> dict[str, Any]:
    cells = study.cells()
    is_running = not study.is_finished and not project.read_only and project.studies.is_running(study)
    return {
        "study": study.id,
        "created": study.created,
        "kind": str(study.kind),
        "what": study.title,
        "preset": study.arm.preset,
        "trained": f"{sum(cell.is_done for cell in cells)}/{len(cells)}",
        "status": "finished" if study.is_finished else "running" if is_running else "unfinished",
        "summary": (study.result or {}).get("summary"),
    }
