"""Tables of a few lines of words in a view that scrolls as a whole; a line may stand for a sample."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QObject, Qt
from PySide6.QtWidgets import QHeaderView, QTableView

from segstudio.ui import theme
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.widgets import row_table

ROW_HEIGHT = 26

MOST_ROWS = 8
"""So many lines of a table are seen at once; more are scrolled to."""


class TableModel(RowsModel):
    """Lines of words; a line may stand for a sample."""

    def __init__(self, columns: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: Sequence[tuple[tuple[str, ...], int | None]] = ()

    def show_rows(
        self, rows: Sequence[tuple[tuple[str, ...], int | None]], columns: Sequence[str] | None = None
    ) -> None:
        """Show other lines, each with the id of its sample or None, perhaps under other titles."""
        self.beginResetModel()
        self.rows = rows
        if columns is not None:
            self.columns = tuple(columns)
        self.endResetModel()

    def sample_at(self, row: int) -> int | None:
        """The sample that a line stands for."""
        return self.rows[row][1]

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        words = self.rows[index.row()][0]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return words[index.column()] if index.column() < len(words) else ""
        return None


def lines_table(model: TableModel, name: str, opened: Callable[[int], object]) -> QTableView:
    """A table of these lines, called `name`; `opened` is told the id of the sample whose line was double-clicked."""
    table = row_table(model, name, row_height=theme.by_font(ROW_HEIGHT))
    table.setTextElideMode(Qt.TextElideMode.ElideLeft)  # the end of a path tells more than its beginning
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)

    def open_row(index: QModelIndex) -> None:
        sample_id = model.sample_at(index.row())
        if sample_id is not None:
            opened(sample_id)

    # Where one click activates, the second one does not open it once more.
    table.activated.connect(open_row)
    return table


def fit(table: QTableView) -> None:
    """Make it as high as its lines, up to MOST_ROWS of them."""
    count = min(table.model().rowCount(), MOST_ROWS)
    table.setFixedHeight(theme.by_font(ROW_HEIGHT) * count + table.horizontalHeader().sizeHint().height() + 4)
