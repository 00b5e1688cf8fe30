import dataclasses
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from segstudio.augmentation.augmenter import Augmenter, seed_of
from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.errors import UserError
from segstudio.core.labels import CORRECTED, FOREGROUND, IGNORED
from segstudio.core.manifest import ManifestRow, load_manifest, save_manifest
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.jobs.fitting import tell_of_donors
from segstudio.ml import data
from tests.ml.blobs import blob_pairs


def example(path: Path, image: np.ndarray, mask: np.ndarray) -> data.Example:
    path.write_bytes(image.tobytes())
    return data.Example(7, path.name, "train", 3, path, lambda: path, lambda: image, lambda: mask)


def as_numpy(batches):
    return [(images.numpy(), masks.numpy()) for images, masks in batches]


def test_pairs_carry_hashes_of_the_very_files(tmp_path):
    image, mask = np.full((20, 30), 5, np.uint8), np.ones((20, 30), np.uint8)
    report = ListReporter()
    pairs = data.load_pairs([example(tmp_path / "a.png", image, mask)], (16, 16, 1), tmp_path / "cache", report)
    assert len(pairs) == 1
    assert pairs.rows[0].image_sha256 == hashlib.sha256(image.tobytes()).hexdigest()
    assert (pairs.rows[0].sample, pairs.rows[0].revision) == (7, 3)
    assert not (tmp_path / "cache").exists()
    save_manifest(pairs.rows, tmp_path / "manifest.csv")
    assert load_manifest(tmp_path / "manifest.csv") == pairs.rows


def test_what_does_not_fit_into_memory_lies_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "SHARE_OF_MEMORY", 0)
    image, mask = np.full((20, 30), 5, np.uint8), np.ones((20, 30), np.uint8)
    examples = [example(tmp_path / f"{n}.png", image, mask) for n in range(3)]
    pairs = data.load_pairs(examples, (16, 16, 1), tmp_path / "cache", ListReporter())
    assert isinstance(pairs.images, np.memmap)
    assert sum(len(images) for images, _ in as_numpy(data.batches_in_order(pairs, 2))) == 3


def test_a_bad_pair_is_noted_and_left_out(tmp_path):
    good = np.full((20, 30), 5, np.uint8), np.ones((20, 30), np.uint8)
    examples = [example(tmp_path / "a.png", *good), example(tmp_path / "b.png", good[0], good[1][:5])]

    def broken():
        raise UserError("cut off", "copy it again")

    examples.append(dataclasses.replace(examples[0], image="c.png", read_image=broken))
    report = ListReporter()
    pairs = data.load_pairs(examples, (16, 16, 1), tmp_path / "cache", report)
    assert [row.image for row in pairs.rows] == ["a.png"]
    assert [subject for subject, _ in report.notes] == ["b.png", "c.png"]
    assert "30x20" in report.notes[0][1]


def test_loading_can_be_cancelled(tmp_path):
    good = np.full((20, 30), 5, np.uint8), np.ones((20, 30), np.uint8)
    report = ListReporter()
    report.is_cancel_wanted = True
    with pytest.raises(Cancelled):
        data.load_pairs([example(tmp_path / "a.png", *good)] * 50, (16, 16, 1), tmp_path, report)


def test_one_coloured_image_makes_the_network_take_colour(tmp_path):
    grey = np.full((9, 9, 3), 80, np.uint8)
    colour = grey.copy()
    colour[0, 0] = 200, 10, 10
    mask = np.zeros((9, 9), np.uint8)
    plain = [example(tmp_path / f"{n}.png", grey, mask) for n in range(4)]
    assert data.are_grey(plain)
    assert not data.are_grey([*plain, example(tmp_path / "x.png", colour, mask)])


def augmenter(*steps):
    return Augmenter(Recipe("test", steps=steps))


FLIP = augmenter(Step("HorizontalFlip", 0.5))
ROUGH = augmenter(Step("Rotate", 0.7), Step("GaussNoise", 0.7), Step("RandomCrop", 0.5, {"height": 20, "width": 27}))


def epoch(pairs, number, batch=4, **options):
    return as_numpy(data.batches_of_epoch(pairs, batch, **{"seed": 0, "epoch": number} | options))


def whole(batches):
    """The images and the masks of all batches."""
    return [np.concatenate(part) for part in zip(*batches, strict=True)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(whole(one), whole(other), strict=True))


def test_an_epoch_is_told_by_its_seed_and_number():
    pairs = blob_pairs(11)
    first = epoch(pairs, 1, augmenter=ROUGH)
    assert [len(images) for images, _ in first] == [4, 4, 3]
    assert same(first, epoch(pairs, 1, augmenter=ROUGH))
    assert not same(first, epoch(pairs, 2, augmenter=ROUGH))
    assert not same(first, epoch(pairs, 1, augmenter=ROUGH, seed=1))


