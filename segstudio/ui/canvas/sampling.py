"""Sampling: from image pixels to screen pixels, for any rectangle of a pane, in numpy and OpenCV alone.

Above 1:1 every screen pixel shows the image pixel under its centre (nearest). Below, it is interpolated from the level
of a pyramid of halved images that is at most twice as fine as the screen: the work depends on the size of the pane,
never on that of the image. Everything is a pure function of the frame and the rectangle, so that a repainted part fits
the rest without a seam.
"""

import math
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from segstudio.core.mask import Rect
from segstudio.ui.canvas.view import Frame

Pixels = NDArray[np.uint8]

SUBPIXELS = 32
"""Steps of OpenCV's fixed-point interpolation (INTER_TAB_SIZE)."""


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

    @property
    def depth(self) -> int:
        """How many levels below the first exist now."""
        return len(self._halved)

    def part(self, level: int, rows: slice, columns: slice) -> Pixels:
        """A rectangle of a level, with gain; a view wherever that is possible."""
        if level:
            self._make(level)
            return self._halved[level - 1][rows, columns]
        return self._amplified(self.pixels[rows, columns])

    def refresh(self, rect: Rect, level: int) -> None:
        """Level 0 has changed inside `rect`: bring levels up to `level` up to date and forget the coarser ones."""
        del self._halved[level:]
        left, top, right, bottom = rect.x, rect.y, rect.right, rect.bottom
        for number, target in enumerate(self._halved, start=1):
            left, top, right, bottom = left // 2, top // 2, (right + 1) // 2, (bottom + 1) // 2
            finer = self.part(number - 1, slice(top * 2, bottom * 2), slice(left * 2, right * 2))
            target[top:bottom, left:right] = _halve(finer)

    def _make(self, level: int) -> None:
        while len(self._halved) < level:
            finer = self._halved[-1] if self._halved else self._amplified(self.pixels)
            self._halved.append(_halve(finer))

    def _amplified(self, pixels: Pixels) -> Pixels:
        return pixels if self.gain == 1 else pixels * np.uint8(self.gain)


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
    level = level_for(frame.zoom)
    size = 1 << level
    height, width = (-(-side // size) for side in pyramid.pixels.shape[:2])
    is_smooth = frame.zoom < 1
    across = _positions(rect.x, rect.width, frame.left, frame.zoom * size, width, is_smooth=is_smooth)
    down = _positions(rect.y, rect.height, frame.top, frame.zoom * size, height, is_smooth=is_smooth)
    column, row = across // SUBPIXELS, down // SUBPIXELS
    x, y = int(column[0]), int(row[0])
    source = pyramid.part(level, slice(y, int(row[-1]) + 2), slice(x, int(column[-1]) + 2))
    whole = np.empty((rect.height, rect.width, 2), np.int16)
    whole[..., 0] = column - x
    whole[..., 1] = (row - y)[:, None]
    if not is_smooth:
        return _bytes(cv2.remap(source, whole, cast(Pixels, None), cv2.INTER_NEAREST))
    part = ((down % SUBPIXELS) * SUBPIXELS).astype(np.uint16)[:, None] + (across % SUBPIXELS).astype(np.uint16)
    return _bytes(cv2.remap(source, whole, part, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _positions(first: int, count: int, origin: int, zoom: float, length: int, *, is_smooth: bool) -> NDArray[np.int64]:
    """Where device pixels first..first+count lie among `length` image pixels, in 1/32 of an image pixel."""
    centres = (np.arange(first, first + count) + (0.5 - origin)) / zoom
    steps = np.floor((centres - 0.5) * SUBPIXELS + 0.5) if is_smooth else np.floor(centres) * SUBPIXELS
    return np.asarray(np.clip(steps, 0, (length - 1) * SUBPIXELS), np.int64)


def _halve(pixels: Pixels) -> Pixels:
    """The means of 2x2 pixels; an odd last row or column counts twice."""
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = _bytes(cv2.copyMakeBorder(pixels, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE))
    return _bytes(cv2.resize(pixels, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA))


def _bytes(pixels: object) -> Pixels:
    # OpenCV's stubs do not know that bytes in are bytes out.
    return cast(Pixels, pixels)
