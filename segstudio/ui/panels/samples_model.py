"""The samples list as Qt sees it: rows of a SampleTable in some order, and how one row is painted."""

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractListModel, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from segstudio.core.sample import ReviewState, Sample
from segstudio.core.way import MANNERS, PLAIN, manner_words
from segstudio.project.sample_table import SampleTable
from segstudio.ui import theme
from segstudio.ui.images import Thumbnails
from segstudio.ui.rows_model import Index

Rows = npt.NDArray[np.intp]

IdRole = int(Qt.ItemDataRole.UserRole)
"""The sample's id."""

STATE_LOOK: dict[ReviewState, tuple[str, str]] = {
    ReviewState.TODO: ("todo", "text_muted"),
    ReviewState.CORRECTED: ("corrected", "accent"),
    ReviewState.ACCEPTED: ("accept", "good"),
    ReviewState.FLAGGED: ("flag", "warn"),
    ReviewState.REJECTED: ("reject", "bad"),
}
"""Icon and colour token of each review state: told apart by shape as well as by colour."""

_SHOWN_COLUMNS = ("state", "split", "revision", "iou", "manner")
_BESIDE_WORDS, _WORDS = 28, 30
_THUMBNAIL = 44


def iou_token(iou: float) -> str:
    """The colour token of an IoU: bad below 0.75, doubtful below 0.85."""
    if math.isnan(iou):
        return "text_faint"
    return "bad" if iou < 0.75 else "warn" if iou < 0.85 else "text"


