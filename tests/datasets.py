"""Small generated datasets for tests: real files, cheap to make, with something in them that a network can learn."""

from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image

_Place = TypeVar("_Place", Path, BinaryIO)


def blob_pair(
    rng: np.random.Generator, size: tuple[int, int] = (64, 48), *, is_rgb: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """A noisy picture with one or two bright ellipses, and the mask of these.

    Args:
        rng: The source of all chance.
        size: Width and height in pixels.
        is_rgb: Whether the picture has three channels.

    Returns:
        image uint8 (H, W) or (H, W, 3), and mask uint8 (H, W) of 0 and 1.
    """
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 3))):
        cx, cy = rng.uniform(0.25, 0.75) * width, rng.uniform(0.25, 0.75) * height
        rx, ry = rng.uniform(0.12, 0.25) * width, rng.uniform(0.12, 0.25) * height
        mask |= (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1).astype(np.uint8)
    grey = rng.normal(80, 12, (height, width)) + mask * 90
    image = np.clip(grey, 0, 255).astype(np.uint8)
    if is_rgb:
        image = np.stack([image, image // 2 + 40, 255 - image], axis=-1)
    return image, mask


def make_dataset(
    folder: Path, count: int = 6, size: tuple[int, int] = (64, 48), *, is_rgb: bool = False, seed: int = 0
) -> Path:
    """Write images/sample_NN.png and masks/sample_NN.png (0/255) below `folder` and return it."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "masks").mkdir(exist_ok=True)
    for number in range(count):
        image, mask = blob_pair(rng, size, is_rgb=is_rgb)
        Image.fromarray(image).save(folder / "images" / f"sample_{number:02}.png")
        Image.fromarray(mask * 255).save(folder / "masks" / f"sample_{number:02}.png")
    return folder


def dicom(path: _Place, values: np.ndarray, **tags: object) -> _Place:
    """Write a DICOM file with those stored values, (H, W), (H, W, 3) or (frames, H, W), and any tags by their names."""
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    header = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    is_colour = values.ndim == 3 and values.shape[2] == 3
    header.Rows, header.Columns = values.shape[:2] if is_colour else values.shape[-2:]
    if values.ndim == 3 and not is_colour:
        header.NumberOfFrames = len(values)
    header.SamplesPerPixel = 3 if is_colour else 1
    header.PhotometricInterpretation = "RGB" if is_colour else "MONOCHROME2"
    if is_colour:
        header.PlanarConfiguration = 0
    header.BitsAllocated = header.BitsStored = values.dtype.itemsize * 8
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(np.issubdtype(values.dtype, np.signedinteger))
    header.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(header, name, value)
    header.save_as(path, enforce_file_format=True)
    return path


def ct(count: int = 12, size: tuple[int, int] = (40, 30), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A body of 40 Hounsfield units in air with two lungs of -800 in it, and the mask of the lungs.

    Args:
        count: How many slices.
        size: Width (left to right) and depth (front to back) in voxels.
        seed: Of the noise, and of where the lungs lie.

    Returns:
        int16 and uint8 of shape (width, depth, count), as NIfTI stores them: right to left, front to back, feet first.
    """
    rng = np.random.default_rng(seed)
    width, depth = size
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, depth), indexing="ij")
    values = np.full((width, depth, count), -1000.0)
    mask = np.zeros((width, depth, count), np.uint8)
    shift = rng.uniform(-0.08, 0.08, 2)
    for index in range(count):
        reach = 0.4 * np.sin(np.pi * (index + 0.5) / count)
        values[x**2 + 1.3 * y**2 < 0.8, index] = 40
        for side in (-0.42, 0.42):
            mask[((x - side - shift[0]) / 0.7) ** 2 + (y - shift[1]) ** 2 < reach**2, index] = 1
    values[mask > 0] = -800
    return np.rint(values + rng.normal(0, 15, values.shape)).astype(np.int16), mask


def nifti(path: Path, values: np.ndarray, affine: np.ndarray | None = None) -> Path:
    """Write a volume, by default with slices 5 mm apart of voxels of 0.8 mm, stored towards left, back and head."""
    import nibabel

    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([-0.8, -0.8, 5, 1]) if affine is None else affine), path)
    return path


def nnunet(folder: Path, cases: int = 3, count: int = 12) -> Path:
    """Write imagesTr/case_N_0000.nii.gz and labelsTr/case_N.nii.gz below `folder` and return it."""
    for number in range(cases):
        values, mask = ct(count, seed=number)
        nifti(folder / f"imagesTr/case_{number}_0000.nii.gz", values)
        nifti(folder / f"labelsTr/case_{number}.nii.gz", mask)
    return folder
