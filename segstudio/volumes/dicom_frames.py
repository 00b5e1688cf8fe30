"""DICOM with several frames: enhanced CT and MR, ultrasound, dose and segmentation objects."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from segstudio.formats import HEAD, Unreadable
from segstudio.formats.dicom import Dicom, read_header, silence_pydicom, window_of
from segstudio.formats.pillow import MAX_PIXELS
from segstudio.formats.window import Bounds
from segstudio.volumes import VOLUME_FORMATS, Slicing, Volume, VolumeFormat

if TYPE_CHECKING:
    from pydicom import Dataset

_GREY = ("MONOCHROME1", "MONOCHROME2")


@VOLUME_FORMATS.register
class DicomFrames(VolumeFormat):
    """DICOM files that say that they hold more than one frame."""

    name: ClassVar[str] = "dicom-frames"
    title: ClassVar[str] = "DICOM of several frames"
    suffixes: ClassVar[tuple[str, ...]] = Dicom.suffixes

    @classmethod
    def is_stack(cls, path: Path) -> bool:
        """See VolumeFormat."""
        silence_pydicom()
        import pydicom

        try:
            with path.open("rb") as file:
                if not Dicom.sniff(file.read(HEAD)):
                    return False
                file.seek(0)
                header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["NumberOfFrames"])
            return int(header.get("NumberOfFrames") or 1) > 1
        except Exception:  # whatever is wrong with it, the one who reads pictures will say so
            return False

    @classmethod
    def open(cls, path: Path, slicing: Slicing) -> "DicomVolume":  # noqa: ARG003
        """See VolumeFormat."""
        return DicomVolume(path)


class DicomVolume(Volume):
    """The frames, in the order of the file."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._header = read_header(file, has_pixels=False)
        self._path = path
        self._lock = threading.Lock()
        self.count = int(self._header.NumberOfFrames)
        self.height, self.width = int(self._header.Rows), int(self._header.Columns)
        if self.count > path.stat().st_size:
            raise Unreadable(f"the file is damaged or cut off: it says that it holds {self.count} frames")
        if self.height * self.width > MAX_PIXELS:
            raise Unreadable("its frames have more pixels than this program opens (178 million)")
        self._kind = str(self._header.get("PhotometricInterpretation"))
        if self._kind not in _GREY and int(self._header.get("BitsAllocated") or 8) > 8:
            raise Unreadable("its frames have more than 8 bits a colour", "convert it to 8 bits first")
        self.subject = str(self._header.get("PatientID") or "").strip()
        self._scale = _rescale(self._header)
        self.window = _window(self._header) if self._kind in _GREY else None
        self.is_inverted = self._kind == "MONOCHROME1"
        self.place = {"kind": "tiff"}

    def read(self, index: int) -> np.ndarray:
        """See Volume; grey values in the modality's own units (CT: Hounsfield)."""
        from pydicom.pixels.processing import apply_color_lut
        from pydicom.pixels.utils import pixel_array

        try:
            with self._lock:
                values: np.ndarray = pixel_array(self._path, index=index)
        except (RuntimeError, NotImplementedError) as error:
            raise Unreadable("its compression is not known here", "save it uncompressed") from error
        if self._kind == "PALETTE COLOR":
            colours = apply_color_lut(values, self._header)
            return np.ascontiguousarray(colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8))
        if self._kind not in _GREY:
            return np.ascontiguousarray(values)
        slope, intercept = self._scale
        return values if (slope, intercept) == (1.0, 0.0) else values * slope + intercept


def _shared(header: "Dataset", sequence: str) -> Any:
    """An item of what enhanced objects say of all frames at once, or of the first frame."""
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for item in (header.get(groups) or [])[:1]:
            if found := item.get(sequence):
                return found[0]
    return header


def _rescale(header: "Dataset") -> tuple[float, float]:
    said = _shared(header, "PixelValueTransformationSequence")
    slope, intercept = said.get("RescaleSlope"), said.get("RescaleIntercept")
    return (1.0 if slope is None else float(slope)), (0.0 if intercept is None else float(intercept))


def _window(header: "Dataset") -> Bounds | None:
    found = window_of(_shared(header, "FrameVOILUTSequence"))
    if found is None or found[1] <= 0:
        return None
    return found[0] - found[1] / 2, found[0] + found[1] / 2
