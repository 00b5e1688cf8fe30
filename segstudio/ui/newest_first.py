"""NewestFirst: a few threads that do what was asked for last, first.

Not a QThreadPool: for Python its threads are new ones at every task, so that each task would open a connection of its
own to the project's index.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Container
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")


class NewestFirst(Generic[K, V, R]):
    """Work that waits, by its key, and the threads that do it.

    The newest goes first, because it is what somebody looks at; when more than `most` wait, the oldest is forgotten.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        work: Callable[[K, V], R],
        done: Callable[[R], object],
        most: int = 1 << 30,
    ) -> None:
        """Do not start a thread yet.

        Args:
            name: Of the threads.
            threads: How many.
            work: Called in one of them with each key and value; what it raises is told as a bug, in place of `done`.
            done: Called in the same one with what came of it.
            most: How much may wait.
        """
        self._work = work
        self._done = done
        self._most = most
        self._waiting: OrderedDict[K, V] = OrderedDict()
        self._active: dict[K, V] = {}
        self._wakeup = threading.Condition()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]

    def push(self, key: K, value: V, *, is_urgent: bool = True) -> None:
        """Ask for some work, in place of what waits under the same key.

        Args:
            key: What to call it.
            value: What the work needs.
            is_urgent: Whether it goes before all that waits; behind it otherwise.
        """
        with self._wakeup:
            if self._is_closed:
                return
            self._waiting[key] = value
            self._waiting.move_to_end(key, last=is_urgent)
            while len(self._waiting) > self._most:
                self._waiting.popitem(last=False)
            self._wakeup.notify()
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()

    def active(self, key: K) -> V | None:
        """The value of that key that a thread works on now, or None; `done` is still to be called for it."""
        with self._wakeup:
            return self._active.get(key)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being worked on."""
        with self._wakeup:
            return not self._waiting and not self._active

    def forget(self, keeping: Container[K] = ()) -> None:
        """Do nothing of what has not begun, but for some keys."""
        with self._wakeup:
            for key in [key for key in self._waiting if key not in keeping]:
                del self._waiting[key]

    def close(self, seconds: float = 10.0) -> bool:
        """Forget what has not begun, and wait for what has; False when that takes too long."""
        with self._wakeup:
            self._is_closed = True
            self._waiting.clear()
            self._wakeup.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(seconds)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while True:
            with self._wakeup:
                while not self._waiting and not self._is_closed:
                    self._wakeup.wait()
                if self._is_closed:
                    return
                key, value = self._waiting.popitem(last=True)
                self._active[key] = value
            try:
                result = self._work(key, value)
            except Exception as error:  # a bug: it is told as that of any thread, and what waits is done all the same
                self._leave(key, value)
                hooked = threading.ExceptHookArgs((type(error), error, error.__traceback__, threading.current_thread()))
                threading.excepthook(hooked)
                del value, hooked
                continue
            self._leave(key, value)
            self._done(result)
            del value, result  # a thread that waits shall not keep an image alive

    def _leave(self, key: K, value: V) -> None:
        with self._wakeup:
            if self._active.get(key) is value:  # another thread may be at the same key by now
                del self._active[key]
