from datetime import datetime, timedelta

from segstudio.core.sample import ReviewState
from segstudio.project.pace import pace_of
from segstudio.project.project import Project


def test_the_pace_is_the_median_of_what_was_decided_today(project: Project) -> None:
    now = datetime.now().astimezone()
    project.samples.add_seconds({1: 4.0, 2: 10.0, 3: 300.0, 4: 1.0})
    project.samples.set_state([1, 2], ReviewState.ACCEPTED)
    assert pace_of(project.samples.table(), now).seconds is None  # two tell nothing
    project.samples.set_state([3], ReviewState.FLAGGED)
    pace = pace_of(project.samples.table(), now)
    assert (pace.done, pace.left, pace.seconds) == (3, 3, 10.0)
    assert pace.end(now) == now + timedelta(seconds=30)
    tomorrow = pace_of(project.samples.table(), now + timedelta(days=1))
    assert (tomorrow.done, tomorrow.seconds) == (3, None)
