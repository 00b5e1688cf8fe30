"""The field for what a person says of the sample on screen; it is stored by itself."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

_LINES = 2
_REST_MS = 800


class CommentEdit(QPlainTextEdit):
    """A few lines of text about one sample.

    Attributes:
        written: Told the sample's id and its new comment, a moment after the last key or when the field is left.
        left: Told when the person is done and wants the keys for the work again.
    """

    written = Signal(int, str)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Comment")
        self.setAccessibleName("Comment")
        self.setToolTip("What is worth knowing of this sample; found again by the filter comment:*text*")
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_LINES * self.fontMetrics().lineSpacing() + 16)
        self._sample_id: int | None = None
        self._stored = ""
        self._resting = QTimer(self, singleShot=True, interval=_REST_MS)
        self._resting.timeout.connect(self.store)
        self.textChanged.connect(self._resting.start)

    def show_comment(self, sample_id: int | None, comment: str) -> None:
        """Show the comment of a sample; what is being written about the same one stays."""
        if sample_id == self._sample_id and self.toPlainText().strip() != self._stored:
            return
        self.store()
        self._sample_id, self._stored = sample_id, comment
        if comment != self.toPlainText().strip():
            was_blocked = self.blockSignals(True)
            self.setPlainText(comment)
            self.blockSignals(was_blocked)
        self._resting.stop()

    def store(self) -> None:
        """Tell what was written, if it is another comment than before."""
        self._resting.stop()
        comment = self.toPlainText().strip()
        if self._sample_id is not None and comment != self._stored:
            self._stored = comment
            self.written.emit(self._sample_id, comment)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.store()
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape and Ctrl+Return lead back to the mask."""
        is_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        is_return = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape or (is_return and is_control):
            self.store()
            self.left.emit()
            return
        super().keyPressEvent(event)
