"""Grow: foreground spreads by so many pixels in every direction."""

import cv2
import numpy as np

from segstudio.core.mask import Mask
from segstudio.core.options import Options, option
from segstudio.operations import OPERATIONS, Check, Operation, Subject

_SLACK = 1e-3
"""Distances come as 32-bit floats, and no two different ones of whole pixels are as near as this below 500."""


class GrowOptions(Options):
    """How far."""

    pixels: int = option(2, "By", unit="px", ge=1, le=500, help="How far foreground spreads.")


@OPERATIONS.register
class Grow(Operation[GrowOptions]):
    """Adds every pixel whose centre is near enough to that of a foreground pixel."""

    name = "grow"
    title = "Grow"
    help = "Let foreground spread by a number of pixels in every direction."
    key = "Ctrl+]"
    icon = "grow"
    rank = 40
    Options = GrowOptions

    def apply(self, subject: Subject, options: GrowOptions, check: Check) -> Mask:
        """Spread."""
        return near(subject.mask, options.pixels)


def near(mask: Mask, pixels: int) -> Mask:
    """1 at every pixel whose centre is at most so many pixels from that of a pixel of `mask`."""
    if not mask.any():
        return mask.copy()
    away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (away <= pixels + _SLACK).view(np.uint8)
