"""Panes: image, true mask, prediction and their errors, with one zoom, one crosshair and one tool in hand."""

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QSize, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from segstudio.core.blobs import forgiven
from segstudio.core.document import Document
from segstudio.core.edit import Mode
from segstudio.core.mask import NOWHERE, Mask, Rect
from segstudio.core.options import Options
from segstudio.core.raster import Point, Region, brush_diameter
from segstudio.core.selection import Selection
from segstudio.core.threshold import DEFAULT, level_of, predicted_at
from segstudio.operations import OPERATIONS
from segstudio.tools import TOOLS, Memory, Scene, Tool
from segstudio.ui.background import Background
from segstudio.ui.canvas.agreement import Agreement
from segstudio.ui.canvas.arrangement import Cells, arrange
from segstudio.ui.canvas.canvas import Canvas
from segstudio.ui.canvas.layers import (
    AGREEMENT,
    CORRECTION,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    HEAT,
    IGNORED,
    PREDICTION,
    TRUTH,
    UNREVIEWED,
    Colour,
    ErrorLayer,
    HatchLayer,
    HeatLayer,
    ImageLayer,
    Layer,
    MaskLayer,
    PreviewLayer,
    Stacked,
    automatic_window,
    windowed,
)
from segstudio.ui.canvas.marks import Caption, CaptionPart, Marks, Outlines, outlines_of
from segstudio.ui.canvas.operating import Operating
from segstudio.ui.canvas.pane import INSET, Pane
from segstudio.ui.canvas.pointer import PointerInput
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.view import View

PaneName = Literal["image", "truth", "prediction", "errors"]

TITLES: dict[PaneName, str] = {
    "image": "Image", "truth": "True mask", "prediction": "Prediction", "errors": "Errors",
}  # fmt: skip
LEGEND_HELP = (
    "Shares of all that is foreground in the mask or in the prediction:\n"
    "agree – in both, which is the IoU\n"
    "false positive (FP) – predicted, but not in the mask\n"
    "false negative (FN) – in the mask, but not predicted"
)
TOLERANCE_HELP = "\nErrors up to {} px beside the boundary of the mask are forgiven."

IGNORING = Caption(
    ((IGNORED, "tools paint what is ignored"),),
    ((IGNORED, "ignoring"),),
    "What is hatched is neither learnt from nor measured. The same command (Tools ▸ Paint what is ignored) goes back.",
)
NO_PREDICTION = Caption(((None, "not predicted yet"),))

FOREGROUND = level_of(DEFAULT)
"""The least probability byte that is foreground, until `set_level` says otherwise."""

FULL_WINDOW = (255.0, 127.5)
"""Window and level that show every grey value as itself."""

GAP = 8
"""Pixels between two panes."""

COUNT_AFTER_MS = 80
"""The legend of the error view follows a stroke at this distance."""

COUNT_AT_ONCE = 64
"""So many squares of pixels are counted for it in one go: a millisecond or two."""


@dataclass(frozen=True, slots=True)
class PixelInfo:
    """The pixel under the pointer.

    Attributes:
        x: Column.
        y: Row.
        value: Grey value, or red, green and blue.
        truth: 0 or 1; None without a mask.
        probability: From 0 to 1; None without a prediction.
    """

    x: int
    y: int
    value: int | tuple[int, int, int]
    truth: int | None
    probability: float | None


@dataclass(frozen=True, slots=True, eq=False)
class ShownWeights:
    """What pixels count in the next training, as the image shows it.

    Attributes:
        corrected: uint8 (H, W) of 0 and 1: where they count more; None when nowhere.
        others: Where they count less; None when nowhere.
        caption: The legend.
    """

    corrected: Mask | None
    others: Mask | None
    caption: Caption


