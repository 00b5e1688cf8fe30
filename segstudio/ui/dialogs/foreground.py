"""Which values of the masks are foreground: the proposal, and a choice with a preview where only a person can say."""

from concurrent.futures import Future
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.percentage import percent
from segstudio.core.wording import count_text
from segstudio.formats.foreground import ForegroundRule, Value, value_text
from segstudio.formats.survey import MaskSurvey, ValueShare
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.dataset_preview import colour_preview
from segstudio.ui.widgets import heading, muted

MOST_VALUES = 24
"""More values than this are edges or noise, and nobody wants to tick them one by one."""

MOST_LOOKED_AT = 1000
"""Of so many masks the preview is chosen."""

_PREVIEW = QSize(220, 112)


class ForegroundChoice(QFrame):
    """The rule for the masks of a dataset.

    Attributes:
        changed: Told after the person chose otherwise.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._survey: MaskSurvey | None = None
        self._background = Background("preview", self)
        self._words = muted(wraps=True)
        self.list = QListWidget()
        self.list.setAccessibleName("Values that are foreground")
        self.list.setFixedHeight(_PREVIEW.height())
        self.list.itemChanged.connect(self._choose)
        self.list.currentRowChanged.connect(lambda _row: self._show_preview())
        self._picture = QLabel()
        self._picture.setFixedHeight(_PREVIEW.height())
        self._picture.setMaximumWidth(_PREVIEW.width())
        self._picture.setWordWrap(True)  # for the words that stand there when a mask cannot be read
        self._choice = QWidget()
        choice = QHBoxLayout(self._choice)
        choice.setContentsMargins(0, 0, 0, 0)
        choice.setSpacing(12)
        self._sample = muted(wraps=True)
        choice.addWidget(self._picture)
        choice.addWidget(self.list, 1)
        choice.addWidget(self._sample, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 10)
        layout.addWidget(heading("Foreground of the masks"))
        layout.addWidget(self._words)
        layout.addWidget(self._choice)
        self.hide()

    @property
    def why_not(self) -> str:
        """What is still to be chosen, or an empty string."""
        if self._survey is not None and not self.list.isHidden() and self._survey.values and not self._ticked():
            return "Tick the values of the masks that are foreground."
        return ""

    @property
    def rule(self) -> ForegroundRule | None:
        """What is foreground as it is chosen now; None when nothing is."""
        if self._survey is None or self.why_not:
            return None
        if self.list.isHidden():
            return None if self._survey.needs_choice else self._survey.rule
        ticked = self._ticked()
        if ticked == self._proposed():
            return self._survey.rule  # it may also name values that do not occur
        return ForegroundRule(kind="values", values=tuple(ticked))

    def text(self) -> str:
        """The choice as the option `foreground` takes it; empty for what is proposed."""
        if self._survey is None or self.list.isHidden():
            return ""
        ticked = self._ticked()
        if not self._survey.needs_choice and ticked == self._proposed():
            return ""
        return ";".join(value_text(value) for value in ticked)

    def show_survey(self, survey: MaskSurvey | None) -> None:
        """Show what the masks hold."""
        self._survey = survey
        self.setVisible(survey is not None)
        if survey is None:
            return
        proposed = self._proposed()
        self._words.setText(_sentence(survey))
        was_blocked = self.list.blockSignals(True)
        self.list.clear()
        for one in survey.values[:MOST_VALUES]:
            self.list.addItem(_item(one, is_ticked=one.value in proposed))
        self.list.setCurrentRow(0)
        self.list.blockSignals(was_blocked)
        self.list.setVisible(survey.needs_choice or len(survey.values) <= MOST_VALUES)
        self._choice.setVisible(bool(survey.values))
        self._sample.setVisible(self.list.isHidden())
        self._show_preview()

    def close_threads(self) -> None:
        """Let the background finish."""
        self._background.close()

    def _proposed(self) -> list[Value]:
        if self._survey is None or self._survey.needs_choice:
            return []
        rule = self._survey.rule
        return [one.value for one in self._survey.values if rule.apply(np.array([[one.value]], np.uint8)
                if len(one.value) == 3 else np.array([one.value], np.uint8)).any()]  # fmt: skip

    def _ticked(self) -> list[Value]:
        if self._survey is None:
            return []
        items = (self.list.item(row) for row in range(self.list.count()))
        pairs = zip(items, self._survey.values, strict=False)
        return [one.value for item, one in pairs if item.checkState() == Qt.CheckState.Checked]

    def _choose(self) -> None:
        self._show_preview()
        self.changed.emit()

    def _show_preview(self) -> None:
        row = max(0, self.list.currentRow())
        if self._survey is None or row >= len(self._survey.values):
            return
        rule = self._survey.rule
        if not self.list.isHidden():
            rule = ForegroundRule(kind="values", values=tuple(self._ticked()))
        survey, value = self._survey, self._survey.values[row]
        of_row = rule if self.list.isHidden() else ForegroundRule(kind="values", values=(value.value,))
        tint = theme.color("truth")
        colour = tint.red(), tint.green(), tint.blue()

        def make() -> tuple[str, npt.NDArray[np.uint8]]:
            path = telling_mask(survey, of_row) or value.example
            return path.name, colour_preview(path, rule, colour)

        self._background.submit(make, self._take_preview)

    def _take_preview(self, future: "Future[tuple[str, npt.NDArray[np.uint8]]]") -> None:
        error = future.exception()
        if isinstance(error, UserError):
            self._picture.setText(error.message)
            return
        name, pixels = future.result()
        self._sample.setText(f"{name}: what is blue is foreground.")
        self._picture.setToolTip(self._sample.text())
        height, width = pixels.shape[:2]
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        ratio = self.devicePixelRatioF()
        scaled = QPixmap.fromImage(image).scaled(
            _PREVIEW * ratio, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        scaled.setDevicePixelRatio(ratio)
        self._picture.setPixmap(scaled)


def telling_mask(survey: MaskSurvey, rule: ForegroundRule) -> Path | None:
    """The mask that shows best what a rule does: neither empty nor full; None when there is none of the kind."""
    shares = ((path, facts.share(rule)) for path, facts in islice(survey.facts.items(), MOST_LOOKED_AT))
    known = [(min(share, 1 - share), path) for path, share in shares if share is not None]
    best, path = max(known, default=(0.0, None))
    return path if best > 0 else None


def _sentence(survey: MaskSurvey) -> str:
    words = f"{survey.reason[:1].upper()}{survey.reason[1:]}"
    if survey.needs_choice:
        return f"{words}. Tick those that are foreground."
    if survey.values and survey.rule.kind == "threshold":
        return f"{words}: what is brighter than {survey.rule.threshold} is foreground."
    return f"{words}."


def _item(one: ValueShare, *, is_ticked: bool) -> QListWidgetItem:
    swatch = QPixmap(16, 16)
    swatch.fill(QColor(*(one.value if len(one.value) == 3 else one.value * 3)))
    masks = count_text(one.files, "mask")
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):  # the same colour in both: it is the one of the mask
        icon.addPixmap(swatch, mode)
    item = QListWidgetItem(icon, f"{value_text(one.value)}    {percent(one.share, 2)} of all pixels, {masks}")
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
    item.setCheckState(Qt.CheckState.Checked if is_ticked else Qt.CheckState.Unchecked)
    item.setToolTip(str(one.example))
    return item
