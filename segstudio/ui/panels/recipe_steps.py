"""The steps of a recipe as a list: ticked, taken up and dropped elsewhere with the mouse, or moved with Alt+Up/Down."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFocusEvent, QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from segstudio.augmentation.places import Place, Steps, step_at
from segstudio.augmentation.recipe import Step, walk
from segstudio.core.percentage import percent
from segstudio.ui import theme
from segstudio.ui.rows_model import Index

ROW = 32
INDENT = 20
BOX = 16
"""Side of a check box."""

GRIP = 14
"""Room on the left for the dots by which a step is taken up."""

_MARKS = {"error": ("problems", "bad"), "warning": ("problems", "warn"), "note": ("info", "text_muted")}


class Row(NamedTuple):
    """One line of the list.

    Attributes:
        place: Where the step stands in the recipe.
        step: The step.
        title: What the catalogue calls it.
        share: How often it is applied, in words.
        mark: The gravest finding of the safety check: "error", "warning", "note" or "".
        finding: That finding in words.
        is_active: Whether it and all that hold it are enabled.
    """

    place: Place
    step: Step
    title: str
    share: str
    mark: str
    finding: str
    is_active: bool


class StepsModel(QAbstractListModel):
    """Every step of a recipe, those inside a combination below it."""

    toggled = Signal(object, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []

    def show_rows(self, rows: list[Row]) -> None:
        """Show other steps; the selection of the same rows stays."""
        if [row.place for row in rows] == [row.place for row in self.rows]:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def row_of(self, place: Place) -> int | None:
        """The line of a step, or None."""
        return next((number for number, row in enumerate(self.rows) if row.place == place), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.title
            case Qt.ItemDataRole.AccessibleTextRole:
                words = f"{row.title}, {row.share}" + ("" if row.step.is_enabled else ", disabled")
                return f"{words}. {row.finding}" if row.finding else words
            case Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if row.step.is_enabled else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.ToolTipRole:
                return row.finding or None
            case Qt.ItemDataRole.UserRole:
                return row
        return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        row = self.rows[index.row()]
        self.toggled.emit(row.place, not row.step.is_enabled)
        return True


class StepsList(QListView):
    """The list.

    Attributes:
        chosen: Told the place of the step that the person went to.
        toggled: Told (place, is_enabled) after a click on a check box, or Space.
        moved: Told (place, target): the step was dropped before what stands at `target`.
        stepped: Told -1 or 1 when the step shall go up or down (Alt+Up, Alt+Down).
        duplicated: Told when the step shall be there twice (Ctrl+D).
        removed: Told when the step shall go (Delete).
        added: Told when there shall be another step (Insert).
        model_: The rows.
    """

    chosen = Signal(object)
    toggled = Signal(object, bool)
    moved = Signal(object, object)
    stepped = Signal(int)
    duplicated = Signal()
    removed = Signal()
    added = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_ = StepsModel(self)
        self.setModel(self.model_)
        self.setItemDelegate(_StepDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setAccessibleName("Steps of the recipe")
        self.setAccessibleDescription("Space ticks a step, Alt+Up and Alt+Down move it, Delete takes it out")
        self._pressed: tuple[Place, QPoint] | None = None
        self._dragged: Place | None = None
        self._target: Place | None = None
        self._is_showing = False
        self.model_.toggled.connect(self.toggled)
        self.selectionModel().currentChanged.connect(self._tell)
        theme.notifier().changed.connect(self.viewport().update)

    def show_steps(
        self,
        steps: Steps,
        selected: Place,
        titles: Mapping[str, str],
        findings: Mapping[Place, tuple[str, str]],
    ) -> None:
        """Show the steps of a recipe.

        Args:
            steps: The steps.
            selected: Place of the one that is selected.
            titles: What the catalogue calls the transforms; their names in words where it does not say.
            findings: The gravest finding of each place: its severity and its words.
        """
        self._is_showing = True
        rows = []
        for place, step in walk(steps):
            holder = step_at(steps, place[:-1]) if len(place) > 1 else None
            is_active = all(_is_enabled(steps, place[: depth + 1]) for depth in range(len(place)))
            mark, words = findings.get(place, ("", ""))
            title = titles.get(step.transform) or in_words(step.transform)
            rows.append(Row(place, step, title, share_text(step, holder), mark, words, is_active))
        self.model_.show_rows(rows)
        number = self.model_.row_of(selected)
        self.setCurrentIndex(self.model_.index(number) if number is not None else QModelIndex())
        self._is_showing = False
        if number is not None:
            self.scrollTo(self.model_.index(number))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(300, ROW * max(3, len(self.model_.rows)) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, ROW * 3)

    def box_rect(self, row: int) -> QRect:
        """Where the check box of a line is, in the viewport."""
        return _box_rect(self.visualRect(self.model_.index(row)), self.model_.rows[row])

    # --- the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            super().mousePressEvent(event)
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        row = self.model_.rows[index.row()]
        if self.box_rect(index.row()).adjusted(-4, -6, 4, 6).contains(event.position().toPoint()):
            self.toggled.emit(row.place, not row.step.is_enabled)
            return
        self._pressed = (row.place, event.position().toPoint())
        self.setCurrentIndex(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        spot = event.position().toPoint()
        if self._pressed is None:
            super().mouseMoveEvent(event)
            self.viewport().update()
            return
        place, begin = self._pressed
        if self._dragged is None and (spot - begin).manhattanLength() >= QApplication.startDragDistance():
            self._dragged = place
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        if self._dragged is not None:
            self._target = self._target_at(spot)
            self._scroll_near_edges(spot)
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragged, target = self._dragged, self._target
        self._end_drag()
        if dragged is not None and target is not None:
            self.moved.emit(dragged, target)
        elif dragged is None:
            super().mouseReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._end_drag()
        super().focusOutEvent(event)

    def _end_drag(self) -> None:
        self._pressed = self._dragged = self._target = None
        self.viewport().unsetCursor()
        self.viewport().update()

    def _scroll_near_edges(self, spot: QPoint) -> None:
        bar, edge = self.verticalScrollBar(), ROW // 2
        if spot.y() < edge:
            bar.setValue(bar.value() - 6)
        elif spot.y() > self.viewport().height() - edge:
            bar.setValue(bar.value() + 6)

    def _target_at(self, spot: QPoint) -> Place | None:
        """Before which place a step would land that is dropped here; None where it would not move."""
        assert self._dragged is not None
        target = self._place_below(spot)
        same_row = target[: len(self._dragged)] == self._dragged
        after = (*self._dragged[:-1], self._dragged[-1] + 1)
        return None if same_row or target == after else target

    def _place_below(self, spot: QPoint) -> Place:
        rows = self.model_.rows
        for number, row in enumerate(rows):
            rect = self.visualRect(self.model_.index(number))
            is_inside = rect.top() <= spot.y() <= rect.bottom()
            if row.step.is_combination and is_inside and rect.top() + 8 < spot.y() <= rect.bottom():
                return (*row.place, 0)  # on a combination: into it
            if spot.y() < rect.center().y():
                return row.place
            is_last_inside = number + 1 == len(rows) or len(rows[number + 1].place) < len(row.place)
            if is_last_inside and len(row.place) > 1 and is_inside and spot.x() > rect.left() + INDENT + GRIP:
                return (*row.place[:-1], row.place[-1] + 1)  # behind the last one in a combination
        if not rows:
            return (0,)
        return (rows[-1].place[0] + 1,)

    # --- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key == Qt.Key.Key_Escape and self._dragged is not None:
            self._end_drag()
        elif modifiers == Qt.KeyboardModifier.AltModifier and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.stepped.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and not modifiers:
            self.removed.emit()
        elif key == Qt.Key.Key_Insert and not modifiers:
            self.added.emit()
        elif key == Qt.Key.Key_D and modifiers == Qt.KeyboardModifier.ControlModifier:
            self.duplicated.emit()
        elif key == Qt.Key.Key_Space and not modifiers and self.currentIndex().isValid():
            self.model_.setData(self.currentIndex(), None, Qt.ItemDataRole.CheckStateRole)
        else:
            super().keyPressEvent(event)

    def _tell(self, current: QModelIndex) -> None:
        if current.isValid() and not self._is_showing:
            self.chosen.emit(self.model_.rows[current.row()].place)

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._target is None:
            return
        y, x = self._line_of(self._target)
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("accent"), 2))
        painter.drawLine(QPointF(x + 6, y), QPointF(self.viewport().width() - 6, y))
        painter.setBrush(theme.color("panel"))
        painter.drawEllipse(QPointF(x + 4, y), 3.5, 3.5)
        painter.end()

    @property
    def dragged(self) -> Place | None:
        """The step that is being carried."""
        return self._dragged

    def _line_of(self, target: Place) -> tuple[float, float]:
        """Where the line is drawn that says where the step will land: y and x."""
        number = self.model_.row_of(target)
        indent = (len(target) - 1) * INDENT
        if number is not None:
            rect = self.visualRect(self.model_.index(number))
            return max(rect.top(), 2), rect.left() + indent
        last = max((n for n, row in enumerate(self.model_.rows) if row.place < target), default=0)
        rect = self.visualRect(self.model_.index(last))
        return min(rect.bottom() + 1, self.viewport().height() - 2), rect.left() + indent


class _StepDelegate(QStyledItemDelegate):
    """Draws a line: dots, check box, title, mark of the safety check, share."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(Qt.ItemDataRole.UserRole)
        view = self.parent()
        assert isinstance(row, Row)
        assert isinstance(view, StepsList)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        is_hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _draw_ground(painter, rect, state, has_focus=view.hasFocus())
        faint = 0.35 if view.dragged == row.place else 1.0
        painter.setOpacity(faint)
        if is_hovered and view.dragged is None:
            _draw_grip(painter, rect, row)
        _draw_box(painter, _box_rect(rect, row), is_checked=row.step.is_enabled, is_active=row.is_active)
        text = "text" if row.is_active else "text_faint"
        right = rect.right() - 10
        painter.setPen(theme.color("text_muted" if row.is_active else "text_faint"))
        width = painter.fontMetrics().horizontalAdvance(row.share)
        painter.drawText(QRect(right - width, rect.y(), width, rect.height()), _RIGHT, row.share)
        right -= width + 10
        if row.mark:
            icon, token = _MARKS[row.mark]
            theme.icon(icon, token).paint(painter, QRect(right - 16, rect.center().y() - 7, 16, 16))
            right -= 22
        left = _box_rect(rect, row).right() + 10
        font = QFont(painter.font())
        font.setItalic(row.step.is_combination)
        painter.setFont(font)
        painter.setPen(theme.color(text))
        title = painter.fontMetrics().elidedText(row.title, Qt.TextElideMode.ElideRight, right - left)
        painter.drawText(QRect(left, rect.y(), right - left, rect.height()), _LEFT, title)
        painter.restore()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def _box_rect(rect: QRect, row: Row) -> QRect:
    left = rect.left() + GRIP + (len(row.place) - 1) * INDENT
    return QRect(left, rect.center().y() - BOX // 2 + 1, BOX, BOX)


def _draw_ground(painter: QPainter, rect: QRect, state: QStyle.StateFlag, *, has_focus: bool) -> None:
    is_selected = bool(state & QStyle.StateFlag.State_Selected)
    if not is_selected and not state & QStyle.StateFlag.State_MouseOver:
        return
    painter.setPen(QPen(theme.color("accent"), 1) if is_selected and has_focus else QPen(Qt.PenStyle.NoPen))
    painter.setBrush(theme.color("accent_soft" if is_selected else "hover"))
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 1.5, -0.5, -0.5), 5, 5)


