"""DICOM with several frames: enhanced CT and MR, ultrasound, dose and segmentation objects.

Where every frame says where it lies in the patient (DICOM PS3.3 C.7.6.16.2.3 and .4), and they follow each other at one
distance, they are put in that order, and masks of them become a NIfTI of the same place; elsewhere the order is that of
the file, and masks become a TIFF.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from segstudio.formats import HEAD, Unreadable
from segstudio.formats.dicom import Dicom, read_header, silence_pydicom, window_of
from segstudio.formats.pillow import MAX_PIXELS
from segstudio.formats.window import Bounds
from segstudio.volumes import VOLUME_FORMATS, Slicing, Volume, VolumeFormat

if TYPE_CHECKING:
    from pydicom import Dataset

_GREY = ("MONOCHROME1", "MONOCHROME2")
_LEAST_STEP = 1e-3
"""Millimetres: frames that are nearer lie at the same place."""
_EVENNESS = 0.02
"""Of the distance between two frames: by so much may it differ along the stack."""


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
    """The frames, in the order in which they lie in the patient, or that of the file."""

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
        stack = _stack_in_space(self._header)
        self._order = list(range(self.count)) if stack is None else stack.order
        self.place = {"kind": "tiff"}
        if stack is not None:
            self.place = {
                "kind": "nifti1",
                "shape": [self.width, self.height, self.count],
                "orientation": [[0, 1], [1, 1], [2, 1]],  # a frame is shown as it is stored
                "axis": 2,
                "affine": stack.affine.tolist(),
            }

    def read(self, index: int) -> np.ndarray:
        """See Volume; grey values in the modality's own units (CT: Hounsfield)."""
        from pydicom.pixels.processing import apply_color_lut
        from pydicom.pixels.utils import pixel_array

        try:
            with self._lock:
                values: np.ndarray = pixel_array(self._path, index=self._order[index])
        except (RuntimeError, NotImplementedError) as error:
            raise Unreadable("its compression is not known here", "save it uncompressed") from error
        if self._kind == "PALETTE COLOR":
            colours = apply_color_lut(values, self._header)
            return np.ascontiguousarray(colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8))
        if self._kind not in _GREY:
            return np.ascontiguousarray(values)
        slope, intercept = self._scale
        return values if (slope, intercept) == (1.0, 0.0) else values * slope + intercept


class _Stack(NamedTuple):
    """Frames that lie in the patient one behind the other.

    Attributes:
        order: Which frame is the first, the second ...
        affine: (4, 4) from column, row and place in the order to millimetres towards right, front and head.
    """

    order: list[int]
    affine: np.ndarray


def _stack_in_space(header: "Dataset") -> _Stack | None:
    """How the frames lie, or None when they do not say it, or are no stack (points in time, views of a heart)."""
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    try:
        positions = np.array([one.PlanePositionSequence[0].ImagePositionPatient for one in frames], float)
        directions = np.array(
            [_group(header, one, "PlaneOrientationSequence").ImageOrientationPatient for one in frames]
        )
        spacings = np.array([_group(header, one, "PixelMeasuresSequence").PixelSpacing for one in frames], float)
    except (AttributeError, IndexError, TypeError, ValueError):
        return None
    if len(positions) != int(header.NumberOfFrames) or not np.allclose(directions, directions[0], atol=1e-4):
        return None
    row, column = directions[0].reshape(2, 3)
    if not np.allclose(spacings, spacings[0]):
        return None
    order = np.argsort(positions @ np.cross(row, column), kind="stable")
    steps = np.diff(positions[order], axis=0)
    step = steps.mean(axis=0)
    if np.linalg.norm(step) < _LEAST_STEP or not np.allclose(steps, step, atol=_EVENNESS * np.linalg.norm(step)):
        return None
    affine = np.eye(4)
    affine[:3] = np.column_stack([row * spacings[0][1], column * spacings[0][0], step, positions[order[0]]])
    affine[:2] *= -1  # DICOM counts towards left and back
    return _Stack(order.tolist(), affine)


def _group(header: "Dataset", frame: "Dataset", name: str) -> Any:
    """What is said of one frame, or of all of them at once."""
    said = frame.get(name) or header.SharedFunctionalGroupsSequence[0].get(name)
    return said[0]


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
