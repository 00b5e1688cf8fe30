"""The history of the sample on screen: each edit with its time, what it added and removed, and a picture of the place.

The newest is at the top, what was undone above it and faint; edits of what is ignored stand among those of the mask and
say so. A click goes to mask and ignored region as they were right after an edit. What the edits did is found in a
thread, a moment after the last one, and once for each.
"""

from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QImage, QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from segstudio.core.changes import Change, changes
from segstudio.core.document import Document
from segstudio.core.edit import Edit
from segstudio.core.timeline import Timeline
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.canvas.layers import ADDED, IGNORED, REMOVED, Colour
from segstudio.ui.rows_model import Index
from segstudio.ui.session import Session
from segstudio.ui.times import when_text

ROW = 46
REST_MS = 250
"""What an edit did is looked for so long after it."""

MOST = 400
"""What the last so many edits did is shown; those before have a name and a time."""

OF_IGNORED = "ignored region"
"""What is said of an edit that changed what is ignored."""

KEPT: Colour = (0x77, 0x82, 0x92)
"""What was foreground before and after, in pictures of changes."""


class HistoryModel(QAbstractListModel):
    """The edits of a sample, the newest first, and how it was before all of them.

    Attributes:
        edits: One a row; None is before all edits.
        current: The row of the last edit that holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.edits: list[Edit | None] = []
        self.current = 0
        self._ignoring: frozenset[int] = frozenset()
        self._known: dict[int, tuple[Edit, Change, QImage]] = {}

    def show(self, timeline: Timeline, mask: Document | None) -> None:
        """Show these steps; those of another document than the mask are of what is ignored."""
        self.beginResetModel()
        steps = [*reversed(timeline.future), *reversed(timeline.past)]
        self.edits = [*(step.edit for step in steps), None] if steps else []
        self.current = len(timeline.future)
        self._ignoring = frozenset(id(step.edit) for step in steps if step.document is not mask)
        alive = {id(step.edit) for step in steps}
        self._known = {key: known for key, known in self._known.items() if key in alive}
        self.endResetModel()

    def is_of_ignored(self, row: int) -> bool:
        """Whether the edit of a row changed what is ignored, not the mask."""
        return id(self.edits[row]) in self._ignoring

    def learn(self, edits: list[Edit], found: dict[int, Change]) -> None:
        """What some edits did is known now."""
        for edit in edits:
            if id(edit) in found:
                colours = (KEPT, IGNORED, REMOVED) if id(edit) in self._ignoring else (KEPT, ADDED, REMOVED)
                self._known[id(edit)] = edit, found[id(edit)], _drawn(found[id(edit)], colours)
        if self.edits:
            self.dataChanged.emit(self.index(0), self.index(len(self.edits) - 1))

    @property
    def known(self) -> dict[int, Change]:
        """What edits did, by their ids."""
        return {key: change for key, (_, change, _) in self._known.items()}

    def change(self, row: int) -> Change | None:
        """What the edit of a row did, when it is known."""
        known = self._known.get(id(self.edits[row]))
        return None if known is None else known[1]

    def picture(self, row: int) -> QImage | None:
        """The place of the edit of a row, when it is known."""
        known = self._known.get(id(self.edits[row]))
        return None if known is None else known[2]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.edits)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        edit = self.edits[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return "Before these edits" if edit is None else edit.label
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self.words(index.row())
        return None

    def words(self, row: int) -> str:
        """All that is known of a row, in one line."""
        edit, change = self.edits[row], self.change(row)
        parts = [str(self.data(self.index(row)))]
        if edit is not None:
            parts += [OF_IGNORED] if self.is_of_ignored(row) else []
            parts += [_when(edit)] if edit.made is not None else []
            parts += [_counts(change)] if change is not None else []
        parts += ["undone"] if row < self.current else ["where you are"] if row == self.current else []
        return "  ·  ".join(parts)


class _Row(QStyledItemDelegate):
    """One edit: picture, name and time, what it added and removed."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, ROW if self._model(index).edits[index.row()] is not None else ROW * 2 // 3)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model, row = self._model(index), index.row()
        edit, change, picture = model.edits[row], model.change(row), model.picture(row)
        rect: QRect = option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        ground = rect.adjusted(1, 1, -1, -1)
        if row == model.current or state & (QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_HasFocus):
            painter.setBrush(theme.color("accent_soft" if row == model.current else "hover"))
            painter.drawRoundedRect(ground, 5, 5)
        if row < model.current:
            painter.setOpacity(0.45)
        place = QRect(rect.x() + 5, rect.y() + (rect.height() - 36) // 2, 36, 36)
        if edit is not None:
            painter.setBrush(theme.color("canvas"))
            painter.drawRoundedRect(place, 4, 4)
        if picture is not None:
            size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            shown = QRect(place.x() + (36 - size.width()) // 2, place.y() + (36 - size.height()) // 2,
                          size.width(), size.height())  # fmt: skip
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(shown, picture)
        self._write(painter, rect.adjusted(48, 5, -8, -5), model, row, change)
        painter.restore()

    def _write(self, painter: QPainter, rect: QRect, model: HistoryModel, row: int, change: Change | None) -> None:
        edit, font = model.edits[row], painter.font()
        middle, left, right = (Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight)
        upper = rect if edit is None else QRect(rect.x(), rect.y(), rect.width(), rect.height() // 2)
        lower = QRect(rect.x(), upper.bottom() + 1, rect.width(), rect.height() // 2)
        when = "" if edit is None else _when(edit)
        painter.setPen(theme.color("text_muted"))
        painter.drawText(upper, int(middle | right), when)
        room = upper.width() - painter.fontMetrics().horizontalAdvance(when) - 8
        bold = QFont(font)
        bold.setBold(row == model.current)
        painter.setFont(bold)
        painter.setPen(theme.color("text"))
        name = painter.fontMetrics().elidedText(str(model.data(model.index(row))), Qt.TextElideMode.ElideRight, room)
        painter.drawText(upper, int(middle | left), name)
        painter.setFont(font)
        if model.is_of_ignored(row):
            painter.setPen(theme.color("text_muted"))
            painter.drawText(lower, int(middle | right), OF_IGNORED)
        if change is None:
            return
        parts = [(f"+{_grouped(change.added)}", "good")] if change.added else []
        parts += [(f"−{_grouped(change.removed)}", "bad")] if change.removed else []
        for words, token in (*parts, ("px" if parts else "", "text_muted")):
            painter.setPen(theme.color(token))
            painter.drawText(lower, int(middle | left), words)
            lower = lower.adjusted(painter.fontMetrics().horizontalAdvance(words) + 6, 0, 0, 0)

    def _model(self, index: Index) -> HistoryModel:
        model = index.model()
        assert isinstance(model, HistoryModel)
        return model


class HistoryList(QListView):
    """The list.

    Attributes:
        wanted: Told the Edit after which the person wants to be, or None for before all of them.
        history: What is listed.
    """

    wanted = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._thread = Background("history", self)
        self._is_closed = False
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._look)
        self.history = HistoryModel()
        self.setModel(self.history)
        self.setItemDelegate(_Row(self))
        self.setAccessibleName("History of the sample")
        self.setMouseTracking(True)
        self.setUniformItemSizes(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(2 * ROW)
        self.clicked.connect(self._go)
        session.sample_changed.connect(lambda _sample: self._show())
        session.history_changed.connect(self._show)
        theme.notifier().changed.connect(self.viewport().update)
        self._show()

    @property
    def is_busy(self) -> bool:
        """Whether it is not known yet what some edits did."""
        return self._rest.isActive() or self._thread.is_busy

    def close_threads(self) -> None:
        """End the thread, soon."""
        self._is_closed = True
        self._rest.stop()
        self._thread.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._go(self.currentIndex())
        elif event.key() == Qt.Key.Key_Escape:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _go(self, index: QModelIndex) -> None:
        if index.isValid() and index.row() != self.history.current:
            self.wanted.emit(self.history.edits[index.row()])

    def _show(self) -> None:
        had, row = self.hasFocus(), self.currentIndex().row()
        self.history.show(self._session.timeline, self._session.document)
        if had and 0 <= row < len(self.history.edits):
            self.setCurrentIndex(self.history.index(row))
        if self.history.edits:
            self.scrollTo(self.history.index(self.history.current))
            if not self._is_closed:
                self._rest.start()

    def _look(self) -> None:
        """Find what the edits did that are new."""
        documents = self._session.timeline.documents
        if not documents or not self.isVisible():
            return
        if self._thread.is_busy or any(one.is_stroke_open for one in documents):
            self._rest.start()
            return
        for document in documents:
            self._look_at(document)

    def _look_at(self, document: Document) -> None:
        past, future, known = document.history.past[-MOST:], document.history.future[:MOST], self.history.known
        edits = [*past, *future]
        if all(id(edit) in known for edit in edits):
            return
        mask = document.snapshot().mask

        def is_wanted() -> bool:
            return not self._is_closed and document in self._session.timeline.documents

        def take(future_: "Future[dict[int, Change]]") -> None:
            if document in self._session.timeline.documents:
                self.history.learn(edits, future_.result())

        self._thread.submit(lambda: changes(mask, past, future, known, is_wanted), take)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self.history.edits:
            self._rest.start()


def _drawn(change: Change, colours: tuple[Colour, Colour, Colour]) -> QImage:
    """The picture of a change, in the colours of what was kept, what came and what went."""
    shares = change.picture.astype(np.float32) / 255
    rgb = shares @ np.array(colours, np.float32)
    pixels = np.ascontiguousarray(np.clip(rgb, 0, 255).astype(np.uint8))
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _when(edit: Edit) -> str:
    if edit.made is None:
        return ""
    return when_text(datetime.fromtimestamp(edit.made, UTC).isoformat()).removeprefix("today ")


def _counts(change: Change) -> str:
    return f"+{_grouped(change.added)} −{_grouped(change.removed)} px"


def _grouped(count: int) -> str:
    return f"{count:,}".replace(",", "\u202f")
