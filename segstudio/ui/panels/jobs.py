"""Jobs panel: the queue, how far each job is, what it said, cancel, retry, and which of the waiting ones comes next."""

from collections.abc import Sequence

from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QModelIndex,
    QObject,
    QRect,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QKeySequence, QPainter, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QSplitter,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from segstudio.core.steering import PAUSED
from segstudio.ui import theme
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, duration
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.rows_model import Index, RowsModel
from segstudio.ui.widgets import allow, push_button, row_table

RECORD_ROLE = Qt.ItemDataRole.UserRole

JOB_ID = "application/x-segstudio-job"
"""What is dragged: the id of a waiting job."""

TOKENS = {
    JobState.QUEUED: "text_muted",
    JobState.RUNNING: "accent",
    JobState.FINISHED: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "text_faint",
    JobState.LOST: "bad",
}


class JobsModel(RowsModel):
    """The records of a queue, the newest first. One that waits can be dragged among the others of its lane."""

    COLUMNS = ("Job", "State", "Progress", "Time")

    def __init__(self, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self.rows: list[JobRecord] = queue.records[::-1]
        queue.added.connect(self._insert)
        queue.changed.connect(self._update)
        queue.moved.connect(self._move)
        # Times go on by themselves, but only while something runs.
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._tick)

    def record(self, row: int) -> JobRecord:
        """The record in a row."""
        return self.rows[row]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        record = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(record, index.column())
            case Qt.ItemDataRole.ToolTipRole:
                return record.message or record.text or None
            case Qt.ItemDataRole.ForegroundRole if index.column() == 1:
                return theme.color(TOKENS[record.state])
            case Qt.ItemDataRole.UserRole:
                return record
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.isValid() and self.rows[index.row()].state is JobState.QUEUED:
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        return flags if index.isValid() else flags | Qt.ItemFlag.ItemIsDropEnabled  # between rows, never onto one

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [JOB_ID]

    def mimeData(self, indexes: Sequence[Index]) -> QMimeData:
        data = QMimeData()
        data.setData(JOB_ID, self.rows[indexes[0].row()].id.encode())
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index) -> bool:
        """Put the dragged job before a row; returns False, because the queue has moved it already."""
        record = next((one for one in self.rows if one.id == bytes(data.data(JOB_ID).data()).decode()), None)
        if record is not None and record.state is JobState.QUEUED:
            # The list is read from its end: those below the gap run before.
            below = self.rows[row:] if row >= 0 else []
            waiting = self._queue.waiting(record.lane)
            self._queue.place(record.id, sum(one in waiting for one in below if one is not record))
        return False

    def _text(self, record: JobRecord, column: int) -> str:
        match column:
            case 0:
                return record.title
            case 1:
                return state_text(record)
            case 2:
                return record.message if record.state.is_end else record.text
        return time_text(record)

    def _insert(self, record: JobRecord) -> None:
        self.beginInsertRows(QModelIndex(), 0, 0)
        self.rows.insert(0, record)
        self.endInsertRows()

    def _move(self, record: JobRecord) -> None:
        """Show a record directly above the one that comes before it in the queue."""
        order, row = self._queue.records, self.rows.index(record)
        place = order.index(record)
        target = self.rows.index(order[place - 1]) if place else len(self.rows)
        if self.beginMoveRows(QModelIndex(), row, row, QModelIndex(), target):
            self.rows.insert(target - (target > row), self.rows.pop(row))
            self.endMoveRows()

    def _update(self, record: JobRecord) -> None:
        row = self.rows.index(record)
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(self.COLUMNS) - 1))
        is_running = any(one.state is JobState.RUNNING for one in self.rows)
        if is_running and not self._clock.isActive():
            self._clock.start()

    def _tick(self) -> None:
        rows = [row for row, record in enumerate(self.rows) if record.state is JobState.RUNNING]
        if not rows:
            self._clock.stop()
        for row in rows:
            self.dataChanged.emit(self.index(row, 3), self.index(row, 3))


