"""Steering a run from another process: one line is appended to a file in its folder, which the training looks at.

    runs/NNNN/steering.jsonl    one wish a line, for example {"learning_rate": 0.0001}

The window and the command line write it alike, and neither needs to know which process trains. What has become of the
wishes stands in events.jsonl.
"""

import json
from dataclasses import asdict, fields
from typing import Any

from segstudio.core.errors import UserError
from segstudio.core.options import checked
from segstudio.core.steering import Change, Wish
from segstudio.project.project import Project
from segstudio.project.runs import Run

FILE = "steering.jsonl"


def steer(run: Run, wish: Wish) -> None:
    """Ask something of a run; it is heeded before the next step.

    Raises:
        UserError: When the run is not being trained.
    """
    if not run.is_running:
        raise UserError(f"run {run.name} is not being trained now (it is {run.status})", "nothing was changed")
    line = json.dumps(wish.model_dump(exclude_defaults=True)) + "\n"
    with (run.folder / FILE).open("ab") as file:
        file.write(line.encode())


def forget_wishes(run: Run) -> None:
    """What was asked of a run that ended before it could heed it is not asked of it when it goes on."""
    (run.folder / FILE).unlink(missing_ok=True)


class RunSteering:
    """The wishes of a run's file; its changes are events of the run."""

    def __init__(self, project: Project, run: Run) -> None:
        self._project = project
        self._run = run
        self._path = run.folder / FILE
        self._read = 0

    def wishes(self) -> list[Wish]:
        """Those on new whole lines; one that says nothing that is known is passed over."""
        try:
            if self._path.stat().st_size <= self._read:
                return []
            with self._path.open("rb") as file:
                file.seek(self._read)
                lines = file.read()
        except FileNotFoundError:
            return []
        whole = lines[: lines.rfind(b"\n") + 1]
        self._read += len(whole)
        return [wish for line in whole.splitlines() if (wish := _wish(line)) is not None]

    def changes(self) -> list[Change]:
        """Those that events.jsonl tells of."""
        events = self._project.runs.events(self._run.id)
        return [change for event in events if event.get("event") == "steer" and (change := _change(event)) is not None]

    def keep(self, change: Change) -> None:
        """Write it down; another number of epochs becomes an option of the run."""
        if change.epochs is not None:
            self._project.runs.replan(self._run.id, epochs=change.epochs)
        told = {name: value for name, value in asdict(change).items() if value is not None}
        self._project.runs.append_event(self._run, "steer", **told)


def _wish(line: bytes) -> Wish | None:
    try:
        return checked(Wish, dict(json.loads(line)))
    except (UserError, ValueError, TypeError):
        return None


def _change(event: dict[str, Any]) -> Change | None:
    try:
        return Change(**{one.name: event[one.name] for one in fields(Change) if one.name in event})
    except TypeError:
        return None