def _draw_grip(painter: QPainter, rect: QRect, row: Row) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("text_faint"))
    left = rect.left() + 4.5 + (len(row.place) - 1) * INDENT
    for column in range(2):
        for line in range(3):
            painter.drawEllipse(QPointF(left + 4 * column, rect.center().y() - 3.5 + 4 * line), 1.1, 1.1)


def _draw_box(painter: QPainter, rect: QRect, *, is_checked: bool, is_active: bool) -> None:
    fill = QColor(theme.color("accent_pressed" if is_active else "text_faint")) if is_checked else theme.color("raised")
    painter.setPen(QPen(fill if is_checked else theme.color("border_strong"), 1))
    painter.setBrush(fill)
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
    if is_checked:
        painter.setPen(QPen(QColor(255, 255, 255), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap,
                            Qt.PenJoinStyle.RoundJoin))  # fmt: skip
        x, y = rect.x(), rect.y()
        painter.drawPolyline([QPointF(x + 4, y + 8.4), QPointF(x + 6.9, y + 11.2), QPointF(x + 12, y + 5)])


def _is_enabled(steps: Steps, place: Place) -> bool:
    step = step_at(steps, place)
    return step is not None and step.is_enabled


def in_words(transform: str) -> str:
    """The name of a class as words: "RandomFog" becomes "Random fog"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", transform)
    return words[:1] + words[1:].lower()


def share_text(step: Step, holder: Step | None) -> str:
    """How often a step is applied: "70 %", or its weight among those of which one is chosen."""
    if holder is not None and holder.transform == "OneOf":
        total = sum(one.p for one in holder.active)
        return percent(step.p / total) if total and step.is_enabled else "–"
    return f"{step.p:.3g}" if 0 < step.p < 0.005 else percent(step.p)
