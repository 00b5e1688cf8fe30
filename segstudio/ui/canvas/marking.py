"""Marking: what is drawn about the pointer in every pane at once, and what a tool or operation would change."""

from collections.abc import Mapping

from segstudio.core.document import Document
from segstudio.core.mask import Rect
from segstudio.core.raster import Point, Region, brush_diameter
from segstudio.tools import Preview
from segstudio.ui.canvas.layers import PreviewLayer
from segstudio.ui.canvas.marks import Marks, Outlines, outlines_of
from segstudio.ui.canvas.operating import Operating
from segstudio.ui.canvas.pane import Pane, PaneName
from segstudio.ui.canvas.pointer import PointerInput
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.tool_in_hand import ToolInHand


class Marking:
    """The crosshair, the brush as a disc, the outline a tool draws, what is selected, and the change not made yet.

    Attributes:
        here: Where the pointer is in the image; None when it is elsewhere.
    """

    def __init__(
        self, panes: Mapping[PaneName, Pane], pointer: PointerInput, hand: ToolInHand, operating: Operating
    ) -> None:
        self._panes = panes
        self._pointer = pointer
        self._hand = hand
        self._operating = operating
        self.here: Point | None = None
        self._target: Rect | None = None
        self._selected: Outlines = ()
        self._preview: Preview | None = None
        self._lines: Pyramid | None = None

    def move(self, here: Point | None) -> None:
        """Draw the crosshair, or the brush, elsewhere."""
        self.here = here
        self.show()

    def show_target(self, rect: Rect | None) -> None:
        """Mark a part of the image in every pane, or nothing."""
        if rect != self._target:
            self._target = rect
            self.show()

    def show_selected(self, region: Region) -> None:
        """Outline what is selected."""
        self._selected = outlines_of(region)
        self.show()

    def show(self) -> None:
        """Draw the marks as they are now."""
        tool, radius = self._pointer.tool, self._hand.radius
        is_disc = tool is not None and tool.cursor == "disc" and not self._pointer.refusal
        diameter = brush_diameter(radius) if is_disc and radius is not None and self._pointer.scene else 0
        preview = self._pointer.preview
        marks = Marks(
            self.here,
            diameter,
            preview.outline,
            preview.is_open,
            preview.has_corners,
            preview.scribbles,
            self._pointer.sign,
            preview.text,
            self._target,
            self._selected,
        )
        for pane in self._panes.values():
            pane.canvas.show_marks(marks)

    def show_preview(self, document: Document | None) -> None:
        """Draw what the tool wants drawn now, over the mask it changes."""
        self.show()
        preview = self._pointer.preview
        if preview is self._preview or document is None or self._operating.is_active:
            return
        self._preview = preview
        if preview.lines is None:
            self._lines = None
        elif self._lines is None or self._lines.pixels is not preview.lines:
            self._lines = Pyramid(preview.lines, gain=255)
        is_empty = preview.patch is None and preview.lines is None
        self._show_layer(None if is_empty else PreviewLayer(document.mask, preview.patch, self._lines))

    def show_operation(self) -> None:
        """Draw what the operation on the whole mask would do."""
        self._preview = None
        self._show_layer(self._operating.layer)

    def _show_layer(self, layer: PreviewLayer | None) -> None:
        for pane in self._panes.values():
            pane.canvas.show_preview(layer)
