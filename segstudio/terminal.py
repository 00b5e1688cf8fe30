"""A Reporter for the command line: a progress bar, notes and log lines on standard error."""

import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from segstudio.core.reporter import Cancelled, Throttle

PLAIN_SECONDS = 5.0
"""Where nobody watches (a log file, CI), a line of progress this often is enough."""


class _Clock(TimeRemainingColumn):
    """The time left, unless it cannot be told."""

    is_hidden = False

    def render(self, task: Task) -> Text:
        return Text("") if self.is_hidden else super().render(task)


class TerminalReporter:
    """Shows what a job says; use as a context manager so that the bar is taken away again.

    On a terminal it draws one bar; elsewhere it writes a plain line now and then.
    """

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
        self._clock = _Clock()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), self._clock, console=self._console, transient=True
        )
        self._task = self._bar.add_task("", total=None)
        self._throttle = Throttle(0.1 if self._console.is_terminal else PLAIN_SECONDS)
        self._is_cancel_wanted = False

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def cancel(self) -> None:
        """Make the next `progress` raise Cancelled."""
        self._is_cancel_wanted = True

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Show how far the job is; raise Cancelled when that was asked for."""
        if self._throttle.is_due() or done >= total:
            if self._console.is_terminal:
                self._bar.update(self._task, completed=done, total=total, description=escape(text))
            elif text:
                self._say(f"{100 * done / total if total else 0:3.0f} %  {text}")
        if self._is_cancel_wanted:
            raise Cancelled

    def pace(self, *, is_even: bool) -> None:
        """Tell the time left anew, or not at all."""
        self._clock.is_hidden = not is_even
        self._bar.reset(self._task, start=True, total=None)

    def metric(self, step: int, **values: float) -> None:
        """Show the figures of one epoch; curves of a comparison are called <arm>/<repeat>/<figure>."""
        # One event is of one training, so its names have all the same beginning.
        training = next((name.rpartition("/")[0] for name in values), "")
        figures = {name.rpartition("/")[2]: value for name, value in values.items()}
        shown = ("loss", "val_loss", "iou", "val_iou")
        text = "  ".join(f"{name} {figures[name]:.4f}" for name in shown if name in figures)
        self._say(f"{training} epoch {step}  {text}".strip())

    def note(self, subject: str, text: str) -> None:
        """Show what was left out and why."""
        self._say(f"note: {subject}: {text}")

    def artifact(self, path: Path) -> None:
        """Nothing: the result names the files."""

    def log(self, text: str) -> None:
        """Show a line."""
        self._say(text)

    def _say(self, text: str) -> None:
        self._console.print(escape(text))
