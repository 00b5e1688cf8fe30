"""The gallery of copies as Qt sees it: the copies that fit what is asked for, and how one of them is painted."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import QAbstractListModel, QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from segstudio.project.augmented import Copy
from segstudio.project.stems import folded
from segstudio.ui import theme
from segstudio.ui.copy_thumbnails import CopyThumbnails
from segstudio.ui.rows_model import Index
from segstudio.ui.views.tiles import applied_text

CopyRole = int(Qt.ItemDataRole.UserRole)
"""The Copy."""

PICTURE = 160
"""The side of a picture, in widget pixels."""
_MARGIN = 8
_BADGE = 22
_WORDS_HEIGHT = 40
CELL = QSize(PICTURE + 2 * _MARGIN, PICTURE + _WORDS_HEIGHT + 2 * _MARGIN)

KINDS: tuple[tuple[str, str], ...] = (
    ("all", "All copies"), ("usable", "Usable"), ("rejected", "Rejected"), ("stale", "Out of date"),
)  # fmt: skip
"""What can be asked for, with the words for it."""


class Counts(NamedTuple):
    """How many copies there are; one that is rejected and stale counts as rejected."""

    usable: int
    rejected: int
    stale: int

    @classmethod
    def of(cls, copies: Sequence[Copy]) -> "Counts":
        """Of these copies."""
        rejected = sum(copy.is_rejected for copy in copies)
        stale = sum(copy.is_stale and not copy.is_rejected for copy in copies)
        return cls(len(copies) - rejected - stale, rejected, stale)


def fits(copy: Copy, kind: str, text: str) -> bool:
    """Whether a copy is of a kind of KINDS, and its source's path contains every word of a folded text."""
    is_of_kind = {
        "usable": not copy.is_rejected and not copy.is_stale,
        "rejected": copy.is_rejected,
        "stale": copy.is_stale,
    }.get(kind, True)
    return is_of_kind and all(word in folded(copy.source) for word in text.split())


