"""How every image scores in every training of an experiment, comparison or study alike."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.metrics import Counts, compared
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.core.way import Flips
from segstudio.project.cells import Cell, Score
from segstudio.project.scores import THRESHOLD
from segstudio.project.threads import in_threads


class Truth(NamedTuple):
    """What an image is measured against, and in which trainings.

    Attributes:
        sample: The image as it is named in its scores.
        revision: Number of the mask.
        mask: uint8 (H, W) of 0 and 1.
        ignored: uint8 (H, W), 1 where nothing is measured; None when nowhere.
        cells: The trainings that predicted the image.
    """

    sample: Sample
    revision: int
    mask: Mask
    ignored: Mask | None
    cells: Sequence[Cell]


def require_alike(cells: Sequence[Cell], flips: Flips) -> None:
    """Raise UserError when a training has predicted in another way than the others: such figures are never compared."""
    for cell in cells:
        own = cell.done().get("flips", flips)  # older ones do not say it, and were never made otherwise
        if own != flips:
            raise UserError(
                f"{cell.arm}, repeat {cell.repeat + 1} was predicted with mirror images {own}, not {flips}",
                f"remove {cell.folder} and go on with the experiment: it is trained again",
            )


def scores_of(samples: Sequence[Sample], truth_of: Callable[[Sample], Truth], report: Reporter) -> list[Score]:
    """The score of every image in each of its trainings.

    An image that some training could not predict, or whose mask cannot be read, is noted and left out of all: what is
    compared was measured everywhere.

    Args:
        samples: The images.
        truth_of: Called in threads.
        report: Hears of progress, and of images that are left out.

    Raises:
        UserError: When no image could be measured.
    """

    def measure(sample: Sample) -> list[Score]:
        return _scores(truth_of(sample))

    found: list[Score] = []
    with in_threads(samples, measure) as done:
        for number, (sample, scores) in enumerate(done, 1):
            found += _noted(scores, sample, report)
            report.progress(number, len(samples), f"measuring image {number} of {len(samples)}")
    if not found:
        raise UserError("no image could be measured in every training", "see the Problems panel")
    return found


def _scores(truth: Truth) -> list[Score]:
    sample, share = truth.sample, float(np.count_nonzero(truth.mask) / truth.mask.size)
    scores = []
    for cell in truth.cells:
        counts = Counts.of(truth.mask, cell.prediction(sample) >= THRESHOLD, truth.ignored)
        scores.append(
            Score(sample.id, sample.image, sample.group, sample.state.value, truth.revision, share, cell.arm,
                  cell.repeat, cell.seed, counts.tp, counts.fp, counts.fn, counts.tn,
                  compared(counts, "iou"), compared(counts, "dice"))
        )  # fmt: skip
    return scores


def _noted(scores: "Future[list[Score]]", sample: Sample, report: Reporter) -> list[Score]:
    try:
        return scores.result()
    except (UserError, OSError) as error:
        report.note(sample.image, str(error))
        return []
