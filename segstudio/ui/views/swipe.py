"""Two masks of the sample on screen upon each other, with a divider to drag: left of it one, right of it the other.

What can be chosen is the mask as it is now, earlier revisions of it, and what each run predicts. Zoom and place are
those of the panes, so that one comes back to where one was.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.core.mask import Mask
from segstudio.core.metrics import Counts
from segstudio.core.sample import Sample
from segstudio.project.project import Project
from segstudio.project.versions import NOW, Version, load_version, versions_of
from segstudio.ui import theme
from segstudio.ui.background import Background
from segstudio.ui.canvas.canvas import Canvas
from segstudio.ui.canvas.layers import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    PREDICTION,
    TRUTH,
    ErrorLayer,
    ImageLayer,
    Layer,
    MaskLayer,
    SplitLayer,
    windowed,
)
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.view import View
from segstudio.ui.combo import Combo
from segstudio.ui.keyboard import key_meant
from segstudio.ui.session import Session
from segstudio.ui.views.tiles import WHEEL_ZOOM
from segstudio.ui.widgets import FittingWords, card, push_button, text_button

REACH = 12
"""So near to the divider the pointer takes hold of it, in widget pixels."""

STEP, LEAP = 0.02, 0.1
"""How far a key moves the divider, without and with Shift."""

HIDDEN = "A test sample: its figures are hidden until View ▸ Show test figures"
"""In the place of how a mask and a prediction differ, see `project.looks`."""

REST_MS = 200
"""The figures follow a stroke at this distance."""

OPACITY = 0.45

Brightness = tuple[float, float]
"""Window and level."""


class _Pair(NamedTuple):
    """What a thread has read.

    Attributes:
        sample: Of which sample.
        counter: Of the changes of its mask.
        versions: All that can be chosen.
        chosen: Left and right.
        masks: Theirs; None for what cannot be read.
        words: How they differ, or why that cannot be said.
    """

    sample: Sample
    counter: int
    versions: list[Version]
    chosen: tuple[Version, Version]
    masks: tuple[Mask | None, Mask | None]
    words: str


class SwipeCanvas(Canvas):
    """A canvas with a divider.

    Attributes:
        moved: Told after the divider was moved.
        share: Where it stands, from 0 to 1.
        titles: What is written left and right of it.
    """

    moved = Signal()

    def __init__(self, view: View, parent: QWidget | None = None) -> None:
        super().__init__(view, parent)
        self.share = 0.5
        self.titles = ("", "")
        self.is_divided = True
        self._drag: QPointF | None = None
        self._holds_divider = False
        self.setObjectName("canvas-swipe")

    @property
    def divider(self) -> float:
        """The divider's place in widget pixels."""
        return self.width() * self.share

    def set_share(self, share: float) -> None:
        """Move the divider."""
        share = min(max(share, 0.0), 1.0)
        if share != self.share:
            self.share = share
            self.moved.emit()

    def fit(self) -> None:
        """Show the whole picture."""
        self.view.fit(*self.device_size)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.is_divided:
            self._draw_divider(painter)
        self._draw_titles(painter)
        painter.end()

    def _draw_divider(self, painter: QPainter) -> None:
        x, middle = self.divider, self.height() / 2
        for colour, width in ((QColor(0, 0, 0, 150), 4.0), (QColor(255, 255, 255, 235), 2.0)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setPen(QPen(QColor(0, 0, 0, 150), 1))
        painter.setBrush(QColor(255, 255, 255, 240))
        painter.drawEllipse(QPointF(x, middle), 11, 11)
        painter.setPen(QPen(QColor(30, 36, 44), 1.8))
        for side in (-1, 1):
            tip, foot = QPointF(x + 6.5 * side, middle), x + 3 * side
            painter.drawPolyline([QPointF(foot, middle - 3.5), tip, QPointF(foot, middle + 3.5)])

    def _draw_titles(self, painter: QPainter) -> None:
        font = painter.font()
        font.setBold(True)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        colours = (TRUTH, PREDICTION) if self.is_divided else (FALSE_NEGATIVE, FALSE_POSITIVE)
        for side, (title, colour) in enumerate(zip(self.titles, colours, strict=True)):
            if not title:
                continue
            width = metrics.horizontalAdvance(title) + 34
            left = 10.0 if side == 0 else self.width() - 10.0 - width
            rect = QRectF(left, 10, width, metrics.height() + 10)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(9, 11, 14, 205))
            painter.drawRoundedRect(rect, 6, 6)
            painter.setBrush(QColor(*colour))
            painter.drawRoundedRect(QRectF(rect.x() + 10, rect.center().y() - 5, 10, 10), 2, 2)
            painter.setPen(QColor(231, 234, 239))
            painter.drawText(rect.adjusted(26, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), title)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag = event.position()
            is_near = abs(event.position().x() - self.divider) <= REACH
            self._holds_divider = is_near and self.is_divided and event.button() == Qt.MouseButton.LeftButton

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            is_near = self.is_divided and abs(event.position().x() - self.divider) <= REACH
            self.setCursor(Qt.CursorShape.SplitHCursor if is_near else Qt.CursorShape.OpenHandCursor)
        elif self._holds_divider:
            self.set_share(event.position().x() / max(1, self.width()))
        else:
            by = (event.position() - self._drag) * self.devicePixelRatioF()
            self._drag = event.position()
            self.view.pan(by.x(), by.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag, self._holds_divider = None, False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        x, y = self.frame.to_image(event.position().x(), event.position().y())
        self.view.zoom_at(WHEEL_ZOOM ** (event.angleDelta().y() / 120), x, y)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.view.is_fitted and self.isVisible():
            self.fit()


class SwipeView(QWidget):
    """The choice of left and right, how they differ, and the canvas.

    Attributes:
        closed: Told when the person has seen enough.
        canvas: The picture.
    """

    closed = Signal()

    def __init__(
        self, session: Session, view: View, brightness: Callable[[], Brightness], parent: QWidget | None = None
    ) -> None:
        """Show samples of a session; zoom and place are those of `view`, and grey values as `brightness` tells."""
        super().__init__(parent)
        self._session = session
        self._brightness = brightness
        self._pair: _Pair | None = None
        self._shown: tuple[Pyramid | None, ...] = (None, None)
        self._wanted: tuple[Version, Version] | None = None
        self._picture: ImageLayer | None = None
        self._is_differing = False
        self._is_closed = False
        self._thread = Background("swipe", self)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._read)
        self.canvas = SwipeCanvas(view, self)
        self.canvas.setAccessibleName("Two masks with a divider")
        self._build()
        session.sample_changed.connect(lambda _sample: self._restart())
        session.history_changed.connect(self._rest_if_seen)
        session.project_changed.connect(lambda topics: self._rest_if_seen() if topics & {"masks", "predictions"} else 0)
        self.canvas.moved.connect(self._draw)
        theme.notifier().changed.connect(self.canvas.update)
        self.setFocusProxy(self.canvas)

    # what is asked for

    @property
    def is_busy(self) -> bool:
        """Whether something is being read."""
        return self._thread.is_busy or self._rest.isActive()

    @property
    def words(self) -> str:
        """How the two differ."""
        return self._figures.text()

    @property
    def chosen(self) -> tuple[Version, Version] | None:
        """Left and right, as they are shown."""
        return None if self._pair is None else self._pair.chosen

    def open(self, left: Version | None = None, right: Version | None = None) -> None:
        """Show two versions; what is not said is the mask as it is now, against the current prediction."""
        if left is not None or right is not None or self._wanted is None:
            self._wanted = None if left is None else (left, right or NOW)
        self._restart()

    def swap(self) -> None:
        """Left becomes right."""
        if self._pair is not None:
            self.open(*self._pair.chosen[::-1])

    def set_differing(self, is_on: bool) -> None:
        """Show where the two differ, in place of both."""
        self._is_differing = is_on
        self._differing.setChecked(is_on)
        self._draw()

    def close_threads(self) -> None:
        """End the thread."""
        self._is_closed = True
        self._rest.stop()
        self._thread.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        leap = LEAP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else STEP
        match key_meant(event):
            case Qt.Key.Key_Left:
                self.canvas.set_share(self.canvas.share - leap)
            case Qt.Key.Key_Right:
                self.canvas.set_share(self.canvas.share + leap)
            case Qt.Key.Key_Home:
                self.canvas.set_share(0.0)
            case Qt.Key.Key_End:
                self.canvas.set_share(1.0)
            case Qt.Key.Key_S:
                self.swap()
            case Qt.Key.Key_D:
                self.set_differing(not self._is_differing)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.canvas.view.step(1)
            case Qt.Key.Key_Minus:
                self.canvas.view.step(-1)
            case Qt.Key.Key_0:
                self.canvas.fit()
            case Qt.Key.Key_1:
                self.canvas.view.one_to_one()
            case Qt.Key.Key_Escape:
                self.closed.emit()
            case _:
                super().keyPressEvent(event)

    # what happens

    def _rest_if_seen(self) -> None:
        if self.isVisible() and not self._is_closed:
            self._rest.start()

    def _restart(self) -> None:
        self._rest.stop()
        self._pair, self._picture, self._shown = None, None, (None, None)
        loaded = self._session.loaded
        if loaded is not None:
            self._picture = ImageLayer(loaded.image)
            if loaded.image.ndim == 2:
                self._picture.brightness = windowed(*self._brightness())
        self.canvas.show_picture(self._picture)
        self._draw()
        if self.isVisible():
            self._read()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self.canvas.view.is_fitted:
            self.canvas.fit()
        self._read()

    def _read(self) -> None:
        session = self._session
        sample, document, wanted = session.sample, session.document, self._wanted
        if sample is None or session.loaded is None or self._is_closed:
            self._figures.setText("")
            return
        now = None if document is None else document.snapshot().mask
        counter = -1 if document is None else document.revision_counter
        project = session.project

        def read() -> _Pair:
            versions = versions_of(project, sample)
            chosen = _chosen(wanted, versions)
            masks: list[Mask | None] = []
            for version in chosen:
                try:
                    masks.append(now if version.kind == "now" else load_version(project, sample, version))
                except (UserError, OSError):
                    masks.append(None)
            left, right = masks
            words = HIDDEN if _hides(project, sample, chosen) else _difference(left, right)
            return _Pair(sample, counter, versions, chosen, (left, right), words)

        self._thread.submit(read, self._take)

    def _take(self, future: "Future[_Pair]") -> None:
        error = future.exception()
        if isinstance(error, UserError | OSError):
            self._session.tell(error)
            return
        pair = future.result()
        if self._session.sample is None or pair.sample.id != self._session.sample.id or self._is_closed:
            return
        self._pair = pair
        for box, version in zip(self._boxes, pair.chosen, strict=True):
            box.blockSignals(True)
            box.clear()
            for one in pair.versions:
                box.addItem(one.title, one)
            box.setCurrentIndex(pair.versions.index(version))
            box.blockSignals(False)
        self._figures.setText(pair.words)
        self._shown = tuple(None if mask is None else Pyramid(mask, gain=255) for mask in pair.masks)
        self._draw()

    def _choose(self) -> None:
        left, right = (box.currentData() for box in self._boxes)
        if left is not None and right is not None:
            self.open(Version(*left), Version(*right))

    def _draw(self) -> None:
        pair, canvas = self._pair, self.canvas
        left, right = self._shown
        canvas.is_divided = not self._is_differing
        names = ("", "") if pair is None else (pair.chosen[0].title, pair.chosen[1].title)
        canvas.titles = names if canvas.is_divided or pair is None else (f"only {names[0]}", f"only {names[1]}")
        overlay: Layer | None = None
        if self._is_differing and left is not None and right is not None:
            overlay = ErrorLayer(left, right, OPACITY)
        elif not self._is_differing:
            overlay = SplitLayer(
                None if left is None else MaskLayer(left, TRUTH, OPACITY),
                None if right is None else MaskLayer(right, PREDICTION, OPACITY),
                canvas.share,
            )
        canvas.show_overlay(overlay)

    # how it looks

    def _build(self) -> None:
        self._boxes = (Combo(), Combo())
        for box, name in zip(self._boxes, ("Left", "Right"), strict=True):
            box.setAccessibleName(f"{name} of the divider")
            box.setToolTip(f"What is shown on the {name.lower()}")
            box.setMinimumWidth(90)
            box.currentIndexChanged.connect(lambda _index: self._choose())
        swap = text_button("⇄", "Left becomes right  (S)")
        swap.setAccessibleName("Swap")
        swap.clicked.connect(self.swap)
        self._differing = text_button("Differences", "Show where the two differ  (D)")
        self._differing.setCheckable(True)
        self._differing.clicked.connect(self.set_differing)
        self._figures = QLabel()
        self._figures.setProperty("heading", True)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(push_button("‹  Back", "Back to the panes  (Esc)", self.closed.emit))
        row.addWidget(self._boxes[0], 1)
        row.addWidget(swap)
        row.addWidget(self._boxes[1], 1)
        row.addWidget(self._differing)
        frame = card()
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(8, 8, 8, 8)
        inside.addLayout(row)
        inside.addWidget(self.canvas, 1)
        hint = FittingWords()
        hint.show_words(
            ("Drag the divider, or Left and Right move it. The wheel zooms.", "Drag the divider. The wheel zooms.")
        )
        below = QHBoxLayout()
        below.setSpacing(16)
        below.addWidget(self._figures)
        below.addWidget(hint, 1)
        inside.addLayout(below)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(frame)


def _chosen(wanted: tuple[Version, Version] | None, versions: list[Version]) -> tuple[Version, Version]:
    """What is wanted as far as this sample has it; else the mask, against the prediction or what it was before."""
    if wanted is not None and all(version in versions for version in wanted):
        return wanted
    return NOW, versions[1] if len(versions) > 1 else NOW


def _hides(project: Project, sample: Sample, chosen: tuple[Version, Version]) -> bool:
    """Whether the two are a mask and a prediction of which nobody may know yet how right it is."""
    runs = [one.number for one in chosen if one.kind == "run"]
    return len(runs) == 1 and project.looks.hides(sample, runs[0])


def _difference(left: Mask | None, right: Mask | None) -> str:
    """How two masks differ, in words."""
    if left is None or right is None:
        return "one of the two cannot be read"
    counts = Counts.of(left, right)
    differing = f"{counts.fp + counts.fn:,} px differ".replace(",", "\u202f")
    if counts.dice is None:
        return "both are empty"
    return f"Dice {counts.dice:.4f}  ·  IoU {counts.iou:.4f}  ·  {differing}"
