"""Shrink: foreground withdraws by so many pixels."""

from segstudio.core.mask import Mask
from segstudio.core.options import Options, option
from segstudio.operations import OPERATIONS, Check, Operation, Subject
from segstudio.operations.grow import near


class ShrinkOptions(Options):
    """How far."""

    pixels: int = option(2, "By", unit="px", ge=1, le=500, help="How far foreground withdraws.")


@OPERATIONS.register
class Shrink(Operation[ShrinkOptions]):
    """Takes away every pixel that is near background. The border of the image is no background."""

    name = "shrink"
    title = "Shrink"
    help = "Let foreground withdraw by a number of pixels; what is narrower than twice that vanishes."
    key = "Ctrl+["
    icon = "shrink"
    rank = 50
    Options = ShrinkOptions

    def apply(self, subject: Subject, options: ShrinkOptions, check: Check) -> Mask:
        """Let background grow."""
        return 1 - near(1 - subject.mask, options.pixels)
