"""Labels: what each pixel of a sample is to learning, in one byte.

Bit 0 is the class. Beside it a pixel may be ignored, and then it is nothing else: not learnt from, not measured. Or it
may be corrected: a person has changed it since a run learnt from it. A mask in which nothing is either is its own map
of labels. One byte is scaled, stored and augmented as a mask is, by the nearest pixel, so that what a pixel counts goes
wherever its class goes.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.mask import Mask
from segstudio.core.scaling import scaled_mask

Labels = npt.NDArray[np.uint8]

FOREGROUND, IGNORED, CORRECTED = 1, 2, 4
"""The bits of a label. No class is kept of what is ignored: so it can have no say in anything."""

TRUTH = FOREGROUND | IGNORED
"""What losses and metrics get to see: 0, 1, or 2 for a pixel that is ignored."""


@dataclass(frozen=True)
class Weighing:
    """What pixels count in the loss; 1 is usual.

    Attributes:
        correction: What a pixel counts that a person has changed since the last run.
        unreviewed: What the others count in a sample that nobody has reviewed.
    """

    correction: float = 1.0
    unreviewed: float = 1.0

    def weights(self, labels: Labels, *, is_reviewed: bool = True) -> npt.NDArray[np.float32]:
        """What each pixel counts: float32 of the shape of `labels`, 0 where it is ignored."""
        usual = 1.0 if is_reviewed else self.unreviewed
        table = np.full(8, usual, np.float32)
        table[CORRECTED:] = self.correction
        table[[label for label in range(8) if label & IGNORED]] = 0
        return table[labels]


def labelled(mask: Mask, *, ignored: Mask | None = None, before: Mask | None = None) -> Labels:
    """The labels of a mask.

    Args:
        mask: uint8 (H, W) of 0 and 1.
        ignored: Of the same shape: 1 where nothing is to be learnt; nowhere when None.
        before: The mask as it was learnt from last: where it differs a person has corrected it; nowhere when None.
    """
    labels = mask
    if before is not None:
        labels = mask | (mask ^ before) * np.uint8(CORRECTED)
    if ignored is not None:
        labels = np.where(ignored, np.uint8(IGNORED), labels)
    return labels


def without_errors(predicted: Mask, truth: Mask, ignored: Mask | None) -> Mask:
    """The prediction with the truth in its place wherever pixels are ignored: nobody looks for errors there."""
    return predicted if ignored is None else predicted ^ ((predicted ^ truth) & ignored)


def scaled_labels(labels: Labels, height: int, width: int) -> Labels:
    """The labels at another size: a pixel is foreground where half of its area is, ignored or corrected where any is.

    Any, because a stroke may be thinner than the pixels of the network: it would be lost between them. And a pixel of
    which a part is ignored has no class of its own.

    Args:
        labels: uint8 (H, W).
        height: Rows wanted.
        width: Columns wanted.

    Returns:
        uint8 (height, width).
    """
    if labels.max(initial=0) <= FOREGROUND:
        return scaled_mask(labels, height, width)
    scaled = scaled_mask(labels & FOREGROUND, height, width)
    scaled[_any(labels & np.uint8(CORRECTED), height, width)] |= CORRECTED
    scaled[_any(labels & np.uint8(IGNORED), height, width)] = IGNORED
    return scaled


def _any(marked: Labels, height: int, width: int) -> npt.NDArray[np.bool_]:
    shares = cv2.resize((marked > 0).astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(shares > 0)
