"""Tools with modes, previews and slow work, operations on the whole mask, pens: with real events on real widgets."""

from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel
from pytestqt.qtbot import QtBot

from segstudio.core.document import Document
from segstudio.core.edit import Mode
from segstudio.tools import Work
from segstudio.tools.brush import BrushOptions
from segstudio.ui.canvas.layers import ADDED, REMOVED
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.combo import Combo
from segstudio.ui.option_row import ModeButtons
from segstudio.ui.tool_options import ToolOptions
from tests.ui.test_canvas_pixels import pixels

NO, SHIFT, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
LEFT, RIGHT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
MIDDLE = Qt.MouseButton.MiddleButton
HEIGHT, WIDTH = 90, 120


class Hand:
    """A mouse over one pane, in image pixels."""

    def __init__(self, panes: Panes) -> None:
        self.canvas = panes.canvas("truth")
        self.keys = NO
        self.button = LEFT

    def press(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        self.button = button
        self._send(QEvent.Type.MouseButtonPress, x, y, button, button)

    def move(self, x: float, y: float) -> None:
        self._send(QEvent.Type.MouseMove, x, y, NONE, self.button)

    def hover(self, x: float, y: float) -> None:
        self._send(QEvent.Type.MouseMove, x, y, NONE, NONE)

    def release(self, x: float, y: float) -> None:
        self._send(QEvent.Type.MouseButtonRelease, x, y, self.button, NONE)

    def drag(self, *points: tuple[float, float], button: Qt.MouseButton = LEFT) -> None:
        self.press(*points[0], button)
        for point in points[1:]:
            self.move(*point)
        self.release(*points[-1])

    def click(self, x: float, y: float, button: Qt.MouseButton = LEFT) -> None:
        self.drag((x, y), button=button)

    def _send(self, kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        point = QPointF(*self.canvas.frame.to_widget(x, y))
        everywhere = QPointF(self.canvas.mapToGlobal(QPoint(0, 0))) + point
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, point, everywhere, button, held, self.keys))


PENS = {
    end: QPointingDevice("pen", 7, QPointingDevice.DeviceType.Stylus, end, QPointingDevice.Capability.Position, 1, 2)
    for end in (QPointingDevice.PointerType.Pen, QPointingDevice.PointerType.Eraser)
}
"""Kept: Qt remembers the devices of events."""


class Pen:
    """A pen over one pane, in image pixels; a tap follows the one before by `pause` milliseconds."""

    def __init__(self, panes: Panes) -> None:
        self.canvas = panes.canvas("truth")
        self.end = QPointingDevice.PointerType.Pen
        self.now = 1000

    def press(self, x: float, y: float, pressure: float = 0.7) -> bool:
        return self._send(QEvent.Type.TabletPress, x, y, LEFT, LEFT, pressure)

    def move(self, x: float, y: float) -> bool:
        return self._send(QEvent.Type.TabletMove, x, y, NONE, LEFT)

    def hover(self, x: float, y: float) -> bool:
        """As Qt does, the mouse follows when the program does not want to know of the pen itself."""
        is_taken = self._send(QEvent.Type.TabletMove, x, y, NONE, NONE, 0.0)
        if not is_taken:
            point = QPointF(*self.canvas.frame.to_widget(x, y))
            everywhere = self.canvas.mapToGlobal(point)
            event = QMouseEvent(QEvent.Type.MouseMove, point, everywhere, NONE, NONE, NO, self._device)
            QApplication.sendEvent(self.canvas, event)
        return is_taken

    def release(self, x: float, y: float) -> bool:
        return self._send(QEvent.Type.TabletRelease, x, y, LEFT, NONE, 0.0)

    def tap(self, x: float, y: float, pause: int = 2000) -> None:
        self.now += pause
        self.press(x, y)
        self.release(x, y)

    @property
    def _device(self) -> QPointingDevice:
        return PENS[self.end]

    def _send(
        self, kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton, held: Qt.MouseButton, pressure: float = 0.7
    ) -> bool:
        point = QPointF(*self.canvas.frame.to_widget(x, y))
        device = self._device
        event = QTabletEvent(kind, device, point, self.canvas.mapToGlobal(point), pressure, 0, 0, 0, 0, 0, NO, button,
                             held)  # fmt: skip
        event.setTimestamp(self.now)
        QApplication.sendEvent(self.canvas, event)
        return event.isAccepted()


