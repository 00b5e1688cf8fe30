"""Lint panel: every mask and prediction whose shape is unusual, the worst first."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from segstudio.project.lint import Finding
from segstudio.project.project import Project
from segstudio.project.topics import Topics
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.project_list import ProjectList
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.widgets import READ_ONLY, allow, muted, push_button

if TYPE_CHECKING:
    from segstudio.ui.session import Session

NOT_CHECKED = ("Nothing unusual is known", "Check masks compares their shapes with what is usual here.")


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


class LintPanel(ProjectList[list[Finding]]):
    """A ranked list; a double-click or Return goes to the sample.

    Signals:
        count_changed: How many findings there are, for a badge.
        rules_wanted: Told when the person wants to see the rules.
    """

    count_changed = Signal(int)
    rules_wanted = Signal()

    TOPICS: ClassVar[Topics] = frozenset({"samples", "masks", "predictions", "settings"})
    HAS_BADGE: ClassVar[bool] = True
    WIDTHS = (64, 280, 86)

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(LintModel(), "Unusual masks", "lint", [], parent)
        self._queue = queue
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

    def set_session(self, session: "Session | None") -> None:
        """Show what is unusual in another project, or in none."""
        self._empty.set_text(*NOT_CHECKED)
        super().set_session(session)

    def _take_end(self, record: JobRecord) -> None:
        """Say what was looked at: an empty list alone does not tell whether anything was."""
        is_ours = self._session is not None and record.project == self._session.project.folder
        if is_ours and record.job == "lint" and record.state == JobState.FINISHED:
            checked = " and ".join(f"{count} {what}" for what, count in record.result["checked"].items())
            self._empty.set_text("Nothing unusual", f"{checked} looked at: none breaks a rule. Rules… says which.")

    def _reading(self, project: Project) -> Callable[[], list[Finding]]:
        return project.lint.findings

    def _show(self, findings: list[Finding]) -> None:
        is_writable = self._session is not None and not self._session.project.read_only
        for button in (self.masks_button, self.predictions_button):
            allow(button, (is_writable, READ_ONLY))
        self.rules_button.setEnabled(self._session is not None)
        self._summary.setText(f"{len(findings)} unusual" if findings else "")
        self._either.show_content(bool(findings))
        if self._show_rows(findings):
            self.count_changed.emit(len(findings))

    def _check_masks(self) -> None:
        self._check("masks", "Check masks")

    def _check_predictions(self) -> None:
        self._check("predictions", "Check predictions")

    def _check(self, what: str, title: str) -> None:
        if self._session is not None:
            self._session.save_now(wait=True)
            self._queue.submit("lint", {"what": what}, title, self._session.project.folder)
