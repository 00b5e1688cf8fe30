"""Canvas: the widget that shows one picture with one overlay, and repaints no more than what changed."""

import math

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QHelpEvent, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from segstudio.core.mask import Rect
from segstudio.ui.canvas.layers import Colour, Layer, Screen, margin
from segstudio.ui.canvas.marks import Caption, Marks, caption_rect, draw, draw_caption, draw_grid, draw_name
from segstudio.ui.canvas.sampling import MANY, merged
from segstudio.ui.canvas.view import Frame, View

BACKGROUND = 0xFF090B0E
"""Behind the picture, 0xAARRGGBB: nearly black in every theme, because a bright surround spoils the eye for dark
pictures."""


class Surface:
    """Screen pixels in numpy's hands that Qt can draw."""

    def __init__(self, width: int, height: int, image_format: QImage.Format, fill: int) -> None:
        self.pixels: Screen = np.full((max(height, 1), max(width, 1)), fill, np.uint32)
        self._fill = fill
        # The QImage only borrows the memory: it is kept here, beside the array that owns it. Four bytes a pixel, so
        # no row of any width needs the padding that QImage wants.
        rows, columns = self.pixels.shape
        self.image = QImage(self.pixels.data, columns, rows, 4 * columns, image_format)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in device pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def render(self, layer: Layer | None, frame: Frame, rect: Rect) -> None:
        """Paint what `layer` shows in `rect`; what is not on the picture gets the fill."""
        inside = rect.intersect(frame.picture)
        if layer is None or inside != rect:
            self.pixels[rect.slices] = self._fill
        if layer is not None and not inside.is_empty:
            self.pixels[inside.slices] = layer.render(frame, inside)


