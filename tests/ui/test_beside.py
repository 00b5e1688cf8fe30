"""Other masks of the sample in the real window: blinked, as a map of disagreement, and with a divider to drag."""

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest

from segstudio.core.metrics import Counts
from segstudio.core.percentage import percent
from segstudio.core.sample import ReviewState
from segstudio.project.project import Project
from segstudio.project.versions import NOW, Version
from segstudio.ui.canvas.layers import HeatLayer, SplitLayer
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.view import Frame
from segstudio.ui.window import Window
from tests.ui.projects import make_project, predict_noisily
from tests.ui.test_window import press
from tests.ui.windows import shown_window


@pytest.fixture
def window(qtbot, tmp_path):
    path = make_project(tmp_path, 3, size=(160, 120))
    with Project.open(path, is_editor=True) as project:
        for seed in range(3):
            predict_noisily(project, seed=seed)
    with shown_window(qtbot, path) as one:
        yield one


def settle(qtbot, window: Window) -> None:
    qtbot.waitUntil(lambda: window.session.sample is not None and window.is_settled(), timeout=20_000)


def hold(window: Window, kind: QEvent.Type) -> None:
    key = QKeyEvent(kind, Qt.Key.Key_2, Qt.KeyboardModifier.NoModifier, "2")
    QCoreApplication.sendEvent(window.windowHandle(), key)


def masks_of(window: Window) -> dict[int, np.ndarray]:
    project, sample = window.session.project, window.session.sample
    return {run: (project.predictions.load(run, sample) >= 128).astype(np.uint8) for run in (1, 2, 3)}


def test_each_press_shows_the_next_and_holding_goes_on(qtbot, window: Window) -> None:
    beside, shown = window.workspace.beside, []
    beside._next.setInterval(100_000)
    before = window.panes.canvas("truth").grab().toImage()
    for _ in range(5):
        hold(window, QEvent.Type.KeyPress)
        settle(qtbot, window)
        shown.append(beside.shown)
        name = window.panes.canvas("image")._name[0]
        hold(window, QEvent.Type.KeyRelease)
    assert shown == ["True mask", "Run 0003", "Run 0002", "Run 0001", "True mask"]
    iou = Counts.of(window.session.document.mask, masks_of(window)[1]).iou
    assert name == "True mask"
    assert beside._words("Run 0001", masks_of(window)[1]) == f"Run 0001  ·  IoU {iou:.3f}"
    assert beside.shown == ""
    assert window.panes.canvas("truth").grab().toImage() == before
    beside._next.setInterval(1)
    hold(window, QEvent.Type.KeyPress)
    qtbot.waitUntil(lambda: beside.shown == "Run 0001", timeout=20_000)
    hold(window, QEvent.Type.KeyRelease)


def test_the_panes_show_what_is_blinked(qtbot, window: Window) -> None:
    beside = window.workspace.beside
    beside._next.setInterval(100_000)
    truth = window.panes.canvas("truth").grab().toImage()
    hold(window, QEvent.Type.KeyPress)
    assert window.panes.canvas("image")._name[0] == "True mask"
    overlays = {window.panes.canvas(name)._overlay for name in ("image", "truth", "prediction", "errors")}
    assert len(overlays) == 1
    hold(window, QEvent.Type.KeyRelease)
    assert window.panes.canvas("truth").grab().toImage() == truth
    assert window.panes.canvas("image")._name[0] == ""


def test_the_map_of_disagreement_follows_the_sample(qtbot, window: Window) -> None:
    press(window, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, window)
    assert window.panes.is_heat_shown
    assert isinstance(window.panes.canvas("prediction")._overlay, HeatLayer)
    masks = np.stack(list(masks_of(window).values()))
    share = (masks.min(axis=0) != masks.max(axis=0)).mean()
    assert window.panes.canvas("prediction")._caption.text == f"3 runs disagree on {percent(share, 1)}"
    other = next(one.id for one in window.session.project.samples.all() if one.id != window.session.sample.id)
    window.session.show(other)
    settle(qtbot, window)
    masks = np.stack(list(masks_of(window).values()))
    share = (masks.min(axis=0) != masks.max(axis=0)).mean()
    assert window.panes.canvas("prediction")._caption.text == f"3 runs disagree on {percent(share, 1)}"
    press(window, Qt.Key.Key_H, Qt.KeyboardModifier.ShiftModifier)
    assert not window.panes.is_heat_shown


