"""Which pixels belong to a shape. Every rule here speaks of pixel centres: pixel (column i, row j) covers
[i, i+1) x [j, j+1) and its centre is (i + 0.5, j + 0.5).

A brush of radius r is a disc exactly `brush_diameter(r)` pixels wide and high: 2r, rounded to whole pixels. Its centre
snaps to the middle of a pixel when that is odd and to the corner of four pixels when it is even, so a disc looks the
same wherever it is set. Radius 0.5 is exactly the pixel under the pointer, radius 1 exactly 2x2 pixels, radius 1.5
exactly 3x3, and from radius 2 on the corners are round. Brush geometry is therefore whole numbers of half pixels, and
all of it is computed in integers: no rounding decides whether a pixel belongs.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.mask import NOWHERE, Mask, Rect, bounding_box

Integers = npt.NDArray[np.int64]
Point = tuple[float, float]
HalfPixels = tuple[int, int]
"""A point in half pixels: (1, 1) is the centre of the first pixel, (2, 2) its lower right corner."""

_FAR = 1 << 40
_FARTHEST_POINTER = 1 << 20  # pixels; keeps every product below within int64


class Spans(NamedTuple):
    """A shape with at most one run of pixels in each row, clipped to the image.

    Attributes:
        top: The row of the first run.
        starts: int64 (rows,), the first column of each run.
        stops: int64 (rows,), one past its last column; not greater than its start when the row is empty.
    """

    top: int
    starts: Integers
    stops: Integers

    @property
    def bounds(self) -> Rect:
        """The least rectangle around all runs."""
        rows = np.flatnonzero(self.starts < self.stops)
        if not rows.size:
            return NOWHERE
        left, right = int(self.starts[rows].min()), int(self.stops[rows].max())
        return Rect.between(left, self.top + int(rows[0]), right, self.top + int(rows[-1]) + 1)


class Region(NamedTuple):
    """A shape of any form.

    Attributes:
        rect: Where it lies, inside the image.
        inside: bool (rect.height, rect.width).
    """

    rect: Rect
    inside: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, inside: npt.NDArray[Any]) -> "Region":
        """The pixels that are not 0 of an array (H, W) as large as the image; EMPTY_REGION without any."""
        rect = bounding_box(inside)
        return cls(rect, inside[rect.slices] != 0) if not rect.is_empty else EMPTY_REGION


EMPTY_REGION = Region(NOWHERE, np.zeros((0, 0), np.bool_))


def brush_diameter(radius: float) -> int:
    """How many pixels wide a brush of that radius is: 2 * radius to the nearest whole number, at least 1."""
    return max(1, math.floor(2 * radius + 0.5))


def brush_centre(x: float, y: float, diameter: int) -> HalfPixels:
    """Where a brush of `diameter` pixels sits when the pointer is at (x, y) in pixels; in half pixels."""
    return _snapped(x, diameter), _snapped(y, diameter)


def _snapped(value: float, diameter: int) -> int:
    value = min(max(value, -_FARTHEST_POINTER), _FARTHEST_POINTER)
    return 2 * math.floor(value) + 1 if diameter % 2 else 2 * math.floor(value + 0.5)


def capsule(shape: tuple[int, int], start: HalfPixels, end: HalfPixels, diameter: int) -> Spans:
    """Every pixel that a brush touches on its straight way from `start` to `end`.

    These are the pixels whose centre is at most half the diameter away from the segment. Pixels touched by one move
    hang together (also over corners), however long it is.

    Args:
        shape: (H, W) of the image.
        start: From `brush_centre`.
        end: From `brush_centre`; equal to `start` for a single disc.
        diameter: In pixels.
    """
    height, width = shape
    first = max(0, (min(start[1], end[1]) - diameter) // 2)
    stop = min(height, (max(start[1], end[1]) + diameter + 1) // 2)
    rows = 2 * np.arange(first, max(first, stop), dtype=np.int64) + 1
    lefts, rights = _disc(rows, start, diameter)
    if start != end:
        for other_lefts, other_rights in (_disc(rows, end, diameter), _strip(rows, start, end, diameter)):
            np.minimum(lefts, other_lefts, out=lefts)
            np.maximum(rights, other_rights, out=rights)
    # A capsule is convex, so each row of it is one run from the leftmost part to the rightmost.
    return Spans(first, np.clip(lefts // 2, 0, width), np.clip((rights + 1) // 2, 0, width))


def without(spans: Spans, part: Spans) -> tuple[Spans, Spans]:
    """What is left and what is right of a part of a shape, with the rows that it does not reach on the left.

    Args:
        spans: The shape.
        part: A shape inside it.
    """
    first = np.array(spans.stops)
    last = np.array(spans.stops)
    has_run = part.starts < part.stops
    rows = part.top - spans.top + np.flatnonzero(has_run)
    first[rows], last[rows] = part.starts[has_run], part.stops[has_run]
    return Spans(spans.top, spans.starts, first), Spans(spans.top, last, spans.stops)


def _disc(rows: Integers, centre: HalfPixels, diameter: int) -> tuple[Integers, Integers]:
    """The first and last half pixel of a disc in each row; (_FAR, -_FAR) where there is none."""
    square = diameter * diameter - (rows - centre[1]) ** 2
    reach = np.sqrt(np.maximum(square, 0)).astype(np.int64)  # exact: the squares are far below 2**52
    is_hit = square >= 0
    return np.where(is_hit, centre[0] - reach, _FAR), np.where(is_hit, centre[0] + reach, -_FAR)


def _strip(rows: Integers, start: HalfPixels, end: HalfPixels, diameter: int) -> tuple[Integers, Integers]:
    """The same for the rectangle between the two discs."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    down = rows - start[1]
    square = dx * dx + dy * dy
    # With u half pixels to the right of the start, a point is within the strip's width when |dx*down - dy*u| is at
    # most diameter * length, and between its ends when 0 <= dx*u + dy*down <= length squared.
    widest = math.isqrt(diameter * diameter * square)
    low_across, high_across = _solved(dy, dx * down - widest, dx * down + widest)
    low_along, high_along = _solved(dx, -dy * down, square - dy * down)
    low, high = np.maximum(low_across, low_along), np.minimum(high_across, high_along)
    is_hit = low <= high
    return np.where(is_hit, start[0] + low, _FAR), np.where(is_hit, start[0] + high, -_FAR)


