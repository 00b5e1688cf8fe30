"""Redraw: draw a part of the outline anew, and it takes the place of the part beside it."""

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from segstudio.core.edit import NO_PATCH, Mode, Patch, combined
from segstudio.core.mask import Mask, bounding_box
from segstudio.core.options import Options, option
from segstudio.core.raster import Point, polygon
from segstudio.tools import TOOLS, Check, Computed, Pointer, Preview, Scene, Steps, Tool, Work
from segstudio.tools.lasso import is_away

Points = npt.NDArray[np.float64]
"""(N, 2) of x and y in image pixels."""

_MOST_POINTS = 100_000
"""A line is looked at in so many places at most, however far outside of the image the hand goes."""


class RedrawOptions(Options):
    """How a line finds the outline."""

    reach: float = option(
        12.0, "Reach", ge=1, le=200,
        help="How near a line must come to an outline to join it, in pixels of the screen.",
    )  # fmt: skip


@TOOLS.register
class Redraw(Tool[RedrawOptions]):
    """Replaces the part of an outline between the ends of a line by that line: one stroke both adds and takes away."""

    name = "redraw"
    title = "Redraw outline"
    key = "3"
    help = (
        "Draw the right outline along a wrong one: it takes its place, adding and taking away; with Shift or the right "
        "button the rest of the outline is replaced."
    )
    rank = 25
    alternate_sign = "\N{ANTICLOCKWISE OPEN CIRCLE ARROW}"
    Options = RedrawOptions

    def steps(self, scene: Scene, options: RedrawOptions, press: Pointer) -> Steps:
        """Collect the line, see what it makes of the mask as it grows, and make the change at the release."""
        line: list[Point] = [press.point]
        outlines = Outlines(scene.document.mask)
        reach, patch, seen = options.reach / press.zoom, NO_PATCH, 1
        work: Work | None = _looking(outlines, line, reach, is_rest=press.is_alternate)
        while (event := (yield Preview(tuple(line), is_open=True, patch=patch, work=work))) is not None:
            if isinstance(event, Computed):
                patch, work = event.value, None
            elif not event.is_step_back and is_away(line[-1], event):
                line.append(event.point)
            # One look after the other: to give up each for the next would show nothing until the hand rests.
            if work is None and len(line) != seen:
                seen, work = len(line), _looking(outlines, line, reach, is_rest=press.is_alternate)
        with scene.document.stroke(self.title) as stroke:
            stroke.put(patch)


def _looking(outlines: "Outlines", line: list[Point], reach: float, *, is_rest: bool) -> Work:
    way = np.array(line)

    def look(check: Check) -> Patch:
        return outlines.redrawn(way, reach, is_rest=is_rest, check=check)

    return Work(look, "Looking for the outline")


