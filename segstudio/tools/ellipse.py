"""Ellipse: drag the rectangle that it fills."""

import math

from segstudio.core.raster import Point, ellipse, snapped_box
from segstudio.tools import TOOLS, Outline, Pointer, Scene, Steps, Tool
from segstudio.tools.lasso import RegionOptions
from segstudio.tools.rectangle import dragged_shape

_POINTS = 96


@TOOLS.register
class Ellipse(Tool[RegionOptions]):
    """Changes the pixels whose centre lies in an ellipse."""

    name = "ellipse"
    title = "Ellipse"
    key = "O"
    help = "Drag the box around it; then Shift makes it a circle, Alt grows it from the middle and Space moves it."
    group = "Shapes"
    rank = 70
    Options = RegionOptions

    def steps(self, scene: Scene, options: RegionOptions, press: Pointer) -> Steps:
        """Follow the pointer, then fill."""
        return dragged_shape(scene, self.title, options, press, ellipse, _ring)


def _ring(one: Point, other: Point) -> Outline:
    rect = snapped_box(one, other)
    x, y = rect.x + rect.width / 2, rect.y + rect.height / 2
    angles = [2 * math.pi * part / _POINTS for part in range(_POINTS + 1)]
    return tuple((x + math.cos(a) * rect.width / 2, y + math.sin(a) * rect.height / 2) for a in angles)
