"""The error bar under the panes: where the walk from error to error is, and the decisions about it."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from segstudio.ui.walk import Walk
from segstudio.ui.widgets import ElidedLabel, divider, set_property

_DECISIONS = ("error-take", "error-keep", "error-fill", "error-erase", "flag")
_STEPS = ("error-previous", "error-next")

IDLE = "Next: errors, the worst first  ·  Ctrl+drag: select a part"


class ErrorBar(QFrame):
    """Words and buttons. There as soon as anything is predicted, so that the panes keep their size in the walk."""

    def __init__(self, walk: Walk, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._walk = walk
        self.words = ElidedLabel()
        self.words.setAccessibleName("Error")
        # Long words are cut off: they must not make the panes wider from one error to the next.
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 3, 8, 3)
        layout.setSpacing(5)
        layout.addWidget(self.words, 1)
        for name in _DECISIONS:
            layout.addWidget(_button(actions[name]))
        layout.addWidget(divider())
        for name in _STEPS:
            layout.addWidget(_button(actions[name]))
        walk.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        words = self._walk.words
        shown = words[:1].upper() + words[1:] if words else IDLE
        self.words.setText(shown)
        set_property(self.words, "muted", not words)
        set_property(self.words, "heading", bool(words))


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    is_word = action.objectName() in _DECISIONS  # the words of the error need the room that icons would take
    style = Qt.ToolButtonStyle.ToolButtonTextOnly if is_word else Qt.ToolButtonStyle.ToolButtonIconOnly
    button.setToolButtonStyle(style)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
