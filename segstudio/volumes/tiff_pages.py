"""TIFF with several pages: the stacks of microscopes and of ImageJ."""

import re
import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image, TiffImagePlugin  # noqa: F401 - Pillow knows a decoder once it is imported

from segstudio.formats import Unreadable
from segstudio.formats.pillow import DEEP_MODES, MAX_PIXELS, flattened, pixels, silence_pillow
from segstudio.volumes import VOLUME_FORMATS, Slicing, Volume, VolumeFormat

_DESCRIPTION = 270
_INDEXED = ("P", "PA")


@VOLUME_FORMATS.register
class TiffPages(VolumeFormat):
    """TIFF and BigTIFF with more than one page."""

    name: ClassVar[str] = "tiff-pages"
    title: ClassVar[str] = "TIFF of several pages"
    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff")

    @classmethod
    def is_stack(cls, path: Path) -> bool:
        """See VolumeFormat; pages of other sizes are previews of the first, which is then an ordinary picture."""
        silence_pillow()
        try:
            with Image.open(path, formats=("TIFF",)) as picture:
                size = picture.size
                picture.seek(1)
                return picture.size == size
        except Exception:  # one page, or whatever is wrong with it: the one who reads pictures will say so
            return False

    @classmethod
    def open(cls, path: Path, slicing: Slicing) -> "TiffVolume":
        """See VolumeFormat."""
        return TiffVolume(path, slicing)


class TiffVolume(Volume):
    """The pages, in their order; of channels that ImageJ has interleaved, one."""

    def __init__(self, path: Path, slicing: Slicing) -> None:
        silence_pillow()
        self._lock = threading.Lock()  # one file position for all threads
        try:
            self._picture: Any = Image.open(path, formats=("TIFF",))
        except Image.DecompressionBombError as error:
            raise Unreadable("its pages have more pixels than this program opens (178 million)") from error
        try:
            self._take(slicing.channel)
        except BaseException:
            self.close()
            raise

    def _take(self, channel: int) -> None:
        self.width, self.height = self._picture.size
        if self.width * self.height > MAX_PIXELS:
            raise Unreadable("its pages have more pixels than this program opens (178 million)")
        pages = int(getattr(self._picture, "n_frames", 1))
        channels = _channels(self._picture, pages)
        if channels > 1:
            if channel > channels:
                raise Unreadable(f"it has {channels} channels", "choose another one")
            self.remark = f"it holds {channels} channels; number {channel} is taken"
        self._pages = range(channel - 1 if channels > 1 else 0, pages, channels)
        self.count = len(self._pages)
        self.place = {"kind": "tiff"}

    def read(self, index: int) -> np.ndarray:
        """See Volume."""
        with self._lock:
            self._picture.seek(self._pages[index])
            if self._picture.size != (self.width, self.height):
                raise Unreadable(f"page {self._pages[index] + 1} has another size than the first")
            page = self._picture.copy()
        if page.mode in DEEP_MODES:
            return np.array(page)
        shown = pixels(flattened(page))
        if page.mode in _INDEXED and not shown.any():  # a palette that nobody filled in: the indices are meant
            return np.array(page.getchannel(0) if page.mode == "PA" else page)
        return shown

    def close(self) -> None:
        """See Volume."""
        self._picture.close()


def _channels(picture: Any, pages: int) -> int:
    """How many channels ImageJ says that it has interleaved, where that fits the number of pages."""
    text = str(picture.tag_v2.get(_DESCRIPTION, ""))
    match = re.search(r"^channels=(\d+)\s*$", text, re.MULTILINE) if text.startswith("ImageJ=") else None
    channels = int(match[1]) if match else 1
    return channels if channels > 0 and pages % channels == 0 else 1