@pytest.fixture
def panes(qtbot: QtBot) -> Iterator[Panes]:
    panes = Panes()
    qtbot.addWidget(panes)
    panes.resize(900, 360)
    panes.show()
    qtbot.waitExposed(panes)
    panes.set_tool("brush")
    yield panes
    panes.clear()


@pytest.fixture
def document(panes: Panes) -> Document:
    """A mask with a block in it; the picture has a bright square, and the model sees another block."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:40, 10:50] = 1
    image = np.full((HEIGHT, WIDTH), 60, np.uint8)
    image[30:70, 40:90] = 200
    image += np.random.default_rng(0).integers(0, 5, image.shape, np.uint8)
    probability = np.zeros((HEIGHT, WIDTH), np.uint8)
    probability[30:60, 40:80] = 200
    document = Document(mask)
    panes.show_sample(image, document, probability)
    return document


@pytest.fixture
def hand(panes: Panes, document: Document) -> Hand:
    return Hand(panes)


def block(*rect: int) -> np.ndarray:
    """1 in rows a to b and columns c to d."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[rect[0] : rect[1], rect[2] : rect[3]] = 1
    return mask


# --- modes


@pytest.mark.parametrize(
    ("keys", "button", "sign", "mode"),
    [
        (NO, LEFT, "+", Mode.ADD),
        (SHIFT, LEFT, "+", Mode.ADD),
        (ALT, LEFT, "−", Mode.SUBTRACT),
        (SHIFT | ALT, LEFT, "∩", Mode.INTERSECT),
        (NO, RIGHT, "−", Mode.SUBTRACT),
    ],
)
def test_keys_and_buttons_mean_modes(panes, document, hand, keys, button, sign, mode) -> None:
    panes.set_tool("rectangle")
    before, square = document.mask.copy(), block(20, 60, 30, 70)
    hand.keys = keys
    hand.press(30, 20, button)
    hand.keys = NO  # what counts is what was held at the press
    hand.move(70, 60)
    assert hand.canvas.marks.sign == sign
    assert hand.canvas.marks.text == "40 × 40"
    assert np.array_equal(document.mask, before)
    hand.release(70, 60)
    wanted = {Mode.ADD: before | square, Mode.SUBTRACT: before & ~square & 1, Mode.INTERSECT: before & square}[mode]
    assert np.array_equal(document.mask, wanted)
    assert document.history.undo_label == "Rectangle"


def test_the_sign_follows_the_keys_before_the_press(panes, document, hand) -> None:
    panes.set_tool("lasso")
    hand.hover(20, 20)
    assert hand.canvas.marks.sign == "+"
    QTest.keyPress(hand.canvas, Qt.Key.Key_Alt)
    assert hand.canvas.marks.sign == "−"
    QTest.keyPress(hand.canvas, Qt.Key.Key_Shift, ALT)
    assert hand.canvas.marks.sign == "∩"
    QTest.keyRelease(hand.canvas, Qt.Key.Key_Alt, SHIFT)
    QTest.keyRelease(hand.canvas, Qt.Key.Key_Shift)
    assert hand.canvas.marks.sign == "+"
    panes.next_mode()
    assert hand.canvas.marks.sign == "−"
    panes.set_tool("brush")
    assert hand.canvas.marks.sign == ""


def test_keys_pressed_while_dragging_mean_a_form(panes, document, hand) -> None:
    panes.set_tool("rectangle")
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    hand.press(60, 40)
    hand.keys = SHIFT
    hand.move(70, 60)
    hand.release(70, 60)
    assert np.array_equal(document.mask, block(40, 60, 60, 80))
    document.undo()
    hand.keys = NO
    hand.press(60, 40)
    hand.keys = ALT
    hand.move(70, 60)
    hand.release(70, 60)
    assert np.array_equal(document.mask, block(20, 60, 50, 70))


def test_a_lasso_fills_its_loops_and_a_slip_does_nothing(panes, document, hand) -> None:
    panes.set_tool("lasso")
    hand.drag((60, 50), (80, 50), (80, 70), (60, 70))
    assert document.mask[50:70, 60:80].all()
    entries = len(document.history.past)
    hand.keys = SHIFT | ALT
    hand.drag((60, 50))
    assert len(document.history.past) == entries


# --- slow work


