"""Readers panel: how far other readers' masks are the same as one's own, sample by sample, the least first."""

from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QSizePolicy, QTableView, QVBoxLayout, QWidget

from segstudio.project.project import Project
from segstudio.project.readers import Agreement, agreement, means, readers
from segstudio.project.runs import Run
from segstudio.ui.background import Background
from segstudio.ui.form import Combo
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.rows_model import Index, RowsModel
from segstudio.ui.widgets import ElidedLabel, allow, push_button, row_table

if TYPE_CHECKING:
    from segstudio.ui.session import Session

_TOPICS = frozenset({"samples", "masks", "predictions", "runs"})


class _Table(NamedTuple):
    """What is shown: the readers, the one whose agreement it is, and her rows."""

    readers: list[Run]
    chosen: Run | None
    rows: list[Agreement]


class AgreementModel(RowsModel):
    """Samples and how far the two agree."""

    COLUMNS = ("Sample", "Dice", "Kappa", "Differ, px", "You", "They", "Their comment")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Agreement] = []

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:
        one = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            different = f"{one.different:,}".replace(",", "\u202f")
            return (
                one.image, _figure(one.dice), _figure(one.kappa), different, one.mine, one.theirs,
                " ".join(one.comment.split()),
            )[index.column()]  # fmt: skip
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{one.image}\n{one.comment}".strip()
        return None


class ReadersPanel(QWidget):
    """The table of agreement; Return or a double-click goes to a sample, N walks through what differs.

    Signals:
        sample_requested: The id of the sample that was chosen.
        walk_wanted: Told when the person wants to walk through the differences.
        import_wanted: Told when the person wants to import a bundle.
    """

    sample_requested = Signal(int)
    walk_wanted = Signal()
    import_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session: Session | None = None
        self._is_stale = False
        self._background = Background("readers", self)
        self.model = AgreementModel(self)
        self.table = self._make_table()
        self.box = Combo()
        self.box.setAccessibleName("Reader")
        self.box.setSizeAdjustPolicy(Combo.SizeAdjustPolicy.AdjustToContents)
        self.box.setMinimumWidth(180)
        self.box.setToolTip("Whose masks are held against yours")
        self.box.activated.connect(lambda _: self._choose())
        self.summary = ElidedLabel()
        self.summary.setProperty("muted", True)
        self.summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.walk_button = push_button(
            "Walk through", "Go from difference to difference, as from error to error, and take theirs or keep yours",
            self.walk_wanted.emit,
        )  # fmt: skip
        empty = Empty(
            "copy", "No other reader", "File ▸ Import from another reader takes in what File ▸ Export for another made."
        )
        content = QWidget()
        line = QHBoxLayout()
        line.addWidget(self.box)
        line.addWidget(self.summary, 1)
        line.addWidget(self.walk_button)
        column = QVBoxLayout(content)
        column.setContentsMargins(16, 8, 16, 10)
        column.addLayout(line)
        column.addWidget(self.table, 1)
        self._either = Either(content, empty)
        self.setLayout(self._either)

    @property
    def is_busy(self) -> bool:
        """Whether the table is being made."""
        return self._background.is_busy

    def set_session(self, session: "Session | None") -> None:
        """Show the readers of another project, or of none."""
        if self._session is not None:
            self._session.project_changed.disconnect(self._on_project_changed)
            self._background.wait(5)
        self._session = session
        if session is not None:
            session.project_changed.connect(self._on_project_changed)
        self._is_stale = True
        if self.isVisible() or session is None:
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

    def _read(self) -> None:
        self._is_stale = False
        session = self._session
        if session is None:
            self._show(_Table([], None, []))
            return
        project, wanted = session.project, self.box.currentData()

        def take(found: "Future[_Table]") -> None:
            if session is self._session and found.exception() is None:
                self._show(found.result())

        self._background.submit(lambda: _read(project, wanted), take)

    def _show(self, table: _Table) -> None:
        self._either.show_content(bool(table.readers))
        self.box.clear()
        for run in table.readers:
            self.box.addItem(f"{run.reader}  ·  run {run.name}", run.id)
        if table.chosen is not None:
            self.box.setCurrentIndex(self.box.findData(table.chosen.id))
        if table.rows != self.model.rows:
            row = self.table.currentIndex().row()
            self.model.show_rows(table.rows)
            if 0 <= row < len(table.rows):
                self.table.selectRow(row)
        mean = means(table.rows)
        same = mean["same_verdict"]
        words = [f"{len(table.rows)} samples", f"mean Dice {_figure(mean['dice'])}", f"kappa {_figure(mean['kappa'])}"]
        words += [] if same is None else [f"same verdict {100 * same:.0f} %"]
        self.summary.setText("  ·  ".join(words))
        allow(self.walk_button, (table.rows, "nobody else's masks are here: File ▸ Import from another reader"))

    def _choose(self) -> None:
        """Show another reader's masks in the panes too."""
        session, run_id = self._session, self.box.currentData()
        if session is not None and run_id is not None:
            session.show_run(run_id)
            self._read()

    def _make_table(self) -> QTableView:
        table = row_table(self.model, "Agreement", row_height=24)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.horizontalHeader().setSectionResizeMode(6, QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate((280, 64, 64, 90, 90, 90)):
            table.setColumnWidth(column, width)
        table.activated.connect(self._go)
        return table

    def _go(self, index: QModelIndex) -> None:
        self.sample_requested.emit(self.model.rows[index.row()].sample_id)


def _read(project: Project, wanted: int | None) -> _Table:
    """The table of a reader; of the one whose masks are shown, else the newest, when none is wanted."""
    found = readers(project)
    current = project.predictions.current()
    order = {current: 0, wanted: 1}
    chosen = min(found, key=lambda run: order.get(run.id, 2), default=None)
    return _Table(found, chosen, [] if chosen is None else agreement(project, chosen))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
