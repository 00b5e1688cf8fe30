"""Readers panel: how far other readers' masks are the same as one's own, sample by sample, the least first."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from segstudio.core.wording import count_text
from segstudio.project.project import Project
from segstudio.project.readers import Agreement, agreement, means, readers
from segstudio.project.runs import Run
from segstudio.project.topics import Topics
from segstudio.ui.combo import Combo
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.project_list import ProjectList
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.widgets import ElidedLabel, allow, push_button


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


class ReadersPanel(ProjectList[_Table]):
    """The table of agreement; Return or a double-click goes to a sample, N walks through what differs.

    Signals:
        walk_wanted: Told when the person wants to walk through the differences.
    """

    walk_wanted = Signal()

    TOPICS: ClassVar[Topics] = frozenset({"samples", "masks", "predictions", "runs"})
    WIDTHS = (280, 64, 64, 90, 90, 90)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(AgreementModel(), "Agreement", "readers", _Table([], None, []), parent)
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

    def _reading(self, project: Project) -> Callable[[], _Table]:
        wanted = self.box.currentData()
        return lambda: _read(project, wanted)

    def _show(self, table: _Table) -> None:
        self._either.show_content(bool(table.readers))
        self.box.clear()
        for run in table.readers:
            self.box.addItem(f"{run.reader}  ·  run {run.name}", run.id)
        if table.chosen is not None:
            self.box.setCurrentIndex(self.box.findData(table.chosen.id))
        self._show_rows(table.rows)
        mean = means(table.rows)
        words = [
            count_text(len(table.rows), "sample"),
            f"mean Dice {_figure(mean.dice)}",
            f"kappa {_figure(mean.kappa)}",
        ]
        if mean.same_verdict is not None:
            words.append(f"same verdict {100 * mean.same_verdict:.0f} % of {mean.both_judged} that both have judged")
        self.summary.setText("  ·  ".join(words))
        allow(self.walk_button, (table.rows, "nobody else's masks are here: File ▸ Import from another reader"))

    def _choose(self) -> None:
        """Show another reader's masks in the panes too."""
        session, run_id = self._session, self.box.currentData()
        if session is not None and run_id is not None:
            session.show_run(run_id)
            self._read()


def _read(project: Project, wanted: int | None) -> _Table:
    """The table of a reader; of the one whose masks are shown, else the newest, when none is wanted."""
    found = readers(project)
    current = project.predictions.current()
    order = {current: 0, wanted: 1}
    chosen = min(found, key=lambda run: order.get(run.id, 2), default=None)
    return _Table(found, chosen, [] if chosen is None else agreement(project, chosen))


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
