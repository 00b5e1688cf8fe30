"""delete-runs: delete runs, with an undo, or remove the files of deleted ones for good."""

from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class DeleteRunsOptions(Options):
    """Which runs."""

    runs: list[int] = option([], "Runs", help="Their numbers.")
    purge: bool = option(False, "Purge", help="Remove the files of all deleted runs; that cannot be undone.")


@JOBS.register
class DeleteRuns(ProjectJob[DeleteRunsOptions]):
    """A deleted run keeps its files until it is purged, so that `undo` brings it back."""

    name: ClassVar[str] = "delete-runs"
    title: ClassVar[str] = "Delete runs"
    topics: ClassVar[Topics] = frozenset({"acts", "runs", "predictions"})
    Options: ClassVar[type[Options]] = DeleteRunsOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Delete.

        Returns:
            `deleted`: the numbers of the runs deleted now; `purged`: of those whose files are gone; `kept`: of deleted
            runs that `undo` can bring back.

        Raises:
            UserError: When there is no such run, or it is being trained.
        """
        deleted = [project.runs.delete(run_id).id for run_id in self.options.runs]
        purged = [run.id for run in project.runs.purge()] if self.options.purge else []
        return {"deleted": deleted, "purged": purged, "kept": [run.id for run in project.runs.deleted()]}
