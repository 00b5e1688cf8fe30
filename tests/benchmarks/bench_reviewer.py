"""How long a reviewer needs for an image: `python -m tests.benchmarks.bench_reviewer [--project FOLDER] [--json]`.

The network is `conv-unet-fast`, or with ImageNet weights of MobileNetV2 a better one: `--weights FILE`, for example
mobilenet_v2_1.0_224_no_top.weights.h5. Any other is trained by --preset, --set, --recipe and --epochs.

A simulated reviewer brings the predictions of a fast network on 30 lung images that it has not learnt from to a Dice of
0.98 against the true mask, and draws the same images from nothing by polygon, by brush and by lasso. The tools, the
walk's blobs and hunks and the document are the program's own and really change a mask; only time is simulated:

- the mouse moves at 400 pixels of the screen a second (one image pixel is one pixel of the screen),
- a key takes 0.35 s, a decision 1.2 s, pressing and letting go of a button 0.2 s (Card, Moran and Newell, 1980).

After RootPainter's sim_benchmark, whose hand is steady too: it follows a line exactly, at the same speed whether the
line is smooth or not. That favours whatever follows long lines, lasso and brush, over what needs few movements.

The reviewer knows the truth, sees at once where it pays most to act, and stops at the wanted Dice. The images have no
mask yet, so each begins with what the prediction shows ("Begin with the prediction"). The reviewer makes the act that
gains most pixels a second, again and again: a stroke along a part of the boundary, painting inside or erasing outside,
with the radius that suits; a click that fills a hole or removes an island; a part of the outline drawn anew, beginning
and ending on the outline that is there; an operation on the whole mask (grow, shrink, smooth). Each act costs one
decision, and so does accepting what nothing was done to; one key accepts and shows the next ("Go on after a verdict").
Printed too is how long it takes without redrawing, and where the prediction must be taken first: as a whole (Shift+Y)
or blob by blob along the walk (N, then Y for lungs; what is left is never taken), whichever is faster in the end.

Drawing with the brush from nothing is the same reviewer with the same choice of strokes, and no prediction. The polygon
has the fewest corners whose polygon reaches the Dice (Douglas and Peucker's, the same tolerance for each lung), a click
for each and the way between them. People who set a corner think where the next one belongs; as no model says how long,
both ends are printed: no decision for any corner, and one for each. The lasso follows the true contour, one decision
each.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy.spatial import cKDTree

from segstudio.core.blobs import Errors
from segstudio.core.document import Document
from segstudio.core.edit import Edit
from segstudio.core.mask import Mask
from segstudio.core.metrics import Counts
from segstudio.core.raster import Region
from segstudio.core.threshold import predicted_at
from segstudio.operations import OPERATIONS, Subject
from segstudio.project.project import Project
from segstudio.tools import TOOLS, Drag, Pointer, Scene
from segstudio.tools.redraw import Outlines, RedrawOptions

MOUSE, KEY, DECISION, CLICK = 400.0, 0.35, 1.2, 0.2
"""Pixels a second, and seconds."""

WANTED = 0.98
STEP = MOUSE / 120
"""The mouse tells where it is 120 times a second."""

RADII = (3, 5, 8, 12, 18, 27, 40)
IMAGES = 30
PRESET = ("--preset", "conv-unet-fast")
PRETRAINED = ("--preset", "mobilenetv2-unet-fast", "--recipe", "chest-xray")
"""What is trained when there are ImageNet weights to begin with."""
MOST_ACTS = 80
LEAST_GAIN = 4.0
"""Pixels a second: less is not worth an act, and would never end."""


def dice(mask: Mask, truth: Mask) -> float:
    """Dice of two masks; 1 when both are empty."""
    value = Counts.of(truth, mask).dice
    return 1.0 if value is None else value


@dataclass
class Hand:
    """Does things to a document, and knows how long they take.

    Attributes:
        seconds: So far.
        acts: What was done, by name.
        starts: At which second each of them began.
        at: Where the pointer is; it begins in the middle.
        radius: Of the brush.
        tool: In hand.
    """

    document: Document
    seconds: float = 0.0
    acts: list[str] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    at: tuple[float, float] = (0.0, 0.0)
    radius: float = 12
    tool: str = "brush"

    def __post_init__(self) -> None:
        height, width = self.document.shape
        self.at = (width / 2, height / 2)
        self._scene = Scene(self.document, self.document.mask)

    def key(self, times: int = 1) -> None:
        """Press a key."""
        self.seconds += KEY * times

    def decide(self, what: str) -> None:
        """Make up one's mind about an act."""
        self.acts.append(what)
        self.starts.append(self.seconds)
        self.seconds += DECISION

    def cost(self, tool: str, way: np.ndarray, radius: float | None = None) -> float:
        """What it would take to draw along a way, the decision included."""
        return (
            DECISION
            + CLICK
            + KEY * (tool != self.tool)
            + KEY * (radius is not None and radius != self.radius)
            + (_distance(self.at, way[0]) + _length(way)) / MOUSE
        )

    def draw(self, tool: str, way: np.ndarray, *, is_alternate: bool = False, radius: float | None = None) -> None:
        """Draw along a way, (N, 2) of x and y, with a button down."""
        self.seconds += self.cost(tool, way, radius) - DECISION  # the decision is told for itself
        self.tool, self.radius = tool, radius or self.radius
        kind = TOOLS[tool]()
        options = kind.Options().replaced(radius=radius) if radius is not None else kind.Options()
        steps = [*_steps(way)]
        drag = Drag(kind, self._scene, options, Pointer(*steps[0], is_alternate=is_alternate, clicks=1))
        for point in steps[1:]:
            drag.move(Pointer(*point))
        drag.finish()
        while (work := drag.work) is not None:
            drag.deliver(work, work.run())
        self.at = (float(way[-1][0]), float(way[-1][1]))

    def polygon(self, corners: np.ndarray) -> None:
        """Click the corners of a polygon, and close it by Enter."""
        kind = TOOLS["polygon"]()
        self.seconds += KEY * (self.tool != "polygon") + _distance(self.at, corners[0]) / MOUSE + CLICK
        self.tool = "polygon"
        drag = Drag(kind, self._scene, kind.Options(), Pointer(*corners[0], clicks=1))
        for before, corner in pairwise(corners):
            self.seconds += _distance(before, corner) / MOUSE + CLICK
            drag.move(Pointer(*corner, clicks=1))
        drag.finish()
        self.key()
        self.at = (float(corners[-1][0]), float(corners[-1][1]))


