"""Flood fill."""

import numpy as np

from segstudio.core.document import Document
from segstudio.tools import Drag, Pointer, Scene
from segstudio.tools.fill import Fill, FillOptions
from tests.tools.drags import compute


def click(mask: np.ndarray, x: float, y: float, *, is_alternate: bool = False, **options: bool) -> Document:
    document = Document(mask.copy())
    drag = Drag(Fill(), Scene(document, mask), FillOptions(**options), Pointer(x, y, is_alternate, clicks=1))
    assert np.array_equal(document.mask, mask), "the region is looked for in another thread"
    drag.finish()
    compute(drag)
    return document


def ring() -> np.ndarray:
    mask = np.zeros((300, 400), np.uint8)
    mask[20:280, 30:380] = 1
    mask[100:150, 120:260] = 0
    mask[290:295, 5:9] = 1
    return mask


def test_it_fills_a_hole_and_nothing_else() -> None:
    wanted = ring()
    wanted[100:150, 120:260] = 1
    assert np.array_equal(click(ring(), 200.7, 149.9).mask, wanted)


def test_the_alternate_removes_a_blob_and_nothing_else() -> None:
    wanted = ring()
    wanted[20:280, 30:380] = 0
    assert np.array_equal(click(ring(), 30.0, 20.0, is_alternate=True).mask, wanted)


def test_filling_what_is_full_is_no_step_of_history() -> None:
    assert not click(ring(), 40, 40).history.can_undo
    assert not click(ring(), 0, 0, is_alternate=True).history.can_undo


def test_corners_are_an_option() -> None:
    mask = np.eye(6, dtype=np.uint8)
    assert click(mask, 2.5, 2.5, is_alternate=True).mask.sum() == 5
    assert click(mask, 2.5, 2.5, is_alternate=True, is_diagonal=True).mask.sum() == 0