def test_a_click_of_the_wand_takes_like_pixels_and_escape_gives_up(qtbot, panes, document, hand) -> None:
    before = document.mask.copy()
    panes.set_tool("wand")
    hand.press(60, 50)
    assert panes.pointer.drag is not None
    QTest.keyClick(hand.canvas, Qt.Key.Key_Escape)
    assert panes.pointer.drag is None
    hand.release(60, 50)
    hand.drag((60, 50))
    qtbot.waitUntil(lambda: panes.pointer.drag is None)
    assert np.array_equal(document.mask, before | block(30, 70, 40, 90))
    assert document.history.undo_label == "Magic wand"
    assert len(document.history.past) == 1


def test_the_wand_shows_what_it_would_take(qtbot, panes, document, hand) -> None:
    panes.set_tool("wand")
    hand.press(80, 60)
    qtbot.waitUntil(lambda: panes.pointer.preview.patch is not None)
    shown = pixels(panes.canvas("image"))
    x, y = (int(at) for at in panes.canvas("image").frame.to_device(85.5, 65.5))
    assert abs(shown[y, x].astype(int) - ADDED).sum() < 250, "the pixels to come are shown in every pane"
    assert not document.mask[60, 80]
    panes.pointer.cancel()
    QApplication.processEvents()
    assert not np.array_equal(pixels(panes.canvas("image"))[y, x], shown[y, x])


def test_an_outline_is_redrawn_by_one_stroke_and_seen_before_it_is_made(qtbot, panes, document, hand) -> None:
    before = document.mask.copy()
    panes.set_tool("redraw")
    panes.set_tool_options("redraw", panes.tool_options("redraw").replaced(reach=5 * hand.canvas.frame.zoom))
    hand.press(50, 20)
    for point in ((70, 20), (70, 30), (50, 30)):
        hand.move(*point)
    qtbot.waitUntil(lambda: panes.pointer.preview.patch is not None and panes.pointer.preview.patch.pixels.any())
    assert np.array_equal(document.mask, before)
    hand.release(50, 30)
    qtbot.waitUntil(lambda: panes.pointer.drag is None)
    assert np.array_equal(document.mask, before | block(20, 30, 50, 70))
    assert document.history.undo_label == "Redraw outline"
    assert len(document.history.past) == 1