class Act(NamedTuple):
    """Something that could be done next."""

    name: str
    gain: float
    seconds: float
    do: Callable[[], None]

    @property
    def rate(self) -> float:
        """Pixels put right a second."""
        return self.gain / self.seconds


class Reviewer:
    """Knows the truth, and makes the act that pays most until the mask is good enough."""

    def __init__(self, hand: Hand, truth: Mask, *, has_redraw: bool = True) -> None:
        self.hand = hand
        self.truth = truth
        self._lines = [*_safe_lines(truth)]
        self._edges = [*_edges(truth)] if has_redraw else []

    @property
    def dice(self) -> float:
        """How good the mask is."""
        return dice(self.hand.document.mask, self.truth)

    @property
    def _needed(self) -> float:
        """How many pixels must be put right for the wanted Dice, whatever their kind; and a few more."""
        counts = Counts.of(self.truth, self.hand.document.mask)
        allowed = 2 * counts.tp * (1 / WANTED - 1)  # that many may be wrong with as many hits as there are now
        return max(counts.fp + counts.fn - allowed, 0.0) + 4

    def correct(self) -> bool:
        """Act until it is good enough; False when nothing helps any more."""
        for _ in range(MOST_ACTS):
            if self.dice >= WANTED:
                return True
            acts = [act for act in self._acts() if act.gain > 0]
            if not acts:
                return False
            best = max(acts, key=lambda act: act.rate)
            if best.rate < LEAST_GAIN:
                return False
            # What is enough ends it, unless it takes longer than what pays most and a small act after that.
            enough = min((act for act in acts if act.gain >= self._needed), key=lambda act: act.seconds, default=best)
            if enough.seconds < best.seconds + DECISION + 2 * CLICK:
                best = enough
            self.hand.decide(best.name)
            best.do()
        return self.dice >= WANTED

    def _acts(self) -> Iterator[Act]:
        mask = self.hand.document.mask
        missing, surplus = self.truth & ~mask & 1, mask & ~self.truth & 1
        yield from self._strokes(missing, surplus)
        yield from self._redrawn(mask)
        yield from self._clicks(mask)
        yield from self._operations(mask)

    def _strokes(self, missing: Mask, surplus: Mask) -> Iterator[Act]:
        for line in self._lines:
            wrong = missing if line.is_inside else surplus
            gains = np.bincount(line.nearest[wrong[line.rows, line.columns] != 0], minlength=len(line.way))
            if gains.sum() < LEAST_GAIN:
                continue
            radius, is_alternate = float(line.radius), not line.is_inside

            def cost(way: np.ndarray, radius: float = radius) -> float:
                return self.hand.cost("brush", way, radius)

            for way, gain in (_best_part(line.way, gains, cost), _shortest_part(line.way, gains, self._needed)):

                def do(way: np.ndarray = way, radius: float = radius, is_alternate: bool = is_alternate) -> None:
                    self.hand.draw("brush", way, is_alternate=is_alternate, radius=radius)

                if gain:
                    yield Act("paint" if line.is_inside else "erase", gain, cost(way), do)

    def _redrawn(self, mask: Mask) -> Iterator[Act]:
        """Draw a part of the true outline where that of the mask is wrong."""
        wrong = int(np.count_nonzero(mask != self.truth))
        outlines, borders = Outlines(mask.copy()), _borders(mask)
        for edge in self._edges:
            gains = np.bincount(edge.nearest[mask[edge.rows, edge.columns] != edge.values], minlength=len(edge.way))
            if gains.sum() < LEAST_GAIN or not len(borders):
                continue

            def joined(way: np.ndarray) -> np.ndarray:
                """From the outline, and back to it."""
                ends = [borders[np.argmin(((borders - end) ** 2).sum(axis=1))] for end in (way[0], way[-1])]
                return np.concatenate([ends[:1], way, ends[1:]])

            def cost(way: np.ndarray) -> float:
                return self.hand.cost("redraw", joined(way))

            for part, _ in (_best_part(edge.way, gains, cost), _shortest_part(edge.way, gains, self._needed)):
                way = joined(part)
                if len(part) < 2:
                    continue
                # The tool shows what comes of a line as it is drawn.
                patch = outlines.redrawn(np.array([*_steps(way)]), RedrawOptions().reach)
                after = mask.copy()
                after[patch.rect.slices] = patch.pixels

                def do(way: np.ndarray = way) -> None:
                    self.hand.draw("redraw", way)

                yield Act(
                    "redraw", wrong - int(np.count_nonzero(after != self.truth)), self.hand.cost("redraw", way), do
                )

    def _clicks(self, mask: Mask) -> Iterator[Act]:
        """Islands that touch no truth are removed, holes that are all truth are filled."""
        for value, name in ((1, "remove island"), (0, "fill hole")):
            count, labels, stats, _ = cv2.connectedComponentsWithStats((mask == value).view(np.uint8), connectivity=4)
            right = np.bincount(labels[(self.truth == value)].ravel(), minlength=count)
            for label in range(1, count):
                gain = int(stats[label, cv2.CC_STAT_AREA]) - 2 * int(right[label])
                if gain < LEAST_GAIN:
                    continue
                rows, columns = np.nonzero(labels == label)
                spot = np.array([[columns[0] + 0.5, rows[0] + 0.5]])

                def do(spot: np.ndarray = spot, is_alternate: bool = value == 1) -> None:
                    self.hand.draw("fill", spot, is_alternate=is_alternate)

                yield Act(name, gain, self.hand.cost("fill", spot), do)

    def _operations(self, mask: Mask) -> Iterator[Act]:
        """Grow, shrink and smooth the whole mask: a key, Enter, and a key for each step of the option."""
        wrong = int(np.count_nonzero(mask != self.truth))
        for name, option, values, first in (
            ("grow", "pixels", (1, 2, 3, 4), 2), ("shrink", "pixels", (1, 2, 3, 4), 2), ("smooth", "radius", (3, 5), 3)
        ):  # fmt: skip
            operation = OPERATIONS[name]()
            for value in values:
                options = operation.Options().replaced(**{option: value})
                after = operation.apply(Subject(mask.copy()), options, lambda: None)
                seconds = DECISION + KEY * (2 + abs(value - first))

                def do(after: Mask = after, title: str = operation.title, seconds: float = seconds) -> None:
                    self.hand.document.replace(after, title)
                    self.hand.seconds += seconds - DECISION

                yield Act(name, wrong - int(np.count_nonzero(after != self.truth)), seconds, do)


