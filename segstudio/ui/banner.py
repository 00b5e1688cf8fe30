"""Banner: one message across the top of the work, with what to do about it. Never modal."""

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from segstudio.ui import theme
from segstudio.ui.widgets import heading, muted, push_button, set_property, text_button

Kind = Literal["info", "warn", "bad"]

_ICONS: dict[Kind, tuple[str, str]] = {
    "info": ("info", "accent"), "warn": ("problems", "warn"), "bad": ("problems", "bad"),
}  # fmt: skip

NOTE_MS = 8000
"""A note of one line that asks for nothing is shown so long."""


class Banner(QFrame):
    """A message with a hint that stays until it is closed or replaced; a mere note of one line goes by itself.

    Attributes:
        topic: What the message is about, so that whoever set it can take it away again.
        buttons: What can be done at once about the message that is shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.topic = ""
        self.buttons: list[QPushButton] = []
        self._kind: Kind = "info"
        self._going = QTimer(self, singleShot=True, interval=NOTE_MS)
        self._going.timeout.connect(self.hide)
        self._icon = QLabel()
        self._message = heading("")
        self._hint = muted()
        for label in (self._message, self._hint):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = text_button("", "Close this message")
        self._close.clicked.connect(lambda _=False: self.clear())
        self._place = QHBoxLayout()
        self._place.setSpacing(6)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._message)
        words.addWidget(self._hint)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(10)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addLayout(words, 1)
        layout.addLayout(self._place)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        theme.notifier().changed.connect(self._dress)
        self._dress()
        self.hide()

    @property
    def text(self) -> str:
        """The message and the hint that are shown, or nothing."""
        return "" if self.isHidden() else f"{self._message.text()}\n{self._hint.text()}".strip()

    def tell(
        self,
        message: str,
        hint: str = "",
        *,
        kind: Kind = "warn",
        topic: str = "",
        buttons: Sequence[tuple[str, str, Callable[[], object]]] = (),
    ) -> None:
        """Show a message in place of the one before.

        Args:
            message: What is so.
            hint: What to do about it.
            kind: How bad it is.
            topic: See the class.
            buttons: What can be done at once: the word on it, its tooltip, and what it does.
        """
        for button in self.buttons:
            self._place.removeWidget(button)
            button.deleteLater()
        self.buttons = [push_button(*one) for one in buttons]
        for button in self.buttons:
            self._place.addWidget(button)
        self.topic, self._kind = topic, kind
        is_note = kind == "info" and not hint and not buttons
        self._going.start() if is_note else self._going.stop()
        self._message.setText(_sentence(message))
        self._hint.setText(_sentence(hint))
        self._hint.setVisible(bool(hint))
        self._dress()
        self.show()

    def clear(self, topic: str | None = None) -> None:
        """Take the message away; only one about `topic`, when that is given."""
        if topic is None or topic == self.topic:
            self.hide()

    def _dress(self) -> None:
        set_property(self, "banner", self._kind)
        name, token = _ICONS[self._kind]
        self._icon.setPixmap(theme.icon(name, token).pixmap(20, 20))
        self._close.setIcon(theme.icon("close", "text_muted"))


def _sentence(text: str) -> str:
    """With a capital, unless it begins with something that is spelt as it is: a path, a file, an option."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.rstrip(",:;").isalpha() else text
