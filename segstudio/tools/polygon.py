"""Polygon: click the corners; close with a click on the first, a double click or Enter."""

import math

from segstudio.core.raster import Point, polygon
from segstudio.tools import TOOLS, Pointer, Preview, Scene, Steps, Tool
from segstudio.tools.lasso import RegionOptions, change

_NEAR = 8
"""A click as near as this to the first corner, in pixels of the screen, closes the polygon."""

_STEP = math.pi / 4


@TOOLS.register
class Polygon(Tool[RegionOptions]):
    """Changes the pixels whose centre lies inside."""

    name = "polygon"
    title = "Polygon"
    key = "P"
    help = (
        "Click the corners; the first corner, a double click or Enter closes it. Shift keeps to steps of 45°, a right "
        "click or Backspace takes a corner back, Escape cancels. Begin with Alt or the right button to take away."
    )
    rank = 40
    has_many_clicks = True
    Options = RegionOptions

    def steps(self, scene: Scene, options: RegionOptions, press: Pointer) -> Steps:
        """Collect corners, then fill."""
        corners: list[Point] = [press.point]
        hover, text = corners[0], ""
        while (event := (yield Preview((*corners, hover), has_corners=True, text=text))) is not None:
            if not isinstance(event, Pointer):
                continue
            # Who began with the right button, to take away, may go on with either.
            is_undo = event.clicks > 0 and event.is_alternate and not press.is_alternate
            if event.is_step_back or is_undo:
                if len(corners) == 1:
                    return
                corners.pop()
                continue
            is_closing = len(corners) > 2 and math.dist(event.point, corners[0]) * event.zoom <= _NEAR
            hover = corners[0] if is_closing else _meant(corners[-1], event)
            text = "close" if is_closing else ""
            # The second press of a double click lies where the first one set a corner already.
            if event.clicks >= 2 or (event.clicks == 1 and is_closing):
                break
            if event.clicks == 1:
                corners.append(hover)
        change(scene, self.title, polygon(scene.document.shape, corners), press.mode_of(options.mode))


def _meant(last: Point, pointer: Pointer) -> Point:
    """Where the next corner is to be: with Shift straight ahead or at half a right angle, seen from the last one."""
    if not pointer.is_regular:
        return pointer.point
    across, down = pointer.x - last[0], pointer.y - last[1]
    angle = round(math.atan2(down, across) / _STEP) * _STEP
    length = across * math.cos(angle) + down * math.sin(angle)
    return last[0] + length * math.cos(angle), last[1] + length * math.sin(angle)
