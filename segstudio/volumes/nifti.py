"""NIfTI (.nii, .nii.gz) and MGH (.mgh, .mgz), read by nibabel (https://nipy.org/nibabel)."""

import base64
import contextlib
import gzip
import logging
import math
import re
import shutil
import zlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from segstudio.core.reporter import Reporter
from segstudio.formats import Unreadable
from segstudio.formats.pillow import MAX_PIXELS
from segstudio.volumes import VOLUME_FORMATS, Plane, Slicing, Volume, VolumeFormat
from segstudio.volumes.anatomy import Turn, turn_of, turned_affine

_COPIED_AT_ONCE = 4 << 20
_KEPT_FREE = 256 << 20
_DENSEST = 1040
"""Deflate cannot make anything smaller than by this factor."""
_PACKED = (".gz", ".mgz")
_SAME_PLACE = 0.05
"""Of a voxel: affines written by two programs differ by rounding."""
_SUBJECT = re.compile(r"(?:^|/)sub-([A-Za-z0-9]+)")


@VOLUME_FORMATS.register
class Nifti(VolumeFormat):
    """Every such file is a volume."""

    name: ClassVar[str] = "nifti"
    title: ClassVar[str] = "NIfTI, MGH"
    suffixes: ClassVar[tuple[str, ...]] = (".nii", ".nii.gz", ".mgh", ".mgz")
    is_always: ClassVar[bool] = True

    @classmethod
    def is_stack(cls, path: Path) -> bool:  # noqa: ARG003
        """See VolumeFormat."""
        return True

    @classmethod
    def open(cls, path: Path, slicing: Slicing) -> "NiftiVolume":
        """See VolumeFormat; of a file with several volumes only one is taken."""
        return NiftiVolume(path, slicing)


