"""Fill: one click fills a hole, or with the alternate removes a blob."""

import math
from collections.abc import Callable

from segstudio.core.edit import Edit, Mode, Patch, combined
from segstudio.core.options import Options, option
from segstudio.core.raster import contiguous
from segstudio.tools import TOOLS, Computed, Pointer, Preview, Scene, Steps, Tool, Work


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
        """Look for the region at the press, and change it at the release; the rest of the drag does nothing."""
        work: Work | None = _looking(scene, self.title, options, press)
        edit, patch, counter = None, None, scene.document.revision_counter
        while (event := (yield Preview(patch=patch, work=work))) is not None:
            if isinstance(event, Computed):
                (edit, patch), work = event.value, None
        if edit is not None:
            is_same = scene.document.revision_counter == counter
            scene.document.apply(edit, patch if is_same else None)


def _looking(scene: Scene, label: str, options: FillOptions, press: Pointer) -> Work:
    mask, value = scene.document.mask, 0 if press.is_alternate else 1

    def look(check: Callable[[], None]) -> tuple[Edit, Patch]:
        region = contiguous(mask, math.floor(press.x), math.floor(press.y), is_diagonal=options.is_diagonal)
        check()
        patch = combined(mask, region, Mode.ADD if value else Mode.SUBTRACT)
        after = mask.copy()
        after[patch.rect.slices] = patch.pixels
        return Edit.between(mask, after, label), patch

    return Work(look, "Looking for the region")
