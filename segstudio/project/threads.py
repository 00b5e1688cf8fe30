"""Reading many pictures at once: decoding lets go of the interpreter, so threads help."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from threading import RLock
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

THREADS = 4
"""More than this wait for the disk and cost memory."""

LARGE = 30_000_000
"""Pixels of a picture from which on it is looked at alone: comparing masks takes up to 20 bytes a pixel."""

_ALONE = RLock()


@contextmanager
def room_for(pixels: int) -> Iterator[None]:
    """Work on a picture of so many pixels; of large ones no other thread has one in hand meanwhile."""
    with _ALONE if pixels >= LARGE else nullcontext():
        yield


@contextmanager
def in_threads(things: Iterable[T], work: Callable[[T], R]) -> "Iterator[Iterator[tuple[T, Future[R]]]]":
    """Do the work on each thing in threads.

    with in_threads(samples, read) as done:
        for sample, result in done:
            use(sample, result.result())

    Yields:
        Each thing with its result, or its exception, in the given order. Only a few results wait at a time, so that
        their pictures do not fill the memory. When the block is left early, what has not begun is dropped and what
        has begun is waited for: no thread reads on in a project that is being closed.
    """
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="read")
    try:
        yield _in_order(pool, things, work)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_order(pool: ThreadPoolExecutor, things: Iterable[T], work: Callable[[T], R]) -> "Iterator[tuple[T, Future[R]]]":
    pending: deque[tuple[T, Future[R]]] = deque()
    for thing in things:
        pending.append((thing, pool.submit(work, thing)))
        if len(pending) >= 4 * THREADS:
            yield pending.popleft()
    yield from pending
