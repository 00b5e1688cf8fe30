"""Training on crops: large images stay at the resolution of their details, and each look at one is a part of it.

Images are kept as bytes, at the scale at which a crop has the network's size, and on the disk where memory is too small
for all of them; nothing is ever a float but the batch. Which part is seen follows from the seed, the image's name and
for which time it is seen: as with augmentation, neither from the batch nor from the thread. What validates are fixed
parts, the same ones every epoch.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import psutil

from segstudio.augmentation.augmenter import seed_of
from segstudio.core.errors import UserError
from segstudio.core.labels import CORRECTED, FOREGROUND, scaled_labels
from segstudio.core.manifest import ManifestRow
from segstudio.core.reporter import Reporter
from segstudio.core.scaling import scaled_image, scaled_length
from segstudio.ml import data
from segstudio.ml.data import Example, Pairs, Pictures, load_example
from segstudio.ml.tiles import starts
from segstudio.models import Shape

SHARE_OF_FOREGROUND = 0.5
"""So many crops are laid around a pixel of foreground or one that was corrected; the others anywhere."""

SPOTS = 1024
"""So many such pixels of each image are remembered."""

MOST_FIXED = 16
"""An image is validated by not more parts than this, spread evenly over it."""

Scaled = tuple[np.ndarray, np.ndarray, ManifestRow]


@dataclass(frozen=True)
class Crops(Pictures):
    """Large images to learn from, of which each look shows a part.

    Attributes:
        images: uint8 (h, w, C) each, not smaller than a crop.
        masks: uint8 (h, w, 1) each, of labels.
        shape: Height, width and channels of a crop: those of the network.
        spots: int64 (K,) each: some of the pixels that are foreground or corrected, as places in the flat mask.
    """

    shape: Shape = (0, 0, 0)
    spots: Sequence[np.ndarray] = ()

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """See Pictures."""
        return self.shape, (*self.shape[:2], 1)

    def look(self, row: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """See Pictures."""
        rng = np.random.default_rng(seed_of(seed, "crop"))
        is_aimed, at = rng.random() < SHARE_OF_FOREGROUND, rng.random()
        spots = self.spots[row]
        return self._around(row, int(spots[int(at * len(spots))]) if is_aimed and len(spots) else None, rng)

    def look_at_foreground(self, row: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """See Pictures."""
        rng = np.random.default_rng(seed_of(seed, "crop"))
        spots = self.spots[row]
        # Of an image in which much was corrected to background, they may all be that: then another crop must do.
        spots = spots[(self.masks[row].reshape(-1)[spots] & FOREGROUND) > 0]
        return self._around(row, int(spots[int(rng.random() * len(spots))]) if len(spots) else None, rng)

    def _around(self, row: int, spot: int | None, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A crop that shows a pixel, given by its place in the flat mask; any crop when None."""
        image, mask, (height, width, _) = self.images[row], self.masks[row], self.shape
        most_top, most_left = mask.shape[0] - height, mask.shape[1] - width
        if spot is not None:
            y, x = divmod(spot, mask.shape[1])
            # The pixel lies anywhere in the crop: a network that saw it in the middle would learn that.
            top, left = y - int(rng.integers(height)), x - int(rng.integers(width))
        else:
            top, left = int(rng.integers(most_top + 1)), int(rng.integers(most_left + 1))
        top, left = min(max(top, 0), most_top), min(max(left, 0), most_left)
        part = slice(top, top + height), slice(left, left + width)
        return np.ascontiguousarray(image[part]), np.ascontiguousarray(mask[part])


