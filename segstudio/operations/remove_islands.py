"""Remove islands: foreground of few pixels."""

from segstudio.core.components import components, selected
from segstudio.core.mask import Mask
from segstudio.core.options import Options, option
from segstudio.operations import OPERATIONS, Check, Operation, Subject


class RemoveIslandsOptions(Options):
    """Which islands go."""

    smallest: int = option(100, "Below", unit="px", ge=1, help="Islands of fewer pixels are removed.")


@OPERATIONS.register
class RemoveIslands(Operation[RemoveIslandsOptions]):
    """Makes background of small islands; pixels that touch at a corner belong to one."""

    name = "remove-islands"
    title = "Remove islands"
    help = "Make background of every island of foreground with fewer pixels than a number."
    key = "Shift+R"
    icon = "remove-islands"
    rank = 20
    Options = RemoveIslandsOptions

    def apply(self, subject: Subject, options: RemoveIslandsOptions, check: Check) -> Mask:
        """Keep what is large enough."""
        found = components(subject.mask, is_diagonal=True)
        check()
        return selected(found, found.areas >= options.smallest)
