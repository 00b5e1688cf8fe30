"""Changes: what each edit of a history did to the mask, in figures and as a small picture.

An edit alone says which pixels it flipped. Whether they came or went is known from the mask after it, so the history is
followed back from the mask as it is now, and forward for what was undone. What an edit did never changes: it is found
once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from segstudio.core.edit import Edit
from segstudio.core.mask import Mask, Rect

SIDE = 40
"""The longer side of a picture, in pixels."""

AROUND = 0.5
"""So much of its size is shown around a change, so that one sees where it is."""

LEAST = 24
"""And so many pixels of the image at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What an edit did.

    Attributes:
        added: Pixels that became foreground.
        removed: Pixels that ceased to be.
        picture: uint8 (h, w, 3), at most SIDE wide and high, of the place: for each small pixel the shares, times 255,
            that were foreground before and after, that came, and that went.
    """

    added: int
    removed: int
    picture: npt.NDArray[np.uint8]


def change_of(edit: Edit, after: Mask) -> Change:
    """What an edit did.

    Args:
        edit: Of a mask.
        after: uint8 (H, W) of 0 and 1, the mask right after it.

    Raises:
        ValueError: When the edit does not fit, or is damaged.
    """
    if after.shape != edit.shape:
        raise ValueError(f"an edit of a mask of shape {edit.shape} does not fit one of shape {after.shape}")
    place = _around(edit.bounds, edit.shape)
    flipped = np.zeros((place.height, place.width), np.uint8)
    added = removed = 0
    for rect, flips in edit.differences():
        now = after[rect.slices]
        came = cv2.countNonZero(cv2.bitwise_and(flips, np.ascontiguousarray(now)))
        added, removed = added + came, removed + cv2.countNonZero(flips) - came
        common = rect.intersect(place)
        inner = common.relative_to(rect).slices
        flipped[common.relative_to(place).slices] = flips[inner]
    part = after[place.slices]
    shares = np.stack([part & (1 - flipped), part & flipped, (1 - part) & flipped], axis=-1) * np.uint8(255)
    scale = min(1.0, SIDE / max(place.width, place.height, 1))
    size = max(1, round(place.width * scale)), max(1, round(place.height * scale))
    picture = cv2.resize(shares, size, interpolation=cv2.INTER_AREA)
    return Change(added, removed, np.asarray(picture, np.uint8))


def changes(
    mask: Mask,
    past: Sequence[Edit],
    future: Sequence[Edit],
    known: Mapping[int, Change],
    goes_on: Callable[[], bool] = lambda: True,
) -> dict[int, Change]:
    """What the edits of a history did, as far as it is not known.

    Args:
        mask: uint8 (H, W) of 0 and 1 as it is now; changed, and of no use any more.
        past: What can be undone, oldest first.
        future: What can be redone, next first.
        known: By `id` of the edit.
        goes_on: Asked before each edit; when it says no, the rest stays unknown.

    Returns:
        By `id` of the edit, those that were not known.
    """
    found: dict[int, Change] = {}
    back, forward = _as_far_as_needed(past[::-1], known), _as_far_as_needed(future, known)
    now = mask.copy() if forward and back else mask
    for edit in back:
        if not goes_on():
            return found
        if id(edit) not in known:
            found[id(edit)] = change_of(edit, mask)
        edit.apply(mask)
    for edit in forward:
        if not goes_on():
            return found
        edit.apply(now)
        if id(edit) not in known:
            found[id(edit)] = change_of(edit, now)
    return found


def _as_far_as_needed(edits: Sequence[Edit], known: Mapping[int, Change]) -> Sequence[Edit]:
    """The edits up to the last one that is not known."""
    places = [number for number, edit in enumerate(edits, start=1) if id(edit) not in known]
    return edits[: places[-1]] if places else ()


def _around(bounds: Rect, shape: tuple[int, int]) -> Rect:
    """A square with the change in its middle, as far as the image reaches."""
    side = max(bounds.width, bounds.height)
    side = max(round(side * (1 + 2 * AROUND)), side + LEAST)
    x, y = bounds.x + (bounds.width - side) // 2, bounds.y + (bounds.height - side) // 2
    return Rect(x, y, side, side).clip(shape)
