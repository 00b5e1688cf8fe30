"""Steering: what a person may ask of a training while it runs, and what is written down of it.

A wish is obeyed between two steps. What changes the numbers that a training computes, its rate and how many epochs it
has, becomes a Change: with the place where it took effect a training that is gone on with makes it there again, so
that it ends bit for bit as the one that was never interrupted.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from segstudio.core.options import Options, option

PAUSED = "paused"
"""What a training says it is at, at the end of its words of progress, while it waits to be told to go on."""


class Wish(Options):
    """What is asked of a running training; None leaves a thing as it is."""

    pause: bool | None = option(None, "Pause", help="Wait before the next step; false: go on.")
    stop: bool = option(False, "Stop", help="End after this step; the best weights are kept.")
    learning_rate: float | None = option(
        None, "Learning rate", gt=0, le=1, help="From the next step on; the schedule goes on from there in proportion."
    )
    epochs: int | None = option(
        None, "Epochs", ge=1, le=10_000, help="How many epochs there shall be in all; not fewer than have begun."
    )


@dataclass(frozen=True)
class Change:
    """What became of a wish: a thing that is another one from some place on.

    Attributes:
        epoch: The epoch that was under way, from 1.
        step: How many of its steps had been done; 0 is before the first.
        learning_rate: The rate from then on, or None when that is not what changed.
        epochs: How many epochs there are from then on, or None.
        was: With `epochs`: how many there were before.
    """

    epoch: int
    step: int
    learning_rate: float | None = None
    epochs: int | None = None
    was: int | None = None

    @property
    def place(self) -> tuple[int, int]:
        """Epoch and step, in the order of time."""
        return self.epoch, self.step


class Steering(Protocol):
    """Where wishes come from and changes are kept."""

    def wishes(self) -> list[Wish]:
        """Those that have come since the last call, the oldest first. Called at every step: it must be quick."""

    def changes(self) -> list[Change]:
        """Those that were kept so far, in the order in which they were made."""

    def keep(self, change: Change) -> None:
        """Keep a change, safely, before it takes effect."""


class Unsteered:
    """A training of which nobody can ask anything."""

    def wishes(self) -> list[Wish]:
        """None."""
        return []

    def changes(self) -> list[Change]:
        """None."""
        return []

    def keep(self, change: Change) -> None:
        """Nothing to keep it in."""


def in_force(changes: Iterable[Change]) -> list[Change]:
    """The changes that hold, by their place.

    Where a training went back to its last epoch and was steered anew before the place of an older change, the older
    one is no more.
    """
    kept: list[Change] = []
    for change in changes:
        is_rate = change.learning_rate is not None
        kept = [one for one in kept if one.place < change.place or (one.learning_rate is not None) != is_rate]
        kept.append(change)
    return sorted(kept, key=lambda one: one.place)
