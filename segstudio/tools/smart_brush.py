"""Smart brush: a brush that only paints where the picture, or the model, agrees."""

import math
from typing import Literal, cast

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.edit import TILE, Stroke
from segstudio.core.mask import Rect
from segstudio.core.options import option
from segstudio.core.raster import Spans
from segstudio.tools import TOOLS, Pointer, Scene, Steps, Tool
from segstudio.tools.brush import BrushOptions, painted


class SmartBrushOptions(BrushOptions):
    """Where the brush paints."""

    looks_at: Literal["grey value", "probability"] = option(
        "grey value", "Looks at", help="What decides whether a pixel is painted: the picture, or what the model says."
    )
    paints: Literal["like pixels", "a range"] = option(
        "like pixels", "Paints", help="Pixels like the one under the press, or those in a range."
    )
    tolerance: float = option(
        10.0, "Tolerance", unit="%", ge=0, le=100, help="How far a pixel may differ from the one under the press."
    )
    low: float = option(50.0, "From", unit="%", ge=0, le=100, help="The least value of the range.")
    high: float = option(100.0, "To", unit="%", ge=0, le=100, help="The greatest value of the range.")


@TOOLS.register
class SmartBrush(Tool[SmartBrushOptions]):
    """Paints foreground where a value lies in a range; the alternate erases there."""

    name = "smart-brush"
    title = "Smart brush"
    key = "K"
    help = "Paint only pixels like the one you begin on, or in a range; with Shift or the right button erase them."
    group = "By image"
    rank = 90
    cursor = "disc"
    Options = SmartBrushOptions

    def refusal(self, scene: Scene, options: SmartBrushOptions) -> str:
        """A model that has not been asked cannot agree."""
        if options.looks_at == "probability" and scene.probability is None:
            return "There is no prediction for the smart brush to look at."
        return ""

    def idle_options(self, options: SmartBrushOptions) -> frozenset[str]:
        """Either a tolerance or a range."""
        is_fixed = options.paints == "a range"
        return frozenset({"tolerance"} if is_fixed else {"low", "high"})

    def steps(self, scene: Scene, options: SmartBrushOptions, press: Pointer) -> Steps:
        """Paint while the button is down."""
        value = 0 if press.is_alternate else 1
        allowed = _Allowed(_values(scene, options), _table(scene, options, press))

        def paint(stroke: Stroke, spans: Spans, covered: Spans | None) -> None:
            stroke.fill_spans(spans, value, where=allowed.around(spans.bounds), covered=covered)

        return painted(scene, self.title, options, press, paint)


class _Allowed:
    """Where the brush may paint; looked at only where it comes: all of a large image would take too long at a press."""

    def __init__(self, values: npt.NDArray[np.uint8], table: npt.NDArray[np.uint8]) -> None:
        self._values = values
        self._table = table
        self._may = np.empty_like(values)
        height, width = values.shape
        self._is_known = np.zeros((-(-height // TILE), -(-width // TILE)), np.bool_)

    def around(self, rect: Rect) -> npt.NDArray[np.uint8]:
        """uint8 (H, W), 1 where it may paint, else 0; what lies outside of the rectangle is not said."""
        rows, columns = (
            slice(start // TILE, -(-stop // TILE)) for start, stop in ((rect.y, rect.bottom), (rect.x, rect.right))
        )
        for down, right in np.argwhere(~self._is_known[rows, columns]):
            y, x = (rows.start + down) * TILE, (columns.start + right) * TILE
            tile = np.s_[y : y + TILE, x : x + TILE]
            self._may[tile] = cv2.LUT(self._values[tile], self._table)
        self._is_known[rows, columns] = True
        return self._may


def _table(scene: Scene, options: SmartBrushOptions, press: Pointer) -> npt.NDArray[np.uint8]:
    """1 for each value that may be painted on, else 0."""
    if options.paints == "a range":
        low, high = options.low * 2.55, options.high * 2.55
    else:
        values = _values(scene, options)
        height, width = values.shape
        row, column = (math.floor(min(max(at, 0), side - 1)) for at, side in ((press.y, height), (press.x, width)))
        first, reach = int(values[row, column]), options.tolerance * 2.55
        low, high = first - reach, first + reach
    return ((np.arange(256) >= low - 1e-9) & (np.arange(256) <= high + 1e-9)).view(np.uint8)


def _values(scene: Scene, options: SmartBrushOptions) -> npt.NDArray[np.uint8]:
    if options.looks_at == "probability" and scene.probability is not None:
        return scene.probability
    return grey(scene)


def grey(scene: Scene) -> npt.NDArray[np.uint8]:
    """The brightness of the picture, uint8 (H, W); computed once."""
    if scene.image.ndim == 2:
        return scene.image
    found = scene.memory.get("grey")
    if found is None:
        found = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY)
        scene.memory.keep("grey", found)
    return cast(npt.NDArray[np.uint8], found)
