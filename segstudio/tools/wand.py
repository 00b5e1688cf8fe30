"""Magic wand: a click takes the pixels of like colour; a drag to the side changes how like they must be."""

import math
from collections.abc import Callable

import cv2
import numpy as np

from segstudio.core.edit import combined
from segstudio.core.mask import Rect
from segstudio.core.options import option
from segstudio.core.raster import EMPTY_REGION, Region
from segstudio.tools import TOOLS, Computed, Pointer, Preview, Scene, Steps, Tool, Work
from segstudio.tools.lasso import RegionOptions, change

_STILL = 4
"""A hand that clicks moves by up to so many pixels of the screen."""
_PER_PIXEL = 0.25
"""How much a move by one pixel of the screen changes the tolerance."""


class WandOptions(RegionOptions):
    """Which pixels are alike."""

    tolerance: int = option(
        16, "Tolerance", ge=0, le=255, help="How far each of red, green and blue, or the grey value, may differ."
    )
    is_contiguous: bool = option(True, "Contiguous", help="Only pixels that hang together with the one clicked.")
    is_diagonal: bool = option(
        False, "Through corners", is_advanced=True, help="Whether pixels that touch only at a corner hang together."
    )


@TOOLS.register
class Wand(Tool[WandOptions]):
    """Changes the pixels whose colour is like that of the one under the pointer."""

    name = "wand"
    title = "Magic wand"
    key = "W"
    help = "Click takes the pixels of like colour; drag right or left to be more or less tolerant."
    group = "By image"
    rank = 80
    Options = WandOptions

    def steps(self, scene: Scene, options: WandOptions, press: Pointer) -> Steps:
        """Look for pixels as often as the tolerance changes; change them at the release."""
        height, width = scene.document.shape
        if not (0 <= press.x < width and 0 <= press.y < height):
            return
        mode, wanted, region, patch = press.mode_of(options.mode), options.tolerance, EMPTY_REGION, None
        looked_for = wanted
        work: Work | None = _looking(scene, options, press, wanted)
        while (event := (yield Preview(patch=patch, text=f"± {wanted}", work=work))) is not None:
            if isinstance(event, Computed):
                region, work = event.value, None
                patch = combined(scene.document.mask, region, mode)
            elif not event.is_step_back:
                wanted = _tolerance(options.tolerance, press, event)
            # One look after the other: to give up each for the next would show nothing until the hand rests.
            if work is None and wanted != looked_for:
                looked_for, work = wanted, _looking(scene, options, press, wanted)
        change(scene, self.title, region, mode)


def _tolerance(tolerance: int, press: Pointer, pointer: Pointer) -> int:
    moved = (pointer.x - press.x) * press.zoom
    beyond = math.copysign(max(abs(moved) - _STILL, 0), moved)
    return int(min(max(tolerance + beyond * _PER_PIXEL, 0), 255))


def _looking(scene: Scene, options: WandOptions, press: Pointer, tolerance: int) -> Work:
    def look(_check: Callable[[], None]) -> Region:
        return alike(scene, math.floor(press.x), math.floor(press.y), options.replaced(tolerance=tolerance))

    return Work(look, "Looking for like pixels")


def alike(scene: Scene, column: int, row: int, options: WandOptions) -> Region:
    """The pixels whose colour is like that of one pixel of the image."""
    image = scene.image
    if not options.is_contiguous:
        colour = np.atleast_1d(image[row, column]).astype(np.int64)
        # Four numbers for every picture: OpenCV takes fewer for another picture when this one is as small.
        low, high = (
            (*(colour + by).clip(0, 255).tolist(), 0, 0, 0)[:4] for by in (-options.tolerance, options.tolerance)
        )
        return Region.of(cv2.inRange(image, low, high))
    found = np.zeros((image.shape[0] + 2, image.shape[1] + 2), np.uint8)
    flags = (8 if options.is_diagonal else 4) | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    limits = (options.tolerance,) * 3
    # A copy, because OpenCV takes no read-only array, although it leaves the image alone with these flags.
    rect = Rect(*cv2.floodFill(image.copy(), found, (column, row), 0, limits, limits, flags)[3])
    return Region(rect, found[1:-1, 1:-1][rect.slices].view(np.bool_))
