"""The catalogue as a list that opens below a button: search, look at a transform, add it with a click."""

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from segstudio.augmentation.catalogue import Entry
from segstudio.ui import theme
from segstudio.ui.rows_model import Index
from segstudio.ui.widgets import muted

WIDTH, HEIGHT = 372, 540
ENTRY, GROUP = 46, 30
"""Heights of the rows."""

_MOVES = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -8, Qt.Key.Key_PageDown: 8}


class Line(NamedTuple):
    """A group's title, or one of its transforms."""

    title: str
    entry: Entry | None = None


class CatalogueModel(QAbstractListModel):
    """The transforms that fit what was typed, below the titles of their groups."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lines: list[Line] = []

    def show_entries(self, entries: Iterable[Entry]) -> None:
        """Show others."""
        self.beginResetModel()
        self.lines = []
        group = ""
        for entry in entries:
            if str(entry.group) != group:
                group = str(entry.group)
                self.lines.append(Line(group))
            self.lines.append(Line(entry.title, entry))
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.lines)

    def flags(self, index: Index) -> Qt.ItemFlag:
        has_entry = index.isValid() and self.lines[index.row()].entry is not None
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable if has_entry else Qt.ItemFlag.ItemIsEnabled

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        line = self.lines[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return line.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return line.title if line.entry is None else f"{line.title}: {line.entry.summary}"
            case Qt.ItemDataRole.ToolTipRole if line.entry is not None:
                return tooltip(line.entry)
            case Qt.ItemDataRole.UserRole:
                return line
        return None


class CataloguePicker(QFrame):
    """The popup.

    Attributes:
        picked: Told the name of the transform to be added.
        looked_at: Told the name of the transform under the pointer or the keys, "" when there is none any more.
        search: What to look for.
    """

    picked = Signal(str)
    looked_at = Signal(str)

    def __init__(self, entries: Iterable[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setProperty("popup", True)
        self._entries = list(entries)
        self.model = CatalogueModel(self)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a transform, for example blur or rotate")
        self.search.setAccessibleName("Find a transform")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._find)
        self.search.installEventFilter(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setItemDelegate(_LineDelegate(self.list))
        self.list.setMouseTracking(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.verticalScrollBar().setSingleStep(24)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setAccessibleName("Transforms")
        self.list.entered.connect(self._look_at)
        self.list.clicked.connect(self._pick)
        self._none = muted("Nothing fits. Try a word of what it does: dark, noise, fog, crop.", wraps=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 4, 6)
        layout.setSpacing(6)
        layout.addWidget(self.search)
        layout.addWidget(self._none)
        layout.addWidget(self.list, 1)
        self.resize(WIDTH, HEIGHT)
        self._find("")

    def open_below(self, anchor: QWidget) -> None:
        """Show it below a widget, or above where there is no room."""
        screen = anchor.screen().availableGeometry()
        spot = anchor.mapToGlobal(QPoint(0, anchor.height() + 4))
        height = min(HEIGHT, screen.height() - 40)
        if spot.y() + height > screen.bottom():
            spot.setY(max(screen.top() + 8, screen.bottom() - height - 8))
        spot.setX(max(screen.left() + 8, min(spot.x(), screen.right() - WIDTH - 8)))
        self.resize(WIDTH, height)
        self.move(spot)
        self.search.clear()
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    @property
    def current(self) -> Entry | None:
        """The transform that Return would add."""
        index = self.list.currentIndex()
        return self.model.lines[index.row()].entry if index.isValid() else None

    def hideEvent(self, event: QHideEvent) -> None:
        self.looked_at.emit("")
        super().hideEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The keys of the list while one types."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        key = Qt.Key(event.key())
        if key in _MOVES:
            self._move(_MOVES[key])
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick(self.list.currentIndex())
            return True
        return False

    def _find(self, text: str) -> None:
        found = found_entries(self._entries, text)
        self.model.show_entries(found)
        self._none.setVisible(not found)
        self.list.setVisible(bool(found))
        if text and found:
            best = min(found, key=lambda entry: _rank(entry, text))
            row = next(row for row, line in enumerate(self.model.lines) if line.entry is best)
            self._look_at(self.model.index(row))
            self.list.scrollTo(self.model.index(max(row - 1, 0)), QAbstractItemView.ScrollHint.PositionAtTop)
        else:
            self.looked_at.emit("")

    def _move(self, by: int) -> None:
        rows = [row for row, line in enumerate(self.model.lines) if line.entry is not None]
        if not rows:
            return
        row = self.list.currentIndex().row()
        here = rows.index(row) if row in rows else (-1 if by > 0 else len(rows))
        target = rows[min(max(here + by, 0), len(rows) - 1)]
        self._look_at(self.model.index(target))
        self.list.scrollTo(self.model.index(0 if target == rows[0] else target))

    def _look_at(self, index: Index) -> None:
        entry = self.model.lines[index.row()].entry
        if entry is not None:
            self.list.setCurrentIndex(self.model.index(index.row()))
            self.looked_at.emit(entry.name)

    def _pick(self, index: Index) -> None:
        entry = self.model.lines[index.row()].entry if index.isValid() else None
        if entry is not None:
            self.hide()
            self.picked.emit(entry.name)


class _LineDelegate(QStyledItemDelegate):
    """A group's title, or the title of a transform above what it does."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line = index.data(Qt.ItemDataRole.UserRole)
        return QSize(120, GROUP if line.entry is None else ENTRY)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        line: Line = index.data(Qt.ItemDataRole.UserRole)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = option.rect
        if line.entry is None:
            painter.setPen(theme.color("text_faint"))
            font = painter.font()
            font.setBold(True)
            painter.setFont(font)
            painter.drawText(rect.adjusted(8, 6, -8, 0), _LEFT, line.title)
            painter.setPen(QPen(theme.color("border"), 1))
            begin = rect.left() + 16 + painter.fontMetrics().horizontalAdvance(line.title)
            painter.drawLine(begin, rect.center().y() + 4, rect.right() - 10, rect.center().y() + 4)
        else:
            _draw_entry(painter, rect, option.state, line.entry)
        painter.restore()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _draw_entry(painter: QPainter, rect: QRect, state: QStyle.StateFlag, entry: Entry) -> None:
    if state & QStyle.StateFlag.State_Selected:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("accent_soft"))
        painter.drawRoundedRect(QRectF(rect).adjusted(2, 1, -6, -1), 5, 5)
    inner = rect.adjusted(10, 5, -14, -4)
    upper = QRect(inner.x(), inner.y(), inner.width(), inner.height() // 2)
    lower = QRect(inner.x(), upper.bottom() + 1, inner.width(), inner.height() // 2)
    right = upper.right()
    if entry.warning:
        theme.icon("problems", "warn").paint(painter, QRect(right - 15, upper.y() + 1, 15, 15))
        right -= 22
    if entry.moves_mask and not entry.is_combination:
        painter.setPen(theme.color("text_faint"))
        words = "adds to the mask" if entry.marks else "moves the mask"
        width = painter.fontMetrics().horizontalAdvance(words)
        painter.drawText(QRect(right - width, upper.y(), width, upper.height()), _RIGHT, words)
        right -= width + 8
    painter.setPen(theme.color("text"))
    title = painter.fontMetrics().elidedText(entry.title, Qt.TextElideMode.ElideRight, right - upper.x())
    painter.drawText(QRect(upper.x(), upper.y(), right - upper.x(), upper.height()), _LEFT, title)
    painter.setPen(theme.color("text_muted"))
    summary = painter.fontMetrics().elidedText(entry.summary, Qt.TextElideMode.ElideRight, lower.width())
    painter.drawText(lower, _LEFT, summary)


def found_entries(entries: Iterable[Entry], text: str) -> list[Entry]:
    """The entries in which every typed word occurs: in title, class name, group or summary."""
    words = text.casefold().split()

    def said(entry: Entry) -> str:
        return f"{entry.title} {entry.name} {entry.group} {entry.summary}".casefold()

    return [entry for entry in entries if all(word in said(entry) for word in words)]


def _rank(entry: Entry, text: str) -> tuple[bool, bool, bool]:
    """How well an entry fits; the least fits best."""
    wanted, title = text.casefold().strip(), entry.title.casefold()
    return not title.startswith(wanted), wanted not in title, wanted not in entry.name.casefold()


def tooltip(entry: Entry) -> str:
    """What a transform does, its class in Albumentations, and what to think of before using it."""
    parts = [entry.summary, f"Albumentations: {entry.name}"]
    return "\n".join([*parts, entry.warning] if entry.warning else parts)
