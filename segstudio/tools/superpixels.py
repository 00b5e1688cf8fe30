"""Superpixels: the picture falls into segments of like pixels, and a click or a drag takes whole ones."""

import math
from typing import NamedTuple, cast

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.edit import Patch, combined
from segstudio.core.mask import NOWHERE, Mask, Rect
from segstudio.core.options import option
from segstudio.core.raster import Point, Region
from segstudio.tools import NOTHING, TOOLS, Check, Computed, Pointer, Preview, Scene, Steps, Tool, Work
from segstudio.tools.lasso import RegionOptions, change

Labels = npt.NDArray[np.int32]

_LARGEST = 1_000_000
"""Pixels of the picture that the segments are looked for in; their borders are then followed in finer ones."""
_FEWEST_ACROSS = 4
"""A segment is at least this many pixels wide in that picture."""
_ROUNDS = 2
"""How often pixels at a border may change sides in each finer picture."""


class SuperpixelOptions(RegionOptions):
    """How large segments are."""

    size: int = option(16, "Size", unit="px", ge=4, le=1000, help="How wide a segment is, about, in pixels.")
    compactness: float = option(
        10.0, "Compactness", gt=0, le=1000, is_advanced=True,
        help="Greater makes segments square, smaller lets them follow the picture.",
    )  # fmt: skip


class Segments(NamedTuple):
    """A picture in segments.

    Attributes:
        labels: (H, W), the number of each pixel's segment, from 0.
        boxes: Where each segment lies.
        lines: uint8 (H, W), 1 at the pixels on a border.
    """

    labels: Labels
    boxes: list[Rect]
    lines: Mask


@TOOLS.register
class Superpixels(Tool[SuperpixelOptions]):
    """Changes whole segments."""

    name = "superpixels"
    title = "Superpixels"
    key = "S"
    help = "Click a segment or drag over several; the segments follow the edges in the picture."
    group = "By image"
    rank = 100
    Options = SuperpixelOptions

    def preparation(self, scene: Scene, options: SuperpixelOptions) -> Work | None:
        """The segments, unless they are known."""
        return None if _known(scene, options) is not None else _finding(scene, options)

    def glance(self, scene: Scene, options: SuperpixelOptions, pointer: Pointer) -> Preview:
        """The segment under the pointer."""
        segments = _known(scene, options)
        if segments is None:
            return NOTHING
        region = _Choice(segments).with_line(pointer.point, pointer.point)
        patch = combined(scene.document.mask, region, pointer.mode_of(options.mode))
        return Preview(lines=segments.lines, patch=patch)

    def steps(self, scene: Scene, options: SuperpixelOptions, press: Pointer) -> Steps:
        """Take every segment on the way of the pointer."""
        mode, way = press.mode_of(options.mode), [press.point]
        work: Work | None = _finding(scene, options)
        segments = _known(scene, options)
        choice, region = None, Region(NOWHERE, np.zeros((0, 0), np.bool_))
        if segments is not None:
            choice, work = _Choice(segments), None
            region = choice.with_line(press.point, press.point)
        patch: Patch | None = combined(scene.document.mask, region, mode)
        while (
            event := (yield Preview(patch=patch, lines=None if choice is None else choice.segments.lines, work=work))
        ) is not None:
            if isinstance(event, Computed):
                choice, work = _Choice(event.value), None
                for one, other in zip([way[0], *way], way, strict=False):
                    region = choice.with_line(one, other)
            elif not event.is_step_back:
                if choice is not None:
                    region = choice.with_line(way[-1], event.point)
                way.append(event.point)
            patch = combined(scene.document.mask, region, mode)
        change(scene, self.title, region, mode)


class _Choice:
    """The segments that were taken so far."""

    def __init__(self, segments: Segments) -> None:
        self.segments = segments
        self._inside = np.zeros(segments.labels.shape, np.bool_)
        self._rect = NOWHERE
        self._taken: set[int] = set()

    def with_line(self, one: Point, other: Point) -> Region:
        """Take every segment that a straight line touches; all that were taken so far."""
        for label in _labels_on(self.segments.labels, one, other) - self._taken:
            self._taken.add(label)
            rect = self.segments.boxes[label]
            self._inside[rect.slices] |= self.segments.labels[rect.slices] == label
            self._rect = self._rect.union(rect)
        return Region(self._rect, self._inside[self._rect.slices])


def _labels_on(labels: Labels, one: Point, other: Point) -> set[int]:
    count = min(math.ceil(max(abs(other[0] - one[0]), abs(other[1] - one[1]))), 20_000) + 1
    columns = np.floor(np.linspace(one[0], other[0], count)).astype(np.int64)
    rows = np.floor(np.linspace(one[1], other[1], count)).astype(np.int64)
    height, width = labels.shape
    is_inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    return set(labels[rows[is_inside], columns[is_inside]].tolist())


