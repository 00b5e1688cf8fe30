"""Brush: paints a disc along the way of the pointer, without gaps however fast it moves."""

from collections.abc import Callable, Iterator

from segstudio.core.edit import Stroke
from segstudio.core.options import Options, option
from segstudio.core.raster import HalfPixels, Spans, brush_centre, brush_diameter, capsule
from segstudio.tools import NOTHING, TOOLS, Pointer, Scene, Steps, Tool

_MOST_PARTS = 16
"""A move on which the pressure changes is painted in at most this many parts."""


class BrushOptions(Options):
    """How wide the stroke is."""

    radius: float = option(
        12.0, "Radius", unit="px", ge=0.5, le=1000, help="Half the width of the stroke; 0.5 paints single pixels."
    )
    has_pressure: bool = option(
        False, "Pen pressure", is_advanced=True,
        help="Whether the pressure of a pen makes the stroke narrower than the radius.",
    )  # fmt: skip


@TOOLS.register
class Brush(Tool[BrushOptions]):
    """Paints foreground; the alternate erases."""

    name = "brush"
    title = "Brush"
    key = "B"
    help = "Paint foreground; with Shift or the right button erase."
    rank = 10
    cursor = "disc"
    Options = BrushOptions

    def steps(self, scene: Scene, options: BrushOptions, press: Pointer) -> Steps:
        """Paint while the button is down."""
        return along_the_way(scene, self.title, options, press, value=0 if press.is_alternate else 1)


def along_the_way(scene: Scene, label: str, options: BrushOptions, press: Pointer, value: int) -> Steps:
    """Set every pixel that a disc touches from the press to the release to `value`."""

    def fill(stroke: Stroke, spans: Spans) -> None:
        stroke.fill_spans(spans, value)

    return painted(scene, label, options, press, fill)


def painted(
    scene: Scene, label: str, options: BrushOptions, press: Pointer, paint: Callable[[Stroke, Spans], object]
) -> Steps:
    """One stroke: `paint` is given the pixels that the disc touches, move by move."""
    before = press
    with scene.document.stroke(label) as stroke:
        for spans in _touched(stroke.shape, options, press, press):
            paint(stroke, spans)
        while (event := (yield NOTHING)) is not None:
            if isinstance(event, Pointer):
                for spans in _touched(stroke.shape, options, before, event):
                    paint(stroke, spans)
                before = event


def _touched(shape: tuple[int, int], options: BrushOptions, start: Pointer, end: Pointer) -> Iterator[Spans]:
    """What the disc touches on its way from one pointer to another."""
    first, last = (_diameter(options, pointer) for pointer in (start, end))
    if first == last:
        here, there = _centre(start, last), _centre(end, last)
        if here != there or start is end:
            yield capsule(shape, here, there, last)
        return
    parts = min(abs(last - first), _MOST_PARTS)
    for part in range(1, parts + 1):
        diameter = round(first + (last - first) * part / parts)
        here, there = (
            brush_centre(start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share, diameter)
            for share in ((part - 1) / parts, part / parts)
        )
        yield capsule(shape, here, there, diameter)


def _diameter(options: BrushOptions, pointer: Pointer) -> int:
    return brush_diameter(options.radius * pointer.pressure if options.has_pressure else options.radius)


def _centre(pointer: Pointer, diameter: int) -> HalfPixels:
    return brush_centre(pointer.x, pointer.y, diameter)
