"""Mask: the pixels that are foreground, at the image's own resolution; and Rect: a part of it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
"""uint8 (H, W) of 0 and 1, C-contiguous. Never a pixmap, never resampled, never antialiased."""


class Rect(NamedTuple):
    """A rectangle of whole pixels; empty when it has no width or no height.

    Attributes:
        x: First column.
        y: First row.
        width: Columns.
        height: Rows.
    """

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """One past the last column."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """One past the last row."""
        return self.y + self.height

    @property
    def is_empty(self) -> bool:
        """Whether no pixel is inside."""
        return self.width <= 0 or self.height <= 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts this rectangle out of an array: `mask[rect.slices]`. Only for rectangles inside the array."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def union(self, other: "Rect") -> "Rect":
        """The least rectangle around both; an empty one adds nothing."""
        if self.is_empty:
            return other
        if other.is_empty:
            return self
        return Rect.between(
            min(self.x, other.x), min(self.y, other.y), max(self.right, other.right), max(self.bottom, other.bottom)
        )

    def intersect(self, other: "Rect") -> "Rect":
        """What both have in common; NOWHERE when that is nothing."""
        common = Rect.between(
            max(self.x, other.x), max(self.y, other.y), min(self.right, other.right), min(self.bottom, other.bottom)
        )
        return NOWHERE if common.is_empty else common

    def clip(self, shape: tuple[int, int]) -> "Rect":
        """The part inside an array of `shape` (H, W)."""
        return self.intersect(Rect.of(shape))

    def grown(self, by: int) -> "Rect":
        """The same with so many pixels more on each side."""
        return Rect.between(self.x - by, self.y - by, self.right + by, self.bottom + by)

    def relative_to(self, outer: "Rect") -> "Rect":
        """Where it lies in an array that holds the pixels of `outer`; `placed_in` is the way back."""
        return Rect(self.x - outer.x, self.y - outer.y, self.width, self.height)

    def placed_in(self, outer: "Rect") -> "Rect":
        """Where it lies itself, when it was found in an array that holds the pixels of `outer`."""
        return Rect(self.x + outer.x, self.y + outer.y, self.width, self.height)

    @classmethod
    def of(cls, shape: tuple[int, int]) -> "Rect":
        """All of an array of `shape` (H, W)."""
        return cls(0, 0, shape[1], shape[0])

    @classmethod
    def between(cls, left: int, top: int, right: int, bottom: int) -> "Rect":
        """From the first column and row to one past the last."""
        return cls(left, top, right - left, bottom - top)


NOWHERE = Rect(0, 0, 0, 0)
"""The rectangle of a change that changed nothing."""


def bounding_box(mask: npt.NDArray[Any]) -> Rect:
    """The least rectangle around all non-zero pixels; NOWHERE when there are none.

    Args:
        mask: (H, W), any type.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return NOWHERE
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[top:bottom].any(axis=0))
    return Rect.between(int(columns[0]), top, int(columns[-1]) + 1, bottom)


def checked_mask(mask: npt.NDArray[Any]) -> Mask:
    """A Mask of an array (H, W) of bool, or of uint8 0 and 1; the same array when it is one already.

    Raises:
        ValueError: When it is not two-dimensional, has no pixels, or holds anything but 0 and 1.
    """
    if mask.ndim != 2 or mask.size == 0:
        raise ValueError(f"a mask has height and width, not the shape {mask.shape}")
    if mask.dtype == np.bool_:
        return np.ascontiguousarray(mask).view(np.uint8)
    if mask.dtype != np.uint8 or mask.max() > 1:
        raise ValueError(f"a mask is uint8 of 0 and 1, not {mask.dtype} up to {mask.max()}")
    return np.ascontiguousarray(mask)
