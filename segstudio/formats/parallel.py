"""Many files at once: decoders work outside Python's lock, so threads are enough to use every core."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from segstudio.core.reporter import Reporter

A = TypeVar("A")
B = TypeVar("B")

_CHUNK = 16


def in_parallel(
    function: Callable[[A], B], items: Sequence[A], report: Reporter | None = None, text: str = ""
) -> Iterator[B]:
    """The function's results in the order of `items`.

    Args:
        function: Called in several threads at once; what it raises ends everything.
        items: What it is called with.
        report: Told how many are done; when it raises Cancelled, what has begun is finished and nothing else begins.
        text: What is being done, for the report.
    """
    total, done = len(items), 0
    chunks = [items[start : start + _CHUNK] for start in range(0, total, _CHUNK)]
    pool = ThreadPoolExecutor(min(8, os.cpu_count() or 1), thread_name_prefix="files")
    try:
        if report is not None:
            report.progress(0, total, text)
        for results in pool.map(lambda chunk: [function(item) for item in chunk], chunks):
            yield from results
            done += len(results)
            if report is not None:
                report.progress(done, total, text)
    finally:
        pool.shutdown(cancel_futures=True)
