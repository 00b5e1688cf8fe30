"""Background: one thread that does things in order, and tells the window's thread when each is done."""

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from segstudio.core.errors import UserError

Done = Callable[["Future[Any]"], object]

EXPECTED = (UserError, OSError, sqlite3.Error)
"""What reading a project in the background may meet: damaged files, and a project that was closed meanwhile."""

PATIENCE = 2.0
"""Seconds that the window may stand still for something decided that is being computed."""


class Background(QObject):
    """Work that touches the disk, done in the order it was given; what follows from it happens in Qt's thread."""

    _finished = Signal()

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._tasks: deque[tuple[Future[Any], Done]] = deque()
        # Queued, because a future that is done already tells so within `submit`, before its caller has gone on.
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether something is not done yet, or nobody has been told."""
        return bool(self._tasks)

    def submit(self, work: Callable[[], Any], done: Done = lambda future: future.result()) -> None:
        """Do `work` after all that was submitted before, then call `done` with its future in Qt's thread.

        Without `done` an exception of the work is raised there, as one that nobody expected.
        """
        future = self._pool.submit(work)
        self._tasks.append((future, done))
        future.add_done_callback(self._tell)

    def wait(self, seconds: float) -> bool:
        """Block until all is done and everybody has been told; False when that takes longer than `seconds`."""
        wait([future for future, _ in self._tasks], seconds)
        self._deliver()
        return not self._tasks

    def wait_until(self, is_over: Callable[[], bool], seconds: float) -> bool:
        """Block until what was submitted, and what followed from it, has led to something; False when it has not."""
        end = monotonic() + seconds
        while not is_over() and self._tasks and (rest := end - monotonic()) > 0:
            try:
                self.wait(rest)
            except Exception as error:  # no concern of who waits: raised where it would have been without waiting
                QTimer.singleShot(0, self, partial(_raise, error))
        return is_over()

    def close(self, seconds: float = 10.0) -> bool:
        """Finish what was submitted and end the thread; False when that took too long, and then nobody is told."""
        is_done = self.wait(seconds)
        self._tasks.clear()
        self._pool.shutdown(wait=is_done)
        return is_done

    def _tell(self, _future: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the window is gone, which waited for this no longer
            self._finished.emit()

    def _deliver(self) -> None:
        while self._tasks and self._tasks[0][0].done():
            future, done = self._tasks.popleft()
            done(future)


def _raise(error: Exception) -> None:
    raise error
