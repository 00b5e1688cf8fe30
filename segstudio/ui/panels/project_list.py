"""What the panels that list samples of the open project, with what is known of each, have in common."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from segstudio.project.project import Project
from segstudio.project.topics import Topics
from segstudio.ui.background import EXPECTED, Background
from segstudio.ui.rows_model import RowsModel
from segstudio.ui.widgets import row_table

if TYPE_CHECKING:
    from segstudio.ui.session import Session

F = TypeVar("F")


class ProjectList(QWidget, Generic[F]):
    """A list that is read in the background, and anew when it is seen after a change; F is what is read.

    A double-click or Return goes to the sample.

    Signals:
        sample_requested: The id of the sample that was chosen.

    Attributes:
        TOPICS: The changes of the project after which the list is read anew.
        HAS_BADGE: Whether its length is shown elsewhere: then another project's is read unseen.
        WIDTHS: Of the columns, in pixels; the one after them has the rest.
        model: Each of its rows has a `sample_id`.
    """

    sample_requested = Signal(int)

    TOPICS: ClassVar[Topics]
    HAS_BADGE: ClassVar[bool] = False
    WIDTHS: ClassVar[tuple[int, ...]]

    def __init__(self, model: RowsModel, name: str, thread: str, nothing: F, parent: QWidget | None = None) -> None:
        """An empty list.

        Args:
            model: Its rows.
            name: What the table is called.
            thread: What the thread is called that reads it.
            nothing: What is shown without a project.
            parent: Qt parent.
        """
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session: Session | None = None
        self._nothing = nothing
        self._is_stale = False
        self._background = Background(thread, self)
        self.model = model
        model.setParent(self)
        self.table = row_table(model, name, row_height=24)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.horizontalHeader().setSectionResizeMode(len(self.WIDTHS), QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate(self.WIDTHS):
            self.table.setColumnWidth(column, width)
        self.table.activated.connect(self._go)

    @property
    def is_busy(self) -> bool:
        """Whether the list is being read."""
        return self._background.is_busy

    def set_session(self, session: "Session | None") -> None:
        """Show the list of another project, or of none."""
        before, self._session = self._session, session
        if before is not None:
            before.project_changed.disconnect(self._on_project_changed)
            self._background.wait(5)
        if session is not None:
            session.project_changed.connect(self._on_project_changed)
        self._is_stale = True
        if session is None or self.isVisible() or self.HAS_BADGE:
            self._read()

    def close_threads(self) -> None:
        """Read no more."""
        self._background.close()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._read()

    def _on_project_changed(self, topics: Topics) -> None:
        if topics & self.TOPICS:
            self._is_stale = not self.isVisible()
            if not self._is_stale:
                self._read()

    def _read(self) -> None:
        self._is_stale = False
        session = self._session
        if session is None:
            self._show(self._nothing)
            return

        def take(found: "Future[F]") -> None:
            if session is self._session and not isinstance(found.exception(), EXPECTED):
                self._show(found.result())

        self._background.submit(self._reading(session.project), take)

    def _reading(self, project: Project) -> Callable[[], F]:
        """What the thread does to read the list."""
        raise NotImplementedError

    def _show(self, found: F) -> None:
        """Show what was read."""
        raise NotImplementedError

    def _show_rows(self, rows: Sequence[Any]) -> bool:
        """Fill the table, and keep the selected line; False when it has these rows already."""
        if rows == self.model.rows:
            return False
        row = self.table.currentIndex().row()
        self.model.show_rows(rows)
        if 0 <= row < len(rows):
            self.table.selectRow(row)
        return True

    def _go(self, index: QModelIndex) -> None:
        self.sample_requested.emit(self.model.rows[index.row()].sample_id)
