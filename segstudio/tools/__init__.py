"""Mask tools: one file, one tool. A tool turns pointer positions, in image pixels, into strokes; it knows no Qt.

A tool's `steps` is a generator, so that the state of a drag is local variables:

    def steps(self, scene, options, press):        # up to the first yield: the button went down
        with scene.document.stroke("Brush") as stroke:
            ...
            while (event := (yield NOTHING)) is not None:   # each resume: the pointer moved
                ...
            ...                                          # after the loop: the button came up (None was sent)

What it yields is a `Preview`: what to draw over the picture, which never changes the mask, and perhaps `Work`:
something slow that the tool needs. The work is done in another thread while the drag goes on; its result comes as a
`Computed` in place of a pointer. To ask for other work is to give up the first.

Whoever owns the pointer (the canvas, a test) drives it through a `Drag`:

    drag = Drag(tool, Scene(document, image), options, Pointer(x, y, is_alternate=..., clicks=1))
    drag.move(Pointer(x, y))    any number of times; `drag.preview` is what to draw on top of the picture
    drag.deliver(work, result)  when `drag.work` was done; nobody is harmed by a result that is no longer wanted
    drag.finish()               the change is made, one step of history; while there is work, as soon as it is done
    drag.cancel()               or: every pixel is as before (Escape, focus lost, sample switched)

For most tools the drag ends when the button comes up: call `finish` then. A tool with `has_many_clicks` (polygon) goes
on after that: keep calling `move`, for moves without a button too (clicks=0), for the button coming up and for each
further press (clicks=1, or 2 for the second press of a double click), until `drag.is_finished` (the tool ended it, for
example at a double click), Enter (`finish`) or Escape (`cancel`). `drag.step_back()` (Backspace) takes back its last
vertex.

Painting is seen through `document.changed`, also during a drag.
"""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from segstudio.core.document import Document
from segstudio.core.edit import Mode, Patch
from segstudio.core.mask import Mask
from segstudio.core.options import Options
from segstudio.core.raster import Point
from segstudio.core.registry import Registry
from segstudio.core.selection import Selection

Check = Callable[[], None]
"""To be called often while something slow is computed; raises Stopped when nobody waits for it any more."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer is and what it does there.

    Attributes:
        x: Column in image pixels; pixel (0, 0) covers [0, 1) x [0, 1). May lie outside the image.
        y: Row in image pixels.
        is_alternate: Whether the opposite is wanted (the right button): erase instead of paint, take away instead of
            add.
        clicks: 1 when a button went down here, 2 when it is the second press of a double click, 0 for a move.
        is_step_back: Not a position at all: take the last vertex back.
        is_down: Whether the button is down.
        mode: What the keys held at the press want of a tool that has modes; None when none is held.
        is_regular: Whether a square or circle is wanted (Shift while dragging).
        is_centred: Whether the press is the middle of the shape (Alt while dragging).
        is_carried: Whether the shape moves along as a whole (Space while dragging).
        pressure: Of a pen, above 0 up to 1; a mouse always presses with 1.
        zoom: Pixels of the screen per image pixel, for what is measured by the hand and not by the picture.
    """

    x: float
    y: float
    is_alternate: bool = False
    clicks: int = 0
    is_step_back: bool = False
    is_down: bool = True
    mode: Mode | None = None
    is_regular: bool = False
    is_centred: bool = False
    is_carried: bool = False
    pressure: float = 1.0
    zoom: float = 1.0

    @property
    def point(self) -> Point:
        """(x, y)."""
        return self.x, self.y

    def mode_of(self, option: Mode) -> Mode:
        """What a press wants, when `option` is what a press without any keys wants."""
        wanted = option if self.mode is None else self.mode
        return wanted.opposite if self.is_alternate else wanted


