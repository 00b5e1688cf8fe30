"""The audit bar over the panes: which of the random samples is checked now, and what the checks say in the end."""

from collections.abc import Mapping

from PySide6.QtCore import QMargins, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from segstudio.ui.audit import AuditWalk
from segstudio.ui.widgets import heading, muted, push_button
from segstudio.ui.wrapping_bar import WrappingBar

_LEAST_WIDTH = 400
"""Pixels that the words have at least: what an audit says must be readable in the narrowest window."""

_ANSWERS = ("audit-right", "audit-wrong", "audit-back")


class AuditBar(QFrame):
    """Words and buttons; there only during an audit."""

    def __init__(self, audit: AuditWalk, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._audit = audit
        self.words = heading("")
        self.words.setWordWrap(True)
        self.words.setAccessibleName("Audit")
        self.promise = muted(wraps=True)
        self.accept_button = push_button("Accept", "Accept all but what was found wrong, as one act", audit.accept)
        self.accept_button.setProperty("primary", True)
        self.stop_button = push_button("Stop", "Accept nothing", audit.stop)
        for button in (self.accept_button, self.stop_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.answers = [_button(actions[name]) for name in _ANSWERS]
        said = QWidget()
        said.setMinimumWidth(_LEAST_WIDTH)
        said.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        words = QVBoxLayout(said)
        words.setContentsMargins(0, 0, 0, 0)
        words.setSpacing(1)
        words.addWidget(self.words)
        words.addWidget(self.promise)
        bar = WrappingBar([said], [*self.answers, self.accept_button, self.stop_button], margins=QMargins(12, 5, 8, 5))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(bar)
        audit.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        audit = self._audit
        self.setVisible(audit.stage != "idle")
        self.words.setText(audit.words)
        is_checked = audit.stage == "checked"
        left = f"Accept {audit.acceptable:,}".replace(",", "\u202f")
        self.promise.setText("Nothing is accepted yet." if is_checked else audit.promise)
        self.promise.setVisible(audit.stage != "accepting")
        self.accept_button.setText(left)
        self.accept_button.setVisible(is_checked)
        self.accept_button.setEnabled(audit.acceptable > 0)
        self.stop_button.setText("Accept nothing" if is_checked else "Stop")
        self.stop_button.setVisible(audit.stage != "accepting")
        for button in self.answers[:2]:
            button.setVisible(audit.stage == "checking")
        self.answers[2].setVisible(audit.stage in ("checking", "checked"))


def _button(action: QAction) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    return button
