"""Sample: one image and its masks, its review state and its split, and which changes of state are legal."""

from dataclasses import dataclass
from enum import StrEnum


class ReviewState(StrEnum):
    """How far a person has judged a sample."""

    TODO = "todo"
    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    FLAGGED = "flagged"
    REJECTED = "rejected"

    @property
    def is_decided(self) -> bool:
        """Whether a person has said something about the sample."""
        return self is not ReviewState.TODO


class Split(StrEnum):
    """Which part of learning a sample belongs to. The test split is frozen when the project is made."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


REVIEWED = frozenset({ReviewState.CORRECTED, ReviewState.ACCEPTED})
"""States whose masks a person vouches for: Retrain learns from these."""

USABLE = frozenset({ReviewState.TODO, ReviewState.CORRECTED, ReviewState.ACCEPTED})
"""States whose masks may be learnt from at all."""


def state_after_edit(state: ReviewState) -> ReviewState:
    """The state of a sample whose mask has just been changed by hand.

    A verdict on the old mask does not hold for the new one, so todo and accepted become corrected. Flagged and
    rejected stay: they are verdicts on the image, and only a person takes them back.
    """
    return ReviewState.CORRECTED if state in USABLE else state


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of the project's index.

    Attributes:
        id: Key in the index; stable for the life of the project.
        image: Path of the image below the dataset's root, with forward slashes.
        truth: Path of the dataset's own mask below the root, or None when it came without.
        stem: Where this sample's files lie below masks/, history/ and predictions/: `image` without its extension
            (kept when two images would collide).
        width: Image width in pixels, after EXIF orientation.
        height: Image height in pixels, after EXIF orientation.
        state: Review state.
        split: Part of learning.
        group: Samples with the same group stay on one side of the split.
        revision: Number of the current corrected mask; 0 while the dataset's own mask is current.
        problem: Why the sample cannot be used (corrupt image or mask), or empty.
    """

    id: int
    image: str
    truth: str | None
    stem: str
    width: int
    height: int
    state: ReviewState
    split: Split
    group: str
    revision: int = 0
    problem: str = ""

    @property
    def name(self) -> str:
        """The last part of the image's path."""
        return self.image.rpartition("/")[2]

    @property
    def has_mask(self) -> bool:
        """Whether there is any mask: a corrected one, or the dataset's."""
        return self.revision > 0 or self.truth is not None
