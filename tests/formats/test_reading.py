"""The one loader: modes, orientation, damage, and masks there and back."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, TiffImagePlugin

from segstudio.core.errors import BadImage
from segstudio.formats import (
    encode_grey,
    encode_mask,
    image_size,
    is_upright,
    read_image,
    read_mask,
    read_mask_values,
    read_preview,
    reason_of,
)
from segstudio.formats.foreground import ForegroundRule
from segstudio.formats.png import Png

UPRIGHT = np.zeros((10, 20, 3), np.uint8)
UPRIGHT[:5, :5] = 255
UPRIGHT[:5, 15:, 0] = 200


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """How a camera stores a picture that the given EXIF orientation turns upright."""
    undo = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud}
    undo |= {5: lambda a: a.swapaxes(0, 1), 6: lambda a: np.rot90(a, 1)}
    undo |= {7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: lambda a: np.rot90(a, -1)}
    return np.ascontiguousarray(undo[orientation](upright))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_applied_once(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / f"picture.{kind.lower()}"
    picture = Image.fromarray(stored(UPRIGHT, orientation))
    if kind == "TIFF":
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[274] = orientation
        picture.save(path, kind, tiffinfo=tags)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        options = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
        picture.save(path, kind, exif=exif, **options)
    assert image_size(path) == (20, 10)
    assert np.abs(read_image(path).astype(int) - UPRIGHT).mean() < 3
    assert np.abs(read_mask_values(path).astype(int) - UPRIGHT).mean() < 3
    assert is_upright(path) is (orientation == 1)
    preview = read_preview(path, 10)
    assert (preview.width, preview.height, preview.pixels.shape) == (20, 10, (5, 10, 3))


def test_orientation_behind_the_pixels_of_a_png(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    out = io.BytesIO()
    Image.fromarray(stored(UPRIGHT, 6)).save(out, "PNG")
    chunk = b"eXIf" + exif.tobytes()[6:]
    late = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path = tmp_path / "late.png"
    path.write_bytes(out.getvalue()[:-12] + late + out.getvalue()[-12:])
    assert image_size(path) == (20, 10)
    assert np.array_equal(read_image(path), UPRIGHT)


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, 255),
        ("L", 77, 77),
        ("LA", (77, 0), 77),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("RGBA", (1, 2, 3, 0), (1, 2, 3)),
        ("CMYK", (0, 0, 0, 0), (255, 255, 255)),
    ],
)
def test_every_mode_becomes_grey_or_rgb(tmp_path: Path, mode: str, colour: object, expected: object) -> None:
    path = tmp_path / "picture.tiff"
    Image.new(mode, (4, 3), colour).save(path)
    pixels = read_image(path)
    assert pixels.shape[:2] == (3, 4)
    assert np.all(pixels == expected)


def test_a_palette_of_greys_is_grey(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 3), 1)
    picture.putpalette([0, 0, 0, 90, 90, 90])
    picture.save(tmp_path / "grey.png")
    assert np.array_equal(read_image(tmp_path / "grey.png"), np.full((3, 4), 90))


def test_several_pages_are_refused(tmp_path: Path) -> None:
    pages = [Image.new("L", (4, 4), grey) for grey in (1, 2, 3)]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(BadImage, match="3 pictures"):
        read_image(tmp_path / "stack.tif")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(bytes(1000))
    chunks = [struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in (header, pixels)]
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(BadImage, match=r"bomb\.png.*pixels"):
        read_image(tmp_path / "bomb.png")
    with pytest.raises(BadImage):
        image_size(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"hello, I am text", "not a picture"), (b"\x89PNG\r\n\x1a\n", "damaged")]
)
def test_what_is_no_picture_says_so(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(BadImage, match=reason) as caught:
        read_image(path)
    assert "a.png" in caught.value.message
    assert "a.png" not in reason_of(caught.value, path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadImage, match="missing"):
        read_image(tmp_path / "no.png")
    with pytest.raises(BadImage):
        read_image(tmp_path)


def test_a_file_is_closed_while_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(encode_mask(np.ones((4, 4), np.uint8)))
    opened, was_closed, read, open_file = [], [], Png.read, Path.open

    def watched(self: Path, mode: str = "r") -> object:
        opened.append(open_file(self, mode))
        return opened[-1]

    monkeypatch.setattr(Path, "open", watched)
    monkeypatch.setattr(Png, "read", lambda file: (was_closed.append(opened[0].closed), read(file))[1])
    assert (read_image(tmp_path / "a.png") == 255).all()
    assert was_closed == [True]


def test_warnings_of_the_decoder_stay_inside(test_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(test_data / "odd" / "exif_bad" / "hopper_bad_exif.jpg").ndim == 2


REFUSED = {
    "ultrahdr.jpg": "cut off",
    "broken.png": "damaged",
    "crash-0c7e0e8e11ce787078f00b5b0ca409a167f070e0.tif": "damaged",
    "png_decompression_dos.png": "damaged",
    "seek_too_large.tif": "damaged",
    "truncated_end_chunk.png": "cut off",
    "truncated_image.png": "cut off",
    "unknown_compression_method.png": "damaged",
    "zero_width.gif": "damaged",
}


def test_every_odd_file_is_read_or_refused_with_its_reason(test_data: Path) -> None:
    folders = (
        "annotations/images",
        "bitdepth",
        "colour",
        "corrupt",
        "exif",
        "exif_bad",
        "palette_masks",
        "dicom",
        "nifti",
    )
    refused = {}
    for folder in folders:
        for path in sorted(path for path in (test_data / "odd" / folder).rglob("*") if path.is_file()):
            try:
                pixels = read_image(path)
            except BadImage as error:
                refused[path.name] = error.message
                continue
            assert pixels.dtype == np.uint8
            assert pixels.std() > 0
            assert read_preview(path, 64).pixels.ndim == pixels.ndim
            assert image_size(path) == (pixels.shape[1], pixels.shape[0])
    assert all(message.startswith(name) for name, message in refused.items())
    medical = {name for name in refused if name.endswith((".dcm", ".nii", ".gz", ".mgz"))}
    assert all("not a picture" in refused[name] for name in medical)
    assert {name for name in medical if name.endswith(".dcm")} == {"no_meta.dcm"}, "nothing in it says what it is"
    assert set(refused) - medical == set(REFUSED)
    assert all(text in refused[name] for name, text in REFUSED.items())


def test_the_landscapes_are_all_the_same_way_up(test_data: Path) -> None:
    pictures = [
        read_preview(path, 90).pixels.astype(int) for path in sorted((test_data / "odd/exif").glob("Landscape*"))
    ]
    assert all(np.abs(one - pictures[0]).mean() < 6 for one in pictures)


masks = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 1))


@given(masks)
@settings(deadline=None)
def test_a_mask_survives_encoding(tmp_path_factory: pytest.TempPathFactory, mask: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("masks") / "mask.png"
    path.write_bytes(encode_mask(mask))
    assert set(np.unique(read_mask_values(path))) <= {0, 255}
    assert np.array_equal(read_mask(path, ForegroundRule()), mask)
    assert np.array_equal(read_mask(path, ForegroundRule(kind="nonzero")), mask)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40)))
@settings(deadline=None)
def test_greys_survive_encoding(tmp_path_factory: pytest.TempPathFactory, values: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("greys") / "grey.png"
    path.write_bytes(encode_grey(values))
    assert np.array_equal(read_mask_values(path), values)
    assert np.array_equal(read_image(path), values)


def test_encoding_takes_any_mask_and_nothing_else() -> None:
    assert encode_mask(np.ones((4, 6), bool)[:, ::2]) == encode_mask(np.ones((4, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        encode_grey(np.zeros((2, 2), np.float32))


def test_palette_masks_become_colours(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([0, 0, 0, 250, 50, 83])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "mask.png")
    assert read_mask_values(tmp_path / "mask.png").tolist() == [[[0, 0, 0], [250, 50, 83]]]


def test_a_palette_without_colours_gives_its_indices(tmp_path: Path) -> None:
    picture = Image.new("P", (3, 1))
    picture.putpalette([0] * 768)
    picture.putpixel((1, 0), 1)
    picture.putpixel((2, 0), 2)
    picture.save(tmp_path / "mask.png")
    assert read_mask_values(tmp_path / "mask.png").tolist() == [[0, 1, 2]]


def test_transparent_pixels_of_a_mask_are_background(tmp_path: Path) -> None:
    pixels = np.array([[[255, 255, 255, 0], [255, 0, 0, 255]]], np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert read_mask_values(tmp_path / "mask.png").tolist() == [[[0, 0, 0], [255, 0, 0]]]


@pytest.mark.parametrize(("deep", "expected"), [([[0, 1, 7]], [[0, 1, 7]]), ([[0, 65535, 0]], [[0, 255, 0]])])
def test_deep_masks_are_narrowed_without_loss(tmp_path: Path, deep: list[list[int]], expected: list[list[int]]) -> None:
    Image.fromarray(np.array(deep, np.uint16)).save(tmp_path / "mask.png")
    assert read_mask_values(tmp_path / "mask.png").tolist() == expected


def test_deep_masks_with_many_values_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 300, 65535]], np.uint16)).save(tmp_path / "mask.png")
    with pytest.raises(BadImage, match="above 255"):
        read_mask_values(tmp_path / "mask.png")
