"""What every kind of volume promises, run over every one that is registered."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from segstudio.core.errors import UserError
from segstudio.core.reporter import ListReporter
from segstudio.formats import Unreadable
from segstudio.volumes import VOLUME_FORMATS, Slicing, VolumeFormat
from segstudio.volumes.unpacking import opened, prepare, read_slice, volume_format
from tests.datasets import dicom

STACK = np.arange(6 * 20 * 30, dtype=np.uint16).reshape(6, 20, 30)  # slices, height, width


def _nifti(path: Path, stack: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(stack.transpose(2, 1, 0), np.diag([-1, -1, 3, 1])), path)


def _tiff(path: Path, stack: np.ndarray) -> None:
    first, *rest = [Image.fromarray(page) for page in stack]
    first.save(path, "TIFF", save_all=True, append_images=rest)


WRITERS: dict[str, tuple[str, Callable[[Path, np.ndarray], object]]] = {
    "nifti": ("a.nii.gz", _nifti),
    "tiff-pages": ("a.tif", _tiff),
    "dicom-frames": ("a.dcm", dicom),
}


@pytest.fixture(params=VOLUME_FORMATS.names())
def kind(request: pytest.FixtureRequest) -> type[VolumeFormat]:
    return VOLUME_FORMATS[request.param]


@pytest.fixture
def path(kind: type[VolumeFormat], tmp_path: Path) -> Path:
    assert kind.name in WRITERS, f"tell this test how a file of {kind.title} is written"
    name, write = WRITERS[kind.name]
    write(tmp_path / name, STACK)
    return tmp_path / name


def read(kind: type[VolumeFormat], path: Path, scratch: Path) -> np.ndarray:
    with opened(kind, path, Slicing()) as volume:
        volume.prepare(scratch, ListReporter())
        with ThreadPoolExecutor(4) as pool:
            return np.stack(list(pool.map(volume.read, range(volume.count))))


def test_slices_are_read_in_threads_as_they_were_written(kind: type[VolumeFormat], path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    assert volume_format(path) is kind
    with opened(kind, path, Slicing()) as volume:
        assert volume.size == STACK.shape
        assert volume.words.startswith("6 ")
        assert volume.place["kind"]
    assert np.array_equal(read(kind, path, tmp_path), STACK)
    assert path.read_bytes() == before


def test_nothing_but_volumes_is_taken_for_one(kind: type[VolumeFormat], tmp_path: Path) -> None:
    name, write = WRITERS[kind.name]
    missing = tmp_path / f"missing{name}"
    assert volume_format(missing) is None
    if not kind.is_always:
        write(tmp_path / name, STACK[:1] if name != "a.dcm" else STACK[0])
        assert volume_format(tmp_path / name) is None
        for content in (b"", b"II*\0", b"\0" * 128 + b"DICM", bytes(range(256)) * 4):
            (tmp_path / name).write_bytes(content)
            assert volume_format(tmp_path / name) is None


def test_damage_is_told_in_words(kind: type[VolumeFormat], path: Path, tmp_path: Path) -> None:
    """Cut off anywhere, or with any byte of its head changed: it is read, or Unreadable, and nothing else."""
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    cuts = [whole[: len(whole) * part // 20] for part in range(20)]
    changed = []
    for _ in range(60):
        content = bytearray(whole)
        content[int(rng.integers(min(len(whole), 700)))] = int(rng.integers(256))
        changed.append(bytes(content))
    refused = 0
    for content in cuts + changed:
        path.write_bytes(content)
        try:
            with opened(kind, path, Slicing()) as volume:
                if volume.count * volume.height * volume.width > 100 * STACK.size:
                    continue
                prepare(volume, tmp_path, ListReporter())
                for index in range(volume.count):
                    read_slice(volume, index)
        except Unreadable as error:
            assert error.reason  # noqa: PT017
            refused += 1
    assert refused >= 15


def test_a_channel_that_is_not_there_is_refused_or_makes_no_difference(
    kind: type[VolumeFormat], path: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="window"):
        Slicing().replaced(window="nonsense")
    try:
        with opened(kind, path, Slicing(channel=3)) as volume:
            assert volume.size == STACK.shape
    except Unreadable as error:
        assert "channel" in f"{error.reason} {error.hint}"  # noqa: PT017
