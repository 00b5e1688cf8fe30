"""The panes as a person uses them: painting, tools, zoom, errors, hints; with real events on real widgets."""

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QKeyEvent, QPointingDevice, QTabletEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from segstudio.core.document import Document
from segstudio.core.mask import Rect
from segstudio.core.raster import brush_centre, brush_diameter, capsule
from segstudio.tools.brush import BrushOptions
from segstudio.tools.eraser import EraserOptions
from segstudio.ui.canvas.agreement import SIDE, Agreement
from segstudio.ui.canvas.brightness import FULL_WINDOW
from segstudio.ui.canvas.canvas import Canvas
from segstudio.ui.canvas.comparison import COUNT_AT_ONCE
from segstudio.ui.canvas.layers import AGREEMENT, FALSE_NEGATIVE, FALSE_POSITIVE
from segstudio.ui.canvas.marks import CAPTION_PADDING, Caption, caption_rect
from segstudio.ui.canvas.pane import PaneName
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.canvas.pixel_info import PixelInfo
from segstudio.ui.canvas.pointer import COMPRESSION
from tests.ui.test_canvas_pixels import drag, pixels, send

LEFT, RIGHT, MIDDLE, NONE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.NoButton,
)
NAMES: tuple[PaneName, ...] = ("image", "truth", "prediction")
SIZE = (120, 90)


@pytest.fixture
def panes(qtbot: QtBot) -> Iterator[Panes]:
    panes = Panes()
    qtbot.addWidget(panes)
    panes.resize(900, 360)
    panes.show()
    qtbot.waitExposed(panes)
    panes.set_tool("brush")
    panes.set_tool_options("brush", BrushOptions(radius=3))
    yield panes
    panes.clear()


@pytest.fixture
def document(panes: Panes) -> Document:
    """An empty mask, on screen with a picture and a prediction."""
    document = Document(np.zeros((SIZE[1], SIZE[0]), np.uint8))
    image = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0]), np.uint8)
    probability = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    probability[30:60, 40:80] = 200
    panes.show_sample(image, document, probability)
    return document


