"""Differences drawn: intervals on a line against 0, and one dot for each image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from segstudio.ui import theme
from segstudio.ui.plot import cosmetic_pen, make_plot, style_plot
from segstudio.ui.views.numbers import change_text
from segstudio.ui.widgets import ElidedLabel

ROW = 26
LABEL, WIDEST_LABEL, FIGURES, SHORTEST_LINE = 0.27, 0.36, 0.35, 0.2
"""Shares of the width for what a row is called, also when that is long, for its figures, and for the line at least."""

GAP, CHANGE, SMALL = 10, 54, 0.9
"""Pixels before the figures, and for the first of them; the size of the others."""


@dataclass(frozen=True)
class Interval:
    """A row of `Intervals`.

    Attributes:
        label: What the difference is of.
        difference: The mean.
        low: Lower end of its interval.
        high: Upper end.
        note: A few words more, for example p and how many images.
        color: Of a mark before the label; none when None.
        is_main: Whether it is drawn larger than the others.
    """

    label: str
    difference: float
    low: float
    high: float
    note: str = ""
    color: QColor | None = None
    is_main: bool = False

    @property
    def ends(self) -> str:
        """The interval in words."""
        return f"{change_text(self.low)} to {change_text(self.high)}"

    @property
    def words(self) -> str:
        """The figures in a line."""
        return f"{change_text(self.difference)} (95 % interval {self.ends}){self.note and f', {self.note}'}"

    @property
    def token(self) -> str:
        """The colour of its line: it says at a glance on which side of 0 all of it is."""
        return "good" if self.low > 0 else "bad" if self.high < 0 else "text_muted"


class Intervals(QWidget):
    """Differences with their 95 % intervals, one below the other on one axis, with a line at 0."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Interval] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier().changed.connect(self.update)

    def show_rows(self, rows: Sequence[Interval]) -> None:
        """Show other rows."""
        self.rows = rows
        self.setToolTip("\n".join(f"{row.label}: {row.words}" for row in rows))
        self.setAccessibleName("; ".join(f"{row.label}: {row.words}" for row in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, len(self.rows) * ROW + 22)

    def minimumSizeHint(self) -> QSize:
        return QSize(320, self.sizeHint().height())

    @property
    def reach(self) -> float:
        """The greatest difference that the axis shows, on both sides."""
        ends = [abs(end) for row in self.rows for end in (row.low, row.high, row.difference)]
        return 1.1 * max([*ends, 0.01])

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self.rows:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = self.width()
        right = width - self._figures_width
        # What the figures need is taken from the line first, and from the names then.
        left = min(width * self.label_share, right - SHORTEST_LINE * width)
        line = QRectF(left, 0, right - left, len(self.rows) * ROW)
        self._paint_axis(painter, line)
        for number, row in enumerate(self.rows):
            self._paint_row(painter, row, number * ROW, line)

    @property
    def label_share(self) -> float:
        """How much of the width the labels have."""
        wanted = max((self.fontMetrics().horizontalAdvance(row.label) for row in self.rows), default=0) + 30
        return min(max(LABEL, wanted / max(self.width(), 1)), WIDEST_LABEL)

    @property
    def _figures_width(self) -> float:
        """For the figures: an interval is never cut, and what is noted beside it when there is room."""
        metrics = QFontMetricsF(scaled(self.font(), SMALL))
        interval = max((metrics.horizontalAdvance(row.ends) for row in self.rows), default=0.0)
        return max(FIGURES * self.width(), GAP + CHANGE + interval + 2)

    def _x(self, value: float, line: QRectF) -> float:
        inner = line.adjusted(8, 0, -8, 0)
        return inner.center().x() + inner.width() / 2 * value / self.reach

    def _paint_axis(self, painter: QPainter, line: QRectF) -> None:
        zero = self._x(0, line)
        painter.setPen(QPen(theme.color("border_strong"), 1))
        painter.drawLine(QPointF(zero, 2), QPointF(zero, line.bottom() + 2))
        painter.setFont(scaled(self.font(), 0.85))
        painter.setPen(theme.color("text_muted"))
        reach = self.reach / 1.1
        low, high = f"← worse  {change_text(-reach)}", f"{change_text(reach)}  better →"
        if 2 * painter.fontMetrics().horizontalAdvance(low) + 24 > line.width():
            low, high = "← worse", "better →"
        place = QRectF(line.left(), line.bottom() + 3, line.width(), 18)
        painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, "0")
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, low)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, high)

    def _paint_row(self, painter: QPainter, row: Interval, top: float, line: QRectF) -> None:
        colour, y = theme.color(row.token), top + ROW / 2
        painter.setPen(QPen(theme.color("border"), 1))
        painter.drawLine(QPointF(line.left(), y), QPointF(line.right(), y))
        weight = 3.0 if row.is_main else 2.0
        painter.setPen(QPen(colour, weight, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(QPointF(self._x(row.low, line), y), QPointF(self._x(row.high, line), y))
        painter.setPen(QPen(theme.color("panel"), 1))
        painter.setBrush(colour)
        radius = 6 if row.is_main else 4.5
        painter.drawEllipse(QPointF(self._x(row.difference, line), y), radius, radius)
        self._paint_words(painter, row, top, line)

    def _paint_words(self, painter: QPainter, row: Interval, top: float, line: QRectF) -> None:
        left = 0.0
        if row.color is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(row.color)
            painter.drawRoundedRect(QRectF(0, top + ROW / 2 - 5, 10, 10), 2, 2)
            left = 18.0
        font = QFont(self.font())
        font.setBold(row.is_main)
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        name = QRectF(left, top, line.left() - left - 6, ROW)
        label = painter.fontMetrics().elidedText(row.label, Qt.TextElideMode.ElideRight, int(name.width()))
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, label)
        figures = QRectF(line.right() + GAP, top, self.width() - line.right() - GAP, ROW)
        painter.drawText(
            figures, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, change_text(row.difference)
        )
        painter.setFont(scaled(self.font(), SMALL))
        painter.setPen(theme.color("text_muted"))
        rest = figures.adjusted(CHANGE, 0, 0, 0)
        words = f"{row.ends} · {row.note}" if row.note else row.ends
        if painter.fontMetrics().horizontalAdvance(words) > rest.width():
            words = row.ends  # the note is in the tooltip too
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)


