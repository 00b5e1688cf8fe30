"""The table of pairs: every image with its mask and why, what needs a look first."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, Qt
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from segstudio.ui import theme
from segstudio.ui.dataset_preview import Row
from segstudio.ui.rows_model import Index

_COLUMNS = ("Image", "Mask", "Why")


class _Model(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: Sequence[Row] = ()
        self._shared = 0

    def show_rows(self, rows: Sequence[Row]) -> None:
        self.beginResetModel()
        self._rows = rows
        self._shared = _shared_folders(rows)
        self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        is_title = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return _COLUMNS[section] if is_title else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows[index.row()]
        texts = (row.image, row.mask or "–", row.problem or row.how)
        if role == Qt.ItemDataRole.ToolTipRole:
            return texts[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            is_path = index.column() != 2
            return texts[index.column()].split("/", self._shared)[-1] if is_path else self._short_reason(texts[2])
        if role == Qt.ItemDataRole.ForegroundRole and row.problem and index.column() == 2:
            return theme.color("warn")
        return None

    def _short_reason(self, text: str) -> str:
        """Without the folders that are left out of the other columns too."""
        path = next((path for row in self._rows for path in (row.image, row.mask) if path), "")
        shared = path.split("/")[: self._shared]
        return text.replace("/".join(shared) + "/", "", 1) if shared else text


def _shared_folders(rows: Sequence[Row]) -> int:
    """How many leading folders all paths have in common; nobody needs to read these on every line."""
    folders = {tuple(path.split("/")[:-1]) for row in rows for path in (row.image, row.mask) if "/" in path}
    if not folders or any("/" not in path for row in rows for path in (row.image, row.mask) if path):
        return 0
    first, last = min(folders), max(folders)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


class PairingTable(QTableView):
    """Rows of a Preview; as many as there are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _Model(self)
        self.setModel(self._model)
        self.setAccessibleName("Pairs of images and masks")
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setHighlightSections(False)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows."""
        self._model.show_rows(rows)
