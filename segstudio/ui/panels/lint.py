"""Lint panel: every mask and prediction whose shape is unusual, the worst first."""

from concurrent.futures import Future
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QTableView, QVBoxLayout, QWidget

from segstudio.project.lint import Finding
from segstudio.ui.background import Background
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.rows_model import Index, RowsModel
from segstudio.ui.widgets import READ_ONLY, allow, muted, push_button, row_table

if TYPE_CHECKING:
    from segstudio.ui.session import Session

NOT_CHECKED = ("Nothing unusual is known", "Check masks compares their shapes with what is usual here.")

_TOPICS = frozenset({"samples", "masks", "predictions", "settings"})


class LintModel(RowsModel):
    """Samples and what is unusual about them."""

    COLUMNS = ("Score", "Sample", "Of", "What is unusual")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Finding] = []

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        one = self.rows[index.row()]
        of = "mask" if one.what == "masks" else "prediction"
        if role == Qt.ItemDataRole.DisplayRole:
            return (f"{one.score:.2f}", one.image, of, "; ".join(one.words))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{one.image}\n" + "\n".join(one.words)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if role == Qt.ItemDataRole.ToolTipRole and section == 0:
            return "How unusual: more for each rule that is broken, and for how far it is missed; 0 is usual"
        return super().headerData(section, orientation, role)


class LintPanel(QWidget):
    """A ranked list; a double-click or Return goes to the sample.

    Signals:
        count_changed: How many findings there are, for a badge.
        sample_requested: The id of the sample that was chosen.
        rules_wanted: Told when the person wants to see the rules.
    """

    count_changed = Signal(int)
    sample_requested = Signal(int)
    rules_wanted = Signal()

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._queue = queue
        self._session: Session | None = None
        self._is_stale = False
        self._background = Background("lint", self)
        self.model = LintModel(self)
        self.table = self._make_table()
        self._summary = muted()
        self.masks_button = push_button("Check masks", "Judge the shapes of all masks by the rules", self._check_masks)
        self.predictions_button = push_button(
            "Check predictions", "Judge the shapes of all predictions of the run that is shown", self._check_predictions
        )
        self.rules_button = push_button("Rules…", "What is usual in this project", self.rules_wanted.emit)
        self._empty = Empty("check", *NOT_CHECKED)
        self._either = Either(self.table, self._empty)
        row = QHBoxLayout()
        row.addWidget(self._summary)
        row.addStretch(1)
        for button in (self.masks_button, self.predictions_button, self.rules_button):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 10)
        column.addLayout(row)
        column.addLayout(self._either, 1)
        queue.ended.connect(self._take_end)
        self._show([])

    @property
    def is_busy(self) -> bool:
        """Whether the list is being read."""
        return self._background.is_busy

    def set_session(self, session: "Session | None") -> None:
        """Show what is unusual in another project, or in none."""
        if self._session is not None:
            self._session.project_changed.disconnect(self._on_project_changed)
            self._background.wait(5)
        self._session = session
        self._empty.set_text(*NOT_CHECKED)
        if session is not None:
            session.project_changed.connect(self._on_project_changed)
        self._read()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_stale:
            self._read()

    def _on_project_changed(self, topics: frozenset[str]) -> None:
        if topics & _TOPICS:
            self._is_stale = not self.isVisible()
            if not self._is_stale:
                self._read()

    def _take_end(self, record: JobRecord) -> None:
        """Say what was looked at: an empty list alone does not tell whether anything was."""
        is_ours = self._session is not None and record.project == self._session.project.folder
        if is_ours and record.job == "lint" and record.state == JobState.FINISHED:
            checked = " and ".join(f"{count} {what}" for what, count in record.result["checked"].items())
            self._empty.set_text("Nothing unusual", f"{checked} looked at: none breaks a rule. Rules… says which.")

    def _read(self) -> None:
        self._is_stale = False
        session = self._session
        if session is None:
            self._show([])
            return
        project = session.project

        def take(found: "Future[list[Finding]]") -> None:
            if session is self._session and found.exception() is None:
                self._show(found.result())

        self._background.submit(project.lint.findings, take)

    def _show(self, findings: list[Finding]) -> None:
        before = self.model.rows
        is_writable = self._session is not None and not self._session.project.read_only
        for button in (self.masks_button, self.predictions_button):
            allow(button, (is_writable, READ_ONLY))
        self.rules_button.setEnabled(self._session is not None)
        self._summary.setText(f"{len(findings)} unusual" if findings else "")
        self._either.show_content(bool(findings))
        if findings != before:
            row = self.table.currentIndex().row()
            self.model.show_rows(findings)
            if 0 <= row < len(findings):
                self.table.selectRow(row)
            self.count_changed.emit(len(findings))

    def _make_table(self) -> QTableView:
        table = row_table(self.model, "Unusual masks", row_height=24)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.horizontalHeader().setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate((64, 280, 86)):
            table.setColumnWidth(column, width)
        table.activated.connect(self._go)
        return table

    def _go(self, index: QModelIndex) -> None:
        self.sample_requested.emit(self.model.rows[index.row()].sample_id)

    def _check_masks(self) -> None:
        self._check("masks", "Check masks")

    def _check_predictions(self) -> None:
        self._check("predictions", "Check predictions")

    def _check(self, what: str, title: str) -> None:
        if self._session is not None:
            self._session.save_now(wait=True)
            self._queue.submit("lint", {"what": what}, title, self._session.project.folder)