def scaled(font: QFont, share: float) -> QFont:
    """The font, smaller or larger."""
    result = QFont(font)
    result.setPointSizeF(font.pointSizeF() * share)
    return result


@dataclass(frozen=True)
class Dot:
    """What one image says.

    Attributes:
        sample: Id of the sample.
        image: Its path.
        difference: Mean over the repeats of score with the arm minus score of the first arm.
        low: The least of the repeats.
        high: The most.
        scores: Mean score of the first arm and of the other.
    """

    sample: int
    image: str
    difference: float
    low: float
    high: float
    scores: tuple[float, float]

    @property
    def words(self) -> str:
        """The image and what became of it."""
        name = self.image.rpartition("/")[2]
        return f"{name}: {self.scores[0]:.3f} → {self.scores[1]:.3f} ({change_text(self.difference)})"


class DotPlot(QWidget):
    """One dot for each image in order of its difference, with the range over the repeats.

    Signals:
        clicked: Told the Dot that was clicked.
    """

    clicked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dots: Sequence[Dot] = ()
        self._mean = 0.0
        self._where = ElidedLabel()
        self._where.setProperty("muted", True)
        self._plot = make_plot("Difference of each image")
        self._plot.setMinimumHeight(150)
        self._plot.getAxis("bottom").setStyle(showValues=False)
        self._zero = pg.InfiniteLine(pos=0, angle=0)
        self._mean_line = pg.InfiniteLine(pos=0, angle=0)
        self._ranges = pg.ErrorBarItem(**dict.fromkeys(("x", "y", "top", "bottom"), np.zeros(0)), beam=0)
        self._scatter = pg.ScatterPlotItem(size=8, hoverable=True, hoverSize=11)
        self._scatter.sigClicked.connect(self._on_clicked)
        self._scatter.sigHovered.connect(self._on_hovered)
        for item in (self._zero, self._mean_line):
            self._plot.addItem(item, ignoreBounds=True)
        for item in (self._ranges, self._scatter):
            self._plot.addItem(item)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._where)
        layout.addWidget(self._plot, 1)
        theme.notifier().changed.connect(self._restyle)
        self._restyle()

    def show_dots(self, dots: Sequence[Dot], mean: float) -> None:
        """Show other images; they are put in order here."""
        self.dots, self._mean = sorted(dots, key=lambda dot: dot.difference), mean
        self._draw()

    def _draw(self) -> None:
        xs = list(range(len(self.dots)))
        ys = [dot.difference for dot in self.dots]
        up = [dot.high - dot.difference for dot in self.dots]
        down = [dot.difference - dot.low for dot in self.dots]
        self._ranges.setData(x=np.array(xs), y=np.array(ys), top=np.array(up), bottom=np.array(down))
        brushes = [theme.color(side(dot.difference)) for dot in self.dots]
        self._scatter.setData(x=xs, y=ys, data=list(self.dots), brush=brushes)
        self._mean_line.setPos(self._mean)
        self._plot.setXRange(-0.6, max(len(xs) - 0.4, 0.6), padding=0.01)
        ends = [0.0, self._mean, *(dot.low for dot in self.dots), *(dot.high for dot in self.dots)]
        self._plot.setYRange(min(ends), max([*ends, min(ends) + 0.01]), padding=0.08)
        self._say(None)

    def _restyle(self) -> None:
        ratio = self.devicePixelRatioF()
        style_plot(self._plot, self.font(), bottom="images, from hurt most to helped most")
        self._zero.setPen(cosmetic_pen(theme.color("text_muted"), 1.5 * ratio))
        self._mean_line.setPen(cosmetic_pen(theme.color("accent"), 1.5 * ratio, Qt.PenStyle.DashLine))
        self._ranges.setData(pen=cosmetic_pen(theme.color("border_strong"), 1.5 * ratio))
        self._scatter.setPen(None)
        if self.dots:
            self._draw()

    def _on_hovered(self, _item: object, points: Sequence[object], _event: object) -> None:
        self._say(points[0].data() if len(points) else None)  # type: ignore[attr-defined]

    def _on_clicked(self, _item: object, points: Sequence[object], _event: object) -> None:
        if len(points):
            self.clicked.emit(points[0].data())  # type: ignore[attr-defined]

    def _say(self, dot: Dot | None) -> None:
        helped = sum(one.difference > 0 for one in self.dots)
        hurt = sum(one.difference < 0 for one in self.dots)
        usual = f"{helped} images helped, {hurt} hurt. Dashed: the mean. Click a dot to see it."
        self._where.setText(usual if dot is None else dot.words)


def side(difference: float) -> str:
    """The colour of an image: blue where it was helped, amber where it was hurt, as the colour-blind can tell."""
    return "train" if difference > 0 else "validation" if difference < 0 else "text_faint"
