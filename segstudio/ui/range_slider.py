"""A slider with one knob or two: a value, or a range of values, between two bounds."""

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from segstudio.ui import theme

_KNOB = 14
_GROOVE = 4


class RangeSlider(QWidget):
    """Moves the ends of a range with the mouse; keys are for the number boxes beside it.

    Attributes:
        moved: Told the new values, low and high, after the person has moved a knob. With one knob both are equal.
    """

    moved = Signal(float, float)

    def __init__(
        self, minimum: float, maximum: float, *, is_integer: bool, has_two: bool = True, parent: QWidget | None = None
    ) -> None:
        """Between `minimum` and `maximum`; `has_two` for a range, one knob for a value."""
        super().__init__(parent)
        self._minimum, self._maximum = minimum, maximum
        self._step = _step(maximum - minimum, is_integer=is_integer)
        self._is_integer = is_integer
        self._has_two = has_two
        self._values = (minimum, maximum)
        self._held: int | None = None
        self._hovered: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def values(self) -> tuple[float, float]:
        """Low and high."""
        return self._values

    def set_values(self, low: float, high: float) -> None:
        """Show a range without telling anybody; what lies outside is shown at the bound."""
        if (low, high) != self._values:
            self._values = (low, high)
            self.update()

    def knob(self, index: int) -> QPointF:
        """The middle of the lower (0) or upper (1) knob."""
        return QPointF(self._x(self._values[index]), self.height() / 2)

    def sizeHint(self) -> QSize:
        return QSize(120, _KNOB + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(3 * _KNOB, _KNOB + 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._held = self._nearest(event.position().x())
            self._move_to(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self._move_to(event.position().x())
            return
        hovered = self._nearest(event.position().x())
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held = None
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._hovered = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, left, right = self.height() / 2, _KNOB / 2, self.width() - _KNOB / 2
        painter.setBrush(theme.color("border_strong" if self.isEnabled() else "border"))
        painter.drawRoundedRect(QRectF(left, middle - _GROOVE / 2, right - left, _GROOVE), 2, 2)
        low, high = (self.knob(index).x() for index in (0, 1))
        if self.isEnabled():
            begin = low if self._has_two else left
            painter.setBrush(theme.color("accent"))
            painter.drawRoundedRect(QRectF(begin, middle - _GROOVE / 2, max(high - begin, 0), _GROOVE), 2, 2)
        for index in (0, 1) if self._has_two else (1,):
            self._draw_knob(painter, index)
        painter.end()

    def _draw_knob(self, painter: QPainter, index: int) -> None:
        is_active = index in (self._held, self._hovered)
        token = ("accent_hover" if is_active else "knob") if self.isEnabled() else "text_faint"
        painter.setPen(QPen(theme.color("border_strong"), 1))
        painter.setBrush(theme.color(token))
        painter.drawEllipse(self.knob(index), _KNOB / 2 - 0.5, _KNOB / 2 - 0.5)

    def _x(self, value: float) -> float:
        share = (value - self._minimum) / max(self._maximum - self._minimum, 1e-12)
        return _KNOB / 2 + min(max(share, 0.0), 1.0) * (self.width() - _KNOB)

    def _value(self, x: float) -> float:
        share = min(max((x - _KNOB / 2) / max(self.width() - _KNOB, 1), 0.0), 1.0)
        value = self._minimum + share * (self._maximum - self._minimum)
        if share in (0.0, 1.0):
            return value
        stepped = round(value / self._step) * self._step
        return min(max(float(f"{stepped:.10g}"), self._minimum), self._maximum)

    def _nearest(self, x: float) -> int:
        if not self._has_two:
            return 1
        low, high = (self.knob(index).x() for index in (0, 1))
        if low == high:
            return 0 if x < low else 1
        return 0 if abs(x - low) < abs(x - high) else 1

    def _move_to(self, x: float) -> None:
        value = self._value(x)
        low, high = self._values
        if not self._has_two:
            low = high = value
        elif self._held == 0:
            low = min(value, high)
        else:
            high = max(value, low)
        if (low, high) != self._values:
            self._values = (low, high)
            self.update()
            self.moved.emit(low, high)


def _step(span: float, *, is_integer: bool) -> float:
    """What values are rounded to: about a two-hundredth of the span, as 1, 2 or 5 times a power of ten."""
    exact = max(span, 1e-9) / 200
    power = 10.0 ** math.floor(math.log10(exact))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= exact * 0.999)
    return max(1.0, round(step)) if is_integer else step
