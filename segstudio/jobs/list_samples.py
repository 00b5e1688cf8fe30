"""List samples, filtered and sorted, with their figures."""

import math
from typing import Any, ClassVar

from segstudio.core.options import Options, option
from segstudio.core.reporter import Reporter
from segstudio.jobs import JOBS, ProjectJob
from segstudio.project.filter import compile_filter
from segstudio.project.project import Project
from segstudio.project.sample_table import SampleTable
from segstudio.project.sorting import sorted_rows

FIGURES = ("iou", "dice", "precision", "recall", "uncertainty", "foreground")


class ListOptions(Options):
    """Which samples, and in which order."""

    filter: str = option("", "Filter", help="For example: state:todo split:test iou<0.8 name:*lens*")
    sort: str = option("name", "Sort", help="name, iou (worst first), dice, uncertainty, work, state, split, changed.")


@JOBS.register
class ListSamples(ProjectJob[ListOptions]):
    """Rows of sample, image, state, split and the figures of the current run; what is not measured is null."""

    name: ClassVar[str] = "list"
    title: ClassVar[str] = "List samples"
    Options: ClassVar[type[Options]] = ListOptions

    def run(self, project: Project, report: Reporter) -> dict[str, Any]:
        """The rows under `samples`; see the class."""
        table = project.samples.table()
        rows = compile_filter(self.options.filter).rows(table)
        return {"samples": [_listed(table, int(row)) for row in sorted_rows(table, rows, self.options.sort)]}


def _listed(table: SampleTable, row: int) -> dict[str, Any]:
    sample = table.row(row)
    figures = {name: _figure(float(getattr(table, name)[row])) for name in FIGURES}
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
    }


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