class _Line(NamedTuple):
    """A line along which a brush paints nothing wrong.

    Attributes:
        is_inside: Whether it paints foreground; else it erases.
        radius: Of the brush.
        way: (N, 2), closed, about a pixel from point to point.
        rows: Of the pixels that the brush reaches.
        columns: Of the same.
        nearest: Which point of the way is nearest to each of them.
    """

    is_inside: bool
    radius: int
    way: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    nearest: np.ndarray


class _Edge(NamedTuple):
    """A part of the true outline, and the pixels near it.

    Attributes:
        way: (N, 2), closed, about a pixel from point to point.
        rows: Of the pixels that are nearer to it than to any other part.
        columns: Of the same.
        values: What they are in truth.
        nearest: Which point of the way is nearest to each of them.
    """

    way: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    nearest: np.ndarray


def _edges(truth: Mask) -> Iterator[_Edge]:
    contours = [
        one[:, 0].astype(np.float64) for one in cv2.findContours(truth, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    ]
    contours = [one for one in contours if len(one) > 2]
    if not contours:
        return
    points = np.concatenate(contours)
    rows, columns = (one.ravel() for one in np.indices(truth.shape))
    _, nearest = cKDTree(points).query(np.stack([columns, rows], axis=1))
    stops = np.cumsum([len(one) for one in contours])
    for contour, stop in zip(contours, stops, strict=True):
        own = (nearest >= stop - len(contour)) & (nearest < stop)
        yield _Edge(contour + 0.5, rows[own], columns[own], truth.ravel()[own], nearest[own] - (stop - len(contour)))


def _borders(mask: Mask) -> np.ndarray:
    """(N, 2), the middles of the pixels at the outlines of a mask."""
    contours = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    return np.concatenate([one[:, 0] + 0.5 for one in contours]) if contours else np.zeros((0, 2))


def _safe_lines(truth: Mask) -> Iterator[_Line]:
    """For each radius the lines at that distance from the boundary, inside and outside; and further in."""
    for is_inside in (True, False):
        area = truth if is_inside else 1 - truth
        # What lies outside of the picture is background too: its border keeps nobody away.
        edge = max(RADII) * 2
        padded = cv2.copyMakeBorder(area, *(edge,) * 4, cv2.BORDER_CONSTANT, value=0 if is_inside else 1)
        away = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[edge:-edge, edge:-edge]
        for radius in RADII:
            deepest = float(away.max()) if is_inside else 4.0 * radius
            depth = radius + 0.5
            while depth < deepest:
                shape = (away >= depth).astype(np.uint8)
                for contour in cv2.findContours(shape, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]:
                    if len(contour) >= 2:
                        yield _line_of(contour[:, 0].astype(np.float64), is_inside, radius, truth.shape)
                depth += 1.8 * radius


def _line_of(points: np.ndarray, is_inside: bool, radius: int, shape: tuple[int, ...]) -> _Line:
    blank = np.ones(shape, np.uint8)
    columns, rows = points.astype(np.int64).T
    blank[rows, columns] = 0
    away, labels = cv2.distanceTransformWithLabels(blank, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    number = np.zeros(labels.max() + 1, np.int64)
    number[labels[rows, columns]] = np.arange(len(points))
    near = np.nonzero(away <= radius - 0.5)
    return _Line(is_inside, radius, points + 0.5, near[0], near[1], number[labels[near]])


def _best_part(way: np.ndarray, gains: np.ndarray, cost: Callable[[np.ndarray], float]) -> tuple[np.ndarray, float]:
    """The part of a closed way that gains most a second, and what it gains.

    For a given price of a second the best part is the one with the largest sum of gains less their price; the price is
    raised to the rate of the part that was found until it is its own (Dinkelbach).
    """
    count = len(way)
    lengths = np.hypot(*(np.roll(way, -1, axis=0) - way).T)
    doubled_way, doubled = np.concatenate([way, way]), np.concatenate([gains, gains]).astype(np.float64)
    rate, best = 0.0, (0, count)
    for _ in range(8):
        worth = doubled - rate * np.concatenate([lengths, lengths]) / MOUSE
        sums = np.concatenate([[0.0], np.cumsum(worth)])
        least = np.minimum.accumulate(sums[:-1])
        end = int(np.argmax(sums[1:] - least)) + 1
        start = int(np.argmin(sums[:end]))
        start = max(start, end - count)
        gain = float(doubled[start:end].sum())
        found = gain / cost(doubled_way[start:end])
        if found <= rate + 1e-6:
            break
        rate, best = found, (start, end)
    start, end = best
    return doubled_way[start:end], float(doubled[start:end].sum())


def _shortest_part(way: np.ndarray, gains: np.ndarray, needed: float) -> tuple[np.ndarray, float]:
    """The shortest part of a closed way that gains enough; nothing when all of it does not."""
    if gains.sum() < needed:
        return way[:1], 0.0
    count = len(way)
    doubled = np.concatenate([way, way])
    gained = np.concatenate([[0.0], np.cumsum(np.concatenate([gains, gains]))])
    gone = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(doubled, axis=0).T))])
    ends = np.searchsorted(gained, gained[:count] + needed)
    ends = np.minimum(ends, 2 * count - 1)
    lengths = gone[np.maximum(ends - 1, 0)] - gone[:count]
    start = int(np.argmin(lengths))
    end = max(int(ends[start]), start + 1)
    return doubled[start:end], float(gained[end] - gained[start])


