"""NewestFirst: a bug costs one piece of work and not the thread; the order of the work is tested with the images."""

import threading

import pytest

from segstudio.ui.newest_first import NewestFirst

SECONDS = 20


def test_a_bug_is_told_and_what_waits_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[threading.ExceptHookArgs] = []
    done, is_last = [], threading.Event()
    monkeypatch.setattr(threading, "excepthook", told.append)

    def work(key: int, value: int) -> int:
        return value // key

    def take(result: int) -> None:
        done.append(result)
        if result == 3:
            is_last.set()

    threads: NewestFirst[int, int, int] = NewestFirst("test", 1, work, take)
    threads.push(0, 1)
    while not told:
        is_last.wait(0.001)
    threads.push(2, 6)
    assert is_last.wait(SECONDS), "the thread goes on"
    assert threads.close(SECONDS)
    assert threads.is_idle
    assert [one.exc_type for one in told] == [ZeroDivisionError]
    assert done == [3]
