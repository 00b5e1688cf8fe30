"""The runs as a table shows them."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QFont

from segstudio.project.runs import Run
from segstudio.ui import theme
from segstudio.ui.panels.run_words import epochs_text, figure
from segstudio.ui.rows_model import Index, RowsModel

TOKENS = {
    "running": "accent",
    "finished": "good",
    "stopped": "warn",
    "failed": "bad",
    "lost": "bad",
    "cancelled": "text_faint",
}
"""Colour of each status."""


class RunsModel(RowsModel):
    """The runs, the newest first.

    The columns are those for which the narrowest panel has room; the words below the table say the rest.
    """

    COLUMNS = ("Run", "Val IoU", "Test IoU", "Status", "Epochs")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Run] = ()
        self._tests: dict[int, float] = {}
        self._current: int | None = None
        self._champion: int | None = None

    def show_runs(self, runs: Sequence[Run], current: int | None, champion: int | None = None) -> None:
        """Show other runs, the newest first.

        Args:
            runs: Which.
            current: The one whose predictions are shown in the window.
            champion: The one that is used where none is named.
        """
        self.beginResetModel()
        self.rows, self._current, self._champion = runs, current, champion
        self.endResetModel()

    def show_tests(self, tests: dict[int, float]) -> None:
        """Show the IoU on the test split by run, where it has been measured."""
        self._tests = tests
        column = self.COLUMNS.index("Test IoU")
        if self.rows:
            self.dataChanged.emit(self.index(0, column), self.index(len(self.rows) - 1, column))

    def run_at(self, row: int) -> Run:
        """The run in a row."""
        return self.rows[row]

    def row_of(self, run_id: int | None) -> int | None:
        """The row of a run, or None."""
        return next((row for row, run in enumerate(self.rows) if run.id == run_id), None)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        run = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(run, self.COLUMNS[index.column()])
            case Qt.ItemDataRole.ForegroundRole if self.COLUMNS[index.column()] == "Status":
                return theme.color(TOKENS.get(run.status, "text_muted"))
            case Qt.ItemDataRole.FontRole if run.id == self._current:
                font = QFont()
                font.setBold(True)
                return font
            case Qt.ItemDataRole.DecorationRole if run.id == self._champion and index.column() == 0:
                return theme.icon("champion", "warn")
            case Qt.ItemDataRole.ToolTipRole:
                shown = "Its predictions are shown now. " if run.id == self._current else ""
                title = "The champion: used where no run is named. " if run.id == self._champion else ""
                if self.COLUMNS[index.column()] == "Test IoU":
                    return (
                        "As it was measured last; Details ▸ Measure measures it anew, which is counted as a look."
                        if run.id in self._tests
                        else "Not looked at: Details ▸ Measure on the test split does, and counts the look."
                    )
                return title + shown + run.message or None
        return None

    def _text(self, run: Run, column: str) -> str:
        match column:
            case "Run":
                return run.name
            case "Val IoU":
                return figure(run.best_val_iou)
            case "Test IoU":
                return figure(self._tests.get(run.id))
            case "Status":
                return "reader" if run.is_reader else run.status
        return "" if run.is_reader else epochs_text(run)