class NiftiVolume(Volume):
    """A volume whose voxels lie as plain values in a file, unpacked first when that is compressed."""

    def __init__(self, path: Path, slicing: Slicing) -> None:
        import nibabel

        logging.getLogger("nibabel.global").setLevel(logging.CRITICAL + 1)  # of headers that are odd but readable
        self.path = path
        self._image: Any = nibabel.load(path)
        self._voxels: np.ndarray | None = None
        self._unpacked: Path | None = None
        dtype = self._image.dataobj.dtype
        self._is_colour = bool(dtype.names) and tuple(dtype.names)[:3] == ("R", "G", "B")
        if dtype.kind == "c" or (dtype.names and not self._is_colour):
            raise Unreadable("its voxels are complex numbers or records, not grey values")
        shape = tuple(int(side) for side in self._image.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        if any(side < 1 for side in shape) or not shape:
            raise Unreadable("the volume is empty")
        if len(shape) > 4 or (len(shape) == 4 and slicing.channel > shape[3]):
            several = "more than four dimensions" if len(shape) > 4 else f"{shape[3]} volumes"
            raise Unreadable(f"it has {several}", "" if len(shape) > 4 else "choose another channel")
        self._check_length()
        self._channel = slicing.channel - 1 if len(shape) == 4 else 0
        if len(shape) == 4:
            self.remark = f"it holds {shape[3]} volumes (points in time or channels); number {slicing.channel} is taken"
        self._shape: tuple[int, ...] = (*shape[:3], *(1,) * (3 - len(shape)))
        self._affine = np.asarray(self._image.affine, float)
        self.subject = match[1] if (match := _SUBJECT.search(path.as_posix())) else ""
        self._take(turn_of(self._affine, self._shape, slicing.plane))

    @property
    def _is_packed(self) -> bool:
        return self.path.name.lower().endswith(_PACKED)

    @property
    def _span(self) -> tuple[int, int]:
        """Where the voxels begin and end in the plain file, in bytes."""
        data = self._image.dataobj
        start = int(data.offset)
        return start, start + math.prod(int(side) for side in data.shape) * int(data.dtype.itemsize)

    def _check_length(self) -> None:
        """Refuse what the file is too short for, before anybody makes room for it."""
        length, end = self.path.stat().st_size, self._span[1]
        if not self._is_packed and length < end:
            raise Unreadable("the file is cut off, the end of the volume is missing")
        if self._is_packed and length * _DENSEST + _COPIED_AT_ONCE < end:
            raise Unreadable(f"the file is damaged or cut off: it says that it holds {end / 1e9:.1f} GB")

    def _take(self, turn: Turn) -> None:
        self._turn = turn
        self.plane: Plane = turn.plane
        self.count, self.height, self.width = turn.size(self._shape)
        if self.height * self.width > MAX_PIXELS:
            raise Unreadable("its slices have more pixels than this program opens (178 million)")
        self.place = {
            "shape": list(self._shape),
            "orientation": [list(one) for one in turn.orientation],
            "axis": turn.axis,
            "affine": self._affine.tolist(),
            **self._header_place(),
        }

    def _header_place(self) -> dict[str, Any]:
        """The header itself, where it is one of NIfTI: it says more than the affine (units, codes)."""
        import nibabel

        header = self._image.header
        if not isinstance(header, nibabel.Nifti1Header):
            return {"kind": "nifti1"}
        kind = "nifti2" if isinstance(header, nibabel.Nifti2Header) else "nifti1"
        single = nibabel.Nifti2Header if kind == "nifti2" else nibabel.Nifti1Header
        plain = single.from_header(header, check=False).as_byteswapped("<")
        return {"kind": kind, "header": base64.b64encode(plain.binaryblock).decode("ascii")}

    @property
    def _says_where(self) -> bool:
        """Whether the file says at all how it lies."""
        header = self._image.header
        return "sform_code" not in header or bool(header["sform_code"] or header["qform_code"])

    def lie_as(self, image: Volume) -> str:
        """See Volume: labels lie where their own affine says, or as the image where one of both says nothing."""
        if not isinstance(image, NiftiVolume):
            return ""
        if not (self._says_where and image._says_where):
            if self._shape == image._shape:
                self._take(image._turn)
            return ""
        own = turned_affine(self._affine, self._shape, self._turn)
        its = turned_affine(image._affine, image._shape, image._turn)
        voxel = float(np.sqrt((its[:3, :3] ** 2).sum(axis=0)).min())
        corners = np.array([[0, 0, 0, 1], [*(side - 1 for side in self._shape), 1]], float).T
        if self.size != image.size or np.abs((own - its) @ corners).max() <= _SAME_PLACE * voxel:
            return ""
        return "it does not lie where its image lies (their affines differ); voxels are taken one for one"

    def prepare(self, scratch: Path, report: Reporter) -> None:
        """See Volume: unpacks what is compressed; the voxels are mapped into memory, never read as a whole."""
        data, path = self._image.dataobj, self.path
        start, end = self._span
        if self._is_packed:
            path = self._unpacked = scratch / "unpacked"
            self._unpack(path, end, report)
        mapped = np.memmap(path, data.dtype, "r", start, tuple(data.shape), "F")
        plain = mapped.reshape((*self._shape, -1), order="F")[..., self._channel]
        self._voxels = self._turn.stack(plain)
        self._slope, self._inter = float(data.slope), float(data.inter)

    def _unpack(self, target: Path, size: int, report: Reporter) -> None:
        free = shutil.disk_usage(target.parent).free
        if size + _KEPT_FREE > free:
            raise Unreadable(f"unpacked it needs {size / 1e9:.1f} GB, and the disk has {free / 1e9:.1f} GB free")
        done = 0
        try:
            with gzip.open(self.path) as source, target.open("wb") as file:
                while done < size and (data := source.read(min(_COPIED_AT_ONCE, size - done))):
                    file.write(data)
                    done += len(data)
                    report.progress(done, size, f"unpacking {self.path.name}")
                source.read(1)  # at the end gzip compares its checksum
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Unreadable("the file is damaged or cut off, the end of the volume is missing") from error
        if done < size:
            raise Unreadable("the file is cut off, the end of the volume is missing")

    def read(self, index: int) -> np.ndarray:
        """See Volume; values are scaled as the header says."""
        if self._voxels is None:
            raise ValueError("the volume has not been prepared")
        stored = self._voxels[index]
        if self._is_colour:
            return np.ascontiguousarray(np.stack([stored["R"], stored["G"], stored["B"]], axis=-1))
        plain = np.ascontiguousarray(stored.astype(stored.dtype.newbyteorder("=")))
        if (self._slope, self._inter) == (1.0, 0.0):
            return plain
        return plain * np.float64(self._slope) + np.float64(self._inter)

    def close(self) -> None:
        """See Volume."""
        self._voxels = None
        if self._unpacked is not None and self._unpacked.exists():
            with contextlib.suppress(OSError):  # Windows, while it is still mapped: the scratch folder goes anyway
                self._unpacked.unlink()
