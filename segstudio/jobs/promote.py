"""promote: make a run the champion, because a person says so."""

from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project
from segstudio.project.topics import Topics

BY_HAND = "promoted by hand"


class PromoteOptions(Options):
    """Whom."""

    run: str = option("last", "Run", help="last, or the number of a run.")


@JOBS.register
class Promote(ProjectJob[PromoteOptions]):
    """The champion before is remembered: `roll-back` gives it the title back."""

    name: ClassVar[str] = "promote"
    title: ClassVar[str] = "Promote a run"
    topics: ClassVar[Topics] = frozenset({"runs"})
    Options: ClassVar[type[Options]] = PromoteOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Promote; the result names the `champion` and the one `before` (None when there was none).

        Raises:
            UserError: When there is no such run, or it cannot be used.
        """
        before = project.runs.best()
        run = project.champions.promote(project.runs.resolve(self.options.run).id, BY_HAND)
        report.log(f"run {run.name} is the champion")
        return {"champion": run.id, "before": None if before is None else before.id}
