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
    """Write a DICOM file with those stored values, and any tags by their names."""
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    header = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    header.Rows, header.Columns = values.shape[:2]
    header.SamplesPerPixel = 1 if values.ndim == 2 else 3
    header.PhotometricInterpretation = "MONOCHROME2" if values.ndim == 2 else "RGB"
    if values.ndim == 3:
        header.PlanarConfiguration = 0
    header.BitsAllocated = header.BitsStored = values.dtype.itemsize * 8
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(np.issubdtype(values.dtype, np.signedinteger))
    header.PixelData = values.tobytes()
    for name, value in tags.items():
        setattr(header, name, value)
    header.save_as(path, enforce_file_format=True)
    return path
