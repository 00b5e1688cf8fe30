"""The error bar under the panes: where the walk from error to error is, and the decisions about it."""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QMargins, QSize, Qt
from PySide6.QtGui import QAction, QFont, QFontMetrics, QKeySequence
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from segstudio.ui.walk import Walk
from segstudio.ui.widgets import ElidedLabel, divider, set_property
from segstudio.ui.wrapping_bar import WrappingBar

_DECISIONS = ("error-take", "error-keep", "error-fill", "error-erase", "flag")
_STEPS = ("error-previous", "error-next")

_USUAL = "Error 888 of 888 · false negative · 88\u202f888 px · 888 px deep"
"""Words that there is always room for: where they do not fit beside the buttons, the buttons stand below them."""


class ErrorBar(QFrame):
    """Words and buttons. There as soon as anything is predicted, so that the panes keep their size in the walk."""

    def __init__(self, walk: Walk, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._walk = walk
        self._next = actions["error-next"]
        self._is_idle = True
        self.words = _Words()
        self.words.setAccessibleName("Error or selection")
        decisions, steps = ([_button(actions[name]) for name in names] for names in (_DECISIONS, _STEPS))
        buttons = [*decisions, divider(), *steps]
        bar = WrappingBar([self.words], buttons, margins=QMargins(12, 3, 8, 3), spacing=5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(bar)
        walk.changed.connect(self._show)
        self._next.changed.connect(self._show_idle)
        self._show()

    def _show(self) -> None:
        words = self._walk.words
        self._is_idle = not words
        self.words.setText(words[:1].upper() + words[1:].replace("  ·  ", " · "))  # every pixel of room is needed
        self.words.setAccessibleDescription(words)
        set_property(self.words, "muted", not words)
        set_property(self.words, "heading", bool(words))
        self._show_idle()

    def _show_idle(self) -> None:
        if self._is_idle:
            key = self._next.shortcut().toString(QKeySequence.SequenceFormat.NativeText) or "Errors ▸ Next error"
            self.words.setText(f"{key}: to the worst error · Ctrl+drag: select a part")


class _Words(ElidedLabel):
    """Words whose room does not change from one error to the next: the panes would move with it."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._width = 0

    def minimumSizeHint(self) -> QSize:
        if not self._width:
            bold = QFont(self.font())
            bold.setBold(True)
            self._width = QFontMetrics(bold).horizontalAdvance(_USUAL)
        return QSize(self._width, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._width = 0
        super().changeEvent(event)


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    is_word = action.objectName() in _DECISIONS  # the words of the error need the room that icons would take
    style = Qt.ToolButtonStyle.ToolButtonTextOnly if is_word else Qt.ToolButtonStyle.ToolButtonIconOnly
    button.setToolButtonStyle(style)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
