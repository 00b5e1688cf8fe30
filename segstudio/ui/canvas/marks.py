"""Marks: what is drawn over a picture with a pen: crosshair, brush ring, outline of a drag, pixel grid, captions.

Crosshair, ring, outline and grid are drawn in device pixels, captions in widget pixels.
"""

import math
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from segstudio.core.mask import Rect
from segstudio.core.raster import Point, Region, brush_centre, capsule
from segstudio.tools import Scribble
from segstudio.ui.canvas.layers import ADDED, REMOVED
from segstudio.ui.canvas.view import Frame

GRID_ZOOM = 12.0
"""The grid between image pixels is drawn from this many device pixels per image pixel on."""

STAIRS_ZOOM = 3.0
"""From here on the ring of a small brush follows the very pixels that it will paint."""
STAIRS_DIAMETER = 64

LIGHT = QColor(255, 255, 255, 235)
SHADOW = QColor(0, 0, 0, 150)
HAIR = QColor(255, 255, 255, 105)
HAIR_SHADOW = QColor(0, 0, 0, 80)
GRID = QColor(255, 255, 255, 34)
CAPTION_BACK = QColor(9, 11, 14, 205)
CAPTION_TEXT = QColor(231, 234, 239)
SCRIBBLE_ALPHA = 200
SELECTION_SHADOW = QColor(0, 0, 0, 220)
_FINE = 4_000_000
"""Pixels up to which the border of a selection is found at half a pixel."""
_MOST_POINTS = 20_000
"""More points than these take too long to draw."""
TARGET = QColor(255, 242, 176)
TARGET_AWAY, TARGET_ARM = 7, 8
"""In widget pixels."""
BADGE_FONT, BADGE_GAP = 13, 14
"""In widget pixels."""
NAME_FONTS = (26, 22, 18, 15, 13, 11)
"""In widget pixels, the largest first."""
CAPTION_PADDING, CAPTION_GAP, CAPTION_SQUARE = 10, 14, 16


Outlines = tuple[tuple[Point, ...], ...]
"""Closed lines in image pixels."""


def outlines_of(region: Region) -> Outlines:
    """The borders of a region, a quarter of a pixel inside of it; the rectangle around one that is too ragged."""
    if region.rect.is_empty:
        return ()
    rect, inside = region.rect, region.inside.view(np.uint8)
    fine = 2 if inside.size <= _FINE else 1
    if fine > 1:
        inside = inside.repeat(fine, axis=0).repeat(fine, axis=1)
    found, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    if sum(len(line) for line in found) > _MOST_POINTS:
        corners = (rect.x, rect.y), (rect.right, rect.y), (rect.right, rect.bottom), (rect.x, rect.bottom)
        return (corners,)
    offset = np.array((rect.x, rect.y)) + 0.5 / fine
    return tuple(tuple(map(tuple, (line[:, 0] / fine + offset).tolist())) for line in found)


@dataclass(frozen=True, slots=True)
class Marks:
    """Where the pointer is and what it would do, in image pixels.

    Attributes:
        pointer: Position of the crosshair; None when the pointer is in no pane.
        diameter: Of the brush in image pixels; 0 for a tool without one.
        outline: Of the drag under way.
        is_open: Whether its ends are not joined.
        has_corners: Whether its points are marked.
        scribbles: Lines that tell a tool something.
        sign: What the tool does: a sign beside the pointer.
        text: A few words beside the sign.
        target: What somebody shall look at, with corners around it.
        selected: The borders of what is selected.
    """

    pointer: Point | None = None
    diameter: int = 0
    outline: tuple[Point, ...] = ()
    is_open: bool = False
    has_corners: bool = False
    scribbles: tuple[Scribble, ...] = ()
    sign: str = ""
    text: str = ""
    target: Rect | None = None
    selected: "Outlines" = ()


CaptionPart = tuple[tuple[int, int, int] | None, str]


@dataclass(frozen=True, slots=True)
class Caption:
    """A few words at the lower edge of the picture.

    Attributes:
        parts: Each word with the colour of the square before it; no square when None.
        short: The same for a narrow pane; `parts` when empty.
        help: What the words mean, for the tooltip.
    """

    parts: tuple[CaptionPart, ...]
    short: tuple[CaptionPart, ...] = ()
    help: str = ""

    @property
    def text(self) -> str:
        """The words alone, for those who cannot see them."""
        return ", ".join(text for _, text in self.parts)