class Outlines:
    """The outlines of a mask, around things and around holes; what it computes is kept, for one thread at a time."""

    def __init__(self, mask: Mask) -> None:
        """Look at a mask, uint8 (H, W) of 0 and 1, as it is when the first line is looked at.

        Only then is it copied, in the thread that looks: in a large mask whoever presses the button would feel it.
        """
        self._live = mask
        self._filled: dict[int, Mask] = {}

    @cached_property
    def mask(self) -> Mask:
        """The mask that is looked at, uint8 (H, W) of 0 and 1; nobody changes it."""
        return self._live.copy()

    def redrawn(self, line: Points, reach: float, *, is_rest: bool = False, check: Check = lambda: None) -> Patch:
        """What a line makes of the mask.

        The line joins the outline where it first comes near, and leaves it where it was last near; what was drawn
        before and after is cut off. These two places part the outline in two: that part is replaced which changes
        fewer pixels. A line that comes near no outline is closed, and is one itself: around a thing, or with
        `is_rest` around a hole.

        Args:
            line: Where it runs.
            reach: How near is near, in image pixels.
            is_rest: Whether the other part is meant.
            check: Called often; raises when nobody waits any more.
        """
        joined = self._joined(line, reach)
        check()
        if joined is None:
            region = polygon(self._shape, [*map(tuple, line.tolist())], is_winding=True)
            return combined(self.mask, region, Mode.SUBTRACT if is_rest else Mode.ADD)
        if is_rest and _gone(joined.line)[-1] <= 2 * reach:
            return NO_PATCH  # a slip of the hand wipes out nothing
        changes = [self._change(joined.outline, joined.line, arc) for arc in joined.arcs]
        check()
        return sorted(changes, key=lambda change: change.changed)[is_rest].patch

    def _joined(self, line: Points, reach: float) -> "_Joined | None":
        """The line from where it joins an outline to where it leaves it; None when it comes near none."""
        if not self._rings:
            return None
        line = _dense(line)
        distances, nearest = self._tree.query(line)
        start = _first_near(line, distances, reach)
        if start is None:
            return None
        number = int(self._numbers[nearest[start]])
        ring = self._rings[number]
        if len(self._rings) > 1:  # it is left where it was joined, whatever else lies near the other end
            distances, nearest = _tree_of(ring).query(line)
        end = _first_near(line[::-1], distances[::-1], reach)
        assert end is not None  # the place where it was joined is near, if no other is
        stop = max(len(line) - 1 - end, start)
        first, last = int(nearest[start]), int(nearest[stop])
        way = np.concatenate([ring[first][None], line[start : stop + 1], ring[last][None]])
        low, high = sorted((first, last))
        arcs = ring[low : high + 1], np.concatenate([ring[high:], ring[: low + 1]])[::-1]
        return _Joined(number, way, tuple(arc[::-1] if first <= last else arc for arc in arcs))

    def _change(self, number: int, line: Points, arc: Points) -> "_Change":
        """What the mask becomes when `arc`, a part of an outline, is replaced by a line; both run opposite ways."""
        region = polygon(self._shape, [*map(tuple, np.concatenate([line, arc]).tolist())])
        if region.rect.is_empty:
            return _Change(0, NO_PATCH)
        # What lies between them and was within the outline no longer does, and the other way round.
        within = self._within(number)[region.rect.slices].view(np.bool_)
        gone, new = region.inside & within, region.inside & ~within
        if self._is_hole[number]:
            gone, new = new, gone
        before = self.mask[region.rect.slices]
        after = ((before.view(np.bool_) & ~gone) | new).view(np.uint8)
        return _Change(int(np.count_nonzero(before != after)), Patch(region.rect, after))

    def _within(self, number: int) -> Mask:
        """1 at every pixel that an outline goes around, holes of a thing included."""
        if number not in self._filled:
            region = polygon(self._shape, [*map(tuple, self._rings[number].tolist())])
            filled = np.zeros(self._shape, np.uint8)
            filled[region.rect.slices] = region.inside
            self._filled[number] = filled
        return self._filled[number]

    @property
    def _shape(self) -> tuple[int, int]:
        return self.mask.shape[0], self.mask.shape[1]

    @cached_property
    def _rings(self) -> list[Points]:
        """Each outline, halfway between the centres of the pixels on both sides; it does not come back to its start."""
        # Its import takes half a second: not before somebody draws with this tool.
        from skimage.measure import find_contours

        box = bounding_box(self.mask)
        if box.is_empty:
            return []
        # A frame of background closes the outlines of things that touch the border.
        part = np.pad(self.mask[box.slices], 1)
        found = find_contours(  # type: ignore[no-untyped-call]
            part.astype(np.float32), 0.5, fully_connected="low", positive_orientation="low"
        )
        return [one[:-1, ::-1] + (box.x - 0.5, box.y - 0.5) for one in found]

    @cached_property
    def _is_hole(self) -> list[bool]:
        """Whether an outline goes around a hole: then it runs the other way."""
        return [_area(ring) < 0 for ring in self._rings]

    @cached_property
    def _numbers(self) -> npt.NDArray[np.int64]:
        """To which outline each point of the tree belongs."""
        return np.repeat(np.arange(len(self._rings)), [len(ring) for ring in self._rings])

    @cached_property
    def _tree(self) -> Any:
        return _tree_of(np.concatenate(self._rings))


class _Joined(NamedTuple):
    """A line between two places of an outline.

    Attributes:
        outline: Its number.
        line: From the one place to the other.
        arcs: The two ways along the outline back to the first.
    """

    outline: int
    line: Points
    arcs: tuple[Points, ...]


class _Change(NamedTuple):
    """What becomes of a mask.

    Attributes:
        changed: How many pixels.
        patch: The part of it where they lie.
    """

    changed: int
    patch: Patch


def _tree_of(points: Points) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(points)


def _dense(line: Points) -> Points:
    """The same line with a point for every pixel that it is long: the mouse tells of fewer when it is fast."""
    at = _gone(line)
    wanted = np.union1d(at, np.arange(0.0, at[-1], max(1.0, at[-1] / _MOST_POINTS)))
    return np.stack([np.interp(wanted, at, line[:, 0]), np.interp(wanted, at, line[:, 1])], axis=1)


def _first_near(line: Points, distances: npt.NDArray[np.float64], reach: float) -> int | None:
    """The point of a line that is nearest to an outline when it first comes near it."""
    near = np.flatnonzero(distances <= reach)
    if not near.size:
        return None
    start = int(near[0])
    return start + int(np.argmin(distances[start:][_gone(line[start:]) <= 2 * reach]))


def _gone(line: Points) -> npt.NDArray[np.float64]:
    """How long a line is up to each of its points."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])


def _area(ring: Points) -> float:
    """Within a ring; negative when it runs the other way around."""
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
