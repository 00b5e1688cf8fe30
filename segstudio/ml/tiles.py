"""Large images at full resolution: overlapping tiles, blended smoothly, a row of tiles at a time.

A weight that falls towards the edges of each tile hides where tiles meet: what a network says near an edge, where it
sees only one side, counts little. The weights are the same in every tile and the tiles lie on a grid, so that what they
add up to is a product of two lines, and no second map is needed to divide by.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from segstudio.core.scaling import scaled_image
from segstudio.core.way import OVERLAP
from segstudio.models import Shape

Look = Callable[[np.ndarray], np.ndarray]
"""From uint8 (B, h, w, C) to float32 (B, h, w, K): K maps of each image."""


class Band(NamedTuple):
    """Rows of the whole image that are finished.

    Attributes:
        top: Number of the first one.
        maps: float32 (rows, W, K).
    """

    top: int
    maps: np.ndarray


def blended(image: np.ndarray, shape: Shape, look: Look, *, batch: int, overlap: float = OVERLAP) -> Iterator[Band]:
    """The maps of an image of any size, from above to below.

    No more than `batch` tiles are looked at together, and no more than one row of tiles is kept.

    Args:
        image: uint8 (H, W) or (H, W, 3); where it is smaller than a tile, its mirror image continues it.
        shape: Height, width and channels of a tile.
        look: Gives the maps of tiles.
        batch: Tiles per step.
        overlap: Share of a tile that the next one covers too, at least.

    Yields:
        Bands that together are all rows, each once.
    """
    height, width = image.shape[:2]
    image = _filled(image, shape)
    tops, lefts = (starts(length, size, overlap) for length, size in zip(image.shape[:2], shape, strict=False))
    falls, across = (
        normalized_weights(places, size, length)
        for places, size, length in zip((tops, lefts), shape, image.shape[:2], strict=False)
    )
    open_rows = np.zeros((0, image.shape[1], 1), np.float32)
    for number, top in enumerate(tops):
        strip = _strip(image, top, lefts, across, shape, look, batch) * falls[number][:, None, None]
        # The rows that the tiles above have in common with these.
        strip[: len(open_rows)] += open_rows
        done = (tops[number + 1] if number + 1 < len(tops) else image.shape[0]) - top
        if top < height:
            yield Band(top, strip[: min(done, height - top), :width])
        open_rows = strip[done:]


def starts(length: int, size: int, overlap: float = OVERLAP) -> list[int]:
    """Where tiles begin: evenly, the first at 0, the last ending at `length`, none overlapping less than wanted."""
    if length <= size:
        return [0]
    step = max(1, math.floor(size * (1 - overlap)))
    count = math.ceil((length - size) / step) + 1
    return [round(place) for place in np.linspace(0, length - size, count)]


def window(size: int) -> np.ndarray:
    """float64 (size,): Hann's window taken at the middle of each pixel, where it is nowhere 0."""
    return np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2


def normalized_weights(places: list[int], size: int, length: int) -> np.ndarray:
    """float32 (tiles, size): the weight of each place of each tile; all weights of one pixel add up to 1."""
    total = np.zeros(length)
    for place in places:
        total[place : place + size] += window(size)
    return np.stack([window(size) / total[place : place + size] for place in places]).astype(np.float32)


def _strip(
    image: np.ndarray, top: int, lefts: list[int], across: np.ndarray, shape: Shape, look: Look, batch: int
) -> np.ndarray:
    """One row of tiles side by side: float32 (h, W, K)."""
    height, width, _ = shape
    strip: np.ndarray | None = None
    for begin in range(0, len(lefts), batch):
        places = lefts[begin : begin + batch]
        tiles = [scaled_image(image[top : top + height, left : left + width], shape) for left in places]
        for number, (left, maps) in enumerate(zip(places, look(np.stack(tiles)), strict=True), begin):
            if strip is None:
                strip = np.zeros((height, image.shape[1], maps.shape[-1]), np.float32)
            strip[:, left : left + width] += maps * across[number][None, :, None]
    assert strip is not None  # there is always a tile
    return strip


def _filled(image: np.ndarray, shape: Shape) -> np.ndarray:
    """The image, continued to the right and below to the size of one tile at least."""
    rows, columns = (max(0, size - length) for length, size in zip(image.shape[:2], shape, strict=False))
    if not rows and not columns:
        return image
    return cv2.copyMakeBorder(image, 0, rows, 0, columns, cv2.BORDER_REFLECT)
