"""The threshold bar under the panes: one slider shows what every threshold would give, and the best can be chosen.

While the slider is moved, the panes, the figures of the sample and the curve follow; nothing is stored before *Use*.
All figures are sums of what was counted before (see core/threshold.py), so no file is read meanwhile.
"""

from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QModelIndex, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.core.sample import Split
from segstudio.core.threshold import BYTES, Sweep, level_of, threshold_of
from segstudio.core.way import PLAIN, manner_words
from segstudio.core.wording import count_text
from segstudio.jobs.threshold import usual_manner
from segstudio.project.sample_table import SPLITS
from segstudio.project.topics import Topics
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.number_box import TEXT_MARGIN
from segstudio.ui.plot import cosmetic_pen, make_plot, style_plot
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.session import Session
from segstudio.ui.widgets import ElidedLabel, allow, heading, push_button, row_table, slider, text_button

CURVES = (("iou", "IoU", "accent"), ("precision", "Prec", "warn"), ("recall", "Rec", "good"))
"""What is drawn, how it is called, and in which colour of the theme."""

REST_MS = 700
"""What is known is read anew so long after something has changed."""

MOST_FOLLOWED = 20_000
"""Larger projects are not read anew after each stroke, but when they are predicted or the bar is opened."""

NARROW = 560
"""With less room than this the list shows less."""

PLOT, LOW_PLOT = 104, 58
"""The height of the curve, and where the window is low."""

_HELP = (
    "Threshold: from which probability on a pixel is foreground\n"
    "Moving it changes nothing but what is shown; Use makes it the threshold of this run."
)
_LIMIT_HELP = (
    "From this IoU on a prediction passes, in this project. Samples whose verdict changes are listed: those that "
    "cross this limit, and those that become empty or cease to be."
)


@dataclass(frozen=True, eq=False)
class _Known:
    """What a thread has read.

    Attributes:
        run: Whose predictions.
        level: The threshold that the run has.
        sweep: What every threshold gives.
        limit: From which IoU on a prediction passes.
        names: Of the images, by sample id.
        manner: How the predictions were made that are looked at, see `core.way.MANNERS`.
        left_out: How many of the split were made in another manner.
    """

    run: int
    level: int
    sweep: Sweep
    limit: float
    names: dict[int, str]
    manner: str = PLAIN
    left_out: int = 0


class FlipsModel(RowsModel):
    """The samples whose verdict is another, those first whose IoU changes most."""

    COLUMNS = ("Sample", "Now", "Then", "")

    def __init__(self) -> None:
        super().__init__()
        self._known: _Known | None = None
        self._before: NDArray[np.float64] = np.empty(0)
        self._after: NDArray[np.float64] = np.empty(0)
        self._passes, self._is_empty, self._was_empty = (np.empty(0, np.bool_) for _ in range(3))

    def show(self, known: _Known | None, level: int) -> None:
        """Show who changes from the run's threshold to `level`."""
        self.beginResetModel()
        self._known, self.rows = known, ()
        if known is not None:
            sweep = known.sweep
            rows = sweep.flips(known.level, level, known.limit)
            self._before, self._after = sweep.iou(known.level)[rows], sweep.iou(level)[rows]
            self._passes = sweep.passes(level, known.limit)[rows]
            self._is_empty, self._was_empty = sweep.is_empty(level)[rows], sweep.is_empty(known.level)[rows]
            self.rows = sweep.ids[rows].tolist()
        self.endResetModel()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._known is None or not index.isValid():
            return None
        row, column = index.row(), index.column()
        image = self._known.names.get(self.rows[row], "")
        if role == Qt.ItemDataRole.DisplayRole:
            words = (_number(self._before[row]), _number(self._after[row]), self._verdict(row))
            return (image.rpartition("/")[2], *words)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return image
        if role == Qt.ItemDataRole.ForegroundRole and column >= 2:
            return theme.color("good" if self._verdict(row) in ("passes", "found") else "bad")
        return None

    def _verdict(self, row: int) -> str:
        """What becomes of a sample."""
        if self._is_empty[row] != self._was_empty[row]:
            return "empty" if self._is_empty[row] else "found"
        return "passes" if self._passes[row] else "fails"


