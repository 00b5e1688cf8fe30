"""Image files and dataset folders: reading pictures and masks, finding pairs; one file, one format.

`read_image` is the one loader of the program: window, training and export all see a picture through it. What a file is
called does not matter to it; the first bytes decide. Whatever is wrong with a file becomes a BadImage that names the
file and says why, so that a batch can note it and go on.
"""

import io
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, NamedTuple

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from segstudio.core.errors import BadImage
from segstudio.core.registry import Registry

if TYPE_CHECKING:
    from segstudio.formats.foreground import ForegroundRule

HEAD = 160
"""So many first bytes are enough to tell one format from another."""

_READ_AT_ONCE = 256 << 20


class Unreadable(Exception):
    """Raised inside a format for a file that it understands and cannot turn into a picture.

    Attributes:
        reason: What is wrong, without the file's name.
        hint: What to do about it; may be empty.
    """

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Preview(NamedTuple):
    """A small version of a picture.

    Attributes:
        pixels: uint8 (h, w) or (h, w, 3), C-contiguous.
        width: Of the picture itself, in pixels, after EXIF orientation.
        height: Of the picture itself, in pixels.
        subject: Whom it shows, as the file says (DICOM's patient); empty when it does not.
    """

    pixels: np.ndarray
    width: int
    height: int
    subject: str = ""


class ImageFormat(ABC):
    """One kind of image file.

    The methods get the file open for reading, at its start. They may raise anything for a damaged file; Unreadable
    carries a reason worth telling.

    Attributes:
        name: Unique in FORMATS.
        title: What a person calls it.
        suffixes: Lower case, with the dot; files with these suffixes are taken for pictures when a folder is searched.
        is_lossy: Whether pixels come back changed, so that a mask may have values that nobody drew.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    is_lossy: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def sniff(cls, head: bytes) -> bool:
        """Whether a file that begins with `head` (up to HEAD bytes) is of this format."""

    @classmethod
    @abstractmethod
    def size(cls, file: BinaryIO) -> tuple[int, int]:
        """Width and height in pixels as a person sees the picture (EXIF orientation applied), without decoding it."""

    @classmethod
    def is_upright(cls, file: BinaryIO) -> bool:  # noqa: ARG003 - for subclasses
        """Whether programs for photos see it as this one does: nothing has to be turned first."""
        return True

    @classmethod
    @abstractmethod
    def read(cls, file: BinaryIO) -> np.ndarray:
        """The picture: uint8 (H, W) or (H, W, 3), C-contiguous, upright, without alpha."""

    @classmethod
    @abstractmethod
    def read_values(cls, file: BinaryIO) -> np.ndarray:
        """The same for a mask: uint8 (H, W) or (H, W, 3); what is fully transparent is 0."""

    @classmethod
    @abstractmethod
    def preview(cls, file: BinaryIO, max_side: int) -> Preview:
        """A small version, no side longer than `max_side` pixels, and the size of the picture itself."""


FORMATS: Registry[ImageFormat] = Registry("segstudio.formats", "image format")


def image_suffixes() -> frozenset[str]:
    """The suffixes of all formats, lower case, with the dot."""
    return frozenset(suffix for entry in FORMATS for suffix in entry.suffixes)


def sniff_format(head: bytes) -> type[ImageFormat] | None:
    """The format of a file that begins with `head`, or None."""
    return next((entry for entry in FORMATS if entry.sniff(head)), None)


def read_image(path: Path) -> np.ndarray:
    """The picture in a file, as window, training and export see it.

    Returns:
        uint8 (H, W) for grey or (H, W, 3) for RGB, C-contiguous; EXIF orientation applied, alpha dropped,
        more than 8 bits of grey seen through a window (see formats.window).

    Raises:
        BadImage: When there is no such file, when it is damaged, too large or not a picture.
    """
    with _opened(path) as (entry, file):
        return entry.read(file)


def image_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels, after EXIF orientation, from the header alone.

    Raises:
        BadImage: As `read_image`; damage behind the header is not noticed.
    """
    with _opened(path, is_header_enough=True) as (entry, file):
        return entry.size(file)


def is_upright(path: Path) -> bool:
    """Whether a program for photos that knows nothing of EXIF orientation sees the picture as this one does.

    Raises:
        BadImage: When it is missing, or no picture.
    """
    with _opened(path, is_header_enough=True) as (entry, file):
        return entry.is_upright(file)


def read_thumbnail(path: Path, max_side: int) -> np.ndarray:
    """A small version of the picture, faster than reading all of it where the format allows (JPEG).

    Args:
        path: The file.
        max_side: Neither side becomes longer than this, in pixels; a smaller picture stays as it is.

    Returns:
        uint8 (h, w) or (h, w, 3), C-contiguous.

    Raises:
        BadImage: As `read_image`.
    """
    return read_preview(path, max_side).pixels


