"""Sampling: from image pixels to screen pixels, for any rectangle of a pane, in numpy and OpenCV alone.

Above 1:1 every screen pixel shows the image pixel under its centre (nearest). Below, it is interpolated from the level
of a pyramid of halved images that is at most twice as fine as the screen: the work depends on the size of the pane,
never on that of the image. Everything is a pure function of the frame and the rectangle, so that a repainted part fits
the rest without a seam.
"""

import math
from collections.abc import Iterable
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from segstudio.core.mask import Rect
from segstudio.ui.canvas.view import Frame

Pixels = NDArray[np.uint8]

STEPS = 256
"""So many places are told apart between two pixels."""

PREPARED_BITS = 6
"""Levels whose shorter side has fewer bits than this are made when they are asked for: that takes no time."""

ROWS = 64
"""So many rows are halved at a time, a multiple of what one pixel of most levels stands for (measured)."""

MANY = 24
"""More stale rectangles than this are worth merging into one."""


class Pyramid:
    """An image at full, half, quarter ... size. A level is made when it is first asked for.

    Attributes:
        pixels: uint8 (H, W) or (H, W, 3): level 0, not copied.
        gain: What a pixel of level 0 is multiplied by when sampled: 255 turns a mask of 0 and 1 into coverage.
    """

    def __init__(self, pixels: Pixels, gain: int = 1) -> None:
        self.pixels = pixels
        self.gain = gain
        self._halved: list[Pixels] = []
        self._stale: list[Rect] = []

    def part(self, level: int, rows: slice, columns: slice) -> Pixels:
        """A rectangle of a level, with gain; a view wherever that is possible."""
        if level:
            self._bring_up_to_date(level)
            return self._halved[level - 1][rows, columns]
        return self._amplified(self.pixels[rows, columns])

    def prepare(self) -> None:
        """Make every level that a pane may need, in a thread of the caller's: drawing then waits for nothing."""
        self.part(max(0, min(self.pixels.shape[:2]).bit_length() - PREPARED_BITS), slice(0, 1), slice(0, 1))

    def change(self, rect: Rect) -> None:
        """Level 0 has changed inside `rect`; the other levels follow when they are asked for."""
        if self._halved:
            self._stale.append(rect)
            if len(self._stale) > 10 * MANY:  # nobody asks while a mask is painted at full size
                self._stale = merged(self._stale)

    def _bring_up_to_date(self, level: int) -> None:
        if self._stale:
            # Coarser levels than this were for another zoom: forgetting them is less work than keeping them right.
            del self._halved[level:]
            for rect in merged(self._stale):
                self._halve_again(rect)
            self._stale.clear()
        if not self._halved and level:
            self._halved.append(np.empty(_halved_shape(self.pixels), np.uint8))
            self._halve_again(Rect.of((self.pixels.shape[0], self.pixels.shape[1])))
        while len(self._halved) < level:
            self._halved.append(_halve(self._halved[-1]))

    def _halve_again(self, rect: Rect) -> None:
        """All levels that there are, some rows after the others: each level is read while it is still in the cache."""
        top = rect.y
        while top < rect.bottom:
            bottom = min(rect.bottom, (top // ROWS + 1) * ROWS)
            self._halve_rows(rect._replace(y=top, height=bottom - top))
            top = bottom

    def _halve_rows(self, rect: Rect) -> None:
        left, top, right, bottom = rect.x, rect.y, rect.right, rect.bottom
        for number, target in enumerate(self._halved):
            left, top, right, bottom = left // 2, top // 2, (right + 1) // 2, (bottom + 1) // 2
            rows, columns = slice(top * 2, bottom * 2), slice(left * 2, right * 2)
            finer = self._halved[number - 1][rows, columns] if number else self._amplified(self.pixels[rows, columns])
            _halve(finer, target[top:bottom, left:right])

    def _amplified(self, pixels: Pixels) -> Pixels:
        return pixels if self.gain == 1 else pixels * np.uint8(self.gain)


def merged(rects: Iterable[Rect]) -> list[Rect]:
    """The same area in fewer rectangles, where that is less work.

    The rectangles of a stroke overlap for the most part, so each is joined to the one before unless their union would
    be larger than both together.
    """
    result: list[Rect] = []
    for rect in rects:
        if result:
            union = result[-1].union(rect)
            if _area(union) <= _area(result[-1]) + _area(rect) or len(result) >= MANY:
                result[-1] = union
                continue
        result.append(rect)
    return result


def _area(rect: Rect) -> int:
    return rect.width * rect.height


def level_for(zoom: float) -> int:
    """The coarsest level of a pyramid that is still at least as fine as the screen."""
    return 0 if zoom >= 1 else max(0, math.floor(math.log2(1 / zoom)))


def sample(pyramid: Pyramid, frame: Frame, rect: Rect) -> Pixels:
    """What the device pixels of `rect` show of the image.

    Args:
        pyramid: The image.
        frame: How the pane shows it.
        rect: Device pixels, all of them inside `frame.picture`.

    Returns:
        uint8 (rect.height, rect.width) or (rect.height, rect.width, 3); not to be written to.
    """
    level = level_for(frame.zoom)
    if frame.zoom * (1 << level) == 1:  # 1:1, 1:2, 1:4 ...: the pixels of a level as they are
        x, y = int(rect.x - frame.left), int(rect.y - frame.top)
        return pyramid.part(level, slice(y, y + rect.height), slice(x, x + rect.width))
    if frame.zoom >= 1:
        columns = _nearest(rect.x, rect.width, frame.left, frame.zoom, frame.image_width)
        rows = _nearest(rect.y, rect.height, frame.top, frame.zoom, frame.image_height)
        x, y = int(columns[0]), int(rows[0])
        source = pyramid.part(0, slice(y, int(rows[-1]) + 1), slice(x, int(columns[-1]) + 1))
        # Columns first: there are fewer rows of the image than of the screen, and whole rows are copied fast.
        return source.take(columns - x, axis=1).take(rows - y, axis=0)
    zoom, size = frame.zoom * (1 << level), 1 << level
    across = _between(rect.x, rect.width, frame.left, zoom, -(-frame.image_width // size))
    down = _between(rect.y, rect.height, frame.top, zoom, -(-frame.image_height // size))
    x, y = int(across[0]), int(down[0])
    source = pyramid.part(level, slice(y, int(down[-1]) + 2), slice(x, int(across[-1]) + 2))
    columns_2d = np.empty((rect.height, rect.width), np.float32)
    rows_2d = np.empty_like(columns_2d)
    columns_2d[:] = across - x
    rows_2d[:] = (down - y)[:, None]
    return _bytes(cv2.remap(source, columns_2d, rows_2d, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _nearest(first: int, count: int, origin: float, zoom: float, length: int) -> NDArray[np.int64]:
    """The image pixel under the centre of each of `count` device pixels."""
    under = np.floor((np.arange(first, first + count) + (0.5 - origin)) / zoom)
    return np.asarray(np.clip(under, 0, length - 1), np.int64)


def _between(first: int, count: int, origin: float, zoom: float, length: int) -> NDArray[np.float64]:
    """Where the centre of each of `count` device pixels lies between the centres of the pixels of a level."""
    places = (np.arange(first, first + count) + (0.5 - origin)) / zoom - 0.5
    # In whole steps, so that they stay the same whatever pixel they are counted from, also in 32 bits.
    return np.asarray(np.clip(np.floor(places * STEPS + 0.5) / STEPS, 0, length - 1), np.float64)


def _halved_shape(pixels: Pixels) -> tuple[int, ...]:
    return -(-pixels.shape[0] // 2), -(-pixels.shape[1] // 2), *pixels.shape[2:]


def _halve(pixels: Pixels, target: Pixels | None = None) -> Pixels:
    """The means of 2x2 pixels, put into `target` when there is one; an odd last row or column counts twice."""
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = _bytes(cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE))
    return _bytes(cv2.resize(pixels, (-(-width // 2), -(-height // 2)), target, interpolation=cv2.INTER_AREA))


def _bytes(pixels: object) -> Pixels:
    # OpenCV's stubs do not know that bytes in are bytes out.
    return cast(Pixels, pixels)
