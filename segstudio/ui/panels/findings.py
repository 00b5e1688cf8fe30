"""What a check says, in place: a sign, a sentence, and what to do about it."""

from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.augmentation.places import Place
from segstudio.augmentation.safety import Finding
from segstudio.ui import theme
from segstudio.ui.widgets import set_property

_RANK = {"error": 0, "warning": 1, "note": 2}
_LOOKS = {
    "error": ("problems", "bad", "bad"),
    "warning": ("problems", "warn", "warn"),
    "note": ("info", "text_muted", ""),
}


class Shown(Protocol):
    """What a finding of any check has to say."""

    @property
    def severity(self) -> Literal["error", "warning", "note"]:
        """How grave it is."""

    @property
    def message(self) -> str:
        """One sentence."""

    @property
    def hint(self) -> str:
        """What to do about it, or empty."""


class FindingsList(QWidget):
    """Findings, the gravest first; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._findings: tuple[Shown, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        theme.notifier().changed.connect(self._draw)
        self.hide()

    @property
    def findings(self) -> Sequence[Shown]:
        """What is shown."""
        return self._findings

    def show_findings(self, findings: Iterable[Shown]) -> None:
        """Show others."""
        ordered = tuple(sorted(findings, key=lambda one: _RANK[one.severity]))
        if ordered != self._findings:
            self._findings = ordered
            self._draw()
        self.setVisible(bool(ordered))

    def _draw(self) -> None:
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for finding in self._findings:
            self._column.addWidget(_box(finding))


def gravest(findings: Iterable[Finding], place: Place) -> Finding | None:
    """The finding of a place that one should see first."""
    return min((one for one in findings if one.place == place), key=lambda one: _RANK[one.severity], default=None)


def _box(finding: Shown) -> QFrame:
    box = QFrame()
    icon, token, banner = _LOOKS[finding.severity]
    set_property(box, "finding", banner or "note")
    sign = QLabel()
    sign.setPixmap(theme.icon(icon, token).pixmap(16, 16))
    words = QLabel(finding.message)
    hint = QLabel(finding.hint)
    hint.setProperty("muted", True)
    hint.setVisible(bool(finding.hint))
    column = QVBoxLayout()
    column.setSpacing(2)
    for label in (words, hint):
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(label)
    row = QHBoxLayout(box)
    row.setContentsMargins(8, 6, 8, 6)
    row.setSpacing(8)
    row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(column, 1)
    box.setToolTip(getattr(finding, "about", ""))
    box.setAccessibleName(f"{finding.severity}: {finding.message} {finding.hint}".strip())
    return box
