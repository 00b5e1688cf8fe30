"""Runs in words: in one sentence, as the command that trains the same again, and who is champion."""

import shlex
import subprocess
import sys
from pathlib import Path

from segstudio.project.project import Project
from segstudio.project.run_files import read_evaluation
from segstudio.project.runs import Run, kept_words
from segstudio.ui.job_queue import duration
from segstudio.ui.times import when_text


def champion_words(project: Project, champion: Run | None) -> str:
    """Who is champion and why, and how often the test split was looked at."""
    reign = project.champions.reign()
    if champion is None:
        words = ""
    elif reign is None:
        words = f"Champion: run {champion.name}, best on validation."
    else:
        words = f"Champion: run {champion.name}, {reign.why}, {when_text(reign.since)}."
    looks = len(project.looks.all())
    times = "once" if looks == 1 else f"{looks} times"
    return f"{words} Test split looked at: {times}.".strip() if looks else words


def is_resumable(run: Run) -> bool:
    """Whether the run ended before its time and can go on."""
    is_over = run.status not in {"running", "finished"}
    return is_over and run.epochs < int(run.options.get("epochs") or 0) and run.last_weights.is_file()


def has_predictions(folder: Path, run: Run) -> bool:
    """Whether the run has predicted anything in the project in `folder`."""
    predictions = folder / "predictions" / run.name
    return predictions.is_dir() and any(predictions.iterdir())


def measured_on_test(project: Project) -> dict[int, float]:
    """Mean IoU on the test split by run, where somebody has asked for it: each time was counted as a look.

    What was predicted of that split is not looked at here, or the count beside the figures would be too small.
    """
    found = {run.id: read_evaluation(run, "test") for run in project.runs.list()}
    return {run_id: one["iou"] for run_id, one in found.items() if one is not None and one.get("iou") is not None}


def command_line(folder: Path, run: Run) -> str:
    """The command that trains with the same options."""
    words = ["segstudio", "train", str(folder), "--preset", run.preset, "--start", run.start]
    for name, value in run.options.items():
        if name not in {"preset", "start"} and value not in (None, ""):
            words += ["--set", f"{name}={str(value).lower() if isinstance(value, bool) else value}"]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def summary(run: Run) -> str:
    """The run in one sentence."""
    if run.is_reader:
        bundle = run.options.get("bundle", "a bundle")
        return f"Run {run.name}: the masks of {run.reader}, from {bundle} · {when_text(run.created)}"
    parts = [
        f"Run {run.name}: {run.status}",
        run.preset,
        f"from {start_text(run.start)}",
        f"{epochs_text(run)} epoch{'' if epochs_text(run) == '1' else 's'}" + _kept_text(run),
        f"val IoU {run.best_val_iou:.3f}" if run.best_val_iou is not None else "",
        duration(run.seconds) if run.seconds else "",
        when_text(run.created),
        " ".join(part for part in (run.device, run.precision) if part),
    ]
    text = " · ".join(part for part in parts if part)
    return f"{text}\n{run.message}" if run.message else text


def _kept_text(run: Run) -> str:
    if not run.best_epoch:
        return ""
    is_best = run.options.get("keep", "best") == "best"
    return f", best {run.best_epoch}" if is_best else f", weights kept: {kept_words(run)}"


def figure(value: float | None) -> str:
    """A share as it is shown in tables."""
    return "–" if value is None else f"{value:.3f}"


def epochs_text(run: Run) -> str:
    """How many epochs were done of those that were planned: "18 / 25", or "25" when all were."""
    planned = run.options.get("epochs")
    return f"{run.epochs} / {planned}" if planned and planned != run.epochs else str(run.epochs)


def start_text(start: str) -> str:
    """What the weights were at first."""
    return f"run {int(start):04}" if start.isdecimal() else start
