"""Putting masks of slices together again, as the volume lay that they were taken from.

What came from NIfTI or MGH becomes a compressed NIfTI of the same shape, affine and header; stacks that have no place
in space (TIFF, DICOM frames) become a TIFF of as many pages.
"""

import base64
import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

import numpy as np
from PIL import Image

from segstudio.formats.archive import allowed
from segstudio.formats.naming import split_suffix
from segstudio.volumes.anatomy import Turn
from segstudio.volumes.record import VolumeRecord


def stacked_suffix(record: VolumeRecord) -> str:
    """How the name of the file ends that `stacked` gives."""
    return ".tif" if record.place["kind"] == "tiff" else ".nii.gz"


def stacked_name(record: VolumeRecord) -> str:
    """The path of that file without its suffix: as the labels are called, or as nnU-Net would call them."""
    folder, slash, name = record.name.rpartition("/")
    if record.mask is not None:
        name = allowed(split_suffix(PurePath(record.mask).name)[0], is_windows=True)
    elif record.place["kind"] != "tiff":
        name = name.removesuffix("_0000") or name
    return f"{folder}{slash}{name}"


def stacked(record: VolumeRecord, masks: Iterable[np.ndarray | None]) -> bytes:
    """The content of a file that holds the masks of a volume's slices.

    Args:
        record: How the volume lay.
        masks: For each slice uint8 (height, width) of 0 and 1, or None for one that has no mask: it becomes 0.

    Returns:
        Foreground is 1 in NIfTI, as programs for volumes want labels, and 255 in TIFF, where it shall be seen.

    Raises:
        ValueError: When a mask has another size than the slices.
    """
    planes = _checked(record, masks, value=255 if record.place["kind"] == "tiff" else 1)
    return _pages(planes) if record.place["kind"] == "tiff" else _nifti(record, planes)


def _checked(record: VolumeRecord, masks: Iterable[np.ndarray | None], value: int) -> Iterator[np.ndarray]:
    _, height, width = record.size
    for mask in masks:
        if mask is not None and mask.shape != (height, width):
            raise ValueError(f"a mask of {record.name} is {mask.shape}, not {(height, width)}")
        yield np.zeros((height, width), np.uint8) if mask is None else mask * np.uint8(value)


def _pages(planes: Iterator[np.ndarray]) -> bytes:
    out = io.BytesIO()
    first = Image.fromarray(next(planes))
    rest = (Image.fromarray(plane) for plane in planes)
    first.save(out, "TIFF", save_all=True, append_images=rest, compression="tiff_adobe_deflate")
    return out.getvalue()


def _nifti(record: VolumeRecord, planes: Iterator[np.ndarray]) -> bytes:
    import nibabel

    place = record.place
    orientation = tuple((int(to), int(sign)) for to, sign in place["orientation"])
    turn = Turn("auto", int(place["axis"]), orientation)
    stored = np.zeros(tuple(place["shape"]), np.uint8, order="F")
    stack = turn.stack(stored)
    for target, plane in zip(stack, planes, strict=True):
        target[:] = plane
    affine = np.array(place["affine"], float)
    image: Any
    if place["kind"] == "nifti2":
        image = nibabel.Nifti2Image(stored, affine, _header(place, nibabel.Nifti2Header))
    else:
        image = nibabel.Nifti1Image(stored, affine, _header(place, nibabel.Nifti1Header))
    return gzip.compress(image.to_bytes(), compresslevel=4, mtime=0)


def _header(place: dict[str, Any], kind: Any) -> Any:
    """The original's header, made to describe labels."""
    if "header" not in place:
        return None
    header = kind(base64.b64decode(place["header"]), check=False)
    header.set_data_dtype(np.uint8)
    header.set_slope_inter(1, 0)
    header["cal_max"] = header["cal_min"] = 0
    header["descrip"] = b"masks of SegStudio"
    return header