def _solved(factor: int, low: Integers, high: Integers) -> tuple[Integers, Integers]:
    """The least and greatest integer u with low <= factor * u <= high, for each row."""
    if factor == 0:
        is_free = (low <= 0) & (high >= 0)
        return np.where(is_free, -_FAR, _FAR), np.where(is_free, _FAR, -_FAR)
    if factor < 0:
        factor, low, high = -factor, -high, -low
    return -(-low // factor), high // factor


def polygon(shape: tuple[int, int], points: Sequence[Point], *, is_winding: bool = False) -> Region:
    """The pixels whose centre lies inside a closed polygon.

    A centre exactly on an edge belongs to the right and lower side of it, so polygons that share an edge neither
    overlap nor leave a gap.

    Args:
        shape: (H, W) of the image.
        points: (x, y) in pixels, anywhere; the last is joined to the first.
        is_winding: Where the outline crosses itself: whether what it goes around twice is inside, as a hand that draws
            a loop means it. Otherwise it is outside (even-odd).
    """
    rect = _rect_of_centres(points).clip(shape) if len(points) >= 3 else NOWHERE
    if rect.is_empty:
        return EMPTY_REGION
    turns = np.zeros((rect.height, rect.width + 1), np.int16)  # one more column: crossings right of the rectangle
    for index, point in enumerate(points):
        _turn_along_edge(turns, rect, points[index - 1], point)
    np.add.accumulate(turns, axis=1, out=turns)
    inside = turns[:, :-1] != 0 if is_winding else (turns[:, :-1] & 1) != 0
    return Region(rect, inside)


def _rect_of_centres(points: Sequence[Point]) -> Rect:
    columns, rows = zip(*points, strict=True)
    return Rect.between(
        math.ceil(min(columns) - 0.5),
        math.ceil(min(rows) - 0.5),
        math.ceil(max(columns) - 0.5),
        math.ceil(max(rows) - 0.5),
    )


def _turn_along_edge(turns: npt.NDArray[np.int16], rect: Rect, one: Point, other: Point) -> None:
    """Count, in each row that the edge crosses, a turn at the first pixel whose centre is not left of it."""
    # The same order for both polygons that share the edge, so that both compute the same crossing.
    (x0, y0), (x1, y1) = sorted((one, other), key=lambda point: (point[1], point[0]))
    first = max(math.ceil(y0 - 0.5), rect.y)
    stop = min(math.ceil(y1 - 0.5), rect.bottom)
    if first >= stop:
        return
    rows = np.arange(first, stop)
    # The division last: it is then exact whenever the crossing is, and decides rightly about a centre on the edge.
    crossings = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
    columns = np.clip(np.ceil(crossings - 0.5), rect.x, rect.right).astype(np.int64)
    turns[rows - rect.y, columns - rect.x] += 1 if one[1] < other[1] else -1


def box(shape: tuple[int, int], one: Point, other: Point) -> Region:
    """The pixels of a rectangle between two corners, whose sides snap to the nearest borders of pixels."""
    rect = snapped_box(one, other).clip(shape)
    return Region(rect, np.ones((rect.height, rect.width), np.bool_)) if not rect.is_empty else EMPTY_REGION


def ellipse(shape: tuple[int, int], one: Point, other: Point) -> Region:
    """The pixels whose centre lies in the ellipse that fills the rectangle of `box`."""
    whole = snapped_box(one, other)
    rect = whole.clip(shape)
    if rect.is_empty:
        return EMPTY_REGION
    across = (2 * np.arange(rect.x, rect.right) + 1 - whole.x - whole.right) / whole.width
    down = (2 * np.arange(rect.y, rect.bottom) + 1 - whole.y - whole.bottom) / whole.height
    return Region(rect, (across**2)[None, :] + (down**2)[:, None] <= 1)


def snapped_box(one: Point, other: Point) -> Rect:
    """The rectangle between two corners with its sides on the nearest borders of pixels, also outside the image."""
    left, right = sorted(_border(x) for x in (one[0], other[0]))
    top, bottom = sorted(_border(y) for y in (one[1], other[1]))
    return Rect.between(left, top, right, bottom)


def _border(value: float) -> int:
    return math.floor(min(max(value, -_FARTHEST_POINTER), _FARTHEST_POINTER) + 0.5)


def contiguous(mask: Mask, column: int, row: int, *, is_diagonal: bool = False) -> Region:
    """The pixels of equal value that hang together with one pixel.

    Args:
        mask: The mask to look at; not changed.
        column: Of the pixel to start from; nothing is found outside the mask.
        row: Of the pixel to start from.
        is_diagonal: Whether pixels that touch only at a corner hang together.
    """
    height, width = mask.shape
    if not (0 <= column < width and 0 <= row < height):
        return EMPTY_REGION
    found = np.zeros((height + 2, width + 2), np.uint8)
    flags = (8 if is_diagonal else 4) | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
    # A copy, because OpenCV takes no read-only array, although it leaves the mask alone with these flags.
    rect = Rect(*cv2.floodFill(mask.copy(), found, (column, row), 1, flags=flags)[3])
    return Region(rect, found[1:-1, 1:-1][rect.slices].view(np.bool_))
