"""Problems panel: each file that could not be used, with its reason; from the project and from this window's jobs."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.wording import count_text
from segstudio.project.problems import Problem
from segstudio.project.topics import Topics
from segstudio.ui.job_queue import JobQueue
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.widgets import muted, push_button, row_table

if TYPE_CHECKING:
    from segstudio.ui.session import Session


class ProblemsModel(RowsModel):
    """Files and reasons."""

    COLUMNS = ("File", "What is wrong", "Found by")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[tuple[Problem, str]] = []

    def problem(self, row: int) -> Problem:
        """The problem in a row."""
        return self.rows[row][0]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        problem, finder = self.rows[index.row()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole}:
            return (problem.path, problem.reason, finder)[index.column()]
        return None


class ProblemsPanel(QWidget):
    """Every bad file with its reason.

    Signals:
        count_changed: How many problems there are, for a badge.
        sample_requested: The id of the sample whose problem was double-clicked.
    """

    count_changed = Signal(int)
    sample_requested = Signal(int)

    def __init__(self, session: "Session | None", queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.queue = queue
        self.session: Session | None = None
        self._stored: list[Problem] = []
        self._noted: dict[tuple[str, str], str] = {}  # (subject, reason) -> title of the job
        # A job may note thousands of files in one go.
        self._refresh = QTimer(self, singleShot=True, interval=100)
        self._refresh.timeout.connect(self._show)
        self.model = ProblemsModel(self)
        self.table = self._make_table()
        self._summary = muted()
        self._open_file = push_button("Open file", "Open it with the program of the system", self._show_file)
        self._open_folder = push_button("Open folder", "Open the folder that it lies in", self._show_folder)
        self._clear = push_button("Clear", "Empty the list; what is still wrong will be found again", self.clear)
        empty = Empty("check", "No problems", "Files that cannot be read or used are listed here, with the reason.")
        self._either = Either(self._make_content(), empty)
        self.setLayout(self._either)
        queue.noted.connect(self._on_noted)
        self.set_session(session)

    def _make_table(self) -> QTableView:
        table = row_table(self.model, "Problems", row_height=24)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(0, 300)
        table.setColumnWidth(2, 130)
        table.doubleClicked.connect(self._on_double_clicked)
        table.selectionModel().selectionChanged.connect(self._enable_buttons)
        return table

    def _make_content(self) -> QWidget:
        content = QWidget()
        row = QHBoxLayout()
        row.addWidget(self._summary)
        row.addStretch(1)
        for button in (self._open_file, self._open_folder, self._clear):
            row.addWidget(button)
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 8, 16, 10)
        column.addLayout(row)
        column.addWidget(self.table, 1)
        return content

    @property
    def count(self) -> int:
        """How many problems there are."""
        return self.model.rowCount()

    def set_session(self, session: "Session | None") -> None:
        """Show the problems of another project, or of none."""
        if self.session is not None:
            self.session.project_changed.disconnect(self._on_project_changed)
        self.session = session
        self._noted.clear()
        if session is not None:
            session.project_changed.connect(self._on_project_changed)
        self._read()
        self._show()

    def clear(self) -> None:
        """Forget all but what is still wrong with a sample."""
        self._noted.clear()
        if self.session is not None and not self.session.project.read_only:
            self.session.project.problems.clear()
        self._read()
        self._show()

    def _on_project_changed(self, topics: Topics) -> None:
        if "problems" in topics:
            self._read()
            self._refresh.start()

    def _on_noted(self, job_id: str, subject: str, text: str) -> None:
        record = self.queue[job_id]
        if self.session is not None and record.project == self.session.project.folder:
            self._noted[subject, text] = record.title
            self._refresh.start()

    def _read(self) -> None:
        self._stored = [] if self.session is None else self.session.project.problems.list()

    def _show(self) -> None:
        rows = [(problem, "project") for problem in self._stored]
        known = {(problem.path, problem.reason) for problem in self._stored}
        rows += [(Problem(*key), finder) for key, finder in self._noted.items() if key not in known]
        before = self.model.rowCount()
        self.model.show_rows(rows)
        self._either.show_content(bool(rows))
        self._summary.setText(count_text(len(rows), "file"))
        self._enable_buttons()
        if len(rows) != before:
            self.count_changed.emit(len(rows))

    def _enable_buttons(self) -> None:
        is_selected = self.table.currentIndex().isValid()
        self._open_file.setEnabled(is_selected)
        self._open_folder.setEnabled(is_selected)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        problem = self.model.problem(index.row())
        if problem.sample_id is not None:
            self.sample_requested.emit(problem.sample_id)
        else:
            self._show_file()

    def selected_path(self) -> Path | None:
        """The file of the selected problem, as far as it can be told."""
        index = self.table.currentIndex()
        if not index.isValid():
            return None
        return self._resolved(self.model.problem(index.row()).path)

    def _resolved(self, text: str) -> Path:
        roots = [] if self.session is None else [self.session.project.source, self.session.project.folder]
        return first_existing(root / text for root in [*roots, Path()])

    def _show_file(self) -> None:
        if (path := self.selected_path()) is not None:
            _open(path if path.exists() else nearest_folder(path))

    def _show_folder(self) -> None:
        if (path := self.selected_path()) is not None:
            _open(nearest_folder(path))


def first_existing(paths: Iterable[Path]) -> Path:
    """The first path that exists, or the first of all."""
    candidates = list(paths)
    return next((path for path in candidates if path.exists()), candidates[0])


def nearest_folder(path: Path) -> Path:
    """The folder of a file, or the nearest one above it that exists."""
    return next((folder for folder in path.absolute().parents if folder.is_dir()), Path.cwd())


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