def _steps(way: np.ndarray) -> Iterator[tuple[float, float]]:
    """Where the mouse is at each of its reports on a way."""
    yield float(way[0][0]), float(way[0][1])
    gone = 0.0
    for one, other in pairwise(way):
        gone += math.dist(one, other)
        if gone >= STEP:
            gone = 0.0
            yield float(other[0]), float(other[1])
    if len(way) > 1:
        yield float(way[-1][0]), float(way[-1][1])


def _length(way: np.ndarray) -> float:
    return float(np.hypot(*np.diff(way, axis=0).T).sum()) if len(way) > 1 else 0.0


def _distance(one: Any, other: Any) -> float:
    return math.dist((float(one[0]), float(one[1])), (float(other[0]), float(other[1])))


# --- the ways to a good mask


class Outcome(NamedTuple):
    """How it went.

    Attributes:
        seconds: In all.
        dice: Of the mask in the end.
        acts: What was done, by name.
        spent: How many seconds each of them took; with the key before the first, and the one that accepts.
    """

    seconds: float
    dice: float
    acts: list[str]
    spent: list[float]

    @classmethod
    def of(cls, hand: Hand, truth: Mask) -> "Outcome":
        """What a hand has done."""
        spent = np.diff([0.0, *hand.starts[1:], hand.seconds]).tolist() if hand.acts else []
        return cls(hand.seconds, dice(hand.document.mask, truth), hand.acts, spent)


