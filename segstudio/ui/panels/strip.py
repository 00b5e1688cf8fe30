"""The strip in the Train and Runs panels: what a training predicts for a few validation images, epoch by epoch."""

import re
from pathlib import Path

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from segstudio.core.errors import UserError
from segstudio.formats import read_image
from segstudio.ui.views.pictures import Picture, Pixels, compared, to_image
from segstudio.ui.widgets import muted, slider

FOLDER = "strip"
"""In a run's folder; see ml/strip.py, which writes it."""

_EPOCH = re.compile(r"epoch_(\d+)\.png")


class StripBox(QWidget):
    """The images with prediction and truth upon them, and a slider that goes back through the epochs.

    Hidden when there is nothing to see, as of runs of an older version.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.epochs: list[int] = []
        self.epoch: int | None = None
        self._chosen: int | None = None  # by the slider; the newest when None
        self._folder: Path | None = None
        self._base: tuple[Pixels, Pixels] | None = None
        self.picture = Picture("Predictions of validation images", 512)
        self.picture.setMinimumSize(120, 36)
        self.picture.setToolTip("Validation images after this epoch: orange is predicted and wrong, blue is missed")
        self.slider = slider("Epoch: go back to see how the prediction has changed", 0, 0, 0)
        self.slider.valueChanged.connect(self._on_slider)
        self._where = muted()
        row = QHBoxLayout()
        row.addWidget(self.slider, 1)
        row.addWidget(self._where)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.picture)
        column.addLayout(row)
        self.hide()

    def show_run(self, folder: Path | None) -> None:
        """Show the strip of the run in a folder, its newest epoch; of none for None."""
        if folder != self._folder:
            self._folder, self._base, self.epochs, self.epoch, self._chosen = folder, None, [], None, None
            self.refresh()

    def refresh(self) -> None:
        """Take in what has come; who looks at the newest epoch goes on to do so."""
        epochs = [] if self._folder is None else epochs_in(self._folder)
        if self._base is None and self._folder is not None and epochs:
            self._base = _read_base(self._folder)
        if self._base is None:
            epochs = []
        self.setVisible(bool(epochs))
        if epochs == self.epochs:
            return
        self.epochs = epochs
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(len(epochs) - 1, 0))
        self.show_epoch(None)

    def show_epoch(self, epoch: float | None) -> None:
        """Show the prediction after an epoch, or the nearest one that was kept; the one of the slider for None."""
        if not self.epochs or self._folder is None or self._base is None:
            return
        epoch = self._chosen if epoch is None else epoch
        at = len(self.epochs) - 1
        if epoch is not None:
            at = min(range(len(self.epochs)), key=lambda place: abs(self.epochs[place] - epoch))
        self.epoch = self.epochs[at]
        with QSignalBlocker(self.slider):
            self.slider.setValue(at)
        self._where.setText(f"epoch {self.epoch}" if self.epoch else "before training")
        images, masks = self._base
        try:
            probability = _grey(read_image(self._folder / FOLDER / f"epoch_{self.epoch:04}.png"))
        except UserError:
            self.picture.show_image(None)
            return
        is_whole = probability.shape == masks.shape
        predicted = (probability >= 128).astype(np.uint8)
        self.picture.show_image(to_image(compared(images, masks, predicted)) if is_whole else None)

    def _on_slider(self, place: int) -> None:
        if place < len(self.epochs):
            self._chosen = self.epochs[place] if place < len(self.epochs) - 1 else None
            self.show_epoch(None)


def epochs_in(folder: Path) -> list[int]:
    """The epochs of which a run's folder holds a picture, in order."""
    found = (_EPOCH.fullmatch(path.name) for path in (folder / FOLDER).glob("epoch_*.png"))
    return sorted(int(one[1]) for one in found if one)


def _read_base(folder: Path) -> tuple[Pixels, Pixels] | None:
    """Images of uint8 (h, w, 3) and masks of 0 and 1 (h, w); None when they cannot be read or do not fit together."""
    try:
        images, masks = (read_image(folder / FOLDER / f"{name}.png") for name in ("images", "masks"))
    except UserError:
        return None
    images = images if images.ndim == 3 else np.repeat(images[..., None], 3, axis=2)
    masks = (_grey(masks) > 127).astype(np.uint8)
    return (images, masks) if images.shape[:2] == masks.shape else None


def _grey(pixels: Pixels) -> Pixels:
    return pixels if pixels.ndim == 2 else pixels[..., 0]