def wheel(canvas: Canvas, x: float, y: float, notches: float, modifiers: Qt.KeyboardModifier) -> None:
    point = QPointF(*canvas.frame.to_widget(x, y))
    event = QWheelEvent(
        point,
        canvas.mapToGlobal(point),
        QPoint(),
        QPoint(0, round(120 * notches)),
        NONE,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


class Exposures(QObject):
    """Notes the rectangles of paint events."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        self.rects: list[QRect] = []
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.rects.append(event.rect())  # type: ignore[attr-defined]
        return False


# --- painting


@pytest.mark.parametrize("name", NAMES)
def test_one_paints_in_any_pane(panes: Panes, document: Document, name: PaneName) -> None:
    drag(panes.canvas(name), (20, 20), (60, 50))
    stamp = capsule(document.shape, brush_centre(20, 20, 6), brush_centre(60, 50, 6), brush_diameter(3))
    wanted = np.zeros_like(document.mask)
    for row, (start, stop) in enumerate(zip(stamp.starts, stamp.stops, strict=True), start=stamp.top):
        wanted[row, start:stop] = 1
    assert np.array_equal(document.mask, wanted)
    assert document.history.undo_label == "Brush"


def test_a_fast_stroke_has_no_gaps_and_no_point_is_lost(panes: Panes, document: Document) -> None:
    panes.set_tool_options("brush", BrushOptions(radius=0.5))
    points = [(5.5, 5.5), (110.5, 80.5), (8.5, 84.5), (115.5, 3.5)]
    drag(panes.canvas("truth"), *points)
    for x, y in points:
        assert document.mask[int(y), int(x)]
    rows, columns = np.nonzero(document.mask)
    assert set(rows) == set(range(3, 85))
    assert set(columns) == set(range(5, 116))


def test_moves_are_not_compressed_during_a_stroke_and_again_afterwards(panes: Panes, document: Document) -> None:
    QCoreApplication.setAttribute(COMPRESSION, True)
    canvas = panes.canvas("truth")
    send(canvas, QEvent.Type.MouseButtonPress, 20, 20, LEFT, LEFT)
    assert not QCoreApplication.testAttribute(COMPRESSION)
    send(canvas, QEvent.Type.MouseButtonRelease, 20, 20, LEFT, NONE)
    assert QCoreApplication.testAttribute(COMPRESSION)


def test_the_right_button_and_shift_erase(panes: Panes, document: Document) -> None:
    canvas = panes.canvas("truth")
    panes.set_tool_options("brush", BrushOptions(radius=10))
    drag(canvas, (60, 45))
    count = document.mask.sum()
    panes.set_tool_options("brush", BrushOptions(radius=2))
    drag(canvas, (60, 45), button=RIGHT)
    assert document.mask.sum() == count - 12  # a disc of 4 pixels across
    point = QPoint(*(round(part) for part in canvas.frame.to_widget(52.5, 45.5)))
    QTest.mouseClick(canvas, LEFT, Qt.KeyboardModifier.ShiftModifier, point)
    assert document.mask.sum() < count - 12
    drag(canvas, (60, 45), (60, 46))
    panes.set_tool("eraser")
    drag(canvas, (60, 45))
    assert not document.mask[45, 60]


def test_two_fast_clicks_are_two_dabs(panes: Panes, document: Document) -> None:
    canvas = panes.canvas("truth")
    drag(canvas, (30.5, 30.5))
    send(canvas, QEvent.Type.MouseButtonDblClick, 90.5, 60.5, LEFT, LEFT)
    send(canvas, QEvent.Type.MouseButtonRelease, 90.5, 60.5, LEFT, NONE)
    assert document.mask[30, 30]
    assert document.mask[60, 90]
    assert len(document.history.past) == 2


def test_a_stroke_may_leave_the_pane(panes: Panes, document: Document) -> None:
    drag(panes.canvas("truth"), (60, 45), (-500, 45), (-500, 80), (60, 80))
    assert document.mask[45, :60].all()
    assert document.mask[80, :60].all()


def test_escape_takes_a_stroke_back(panes: Panes, document: Document, qtbot: QtBot) -> None:
    canvas = panes.canvas("truth")
    send(canvas, QEvent.Type.MouseButtonPress, 20, 20, LEFT, LEFT)
    send(canvas, QEvent.Type.MouseMove, 60, 60, NONE, LEFT)
    assert document.mask.any()
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert not document.mask.any()
    assert not document.history.can_undo
    send(canvas, QEvent.Type.MouseMove, 90, 60, NONE, LEFT)
    send(canvas, QEvent.Type.MouseButtonRelease, 90, 60, LEFT, NONE)
    assert not document.mask.any()


def test_losing_the_focus_keeps_the_stroke(panes: Panes, document: Document) -> None:
    canvas = panes.canvas("truth")
    send(canvas, QEvent.Type.MouseButtonPress, 20, 20, LEFT, LEFT)
    canvas.clearFocus()
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.FocusOut))
    assert panes.pointer.drag is None
    assert document.history.can_undo


def test_another_sample_keeps_the_stroke_and_lets_go_of_the_mask(panes: Panes, document: Document) -> None:
    canvas = panes.canvas("truth")
    send(canvas, QEvent.Type.MouseButtonPress, 20, 20, LEFT, LEFT)
    other = Document(np.zeros((50, 50), np.uint8))
    panes.show_sample(np.zeros((50, 50, 3), np.uint8), other, None)
    assert document.history.can_undo
    drag(canvas, (25, 25))
    assert other.mask.any()
    document.undo()  # nobody paints it any more
    panes.clear("Nothing")
    assert panes.pointer.scene is None


def test_stroke_finished_is_told_once_after_each_drag(panes: Panes, document: Document, qtbot: QtBot) -> None:
    told = []
    panes.stroke_finished.connect(lambda: told.append(document.is_stroke_open))
    drag(panes.canvas("truth"), (20, 20), (30, 30), (40, 20))
    assert told == [False]


def test_undo_repaints_only_what_it_changed(panes: Panes, document: Document, qtbot: QtBot) -> None:
    drag(panes.canvas("truth"), (60, 45))
    panes.pointer.hovered.emit(None)
    QApplication.processEvents()
    truth, image = Exposures(panes.canvas("truth")), Exposures(panes.canvas("image"))
    document.undo()
    qtbot.waitUntil(lambda: bool(truth.rects))
    QApplication.processEvents()
    assert all(rect.width() < 40 and rect.height() < 40 for rect in truth.rects)
    assert not image.rects
    before = pixels(panes.canvas("truth"))
    panes.canvas("truth").show_view()
    assert np.array_equal(before, pixels(panes.canvas("truth")))


def test_painting_is_refused_with_the_reason(panes: Panes, document: Document, qtbot: QtBot) -> None:
    panes.set_read_only(True, "Another window edits this project.")
    with qtbot.waitSignal(panes.tool_refused) as refused:
        drag(panes.canvas("truth"), (20, 20), (40, 40))
    assert refused.args == ["Another window edits this project."]
    assert not document.mask.any()
    panes.set_read_only(False)
    drag(panes.canvas("truth"), (20, 20))
    assert document.mask.any()


def test_a_damaged_mask_is_never_painted_on(panes: Panes, qtbot: QtBot) -> None:
    panes.show_sample(np.zeros((40, 40), np.uint8), None, None, problem="masks/a.png is damaged")
    with qtbot.waitSignal(panes.tool_refused) as refused:
        drag(panes.canvas("image"), (20, 20))
    assert refused.args == ["masks/a.png is damaged"]
    assert panes.canvas("truth").accessibleDescription() == "masks/a.png is damaged"


def test_a_pen_paints_and_its_other_end_erases(panes: Panes, document: Document) -> None:
    canvas = panes.canvas("truth")

    def pen(kind: QEvent.Type, x: float, y: float, tip: QPointingDevice.PointerType) -> bool:
        device = QPointingDevice.primaryPointingDevice()
        eraser = QPointingDevice(
            "pen", 7, QPointingDevice.DeviceType.Stylus, tip, QPointingDevice.Capability.Position, 1, 1
        )
        point = QPointF(*canvas.frame.to_widget(x, y))
        is_move = kind == QEvent.Type.TabletMove
        event = QTabletEvent(
            kind, eraser or device, point, canvas.mapToGlobal(point), 0.7, 0, 0, 0, 0, 0,
            Qt.KeyboardModifier.NoModifier, NONE if is_move else LEFT,
            NONE if kind == QEvent.Type.TabletRelease else LEFT,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)
        return event.isAccepted()

    for tip, is_painted in ((QPointingDevice.PointerType.Pen, True), (QPointingDevice.PointerType.Eraser, False)):
        assert pen(QEvent.Type.TabletPress, 20, 20, tip)
        assert pen(QEvent.Type.TabletMove, 80.5, 60.5, tip)
        assert pen(QEvent.Type.TabletRelease, 80.5, 60.5, tip)
        assert bool(document.mask.any()) is is_painted


# --- polygon


def test_a_polygon_is_clicked_and_closed_by_a_double_click(panes: Panes, document: Document) -> None:
    panes.set_tool("polygon")
    canvas = panes.canvas("image")
    for corner in ((20, 20), (80, 20), (80, 70)):
        drag(canvas, corner)
    send(canvas, QEvent.Type.MouseMove, 20, 70, NONE, NONE)
    assert panes.canvas("truth").marks.outline[-1] == pytest.approx((20, 70))
    assert len(panes.canvas("prediction").marks.outline) == 4
    assert not document.mask.any()
    drag(canvas, (20, 70))
    send(canvas, QEvent.Type.MouseButtonDblClick, 20, 70, LEFT, LEFT)
    send(canvas, QEvent.Type.MouseButtonRelease, 20, 70, LEFT, NONE)
    assert document.mask.sum() == 60 * 50
    assert document.mask[20:70, 20:80].all()
    assert not panes.canvas("truth").marks.outline
    assert panes.pointer.drag is None


def test_return_closes_backspace_takes_back_and_escape_gives_up(panes: Panes, document: Document, qtbot: QtBot) -> None:
    panes.set_tool("polygon")
    canvas = panes.canvas("truth")
    for corner in ((20, 20), (80, 20), (80, 70), (5, 5)):
        drag(canvas, corner)
    qtbot.keyClick(canvas, Qt.Key.Key_Backspace)
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert document.mask.sum() == pytest.approx(60 * 50 / 2, rel=0.05)
    drag(canvas, (1, 1))
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert panes.pointer.drag is None
    assert len(document.history.past) == 1


def test_another_tool_gives_the_polygon_up(panes: Panes, document: Document) -> None:
    panes.set_tool("polygon")
    drag(panes.canvas("truth"), (20, 20))
    panes.set_tool("brush")
    assert panes.pointer.drag is None
    assert not panes.canvas("truth").marks.outline
    assert not document.history.can_undo


def test_keys_of_a_drag_are_not_shortcuts_of_the_window(panes: Panes, document: Document) -> None:
    canvas = panes.canvas("truth")
    event = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    event.ignore()
    QApplication.sendEvent(canvas, event)
    assert not event.isAccepted()
    send(canvas, QEvent.Type.MouseButtonPress, 20, 20, LEFT, LEFT)
    QApplication.sendEvent(canvas, event)
    assert event.isAccepted()
    panes.pointer.cancel()


# --- view


def test_all_panes_zoom_and_pan_together(panes: Panes, document: Document) -> None:
    canvas = panes.canvas("prediction")
    before = canvas.frame.to_widget(30, 40)
    told: list[float] = []
    panes.zoomed.connect(told.append)
    wheel(canvas, 30, 40, 3, Qt.KeyboardModifier.NoModifier)
    assert canvas.frame.to_widget(30, 40) == pytest.approx(before, abs=1.01)
    assert told[-1] == panes.view.zoom
    assert len({panes.canvas(name).frame.zoom for name in NAMES}) == 1
    x, y = panes.view.x, panes.view.y
    start = canvas.frame.to_widget(30, 40)
    drag(canvas, (30, 40), (36, 44), button=MIDDLE)
    assert canvas.frame.to_widget(30, 40) != start
    assert (panes.view.x, panes.view.y) != (x, y)
    assert not document.mask.any()


def test_space_and_the_left_button_pan(panes: Panes, document: Document, qtbot: QtBot) -> None:
    canvas = panes.canvas("truth")
    panes.view.zoom_at(4, 60, 45)
    x = panes.view.x
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    drag(canvas, (60, 45), (70, 45))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert panes.view.x < x
    assert not document.mask.any()
    drag(canvas, (60, 45))
    assert document.mask.any()


def test_arrow_keys_pan_with_shift_alone(panes: Panes, document: Document, qtbot: QtBot) -> None:
    panes.view.zoom_at(4, 60, 45)
    x, y = panes.view.x, panes.view.y
    qtbot.keyClick(panes.canvas("truth"), Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(panes.canvas("truth"), Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert panes.view.x > x
    assert panes.view.y > y
    qtbot.keyClick(panes.canvas("truth"), Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(panes.canvas("truth"), Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(panes.canvas("truth"), Qt.Key.Key_Left)
    assert (panes.view.x, panes.view.y) == pytest.approx((x, y))


def test_the_whole_image_stays_fitted_when_the_panes_change(panes: Panes, document: Document, qtbot: QtBot) -> None:
    zoom = panes.view.zoom
    panes.set_pane_visible("image", False)
    qtbot.waitUntil(lambda: panes.view.zoom > zoom)
    panes.resize(1400, 800)
    qtbot.waitUntil(lambda: panes.view.zoom > 1.3 * zoom)
    panes.one_to_one()
    panes.resize(900, 360)
    QApplication.processEvents()
    assert panes.view.zoom == 1.0
    panes.zoom_in()
    panes.zoom_out()
    assert panes.view.zoom == 1.0


def test_hidden_panes_and_the_last_one_that_stays(panes: Panes, document: Document) -> None:
    for name in NAMES:
        panes.set_pane_visible(name, False)
    assert [panes.pane(name).isHidden() for name in NAMES] == [True, True, False]
    drag(panes.canvas("prediction"), (20, 20), (60, 60))
    panes.set_pane_visible("truth", True)
    QApplication.processEvents()
    panes.pointer.hovered.emit(None)
    shown = pixels(panes.canvas("truth"))
    panes.canvas("truth").show_view()
    assert np.array_equal(shown, pixels(panes.canvas("truth")))
    x, y = (int(part) for part in panes.canvas("truth").frame.to_device(40, 40))
    assert shown[y, x, 2] > shown[y, x, 0] + 30  # the stroke is there, in blue


def shapes(panes: Panes) -> list[bool]:
    """Whether each pane is wider than it is high."""
    QApplication.processEvents()
    return [panes.pane(name).width() > panes.pane(name).height() for name in NAMES]


def test_panes_lie_so_that_the_image_is_large(panes: Panes) -> None:
    wide, high = np.zeros((100, 400), np.uint8), np.zeros((400, 100), np.uint8)
    panes.resize(800, 800)
    panes.show_sample(wide, None, None)
    assert shapes(panes) == [True] * 3
    panes.show_sample(high, None, None)
    assert shapes(panes) == [False] * 3
    panes.show_sample(wide, None, None)
    assert shapes(panes) == [True] * 3
    assert len({panes.pane(name).width() for name in NAMES}) == 1
    panes.resize(2400, 300)
    assert shapes(panes) == [True] * 3
    assert len({panes.pane(name).y() for name in NAMES}) == 1  # side by side once more


# --- what is shown


def test_the_error_view_shows_all_three_and_their_shares(panes: Panes, document: Document, qtbot: QtBot) -> None:
    panes.set_overlay_opacity(1.0)
    panes.set_error_view(True)
    mask = np.zeros_like(document.mask)
    mask[30:60, 60:100] = 1  # half of the prediction, and as much again
    document.replace(mask, "Test")
    canvas = panes.canvas("errors")
    shown = pixels(canvas)
    for x, colour in ((70, AGREEMENT), (50, FALSE_POSITIVE), (90, FALSE_NEGATIVE)):
        column, row = (int(part) for part in canvas.frame.to_device(x + 0.5, 40.5))
        assert np.abs(shown[row, column].astype(int) - colour).max() <= 2
    qtbot.waitUntil(lambda: "agree 33.3 %" in canvas.accessibleDescription())
    assert canvas.accessibleDescription() == "agree 33.3 %, false positive 33.3 %, false negative 33.3 %"
    panes.say_whose("Anna")
    assert canvas.accessibleDescription() == "agree 33.3 %, only in theirs 33.3 %, only in yours 33.3 %"
    panes.set_probability(None)
    assert canvas.accessibleDescription() == panes.canvas("prediction").accessibleDescription() == "no mask by Anna"
    panes.set_probability(np.full_like(mask, 255))
    panes.say_whose(is_hidden=True)
    assert canvas.accessibleDescription() == "false positive, false negative, test figures hidden"
    panes.set_error_view(False)
    assert panes.pane("errors").isHidden()


def test_where_the_prediction_says_nothing_nothing_differs(panes: Panes, qtbot: QtBot) -> None:
    mask, probability, left_out = np.zeros((3, 90, 120), np.uint8)
    mask[30:60, 60:100] = 1
    probability[30:60, 40:80] = 255
    left_out[:, :60] = 1
    panes.set_overlay_opacity(1.0)
    panes.set_error_view(True)
    panes.show_sample(np.zeros((90, 120), np.uint8), Document(mask), probability, left_out=left_out)
    canvas = panes.canvas("errors")
    assert canvas.accessibleDescription() == "agree 50.0 %, false positive 0.0 %, false negative 50.0 %"
    shown = pixels(canvas)
    column, row = (int(part) for part in canvas.frame.to_device(50.5, 40.5))
    around = shown[row - 9 : row + 9, column - 9 : column + 9].astype(int)
    assert (np.abs(around - FALSE_POSITIVE).max(axis=2) > 2).all(), "it is hatched, and no error"
    panes.set_probability(probability)
    assert "false positive 33.3 %" in canvas.accessibleDescription()


def test_a_large_mask_is_counted_piece_by_piece_until_the_legend_is_right(panes: Panes, qtbot: QtBot) -> None:
    side = SIDE * 9  # more squares than are counted in one go
    document = Document(np.zeros((side, side), np.uint8))
    predicted = np.zeros((side, side), np.uint8)
    predicted[:, : side // 3] = 255
    panes.set_error_view(True)
    panes.show_sample(np.zeros((side, side), np.uint8), document, predicted)
    document.replace(np.ones((side, side), np.uint8), "Test")
    qtbot.waitUntil(lambda: "agree 33.3 %" in panes.canvas("errors").accessibleDescription())
    document.undo()
    agreement = Agreement(document.mask, predicted // 255)
    assert not agreement.count(COUNT_AT_ONCE)
    while not agreement.count(5):
        pass
    assert agreement.counts == (0, side * (side // 3), 0)


def test_errors_of_two_empty_masks(panes: Panes) -> None:
    empty = np.zeros((20, 20), np.uint8)
    panes.set_error_view(True)
    panes.show_sample(empty, Document(empty.copy()), empty)
    assert "nothing to compare" in panes.canvas("errors").accessibleDescription()


def test_without_a_prediction_it_says_so(panes: Panes, document: Document) -> None:
    panes.set_error_view(True)
    panes.set_probability(None)
    for name in ("prediction", "errors"):
        assert panes.canvas(name).accessibleDescription() == "not predicted yet"
    drag(panes.canvas("errors"), (20, 20))
    panes.set_probability(np.full((SIZE[1], SIZE[0]), 255, np.uint8))
    assert panes.canvas("prediction").accessibleDescription() == ""
    assert "agree" in panes.canvas("errors").accessibleDescription()


def test_half_is_foreground_and_less_is_not(panes: Panes) -> None:
    panes.set_overlay_opacity(1.0)
    probability = np.array([[127, 128]], np.uint8).repeat(10, axis=0).repeat(10, axis=1)
    panes.show_sample(np.zeros((10, 20), np.uint8), None, probability)
    canvas = panes.canvas("prediction")
    shown = pixels(canvas)
    for x, is_foreground in ((5.5, False), (15.5, True)):
        column, row = (int(part) for part in canvas.frame.to_device(x, 5.5))
        assert bool(shown[row, column].any()) is is_foreground


def test_blinking_hides_the_overlays_for_a_moment(panes: Panes, document: Document) -> None:
    drag(panes.canvas("truth"), (20, 20), (90, 70))
    panes.pointer.hovered.emit(None)
    image, truth = panes.canvas("image"), panes.canvas("truth")
    covered = pixels(truth)
    panes.blink(True)
    x, y = (int(part) for part in truth.frame.to_device(20, 20))
    assert len(set(pixels(truth)[y, x].tolist())) == 1  # grey, as the picture is
    panes.blink(False)
    assert np.array_equal(pixels(truth), covered)
    assert image.frame.zoom == truth.frame.zoom


def test_pointed_tells_the_pixel_and_its_values(panes: Panes, document: Document) -> None:
    told: list[PixelInfo | None] = []
    panes.pointed.connect(told.append)
    panes.set_tool_options("brush", BrushOptions(radius=0.5))
    drag(panes.canvas("truth"), (50.5, 40.5))
    send(panes.canvas("image"), QEvent.Type.MouseMove, 50.9, 40.1, NONE, NONE)
    image = panes.pointer.scene.image  # type: ignore[union-attr]
    assert told[-1] == PixelInfo(50, 40, int(image[40, 50]), 1, pytest.approx(200 / 255))
    send(panes.canvas("image"), QEvent.Type.MouseMove, -3, 40, NONE, NONE)
    assert told[-1] is None
    panes.show_sample(np.full((9, 9, 3), (1, 2, 3), np.uint8), None, None)
    send(panes.canvas("image"), QEvent.Type.MouseMove, 4.5, 4.5, NONE, NONE)
    assert told[-1] == PixelInfo(4, 4, (1, 2, 3), None, None)


def test_the_crosshair_is_in_all_panes_until_the_pointer_leaves(panes: Panes, document: Document) -> None:
    send(panes.canvas("image"), QEvent.Type.MouseMove, 33, 22, NONE, NONE)
    for name in NAMES:
        assert panes.canvas(name).marks.pointer == pytest.approx((33, 22))
        assert panes.canvas(name).marks.diameter == 6
    QApplication.sendEvent(panes.canvas("image"), QEvent(QEvent.Type.Leave))
    assert all(panes.canvas(name).marks.pointer is None for name in NAMES)


def test_the_wheel_with_ctrl_changes_the_radius_by_whole_brushes(panes: Panes, document: Document) -> None:
    told: list[float] = []
    panes.radius_changed.connect(told.append)
    zoom = panes.view.zoom
    panes.set_radius(0.5)
    for _ in range(3):
        wheel(panes.canvas("truth"), 60, 45, 1, Qt.KeyboardModifier.ControlModifier)
    assert told[-3:] == [1.0, 1.5, 2.0]
    wheel(panes.canvas("truth"), 60, 45, -20, Qt.KeyboardModifier.ShiftModifier)
    assert panes.radius == 0.5
    for _ in range(100):
        panes.change_radius(1.5)
    assert panes.radius == 1000
    assert panes.view.zoom == zoom
    panes.set_tool("fill")
    assert panes.radius is None
    panes.change_radius(2)  # means nothing, and is harmless


def test_tools_remember_their_options(panes: Panes) -> None:
    panes.set_radius(40)
    panes.set_tool("eraser")
    assert panes.radius == 12
    panes.set_radius(5)
    panes.set_tool("brush")
    assert panes.radius == 40
    assert panes.tool_options("eraser") == EraserOptions(radius=5)


def test_window_and_level_change_what_is_seen_and_not_the_data(panes: Panes, document: Document) -> None:
    told: list[tuple[float, float]] = []
    panes.window_level_changed.connect(lambda *both: told.append(both))
    panes.set_window_level(2, 128)
    shown = pixels(panes.canvas("image"))
    inner = shown[shown.shape[0] // 2 - 20 : shown.shape[0] // 2 + 20, 20:-20]
    assert np.mean((inner < 10) | (inner > 245)) > 0.97
    assert panes.pane("image").header.detail == "W 2  L 128"
    assert told[-1] == (2, 128)
    panes.set_auto_window_level()
    assert panes.window_level != FULL_WINDOW
    panes.reset_window_level()
    assert panes.pane("image").header.detail == ""
    panes.set_window_level(50, 100)
    panes.show_sample(np.full((9, 9, 3), 120, np.uint8), None, None)
    assert panes.pane("image").header.detail == ""  # colours are shown as they are


def test_what_the_legend_means_is_said_where_it_is(panes: Panes, document: Document, qtbot: QtBot) -> None:
    panes.set_error_view(True)
    mask = np.zeros_like(document.mask)
    mask[30:60, 60:100] = 1
    document.replace(mask, "Test")
    canvas = panes.canvas("errors")
    pixels(canvas)
    qtbot.waitUntil(lambda: "agree" in canvas.accessibleDescription())
    middle, bottom = canvas.width() // 2, canvas.height()
    words = [canvas.caption_help(QPoint(middle, y)) for y in range(bottom)]
    assert words[0] == ""
    assert any("false negative (FN) – in the mask, but not predicted" in text for text in words)
    assert not any("forgiven" in text for text in words)
    panes.set_tolerance(3)
    qtbot.waitUntil(lambda: "± 3 px" in canvas.accessibleDescription())
    assert any("3 px" in canvas.caption_help(QPoint(middle, y)) for y in range(bottom))


def test_a_legend_takes_further_lines_where_the_pane_is_narrow(panes: Panes) -> None:
    metrics = panes.fontMetrics()
    words = ("agree 85 %", "FP 5 %", "FN 9 %", "±3")
    caption = Caption(tuple((FALSE_NEGATIVE, word) for word in words))
    wide = caption_rect(caption, metrics, 2000, 300)
    narrow = caption_rect(caption, metrics, wide.width() - 1, 300)
    assert 0 <= narrow.left() <= narrow.right() < wide.width() - 1
    assert narrow.bottom() == wide.bottom()
    assert narrow.height() == wide.height() + metrics.height()
    least = caption_rect(caption, metrics, 20, 300)
    assert (least.left(), least.width()) == (0, 20), "words that are too long end in dots"
    assert least.height() == wide.height() + (len(words) - 1) * metrics.height()
    low = caption_rect(caption, metrics, 20, 90)
    assert low.height() <= 30 or low.height() == wide.height(), "most of the picture stays to be seen"


def test_a_legend_that_has_room_has_no_dots(panes: Panes) -> None:
    metrics = panes.fontMetrics()
    for words in ("not predicted yet", *(f"{word} {share}%" for word in ("agree", "FP", "FN") for share in range(100))):
        room = caption_rect(Caption(((None, words),)), metrics, 2000, 300).width() - 2 * CAPTION_PADDING
        assert metrics.elidedText(words, Qt.TextElideMode.ElideRight, room) == words


def test_names_for_those_who_cannot_see(panes: Panes) -> None:
    panes.set_detail("truth", "revision 3")
    assert [panes.canvas(name).accessibleName() for name in NAMES] == ["Image", "True mask", "Prediction"]
    assert panes.pane("truth").header.accessibleName() == "True mask: revision 3"


@pytest.mark.parametrize("width", [330, 500, 900, 1600])
def test_nothing_overflows_however_narrow_the_panes_are(panes: Panes, document: Document, width: int) -> None:
    panes.set_error_view(True)
    panes.resize(width, 300)
    panes.set_detail("truth", "a long detail that does not fit " * 4)
    pixels(panes)
    assert panes.minimumSizeHint().width() <= 420


@pytest.mark.usefixtures("document")
def test_a_part_that_was_looked_at_fills_a_larger_pane_too_until_somebody_zooms(qtbot: QtBot, panes: Panes) -> None:
    part = Rect(30, 30, 40, 40)
    panes.resize(500, 400)
    qtbot.wait(10)
    panes.look_at(part)
    small = panes.view.zoom
    panes.resize(1000, 800)
    qtbot.waitUntil(lambda: panes.view.zoom > small)
    panes.look_at(part)
    large = panes.view.zoom
    panes.zoom_out()
    mine = panes.view.zoom
    assert mine < large
    panes.resize(500, 400)
    qtbot.wait(10)
    assert panes.view.zoom == mine