def corrected(predicted: Mask, truth: Mask, *, has_redraw: bool = True) -> Outcome:
    """Mend the prediction, which the sample begins with."""
    return _mended(_begin_with_it, predicted, truth, has_redraw=has_redraw)


def taken(predicted: Mask, truth: Mask) -> Outcome:
    """Take the prediction first, as a whole or blob by blob, and mend it."""
    outcomes = [_mended(begin, predicted, truth) for begin in (_take_whole, _walk)]
    return min(outcomes, key=lambda one: (one.dice < WANTED, one.seconds))


def _mended(
    begin: Callable[[Hand, Mask, Mask], None], predicted: Mask, truth: Mask, *, has_redraw: bool = True
) -> Outcome:
    hand = Hand(Document(np.zeros_like(truth)))
    begin(hand, predicted, truth)
    reviewer = Reviewer(hand, truth, has_redraw=has_redraw)
    reviewer.correct()
    if not hand.acts:
        hand.decide("accept")
    hand.key()  # accept: the next one is shown
    return Outcome.of(hand, truth)


def _begin_with_it(hand: Hand, predicted: Mask, _truth: Mask) -> None:
    document = hand.document
    document.propose(Edit.between(document.mask, predicted, "Take whole prediction"))


def _take_whole(hand: Hand, predicted: Mask, truth: Mask) -> None:
    hand.decide("take all")
    hand.key()
    hand.document.replace(predicted, "Take whole prediction")