def read_preview(path: Path, max_side: int) -> Preview:
    """As `read_thumbnail`, with the size of the picture itself; all of the file is decoded, so damage is noticed.

    Raises:
        BadImage: As `read_image`.
    """
    with _opened(path) as (entry, file):
        return entry.preview(file, max_side)


def read_mask_values(path: Path) -> np.ndarray:
    """What a mask file holds, before anybody has said which values are foreground.

    Returns:
        uint8 (H, W) or (H, W, 3), C-contiguous. A palette is turned into its colours, 1 bit into 0 and 255, fully
        transparent pixels into 0; EXIF orientation is applied. 16-bit values that fit into 8 bits are kept.

    Raises:
        BadImage: As `read_image`.
    """
    with _opened(path) as (entry, file):
        return entry.read_values(file)


def read_mask(path: Path, rule: "ForegroundRule") -> np.ndarray:
    """A mask file as the program's own kind of mask.

    Returns:
        uint8 (H, W) of 0 and 1, C-contiguous.

    Raises:
        BadImage: As `read_image`.
    """
    return rule.apply(read_mask_values(path))


def reason_of(error: BadImage, path: Path) -> str:
    """Why a file cannot be read, without its name, for a list that names it already."""
    reason = error.message.removeprefix(f"{path.name}: ")
    return f"{reason} ({error.hint})" if error.hint else reason


def encode_mask(mask: np.ndarray) -> bytes:
    """A mask, (H, W) of 0 and 1 (or bool), as an 8-bit grey PNG of 0 and 255."""
    return encode_grey(mask.astype(bool).view(np.uint8) * np.uint8(255))


def encode_grey(values: np.ndarray, texts: Mapping[str, str] | None = None) -> bytes:
    """A uint8 (H, W) array as an 8-bit grey PNG; `texts` are words that lie in the file, by their names."""
    if values.dtype != np.uint8 or values.ndim != 2:
        raise ValueError(f"a grey picture is uint8 (H, W), not {values.dtype} {values.shape}")
    out = io.BytesIO()
    # Runs only (zlib's Z_RLE): for masks of 4096 x 4096 faster than level 1 and smaller than level 6 of the usual way.
    Image.fromarray(np.ascontiguousarray(values)).save(out, "PNG", compress_type=3, pnginfo=_png_texts(texts))
    return out.getvalue()


def _png_texts(texts: Mapping[str, str] | None) -> PngInfo | None:
    if not texts:
        return None
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    return info


def png_text(path: Path, name: str) -> str:
    """A text that `encode_grey` has put into a PNG file, read without its pixels; empty when there is none."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            return str(image.info.get(name, ""))
    except (OSError, ValueError, SyntaxError):
        return ""


def encode_rgb(values: np.ndarray) -> bytes:
    """A uint8 (H, W, 3) array as an 8-bit RGB PNG."""
    if values.dtype != np.uint8 or values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"a coloured picture is uint8 (H, W, 3), not {values.dtype} {values.shape}")
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(values)).save(out, "PNG")
    return out.getvalue()


@contextmanager
def _opened(path: Path, *, is_header_enough: bool = False) -> Iterator[tuple[type[ImageFormat], BinaryIO]]:
    """The format of a file and the file itself; whatever goes wrong inside becomes a BadImage."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            entry = sniff_format(head)
            if entry is None:
                raise Unreadable("the file is empty" if not head else "this is not a picture", _supported())
            # One read instead of many: decoders ask for a few bytes at a time, and each time another thread may get
            # Python's lock. With 100,000 small files that was half of the time.
            if is_header_enough or os.fstat(file.fileno()).st_size > _READ_AT_ONCE:
                file.seek(0)
                yield entry, file
                return
            content = io.BytesIO(head + file.read())
        # The file is closed by now: on Windows nobody could replace it while it is decoded.
        yield entry, content
    except FileNotFoundError:
        raise BadImage(f"{path.name}: the file is missing") from None
    except Unreadable as error:
        raise BadImage(f"{path.name}: {error.reason}", error.hint) from error
    except MemoryError as error:
        raise BadImage(f"{path.name}: the picture does not fit into memory") from error
    except OSError as error:
        raise BadImage(f"{path.name}: {_reason(error)}") from error
    except Exception as error:
        # Decoders raise nearly everything for a file that has been tampered with (SyntaxError, struct.error,
        # IndexError, KeyError ...). None of it may end a batch, and the cause stays attached.
        raise BadImage(f"{path.name}: the file is damaged ({error})") from error


def _reason(error: OSError) -> str:
    if error.strerror:
        return error.strerror.lower()
    if "truncated" in str(error).lower():
        return "the file is cut off, the end of the picture is missing"
    return "the file is damaged" if "cannot identify" in str(error) else f"the file is damaged ({error})"


def _supported() -> str:
    return f"readable are {', '.join(entry.title for entry in FORMATS)}"
