"""Panes: image, true mask, prediction and their errors, with one zoom, one crosshair and one tool in hand."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from segstudio.core.document import Document
from segstudio.core.mask import NOWHERE, Mask, Rect
from segstudio.core.options import Options
from segstudio.core.raster import Point, Region
from segstudio.core.selection import Selection
from segstudio.operations import OPERATIONS
from segstudio.tools import Memory, Scene
from segstudio.ui.canvas.brightness import FULL_WINDOW, Brightness
from segstudio.ui.canvas.canvas import Canvas
from segstudio.ui.canvas.comparison import Comparison
from segstudio.ui.canvas.layers import TRUTH, Colour
from segstudio.ui.canvas.marking import Marking
from segstudio.ui.canvas.operating import Operating
from segstudio.ui.canvas.overlays import Overlays
from segstudio.ui.canvas.pane import TITLES, Pane, PaneName
from segstudio.ui.canvas.pane_grid import PaneGrid
from segstudio.ui.canvas.pixel_info import PixelInfo, pixel_info
from segstudio.ui.canvas.pointer import PointerInput
from segstudio.ui.canvas.sampling import Pyramid
from segstudio.ui.canvas.shown_ignored import ShownIgnored
from segstudio.ui.canvas.shown_prediction import FOREGROUND, ShownPrediction
from segstudio.ui.canvas.shown_weights import ShownWeights
from segstudio.ui.canvas.tool_in_hand import ToolInHand
from segstudio.ui.canvas.view import View


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
        self._document: Document | None = None
        self._read_only = ""
        self._problem = ""
        self._memory = Memory()
        self.selection = Selection()
        self._was_undecided = False
        self._is_ignoring = False
        self._disconnect: Callable[[], None] = lambda: None
        self._panes = {name: self._make_pane(name, title) for name, title in TITLES.items()}
        self._panes["errors"].hide()
        self._grid = PaneGrid(self._panes, self.view, self)
        self._grid.arrange()
        self.setAccessibleName("Image, true mask, prediction and errors")
        self.setFocusProxy(self._panes["truth"].canvas)
        self._brightness = Brightness()
        self._prediction = ShownPrediction()
        self._ignored = ShownIgnored(self._ignored_changed)
        self._comparison = Comparison(lambda: self.is_error_view, self)
        self._overlays = Overlays(self._panes, self._prediction, self._ignored, self._comparison)
        self._hand = ToolInHand(self.pointer, self)
        self._marking = Marking(self._panes, self.pointer, self._hand, self.operating)
        self._connect()
        self.clear()

    def _make_pane(self, name: PaneName, title: str) -> Pane:
        pane = Pane(title, self.view, self)
        pane.canvas.setObjectName(f"canvas-{name}")
        pane.canvas.installEventFilter(self)
        self.pointer.watch(pane.canvas)
        return pane

    def _connect(self) -> None:
        pointer, operating, hand = self.pointer, self.operating, self._hand
        self._comparison.counted.connect(self._show_captions)
        self._comparison.ring_changed.connect(self._show_ring)
        self.view.changed.connect(self._tell_zoom)
        pointer.hovered.connect(self._hover)
        pointer.outlined.connect(self._show_preview)
        for signal in (operating.begun, operating.changed, operating.ended):
            signal.connect(self._show_operation)
        for signal in (operating.begun, operating.ended, pointer.outlined, pointer.computing, pointer.finished):
            signal.connect(self._tell_undecided)
        pointer.finished.connect(self.stroke_finished)
        self.selection.changed.connect(self._show_selection)
        pointer.refused.connect(self.tool_refused)
        pointer.radius_wanted.connect(self.change_radius)
        hand.taken.connect(self._show_marks)
        hand.tool_changed.connect(self.tool_changed)
        hand.radius_changed.connect(self.radius_changed)
        hand.options_changed.connect(self.options_changed)

    def sizeHint(self) -> QSize:
        return QSize(960, 480)

    def minimumSizeHint(self) -> QSize:
        return self._grid.least_room

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
        self._brightness.show(image)
        self._memory = Memory()
        if document is not None:
            self._overlays.truth = Pyramid(document.mask, gain=255)
            self._disconnect = document.changed.connect(self._mask_changed)
        self._apply_window()
        self.view.show(width, height)
        self._grid.arrange()
        self.fit()
        for pane in self._panes.values():
            pane.canvas.show_picture(self._brightness.picture)
        self.set_probability(probability, level, left_out)
        self._hover(self._marking.here)

    def clear(self, text: str = "") -> None:
        """Show no sample, but perhaps a few words."""
        self._leave_sample()
        self._image = None
        self._brightness.show(None)
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
        self._prediction.show(probability, level, left_out)
        self._allow()
        self._compare()

    @property
    def level(self) -> int:
        """The least probability byte that is shown as foreground."""
        return self._prediction.level

    def set_level(self, level: int) -> None:
        """Show the prediction at another threshold: cheap enough to follow a hand that drags a slider.

        What is shown and not made yet, which may be made of the prediction, is given up.
        """
        if level == self._prediction.level:
            return
        if self._prediction.probability is None:
            self._prediction.set_level(level)
            return
        self.finish_stroke()
        self._prediction.set_level(level)
        self._compare(counts_at_once=False)

    def set_ignored(self, document: Document | None) -> None:
        """Show where the sample is ignored, and let tools paint it while `set_ignoring` says so; nowhere when None."""
        if self._is_ignoring:
            self.finish_stroke()
        had_ignored = self._ignored.has_any
        self._ignored.show(document)
        if self._is_ignoring:
            self._allow()  # else what a tool prepares for this image would begin anew
        if had_ignored or self._ignored.has_any:  # what is ignored counts in no legend
            self._compare()

    def set_weights(self, weights: ShownWeights | None) -> None:
        """Show over the image what its pixels count in a training, or no longer."""
        if weights is not self._overlays.weights:
            self._overlays.weights = weights
            self._show_overlays()

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
        return self._ignored.document if self._is_ignoring else self._document

    def _ignored_changed(self, rect: Rect) -> None:
        if self._ignored.take(rect):
            self._compare()
            return
        for pane in self._panes.values():
            pane.canvas.show_change(rect)
        self._comparison.change_ignored(rect)

    def set_overlay_opacity(self, opacity: float) -> None:
        """How solid masks are, from 0 to 1."""
        self._overlays.opacity = min(max(opacity, 0.0), 1.0)
        self._show_overlays()

    def set_tolerance(self, tolerance: int) -> None:
        """Forgive errors that lie no farther than so many pixels from the true boundary."""
        if tolerance != self._comparison.tolerance:
            self._comparison.tolerance = tolerance
            self._compare()

    def _compare(self, *, counts_at_once: bool = True) -> None:
        self._comparison.begin(self._document, self._prediction.mask, self._overlays.not_compared)
        if counts_at_once:
            self._show_overlays()
            self._comparison.forgive()
        else:
            self._overlays.draw()
            self._comparison.count_soon()

    def _show_ring(self, rect: Rect) -> None:
        if self._comparison.is_shown:
            self._panes["errors"].canvas.show_change(rect)
            self._show_captions()

    @property
    def is_forgiving(self) -> bool:
        """Whether the ring of tolerance is being found."""
        return self._comparison.is_busy

    def close_threads(self) -> None:
        """End the thread that finds the ring of tolerance."""
        self._comparison.close_threads()

    def say_whose(self, reader: str = "", *, is_hidden: bool = False) -> None:
        """Say in the legends what the prediction is.

        Args:
            reader: Who has drawn what stands in its place; empty for a network.
            is_hidden: Whether nobody may know yet how right it is, see `project.looks`.
        """
        overlays = self._overlays
        if (overlays.reader, overlays.is_hidden) != (reader, is_hidden):
            overlays.reader, overlays.is_hidden = reader, is_hidden
            self._show_captions()

    @property
    def settled(self) -> Mask | None:
        """Where errors are shown faintly because somebody has decided about them: as it was given to `show_settled`."""
        return None if self._overlays.settled is None else self._overlays.settled.pixels

    def show_settled(self, mask: Mask | None) -> None:
        """Show errors faintly where somebody has decided that the mask is right: uint8 (H, W) of 0 and 1, or None."""
        settled = mask if mask is self.settled or (mask is not None and mask.any()) else None
        if settled is not self.settled:
            self._overlays.settled = None if settled is None else Pyramid(settled, gain=255)
            self._overlays.draw()

    def set_error_view(self, is_on: bool) -> None:
        """Show a pane of where mask and prediction differ, beside the others."""
        self.set_pane_visible("errors", is_on)

    @property
    def is_error_view(self) -> bool:
        """Whether the errors have their pane."""
        return not self._panes["errors"].isHidden()

    def set_pane_visible(self, name: PaneName, is_visible: bool) -> None:
        """Show or hide a pane; the last one stays."""
        others = [pane for pane in self._grid.shown if pane is not self._panes[name]]
        if not is_visible and not others:
            return
        if self._panes[name].isHidden() == is_visible:
            self._panes[name].setVisible(is_visible)
            self._grid.arrange()
            self._show_overlays()
            self._refit()

    def set_spare(self, widget: QWidget) -> None:
        """Show this where the last row has a cell left over."""
        self._grid.set_spare(widget)

    def set_detail(self, name: PaneName, text: str) -> None:
        """Write something on the right of a pane's header, such as "revision 3" or "run 0007"."""
        self._panes[name].header.show_detail(text)

    def blink(self, is_hidden: bool) -> None:
        """Hide mask and prediction for a moment."""
        for pane in self._panes.values():
            pane.canvas.set_overlay_shown(not is_hidden)

    def show_instead(self, mask: Mask | None, name: str = "", colour: Colour = TRUTH) -> None:
        """Show one mask in every pane in place of what they show, with its name written large; None ends it."""
        self._overlays.show_instead(mask, colour)
        for pane in self._panes.values():
            pane.canvas.show_name(name if mask is not None else "", colour)

    def show_heat(self, values: NDArray[np.uint8] | None, words: str = "") -> None:
        """Show in the pane of the prediction where several runs disagree, or the prediction again.

        Args:
            values: uint8 (H, W), 0 where they agree, 255 where half of them contradict the others.
            words: What is written below it.
        """
        is_other = values is not None or self.is_heat_shown
        self._overlays.heat = None if values is None else Pyramid(values)
        self._overlays.heat_words = words
        if is_other:
            self._panes["prediction"].header.show_title("Disagreement" if values is not None else TITLES["prediction"])
            self._show_overlays()

    @property
    def is_heat_shown(self) -> bool:
        """Whether the pane of the prediction shows where runs disagree."""
        return self._overlays.heat is not None

    # --- brightness of grey images

    @property
    def window_level(self) -> tuple[float, float]:
        """Window and level in use."""
        return self._brightness.window_level

    def set_window_level(self, window: float, level: float) -> None:
        """Show grey values level - window/2 .. level + window/2 as black .. white; the mask does not care."""
        self._brightness.choose((window, level))
        self._apply_window()

    def set_auto_window_level(self) -> None:
        """Choose window and level by the grey values of each image."""
        self._brightness.choose(None)
        self._apply_window()

    def reset_window_level(self) -> None:
        """Show every grey value as itself."""
        self.set_window_level(*FULL_WINDOW)

    def _apply_window(self) -> None:
        window, level = self.window_level
        self.set_detail("image", self._brightness.words(window, level))
        if self._brightness.apply(window, level):
            for pane in self._panes.values():
                pane.canvas.show_picture(self._brightness.picture)
        self.window_level_changed.emit(window, level)

    # --- zoom

    def fit(self) -> None:
        """Show the whole image in every pane."""
        self.view.fit(*self._grid.least_size)
        self._tell_zoom()

    def look_at(self, rect: Rect) -> None:
        """Show a part of the image in the middle of every pane, with what is around it."""
        self.view.look_at(rect, *self._grid.least_size, self.devicePixelRatioF())

    @property
    def whole(self) -> Rect:
        """All of the image; NOWHERE without one."""
        return Rect(0, 0, self.view.width, self.view.height)

    @property
    def seen(self) -> Rect:
        """The part of the image that can be seen, in one of the panes at least."""
        result = NOWHERE
        for pane in self._grid.shown:
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
        self._marking.show_target(rect)

    def one_to_one(self) -> None:
        """Show every image pixel as one pixel of the screen."""
        self.view.one_to_one()

    def zoom_in(self) -> None:
        """Closer, by one step."""
        self.view.step(1)

    def zoom_out(self) -> None:
        """Further away, by one step."""
        self.view.step(-1)

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
        self._hand.take(name)

    def set_tool_options(self, name: str, options: Options) -> None:
        """Change how a tool works, in hand or not."""
        self._hand.set_options(name, options)

    def tool_options(self, name: str) -> Options:
        """How a tool works now."""
        return self._hand.options(name)

    @property
    def radius(self) -> float | None:
        """The radius of the brush in hand, in image pixels; None for a tool without one."""
        return self._hand.radius

    def set_radius(self, radius: float) -> None:
        """Give the brush in hand another radius, in steps of half a pixel and within its limits."""
        self._hand.set_radius(radius)

    def change_radius(self, factor: float) -> None:
        """Make the brush in hand larger or smaller, by half a pixel at least."""
        self._hand.change_radius(factor)

    def next_mode(self) -> None:
        """Let the tool in hand add, subtract or intersect: the next of these."""
        self._hand.next_mode()

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

    @property
    def is_drawing(self) -> bool:
        """Whether something is drawn or shown that is made of the mask as it is."""
        return self.operating.is_active or self.pointer.drag is not None

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
        self.operating.begin(OPERATIONS[name](), document, self._prediction.mask, previous)

    def _allow(self) -> None:
        self.pointer.refusal = self._read_only or self._problem
        if self._is_ignoring and self._ignored.document is None and self._document is not None:
            self.pointer.refusal = self.pointer.refusal or "What is ignored on this sample cannot be painted yet."
        self.pointer.scene = None
        document = self._in_hand
        if document is not None and self._image is not None:
            probability = self._prediction.probability
            self.pointer.scene = Scene(document, self._image, probability, self._memory, self.selection)
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
        self._grid.arrange()
        self._refit()

    def _leave_sample(self) -> None:
        self.finish_stroke()
        self.selection.clear()
        self._disconnect()
        self._disconnect = lambda: None
        self._overlays.truth = self._overlays.settled = self._document = None
        self.set_ignored(None)

    def _mask_changed(self, rect: Rect) -> None:
        assert self._overlays.truth is not None
        self._overlays.truth.change(rect)
        self._panes["truth"].canvas.show_change(rect)
        self._comparison.change_mask(rect)
        if self._comparison.is_shown:
            self._panes["errors"].canvas.show_change(rect)

    def _show_overlays(self) -> None:
        self._overlays.draw()
        self._show_captions()

    def _show_captions(self) -> None:
        self._overlays.caption(self._problem, has_image=self._image is not None, is_ignoring=self._is_ignoring)

    def _hover(self, here: Point | None) -> None:
        self._marking.move(here)
        self.pointed.emit(None if here is None else self._pixel_at(*here))

    def _pixel_at(self, x: float, y: float) -> PixelInfo | None:
        truth = None if self._document is None else self._document.mask
        return None if self._image is None else pixel_info(x, y, self._image, truth, self._prediction.probability)

    def _show_marks(self) -> None:
        self._marking.show()

    def _show_selection(self) -> None:
        self._marking.show_selected(self.selection.region)
        self.selection_changed.emit()

    def _show_preview(self) -> None:
        """The tool wants something else drawn."""
        self._marking.show_preview(self._in_hand)

    def _show_operation(self) -> None:
        self.pointer.pending = self.operating if self.operating.is_active else None
        self._marking.show_operation()
