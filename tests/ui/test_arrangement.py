"""Panes lie side by side, or in as many rows as show the image clearly larger."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QWidget

from segstudio.ui.canvas.arrangement import WORTH_LEAVING_THE_ROW, arrange
from segstudio.ui.canvas.panes import Panes

SIDES = st.integers(1, 10_000)


@given(st.integers(1, 6), st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES))
def test_no_other_arrangement_shows_the_image_much_larger(count, space, image):
    def zoom(rows: int, columns: int) -> float:
        return min(space[0] / columns / image[0], space[1] / rows / image[1])

    chosen = arrange(count, space, (0, 0), image)
    assert chosen.rows * chosen.columns >= count
    assert (chosen.rows - 1) * chosen.columns < count, "a row is empty"
    best = max(zoom(-(-count // columns), columns) for columns in range(1, count + 1))
    assert zoom(*chosen) * WORTH_LEAVING_THE_ROW >= best * (1 - 1e-9)


@pytest.fixture
def panes(qtbot) -> Panes:
    one = Panes()
    qtbot.addWidget(one)
    one.resize(790, 760)
    one.show()
    return one


def cells(panes: Panes) -> tuple[int, int]:
    """Rows and columns as they are on screen."""
    shown = [panes.pane(name) for name in ("image", "truth", "prediction", "errors") if panes.pane(name).isVisible()]
    return len({pane.y() for pane in shown}), len({pane.x() for pane in shown})


@pytest.mark.parametrize(
    ("width", "height", "three", "four"),
    [
        (512, 512, (2, 2), (2, 2)),
        (300, 900, (1, 3), (1, 4)),
        (800, 600, (2, 2), (2, 2)),
        (4000, 800, (3, 1), (4, 1)),
    ],
)
def test_the_image_decides(panes: Panes, width: int, height: int, three, four):
    panes.show_sample(np.zeros((height, width), np.uint8), None, None)
    assert cells(panes) == three
    panes.set_error_view(True)
    assert cells(panes) == four
    panes.set_error_view(False)
    assert cells(panes) == three


def test_all_panes_are_of_one_size(panes: Panes):
    panes.set_error_view(True)
    for width, height in ((791, 763), (1333, 500), (420, 900)):
        panes.resize(width, height)
        panes.show_sample(np.zeros((100, 140), np.uint8), None, None)
        sizes = [panes.pane(name).size() for name in ("image", "truth", "prediction", "errors")]
        assert max(size.width() for size in sizes) - min(size.width() for size in sizes) <= 1
        assert max(size.height() for size in sizes) - min(size.height() for size in sizes) <= 1


def test_hiding_panes_makes_room(panes: Panes):
    panes.show_sample(np.zeros((1080, 1920), np.uint8), None, None)
    before = panes.view.zoom
    for name in ("image", "prediction"):
        panes.set_pane_visible(name, False)
    assert panes.view.zoom > 1.5 * before


def test_a_cell_that_is_left_over_is_filled(panes: Panes):
    spare = QWidget()
    panes.set_spare(spare)
    assert spare.isHidden(), "without an image the panes stand in a row"
    panes.show_sample(np.zeros((512, 512), np.uint8), None, None)
    assert spare.isVisible()
    before = panes.pane("prediction").size()
    assert abs(spare.width() - before.width()) <= 1
    assert abs(spare.height() - before.height()) <= 1
    panes.set_error_view(True)
    assert spare.isHidden()
    panes.set_pane_visible("image", False)
    assert spare.isVisible()
    panes.set_pane_visible("prediction", False)
    assert spare.isHidden()
