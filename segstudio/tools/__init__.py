"""Mask tools: one file, one tool. A tool turns pointer positions, in image pixels, into strokes; it knows no Qt.

A tool's `steps` is a generator, so that the state of a drag is local variables:

    def steps(self, scene, options, press):        # up to the first yield: the button went down
        with scene.document.stroke("Brush") as stroke:
            ...
            while (pointer := (yield ())) is not None:   # each resume: the pointer moved
                ...
            ...                                          # after the loop: the button came up (None was sent)

Whoever owns the pointer (the canvas, a test) drives it through a `Drag`:

    drag = Drag(tool, Scene(document, image), options, Pointer(x, y, is_alternate=..., clicks=1))
    drag.move(Pointer(x, y))    any number of times; `drag.outline` is what to draw on top of the picture
    drag.finish()               the change is made, one step of history
    drag.cancel()               or: every pixel is as before (Escape, focus lost, sample switched)

For most tools the drag ends when the button comes up: call `finish` then. A tool with `has_many_clicks` (polygon) goes
on after that: keep calling `move`, for moves without a button too (clicks=0) and for each further press (clicks=1, or 2
for the second press of a double click), until `drag.is_finished` (the tool ended it, for example at a double click),
Enter (`finish`) or Escape (`cancel`). `drag.step_back()` (Backspace) takes back its last vertex.

Painting is seen through `document.changed`, also during a drag.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from segstudio.core.document import Document
from segstudio.core.options import Options
from segstudio.core.raster import Point
from segstudio.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer is and what it does there.

    Attributes:
        x: Column in image pixels; pixel (0, 0) covers [0, 1) x [0, 1). May lie outside the image.
        y: Row in image pixels.
        is_alternate: Whether the opposite is wanted (Shift or the right button): erase instead of paint.
        clicks: 1 when a button went down here, 2 when it is the second press of a double click, 0 for a move.
        is_step_back: Not a position at all: take the last vertex back.
    """

    x: float
    y: float
    is_alternate: bool = False
    clicks: int = 0
    is_step_back: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What a tool works on: the open sample.

    Attributes:
        document: Its mask.
        image: Its picture, uint8 (H, W) or (H, W, 3); for tools that look at it.
    """

    document: Document
    image: npt.NDArray[np.uint8]


Outline = tuple[Point, ...]
"""Points in image pixels, joined by lines, to be drawn over the picture while a drag is under way."""

Steps = Generator[Outline, Pointer | None, None]
"""A drag from the inside: hands out an outline, gets the next pointer, or None when the drag is done."""

O = TypeVar("O", bound=Options)  # noqa: E741 - the options of one tool


class Tool(ABC, Generic[O]):
    """A way to change the mask with the pointer. Has no state of its own.

    Attributes:
        name: What settings and tests call it; also the name of its icon, resources/icons/NAME.svg.
        title: What the window calls it.
        key: The letter that selects it, on the key of a US keyboard (bind the key, not the letter).
        help: One sentence for the tooltip.
        cursor: `disc`: a circle of `options.radius` (see `raster.brush_centre`); `cross`: a crosshair.
        has_many_clicks: Whether a drag goes on after the button came up; see the module.
        Options: The model of its options.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[str]
    help: ClassVar[str]
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


class Drag:
    """One drag of a tool under way.

    Attributes:
        outline: What to draw over the picture now.
        is_finished: Whether the drag is over; everything but asking is then harmless and does nothing.
    """

    def __init__(self, tool: Tool[Any], scene: Scene, options: Options, press: Pointer) -> None:
        """Press the button."""
        self.outline: Outline = ()
        self.is_finished = False
        self._steps = tool.steps(scene, options, press)
        self._resume(None)

    def move(self, pointer: Pointer) -> None:
        """The pointer moved, or a button went down again (`pointer.clicks`)."""
        if not self.is_finished:
            self._resume(pointer)

    def step_back(self) -> None:
        """Take back the last vertex of a tool that has any."""
        self.move(Pointer(0, 0, is_step_back=True))

    def finish(self) -> None:
        """The button came up, or Enter: make the change."""
        if not self.is_finished:
            self._resume(None)
            if not self.is_finished:
                self.cancel()
                raise RuntimeError("the tool goes on after its drag was finished")

    def cancel(self) -> None:
        """Escape: leave every pixel as it was before the drag."""
        self._end()
        self._steps.close()

    def _resume(self, pointer: Pointer | None) -> None:
        try:
            self.outline = self._steps.send(pointer)
        except StopIteration:
            self._end()
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        self.outline = ()
        self.is_finished = True


TOOLS: Registry[Tool[Any]] = Registry("segstudio.tools", "tool")
