"""undo: take the last act on a project back, or do it again."""

from dataclasses import asdict
from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.jobs.editing import refuse_beside_a_window
from segstudio.project.acts import Act
from segstudio.project.project import Project
from segstudio.project.topics import Topics


class UndoOptions(Options):
    """Which way."""

    redo: bool = option(False, "Redo", help="Do the act again that was undone last.")
    list: bool = option(False, "List", help="Only say what could be undone.")


@JOBS.register
class Undo(ProjectJob[UndoOptions]):
    """Verdicts, changes of split, bulk accepts and deleted runs; strokes have their own history."""

    name: ClassVar[str] = "undo"
    title: ClassVar[str] = "Undo project change"
    topics: ClassVar[Topics] = frozenset({"acts", "samples", "masks", "runs", "predictions"})
    Options: ClassVar[type[Options]] = UndoOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """Undo or redo one act.

        Returns:
            `act` (what was undone or done again, None with list), `changed` and `left`: how many samples (or runs)
            are as before, and how many had become something else and stay; `acts`: all acts, the newest first.

        Raises:
            UserError: When there is none, or a window is editing the project.
        """
        outcome = None
        if not self.options.list:
            with refuse_beside_a_window(project):
                outcome = project.acts.redo() if self.options.redo else project.acts.undo()
        return {
            "act": None if outcome is None else _row(outcome.act),
            "changed": 0 if outcome is None else len(outcome.ids),
            "left": 0 if outcome is None else outcome.left,
            "acts": [_row(act) for act in project.acts.all()],
        }


def _row(act: Act) -> dict[str, Any]:
    return {**asdict(act), "kind": str(act.kind)}
