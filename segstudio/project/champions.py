"""The champion: the run that predicts, is measured, exported and gone on with where no other one is named.

    champions.json   the reigns, the present one last

The first run that can be used becomes champion; after that a run does when it was not worse than the champion in a
meeting (see jobs/challenge.py), or when a person says so. A file beside the index holds it, so that an index that is
made anew changes nothing. Projects from before there were champions have no such file: their champion is the run that
is best on validation, until another one is promoted.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.project.clock import now
from segstudio.project.runs import Run

if TYPE_CHECKING:
    from segstudio.project.project import Project

FILE = "champions.json"


@dataclass(frozen=True, slots=True)
class Reign:
    """One run as champion.

    Attributes:
        run: Its number.
        since: When it became champion (ISO 8601, UTC).
        why: Why, in words.
    """

    run: int
    since: str
    why: str


class Champions:
    """Who is champion, and who was before; each change emits the topic "runs"."""

    def __init__(self, project: "Project") -> None:
        self._project = project

    def reigns(self) -> list[Reign]:
        """All reigns that were not rolled back, the present one last; none in projects from before there were any.

        A damaged file counts as none, so that the project goes on; `check` says so.
        """
        try:
            return read_reigns(self._project.folder)
        except (OSError, ValueError):
            return []

    def reign(self) -> Reign | None:
        """The present reign: the newest one whose run can still be used; None when there is none."""
        able = self._project.runs.able()
        return next((one for one in reversed(self.reigns()) if one.run in able), None)

    def current(self, *, but: int | None = None) -> Run | None:
        """The champion: the run of the present reign, else the one that is best on validation; None without any.

        Args:
            but: A run that does not count, because it is asked for who else there is.
        """
        able = {run_id: run for run_id, run in self._project.runs.able().items() if run_id != but}
        for reign in reversed(self.reigns()):
            if reign.run in able:
                return able[reign.run]
        return max(able.values(), key=lambda run: (run.validation_score, run.id), default=None)

    def promote(self, run_id: int, why: str) -> Run:
        """Make a run the champion; the one before is remembered and can be rolled back to.

        Args:
            run_id: Of a run that has weights and did not fail.
            why: In words, for example "not worse in a meeting".

        Raises:
            UserError: When the run cannot be used.
        """
        self._project.require_writable()
        run = self._project.runs.resolve(run_id)
        if run_id not in self._project.runs.able():
            raise UserError(f"run {run.name} cannot be champion: it is {run.status}", "choose another run")
        with self._project.transaction("runs"):
            reigns, before = self.reigns(), self.current()
            if self.reign() is not None and before is not None and before.id == run_id:
                return run
            if before is not None and before.id != run_id and not any(one.run == before.id for one in reigns):
                # It reigned without a word, in a project from before there were champions.
                reigns.append(Reign(before.id, before.created, "best on validation of the runs so far"))
            self._write([*reigns, Reign(run_id, now(), why)])
        self._project.runs.append_event(run, "champion", why=why)
        return run

    def roll_back(self) -> Run:
        """Give the title back to the champion before; returns that run.

        Raises:
            UserError: When there is none that can be used.
        """
        self._project.require_writable()
        with self._project.transaction("runs"):
            able, reigns = self._project.runs.able(), self.reigns()
            gone = self.reign()
            earlier = [one for one in reigns if one.run in able and gone is not None and one.run != gone.run]
            if not earlier or gone is None:
                raise UserError("there is no earlier champion to go back to", "promote a run: `segstudio promote`")
            last = reigns.index(earlier[-1])
            self._write(reigns[: last + 1])
        run = able[earlier[-1].run]
        self._project.runs.append_event(able[gone.run], "dethroned", why=f"rolled back to run {run.name}")
        return run

    @property
    def can_roll_back(self) -> bool:
        """Whether there is an earlier champion to go back to."""
        able, present = self._project.runs.able(), self.reign()
        return present is not None and any(one.run in able and one.run != present.run for one in self.reigns())

    def _write(self, reigns: list[Reign]) -> None:
        content: dict[str, Any] = {"version": 1, "reigns": [asdict(one) for one in reigns]}
        text = json.dumps(content, ensure_ascii=False, indent=1)
        write_atomically(self._project.folder / FILE, text.encode("utf-8"))


def read_reigns(folder: Path) -> list[Reign]:
    """What champions.json in a project's folder says.

    Raises:
        OSError: When it cannot be read.
        ValueError: When it is damaged.
    """
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return [Reign(int(one["run"]), str(one["since"]), str(one["why"])) for one in content["reigns"]]
    except FileNotFoundError:
        return []
    except (KeyError, TypeError) as error:
        raise ValueError(f"it lacks {error}") from error
