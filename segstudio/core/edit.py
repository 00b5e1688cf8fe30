"""Edit: what one finished change did to a mask, and Stroke: a change under way.

An edit is the XOR of the tiles that it touched, one bit a pixel, compressed. XOR is its own inverse, so the same
`apply` undoes and redoes, and its cost follows the stroke, not the image.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from segstudio.core.mask import NOWHERE, Mask, Rect, bounding_box
from segstudio.core.raster import Integers, Region, Spans, without

TILE = 128
"""Side of a tile in pixels; tiles at the right and lower border are what is left of the image."""

_NARROW = 1024
"""Bands up to this many pixels wide are set by a stencil, wider ones row by row (measured)."""

_COST_OF_A_RECT = 60_000
"""To show one more rectangle of a change takes as long as to show so many more pixels, about (measured)."""

Tile = tuple[int, int]
"""Row and column of a tile, counted in tiles."""

_HEADER = struct.Struct("<B2I4IHI")  # version, shape, bounds, bytes of the label, number of tiles
_VERSION = 1
_TIMED = 2
"""The version of an edit that says when it was made."""
_MADE = struct.Struct("<d")
_OVERHEAD = 256  # bytes that an Edit takes beside its tiles and payload, roughly


class Mode(StrEnum):
    """What a region does to a mask, or is for."""

    ADD = "add"
    SUBTRACT = "subtract"
    INTERSECT = "intersect"
    SELECT = "select"
    """Nothing: the region becomes the selection, about which a person then decides."""

    @property
    def opposite(self) -> "Mode":
        """What the right button does: take away instead of adding, and the other way round."""
        if self is Mode.SELECT:
            return self
        return Mode.ADD if self is Mode.SUBTRACT else Mode.SUBTRACT


class Patch(NamedTuple):
    """What a part of a mask is to be.

    Attributes:
        rect: Where it lies, inside the mask.
        pixels: uint8 (rect.height, rect.width) of 0 and 1.
    """

    rect: Rect
    pixels: Mask


NO_PATCH = Patch(NOWHERE, np.zeros((0, 0), np.uint8))


def combined(mask: Mask, region: Region, mode: Mode) -> Patch:
    """What a region makes of a mask. An empty one changes nothing in any mode: a slip of the hand wipes out nothing.

    Args:
        mask: As it is; not changed.
        region: Clipped to the mask.
        mode: Intersect keeps what is inside the region and clears all else.
    """
    if mode is Mode.SELECT or not region.inside.any():
        return NO_PATCH
    inside = region.inside.view(np.uint8)
    if mode is Mode.ADD:
        return Patch(region.rect, mask[region.rect.slices] | inside)
    if mode is Mode.SUBTRACT:
        return Patch(region.rect, (mask[region.rect.slices] > inside).view(np.uint8))
    rect = bounding_box(mask)
    pixels = np.zeros((rect.height, rect.width), np.uint8)
    common = rect.intersect(region.rect)
    if not common.is_empty:
        here = common.relative_to(rect).slices
        there = common.relative_to(region.rect).slices
        pixels[here] = mask[common.slices] & inside[there]
    return Patch(rect, pixels)


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a mask: undo it or redo it with the same `apply`.

    Attributes:
        shape: (H, W) of the mask that it belongs to.
        label: What the user did, for the Undo action: "Brush".
        bounds: The least rectangle around the changed pixels.
        tiles: The tiles that changed, sorted.
        payload: The changed pixels of these tiles, one bit each, rows first, each tile padded to whole bytes; zlib.
        made: When, in seconds since 1970 (UTC); None when nobody has said.
    """

    shape: tuple[int, int]
    label: str
    bounds: Rect
    tiles: tuple[Tile, ...]
    payload: bytes
    made: float | None = field(default=None, compare=False)

    @classmethod
    def between(cls, before: Mask, after: Mask, label: str) -> "Edit":
        """What turns `before` into `after`.

        Raises:
            ValueError: When their shapes differ.
        """
        if before.shape != after.shape:
            raise ValueError(f"a mask of shape {after.shape} cannot follow one of shape {before.shape}")
        difference = before ^ after
        shape = (before.shape[0], before.shape[1])
        return cls._packed(shape, label, ((tile, difference[rect.slices]) for tile, rect in _tiles_in(shape)))

    @classmethod
    def _packed(cls, shape: tuple[int, int], label: str, differences: "Iterator[tuple[Tile, Mask]]") -> "Edit":
        """The edit of some tiles' differences; those without any are left out."""
        tiles, parts, bounds = [], [], NOWHERE
        for tile, difference in differences:
            if difference.any():
                tiles.append(tile)
                parts.append(np.packbits(difference).tobytes())
                bounds = _grown(bounds, tile_rect(shape, tile), difference)
        return cls(shape, label, bounds, tuple(tiles), zlib.compress(b"".join(parts), 1))

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        return not self.tiles

    @property
    def nbytes(self) -> int:
        """The memory it takes, about."""
        return len(self.payload) + 16 * len(self.tiles) + _OVERHEAD

    def apply(self, mask: Mask) -> Rect:
        """Flip the changed pixels of `mask` in place; doing it twice is doing nothing.

        Returns:
            The rectangle that changed.

        Raises:
            ValueError: When the mask has another shape or the payload is damaged; the mask is then as before.
        """
        if mask.shape != self.shape:
            raise ValueError(f"an edit of a mask of shape {self.shape} does not fit one of shape {mask.shape}")
        for rect, flips in self._runs():
            # Seen tile by tile: one operation for a whole run of them takes a quarter of the time of one for each.
            tiles = mask[rect.slices].reshape(rect.height, len(flips), -1).transpose(1, 0, 2)
            np.bitwise_xor(tiles, flips, out=tiles)
        return self.bounds

    def differences(self) -> Iterator[tuple[Rect, Mask]]:
        """Each tile that changed, and which of its pixels: uint8 (rect.height, rect.width) of 0 and 1.

        Raises:
            ValueError: When the payload is damaged.
        """
        for rect, flips in self._runs():
            width = flips.shape[2]
            for number, pixels in enumerate(flips):
                yield rect._replace(x=rect.x + number * width, width=width), pixels

    def _runs(self) -> Iterator[tuple[Rect, npt.NDArray[np.uint8]]]:
        """Neighbours of equal width in one row of tiles: where all of them lie, and uint8 (tiles, height, width)."""
        runs = list(_runs_of(self.shape, self.tiles))
        bits = self._unpacked(sum(count * _packed_size(rect) for rect, count in runs))
        start = 0
        for rect, count in runs:
            # Only the last tile of a row may be narrower than whole bytes are, and that one is a run of its own.
            stop = start + count * _packed_size(rect)
            flips = np.unpackbits(bits[start:stop], count=count * rect.width * rect.height)
            yield rect._replace(width=count * rect.width), flips.reshape(count, rect.height, rect.width)
            start = stop

    def _unpacked(self, size: int) -> npt.NDArray[np.uint8]:
        unpacking = zlib.decompressobj()
        try:
            # One byte more than there should be tells too much from enough, without unpacking all of a bomb.
            data = unpacking.decompress(self.payload, size + 1)
        except zlib.error as error:
            raise ValueError(f"the pixels of an edit are damaged: {error}") from error
        if len(data) != size or not unpacking.eof:
            raise ValueError("an edit has more or fewer pixels than its tiles")
        return np.frombuffer(data, np.uint8)

    def to_bytes(self) -> bytes:
        """The edit as `from_bytes` reads it."""
        label = self.label.encode("utf-8")
        version, made = (_VERSION, b"") if self.made is None else (_TIMED, _MADE.pack(self.made))
        header = _HEADER.pack(version, *self.shape, *self.bounds, len(label), len(self.tiles))
        return header + made + label + np.array(self.tiles, "<u4").tobytes() + self.payload

    @classmethod
    def from_bytes(cls, data: bytes) -> "Edit":
        """The edit of `to_bytes`.

        Raises:
            ValueError: When the bytes are no edit, or one that reaches outside its own mask.
        """
        try:
            version, height, width, x, y, w, h, label_size, count = _HEADER.unpack_from(data)
            label_at = _HEADER.size + (_MADE.size if version == _TIMED else 0)
            made = _MADE.unpack_from(data, _HEADER.size)[0] if version == _TIMED else None
            tiles_at = label_at + label_size
            label = data[label_at:tiles_at].decode("utf-8")
            flat = np.frombuffer(data, "<u4", 2 * count, tiles_at).tolist()
        except (struct.error, ValueError) as error:
            raise ValueError(f"these bytes are no edit: {error}") from error
        tiles = tuple(zip(flat[::2], flat[1::2], strict=True))
        edit = cls((height, width), label, Rect(x, y, w, h), tiles, data[tiles_at + 8 * count :], made)
        if version not in (_VERSION, _TIMED) or not edit._is_sound():
            raise ValueError("these bytes are no edit of this version")
        return edit

    def _is_sound(self) -> bool:
        height, width = self.shape
        is_ordered = all(one < other for one, other in zip(self.tiles, self.tiles[1:], strict=False))
        is_inside = all(row * TILE < height and column * TILE < width for row, column in self.tiles)
        return is_ordered and is_inside and self.bounds == self.bounds.clip(self.shape)


