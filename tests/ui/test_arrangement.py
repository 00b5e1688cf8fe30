"""Panes lie side by side, but wide photos under each other, where they are larger."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from segstudio.ui.canvas.panes import Panes


@pytest.fixture
def panes(qtbot) -> Panes:
    one = Panes()
    qtbot.addWidget(one)
    one.resize(790, 760)
    one.show()
    return one


@pytest.mark.parametrize(
    ("width", "height", "orientation"),
    [
        (512, 512, Qt.Orientation.Horizontal),
        (300, 900, Qt.Orientation.Horizontal),
        (800, 600, Qt.Orientation.Horizontal),
        (1920, 1080, Qt.Orientation.Vertical),
    ],
)
def test_the_image_decides(panes: Panes, width: int, height: int, orientation: Qt.Orientation):
    panes.show_sample(np.zeros((height, width), np.uint8), None, None)
    assert panes._splitter.orientation() == orientation


def test_hiding_panes_makes_room_side_by_side(panes: Panes):
    panes.show_sample(np.zeros((1080, 1920), np.uint8), None, None)
    before = panes.view.zoom
    panes.set_pane_visible("image", False)
    panes.set_pane_visible("prediction", False)
    assert panes.view.zoom > 1.5 * before


def test_a_wide_window_puts_wide_images_side_by_side(panes: Panes, qtbot):
    panes.show_sample(np.zeros((1080, 1920), np.uint8), None, None)
    panes.resize(2400, 500)
    assert panes._splitter.orientation() == Qt.Orientation.Horizontal
