"""The pointer: mouse, pen, wheel and touchpad above any canvas become zoom, pan and the drags of a tool.

- left button: the tool
- right button: the tool's opposite; with Shift or Alt too, but for tools with modes: there Shift adds, Alt subtracts,
  both intersect
- Ctrl+left button: select a part of the picture to decide about, with the tool when it has modes, else by a lasso
- Shift, Alt pressed while dragging: a square or circle, about the middle; Space: the whole shape moves along
- middle button, Space+left: pan, also in the middle of a drag
- a pen: the tip is the left button, its other end the right one; while one device draws, the other's moves mean nothing
- wheel, pinch: zoom to the pointer
- Ctrl+wheel, Shift+wheel: brush radius
- Escape, Return, Backspace: cancel a drag, finish it, take its last corner back; Escape without one: select nothing
- Shift+arrow keys: pan (without Shift they go through the list of samples)
"""

from collections.abc import Callable
from concurrent.futures import Future
from functools import cache, partial
from typing import Any, Protocol

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPointingDevice,
    QSinglePointEvent,
    QTabletEvent,
    QWheelEvent,
)

from segstudio.core.edit import Mode
from segstudio.core.options import Options
from segstudio.core.raster import Point
from segstudio.tools import NOTHING, TOOLS, Drag, Pointer, Preview, Scene, Stopped, Tool, Work, has_modes
from segstudio.ui import background
from segstudio.ui.background import Background
from segstudio.ui.canvas.canvas import Canvas
from segstudio.ui.canvas.view import View

NOTCH = 120
"""What Qt counts for one notch of a wheel; fine wheels send parts of it."""
ZOOM_PER_NOTCH = 1.25
RADIUS_PER_NOTCH = 1.15

COMPRESSION = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents

NO_KEYS = Qt.KeyboardModifier.NoModifier
SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier
CONTROL = Qt.KeyboardModifier.ControlModifier

ARROWS = {
    Qt.Key.Key_Left: (1, 0),
    Qt.Key.Key_Right: (-1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
"""Where the picture moves, so that more is seen of what lies in the direction of the key."""
ARROW_STEP = 48
"""In widget pixels."""

SIGNS = {
    Mode.ADD: "+", Mode.SUBTRACT: "\N{MINUS SIGN}", Mode.INTERSECT: "\N{INTERSECTION}",
    Mode.SELECT: "\N{DOTTED SQUARE}",
}  # fmt: skip
"""What is shown at the pointer of a tool with modes."""

LEAST_PRESSURE = 0.02
"""A pen that hardly touches still paints."""

PENS = (QPointingDevice.PointerType.Pen, QPointingDevice.PointerType.Eraser)

DECISIONS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)
TOOL_BUTTONS = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)


class Pending(Protocol):
    """Something that is shown and not made yet."""

    def apply(self) -> None:
        """Enter: make it."""

    def cancel(self) -> None:
        """Escape: give it up."""


