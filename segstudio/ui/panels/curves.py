"""Curves: the figures of a training, live or past, by the same path; several trainings laid over each other.

Points are appended to plain lists as they arrive; a timer draws at most ten times a second, and only when something
has. Two charts fit into a panel, and each shows the figure that is chosen; a larger view shows all (views/curves.py).
"""

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QPoint, QPointF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from segstudio.core.errors import UserError, of_system
from segstudio.core.files import write_atomically
from segstudio.core.wording import number_text
from segstudio.ui import theme
from segstudio.ui.dialogs.files import choose_curves_file
from segstudio.ui.panels.course import FIGURES, Course, Series, course_of, csv_text, figures_in
from segstudio.ui.plot import cosmetic_pen, make_zoom_plot, style_plot
from segstudio.ui.widgets import allow, heading, text_button

__all__ = ["Series"]

DRAW_MS = 100
"""At most ten times a second; a person sees no difference, a busy machine does."""

FEW = 40
"""Up to this many points each is marked, so that one point alone can be seen too."""

ROLES = (("train", "train"), ("validation", "validation"))
"""Word and colour of the two curves of one training."""

COLOURS = 6
"""So many trainings have a colour of their own."""

PNG_SCALE = 2

ENDLESS = 1e307
"""What pyqtgraph takes for no limit; None it does not bear on a logarithmic axis."""


