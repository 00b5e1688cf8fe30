"""agreement: how far other readers' masks are the same as one's own."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.import_bundle import agreement_of
from segstudio.project.project import Project
from segstudio.project.readers import readers
from segstudio.project.topics import Topics


@JOBS.register
class MeasureAgreement(ProjectJob[Any]):
    """Dice and Cohen's kappa of every imported bundle against the masks as they are now."""

    name: ClassVar[str] = "agreement"
    title: ClassVar[str] = "Agreement of readers"
    topics: ClassVar[Topics] = frozenset({"predictions"})

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Measure; `readers` has what `agreement_of` says of each, the newest first."""
        return {"readers": [agreement_of(project, run) for run in readers(project)]}
