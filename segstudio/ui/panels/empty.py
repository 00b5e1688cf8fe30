"""What a panel shows while it has nothing to show: what it is for, and what to do next."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QStackedWidget, QVBoxLayout, QWidget

from segstudio.ui import theme

_ICON = 28


class Empty(QWidget):
    """An icon, a sentence, and a smaller one."""

    def __init__(self, icon: str, title: str, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self._picture = QLabel(self)
        self._title = QLabel(title, self)
        self._title.setProperty("heading", True)
        self._text = QLabel(text, self)
        self._text.setProperty("muted", True)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        for label in (self._picture, self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(label is not self._picture)
            layout.addWidget(label)
        layout.addStretch(2)
        theme.notifier().changed.connect(self._draw_icon)
        self._draw_icon()

    def set_text(self, title: str, text: str) -> None:
        """Say something else."""
        self._title.setText(title)
        self._text.setText(text)

    def _draw_icon(self) -> None:
        pixmap = theme.icon(self._icon, "text_faint").pixmap(QSize(_ICON, _ICON), self.devicePixelRatio())
        self._picture.setPixmap(pixmap)


class Either(QVBoxLayout):
    """The content of a panel, or what it says while there is none."""

    def __init__(self, content: QWidget, empty: Empty) -> None:
        super().__init__()
        self.setContentsMargins(0, 0, 0, 0)
        # A stack, not a QStackedLayout: that would show its page as a window while it lies in no widget yet.
        self._stack = QStackedWidget()
        self._stack.addWidget(content)
        self._stack.addWidget(empty)
        self.addWidget(self._stack)
        self.show_content(False)

    def show_content(self, is_there: bool) -> None:
        """Show the content, or the sentence."""
        self._stack.setCurrentIndex(0 if is_there else 1)
