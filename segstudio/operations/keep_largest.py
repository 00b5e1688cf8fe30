"""Keep the largest: one lung, or two, and nothing else."""

import numpy as np

from segstudio.core.components import components, selected
from segstudio.core.mask import Mask
from segstudio.core.options import Options, option
from segstudio.operations import OPERATIONS, Check, Operation, Subject


class KeepLargestOptions(Options):
    """How many stay."""

    count: int = option(1, "How many", ge=1, le=1000, help="So many of the largest islands stay; two for lungs.")


@OPERATIONS.register
class KeepLargest(Operation[KeepLargestOptions]):
    """Makes background of all islands but the largest."""

    name = "keep-largest"
    title = "Keep largest"
    help = "Make background of every island of foreground but the largest, or the few largest."
    key = "Shift+L"
    icon = "keep-largest"
    rank = 30
    Options = KeepLargestOptions

    def apply(self, subject: Subject, options: KeepLargestOptions, check: Check) -> Mask:
        """Keep the largest; of equal ones the first from the top."""
        found = components(subject.mask, is_diagonal=True)
        check()
        chosen = np.zeros(len(found.areas), np.bool_)
        chosen[np.argsort(-found.areas, kind="stable")[: options.count]] = True
        return selected(found, chosen)
