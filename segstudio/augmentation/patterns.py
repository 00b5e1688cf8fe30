"""What a transform does to an image and its mask, measured: on patterns drawn for it, and on where pixels come from.

Here are figures and no judgement; what is too much, and what to say of it, is the business of `safety`.
"""

import itertools
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from segstudio.augmentation.augmenter import Augmented

Pair = tuple[np.ndarray, np.ndarray]
"""An image, uint8 (H, W) or (H, W, 3), and its mask, uint8 (H, W) of 0 and 1."""

_GROUND, _OBJECT, _TOLERANCE = 40, 215, 20
"""Shades of the pattern for transforms that move it, so far apart that no interpolation confuses them."""

_DIM_GROUND, _DIM_OBJECT = 61, 113
"""Shades of the pattern for transforms that change light: both in the darker half, away from every usual threshold."""

Apply = Callable[[np.ndarray, np.ndarray, int], Augmented]
"""(image, mask, seed) -> image, mask and what was applied: Augmenter.apply, or anything like it."""


def pattern(size: int, *, is_dim: bool = False) -> Pair:
    """A grid of cells, some of them object, alike nowhere: (size, size) in grey, and its mask."""
    cells = (np.random.default_rng(7).random((8, 8)) < 0.5).astype(np.uint8)
    mask = cv2.resize(cells, (size, size), interpolation=cv2.INTER_NEAREST)
    ground, thing = (_DIM_GROUND, _DIM_OBJECT) if is_dim else (_GROUND, _OBJECT)
    return np.where(mask > 0, np.uint8(thing), np.uint8(ground)), mask


def share_apart(tries: Sequence[Augmented]) -> float:
    """At what share of pixels the mask says something else than the image shows, in the worst try on a pattern.

    Three pixels beside the outlines are left out, and what shows neither shade of the pattern (borders, holes).
    """
    kernel = np.ones((7, 7), np.uint8)
    worst = 0.0
    for image, mask, _ in tries:
        shades = image.astype(np.int16)
        shows_object, shows_ground = np.abs(shades - _OBJECT) <= _TOLERANCE, np.abs(shades - _GROUND) <= _TOLERANCE
        inside = cv2.erode(mask, kernel, borderValue=1) > 0
        outside = cv2.dilate(mask, kernel, borderValue=0) == 0
        told = (inside | outside) & (shows_object | shows_ground)
        wrong = (inside & shows_ground) | (outside & shows_object)
        if told.mean() > 0.01:
            worst = max(worst, float(wrong.sum() / told.sum()))
    return worst


def likeness(done: Augmented) -> float:
    """How alike image and mask of a dim pattern are, 0..1: their correlation, whichever of them is the brighter.

    Grain is averaged away and slow shades are taken out before, so that only a pattern that moved or vanished counts.
    """
    first, second = _detail(done.image, 32), _detail(done.mask * np.uint8(255), 32)
    scale = float(np.sqrt((first**2).sum() * (second**2).sum()))
    # A picture without any detail left is blank, which is said elsewhere.
    return abs(float((first * second).sum()) / scale) if scale > 1 else 1.0


def share_moved(done: Augmented) -> float:
    """In what share of nine regions the image shows the pattern of the mask clearly, but at another place.

    A picture in which nothing can be recognised any more has not moved.
    """
    image, mask = _detail(done.image, 64), _detail(done.mask * np.uint8(255), 64)
    moved = 0
    for y, x in itertools.product((8, 24, 40), repeat=2):
        around, piece = image[y - 8 : y + 24, x - 8 : x + 24], mask[y : y + 16, x : x + 16]
        if around.std() < 1 or piece.std() < 1:
            continue
        match = np.abs(cv2.matchTemplate(around, piece, cv2.TM_CCOEFF_NORMED))
        here = match[7:10, 7:10].max()  # where it belongs, give or take the width of a blur
        moved += bool(match.max() > 0.8 and match.max() - here > 0.15)
    return moved / 9


def _detail(image: np.ndarray, size: int) -> np.ndarray:
    """float32 (size, size): the image without grain and without slow shades."""
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)
    return small - cv2.GaussianBlur(small, (0, 0), size / 7)


def is_binary(mask: np.ndarray) -> bool:
    """Whether it is a mask: uint8 (H, W) of 0 and 1."""
    return mask.dtype == np.uint8 and mask.ndim == 2 and int(mask.max(initial=0)) <= 1


def kept(apply: Apply, mask: np.ndarray, seed: int) -> tuple[float, float]:
    """What share of the object is still in the picture, and what share of it is covered though the mask shows it.

    Instead of a picture, one is warped whose colours say where each pixel came from.

    Args:
        apply: Only what moves the mask; what changes colours would change where pixels seem to come from.
        mask: uint8 (H, W) of 0 and 1 with some object.
        seed: Of the try.
    """
    height, width = mask.shape
    source = np.full((height, width, 3), 255, np.uint8)
    source[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    source[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    before = _cells(source, mask > 0)
    done = apply(source, mask, seed)
    is_seen = done.image[..., 2] > 250
    shown = done.mask > 0
    after = _cells(done.image, shown & is_seen)
    left = float(before[after > 0].sum() / before.sum())
    covered = float((shown & (done.image[..., 2] < 128)).sum() / max(int(shown.sum()), 1))
    return left, covered


_CELLS = 24


def _cells(source: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """How many of the chosen pixels come from each cell of the original."""
    columns = source[..., 0][chosen].astype(np.int32) * _CELLS // 256
    rows = source[..., 1][chosen].astype(np.int32) * _CELLS // 256
    return np.bincount(rows * _CELLS + columns, minlength=_CELLS * _CELLS)
