"""What all formats that Pillow decodes have in common: orientation, modes, limits.

Pillow and not OpenCV, because it knows EXIF and palettes, refuses bombs, and raises where OpenCV returns None.
"""

import re
import warnings
from contextlib import suppress
from typing import BinaryIO, ClassVar

import numpy as np
from PIL import ExifTags, Image

from segstudio.formats import ImageFormat, Preview, Unreadable
from segstudio.formats.window import windowed

DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
DEEP_HINT = "convert it to 8 bits a channel first"

MAX_PIXELS = 178_956_970
"""Where Pillow takes a file for a bomb, and so do the formats that it does not read."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset({5, 6, 7, 8})


class PillowFormat(ImageFormat):
    """An image format that Pillow reads.

    Attributes:
        pillow_name: What Pillow calls it; no other of its decoders is tried.
    """

    pillow_name: ClassVar[str]

    @classmethod
    def size(cls, file: BinaryIO) -> tuple[int, int]:
        """See ImageFormat."""
        with cls.open(file) as picture:
            width, height = picture.size
            return (height, width) if cls.orientation_of_header(picture, file) in _SIDEWAYS else (width, height)

    @classmethod
    def read(cls, file: BinaryIO) -> np.ndarray:
        """See ImageFormat."""
        with cls.open(file) as picture:
            return pixels(flattened(_loaded(picture)))

    @classmethod
    def read_values(cls, file: BinaryIO) -> np.ndarray:
        """See ImageFormat."""
        with cls.open(file) as picture:
            return _mask_values(_loaded(picture))

    @classmethod
    def is_upright(cls, file: BinaryIO) -> bool:
        """See ImageFormat."""
        with cls.open(file) as picture:
            return cls.orientation_of_header(picture, file) == 1

    @classmethod
    def preview(cls, file: BinaryIO, max_side: int) -> Preview:
        """See ImageFormat."""
        with cls.open(file) as picture:
            long, short = max(picture.size), min(picture.size)
            # Only JPEG heeds this: it decodes at a half, a quarter or an eighth of the size.
            picture.draft(None, (max_side, max_side))
            flat = flattened(_loaded(picture))
            width, height = (long, short) if flat.width >= flat.height else (short, long)
            flat.thumbnail((max_side, max_side), Image.Resampling.BILINEAR, reducing_gap=2.0)
            return Preview(pixels(flat), width, height)

    @classmethod
    def open(cls, file: BinaryIO) -> Image.Image:
        """The picture, not yet decoded; Unreadable when it is a bomb or has several pages."""
        silence_pillow()
        try:
            picture = Image.open(file, formats=(cls.pillow_name,))
        except Image.DecompressionBombError as error:
            raise Unreadable("the file says that it holds more pixels than this program opens (178 million)") from error
        cls.refuse_pages(picture)
        return picture

    @classmethod
    def refuse_pages(cls, picture: Image.Image) -> None:
        """Raise Unreadable for an animation or a stack; nobody could say which page the mask belongs to."""
        count = getattr(picture, "n_frames", 1)
        if count > 1:
            raise Unreadable(f"the file holds {count} pictures", "save each as a file of its own")

    @classmethod
    def orientation_of_header(cls, picture: Image.Image, file: BinaryIO) -> int:  # noqa: ARG003 - for subclasses
        """The EXIF orientation, 1 to 8, found without decoding."""
        return _orientation(picture)


def pixels(picture: Image.Image) -> np.ndarray:
    """A Pillow picture of mode L or RGB as an array of our own: uint8 (H, W) or (H, W, 3)."""
    return np.array(picture, dtype=np.uint8)


def _loaded(picture: Image.Image) -> Image.Image:
    """Decoded and upright. The orientation is read after decoding: TIFF has then been turned and says so."""
    picture.load()
    turn = _UPRIGHT.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _orientation(picture: Image.Image) -> int:
    # A broken EXIF block is no reason to refuse the picture: it only leaves it as it lies.
    with suppress(Exception):
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
        return value if value in _UPRIGHT else 1
    return 1


def flattened(picture: Image.Image) -> Image.Image:
    """In mode L or RGB, whatever it was: alpha is dropped, a palette of greys becomes grey, deep greys get a window."""
    if picture.mode in DEEP_MODES:
        return Image.fromarray(windowed(np.asarray(picture)))
    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode in ("1", "LA", "La"):
        return picture.convert("LA").convert("L") if picture.mode == "La" else picture.convert("L")
    if picture.mode in ("P", "PA"):
        colours = picture.convert("RGB")
        return colours.getchannel(0) if _is_grey(np.asarray(colours)) else colours
    if picture.mode == "RGBa":
        picture = picture.convert("RGBA")
    return picture.convert("RGB")  # RGBA, RGBX, CMYK, YCbCr, LAB, HSV


def _mask_values(picture: Image.Image) -> np.ndarray:
    if picture.mode in DEEP_MODES:
        return narrowed(np.asarray(picture))
    if picture.mode in ("P", "PA"):
        indices = np.asarray(picture.getchannel(0) if picture.mode == "PA" else picture)
        values = pixels(flattened(picture))
        # A palette that was never filled in (all black) would hide the classes; then the indices are what was meant.
        return np.array(indices) if _distinct(values) < len(np.unique(indices)) else values
    values = pixels(flattened(picture))
    if picture.mode in ("LA", "RGBA"):
        values[np.asarray(picture.getchannel("A")) == 0] = 0
    return values


def narrowed(values: np.ndarray) -> np.ndarray:
    """Deep values as uint8, when nothing is lost: whole numbers up to 255, or only 0 and one greatest value."""
    if values.size and values.min() >= 0 and values.max() <= 255 and np.array_equal(values, np.floor(values)):
        return values.astype(np.uint8)
    if values.size and values.min() == 0 and bool(np.isin(values, (0, values.max())).all()):
        return (values > 0).astype(np.uint8) * np.uint8(255)
    raise Unreadable("the mask has values above 255", DEEP_HINT)


def _is_grey(colours: np.ndarray) -> bool:
    red, green, blue = colours[..., 0], colours[..., 1], colours[..., 2]
    return np.array_equal(red, green) and np.array_equal(green, blue)


def _distinct(values: np.ndarray) -> int:
    if values.ndim == 2:
        return len(np.unique(values))
    packed = values.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    return len(np.unique(packed))


def silence_pillow() -> None:
    """Let no warning of Pillow out: the picture is either read or refused, and a BadImage says more.

    Set again at every call, because `warnings.catch_warnings` (around every test, for one) undoes it; and not with
    `catch_warnings` here, which is not safe in threads.
    """
    if not any(action == "ignore" and module == _FROM_PILLOW for action, _, _, module, _ in warnings.filters):
        warnings.filterwarnings("ignore", module=_FROM_PILLOW.pattern)


_FROM_PILLOW = re.compile(r"PIL\.")