def _key(options: SuperpixelOptions) -> tuple[object, ...]:
    return "superpixels", options.size, options.compactness


def _known(scene: Scene, options: SuperpixelOptions) -> Segments | None:
    return cast(Segments | None, scene.memory.get(_key(options)))


def _finding(scene: Scene, options: SuperpixelOptions) -> Work:
    def find(check: Check) -> Segments:
        # Work that was asked for twice is done once.
        found = _known(scene, options)
        if found is None:
            found = segments_of(scene.image, options, check)
            scene.memory.keep(_key(options), found)
        return found

    return Work(find, "Finding segments")


def segments_of(image: npt.NDArray[np.uint8], options: SuperpixelOptions, check: Check = lambda: None) -> Segments:
    """Divide a picture into segments of about `options.size` pixels across.

    SLIC, in a picture small enough for it; then its borders are followed to the full size.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        options: How large and how square segments are.
        check: Called often; raises when nobody waits any more.
    """
    height, width = image.shape[:2]
    halvings = 0
    while width * height >> 2 * halvings > _LARGEST and options.size >> (halvings + 1) >= _FEWEST_ACROSS:
        halvings += 1
    pictures = [image]
    for _ in range(halvings):
        rows, columns = pictures[-1].shape[:2]
        size = (-(-columns // 2), -(-rows // 2))
        pictures.append(cast(npt.NDArray[np.uint8], cv2.resize(pictures[-1], size, interpolation=cv2.INTER_AREA)))
    check()
    labels = _slic(pictures[-1], options.size / (1 << halvings), options.compactness)
    means = _means(pictures[-1], labels) if halvings else np.zeros((0, 0), np.float32)
    for picture in reversed(pictures[:-1]):
        check()
        labels = labels.repeat(2, axis=0).repeat(2, axis=1)[: picture.shape[0], : picture.shape[1]]
        labels = _followed(picture, labels, means, check)
    return Segments(labels, _boxes(labels), _borders(labels))


def _slic(picture: npt.NDArray[np.uint8], size: float, compactness: float) -> Labels:
    # Its import takes half a second: not before somebody takes the tool in hand.
    from skimage.segmentation import slic

    count = max(1, round(picture.shape[0] * picture.shape[1] / (size * size)))
    colours = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    found = slic(colours, count, compactness=compactness, max_num_iter=5, start_label=0, channel_axis=2)
    return np.ascontiguousarray(found, np.int32)


def _means(picture: npt.NDArray[np.uint8], labels: Labels) -> npt.NDArray[np.float32]:
    """The mean colour of each segment, (N, C)."""
    flat, colours = labels.ravel(), picture.reshape(labels.size, -1)
    counts = np.maximum(np.bincount(flat), 1)
    sums = [np.bincount(flat, colours[:, channel]) for channel in range(colours.shape[1])]
    return (np.stack(sums, axis=1) / counts[:, None]).astype(np.float32)


def _followed(picture: npt.NDArray[np.uint8], labels: Labels, means: npt.NDArray[np.float32], check: Check) -> Labels:
    """Let each pixel at a border go to the neighbouring segment whose mean colour is most like its own."""
    colours = picture.reshape(*picture.shape[:2], -1)
    for _ in range(_ROUNDS):
        check()
        rows, columns = np.nonzero(_borders(labels))
        mine = colours[rows, columns].astype(np.float32)
        best = labels[rows, columns]
        least = ((means[best] - mine) ** 2).sum(axis=1)
        for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            other = labels[
                np.clip(rows + down, 0, labels.shape[0] - 1), np.clip(columns + across, 0, labels.shape[1] - 1)
            ]
            distance = ((means[other] - mine) ** 2).sum(axis=1)
            is_better = distance < least
            best, least = np.where(is_better, other, best), np.where(is_better, distance, least)
        labels = labels.copy()
        labels[rows, columns] = best
    return labels


def _borders(labels: Labels) -> Mask:
    lines = np.zeros(labels.shape, np.uint8)
    lines[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    lines[1:] |= labels[1:] != labels[:-1]
    return lines


def _boxes(labels: Labels) -> list[Rect]:
    from scipy.ndimage import find_objects

    boxes = []
    for found in find_objects(labels + 1):
        if found is None:
            boxes.append(NOWHERE)
        else:
            rows, columns = found
            boxes.append(Rect.between(columns.start, rows.start, columns.stop, rows.stop))
    return boxes