class ThresholdBar(QFrame):
    """The slider, the curve over the validation split, and the samples whose verdict changes.

    Attributes:
        closed: Told when the person has enough of it.
        slider: At the level that is shown.
        table: The samples whose verdict changes.
    """

    closed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._session = session
        self._known: _Known | None = None
        self._is_wanted = False
        self._is_closed = False
        self._is_storing = False
        self._thread = Background("threshold", self)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._read)
        # As often as the screen can show it, however many steps a fast hand makes.
        self._drawing = QTimer(self, singleShot=True, interval=0)
        self._drawing.timeout.connect(self._draw)
        self._build()
        self.restyle()
        theme.notifier().changed.connect(self.restyle)
        session.predicted.connect(self._read)
        session.project_changed.connect(self._notice)
        session.level_changed.connect(self._follow)
        self._draw()

    # what is asked for

    @property
    def level(self) -> int:
        """The level that the slider is at."""
        return self.slider.value()

    @property
    def is_busy(self) -> bool:
        """Whether something is being read, or was moved and is not drawn yet."""
        return self._thread.is_busy or self._rest.isActive() or self._drawing.isActive()

    def open(self) -> None:
        """Begin to look at the predictions."""
        self._is_wanted = True
        self._read()

    def leave(self) -> None:
        """Show the run's own threshold again, and read nothing any more."""
        self._is_wanted = False
        self._rest.stop()
        self._session.try_level(None)
        if self._known is not None:
            self._put(self._known.level)

    def use(self) -> None:
        """Make the threshold that is shown that of the run."""
        if self._known is not None and self.level != self._known.level and self._may_store:
            self._is_storing = True
            self._session.set_threshold(self._known.run, self.level)

    def show_best(self) -> None:
        """Move the slider to the threshold with the highest IoU over validation."""
        best = None if self._known is None else self._known.sweep.curve.best
        if best is not None:
            self.slider.setValue(best)

    def show_own(self) -> None:
        """Move the slider back to the threshold of the run."""
        if self._known is not None:
            self.slider.setValue(self._known.level)

    def close_threads(self) -> None:
        """Stop counting soon, and end the thread."""
        self._is_closed = True
        self._rest.stop()
        self._drawing.stop()
        self._thread.close()

    def set_low(self, is_low: bool) -> None:
        """Take little height: a lower curve, and how many verdicts change, not which."""
        self._beside.setHidden(is_low)
        self._plot.setFixedHeight(LOW_PLOT if is_low else PLOT)
        self._plot.getAxis("left").setTicks([[(0.0, "0"), (0.5, "0.5"), (1.0, "1")]] if is_low else None)

    # what happens

    @property
    def _may_store(self) -> bool:
        return not self._session.project.read_only

    def _notice(self, topics: Topics) -> None:
        is_small = self._known is None or len(self._known.sweep) <= MOST_FOLLOWED
        if self._is_wanted and topics & {"samples", "masks", "settings"} and is_small:
            self._rest.start()

    def _read(self) -> None:
        """Read what is counted, and count what is not, in the thread."""
        self._rest.stop()
        if not self._is_wanted or self._is_closed:
            return
        project, may_store = self._session.project, self._may_store
        run = project.predictions.current()
        if run is None:
            self._take_known(None)
            return

        def read() -> _Known:
            if may_store:
                project.predictions.count(run, goes_on=lambda: self._is_wanted and not self._is_closed)
            table = project.samples.table()
            names = dict(zip(table.id.tolist(), table.image, strict=True))
            manner, manners = usual_manner(project, run, Split.VAL), project.predictions.manners(run)
            sweep, limit = project.histograms.sweep(run, manner=manner), project.predictions.accepted_iou()
            _ = sweep.curve  # made here, because with many samples it takes its time
            validates = table.id[table.split == SPLITS.index(Split.VAL)].tolist()
            left_out = sum(manners.get(one, manner) != manner for one in validates)
            return _Known(run, project.predictions.level(run), sweep, limit, names, manner, left_out)

        self._thread.submit(read, self._take)
        self._show_state()

    def _take(self, future: "Future[_Known]") -> None:
        error = future.exception()
        if isinstance(error, UserError | OSError):
            self._session.tell(error)
            self._show_state()
            return
        known = future.result()
        if known.run == self._session.project.predictions.current() and self._is_wanted:
            self._take_known(known)

    def _take_known(self, known: _Known | None) -> None:
        before, self._known = self._known, known
        is_other = known is None or before is None or before.run != known.run
        if known is not None and (is_other or self._is_storing or self.level == (before and before.level)):
            self._put(known.level)
            self._session.try_level(None)
        self._is_storing = False
        if known is not None:
            self.limit.blockSignals(True)
            self.limit.setValue(known.limit)
            self.limit.blockSignals(False)
        self._draw_curve()
        self._draw()

    def _put(self, level: int) -> None:
        """Move the slider as if nobody had."""
        self.slider.blockSignals(True)
        self.slider.setValue(level)
        self.slider.blockSignals(False)
        self._draw()

    def _follow(self, level: int) -> None:
        """Another threshold is on screen, though nobody has moved the slider."""
        if level != self.level and self._is_wanted:
            self._put(level)

    def _move(self, level: int) -> None:
        self._session.try_level(None if self._known is None or level == self._known.level else level)
        if not self._drawing.isActive():
            self._drawing.start()

    def _move_line(self) -> None:
        self.slider.setValue(level_of(min(max(float(self._line.value()), 0.0), 1.0)))

    def _click_plot(self, event: Any) -> None:
        x = self._plot.getViewBox().mapSceneToView(QPointF(event.scenePos())).x()
        self.slider.setValue(level_of(min(max(float(x), 0.0), 1.0)))

    def _set_limit(self, limit: float) -> None:
        if self._known is None:
            return
        self._known = replace(self._known, limit=limit)
        self._draw()
        if self._may_store:
            self._session.remember("accepted_iou", limit)

    def _open_row(self, index: QModelIndex) -> None:
        self._session.show(int(self._flips.rows[index.row()]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.table.hasFocus():
            self._open_row(self.table.currentIndex())
        else:
            super().keyPressEvent(event)

    # how it looks

    def _draw_curve(self) -> None:
        curve = None if self._known is None else self._known.sweep.curve
        best = None if curve is None else curve.best
        places = np.array([threshold_of(level) for level in range(1, BYTES)])
        for name, _, _ in CURVES:
            values = np.full(len(places), np.nan) if curve is None else getattr(curve, name)[1:]
            self._lines[name].setData(places, values, connect="finite")
        self._best_dot.setData([] if best is None or curve is None else [threshold_of(best)],
                               [] if best is None or curve is None else [curve.iou[best]])  # fmt: skip

    def _draw(self) -> None:
        self._drawing.stop()
        level = self.level
        self._line.blockSignals(True)
        self._line.setValue(threshold_of(level))
        self._line.blockSignals(False)
        self._value.setText(f"{threshold_of(level):.3f}")
        self._flips.show(self._known, level)
        self._show_state()

    def _show_state(self) -> None:
        known = self._known
        curve = None if known is None else known.sweep.curve
        best = None if curve is None else curve.best
        self._figures.setText(self._words())
        images = 0 if curve is None else curve.images
        self._figures.setToolTip(
            f"IoU, precision and recall over all pixels of {images} images of the validation split"
        )
        how = "" if known is None else _how(known)
        self._how.setText(how)
        self._how.setVisible(bool(how))
        is_moved = known is not None and self.level != known.level
        self._use.setText(f"Use {threshold_of(self.level):.3f}")
        moved = is_moved, "the slider stands at the run's own threshold"
        allow(self._use, moved, (self._may_store, "the project is read-only, or the predictions are another reader's"))
        is_short = self.width() < NARROW
        self._own.setText("Back" if known is None or is_short else f"Back to {threshold_of(known.level):.3f}")
        allow(self._own, moved)
        self._best.setText("Best" if best is None else f"Best {threshold_of(best):.3f}")
        has_best = best is not None, "no sample of the validation split is predicted"
        allow(self._best, has_best, (best != self.level, "the slider stands there"))
        count = len(self._flips.rows)
        words = "verdict changes" if count == 1 else "verdicts change"
        self._count.setText(f"{count:,} {words}".replace(",", "\u202f"))

    def _words(self) -> str:
        """The figures over the validation split, each in the colour of its curve."""
        if self._known is None:
            return "looking at the predictions…" if self._thread.is_busy else "Nothing is predicted yet."
        curve = self._known.sweep.curve
        if not curve.images:
            return "No sample of the validation split is predicted: there is no curve. The slider works all the same."
        figures = [
            f'<span style="color:{theme.color(token).name()}">{title}</span> '
            f"<b>{_number(getattr(curve, name)[self.level])}</b>"
            for name, title, token in CURVES
        ]
        return "&nbsp; ".join(figures)

    def restyle(self) -> None:
        """Take the colours of the theme."""
        ratio = self.devicePixelRatioF()
        style_plot(self._plot, self.font(), bottom="")
        for name, _, token in CURVES:
            self._lines[name].setPen(cosmetic_pen(theme.color(token), (2.4 if name == "iou" else 1.4) * ratio))
        self._line.setPen(cosmetic_pen(theme.color("text"), ratio))
        self._line.setHoverPen(cosmetic_pen(theme.color("text"), 2 * ratio))
        self._best_dot.setPen(cosmetic_pen(theme.color("accent"), 2 * ratio))
        self._best_dot.setBrush(theme.color("panel"))
        self._show_state()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column in (1, 3):  # the colour of the figure says the same
            self.table.setColumnHidden(column, self.width() < NARROW)
        self._show_state()  # the words on the buttons

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.restyle()

    def _build(self) -> None:
        self.slider: QSlider = slider(_HELP, 1, BYTES - 1, level_of(0.5))
        self.slider.setPageStep(13)
        self.slider.setMinimumWidth(80)
        self._value = QLabel()
        self._value.setProperty("heading", True)
        self._value.setMinimumWidth(self._value.fontMetrics().horizontalAdvance("0.0000"))
        close = text_button("✕", "Close, and show the run's own threshold again  (Esc)")
        close.setAccessibleName("Close the threshold bar")
        close.clicked.connect(self.closed)
        self._best = push_button("Best", "The threshold with the highest IoU over the validation split", self.show_best)
        self._own = push_button("Back", "Back to the threshold that the run has", self.show_own)
        self._use = push_button("Use", "Make this the threshold of the run, for all that is done with it", self.use)
        self._use.setProperty("primary", True)
        self._count = ElidedLabel()
        self._figures = QLabel()
        self._how = ElidedLabel()
        self._how.setProperty("muted", True)
        self._figures.setTextFormat(Qt.TextFormat.RichText)
        self._figures.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        first, second = QHBoxLayout(), QHBoxLayout()
        for row, widgets in ((first, (heading("Threshold"), self.slider, self._value, close)),
                             (second, (self._count, self._best, self._own, self._use))):  # fmt: skip
            row.setSpacing(8)
            for widget in widgets:
                row.addWidget(widget, int(widget in (self.slider, self._count)))
        below = QHBoxLayout()
        below.setSpacing(10)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self._figures)
        left.addWidget(self._how)
        left.addWidget(self._make_plot())
        below.addLayout(left, 3)
        self._beside = QWidget()
        self._beside.setLayout(self._make_list())
        below.addWidget(self._beside, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 6, 8, 6)
        layout.setSpacing(4)
        for row in (first, second, below):
            layout.addLayout(row)
        self.slider.valueChanged.connect(self._move)
        self.setFocusProxy(self.slider)

    def _make_plot(self) -> QWidget:
        self._plot = make_plot("Figures over the validation split by threshold", 1.0)
        self._plot.setAxisItems({"bottom": pg.AxisItem("bottom")})
        self._plot.getAxis("bottom").enableAutoSIPrefix(False)
        self._plot.setXRange(0, 1, padding=0.01)
        self._plot.setYRange(0, 1, padding=0.02)
        self._plot.setFixedHeight(PLOT)
        self._plot.setToolTip("Click, or drag the line, to try another threshold. The dot is the best.")
        self._lines = {name: self._plot.plot(antialias=True) for name, _, _ in reversed(CURVES)}
        self._line = pg.InfiniteLine(angle=90, movable=True, bounds=(0.0, 1.0))
        self._best_dot = pg.ScatterPlotItem(size=9)
        for item in (self._line, self._best_dot):
            self._plot.addItem(item, ignoreBounds=True)
        self._line.sigPositionChanged.connect(lambda _line: self._move_line())
        self._plot.scene().sigMouseClicked.connect(self._click_plot)
        return self._plot

    def _make_list(self) -> QVBoxLayout:
        self._flips = FlipsModel()
        self.table = row_table(self._flips, "Samples whose verdict changes", row_height=22)
        self.table.setFixedHeight(96)
        self.table.setMinimumWidth(150)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(30)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.clicked.connect(self._open_row)
        self.limit = QDoubleSpinBox()
        self.limit.setRange(0.0, 1.0)
        self.limit.setSingleStep(0.01)
        self.limit.setDecimals(2)
        self.limit.setToolTip(_LIMIT_HELP)
        self.limit.setAccessibleName("Accepted from IoU")
        self.limit.valueChanged.connect(self._set_limit)
        self.limit.setPrefix("accepted: IoU ≥ ")
        self.limit.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.limit)
        column.addWidget(self.table)
        return column


def _how(known: _Known) -> str:
    """How what is looked at was predicted, where that is not in the plain manner, or not all of it."""
    words = manner_words(known.manner)
    images = count_text(known.left_out, "image")
    out = f"{images} predicted in another way left out" if known.left_out else ""
    text = " · ".join(filter(None, (words, out)))
    return text[:1].upper() + text[1:]


def _number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3f}"
