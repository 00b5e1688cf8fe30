"""Tiles: pictures with outlines side by side, as large as they get, with one zoom for all of them."""

import json
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QSize, Qt
from PySide6.QtGui import QMouseEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from segstudio.ui.canvas.arrangement import arrange
from segstudio.ui.canvas.pane import INSET, Pane
from segstudio.ui.canvas.view import View
from segstudio.ui.views.variations import Face

GAP = 8
WHEEL_ZOOM = 1.25
"""How much a notch of the wheel zooms."""


class Tile(Pane):
    """One picture with its outline, under a line that says what it is.

    Attributes:
        view: Which part of it is seen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        self.view = View()
        super().__init__("", self.view, parent)
        self._face: Face | None = None
        self._other: Face | None = None
        self._is_outlined = True
        self._on_canvas: Face | None = None

    @property
    def face(self) -> Face | None:
        """What the tile shows when nothing is compared."""
        return self._face

    @property
    def seen(self) -> Face | None:
        """What is on screen."""
        return self._on_canvas

    def show_face(self, face: Face | None, message: str = "") -> None:
        """Show another picture, or a few words."""
        self._face = face
        self.canvas.message = message
        self._draw()

    def compare(self, other: Face | None) -> None:
        """Show this in place of its own picture for a while; None ends it."""
        if other is not self._other:
            self._other = other
            self._draw()

    def set_outlined(self, is_outlined: bool) -> None:
        """Show or hide the mask's outline."""
        self._is_outlined = is_outlined
        self.canvas.set_overlay_shown(is_outlined)

    def fit(self) -> None:
        """Show the whole picture."""
        self.view.fit(*self.canvas.device_size)

    def _draw(self) -> None:
        face = self._face if self._other is None or self._face is None else self._other
        self._on_canvas = face
        if face is not None and (face.width, face.height) != (self.view.width, self.view.height):
            self.view.show(face.width, face.height)
            self.fit()
        self.canvas.show_picture(None if face is None else face.picture)
        self.canvas.show_overlay(None if face is None else face.outline)


