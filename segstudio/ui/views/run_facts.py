"""What the run view shows of a run and of the one that it is held against, read in a thread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.manifest import load_manifest
from segstudio.core.way import UNKNOWN
from segstudio.jobs.diff import options_diff
from segstudio.project.project import Project
from segstudio.project.run_files import read_evaluations, read_meeting
from segstudio.project.runs import Run
from segstudio.project.since import Since, changes_since
from segstudio.ui.views.run_plots import Point

MOST_POINTS = 3000
"""Of more images than this, dots are left out: nobody can tell them apart, and drawing them takes its time."""


@dataclass(frozen=True)
class Facts:
    """What is read of a run and of the one it is held against.

    Attributes:
        run: The run.
        against: The other one, or None when it is alone.
        champion: Number of the champion, or None.
        can_roll_back: Whether there is an earlier champion.
        meeting: How it did against the champion; None when they have not met.
        evaluations: Its figures by split and by how images were predicted, see `core.way.MANNERS`.
        others: Those of the other run.
        points: Each image that both have predicted alike, outside the test split.
        unlike: How many more they have predicted, in different manners.
        options: Options that differ.
        since: What has changed since; None when its manifest is missing.
        looks: How often the test split was looked at, in words.
        runs: All that it can be held against.
    """

    run: Run
    against: Run | None
    champion: int | None
    can_roll_back: bool
    meeting: Mapping[str, Any] | None = None
    evaluations: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    others: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    points: Sequence[Point] = ()
    unlike: int = 0
    options: Sequence[Mapping[str, Any]] = ()
    since: Since | None = None
    looks: str = ""
    runs: Sequence[Run] = ()


def facts_of(project: Project, run: Run, against: Run | None) -> Facts:
    """Read everything; in a thread."""
    best = project.runs.best()
    points, unlike = ([], 0) if against is None else points_of(project, run, against)
    try:
        since = changes_since(project, load_manifest(run.manifest))
    except UserError:
        since = None
    return Facts(
        run,
        against,
        None if best is None else best.id,
        project.champions.can_roll_back,
        read_meeting(run),
        _evaluations(project, run),
        {} if against is None else _evaluations(project, against),
        points,
        unlike,
        [] if against is None else options_diff(against, run),
        since,
        project.looks.words(),
        [one for one in project.runs.list() if one.id != run.id and one.epochs],
    )


def _evaluations(project: Project, run: Run) -> dict[tuple[str, str], dict[str, Any]]:
    """What was measured, each with its `manner`: figures of earlier versions stand with the plain ones."""
    unsaid = {"manner": project.predictions.unsaid(run.id)}
    return {
        (split, manner): unsaid | found
        for split in ("val", "test")
        for manner, found in read_evaluations(run, split).items()
    }


Points = tuple[list[Point], int]
"""Each image as a dot, and how many more there are that two runs have predicted in different manners."""


def points_of(project: Project, run: Run, against: Run) -> Points:
    """Each image that both runs have predicted alike and that can be measured; the test split chooses nothing.

    Returns:
        The images, and how many more there are that the two have predicted in different manners.
    """
    rows = project.predictions.ious_of_both(against.id, run.id)
    before, after = (project.predictions.manners(one.id) for one in (against, run))
    points = [Point(*row) for row in rows if before[row[0]] == after[row[0]] != UNKNOWN]
    unlike = len(rows) - len(points)
    if len(points) <= MOST_POINTS:
        return points, unlike
    # Evenly by how much they changed, so that those that changed most are there.
    ranked = sorted(points, key=lambda one: one.after - one.before)
    return [ranked[round(place)] for place in np.linspace(0, len(ranked) - 1, MOST_POINTS)], unlike


def counted_points(project: Project, run: Run, against: Run, goes_on: Callable[[], bool]) -> Points:
    """The same, after comparing anew what was compared with masks that are others by now; in a thread."""
    for one in (run, against):
        project.predictions.count(one.id, goes_on=goes_on)
    return points_of(project, run, against)


def other_of(project: Project, run: Run, wanted: int | None) -> Run | None:
    """The run to hold it against: the one that is wanted, the one that it met, the champion, or the run before."""
    runs = {one.id: one for one in project.runs.list() if one.id != run.id}
    meeting, best = read_meeting(run), project.runs.best()
    met = None if meeting is None else int(meeting["champion"])
    before = next((one.id for one in runs.values() if one.id < run.id and one.epochs), None)
    for candidate in (wanted, met, None if best is None else best.id, before):
        if candidate in runs:
            return runs[candidate]
    return None
