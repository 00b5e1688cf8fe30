"""How well the outline of a prediction follows that of the mask: figures that a large inside cannot hide.

Intersection over union is nearly blind to the outline of large objects: a ring of wrong pixels is a small share of
their area. Two figures look at the outline alone:

- Boundary IoU: Cheng, Girshick, Dollár, Berg and Kirillov (2021), "Boundary IoU: Improving object-centric image
  segmentation evaluation", CVPR, 15334-15342. The IoU of what lies within d pixels of either outline, inside of it; d
  is 2 % of the image's diagonal, as there.
- The 95th percentile of the Hausdorff distance: Huttenlocher, Klanderman and Rucklidge (1993), "Comparing images using
  the Hausdorff distance", IEEE PAMI 15(9), 850-863, who take a quantile in place of the maximum, which a single stray
  pixel decides; the larger of the two directions, as MONAI and Metrics Reloaded (Maier-Hein et al. 2024, Nature
  Methods 21, 195-212) have it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.mask import Mask

THICKNESS = 0.02
"""The band of the boundary IoU as a share of the image's diagonal."""

QUANTILE = 0.95

CONVENTION = (
    "Boundary IoU is 0 where only one of mask and prediction has foreground, and does not exist where neither has any. "
    "The Hausdorff distance exists only where both have foreground; images without it are left out of its mean and "
    "counted. The border of the image is part of an outline that reaches it."
)
"""What empty masks mean for these figures; shown wherever they are."""


@dataclass(frozen=True, slots=True)
class Outline:
    """How two outlines stand to each other.

    Attributes:
        boundary_iou: From 0 to 1; None when neither mask nor prediction has foreground.
        hausdorff95: In pixels; None when one of them has none.
    """

    boundary_iou: float | None
    hausdorff95: float | None


def outline_of(truth: Mask, predicted: Mask) -> Outline:
    """Both figures of one image.

    Args:
        truth: uint8 (H, W) of 0 and 1.
        predicted: Likewise, of the same shape.

    Raises:
        ValueError: When the shapes differ.
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"a prediction of shape {predicted.shape} cannot be compared with a mask of {truth.shape}")
    thickness = max(1, round(THICKNESS * float(np.hypot(*truth.shape))))
    box = _box(truth, predicted)
    if box is None:
        return Outline(None, None)
    # Nothing outside the box has foreground: what is background there is so by the image or by its border.
    truth, predicted = (np.ascontiguousarray(one[box]) for one in (truth, predicted))
    return Outline(_boundary_iou(truth, predicted, thickness), _hausdorff(truth, predicted))


def _box(truth: Mask, predicted: Mask) -> tuple[slice, slice] | None:
    """The smallest part of the image that holds all foreground of both; None without any."""
    either = truth | predicted
    rows, columns = np.flatnonzero(either.any(1)), np.flatnonzero(either.any(0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _inside(mask: Mask, thickness: int) -> Mask:
    """What of a mask lies within so many pixels of its outline."""
    # Outside the box and the image there is background, so an outline runs along both.
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=thickness, borderType=cv2.BORDER_CONSTANT,
                       borderValue=0)  # fmt: skip
    band: Mask = mask - eroded[1:-1, 1:-1].astype(np.uint8)
    return band


def _boundary_iou(truth: Mask, predicted: Mask, thickness: int) -> float:
    one, other = _inside(truth, thickness), _inside(predicted, thickness)
    both, either = np.count_nonzero(one & other), np.count_nonzero(one | other)
    return float(both / either)


def _hausdorff(truth: Mask, predicted: Mask) -> float | None:
    # Here, because scipy takes its time to load, and the window imports this package.
    from scipy.spatial import KDTree

    one, other = (np.argwhere(_edge(mask)).astype(np.float64) for mask in (truth, predicted))
    if not len(one) or not len(other):
        return None
    there, _ = KDTree(other).query(one)
    back, _ = KDTree(one).query(other)
    return float(max(np.quantile(there, QUANTILE), np.quantile(back, QUANTILE)))


def _edge(mask: Mask) -> npt.NDArray[np.uint8]:
    """The pixels of a mask of which one of the four neighbours is background."""
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    eroded = cv2.erode(padded, cross, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    edge: npt.NDArray[np.uint8] = mask - eroded[1:-1, 1:-1].astype(np.uint8)
    return edge
