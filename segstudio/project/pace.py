"""Pace: how far the review of a project is, how fast it goes, and when it may be done."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from segstudio.core.sample import ReviewState
from segstudio.project.sample_table import STATES, SampleTable

LEAST = 3
"""From fewer samples nobody can tell how fast it goes."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How far the review is.

    Attributes:
        done: Samples with a verdict.
        left: Samples without one.
        seconds: The median time spent on a sample that was decided today; None when they are too few.
    """

    done: int
    left: int
    seconds: float | None

    def end(self, now: datetime) -> datetime | None:
        """When it is done if it goes on like this without a pause; None when nobody can tell."""
        return None if self.seconds is None or not self.left else now + timedelta(seconds=self.seconds * self.left)


def pace_of(table: SampleTable, now: datetime) -> Pace:
    """How far the review of these samples is, at a moment in local time."""
    is_decided = table.state != STATES.index(ReviewState.TODO)
    done = int(np.count_nonzero(is_decided))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    today = table.seconds[is_decided & (table.judged >= midnight) & (table.seconds > 0)]
    return Pace(done, len(table) - done, float(np.median(today)) if today.size >= LEAST else None)
