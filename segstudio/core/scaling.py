"""An image and its mask at another size: what the network sees of them.

Scaling is the one place where a mask meets another size than its own, and only for the network's eyes: a pixel of the
small mask is foreground when at least half of its area is. Truth and predictions keep the image's own resolution.
"""

import cv2
import numpy as np


def scaled_image(image: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The image at the network's size and with its channels.

    Args:
        image: uint8 (H, W) grey or (H, W, 3) RGB.
        shape: Height, width and channels wanted.

    Returns:
        uint8 of `shape`.
    """
    height, width, channels = shape
    is_smaller = image.shape[0] >= height and image.shape[1] >= width
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
    if channels == 1 and image.ndim == 3:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if image.ndim == 2:
        image = np.repeat(image[..., None], channels, axis=2)
    return image


def scaled_mask(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """The mask at the network's size: foreground where at least half of the area is.

    Args:
        mask: uint8 (H, W) of 0 and 1.
        height: Rows wanted.
        width: Columns wanted.

    Returns:
        uint8 (height, width) of 0 and 1.
    """
    return (cv2.resize(mask * np.uint8(255), (width, height), interpolation=cv2.INTER_AREA) > 127).astype(np.uint8)


def scaled_length(length: int, size: int, crop: int) -> int:
    """How many pixels a side of an image has at the scale at which `crop` of them are `size`."""
    return max(1, round(length * size / crop))


def without_colour(image: np.ndarray) -> np.ndarray:
    """The image with one channel when it shows no colour (an X-ray saved as RGB); another one as it is.

    What is augmented is this: noise on a grey picture is grey too, whatever its file or its network calls it.

    Args:
        image: uint8 (H, W), (H, W, 1) or (H, W, 3).

    Returns:
        uint8 (H, W), or `image` itself.
    """
    if image.ndim == 2 or (image[..., 1:] != image[..., :1]).any():
        return image
    return np.ascontiguousarray(image[..., 0])