class CopiesModel(QAbstractListModel):
    """Some copies of a recipe, in the order of their sources.

    Attributes:
        copies: What is shown.
        titles: What the window calls each transform; its own name where there is none.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.copies: list[Copy] = []
        self.titles: Mapping[str, str] = {}

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.copies)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        copy = self.copies[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return title(copy)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip(copy, self.titles)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{title(copy)}, {state(copy) or 'usable'}"
            case Qt.ItemDataRole.UserRole:
                return copy
        return None

    def show(self, copies: list[Copy]) -> None:
        """Show these; what is selected stays so when the same copies are shown as before."""
        if [copy.name for copy in copies] != [copy.name for copy in self.copies]:
            self.beginResetModel()
            self.copies = copies
            self.endResetModel()
            return
        old, self.copies = self.copies, copies
        for row, (before, now) in enumerate(zip(old, copies, strict=True)):
            if before != now:
                self.dataChanged.emit(self.index(row), self.index(row))

    def row_of(self, name: str) -> int | None:
        """The row of a copy, or None when it is not shown."""
        return next((row for row, copy in enumerate(self.copies) if copy.name == name), None)

    def repaint_copy(self, name: str) -> None:
        """The picture of a copy is there now."""
        row = self.row_of(name)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))


def title(copy: Copy) -> str:
    """What a copy is called: its source, and which copy of it."""
    name = copy.source.rpartition("/")[2]
    return f"{name.rpartition('.')[0] or name}  #{copy.number}"


def state(copy: Copy) -> str:
    """Why a copy is not learnt from, or an empty text."""
    if copy.is_rejected:
        return "rejected"
    return "out of date" if copy.is_stale else ""


def applied(copy: Copy, titles: Mapping[str, str]) -> str:
    """What was applied to a copy with which values, one transform a line."""
    try:
        return applied_text(json.loads(copy.parameters), titles)
    except (ValueError, TypeError, KeyError):
        return ""


def tooltip(copy: Copy, titles: Mapping[str, str]) -> str:
    """What a copy was made of, and what was applied with which values."""
    mask = f"revision {copy.revision}" if copy.revision else "the dataset's own mask"
    lines = [f"Made from {copy.source}, {mask}", f"Copy {copy.number}, seed {copy.seed}"]
    if copy.is_rejected:
        lines.append("Rejected: no training learns from it")
    if copy.is_stale:
        lines.append("Out of date: the mask or the recipe has changed since. Make the copies again.")
    return "\n".join([*lines, "", applied(copy, titles)])


class CopyDelegate(QStyledItemDelegate):
    """Paints a copy: the picture with its mask's outline, the source's name, and what it is."""

    def __init__(self, thumbnails: CopyThumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        copy: Copy = index.data(CopyRole)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        area: QRect = option.rect.adjusted(2, 2, -2, -2)
        self._paint_ground(painter, area, option.state)
        inset = _MARGIN - 2
        picture = QRect(area.left() + inset, area.top() + inset, PICTURE, PICTURE)
        self._paint_picture(painter, picture, copy)
        self._paint_badge(painter, picture, copy)
        words = QRect(picture.left() + 1, picture.bottom() + 5, PICTURE - 2, _WORDS_HEIGHT - 5)
        self._paint_words(painter, words, option.font, copy)
        painter.restore()

    def _paint_ground(self, painter: QPainter, area: QRect, flags: QStyle.StateFlag) -> None:
        is_selected = bool(flags & QStyle.StateFlag.State_Selected)
        if is_selected or flags & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft" if is_selected else "hover", 1.0 if is_selected else 0.6))
            painter.drawRoundedRect(area, 6, 6)
        if is_selected:
            painter.setPen(QPen(theme.color("accent"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _paint_picture(self, painter: QPainter, area: QRect, copy: Copy) -> None:
        pixmap = self._thumbnails.pixmap(copy)
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(area), 4, 4)
        painter.save()
        painter.setClipPath(clip)
        painter.fillRect(area, theme.color("canvas"))
        if pixmap is not None:
            size = pixmap.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(area.center())
            painter.setOpacity(0.3 if copy.is_rejected else 1.0)
            painter.drawPixmap(target, pixmap)
        elif self._thumbnails.is_broken(copy):
            theme.icon("problems", "warn").paint(painter, area.adjusted(60, 60, -60, -60))
        painter.restore()

    def _paint_badge(self, painter: QPainter, picture: QRect, copy: Copy) -> None:
        """A round mark in the corner of the picture: told apart by shape as well as by colour."""
        if not state(copy):
            return
        name, token, ground = ("reject", "bad", "bad_soft") if copy.is_rejected else ("history", "warn", "warn_soft")
        place = QRect(picture.right() - _BADGE - 5, picture.top() + 6, _BADGE, _BADGE)
        painter.setPen(QPen(theme.color(token), 1))
        painter.setBrush(theme.color(ground))
        painter.drawEllipse(QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5))
        theme.icon(name, token).paint(painter, place.adjusted(4, 4, -4, -4))

    def _paint_words(self, painter: QPainter, area: QRect, font: QFont, copy: Copy) -> None:
        painter.setFont(font)
        painter.setPen(theme.color("text_faint" if copy.is_rejected else "text"))
        metrics = QFontMetrics(font)
        name = metrics.elidedText(title(copy), Qt.TextElideMode.ElideMiddle, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, name)
        small = QFont(font)
        small.setPointSizeF(font.pointSizeF() * 0.9)
        painter.setFont(small)
        token = "bad" if copy.is_rejected else "warn" if copy.is_stale else "text_muted"
        painter.setPen(theme.color(token))
        below = area.adjusted(0, metrics.height() + 1, 0, 0)
        said = state(copy) or f"seed {copy.seed}"
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, said)
