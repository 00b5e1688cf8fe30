"""The bar of a job that runs, what it is at, how long it will take, and the button that stops it."""

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from segstudio.ui.job_queue import JobQueue, JobRecord, JobState, duration
from segstudio.ui.widgets import muted, push_button


class JobProgress(QWidget):
    """Hidden while there is nothing to show."""

    def __init__(self, queue: JobQueue, kept: str, stop: str = "Stop", parent: QWidget | None = None) -> None:
        """A bar without a job.

        Args:
            queue: Whose jobs it shows.
            kept: What stays of a job that is stopped.
            stop: What the button says.
            parent: Qt parent.
        """
        super().__init__(parent)
        self._queue = queue
        self._kept = kept
        self._stop_words = stop
        self._record: JobRecord | None = None
        self.bar = QProgressBar(textVisible=False)
        self.bar.setFixedHeight(10)
        self.text = muted(wraps=True)
        self.stop_button = push_button(stop, "", self._stop)
        self._buttons = QHBoxLayout()
        self._buttons.addWidget(self.stop_button)
        self._buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addWidget(self.text)
        layout.addLayout(self._buttons)
        # The time left goes down by itself between two events.
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._draw)
        self.hide()

    def add_button(self, button: QPushButton) -> None:
        """Put another button before the one that stops."""
        self._buttons.insertWidget(self._buttons.indexOf(self.stop_button), button)

    def show_record(self, record: JobRecord | None) -> None:
        """Show how far a job is; hide for None."""
        self._record = record
        self.setVisible(record is not None)
        if record is None:
            self._clock.stop()
            return
        if not self._clock.isActive():
            self._clock.start()
        self._draw()

    def _draw(self) -> None:
        record = self._record
        if record is None:
            return
        # Nothing to tell yet: a moving bar while libraries are loaded.
        self.bar.setMaximum(1000 if record.fraction is not None else 0)
        self.bar.setValue(round(1000 * (record.fraction or 0)))
        self.text.setText(progress_text(record, self._kept))
        self.stop_button.setText("End it now" if record.is_cancel_asked else self._stop_words)
        self.stop_button.setToolTip("End the process at once" if record.is_cancel_asked else f"Stop; {self._kept}")

    def _stop(self) -> None:
        if self._record is not None:
            self._queue.cancel(self._record.id)


def progress_text(record: JobRecord, kept: str, begin: str = "starting TensorFlow…") -> str:
    """What a job is at and how long it will take, for example "epoch 18 of 25 · 21 img/s · 1 min 40 s left".

    Args:
        record: A job that waits or runs.
        kept: What stays of it when it is stopped.
        begin: What it is at before it has said so itself.
    """
    if record.state is JobState.QUEUED:
        return "waiting for another job to end"
    if record.is_cancel_asked:
        return f"stopping; {kept}"
    left = record.seconds_left
    parts = [record.text or begin, "" if left is None else f"{duration(left)} left"]
    return " · ".join(part for part in parts if part)
