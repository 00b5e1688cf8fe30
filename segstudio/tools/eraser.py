"""Eraser: the brush with the opposite colour."""

from segstudio.tools import TOOLS, Pointer, Scene, Steps, Tool
from segstudio.tools.brush import BrushOptions, along_the_way


class EraserOptions(BrushOptions):
    """How wide the stroke is; kept apart from the brush's."""


@TOOLS.register
class Eraser(Tool[EraserOptions]):
    """Paints background; the alternate paints foreground."""

    name = "eraser"
    title = "Eraser"
    key = "E"
    help = "Erase; with Shift or the right button paint foreground."
    rank = 20
    alternate_sign = "+"
    cursor = "disc"
    Options = EraserOptions

    def steps(self, scene: Scene, options: EraserOptions, press: Pointer) -> Steps:
        """Erase while the button is down."""
        return along_the_way(scene, self.title, options, press, value=1 if press.is_alternate else 0)
