"""Real widgets, painted: every pixel of the screen is what image and mask say. Also run at other pixel ratios, see
test_canvas_ratio.py."""

import math
import os
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from segstudio.core.document import Document
from segstudio.tools.brush import BrushOptions
from segstudio.ui.canvas.canvas import BACKGROUND, Canvas
from segstudio.ui.canvas.layers import PREDICTION, TRUTH, ImageLayer
from segstudio.ui.canvas.panes import Panes
from segstudio.ui.canvas.view import View

SURROUND = np.array([BACKGROUND >> shift & 255 for shift in (16, 8, 0)])


def pixels(widget: QWidget) -> np.ndarray:
    """What the widget shows, in device pixels: uint8 (H, W, 3)."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    bits = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    return bits[:, : image.width(), :3].copy()


def send(canvas: Canvas, kind: QEvent.Type, x: float, y: float, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
    """A mouse event at a position of the image."""
    point = QPointF(*canvas.frame.to_widget(x, y))
    everywhere = QPointF(canvas.mapToGlobal(QPoint(0, 0))) + point
    QApplication.sendEvent(canvas, QMouseEvent(kind, point, everywhere, button, held, Qt.KeyboardModifier.NoModifier))


def drag(canvas: Canvas, *points: tuple[float, float], button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """Press at the first point of the image, move to the others, release."""
    nothing = Qt.MouseButton.NoButton
    send(canvas, QEvent.Type.MouseButtonPress, *points[0], button, button)
    for point in points[1:]:
        send(canvas, QEvent.Type.MouseMove, *point, nothing, button)
    send(canvas, QEvent.Type.MouseButtonRelease, *points[-1], button, nothing)


@pytest.fixture
def panes(qtbot: QtBot) -> Iterator[Panes]:
    panes = Panes()
    qtbot.addWidget(panes)
    panes.resize(911, 403)
    panes.show()
    qtbot.waitExposed(panes)
    yield panes
    panes.clear()


def random_image(width: int, height: int, *, is_rgb: bool = False) -> np.ndarray:
    shape = (height, width, 3) if is_rgb else (height, width)
    return np.random.default_rng(3).integers(0, 256, shape, np.uint8)


def expected(canvas: Canvas, image: np.ndarray) -> np.ndarray:
    """What the canvas ought to show at 1:1 and above, without marks and overlay."""
    frame = canvas.frame
    colours = image if image.ndim == 3 else np.stack([image] * 3, axis=-1)
    columns = np.floor((np.arange(frame.width) + 0.5 - frame.left) / frame.zoom).astype(int)
    rows = np.floor((np.arange(frame.height) + 0.5 - frame.top) / frame.zoom).astype(int)
    is_inside = ((rows >= 0) & (rows < image.shape[0]))[:, None] & ((columns >= 0) & (columns < image.shape[1]))
    shown = colours[np.clip(rows, 0, image.shape[0] - 1)][:, np.clip(columns, 0, image.shape[1] - 1)]
    return np.where(is_inside[..., None], shown, SURROUND)


def close(shown: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether the same was painted; at a broken ratio a grab may have a last row or column more or less."""
    height, width = min(shown.shape[0], wanted.shape[0]), min(shown.shape[1], wanted.shape[1])
    assert abs(shown.shape[0] - wanted.shape[0]) <= 1
    assert abs(shown.shape[1] - wanted.shape[1]) <= 1
    return bool(np.array_equal(shown[: height - 1, : width - 1], wanted[: height - 1, : width - 1]))


@pytest.mark.parametrize("is_rgb", [False, True])
@pytest.mark.parametrize("size", [(64, 48), (501, 333), (1, 1), (3, 700)])
@pytest.mark.parametrize("zoom", [1.0, 2.0, 3.5, 7.0])
def test_every_screen_pixel_shows_its_image_pixel(
    panes: Panes, size: tuple[int, int], zoom: float, is_rgb: bool
) -> None:
    image = random_image(*size, is_rgb=is_rgb)
    panes.show_sample(image, None, None)
    panes.view.zoom_at(zoom / panes.view.zoom, size[0] / 2, size[1] / 2)
    canvas = panes.canvas("image")
    assert canvas.frame.zoom == pytest.approx(zoom)
    assert close(pixels(canvas), expected(canvas, image))