class SamplesModel(QAbstractListModel):
    """Some rows of a SampleTable, in the order that the panel found."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table: SampleTable | None = None
        self._rows: Rows = np.empty(0, np.intp)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self.table is None or not index.isValid():
            return None
        row = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.table.image[row].rpartition("/")[2]
        if role == IdRole:
            return int(self.table.id[row])
        if role == Qt.ItemDataRole.ToolTipRole:
            how = manner_words(self.manner(index.row()))
            hidden = "its figures are hidden: View ▸ Show test figures" if self.table.hidden[row] else ""
            otherwise = f"* predicted otherwise: {how}" if how else ""
            words = (self.table.image[row], self.table.problem[row], otherwise, hidden)
            return "\n".join(filter(None, words))
        return None

    def sample(self, row: int) -> Sample:
        """The sample in a row of the list."""
        assert self.table is not None
        return self.table.row(int(self._rows[row]))

    def iou(self, row: int) -> float:
        """Its IoU, NaN when there is none."""
        assert self.table is not None
        return float(self.table.iou[self._rows[row]])

    def manner(self, row: int) -> str:
        """How it was predicted, one of `core.way.MANNERS`; the plain one without a prediction."""
        assert self.table is not None
        return MANNERS[max(0, int(self.table.manner[self._rows[row]]))]

    def ids(self) -> npt.NDArray[np.int64]:
        """The ids of the rows of the list, in order."""
        return np.empty(0, np.int64) if self.table is None else self.table.id[self._rows]

    def states(self) -> npt.NDArray[np.int8]:
        """The state codes of the rows of the list, in order."""
        return np.empty(0, np.int8) if self.table is None else self.table.state[self._rows]

    def row_of(self, sample_id: int) -> int | None:
        """The row of a sample in the list, or None when it is not shown."""
        found = np.flatnonzero(self.ids() == sample_id)
        return int(found[0]) if found.size else None

    def show(self, table: SampleTable, rows: Rows) -> bool:
        """Show these rows of a table; returns whether the list was rebuilt rather than repainted in places."""
        old_table, old_rows = self.table, self._rows
        if old_table is not None and np.array_equal(old_table.id[old_rows], table.id[rows]):
            self.table, self._rows = table, rows
            for row in self._changed_rows(old_table, old_rows):
                self.dataChanged.emit(self.index(int(row)), self.index(int(row)))
            return False
        self.beginResetModel()
        self.table, self._rows = table, rows
        self.endResetModel()
        return True

    def repaint_sample(self, sample_id: int) -> None:
        """The picture of a sample is there now."""
        row = self.row_of(sample_id)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))

    def _changed_rows(self, old: SampleTable, old_rows: Rows) -> Rows:
        if old is self.table or self.table is None:
            return np.empty(0, np.intp)
        is_other = np.zeros(len(self._rows), bool)
        for name in _SHOWN_COLUMNS:
            before, after = getattr(old, name)[old_rows], getattr(self.table, name)[self._rows]
            is_other |= (before != after) & ~((before != before) & (after != after))  # NaN to NaN is no change
        if old.problem is not self.table.problem:
            pairs = zip(old_rows, self._rows, strict=True)
            is_other |= np.fromiter((old.problem[a] != self.table.problem[b] for a, b in pairs), bool, len(old_rows))
        return np.flatnonzero(is_other)


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    return bold


def _iou_text(iou: float, *, is_plain: bool = True) -> str:
    """The figure, with a star when it is not of a plain prediction."""
    return "–" if math.isnan(iou) else f"{iou:.3f}" + ("" if is_plain else "*")


def _width(font: QFont, figure: str) -> int:
    return QFontMetrics(_bold(font)).horizontalAdvance(figure) + 8


def row_height() -> int:
    """Pixels of a row of the list: two lines of words, and room around them."""
    return _BESIDE_WORDS + theme.by_font(_WORDS)


class SampleDelegate(QStyledItemDelegate):
    """Paints a sample: thumbnail, name, state, split, IoU."""

    def __init__(self, model: SamplesModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, row_height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        sample, iou = self._model.sample(index.row()), self._model.iou(index.row())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area: QRect = option.rect.adjusted(2, 2, -2, -2)
        self._paint_ground(painter, area, option.state)
        picture = QRect(area.left() + 6, area.center().y() - _THUMBNAIL // 2 + 1, _THUMBNAIL, _THUMBNAIL)
        self._paint_thumbnail(painter, picture, sample)
        font: QFont = option.font
        text = QRect(picture.right() + 9, area.top() + 9, area.right() - picture.right() - 15, area.height() - 17)
        name = sample.name.rpartition(".")[0] or sample.name
        figure = _iou_text(iou, is_plain=self._model.manner(index.row()) == PLAIN)
        taken = _width(font, figure)
        # The end of a name tells samples apart: a long one gets the whole line, and the figure the one below.
        is_long = QFontMetrics(font).horizontalAdvance(name) > text.width() - taken
        self._paint_iou(painter, text, font, iou, figure, is_low=is_long)
        self._paint_name(painter, text.adjusted(0, 0, 0 if is_long else -taken, 0), font, name)
        self._paint_state(painter, text.adjusted(0, 0, -taken, 0), font, sample)
        painter.restore()

    def _paint_ground(self, painter: QPainter, area: QRect, state: QStyle.StateFlag) -> None:
        is_selected = bool(state & QStyle.StateFlag.State_Selected)
        if is_selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if is_selected else "hover", 1.0 if is_selected else 0.6))
            painter.drawRoundedRect(area, 5, 5)
        if is_selected and state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(theme.color("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, 5, 5)

    def _paint_thumbnail(self, painter: QPainter, area: QRect, sample: Sample) -> None:
        pixmap = None if sample.problem and not sample.width else self._thumbnails.pixmap(sample)
        clip = QPainterPath()
        clip.addRoundedRect(area, 4, 4)
        painter.save()
        painter.setClipPath(clip)
        painter.fillRect(area, theme.color("canvas"))
        if pixmap is not None:
            size = pixmap.deviceIndependentSize().scaled(area.size().toSizeF(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, round(size.width()), round(size.height()))
            target.moveCenter(area.center())
            painter.drawPixmap(target, pixmap)
        elif sample.problem:
            theme.icon("problems", "warn").paint(painter, area.adjusted(12, 12, -12, -12))
        painter.restore()

    def _paint_iou(self, painter: QPainter, area: QRect, font: QFont, iou: float, figure: str, *, is_low: bool) -> None:
        painter.setFont(_bold(font))
        painter.setPen(theme.color(iou_token(iou)))
        place = Qt.AlignmentFlag.AlignBottom if is_low else Qt.AlignmentFlag.AlignVCenter
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | place, figure)

    def _paint_name(self, painter: QPainter, area: QRect, font: QFont, name: str) -> None:
        painter.setFont(font)
        painter.setPen(theme.color("text"))
        name = QFontMetrics(font).elidedText(name, Qt.TextElideMode.ElideMiddle, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)

    def _paint_state(self, painter: QPainter, area: QRect, font: QFont, sample: Sample) -> None:
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * 0.9)
        metrics = QFontMetrics(small)
        icon, token = STATE_LOOK[sample.state]
        line = QRect(area.left(), area.bottom() - metrics.height() + 1, area.width(), metrics.height())
        theme.icon(icon, token).paint(painter, QRect(line.left(), line.center().y() - 6, 13, 13))
        painter.setFont(small)
        painter.setPen(theme.color(token))
        words = line.adjusted(17, 0, 0, 0)
        alignment = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(words, alignment, sample.state)
        words.setLeft(words.left() + metrics.horizontalAdvance(sample.state))
        painter.setPen(theme.color("warn" if sample.problem else "text_muted"))
        tail = "  unreadable" if sample.problem else f"  {sample.split}"
        painter.drawText(words, alignment, metrics.elidedText(tail, Qt.TextElideMode.ElideRight, words.width()))
