"""Pixel info: what is known of the pixel under the pointer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segstudio.core.mask import Mask


@dataclass(frozen=True, slots=True)
class PixelInfo:
    """The pixel under the pointer.

    Attributes:
        x: Column.
        y: Row.
        value: Grey value, or red, green and blue.
        truth: 0 or 1; None without a mask.
        probability: From 0 to 1; None without a prediction.
    """

    x: int
    y: int
    value: int | tuple[int, int, int]
    truth: int | None
    probability: float | None


def pixel_info(
    x: float, y: float, image: NDArray[np.uint8], truth: Mask | None, probability: NDArray[np.uint8] | None
) -> PixelInfo | None:
    """The pixel at an image position; None beside the image.

    Args:
        x: Image x.
        y: Image y.
        image: uint8 (H, W) or (H, W, 3).
        truth: uint8 (H, W) of 0 and 1, or None.
        probability: uint8 (H, W), 255 times the probability of foreground, or None.
    """
    column, row = int(x // 1), int(y // 1)
    if not (0 <= row < image.shape[0] and 0 <= column < image.shape[1]):
        return None
    value = image[row, column]
    return PixelInfo(
        column,
        row,
        int(value) if image.ndim == 2 else (int(value[0]), int(value[1]), int(value[2])),
        None if truth is None else int(truth[row, column]),
        None if probability is None else float(probability[row, column]) / 255,
    )