class Chart(QWidget):
    """One plot of one figure: a curve for training and one for validation, and their values above it.

    Of several trainings each has a colour of its own; validation is drawn in full and training with dots.

    Signals:
        hovered: The epoch under the pointer, or None when it left.
    """

    hovered = Signal(object)

    def __init__(self, name: str, *, is_choosable: bool = False, parent: QWidget | None = None) -> None:
        """Make an empty chart.

        Args:
            name: What it shows, one of FIGURES.
            is_choosable: Whether a person may choose another figure.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.name = name
        self.courses: Sequence[Course] = (Course(),)
        self._best: float | None = None
        self._is_log = False
        self._is_zoomed = False
        self._last_epoch = 0.0
        self._offered: tuple[tuple[str, ...], str] = ((), "")
        self._heading = heading("")
        self._chooser = text_button("", "Choose what this chart shows")
        self._chooser.setProperty("chooser", True)
        self._chooser.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._chooser.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._chooser.setAccessibleName("What this chart shows")
        self._chooser.setMenu(QMenu(self._chooser))
        # Hidden and never shown: what is shown before it has a parent is a window of its own for a moment.
        (self._heading if is_choosable else self._chooser).hide()
        self._where = QLabel()
        self._where.setProperty("muted", True)
        self._legends = tuple(QLabel() for _ in ROLES)
        self._plot = make_zoom_plot()
        self._plot.zoomed.connect(self._on_zoomed)
        self._plot.all_wanted.connect(self.show_all)
        self._plot.scene().sigMouseMoved.connect(self._on_mouse)
        self._lines: list[pg.PlotDataItem] = []
        self._best_line = pg.InfiniteLine(angle=90)
        self._best_dot = pg.ScatterPlotItem(size=9)
        self._hover_line = pg.InfiniteLine(angle=90)
        for item in (self._best_line, self._best_dot, self._hover_line):
            item.setZValue(-1 if item is not self._best_dot else 10)
            self._plot.addItem(item, ignoreBounds=True)
        self._hover_line.hide()
        self._lay_out()
        self.choose(name)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(self._heading)
        head.addWidget(self._chooser)
        head.addStretch(1)
        head.addWidget(self._where)
        self._legend = QHBoxLayout()
        self._legend.setSpacing(14)
        for label in self._legends:
            self._legend.addWidget(label)
        self._legend.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addLayout(self._legend)
        layout.addWidget(self._plot, 1)

    @property
    def series(self) -> tuple[Series, ...]:
        """The curves of the first training."""
        return tuple(self.courses[0].of(name) for name in self._figure.names)

    @property
    def _figure(self) -> Any:
        return FIGURES[self.name]

    def choose(self, name: str) -> None:
        """Show another figure."""
        self.name = name
        title = self._figure.title
        self._heading.setText(title)
        self._chooser.setText(title)
        self._plot.setAccessibleName(title)
        self._is_zoomed = False
        self._set_axis()
        self.show_courses(self.courses)
        self.draw(last_epoch=self._last_epoch)

    def offer(self, names: Iterable[str]) -> None:
        """Let a person choose among these figures."""
        offered = (tuple(names), self.name)
        if offered == self._offered:
            return  # somebody may have it open just now
        self._offered = offered
        menu = self._chooser.menu()
        menu.clear()
        for name in offered[0]:
            entry = menu.addAction(FIGURES[name].title, functools.partial(self._on_chosen, name))
            entry.setCheckable(True)
            entry.setChecked(name == self.name)

    def _on_chosen(self, name: str) -> None:
        self.choose(name)
        self.offer(self._offered[0])

    def set_log(self, is_log: bool) -> None:
        """Show what has no upper end on a logarithmic axis."""
        had_log_axis, self._is_log = self._has_log_axis, is_log
        if self._has_log_axis == had_log_axis:
            return  # what is looked at stays
        self._is_zoomed = False
        self._set_axis()
        self.draw(last_epoch=self._last_epoch)

    @property
    def _has_log_axis(self) -> bool:
        return self._is_log and self._figure.most is None

    def _set_axis(self) -> None:
        self._plot.getAxis("left").setLogMode(False, self._has_log_axis)
        most = self._figure.most
        limits = (-ENDLESS, ENDLESS) if most is None else (-0.02, most * 1.02)
        self._plot.getViewBox().setLimits(yMin=limits[0], yMax=limits[1])

    def show_courses(self, courses: Sequence[Course]) -> None:
        """Show these trainings, of which the first one is marked; `draw` shows their points."""
        self.courses = courses
        for line in self._lines:
            self._plot.removeItem(line)
        self._lines = [self._plot.plot(antialias=True) for _ in courses for _ in self._figure.names]
        # Two words and their figures stand in a line; many runs take as many lines as they need.
        are_many = len(courses) > 1
        self._legends[0].setWordWrap(are_many)
        self._legends[1].setVisible(not are_many)
        self._legend.setStretch(0, int(are_many))
        self._legend.setStretch(2, int(not are_many))
        self.restyle()

    def set_best(self, epoch: float | None) -> None:
        """Mark the epoch that validates best; `draw` shows it."""
        self._best = epoch

    def draw(self, *, last_epoch: float = 0) -> None:
        """Show all points, on an axis that reaches to `last_epoch` at least; a part that is looked at stays."""
        self._last_epoch = last_epoch
        curves = [course.of(name) for course in self.courses for name in self._figure.names]
        for line, series in zip(self._lines, curves, strict=True):
            few = len(series.epochs) <= FEW
            line.setData(series.epochs, self._on_axis(series.values), symbol="o" if few else None, symbolSize=4)
        self._draw_best()
        epochs = [epoch for series in curves for epoch in (series.epochs[:1] + series.epochs[-1:])]
        first = min([1.0, *epochs])
        if not self._is_zoomed:
            self._plot.setXRange(first, max([first + 1, last_epoch, *epochs]), padding=0.03)
            self._plot.enableAutoRange(axis="y")
        self.point_at(None)

    def _on_axis(self, values: list[float]) -> list[float]:
        """Where values lie on the axis; there is no place for 0 on a logarithmic one."""
        if not self._has_log_axis:
            return values
        return [math.log10(value) if value > 0 else math.nan for value in values]

    def _draw_best(self) -> None:
        value = None if self._best is None or len(self.courses) > 1 else self.series[-1].at(self._best)
        self._best_line.setVisible(value is not None)
        if self._best is None or value is None:
            self._best_dot.setData([], [])
            return
        self._best_line.setPos(self._best)
        self._best_dot.setData([self._best], self._on_axis([value]))

    def take_wheel(self) -> None:
        """Zoom by the wheel alone: nothing lies around that would be scrolled instead."""
        self._plot.takes_wheel = True

    def _on_zoomed(self) -> None:
        self._is_zoomed = True

    def show_all(self) -> None:
        """Show all of it again."""
        self._is_zoomed = False
        self.draw(last_epoch=self._last_epoch)

    @property
    def is_zoomed(self) -> bool:
        """Whether a person looks at a part of it."""
        return self._is_zoomed

    def point_at(self, epoch: float | None) -> None:
        """Show the values of an epoch above the chart; those of the last one for None."""
        self._hover_line.setVisible(epoch is not None)
        if epoch is not None:
            self._hover_line.setPos(epoch)
        shown = epoch if epoch is not None else self._last_shown()
        is_best = shown is not None and shown == self._best and len(self.courses) == 1
        self._where.setText("" if shown is None else f"epoch {shown:g}" + (" · best" if is_best else ""))
        if len(self.courses) == 1:
            self._tell_one(shown)
        else:
            self._tell_several(epoch)

    def _tell_one(self, epoch: float | None) -> None:
        for number, label in enumerate(self._legends):
            series = self.series[number] if number < len(self.series) else None
            value = None if epoch is None or series is None else series.at(epoch)
            word, token = ROLES[number]
            word = "" if len(self.series) == 1 else word
            text = _key(theme.color(token), word, value) if series is not None else ""
            label.setText(text)

    def _tell_several(self, epoch: float | None) -> None:
        """The last figure of each training: that of validation, where it has two."""
        parts = []
        for number, course in enumerate(self.courses):
            series = course.of(self._figure.names[-1])
            value = series.at(epoch) if epoch is not None else (series.values[-1] if series.values else None)
            parts.append(_key(course_color(number), course.label, value))
        self._legends[0].setText(" &nbsp; ".join(part.replace(" <b>", "&nbsp;<b>") for part in parts))

    def _last_shown(self) -> float | None:
        ends = (course.of(name).epochs[-1:] for course in self.courses for name in self._figure.names)
        return max((end[0] for end in ends if end), default=None)

    def restyle(self) -> None:
        """Take the colours of the theme, and lines as thick as the screen is fine."""
        ratio = self.devicePixelRatioF()  # a cosmetic pen counts the pixels of the screen
        muted, faint = theme.color("text_muted"), theme.color("text_faint")
        style_plot(self._plot, self.font(), bottom="epoch")
        width = len(self._figure.names)
        for number, line in enumerate(self._lines):
            course, role = divmod(number, width)
            is_alone, is_dotted = len(self.courses) == 1, len(self.courses) > 1 and role == 0 and width > 1
            colour = theme.color(ROLES[role][1]) if is_alone else course_color(course)
            style = Qt.PenStyle.DotLine if is_dotted else Qt.PenStyle.SolidLine
            line.setPen(cosmetic_pen(colour, (1.5 if is_dotted else 2) * ratio, style))
            line.setSymbolBrush(colour)
            line.setSymbolPen(None)
        self._best_line.setPen(cosmetic_pen(faint, ratio, Qt.PenStyle.DashLine))
        self._hover_line.setPen(cosmetic_pen(muted, ratio))
        self._best_dot.setPen(cosmetic_pen(theme.color("validation"), 2 * ratio))
        self._best_dot.setBrush(theme.color("panel"))
        self.point_at(None)

    def _on_mouse(self, position: QPointF) -> None:
        box = self._plot.getViewBox()
        epochs = sorted({epoch for course in self.courses for name in self._figure.names
                         for epoch in course.of(name).epochs})  # fmt: skip
        if not epochs or not box.sceneBoundingRect().contains(position):
            self.hovered.emit(None)
            return
        x = box.mapSceneToView(position).x()
        self.hovered.emit(min(epochs, key=lambda epoch: abs(epoch - x)))

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)
        super().leaveEvent(event)


class Curves(QWidget):
    """Two figures of one training or of several, one above the other.

    Signals:
        changed: Other points are drawn.
        larger_wanted: A person wants to see all figures, larger; or no more.
        failed: Something could not be written: the message.
    """

    changed = Signal()
    larger_wanted = Signal(bool)
    failed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.loss = Chart("loss", is_choosable=True)
        self.iou = Chart("iou", is_choosable=True)
        self._charts = (self.loss, self.iou)
        self.courses: list[Course] = [Course()]
        for chart in self._charts:
            chart.show_courses(self.courses)
        self.last_epoch = 0.0
        self._timer = QTimer(self, singleShot=True, interval=DRAW_MS)
        self._timer.timeout.connect(self._draw)
        self.log_button = text_button("Log", "Logarithmic axis for what has no upper end, such as the loss")
        self.log_button.setCheckable(True)
        self.log_button.toggled.connect(self._set_log)
        self.all_button = text_button(
            "All", "Show all epochs again. Drag a rectangle in a chart to look at a part of it"
        )
        self.all_button.clicked.connect(self._show_all)
        self.larger_button = text_button("", "Show all figures in the middle of the window, and take them away again")
        self.larger_button.setCheckable(True)
        self.larger_button.toggled.connect(self.larger_wanted)
        self.export_button = text_button("", "Export the curves")
        self.export_button.setProperty("more", True)
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.export_button)
        menu.addAction("Figures as CSV…", lambda: self._export("csv"))
        menu.addAction("Picture as PNG…", lambda: self._export("png"))
        self.export_button.setMenu(menu)
        for button, name in ((self.larger_button, "All figures, larger"), (self.export_button, "Export the curves")):
            button.setAccessibleName(name)
        self._lay_out()
        self._draw_icons()
        theme.notifier().changed.connect(self._restyle)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(2)
        tools.addStretch(1)
        for button in (self.log_button, self.all_button, self.export_button, self.larger_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            tools.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(tools)
        for chart in self._charts:
            layout.addWidget(chart, 1)
            chart.hovered.connect(self._point_at)
            chart._plot.zoomed.connect(self._enable)
            chart._plot.all_wanted.connect(self._enable)
        self._enable()

    def clear(self, *, last_epoch: float = 0) -> None:
        """Begin a new training that will end at `last_epoch`."""
        self._show([Course()], last_epoch)

    def append(self, epoch: float, values: Mapping[str, float]) -> None:
        """Add the metrics of one epoch."""
        self.courses[0].append(epoch, values)
        if not self._timer.isActive():
            self._timer.start()

    def show_epochs(self, epochs: Iterable[Mapping[str, float]], *, last_epoch: float = 0) -> None:
        """Show a past training from the rows of its metrics.csv."""
        self._show([course_of(epochs)], last_epoch)

    def show_courses(self, courses: Sequence[Course], *, last_epoch: float = 0) -> None:
        """Lay several trainings over each other."""
        self._show(list(courses) or [Course()], last_epoch)

    def set_last_epoch(self, epoch: float) -> None:
        """Let the axis reach to another epoch, because the training has become longer or shorter."""
        if epoch != self.last_epoch:
            self.last_epoch = epoch
            self._timer.start()

    def _show(self, courses: list[Course], last_epoch: float) -> None:
        self.courses, self.last_epoch = courses, last_epoch
        for chart in self._charts:
            chart.show_courses(courses)
        self._timer.start()

    @property
    def has_points(self) -> bool:
        """Whether there is anything to draw."""
        return any(course.names for course in self.courses)

    @property
    def best_epoch(self) -> float | None:
        """The epoch that validates best, see Course.best_epoch."""
        return self.courses[0].best_epoch

    def csv_text(self) -> str:
        """Everything that is shown or could be, see course.csv_text."""
        return csv_text(self.courses)

    def picture(self) -> QPixmap:
        """The charts as they are, twice as fine as on a classical screen."""
        return picture_of([*self._charts])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "export_button"):
            self._restyle()

    def _draw(self) -> None:
        names = figures_in(self.courses)
        for chart in self._charts:
            chart.set_best(self.best_epoch)
            chart.offer(names)
            chart.draw(last_epoch=self.last_epoch)
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        allow(self.all_button, (any(chart.is_zoomed for chart in self._charts), "all epochs are shown"))
        allow(self.export_button, (self.has_points, "there are no curves yet"))

    def _show_all(self) -> None:
        for chart in self._charts:
            chart.show_all()
        self._enable()

    def _set_log(self, is_log: bool) -> None:
        for chart in self._charts:
            chart.set_log(is_log)
        self._enable()

    def _export(self, kind: str) -> None:
        if (path := choose_curves_file(self, kind)) is not None:
            try:
                save_curves(path, self.csv_text() if kind == "csv" else self.picture())
            except UserError as error:
                self.failed.emit(str(error))

    def _restyle(self) -> None:
        self._draw_icons()
        for chart in self._charts:
            chart.restyle()

    def _draw_icons(self) -> None:
        self.larger_button.setIcon(theme.icon("full-screen"))
        self.export_button.setIcon(theme.icon("export"))

    def _point_at(self, epoch: float | None) -> None:
        for chart in self._charts:
            chart.point_at(epoch)


def picture_of(charts: Sequence[Chart]) -> QPixmap:
    """Charts as they are, one below the other, on the ground of the panel."""
    width = max(chart.width() for chart in charts)
    height = sum(chart.height() for chart in charts)
    pixmap = QPixmap(QSize(width, height) * PNG_SCALE)
    pixmap.setDevicePixelRatio(PNG_SCALE)
    pixmap.fill(theme.color("panel"))
    top = 0
    for chart in charts:
        chart.render(pixmap, QPoint(0, top))
        top += chart.height()
    return pixmap


def save_curves(path: Path, content: str | QPixmap) -> None:
    """Write figures or a picture; UserError when that cannot be done."""
    try:
        if isinstance(content, str):
            write_atomically(path, content.encode("utf-8"))
            return
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        content.save(buffer, "PNG")
        write_atomically(path, bytes(data.data()))
    except OSError as error:
        raise of_system(error) or UserError(f"{path} cannot be written: {error}") from error


def course_color(number: int) -> QColor:
    """The colour of a training by its place among those that are laid over each other."""
    return theme.color(f"arm_{number % COLOURS + 1}")


def _key(colour: QColor, word: str, value: float | None) -> str:
    number = "" if value is None else f" <b>{value_text(value)}</b>"
    return f'<span style="color:{colour.name()}">&#9644;</span>&nbsp;{word}{number}'


def value_text(value: float) -> str:
    """A figure with as many digits as say something: "0.250", "1e-5", "1234"."""
    if value != 0 and abs(value) < 0.01:
        return number_text(float(f"{value:.2g}"))
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"
