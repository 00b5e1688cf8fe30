"""Rectangle: drag from corner to corner."""

from collections.abc import Callable

from segstudio.core.mask import Rect
from segstudio.core.raster import Point, Region, box, snapped_box
from segstudio.tools import TOOLS, Outline, Pointer, Preview, Scene, Steps, Tool
from segstudio.tools.lasso import RegionOptions, change


@TOOLS.register
class Rectangle(Tool[RegionOptions]):
    """Changes the pixels of a rectangle whose sides lie on borders of pixels."""

    name = "rectangle"
    title = "Rectangle"
    key = "M"
    help = "Drag from corner to corner; then Shift makes it square, Alt grows it from the middle and Space moves it."
    group = "Shapes"
    rank = 60
    Options = RegionOptions

    def steps(self, scene: Scene, options: RegionOptions, press: Pointer) -> Steps:
        """Follow the pointer, then fill."""
        return dragged_shape(scene, self.title, options, press, box, _corners)


def dragged_shape(
    scene: Scene,
    label: str,
    options: RegionOptions,
    press: Pointer,
    shape: Callable[[tuple[int, int], Point, Point], Region],
    outline: Callable[[Point, Point], Outline],
) -> Steps:
    """A shape between two corners.

    Args:
        scene: The open sample.
        label: What the user does.
        options: What becomes of the pixels inside.
        press: The first corner, or the middle.
        shape: The pixels between two corners.
        outline: What to draw between two corners.
    """
    start = last = one = other = press.point
    picture = Rect.of(scene.document.shape)
    while (event := (yield Preview(outline(one, other), text=_size(one, other, picture)))) is not None:
        if isinstance(event, Pointer) and not event.is_step_back:
            if event.is_carried:
                start = (start[0] + event.x - last[0], start[1] + event.y - last[1])
            last = event.point
            one, other = _ends(start, event)
    change(scene, label, shape(scene.document.shape, one, other), press.mode_of(options.mode))


def _ends(start: Point, pointer: Pointer) -> tuple[Point, Point]:
    """The corners that the pointer means: of a square, or about the middle, when that is wanted."""
    across, down = pointer.x - start[0], pointer.y - start[1]
    if pointer.is_regular:
        side = max(abs(across), abs(down))
        across, down = (side if part >= 0 else -side for part in (across, down))
    first = (start[0] - across, start[1] - down) if pointer.is_centred else start
    return first, (start[0] + across, start[1] + down)


def _size(one: Point, other: Point, picture: Rect) -> str:
    """How many pixels of the picture lie between two corners."""
    rect = snapped_box(one, other).intersect(picture)
    return f"{rect.width} × {rect.height}" if not rect.is_empty else ""


def _corners(one: Point, other: Point) -> Outline:
    rect = snapped_box(one, other)
    return ((rect.x, rect.y), (rect.right, rect.y), (rect.right, rect.bottom), (rect.x, rect.bottom), (rect.x, rect.y))
