"""Background: in order, told in the window's thread, and never before `submit` has returned."""

import threading

import pytest
import shiboken6
from pytestqt.qtbot import QtBot

from segstudio.ui.background import Background


def test_work_is_done_in_order_and_told_in_the_thread_of_the_window(qtbot: QtBot) -> None:
    background, told = Background("test"), []
    for number in range(20):
        background.submit(
            lambda number=number: (number, threading.get_ident()),
            lambda future: told.append((*future.result(), threading.get_ident())),
        )
    qtbot.waitUntil(lambda: not background.is_busy)
    assert [number for number, _, _ in told] == list(range(20))
    assert {teller for _, _, teller in told} == {threading.get_ident()}
    assert threading.get_ident() not in {worker for _, worker, _ in told}
    assert background.close()


def test_nobody_is_told_before_submit_has_returned(qtbot: QtBot) -> None:
    background, story = Background("test"), []
    for _ in range(200):  # work so short that it is often done before its callback is set
        background.submit(lambda: None, lambda _: story.append("told"))
        story.append("submitted")
        qtbot.waitUntil(lambda: not background.is_busy)
    assert story == ["submitted", "told"] * 200
    assert background.close()


def test_an_error_nobody_expected_is_raised(qtbot: QtBot) -> None:
    background = Background("test")
    background.submit(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        background.wait(10)
    assert background.close()


def test_waiting_for_what_follows_ends_when_it_is_there_or_takes_too_long(qtbot: QtBot) -> None:
    background, told, go_on = Background("test"), [], threading.Event()
    follow = lambda _: background.submit(lambda: None, lambda _: told.append("followed"))  # noqa: E731
    background.submit(lambda: None, follow)
    assert background.wait_until(lambda: bool(told), 10)
    background.submit(go_on.wait)
    assert not background.wait_until(lambda: False, 0.01)
    go_on.set()
    assert background.close()


def test_who_waits_for_what_follows_does_not_get_the_error_of_another(qtbot: QtBot) -> None:
    background = Background("test")
    background.submit(lambda: 1 / 0)
    with qtbot.captureExceptions() as raised:
        assert not background.wait_until(lambda: False, 10)
        qtbot.waitUntil(lambda: bool(raised))
    assert raised[0][0] is ZeroDivisionError
    assert background.close()


def test_work_that_outlives_its_window_ends_without_a_word(qtbot: QtBot, caplog: pytest.LogCaptureFixture) -> None:
    background, gate, told = Background("outlives"), threading.Event(), []
    background.submit(gate.wait, told.append)
    thread = next(one for one in threading.enumerate() if one.name.startswith("outlives"))
    assert not background.close(0.05)
    shiboken6.delete(background)
    gate.set()
    thread.join(10)
    assert not thread.is_alive()
    assert not caplog.records
    assert not told


def test_after_closing_nobody_is_told(qtbot: QtBot) -> None:
    background, gate, told = Background("closed"), threading.Event(), []
    background.submit(gate.wait, told.append)
    assert not background.close(0.05)
    gate.set()
    qtbot.wait(100)
    assert not told