def test_the_same_in_the_middle_of_a_window(qtbot: QtBot) -> None:
    window, view = QWidget(), View()
    canvas = Canvas(view)
    layout = QVBoxLayout(window)
    layout.setContentsMargins(7, 11, 5, 3)
    layout.addWidget(canvas)
    qtbot.addWidget(window)
    window.resize(333, 287)
    window.show()
    image = random_image(101, 77)
    view.show(101, 77)
    view.zoom_at(2, 30, 30)
    canvas.show_picture(ImageLayer(image))
    shown = pixels(window)
    ratio = canvas.devicePixelRatioF()
    left, top = math.floor(7 * ratio + 0.5), math.floor(11 * ratio + 0.5)
    wanted = expected(canvas, image)
    part = shown[top : top + wanted.shape[0], left : left + wanted.shape[1]]
    inner = (slice(2, part.shape[0] - 2), slice(2, part.shape[1] - 2))
    assert np.array_equal(part[inner], wanted[inner])


def test_a_pixel_is_painted_where_one_clicks(panes: Panes) -> None:
    document = Document(np.zeros((48, 64), np.uint8))
    panes.set_tool("brush")
    panes.set_tool_options("brush", BrushOptions(radius=0.5))
    panes.show_sample(np.zeros((48, 64), np.uint8), document, None)
    canvas = panes.canvas("truth")
    for x, y in ((0, 0), (63, 47), (10, 20), (33, 31)):
        drag(canvas, (x + 0.99, y + 0.01))
    assert sorted(zip(*np.nonzero(document.mask)[::-1], strict=True)) == [(0, 0), (10, 20), (33, 31), (63, 47)]
    panes.pointer.hovered.emit(None)
    shown = pixels(canvas)
    wanted = expected(canvas, document.mask * np.uint8(255))
    is_blue = shown[..., 2] > 100
    # A corner pixel at the last column may fall into the row or column that only some grabs have.
    assert np.array_equal(is_blue[:-2, :-2], wanted[: is_blue.shape[0], : is_blue.shape[1], 0][:-2, :-2] == 255)


@pytest.mark.parametrize("zoom", [0.3, 1.0, 2.6])
def test_after_any_stroke_the_screen_is_as_if_painted_anew(panes: Panes, zoom: float) -> None:
    image = random_image(301, 257)
    document = Document(np.zeros((257, 301), np.uint8))
    probability = np.roll(random_image(301, 257), 20, axis=1)
    panes.set_tool("brush")
    panes.set_error_view(True)
    panes.show_sample(image, document, probability)
    panes.view.zoom_at(zoom / panes.view.zoom, 150, 128)
    rng = np.random.default_rng(1)
    for radius in (0.5, 3.0, 40.0):
        panes.set_tool_options("brush", BrushOptions(radius=radius))
        for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton):
            pixels(panes)  # everything is painted now; what follows is painted in parts
            drag(panes.canvas("truth"), *[tuple(rng.uniform(-20, 320, 2)) for _ in range(5)], button=button)
            panes.pointer.hovered.emit(None)
            in_parts = [pixels(panes.canvas(name)) for name in ("truth", "errors")]
            for name in ("truth", "errors"):
                panes.canvas(name).show_view()
            assert document.mask.any()
            for shown, name in zip(in_parts, ("truth", "errors"), strict=True):
                assert np.array_equal(shown, pixels(panes.canvas(name)))
    while document.undo():
        pass
    shown = pixels(panes.canvas("truth"))
    panes.canvas("truth").show_view()
    assert np.array_equal(shown, pixels(panes.canvas("truth")))


def test_overlays_have_their_colours(panes: Panes) -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[:, 30:] = 1
    panes.set_overlay_opacity(1.0)
    panes.show_sample(np.full((60, 60), 90, np.uint8), Document(mask.copy()), (1 - mask) * np.uint8(255))
    for name, colour, inside in (("truth", TRUTH, 45), ("prediction", PREDICTION, 15)):
        canvas = panes.canvas(name)
        shown = pixels(canvas)
        x, y = (int(part) for part in canvas.frame.to_device(inside, 30))
        other, _ = (int(part) for part in canvas.frame.to_device(60 - inside, 30))
        assert tuple(shown[y, x]) == colour
        assert tuple(shown[y, other]) == (90, 90, 90)


def test_the_ratio_is_the_one_asked_for(panes: Panes) -> None:
    assert panes.canvas("image").devicePixelRatioF() == float(os.environ.get("QT_SCALE_FACTOR", "1"))
