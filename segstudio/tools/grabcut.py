"""GrabCut: scribble on what is foreground and what is not, and the border between moves to the edge in the picture."""

import math
from collections.abc import Sequence
from typing import Literal, cast

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.edit import Patch
from segstudio.core.mask import Mask, Rect
from segstudio.core.options import Options, option
from segstudio.core.raster import brush_centre, brush_diameter, capsule
from segstudio.tools import TOOLS, Check, Computed, Pointer, Preview, Scene, Scribble, Steps, Tool, Work

Pixels = npt.NDArray[np.uint8]

_CONTEXT = 1.25
"""The window that is looked at is this many times the reach away from the scribbles: what lies around tells colours."""
FOREGROUND = 128
"""The least probability byte that is foreground."""


class GrabCutOptions(Options):
    """What is known before the scribbles, and how far they reach."""

    radius: float = option(6.0, "Radius", unit="px", ge=0.5, le=200, help="Half the width of a scribble.")
    start: Literal["from the mask", "from the prediction", "from nothing"] = option(
        "from the mask", "Start", help="What is taken for foreground where nobody has scribbled."
    )
    reach: float = option(
        15.0, "Reach", unit="%", ge=1, le=100,
        help="How far from the scribbles pixels may change, as a share of the longer side of the image.",
    )  # fmt: skip
    iterations: int = option(3, "Iterations", ge=1, le=20, is_advanced=True, help="How often the border is improved.")
    detail: int = option(
        400, "Detail", unit="px", ge=64, le=4096, is_advanced=True,
        help="The longer side of the picture that is computed on; the time grows with its square.",
    )  # fmt: skip


@TOOLS.register
class GrabCut(Tool[GrabCutOptions]):
    """Finds the edge between scribbles; several of them, until it is right."""

    name = "grabcut"
    title = "GrabCut"
    key = "C"
    help = (
        "Scribble on foreground, with Shift or the right button on background; Enter takes what is shown, "
        "Backspace takes the last scribble back, Escape cancels."
    )
    group = "By image"
    rank = 110
    cursor = "disc"
    has_many_clicks = True
    Options = GrabCutOptions

    def refusal(self, scene: Scene, options: GrabCutOptions) -> str:
        """There may be nothing to start from."""
        if options.start == "from the prediction" and scene.probability is None:
            return "There is no prediction for GrabCut to start from."
        return ""

    def steps(self, scene: Scene, options: GrabCutOptions, press: Pointer) -> Steps:
        """Collect scribbles; after each move look for the edge again; make the change when the drag is finished."""
        lines = [_begun(options, press)]
        is_drawing, is_stale = True, False
        patch: Patch | None = None
        work: Work | None = _cutting(scene, options, lines)
        while (event := (yield Preview(patch=patch, scribbles=tuple(lines), work=work))) is not None:
            if isinstance(event, Computed):
                patch, work = event.value, None
            elif event.is_step_back:
                lines.pop()
                if not lines:
                    return
                is_drawing, is_stale = False, True
            elif event.clicks:
                lines.append(_begun(options, event))
                is_drawing = is_stale = True
            elif is_drawing and event.is_down:
                lines[-1] = _longer(lines[-1], event)
                is_stale = True
            else:
                is_drawing = False
            if work is None and is_stale:
                is_stale, work = False, _cutting(scene, options, lines)
        if patch is not None:
            with scene.document.stroke(self.title) as stroke:
                stroke.put(patch)


def _begun(options: GrabCutOptions, pointer: Pointer) -> Scribble:
    return Scribble((pointer.point,), options.radius, not pointer.is_alternate)


def _longer(scribble: Scribble, pointer: Pointer) -> Scribble:
    return Scribble((*scribble.points, pointer.point), scribble.radius, scribble.is_foreground)


def _cutting(scene: Scene, options: GrabCutOptions, lines: Sequence[Scribble]) -> Work:
    """The mask is looked at in the thread: until the drag ends, nothing else changes it."""
    drawn, mask, image, probability = tuple(lines), scene.document.mask, scene.image, scene.probability

    def cut(check: Check) -> Patch:
        prior = mask
        if options.start == "from the prediction" and probability is not None:
            prior = (probability >= FOREGROUND).view(np.uint8)
        elif options.start == "from nothing":
            prior = np.zeros_like(mask)
        is_only_added = options.start == "from nothing"
        return cut_out(image, mask, prior, drawn, options, check, is_only_added=is_only_added)

    return Work(cut, "Looking for edges")