class Canvas(QWidget):
    """One picture, an overlay upon it and marks on top, as a View shows them.

    The picture and the overlay are kept as the pixels of the screen. A change of the view renders both anew, a change
    of the mask renders the part of the overlay that shows it, and a paint event copies what is exposed.

    Attributes:
        view: Shared with other canvases.
        message: Shown in the middle when there is no picture.
    """

    def __init__(self, view: View, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self.message = ""
        self._picture: Layer | None = None
        self._overlay: Layer | None = None
        self._preview: Layer | None = None
        self._is_overlay_shown = True
        self._caption: Caption | None = None
        self._name: tuple[str, Colour] = ("", (0, 0, 0))
        self._marks = Marks()
        self._below = Surface(1, 1, QImage.Format.Format_RGB32, BACKGROUND)
        self._above = Surface(1, 1, QImage.Format.Format_ARGB32_Premultiplied, 0)
        self._is_picture_stale = True
        self._on_top: Surface | None = None
        self._is_overlay_stale = True
        self._is_preview_stale = False
        self._stale: list[Rect] = []
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(40, 40)
        view.changed.connect(self.show_view)

    @property
    def frame(self) -> Frame:
        """How this canvas shows the image now."""
        ratio = self.devicePixelRatioF()
        return self.view.frame(*self.device_size, ratio)

    @property
    def device_size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, math.ceil(self.width() * ratio)), max(1, math.ceil(self.height() * ratio))

    @property
    def marks(self) -> Marks:
        """What is drawn over the picture now."""
        return self._marks

    def sizeHint(self) -> QSize:
        return QSize(320, 320)

    def show_picture(self, layer: Layer | None) -> None:
        """Show another picture, or the same one otherwise."""
        self._picture = layer
        self._is_picture_stale = True
        self.update()

    def show_overlay(self, layer: Layer | None) -> None:
        """Show another overlay, or none."""
        self._overlay = layer
        self._is_overlay_stale = True
        self.update()

    def show_preview(self, layer: Layer | None) -> None:
        """Show what is about to change, or nothing."""
        if layer is not self._preview:
            self._preview = layer
            self._is_preview_stale = True
            self.update()

    def set_overlay_shown(self, is_shown: bool) -> None:
        """Hide the overlay for a moment, or show it again."""
        if is_shown != self._is_overlay_shown:
            self._is_overlay_shown = is_shown
            self.update()

    def show_view(self) -> None:
        """The view shows another part of the image."""
        self._is_picture_stale = self._is_overlay_stale = self._is_preview_stale = True
        self.update()

    def show_change(self, rect: Rect) -> None:
        """The overlay has changed inside a rectangle of the image."""
        if self._overlay is None:
            return
        frame = self.frame
        self._stale.append(rect)
        if len(self._stale) > 10 * MANY:  # a hidden canvas is not painted and would gather them for ever
            self._stale = merged(self._stale)
        touched = frame.device_rect(rect, margin(frame))
        if not touched.is_empty:
            self.update(self._widget_rect(touched))

    def show_marks(self, marks: Marks) -> None:
        """Draw other marks over the picture."""
        if marks != self._marks:
            self._marks = marks
            # All of it: the crosshair reaches from edge to edge, and copying everything once takes less time than
            # clipping to the outlines of what moved.
            self.update()

    def show_caption(self, caption: Caption | None) -> None:
        """Write something at the lower edge of the picture, or nothing."""
        if caption != self._caption:
            for one in (self._caption, caption):
                if one is not None:
                    self.update(self._caption_rect(one))
            self._caption = caption
            self.setAccessibleDescription(caption.text if caption else "")

    def show_name(self, name: str, colour: Colour) -> None:
        """Write large what is shown, at the upper edge, or nothing."""
        if (name, colour) != self._name:
            self._name = name, colour
            self.update()

    def caption_help(self, position: QPoint) -> str:
        """What the words at a place of this widget mean; empty where there are none."""
        caption = self._caption if self._picture is not None else None
        return caption.help if caption is not None and self._caption_rect(caption).contains(position) else ""

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = self.caption_help(event.pos())
            QToolTip.showText(event.globalPos(), words, self)  # no words hide the one that is there
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._is_picture_stale = self._is_overlay_stale = self._is_preview_stale = True
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        frame = self.frame
        self._bring_up_to_date(frame)
        painter = QPainter(self)
        # In device pixels, one to one: a scale of 1 leaves Qt nothing to interpolate, also at a ratio of 1.5.
        painter.scale(1 / frame.ratio, 1 / frame.ratio)
        rect = self._device_rect(event.rect())
        self._copy(painter, self._below, rect)
        if self._overlay is not None and self._is_overlay_shown:
            self._copy(painter, self._above, rect)
        if self._on_top is not None:
            self._copy(painter, self._on_top, rect)
        if self._picture is not None:
            draw_grid(painter, rect, frame)
            draw(painter, self._marks, frame)
        painter.resetTransform()
        self._draw_words(painter, event.rect())
        painter.end()

    def _draw_words(self, painter: QPainter, exposed: QRect) -> None:
        if self._picture is None and self.message:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.message)
        if self._name[0]:
            draw_name(painter, *self._name, self.width())
        caption = self._caption if self._picture is not None else None
        if caption is not None and exposed.intersects(self._caption_rect(caption)):
            draw_caption(painter, caption, self.width(), self.height())

    def _bring_up_to_date(self, frame: Frame) -> None:
        if self._below.size != (frame.width, frame.height):
            self._below = Surface(frame.width, frame.height, QImage.Format.Format_RGB32, BACKGROUND)
            self._above = Surface(frame.width, frame.height, QImage.Format.Format_ARGB32_Premultiplied, 0)
            self._is_picture_stale = self._is_overlay_stale = True
        if self._is_picture_stale:
            self._below.render(self._picture, frame, frame.pane)
            self._is_picture_stale = False
        self._bring_preview_up_to_date(frame)
        if self._overlay is None:
            self._stale.clear()
            return
        stale, self._stale = merged(self._stale), []
        touched = [frame.device_rect(rect, margin(frame)) for rect in stale]
        if self._is_overlay_stale:
            touched = [frame.pane]
            self._is_overlay_stale = False
        for rect in touched:
            if not rect.is_empty:
                self._above.render(self._overlay, frame, rect)

    def _bring_preview_up_to_date(self, frame: Frame) -> None:
        if not self._is_preview_stale:
            return
        self._is_preview_stale = False
        if self._preview is None:
            self._on_top = None  # most of the time there is none: no memory for it, and no time
            return
        if self._on_top is None or self._on_top.size != (frame.width, frame.height):
            self._on_top = Surface(frame.width, frame.height, QImage.Format.Format_ARGB32_Premultiplied, 0)
        self._on_top.render(self._preview, frame, frame.pane)

    def _copy(self, painter: QPainter, surface: Surface, rect: Rect) -> None:
        painter.drawImage(QPoint(rect.x, rect.y), surface.image, QRect(*rect))

    def _caption_rect(self, caption: Caption) -> QRect:
        return caption_rect(caption, self.fontMetrics(), self.width(), self.height())

    def _device_rect(self, rect: QRect) -> Rect:
        ratio = self.devicePixelRatioF()
        left, top = math.floor(rect.x() * ratio), math.floor(rect.y() * ratio)
        right = math.ceil((rect.x() + rect.width()) * ratio)
        bottom = math.ceil((rect.y() + rect.height()) * ratio)
        return Rect.between(left, top, right, bottom).intersect(Rect(0, 0, *self.device_size))

    def _widget_rect(self, rect: Rect) -> QRect:
        ratio = self.devicePixelRatioF()
        left, top = math.floor(rect.x / ratio), math.floor(rect.y / ratio)
        return QRect(left, top, math.ceil(rect.right / ratio) - left, math.ceil(rect.bottom / ratio) - top)
