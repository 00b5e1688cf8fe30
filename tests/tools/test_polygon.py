"""Polygon: clicks, double click, Enter, Backspace, Escape."""

import numpy as np

from segstudio.core.document import Document
from segstudio.tools import Drag, Pointer, Scene
from segstudio.tools.polygon import Polygon


def begin(document: Document, x: float, y: float, *, is_alternate: bool = False) -> Drag:
    tool = Polygon()
    return Drag(tool, Scene(document, document.mask), tool.Options(), Pointer(x, y, is_alternate, clicks=1))


def click(drag: Drag, x: float, y: float, clicks: int = 1) -> None:
    drag.move(Pointer(x, y))
    drag.move(Pointer(x, y, clicks=clicks))


def test_a_double_click_closes_it() -> None:
    document = Document(np.zeros((40, 50), np.uint8))
    drag = begin(document, 10, 5)
    click(drag, 30, 5)
    click(drag, 30, 25)
    click(drag, 10, 25)
    assert not document.mask.any()
    click(drag, 10, 25, clicks=2)
    assert drag.is_finished
    wanted = np.zeros((40, 50))
    wanted[5:25, 10:30] = 1
    assert np.array_equal(document.mask, wanted)
    assert document.history.undo_label == "Polygon"


def test_the_outline_follows_the_pointer() -> None:
    drag = begin(Document(np.zeros((40, 50), np.uint8)), 10, 5)
    assert drag.outline == ((10, 5), (10, 5))
    drag.move(Pointer(20, 6))
    assert drag.outline == ((10, 5), (20, 6))
    click(drag, 30, 5)
    drag.move(Pointer(33, 9))
    assert drag.outline == ((10, 5), (30, 5), (33, 9))
    drag.step_back()
    assert drag.outline == ((10, 5), (33, 9))
    drag.step_back()
    assert drag.is_finished


def test_enter_closes_at_the_last_click_not_at_the_pointer() -> None:
    document = Document(np.zeros((40, 50), np.uint8))
    drag = begin(document, 0, 0)
    click(drag, 50, 0)
    click(drag, 0, 40)
    drag.move(Pointer(50, 40))
    drag.finish()
    assert abs(int(document.mask.sum()) - 1000) <= 25


def test_the_alternate_clears_and_two_corners_are_nothing() -> None:
    document = Document(np.ones((40, 50), np.uint8))
    drag = begin(document, -10, -10, is_alternate=True)
    click(drag, 100, -10)
    drag.finish()
    assert document.mask.all()
    drag = begin(document, -10, -10, is_alternate=True)
    click(drag, 100, -10)
    click(drag, 100, 100)
    click(drag, -10, 100)
    drag.finish()
    assert not document.mask.any()
