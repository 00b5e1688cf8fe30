"""Brightness: window and level of grey images; masks do not care."""

import numpy as np
from numpy.typing import NDArray

from segstudio.ui.canvas.layers import ImageLayer, automatic_window, windowed

FULL_WINDOW = (255.0, 127.5)
"""Window and level that show every grey value as itself."""


class Brightness:
    """How bright the picture on screen is drawn.

    Attributes:
        picture: The image as it is drawn; None without a sample.
    """

    def __init__(self) -> None:
        self.picture: ImageLayer | None = None
        self._image: NDArray[np.uint8] | None = None
        self._window: tuple[float, float] | None = FULL_WINDOW  # None is automatic

    def show(self, image: NDArray[np.uint8] | None) -> None:
        """Take another image, uint8 (H, W) or (H, W, 3), or none; `apply` comes next."""
        self._image = image
        self.picture = None if image is None else ImageLayer(image)

    @property
    def window_level(self) -> tuple[float, float]:
        """Window and level in use."""
        if self._window is not None:
            return self._window
        return automatic_window(self._image) if self._image is not None and self._is_grey else FULL_WINDOW

    def choose(self, window_level: tuple[float, float] | None) -> None:
        """Take these, or choose them by the grey values of each image when None; `apply` comes next."""
        self._window = window_level

    def apply(self, window: float, level: float) -> bool:
        """Draw the picture by these; False when there is none, or none that is grey."""
        if self.picture is None or not self._is_grey:
            return False
        self.picture.brightness = windowed(window, level)
        return True

    def words(self, window: float, level: float) -> str:
        """These, when they change what is seen."""
        is_changed = self._is_grey and (window, level) != FULL_WINDOW
        return f"W {window:.0f}  L {level:.0f}" if is_changed else ""

    @property
    def _is_grey(self) -> bool:
        return self._image is not None and self._image.ndim == 2