def test_the_divider_shows_two_versions_and_how_they_differ(qtbot, window: Window) -> None:
    press(window, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, window)
    view = window.workspace.swipe_view
    assert view.isVisible()
    assert view.chosen == (NOW, Version("run", 3))
    counts = Counts.of(window.session.document.mask, masks_of(window)[3])
    assert view.words.startswith(f"Dice {counts.dice:.4f}")
    assert view.words.endswith(f"{counts.fp + counts.fn:,} px differ".replace(",", "\u202f"))
    view._boxes[0].setCurrentIndex(view._boxes[0].findText("Run 0001"))
    settle(qtbot, window)
    assert view.chosen == (Version("run", 1), Version("run", 3))
    for key, share in ((Qt.Key.Key_Right, 0.52), (Qt.Key.Key_Left, 0.5), (Qt.Key.Key_End, 1.0), (Qt.Key.Key_Home, 0.0)):
        QTest.keyClick(view.canvas, key)
        assert view.canvas.share == pytest.approx(share)
    view.canvas.set_share(0.5)
    middle = QPoint(view.canvas.width() // 2, view.canvas.height() // 2)
    QTest.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(view.canvas, QPoint(view.canvas.width() // 4, middle.y()))
    QTest.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(view.canvas.width() // 4, middle.y()))
    assert view.canvas.share == pytest.approx(0.25, abs=0.01)
    QTest.keyClick(view.canvas, Qt.Key.Key_S)
    settle(qtbot, window)
    assert view.chosen == (Version("run", 3), Version("run", 1))
    QTest.keyClick(view.canvas, Qt.Key.Key_D)
    assert view.canvas.titles == ("only Run 0003", "only Run 0001")
    QTest.keyClick(view.canvas, Qt.Key.Key_Escape)
    assert not view.isVisible()
    assert window.workspace.are_panes_seen
    assert not window.actions_by_name["swipe"].isChecked()


def test_a_revision_is_compared_with_the_mask_as_it_is_painted(qtbot, window: Window) -> None:
    document = window.session.document
    before = document.mask.copy()
    document.replace(np.zeros_like(before), "Clear")
    window.session.save_now(wait=True)
    settle(qtbot, window)
    window.workspace.review_panel.compare_wanted.emit(0)
    settle(qtbot, window)
    view = window.workspace.swipe_view
    assert view.chosen == (Version("revision", 0), NOW)
    assert f"{np.count_nonzero(before):,} px differ".replace(",", "\u202f") in view.words
    window.session.go_to(None)
    qtbot.waitUntil(lambda: "Dice 1.0000" in view.words and window.is_settled(), timeout=20_000)
    window.workspace.show_training()
    assert not view.isVisible()


def test_the_zoom_is_that_of_the_panes(qtbot, window: Window) -> None:
    window.panes.one_to_one()
    window.actions_by_name["swipe"].trigger()
    settle(qtbot, window)
    assert window.panes.view.zoom == 1.0
    QTest.keyClick(window.workspace.swipe_view.canvas, Qt.Key.Key_Plus)
    assert window.panes.view.zoom == 1.5
    window.actions_by_name["swipe"].trigger()
    assert window.panes.view.zoom == 1.5


def test_a_verdict_can_be_given_between_the_two_sides_of_the_divider(qtbot, window: Window) -> None:
    window.actions_by_name["swipe"].trigger()
    settle(qtbot, window)
    assert not window.actions_by_name["tool-brush"].isEnabled()
    QTest.keyClick(window.workspace.swipe_view.canvas, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: window.session.sample.state is ReviewState.ACCEPTED)
    assert window.workspace.swipe_view.isVisible()


class Plain:
    """A layer of one colour."""

    def __init__(self, colour: int) -> None:
        self.colour = colour

    def render(self, frame: Frame, rect) -> np.ndarray:
        return np.full((rect.height, rect.width), self.colour, np.uint32)


def test_left_of_the_divider_is_the_left_layer_alone() -> None:
    frame = Frame(100, 40, 1.0, 1.0, 0, 0, 100, 40)
    for share, column in ((0.0, 0), (0.3, 30), (1.0, 100)):
        screen = SplitLayer(Plain(1), Plain(2), share).render(frame, frame.picture)
        assert (screen[:, :column] == 1).all()
        assert (screen[:, column:] == 2).all()
    part = frame.picture._replace(x=20, width=40, y=3, height=7)
    whole = SplitLayer(Plain(1), Plain(2), 0.5).render(frame, frame.picture)
    assert np.array_equal(SplitLayer(Plain(1), Plain(2), 0.5).render(frame, part), whole[part.slices])
    assert not SplitLayer(None, Plain(2), 0.5).render(frame, frame.picture)[:, :50].any()


def test_heat_is_nothing_where_there_is_none_and_brightest_at_most() -> None:
    values = np.zeros((40, 100), np.uint8)
    values[:, 50:] = 255
    values[:, :10] = 120
    frame = Frame(100, 40, 1.0, 1.0, 0, 0, 100, 40)
    screen = HeatLayer(Pyramid(values), 0.8).render(frame, frame.picture)
    assert not screen[:, 10:50].any()
    alpha = screen >> 24
    assert alpha[0, 60] == 204
    assert 0 < alpha[0, 5] <= alpha[0, 60]
    for channel in (16, 8, 0):
        assert (((screen >> channel) & 255) <= alpha).all()
