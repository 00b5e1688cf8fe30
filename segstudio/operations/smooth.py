"""Smooth: round off what is jagged."""

import cv2
import numpy as np

from segstudio.core.mask import Mask
from segstudio.core.options import Options, option
from segstudio.operations import OPERATIONS, Check, Operation, Subject


class SmoothOptions(Options):
    """How much."""

    radius: float = option(
        3.0, "Radius", unit="px", gt=0, le=100, help="Bumps and notches narrower than this, about, are rounded off."
    )


@OPERATIONS.register
class Smooth(Operation[SmoothOptions]):
    """Each pixel becomes what most of the pixels around it are, the near ones counting most (a Gaussian)."""

    name = "smooth"
    title = "Smooth"
    help = "Round off corners, bumps and notches of the outline."
    key = "Shift+S"
    icon = "smooth"
    rank = 60
    Options = SmoothOptions

    def apply(self, subject: Subject, options: SmoothOptions, check: Check) -> Mask:
        """Let the neighbours vote; where they are undecided, a pixel stays as it is."""
        sigma = options.radius / 1.5
        votes = cv2.GaussianBlur(subject.mask.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        check()
        nothing = 1e-5
        after = (votes > 0.5 + nothing).view(np.uint8)
        return np.where(np.abs(votes - 0.5) <= nothing, subject.mask, after).astype(np.uint8)
