"""Brush: paints a disc along the way of the pointer, without gaps however fast it moves."""

from segstudio.core.options import Options, option
from segstudio.core.raster import brush_centre, brush_diameter, capsule
from segstudio.tools import TOOLS, Pointer, Scene, Steps, Tool


class BrushOptions(Options):
    """How wide the stroke is."""

    radius: float = option(
        12.0, "Radius", unit="px", ge=0.5, le=1000, help="Half the width of the stroke; 0.5 paints single pixels."
    )


@TOOLS.register
class Brush(Tool[BrushOptions]):
    """Paints foreground; the alternate erases."""

    name = "brush"
    title = "Brush"
    key = "B"
    help = "Paint foreground; with Shift or the right button erase."
    cursor = "disc"
    Options = BrushOptions

    def steps(self, scene: Scene, options: BrushOptions, press: Pointer) -> Steps:
        """Paint while the button is down."""
        return along_the_way(scene, self.title, options.radius, press, value=0 if press.is_alternate else 1)


def along_the_way(scene: Scene, label: str, radius: float, press: Pointer, value: int) -> Steps:
    """Set every pixel that a disc touches from the press to the release to `value`."""
    diameter = brush_diameter(radius)
    here = brush_centre(press.x, press.y, diameter)
    with scene.document.stroke(label) as stroke:
        stroke.fill_spans(capsule(stroke.shape, here, here, diameter), value)
        while (pointer := (yield ())) is not None:
            before, here = here, brush_centre(pointer.x, pointer.y, diameter)
            if here != before:
                stroke.fill_spans(capsule(stroke.shape, before, here, diameter), value)
