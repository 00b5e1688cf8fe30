"""The palette: one field that finds commands, samples, filters, runs, recipes and presets, and goes there.

It lies over the window and not in one of its own, so that no desktop puts it elsewhere. What can be found comes from
`Source`s; each is asked again for every letter that is typed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPointF,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGraphicsDropShadowEffect,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.fuzzy import match
from segstudio.ui import theme
from segstudio.ui.bindings import shown
from segstudio.ui.keyboard import as_latin
from segstudio.ui.keycaps import caps_width, draw_caps
from segstudio.ui.rows_model import Index
from segstudio.ui.widgets import ElidedLabel

WIDTH, ROW, ROWS = 640, 34, 11
MOST = 60
"""So many entries are listed at most."""

_SHARE = 0.4
"""What fits less well than this share of the best is left out."""

_ELSEWHERE = 14.0
"""What is found in the words of explanation counts so much less than what is found in the name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be found.

    Attributes:
        title: What it is called.
        run: Does it.
        kind: What kind of thing it is: "Sample".
        detail: A few more words.
        help: What is also searched, and shown for the chosen one.
        keys: Its keys.
        is_held: Whether they are held.
        icon: File in resources/icons.
        refusal: Why it cannot be done now; empty when it can.
        rank: Added to how well it fits: what is used most comes first.
    """

    title: str
    run: Callable[[], object]
    kind: str = ""
    detail: str = ""
    help: str = ""
    keys: tuple[str, ...] = ()
    is_held: bool = False
    icon: str = ""
    refusal: str = ""
    rank: float = 0.0


Source = Callable[[str], Iterable[Entry]]
"""Tells what may be found for what was typed; all it has for an empty text, or what is likeliest."""


@dataclass(frozen=True, slots=True)
class _Found:
    entry: Entry
    score: float
    places: tuple[int, ...]


def found(typed: str, sources: Iterable[Source]) -> list[_Found]:
    """The entries that fit, the best first; those of one score in the order of their sources."""
    result = []
    for source in sources:
        for entry in source(typed):
            here = _fit(typed, entry)
            if here is not None:
                result.append(here)
    result.sort(key=lambda one: -one.score)
    # Letters that lie here and there are no help where something fits as it was typed.
    least = _SHARE * result[0].score if result and typed.strip() else float("-inf")
    return [one for one in result[:MOST] if one.score >= least]


def _fit(typed: str, entry: Entry) -> _Found | None:
    rank = entry.rank - (3.0 if entry.refusal else 0.0)
    there = match(typed, entry.title)
    best = None if there is None else _Found(entry, (there.score if typed.strip() else 0.0) + rank, there.places)
    # Elsewhere, in the kind, the keys or the explanation, each word must stand as it is.
    text = f"{entry.title} {entry.kind} {entry.detail} {entry.help} {shown(entry.keys)}"
    words = typed.lower().split()
    if words and all(word in text.lower() for word in words):
        elsewhere = match(typed, text)
        if elsewhere is not None and (best is None or elsewhere.score + rank - _ELSEWHERE > best.score):
            places = () if there is None else there.places
            best = _Found(entry, elsewhere.score + rank - _ELSEWHERE, places)
    return best


class _Model(QAbstractListModel):
    """What was found."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: Sequence[_Found] = ()

    def show(self, rows: Sequence[_Found]) -> None:
        """List these."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.rows[index.row()].entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            parts = (entry.title, entry.kind, entry.detail, shown(entry.keys), entry.refusal)
            return ", ".join(part for part in parts if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.help
        return None


class _Delegate(QStyledItemDelegate):
    """Paints an entry: icon, name with the letters that were found, what it is, its keys."""

    def __init__(self, model: _Model, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(WIDTH, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = self._model.rows[index.row()]
        entry, rect = row.entry, QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent_soft"))
            painter.drawRoundedRect(rect.adjusted(4, 1, -4, -1), 5, 5)
        if entry.icon:
            icon = theme.icon(entry.icon, "text_faint" if entry.refusal else "text_muted")
            icon.paint(painter, QRect(rect.x() + 14, rect.center().y() - 8, 17, 17))
        inside = rect.adjusted(42, 0, -14, 0)
        if entry.keys:
            draw_caps(painter, inside, entry.keys, is_held=entry.is_held, is_faint=bool(entry.refusal))
            inside.setRight(inside.right() - caps_width(entry.keys, painter.font(), is_held=entry.is_held) - 10)
        x = self._draw_title(painter, inside, row)
        words = "  ·  ".join(part for part in (entry.kind, entry.detail, entry.refusal) if part)
        rest = QRect(x + 12, inside.y(), inside.right() - x - 12, inside.height())
        painter.setPen(theme.color("text_faint" if entry.refusal else "text_muted"))
        metrics = painter.fontMetrics()
        alignment = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            rest, int(alignment), metrics.elidedText(words, Qt.TextElideMode.ElideRight, max(rest.width(), 0))
        )
        painter.restore()

    def _draw_title(self, painter: QPainter, rect: QRect, row: _Found) -> int:
        """Draw the name, the letters that were found in bold; where it ends."""
        plain = QFont(painter.font())
        bold = QFont(plain)
        bold.setWeight(QFont.Weight.Bold)
        faint = bool(row.entry.refusal)
        marked, x = set(row.places), rect.x()
        title = QFontMetrics(plain).elidedText(
            row.entry.title, Qt.TextElideMode.ElideMiddle, max(rect.width() - 60, 80)
        )
        is_whole = title == row.entry.title
        for is_marked, run in _runs(title, marked if is_whole else set()):
            painter.setFont(bold if is_marked else plain)
            painter.setPen(theme.color("accent" if is_marked and not faint else "text_faint" if faint else "text"))
            wide = painter.fontMetrics().horizontalAdvance(run)
            painter.drawText(QRect(x, rect.y(), wide + 4, rect.height()), int(Qt.AlignmentFlag.AlignVCenter), run)
            x += wide
        painter.setFont(plain)
        return x


def _runs(text: str, marked: set[int]) -> list[tuple[bool, str]]:
    """The text in pieces of marked and other letters."""
    result: list[tuple[bool, str]] = []
    for place, letter in enumerate(text):
        is_marked = place in marked
        if result and result[-1][0] == is_marked:
            result[-1] = is_marked, result[-1][1] + letter
        else:
            result.append((is_marked, letter))
    return result


class Palette(QFrame):
    """The field and what it finds, over the window.

    Attributes:
        field: What is looked for.
        list: What was found.
    """

    def __init__(self, window: QWidget, back: Callable[[], object]) -> None:
        """Lie over a window; `back` gives the keys to the work again."""
        super().__init__(window)
        self._window = window
        self.setProperty("popup", True)
        self.setObjectName("palette")
        self.setAccessibleName("Search commands, samples, runs and more")
        self._sources: Sequence[Source] = ()
        self._back = back
        self._before: QWidget | None = None
        self._model = _Model(self)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Search commands, samples, filters, runs, recipes, presets")
        self.field.setAccessibleName("Search")
        self.field.setMinimumHeight(30)
        self.list = QListView()
        self.list.setModel(self._model)
        self.list.setItemDelegate(_Delegate(self._model, self))
        self.list.setAccessibleName("Found")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._words = ElidedLabel()
        self._words.setProperty("muted", True)
        self._words.setContentsMargins(14, 2, 14, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 6)
        layout.setSpacing(6)
        layout.addWidget(self.field)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._words)
        shadow = QGraphicsDropShadowEffect(self, blurRadius=28, offset=QPointF(0, 8))
        shadow.setColor(Qt.GlobalColor.black)
        self.setGraphicsEffect(shadow)
        self.field.textChanged.connect(lambda _text: self._search())
        self.field.installEventFilter(self)
        self.list.clicked.connect(lambda index: self._run(index.row()))
        self.list.selectionModel().currentChanged.connect(lambda *_: self._explain())
        window.installEventFilter(self)
        self.hide()

    def open(self, sources: Sequence[Source]) -> None:
        """Look through these, beginning with nothing typed."""
        self._sources = sources
        if not self.isVisible():
            self._before = QApplication.focusWidget()
        self.field.clear()
        self._search()
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_again(self, *, is_done: bool = False) -> None:
        """Hide; the keys go to the work, or back to where they were when nothing was chosen."""
        if not self.isVisible():
            return
        had_focus = self.field.hasFocus()
        self.hide()
        self._sources = ()  # they hold on to the open project
        self._model.show(())
        before, self._before = self._before, None
        if is_done or before is None or not before.isVisible():
            self._back()
        elif had_focus:
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    def titles(self) -> list[str]:
        """What was found, in order."""
        return [row.entry.title for row in self._model.rows]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._window:
            if kind == QEvent.Type.Resize and self.isVisible():
                self._place()
            return False
        if kind == QEvent.Type.FocusOut and self.isVisible() and QApplication.activePopupWidget() is None:
            self.close_again()
        if kind in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride) and isinstance(event, QKeyEvent):
            return self._key(event, is_press=kind == QEvent.Type.KeyPress)
        return False

    def _key(self, event: QKeyEvent, *, is_press: bool) -> bool:
        steps = {
            Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: ROWS - 1, Qt.Key.Key_PageUp: 1 - ROWS,
            Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1,
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key not in (*steps, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            return False
        event.accept()  # as an override: no command of the window has these keys meanwhile
        if is_press and key in steps:
            self._step(steps[key])
        elif is_press and key == Qt.Key.Key_Escape:
            self.close_again()
        elif is_press:
            self._run(self.list.currentIndex().row())
        return True

    def _step(self, by: int) -> None:
        count = self._model.rowCount()
        if not count:
            return
        row = self.list.currentIndex().row() + by
        row = row % count if abs(by) == 1 else min(max(row, 0), count - 1)
        self.list.setCurrentIndex(self._model.index(row))

    def _search(self) -> None:
        text = self.field.text()
        # Who has forgotten that the layout is Russian means the keys; what is called in Russian comes first.
        self._model.show(found(text, self._sources) or found(as_latin(text), self._sources))
        if self._model.rowCount():
            self.list.setCurrentIndex(self._model.index(0))
        self._explain()
        self._place()

    def _explain(self) -> None:
        row = self.list.currentIndex().row()
        if 0 <= row < self._model.rowCount():
            entry = self._model.rows[row].entry
            words = f"Not now: {entry.refusal}." if entry.refusal else entry.help
        else:
            words = "Nothing fits." if self.field.text() else ""
        self._words.setText(words)
        self.field.setAccessibleDescription(words)

    def _run(self, row: int) -> None:
        if not 0 <= row < self._model.rowCount():
            return
        entry = self._model.rows[row].entry
        if entry.refusal:
            self._words.setText(f"Not now: {entry.refusal}.")
            return
        self.close_again(is_done=True)
        entry.run()

    def _place(self) -> None:
        window = self._window
        rows = min(max(self._model.rowCount(), 1), ROWS)
        tall = 8 + 6 + self.field.sizeHint().height() + 12 + rows * ROW + self._words.sizeHint().height() + 12
        wide = min(WIDTH + 16, window.width() - 40)
        self.setGeometry((window.width() - wide) // 2, min(90, window.height() // 10), wide, tall)
