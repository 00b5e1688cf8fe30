"""What every image format promises, run over every one that is registered."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import BadImage
from segstudio.formats import (
    FORMATS,
    HEAD,
    ImageFormat,
    image_size,
    image_suffixes,
    read_image,
    read_mask_values,
    read_preview,
    read_thumbnail,
    sniff_format,
)
from segstudio.formats.pillow import PillowFormat
from tests.datasets import dicom

SAVING: dict[str, dict[str, Any]] = {"jpeg": {"quality": 95}, "webp": {"lossless": True}}
"""What Pillow is told besides the format."""


@pytest.fixture(params=FORMATS.names())
def entry(request: pytest.FixtureRequest) -> type[ImageFormat]:
    return FORMATS[request.param]


def picture(channels: int = 1) -> np.ndarray:
    y, x = np.mgrid[0:40, 0:60]
    grey = (x * 3 + y).astype(np.uint8)
    return grey if channels == 1 else np.stack([grey, grey // 2, 255 - grey], axis=-1)


def encoded(entry: type[ImageFormat], pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    if entry.name == "dicom":
        dicom(out, pixels)
        return out.getvalue()
    assert issubclass(entry, PillowFormat), f"tell this test how a {entry.title} file is written"
    Image.fromarray(pixels).save(out, entry.pillow_name, **SAVING.get(entry.name, {}))
    return out.getvalue()


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """The message when the file is refused, else its name; anything but a BadImage fails the test."""
    try:
        read(path)
    except BadImage as error:
        return error.message
    return path.name


@pytest.fixture
def file(entry: type[ImageFormat], tmp_path: Path) -> Path:
    path = tmp_path / f"снимок{entry.suffixes[0]}"
    path.write_bytes(encoded(entry, picture()))
    return path


def test_says_what_it_is(entry: type[ImageFormat]) -> None:
    assert entry.name == entry.name.lower()
    assert entry.title
    assert entry.suffixes
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in entry.suffixes)
    assert set(entry.suffixes) <= image_suffixes()


def test_no_suffix_belongs_to_two(entry: type[ImageFormat]) -> None:
    others = [other for other in FORMATS if other is not entry]
    assert not any(set(entry.suffixes) & set(other.suffixes) for other in others)


def test_is_recognised_by_content_alone(entry: type[ImageFormat], file: Path, tmp_path: Path) -> None:
    assert sniff_format(file.read_bytes()[:HEAD]) is entry
    disguised = tmp_path / "really.something"
    disguised.write_bytes(file.read_bytes())
    assert np.array_equal(read_image(disguised), read_image(file))


def test_grey_comes_back(entry: type[ImageFormat], file: Path) -> None:
    pixels = read_image(file)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.shape[:2] == (40, 60)
    grey = pixels if pixels.ndim == 2 else pixels[..., 0]
    difference = np.abs(grey.astype(int) - picture())
    assert difference.max() <= (40 if entry.is_lossy else 0)
    assert difference.mean() <= 4


def test_colours_come_back(entry: type[ImageFormat], tmp_path: Path) -> None:
    path = tmp_path / f"colours{entry.suffixes[0]}"
    path.write_bytes(encoded(entry, picture(3)))
    pixels = read_image(path)
    assert pixels.shape == (40, 60, 3)
    assert np.abs(pixels.astype(int) - picture(3)).mean() <= 8


def test_size_agrees_with_the_pixels(file: Path) -> None:
    assert image_size(file) == (60, 40)


def test_preview_is_small_and_knows_the_size(file: Path) -> None:
    preview = read_preview(file, 16)
    assert (preview.width, preview.height) == (60, 40)
    assert preview.pixels.dtype == np.uint8
    assert max(preview.pixels.shape[:2]) == 16
    assert read_thumbnail(file, 1000).shape[:2] == (40, 60)


def test_mask_values_are_exact_unless_lossy(entry: type[ImageFormat], tmp_path: Path) -> None:
    mask = (picture() > 90).astype(np.uint8) * 255
    path = tmp_path / f"mask{entry.suffixes[0]}"
    path.write_bytes(encoded(entry, mask))
    values = read_mask_values(path)
    grey = values if values.ndim == 2 else values[..., 0]
    assert np.array_equal(grey > 127, mask > 127)
    assert entry.is_lossy or np.array_equal(grey, mask)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.5, 0.9, 0.97])
def test_a_cut_off_file_is_refused_or_read(file: Path, share: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    for read in (read_image, image_size, read_mask_values, lambda path: read_preview(path, 16)):
        assert file.name in refusal(read, file)


def test_half_a_picture_is_never_a_picture(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadImage, match=file.stem):
        read_image(file)


def test_flipped_bits_never_crash(file: Path) -> None:
    data = file.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(60):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            broken[place] ^= int(rng.integers(1, 256))
        file.write_bytes(bytes(broken))
        assert file.name in refusal(read_image, file)
