import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.reporter import Cancelled, ListReporter
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
    data.save_manifest(pairs.rows, tmp_path / "manifest.csv")
    assert data.load_manifest(tmp_path / "manifest.csv") == pairs.rows


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


def test_an_epoch_is_told_by_its_seed_and_number():
    pairs = blob_pairs(11)

    def epoch(number, seed=0):
        return as_numpy(data.batches_of_epoch(pairs, 4, seed=seed, epoch=number, is_flipped=True))

    first, again, second, other = epoch(1), epoch(1), epoch(2), epoch(1, seed=1)
    assert [len(images) for images, _ in first] == [4, 4, 3]
    assert all((a == b).all() for one, two in zip(first, again, strict=True) for a, b in zip(one, two, strict=True))
    assert not (first[0][0] == second[0][0]).all()
    assert not (first[0][0] == other[0][0]).all()


def test_every_image_comes_once_an_epoch_with_its_own_mask_flipped_together():
    pairs = blob_pairs(9)
    known = {image.tobytes(): n for n, image in enumerate(pairs.images)}
    known |= {image[:, ::-1].tobytes(): n + 100 for n, image in enumerate(pairs.images)}
    seen = []
    for images, masks in as_numpy(data.batches_of_epoch(pairs, 4, seed=0, epoch=1, is_flipped=True)):
        for image, mask in zip(images, masks, strict=True):
            which = known[image.tobytes()]
            true = pairs.masks[which % 100]
            assert (mask == (true[:, ::-1] if which >= 100 else true)).all()
            seen.append(which)
    assert sorted(which % 100 for which in seen) == list(range(9))
    assert {which >= 100 for which in seen} == {True, False}


def test_without_flips_nothing_is_changed():
    pairs = blob_pairs(6)
    images = np.concatenate(
        [i for i, _ in as_numpy(data.batches_of_epoch(pairs, 4, seed=0, epoch=1, is_flipped=False))]
    )
    assert {image.tobytes() for image in images} == {image.tobytes() for image in pairs.images}
