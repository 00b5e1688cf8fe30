"""info: what a project holds, in figures."""

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np

from segstudio.core.reporter import Reporter
from segstudio.core.sample import ReviewState, Split
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.accepting import read_audits, unfinished
from segstudio.project.project import Project


@JOBS.register
class Info(ProjectJob[Any]):
    """Counts of samples by state and split, the foreground rule, the runs and the current one."""

    name: ClassVar[str] = "info"
    title: ClassVar[str] = "Project information"

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The figures; see the class."""
        table = project.samples.table()
        begun = unfinished(project)
        return {
            "project": project.name,
            "folder": str(project.folder),
            "source": str(project.source),
            "foreground": project.rule.model_dump(mode="json"),
            "samples": len(table),
            "without_mask": int(np.count_nonzero(~table.has_mask)),
            "states": {
                state.value: int(np.count_nonzero(table.state == list(ReviewState).index(state)))
                for state in ReviewState
            },
            "splits": {split.value: int(np.count_nonzero(table.split == list(Split).index(split))) for split in Split},
            "runs": len(project.runs.list()),
            "current_run": project.predictions.current(),
            "audits": [
                {name: value for name, value in asdict(audit).items() if name != "checked"}
                | {"checked": len(audit.checked)}
                for audit in read_audits(project)
            ],
            "unfinished_accept": None
            if begun is None
            else {"words": begun.words, "accepted": begun.accepted, "of": len(begun.ids)},
            "problems": [{"path": one.path, "reason": one.reason} for one in project.problems.list()],
        }
