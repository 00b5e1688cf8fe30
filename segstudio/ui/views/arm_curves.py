"""Curves of all arms of a comparison together: the mean over repeats as a line, the least to the most as a band."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from segstudio.ui import theme
from segstudio.ui.panels.curves import DRAW_MS, Series
from segstudio.ui.plot import cosmetic_pen, make_plot, style_plot
from segstudio.ui.widgets import heading, muted

COLOURS = 6
BAND = 0.18
"""Opacity of the band between the least and the most of the repeats."""

CHARTS = (("Validation IoU", "val_iou", 1.0), ("Validation loss", "val_loss", None))
"""Title, metric, and the greatest value there can be."""


def arm_color(number: int) -> QColor:
    """The colour of an arm by its place among the arms; the first is the one the others are held against."""
    return theme.color(f"arm_{number % COLOURS + 1}")


class Together(NamedTuple):
    """All repeats of one arm at the epochs where there is any.

    Attributes:
        epochs: float (n,).
        mean: float (n,).
        low: float (n,), the least of the repeats.
        high: float (n,), the most.
    """

    epochs: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def together(repeats: Iterable[Series]) -> Together:
    """Mean and range at every epoch that any repeat has reached."""
    values: dict[float, list[float]] = {}
    for series in repeats:
        for epoch, value in zip(series.epochs, series.values, strict=True):
            values.setdefault(epoch, []).append(value)
    epochs = sorted(values)
    columns = [[kind(values[epoch]) for epoch in epochs] for kind in (np.mean, min, max)]
    return Together(np.array(epochs, float), *(np.array(column, float) for column in columns))


class ArmChart(QWidget):
    """One metric of all arms.

    Signals:
        hovered: The epoch under the pointer, or None when it left.
    """

    hovered = Signal(object)

    def __init__(self, title: str, metric: str, most: float | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = metric
        self.series: dict[str, dict[int, Series]] = {}
        self._shown: dict[str, Together] = {}
        self._title = title
        self._where = muted()
        self._plot = make_plot(title, most)
        self._plot.scene().sigMouseMoved.connect(self._on_mouse)
        self._lines: list[pg.PlotDataItem] = []
        self._bands: list[pg.FillBetweenItem] = []
        self._hover_line = pg.InfiniteLine(angle=90)
        self._hover_line.hide()
        self._plot.addItem(self._hover_line, ignoreBounds=True)
        head = QHBoxLayout()
        head.addWidget(heading(title))
        # The figures of many arms take further lines: the two charts stand beside each other in any window.
        self._where.setWordWrap(True)
        self._where.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self._where, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self._plot, 1)
        self.restyle()

    def set_arms(self, arms: Sequence[str]) -> None:
        """Begin anew with these arms."""
        for item in (*self._lines, *self._bands):
            self._plot.removeItem(item)
        self.series = {arm: {} for arm in arms}
        self._shown = {}
        self._lines, self._bands = [], []
        for _ in arms:
            low, line, high = (pg.PlotDataItem(antialias=True) for _ in range(3))
            band = pg.FillBetweenItem(low, high)
            band.setZValue(-2)
            self._bands.append(band)
            self._lines += [low, high, line]
            for item in (low, high, band, line):
                self._plot.addItem(item)
        self.restyle()

    def append(self, arm: str, repeat: int, epoch: float, value: float | None) -> None:
        """Add a point; `draw` shows it."""
        if arm in self.series and value is not None and math.isfinite(value):
            self.series[arm].setdefault(repeat, Series()).append(epoch, value)

    def draw(self, *, last_epoch: float) -> None:
        """Show all points, on an axis that reaches to `last_epoch` at least."""
        self._shown = {arm: together(repeats.values()) for arm, repeats in self.series.items()}
        most = last_epoch
        for number, shown in enumerate(self._shown.values()):
            low, high, line = self._lines[3 * number : 3 * number + 3]
            low.setData(shown.epochs, shown.low)
            high.setData(shown.epochs, shown.high)
            line.setData(shown.epochs, shown.mean, symbol="o" if len(shown.epochs) == 1 else None, symbolSize=5)
            most = max([most, *shown.epochs[-1:]])
        self._plot.setXRange(1, max(most, 2), padding=0.03)
        self._plot.enableAutoRange(axis="y")
        self.point_at(None)

    def point_at(self, epoch: float | None) -> None:
        """Show the values of an epoch above the chart; those of each arm's last one for None."""
        self._hover_line.setVisible(epoch is not None)
        if epoch is not None:
            self._hover_line.setPos(epoch)
        parts = []
        for number, shown in enumerate(self._shown.values()):
            at = shown.epochs.searchsorted(epoch) if epoch is not None else len(shown.epochs) - 1
            if 0 <= at < len(shown.epochs):
                colour = arm_color(number).name()
                parts.append(f'<span style="color:{colour}">&#9644;</span>&nbsp;<b>{shown.mean[at]:.3f}</b>')
        at_epoch = "" if epoch is None else f"epoch&nbsp;{epoch:g}&nbsp; "
        self._where.setText(at_epoch + "&nbsp; ".join(parts))

    def restyle(self) -> None:
        """Take the colours of the theme."""
        ratio = self.devicePixelRatioF()
        style_plot(self._plot, self.font(), bottom="epoch")
        self._hover_line.setPen(cosmetic_pen(theme.color("text_muted"), ratio))
        for number, band in enumerate(self._bands):
            colour, faint = arm_color(number), arm_color(number)
            faint.setAlphaF(BAND)
            band.setBrush(faint)
            low, high, line = self._lines[3 * number : 3 * number + 3]
            for edge in (low, high):
                edge.setPen(None)
            line.setPen(cosmetic_pen(colour, 2 * ratio))
            line.setSymbolBrush(colour)
            line.setSymbolPen(None)
        self.point_at(None)

    def _on_mouse(self, position: QPointF) -> None:
        box = self._plot.getViewBox()
        epochs = sorted({float(epoch) for shown in self._shown.values() for epoch in shown.epochs})
        if not epochs or not box.sceneBoundingRect().contains(position):
            self.hovered.emit(None)
            return
        x = box.mapSceneToView(position).x()
        self.hovered.emit(min(epochs, key=lambda epoch: abs(epoch - x)))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)


