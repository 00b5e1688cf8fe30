"""Study view: what a cross-validation or a learning curve says, in a sentence, as a plot, and image by image."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QLabel, QVBoxLayout, QWidget

from segstudio.core.metrics import METRICS
from segstudio.core.percentage import percent
from segstudio.project.sample_table import SUSPICIOUS
from segstudio.project.studies import Kind, Study
from segstudio.ui import theme
from segstudio.ui.job_queue import duration
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.plot import cosmetic_pen, make_plot, style_plot
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.session import Session
from segstudio.ui.times import when_text
from segstudio.ui.views.numbers import change_text, with_minus
from segstudio.ui.widgets import heading, lay_on_card, muted, row_table, scrolling

WHAT = {Kind.FOLDS: "Cross-validation", Kind.CURVE: "Advice on more masks"}

NOTHING_YET = {
    Kind.FOLDS: (
        "No cross-validation yet",
        "Press Start cross-validation on the right: every image is measured by networks that have not learnt from it.",
    ),
    Kind.CURVE: (
        "No advice on more masks yet",
        "Press Start advice on the right: networks learn from ever more masks; a curve says what further ones bring.",
    ),
}

READING = ("Reading the studies…", "")

ROW = 26

MOST_ROWS = 12
"""Lines of a table in sight at once; the rest is scrolled to."""

FIGURES = (
    ("iou", "IoU", None),
    ("dice", "Dice", None),
    ("binary_iou", "Both classes' IoU", "binary_iou"),
    ("pooled_iou", "IoU over pixels", "iou"),
    ("pooled_dice", "Dice over pixels", "dice"),
)
"""Figures of folds, their names, and which one over all pixels belongs to each."""

TOKENS = {"more helps": "good", "enough": "text", "cannot tell": "text_muted"}

TITLES = {"more helps": "More masks help", "enough": "More masks would hardly help", "cannot tell": "It cannot be told"}


def number_text(value: float | None) -> str:
    """A figure with three digits, or a dash."""
    return "–" if value is None else f"{value:.3f}"


def interval_text(interval: Sequence[float] | None) -> str:
    """Low and high end, or a dash."""
    return "–" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


class Cell(NamedTuple):
    """A cell of a table of words.

    Attributes:
        text: What stands there.
        token: Its colour.
        tip: More of it.
    """

    text: str
    token: str = "text"
    tip: str = ""


class WordsModel(RowsModel):
    """Rows of words; each may be about a sample."""

    def __init__(self, columns: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.COLUMNS = columns
        self.rows: Sequence[Sequence[Cell]] = ()
        self.samples: Sequence[int] = ()

    def show_rows(self, rows: Sequence[Sequence[Cell]], samples: Sequence[int] = ()) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows, self.samples = rows, samples
        self.endResetModel()

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        cell = self.rows[index.row()][index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return cell.text
            case Qt.ItemDataRole.ToolTipRole:
                return cell.tip or cell.text
            case Qt.ItemDataRole.ForegroundRole:
                return theme.color(cell.token)
        return None


class WordsTable(QWidget):
    """A heading and a table that is as high as its rows, up to MOST_ROWS.

    Signals:
        opened: Told the id of the sample whose row was double-clicked, or on which Enter was pressed.
    """

    opened = Signal(int)

    def __init__(self, title: str, columns: Mapping[str, float], parent: QWidget | None = None) -> None:
        """Columns by their titles, each with its share of the width."""
        super().__init__(parent)
        self.title = heading(title)
        self.model = WordsModel(tuple(columns), self)
        self.table = row_table(self.model, title, row_height=ROW)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._shares = tuple(columns.values())
        self.table.activated.connect(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.title)
        layout.addWidget(self.table)

    def show_rows(self, rows: Sequence[Sequence[Cell]], samples: Sequence[int] = ()) -> None:
        """Show other rows."""
        self.model.show_rows(rows, samples)
        lines = min(len(rows), MOST_ROWS) * ROW + self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(lines + 2 * self.table.frameWidth())
        self.setVisible(bool(rows))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        whole = self.table.viewport().width()
        for column, share in enumerate(self._shares):
            self.table.setColumnWidth(column, int(whole * share / sum(self._shares)))

    def _open(self, index: Index) -> None:
        if index.row() < len(self.model.samples):
            self.opened.emit(self.model.samples[index.row()])


class StudyPlot(QWidget):
    """Points with a band: of folds around their mean, or of numbers of masks along a curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = make_plot("Scores of the study", most=1.0)
        self.plot.setMinimumHeight(260)
        self._bottom = ""
        nothing = {"x": np.zeros(0), "y": np.zeros(0)}
        self.low, self.high = pg.PlotDataItem(**nothing), pg.PlotDataItem(**nothing)
        self.band = pg.FillBetweenItem(self.low, self.high)
        self.line = pg.PlotDataItem(**nothing)
        self.points = pg.ScatterPlotItem(size=8)
        self.means = pg.ScatterPlotItem(size=12, symbol="d")
        self.now = pg.InfiniteLine(angle=90)
        for item in (self.low, self.high, self.band, self.line, self.points, self.means):
            self.plot.addItem(item)
        self.plot.addItem(self.now, ignoreBounds=True)
        self.legend = muted(wraps=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.legend)
        layout.addWidget(self.plot)
        theme.notifier().changed.connect(self._restyle)
        self._restyle()

    def show_folds(self, result: Mapping[str, Any]) -> None:
        """Dots for the IoU of every fold, with the mean and its interval."""
        rows = [row for row in result["per_fold"] if row["iou"] is not None]
        figure, count = result["figures"]["iou"], result["folds"]
        # Repeats of a fold stand beside each other.
        xs = [row["fold"] + 0.12 * (row["repeat"] - (result["repeats"] + 1) / 2) for row in rows]
        self.points.setData(x=xs, y=[row["iou"] for row in rows])
        self.means.setData(x=[], y=[])
        ends = np.array([0.5, count + 0.5])
        low, high = figure["interval"] or (figure["mean"] or 0.0,) * 2
        self._draw(ends, [figure["mean"] or 0.0] * 2, [low] * 2, [high] * 2)
        self.now.hide()
        self.plot.getAxis("bottom").setTicks([[(fold, str(fold)) for fold in range(1, count + 1)]])
        self.plot.setXRange(0.5, count + 0.5, padding=0.01)
        self._range([row["iou"] for row in rows], low, high)
        self._say(
            "Mean IoU of each fold's images (dots); line and band: mean of all folds and its 95 % interval", "fold"
        )

    def show_curve(self, result: Mapping[str, Any]) -> None:
        """The scores by number of masks, with the fitted curve and its interval beyond them."""
        points, curve = result["points"], result["curve"]
        self.points.setData(
            x=[one["size"] for one in points for _ in one["repeats"]],
            y=[value for one in points for value in one["repeats"]],
        )
        self.means.setData(x=[one["size"] for one in points], y=[one["mean"] for one in points])
        self._draw(np.array(curve["at"]), curve["fitted"], curve["low"], curve["high"])
        self.now.setPos(points[-1]["size"])
        self.now.show()
        self.plot.getAxis("bottom").setTicks(None)
        self.plot.setXRange(0, curve["at"][-1], padding=0.02)
        values = [value for one in points for value in one["repeats"]]
        self._range([*values, *curve["fitted"]], min(curve["low"][len(curve["low"]) // 2 :]), max(curve["high"]))
        name = METRICS[result["metric"]]
        self._say(
            f"{name} of each training (dots) and their mean (diamonds); line and band: the fitted curve and its 95 % "
            "interval; upright: the masks there are now",
            "masks to learn from",
        )

    def _draw(self, xs: np.ndarray, middle: Sequence[float], low: Sequence[float], high: Sequence[float]) -> None:
        self.line.setData(x=xs, y=np.array(middle))
        self.low.setData(x=xs, y=np.array(low))
        self.high.setData(x=xs, y=np.array(high))

    def _range(self, values: Sequence[float], low: float, high: float) -> None:
        least, most = min([*values, low]), max([*values, high])
        margin = max(0.02, 0.08 * (most - least))
        self.plot.setYRange(max(0.0, least - margin), min(1.0, most + margin), padding=0)

    def _say(self, legend: str, bottom: str) -> None:
        self.legend.setText(legend)
        self._bottom = bottom
        self._restyle()

    def _restyle(self) -> None:
        ratio = self.devicePixelRatioF()
        style_plot(self.plot, self.font(), bottom=self._bottom)
        self.line.setPen(cosmetic_pen(theme.color("accent"), 2 * ratio))
        for edge in (self.low, self.high):
            edge.setPen(cosmetic_pen(theme.color("accent", 0.35), ratio))
        self.band.setBrush(pg.mkBrush(theme.color("accent", 0.18)))
        self.points.setPen(None)
        self.points.setBrush(theme.color("validation"))
        self.means.setPen(cosmetic_pen(theme.color("panel"), ratio))
        self.means.setBrush(theme.color("accent"))
        self.now.setPen(cosmetic_pen(theme.color("text_muted"), 1.5 * ratio, Qt.PenStyle.DashLine))


class StudyView(QWidget):
    """One study of a kind: under way, ended before its time, or finished.

    Signals:
        opened: Told the id of a sample that the person wants to see in Review.
    """

    opened = Signal(int)

    def __init__(self, session: Session, kind: Kind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.kind = kind
        self.study: Study | None = None
        self.title = heading("")
        self.subtitle = muted(wraps=True)
        self.verdict = QLabel()
        self.verdict.setProperty("title", True)
        self.verdict.setWordWrap(True)
        self.explanation = QLabel(wordWrap=True)
        for label in (self.verdict, self.explanation):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = muted(wraps=True)
        self.plot = StudyPlot()
        self.figures = WordsTable(*_FIRST_TABLE[kind])
        self.rows = WordsTable(*_SECOND_TABLE[kind])
        self.rows.opened.connect(self.opened)
        self.rows.setToolTip("Enter or a double click shows the image in Review" if kind is Kind.FOLDS else "")
        self.notes = muted(wraps=True)
        self.empty = Empty("error-view", *READING)
        self._either = Either(self._make_content(), self.empty)
        lay_on_card(self, self._either)
        theme.notifier().changed.connect(self._show_verdict_colour)

    def show_study(self, study: Study | None, progress: str = "") -> None:
        """Show another one, or the same again; `progress` is what is being done to it."""
        self.study = study
        self._either.show_content(study is not None)
        if study is None:
            self.empty.set_text(*NOTHING_YET[self.kind])
            return
        self.title.setText(f"{WHAT[study.kind]} {study.name}: {study.title}")
        seconds = f" · {duration(study.result['seconds'])}" if study.result else ""
        self.subtitle.setText(f"{study.arm.preset} · {when_text(study.created)}{seconds}")
        result = study.result
        for widget in (self.plot, self.verdict, self.notes, self.explanation):
            widget.setVisible(result is not None)
        self.show_progress(progress)
        if result is None:
            self.figures.show_rows([])
            self.rows.show_rows([])
        elif self.kind is Kind.FOLDS:
            self._show_folds(result)
        else:
            self._show_curve(result)
        self._show_verdict_colour()

    def show_progress(self, text: str) -> None:
        """Say how far it is."""
        study = self.study
        if study is None:
            return
        if not text and study.result is None:
            cells = study.cells()
            text = f"Not finished: {sum(cell.is_done for cell in cells)} of {len(cells)} trainings are done."
        self.progress.setText(text)
        self.progress.setVisible(bool(text))

    def _show_folds(self, result: Mapping[str, Any]) -> None:
        iou, both = result["figures"]["iou"], result["pooled"]["binary_iou"]
        self.verdict.setText(f"IoU {number_text(iou['mean'])} on images not learnt from")
        nothing = number_text(result["predict_nothing"]["binary_iou"])
        self.explanation.setText(
            f"95 % interval {interval_text(iou['interval'])}, over {result['images']} images, {result['units']} "
            f"independent. Mean of both classes' IoU over all pixels {number_text(both)}; predicting nothing has "
            f"{nothing}."
        )
        self.plot.show_folds(result)
        self.figures.show_rows([_figure_cells(result, *one) for one in FIGURES])
        rows = result["per_image"]
        suspicious = result["suspicious"]
        self.rows.title.setText(
            "Images, the worst first"
            + (f" · {suspicious} mask{'s look' if suspicious > 1 else ' looks'} wrong" if suspicious else "")
        )
        self.rows.show_rows([_image_cells(row) for row in rows], [row["sample"] for row in rows])
        self._show_notes([result["method"], *result["notes"], result["empty_convention"]])

    def _show_curve(self, result: Mapping[str, Any]) -> None:
        self.verdict.setText(TITLES[result["advice"]])
        self.explanation.setText(with_minus(result["explanation"]))
        self.plot.show_curve(result)
        name = METRICS[result["metric"]]
        self.figures.show_rows(
            [
                (
                    Cell(f"{one['more']} more"),
                    Cell(f"{change_text(one['gain'])} {name}"),
                    Cell(f"{change_text(one['interval'][0])} to {change_text(one['interval'][1])}"),
                )
                for one in result["gains"]
            ]
        )
        self.rows.show_rows(
            [
                (
                    Cell(str(one["size"])),
                    Cell(number_text(one["mean"])),
                    Cell("  ".join(number_text(value) for value in one["repeats"])),
                )
                for one in result["points"]
            ]
        )
        self._show_notes([*result["notes"], result["convention"]])

    def _show_notes(self, notes: Sequence[str]) -> None:
        self.notes.setText("\n".join(f"• {note}" for note in notes))

    def _show_verdict_colour(self) -> None:
        advice = (self.study.result or {}).get("advice") if self.study else None
        colour = theme.color(TOKENS.get(str(advice), "text"))
        self.verdict.setStyleSheet(f"color: {colour.name()}")

    def _make_content(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(10)
        for widget in (
            self.title, self.subtitle, self.verdict, self.explanation, self.progress, self.plot, self.figures,
            self.rows, self.notes,
        ):  # fmt: skip
            column.addWidget(widget)
        column.addStretch(1)
        area = scrolling(content)
        self.area = area
        return area


_FIRST_TABLE: dict[Kind, tuple[str, Mapping[str, float]]] = {
    Kind.FOLDS: (
        "Figures",
        {"Figure": 1.5, "Mean of folds": 1.0, "95 % interval": 1.4, "All pixels": 0.9, "Predicting nothing": 1.0},
    ),
    Kind.CURVE: ("What more masks would bring", {"Masks": 1, "Gain": 1, "95 % interval": 1}),
}

_SECOND_TABLE: dict[Kind, tuple[str, Mapping[str, float]]] = {
    Kind.FOLDS: (
        "Images, the worst first",
        {"Image": 2.0, "IoU": 0.8, "Wrong": 0.9, "Fold": 0.8, "Suspicion": 1.2},
    ),
    Kind.CURVE: ("What was measured", {"Masks": 1, "Mean": 1, "Each repeat": 1}),
}


def _figure_cells(result: Mapping[str, Any], name: str, words: str, pooled: str | None) -> tuple[Cell, ...]:
    figure = result["figures"][name]
    return (
        Cell(words),
        Cell(number_text(figure["mean"])),
        Cell(interval_text(figure["interval"]), "text_muted"),
        Cell("" if pooled is None else number_text(result["pooled"][pooled])),
        Cell("" if pooled is None else number_text(result["predict_nothing"][pooled]), "text_muted"),
    )


def _image_cells(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    is_suspicious = row["suspicion"] >= SUSPICIOUS
    token = "bad" if is_suspicious else "text"
    name = str(row["image"]).rpartition("/")[2]
    return (
        Cell(name, token, f"{row['image']}\n{row['reason']}".strip()),
        Cell(number_text(row["iou"])),
        Cell(percent(row["wrong"], 1)),
        Cell(str(row["fold"]), "text_muted"),
        Cell(f"{row['suspicion']:.2f}", token, row["reason"]),
    )
