"""Fill holes: background that foreground surrounds."""

from segstudio.core.components import components, selected
from segstudio.core.mask import Mask
from segstudio.core.options import Options, option
from segstudio.operations import OPERATIONS, Check, Operation, Subject


class FillHolesOptions(Options):
    """Which holes are filled."""

    largest: int = option(0, "Up to", unit="px", ge=0, help="Holes of more pixels stay open; 0 fills every hole.")


@OPERATIONS.register
class FillHoles(Operation[FillHolesOptions]):
    """Makes holes foreground. Background that reaches the border of the image is no hole."""

    name = "fill-holes"
    title = "Fill holes"
    help = "Make foreground of all background that foreground surrounds."
    key = "Shift+G"
    icon = "fill-holes"
    rank = 10
    Options = FillHolesOptions

    def apply(self, subject: Subject, options: FillHolesOptions, check: Check) -> Mask:
        """Fill every hole that is small enough."""
        # Foreground hangs together over corners, so background does not.
        found = components(1 - subject.mask, is_diagonal=False)
        check()
        is_hole = ~found.touches_border
        if options.largest:
            is_hole &= found.areas <= options.largest
        return subject.mask | selected(found, is_hole)
