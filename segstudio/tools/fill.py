"""Fill: one click fills a hole, or with the alternate removes a blob."""

import math

from segstudio.core.options import Options, option
from segstudio.core.raster import contiguous
from segstudio.tools import NOTHING, TOOLS, Pointer, Scene, Steps, Tool


class FillOptions(Options):
    """What hangs together."""

    is_diagonal: bool = option(
        False, "Through corners", help="Whether pixels that touch only at a corner belong to the same region."
    )


@TOOLS.register
class Fill(Tool[FillOptions]):
    """Makes the region of equal pixels under the pointer foreground; the alternate makes it background."""

    name = "fill"
    title = "Fill"
    key = "G"
    rank = 30
    help = "Fill the hole under the pointer; with Shift or the right button remove the blob under it."
    Options = FillOptions

    def steps(self, scene: Scene, options: FillOptions, press: Pointer) -> Steps:
        """Fill at the press; the rest of the drag does nothing."""
        value = 0 if press.is_alternate else 1
        with scene.document.stroke(self.title) as stroke:
            column, row = math.floor(press.x), math.floor(press.y)
            region = contiguous(scene.document.mask, column, row, is_diagonal=options.is_diagonal)
            stroke.fill_region(region, value)
            while (yield NOTHING) is not None:
                pass
