"""Sampling: from image pixels to screen pixels, for any rectangle of a pane, in numpy and OpenCV alone.

Above 1:1 every screen pixel shows the image pixel under its centre (nearest). Below, it is interpolated from the level
of a pyramid of halved images that is at most twice as fine as the screen: the work depends on the size of the pane,
never on that of the image. Everything is a pure function of the frame and the rectangle, so that a repainted part fits
the rest without a seam.
"""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from segstudio.core.mask import Rect
from segstudio.ui.canvas.view import Frame

Pixels = NDArray[np.uint8]
Places = NDArray[np.int64]

SUBPIXELS = 32
"""Steps of OpenCV's fixed-point interpolation (INTER_TAB_SIZE)."""


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
        while len(self._halved) < level:
            finer = self._halved[-1] if self._halved else self._amplified(self.pixels)
            self._halved.append(_halve(finer))

    def _halve_again(self, rect: Rect) -> None:
        left, top, right, bottom = rect.x, rect.y, rect.right, rect.bottom
        for number, target in enumerate(self._halved):
            left, top, right, bottom = left // 2, top // 2, (right + 1) // 2, (bottom + 1) // 2
            rows, columns = slice(top * 2, bottom * 2), slice(left * 2, right * 2)
            finer = self._halved[number - 1][rows, columns] if number else self._amplified(self.pixels[rows, columns])
            target[top:bottom, left:right] = _halve(finer)

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
        uint8 (rect.height, rect.width) or (rect.height, rect.width, 3).
    """
    across = slice(rect.x - frame.picture.x, rect.right - frame.picture.x)
    down = slice(rect.y - frame.picture.y, rect.bottom - frame.picture.y)
    if frame.zoom >= 1:
        columns, rows = (places[part] for places, part in zip(_nearest(frame), (across, down), strict=True))
        x, y = int(columns[0]), int(rows[0])
        source = pyramid.part(0, slice(y, int(rows[-1]) + 1), slice(x, int(columns[-1]) + 1))
        # Columns first: there are fewer rows of the image than of the screen, and whole rows are copied fast.
        return source.take(columns - x, axis=1).take(rows - y, axis=0)
    whole, part = (table[down, across] for table in _interpolated(frame))
    first, last = int(whole[0, 0]), int(whole[-1, -1])
    x, y, right, bottom = first & 0xFFFF, first >> 16, last & 0xFFFF, last >> 16
    level, (left, top) = level_for(frame.zoom), _corner(frame)
    source = pyramid.part(level, slice(top + y, top + bottom + 2), slice(left + x, left + right + 2))
    from_corner = (whole - np.int32(first)).view(np.int16).reshape(rect.height, rect.width, 2)
    return _bytes(cv2.remap(source, from_corner, part, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


@lru_cache(maxsize=8)
def _nearest(frame: Frame) -> tuple[Places, Places]:
    """The image column under each device column of the picture, and the row under each row."""
    across, down = _centres(frame)
    return (
        np.clip(np.floor(across), 0, frame.image_width - 1).astype(np.int64),
        np.clip(np.floor(down), 0, frame.image_height - 1).astype(np.int64),
    )


@lru_cache(maxsize=8)
def _interpolated(frame: Frame) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Where each device pixel of the picture lies in its level: whole pixels from `_corner`, and OpenCV's fractions.

    Returns:
        int32 (H, W) y << 16 | x, which lies in memory as the int16 pair (x, y), and is subtracted from in one go; and
        uint16 (H, W) 32 * fraction of y + fraction of x, in 1/32 pixel.
    """
    across, down = _steps(frame)
    left, top = _corner(frame)
    x, y = (across // SUBPIXELS - left).astype(np.int32), (down // SUBPIXELS - top).astype(np.int32)
    part = ((down % SUBPIXELS) * SUBPIXELS).astype(np.uint16)[:, None] + (across % SUBPIXELS).astype(np.uint16)
    return (y << 16)[:, None] | x, part


def _corner(frame: Frame) -> tuple[int, int]:
    """The first column and row of the level that the picture shows. Counted from there, 16 bits are enough."""
    across, down = _steps(frame)
    return int(across[0]) // SUBPIXELS, int(down[0]) // SUBPIXELS


@lru_cache(maxsize=8)
def _steps(frame: Frame) -> tuple[Places, Places]:
    """The centre of each device column and row of the picture in its level, in 1/32 pixel from the first centre."""
    size = 1 << level_for(frame.zoom)
    widths = (-(-frame.image_width // size), -(-frame.image_height // size))
    across, down = (
        np.clip(np.floor((centres / size - 0.5) * SUBPIXELS + 0.5), 0, (length - 1) * SUBPIXELS).astype(np.int64)
        for centres, length in zip(_centres(frame), widths, strict=True)
    )
    return across, down


def _centres(frame: Frame) -> tuple[NDArray[Any], NDArray[Any]]:
    """The centre of each device column and row of the picture, in image pixels."""
    picture = frame.picture
    return (
        (np.arange(picture.x, picture.right) + (0.5 - frame.left)) / frame.zoom,
        (np.arange(picture.y, picture.bottom) + (0.5 - frame.top)) / frame.zoom,
    )


def _halve(pixels: Pixels) -> Pixels:
    """The means of 2x2 pixels; an odd last row or column counts twice."""
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = _bytes(cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE))
    return _bytes(cv2.resize(pixels, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA))


def _bytes(pixels: object) -> Pixels:
    # OpenCV's stubs do not know that bytes in are bytes out.
    return cast(Pixels, pixels)