def test_every_image_comes_once_an_epoch_with_its_own_mask_flipped_together():
    pairs = blob_pairs(9)
    known = {image.tobytes(): n for n, image in enumerate(pairs.images)}
    known |= {image[:, ::-1].tobytes(): n + 100 for n, image in enumerate(pairs.images)}
    seen = []
    for image, mask in zip(*whole(epoch(pairs, 1, augmenter=FLIP)), strict=True):
        which = known[image.tobytes()]
        true = pairs.masks[which % 100]
        assert (mask == (true[:, ::-1] if which >= 100 else true)).all()
        seen.append(which)
    assert sorted(which % 100 for which in seen) == list(range(9))
    assert {which >= 100 for which in seen} == {True, False}


def test_without_an_augmenter_nothing_is_changed():
    pairs = blob_pairs(6)
    images, _ = whole(epoch(pairs, 1))
    assert {image.tobytes() for image in images} == {image.tobytes() for image in pairs.images}


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_follows_from_seed_epoch_and_image_alone(channels, monkeypatch):
    pairs = blob_pairs(7, channels=channels)
    before = pairs.images.copy(), pairs.masks.copy()
    expected = whole(epoch(pairs, 3, batch=1, augmenter=ROUGH))
    for batch in (2, 7, 64):
        assert all(map(np.array_equal, expected, whole(epoch(pairs, 3, batch=batch, augmenter=ROUGH))))
    for count in (1, 5):
        with ThreadPoolExecutor(count) as threads:
            monkeypatch.setattr(data, "_threads", lambda threads=threads: threads)
            assert all(map(np.array_equal, expected, whole(epoch(pairs, 3, augmenter=ROUGH))))
    order, _ = data.visits(7, 7, seed=0, epoch=3)
    for row, image, mask in zip(order, *expected, strict=True):
        # What a preview shows of this epoch.
        shown = ROUGH.apply_fitted(pairs.images[row], pairs.masks[row, ..., 0], seed_of(0, "epoch", 3, f"{row}.png"))
        assert np.array_equal(image, shown[0])
        assert np.array_equal(mask[..., 0], shown[1])
    assert all(map(np.array_equal, before, (pairs.images, pairs.masks)))


def test_another_image_beside_it_changes_nothing():
    few, many = blob_pairs(3), blob_pairs(5)
    assert np.array_equal(few.images, many.images[:3])
    of_few = {image.tobytes() for image in whole(epoch(few, 1, augmenter=ROUGH))[0]}
    of_many = {image.tobytes() for image in whole(epoch(many, 1, augmenter=ROUGH))[0]}
    assert of_few < of_many


def test_noise_on_a_picture_without_colour_is_grey_also_for_a_network_of_three_channels():
    grey = blob_pairs(4)
    in_rgb = dataclasses.replace(grey, images=grey.images.repeat(3, axis=3))
    noise = augmenter(Step("GaussNoise", 1.0))
    images, _ = whole(epoch(in_rgb, 1, augmenter=noise))
    assert (images == images[..., :1]).all()
    assert np.array_equal(images[..., :1], whole(epoch(grey, 1, augmenter=noise))[0])


def test_masks_stay_binary_and_sizes_those_of_the_network():
    images, masks = whole(epoch(blob_pairs(12), 1, augmenter=ROUGH))
    assert images.shape == (12, 32, 32, 1)
    assert images.dtype == masks.dtype == np.uint8
    assert set(np.unique(masks)) == {0, 1}


def test_copies_have_been_augmented_already():
    pairs = blob_pairs(8)
    rows = [dataclasses.replace(row, recipe="noise" if n % 2 else "") for n, row in enumerate(pairs.rows)]
    pairs = dataclasses.replace(pairs, rows=rows)
    order, _ = data.visits(8, 8, seed=0, epoch=1)
    images, _ = whole(epoch(pairs, 1, augmenter=augmenter(Step("GaussNoise", 1.0))))
    for row, image in zip(order, images, strict=True):
        assert np.array_equal(image, pairs.images[row]) == bool(row % 2)


