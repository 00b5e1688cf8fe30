"""Versions: every mask that there is of a sample, its own as it was at any time, and what each run predicts.

They are what can be laid beside each other. The mask as it is painted on now lies in memory, and is read by nobody
here.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segstudio.core.mask import Mask
from segstudio.core.sample import Sample
from segstudio.core.threshold import predicted_at
from segstudio.core.way import manner_words

if TYPE_CHECKING:
    from segstudio.project.project import Project

Kind = Literal["now", "run", "revision"]


class Version(NamedTuple):
    """One mask of a sample.

    Attributes:
        kind: The mask as it is now, the prediction of a run, or a revision.
        number: Of the run or the revision; 0 is the dataset's own mask, and of no meaning for the mask of now.
        reader: Who has drawn what stands in the place of a prediction; empty for a network.
        how: How it was predicted, in words; empty when plainly.
    """

    kind: Kind
    number: int = 0
    reader: str = ""
    how: str = ""

    @property
    def title(self) -> str:
        """What a person calls it."""
        if self.kind == "now":
            return "Mask now"
        if self.kind == "run":
            return self.reader or f"Run {self.number:04}" + (f" ({self.how})" if self.how else "")
        return f"Revision {self.number}" if self.number else "From the dataset"


NOW = Version("now")


def runs_of(project: "Project", sample: Sample) -> list[Version]:
    """What runs have predicted of a sample, but for deleted ones: the current run first, then the newest first."""
    rows = project.database.rows("SELECT run_id FROM prediction WHERE sample_id = ?", (sample.id,))
    able, current = {run_id for (run_id,) in rows}, project.predictions.current()

    def how(run_id: int) -> str:
        return manner_words(project.predictions.manner(run_id, sample.id))

    found = [Version("run", run.id, run.reader, how(run.id)) for run in project.runs.list() if run.id in able]
    return sorted(found, key=lambda version: version.number != current)


def versions_of(project: "Project", sample: Sample) -> list[Version]:
    """All there are: the mask as it is now, predictions, and earlier revisions, the newest first."""
    earlier = [one.number for one in project.masks.revisions(sample) if not one.is_current]
    return [NOW, *runs_of(project, sample), *(Version("revision", number) for number in reversed(earlier))]


def load_version(project: "Project", sample: Sample, version: Version) -> Mask | None:
    """A version as uint8 (H, W) of 0 and 1; None when the run has not predicted the sample.

    Raises:
        BadImage: When its file cannot be read.
        ValueError: For the mask of now, which lies in no file.
    """
    if version.kind == "now":
        raise ValueError("the mask of now lies in memory")
    if version.kind == "revision":
        return project.masks.load_revision(sample, version.number)
    probability = project.predictions.load(version.number, sample)
    return None if probability is None else predicted_at(probability, project.predictions.level(version.number))


class Disagreement:
    """How much several runs contradict each other about one sample, gathered map by map.

    Attributes:
        count: How many maps were added.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum: np.ndarray | None = None
        self._squares: np.ndarray | None = None
        self._votes: np.ndarray | None = None

    def add(self, probability: NDArray[np.uint8], mask: Mask) -> None:
        """Take uint8 (H, W), 255 times the probability of foreground, and the mask that the run's threshold makes.

        Raises:
            ValueError: When it differs from the others in shape.
        """
        if self._sum is None or self._squares is None or self._votes is None:
            self._sum, self._squares = (np.zeros(probability.shape, np.float32) for _ in range(2))
            self._votes = np.zeros(probability.shape, np.uint8)
        if probability.shape != self._sum.shape or mask.shape != self._sum.shape:
            raise ValueError(f"maps of shape {self._sum.shape} are needed, not {probability.shape}")
        values = probability.astype(np.float32) / 255
        self._sum += values
        self._squares += values * values
        self._votes += mask
        self.count += 1

    @property
    def heat(self) -> NDArray[np.uint8] | None:
        """255 times twice the standard deviation of the probabilities: 0 is one opinion, 255 is 0 against 1.

        Returns:
            uint8 (H, W); None with fewer than two maps.
        """
        if self.count < 2 or self._sum is None or self._squares is None:
            return None
        mean = self._sum / self.count
        spread = np.sqrt(np.maximum(self._squares / self.count - mean * mean, 0))
        return np.asarray(np.rint(np.minimum(spread * 2, 1) * 255), np.uint8)

    @property
    def share(self) -> float:
        """The share of the area that some runs take for foreground and others do not."""
        if self._votes is None or not self._votes.size:
            return 0.0
        return float(np.count_nonzero((self._votes > 0) & (self._votes < self.count)) / self._votes.size)