def load_crops(examples: Sequence[Example], shape: Shape, crop: int, cache: Path, report: Reporter) -> Crops:
    """Decode every example once, for crops of so many pixels of the image.

    A file that cannot be read is noted and left out.

    Args:
        examples: What to load.
        shape: Height, width and channels of the network.
        crop: Side of a crop in pixels of the image.
        cache: Folder for what memory is too small for.
        report: Hears of progress and of bad files.

    Raises:
        Cancelled: When the user stopped it.
    """
    images, masks, rows, spots = list[np.ndarray](), list[np.ndarray](), list[ManifestRow](), list[np.ndarray]()
    left = int(data.SHARE_OF_MEMORY * psutil.virtual_memory().available)
    for image, labels, row in _loaded(examples, shape, crop, report):
        left -= image.nbytes + labels.nbytes
        if left < 0:
            image = _on_disk(image, cache / f"image_{len(rows)}.uint8")
            labels = _on_disk(labels, cache / f"labels_{len(rows)}.uint8")
        found = np.flatnonzero(labels & np.uint8(FOREGROUND | CORRECTED))
        spots.append(found[np.linspace(0, len(found) - 1, min(SPOTS, len(found))).astype(np.int64)])
        images.append(image)
        masks.append(labels)
        rows.append(row)
    return Crops(images, masks, rows, shape, spots)


def load_fixed_crops(examples: Sequence[Example], shape: Shape, crop: int, cache: Path, report: Reporter) -> Pairs:
    """The parts by which a training on crops is validated: a grid over each image, at most MOST_FIXED of it.

    See `load_crops`. An image has as many rows as parts.
    """
    height, width, channels = shape
    images = data.empty((MOST_FIXED * len(examples), height, width, channels), cache)
    masks = data.empty((MOST_FIXED * len(examples), height, width, 1), cache)
    rows: list[ManifestRow] = []
    for image, labels, row in _loaded(examples, shape, crop, report):
        for part in grid(labels.shape[:2], shape):
            images[len(rows)], masks[len(rows)] = image[part], labels[part]
            rows.append(row)
    return Pairs(images[: len(rows)], masks[: len(rows)], rows)


def grid(size: tuple[int, ...], shape: Shape) -> list[tuple[slice, slice]]:
    """Parts of `shape` that cover an image of `size` (rows, columns); evenly chosen ones when they are too many."""
    height, width, _ = shape
    parts = [
        (slice(top, top + height), slice(left, left + width))
        for top in starts(size[0], height, 0)
        for left in starts(size[1], width, 0)
    ]
    return [parts[at] for at in np.linspace(0, len(parts) - 1, min(MOST_FIXED, len(parts))).astype(int)]


def at_scale(image: np.ndarray, labels: np.ndarray, shape: Shape, crop: int) -> tuple[np.ndarray, np.ndarray]:
    """The image with the network's channels and its labels, at the scale at which a crop has the network's size.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        labels: uint8 (H, W).
        shape: Height, width and channels of the network.
        crop: Side of a crop in pixels of the image.

    Returns:
        uint8 (h, w, C) and uint8 (h, w, 1), not smaller than the network: what is missing is continued by its mirror
        image, as prediction in tiles does.
    """
    rows, columns = (scaled_length(length, shape[0], crop) for length in labels.shape)
    image, labels = scaled_image(image, (rows, columns, shape[2])), scaled_labels(labels, rows, columns)
    below, right = max(0, shape[0] - rows), max(0, shape[1] - columns)
    if below or right:
        image = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REFLECT).reshape(
            rows + below, columns + right, shape[2]
        )
        labels = cv2.copyMakeBorder(labels, 0, below, 0, right, cv2.BORDER_REFLECT)
    return image, labels[..., None]


def _loaded(examples: Sequence[Example], shape: Shape, crop: int, report: Reporter) -> Iterator[Scaled]:
    """What can be read, in order; no more than one image a core is ahead: they may be huge."""

    def load(example: Example) -> Scaled:
        image, labels, row = load_example(example)
        return *at_scale(image, labels, shape, crop), row

    ahead = os.cpu_count() or 1
    with ThreadPoolExecutor(ahead) as threads:
        futures: dict[int, Future[Scaled]] = {}
        try:
            for number, example in enumerate(examples):
                for coming in range(number, min(number + ahead, len(examples))):
                    if coming not in futures:
                        futures[coming] = threads.submit(load, examples[coming])
                try:
                    yield futures[number].result()
                except (UserError, OSError) as error:
                    report.note(example.image, str(error))
                del futures[number]
                report.progress(number + 1, len(examples), f"reading image {number + 1} of {len(examples)}")
        finally:
            for future in futures.values():
                future.cancel()


def _on_disk(pixels: np.ndarray, path: Path) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels.tofile(path)
    return np.memmap(path, np.uint8, "r", shape=pixels.shape)
