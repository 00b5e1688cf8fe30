"""roll-back: give the title back to the champion before."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project
from segstudio.project.topics import Topics


@JOBS.register
class RollBack(ProjectJob[Any]):
    """The run that loses the title stays as it is and can be promoted again."""

    name: ClassVar[str] = "roll-back"
    title: ClassVar[str] = "Roll back the champion"
    topics: ClassVar[Topics] = frozenset({"runs"})

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Roll back; the result names the `champion` and the one `before`.

        Raises:
            UserError: When there is no earlier champion.
        """
        before = project.runs.best()
        run = project.champions.roll_back()
        report.log(f"run {run.name} is the champion again")
        return {"champion": run.id, "before": None if before is None else before.id}