PASTE = augmenter(Step("PasteForeground", 0.8, {"count_range": [1, 3]}), Step("GaussNoise", 0.5))


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_taken_from_other_images_follows_from_seed_epoch_and_images_alone(channels, monkeypatch):
    pairs = blob_pairs(7, channels=channels)
    before = pairs.images.copy(), pairs.masks.copy()
    expected = whole(epoch(pairs, 3, batch=1, augmenter=PASTE))
    assert not same(epoch(pairs, 3, augmenter=PASTE), epoch(pairs, 3))
    for batch in (2, 7):
        assert all(map(np.array_equal, expected, whole(epoch(pairs, 3, batch=batch, augmenter=PASTE))))
    with ThreadPoolExecutor(5) as threads:
        monkeypatch.setattr(data, "_threads", lambda: threads)
        again = dataclasses.replace(pairs)  # as after a resume: nothing is remembered
        assert all(map(np.array_equal, expected, whole(epoch(again, 3, augmenter=PASTE))))
    assert all(map(np.array_equal, before, (pairs.images, pairs.masks)))


def test_neither_copies_nor_images_without_foreground_nor_ignored_pixels_are_taken():
    pairs = blob_pairs(5)
    pairs.masks[1] = 0
    pairs.masks[2] = np.where(pairs.masks[2], IGNORED, 0)
    pairs.masks[3, :16][pairs.masks[3, :16] > 0] = IGNORED
    pairs.masks[3, 16:] |= np.uint8(CORRECTED)
    rows = [dataclasses.replace(row, recipe="noise" if n == 4 else "") for n, row in enumerate(pairs.rows)]
    donors = dataclasses.replace(pairs, rows=rows).donors
    assert donors.names == ["0.png", "3.png"]
    image, mask = donors.take(1, 0)
    assert np.array_equal(image, pairs.images[3])
    assert np.array_equal(mask, pairs.masks[3, ..., 0] & FOREGROUND)
    assert mask.any()


def test_without_any_foreground_there_is_nothing_to_take():
    pairs = blob_pairs(3)
    pairs.masks[:] = 0
    paste, report = augmenter(Step("PasteForeground", 1.0)), ListReporter()
    assert same(epoch(pairs, 1, augmenter=paste), epoch(pairs, 1))
    for one, train in ((paste, pairs), (paste, blob_pairs(3)), (ROUGH, pairs), (None, pairs)):
        tell_of_donors(one, train, report)
    assert [subject for subject, _ in report.notes] == ["recipe test"], "it is said, and once"


def test_what_validates_is_never_augmented():
    pairs = blob_pairs(5)
    images, masks = whole(as_numpy(data.batches_in_order(pairs, 2)))
    assert np.array_equal(images, pairs.images)
    assert np.array_equal(masks, pairs.masks)


@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 9), st.integers(1, 6))
def test_epochs_are_slices_of_an_endless_sequence_of_permutations(count, images, seed, epochs):
    seen = [data.visits(count, images, seed=seed, epoch=number) for number in range(1, epochs + 1)]
    rows, times = (np.concatenate(part) for part in zip(*seen, strict=True))
    assert len(rows) == images * epochs
    for start in range(0, len(rows), count):
        whole_pass = rows[start : start + count]
        assert len(set(whole_pass.tolist())) == len(whole_pass)
        assert set(times[start : start + count].tolist()) == {start // count + 1}


def test_with_as_many_images_as_there_are_an_epoch_is_a_permutation():
    for number in (1, 2, 30):
        rows, times = data.visits(9, 9, seed=4, epoch=number)
        assert sorted(rows) == list(range(9))
        assert set(times) == {number}


def test_an_image_seen_twice_in_an_epoch_is_augmented_twice():
    pairs = blob_pairs(2)
    images, _ = whole(epoch(pairs, 1, images=4, augmenter=augmenter(Step("GaussNoise", 1.0))))
    assert len({image.tobytes() for image in images}) == 4


def test_a_recipe_that_cannot_be_applied_says_so_in_its_own_words():
    failures = []
    too_large = augmenter(Step("RandomCrop", 1.0, {"height": 400, "width": 400}))
    with pytest.raises(tf.errors.OpError):
        epoch(blob_pairs(3), 1, augmenter=too_large, failures=failures)
    assert "RandomCrop" in str(failures[0])


def test_a_manifest_from_before_there_were_copies_can_be_read(tmp_path):
    row = ManifestRow(1, "a.png", "train", 0, "x", "y")
    copy = ManifestRow(1, "augmented/flip/images/a-01.png", "train", 0, "x", "y", "flip")
    save_manifest([row, copy], tmp_path / "new.csv")
    assert load_manifest(tmp_path / "new.csv") == [row, copy]
    lines = (tmp_path / "new.csv").read_text(encoding="utf-8").splitlines()[:2]
    (tmp_path / "old.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines), encoding="utf-8")
    assert load_manifest(tmp_path / "old.csv") == [row]