class PointerInput(QObject):
    """Watches some canvases and acts for what the pointer does there.

    It paints in whichever pane the pointer is: one corrects where one looks.

    Attributes:
        scene: What tools work on; None while there is nothing to change.
        refusal: Why painting is not allowed, or empty.
        tool: The tool in hand, or None.
        options: Its options.
        drag: The drag under way, or None.
        pending: Something that is shown and waits for Enter or Escape; nobody paints meanwhile.
    """

    hovered = Signal(object)
    """The image position under the pointer (x, y), or None when it has left all canvases."""
    outlined = Signal()
    """What is to be drawn at the pointer, or the preview, has changed."""
    computing = Signal(str)
    """A tool waits for something; with what it is, or empty when it waits no longer."""
    finished = Signal()
    """A drag is over, and it may have changed the mask."""
    refused = Signal(str)
    """Somebody wants to paint and must not; with the reason."""
    radius_wanted = Signal(float)
    """The brush shall be this many times as large."""

    def __init__(self, view: View, parent: QObject) -> None:
        super().__init__(parent)
        self.scene: Scene | None = None
        self.refusal = ""
        self.tool: Tool[Any] | None = None
        self.options: Options = Options()
        self.drag: Drag | None = None
        self._dragged: Tool[Any] | None = None
        self.pending: Pending | None = None
        self._view = view
        self._pan_from: QPointF | None = None
        self._pan_button = Qt.MouseButton.NoButton
        self._is_space_down = False
        self._is_pen = False
        self._is_eraser_near = False
        self._last_tap: tuple[int, QPointF] | None = None
        self._is_alternate = False
        self._began_alternate = False
        self._modifiers = NO_KEYS
        self._keys_of_press = NO_KEYS
        self._mode_of_press: Mode | None = None
        self._glance = NOTHING
        self._threads = _thread()
        self._work: Work | None = None
        self._preparation: Work | None = None
        self._button = Qt.MouseButton.NoButton
        self._was_compressed = True
        self._canvases: list[Canvas] = []
        kind = QEvent.Type
        self._handlers: dict[QEvent.Type, Callable[[Canvas, Any], bool]] = {
            kind.MouseButtonPress: self._press,
            kind.MouseButtonDblClick: self._press,
            kind.MouseMove: self._move,
            kind.MouseButtonRelease: self._release,
            kind.TabletPress: self._tablet,
            kind.TabletMove: self._tablet,
            kind.TabletRelease: self._tablet,
            kind.Wheel: self._wheel,
            kind.NativeGesture: self._gesture,
            kind.Leave: self._leave,
            kind.ShortcutOverride: self._claim_key,
            kind.KeyPress: self._key,
            kind.KeyRelease: self._key_up,
            kind.FocusOut: self._focus_out,
            kind.ContextMenu: lambda _canvas, _event: True,
        }

    def watch(self, canvas: Canvas) -> None:
        """Act for the pointer above this canvas too."""
        self._canvases.append(canvas)
        canvas.installEventFilter(self)
        self._show_cursor()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        handler = self._handlers.get(event.type())
        if handler is None or not isinstance(watched, Canvas) or not self._view.width:
            return False
        return handler(watched, event)

    def take(self, tool: Tool[Any] | None, options: Options) -> None:
        """Take another tool, or the same with other options; a drag of another tool is finished first."""
        if self.drag is not None and tool is not self.tool:
            self.finish()
        self.tool, self.options = tool, options
        self._show_glance(NOTHING)
        self._prepare()
        self._show_cursor()
        self.outlined.emit()

    def finish(self) -> bool:
        """End the drag under way and keep what it did; a polygon that is not closed is given up, and that is told.

        One that the person has finished, and that waits for what its tool has not found out yet, is waited for.

        Returns:
            False when that took too long and was given up; `refused` has told so.
        """
        drag = self.drag
        if drag is None:
            return True
        if drag.is_waiting:
            if self._threads.wait_until(lambda: drag.is_finished, background.PATIENCE):
                return True
            self.cancel()
            title = self.tool.title if self.tool is not None else "The change"
            self.refused.emit(f"{title} was not made: it takes too long to compute. Click again, and wait for it.")
            return False
        if self._has_many_clicks and self._dragged is not None:
            title, is_worth_words = self._dragged.title, len(drag.outline) > 2 or bool(drag.preview.scribbles)
            self.cancel()
            if is_worth_words:
                self.refused.emit(f"{title} was given up: it was not finished. Enter finishes it.")
        elif drag.work is not None:
            self.cancel()
        else:
            self._end(drag.finish)
        return True

    def cancel(self) -> None:
        """End the drag under way and leave every pixel as it was before."""
        if self.drag is not None:
            self._end(self.drag.cancel)

    @property
    def _has_many_clicks(self) -> bool:
        """Whether the drag under way, or the next one, goes on after the button came up."""
        tool = self._dragged or self.tool
        return tool is not None and tool.has_many_clicks

    @property
    def is_undecided(self) -> bool:
        """Whether a drag has something to take back that is no step of history: clicks, or what it waits for."""
        drag = self.drag
        return drag is not None and (drag.work is not None or self._has_many_clicks)

    def step_back(self) -> None:
        """Take back the last click of a tool with many; another drag is given up."""
        if self.drag is None or self.drag.is_waiting or not self._has_many_clicks:
            self.cancel()
        else:
            self._step_back(self.drag)

    def apply(self) -> None:
        """Enter: make the change that a tool with many clicks shows."""
        if self.drag is not None:
            self._end(self.drag.finish)

    @property
    def preview(self) -> Preview:
        """What the drag under way wants drawn, or what a press would do."""
        return self.drag.preview if self.drag is not None else self._glance

    @property
    def sign(self) -> str:
        """What the tool would do with the keys held now: a sign to be shown at the pointer."""
        if self.tool is None or self.refusal or self.scene is None:
            return ""
        if not has_modes(type(self.options)) and self._means_selection:
            return SIGNS[Mode.SELECT]
        if has_modes(type(self.options)):
            alternate = self._began_alternate if self.drag is not None else self._is_eraser_near
            mode = self._mode_of_press if self.drag is not None else _mode(self._modifiers)
            wanted = Pointer(0, 0, alternate, mode=mode).mode_of(getattr(self.options, "mode", Mode.ADD))
            return SIGNS[wanted]
        is_alternate = bool(self._modifiers & (SHIFT | ALT)) or self._is_eraser_near
        if self.drag is not None:
            is_alternate = self._is_alternate
        return self.tool.alternate_sign if is_alternate else ""

    @property
    def _means_selection(self) -> bool:
        """Whether the drag under way, or one with the keys held now, selects."""
        mode = self._mode_of_press if self.drag is not None else _mode(self._modifiers)
        return mode is Mode.SELECT

    def _end(self, ending: Callable[[], None]) -> None:
        drag = self.drag
        try:
            ending()
        finally:
            if drag is None or drag.is_finished:
                self._forget_drag()
            else:
                self._after_step()

    def _forget_drag(self) -> None:
        self.drag = self._dragged = None
        self._work = None
        self._is_alternate = False
        self._show_glance(NOTHING)
        _compress_moves(self._was_compressed)
        self.outlined.emit()
        self.computing.emit("")
        self.finished.emit()

    # --- what tools find out in another thread

    def _prepare(self) -> None:
        """Compute what the tool in hand will want to know of this image."""
        if self._preparation is not None:
            self._preparation.stop()
            self.computing.emit("")
        self._preparation = None
        if self.tool is not None and self.scene is not None and not self.refusal:
            self._preparation = self.tool.preparation(self.scene, self.options)
        if self._preparation is not None:
            self.computing.emit(self._preparation.text)
            self._threads.submit(self._preparation.run, partial(self._take_preparation, self._preparation))

    def _take_preparation(self, work: Work, future: "Future[Any]") -> None:
        if work is self._preparation:
            self._preparation = None
            if self.drag is None:
                self.computing.emit("")
            _value(future)

    def _start_work(self) -> None:
        """Begin what the drag asks for, if that is not under way already."""
        drag = self.drag
        if drag is None or drag.work is self._work:
            return
        work = self._work = drag.work
        self.computing.emit("" if work is None else work.text)
        if work is not None:
            self._threads.submit(work.run, partial(self._take_result, drag, work))

    def _take_result(self, drag: Drag, work: Work, future: "Future[Any]") -> None:
        if drag is not self.drag or work is not drag.work:
            return  # nobody waits for it any more
        try:
            value = future.result()
            drag.deliver(work, value)
        except BaseException:
            self.cancel()
            raise
        self._after_step()

    def _press(self, canvas: Canvas, event: QMouseEvent) -> bool:
        button = event.button()
        if self._is_of_other_device(event):
            if event.pointerType() is QPointingDevice.PointerType.Finger:
                return True  # the hand that holds the pen rests on the screen
            self.finish()
        is_pan = button == Qt.MouseButton.MiddleButton or (button == Qt.MouseButton.LeftButton and self._is_space_down)
        if is_pan and self._pan_from is None:
            # A button of its own: the one that draws may come up while the picture is held, or go on drawing after it.
            self._pan_from, self._pan_button = event.globalPosition(), button
            self._show_cursor()
        elif button in TOOL_BUTTONS and self._pan_from is None:
            clicks = 2 if event.type() == QEvent.Type.MouseButtonDblClick else 1
            is_opposite = button == Qt.MouseButton.RightButton
            self._tool_press(canvas, event, button, clicks, is_opposite=is_opposite)
        return True

    def _is_of_other_device(self, event: QSinglePointEvent) -> bool:
        """Whether a pen holds the drag under way and this comes from a mouse, or the other way round."""
        is_held = self.drag is not None and self._button != Qt.MouseButton.NoButton
        return is_held and (event.pointerType() in PENS) != self._is_pen

    def _tool_press(
        self, canvas: Canvas, event: QSinglePointEvent, button: Qt.MouseButton, clicks: int, *, is_opposite: bool
    ) -> None:
        canvas.setFocus(Qt.FocusReason.MouseFocusReason)
        x, y = _position(canvas, event)
        keys = event.modifiers() & (SHIFT | ALT | CONTROL)
        is_selecting = bool(keys & CONTROL) and self.drag is None
        is_alternate = is_opposite
        if not has_modes(type(self.options)) and not is_selecting:
            is_alternate |= bool(keys & (SHIFT | ALT))
        if self.drag is not None:
            # One button at a time: a second one during a stroke means nothing, a further click of a polygon does.
            if self._has_many_clicks:
                self._button, self._is_alternate = button, is_alternate
                self._is_pen = event.pointerType() in PENS
                self._advance(self._pointer(canvas, event, clicks=clicks))
            return
        if self.refusal or self.scene is None:
            self.refused.emit(self.refusal or "There is no mask to paint on.")
            return
        if self.pending is not None:
            self.refused.emit("Something is shown that is not made yet: Enter applies it, Escape gives it up.")
            return
        if self.tool is None:
            return
        tool, options = self.tool, self.options
        if is_selecting and not has_modes(type(options)):
            tool, options = TOOLS["lasso"](), TOOLS["lasso"].Options()
        if refusal := tool.refusal(self.scene, options):
            self.refused.emit(refusal)
            return
        self._button, self._is_alternate = button, is_alternate
        self._began_alternate = is_alternate
        self._is_pen = event.pointerType() in PENS
        self._modifiers = self._keys_of_press = keys
        self._mode_of_press = _mode(keys)
        # Qt and the X server drop moves that nobody has read yet; a fast curve would become a few straight lines.
        self._was_compressed = QCoreApplication.testAttribute(COMPRESSION)
        _compress_moves(False)
        self.hovered.emit((x, y))
        self._dragged = tool
        self.drag = Drag(tool, self.scene, options, self._pointer(canvas, event, clicks=1))
        self._after_step()

    def _pointer(self, canvas: Canvas, event: QSinglePointEvent, *, clicks: int = 0, is_down: bool = True) -> Pointer:
        """What a tool gets to know of an event."""
        x, y = _position(canvas, event)
        # A key that was down at the press has said what it has to say; it must be pressed again to mean a form.
        self._keys_of_press &= event.modifiers()
        keys = event.modifiers() & ~self._keys_of_press
        return Pointer(
            x,
            y,
            self._is_alternate,
            clicks,
            is_down=is_down,
            mode=self._mode_of_press if clicks else None,
            is_regular=bool(keys & SHIFT),
            is_centred=bool(keys & ALT),
            is_carried=self._is_space_down and is_down,
            pressure=max(event.pressure(), LEAST_PRESSURE) if isinstance(event, QTabletEvent) else 1.0,
            zoom=_zoom(canvas),
        )

    def _move(self, canvas: Canvas, event: QMouseEvent) -> bool:
        if self._is_of_other_device(event):
            return True  # a mouse that is pushed aside while a pen draws
        if self._pan_from is not None:
            now = event.globalPosition()
            ratio = canvas.devicePixelRatioF()
            moved, self._pan_from = (now - self._pan_from) * ratio, now
            self._view.pan(moved.x(), moved.y())
            self.hovered.emit(_position(canvas, event))
            return True
        self._to(canvas, event)
        return True

    def _to(self, canvas: Canvas, event: QSinglePointEvent) -> None:
        self._note_keys(event.modifiers())
        self._is_eraser_near = event.pointerType() is QPointingDevice.PointerType.Eraser
        if self.drag is not None:
            self._advance(self._pointer(canvas, event, is_down=self._button != Qt.MouseButton.NoButton))
        elif self.tool is not None and self.scene is not None and not self.refusal:
            hovering = Pointer(*_position(canvas, event), mode=_mode(event.modifiers()), zoom=_zoom(canvas))
            self._show_glance(self.tool.glance(self.scene, self.options, hovering))
        self.hovered.emit(_position(canvas, event))

    def _show_glance(self, preview: Preview) -> None:
        if preview is not self._glance:
            self._glance = preview
            self.outlined.emit()

    def _note_keys(self, modifiers: Qt.KeyboardModifier) -> None:
        keys = modifiers & (SHIFT | ALT | CONTROL)
        if keys != self._modifiers:
            self._modifiers = keys
            self.outlined.emit()

    def _release(self, canvas: Canvas, event: QMouseEvent) -> bool:
        if self._pan_from is not None and event.button() == self._pan_button:
            self._pan_from = None
        elif event.button() == self._button and not self._is_of_other_device(event):
            self._button = Qt.MouseButton.NoButton
            if self.drag is not None and self.tool is not None:
                self._lift(canvas, event)
        else:
            return True
        self._show_cursor()
        if not canvas.rect().contains(event.position().toPoint()):
            self.hovered.emit(None)
        return True

    def _lift(self, canvas: Canvas, event: QSinglePointEvent) -> None:
        """The button came up during a drag."""
        assert self.drag is not None
        if self._has_many_clicks:
            self._advance(self._pointer(canvas, event, is_down=False))
        else:
            self._end(self.drag.finish)

    def _tablet(self, canvas: Canvas, event: QTabletEvent) -> bool:
        # A pen's events come at its full rate and with fractions of a pixel; the mouse events that Qt would make of
        # them do not. Only what is not the tool's is left to those.
        is_tip = event.button() == Qt.MouseButton.LeftButton
        is_foreign = self._is_of_other_device(event)
        if event.type() == QEvent.Type.TabletPress and is_tip and not self._is_space_down:
            if is_foreign:
                self.finish()
            is_opposite = event.pointerType() == QPointingDevice.PointerType.Eraser
            self._tool_press(canvas, event, Qt.MouseButton.LeftButton, self._taps(event), is_opposite=is_opposite)
        elif event.type() != QEvent.Type.TabletPress and is_foreign:
            pass
        elif event.type() == QEvent.Type.TabletMove and self.drag is not None and self._pan_from is None:
            self._to(canvas, event)
        elif event.type() == QEvent.Type.TabletRelease and is_tip and self.drag is not None:
            self._button = Qt.MouseButton.NoButton
            self._lift(canvas, event)
        else:
            event.ignore()
            return False
        event.accept()
        return True

    def _taps(self, event: QTabletEvent) -> int:
        """2 when the tip comes down twice in one place, as two clicks of a mouse; Qt does not tell it of a pen."""
        hints, before = QGuiApplication.styleHints(), self._last_tap
        now, here = event.timestamp(), event.globalPosition()
        is_second = (
            before is not None
            and now - before[0] <= hints.mouseDoubleClickInterval()
            and (here - before[1]).manhattanLength() <= hints.touchDoubleTapDistance()
        )
        self._last_tap = None if is_second else (now, here)
        return 2 if is_second else 1

    def _advance(self, pointer: Pointer) -> None:
        assert self.drag is not None
        before = self.drag.preview
        self.drag.move(pointer)
        self._after_step(is_shown=self.drag.preview is not before)

    def _after_step(self, *, is_shown: bool = True) -> None:
        if self.drag is None:
            return
        if self.drag.is_finished:
            self._forget_drag()
            return
        self._start_work()
        if is_shown:
            self.outlined.emit()

    def _wheel(self, canvas: Canvas, event: QWheelEvent) -> bool:
        # Alt turns a wheel sideways on some systems, Shift on others.
        turned = event.angleDelta().y() or event.angleDelta().x()
        wants_radius = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        if turned and wants_radius:
            self.radius_wanted.emit(RADIUS_PER_NOTCH ** (turned / NOTCH))
        elif turned:
            self._view.zoom_at(ZOOM_PER_NOTCH ** (turned / NOTCH), *_position(canvas, event))
            self.hovered.emit(_position(canvas, event))
        return True

    def _gesture(self, canvas: Canvas, event: QNativeGestureEvent) -> bool:
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        self._view.zoom_at(max(0.1, 1 + event.value()), *_position(canvas, event))
        return True

    def _leave(self, canvas: Canvas, event: QEvent) -> bool:
        if self.drag is None or self._has_many_clicks:
            self._show_glance(NOTHING)
            self.hovered.emit(None)
        return False

    def _claim_key(self, canvas: Canvas, event: QKeyEvent) -> bool:
        """While a drag is under way its keys mean the drag, whatever actions the window has for them."""
        is_ours = event.key() == Qt.Key.Key_Space or (self.drag is not None and event.key() in self._drag_keys())
        is_ours |= self.pending is not None and event.key() in DECISIONS
        if is_ours:
            event.accept()
        return is_ours

    def _drag_keys(self) -> dict[int, Callable[[Drag], None]]:
        return {
            Qt.Key.Key_Escape: lambda drag: self._end(drag.cancel),
            Qt.Key.Key_Return: lambda drag: self._end(drag.finish),
            Qt.Key.Key_Enter: lambda drag: self._end(drag.finish),
            Qt.Key.Key_Backspace: self._step_back,
        }

    def _step_back(self, drag: Drag) -> None:
        if self._has_many_clicks:
            drag.step_back()
            self._after_step()

    def _key(self, canvas: Canvas, event: QKeyEvent) -> bool:
        self._note_modifier(event, is_down=True)
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._is_space_down = True
                self._show_cursor()
            return True
        if self.pending is not None and event.key() in DECISIONS:
            self.pending.cancel() if event.key() == Qt.Key.Key_Escape else self.pending.apply()
            return True
        if self.drag is not None and (act := self._drag_keys().get(event.key())) is not None:
            act(self.drag)
            return True
        if event.key() == Qt.Key.Key_Escape and self.scene is not None and not self.scene.selection.is_empty:
            self.scene.selection.clear()
            return True
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        arrow = ARROWS.get(Qt.Key(event.key())) if is_shifted else None
        if arrow is not None:
            step = ARROW_STEP * canvas.devicePixelRatioF()
            self._view.pan(arrow[0] * step, arrow[1] * step)
        return arrow is not None

    def _note_modifier(self, event: QKeyEvent, *, is_down: bool) -> None:
        """Shift and Alt change what is shown at the pointer at once."""
        held = {Qt.Key.Key_Shift: SHIFT, Qt.Key.Key_Alt: ALT, Qt.Key.Key_Control: CONTROL}
        changed = held.get(Qt.Key(event.key()), NO_KEYS)
        self._note_keys(self._modifiers | changed if is_down else self._modifiers & ~changed)

    def _key_up(self, canvas: Canvas, event: QKeyEvent) -> bool:
        self._note_modifier(event, is_down=False)
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._is_space_down = False
            self._show_cursor()
        return False

    def _focus_out(self, canvas: Canvas, event: QEvent) -> bool:
        """The release of button or key may never arrive: keep the stroke as it is, and stop panning."""
        self._is_space_down = False
        self._pan_from = None
        self._note_keys(NO_KEYS)
        is_waiting = self.drag is not None and self.drag.is_waiting
        if self.tool is not None and not self._has_many_clicks and not is_waiting:
            self.finish()
        self._show_cursor()
        return False

    def _show_cursor(self) -> None:
        if self._pan_from is not None:
            cursor = Qt.CursorShape.ClosedHandCursor
        elif self._is_space_down and self._button == Qt.MouseButton.NoButton:
            cursor = Qt.CursorShape.OpenHandCursor
        elif self.scene is None and not self._view.width:
            cursor = Qt.CursorShape.ArrowCursor
        elif self.refusal or self.scene is None or self.tool is None:
            cursor = Qt.CursorShape.CrossCursor
        else:
            cursor = Qt.CursorShape.BlankCursor  # ring and crosshair show the place better
        for canvas in self._canvases:
            canvas.setCursor(cursor)


def _position(canvas: Canvas, event: QSinglePointEvent) -> Point:
    """Where the event happened, in image pixels."""
    point = event.position()
    return canvas.frame.to_image(point.x(), point.y())


def _zoom(canvas: Canvas) -> float:
    """Pixels of the screen per image pixel, as large as hands know them: not those of a display that has more."""
    frame = canvas.frame
    return frame.zoom / frame.ratio


@cache
def _thread() -> Background:
    """One for the whole process: what it computes cannot always be interrupted, and may outlive the window."""
    return Background("tool")


def _mode(keys: Qt.KeyboardModifier) -> Mode | None:
    """What keys mean to a tool with modes, as in Photoshop and Krita; Ctrl selects."""
    if keys & CONTROL:
        return Mode.SELECT
    held = keys & (SHIFT | ALT)
    return {SHIFT: Mode.ADD, ALT: Mode.SUBTRACT, SHIFT | ALT: Mode.INTERSECT}.get(held)


def _value(future: "Future[Any]") -> Any:
    """The result; None when the work was given up."""
    try:
        return future.result()
    except Stopped:
        return None


def _compress_moves(is_wanted: bool) -> None:
    QCoreApplication.setAttribute(COMPRESSION, is_wanted)
