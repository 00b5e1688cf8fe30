"""Ctrl+C in the terminal, and a system that shuts down, close the window in order: Qt's loop would not notice."""

import contextlib
import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt(QObject):
    """Calls something in Qt's thread when the process is asked to end; the second time it ends at once.

    Python runs a handler only between two of its own steps, and there may be none for hours while nobody touches the
    window. So the signal writes a byte into a socket that Qt watches (signal.set_wakeup_fd, on every system).
    """

    def __init__(self, wanted: Callable[[], object], parent: QObject) -> None:
        super().__init__(parent)
        self._wanted = wanted
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _heard) for number in SIGNALS}
        self._notifier = QSocketNotifier(self._reader.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._take)

    def close(self) -> None:
        """Leave the signals as they were."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if not set(self._reader.recv(64)) & set(map(int, SIGNALS)):
                return
        for number in SIGNALS:
            signal.signal(number, signal.SIG_DFL)  # whoever asks again does not want to wait
        self._wanted()


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Python wants a handler of its own to write the byte."""
