"""Plots of the run view: each image under two runs, precision against recall, and calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from segstudio.ui import theme
from segstudio.ui.plot import cosmetic_pen, make_plot, style_plot
from segstudio.ui.views.differences import side
from segstudio.ui.views.numbers import change_text
from segstudio.ui.widgets import heading, muted

SIDE = 290


@dataclass(frozen=True)
class Point:
    """One image under two runs.

    Attributes:
        sample: Id of the sample.
        image: Its path.
        split: Its part of learning.
        before: IoU under the run that is held against.
        after: IoU under the run that is looked at.
    """

    sample: int
    image: str
    split: str
    before: float
    after: float

    @property
    def words(self) -> str:
        """The image and what became of it."""
        name = self.image.rpartition("/")[2]
        difference = change_text(self.after - self.before)
        return f"{name} ({self.split}): {self.before:.3f} → {self.after:.3f} ({difference})"


class UnitPlot(QWidget):
    """A square plot whose axes go from 0 to 1, under a title and a line that says what is pointed at."""

    def __init__(self, title: str, bottom: str, left: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bottom, self._left = bottom, left
        self._where = muted()
        self._where.setTextFormat(Qt.TextFormat.RichText)
        self._where.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._plot = make_plot(title, None, is_counted=False)
        self._plot.getAxis("left").setWidth(58)  # for its title and two decimals
        self._plot.setMinimumHeight(SIDE)
        self._plot.setXRange(0, 1, padding=0.02)
        self._plot.setYRange(0, 1, padding=0.02)
        self._plot.getViewBox().setLimits(xMin=-0.05, xMax=1.05, yMin=-0.05, yMax=1.05)
        self._diagonal = pg.PlotDataItem([0, 1], [0, 1])
        self._diagonal.setZValue(-5)
        head = QHBoxLayout()
        head.addWidget(heading(title))
        head.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self._where)
        layout.addWidget(self._plot, 1)
        theme.notifier().changed.connect(self._restyle)

    def _restyle(self) -> None:
        style_plot(self._plot, self.font(), bottom=self._bottom)
        self._plot.getAxis("left").setLabel(self._left)
        dashed = cosmetic_pen(theme.color("border_strong"), 1.2 * self.devicePixelRatioF(), Qt.PenStyle.DashLine)
        self._diagonal.setPen(dashed)


class ScatterPlot(UnitPlot):
    """Each image as a dot: its IoU under one run to the right, under the other upwards; above the diagonal is better.

    Signals:
        clicked: Told the Point that was clicked.
    """

    clicked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Each image, old and new", "IoU before", "IoU now", parent)
        self.points: Sequence[Point] = ()
        self._plot.addItem(self._diagonal)
        self._scatter = pg.ScatterPlotItem(size=9, hoverable=True, hoverSize=12)
        self._scatter.sigClicked.connect(self._on_clicked)
        self._scatter.sigHovered.connect(self._on_hovered)
        self._plot.addItem(self._scatter)
        self._restyle()

    def show_points(self, points: Sequence[Point], before: str, after: str) -> None:
        """Show other images; `before` and `after` are the names of the runs."""
        self.points, self._bottom, self._left = points, f"IoU, run {before}", f"IoU, run {after}"
        low = lowest([one.before for one in points] + [one.after for one in points])
        self._plot.setXRange(low, 1, padding=0.02)
        self._plot.setYRange(low, 1, padding=0.02)
        self._restyle()

    def _restyle(self) -> None:
        super()._restyle()
        brushes = [_faint(theme.color(side(one.after - one.before))) for one in self.points]
        self._scatter.setData(
            x=[one.before for one in self.points],
            y=[one.after for one in self.points],
            data=list(self.points),
            brush=brushes,
            pen=cosmetic_pen(theme.color("panel"), 0.8 * self.devicePixelRatioF()),
        )
        self._say(None)

    def _on_hovered(self, _item: object, points: Sequence[object], _event: object) -> None:
        self._say(points[0].data() if len(points) else None)  # type: ignore[attr-defined]

    def _on_clicked(self, _item: object, points: Sequence[object], _event: object) -> None:
        if len(points):
            self.clicked.emit(points[0].data())  # type: ignore[attr-defined]

    def _say(self, point: Point | None) -> None:
        better = sum(one.after > one.before for one in self.points)
        worse = sum(one.after < one.before for one in self.points)
        usual = f"{better} better (above the diagonal), {worse} worse. Click a dot to see it." if self.points else ""
        self._where.setText(usual if point is None else point.words)


def lowest(scores: Sequence[float]) -> float:
    """Where the axes of these scores begin: networks that are good differ in a corner that is not seen from 0 on."""
    if not scores:
        return 0.0
    spread = 1 - min(scores)
    return next((low for low in (0.95, 0.9, 0.8, 0.7, 0.5) if spread <= 1 - low), 0.0)


def _faint(color: QColor) -> QColor:
    color.setAlphaF(0.75)
    return color


class LinesPlot(UnitPlot):
    """The same curve of one run, and thinner of another one."""

    def __init__(self, title: str, bottom: str, left: str, *, has_diagonal: bool, is_dotted: bool) -> None:
        super().__init__(title, bottom, left)
        self._is_dotted = is_dotted
        if has_diagonal:
            self._plot.addItem(self._diagonal)
        self._lines = [pg.PlotDataItem(antialias=True) for _ in range(2)]
        for line in reversed(self._lines):
            self._plot.addItem(line)
        self._restyle()

    def show_curves(self, curves: Sequence[tuple[str, Sequence[float], Sequence[float]]]) -> None:
        """Show up to two curves, that of the run itself first: words for the legend, x and y of each."""
        for number, line in enumerate(self._lines):
            x, y = curves[number][1:] if number < len(curves) else ((), ())
            line.setData(list(x), list(y))
        marks = [
            f'<span style="color:{_colour(number).name()}">&#9644;</span> {words}'
            for number, (words, *_) in enumerate(curves)
        ]
        self._where.setText("&nbsp;&nbsp;&nbsp;".join(marks))
        self._restyle()

    def _restyle(self) -> None:
        super()._restyle()
        for number, line in enumerate(self._lines):
            line.setPen(cosmetic_pen(_colour(number), (2.2, 1.4)[number] * self.devicePixelRatioF()))
            line.setSymbol("o" if self._is_dotted else None)
            line.setSymbolSize((8, 6)[number])
            line.setSymbolBrush(_colour(number))
            line.setSymbolPen(None)


def _colour(number: int) -> QColor:
    return theme.color(("train", "text_faint")[number])


def recall_curve(name: str, evaluation: Mapping[str, Any]) -> tuple[str, Sequence[float], Sequence[float]]:
    """Precision over recall of an evaluation, with its words for the legend."""
    curve = evaluation.get("pr_curve") or {}
    average = curve.get("average_precision")
    words = name if average is None else f"{name} <b>{average:.3f}</b>"
    return words, curve.get("recall") or [], curve.get("precision") or []


def calibration_curve(name: str, evaluation: Mapping[str, Any]) -> tuple[str, Sequence[float], Sequence[float]]:
    """Observed over predicted probability of an evaluation, with its words for the legend."""
    found = evaluation.get("calibration") or {}
    bins, error = found.get("bins") or [], found.get("ece")
    words = name if error is None else f"{name} <b>{error:.3f}</b>"
    return words, [one["predicted"] for one in bins], [one["observed"] for one in bins]