class Stroke:
    """A change under way: paint as often as you like, then commit or cancel.

    Each tile is copied at its first touch. Made by `Document.stroke`, which commits and cancels.

    Attributes:
        label: What the user does, for the Undo action.
        shape: (H, W) of the mask.
    """

    def __init__(self, mask: Mask, label: str, painted: Callable[[Rect], object] | None = None) -> None:
        """Begin to change `mask` in place; `painted` is told every rectangle that changes."""
        self.label = label
        self.shape: tuple[int, int] = (mask.shape[0], mask.shape[1])
        self._mask = mask
        self._painted = painted
        self._before: dict[Tile, Mask] = {}
        self._bounds = NOWHERE

    def fill_spans(self, spans: Spans, value: int, where: Mask | None = None, covered: Spans | None = None) -> Rect:
        """Set the pixels of a shape with one run in each row, already clipped to the mask.

        Args:
            spans: From `raster.capsule`.
            value: 0 or 1.
            where: As large as the mask; only pixels that are 1 in it are set. All when None.
            covered: A part of the shape that has been set before in this very way; it is left out. Most of what a
                large brush touches in one move is what it touched in the last.

        Returns:
            The rectangle that may have changed.
        """
        rects: list[Rect] = []
        for part in (spans,) if covered is None else without(spans, covered):
            rects += self._fill_runs(part, value, where)
        whole = NOWHERE
        for rect in _joined(rects):
            whole = whole.union(self._said(rect))
        return whole

    def _fill_runs(self, spans: Spans, value: int, where: Mask | None) -> list[Rect]:
        """Set the runs; where they lie, tile row by tile row."""
        rects = []
        for band in _bands(spans.bounds):
            rows = slice(band.start - spans.top, band.stop - spans.top)
            starts, stops = spans.starts[rows], spans.stops[rows]
            is_run = starts < stops
            if not is_run.any():
                continue
            left, right = int(starts[is_run].min()), int(stops[is_run].max())
            self._keep_band(band.start // TILE, left, right)
            rects.append(Rect.between(left, band.start, right, band.stop))
            if right - left <= _NARROW:
                self._fill_narrow_band(rects[-1], starts, stops, value, where)
            else:
                self._fill_rows(band, starts, stops, value, where)
        return rects

    def _fill_narrow_band(self, rect: Rect, starts: Integers, stops: Integers, value: int, where: Mask | None) -> None:
        """All rows of a rectangle at once, by a stencil."""
        columns = np.arange(rect.x, rect.right, dtype=np.int32)
        stencil = columns >= starts.astype(np.int32)[:, None]
        stencil &= columns < stops.astype(np.int32)[:, None]
        _set(self._mask[rect.slices], stencil.view(np.uint8), value, None if where is None else where[rect.slices])

    def _fill_rows(self, band: range, starts: Integers, stops: Integers, value: int, where: Mask | None) -> None:
        """Row by row. A slice of one row is a memset: faster than any stencil, when it is long."""
        for row, start, stop in zip(band, starts.tolist(), stops.tolist(), strict=True):
            if start >= stop:
                continue
            run = self._mask[row, start:stop]
            if where is None:
                run.fill(value)
            else:
                _set(run, where[row, start:stop], value)

    def fill_region(self, region: Region, value: int) -> Rect:
        """Set the pixels of a shape of any form, inside the mask.

        Returns:
            The rectangle that may have changed.
        """
        bounds = NOWHERE
        for tile, rect in _tiles_in(self.shape, region.rect):
            part = rect.intersect(region.rect)
            inside = region.inside[part.relative_to(region.rect).slices]
            if inside.any():
                self._keep(tile)
                _set(self._mask[part.slices], inside.view(np.uint8), value)
                bounds = bounds.union(part)
        return self._said(bounds)

    def put(self, patch: Patch) -> Rect:
        """Make a part of the mask what the patch says.

        Returns:
            The rectangle that may have changed.
        """
        bounds = NOWHERE
        for tile, rect in _tiles_in(self.shape, patch.rect):
            part = rect.intersect(patch.rect)
            pixels = patch.pixels[part.relative_to(patch.rect).slices]
            if not np.array_equal(self._mask[part.slices], pixels):
                self._keep(tile)
                self._mask[part.slices] = pixels
                bounds = bounds.union(part)
        return self._said(bounds)

    def restore(self, copy: Mask) -> None:
        """Take this stroke out of a copy of its mask, which then shows the mask before the stroke."""
        for tile, before in self._before.items():
            copy[tile_rect(self.shape, tile).slices] = before

    def cancel(self) -> Rect:
        """Put everything back.

        Returns:
            The rectangle that had been painted.
        """
        self.restore(self._mask)
        self._before.clear()
        bounds, self._bounds = self._bounds, NOWHERE
        return bounds

    def commit(self) -> Edit:
        """What the stroke changed in all; an empty edit when it painted only what was so already."""
        differences = (
            (tile, before ^ self._mask[tile_rect(self.shape, tile).slices])
            for tile, before in sorted(self._before.items(), key=lambda item: item[0])
        )
        return Edit._packed(self.shape, self.label, differences)

    def _said(self, bounds: Rect) -> Rect:
        self._bounds = self._bounds.union(bounds)
        if self._painted is not None and not bounds.is_empty:
            self._painted(bounds)
        return bounds

    def _keep_band(self, row: int, left: int, right: int) -> None:
        for column in range(left // TILE, (right - 1) // TILE + 1):
            self._keep((row, column))

    def _keep(self, tile: Tile) -> None:
        if tile not in self._before:
            self._before[tile] = self._mask[tile_rect(self.shape, tile).slices].copy()


def _set(pixels: Mask, chosen: Mask, value: int, where: Mask | None = None) -> None:
    """Set the chosen pixels: many times as fast as by an index of booleans, which looks at one after the other."""
    if where is not None:
        chosen = chosen & where
    if value:
        np.bitwise_or(pixels, chosen, out=pixels)
    else:
        np.greater(pixels, chosen, out=pixels.view(np.bool_))


def tile_rect(shape: tuple[int, int], tile: Tile) -> Rect:
    """The pixels of a tile in a mask of `shape` (H, W)."""
    x, y = tile[1] * TILE, tile[0] * TILE
    return Rect(x, y, min(TILE, shape[1] - x), min(TILE, shape[0] - y))


def _runs_of(shape: tuple[int, int], tiles: tuple[Tile, ...]) -> Iterator[tuple[Rect, int]]:
    """The first tile of each run of neighbours that are equally wide, and how many they are."""
    first, count = tiles[0] if tiles else (0, 0), 0
    for row, column in tiles:
        is_next = (row, column) == (first[0], first[1] + count) and (column + 1) * TILE <= shape[1]
        if count and not is_next:
            yield tile_rect(shape, first), count
            first, count = (row, column), 0
        count += 1
    if count:
        yield tile_rect(shape, first), count


def _tiles_in(shape: tuple[int, int], rect: Rect | None = None) -> Iterator[tuple[Tile, Rect]]:
    """Each tile with a pixel in `rect` (all when None), sorted."""
    area = Rect.of(shape) if rect is None else rect.clip(shape)
    if area.is_empty:
        return
    for row in range(area.y // TILE, (area.bottom - 1) // TILE + 1):
        for column in range(area.x // TILE, (area.right - 1) // TILE + 1):
            yield (row, column), tile_rect(shape, (row, column))


def _bands(rect: Rect) -> Iterator[range]:
    """The rows of `rect`, cut where the tiles end."""
    top = rect.y
    while top < rect.bottom:
        bottom = min(rect.bottom, (top // TILE + 1) * TILE)
        yield range(top, bottom)
        top = bottom


def _joined(rects: list[Rect]) -> list[Rect]:
    """The same area in fewer rectangles, where telling and drawing two takes longer than drawing one that is larger."""
    result: list[Rect] = []
    for rect in rects:
        union = rect.union(result[-1]) if result else rect
        if result and _cost(union) <= _cost(result[-1]) + _cost(rect):
            result[-1] = union
        else:
            result.append(rect)
    return result


def _cost(rect: Rect) -> int:
    return rect.width * rect.height + _COST_OF_A_RECT


def _grown(bounds: Rect, rect: Rect, difference: Mask) -> Rect:
    """`bounds` with the changed pixels of a tile that lies at `rect`."""
    if rect.intersect(bounds) == rect:
        return bounds  # most tiles of a large change; looking for their own bounds would take longest of all
    box = bounding_box(difference)
    return bounds.union(box.placed_in(rect))


def _packed_size(rect: Rect) -> int:
    return (rect.width * rect.height + 7) // 8
