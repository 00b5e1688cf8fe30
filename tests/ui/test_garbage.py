"""Python's garbage is looked for in Qt's thread alone."""

import gc
import itertools
import threading
import weakref
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QApplication, QWidget

from segstudio.ui import app as application
from segstudio.ui import garbage
from segstudio.ui.garbage import GarbageCollector, collect_in_this_thread, leave_out_what_is_there
from segstudio.ui.window import Window
from tests.ui.projects import make_project


class Cycle:
    """Something that only the search for garbage can find."""

    def __init__(self) -> None:
        self.myself = self


def make_garbage() -> None:
    """More of it than Python lets lie when it is left to itself."""
    for _ in range(gc.get_threshold()[0] + 100):
        Cycle()


def leave_cycle(ended: list[threading.Thread]) -> None:
    """Leave a cycle behind that will tell in which thread it ends."""
    weakref.finalize(Cycle(), lambda: ended.append(threading.current_thread()))


def collections() -> int:
    """How often was looked for garbage."""
    return sum(one["collections"] for one in gc.get_stats())


@pytest.fixture
def collector(qapp: QApplication) -> GarbageCollector:
    return collect_in_this_thread(qapp)


def test_a_window_that_is_gone_ends_in_the_thread_of_qt_whoever_fills_the_quota(qtbot, qapp: QApplication):
    gc.enable()  # as it is when the program starts
    _, window = application.build(["segstudio"])
    qtbot.addWidget(window)
    assert not gc.isenabled()
    assert QApplication.mouseButtons() == Qt.MouseButton.NoButton, "an earlier test still holds the mouse"
    ended: list[threading.Thread] = []
    leave_cycle(ended)
    other = threading.Thread(target=make_garbage)
    other.start()
    other.join()
    assert not ended, "nobody looks for it but Qt's thread"

    def is_found() -> bool:
        # Another one each time: a thread that has loaded much may leave out what is there just now.
        leave_cycle(ended)
        make_garbage()
        return bool(ended)

    qtbot.waitUntil(is_found, timeout=10_000)
    assert set(ended) == {threading.main_thread()}


def test_there_is_one_collector_however_many_windows(qapp: QApplication, collector: GarbageCollector):
    assert collect_in_this_thread(qapp) is collector


def test_generations_are_collected_by_their_quotas(collector: GarbageCollector):
    gc.collect()
    assert collector.collect() is None, "nothing is due"
    make_garbage()
    assert collector.collect() == 0
    found = set()
    for _ in range(200):
        make_garbage()
        found.add(collector.collect())
    assert found >= {0, 1}
    assert gc.get_count()[2] > 0 or 2 in found


def test_everything_is_looked_at_now_and_then_but_not_again_at_once(collector: GarbageCollector, monkeypatch):
    ticks = itertools.count()
    monkeypatch.setattr(garbage, "perf_counter", lambda: next(ticks))  # so it takes one tick
    collector._next_full = 0.0
    while collector.collect() != 2:
        make_garbage()
    ended = next(ticks) - 1
    assert collector._next_full == ended + 100, "the next time is a hundred times as far away as this one took"
    collector._next_full = float("inf")
    before = gc.get_stats()[2]["collections"]
    for _ in range(400):
        make_garbage()
        collector.collect()
    assert gc.get_count()[2] > gc.get_threshold()[2], "it would be due"
    assert gc.get_stats()[2]["collections"] == before
    collector._next_full = 0.0


def test_no_look_while_a_button_is_held(qtbot, collector: GarbageCollector):
    area = QWidget()
    qtbot.addWidget(area)
    area.show()
    qtbot.mousePress(area, Qt.MouseButton.LeftButton)
    try:
        make_garbage()
        before = collections()
        collector._look()
        assert collections() == before
    finally:
        qtbot.mouseRelease(area, Qt.MouseButton.LeftButton)
    collector._look()
    assert collections() == before + 1


def test_a_generation_that_is_due_takes_the_younger_with_it(collector: GarbageCollector):
    weak = weakref.ref(Cycle())
    assert weak() is not None
    make_garbage()
    collector.collect()
    assert weak() is None


def made_for_the_project(qtbot, window: Window) -> list[tuple[str, weakref.ref]]:
    """What the window has made of its own for the open project, all pages included: names and weak references."""
    for page in window.workspace.pages.all:
        assert page.panel
    qtbot.waitUntil(lambda: window.workspace.augment_panel.is_ready and window.is_settled(), timeout=10_000)
    made = (window.workspace, window.session, *window.workspace.findChildren(QObject))
    return [(type(one).__name__, weakref.ref(one)) for one in made if type(one).__module__.startswith("segstudio.")]


def test_a_closed_project_leaves_nothing_behind(qtbot, qapp: QApplication, tmp_path: Path):
    first, second = (make_project(tmp_path, count=2, name=name) for name in ("first", "second"))
    _, window = application.build(["segstudio"])
    qtbot.addWidget(window)
    window.show()
    window.open_project(first)
    made = made_for_the_project(qtbot, window)
    assert len(made) > 100
    leave_out_what_is_there()  # as at the start of the program, and where much has been loaded
    window.open_project(second)

    def nothing_is_left() -> None:
        left = sorted({name for name, one in made if one() is not None})
        assert not left, "they hold the images and lists of a project that nobody sees"

    qtbot.waitUntil(nothing_is_left, timeout=10_000)
    window.close()
