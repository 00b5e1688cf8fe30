"""Pane: a card with a title, a detail and a canvas."""

from typing import Literal

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QFocusEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from segstudio.ui.canvas.canvas import BACKGROUND, Canvas
from segstudio.ui.canvas.view import View

PaneName = Literal["image", "truth", "prediction", "errors"]

TITLES: dict[PaneName, str] = {
    "image": "Image", "truth": "True mask", "prediction": "Prediction", "errors": "Errors",
}  # fmt: skip

RADIUS = 8
_STUB = 6
"""Fewer letters of the words on the right say nothing: they are left to the tooltip."""
INSET = 8


class Header(QWidget):
    """One line: what the pane shows on the left, a detail of it on the right, which gives way when space is short."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = title
        self._detail = ""
        self.setFixedHeight(self.fontMetrics().height() + 14)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._say()

    @property
    def title(self) -> str:
        """What is written on the left."""
        return self._title

    @property
    def detail(self) -> str:
        """What is written on the right."""
        return self._detail

    def show_title(self, title: str) -> None:
        """Write something else on the left."""
        self._title = title
        self._say()

    def show_detail(self, detail: str) -> None:
        """Write something else on the right."""
        self._detail = detail
        self._say()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        inner = self.rect().adjusted(INSET, 1, -INSET, 0)
        font = self.font()
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(self.palette().text().color())
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        inner.setLeft(inner.left() + painter.fontMetrics().horizontalAdvance(title) + 12)
        painter.setFont(self.font())
        painter.setPen(_muted(self.palette()))
        detail = painter.fontMetrics().elidedText(self._detail, Qt.TextElideMode.ElideRight, inner.width() + 1)
        if detail == self._detail or len(detail) > _STUB:
            painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, detail)
        painter.end()

    def _say(self) -> None:
        self.setAccessibleName(f"{self._title}: {self._detail}" if self._detail else self._title)
        self.setToolTip(self._detail)
        self.update()


class Pane(QFrame):
    """A canvas under a header, on a card with round corners.

    Attributes:
        header: Title and detail.
        canvas: The picture.
    """

    def __init__(self, title: str, view: View, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = Header(title, self)
        self.canvas = Canvas(view, self)
        self.canvas.setAccessibleName(title)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumSize(120, 90)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(INSET, 0, INSET, INSET)
        layout.setSpacing(0)
        layout.addWidget(self.header)
        layout.addWidget(self.canvas, 1)
        self._is_reached_by_key = False
        self.canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Mark the pane that somebody has reached with the Tab key; who uses a mouse knows where it is."""
        if isinstance(event, QFocusEvent):
            is_tab = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
            self._is_reached_by_key = event.gotFocus() and is_tab
            self.update()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        painter.setPen(QPen((palette.highlight() if self._is_reached_by_key else palette.mid()).color(), 1))
        # On a dark desktop the card is as dark as what surrounds the picture, so that no frame is seen around it.
        painter.setBrush(QColor(BACKGROUND) if is_dark(palette) else palette.base())
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()


def is_dark(palette: QPalette) -> bool:
    """Whether windows are dark."""
    return palette.window().color().lightness() < 128


def _muted(palette: QPalette) -> QColor:
    colour = palette.text().color()
    colour.setAlphaF(0.62)
    return colour