class Tiles(QWidget):
    """A grid of tiles. The wheel zooms all of them at the same place, dragging moves all, a double click fits them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._tiles: list[Tile] = []
        self._cells: tuple[int, int, int] = (0, 0, 0)
        self._ratio = (1, 1)
        self._is_fitted = True
        self._drag: QPointF | None = None
        self._is_outlined = True

    @property
    def tiles(self) -> Sequence[Tile]:
        """The tiles in use."""
        return self._tiles

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(260, 200)

    def set_count(self, count: int) -> None:
        """Have so many tiles."""
        while len(self._tiles) < count:
            tile = Tile(self)
            tile.set_outlined(self._is_outlined)
            tile.canvas.installEventFilter(self)
            tile.canvas.setCursor(Qt.CursorShape.OpenHandCursor)
            self._tiles.append(tile)
        while len(self._tiles) > count:
            tile = self._tiles.pop()
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        self._arrange()

    def set_shape(self, width: int, height: int) -> None:
        """Arrange the tiles so that pictures of this size are largest."""
        if (width, height) != self._ratio:
            self._ratio = (width, height)
            self._arrange()

    def compare(self, original: Face | None) -> None:
        """Show the original in every tile, until None is given."""
        for tile in self._tiles[1:]:
            tile.compare(original)

    def set_outlined(self, is_outlined: bool) -> None:
        """Show or hide the outlines of masks."""
        self._is_outlined = is_outlined
        for tile in self._tiles:
            tile.set_outlined(is_outlined)

    def fit(self) -> None:
        """Show the whole pictures."""
        self._is_fitted = True
        for tile in self._tiles:
            tile.fit()

    def zoom(self, factor: float) -> None:
        """Zoom all tiles about their middles."""
        self._is_fitted = False
        for tile in self._tiles:
            tile.view.zoom_at(factor, tile.view.x, tile.view.y)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        tile = next((one for one in self._tiles if one.canvas is watched), None)
        if tile is None:
            return False
        if event.type() == QEvent.Type.Resize:
            if tile.view.is_fitted or self._is_fitted:
                tile.fit()
            return False
        if isinstance(event, QWheelEvent):
            self._zoom_at(tile, WHEEL_ZOOM ** (event.angleDelta().y() / 120), event.position())
            return True
        if isinstance(event, QMouseEvent):
            return self._point(tile, event)
        return False

    def _point(self, tile: Tile, event: QMouseEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonDblClick:
            self.fit()
            return True
        buttons = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
        if event.type() == QEvent.Type.MouseButtonPress and event.button() in buttons:
            self._drag = event.position()
            tile.canvas.setFocus(Qt.FocusReason.MouseFocusReason)
            tile.canvas.setCursor(Qt.CursorShape.ClosedHandCursor)
            return True
        if event.type() == QEvent.Type.MouseButtonRelease and self._drag is not None:
            self._drag = None
            tile.canvas.setCursor(Qt.CursorShape.OpenHandCursor)
            return True
        if event.type() == QEvent.Type.MouseMove and self._drag is not None:
            by = (event.position() - self._drag) * self.devicePixelRatioF()
            self._drag = event.position()
            self._is_fitted = False
            for one in self._tiles:
                one.view.pan(by.x(), by.y())
            return True
        return False

    def _zoom_at(self, tile: Tile, factor: float, spot: QPointF) -> None:
        """Zoom every tile about the place that lies under the pointer in this one, also where sizes differ."""
        if not tile.view.width:
            return
        self._is_fitted = False
        x, y = tile.canvas.frame.to_image(spot.x(), spot.y())
        u, v = x / tile.view.width, y / tile.view.height
        for one in self._tiles:
            if one.view.width:
                one.view.zoom_at(factor, u * one.view.width, v * one.view.height)

    def _arrange(self) -> None:
        """Lay the tiles out in as many rows and columns as show the pictures largest."""
        if not self._tiles or self.width() < 2:
            return
        chrome = 2.0 * INSET + GAP, float(self._tiles[0].header.height() + INSET + GAP)
        space = float(self.width() + GAP), float(self.height() + GAP)
        cells = arrange(len(self._tiles), space, chrome, self._ratio)
        key = (cells.rows, cells.columns, len(self._tiles))
        if key == self._cells:
            return
        self._cells = key
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 1 if row < cells.rows else 0)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < cells.columns else 0)
        for index, tile in enumerate(self._tiles):
            row, column = divmod(index, cells.columns)
            self._grid.addWidget(tile, row, column)
            self._grid.setRowStretch(row, 1)
            self._grid.setColumnStretch(column, 1)
            tile.show()
        self._grid.activate()
        if self._is_fitted:
            self.fit()


WORDS = {"RandomBrightnessContrast": {"alpha": "contrast ×", "beta": "grey value +"}}
"""What people call values that Albumentations names after a formula."""


def applied_text(applied: Sequence[dict[str, object]], names: Mapping[str, str]) -> str:
    """What was applied with its sampled values, one transform a line, for a tooltip."""
    if not applied:
        return "Nothing was applied: every step has its chance, and none had it with this seed."
    lines = []
    for one in applied:
        transform = str(one["transform"])
        called = WORDS.get(transform, {})
        values = [
            f"{called.get(key, key.replace('_', ' '))} {_value(value)}"
            for key, value in one.items()
            if key != "transform" and not _is_nested(value)
        ]
        pasted = one.get("pasted")
        if isinstance(pasted, list):
            values += [f"of {said['donor']}" for said in pasted] or ["nothing"]
        name = names.get(transform, transform)
        lines.append(f"{name}: {', '.join(values)}" if values else name)
    return "\n".join(lines)


def _is_nested(value: object) -> bool:
    """Whether it is a matrix, a map or corners: right in a manifest, and nothing that tells a person anything."""
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, list | dict) for one in value))


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