def _walk(hand: Hand, predicted: Mask, truth: Mask) -> None:
    """From blob to blob, the worst first, until those that are left are not worth a look."""
    hand.key()
    while True:
        errors = Errors(hand.document.mask.copy(), predicted)
        worst = errors.worst(1)
        if not worst:
            return
        hunk = errors.hunk(worst[0])
        inside = truth[hunk.rect.slices][hunk.inside]
        gain = 2 * int(inside.sum()) - inside.size
        if gain / (DECISION + KEY) < 10 * LEAST_GAIN:
            return  # an island that is not there yet need not be removed
        hand.decide("take")
        hand.key()
        with hand.document.stroke("Take prediction here") as stroke:
            stroke.fill_region(Region(hunk.rect, hunk.inside), 1)


def brushed(truth: Mask) -> Outcome:
    """Draw from nothing with the brush."""
    hand = Hand(Document(np.zeros_like(truth)))
    Reviewer(hand, truth, has_redraw=False).correct()
    hand.key()
    return Outcome.of(hand, truth)


def polygons(truth: Mask) -> tuple[Outcome, int]:
    """Draw from nothing with polygons; also how many corners they have."""
    contours = cv2.findContours(truth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    contours = [one for one in contours if cv2.contourArea(one) > 30]
    low, high = 0.2, 30.0
    for _ in range(18):
        middle = (low + high) / 2
        low, high = (middle, high) if _polygons(truth, contours, middle)[0].dice >= WANTED else (low, middle)
    return _polygons(truth, contours, low)


def _polygons(truth: Mask, contours: Any, tolerance: float) -> tuple[Outcome, int]:
    hand, count = Hand(Document(np.zeros_like(truth))), 0
    for contour in contours:
        corners = cv2.approxPolyDP(contour, tolerance, closed=True)[:, 0].astype(np.float64) + 0.5
        if len(corners) >= 3:
            hand.decide("polygon")
            hand.polygon(corners)
            count += len(corners)
    hand.key()
    return Outcome.of(hand, truth), count


def lassoed(truth: Mask) -> Outcome:
    """Draw from nothing with the lasso."""
    hand = Hand(Document(np.zeros_like(truth)))
    for contour in cv2.findContours(truth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        if cv2.contourArea(contour) > 30:
            hand.decide("lasso")
            hand.draw("lasso", contour[:, 0].astype(np.float64) + 0.5)
    hand.key()
    return Outcome.of(hand, truth)


# --- the benchmark


def prepared(folder: Path, training: Sequence[str]) -> Path:
    """A project of the lungs whose network has learnt from none of the 30 images of its test split.

    Args:
        folder: Where to make it.
        training: Arguments of `segstudio train`.
    """
    data = Path(os.environ["SEGSTUDIO_TEST_DATA"]) / "lungs"
    project = folder / "lungs"
    for arguments in (
        ("new", project, "--from", data, "--split", f"60/{100 - 60 - IMAGES}/{IMAGES}", "--seed", "0"),
        ("train", project, *training),
        ("predict", project),
    ):
        print("segstudio", *arguments, flush=True)
        command = [sys.executable, "-m", "segstudio", *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return project


def measured(folder: Path) -> list[dict[str, Any]]:
    """All figures of each image of the test split."""
    rows = []
    with Project.open(folder) as project:
        run = project.runs.get(int(project.predictions.current() or 0))
        samples = [one for one in project.samples.all() if one.split == "test" and one.has_mask][:IMAGES]
        for sample in samples:
            probability = project.predictions.load(run.id, sample)
            if probability is None:
                raise SystemExit(f"{sample.image} is not predicted: segstudio predict {folder}")
            truth, predicted = project.masks.load(sample), predicted_at(probability, run.level)
            ours, brush, lasso = corrected(predicted, truth), brushed(truth), lassoed(truth)
            without, first = corrected(predicted, truth, has_redraw=False), taken(predicted, truth)
            polygon, corners = polygons(truth)
            rows.append(
                {
                    "image": sample.image,
                    "predicted": dice(predicted, truth),
                    "ours": ours._asdict(),
                    "without_redraw": without._asdict(),
                    "taken": first._asdict(),
                    "polygon": polygon._asdict(),
                    "corners": corners,
                    "polygon_thinking": polygon.seconds + DECISION * corners,
                    "brush": brush._asdict(),
                    "lasso": lasso._asdict(),
                }
            )
            print(
                f"  {sample.image:32} predicted {rows[-1]['predicted']:.3f}   corrected {ours.seconds:5.1f} s "
                f"({len(ours.acts):2} acts, {ours.dice:.3f})   polygon {polygon.seconds:5.1f} to "
                f"{rows[-1]['polygon_thinking']:5.1f} s ({corners} corners)   brush {brush.seconds:5.1f} s "
                f"({brush.dice:.3f})   lasso {lasso.seconds:4.1f} s",
                flush=True,
            )
    return rows


def say(rows: list[dict[str, Any]]) -> None:
    """Print means, medians and ratios."""
    ways = {
        "prediction corrected": [row["ours"]["seconds"] for row in rows],
        "the same without redrawing": [row["without_redraw"]["seconds"] for row in rows],
        "the same, taken first": [row["taken"]["seconds"] for row in rows],
        "polygon, no thinking": [row["polygon"]["seconds"] for row in rows],
        "polygon, a decision a corner": [row["polygon_thinking"] for row in rows],
        "brush": [row["brush"]["seconds"] for row in rows],
        "lasso with a perfect hand": [row["lasso"]["seconds"] for row in rows],
    }
    ours = float(np.mean(ways["prediction corrected"]))
    print(f"\n{len(rows)} images, to a Dice of {WANTED}; predicted {np.mean([row['predicted'] for row in rows]):.3f}")
    for name, seconds in ways.items():
        ratio = float(np.mean(seconds)) / ours
        print(
            f"  {name:30} mean {np.mean(seconds):5.1f}   median {np.median(seconds):5.1f}   "
            f"95 % {np.percentile(seconds, 95):5.1f} s an image   x {ratio:.1f}"
        )
    missed = [row["image"] for row in rows if row["ours"]["dice"] < WANTED]
    print(
        f"  reached in {len(rows) - len(missed)} of {len(rows)}" + (f", not in {', '.join(missed)}" if missed else "")
    )
    accepted = sum(row["ours"]["acts"] == ["accept"] for row in rows)
    print(f"  nothing but accepted: {accepted} of {len(rows)}")
    acts = [act for row in rows for act in row["ours"]["acts"]]
    spent = [seconds for row in rows for seconds in row["ours"]["spent"]]
    for name in sorted(set(acts)):
        seconds = sum(one for act, one in zip(acts, spent, strict=True) if act == name)
        print(f"  {name:14} {acts.count(name) / len(rows):4.1f} times an image, {seconds / len(rows):4.1f} s")


def _training(arguments: argparse.Namespace) -> list[str]:
    """What to train, as arguments of `segstudio train`; what comes last counts."""
    wanted = [*(PRESET if arguments.weights is None else PRETRAINED)]
    if arguments.weights is not None:
        wanted += ["--set", f"weights={arguments.weights}"]
    for name in ("preset", "recipe", "epochs"):
        if getattr(arguments, name) is not None:
            wanted += [f"--{name}", str(getattr(arguments, name))]
    return [*wanted, *(word for one in arguments.set for word in ("--set", one))]


def main() -> int:
    """Prepare, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="of the lungs, predicted; made in minutes when missing")
    parser.add_argument("--weights", type=Path, help="ImageNet weights of MobileNetV2: trains a better network")
    parser.add_argument("--preset", help="what is trained, for example mobilenetv2-unet-fast")
    parser.add_argument("--set", metavar="OPTION=VALUE", action="append", default=[], help="of the preset; repeatable")
    parser.add_argument("--recipe", help="of augmentation")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.project is None and not (Path(os.environ.get("SEGSTUDIO_TEST_DATA", "")) / "lungs").is_dir():
        print("skipped: SEGSTUDIO_TEST_DATA does not name a folder with the lungs, and no --project is given")
        return 0
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        rows = measured(arguments.project or prepared(Path(name), _training(arguments)))
    if arguments.json:
        print(json.dumps(rows))
    else:
        say(rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
