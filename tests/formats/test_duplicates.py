"""Near-duplicates: scenes are recognised, look-alikes are not, and no group swallows a dataset."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from segstudio.formats import read_thumbnail
from segstudio.formats.duplicates import BITS, NEAR, group_near_duplicates, picture_hash


def random_hashes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**63, (count, 4), dtype=np.uint64)


def flipped(one: np.ndarray, count: int, seed: int) -> np.ndarray:
    bits = np.unpackbits(one.view(np.uint8))
    bits[np.random.default_rng(seed).choice(BITS, count, replace=False)] ^= 1
    return np.packbits(bits).view(np.uint64)


def distance(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def scene(seed: int) -> np.ndarray:
    cells = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(cells).resize((320, 240), Image.Resampling.BICUBIC))


def test_the_same_scene_is_near_and_another_is_far() -> None:
    noise = np.random.default_rng(9).normal(0, 6, scene(1).shape)
    again = np.clip(scene(1) * 0.9 + 8 + noise, 0, 255).astype(np.uint8)
    assert distance(picture_hash(scene(1)), picture_hash(again)) <= NEAR
    assert distance(picture_hash(scene(1)), picture_hash(scene(2))) > 3 * NEAR


def test_grey_and_tiny_pictures_have_a_hash() -> None:
    assert picture_hash(np.zeros((1, 1), np.uint8)).tolist() == [0, 0, 0, 0]
    assert picture_hash(scene(1)[..., 0]).shape == (4,)


def test_near_ones_are_found_among_many() -> None:
    hashes = random_hashes(5000)
    for number in range(200):
        hashes[4800 + number] = flipped(hashes[number], NEAR, seed=number)
    groups = group_near_duplicates(hashes)
    assert np.array_equal(groups.ids[4800:], np.arange(200))
    assert np.array_equal(groups.ids[200:4800], np.arange(200, 4800))
    assert groups.cut == 0


def test_a_film_does_not_become_one_group() -> None:
    frames = [random_hashes(1)[0]]
    for number in range(199):
        frames.append(flipped(frames[-1], 8, seed=number))
    groups = group_near_duplicates(np.stack(frames))
    _, sizes = np.unique(groups.ids, return_counts=True)
    assert sizes.max() <= 20
    assert groups.cut > 0


def test_copies_are_found_however_many_there_are() -> None:
    hashes = random_hashes(1000)
    hashes[900:] = hashes[7]
    groups = group_near_duplicates(hashes)
    assert np.sum(groups.ids == 7) == 100


@given(st.integers(0, 12))
@settings(deadline=None)
def test_few_pictures(count: int) -> None:
    groups = group_near_duplicates(random_hashes(count))
    assert groups.ids.tolist() == list(range(count))


def test_patients_are_kept_apart(test_data: Path) -> None:
    paths = sorted((test_data / "lungs" / "images").iterdir())
    groups = group_near_duplicates(np.stack([picture_hash(read_thumbnail(path, 128)) for path in paths]))
    assert len(set(groups.ids.tolist())) == len(paths)


def test_photos_of_one_camera_are_kept_together(test_data: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(test_data / "nornickel" / "train_dataset.zip") as archive:
        archive.extractall(tmp_path)
    paths = sorted(tmp_path.rglob("*.jpg"))
    groups = group_near_duplicates(np.stack([picture_hash(read_thumbnail(path, 128)) for path in paths]))
    together = [path.stem for path, group in zip(paths, groups.ids, strict=True) if np.sum(groups.ids == group) > 1]
    camera = ["1710430072_0", "1710458871_0", "1710584874_0", "1710847680_0", "1711090673_0", "1711187868_0"]
    assert together == [*camera, "1711256271_0"]
    assert len({groups.ids[[path.stem for path in paths].index(stem)] for stem in together}) == 1


@pytest.mark.parametrize("count", [5, 20, 56, 1000])
def test_alike_pictures_still_leave_groups_to_split(count: int) -> None:
    hashes = np.stack([flipped(random_hashes(1)[0], 4, seed=number) for number in range(count)])
    assert len(set(group_near_duplicates(hashes).ids.tolist())) >= 3
