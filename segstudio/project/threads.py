"""Reading many pictures at once: decoding lets go of the interpreter, so threads help."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 4
"""More than this wait for the disk and cost memory."""


def in_threads(things: Iterable[T], work: Callable[[T], R]) -> "Iterator[tuple[T, Future[R]]]":
    """Do the work on each thing in threads.

    Yields:
        Each thing with its result, or its exception, in the given order. Only a few results wait at a time, so that
        their pictures do not fill the memory; when the caller stops early, what has not begun is dropped.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="read")
    pending: deque[tuple[T, Future[R]]] = deque()
    try:
        for thing in things:
            pending.append((thing, pool.submit(work, thing)))
            if len(pending) >= 4 * THREADS:
                yield pending.popleft()
        yield from pending
    finally:
        pool.shutdown(cancel_futures=True)
