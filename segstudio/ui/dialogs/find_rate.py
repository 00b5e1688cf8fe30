"""Find a learning rate: the job that tries ever larger ones, its curve as it grows, and its suggestion to be taken."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from segstudio.core.wording import number_text
from segstudio.ui import theme
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.job_progress import JobProgress
from segstudio.ui.plot import ValueAxis, cosmetic_pen
from segstudio.ui.widgets import muted, push_button

LOWEST, HIGHEST = 1e-6, 1.0
"""Where the axis begins and ends before there is a curve: about the rates that are tried."""


class FindRateDialog(QDialog):
    """Runs one search; not modal, and closing it stops the search.

    A line stands at the rate that is suggested, or at that of the options when none is, and can be moved.

    Signals:
        taken: The rate at the line, which the person wants.
    """

    taken = Signal(float)

    def __init__(
        self, queue: JobQueue, options: Mapping[str, Any], project: Path, parent: QWidget | None = None
    ) -> None:
        """Begin the search.

        Args:
            queue: Where the job runs.
            options: Of the training that a rate is wanted for.
            project: Its folder.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.setWindowTitle("Find a learning rate")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(560, 440)
        self._queue = queue
        self._points: list[tuple[float, float]] = []
        self.words = muted(
            "The network takes one step at each rate, from tiny to far too large. Nothing is kept.", wraps=True
        )
        axes = {side: ValueAxis(side) for side in ("left", "bottom")}
        self.plot = pg.PlotWidget(background=None, axisItems=axes)
        self.plot.setAccessibleName("Loss at each learning rate")
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setLogMode(x=True, y=False)
        self.plot.showGrid(x=True, y=True, alpha=0.16)
        self._raw = self.plot.plot(antialias=True)
        self._mean = self.plot.plot(antialias=True)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.plot.setXRange(math.log10(LOWEST), math.log10(HIGHEST))
        self.plot.setYRange(0, 1)
        self._line = pg.InfiniteLine(angle=90, movable=True)
        self._line.hide()
        self._line.sigPositionChanged.connect(self._show_rate)
        self.plot.addItem(self._line, ignoreBounds=True)
        self.progress = JobProgress(queue, "nothing is kept")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.take_button = push_button("Use it", "Take this rate into the options", self._take)
        self.take_button.setEnabled(False)
        buttons.addButton(self.take_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.words)
        layout.addWidget(self.progress)
        layout.addWidget(buttons)
        theme.notifier().changed.connect(self._restyle)
        self._restyle()
        self.record = queue.submit("find-rate", dict(options), "Find learning rate", project)
        queue.metric.connect(self._on_metric)
        queue.changed.connect(self._on_changed)
        queue.ended.connect(self._on_ended)
        self.progress.show_record(self.record)

    @property
    def suggested(self) -> float | None:
        """The rate that was found, or None."""
        value = self.record.result.get("suggested")
        return None if value is None else float(value)

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.record.state.is_end:
            self._queue.cancel(self.record.id)
        for signal, slot in (
            (self._queue.metric, self._on_metric),
            (self._queue.changed, self._on_changed),
            (self._queue.ended, self._on_ended),
        ):
            signal.disconnect(slot)
        super().closeEvent(event)

    def _on_metric(self, job_id: str, _step: int, values: dict[str, float]) -> None:
        if job_id == self.record.id and "loss" in values:
            self._points.append((values["learning_rate"], values["loss"]))
            rates, losses = zip(*self._points, strict=True)
            self.plot.enableAutoRange(axis="y")
            self._raw.setData(rates, losses)

    def _on_changed(self, record: JobRecord) -> None:
        if record is self.record:
            self.progress.show_record(None if record.state.is_end else record)

    def _on_ended(self, record: JobRecord) -> None:
        if record is not self.record:
            return
        self.progress.show_record(None)
        if record.state is JobState.FINISHED:
            self._show_result(record.result)
        elif record.state is JobState.CANCELLED:
            self.words.setText("Stopped.")
        else:
            self.words.setText(f"{record.message}\n{record.hint}".strip())

    def _show_result(self, result: Mapping[str, Any]) -> None:
        curve = result["curve"]
        self._raw.setData([one["rate"] for one in curve], [one["loss"] for one in curve])
        self._mean.setData([one["rate"] for one in curve], [one["smoothed"] for one in curve])
        reason = str(result["reason"])
        said = float(result["learning_rate"])
        self.words.setText(
            f"{reason[:1].upper()}{reason[1:]}. The options say {number_text(said)}. Drag the line for another rate."
        )
        self.plot.enableAutoRange()
        self._line.setBounds((math.log10(min(LOWEST, said)), math.log10(HIGHEST)))  # as a logarithmic axis counts
        self._line.setValue(math.log10(self.suggested or said))
        self._line.show()
        self._show_rate()
        self.take_button.setEnabled(True)
        self.take_button.setDefault(self.suggested is not None)

    @property
    def rate(self) -> float:
        """Where the line stands: the suggestion as it is, and what a person chose to two digits."""
        place = self._line.value()
        for known in (self.suggested, self.record.result.get("learning_rate")):
            if known is not None and math.isclose(place, math.log10(known)):
                return float(known)
        return float(f"{10**place:.1e}")

    def _show_rate(self) -> None:
        self.take_button.setText(f"Use {number_text(self.rate)}")

    def _take(self) -> None:
        self.taken.emit(self.rate)
        self.close()

    def _restyle(self) -> None:
        quiet = theme.color("text_muted")
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(pg.mkPen(theme.color("border_strong")))
            axis.setTextPen(pg.mkPen(quiet))
        self.plot.setLabel("bottom", "learning rate", color=quiet.name())
        self.plot.setLabel("left", "loss", color=quiet.name())
        self._raw.setPen(cosmetic_pen(theme.color("border_strong"), 1))
        self._mean.setPen(cosmetic_pen(theme.color("accent"), 2))
        self._line.setPen(cosmetic_pen(theme.color("good"), 1.5, Qt.PenStyle.DashLine))
        self._line.setHoverPen(cosmetic_pen(theme.color("good"), 3))