class Memory:
    """What was computed from one image and is worth keeping: the newest few, for tools in any thread.

    Attributes:
        MOST: How many are kept.
    """

    MOST: ClassVar[int] = 4

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any | None:
        """What is kept under a key; None when there is nothing."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Hashable, value: Any) -> None:
        """Keep something; the oldest is forgotten."""
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self.MOST:
                self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a tool works on: the open sample.

    Attributes:
        document: Its mask.
        image: Its picture, uint8 (H, W) or (H, W, 3); for tools that look at it.
        probability: What the model says, uint8 (H, W), 255 times the probability of foreground; None when it has not
            been asked.
        memory: What tools have computed from this image.
        selection: The part of it that somebody wants to decide about; tools with modes can set it.
    """

    document: Document
    image: npt.NDArray[np.uint8]
    probability: npt.NDArray[np.uint8] | None = None
    memory: Memory = field(default_factory=Memory)
    selection: Selection = field(default_factory=Selection)


class Stopped(Exception):
    """Raised by work that nobody waits for any more."""


class Work:
    """Something slow that a tool wants to know, done in another thread.

    Attributes:
        text: What it is, for whoever waits: "Looking for edges".
    """

    def __init__(self, compute: Callable[[Check], Any], text: str) -> None:
        """Describe it.

        Args:
            compute: Returns the result.
            text: What it is.
        """
        self.text = text
        self._compute = compute
        self._stopped = threading.Event()

    def run(self) -> Any:
        """Do it, in any thread; raises Stopped after `stop`."""
        self._check()
        return self._compute(self._check)

    def stop(self) -> None:
        """Nobody waits for it any more."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether nobody waits any more."""
        return self._stopped.is_set()

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Stopped


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """The result of the work that a tool asked for."""

    value: Any


Outline = tuple[Point, ...]
"""Points in image pixels, joined by lines."""


@dataclass(frozen=True, slots=True, eq=False)
class Scribble:
    """A line that tells a tool something and is no part of the mask.

    Attributes:
        points: Where it runs.
        radius: Half its width in image pixels.
        is_foreground: What it says about the pixels under it.
    """

    points: Outline
    radius: float
    is_foreground: bool


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """What to draw over the picture; the mask knows nothing of it.

    Attributes:
        outline: A line; the last point is joined to the first by a fainter one.
        is_open: Whether it is not joined.
        has_corners: Whether each of its points, but for the last, is marked: they can be taken back.
        patch: What a part of the mask will be.
        lines: uint8 (H, W), 1 where pixels belong to a pattern to be shown, such as the borders of segments.
        scribbles: Lines that were drawn for the tool.
        text: A word at the pointer.
        work: What the tool wants to know.
    """

    outline: Outline = ()
    is_open: bool = False
    has_corners: bool = False
    patch: Patch | None = None
    lines: Mask | None = None
    scribbles: tuple[Scribble, ...] = ()
    text: str = ""
    work: Work | None = None


NOTHING = Preview()

Event = Pointer | Computed | None
Steps = Generator[Preview, Event, None]
"""A drag from the inside: hands out a preview, gets the next pointer or result, or None when the drag is done."""

O = TypeVar("O", bound=Options)  # noqa: E741 - the options of one tool


