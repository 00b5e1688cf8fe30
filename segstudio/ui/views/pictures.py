"""Small pictures of samples with masks on them, made in threads and shown by labels that keep their proportions."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from segstudio.core.scaling import scaled_image, scaled_mask
from segstudio.ui import theme
from segstudio.ui.canvas.layers import AGREEMENT, FALSE_NEGATIVE, FALSE_POSITIVE, Colour

Pixels = NDArray[np.uint8]

FILL = 0.34
"""Opacity of what prediction and truth agree on; errors and outlines are shown at more."""
ERROR = 0.72


@dataclass(frozen=True)
class Small:
    """A sample at the size of a small picture.

    Attributes:
        rgb: uint8 (h, w, 3).
        mask: uint8 (h, w) of 0 and 1, the true mask; None when there is none.
    """

    rgb: Pixels
    mask: Pixels | None


def shrunk(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Height and width of a picture whose longer side is `side` pixels."""
    height, width = shape[:2]
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def small(image: Pixels, mask: Pixels | None, side: int) -> Small:
    """An image of uint8 (H, W) or (H, W, 3) and its mask as a small picture."""
    height, width = shrunk(image.shape, side)
    rgb = scaled_image(image, (height, width, 3))
    return Small(rgb, None if mask is None else scaled_mask(mask, height, width))


def outlined(
    rgb: Pixels, mask: Pixels | None, colour: Colour, *, is_filled: bool = False, thickness: int = 1
) -> Pixels:
    """A copy of uint8 (h, w, 3) with the outline of the mask (h, w) on it, and its area when it shall be filled."""
    result = rgb.copy()
    if mask is None:
        return result
    if is_filled:
        _tint(result, mask.astype(bool), colour, FILL)
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(result, contours, -1, colour, thickness, cv2.LINE_8)
    return result


def compared(rgb: Pixels, truth: Pixels, predicted: Pixels) -> Pixels:
    """A copy of uint8 (h, w, 3): where truth and prediction (h, w) agree in grey, too much orange, too little blue."""
    result = rgb.copy()
    is_true, is_predicted = truth.astype(bool), predicted.astype(bool)
    _tint(result, is_true & is_predicted, AGREEMENT, FILL)
    _tint(result, is_predicted & ~is_true, FALSE_POSITIVE, ERROR)
    _tint(result, is_true & ~is_predicted, FALSE_NEGATIVE, ERROR)
    return result


def to_image(rgb: Pixels) -> QImage:
    """A QImage that owns its pixels, from uint8 (h, w, 3)."""
    pixels = np.ascontiguousarray(rgb)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _tint(rgb: Pixels, where: NDArray[np.bool_], colour: Colour, opacity: float) -> None:
    rgb[where] = (rgb[where] * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)


class Picture(QWidget):
    """A picture with round corners, as large as its place allows; a frame says that it is chosen or has the focus.

    Signals:
        clicked: With the left button, or by the space bar.
        opened: By a double click, or by Enter.
    """

    clicked = Signal()
    opened = Signal()

    def __init__(self, name: str, side: int, parent: QWidget | None = None) -> None:
        """Nothing yet, `side` pixels wide and high at best; `name` is what screen readers say."""
        super().__init__(parent)
        self._image: QImage | None = None
        self._side = side
        self._is_chosen = False
        self.setAccessibleName(name)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumSize(side // 2, side // 3)

    def set_clickable(self) -> None:
        """Let it be reached and pressed with mouse and keys."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_image(self, image: QImage | None) -> None:
        """Show another picture, or none."""
        self._image = image
        self.updateGeometry()
        self.update()

    def set_chosen(self, is_chosen: bool) -> None:
        """Draw a frame around it, or not."""
        if is_chosen != self._is_chosen:
            self._is_chosen = is_chosen
            self.update()

    @property
    def has_image(self) -> bool:
        """Whether there is anything to see."""
        return self._image is not None

    def sizeHint(self) -> QSize:
        return QSize(self._side, self.heightForWidth(self._side))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        height, whole = (1, 1) if self._image is None else (self._image.height(), self._image.width())
        return min(self._side, round(width * height / whole))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        place = QRectF(self.rect()).adjusted(2, 2, -2, -2)
        if self._image is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("canvas"))
            painter.drawRoundedRect(place, 4, 4)
            return
        scale = min(place.width() / self._image.width(), place.height() / self._image.height())
        width, height = self._image.width() * scale, self._image.height() * scale
        shown = QRectF(place.center().x() - width / 2, place.center().y() - height / 2, width, height)
        painter.drawImage(shown, self._image)
        if self._is_chosen or self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.drawRoundedRect(shown.adjusted(-1, -1, 1, 1), 3, 3)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.focusPolicy() != Qt.FocusPolicy.NoFocus:
            self.clicked.emit()
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Space:
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