class Panes(QWidget):
    """The linked panes: in one row, or in as many as show the image clearly larger.

    Attributes:
        pointed: Told a PixelInfo, or None when the pointer is on no pixel.
        zoomed: Told the zoom (1.0 is one image pixel on one pixel of the screen).
        stroke_finished: Told after each drag of a tool.
        undecided_changed: Told when `is_undecided` has become another.
        tool_changed: Told after another tool was taken in hand.
        radius_changed: Told the brush radius in image pixels.
        tool_refused: Told why painting is not allowed.
        window_level_changed: Told window and level, also when the automatic ones change with the image.
        view: Zoom and centre.
        options_changed: Told after an option of a tool was changed.
        pointer: What the mouse does.
        operating: The operation on the whole mask that is under way.
        selection: The part of the picture that a person wants to decide about.
    """

    pointed = Signal(object)
    zoomed = Signal(float)
    stroke_finished = Signal()
    undecided_changed = Signal()
    tool_changed = Signal()
    radius_changed = Signal(float)
    options_changed = Signal()
    tool_refused = Signal(str)
    window_level_changed = Signal(float, float)
    selection_changed = Signal()
    """Another part of the picture is selected, or none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = View()
        self.pointer = PointerInput(self.view, self)
        self.operating = Operating(self)
        self._image: NDArray[np.uint8] | None = None
        self._picture: ImageLayer | None = None
        self._document: Document | None = None
        self._truth: Pyramid | None = None
        self._probability: NDArray[np.uint8] | None = None
        self._predicted: Mask | None = None
        self._coverage: Pyramid | None = None
        # Memory for what is predicted at other thresholds, used in turn: to ask for new memory takes longer than to
        # fill it. What a thread may still read of the last one is never overwritten by the next.
        self._in_turn: list[NDArray[np.uint8]] = []
        self._level = FOREGROUND
        self._instead: MaskLayer | None = None
        self._heat: Pyramid | None = None
        self._heat_words = ""
        self._agreement: Agreement | None = None
        self._tolerance = 0
        self._forgiven: Pyramid | None = None
        self._unforgiven: list[Rect] = []
        self._forgiving = Background("ring", self)
        self._opacity = 0.45
        self._window: tuple[float, float] | None = FULL_WINDOW  # None is automatic
        self._read_only = ""
        self._problem = ""
        self._options: dict[str, Options] = {}
        self._memory = Memory()
        self.selection = Selection()
        self._was_undecided = False
        self._preview: object = None
        self._lines: Pyramid | None = None
        self._here: Point | None = None
        self._target: Rect | None = None
        self._selected: Outlines = ()
        self._disconnect: Callable[[], None] = lambda: None
        self._ignored: Document | None = None
        self._hatched: Pyramid | None = None
        self._left_out: Pyramid | None = None
        self._has_ignored = False
        self._is_ignoring = False
        self._weights: ShownWeights | None = None
        self._leave_ignored: Callable[[], None] = lambda: None
        self._counting = QTimer(self, singleShot=True, interval=COUNT_AFTER_MS)
        self._counting.timeout.connect(self._count)
        self._lay_out()
        self.view.changed.connect(self._tell_zoom)
        self.pointer.hovered.connect(self._hover)
        self.pointer.outlined.connect(self._show_preview)
        for signal in (self.operating.begun, self.operating.changed, self.operating.ended):
            signal.connect(self._show_operation)
        for signal in (
            self.operating.begun, self.operating.ended, self.pointer.outlined, self.pointer.computing,
            self.pointer.finished,
        ):  # fmt: skip
            signal.connect(self._tell_undecided)
        self.pointer.finished.connect(self.stroke_finished)
        self.selection.changed.connect(self._show_selection)
        self.pointer.refused.connect(self.tool_refused)
        self.pointer.radius_wanted.connect(self.change_radius)
        self.clear()

    def _lay_out(self) -> None:
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._cells = Cells(0, 0)
        self._spare: QWidget | None = None
        self._panes: dict[PaneName, Pane] = {}
        for name, title in TITLES.items():
            pane = self._panes[name] = Pane(title, self.view, self)
            pane.canvas.setObjectName(f"canvas-{name}")
            pane.canvas.installEventFilter(self)
            self.pointer.watch(pane.canvas)
        self._panes["errors"].hide()
        self._arrange()
        self.setAccessibleName("Image, true mask, prediction and errors")
        self.setFocusProxy(self._panes["truth"].canvas)

    def sizeHint(self) -> QSize:
        return QSize(960, 480)

    def minimumSizeHint(self) -> QSize:
        # Not that of the arrangement of this moment: with less room there will be another one.
        least = self._panes["image"].minimumSizeHint()
        return QSize(2 * least.width() + GAP, 2 * least.height() + GAP)

    def canvas(self, name: PaneName) -> Canvas:
        """The canvas of a pane."""
        return self._panes[name].canvas

    def pane(self, name: PaneName) -> Pane:
        """A pane with its header."""
        return self._panes[name]

    # --- what is shown

    def show_sample(
        self,
        image: NDArray[np.uint8],
        document: Document | None,
        probability: NDArray[np.uint8] | None,
        *,
        problem: str = "",
        level: int = FOREGROUND,
        left_out: Mask | None = None,
    ) -> None:
        """Show another sample, fitted into the panes.

        Args:
            image: uint8 (H, W) or (H, W, 3).
            document: Its mask; None when there is none that can be edited.
            probability: uint8 (H, W), 255 times the probability of foreground; None when there is no prediction.
            problem: Why there is no document; shown where the mask would be, and to whoever wants to paint.
            level: The least byte of `probability` that is foreground.
            left_out: uint8 (H, W) of 0 and 1: where the prediction says nothing, beside what is ignored; or None.
        """
        self._leave_sample()
        height, width = image.shape[:2]
        self._image, self._document, self._problem = image, document, problem
        self._picture = ImageLayer(image)
        self._memory = Memory()
        if document is not None:
            self._truth = Pyramid(document.mask, gain=255)
            self._disconnect = document.changed.connect(self._mask_changed)
        self._apply_window()
        self.view.show(width, height)
        self._arrange()
        self.fit()
        for pane in self._panes.values():
            pane.canvas.show_picture(self._picture)
        self.set_probability(probability, level, left_out)
        self._hover(self._here)

    def clear(self, text: str = "") -> None:
        """Show no sample, but perhaps a few words."""
        self._leave_sample()
        self._image = self._picture = self._document = self._truth = None
        self._problem = ""
        self.view.show(0, 0)
        for name, pane in self._panes.items():
            pane.canvas.message = text if name == "image" else ""
            pane.canvas.show_picture(None)
        self.set_probability(None)
        self.pointed.emit(None)

    def set_probability(
        self, probability: NDArray[np.uint8] | None, level: int = FOREGROUND, left_out: Mask | None = None
    ) -> None:
        """Show another prediction of the same sample, or none; bytes of `level` or more are foreground.

        Where it says nothing, it is hatched, and nothing differs.
        """
        self._left_out = None if left_out is None else Pyramid(left_out, gain=255)
        self._probability = probability
        self._level = level
        self._predicted = None if probability is None else predicted_at(probability, level)
        self._coverage = None if self._predicted is None else Pyramid(self._predicted, gain=255)
        self._in_turn.clear()
        self._allow()
        self._begin_forgiving()

    @property
    def level(self) -> int:
        """The least probability byte that is shown as foreground."""
        return self._level

    def set_level(self, level: int) -> None:
        """Show the prediction at another threshold: cheap enough to follow a hand that drags a slider.

        What is shown and not made yet, which may be made of the prediction, is given up.
        """
        if level == self._level:
            return
        if self._probability is None:
            self._level = level
            return
        self.finish_stroke()
        self._level = level
        if not self._in_turn:
            self._in_turn.extend(np.empty((2, *self._probability.shape), np.uint8) for _ in range(2))
        predicted, coverage = pixels = self._in_turn.pop(0)
        self._in_turn.append(pixels)
        np.greater_equal(self._probability, level, out=predicted.view(np.bool_))
        np.multiply(predicted, np.uint8(255), out=coverage)
        self._predicted, self._coverage = predicted, Pyramid(coverage)
        self._begin_forgiving(counts_at_once=False)

    def set_ignored(self, document: Document | None) -> None:
        """Show where the sample is ignored, and let tools paint it while `set_ignoring` says so; nowhere when None."""
        if self._is_ignoring:
            self.finish_stroke()
        self._leave_ignored()
        self._leave_ignored = lambda: None
        had_ignored = self._has_ignored
        self._ignored, self._hatched, self._has_ignored = document, None, False
        if document is not None:
            self._hatched = Pyramid(document.mask, gain=255)
            self._has_ignored = bool(document.mask.any())
            self._leave_ignored = document.changed.connect(self._ignored_changed)
        if self._is_ignoring:
            self._allow()  # else what a tool prepares for this image would begin anew
        if had_ignored or self._has_ignored:  # what is ignored counts in no legend
            self._begin_forgiving()

    def set_weights(self, weights: ShownWeights | None) -> None:
        """Show over the image what its pixels count in a training, or no longer."""
        if weights is not self._weights:
            self._weights = weights
            self._draw_overlays()
            self._show_captions()

    def _weight_layers(self) -> list[Layer]:
        """The others below what was corrected."""
        if self._weights is None:
            return []
        pairs = ((self._weights.others, UNREVIEWED), (self._weights.corrected, CORRECTION))
        return [
            MaskLayer(Pyramid(mask, gain=255), colour, 0.6, outline=0.9) for mask, colour in pairs if mask is not None
        ]

    def set_ignoring(self, is_on: bool) -> None:
        """Let tools and operations change what is ignored, in place of the mask."""
        if is_on != self._is_ignoring:
            self.finish_stroke()
            self._is_ignoring = is_on
            self._allow()
            self._show_captions()

    @property
    def _in_hand(self) -> Document | None:
        """What tools and operations change."""
        return self._ignored if self._is_ignoring else self._document

    def _ignored_changed(self, rect: Rect) -> None:
        assert self._hatched is not None
        self._hatched.change(rect)
        if not self._has_ignored:
            self._has_ignored = True
            self._begin_forgiving()
            return
        for pane in self._panes.values():
            pane.canvas.show_change(rect)
        if self._agreement is not None:
            self._agreement.change(rect)
        if self._shows_errors and not self._counting.isActive():
            self._counting.start()

    def set_overlay_opacity(self, opacity: float) -> None:
        """How solid masks are, from 0 to 1."""
        self._opacity = min(max(opacity, 0.0), 1.0)
        self._show_overlays()

    def set_tolerance(self, tolerance: int) -> None:
        """Forgive errors that lie no farther than so many pixels from the true boundary."""
        if tolerance != self._tolerance:
            self._tolerance = tolerance
            self._begin_forgiving()

    def _begin_forgiving(self, *, counts_at_once: bool = True) -> None:
        """Nothing is forgiven at first: to find the ring takes longer than the next image may."""
        self._agreement = self._forgiven = None
        self._unforgiven.clear()
        if self._predicted is not None and self._document is not None:
            if self._tolerance:
                self._forgiven = Pyramid(np.zeros_like(self._predicted), gain=255)
                self._unforgiven.append(Rect.of(self._document.shape))
            pixels = None if self._forgiven is None else self._forgiven.pixels
            ignored = [one.pixels for one in self._not_compared]
            self._agreement = Agreement(self._document.mask, self._predicted, pixels, ignored)
        if counts_at_once:
            self._show_overlays()
            self._forgive()
        else:
            self._draw_overlays()
            if not self._counting.isActive():
                self._counting.start()

    def _forgive(self) -> None:
        """Find the errors to forgive where the mask has changed, in a thread; a stroke does not wait for it."""
        document, predicted, target = self._document, self._predicted, self._forgiven
        if not self._unforgiven or document is None or predicted is None or target is None:
            return
        reach, rect = self._tolerance + 1, NOWHERE
        for changed in self._unforgiven:
            rect = rect.union(changed)
        self._unforgiven.clear()
        rect = _grown(rect, reach, document.shape)
        around = _grown(rect, reach, document.shape)
        truth, part = document.mask[around.slices].copy(), predicted[around.slices]
        inner = rect._replace(x=rect.x - around.x, y=rect.y - around.y)

        tolerance = self._tolerance

        def find() -> Mask | None:
            # Whoever steps through the samples leaves most of them before their turn comes.
            return forgiven(truth, part, tolerance) if target is self._forgiven else None

        def take(future: "Future[Mask | None]") -> None:
            found = future.result()
            if found is not None and target is self._forgiven and self._agreement is not None:
                target.pixels[rect.slices] = found[inner.slices]
                target.change(rect)
                self._agreement.change(rect)
                if self._shows_errors:
                    self._panes["errors"].canvas.show_change(rect)
                    self._show_captions()

        self._forgiving.submit(find, take)

    @property
    def _not_compared(self) -> list[Pyramid]:
        """What is ignored, and where the prediction says nothing."""
        hatched = self._hatched if self._has_ignored else None
        return [one for one in (hatched, self._left_out) if one is not None]

    @property
    def is_forgiving(self) -> bool:
        """Whether the ring of tolerance is being found."""
        return self._forgiving.is_busy or self._counting.isActive()

    def close_threads(self) -> None:
        """End the thread that finds the ring of tolerance."""
        self._forgiving.close()

    def set_error_view(self, is_on: bool) -> None:
        """Show a pane of where mask and prediction differ, beside the others."""
        self.set_pane_visible("errors", is_on)

    @property
    def is_error_view(self) -> bool:
        """Whether the errors have their pane."""
        return not self._panes["errors"].isHidden()

    def set_pane_visible(self, name: PaneName, is_visible: bool) -> None:
        """Show or hide a pane; the last one stays."""
        others = [pane for other, pane in self._panes.items() if other != name and not pane.isHidden()]
        if not is_visible and not others:
            return
        if self._panes[name].isHidden() == is_visible:
            self._panes[name].setVisible(is_visible)
            self._arrange()
            self._show_overlays()
            self._refit()

    def set_spare(self, widget: QWidget) -> None:
        """Show this where the last row has a cell left over."""
        self._spare = widget
        widget.setParent(self)
        widget.hide()
        self._cells = Cells(0, 0)
        self._arrange()

    def set_detail(self, name: PaneName, text: str) -> None:
        """Write something on the right of a pane's header, such as "revision 3" or "run 0007"."""
        self._panes[name].header.show_detail(text)

    def blink(self, is_hidden: bool) -> None:
        """Hide mask and prediction for a moment."""
        for pane in self._panes.values():
            pane.canvas.set_overlay_shown(not is_hidden)

    def show_instead(self, mask: Mask | None, name: str = "", colour: Colour = TRUTH) -> None:
        """Show one mask in every pane in place of what they show, with its name written large; None ends it."""
        self._instead = None if mask is None else MaskLayer(Pyramid(mask, gain=255), colour, self._opacity)
        self._draw_overlays()
        for pane in self._panes.values():
            pane.canvas.show_name(name if mask is not None else "", colour)

    def show_heat(self, values: NDArray[np.uint8] | None, words: str = "") -> None:
        """Show in the pane of the prediction where several runs disagree, or the prediction again.

        Args:
            values: uint8 (H, W), 0 where they agree, 255 where half of them contradict the others.
            words: What is written below it.
        """
        is_other = values is not None or self._heat is not None
        self._heat = None if values is None else Pyramid(values)
        self._heat_words = words
        if is_other:
            self._panes["prediction"].header.show_title("Disagreement" if values is not None else TITLES["prediction"])
            self._show_overlays()

    @property
    def is_heat_shown(self) -> bool:
        """Whether the pane of the prediction shows where runs disagree."""
        return self._heat is not None

    # --- brightness of grey images

    @property
    def window_level(self) -> tuple[float, float]:
        """Window and level in use."""
        if self._window is not None:
            return self._window
        return automatic_window(self._image) if self._is_grey and self._image is not None else FULL_WINDOW

    def set_window_level(self, window: float, level: float) -> None:
        """Show grey values level - window/2 .. level + window/2 as black .. white; the mask does not care."""
        self._window = (window, level)
        self._apply_window()

    def set_auto_window_level(self) -> None:
        """Choose window and level by the grey values of each image."""
        self._window = None
        self._apply_window()

    def reset_window_level(self) -> None:
        """Show every grey value as itself."""
        self.set_window_level(*FULL_WINDOW)

    @property
    def _is_grey(self) -> bool:
        return self._image is not None and self._image.ndim == 2

    def _apply_window(self) -> None:
        window, level = self.window_level
        is_changed = self._is_grey and (window, level) != FULL_WINDOW
        self.set_detail("image", f"W {window:.0f}  L {level:.0f}" if is_changed else "")
        if self._picture is not None and self._is_grey:
            self._picture.brightness = windowed(window, level)
            for pane in self._panes.values():
                pane.canvas.show_picture(self._picture)
        self.window_level_changed.emit(window, level)

    # --- zoom

    def fit(self) -> None:
        """Show the whole image in every pane."""
        sizes = [pane.canvas.device_size for pane in self._panes.values() if not pane.isHidden()]
        self.view.fit(min(width for width, _ in sizes), min(height for _, height in sizes))
        self._tell_zoom()

    def look_at(self, rect: Rect) -> None:
        """Show a part of the image in the middle of every pane, with what is around it."""
        shown = [pane.canvas for pane in self._panes.values() if not pane.isHidden()]
        width, height = (min(sizes) for sizes in zip(*(canvas.device_size for canvas in shown), strict=True))
        self.view.look_at(rect, width, height, self.devicePixelRatioF())

    @property
    def whole(self) -> Rect:
        """All of the image; NOWHERE without one."""
        return Rect(0, 0, self.view.width, self.view.height)

    @property
    def seen(self) -> Rect:
        """The part of the image that can be seen, in one of the panes at least."""
        result = NOWHERE
        for pane in self._panes.values():
            if not pane.isHidden():
                left, top = pane.canvas.frame.to_image(0, 0)
                right, bottom = pane.canvas.frame.to_image(pane.canvas.width(), pane.canvas.height())
                seen = Rect.between(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
                result = result.union(seen.intersect(self.whole))
        return result

    def select(self, rect: Rect) -> None:
        """Select a part of the image; a drag under way ends first."""
        self.finish_stroke()
        self.selection.set(Region(rect, np.ones((rect.height, rect.width), np.bool_)))

    def show_target(self, rect: Rect | None) -> None:
        """Mark a part of the image in every pane, or nothing."""
        if rect != self._target:
            self._target = rect
            self._show_marks()

    def one_to_one(self) -> None:
        """Show every image pixel as one pixel of the screen."""
        self.view.one_to_one()

    def zoom_in(self) -> None:
        """Closer, by one step."""
        self.view.step(1)

    def zoom_out(self) -> None:
        """Further away, by one step."""
        self.view.step(-1)

    def _arrange(self) -> None:
        """Put the panes that are shown into the rows and columns that show the image largest."""
        shown = [pane for pane in self._panes.values() if not pane.isHidden()]
        cells = self._best_cells(len(shown))
        self._place_spare(len(shown), cells)
        placed = [self._grid.itemAtPosition(*divmod(index, cells.columns)) for index in range(len(shown))]
        if cells == self._cells and [item and item.widget() for item in placed] == shown:
            return
        for pane in self._panes.values():
            self._grid.removeWidget(pane)
        for index, pane in enumerate(shown):
            self._grid.addWidget(pane, *divmod(index, cells.columns))
        for row in range(len(self._panes)):
            self._grid.setRowStretch(row, int(row < cells.rows))
            self._grid.setColumnStretch(row, int(row < cells.columns))
        self._cells = cells
        self._grid.activate()

    def _place_spare(self, count: int, cells: Cells) -> None:
        left_over = cells.rows * cells.columns - count
        if self._spare is None or (cells == self._cells and self._spare.isHidden() == (not left_over)):
            return
        self._grid.removeWidget(self._spare)
        if left_over:
            self._grid.addWidget(self._spare, cells.rows - 1, cells.columns - left_over, 1, left_over)
        self._spare.setVisible(left_over > 0)

    def _best_cells(self, count: int) -> Cells:
        if not self.view.width:
            return Cells(1, count)
        header = self._panes["image"].header.height()
        chrome = (2 * INSET + GAP, header + INSET + GAP)
        cells = arrange(count, (self.width(), self.height()), chrome, (self.view.width, self.view.height))
        room = max(1, (self.width() + GAP) // (self._panes["image"].minimumWidth() + GAP))
        return cells if cells.columns <= room else Cells(-(-count // room), room)

    def _refit(self) -> None:
        if self.view.is_fitted and self.view.width:
            self.fit()
        elif self.view.looked_at is not None:
            self.look_at(self.view.looked_at)

    def _tell_zoom(self) -> None:
        self._show_marks()
        self.zoomed.emit(self.view.zoom)

    # --- tools

    def set_tool(self, name: str) -> None:
        """Take a tool in hand."""
        tool: Tool[Any] = TOOLS[name]()
        self._options.setdefault(name, tool.Options())
        self.pointer.take(tool, self._options[name])
        self._show_marks()
        self.tool_changed.emit()
        if self.radius is not None:
            self.radius_changed.emit(self.radius)

    def set_tool_options(self, name: str, options: Options) -> None:
        """Change how a tool works, in hand or not."""
        self._options[name] = options
        tool = self.pointer.tool
        if tool is not None and tool.name == name:
            self.pointer.take(tool, options)
            self._show_marks()
            if self.radius is not None:
                self.radius_changed.emit(self.radius)
        self.options_changed.emit()

    def tool_options(self, name: str) -> Options:
        """How a tool works now."""
        return self._options.setdefault(name, TOOLS[name].Options())

    @property
    def radius(self) -> float | None:
        """The radius of the brush in hand, in image pixels; None for a tool without one."""
        value = getattr(self.pointer.options, "radius", None)
        return None if value is None or self.pointer.tool is None else float(value)

    def set_radius(self, radius: float) -> None:
        """Give the brush in hand another radius, in steps of half a pixel and within its limits."""
        tool = self.pointer.tool
        if tool is None or self.radius is None:
            return
        least, most = _limits(tool.Options, "radius")
        radius = min(max(round(radius * 2) / 2, least), most)
        self.set_tool_options(tool.name, self.pointer.options.replaced(radius=radius))

    def change_radius(self, factor: float) -> None:
        """Make the brush in hand larger or smaller, by half a pixel at least."""
        radius = self.radius
        if radius is not None:
            wanted = radius * factor
            self.set_radius(max(wanted, radius + 0.5) if factor > 1 else min(wanted, radius - 0.5))

    def next_mode(self) -> None:
        """Let the tool in hand add, subtract or intersect: the next of these."""
        tool, mode = self.pointer.tool, getattr(self.pointer.options, "mode", None)
        if tool is not None and isinstance(mode, Mode):
            modes = list(Mode)
            wanted = modes[(modes.index(mode) + 1) % len(modes)]
            self.set_tool_options(tool.name, self.pointer.options.replaced(mode=wanted))

    def set_read_only(self, is_read_only: bool, reason: str = "This project is open for reading only.") -> None:
        """Forbid painting, and say why to whoever tries."""
        self._read_only = reason if is_read_only else ""
        self._allow()

    def finish_stroke(self) -> bool:
        """End the drag under way and keep it: before saving or switching. What is only shown is given up.

        Returns:
            False when something was decided, took too long to compute and was not made; the person has been told.
        """
        is_made = self.operating.finish()
        return self.pointer.finish() and is_made

    @property
    def is_undecided(self) -> bool:
        """Whether something is shown, clicked or computed that is no step of history yet."""
        return self.operating.is_active or self.pointer.is_undecided

    def step_back(self) -> bool:
        """Take back the last click of what is not made yet, or give it up; False when there is nothing like that."""
        if self.operating.is_active:
            self.operating.cancel()
        elif self.pointer.is_undecided:
            self.pointer.step_back()
        else:
            return False
        return True

    def _tell_undecided(self) -> None:
        if self.is_undecided != self._was_undecided:
            self._was_undecided = self.is_undecided
            self.undecided_changed.emit()

    def operate(self, name: str, previous: Callable[[], Mask] | None = None) -> None:
        """Begin an operation on the whole mask.

        Args:
            name: Of the operation.
            previous: Reads the mask of the sample before this one; None when there is none.
        """
        if not self.finish_stroke():
            return
        document = self._in_hand
        if self.pointer.refusal or document is None:
            self.tool_refused.emit(self.pointer.refusal or "There is no mask to change.")
            return
        self.operating.begin(OPERATIONS[name](), document, self._predicted, previous)

    def _allow(self) -> None:
        self.pointer.refusal = self._read_only or self._problem
        if self._is_ignoring and self._ignored is None and self._document is not None:
            self.pointer.refusal = self.pointer.refusal or "What is ignored on this sample cannot be painted yet."
        self.pointer.scene = None
        document = self._in_hand
        if document is not None and self._image is not None:
            self.pointer.scene = Scene(document, self._image, self._probability, self._memory, self.selection)
        self.pointer.take(self.pointer.tool, self.pointer.options)

    # --- what happens

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.DevicePixelRatioChange):
            self._refit()
        return False

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
        self._refit()

    def _leave_sample(self) -> None:
        self.finish_stroke()
        self.selection.clear()
        self._disconnect()
        self._disconnect = lambda: None
        self._truth = self._document = None
        self.set_ignored(None)

    def _mask_changed(self, rect: Rect) -> None:
        assert self._truth is not None
        self._truth.change(rect)
        self._panes["truth"].canvas.show_change(rect)
        if self._agreement is not None:
            self._agreement.change(rect)
        if self._forgiven is not None:
            self._unforgiven.append(rect)
        if self._shows_errors:
            self._panes["errors"].canvas.show_change(rect)
        if (self._shows_errors or self._unforgiven) and not self._counting.isActive():
            self._counting.start()

    def _count(self) -> None:
        if self._agreement is not None and self._shows_errors and not self._agreement.count(COUNT_AT_ONCE):
            self._counting.start(0)  # the rest after what the person does meanwhile: all of a large mask would be felt
            return
        self._counting.setInterval(COUNT_AFTER_MS)
        self._show_captions()
        if self._unforgiven and self._document is not None and self._document.is_stroke_open:
            self._counting.start()  # a thread at work beside it would be felt in the hand
        else:
            self._forgive()

    @property
    def _shows_errors(self) -> bool:
        return self.is_error_view and self._agreement is not None

    def _show_overlays(self) -> None:
        self._draw_overlays()
        self._show_captions()

    def _draw_overlays(self) -> None:
        if self._instead is not None:
            for pane in self._panes.values():
                pane.canvas.show_overlay(self._instead)
            return
        hatch = HatchLayer(self._hatched) if self._hatched is not None and self._has_ignored else None

        def show(name: PaneName, *layers: Layer | None) -> None:
            shown = [one for one in (*layers, hatch) if one is not None]
            self._panes[name].canvas.show_overlay(Stacked(*shown) if len(shown) > 1 else next(iter(shown), None))

        show("image", *self._weight_layers())
        show("truth", None if self._truth is None else MaskLayer(self._truth, TRUTH, self._opacity))
        predicted = self._coverage
        prediction = None if predicted is None else MaskLayer(predicted, PREDICTION, self._opacity)
        heat = None if self._heat is None else HeatLayer(self._heat, max(self._opacity, 0.5) * 1.6)
        silent = None if self._left_out is None else HatchLayer(self._left_out)
        show("prediction", prediction if heat is None else heat, silent)
        errors = None
        if self._shows_errors and self._truth is not None and predicted is not None:
            errors = ErrorLayer(self._truth, predicted, self._opacity, self._forgiven, self._not_compared)
        show("errors", errors, silent)

    def _show_captions(self) -> None:
        problem = Caption(((None, self._problem),)) if self._problem else None
        self._panes["image"].canvas.show_caption(None if self._weights is None else self._weights.caption)
        ignoring = IGNORING if self._is_ignoring and self._image is not None else None
        self._panes["truth"].canvas.show_caption(problem or ignoring)
        is_missing = self._predicted is None and self._image is not None
        heat = Caption(((HEAT, self._heat_words),)) if self._heat is not None else None
        self._panes["prediction"].canvas.show_caption(NO_PREDICTION if is_missing else heat)
        agreement = self._agreement if self._shows_errors else None
        legend = None if agreement is None else _legend(agreement, self._tolerance)
        self._panes["errors"].canvas.show_caption(NO_PREDICTION if is_missing else legend)

    def _hover(self, here: Point | None) -> None:
        self._here = here
        self._show_marks()
        self.pointed.emit(None if here is None else self._pixel_at(*here))

    def _show_marks(self) -> None:
        tool = self.pointer.tool
        is_disc = tool is not None and tool.cursor == "disc" and not self.pointer.refusal
        diameter = brush_diameter(self.radius) if is_disc and self.radius is not None and self.pointer.scene else 0
        preview = self.pointer.preview
        marks = Marks(
            self._here,
            diameter,
            preview.outline,
            preview.is_open,
            preview.has_corners,
            preview.scribbles,
            self.pointer.sign,
            preview.text,
            self._target,
            self._selected,
        )
        for pane in self._panes.values():
            pane.canvas.show_marks(marks)

    def _show_selection(self) -> None:
        self._selected = outlines_of(self.selection.region)
        self._show_marks()
        self.selection_changed.emit()

    def _show_preview(self) -> None:
        """The tool wants something else drawn."""
        self._show_marks()
        preview = self.pointer.preview
        document = self._in_hand
        if preview is self._preview or document is None or self.operating.is_active:
            return
        self._preview = preview
        if preview.lines is None:
            self._lines = None
        elif self._lines is None or self._lines.pixels is not preview.lines:
            self._lines = Pyramid(preview.lines, gain=255)
        is_empty = preview.patch is None and preview.lines is None
        self._show_layer(None if is_empty else PreviewLayer(document.mask, preview.patch, self._lines))

    def _show_operation(self) -> None:
        self.pointer.pending = self.operating if self.operating.is_active else None
        self._preview = None
        self._show_layer(self.operating.layer)

    def _show_layer(self, layer: PreviewLayer | None) -> None:
        for pane in self._panes.values():
            pane.canvas.show_preview(layer)

    def _pixel_at(self, x: float, y: float) -> PixelInfo | None:
        image, column, row = self._image, int(x // 1), int(y // 1)
        if image is None or not (0 <= row < image.shape[0] and 0 <= column < image.shape[1]):
            return None
        value = image[row, column]
        return PixelInfo(
            column,
            row,
            int(value) if image.ndim == 2 else (int(value[0]), int(value[1]), int(value[2])),
            None if self._document is None else int(self._document.mask[row, column]),
            None if self._probability is None else float(self._probability[row, column]) / 255,
        )


def _grown(rect: Rect, by: int, shape: tuple[int, int]) -> Rect:
    return Rect.between(rect.x - by, rect.y - by, rect.right + by, rect.bottom + by).clip(shape)


def _legend(agreement: Agreement, tolerance: int) -> Caption:
    shares = agreement.shares
    if shares is None:
        return Caption(((None, "both empty: nothing to compare"),))
    colours = (AGREEMENT, FALSE_POSITIVE, FALSE_NEGATIVE)
    ignored: tuple[CaptionPart, ...] = ((None, f"± {tolerance} px ignored"),) if tolerance else ()
    return Caption(
        (*_with_shares(colours, ("agree", "false positive", "false negative"), shares), *ignored),
        (*_with_shares(colours, ("agree", "FP", "FN"), shares, digits=0), *((None, f"±{tolerance}") for _ in ignored)),
        LEGEND_HELP + (TOLERANCE_HELP.format(tolerance) if tolerance else ""),
    )


def _with_shares(
    colours: Iterable[Colour], words: Iterable[str], shares: Iterable[float], *, digits: int = 1
) -> Iterator[tuple[Colour, str]]:
    for colour, word, share in zip(colours, words, shares, strict=True):
        yield colour, f"{word} {share:.{digits}%}"


def _limits(model: type[Options], name: str) -> tuple[float, float]:
    """The least and greatest value that an option allows."""
    least, most = float("-inf"), float("inf")
    for rule in model.model_fields[name].metadata:
        least = max(least, getattr(rule, "ge", None) or least)
        most = min(most, getattr(rule, "le", None) or most)
    return least, most
