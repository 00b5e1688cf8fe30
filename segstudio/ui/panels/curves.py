"""Curves: loss and IoU of one training, live or past, by the same path.

Points are appended to plain lists as they arrive; a timer draws at most ten times a second, and only when something
has.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QPen, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.ui import theme

DRAW_MS = 100
"""At most ten times a second; a person sees no difference, a busy machine does."""

FEW = 40
"""Up to this many points each is marked, so that one point alone can be seen too."""


@dataclass
class Series:
    """One curve: epochs in rising order and the values there."""

    epochs: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def append(self, epoch: float, value: float) -> None:
        """Add a point; an epoch that is trained once more replaces its first try and all after it."""
        if self.epochs and epoch <= self.epochs[-1]:
            keep = bisect_left(self.epochs, epoch)
            del self.epochs[keep:], self.values[keep:]
        self.epochs.append(epoch)
        self.values.append(value)

    def at(self, epoch: float) -> float | None:
        """The value at exactly that epoch, or None."""
        index = bisect_left(self.epochs, epoch)
        return self.values[index] if index < len(self.epochs) and self.epochs[index] == epoch else None


class Chart(QWidget):
    """One plot with a curve for training and one for validation, and their values above it.

    Signals:
        hovered: The epoch under the pointer, or None when it left.
    """

    hovered = Signal(object)

    ROLES = (("train", "train"), ("validation", "validation"))

    def __init__(
        self, title: str, names: tuple[str, str], *, most: float | None, parent: QWidget | None = None
    ) -> None:
        """Make an empty chart.

        Args:
            title: Heading.
            names: The metrics of training and of validation.
            most: The greatest value there can be; the axis never shows more.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.series = tuple(Series() for _ in names)
        self._names = names
        self._best: float | None = None
        self._heading = QLabel(title)
        self._heading.setProperty("heading", True)
        self._where = QLabel()
        self._where.setProperty("muted", True)
        self._legends = tuple(QLabel() for _ in names)
        self._plot = make_plot(title, most)
        self._plot.scene().sigMouseMoved.connect(self._on_mouse)
        self._lines = tuple(self._plot.plot(antialias=True) for _ in names)
        self._best_line = pg.InfiniteLine(angle=90)
        self._best_dot = pg.ScatterPlotItem(size=9)
        self._hover_line = pg.InfiniteLine(angle=90)
        for item in (self._best_line, self._best_dot, self._hover_line):
            item.setZValue(-1 if item is not self._best_dot else 10)
            self._plot.addItem(item, ignoreBounds=True)
        self._hover_line.hide()
        self._lay_out()
        self.restyle()
        self.draw()

    def _lay_out(self) -> None:
        heading = QHBoxLayout()
        heading.addWidget(self._heading)
        heading.addStretch(1)
        heading.addWidget(self._where)
        legend = QHBoxLayout()
        legend.setSpacing(14)
        for label in self._legends:
            legend.addWidget(label)
        legend.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(heading)
        layout.addLayout(legend)
        layout.addWidget(self._plot, 1)

    def clear(self) -> None:
        """Forget all points."""
        self.series = tuple(Series() for _ in self._names)
        self._best = None

    def append(self, epoch: float, values: Mapping[str, float]) -> None:
        """Take what concerns this chart; `draw` shows it."""
        for name, series in zip(self._names, self.series, strict=True):
            value = values.get(name)
            if value is not None and math.isfinite(value):
                series.append(epoch, value)

    def set_best(self, epoch: float | None) -> None:
        """Mark the epoch whose weights are kept; `draw` shows it."""
        self._best = epoch

    def draw(self, *, last_epoch: float = 0) -> None:
        """Show all points, on an axis that reaches to `last_epoch` at least."""
        for line, series in zip(self._lines, self.series, strict=True):
            few = len(series.epochs) <= FEW
            line.setData(series.epochs, series.values, symbol="o" if few else None, symbolSize=4)
        self._draw_best()
        epochs = [epoch for series in self.series for epoch in (series.epochs[:1] + series.epochs[-1:])]
        first = min([1.0, *epochs])
        self._plot.setXRange(first, max([first + 1, last_epoch, *epochs]), padding=0.03)
        self._plot.enableAutoRange(axis="y")
        self.point_at(None)

    def _draw_best(self) -> None:
        value = None if self._best is None else self.series[1].at(self._best)
        self._best_line.setVisible(value is not None)
        if self._best is None or value is None:
            self._best_dot.setData([], [])
            return
        self._best_line.setPos(self._best)
        self._best_dot.setData([self._best], [value])

    def point_at(self, epoch: float | None) -> None:
        """Show the values of an epoch above the chart; those of the last one for None."""
        self._hover_line.setVisible(epoch is not None)
        if epoch is not None:
            self._hover_line.setPos(epoch)
        shown = epoch if epoch is not None else self._last_epoch()
        is_best = shown is not None and shown == self._best
        self._where.setText("" if shown is None else f"epoch {shown:g}" + (" · best" if is_best else ""))
        for (word, token), label, series in zip(self.ROLES, self._legends, self.series, strict=True):
            value = None if shown is None else series.at(shown)
            number = "" if value is None else f" <b>{value:.3f}</b>"
            colour = theme.color(token).name()
            label.setText(f'<span style="color:{colour}">&#9644;</span> {word}{number}')

    def _last_epoch(self) -> float | None:
        return max((series.epochs[-1] for series in self.series if series.epochs), default=None)

    def restyle(self) -> None:
        """Take the colours of the theme, and lines as thick as the screen is fine."""
        ratio = self.devicePixelRatioF()  # a cosmetic pen counts the pixels of the screen
        muted, faint = theme.color("text_muted"), theme.color("text_faint")
        style_plot(self._plot, self.font(), bottom="epoch")
        for (_, token), line in zip(self.ROLES, self._lines, strict=True):
            colour = theme.color(token)
            line.setPen(cosmetic_pen(colour, 2 * ratio))
            line.setSymbolBrush(colour)
            line.setSymbolPen(None)
        self._best_line.setPen(cosmetic_pen(faint, ratio, Qt.PenStyle.DashLine))
        self._hover_line.setPen(cosmetic_pen(muted, ratio))
        self._best_dot.setPen(cosmetic_pen(theme.color("validation"), 2 * ratio))
        self._best_dot.setBrush(theme.color("panel"))
        self.point_at(None)

    def _on_mouse(self, position: QPointF) -> None:
        box = self._plot.getViewBox()
        epochs = sorted({epoch for series in self.series for epoch in series.epochs})
        if not epochs or not box.sceneBoundingRect().contains(position):
            self.hovered.emit(None)
            return
        x = box.mapSceneToView(position).x()
        self.hovered.emit(min(epochs, key=lambda epoch: abs(epoch - x)))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)


