"""Keys drawn as the caps of a keyboard."""

from collections.abc import Iterable

from PySide6.QtCore import QKeyCombination, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QKeySequence, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from segstudio.ui import theme
from segstudio.ui.bindings import combination

_NATIVE = QKeySequence.SequenceFormat.NativeText
_MODIFIERS = (
    Qt.KeyboardModifier.MetaModifier, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)  # fmt: skip
_PADDING, _GAP, _APART = 6, 3, 8


def caps(key: str) -> list[str]:
    """The words on the keys that are pressed together: ["Ctrl", "Shift", "Z"]."""
    pressed = combination(key)
    held = [one for one in _MODIFIERS if pressed.keyboardModifiers() & one]
    names = [QKeySequence(QKeyCombination(one, Qt.Key.Key_A)).toString(_NATIVE)[:-1].rstrip("+") for one in held]
    return [*names, QKeySequence(pressed.key()).toString(_NATIVE)]


def _pieces(keys: Iterable[str], is_held: bool) -> list[tuple[str, bool]]:
    """Words in order, each with whether it stands on a cap."""
    result: list[tuple[str, bool]] = []
    for number, key in enumerate(keys):
        if number or is_held:
            result.append(("or" if number else "hold", False))
        result += [(word, True) for word in caps(key)]
    return result


def caps_width(keys: Iterable[str], font: QFont, *, is_held: bool = False) -> int:
    """How many pixels `draw_caps` takes."""
    metrics = QFontMetrics(_small(font))
    return sum(_width(word, metrics, is_cap=is_cap) + _GAP for word, is_cap in _pieces(keys, is_held))


def draw_caps(
    painter: QPainter, rect: QRect, keys: Iterable[str], *, is_held: bool = False, is_faint: bool = False
) -> None:
    """Draw the keys at the right end of a rectangle, in the middle of its height."""
    font = _small(painter.font())
    metrics = QFontMetrics(font)
    pieces = _pieces(keys, is_held)
    tall = metrics.height() + 4
    x = rect.right() + 1 - sum(_width(word, metrics, is_cap=is_cap) + _GAP for word, is_cap in pieces) + _GAP
    top = rect.center().y() - tall // 2 + 1
    painter.save()
    painter.setFont(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for word, is_cap in pieces:
        wide = _width(word, metrics, is_cap=is_cap)
        cap = QRect(x, top, wide, tall)
        if is_cap:
            painter.setPen(theme.color("border_strong"))
            painter.setBrush(theme.color("raised"))
            painter.drawRoundedRect(cap.adjusted(0, 0, -1, -1), 4, 4)
        painter.setPen(theme.color("text_faint" if is_faint else "text" if is_cap else "text_muted"))
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, word)
        x += wide + _GAP
    painter.restore()


class KeyCaps(QWidget):
    """The keys of one command."""

    def __init__(self, keys: Iterable[str], *, is_held: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._keys = tuple(keys)
        self._is_held = is_held
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        font = self.font()
        wide = caps_width(self._keys, font, is_held=self._is_held)
        return QSize(wide, QFontMetrics(_small(font)).height() + 6)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _event: object) -> None:
        painter = QPainter(self)
        draw_caps(painter, self.rect(), self._keys, is_held=self._is_held)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    if font.pixelSize() > 0:
        small.setPixelSize(max(font.pixelSize() - 1, 9))
    else:
        small.setPointSizeF(max(font.pointSizeF() - 1, 7))
    return small


def _width(word: str, metrics: QFontMetrics, *, is_cap: bool) -> int:
    wide = metrics.horizontalAdvance(word)
    return max(wide + 2 * _PADDING, metrics.height() + 4) if is_cap else wide + _APART
