"""steer: pause a training that runs in whatever process, let it go on, stop it, change its rate or its length."""

from typing import Any, ClassVar

from segstudio.core.errors import UserError
from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.steering import Wish
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project
from segstudio.project.runs import Run
from segstudio.project.steering import steer


class SteerOptions(Wish):
    """Which run, and what is asked of it."""

    run: str = option("", "Run", help="Its number; the one that is being trained when empty.")


@JOBS.register
class Steer(ProjectJob[SteerOptions]):
    """A wish for a run that is being trained; it heeds it before its next step and says so in its events."""

    name: ClassVar[str] = "steer"
    title: ClassVar[str] = "Steer"
    Options: ClassVar[type[Options]] = SteerOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Ask it.

        Returns:
            `run`, and `asked`: what was asked by name.

        Raises:
            UserError: When nothing is asked, or nothing is being trained.
        """
        wish = Wish(**self.options.model_dump(exclude={"run"}))
        asked = wish.model_dump(exclude_defaults=True)
        run = _chosen(project, self.options.run)
        if not asked:
            raise UserError(
                "nothing is asked of the training", "say --pause, --resume, --stop, --learning-rate X or --epochs N"
            )
        steer(run, wish)
        return {"run": run.id, "asked": asked}


def _chosen(project: Project, text: str) -> Run:
    if text:
        if not text.isdecimal():
            raise UserError(f"{text!r} is not the number of a run", "`segstudio runs PROJECT` shows all of them")
        return project.runs.training(int(text))
    running = next((run for run in project.runs.list() if run.is_running), None)
    if running is None:
        raise UserError("no run is being trained now", "start one with `segstudio train PROJECT`")
    return running
