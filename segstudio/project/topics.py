"""Topics: what a change of a project is about; who shows one of them reads it again when it is told of it."""

from typing import Literal, TypeAlias

Topic = Literal[
    "samples",  # images with their states, splits and comments
    "masks",  # masks, their revisions, and what is ignored
    "runs",  # trainings, their thresholds, the champion, how often they have looked at the test split
    "predictions",  # predictions and the figures against them
    "blobs",  # the errors that are walked through
    "comparisons",
    "studies",
    "recipes",
    "augmented",  # copies that a recipe has made
    "settings",
    "problems",
    "acts",  # what can be undone
]

Topics: TypeAlias = frozenset[Topic]
