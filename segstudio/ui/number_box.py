"""A spin box for any number: whole ones of any length, and floats from 1e-9 to 1e9, typed as people write them.

QSpinBox ends at 32 bits and QDoubleSpinBox shows 1e-5 as 0.00001000 or rounds it to 0; neither lets a person see that a
value is out of range, they change it silently. Here the text stays as typed and whoever asks for the value judges it.
"""

import math
import re

from PySide6.QtCore import Signal
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QWidget

from segstudio.core.wording import number_text

TEXT_MARGIN = 7
"""Pixels left of the text of a spin box, as in other fields; the style sheet has no say in it."""

_TYPEABLE = re.compile(r"[0-9eE+\-., ]*")


class NumberBox(QAbstractSpinBox):
    """A number with arrows.

    Arrows and keys step whole numbers by 1; floats below 0.1 by 1, 2, 5, 10 ..., as rates are tried out, those
    below 1 by 0.05, and greater ones by a tenth of their magnitude.
    """

    edited = Signal()

    def __init__(
        self,
        *,
        is_integer: bool,
        minimum: float | None = None,
        maximum: float | None = None,
        zero: str = "",
        parent: QWidget | None = None,
    ) -> None:
        """Make an empty box.

        Args:
            is_integer: Whether the number is whole.
            minimum: The arrows do not go below it.
            maximum: The arrows do not go beyond it.
            zero: Words for 0 where it stands for a choice, such as "all": an empty box shows them and means 0.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._zero = zero
        self._is_integer = is_integer
        self._minimum = -math.inf if minimum is None else minimum
        self._maximum = math.inf if maximum is None else maximum
        self.setMinimumWidth(72)
        self.setAccelerated(True)
        self.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
        self.lineEdit().setPlaceholderText(zero)
        self.lineEdit().textChanged.connect(self.edited)

    def value(self) -> float | str:
        """The number, or the text when it is none."""
        text = self.lineEdit().text().strip().replace(",", ".")
        if self._zero and not text:
            return 0
        try:
            return int(text) if self._is_integer else float(text)
        except ValueError:
            return text

    def set_value(self, value: float) -> None:
        """Show a number, exactly."""
        self.lineEdit().setText("" if self._zero and value == 0 else number_text(value))

    def stepBy(self, steps: int) -> None:
        value = self.value()
        if isinstance(value, str):
            value = max(0, self._minimum) if math.isfinite(self._minimum) else 0
        for _ in range(abs(steps)):
            up = steps > 0
            value = value + (1 if up else -1) if self._is_integer else stepped(float(value), is_up=up)
        self.set_value(min(max(value, self._minimum), self._maximum))
        self.selectAll()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        flags = QAbstractSpinBox.StepEnabledFlag
        value = self.value()
        enabled = flags.StepNone
        if isinstance(value, str) or value < self._maximum:
            enabled |= flags.StepUpEnabled
        if isinstance(value, str) or value > self._minimum:
            enabled |= flags.StepDownEnabled
        return enabled

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        state = QValidator.State.Acceptable if _TYPEABLE.fullmatch(text) else QValidator.State.Invalid
        return state, text, position

    def wheelEvent(self, event: QWheelEvent) -> None:
        # Who scrolls the panel must not change what lies under the pointer.
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def stepped(value: float, *, is_up: bool) -> float:
    """The next rounder float."""
    if value < 0:
        return -stepped(-value, is_up=not is_up)
    # What is exactly on a border steps, downwards, as what lies below it.
    seen = value if is_up else value * (1 - 1e-9)
    if 0 < seen < 0.1:
        return _next_of_125(value, is_up=is_up)
    step = 0.05 if seen < 1 else 10.0 ** math.floor(math.log10(seen)) / 10
    return float(f"{value + (step if is_up else -step):.12g}")


def _next_of_125(value: float, *, is_up: bool) -> float:
    exponent = math.floor(math.log10(value))
    ladder = [float(f"{digit}e{exponent + shift}") for shift in (-1, 0, 1) for digit in (1, 2, 5)]
    if is_up:
        return min(rung for rung in ladder if rung > value * (1 + 1e-9))
    return max(rung for rung in ladder if rung < value * (1 - 1e-9))
