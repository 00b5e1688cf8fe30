"""Areas: the parts of the window between which a key leads, so that none has to be reached control by control."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget


class Area(NamedTuple):
    """A part of the window.

    Attributes:
        widget: All of it.
        take_keys: Gives the keys to what they are for there.
    """

    widget: QWidget
    take_keys: Callable[[], object]

    @property
    def has_keys(self) -> bool:
        """Whether something in it has the keys."""
        focus = QApplication.focusWidget()
        return focus is not None and (focus is self.widget or self.widget.isAncestorOf(focus))


def step(areas: Sequence[Area], by: int) -> None:
    """Give the keys to another area, around in a circle: 1 to the next, -1 to the one before.

    One in which there is nothing to press is passed by.
    """
    here = next((number for number, area in enumerate(areas) if area.has_keys), -1 if by > 0 else 0)
    for distance in range(1, len(areas) + 1):
        area = areas[(here + by * distance) % len(areas)]
        area.take_keys()
        if area.has_keys:
            return


def focus_inside(widget: QWidget) -> None:
    """Give the keys to what had them last in there, else to the first that the Tab key would reach."""
    last = widget.focusWidget()
    if last is not None and last.isVisible() and last.isEnabled():
        last.setFocus(Qt.FocusReason.TabFocusReason)
        return
    one: QWidget | None = widget.nextInFocusChain()
    while one is not None and one is not widget:
        is_reached = one.focusPolicy() & Qt.FocusPolicy.TabFocus and one.isVisible() and one.isEnabled()
        if is_reached and widget.isAncestorOf(one):
            one.setFocus(Qt.FocusReason.TabFocusReason)
            return
        one = one.nextInFocusChain()