def draw(painter: QPainter, marks: Marks, frame: Frame) -> None:
    """Draw all marks; the painter counts device pixels."""
    for scribble in marks.scribbles:
        _draw_scribble(painter, scribble, frame)
    if marks.target is not None:
        _draw_target(painter, marks.target, frame)
    if marks.selected:
        _draw_selection(painter, marks.selected, frame)
    if len(marks.outline) > 1:
        _draw_outline(painter, marks, frame)
    if marks.pointer is not None:
        _draw_crosshair(painter, marks, frame)
        if marks.diameter:
            _draw_ring(painter, marks.pointer, marks.diameter, frame)
        if marks.sign or marks.text:
            _draw_badge(painter, marks, frame)


def draw_grid(painter: QPainter, exposed: Rect, frame: Frame) -> None:
    """Draw the lines between image pixels inside `exposed`, when they are large enough."""
    part = exposed.intersect(frame.picture)
    if frame.zoom < GRID_ZOOM * frame.ratio or part.is_empty:
        return
    for column in range(int((part.x - frame.left) / frame.zoom), int((part.right - frame.left) / frame.zoom) + 2):
        x = int(-(-(frame.left + column * frame.zoom) // 1))
        painter.fillRect(x, part.y, 1, part.height, GRID)
    for row in range(int((part.y - frame.top) / frame.zoom), int((part.bottom - frame.top) / frame.zoom) + 2):
        y = int(-(-(frame.top + row * frame.zoom) // 1))
        painter.fillRect(part.x, y, part.width, 1, GRID)


def caption_rect(caption: Caption, metrics: QFontMetrics, width: int, height: int) -> QRect:
    """Where a caption lies in a pane of `width` x `height` widget pixels."""
    lines = _caption_lines(caption, metrics, width, height)
    wide = min(max(_caption_width(line, metrics) for line in lines), width)
    tall = metrics.height() * len(lines) + 10
    return QRect((width - wide) // 2, height - tall - 10, wide, tall)


def draw_caption(painter: QPainter, caption: Caption, width: int, height: int) -> None:
    """Draw it in a pane of `width` x `height` widget pixels, which the painter counts."""
    metrics = painter.fontMetrics()
    rect = caption_rect(caption, metrics, width, height)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(CAPTION_BACK)
    painter.drawRoundedRect(rect, 6, 6)
    line_rect = QRect(rect.x(), rect.y() + 5, rect.width(), metrics.height())
    for line in _caption_lines(caption, metrics, width, height):
        _draw_caption_line(painter, line, line_rect)
        line_rect.translate(0, metrics.height())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _draw_caption_line(painter: QPainter, line: tuple[CaptionPart, ...], rect: QRect) -> None:
    metrics = painter.fontMetrics()
    x = rect.x() + CAPTION_PADDING
    for colour, text in line:
        if colour is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*colour))
            painter.drawRoundedRect(QRectF(x, rect.center().y() - 4, 10, 10), 2, 2)
            x += CAPTION_SQUARE
        painter.setPen(CAPTION_TEXT)
        room = rect.right() + 1 - CAPTION_PADDING - x
        words = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(x, rect.y(), room, rect.height(), Qt.AlignmentFlag.AlignVCenter, words)
        x += _text_width(text, metrics) + CAPTION_GAP


def draw_name(painter: QPainter, name: str, colour: tuple[int, int, int], width: int) -> None:
    """Draw a name large at the upper edge of a pane of `width` widget pixels, as large as it goes in."""
    font = painter.font()
    font.setBold(True)
    for size in NAME_FONTS:
        font.setPixelSize(size)
        metrics = QFontMetrics(font)
        if metrics.horizontalAdvance(name) + 2 * size + 16 <= width:
            break
    room = min(metrics.horizontalAdvance(name) + 2 * size, width - 4)
    rect = QRectF((width - room) / 2, 8, room, metrics.height() + size * 0.6)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(*colour), 2))
    painter.setBrush(CAPTION_BACK)
    painter.drawRoundedRect(rect, 8, 8)
    painter.setFont(font)
    painter.setPen(CAPTION_TEXT)
    words = metrics.elidedText(name, Qt.TextElideMode.ElideRight, round(room))
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), words)
    painter.restore()


def _fitting(caption: Caption, metrics: QFontMetrics, width: int) -> tuple[CaptionPart, ...]:
    is_too_wide = _caption_width(caption.parts, metrics) > width
    return caption.short if caption.short and is_too_wide else caption.parts


