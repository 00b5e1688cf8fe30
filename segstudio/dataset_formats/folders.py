"""Folders: images/ and masks/ side by side, and a table that says which sample is in which split."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from segstudio.dataset_formats import DATASET_FORMATS, DatasetFormat, Exported, Files
from segstudio.formats import encode_mask

IMAGES, MASKS, IGNORED = "images", "masks", "ignored"


@DATASET_FORMATS.register
class Folders(DatasetFormat):
    """Masks are 8-bit PNG of 0 and 255 under the names of their images; what is ignored lies in a third folder."""

    name: ClassVar[str] = "folders"
    title: ClassVar[str] = "Folders images, masks"
    help: ClassVar[str] = "For most programs, and for SegStudio itself; samples.csv says which split each is in."

    def image_place(self, one: Exported) -> PurePosixPath:
        """See DatasetFormat.image_place."""
        return self._place(one, IMAGES, one.suffix)

    def mask_place(self, one: Exported) -> PurePosixPath:
        """See DatasetFormat.mask_place."""
        return self._place(one, MASKS, ".png")

    def describe(self, one: Exported, mask: np.ndarray, ignored: np.ndarray | None) -> tuple[Files, None]:
        """See DatasetFormat.describe."""
        files = {self.mask_place(one): encode_mask(mask)}
        if ignored is not None:
            files[self._place(one, IGNORED, ".png")] = encode_mask(ignored)
        return files, None

    def read_back(self, one: Exported, files: Mapping[PurePosixPath, bytes], told: Any) -> np.ndarray:
        """See DatasetFormat.read_back."""
        with Image.open(io.BytesIO(files[self.mask_place(one)])) as picture:
            return (np.asarray(picture) > 127).astype(np.uint8)

    def _place(self, one: Exported, folder: str, suffix: str) -> PurePosixPath:
        return PurePosixPath(folder, f"{one.stem}{suffix}")
