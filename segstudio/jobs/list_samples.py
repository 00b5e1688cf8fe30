"""list: samples, filtered and sorted, with their figures."""

import math
from datetime import UTC, datetime
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Split
from segstudio.core.way import MANNERS
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.sample_table import SPLITS, UNCERTAINTIES, SampleTable
from segstudio.project.sorting import SORT_KEYS, sorted_rows

FIGURES = (
    "iou", "dice", "precision", "recall", "uncertainty", "work", "suspicion", "fold_iou", "foreground",
)  # fmt: skip


class ListOptions(Options):
    """Which samples, and in which order."""

    filter: str = option("", "Filter", help="For example: state:todo split:test iou<0.8 name:*lens*")
    sort: str = option("name", "Sort", help=f"{', '.join(SORT_KEYS)}; the worst, or what wants a look most, first.")


_OF_WORK = ("work", "expected")
"""Fields that a project of an earlier version lacks until they are asked for."""


@JOBS.register
class ListSamples(ProjectJob[ListOptions]):
    """Rows of sample, image, state, split and the figures of the current run; what is not measured is null."""

    name: ClassVar[str] = "list"
    title: ClassVar[str] = "List samples"
    Options: ClassVar[type[Options]] = ListOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `samples`; see the class.

        Figures of samples of the test split are a look at the run: it is counted once for each run. `test_shown` says
        of how many samples there are such figures, `test_looks` how often this project has looked. Where it cannot be
        counted, in a project that is only read, figures at which nobody has looked stay null.
        """
        if not project.read_only and any(word in f"{self.options.sort} {self.options.filter}" for word in _OF_WORK):
            project.predictions.expect_missing()
        table, rows = self._found(project)
        shown = rows[_of_test(table, rows) & ~np.isnan(table.wrong[rows])]
        return {
            "samples": [_listed(table, int(row)) for row in sorted_rows(table, rows, self.options.sort)],
            "test_shown": len(shown),
            "test_looks": len(project.looks.all()),
        }

    def _found(self, project: Project) -> tuple[SampleTable, NDArray[np.intp]]:
        """The samples and those rows that are listed, after a look at the test split was counted if this is one."""
        wanted = compile_filter(self.options.filter)
        table, run_id = project.samples.table(), project.predictions.current()
        if run_id is not None and not project.read_only:
            everything = project.samples.revealed()
            rows = wanted.rows(everything)
            if table.hidden[rows].any():
                project.looks.record(f"{run_id:04}", self.name)
                return everything, rows
        return table, wanted.rows(table)


def _of_test(table: SampleTable, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = table.split[rows] == SPLITS.index(Split.TEST)
    return found


def _listed(table: SampleTable, row: int) -> dict[str, Any]:
    sample = table.row(row)
    figures: dict[str, Any] = {name: _figure(float(getattr(table, name)[row])) for name in FIGURES}
    kind, manner = int(table.uncertainty_kind[row]), int(table.manner[row])
    return {
        "sample": sample.id,
        "image": sample.image,
        "state": sample.state.value,
        "split": sample.split.value,
        **figures,
        "width": sample.width,
        "height": sample.height,
        "revision": sample.revision,
        "has_mask": sample.has_mask,
        "problem": sample.problem,
        "uncertainty_kind": UNCERTAINTIES[kind] if kind >= 0 else None,
        "manner": MANNERS[manner] if manner >= 0 else None,
        "seen": _moment(float(table.seen[row])),
        "lint": _figure(float(table.lint[row])),
        "comment": table.comment[row],
        "reviewer": table.reviewer[row],
        "seconds": round(float(table.seconds[row]), 1),
    }


def _moment(seconds: float) -> str | None:
    """ISO 8601 in UTC, or None."""
    return None if math.isnan(seconds) else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