class Curves(QWidget):
    """Loss and foreground IoU of one training, one above the other."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = Chart("Loss", ("loss", "val_loss"), most=None)
        self.iou = Chart("Foreground IoU", ("iou", "val_iou"), most=1.0)
        self._charts = (self.loss, self.iou)
        self._last_epoch = 0.0
        self._timer = QTimer(self, singleShot=True, interval=DRAW_MS)
        self._timer.timeout.connect(self._draw)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        for chart in self._charts:
            layout.addWidget(chart, 1)
            chart.hovered.connect(self._point_at)
        theme.notifier().changed.connect(self._restyle)

    def clear(self, *, last_epoch: float = 0) -> None:
        """Begin a new training that will end at `last_epoch`."""
        self._last_epoch = last_epoch
        for chart in self._charts:
            chart.clear()
        self._timer.start()

    def append(self, epoch: float, values: Mapping[str, float]) -> None:
        """Add the metrics of one epoch; names that no chart shows are passed over."""
        for chart in self._charts:
            chart.append(epoch, values)
        self._mark_best()
        if not self._timer.isActive():
            self._timer.start()

    def show_epochs(self, epochs: Iterable[Mapping[str, float]], *, last_epoch: float = 0) -> None:
        """Show a past training from the rows of its metrics.csv."""
        self.clear(last_epoch=last_epoch)
        for values in epochs:
            self.append(values["epoch"], values)

    @property
    def has_points(self) -> bool:
        """Whether there is anything to draw."""
        return any(series.epochs for chart in self._charts for series in chart.series)

    @property
    def best_epoch(self) -> float | None:
        """The epoch whose weights are kept: highest validation IoU so far, at a tie the lowest validation loss."""
        iou, loss = self.iou.series[1], self.loss.series[1]
        # Epoch 0 is what the training began with; its weights are those of another run.
        points = [(value, epoch) for value, epoch in zip(iou.values, iou.epochs, strict=True) if epoch > 0]
        best = max(points, key=lambda point: (point[0], -(loss.at(point[1]) or 0.0)), default=None)
        return None if best is None else best[1]

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._restyle()

    def _mark_best(self) -> None:
        for chart in self._charts:
            chart.set_best(self.best_epoch)

    def _draw(self) -> None:
        for chart in self._charts:
            chart.draw(last_epoch=self._last_epoch)

    def _restyle(self) -> None:
        for chart in self._charts:
            chart.restyle()

    def _point_at(self, epoch: float | None) -> None:
        for chart in self._charts:
            chart.point_at(epoch)


class Plot(pg.PlotWidget):  # type: ignore[misc] # pyqtgraph has no types
    """A plot that fits a narrow panel and leaves the wheel to it."""

    def sizeHint(self) -> QSize:
        return QSize(240, 124)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class WholeAxis(pg.AxisItem):  # type: ignore[misc] # pyqtgraph has no types
    """An axis of what is counted: there is no epoch 1.5."""

    def tickSpacing(self, least: float, most: float, size: float) -> list[tuple[float, float]]:
        spacing: list[tuple[float, float]] = super().tickSpacing(least, most, size)
        return [(step, offset) for step, offset in spacing if step >= 1] or [(1.0, 0.0)]


def make_plot(title: str, most: float | None = None) -> Plot:
    """An empty plot over something that is counted, which cannot be dragged about.

    Args:
        title: What screen readers call it.
        most: The greatest value there can be; the axis never shows more.
    """
    plot = Plot(background=None, axisItems={"bottom": WholeAxis("bottom")})
    plot.setAccessibleName(title)
    plot.setMinimumHeight(110)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setMouseEnabled(x=False, y=False)
    plot.getPlotItem().setContentsMargins(0, 4, 6, 0)
    plot.showGrid(x=True, y=True, alpha=0.16)
    plot.getAxis("left").setWidth(38)
    plot.getAxis("bottom").enableAutoSIPrefix(False)
    plot.getAxis("left").enableAutoSIPrefix(False)
    if most is not None:
        plot.getViewBox().setLimits(yMin=-0.02, yMax=most * 1.02)
    return plot


def style_plot(plot: Plot, font: QFont, *, bottom: str) -> None:
    """Give the axes the colours of the theme, and the lower one its title."""
    muted = theme.color("text_muted")
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(theme.color("border_strong")))
        axis.setTextPen(pg.mkPen(muted))
        axis.setStyle(tickFont=font, tickLength=-4)
    plot.setLabel("bottom", bottom, color=muted.name(), **{"font-size": "9pt"})


def cosmetic_pen(colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen as thick on the screen whatever the scale of the plot."""
    pen = QPen(colour, width, style)
    pen.setCosmetic(True)
    return pen
