"""Brush: paints a disc along the way of the pointer, without gaps however fast it moves."""

from collections.abc import Callable, Iterator

from segstudio.core.edit import Stroke
from segstudio.core.options import Options, option
from segstudio.core.raster import HalfPixels, Spans, brush_centre, brush_diameter, capsule
from segstudio.tools import NOTHING, TOOLS, Pointer, Scene, Steps, Tool

_LARGE = 128
"""Brushes from this diameter on do not paint again what they painted in the last move."""

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
    return painted(scene, label, options, press, lambda stroke, spans, covered: stroke.fill_spans(
        spans, value, covered=covered))  # fmt: skip


def painted(
    scene: Scene,
    label: str,
    options: BrushOptions,
    press: Pointer,
    paint: Callable[[Stroke, Spans, Spans | None], object],
) -> Steps:
    """One stroke: `paint` is given the pixels that the disc touches, move by move, and which of them it had already."""
    before = press
    with scene.document.stroke(label) as stroke:
        for spans, covered in _touched(stroke.shape, options, press, press):
            paint(stroke, spans, covered)
        while (event := (yield NOTHING)) is not None:
            if isinstance(event, Pointer):
                for spans, covered in _touched(stroke.shape, options, before, event):
                    paint(stroke, spans, covered)
                before = event


def _touched(
    shape: tuple[int, int], options: BrushOptions, start: Pointer, end: Pointer
) -> Iterator[tuple[Spans, Spans | None]]:
    """What the disc touches on its way from one pointer to another, and what of that it touched before."""
    first, last = (_diameter(options, pointer) for pointer in (start, end))
    if first == last:
        here, there = _centre(start, last), _centre(end, last)
        if start is end:
            yield capsule(shape, here, there, last), None
        elif here != there:
            yield capsule(shape, here, there, last), _large_disc(shape, here, last)
        return
    parts = min(abs(last - first), _MOST_PARTS)
    for part in range(1, parts + 1):
        diameter = round(first + (last - first) * part / parts)
        here, there = (
            brush_centre(start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share, diameter)
            for share in ((part - 1) / parts, part / parts)
        )
        yield capsule(shape, here, there, diameter), None


def _large_disc(shape: tuple[int, int], centre: HalfPixels, diameter: int) -> Spans | None:
    """The disc where the last move ended; leaving it out is not worth the time for a small one."""
    return capsule(shape, centre, centre, diameter) if diameter >= _LARGE else None


def _diameter(options: BrushOptions, pointer: Pointer) -> int:
    return brush_diameter(options.radius * pointer.pressure if options.has_pressure else options.radius)


def _centre(pointer: Pointer, diameter: int) -> HalfPixels:
    return brush_centre(pointer.x, pointer.y, diameter)
