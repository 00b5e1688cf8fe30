"""Components: pixels that hang together."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.mask import Mask


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The connected parts of a mask, numbered from the top.

    Attributes:
        labels: int32 (H, W): 0 where the mask is 0, else one more than the number of the part.
        areas: int64 (N,), the pixels of each part.
        boxes: int64 (N, 4): x, y, width, height of each part.
    """

    labels: npt.NDArray[np.int32]
    areas: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.int64]

    @property
    def touches_border(self) -> npt.NDArray[np.bool_]:
        """Whether each part reaches the border of the image, bool (N,)."""
        height, width = self.labels.shape
        x, y, wide, tall = self.boxes.T
        return cast(npt.NDArray[np.bool_], (x == 0) | (y == 0) | (x + wide == width) | (y + tall == height))


def components(mask: Mask, *, is_diagonal: bool) -> Components:
    """The connected parts of what is 1 in a mask.

    Args:
        mask: Not changed.
        is_diagonal: Whether pixels that touch only at a corner hang together.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8 if is_diagonal else 4)
    boxes = stats[1:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].astype(np.int64)
    return Components(cast(npt.NDArray[np.int32], labels), stats[1:, cv2.CC_STAT_AREA].astype(np.int64), boxes)


def selected(found: Components, chosen: npt.NDArray[np.bool_]) -> Mask:
    """The pixels of some parts.

    Args:
        found: The parts.
        chosen: bool (N,), which of them.
    """
    table = np.concatenate([[False], chosen]).view(np.uint8)
    return table[found.labels]
