"""studies: list the cross-validations and learning curves of a project."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.experiment_files import listed
from segstudio.project.project import Project
from segstudio.project.studies import Study


@JOBS.register
class ListStudies(ProjectJob[Any]):
    """One row a study, newest first, with what came out."""

    name: ClassVar[str] = "studies"
    title: ClassVar[str] = "List studies"

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `studies`; one that cannot be read is noted."""
        return {"studies": listed(project, project.studies, report, _row)}


def _row(study: Study) -> dict[str, Any]:
    return {
        "kind": str(study.kind),
        "what": study.title,
        "preset": study.arm.preset,
        "summary": (study.result or {}).get("summary"),
    }
