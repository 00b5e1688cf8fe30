"""The status bar: whether all is saved, the pixel under the pointer, the zoom, the device, and the job that runs."""

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QStatusBar, QWidget

from segstudio.core.percentage import percent
from segstudio.ui import theme
from segstudio.ui.canvas.pixel_info import PixelInfo
from segstudio.ui.job_queue import JobQueue, JobRecord, duration
from segstudio.ui.widgets import ElidedLabel

_LEAST = 300
"""Pixels that short words have in any case; longer ones give way to them."""

_REFRESH_MS = 1000
"""The time left goes on falling between two words of the job."""


class JobStatus(QWidget):
    """The running job in one line; a click on it asks for the Jobs panel."""

    clicked = Signal()

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._words = Reading("Running job")
        self._bar = QProgressBar()
        self._bar.setAccessibleName("How far the running job is")
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(120, 8)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 8, 0)
        layout.addWidget(self._words)
        layout.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("Show all jobs")
        self._clock = QTimer(self)
        self._clock.setInterval(_REFRESH_MS)
        self._clock.timeout.connect(self._show)
        for signal in (queue.added, queue.changed, queue.ended):
            signal.connect(self._show)
        self._show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit()

    def _show(self, _record: JobRecord | None = None) -> None:
        record = self._queue.running()
        self._bar.setVisible(record is not None)
        if record is None:
            self._clock.stop()
            self._words.setText("")
            return
        if not self._clock.isActive():
            self._clock.start()
        fraction = record.fraction
        self._bar.setRange(0, 0 if fraction is None else 1000)
        self._bar.setValue(round(1000 * (fraction or 0)))
        self._words.setText(_sentence(record))


def _sentence(record: JobRecord) -> str:
    parts = [record.title, record.text]
    if record.is_cancel_asked:
        parts.append("stopping")
    elif record.seconds_left is not None:
        parts.append(f"{duration(record.seconds_left)} left")
    return "  ·  ".join(part for part in parts if part)


class Reading(ElidedLabel):
    """Words that change, with a name that does not: a screen reader says what they are, and then the words.

    Long ones end in dots: what the line wants is the least width of the whole window, which must not leave its screen.
    """

    def __init__(self, name: str, *, least: int = 0) -> None:
        """`least` is how many pixels of its words are always seen."""
        super().__init__()
        self._least = least
        self.setAccessibleName(name)

    def minimumSizeHint(self) -> QSize:
        whole = self.sizeHint()
        return QSize(min(whole.width(), self._least), whole.height())

    def setText(self, text: str) -> None:
        if text != self.text():
            super().setText(text)
            self.setAccessibleDescription(text)

    def clear(self) -> None:
        self.setText("")


class StatusBar(QStatusBar):
    """The line at the bottom of the window."""

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.setAccessibleName("Status")
        self.saved = Reading("Saved", least=_LEAST)
        self.zoom = Reading("Zoom")
        self.pixel = Reading("Pixel under the pointer", least=_LEAST)
        self.device = Reading("Device of the last run", least=_LEAST)
        self.device.setContentsMargins(8, 0, 12, 0)
        self.job = JobStatus(queue)
        for label in (self.saved, self.zoom, self.pixel):
            label.setContentsMargins(8, 0, 10, 0)
        # What changes its width with every move of the pointer comes last, so that nothing else moves.
        self.zoom.setMinimumWidth(self.fontMetrics().horizontalAdvance("zoom 0000 %") + 18)
        for label in (self.saved, self.zoom, self.pixel):
            self.addWidget(label)
        self.addPermanentWidget(self.device)
        self.addPermanentWidget(self.job)
        self._state = ("", "")
        theme.notifier().changed.connect(self._dress)

    def _dress(self) -> None:
        self.show_saved(*self._state)

    def show_saved(self, state: str, reason: str = "") -> None:
        """Say what Autosave says; nothing for an empty state."""
        self._state = (state, reason)
        words, token = {
            "saved": ("✓ saved", "good"),
            "saving": ("saving…", "text_muted"),
            "unsaved": (f"NOT SAVED — {reason}", "bad"),
            "read-only": ("read-only", "warn"),
        }.get(state, ("", "text"))
        help_text = words
        if reason and state in ("saved", "saving"):
            words, token = f"{words} — no journal: {reason}", "warn"
            help_text = (
                f"Strokes cannot be written to the journal: a crash would lose those since the last save. {reason}"
            )
        self.saved.setText(words)
        self.saved.set_help(help_text)
        weight = "700" if state == "unsaved" else "400"
        self.saved.setStyleSheet(f"color: {theme.color(token).name()}; font-weight: {weight};")

    def show_pixel(self, info: PixelInfo | None) -> None:
        """Say what lies under the pointer."""
        self.pixel.setText("" if info is None else _pixel_words(info))

    def show_zoom(self, zoom: float) -> None:
        """Say how large an image pixel is."""
        self.zoom.setText(f"zoom {percent(zoom)}" if zoom else "")

    def show_device(self, text: str) -> None:
        """Say what the last run was computed on."""
        self.device.setText(text)
        self.device.set_help("What the last run was computed on" if text else "")

    def clear_sample(self) -> None:
        """There is no sample."""
        for label in (self.saved, self.pixel, self.zoom, self.device):
            label.clear()


def _pixel_words(info: PixelInfo) -> str:
    value = info.value if isinstance(info.value, int) else " ".join(str(part) for part in info.value)
    words = f"x {info.x}   y {info.y}   value {value}"
    if info.truth is not None:
        words += f"   mask {info.truth}"
    if info.probability is not None:
        words += f"   p {info.probability:.2f}"
    return words
