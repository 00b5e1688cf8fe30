"""The strip: how the prediction of a few validation images changes, epoch by epoch; small pictures in the run's folder.

    strip/images.png        the images beside each other, RGB
          masks.png         their true masks, 0 and 255
          epoch_NNNN.png    what it predicts after that epoch (0000: before training), 255 times the probability

They are for looking at: at the network's size or smaller, never measured.
"""

from pathlib import Path

import keras
import numpy as np

from segstudio.core.files import write_atomically
from segstudio.core.labels import FOREGROUND
from segstudio.core.reporter import Reporter
from segstudio.core.scaling import scaled_image, scaled_mask
from segstudio.formats import encode_grey, encode_rgb
from segstudio.ml.data import Pairs
from segstudio.ml.schedule import Row

FOLDER = "strip"

COUNT = 4
"""So many images fit beside each other into a panel."""

SIDE = 128
"""The most pixels along each side of one of them."""

EACH, TENTH = 200, 2000
"""Every epoch is kept up to the first, every tenth up to the second, then every hundredth: a long run fills no disk."""


class Strip:
    """Watches a training, see ml.fit.Watcher."""

    def __init__(self, val: Pairs, folder: Path, report: Reporter) -> None:
        """Choose the images and write them down.

        Args:
            val: The pairs that validate.
            folder: The run's folder.
            report: Hears of every picture.
        """
        rows = chosen(val)
        self._images = val.images[rows]
        self._folder = folder / FOLDER
        self._report = report
        self._folder.mkdir(parents=True, exist_ok=True)
        colours = [scaled_image(image, (*_size(image), 3)) for image in self._images]
        masks = [
            scaled_mask(mask[..., 0] & np.uint8(FOREGROUND), *_size(mask)) * np.uint8(255) for mask in val.masks[rows]
        ]
        write_atomically(self._folder / "images.png", encode_rgb(np.concatenate(colours, axis=1)))
        write_atomically(self._folder / "masks.png", encode_grey(np.concatenate(masks, axis=1)))

    def __call__(self, network: keras.Model, row: Row) -> None:
        """Write what the network predicts now."""
        epoch = row["epoch"]
        if not is_kept(epoch):
            return
        # One at a time: what fits into memory for a step fits here too.
        probabilities = np.concatenate([network.predict_on_batch(image[None]) for image in self._images])
        bytes_ = np.round(255 * np.clip(np.nan_to_num(probabilities), 0, 1)).astype(np.uint8)
        tiles = [scaled_image(one[..., 0], (*_size(one), 1))[..., 0] for one in bytes_]
        path = self._folder / f"epoch_{epoch:04}.png"
        write_atomically(path, encode_grey(np.concatenate(tiles, axis=1)))
        self._report.artifact(path)


def chosen(val: Pairs) -> list[int]:
    """The rows that are shown: spread evenly over the names, those with foreground before those without."""
    order = sorted(range(len(val)), key=lambda row: val.rows[row].image)
    full = [row for row in order if (val.masks[row] & FOREGROUND).any()]
    able = full if len(full) >= COUNT else [*full, *(row for row in order if row not in full)]
    places = np.linspace(0, len(able) - 1, min(COUNT, len(able))).round().astype(int)
    return [able[place] for place in places]


def is_kept(epoch: int) -> bool:
    """Whether there is a picture of an epoch."""
    return epoch % (1 if epoch <= EACH else 10 if epoch <= TENTH else 100) == 0


def _size(image: np.ndarray) -> tuple[int, int]:
    """Height and width of a picture no larger than SIDE."""
    height, width = image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
