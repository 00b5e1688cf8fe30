"""What a job says while it runs, and how it is stopped."""

import time
from pathlib import Path
from typing import Protocol


class Cancelled(Exception):
    """Raised inside a job by `Reporter.progress` when the user wants it to stop."""


class Reporter(Protocol):
    """The one way in which a job speaks: to the window, the command line or a test."""

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Say how far the job is. Throttled; raises Cancelled when the job shall stop."""

    def pace(self, *, is_even: bool) -> None:
        """Say whether the time left can be told from how far the job is, going by what follows alone.

        It is taken to be so from the beginning when nothing is said. Libraries that are loaded, files that are read
        and a first step that builds a graph say nothing about the steps to come.
        """

    def metric(self, step: int, **values: float) -> None:
        """One point of every named curve, at `step` (an epoch, 1-based; 0 is before training)."""

    def note(self, subject: str, text: str) -> None:
        """A problem with one thing (usually a file), which was left out; the job goes on."""

    def artifact(self, path: Path) -> None:
        """A file that the job has finished writing."""

    def log(self, text: str) -> None:
        """A line for the job's log: a decision taken, a fact about the machine."""


class Throttle:
    """Lets something through at most every `seconds`; the first time always."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def is_due(self) -> bool:
        """Whether enough time has passed since the last True."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class ListReporter:
    """A Reporter that keeps everything, for tests and for jobs run inside other jobs.

    Attributes:
        is_cancel_wanted: Set it to make the next `progress` raise Cancelled.
    """

    def __init__(self) -> None:
        self.is_cancel_wanted = False
        self.progresses: list[tuple[float, float, str]] = []
        self.paces: list[bool] = []
        self.metrics: list[tuple[int, dict[str, float]]] = []
        self.notes: list[tuple[str, str]] = []
        self.artifacts: list[Path] = []
        self.lines: list[str] = []

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Keep it; raise Cancelled when wanted."""
        self.progresses.append((done, total, text))
        if self.is_cancel_wanted:
            raise Cancelled

    def pace(self, *, is_even: bool) -> None:
        """Keep it."""
        self.paces.append(is_even)

    def metric(self, step: int, **values: float) -> None:
        """Keep it."""
        self.metrics.append((step, values))

    def note(self, subject: str, text: str) -> None:
        """Keep it."""
        self.notes.append((subject, text))

    def artifact(self, path: Path) -> None:
        """Keep it."""
        self.artifacts.append(path)

    def log(self, text: str) -> None:
        """Keep it."""
        self.lines.append(text)


class Phase:
    """A Reporter for one part of a longer job: its progress fills a share of the whole's.

    Attributes:
        title: Put before every progress text.
    """

    def __init__(self, report: Reporter, start: float, share: float, title: str = "") -> None:
        self._report = report
        self._start = start
        self._share = share
        self.title = title

    def part(self, start: float, share: float) -> "Phase":
        """A phase of this phase, in shares of it."""
        return Phase(self._report, self._start + start * self._share, share * self._share, self.title)

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Pass on, scaled; the whole is 1."""
        inner = done / total if total else 1.0
        self._report.progress(self._start + self._share * min(inner, 1.0), 1.0, f"{self.title}: {text}".strip(": "))

    def pace(self, *, is_even: bool) -> None:
        """Pass on."""
        self._report.pace(is_even=is_even)

    def metric(self, step: int, **values: float) -> None:
        """Pass on."""
        self._report.metric(step, **values)

    def note(self, subject: str, text: str) -> None:
        """Pass on."""
        self._report.note(subject, text)

    def artifact(self, path: Path) -> None:
        """Pass on."""
        self._report.artifact(path)

    def log(self, text: str) -> None:
        """Pass on."""
        self._report.log(text)