def test_a_click_on_a_segment_waits_until_there_are_segments(qtbot, panes, document, hand) -> None:
    before = document.mask.copy()
    panes.set_tool("superpixels")
    hand.drag((70, 60))
    qtbot.waitUntil(lambda: panes.pointer.drag is None, timeout=20_000)
    after = document.mask
    assert after[60, 70]
    taken = (after != before).sum()
    assert 20 < taken < 2500
    inside = block(30, 70, 40, 90)
    assert (after & inside & ~before).sum() > 0.9 * taken, "a segment ends where the square does"
    document.undo()
    hand.hover(70, 60)
    assert panes.pointer.preview.patch is not None, "what a click would take is shown"
    assert np.array_equal(document.mask, before)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Whatever is computed waits until this is set, and nobody waits long for it."""
    go_on = Event()
    run = Work.run
    monkeypatch.setattr(Work, "run", lambda work: (go_on.wait(10), run(work))[1])
    monkeypatch.setattr("segstudio.ui.background.PATIENCE", 0.05)
    yield go_on
    go_on.set()


def test_leaving_the_sample_keeps_a_click_that_is_being_computed(panes, document, hand) -> None:
    before = document.mask.copy()
    panes.set_tool("wand")
    hand.drag((60, 50))
    panes.show_sample(np.zeros((20, 30), np.uint8), Document(np.zeros((20, 30), np.uint8)), None)
    assert panes.pointer.drag is None
    assert np.array_equal(document.mask, before | block(30, 70, 40, 90))


def test_a_click_that_takes_too_long_is_given_up_and_that_is_said(panes, document, hand, slowly) -> None:
    before = document.mask.copy()
    told: list[str] = []
    panes.tool_refused.connect(told.append)
    panes.set_tool("wand")
    hand.drag((60, 50))
    assert not panes.finish_stroke()
    assert panes.pointer.drag is None
    assert told[0].startswith("Magic wand was not made")
    assert np.array_equal(document.mask, before)


def test_leaving_the_sample_gives_up_what_is_not_decided_yet(panes, document, hand) -> None:
    before = document.mask.copy()
    panes.set_tool("wand")
    hand.press(60, 50)
    panes.show_sample(np.zeros((20, 30), np.uint8), Document(np.zeros((20, 30), np.uint8)), None)
    assert panes.pointer.drag is None
    assert np.array_equal(document.mask, before)
    assert not document.is_stroke_open


def test_scribbles_are_shown_and_enter_makes_the_change(qtbot, panes, document, hand) -> None:
    panes.set_tool("grabcut")
    panes.set_tool_options("grabcut", panes.tool_options("grabcut").replaced(reach=60, start="from nothing"))
    before = document.mask.copy()
    hand.drag((60, 40), (80, 60))
    hand.drag((20, 80), (110, 80), button=RIGHT)
    hand.drag((110, 10), (110, 80), button=RIGHT)
    qtbot.waitUntil(lambda: panes.pointer.drag.work is None, timeout=20_000)
    assert [one.is_foreground for one in hand.canvas.marks.scribbles] == [True, False, False]
    assert np.array_equal(document.mask, before)
    hand.drag((60, 85), (70, 85))
    QTest.keyClick(hand.canvas, Qt.Key.Key_Backspace)
    assert len(hand.canvas.marks.scribbles) == 3
    QTest.keyClick(hand.canvas, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panes.pointer.drag is None, timeout=20_000)
    wanted = before | block(30, 70, 40, 90)
    assert (document.mask != wanted).sum() < 0.1 * wanted.sum()
    assert len(document.history.past) == 1


# --- pens


def test_the_pressure_of_a_pen_makes_the_stroke_narrower(panes, document) -> None:
    def width_at(pressure: float) -> int:
        pen.press(60, 60, pressure)
        pen.release(60, 60)
        return int(document.mask[60].sum())

    pen = Pen(panes)
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=20, has_pressure=True))
    assert width_at(0.5) == 20
    assert width_at(1.0) == 40
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=20))
    assert width_at(0.5) == 40


def test_a_mouse_pushed_aside_while_a_pen_draws_adds_nothing(panes, document, hand) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=2))
    pen = Pen(panes)
    pen.press(20, 20)
    pen.move(30, 20)
    hand.move(30, 80)
    hand.button = LEFT
    hand.release(30, 80)  # of a button that went down elsewhere
    pen.move(40, 20)
    pen.release(40, 20)
    assert not document.mask[30:].any()
    assert document.mask[20, 20:40].all()
    pen.hover(60, 60)
    assert not document.mask[30:].any()
    assert document.history.undo_label == "Brush"


def test_a_press_of_the_mouse_takes_over_from_a_pen_and_the_other_way_round(panes, document, hand) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=2))
    pen, steps = Pen(panes), len(document.history.past)
    pen.press(20, 20)
    pen.move(30, 20)
    hand.press(20, 60)
    hand.move(30, 60)
    pen.move(30, 80)
    pen.release(30, 80)
    hand.move(40, 60)
    hand.release(40, 60)
    assert len(document.history.past) == steps + 2  # each stroke can be undone for itself
    assert document.mask[20, 20:30].all()
    assert document.mask[60, 20:40].all()
    assert not document.mask[30:50].any()
    assert not document.mask[70:].any()
    hand.press(60, 20)
    pen.press(80, 60)
    hand.move(60, 40)
    hand.release(60, 40)
    pen.move(90, 60)
    pen.release(90, 60)
    assert len(document.history.past) == steps + 4
    assert document.mask[60, 80:90].all()
    assert not document.mask[30:50, 60].any()


def test_two_taps_of_a_pen_close_a_polygon_and_two_slow_ones_do_not(panes, document) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool("polygon")
    pen = Pen(panes)
    for corner in ((20, 20), (80, 20), (80, 70)):
        pen.tap(*corner)
    pen.tap(20, 70)
    pen.tap(20, 70)
    assert not document.mask.any()
    pen.tap(20, 70, pause=100)
    assert document.mask[20:70, 20:80].all()


def test_the_other_end_of_a_pen_says_what_it_will_do(panes, document) -> None:
    pen = Pen(panes)
    pen.end = QPointingDevice.PointerType.Eraser
    pen.hover(20, 20)
    assert panes.canvas("image").marks.sign == "\N{MINUS SIGN}"
    panes.set_tool("rectangle")
    assert panes.canvas("image").marks.sign == "\N{MINUS SIGN}"
    pen.end = QPointingDevice.PointerType.Pen
    pen.hover(20, 20)
    assert panes.canvas("image").marks.sign == "+"


# --- what hands do in the middle of something


def test_panning_in_the_middle_of_a_stroke_neither_ends_it_nor_leaves_it_hanging(panes, document, hand) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=2))
    hand.press(20, 20)
    middle = Hand(panes)
    middle.press(20, 20, MIDDLE)
    hand.move(30, 25)  # the picture goes along: still over the same pixel
    hand.release(20, 20)
    middle.release(20, 20)
    painted = document.mask.copy()
    assert painted.any()
    assert not painted[:, 40:].any()
    hand.hover(90, 60)
    assert np.array_equal(document.mask, painted)
    hand.drag((90, 60), (92, 60))
    assert document.mask[60, 90]


def test_a_stroke_goes_on_after_panning(panes, document, hand) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=2))
    hand.press(20, 20)
    middle = Hand(panes)
    middle.press(20, 20, MIDDLE)
    middle.release(20, 20)
    hand.move(60, 20)
    hand.release(60, 20)
    assert document.mask[20, 20:60].all()


def test_a_click_on_the_first_corner_closes_a_polygon(panes, document, hand) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool("polygon")
    for corner in ((20, 20), (80, 20), (80, 70), (20, 70)):
        hand.click(*corner)
    hand.hover(20.5, 20.5)
    marks = panes.canvas("image").marks
    assert marks.text == "close"
    assert marks.outline[-1] == marks.outline[0]
    hand.click(20.5, 20.5)
    assert document.mask[20:70, 20:80].all()
    assert document.mask.sum() == 50 * 60


def test_a_fine_display_asks_for_no_finer_hand(panes, document, hand, monkeypatch) -> None:
    monkeypatch.setattr(type(hand.canvas), "devicePixelRatioF", lambda _self: 2.0)
    panes.set_tool("polygon")
    for corner in ((20, 20), (80, 20), (80, 70)):
        hand.click(*corner)
    for distance, text in ((7, "close"), (9, "")):
        x, y = hand.canvas.frame.to_widget(20, 20)
        hand.hover(*hand.canvas.frame.to_image(x + distance, y))
        assert panes.canvas("image").marks.text == text


def test_a_right_click_takes_a_corner_back_and_the_sign_stays(panes, document, hand) -> None:
    panes.set_tool("polygon")
    hand.click(20, 20)
    hand.click(80, 20)
    hand.click(80, 70)
    hand.click(5, 5, button=RIGHT)
    marks = panes.canvas("image").marks
    assert len(marks.outline) == 3
    assert marks.sign == "+"
    hand.click(5, 5, button=RIGHT)
    hand.click(5, 5, button=RIGHT)
    assert panes.canvas("image").marks.outline == ()
    hand.click(20, 20, button=RIGHT)  # who takes away may go on with either button
    hand.click(80, 20, button=RIGHT)
    hand.click(80, 70)
    assert len(panes.canvas("image").marks.outline) == 4
    assert panes.canvas("image").marks.sign == "\N{MINUS SIGN}"


def test_shift_keeps_the_sides_of_a_polygon_straight(panes, document, hand) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool("polygon")
    hand.click(20, 20)
    hand.keys = SHIFT
    hand.click(80, 24)
    assert panes.canvas("image").marks.outline[1] == pytest.approx((80, 20))
    hand.click(78, 70)
    hand.keys = NO
    QTest.keyClick(hand.canvas, Qt.Key.Key_Return)
    ys, xs = np.nonzero(document.mask)
    assert document.mask.any()
    assert xs.max() == 79
    assert ys.min() == 20


def test_a_polygon_given_up_for_another_tool_is_told(panes, document, hand) -> None:
    refusals: list[str] = []
    panes.tool_refused.connect(refusals.append)
    panes.set_tool("polygon")
    hand.click(20, 20)
    panes.set_tool("brush")
    assert refusals == []  # one click is nothing to speak of
    panes.set_tool("polygon")
    for corner in ((20, 20), (80, 20), (80, 70)):
        hand.click(*corner)
    panes.set_tool("brush")
    assert refusals == ["Polygon was given up: it was not finished. Enter finishes it."]


@pytest.mark.parametrize("name", ["rectangle", "ellipse"])
def test_space_moves_a_shape_along(name, panes, document, hand) -> None:
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool(name)
    hand.press(20, 20)
    hand.move(40, 30)
    QTest.keyPress(hand.canvas, Qt.Key.Key_Space)
    hand.move(80, 60)
    QTest.keyRelease(hand.canvas, Qt.Key.Key_Space)
    hand.move(90, 70)
    hand.release(90, 70)
    ys, xs = np.nonzero(document.mask)
    assert (xs.min(), ys.min(), xs.max(), ys.max()) == (60, 50, 89, 69)


def test_a_rectangle_says_what_it_covers_of_the_picture(panes, document, hand) -> None:
    panes.set_tool("rectangle")
    hand.press(-30, -20)
    hand.move(50, 40)
    assert panes.canvas("image").marks.text == "50 × 40"
    hand.release(50, 40)


# --- operations on the whole mask


def test_an_operation_is_shown_before_it_is_made(qtbot, panes, document, hand) -> None:
    before, operating = document.mask.copy(), panes.operating
    refusals: list[str] = []
    panes.tool_refused.connect(refusals.append)
    panes.operate("grow")
    qtbot.waitUntil(lambda: not operating.is_computing)
    operating.set_options(operating.options.replaced(pixels=4))
    qtbot.waitUntil(lambda: not operating.is_computing)
    assert operating.outcome.added == 2 * 4 * (30 + 40) + 4 * 8, "four sides and the quarters of a disc"
    assert operating.outcome.removed == 0
    assert np.array_equal(document.mask, before)
    hand.drag((70, 70))
    assert len(refusals) == 1, "nobody paints meanwhile"
    QTest.keyClick(hand.canvas, Qt.Key.Key_Escape)
    assert not operating.is_active
    assert np.array_equal(document.mask, before)
    panes.operate("grow")
    assert operating.options.pixels == 4, "as it was used last"
    QTest.keyClick(hand.canvas, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not operating.is_active)
    assert document.mask[6, 30]
    assert not document.mask[5, 30]
    assert document.history.undo_label == "Grow"
    document.undo()
    assert np.array_equal(document.mask, before)


def test_what_goes_is_shown_in_its_colour(qtbot, panes, document, hand) -> None:
    panes.operate("shrink")
    panes.operating.set_options(panes.operating.options.replaced(pixels=8))
    qtbot.waitUntil(lambda: not panes.operating.is_computing)
    shown = pixels(panes.canvas("prediction"))
    x, y = (int(at) for at in panes.canvas("prediction").frame.to_device(13.5, 30.5))
    assert abs(shown[y, x].astype(int) - REMOVED).sum() < 250
    panes.operating.cancel()


def test_an_operation_without_options_is_made_at_once(qtbot, panes, document) -> None:
    before = document.mask.copy()
    panes.operate("invert")
    qtbot.waitUntil(lambda: not panes.operating.is_active)
    assert np.array_equal(document.mask, 1 - before)
    panes.operate("copy-previous", lambda: block(30, 60, 40, 80))
    qtbot.waitUntil(lambda: not panes.operating.is_active)
    assert np.array_equal(document.mask, block(30, 60, 40, 80))
    panes.operate("copy-previous", lambda: block(30, 60, 40, 80))
    qtbot.waitUntil(lambda: not panes.operating.is_active)
    assert len(document.history.past) == 2, "what changes nothing is no entry"


def test_an_operation_that_cannot_be_done_says_why(qtbot, panes, document, tmp_path) -> None:
    told: list[str] = []
    panes.operating.failed.connect(lambda message, _hint: told.append(message))
    panes.operate("copy-previous", lambda: np.zeros((5, 6), np.uint8))
    qtbot.waitUntil(lambda: not panes.operating.is_active)
    assert "6x5" in told[0]
    panes.operate("copy-previous")
    qtbot.waitUntil(lambda: not panes.operating.is_active)
    assert len(told) == 2
    before = document.mask.copy()
    panes.operate("copy-previous", lambda: np.frombuffer((tmp_path / "gone.png").read_bytes(), np.uint8))
    qtbot.waitUntil(lambda: not panes.operating.is_active)
    assert told[2].startswith("Copy from previous sample was not made: No such file")
    assert np.array_equal(document.mask, before)


def test_leaving_the_sample_keeps_an_operation_that_is_being_computed(panes, document) -> None:
    before = document.mask.copy()
    panes.operate("invert")
    panes.show_sample(np.zeros((20, 30), np.uint8), Document(np.zeros((20, 30), np.uint8)), None)
    assert np.array_equal(document.mask, 1 - before)


def test_an_operation_confirmed_before_it_is_computed_is_kept(panes, document) -> None:
    panes.operate("grow")
    panes.operating.apply()
    assert panes.finish_stroke()
    assert document.history.undo_label == "Grow"


def test_an_operation_that_takes_too_long_is_given_up_and_that_is_said(panes, document, slowly) -> None:
    told: list[str] = []
    panes.operating.failed.connect(lambda message, _hint: told.append(message))
    panes.operate("invert")
    assert not panes.finish_stroke()
    assert told[0].startswith("Invert was not made")
    assert not panes.operating.is_active
    assert not document.history.can_undo


def test_leaving_the_sample_gives_up_an_operation(panes, document) -> None:
    panes.operate("grow")
    panes.show_sample(np.zeros((20, 30), np.uint8), Document(np.zeros((20, 30), np.uint8)), None)
    assert not panes.operating.is_active
    assert not document.history.can_undo


# --- the strip of options


@pytest.fixture
def strip(qtbot: QtBot, panes: Panes, document: Document) -> ToolOptions:
    strip = ToolOptions()
    qtbot.addWidget(strip)
    strip.serve(panes)
    strip.resize(700, 40)
    strip.show()
    return strip


def shown_button(strip: ToolOptions, words: str) -> QAbstractButton | None:
    found = [one for one in strip.findChildren(QAbstractButton) if words in (one.text(), one.accessibleName())]
    return next((one for one in found if one.isVisible()), None)


def test_the_strip_shows_the_options_of_the_tool_in_hand(panes, strip) -> None:
    assert strip.radius.isVisible()
    panes.set_tool("wand")
    assert not strip.radius.isVisible()
    shown_button(strip, "Take away from the mask").click()
    assert panes.tool_options("wand").mode is Mode.SUBTRACT
    assert panes.tool_options("wand").tolerance == 16
    panes.next_mode()
    assert next(one for one in strip.findChildren(ModeButtons) if one.isVisible()).value() is Mode.INTERSECT
    panes.set_tool("smart-brush")
    combos = [one for one in strip.findChildren(Combo) if one.isVisible()]
    combos[1].setCurrentText("a range")
    assert panes.tool_options("smart-brush").paints == "a range"


def test_the_strip_decides_about_an_operation(qtbot, panes, document, strip) -> None:
    assert shown_button(strip, "Apply") is None
    panes.operate("smooth")
    qtbot.waitUntil(lambda: not panes.operating.is_computing)
    shown_button(strip, "Cancel").click()
    assert not document.history.can_undo
    panes.operate("smooth")
    shown_button(strip, "Apply").click()
    qtbot.waitUntil(lambda: not panes.operating.is_active)
    assert document.history.undo_label == "Smooth"
    assert shown_button(strip, "Apply") is None


def test_the_strip_closes_a_polygon(panes, document, hand, strip) -> None:
    panes.set_tool("polygon")
    for corner in ((60, 50), (90, 50), (90, 80)):
        hand.drag(corner)
    shown_button(strip, "Apply").click()
    assert document.mask[55, 85]
    assert panes.pointer.drag is None


def test_where_there_is_little_room_titles_go_before_choices_are_cut_off(qtbot, panes, strip) -> None:
    panes.set_tool("smart-brush")
    strip.show()

    def is_cut_off() -> bool:
        return any(one.isVisible() and one.width() < one.sizeHint().width() for one in strip.findChildren(Combo))

    def titles() -> list[str]:
        return [one.text() for one in strip.findChildren(QLabel) if one.isVisible() and one.text() == "Tolerance"]

    full = strip.sizeHint().width()
    strip.setFixedWidth(full)
    qtbot.waitUntil(lambda: titles() == ["Tolerance"] and not is_cut_off())
    slider = strip.radius.full_width - strip.radius.short_width
    strip.setFixedWidth(full - slider - 20)
    qtbot.waitUntil(lambda: titles() == [] and not is_cut_off())
    assert strip.sizeHint().width() == full, "else they would never come back"
    strip.setFixedWidth(full)
    qtbot.waitUntil(lambda: titles() == ["Tolerance"] and not is_cut_off())
