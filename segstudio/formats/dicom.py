"""DICOM: one picture of a scanner, as its own header says that it shall be looked at.

Read by pydicom (https://pydicom.github.io). Grey values go through the modality's table (CT: Hounsfield units) and the
first window of the file, as DICOM PS3.3 C.11.1 and C.11.2 say; a file without a window is seen as `window.windowed`
does. MONOCHROME1 is turned round, so that more is always brighter.
"""

import math
import re
import warnings
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from segstudio.formats import FORMATS, ImageFormat, Preview, Unreadable
from segstudio.formats.pillow import MAX_PIXELS, narrowed
from segstudio.formats.window import scaled, windowed

if TYPE_CHECKING:
    from pydicom import Dataset

_SIGNATURE = slice(128, 132)
_GREY = ("MONOCHROME1", "MONOCHROME2")


@FORMATS.register
class Dicom(ImageFormat):
    """DICOM files with one grey or colour picture; stacks in one file are volumes."""

    name = "dicom"
    title = "DICOM"
    suffixes = (".dcm", ".dicom")

    @classmethod
    def sniff(cls, head: bytes) -> bool:
        """See ImageFormat."""
        return head[_SIGNATURE] == b"DICM"

    @classmethod
    def size(cls, file: BinaryIO) -> tuple[int, int]:
        """See ImageFormat."""
        header = _header(file, has_pixels=False)
        return int(header.Columns), int(header.Rows)

    @classmethod
    def is_upright(cls, file: BinaryIO) -> bool:  # noqa: ARG003
        """See ImageFormat: programs for photos do not read it at all."""
        return False

    @classmethod
    def read(cls, file: BinaryIO) -> np.ndarray:
        """See ImageFormat."""
        return _seen(_header(file))

    @classmethod
    def read_values(cls, file: BinaryIO) -> np.ndarray:
        """See ImageFormat; as they are stored."""
        values = _pixels(_header(file))
        return np.array(values) if values.ndim == 3 else narrowed(values)

    @classmethod
    def preview(cls, file: BinaryIO, max_side: int) -> Preview:
        """See ImageFormat."""
        header = _header(file)
        pixels = _seen(header)
        small = Image.fromarray(pixels)
        small.thumbnail((max_side, max_side), Image.Resampling.BILINEAR, reducing_gap=2.0)
        subject = str(header.get("PatientID") or "").strip()
        return Preview(np.array(small), pixels.shape[1], pixels.shape[0], subject)


def _seen(header: "Dataset") -> np.ndarray:
    """The picture as a person looks at it: uint8 (rows, columns) or (rows, columns, 3)."""
    values = _pixels(header)
    kind = str(header.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        return _palette(values, header)
    if kind not in _GREY:
        if values.dtype != np.uint8:
            raise Unreadable("the picture has more than 8 bits a colour", "convert it to 8 bits first")
        return np.ascontiguousarray(values)
    grey = _as_seen(values, header)
    return 255 - grey if kind == "MONOCHROME1" else grey


def read_header(file: BinaryIO, *, has_pixels: bool) -> "Dataset":
    """What the file says, of however many pictures.

    Raises:
        Unreadable: When it holds none.
    """
    silence_pydicom()
    import pydicom

    header = pydicom.dcmread(file, stop_before_pixels=not has_pixels)
    if not header.get("Rows") or not header.get("Columns"):
        raise Unreadable("the file holds no picture")
    return header


def _header(file: BinaryIO, *, has_pixels: bool = True) -> "Dataset":
    """What the file says; Unreadable when it holds no picture, several, or one that is too large."""
    header = read_header(file, has_pixels=has_pixels)
    if (frames := int(header.get("NumberOfFrames") or 1)) > 1:
        raise Unreadable(f"the file holds {frames} pictures", "save each as a file of its own")
    if header.Rows * header.Columns > MAX_PIXELS:
        raise Unreadable("the file says that it holds more pixels than this program opens (178 million)")
    return header


def _pixels(header: "Dataset") -> np.ndarray:
    """The values as they are stored: (rows, columns), or uint8 (rows, columns, 3) in RGB."""
    from pydicom.pixels.utils import pixel_array

    if "PixelData" not in header:
        raise Unreadable("the file holds no pixels of 8 or 16 bits")
    syntax = header.file_meta.TransferSyntaxUID
    try:
        values: np.ndarray = pixel_array(header)
    except (RuntimeError, NotImplementedError) as error:  # what pydicom raises when it has no decoder
        raise Unreadable(
            f"its compression ({syntax.name}) is not known here",
            "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg, or save it uncompressed",
        ) from error
    return values


def _as_seen(values: np.ndarray, header: "Dataset") -> np.ndarray:
    """Stored grey values as uint8, more being brighter in the file's own terms."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    if window := window_of(header):
        return _through(apply_modality_lut(values, header), *window)
    if header.get("VOILUTSequence"):
        seen = apply_voi_lut(apply_modality_lut(values, header), header)
        depth = int(header.VOILUTSequence[0].LUTDescriptor[2])
        return scaled(seen, 0, 2**depth - 1)
    if values.dtype == np.uint8 and values.max() > 1:
        return np.ascontiguousarray(values)
    if values.max() <= 1 and values.min() >= 0:  # one bit, a segmentation
        return scaled(values, 0, 1)
    return windowed(apply_modality_lut(values, header))


def window_of(header: "Dataset") -> tuple[float, float, str] | None:
    """Centre, width and function of the first window, or None when the file has none that can be used."""
    centre, width = _first(header.get("WindowCenter")), _first(header.get("WindowWidth"))
    if centre is None or width is None or not math.isfinite(centre) or not width > 0:
        return None
    return centre, width, str(header.get("VOILUTFunction") or "LINEAR")


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)
    except TypeError:  # several windows: the first is the one to begin with
        return float(value[0]) if len(value) else None


def _through(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if function == "SIGMOID":
        power = np.clip(-4 * (values.astype(np.float32) - centre) / width, -80, 80)
        return scaled(1 / (1 + np.exp(power)), 0, 1)
    if function == "LINEAR_EXACT":
        return scaled(values, centre - width / 2, centre + width / 2)
    if width <= 1:
        return np.where(values > centre - 0.5, 255, 0).astype(np.uint8)
    return scaled(values, centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)


def _palette(values: np.ndarray, header: "Dataset") -> np.ndarray:
    """Colours of a palette as uint8 (rows, columns, 3)."""
    from pydicom.pixels.processing import apply_color_lut

    colours = apply_color_lut(values, header)
    return np.ascontiguousarray(colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8))


def silence_pydicom() -> None:
    """Let no warning of pydicom out: scanners write what the standard forbids, and the picture is read or refused."""
    import pydicom.config

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    known = (module for action, _, _, module, _ in warnings.filters if action == "ignore")
    if not any(isinstance(module, re.Pattern) and module.pattern == _FROM for module in known):
        warnings.filterwarnings("ignore", module=_FROM)


_FROM = r"pydicom\."
