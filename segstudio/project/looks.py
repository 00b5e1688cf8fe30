"""Looks at the test split: how often its figures were seen.

    test_looks.csv   one line for each time: when, which run ("" for several), what measured it

Figures on the test split are honest as long as nothing is chosen by them. Whoever looks again and again chooses in the
end, so the count is shown beside the figures.
"""

import csv
import io
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from segstudio.project.clock import now

if TYPE_CHECKING:
    from segstudio.project.project import Project

FILE = "test_looks.csv"


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
        """Count one more look, by the job `by`, at figures of `run`; returns how many there are."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(astuple(Look(now(), run, by)))
        with (
            self._project.transaction("runs"),
            (self._project.folder / FILE).open("a", encoding="utf-8", newline="") as file,
        ):
            file.write(text.getvalue())
        return len(self.all())

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
