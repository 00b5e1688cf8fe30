"""Pictures inside an HTML page: masks and errors painted over an image, as small PNG data."""

import base64
import io

import numpy as np
from PIL import Image

PICTURE_SIDE = 240
TRUTH, PREDICTED = (47, 127, 224), (154, 107, 224)
AGREED, FALSE_POSITIVE, FALSE_NEGATIVE = (138, 147, 160), (230, 159, 0), (86, 180, 233)
"""Colours that the colour-blind can tell apart (Okabe and Ito, 2008)."""


def as_rgb(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) of a grey or coloured image."""
    return np.stack([image] * 3, axis=-1) if image.ndim == 2 else image


def tinted(rgb: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int], opacity: float = 0.5) -> np.ndarray:
    """A copy of uint8 (H, W, 3) with the masked pixels moved towards a colour."""
    changed = rgb.copy()
    where = mask.astype(bool)
    changed[where] = (rgb[where] * (1 - opacity) + np.array(colour) * opacity).astype(np.uint8)
    return changed


def with_errors(rgb: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """A copy of uint8 (H, W, 3) that shows where a prediction is right, where too much and where too little.

    Args:
        rgb: The image.
        truth: uint8 (H, W) of 0 and 1.
        predicted: uint8 (H, W) of 0 and 1.
    """
    shown = tinted(rgb, truth & predicted, AGREED)
    shown = tinted(shown, predicted & ~truth & 1, FALSE_POSITIVE, 0.75)
    return tinted(shown, truth & ~predicted & 1, FALSE_NEGATIVE, 0.75)


def data_uri(rgb: np.ndarray) -> str:
    """The picture as the `src` of an img element, at most PICTURE_SIDE wide and high."""
    picture = Image.fromarray(rgb)
    picture.thumbnail((PICTURE_SIDE, PICTURE_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
