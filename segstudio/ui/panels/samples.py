"""The samples panel: the list, its filter and its order, and the way from one sample to the next."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QObject,
    QStringListModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QAction, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QCompleter,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.errors import UserError
from segstudio.core.sample import ReviewState, Split
from segstudio.core.wording import count_text
from segstudio.project.filter import compile_filter
from segstudio.project.sample_table import STATES, SampleTable
from segstudio.project.sorting import sorted_rows
from segstudio.project.topics import Topics
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.combo import Combo
from segstudio.ui.panels.samples_model import IdRole, Rows, SampleDelegate, SamplesModel, row_height
from segstudio.ui.session import Session
from segstudio.ui.widgets import ElidedLabel, link, muted, set_property, text_button

SORTS: tuple[tuple[str, str], ...] = (
    ("iou", "Worst IoU"),
    ("uncertainty", "Most uncertain"),
    ("work", "Most work"),
    ("suspicion", "Suspicious truth"),
    ("lint", "Most unusual"),
    ("unseen", "Longest unseen"),
    ("changed", "Most changed"),
    ("name", "Name"),
    ("state", "State"),
    ("split", "Split"),
    ("dice", "Worst Dice"),
)
"""Keys of project.sorting with the words for them."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("Without a verdict", "state:todo"),
    ("Corrected or accepted", "state:corrected,accepted"),
    ("Flagged", "state:flagged"),
    ("Test split", "split:test"),
    ("Bad predictions", "iou<0.8"),
    ("Uncertain predictions", "uncertainty>0.2"),
    ("Suspicious masks", "suspicion>0.5"),
    ("Unusual masks", "lint>0"),
    ("Never on screen", "seen:no"),
    ("Name contains", "name:*lens*"),
    ("Without a mask", "mask:no"),
    ("Empty masks", "foreground=0"),
    ("Unreadable", "problem:yes"),
    ("With a comment", "comment:?*"),
    ("Not rejected", "-state:rejected"),
)

_WORDS = [
    *(f"state:{state}" for state in ReviewState),
    *(f"split:{split}" for split in Split),
    *(
        "iou<",
        "dice<",
        "precision<",
        "recall<",
        "uncertainty>",
        "work>",
        "suspicion>0.5",
        "lint>0",
        "foreground=0",
        "foreground>",
        "name:",
        "group:",
    ),
    *("fold_iou<", "unseen>7", "seen:no", "seen:yes"),
    *("comment:", "reviewer:", "seconds>"),
    *("mask:no", "mask:yes", "problem:yes", "problem:no", "revision>0", "width>", "height>"),
]
_TOPICS: Topics = frozenset({"samples", "masks", "predictions"})
_TYPING_MS = 150


@dataclass(frozen=True, eq=False)
class _Query:
    """What shall be listed."""

    text: str
    sort: str
    keeps_order: bool


@dataclass(frozen=True, eq=False)
class _Answer:
    """What is listed: the rows of a table that fit, in order; and how many have only hidden figures to be found by."""

    query: _Query
    table: SampleTable
    rows: Rows
    left_out: int


