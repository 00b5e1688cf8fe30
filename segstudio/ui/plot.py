"""Plots as the program's panels and views have them: quiet, narrow, in the colours of the theme."""

from typing import Any, TypeVar

import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPen, QWheelEvent

from segstudio.ui import theme

P = TypeVar("P", bound="Plot")

LONG_VALUE = 10_000
"""From here on ticks are written with an exponent."""


class Plot(pg.PlotWidget):  # type: ignore[misc] # pyqtgraph has no types
    """A plot that fits a narrow panel and leaves the wheel to it."""

    def sizeHint(self) -> QSize:
        return QSize(240, 124)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ZoomPlot(Plot):
    """A plot of which a part can be looked at: drag a rectangle, or turn the wheel with Ctrl; double click for all.

    Signals:
        zoomed: A person looks at a part of it now.
        all_wanted: A person wants to see all of it again.
    """

    zoomed = Signal()
    all_wanted = Signal()

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.takes_wheel = False
        self.getViewBox().sigRangeChangedManually.connect(lambda _mask: self.zoomed.emit())

    def allow_zoom(self) -> None:
        """Let it be dragged and zoomed."""
        self.setMouseEnabled(x=True, y=True)
        self.getViewBox().setMouseMode(pg.ViewBox.RectMode)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.takes_wheel or event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            pg.PlotWidget.wheelEvent(self, event)
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.all_wanted.emit()
        event.accept()


class WholeAxis(pg.AxisItem):  # type: ignore[misc] # pyqtgraph has no types
    """An axis of what is counted: there is no epoch 1.5."""

    def tickSpacing(self, least: float, most: float, size: float) -> list[tuple[float, float]]:
        spacing: list[tuple[float, float]] = super().tickSpacing(least, most, size)
        return [(step, offset) for step, offset in spacing if step >= 1] or [(1.0, 0.0)]


class ValueAxis(pg.AxisItem):  # type: ignore[misc] # pyqtgraph has no types
    """An axis of values, as narrow as the panel wants it also where a loss has exploded: "2e6", not "2000000"."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self.logMode or max((abs(value * scale) for value in values), default=0) < LONG_VALUE:
            texts: list[str] = super().tickStrings(values, scale, spacing)
            return texts
        return [_tick_text(value * scale) for value in values]

    def logTickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [_tick_text(10.0**value * scale) for value in values]


def _tick_text(value: float) -> str:
    """To two digits, as the fields write numbers: "2e6", "1e-5", "0.001"."""
    mantissa, e, exponent = f"{value:.2g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def make_plot(title: str, most: float | None = None, *, is_counted: bool = True) -> Plot:
    """An empty plot which cannot be dragged about.

    Args:
        title: What screen readers call it.
        most: The greatest value there can be; the axis never shows more.
        is_counted: Whether it is over something that is counted, as epochs are, and not over a share.
    """
    return _plot(Plot, title, most, WholeAxis if is_counted else pg.AxisItem)


def make_zoom_plot() -> ZoomPlot:
    """An empty plot over something that is counted, of which a part can be looked at."""
    plot = _plot(ZoomPlot, "", None)
    plot.allow_zoom()
    return plot


def _plot(kind: type[P], title: str, most: float | None, axis: type[pg.AxisItem] = WholeAxis) -> P:
    plot = kind(background=None, axisItems={"bottom": axis("bottom"), "left": ValueAxis("left")})
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
