"""Polygon: click the corners, close with a double click or Enter."""

from segstudio.core.options import Options
from segstudio.core.raster import Point, polygon
from segstudio.tools import TOOLS, Pointer, Scene, Steps, Tool


@TOOLS.register
class Polygon(Tool[Options]):
    """Fills the pixels whose centre lies inside; begun with the alternate, it clears them."""

    name = "polygon"
    title = "Polygon"
    key = "P"
    help = (
        "Click the corners; double click or Enter fills, Backspace takes a corner back, Escape cancels. "
        "Begin with Shift or the right button to clear."
    )
    has_many_clicks = True

    def steps(self, scene: Scene, options: Options, press: Pointer) -> Steps:
        """Collect corners, then fill."""
        corners: list[Point] = [(press.x, press.y)]
        hover = corners[0]
        while (pointer := (yield (*corners, hover))) is not None:
            if pointer.is_step_back:
                if len(corners) == 1:
                    return
                corners.pop()
                continue
            hover = (pointer.x, pointer.y)
            # The second press of a double click lies where the first one set a corner already.
            if pointer.clicks == 1:
                corners.append(hover)
            elif pointer.clicks >= 2:
                break
        with scene.document.stroke(self.title) as stroke:
            stroke.fill_region(polygon(stroke.shape, corners), 0 if press.is_alternate else 1)
