"""Experiments as files for others, and as rows of a list: what comparisons and studies have in common there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.reporter import Reporter
from segstudio.project.experiments import Experiment, Experiments
from segstudio.project.project import Project

E = TypeVar("E", bound=Experiment)

ENDINGS = (".html", ".htm", ".json", ".csv")
TO_HELP = "The file to write: .html for people, .json for all of it, .csv for the scores."


def export(
    project: Project,
    experiments: Experiments[E],
    number: int,
    to: str,
    report: Reporter,
    page: Callable[[Project, E], str],
    about: Callable[[E], dict[str, Any]],
) -> dict[str, Any]:
    """Write one file with everything in it; it needs nothing else to be looked at.

    Args:
        project: Whose.
        experiments: All of the kind.
        number: Which of them; 0 is the newest one with a result.
        to: The file, or a folder for one of the usual name.
        report: Hears of it.
        page: Makes the page for people.
        about: What is said beside the result in a .json file: what was asked, and with what it was made.

    Returns:
        `path`, and the number under the word for such an experiment.

    Raises:
        UserError: When no file is named, it lies in the dataset, or there is no finished experiment.
    """
    path = _path(project, to, experiments.word)
    one = _finished(experiments, number)
    report.progress(0, 1, f"{experiments.word} {one.name}")
    if path.suffix.lower() == ".csv":
        content = one.results.read_bytes()
    elif path.suffix.lower() == ".json":
        said = {**(one.result or {}), "about": {"created": one.created, **about(one)}}
        content = json.dumps(said, ensure_ascii=False, indent=1).encode("utf-8")
    else:
        content = page(project, one).encode("utf-8")
    write_atomically(path, content)
    report.artifact(path)
    return {"path": str(path), experiments.word: one.id}


def listed(
    project: Project, experiments: Experiments[E], report: Reporter, row: Callable[[E], dict[str, Any]]
) -> list[dict[str, Any]]:
    """One row an experiment, newest first: its number, how far it is, and what `row` says; what is damaged is noted."""
    for problem in experiments.problems():
        report.note(experiments.listing, str(problem))
    return [
        {experiments.word: one.id, "created": one.created, **_progress(project, experiments, one), **row(one)}
        for one in experiments.list()
    ]


def _progress(project: Project, experiments: Experiments[E], one: E) -> dict[str, str]:
    cells = one.cells()
    is_running = not one.is_finished and not project.read_only and experiments.is_running(one)
    status = "finished" if one.is_finished else "running" if is_running else "unfinished"
    return {"trained": f"{sum(cell.is_done for cell in cells)}/{len(cells)}", "status": status}


def _finished(experiments: Experiments[E], number: int) -> E:
    """The one of that number, or the newest, with a result: while repeats are added, that of those before."""
    if number:
        one = experiments.get(number)
        if one.result is None:
            raise UserError(f"{experiments.word} {one.name} is not finished", f"go on with it: --resume {one.id}")
        return one
    for one in experiments.list():
        if one.result is not None:
            return one
    raise UserError(f"there is no finished {experiments.word}", f"make one: {experiments.making}")


def _path(project: Project, to: str, word: str) -> Path:
    """The file to write; never in the dataset, never in place of something else."""
    if not to:
        raise UserError("no file is named", f"say where it goes: --to {word}.html, {word}.json or scores.csv")
    path = Path(to).expanduser().absolute()
    if path.is_dir() or not path.suffix:
        path = path / f"{word}.html"
    if path.suffix.lower() not in ENDINGS:
        hint = "let it end in .html, .json or .csv"
        raise UserError(f"{path.name} is no kind of file that is written here", hint)
    if path.resolve().is_relative_to(project.source.resolve()):
        raise UserError(f"{path} lies in the dataset, which is never written", "choose a folder outside of it")
    return path
