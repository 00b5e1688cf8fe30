"""Work in threads: in order, a few at a time, and none left behind."""

import contextlib
import threading
from pathlib import Path

import pytest

from segstudio.project.project import Project
from segstudio.project.threads import LARGE, THREADS, in_threads, room_for


def test_results_come_in_order_with_their_exceptions() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ZeroDivisionError
        return number * 2

    with in_threads(range(50), work) as done:
        results = [(number, None if result.exception() else result.result()) for number, result in done]
    assert results == [(number, None if number == 3 else number * 2) for number in range(50)]


def test_only_a_few_wait_at_a_time() -> None:
    taken = []

    def things():
        for number in range(1000):
            taken.append(number)
            yield number

    with in_threads(things(), lambda number: number) as done:
        next(done)
        assert len(taken) <= 4 * THREADS


def test_leaving_early_waits_for_what_has_begun_and_drops_the_rest() -> None:
    begun, running, may_end = [], threading.Event(), threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        running.set()
        may_end.wait(30)
        begun.remove(number)

    def stop() -> None:
        with in_threads(range(100), work) as done:
            next(done)
            assert running.wait(30)
            may_end.set()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop()
    assert begun == []


def test_closing_a_project_waits_for_threads_that_read(project: Project) -> None:
    stop, errors = threading.Event(), []

    def read() -> None:
        try:
            while not stop.is_set():
                project.samples.get(1)
        except RuntimeError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    project.close()
    stop.set()
    for thread in threads:
        thread.join()
    assert all("has been closed" in error for error in errors)


def test_a_closed_project_leaves_no_file_open(project: Project, tmp_path: Path) -> None:
    threads = [threading.Thread(target=project.samples.get, args=(1,)) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    project.close()
    assert not list(project.folder.glob("project.sqlite-*"))  # the last connection took the log away


def test_large_pictures_are_in_hand_one_at_a_time_and_others_together() -> None:
    def most(pixels: int) -> int:
        """How many threads at most were at work together: each waits for the other, as long as it may have to."""
        both, inside, seen = threading.Barrier(2), [0], []
        counting = threading.Lock()

        def look(_number: int) -> None:
            with room_for(pixels):
                with counting:
                    inside[0] += 1
                    seen.append(inside[0])
                with contextlib.suppress(threading.BrokenBarrierError):
                    both.wait(0.2 if pixels >= LARGE else 30)
                with counting:
                    inside[0] -= 1

        with in_threads(range(2), look) as done:
            for _, result in done:
                result.result()
        return max(seen)

    assert (most(LARGE), most(LARGE - 1)) == (1, 2)
