"""Looks at the test split: how often its figures were seen.

    test_looks.csv   one line for each time: when, which run ("" for several), what measured it

Figures on the test split are honest as long as nothing is chosen by them. Whoever looks again and again chooses in the
end, so the count is shown beside the figures.

Nobody shall see them without a look: whatever shows how right a run is on single images (the list of samples, the
sample on screen, a filter or an order by a figure) leaves those of the test split out until the project has looked at
that run.
"""

import csv
import io
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from segstudio.core.sample import Sample, Split
from segstudio.project.clock import now
from segstudio.project.runs import READER

if TYPE_CHECKING:
    from segstudio.project.project import Project

FILE = "test_looks.csv"

SEEN = "test_seen"
"""The setting with the numbers of the runs whose figures on the test split were seen; without it they are hidden."""


@dataclass(frozen=True, slots=True)
class Look:
    """One time that somebody saw figures on the test split.

    Attributes:
        time: When (ISO 8601, UTC).
        run: Name of the run, or "" when it was several.
        by: What measured it: the name of a job.
    """

    time: str
    run: str
    by: str


class Looks:
    """All looks of a project at its test split; a new one emits the topic "runs"."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def record(self, run: str, by: str) -> int:
        """Count one more look, by the job `by`, at figures of `run`; returns how many there are.

        From then on the figures of that run on single images of the test split are shown.
        """
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(astuple(Look(now(), run, by)))
        with (
            self._project.transaction("runs"),
            (self._project.folder / FILE).open("a", encoding="utf-8", newline="") as file,
        ):
            file.write(text.getvalue())
            if run and int(run) not in self._seen():
                self._set_seen({*self._seen(), int(run)})
        return len(self.all())

    def has_seen(self, run_id: int) -> bool:
        """Whether the project has looked at how right this run is on the test split, with the weights it has now."""
        return run_id in self._seen()

    def hides(self, sample: Sample, run_id: int | None) -> bool:
        """Whether nobody may see yet how right a run is on a sample: it is of the test split, and nobody has looked.

        Masks of another reader are held against one's own on every image: that chooses no network.
        """
        if run_id is None or sample.split is not Split.TEST or self.has_seen(run_id):
            return False
        reader = "SELECT 1 FROM run WHERE id = ? AND model = ?"
        return self._project.database.row(reader, (run_id, READER)) is None

    def forget(self, run_id: int) -> None:
        """The run has other weights now, at which nobody has looked; the looks so far count all the same."""
        if self.has_seen(run_id):
            self._set_seen(self._seen() - {run_id})

    def take_over(self) -> None:
        """Know again at which runs the project has looked: after an earlier version, and when the index was lost."""
        if self._project.settings.get(SEEN) is None and (looks := self.all()):
            self._set_seen({int(look.run) for look in looks if look.run.isdecimal()})

    def _seen(self) -> set[int]:
        return set(self._project.settings.get(SEEN, []))

    def _set_seen(self, runs: set[int]) -> None:
        with self._project.transaction("predictions"):  # what is shown of them becomes more, or less
            self._project.settings.set(SEEN, sorted(runs))

    def all(self) -> list[Look]:
        """Every look, the oldest first; a line torn by a crash is left out."""
        path = self._project.folder / FILE
        if not path.is_file():
            return []
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            return [Look(*line) for line in csv.reader(file) if len(line) == 3]

    def words(self) -> str:
        """How often this project has looked at its test split, and what that means."""
        looks = self.all()
        if not looks:
            return "Nobody has looked at the test split of this project yet."
        runs = {look.run for look in looks if look.run}
        times = "once" if len(looks) == 1 else f"{len(looks)} times"
        of = f" ({len(runs)} runs)" if len(runs) > 1 else ""
        text = f"This project has looked at its test split {times}{of}."
        if len(looks) == 1:
            return text
        return f"{text} Nothing is chosen by it here; whoever chooses by it makes its figures too good."
