"""Larger view of the curves: every figure of one training, or of several laid over each other, in the centre."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from segstudio.ui import theme
from segstudio.ui.panels.course import figures_in
from segstudio.ui.panels.curves import Chart, Curves
from segstudio.ui.panels.strip import StripBox
from segstudio.ui.widgets import ElidedLabel, card, heading, push_button

LEAST_WIDTH, LEAST_HEIGHT = 330, 190
"""Of one chart, in pixels."""

MOST_COLUMNS = 3

STRIP_HEIGHT = 128


class CurvesView(QWidget):
    """All figures of what a panel's Curves show, side by side, and below them the strip of the run.

    Signals:
        closed: A person has seen enough.
    """

    closed = Signal()

    def __init__(self, curves: Curves, parent: QWidget | None = None) -> None:
        """Make a view that follows `curves`."""
        super().__init__(parent)
        self.charts: dict[str, Chart] = {}
        self._curves = curves
        self.strip = StripBox()
        self.strip.picture.setMaximumHeight(STRIP_HEIGHT)
        self._title = heading("")
        self._hint = ElidedLabel("Drag a rectangle or turn the wheel to look closer, double click for all of it")
        self._hint.setProperty("muted", True)
        self.close_button = push_button("‹  Back", "Back to the panes  (Esc)", self.closed.emit)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.close_button)
        head.addWidget(self._title)
        head.addWidget(self._hint, 1)
        content = QWidget()
        self._grid = QGridLayout(content)
        self._grid.setSpacing(18)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(content)
        frame = card()
        column = QVBoxLayout(frame)
        column.setContentsMargins(14, 10, 14, 10)
        column.addLayout(head)
        column.addWidget(area, 1)
        column.addWidget(self.strip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(frame)
        self.setFocusProxy(area)
        curves.changed.connect(self.draw)
        curves.log_button.toggled.connect(self._set_log)
        theme.notifier().changed.connect(self._restyle)
        self.draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def draw(self) -> None:
        """Show what the curves show now."""
        names = figures_in(self._curves.courses)
        if names != list(self.charts):
            self._make(names)
        for chart in self.charts.values():
            if chart.courses is not self._curves.courses:
                chart.show_courses(self._curves.courses)
            chart.set_best(self._curves.best_epoch)
            chart.draw(last_epoch=self._curves.last_epoch)

    def show_run(self, folder: Path | None, title: str) -> None:
        """Say of what training the curves tell, and show its strip."""
        self._title.setText(title)
        self.strip.show_run(folder)

    def _make(self, names: Sequence[str]) -> None:
        for chart in self.charts.values():
            self._grid.removeWidget(chart)
            chart.deleteLater()
        self.charts = {name: Chart(name) for name in names}
        for chart in self.charts.values():
            chart.setMinimumHeight(LEAST_HEIGHT)
            chart.take_wheel()
            chart.set_log(self._curves.log_button.isChecked())
            chart.hovered.connect(self._point_at)
        self._arrange()

    def _arrange(self) -> None:
        columns = min(max(self.width() // LEAST_WIDTH, 1), MOST_COLUMNS)
        for number, chart in enumerate(self.charts.values()):
            self._grid.addWidget(chart, number // columns, number % columns)
        for column in range(MOST_COLUMNS):
            self._grid.setColumnStretch(column, int(column < columns))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _set_log(self, is_log: bool) -> None:
        for chart in self.charts.values():
            chart.set_log(is_log)

    def _point_at(self, epoch: float | None) -> None:
        for chart in self.charts.values():
            chart.point_at(epoch)
        self.strip.show_epoch(epoch)

    def _restyle(self) -> None:
        for chart in self.charts.values():
            chart.restyle()
