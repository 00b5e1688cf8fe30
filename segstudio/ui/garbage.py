"""Garbage: Python looks for it in Qt's thread alone, and not while somebody draws.

Left to itself Python looks for unreachable cycles in whichever thread happens to fill a quota of new objects, and
destroys them there. A widget or a plot that lies in such a cycle then ends in a thread that is not its own, while Qt's
thread goes on with it: the program crashes, or stands still for good. pyqtgraph has such a collector too
(pyqtgraph.util.garbage_collector); this one need not load pyqtgraph to open a window, waits for strokes to end, and
takes no more than a hundredth of the time for looking at everything.
"""

import gc
from time import perf_counter

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

INTERVAL = 500
"""Milliseconds between two looks at how much has been made since."""

SHARE = 0.01
"""How much of the time may go into looking at everything there is, the oldest generation."""


class GarbageCollector(QObject):
    """Does what Python's automatic collection does, by the same quotas, in the thread that it lives in."""

    def __init__(self, parent: QObject | None = None) -> None:
        """Take over from the automatic collection, which is to be off; its life is that of the application."""
        super().__init__(parent)
        self._next_full = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        # A pause in a stroke is seen, one between two strokes is not.
        if QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self.collect()

    def collect(self) -> int | None:
        """Collect the oldest generation whose quota is full, with the younger ones; tells which, None for none."""
        due = [number for number, (made, most) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
               if made > most]  # fmt: skip
        if 2 in due and perf_counter() < self._next_full:
            due.remove(2)
        if not due:
            return None
        generation = max(due)
        begun = perf_counter()
        gc.collect(generation)
        if generation == 2:
            ended = perf_counter()
            self._next_full = ended + (ended - begun) / SHARE
        return generation


def collect_in_this_thread(app: QObject) -> GarbageCollector:
    """The collector of an application, made at the first call; from any call on there is no automatic collection."""
    own = app.findChild(GarbageCollector)
    gc.disable()
    return own if isinstance(own, GarbageCollector) else GarbageCollector(app)


def leave_out_what_is_there() -> None:
    """Look through what there is now no more: it is much, and it stays. May be called in any thread."""
    gc.freeze()


def look_through_everything() -> None:
    """Collect also what was left out and has ended since, such as a project that was closed; leave out what lives.

    The parts of a project hold each other. With what was left out among them, nothing of it would ever be free again.
    It takes a tenth of a second and more: for Qt's thread, at a moment when everything on screen changes anyway.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
