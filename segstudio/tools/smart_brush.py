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
        source = _source(scene, options)
        allowed = _Allowed(source, _table(source, options, press))

        def paint(stroke: Stroke, spans: Spans, covered: Spans | None) -> None:
            stroke.fill_spans(spans, value, where=allowed.around(spans.bounds), covered=covered)

        return painted(scene, self.title, options, press, paint)


class _Allowed:
    """Where the brush may paint; looked at only where it comes: all of a large image would take too long at a press."""

    def __init__(self, source: npt.NDArray[np.uint8], table: npt.NDArray[np.uint8]) -> None:
        self._source = source
        self._table = table
        height, width = source.shape[:2]
        self._may = np.empty((height, width), np.uint8)
        self._is_known = np.zeros((-(-height // TILE), -(-width // TILE)), np.bool_)

    def around(self, rect: Rect) -> npt.NDArray[np.uint8]:
        """uint8 (H, W), 1 where it may paint, else 0; what lies outside of the rectangle is not said."""
        rows, columns = (
            slice(start // TILE, -(-stop // TILE)) for start, stop in ((rect.y, rect.bottom), (rect.x, rect.right))
        )
        for down, right in np.argwhere(~self._is_known[rows, columns]):
            y, x = (rows.start + down) * TILE, (columns.start + right) * TILE
            tile = np.s_[y : y + TILE, x : x + TILE]
            self._may[tile] = cv2.LUT(_values(self._source[tile]), self._table)
        self._is_known[rows, columns] = True
        return self._may


def _table(source: npt.NDArray[np.uint8], options: SmartBrushOptions, press: Pointer) -> npt.NDArray[np.uint8]:
    """1 for each value that may be painted on, else 0."""
    if options.paints == "a range":
        low, high = options.low * 2.55, options.high * 2.55
    else:
        height, width = source.shape[:2]
        row, column = (math.floor(min(max(at, 0), side - 1)) for at, side in ((press.y, height), (press.x, width)))
        first, reach = int(_values(source[row : row + 1, column : column + 1])[0, 0]), options.tolerance * 2.55
        low, high = first - reach, first + reach
    return ((np.arange(256) >= low - 1e-9) & (np.arange(256) <= high + 1e-9)).view(np.uint8)


def _source(scene: Scene, options: SmartBrushOptions) -> npt.NDArray[np.uint8]:
    if options.looks_at == "probability" and scene.probability is not None:
        return scene.probability
    return scene.image


def _values(part: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The probability, or the brightness of a part of the picture, uint8 (h, w)."""
    grey = part if part.ndim == 2 else cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    return cast(npt.NDArray[np.uint8], grey)
