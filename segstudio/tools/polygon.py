"""Polygon: click the corners, close with a double click or Enter."""

from segstudio.core.raster import Point, polygon
from segstudio.tools import TOOLS, Pointer, Preview, Scene, Steps, Tool
from segstudio.tools.lasso import RegionOptions, change


@TOOLS.register
class Polygon(Tool[RegionOptions]):
    """Changes the pixels whose centre lies inside."""

    name = "polygon"
    title = "Polygon"
    key = "P"
    help = (
        "Click the corners; double click or Enter closes it, Backspace takes a corner back, Escape cancels. "
        "Begin with Alt or the right button to take away."
    )
    rank = 40
    has_many_clicks = True
    Options = RegionOptions

    def steps(self, scene: Scene, options: RegionOptions, press: Pointer) -> Steps:
        """Collect corners, then fill."""
        corners: list[Point] = [press.point]
        hover = corners[0]
        while (event := (yield Preview((*corners, hover), has_corners=True))) is not None:
            if not isinstance(event, Pointer):
                continue
            if event.is_step_back:
                if len(corners) == 1:
                    return
                corners.pop()
                continue
            hover = event.point
            # The second press of a double click lies where the first one set a corner already.
            if event.clicks == 1:
                corners.append(hover)
            elif event.clicks >= 2:
                break
        change(scene, self.title, polygon(scene.document.shape, corners), press.mode_of(options.mode))
