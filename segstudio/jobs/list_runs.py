"""runs: list those of a project."""

from typing import Any, ClassVar

from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.project import Project


@JOBS.register
class ListRuns(ProjectJob[Any]):
    """One row a run, newest first; which run's predictions are shown, and which run is the champion."""

    name: ClassVar[str] = "runs"
    title: ClassVar[str] = "List runs"

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `runs`, the current run's number under `current_run`, that of the champion under `champion`.

        `test_looks` says how often the project has looked at its test split.
        """
        current, best = project.predictions.current(), project.runs.best()
        champion = None if best is None else best.id
        rows = [
            {
                "run": run.id,
                "created": run.created,
                "preset": run.preset,
                "model": run.model,
                "start": run.start,
                "status": str(run.status),
                "epochs": run.epochs,
                "best_epoch": run.best_epoch,
                "best_val_iou": run.best_val_iou,
                "best_val_loss": run.best_val_loss,
                "seconds": run.seconds,
                "device": run.device,
                "precision": run.precision,
                "threshold": run.threshold,
                "is_current": run.id == current,
                "is_champion": run.id == champion,
            }
            for run in project.runs.list()
        ]
        return {
            "runs": rows,
            "current_run": current,
            "champion": champion,
            "can_roll_back": project.champions.can_roll_back,
            "test_looks": len(project.looks.all()),
        }
