"""Lasso: draw around what is meant, in one go."""

from segstudio.core.edit import Mode, combined
from segstudio.core.options import Options, option
from segstudio.core.raster import Point, Region, polygon
from segstudio.tools import TOOLS, Pointer, Preview, Scene, Steps, Tool

_NEAR = 0.25
"""Moves shorter than this many image pixels are left out: they decide about no pixel and cost time."""


class RegionOptions(Options):
    """What becomes of the pixels inside a shape."""

    mode: Mode = option(
        Mode.ADD,
        "Mode",
        help="What the shape does to the mask; Shift adds, Alt subtracts, both keep the inside, Ctrl selects.",
    )


@TOOLS.register
class Lasso(Tool[RegionOptions]):
    """Changes the pixels whose centre lies inside a line drawn by hand."""

    name = "lasso"
    title = "Lasso"
    key = "L"
    help = "Draw around a region with the button held; Alt subtracts, Shift and Alt keep only what is inside."
    group = "Shapes"
    rank = 50
    Options = RegionOptions

    def steps(self, scene: Scene, options: RegionOptions, press: Pointer) -> Steps:
        """Collect the line, then fill it."""
        line: list[Point] = [press.point]
        while (event := (yield Preview(tuple(line)))) is not None:
            if isinstance(event, Pointer) and not event.is_step_back and is_away(line[-1], event):
                line.append(event.point)
        region = polygon(scene.document.shape, line, is_winding=True)
        change(scene, self.title, region, press.mode_of(options.mode))


def change(scene: Scene, label: str, region: Region, mode: Mode) -> None:
    """Add a region to the mask, take it away, or keep only what is inside: one step of history; or select it."""
    if mode is Mode.SELECT:
        scene.selection.set(region)
        return
    with scene.document.stroke(label) as stroke:
        stroke.put(combined(scene.document.mask, region, mode))


def is_away(last: Point, pointer: Pointer) -> bool:
    """Whether the pointer has moved by enough to be another point of a line."""
    return abs(pointer.x - last[0]) + abs(pointer.y - last[1]) >= _NEAR
