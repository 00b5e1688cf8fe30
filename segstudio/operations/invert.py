"""Invert: foreground becomes background, and the other way round."""

from segstudio.core.mask import Mask
from segstudio.core.options import Options
from segstudio.operations import OPERATIONS, Check, Operation, Subject


@OPERATIONS.register
class Invert(Operation[Options]):
    """Swaps foreground and background."""

    name = "invert"
    title = "Invert"
    help = "Make foreground of background and background of foreground."
    key = "Ctrl+I"
    icon = "invert"
    rank = 70

    def apply(self, subject: Subject, options: Options, check: Check) -> Mask:
        """Swap."""
        return 1 - subject.mask
