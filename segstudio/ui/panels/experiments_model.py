"""The list of experiments of one kind, as a table of two lines a row."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from PySide6.QtCore import QObject, Qt

from segstudio.project.experiments import Experiment
from segstudio.ui import theme
from segstudio.ui.rows_model import Index, RowsModel

E = TypeVar("E", bound=Experiment)


class ExperimentsModel(RowsModel, Generic[E]):
    """Experiments of one kind, the newest first: number, what came out, what it is; two lines each.

    Attributes:
        TOKENS: The colours of what may come out.
        WIDEST: The widest words for what came out.
    """

    TOKENS: ClassVar[dict[str, str]]
    WIDEST: ClassVar[str]

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[E] = ()
        self._running: int | None = None

    def show_experiments(self, rows: Sequence[E], running: int | None) -> None:
        """Show other rows; `running` is the one that is being made."""
        self.beginResetModel()
        self.rows, self._running = rows, running
        self.endResetModel()

    def row_of(self, number: int | None) -> int | None:
        """The row of an experiment, or None."""
        return next((row for row, one in enumerate(self.rows) if one.id == number), None)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        one, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return (one.name, self._outcome(one), self._about(one))[column]
        if role == Qt.ItemDataRole.ForegroundRole and column == 1:
            return theme.color(self.TOKENS.get(self._verdict(one), "text" if one.is_finished else "text_muted"))
        return self._about(one) if role == Qt.ItemDataRole.ToolTipRole else None

    def _outcome(self, one: E) -> str:
        if one.id == self._running:
            return "running"
        return self._found(one) if one.is_finished else "unfinished"

    def _verdict(self, one: E) -> str:
        """The word of `TOKENS` for what came out; empty when there is none yet."""
        raise NotImplementedError

    def _found(self, one: E) -> str:
        """What came out of one that is finished."""
        raise NotImplementedError

    def _about(self, one: E) -> str:
        """What it is, and since when."""
        raise NotImplementedError
