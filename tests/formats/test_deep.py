"""Pictures of more than 8 bits are seen through a window: as their file says, or without the extremes."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image
from pydicom.sequence import Sequence
from pydicom.uid import JPEGLSLossless

from segstudio.core.errors import BadImage
from segstudio.formats import image_size, is_upright, read_image, read_mask_values, read_preview
from segstudio.formats.window import windowed
from tests.datasets import dicom

shapes = array_shapes(min_dims=2, max_dims=2, max_side=30)
deep = st.one_of(
    arrays(np.uint16, shapes), arrays(np.int16, shapes), arrays(np.int32, shapes), arrays(np.float32, shapes)
)


@given(deep)
def test_any_values_become_8_bits_and_keep_their_order(values: np.ndarray) -> None:
    with np.errstate(over="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # hypothesis draws the largest floats there are
        seen = windowed(values)
    assert seen.shape == values.shape
    assert seen.dtype == np.uint8
    if np.issubdtype(values.dtype, np.integer):
        order = np.argsort(values, axis=None, kind="stable")
        assert (np.diff(seen.reshape(-1)[order].astype(int)) >= 0).all()
        if values.min() >= 0 and values.max() <= 255:
            assert np.array_equal(seen, values)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float32])
def test_the_darkest_and_brightest_thousandth_are_cut_off(dtype: type) -> None:
    values = np.arange(1000, 11_000).reshape(100, 100).astype(dtype)
    seen = windowed(values).reshape(-1)
    assert (seen == 0).sum() + (seen == 255).sum() < 80
    assert abs(int(seen[5000]) - 127) <= 1
    hot = values.copy()
    hot[0, 0] = 32_000
    assert np.abs(windowed(hot).astype(int) - windowed(values))[0, 1:].max() <= 1, "one hot pixel changes nothing else"


def test_what_is_not_finite_is_black_and_a_flat_picture_is_no_error() -> None:
    values = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    values[3, 3], values[4, 4] = np.nan, np.inf
    seen = windowed(values)
    assert seen[3, 3] == seen[4, 4] == 0
    assert (seen[9, 9], seen[0, 0]) == (255, 0)
    assert not windowed(np.full((3, 3), 40_000, np.uint16)).any()
    assert not windowed(np.full((3, 3), np.nan, np.float32)).any()
    assert windowed(np.array([[7] * 3000 + [900]], np.uint16)).max() == 255, "a single point is not lost"


@pytest.mark.parametrize("kind", ["png", "tiff", "pgm"])
def test_files_of_16_bits(tmp_path: Path, kind: str) -> None:
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    path = tmp_path / f"deep.{kind}"
    Image.fromarray(values).save(path)
    assert np.array_equal(read_image(path), windowed(values))
    assert image_size(path) == (64, 64)
    assert is_upright(path)
    assert np.abs(read_preview(path, 32).pixels.astype(int) - windowed(values)[::2, ::2]).max() < 8


RAMP = np.arange(-1024, 1024, dtype=np.int16).reshape(32, 64)


def test_a_window_of_the_file_is_taken_in_the_scanners_units(tmp_path: Path) -> None:
    path = dicom(
        tmp_path / "ct.dcm", RAMP + 1024, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=-500, WindowWidth=1000
    )
    seen = read_image(path)
    assert image_size(path) == (64, 32)
    assert not is_upright(path), "no program for photos reads it"
    units = RAMP.astype(float)
    assert (seen[units <= -1000] == 0).all()
    assert (seen[units > -1] == 255).all()
    assert abs(int(seen[RAMP == -500][0]) - 128) <= 1
    assert read_preview(path, 16).pixels.shape == (8, 16)
    assert (read_preview(path, 16).width, read_preview(path, 16).height) == (64, 32)


def test_the_first_of_several_windows_and_a_sigmoid_and_an_exact_one(tmp_path: Path) -> None:
    several = read_image(dicom(tmp_path / "a.dcm", RAMP, WindowCenter=[0, 500], WindowWidth=[200, 10]))
    assert 0 < np.count_nonzero((several > 0) & (several < 255)) < 210
    soft = read_image(dicom(tmp_path / "b.dcm", RAMP, WindowCenter=0, WindowWidth=400, VOILUTFunction="SIGMOID"))
    assert (np.diff(soft.reshape(-1).astype(int)) >= 0).all()
    assert abs(int(soft[RAMP == 0][0]) - 128) <= 1
    assert abs(int(soft[RAMP == 100][0]) - round(255 / (1 + np.exp(-1)))) <= 1
    exact = read_image(dicom(tmp_path / "c.dcm", RAMP, WindowCenter=0, WindowWidth=200, VOILUTFunction="LINEAR_EXACT"))
    assert (exact[RAMP == -100][0], exact[RAMP == 100][0]) == (0, 255)
    hard = read_image(dicom(tmp_path / "d.dcm", RAMP, WindowCenter=0, WindowWidth=1))
    assert set(np.unique(hard)) == {0, 255}


def test_a_table_of_the_file_is_heeded(tmp_path: Path) -> None:
    table = pydicom.Dataset()
    table.LUTDescriptor = [4, 0, 16]
    table.add_new("LUTData", "US", [65535, 40_000, 20_000, 0])
    values = np.array([[0, 1], [2, 3]], np.uint16)
    seen = read_image(dicom(tmp_path / "a.dcm", values, VOILUTSequence=Sequence([table])))
    assert seen.tolist() == [[255, 156], [78, 0]]


def test_without_a_window_the_extremes_are_cut_off_and_8_bits_stay(tmp_path: Path) -> None:
    assert np.array_equal(read_image(dicom(tmp_path / "a.dcm", RAMP)), windowed(RAMP))
    bytes_ = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(read_image(dicom(tmp_path / "b.dcm", bytes_)), bytes_)
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    assert np.array_equal(read_image(dicom(tmp_path / "c.dcm", colours)), colours)


def test_monochrome1_is_turned_round(tmp_path: Path) -> None:
    plain = read_image(dicom(tmp_path / "a.dcm", RAMP))
    turned = read_image(dicom(tmp_path / "b.dcm", RAMP, PhotometricInterpretation="MONOCHROME1"))
    assert np.array_equal(turned, 255 - plain)


def test_a_mask_in_dicom_keeps_its_values(tmp_path: Path) -> None:
    values = np.array([[0, 1], [3, 0]], np.uint16)
    path = dicom(tmp_path / "mask.dcm", values, WindowCenter=1, WindowWidth=1)
    assert np.array_equal(read_mask_values(path), values)


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"NumberOfFrames": 2, "PixelData": RAMP.tobytes() * 2}, "holds 2 pictures"),
        ({"Rows": 40_000, "Columns": 40_000}, "more pixels than this program opens"),
        ({"PixelData": RAMP.tobytes()[:100]}, "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(tmp_path: Path, tags: dict[str, object], reason: str) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP, **tags)
    with pytest.raises(BadImage, match=rf"a\.dcm: .*{reason}"):
        read_image(path)


def test_files_without_a_picture_or_cut_off_or_packed_by_strangers_are_refused(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", RAMP)
    header = pydicom.dcmread(path)
    header.file_meta.TransferSyntaxUID = JPEGLSLossless
    header.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8\xff\xf7" + b"\0" * 20])
    header["PixelData"].is_undefined_length = True
    header.save_as(tmp_path / "packed.dcm", enforce_file_format=True)
    with pytest.raises(BadImage, match="JPEG-LS") as caught:
        read_image(tmp_path / "packed.dcm")
    assert "pylibjpeg" in caught.value.hint
    header = pydicom.dcmread(path)
    del header.PixelData
    header.save_as(tmp_path / "none.dcm", enforce_file_format=True)
    with pytest.raises(BadImage, match="no pixels"):
        read_image(tmp_path / "none.dcm")
    data = path.read_bytes()
    for length in (132, 140, 200, 400, 600, len(data) - 1000):
        (tmp_path / "cut.dcm").write_bytes(data[:length])
        with pytest.raises(BadImage, match=r"cut\.dcm"):
            read_image(tmp_path / "cut.dcm")


def test_warnings_of_pydicom_stay_inside(test_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in (test_data / "odd" / "dicom").glob("*.dcm"):
            if path.name != "no_meta.dcm":
                assert read_image(path).dtype == np.uint8
