"""View: which part of the image is seen and how large. Pure geometry, shared by all panes.

Three coordinate systems, all with x to the right and y down:

- image: pixel (0, 0) covers [0, 1) x [0, 1);
- device: the pixels of the screen that a pane owns, its top left pixel covering [0, 1) x [0, 1);
- widget: Qt's logical pixels, device divided by the device pixel ratio.

The zoom is counted in device pixels, so that 1.0 shows every image pixel as exactly one pixel of the screen.
"""

import math
from dataclasses import dataclass

from segstudio.core.mask import Rect
from segstudio.core.signal import Signal

MAX_ZOOM = 64.0
LOOK_SHARE = 0.36
"""How much of a pane is filled by what somebody shall look at: the rest is its surroundings."""
LOOK_ZOOM = 8.0
"""Even a single pixel is not shown larger, in widget pixels: one must see where it is."""

MIN_SIDE = 16
"""The longer side of the image never gets smaller than this many device pixels."""

LADDER = (1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""The zooms at which the zoom-in and zoom-out commands stop."""


@dataclass(frozen=True, slots=True)
class Frame:
    """How one pane shows the image: a view put onto a pane of a certain size.

    Attributes:
        width: Width of the pane in device pixels.
        height: Height of the pane in device pixels.
        ratio: Device pixels per widget pixel.
        zoom: Device pixels per image pixel.
        left: Device x of the image's left edge; whole, so that panning moves the picture without shimmer. That of a
            part that is seen as a picture of its own may lie between two pixels.
        top: Device y of the image's top edge.
        image_width: Width of the image in image pixels.
        image_height: Height of the image in image pixels.
    """

    width: int
    height: int
    ratio: float
    zoom: float
    left: float
    top: float
    image_width: int
    image_height: int

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """The image position under a widget position."""
        return (x * self.ratio - self.left) / self.zoom, (y * self.ratio - self.top) / self.zoom

    def to_device(self, x: float, y: float) -> tuple[float, float]:
        """The device position of an image position."""
        return self.left + x * self.zoom, self.top + y * self.zoom

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """The widget position of an image position."""
        return (self.left + x * self.zoom) / self.ratio, (self.top + y * self.zoom) / self.ratio

    def device_rect(self, rect: Rect, margin: int = 0) -> Rect:
        """The device pixels that show any of the image rectangle, grown by `margin`, within the pane."""
        left, top = self.to_device(rect.x, rect.y)
        right, bottom = self.to_device(rect.right, rect.bottom)
        touched = Rect.between(
            math.floor(left) - margin, math.floor(top) - margin, math.ceil(right) + margin, math.ceil(bottom) + margin
        )
        return touched.intersect(self.pane)

    @property
    def pane(self) -> Rect:
        """All device pixels of the pane."""
        return Rect(0, 0, self.width, self.height)

    @property
    def picture(self) -> Rect:
        """The device pixels whose centres lie on the image, within the pane."""
        left, top = math.ceil(self.left - 0.5), math.ceil(self.top - 0.5)
        right, bottom = self.to_device(self.image_width, self.image_height)
        return Rect.between(left, top, math.ceil(right - 0.5), math.ceil(bottom - 0.5)).intersect(self.pane)


class View:
    """Zoom and centre, common to all panes.

    Attributes:
        changed: Emitted when anything that is seen moves.
        width: Image width in pixels; 0 when there is no image.
        height: Image height in pixels.
        zoom: Device pixels per image pixel.
        x: Image x shown in the middle of every pane.
        y: Image y shown in the middle of every pane.
        is_fitted: Whether the whole image was asked for last; a resized pane then fits it again.
        looked_at: The part of the image that was asked for last; a resized pane then looks at it again.
    """

    def __init__(self) -> None:
        self.changed: Signal[[]] = Signal()
        self.width = 0
        self.height = 0
        self.zoom = 1.0
        self.x = 0.0
        self.y = 0.0
        self.is_fitted = True
        self.looked_at: Rect | None = None

    def show(self, width: int, height: int) -> None:
        """Begin with an image of another size; call `fit` or `one_to_one` next."""
        self.width, self.height = width, height
        self.x, self.y = width / 2, height / 2
        self.is_fitted = True
        self.looked_at = None

    def frame(self, width: int, height: int, ratio: float) -> Frame:
        """This view on a pane of `width` x `height` device pixels."""
        left, top = _rounded(width / 2 - self.x * self.zoom), _rounded(height / 2 - self.y * self.zoom)
        return Frame(width, height, ratio, self.zoom, left, top, self.width, self.height)

    def fit(self, width: int, height: int) -> None:
        """Show the whole image, as large as it goes into `width` x `height` device pixels."""
        if not self.width or not self.height:
            return
        zoom = min(width / self.width, height / self.height)
        self._set(zoom, self.width / 2, self.height / 2, is_fitted=True)

    def one_to_one(self) -> None:
        """One image pixel on one device pixel, about the middle."""
        self._set(1.0, self.x, self.y)

    def zoom_at(self, factor: float, x: float, y: float) -> None:
        """Zoom by `factor` so that the image position (x, y) stays where it is on the screen."""
        zoom = self._limited(self.zoom * factor)
        kept = self.zoom / zoom
        self._set(zoom, x + (self.x - x) * kept, y + (self.y - y) * kept)

    def look_at(self, rect: Rect, width: int, height: int, ratio: float) -> None:
        """Show a part of the image and twice as much around it, in the middle of `width` x `height` device pixels.

        Where that is the whole image, it is fitted: it stays whole when the pane becomes smaller.
        """
        if not self.width or not self.height or rect.is_empty:
            return
        whole = min(width / self.width, height / self.height)
        near = min(width / rect.width, height / rect.height) * LOOK_SHARE
        zoom = self._limited(max(min(near, LOOK_ZOOM * ratio), whole))
        if zoom <= whole:
            self.fit(width, height)
            return
        # Beside the image there is nothing to see: as little of that as possible.
        x = _within(rect.x + rect.width / 2, width / zoom / 2, self.width)
        y = _within(rect.y + rect.height / 2, height / zoom / 2, self.height)
        self._set(zoom, x, y)
        self.looked_at = rect

    def step(self, direction: int) -> None:
        """Zoom about the middle to the next (1) or previous (-1) step of the ladder."""
        nearly = 1.001
        if direction > 0:
            zoom = next((z for z in LADDER if z > self.zoom * nearly), MAX_ZOOM)
        else:
            zoom = next((z for z in reversed(LADDER) if z * nearly < self.zoom), self.zoom / 2)
        self._set(zoom, self.x, self.y)

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by device pixels. The middle of a pane always stays on the image."""
        self._set(self.zoom, self.x - dx / self.zoom, self.y - dy / self.zoom)

    def _set(self, zoom: float, x: float, y: float, *, is_fitted: bool = False) -> None:
        before = (self.zoom, self.x, self.y)
        self.zoom = self._limited(zoom)
        self.x = min(max(x, 0.0), float(self.width))
        self.y = min(max(y, 0.0), float(self.height))
        self.is_fitted = is_fitted
        self.looked_at = None
        if before != (self.zoom, self.x, self.y):
            self.changed.emit()

    def _limited(self, zoom: float) -> float:
        least = min(1.0, MIN_SIDE / max(self.width, self.height, 1))
        return min(max(zoom, least), MAX_ZOOM)


def _within(middle: float, reach: float, length: float) -> float:
    """The middle of a window that reaches so far to both sides, moved onto 0 .. length as far as that can be."""
    return length / 2 if 2 * reach >= length else min(max(middle, reach), length - reach)


def _rounded(value: float) -> int:
    # Not round(): its rounding to even would make neighbouring steps of a slow pan unequal.
    return math.floor(value + 0.5)