class ProgressDelegate(QStyledItemDelegate):
    """A thin bar under the text of what the job is at."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        super().paint(painter, option, index)
        record = index.data(RECORD_ROLE)
        if record.state is not JobState.RUNNING:
            return
        rect: QRect = option.rect.adjusted(6, 0, -6, -3)
        groove = QRectF(rect.left(), rect.bottom() - 2, rect.width(), 3)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._bar(painter, groove, theme.color("border_strong"))
        if record.fraction:
            groove.setWidth(max(groove.width() * record.fraction, 3))
            self._bar(painter, groove, theme.color("accent"))
        painter.restore()

    @staticmethod
    def _bar(painter: QPainter, rect: QRectF, colour: QColor) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(rect, 1.5, 1.5)


class JobsPanel(QWidget):
    """The queue on the left, what the selected job said on the right.

    Signals:
        count_changed: How many jobs run or wait.
    """

    count_changed = Signal(int)

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.queue = queue
        self._model = JobsModel(queue, self)
        self._count = 0
        self.table = self._make_table()
        self.log = QPlainTextEdit(readOnly=True)
        self.log.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.log.setAccessibleName("What the job said")
        self.log.setPlaceholderText("Select a job to read what it said.")
        self.cancel_button = push_button("Cancel", "Stop this job; pressed twice, its process is ended", self._cancel)
        self.retry_button = push_button("Retry", "Start this job once more with the same options", self._retry)
        self.copy_button = push_button("Copy log", "Copy what the job said", self._copy)
        self.sooner_button = push_button(
            "Sooner", "Let this waiting job run earlier  (Alt+Down, or drag it)", self._sooner
        )
        self.later_button = push_button("Later", "Let this waiting job run later  (Alt+Up, or drag it)", self._later)
        empty = Empty("jobs", "No jobs yet", "Training, prediction and exports appear here while they run.")
        self._either = Either(self._make_content(), empty)
        self.setLayout(self._either)
        self._log_timer = QTimer(self, singleShot=True, interval=150)
        self._log_timer.timeout.connect(self._show_log)
        queue.added.connect(self._on_added)
        queue.changed.connect(self._on_changed)
        queue.moved.connect(lambda _record: self._enable_buttons())
        self._either.show_content(bool(queue.records))
        self._enable_buttons()

    def _make_table(self) -> QTableView:
        table = row_table(self._model, "Jobs", row_height=28)
        table.setItemDelegateForColumn(2, ProgressDelegate(table))
        table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for column, width in ((0, 210), (1, 84), (3, 116)):
            table.setColumnWidth(column, width)
        table.selectionModel().currentRowChanged.connect(self._on_selected)
        table.setDragDropMode(QTableView.DragDropMode.InternalMove)
        table.setDragDropOverwriteMode(False)
        for keys, act in (("Alt+Down", self._sooner), ("Alt+Up", self._later)):
            QShortcut(QKeySequence(keys), table, act, context=Qt.ShortcutContext.WidgetShortcut)
        return table

    def _make_content(self) -> QWidget:
        buttons = QHBoxLayout()
        for button in (
            self.cancel_button, self.retry_button, self.copy_button, self.sooner_button, self.later_button,
        ):  # fmt: skip
            buttons.addWidget(button)
        buttons.addStretch(1)
        details = QWidget()
        column = QVBoxLayout(details)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(buttons)
        column.addWidget(self.log, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.table)
        splitter.addWidget(details)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setSizes([600, 400])
        content = QWidget()
        margin = QVBoxLayout(content)
        margin.setContentsMargins(16, 8, 16, 10)
        margin.addWidget(splitter)
        return content

    def selected(self) -> JobRecord | None:
        """The record whose log is shown."""
        index = self.table.currentIndex()
        return self._model.record(index.row()) if index.isValid() else None

    def select(self, record: JobRecord) -> None:
        """Show the log of a job."""
        for row in range(self._model.rowCount()):
            if self._model.record(row) is record:
                self.table.selectRow(row)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "table"):
            self.table.viewport().update()

    def _on_added(self, record: JobRecord) -> None:
        self._either.show_content(True)
        selected = self.selected()
        if selected is None or selected.state.is_end:
            self.select(record)
        self._enable_buttons()
        self._tell_count()

    def _on_changed(self, record: JobRecord) -> None:
        self._enable_buttons()  # another job that begins or ends changes what can be moved
        if record is self.selected() and not self._log_timer.isActive():
            self._log_timer.start()
        self._tell_count()

    def _on_selected(self) -> None:
        self._enable_buttons()
        self._show_log()
        record = self.selected()
        if record is not None and record.state.is_end:
            self.log.verticalScrollBar().setValue(0)

    def _tell_count(self) -> None:
        count = sum(not record.state.is_end for record in self.queue.records)
        if count != self._count:
            self._count = count
            self.count_changed.emit(count)

    def _enable_buttons(self) -> None:
        record = self.selected()
        chosen = record is not None, "choose a job"
        allow(self.cancel_button, chosen, (record is not None and not record.state.is_end, "the job has ended"))
        allow(self.retry_button, chosen, (record is not None and record.state.is_end, "the job has not ended"))
        allow(self.copy_button, chosen)
        waiting = self.queue.waiting(record.lane) if record is not None else []
        is_waiting = record in waiting
        self.sooner_button.setEnabled(is_waiting and waiting[0] is not record)
        self.later_button.setEnabled(is_waiting and waiting[-1] is not record)
        # They would only take room while nothing can be reordered.
        for button in (self.sooner_button, self.later_button):
            button.setVisible(is_waiting and len(waiting) > 1)

    def _show_log(self) -> None:
        record = self.selected()
        text = "" if record is None else log_text(record)
        if text == self.log.toPlainText():
            return
        bar = self.log.verticalScrollBar()
        is_at_end, value = bar.value() >= bar.maximum(), bar.value()
        self.log.setPlainText(text)
        bar.setValue(bar.maximum() if is_at_end else value)

    def _cancel(self) -> None:
        if record := self.selected():
            self.queue.cancel(record.id)

    def _retry(self) -> None:
        if record := self.selected():
            self.select(self.queue.retry(record.id))

    def _sooner(self) -> None:
        self._shift(-1)

    def _later(self) -> None:
        self._shift(1)

    def _shift(self, by: int) -> None:
        record = self.selected()
        if record is not None and record.state is JobState.QUEUED:
            self.queue.place(record.id, self.queue.waiting(record.lane).index(record) + by)

    def _copy(self) -> None:
        if record := self.selected():
            QGuiApplication.clipboard().setText(log_text(record))


def state_text(record: JobRecord) -> str:
    """What the state column says."""
    if record.is_cancel_asked and not record.state.is_end:
        return "stopping…"
    return PAUSED if record.is_paused else str(record.state)


def time_text(record: JobRecord) -> str:
    """What the time column says: time left while it is known, else how long it took so far."""
    left = record.seconds_left
    if left is not None:
        return f"{duration(left)} left"
    return "" if record.seconds is None else duration(record.seconds)


def log_text(record: JobRecord) -> str:
    """Everything a job said, for reading and for a bug report."""
    lines = [f"{record.title}: {record.state}"]
    if record.message:
        lines.append(record.message)
    if record.hint:
        lines.append(f"Hint: {record.hint}")
    if record.log:
        lines += ["", *record.log]
    if record.notes:
        lines += ["", *(f"{subject}: {text}" for subject, text in record.notes)]
    if record.traceback:
        lines += ["", record.traceback.rstrip()]
    options = ", ".join(f"{name}={value}" for name, value in record.options.items())
    if options:
        lines += ["", f"Options: {options}"]
    return "\n".join(lines)
