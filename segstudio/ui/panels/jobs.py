"""Jobs panel: the queue, how far each job is, what it said, cancel and retry."""

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QRect,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QFontDatabase, QGuiApplication, QPainter
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

from segstudio.ui import theme
from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, duration
from segstudio.ui.panels.empty import Either, Empty
from segstudio.ui.panels.rows_model import Index, RowsModel
from segstudio.ui.widgets import push_button, row_table

RECORD_ROLE = Qt.ItemDataRole.UserRole

TOKENS = {
    JobState.QUEUED: "text_muted",
    JobState.RUNNING: "accent",
    JobState.FINISHED: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "text_faint",
    JobState.LOST: "bad",
}


class JobsModel(RowsModel):
    """The records of a queue, the newest first."""

    COLUMNS = ("Job", "State", "Progress", "Time")

    def __init__(self, queue: JobQueue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[JobRecord] = queue.records[::-1]
        queue.added.connect(self._insert)
        queue.changed.connect(self._update)
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

    def _text(self, record: JobRecord, column: int) -> str:
        match column:
            case 0:
                return record.title
            case 1:
                return "stopping…" if record.is_cancel_asked and not record.state.is_end else str(record.state)
            case 2:
                return record.message if record.state.is_end else record.text
        return time_text(record)

    def _insert(self, record: JobRecord) -> None:
        self.beginInsertRows(QModelIndex(), 0, 0)
        self.rows.insert(0, record)
        self.endInsertRows()

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
        empty = Empty("jobs", "No jobs yet", "Training, prediction and exports appear here while they run.")
        self._either = Either(self._make_content(), empty)
        self.setLayout(self._either)
        self._log_timer = QTimer(self, singleShot=True, interval=150)
        self._log_timer.timeout.connect(self._show_log)
        queue.added.connect(self._on_added)
        queue.changed.connect(self._on_changed)
        self._either.show_content(bool(queue.records))
        self._enable_buttons()

    def _make_table(self) -> QTableView:
        table = row_table(self._model, "Jobs", row_height=28)
        table.setItemDelegateForColumn(2, ProgressDelegate(table))
        table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for column, width in ((0, 210), (1, 84), (3, 116)):
            table.setColumnWidth(column, width)
        table.selectionModel().currentRowChanged.connect(self._on_selected)
        return table

    def _make_content(self) -> QWidget:
        buttons = QHBoxLayout()
        for button in (self.cancel_button, self.retry_button, self.copy_button):
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
        self._tell_count()

    def _on_changed(self, record: JobRecord) -> None:
        if record is self.selected():
            self._enable_buttons()
            if not self._log_timer.isActive():
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
        self.cancel_button.setEnabled(record is not None and not record.state.is_end)
        self.retry_button.setEnabled(record is not None and record.state.is_end)
        self.copy_button.setEnabled(record is not None)

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

    def _copy(self) -> None:
        if record := self.selected():
            QGuiApplication.clipboard().setText(log_text(record))


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
