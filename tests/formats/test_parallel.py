"""Many files at once: order, errors, progress and cancelling."""

import threading
import time

import pytest

from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.formats.parallel import in_parallel


@pytest.mark.parametrize("count", [0, 1, 16, 17, 500])
def test_results_come_in_order(count: int) -> None:
    report = ListReporter()
    assert list(in_parallel(lambda number: number * 2, range(count), report, "doubling")) == [
        2 * n for n in range(count)
    ]
    assert report.progresses[-1] == (count, count, "doubling")


def test_an_error_ends_it() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda number: 1 // (number - 300), range(1000)))


def test_cancelling_stops_soon_and_leaves_no_thread() -> None:
    report = ListReporter()
    results = in_parallel(lambda number: number, range(100_000), report)
    assert next(results) == 0
    report.is_cancel_wanted = True
    with pytest.raises(Cancelled):
        list(results)
    assert report.progresses[-1][0] <= 16
    deadline = time.monotonic() + 10
    while any(thread.name.startswith("files") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