class Tool(ABC, Generic[O]):
    """A way to change the mask with the pointer. Has no state of its own.

    Attributes:
        name: What settings and tests call it; also the name of its icon, resources/icons/NAME.svg.
        title: What the window calls it.
        key: The letter that selects it, on the key of a US keyboard (bind the key, not the letter).
        help: One sentence for the tooltip.
        group: Tools of one group share a button of the tool bar; empty for a button of its own.
        rank: Its place in the tool bar, or in its group: least first.
        alternate_sign: Shown at the pointer of a tool without modes while its opposite is wanted.
        cursor: `disc`: a circle of `options.radius` (see `raster.brush_centre`); `cross`: a crosshair.
        has_many_clicks: Whether a drag goes on after the button came up; see the module.
        Options: The model of its options. A field `mode` of type Mode gives it modes, with keys and signs for them.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str]
    help: ClassVar[str]
    group: ClassVar[str] = ""
    rank: ClassVar[int] = 100
    alternate_sign: ClassVar[str] = "\N{MINUS SIGN}"
    cursor: ClassVar[Literal["disc", "cross"]] = "cross"
    has_many_clicks: ClassVar[bool] = False
    Options: ClassVar[type[Options]] = Options

    @property
    def icon(self) -> str:
        """The file name of its icon in resources/icons."""
        return f"{self.name}.svg"

    @abstractmethod
    def steps(self, scene: Scene, options: O, press: Pointer) -> Steps:
        """One drag, from the press of a button on; see the module."""

    def refusal(self, scene: Scene, options: O) -> str:
        """Why the tool cannot be used on this sample; empty when it can."""
        return ""

    def idle_options(self, options: O) -> frozenset[str]:
        """Options that mean nothing while the others are as they are; the window does not show them."""
        return frozenset()

    def preparation(self, scene: Scene, options: O) -> Work | None:
        """What is worth computing before the first press: it leaves its result in the memory of the scene."""
        return None

    def glance(self, scene: Scene, options: O, pointer: Pointer) -> Preview:
        """What a press here would do, where that is known at once."""
        return NOTHING


def has_modes(model: type[Options]) -> bool:
    """Whether a tool with these options adds, subtracts or intersects."""
    return "mode" in model.model_fields


class Drag:
    """One drag of a tool under way.

    Attributes:
        preview: What to draw over the picture now.
        is_finished: Whether the drag is over; everything but asking is then harmless and does nothing.
    """

    def __init__(self, tool: Tool[Any], scene: Scene, options: Options, press: Pointer) -> None:
        """Press the button."""
        self.preview = NOTHING
        self.is_finished = False
        self._is_finish_wanted = False
        self._steps = tool.steps(scene, options, press)
        self._resume(None)

    @property
    def outline(self) -> Outline:
        """The line to draw over the picture now."""
        return self.preview.outline

    @property
    def work(self) -> Work | None:
        """What the tool waits for, to be done by whoever drives the drag."""
        return self.preview.work

    @property
    def is_waiting(self) -> bool:
        """Whether the drag would be over but for the work that it waits for."""
        return self._is_finish_wanted and not self.is_finished

    def move(self, pointer: Pointer) -> None:
        """The pointer moved, or a button went down again (`pointer.clicks`)."""
        if not self.is_finished and not self._is_finish_wanted:
            self._resume(pointer)

    def step_back(self) -> None:
        """Take back the last vertex of a tool that has any."""
        self.move(Pointer(0, 0, is_step_back=True))

    def deliver(self, work: Work, result: Any) -> None:
        """The work was done; nothing happens when it is no longer wanted."""
        if work is self.work and not self.is_finished:
            self._resume(Computed(result))
            if self._is_finish_wanted and self.work is None:
                self._finish()

    def finish(self) -> None:
        """The button came up, or Enter: make the change, or make it when the work is done."""
        self._is_finish_wanted = True
        if self.work is None:
            self._finish()

    def cancel(self) -> None:
        """Escape: leave every pixel as it was before the drag."""
        self._end()
        self._steps.close()

    def _finish(self) -> None:
        if not self.is_finished:
            self._resume(None)
            if not self.is_finished:
                self.cancel()
                raise RuntimeError("the tool goes on after its drag was finished")

    def _resume(self, event: Event) -> None:
        before = self.work
        try:
            self.preview = self._steps.send(event)
        except StopIteration:
            self._end()
        except BaseException:
            self._end()
            raise
        if before is not None and before is not self.work:
            before.stop()

    def _end(self) -> None:
        if self.work is not None:
            self.work.stop()
        self.preview = NOTHING
        self.is_finished = True


TOOLS: Registry[Tool[Any]] = Registry("segstudio.tools", "tool")