class SamplesPanel(QFrame):
    """The list of samples at the left of the window.

    The order stays as it is while the person works, also when a sample does not fit the filter any more; a button then
    offers to list anew. New predictions, another filter and another order list anew at once.

    Attributes:
        chosen: Told the id of the sample that the person went to.
        listed: Told after the list became another.
        query_changed: Told after the person changed filter or order.
        left: Told when the person is done with the filter and wants the keys for the work again.
        chosen_count_changed: Told how many samples are selected.
    """

    chosen = Signal(int)
    listed = Signal()
    query_changed = Signal()
    left = Signal()
    chosen_count_changed = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._session = session
        self._background = Background("list", self)
        self._current: int | None = None
        self._is_first_wanted = False
        self._shown_words = self._short_words = ""
        self._chosen_count = 0
        self._last: Rows = np.empty(0, np.intp)
        self.model = SamplesModel(self)
        self._build()
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._query_by_person)
        self.filter_edit.textEdited.connect(lambda _: self._typing.start())
        self.filter_edit.returnPressed.connect(self.left)
        self.filter_edit.installEventFilter(self)
        self.view.viewport().installEventFilter(self)
        self.sort_box.activated.connect(lambda _: self._query_by_person())
        self.view.selectionModel().currentChanged.connect(self._choose_current)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show_chosen())
        session.project_changed.connect(self._reload)
        session.predicted.connect(self.refresh)
        session.opening.connect(self._follow)
        session.thumbnails.ready.connect(self.model.repaint_sample)
        theme.notifier().changed.connect(self._dress)
        self._dress()

    # what others ask

    @property
    def filter_text(self) -> str:
        """The filter as it was written."""
        return self.filter_edit.text()

    @property
    def sort(self) -> str:
        """The key of the order."""
        return str(self.sort_box.currentData())

    @property
    def is_busy(self) -> bool:
        """Whether the list is being made."""
        return self._background.is_busy or self._typing.isActive()

    def set_filter(self, text: str) -> None:
        """List what fits `text`."""
        self.filter_edit.setText(text)
        self._query_by_person()

    def set_sort(self, key: str) -> None:
        """List in another order, named by its key in SORTS."""
        self.sort_box.setCurrentIndex(max(0, self.sort_box.findData(key)))
        self._query_by_person()

    def restore(self, text: str, sort: str) -> None:
        """List as the person did last time; unlike `set_filter` and `set_sort` it is no wish of theirs now."""
        self.filter_edit.setText(text)
        self.sort_box.setCurrentIndex(max(0, self.sort_box.findData(sort)))
        self.refresh()

    def select(self, sample_id: int) -> None:
        """Mark the row of a sample, if it is listed, and bring it into view."""
        self._current = sample_id
        row = self.model.row_of(sample_id)
        index = self.model.index(row) if row is not None else QModelIndex()
        if index != self.view.currentIndex():
            was_blocked = self.view.selectionModel().blockSignals(True)
            # Not `view.setCurrentIndex`: that selects more while Shift or Ctrl of the key that led here is held.
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.view.selectionModel().setCurrentIndex(index, flags)
            self.view.selectionModel().blockSignals(was_blocked)
            self._show_chosen()
            self.view.viewport().update()
        if index.isValid():
            self.view.scrollTo(index)
            # Once more when the list knows its size: before that it cannot scroll.
            QTimer.singleShot(0, self, self._bring_into_view)

    def _bring_into_view(self) -> None:
        index = self.view.currentIndex()
        if index.isValid():
            self.view.scrollTo(index)

    def select_first(self) -> None:
        """Go to the first sample, as soon as the list is made."""
        self._is_first_wanted = True
        if not self.is_busy:
            self._go_to_first()

    def ids(self) -> list[int]:
        """The ids of the listed samples, in order."""
        return [int(sample_id) for sample_id in self.model.ids()]

    def step(self, by: int) -> None:
        """Go `by` rows further; stays at the ends."""
        count = self.model.rowCount()
        row = self._current_row()
        target = min(max(0 if row is None else row + by, 0), count - 1)
        if count and target != row:
            self.chosen.emit(int(self.model.ids()[target]))

    def go_to_next(self, state: ReviewState) -> bool:
        """Go to the next sample of a review state, from the top again after the end; False when no other is of it."""
        todo = np.flatnonzero(self.model.states() == STATES.index(state))
        row = self._current_row()
        row = -1 if row is None else row
        todo = todo[todo != row]
        if not todo.size:
            return False
        later = todo[todo > row]
        self.chosen.emit(int(self.model.ids()[later[0] if later.size else todo[0]]))
        return True

    def chosen_ids(self) -> list[int]:
        """The samples that a command is about: those selected, in order, when several are; else the one on screen."""
        ids = self.model.ids()
        rows = [row for area in self._selected() for row in range(area.top(), area.bottom() + 1)]
        if len(rows) > 1:
            return [int(ids[row]) for row in sorted(rows)]
        return [] if self._session.sample is None else [self._session.sample.id]

    def sample_before(self) -> int | None:
        """The sample one row up; None at the top."""
        row = self._current_row()
        return int(self.model.ids()[row - 1]) if row else None

    def neighbours(self) -> list[int]:
        """The samples that the person will most likely go to next, the likeliest first."""
        row = self._current_row()
        if row is None:
            return []
        ids = self.model.ids()
        return [int(ids[one]) for one in (row + 1, row - 1, row + 2) if 0 <= one < len(ids)]

    def refresh(self) -> None:
        """List anew."""
        self._ask(keeps_order=False)

    def has_all_thumbnails(self) -> bool:
        """Whether every sample in sight has its picture."""
        view = self.view.viewport().rect()
        first, last = self.view.indexAt(view.topLeft()), self.view.indexAt(view.bottomLeft())
        end = last.row() if last.isValid() else self.model.rowCount() - 1
        samples = [self.model.sample(row) for row in range(max(0, first.row()), end + 1)]
        return all(one.problem or self._session.thumbnails.pixmap(one) is not None for one in samples)

    def close_threads(self) -> None:
        """Let the background finish; call it before the project is closed."""
        self._typing.stop()
        self._background.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape in the filter: first it is emptied, then it is left. A list of another height keeps its sample."""
        if watched is self.view.viewport() and isinstance(event, QResizeEvent):
            if event.oldSize().height() != event.size().height():
                QTimer.singleShot(0, self, self._bring_into_view)
            return False
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            if self.filter_edit.text():
                self._clear_filter()
            else:
                self.left.emit()
            return True
        return False

    # what happens

    def _clear_filter(self) -> None:
        self.set_filter("")

    def _reload(self, topics: Topics) -> None:
        if topics & _TOPICS:
            self._ask(keeps_order=True)

    def _query_by_person(self) -> None:
        self._typing.stop()
        self._ask(keeps_order=False)
        self.query_changed.emit()

    def _ask(self, *, keeps_order: bool) -> None:
        query = _Query(self.filter_edit.text(), self.sort, keeps_order)
        samples = self._session.project.samples

        def answer() -> _Answer:
            table = samples.table()
            wanted = compile_filter(query.text)
            rows = sorted_rows(table, wanted.rows(table), query.sort)
            return _Answer(query, table, rows, wanted.left_out(table))

        self._background.submit(answer, self._take)

    def _take(self, future: "Future[_Answer]") -> None:
        error = future.exception()
        self._show_error(error)
        if error is None:
            self._show(future.result())

    def _show_error(self, error: BaseException | None) -> None:
        if error is not None and not isinstance(error, UserError):
            raise error
        self.error_label.setText(error.message.partition(" (in the filter")[0] if error else "")
        self.error_label.setToolTip(str(error) if error else "")
        self.error_label.setVisible(error is not None)
        set_property(self.filter_edit, "invalid", error is not None)

    def _show(self, answer: _Answer) -> None:
        rows = answer.rows
        shown = self.model.ids()
        if answer.query.keeps_order and len(shown):
            rows = answer.table.indices_of(shown)
        self._last = rows
        was_blocked = self.view.selectionModel().blockSignals(True)
        is_rebuilt = self.model.show(answer.table, rows)
        self.view.selectionModel().blockSignals(was_blocked)
        self._show_count(answer, is_stale=not np.array_equal(rows, answer.rows))
        if is_rebuilt and self._current is not None:
            self.select(self._current)
        if self._is_first_wanted and not self._background.is_busy:
            self._go_to_first()
        self.listed.emit()

    def _show_count(self, answer: _Answer, *, is_stale: bool) -> None:
        shown, count = self.model.rowCount(), len(answer.table)
        # Beside the button that orders anew there is no room for the last word.
        self._shown_words = f"{shown:,} of {count:,}{'' if is_stale else ' shown'}".replace(",", "\u202f")
        self._short_words = f"{shown:,} / {count:,}".replace(",", "\u202f")
        self._show_chosen()
        self.stale_button.setVisible(is_stale)
        self.left_out_label.setText(f"Without {count_text(answer.left_out, 'test sample')}: figures hidden")
        self.left_out_label.setVisible(answer.left_out > 0 and shown > 0)
        self.empty_label.setVisible(shown == 0)
        self.clear_button.setVisible(shown == 0 and count > 0)
        self.view.setVisible(shown > 0)
        self.empty_label.setText(_none_listed(answer.table))

    def _selected(self) -> list[QItemSelectionRange]:
        """What is selected, as areas: there may be 100,000 rows in one."""
        return list(cast(Iterable[QItemSelectionRange], self.view.selectionModel().selection()))

    def _show_chosen(self) -> None:
        count = sum(area.height() for area in self._selected())
        self.count_label.setText(f"{count:,} selected".replace(",", "\u202f") if count > 1 else self._shown_words)
        self.count_label.set_short("" if count > 1 else self._short_words)
        if count != self._chosen_count:
            self._chosen_count = count
            self.chosen_count_changed.emit(count)

    def _follow(self, sample_id: int) -> None:
        self._is_first_wanted = False  # somebody may have gone elsewhere before the list was there
        self.select(sample_id)

    def _go_to_first(self) -> None:
        self._is_first_wanted = False
        if self.model.rowCount():
            self.chosen.emit(int(self.model.ids()[0]))

    def _choose_current(self, current: QModelIndex, _previous: QModelIndex) -> None:
        sample_id = current.data(IdRole)
        if sample_id is not None and sample_id != self._current:
            self._current = sample_id
            self.chosen.emit(sample_id)

    def _current_row(self) -> int | None:
        return None if self._current is None else self.model.row_of(self._current)

    # how it looks

    def _dress(self) -> None:
        self.view.viewport().update()
        self.stale_button.setIcon(theme.icon("retry", "accent"))

    def _build(self) -> None:
        self.filter_edit = QLineEdit()
        self.filter_edit.setPlaceholderText("Filter, e.g. state:todo iou<0.8")
        self.filter_edit.setClearButtonEnabled(True)
        self.filter_edit.setAccessibleName("Filter")
        self.filter_edit.setCompleter(_WordCompleter(self.filter_edit))
        self.filter_edit.addAction(self._examples(), QLineEdit.ActionPosition.LeadingPosition)
        self.sort_box = Combo()
        self.sort_box.setToolTip("Order of the list")
        self.sort_box.setAccessibleName("Order")
        for key, words in SORTS:
            self.sort_box.addItem(words, key)
        self.error_label = QLabel()
        self.error_label.setWordWrap(True)
        self.error_label.setProperty("error", True)
        self.error_label.hide()
        self.left_out_label = muted()
        self.left_out_label.setToolTip(
            "The filter asks how right the predictions are. On the test split that is hidden until somebody asks, "
            "which is counted: View ▸ Show test figures"
        )
        self.left_out_label.hide()
        self.count_label = ElidedLabel()
        self.count_label.setProperty("muted", True)
        self.stale_button = text_button("", "List anew: some samples changed and no longer fit filter or order")
        self.stale_button.setAccessibleName("List anew")
        self.stale_button.clicked.connect(self.refresh)
        self.stale_button.hide()
        self.empty_label = muted()
        self.empty_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty_label.hide()
        self.clear_button = link("Show all samples", "Empty the filter  (Esc in its field)")
        self.clear_button.clicked.connect(lambda _=False: self._clear_filter())
        self.clear_button.hide()
        self.view = self._list()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 9, 4, 4)
        layout.setSpacing(6)
        layout.addWidget(self.filter_edit)
        line = QHBoxLayout()
        line.addWidget(self.count_label, 1)
        line.addWidget(self.stale_button)
        line.addWidget(self.sort_box)
        layout.addLayout(line)
        layout.addWidget(self.error_label)
        layout.addWidget(self.left_out_label)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.empty_label, 1, Qt.AlignmentFlag.AlignBottom)
        layout.addWidget(self.clear_button, 1, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)

    def _list(self) -> QTableView:
        # A table of one column, not a QListView: that asks the model for every row when it lays them out, which takes
        # half a second for 100,000 of them; a table knows how high its rows are.
        view = QTableView(self)
        view.setAccessibleName("Samples")
        view.setProperty("samples", True)
        view.setModel(self.model)
        view.setItemDelegate(SampleDelegate(self.model, self._session.thumbnails, view))
        view.horizontalHeader().hide()
        view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        view.verticalHeader().hide()
        view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        view.verticalHeader().setDefaultSectionSize(row_height())
        view.setShowGrid(False)
        view.setTabKeyNavigation(False)
        view.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        view.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        view.verticalScrollBar().setSingleStep(20)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setMouseTracking(True)
        view.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        return view

    def _examples(self) -> QAction:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for words, text in EXAMPLES:
            menu.addAction(f"{words}\t{text}", partial(self.set_filter, text))
        action = QAction(theme.icon("filter", "text_muted"), "Filters", self)
        action.setToolTip(
            "A space means “and”, a comma “or”, a minus “not”.\n"
            "Fields: state split name group iou dice precision recall uncertainty work suspicion fold_iou foreground\n"
            "width height revision unseen (days) comment reviewer seconds; \n"
            "mask:yes|no problem:yes|no seen:yes|no; a bare word is looked for in the name."
        )
        action.triggered.connect(lambda: menu.popup(self.filter_edit.mapToGlobal(self.filter_edit.rect().bottomLeft())))
        return action


def _none_listed(table: SampleTable) -> str:
    """Why the list is empty."""
    if not len(table):
        return "This project has no samples."
    if table.hidden.any():
        return "No sample fits the filter.\nFigures of the test split are hidden:\nView ▸ Show test figures"
    return "No sample fits the filter."


class _WordCompleter(QCompleter):
    """Completes the last word of the filter."""

    def __init__(self, edit: QLineEdit) -> None:
        super().__init__(edit)
        self.setModel(QStringListModel(_WORDS, self))
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._edit = edit
        if (popup := self.popup()) is not None:
            popup.setProperty("popup", True)  # for the style sheet

    def splitPath(self, path: str) -> list[str]:
        return [path.rpartition(" ")[2].removeprefix("-")]

    def pathFromIndex(self, index: Any) -> str:
        before, space, last = self._edit.text().rpartition(" ")
        return f"{before}{space}{'-' if last.startswith('-') else ''}{super().pathFromIndex(index)}"
