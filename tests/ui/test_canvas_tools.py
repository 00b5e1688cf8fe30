"""Tools with modes, previews and slow work, operations on the whole mask, pens: with real events on real widgets."""

from collections.abc import Iterator
from threading import Event

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication
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

    def _send(self, kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        point = QPointF(*self.canvas.frame.to_widget(x, y))
        everywhere = QPointF(self.canvas.mapToGlobal(QPoint(0, 0))) + point
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, point, everywhere, button, held, self.keys))


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


def test_the_pressure_of_a_pen_makes_the_stroke_narrower(panes, document, hand) -> None:
    def width_at(pressure: float) -> int:
        device = QPointingDevice("pen", 7, QPointingDevice.DeviceType.Stylus, QPointingDevice.PointerType.Pen,
                                 QPointingDevice.Capability.Position, 1, 2)  # fmt: skip
        for kind in (QEvent.Type.TabletPress, QEvent.Type.TabletRelease):
            point = QPointF(*hand.canvas.frame.to_widget(60, 60))
            held = LEFT if kind == QEvent.Type.TabletPress else NONE
            event = QTabletEvent(kind, device, point, hand.canvas.mapToGlobal(point), pressure, 0, 0, 0, 0, 0, NO, LEFT,
                                 held)  # fmt: skip
            QApplication.sendEvent(hand.canvas, event)
        return int(document.mask[60].sum())

    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=20, has_pressure=True))
    assert width_at(0.5) == 20
    assert width_at(1.0) == 40
    document.replace(np.zeros((HEIGHT, WIDTH), np.uint8), "Clear")
    panes.set_tool_options("brush", BrushOptions(radius=20))
    assert width_at(0.5) == 40


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