class ArmCurves(QWidget):
    """Validation IoU and loss of all arms, side by side under one legend."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.charts = [ArmChart(*one) for one in CHARTS]
        self._arms: list[str] = []
        self._last_epoch = 0.0
        self._legend = muted()
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setWordWrap(True)  # many arms, or long names, must not make the page wider than the window
        self._timer = QTimer(self, singleShot=True, interval=DRAW_MS)
        self._timer.timeout.connect(self._draw)
        row = QHBoxLayout()
        row.setSpacing(12)
        for chart in self.charts:
            row.addWidget(chart, 1)
            chart.hovered.connect(self._point_at)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._legend)
        layout.addLayout(row, 1)
        self.setMinimumHeight(210)
        theme.notifier().changed.connect(self._restyle)

    @property
    def has_points(self) -> bool:
        """Whether there is anything to draw."""
        return any(one.epochs for chart in self.charts for arm in chart.series.values() for one in arm.values())

    def begin(self, arms: Sequence[str], *, last_epoch: float) -> None:
        """Empty curves for these arms."""
        self._arms, self._last_epoch = list(arms), last_epoch
        for chart in self.charts:
            chart.set_arms(arms)
        self._show_legend()
        self._timer.start()

    def append(self, arm: str, repeat: int, epoch: float, values: Mapping[str, float]) -> None:
        """Add the figures of one epoch of one cell."""
        for chart in self.charts:
            chart.append(arm, repeat, epoch, values.get(chart.name))
        if not self._timer.isActive():
            self._timer.start()

    def show_curves(self, curves: Mapping[str, Sequence[Sequence[Mapping[str, float]]]]) -> None:
        """Show what metrics.csv of all cells say, by arm and repeat."""
        for arm, repeats in curves.items():
            for repeat, epochs in enumerate(repeats):
                for values in epochs:
                    self.append(arm, repeat, values.get("epoch", 0.0), values)

    def _draw(self) -> None:
        for chart in self.charts:
            chart.draw(last_epoch=self._last_epoch)

    def _restyle(self) -> None:
        self._show_legend()
        for chart in self.charts:
            chart.restyle()

    def _show_legend(self) -> None:
        parts = [
            f'<span style="color:{arm_color(number).name()}">&#9644;</span>&nbsp;{_escaped(arm)}'
            for number, arm in enumerate(self._arms)
        ]
        self._legend.setText("&nbsp;&nbsp; ".join(parts) + "&nbsp;&nbsp; line: mean of the repeats, band: "
                             "least to most" if parts else "")  # fmt: skip

    def _point_at(self, epoch: float | None) -> None:
        for chart in self.charts:
            chart.point_at(epoch)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
