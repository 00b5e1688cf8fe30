"""Background: in order, told in the window's thread, and never before `submit` has returned."""

import threading

import pytest
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
