"""Small pairs to learn from."""

import numpy as np

from segstudio.core.manifest import ManifestRow
from segstudio.ml.data import Pairs
from tests.datasets import blob_pair

SIDE = 32


def blob_pairs(count: int, *, seed: int = 0, channels: int = 1) -> Pairs:
    """Pairs at the network's size, in memory."""
    rng = np.random.default_rng(seed)
    drawn = [blob_pair(rng, (SIDE, SIDE), is_rgb=channels == 3) for _ in range(count)]
    images = np.stack([image.reshape(SIDE, SIDE, channels) for image, _ in drawn])
    masks = np.stack([mask[..., None] for _, mask in drawn])
    return Pairs(images, masks, [ManifestRow(n, f"{n}.png", "train", 0, "", "") for n in range(count)])
