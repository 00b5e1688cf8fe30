"""Pictures of the recipe editor and its preview, dark and light; see test_window_looks.py."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from segstudio.ui import theme
from segstudio.ui.panels.augment import AugmentPanel
from segstudio.ui.window import Window
from tests.looks.test_window_looks import clipped, overlapping, picture, window

__all__ = ["window"]

OUTLINE = (0x4D, 0x9B, 0xFF)


def opened(qtbot, window: Window) -> AugmentPanel:
    workspace = window.workspace
    workspace.tabs.setCurrentWidget(workspace.pages.augment)
    panel = workspace.augment_panel
    qtbot.waitUntil(lambda: not panel.is_busy, timeout=60_000)
    return panel


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_the_editor_and_the_preview(qtbot, window: Window, choice: theme.Choice):
    window.set_theme(choice)
    panel = opened(qtbot, window)
    for name in ("chest-xray", "lens-dirt", "strong"):
        panel.editing.choose(name)
        qtbot.waitUntil(lambda: not panel.is_busy, timeout=60_000)
        qtbot.wait(30)
        shown = picture(window, f"augment-{choice}-{name}")
        assert not clipped(window)
        assert not overlapping(window)
        near = np.abs(shown.reshape(-1, 3).astype(int) - OUTLINE).max(axis=1) < 40
        assert near.sum() > 300, "the outlines of the masks"
    QTest.mouseClick(panel.step_form.extremes_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.is_busy, timeout=60_000)
    picture(window, f"augment-{choice}-extremes")
    panel.editing.new()
    qtbot.waitUntil(lambda: not panel.is_busy, timeout=60_000)
    picture(window, f"augment-{choice}-empty")
    assert not clipped(window)


def test_a_small_window_keeps_the_words_of_the_editor(qtbot, window: Window):
    window.resize(1100, 700)
    opened(qtbot, window)
    qtbot.wait(50)
    picture(window, "augment-small")
    assert not clipped(window)