def cut_out(
    image: Pixels,
    mask: Mask,
    prior: Mask,
    scribbles: Sequence[Scribble],
    options: GrabCutOptions,
    check: Check = lambda: None,
    *,
    is_only_added: bool = False,
) -> Patch:
    """What scribbles make of a mask.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        mask: As it is.
        prior: What is foreground probably, uint8 (H, W).
        scribbles: The newest last; it wins where two cross.
        options: How far they reach, and how carefully to look.
        check: Called often; raises when nobody waits any more.
        is_only_added: Whether what is found is added to the mask; otherwise it takes the mask's place within reach.
    """
    shape = mask.shape[0], mask.shape[1]
    reach = options.reach / 100 * max(shape)
    window = _around(scribbles, reach * _CONTEXT, shape)
    scale = min(1.0, options.detail / max(window.width, window.height, 1))
    size = (max(1, round(window.width * scale)), max(1, round(window.height * scale)))
    said = _drawn(scribbles, window)
    if window.is_empty:
        return Patch(window, np.zeros((0, 0), np.uint8))
    small_said = _smaller_scribbles(said, size)
    away = cv2.distanceTransform(np.where(small_said, 0, 1).astype(np.uint8), cv2.DIST_L2, 3)
    is_within = (away <= max(reach * scale, 1)) & bool(said.any())
    found = _found(_smaller(image[window.slices], size), _smaller_mask(prior[window.slices], size), small_said,
                   is_within, options.iterations, check)  # fmt: skip
    check()
    whole = (window.width, window.height)
    found = (cv2.resize(found * np.uint8(255), whole, interpolation=cv2.INTER_LINEAR) >= FOREGROUND).view(np.uint8)
    is_within = cv2.resize(is_within.view(np.uint8), whole, interpolation=cv2.INTER_NEAREST).view(np.bool_)
    before = mask[window.slices]
    after = np.where(is_within, (found | before) if is_only_added else found, before)
    after[said == 1] = 1
    after[said == -1] = 0
    return Patch(window, after.astype(np.uint8, copy=False))


def _found(
    image: Pixels, prior: Mask, said: npt.NDArray[np.int8], is_within: npt.NDArray[np.bool_], rounds: int, check: Check
) -> Mask:
    """Foreground in the small picture."""
    labels = np.where(prior > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[~is_within] = np.where(prior > 0, cv2.GC_FGD, cv2.GC_BGD)[~is_within]
    labels[said == 1] = cv2.GC_FGD
    labels[said == -1] = cv2.GC_BGD
    is_foreground = (labels & 1).astype(np.bool_)
    if is_foreground.all() or not is_foreground.any():
        return is_foreground.view(np.uint8)  # one kind of pixel alone teaches nothing about the other
    colours = image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    background, foreground = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # the same scribbles, the same edge
    for number in range(rounds):
        check()
        how = cv2.GC_EVAL if number else cv2.GC_INIT_WITH_MASK
        cv2.grabCut(colours, labels, None, background, foreground, 1, how)  # type: ignore[call-overload]
    return cast(Mask, labels & 1)


def _around(scribbles: Sequence[Scribble], by: float, shape: tuple[int, int]) -> Rect:
    points = np.array([point for scribble in scribbles for point in scribble.points])
    by += max(scribble.radius for scribble in scribbles)
    (left, top), (right, bottom) = points.min(axis=0) - by, points.max(axis=0) + by
    return Rect.between(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom)).clip(shape)


def _drawn(scribbles: Sequence[Scribble], window: Rect) -> npt.NDArray[np.int8]:
    """1 under foreground, -1 under background, else 0; the pixels that a brush of that radius would paint."""
    said = np.zeros((window.height, window.width), np.int8)
    for scribble in scribbles:
        diameter = brush_diameter(scribble.radius)
        centres = [brush_centre(x - window.x, y - window.y, diameter) for x, y in scribble.points]
        for start, end in zip([centres[0], *centres], centres, strict=False):
            spans = capsule((window.height, window.width), start, end, diameter)
            for row, (first, stop) in enumerate(zip(spans.starts, spans.stops, strict=True), start=spans.top):
                said[row, first:stop] = 1 if scribble.is_foreground else -1
    return said


def _smaller(image: Pixels, size: tuple[int, int]) -> Pixels:
    return cast(Pixels, cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _smaller_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    return (cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA) >= FOREGROUND).view(np.uint8)


def _smaller_scribbles(said: npt.NDArray[np.int8], size: tuple[int, int]) -> npt.NDArray[np.int8]:
    """A scribble stays visible however small the picture gets."""
    small = np.zeros((size[1], size[0]), np.int8)
    rows, columns = np.nonzero(said)
    at = rows * size[1] // said.shape[0], columns * size[0] // said.shape[1]
    small[at] = said[rows, columns]
    return small
