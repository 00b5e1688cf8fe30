"""Blobs: where a prediction and the true mask differ, as connected parts, the worst first.

Every pixel that is predicted wrongly has a depth: how far it lies from the true boundary, which is the distance of its
centre to that of the nearest pixel of the other class in the true mask. The pixels beside the boundary have depth 1.
With a tolerance of n pixels, errors of depth n or less lie in a ring along the boundary and are no errors; tolerance 0
forgives nothing.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.components import Components, components
from segstudio.core.mask import NOWHERE, Mask, Rect, bounding_box
from segstudio.core.metrics import Counts
from segstudio.core.raster import EMPTY_REGION, Region

Depths = npt.NDArray[np.float32]

TOLERANCES = (0, 1, 2, 3, 5, 8, 12, 20)
"""The widths of the ring that can be chosen, in pixels: the worst blobs of every sample are kept for each of them."""

_SQUARE_CORNER = math.sqrt(2)
"""The corner of a square hole is so many times farther from its core than the core from the side."""

_APART = 2
"""From this tolerance on no false positive touches a false negative: what touches the other class is less deep."""


class Kind(StrEnum):
    """What is wrong with a pixel."""

    FALSE_POSITIVE = "false positive"
    FALSE_NEGATIVE = "false negative"


@dataclass(frozen=True, slots=True)
class Blob:
    """One connected part (over sides and corners) of the errors of one kind beyond the tolerance.

    Attributes:
        kind: Predicted but not true, or true but not predicted.
        area: Pixels.
        depth: The largest depth of its pixels.
        x: Column of its deepest pixel, the topmost and leftmost of these: a place that is surely inside.
        y: Row of that pixel.
        bounds: The least rectangle around it.
    """

    kind: Kind
    area: int
    depth: float
    x: int
    y: int
    bounds: Rect = NOWHERE

    @property
    def severity(self) -> float:
        """What blobs are ranked by: area times depth.

        A speck far from everything counts no deeper than it is wide, else it would outrank every hole.
        """
        return self.area * min(self.depth, math.sqrt(self.area))


class Errors:
    """All that a prediction gets wrong beyond a tolerance. Keeps what it computes; the masks must not change meanwhile.

    Attributes:
        truth: uint8 (H, W) of 0 and 1.
        predicted: The same.
        tolerance: Width of the ring in pixels, 0 for none.
    """

    def __init__(
        self, truth: Mask, predicted: Mask, tolerance: int = 0, *, depths: "SignedDepths | None" = None
    ) -> None:
        """Compare two masks of one shape; `depths` are theirs when they are known already."""
        self.truth = truth
        self.predicted = predicted
        self.tolerance = tolerance
        self._depths = depths

    @cached_property
    def depths(self) -> "SignedDepths":
        """How deep each wrong pixel is."""
        return self._depths or SignedDepths.of(self.truth, self.predicted)

    @cached_property
    def _layers(self) -> "list[Components]":
        """The blobs; those of both kinds together where they cannot touch, which takes half as long."""
        if self.tolerance >= _APART:
            return [components((np.abs(self.depths.signed) > self.tolerance).view(np.uint8), is_diagonal=True)]
        return [components(self.depths.beyond(self.tolerance, kind), is_diagonal=True) for kind in Kind]

    def worst(self, count: int) -> list[Blob]:
        """The blobs, at most `count` of them, the most severe first.

        Those of one severity are in the order of their kinds, then rows, then columns.
        """
        found = sorted((blob for parts in self._layers for blob in self._worst_of(parts, count)), key=_rank)
        return found[:count]

    def count(self) -> int:
        """How many blobs there are."""
        return sum(len(parts.areas) for parts in self._layers)

    def counts(self) -> Counts:
        """The pixels judged as they are beyond the ring, and as right in it."""
        too_much, too_little = (int(np.count_nonzero(self.depths.beyond(self.tolerance, kind))) for kind in Kind)
        foreground = int(np.count_nonzero(self.truth))
        return Counts(foreground - too_little, too_much, too_little, self.truth.size - foreground - too_much)

    def at(self, x: int, y: int) -> Blob | None:
        """The blob with that pixel, or None."""
        found = self._find(x, y)
        return None if found is None else self._blob(*found)

    def pixels(self, blob: Blob) -> Region:
        """The very pixels of a blob; EMPTY_REGION when there is no such blob any more."""
        found = self._labelled(blob)
        if found is None:
            return EMPTY_REGION
        box, inside = found
        return Region(self._outside(box), inside)

    def hunk(self, blob: Blob) -> Region:
        """The pixels to change when somebody decides about a blob: its own, and those in the ring at its feet.

        Without these a moat as wide as the tolerance would stay between the true boundary and what was filled. They
        are wrong in the same way, hang together with the blob, and lie near it. Crumbs that this would leave at its
        edge belong to it too: they are too small to be an error of their own, and would never be offered.
        """
        found = self._labelled(blob)
        if found is None:
            return EMPTY_REGION
        box, inside = found
        reach = _SQUARE_CORNER * (self.tolerance + 1)
        shape = self.depths.signed.shape
        around = box.grown(math.ceil(reach) + self._crumb).clip((shape[0], shape[1]))
        away = np.ones((around.height, around.width), np.uint8)
        here = box.relative_to(around).slices
        away[here] -= inside.view(np.uint8)
        near = _distances(away) <= reach
        wrong = self.depths.beyond(0, blob.kind)[around.slices].view(np.bool_)
        parts = components((near & wrong).view(np.uint8), is_diagonal=True)
        chosen = np.isin(parts.labels, np.unique(parts.labels[here][inside]))
        if self.tolerance:
            chosen |= self._crumbs(chosen, wrong & ~chosen, np.abs(self.depths.signed[around.slices]))
        region = Region.of(chosen)
        placed = region.rect.placed_in(around)
        return Region(self._outside(placed), region.inside)

    @property
    def _crumb(self) -> int:
        """A crumb has fewer pixels than this, and is hence no longer."""
        return 8 * (self.tolerance + 1) if self.tolerance else 0

    def _crumbs(
        self, chosen: npt.NDArray[np.bool_], rest: npt.NDArray[np.bool_], depth: Depths
    ) -> npt.NDArray[np.bool_]:
        """The parts of the rest that touch what is chosen, are small, and lie in the ring."""
        parts = components(rest.view(np.uint8), is_diagonal=True)
        beside = cv2.dilate(chosen.view(np.uint8), np.ones((3, 3), np.uint8)).view(np.bool_)
        small = np.flatnonzero(parts.areas < self._crumb) + 1
        deep = np.unique(parts.labels[rest & (depth > self.tolerance)])
        wanted = np.setdiff1d(np.intersect1d(np.unique(parts.labels[beside & rest]), small), deep)
        found: npt.NDArray[np.bool_] = np.isin(parts.labels, wanted) & rest
        return found

    def _labelled(self, blob: Blob) -> tuple[Rect, npt.NDArray[np.bool_]] | None:
        """Where a blob lies, counted from the corner of the depths, and which pixels of that are its own."""
        found = self._find(blob.x, blob.y)
        if found is None:
            return None
        parts, label = found
        box = Rect(*parts.boxes[label - 1].tolist())
        return box, parts.labels[box.slices] == label

    def _find(self, x: int, y: int) -> tuple[Components, int] | None:
        """Which part has that pixel, and its label."""
        rect = self.depths.rect
        if rect.x <= x < rect.right and rect.y <= y < rect.bottom:
            for parts in self._layers:
                label = int(parts.labels[y - rect.y, x - rect.x])
                if label:
                    return parts, label
        return None

    def _outside(self, box: Rect) -> Rect:
        return box.placed_in(self.depths.rect)

    def _worst_of(self, parts: Components, count: int) -> list[Blob]:
        """The most severe of some parts.

        None is more severe than its area to the power of 1.5, so most of the small ones need no looking at.
        """
        found: list[Blob] = []
        least = -1.0
        for index in np.argsort(-parts.areas, kind="stable").tolist():
            if len(found) >= count and float(parts.areas[index]) ** 1.5 < least:
                break
            found.append(self._blob(parts, index + 1))
            if len(found) % max(count, 16) == 0:
                found = sorted(found, key=_rank)[:count]
                least = found[-1].severity if found else -1.0
        return sorted(found, key=_rank)[:count]

    def _blob(self, parts: Components, label: int) -> Blob:
        box = Rect(*parts.boxes[label - 1].tolist())
        signed = self.depths.signed[box.slices]
        depth = np.abs(signed)
        depth[parts.labels[box.slices] != label] = 0
        y, x = divmod(int(depth.argmax()), box.width)
        kind = Kind.FALSE_POSITIVE if signed[y, x] > 0 else Kind.FALSE_NEGATIVE
        bounds = self._outside(box)
        return Blob(kind, int(parts.areas[label - 1]), float(depth[y, x]), bounds.x + x, bounds.y + y, bounds)


@dataclass(frozen=True, slots=True, eq=False)
class SignedDepths:
    """How deep each wrong pixel is.

    Attributes:
        rect: The part of the image that holds every wrong pixel; never empty.
        signed: float32 (rect.height, rect.width): the depth of false positives, minus the depth of false negatives,
            0 where the prediction is right.
    """

    rect: Rect
    signed: Depths

    @classmethod
    def of(cls, truth: Mask, predicted: Mask) -> "SignedDepths":
        """The depths of a prediction against the true mask.

        Where the true mask has no boundary at all, every error is as deep as the image's diagonal is long.

        Args:
            truth: uint8 (H, W) of 0 and 1.
            predicted: The same.

        Raises:
            ValueError: When the shapes differ.
        """
        if truth.shape != predicted.shape:
            raise ValueError(f"a prediction of shape {predicted.shape} cannot be compared with a mask of {truth.shape}")
        wrong = bounding_box(truth ^ predicted)
        rect = Rect(0, 0, 1, 1) if wrong.is_empty else wrong
        signed = np.zeros((rect.height, rect.width), np.float32)
        for kind in Kind:
            _put_depths(signed, rect, truth, predicted, kind)
        return cls(rect, signed)

    def beyond(self, tolerance: float, kind: Kind) -> Mask:
        """Where errors of one kind are deeper than the tolerance: uint8 (rect.height, rect.width) of 0 and 1."""
        is_beyond = self.signed > tolerance if kind is Kind.FALSE_POSITIVE else self.signed < -tolerance
        return is_beyond.view(np.uint8)


def forgiven(truth: Mask, predicted: Mask, tolerance: int) -> Mask:
    """The errors in the ring.

    Args:
        truth: uint8 (H, W) of 0 and 1; what lies farther than the tolerance outside of it does not matter.
        predicted: The same.
        tolerance: Width of the ring in pixels.

    Returns:
        uint8 (H, W) of 0 and 1.
    """
    wrong = truth ^ predicted
    if not tolerance or not wrong.any():
        return np.zeros_like(wrong)
    if not truth.any() or truth.all():  # no boundary: as deep as `SignedDepths` says
        return wrong if math.hypot(*truth.shape) <= tolerance else np.zeros_like(wrong)
    wrong &= _is_in_ring(truth, tolerance).view(np.uint8)
    return wrong


def ranked(truth: Mask, predicted: Mask, count: int, kept: Mask | None = None) -> Iterator[tuple[int, list[Blob]]]:
    """For each of TOLERANCES the worst blobs, at most `count`.

    Args:
        truth: uint8 (H, W) of 0 and 1.
        predicted: The same.
        count: How many blobs of each.
        kept: Pixels about which somebody has decided that the true mask is right; see `is_kept`.
    """
    depths = SignedDepths.of(truth, predicted)
    deepest = float(np.abs(depths.signed).max())
    for tolerance in TOLERANCES:
        errors = Errors(truth, predicted, tolerance, depths=depths)
        yield tolerance, worst_open(errors, count, kept) if deepest > tolerance else []


def worst_open(errors: Errors, count: int, kept: Mask | None) -> list[Blob]:
    """The worst blobs about which nobody has decided, at most `count`; see `is_kept`."""
    if kept is None or not kept.any():
        return errors.worst(count)
    wanted = count
    while True:
        wanted *= 4
        found = errors.worst(wanted)
        still_open = [blob for blob in found if not is_kept(errors, blob, kept)]
        if len(still_open) >= count or len(found) < wanted:
            return still_open[:count]


def is_kept(errors: Errors, blob: Blob, kept: Mask) -> bool:
    """Whether somebody has decided about a blob: half of its pixels or more are marked.

    Half, because an edit nearby or another tolerance changes a few pixels of a blob and not what it is.
    """
    region = errors.pixels(blob)
    marked = np.count_nonzero(kept[region.rect.slices].view(np.bool_) & region.inside)
    return bool(2 * marked >= max(blob.area, 1))


def _rank(blob: Blob) -> tuple[Any, ...]:
    return -blob.severity, blob.kind, blob.y, blob.x


def _put_depths(signed: Depths, rect: Rect, truth: Mask, predicted: Mask, kind: Kind) -> None:
    """Write the depths of one kind of errors into `signed`, which shows the part `rect` of the image."""
    is_positive = kind is Kind.FALSE_POSITIVE
    shape = truth.shape[0], truth.shape[1]
    wrong = predicted > truth if is_positive else truth > predicted
    box = bounding_box(wrong[rect.slices])
    if box.is_empty:
        return
    box = box.placed_in(rect)
    # The nearest pixel of the other class lies within the foreground, or right beside it: no need to look farther.
    mask_box = bounding_box(truth)
    around = box.union(mask_box) if is_positive else mask_box.grown(1).clip(shape)
    # What is not 0 gets its distance to the nearest 0.
    part = truth[around.slices]
    distances = _distances(part ^ 1 if is_positive else np.ascontiguousarray(part))
    farthest = math.hypot(*shape)
    inner = box.relative_to(around).slices
    depth = np.minimum(distances[inner], np.float32(farthest))
    target = box.relative_to(rect).slices
    np.copyto(signed[target], depth if is_positive else -depth, where=wrong[box.slices])


def _is_in_ring(truth: Mask, tolerance: int) -> npt.NDArray[np.bool_]:
    """Which pixels lie no farther from the boundary than the tolerance."""
    # the distance of one of the two is 0
    return (_distances(truth) <= tolerance) & (_distances(truth ^ 1) <= tolerance)


def _distances(mask: npt.NDArray[Any]) -> Depths:
    """For each pixel that is 1 the distance to the nearest 0; 0 for the others."""
    return cast(Depths, cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
