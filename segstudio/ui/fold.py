"""Fold: a heading that shows and hides what is below it."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):
    """A heading that shows and hides what is below it."""

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self._button = QToolButton(self)
        self._button.setText(title)
        self._button.setToolTip(title)
        self._button.setCheckable(True)
        self._button.setAutoRaise(True)
        self._button.setProperty("fold", True)
        # A long heading is cut off rather than making the panel wider.
        self._button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.toggled.connect(self._show)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._button)
        layout.addWidget(content)
        self._show(False)

    def set_title(self, title: str) -> None:
        """Change the heading."""
        self._button.setText(title)
        self._button.setToolTip(title)  # it may be cut off

    def unfold(self) -> None:
        """Show the content."""
        self._button.setChecked(True)

    def fold(self) -> None:
        """Hide the content."""
        self._button.setChecked(False)

    def _show(self, is_open: bool) -> None:
        self._content.setVisible(is_open)
        self._button.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
