"""A wide blur in reasonable time."""

import cv2
import numpy as np

SMALLEST_BLUR = 4.0
"""Pixels. A wider blur is made on a smaller picture, in which it is as wide: a wide kernel would take seconds."""


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of so many pixels (standard deviation); float32 or uint8, as the picture is."""
    if sigma <= 0:
        return picture
    height, width = picture.shape[:2]
    by = max(1, min(int(sigma / SMALLEST_BLUR), height, width))
    if by == 1:
        return cv2.GaussianBlur(picture, (0, 0), sigma)
    small = cv2.resize(picture, (max(1, width // by), max(1, height // by)), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / by), (width, height), interpolation=cv2.INTER_LINEAR)
