"""Windows: which deep grey values become black and white, when a picture has more of them than a screen can show.

Window, training and export all see a picture as 8 bits a channel, so a deep one is made so once, when it is read, and
the same for everybody. Where the file names a window (DICOM does), that is taken; otherwise the darkest and brightest
thousandth of the pixels are cut off, so that one hot pixel, or a burnt-in letter, does not make the rest black.
"""

import math
import re

import numpy as np

from segstudio.core.errors import UserError

CUT_OFF = 0.001
"""Share of the pixels that becomes black, and white, at most."""

WINDOWS = {"lung": (-600.0, 1500.0), "soft-tissue": (40.0, 400.0), "bone": (500.0, 2000.0), "brain": (40.0, 80.0)}
"""Centre and width in Hounsfield units, as radiologists look at CT (https://radiopaedia.org/articles/52108)."""

Bounds = tuple[float, float]
"""The value that becomes black, and the one that becomes white."""


def parse_window(text: str) -> Bounds | None:
    """The window that a person means by "lung" or "-600/1500" (centre/width); None for "auto".

    Raises:
        UserError: When it is none of these.
    """
    name = text.strip().lower().replace(" ", "-")
    if name in ("", "auto"):
        return None
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)[/,:](\d+(?:\.\d+)?)", name)
    if match is None and name not in WINDOWS:
        known = ", ".join(["auto", *WINDOWS])
        raise UserError(f"{text!r} is no window", f"say {known}, or centre/width such as -600/1500")
    centre, width = WINDOWS[name] if match is None else (float(match[1]), float(match[2]))
    if not (width > 0 and math.isfinite(centre) and math.isfinite(width)):
        raise UserError(f"the window {text!r} has no width", "say centre/width such as -600/1500")
    return centre - width / 2, centre + width / 2


def windowed(values: np.ndarray) -> np.ndarray:
    """Deep values as 8 bits: as they are when they fit, otherwise from darkest to brightest without the extremes.

    Args:
        values: (H, W) of any integer or floating type; what is not finite becomes black.

    Returns:
        uint8 of the same shape.
    """
    if not values.size:
        return values.astype(np.uint8)
    if np.issubdtype(values.dtype, np.integer) and values.min() >= 0 and values.max() <= 255:
        return values.astype(np.uint8)
    if np.issubdtype(values.dtype, np.floating):
        is_finite = np.isfinite(values)
        if not is_finite.any():
            return np.zeros(values.shape, np.uint8)
        if not is_finite.all():
            values = np.where(is_finite, values, values[is_finite].min())
    low, high = bounds(values)
    return scaled(values, low, high)


def scaled(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values from `low`, which becomes 0, to `high`, which becomes 255; what lies outside is cut off.

    Returns:
        uint8 of the same shape; all 0 when there is nothing between `low` and `high`.
    """
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    share = (values.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    seen: np.ndarray = np.clip(np.rint(share), 0, 255).astype(np.uint8)
    return seen


def bounds(values: np.ndarray) -> Bounds:
    """The values that are cut off at; those of the whole range where nearly all pixels are alike.

    Args:
        values: Finite, of any shape and any integer or floating type; not empty.
    """
    if np.issubdtype(values.dtype, np.integer) and values.dtype.itemsize <= 2:
        low, high = _bounds_by_counting(values)
    else:
        low, high = (float(one) for one in np.quantile(values, (CUT_OFF, 1 - CUT_OFF), method="nearest"))
    return (low, high) if high > low else (float(values.min()), float(values.max()))


def _bounds_by_counting(values: np.ndarray) -> tuple[float, float]:
    """As numpy's quantiles, several times as fast: 16 bits have only so many values."""
    least = int(values.min())
    counts = np.bincount(values.reshape(-1).astype(np.int32) - least)
    up_to = np.cumsum(counts)
    last = values.size - 1
    low, high = np.searchsorted(up_to, np.rint([CUT_OFF * last, (1 - CUT_OFF) * last]), side="right") + least
    return float(low), float(high)
