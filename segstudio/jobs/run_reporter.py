"""A Reporter that also writes down, in the run's own folder and row, what a training says."""

from pathlib import Path

from segstudio.core.reporter import Reporter
from segstudio.project.project import Project
from segstudio.project.runs import Run


class RunReporter:
    """Passes everything on; keeps metrics, notes and log lines in events.jsonl and the epochs done in the run's row.

    So a run whose process is killed still shows how far it came.
    """

    def __init__(self, project: Project, run: Run, report: Reporter) -> None:
        self._project = project
        self._run = run
        self._report = report

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Pass on."""
        self._report.progress(done, total, text)

    def pace(self, *, is_even: bool) -> None:
        """Pass on."""
        self._report.pace(is_even=is_even)

    def metric(self, step: int, **values: float) -> None:
        """Keep one epoch, and pass on."""
        self._project.runs.append_event(self._run, "metric", step=step, values=values)
        if step > 0:
            self._project.runs.update(self._run.id, epochs=step)
        self._report.metric(step, **values)

    def note(self, subject: str, text: str) -> None:
        """Keep, and pass on."""
        self._project.runs.append_event(self._run, "note", subject=subject, text=text)
        self._report.note(subject, text)

    def artifact(self, path: Path) -> None:
        """Pass on."""
        self._report.artifact(path)

    def log(self, text: str) -> None:
        """Keep, and pass on."""
        self._project.runs.append_event(self._run, "log", text=text)
        self._report.log(text)