def _caption_lines(caption: Caption, metrics: QFontMetrics, width: int, height: int) -> list[tuple[CaptionPart, ...]]:
    """The words in as few lines as go into `width` widget pixels, the last line the fullest.

    They cover no more than a third of a pane of that `height`, beside one line: the first words are left out before
    nothing is seen of the picture. A single word may still be too wide.
    """
    lines: list[tuple[CaptionPart, ...]] = []
    for part in reversed(_fitting(caption, metrics, width)):
        if lines and _caption_width((part, *lines[0]), metrics) <= width:
            lines[0] = (part, *lines[0])
        else:
            lines.insert(0, (part,))
    most = max((height // 3 - 10) // metrics.height(), 1)
    return lines[-most:]


def _caption_width(parts: tuple[CaptionPart, ...], metrics: QFontMetrics) -> int:
    words = sum(_text_width(text, metrics) + (CAPTION_SQUARE if colour else 0) for colour, text in parts)
    return words + CAPTION_GAP * (len(parts) - 1) + 2 * CAPTION_PADDING


def _text_width(text: str, metrics: QFontMetrics) -> int:
    """The room that `elidedText` leaves a text whole in; the whole pixels of QFontMetrics are rounded, also down."""
    return math.ceil(QFontMetricsF(metrics).horizontalAdvance(text))


@cache
def stamp_outline(diameter: int) -> tuple[Point, ...]:
    """The corners of a brush's pixels, clockwise, in image pixels from its centre."""
    side = diameter + 2
    middle = brush_centre(side / 2, side / 2, diameter)
    spans = capsule((side, side), middle, middle, diameter)
    rows = np.arange(len(spans.starts)) + spans.top
    is_run = spans.starts < spans.stops
    runs = list(zip(rows[is_run].tolist(), spans.starts[is_run].tolist(), spans.stops[is_run].tolist(), strict=True))
    right = [corner for row, _, stop in runs for corner in ((stop, row), (stop, row + 1))]
    left = [corner for row, start, _ in reversed(runs) for corner in ((start, row + 1), (start, row))]
    return tuple((x - middle[0] / 2, y - middle[1] / 2) for x, y in right + left)


def _draw_crosshair(painter: QPainter, marks: Marks, frame: Frame) -> None:
    assert marks.pointer is not None
    x, y = (int(part // 1) for part in frame.to_device(*marks.pointer))
    weight, whole = _weight(frame), frame.picture
    if whole.is_empty:
        return
    # Open in the middle: what is about to be painted stays visible.
    gap = max(6 * weight, round(min(marks.diameter * frame.zoom / 2, 16 * weight)))
    if whole.x <= x < whole.right:
        _draw_plumb_line(painter, x, whole.y, y - gap, weight)
        _draw_plumb_line(painter, x, y + gap, whole.bottom, weight)
    if whole.y <= y < whole.bottom:
        for colour, offset in ((HAIR_SHADOW, weight), (HAIR, 0)):
            painter.fillRect(_between(whole.x, y + offset, x - gap, y + offset + weight), colour)
            painter.fillRect(_between(x + gap, y + offset, whole.right, y + offset + weight), colour)
    if not marks.diameter or marks.diameter * frame.zoom > 8 * weight:
        painter.fillRect(QRect(x, y, weight, weight), LIGHT)


def _draw_plumb_line(painter: QPainter, x: int, top: int, bottom: int, weight: int) -> None:
    # One image for both colours: each row of a vertical line waits for memory, so it is walked only once.
    if bottom > top:
        strip = _strip(weight)
        while top < bottom:
            height = min(bottom - top, strip.height())
            painter.drawImage(QPoint(x, top), strip, QRect(0, 0, 2 * weight, height))
            top += height


@cache
def _strip(weight: int) -> QImage:
    image = QImage(2 * weight, 4096, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(HAIR)
    painter = QPainter(image)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
    painter.fillRect(weight, 0, weight, image.height(), HAIR_SHADOW)
    painter.end()
    return image


def _draw_ring(painter: QPainter, pointer: Point, diameter: int, frame: Frame) -> None:
    """A light line with a dark one around it, made of rings that are one pixel wide: only those Qt draws fast."""
    x, y = frame.to_device(*(half / 2 for half in brush_centre(*pointer, diameter)))
    weight = _weight(frame)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    is_exact = frame.zoom >= STAIRS_ZOOM and diameter <= STAIRS_DIAMETER
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not is_exact)
    for offset in range(weight + 1):
        painter.setPen(QPen(LIGHT if offset < weight else SHADOW, 1))
        if is_exact:
            painter.drawPolygon(_stamp_polygon(diameter, frame.zoom, offset).translated(x, y))
        else:
            reach = diameter * frame.zoom / 2 + offset
            painter.drawEllipse(QPointF(x, y), reach, reach)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


@lru_cache(maxsize=16)
def _stamp_polygon(diameter: int, zoom: float, grow: int) -> QPolygonF:
    """The outline of a brush's pixels in device pixels, `grow` pixels further out."""
    corners = stamp_outline(diameter)
    return QPolygonF(
        [QPointF(x * zoom + math.copysign(grow, x), y * zoom + math.copysign(grow, y)) for x, y in corners]
    )


def _draw_target(painter: QPainter, target: Rect, frame: Frame) -> None:
    """Four corners a little outside of the target, so that none of its pixels is covered."""
    weight, away = _weight(frame), TARGET_AWAY * frame.ratio
    (left, top), (right, bottom) = frame.to_device(target.x, target.y), frame.to_device(target.right, target.bottom)
    left, top, right, bottom = left - away, top - away, right + away, bottom + away
    arm = max(min(right - left, bottom - top) / 4, TARGET_ARM * frame.ratio)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((SHADOW, 5.0 * weight), (TARGET, 2.2 * weight)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.MiterJoin))
        for x, y, across, down in (
            (left, top, 1, 1),
            (right, top, -1, 1),
            (left, bottom, 1, -1),
            (right, bottom, -1, -1),
        ):
            corner = [QPointF(x + across * arm, y), QPointF(x, y), QPointF(x, y + down * arm)]
            painter.drawPolyline(QPolygonF(corner))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _draw_selection(painter: QPainter, outlines: Outlines, frame: Frame) -> None:
    """Light dashes upon a dark line, which are seen on any picture."""
    weight = _weight(frame)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    light = QPen(LIGHT, weight)
    light.setDashPattern([5, 4])
    for outline in outlines:
        polygon = _polygon(outline, frame)
        for pen in (QPen(SELECTION_SHADOW, weight), light):
            painter.setPen(pen)
            painter.drawPolygon(polygon)


def _draw_outline(painter: QPainter, marks: Marks, frame: Frame) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    polygon, weight = _polygon(marks.outline, frame), _weight(frame)
    for colour, width in ((SHADOW, 3.0 * weight), (LIGHT, 1.4 * weight)):
        painter.setPen(QPen(colour, width))
        painter.drawPolyline(polygon)
    if not marks.is_open:
        painter.setPen(QPen(LIGHT, 1.0 * weight, Qt.PenStyle.DotLine))
        painter.drawLine(polygon.last(), polygon.first())
    if marks.has_corners:
        painter.setPen(QPen(SHADOW, 1.0 * weight))
        painter.setBrush(LIGHT)
        for index in range(polygon.size() - 1):
            painter.drawEllipse(polygon.at(index), 3.2 * weight, 3.2 * weight)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _draw_scribble(painter: QPainter, scribble: Scribble, frame: Frame) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    polygon = _polygon(scribble.points, frame)
    width = max(2 * scribble.radius * frame.zoom, 2.0 * _weight(frame))
    colour = QColor(*(ADDED if scribble.is_foreground else REMOVED), SCRIBBLE_ALPHA)
    pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    if polygon.size() == 1:
        painter.drawPoint(polygon.first())
    else:
        painter.drawPolyline(polygon)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _draw_badge(painter: QPainter, marks: Marks, frame: Frame) -> None:
    """Sign and words right below the pointer; left or above where there is no room."""
    assert marks.pointer is not None
    words = "  ".join(part for part in (marks.sign, marks.text) if part)
    painter.save()
    font = QFont(painter.font())
    font.setPixelSize(round(BADGE_FONT * frame.ratio))
    font.setBold(True)
    painter.setFont(font)
    metrics = painter.fontMetrics()
    x, y = frame.to_device(*marks.pointer)
    gap = BADGE_GAP * frame.ratio
    wide, tall = metrics.horizontalAdvance(words) + 0.7 * metrics.height(), 1.15 * metrics.height()
    wide = max(wide, tall)
    left = x + gap if x + gap + wide <= frame.width else x - gap - wide
    top = y + gap if y + gap + tall <= frame.height else y - gap - tall
    rect = QRectF(round(left), round(top), round(wide), round(tall))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(CAPTION_BACK)
    painter.drawRoundedRect(rect, 4 * frame.ratio, 4 * frame.ratio)
    painter.setPen(CAPTION_TEXT)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()


def _polygon(points: tuple[Point, ...], frame: Frame) -> QPolygonF:
    return QPolygonF([QPointF(*frame.to_device(*point)) for point in points])


def _between(left: int, top: int, right: int, bottom: int) -> QRect:
    return QRect(left, top, max(right - left, 0), max(bottom - top, 0))


def _weight(frame: Frame) -> int:
    return max(1, round(frame.ratio))
