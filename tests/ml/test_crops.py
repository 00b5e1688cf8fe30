"""Learning from parts of large images: which parts, at what scale, and that nothing depends on batches or memory."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.errors import UserError
from segstudio.core.labels import CORRECTED, FOREGROUND, Weighing
from segstudio.core.reporter import ListReporter
from segstudio.ml import crops, data
from segstudio.ml.crops import MOST_FIXED, at_scale, grid, load_crops, load_fixed_crops
from tests.ml.test_data import example

RNG = np.random.default_rng(0)
SHAPE = (32, 32, 1)


def large(path, size=(100, 150), *, name="a.png", spot=(50, 70)):
    """An image of noise with one small object."""
    image = RNG.integers(0, 256, size, np.uint8)
    mask = np.zeros(size, np.uint8)
    mask[spot[0] : spot[0] + 3, spot[1] : spot[1] + 3] = 1
    return replace(example(path / name, image, mask), image=name), image, mask


def loaded(tmp_path, count=3, **options):
    made = [large(tmp_path, name=f"{n}.png", **options) for n in range(count)]
    found = load_crops([one for one, *_ in made], SHAPE, 32, tmp_path / "cache", ListReporter())
    return found, [image for _, image, _ in made], [mask for *_, mask in made]


def test_a_crop_is_a_part_of_the_image_and_half_of_them_show_foreground(tmp_path):
    found, images, masks = loaded(tmp_path)
    windows = [np.lib.stride_tricks.sliding_window_view(one, SHAPE[:2]) for one in images]
    places, shown = [], 0
    for seed in range(200):
        image, mask = found.look(seed % 3, seed)
        again, _ = found.look(seed % 3, seed)
        assert np.array_equal(image, again)
        (top, left), *others = np.argwhere((windows[seed % 3][:, :, 0, :] == image[0, :, 0]).all(axis=2))
        assert not others
        assert np.array_equal(image[..., 0], windows[seed % 3][top, left])
        assert np.array_equal(mask[..., 0], masks[seed % 3][top : top + 32, left : left + 32])
        places.append((top, left))
        shown += mask.any()
    # Of the places that are left to chance every twentieth shows it.
    assert 80 < shown < 130
    assert len(set(places)) > 150
    tops, lefts = np.transpose(places)
    assert (tops.min(), lefts.min()) < (5, 5)
    assert tops.max() > 60
    assert lefts.max() > 100


def test_batches_depend_on_seed_epoch_and_image_alone(tmp_path, monkeypatch):
    found, *_ = loaded(tmp_path)

    def seen(source, batch, epoch, seed=0):
        batches = list(data.batches_of_epoch(source, batch, seed=seed, epoch=epoch, images=12))
        return [np.concatenate([one[n].numpy() for one in batches]) for n in range(2)]

    first = seen(found, 4, 1)
    assert first[0].shape == (12, *SHAPE)
    for same in (seen(found, 5, 1), seen(found, 1, 1)):
        assert all(map(np.array_equal, first, same))
    assert not np.array_equal(first[0], seen(found, 4, 2)[0])
    assert not np.array_equal(first[0], seen(found, 4, 1, seed=1)[0])
    assert len({one.tobytes() for one in first[0]}) == 12
    monkeypatch.setattr(data, "SHARE_OF_MEMORY", 0)
    examples = [example(tmp_path / f"{n}.png", found.images[n][..., 0], found.masks[n][..., 0]) for n in range(3)]
    on_disk = load_crops(examples, SHAPE, 32, tmp_path / "cache", ListReporter())
    assert all(isinstance(one, np.memmap) for one in (*on_disk.images, *on_disk.masks))
    assert all(map(np.array_equal, first, seen(on_disk, 4, 1)))


def test_corrected_pixels_are_looked_for_and_weighed(tmp_path):
    one, _, mask = large(tmp_path)
    before = mask.copy()
    before[10:12, 120:122] = 1  # a person has erased it
    found = load_crops([replace(one, read_before=lambda: before)], SHAPE, 32, tmp_path, ListReporter())
    marks = [found.look(0, seed)[1] for seed in range(200)]
    assert sum(bool((one & CORRECTED).any()) for one in marks) > 40
    assert sum(bool((one & FOREGROUND).any()) for one in marks) > 40
    *_, weights = next(iter(data.batches_of_epoch(found, 50, seed=0, epoch=1, images=50, weighing=Weighing(2.0))))
    assert set(np.unique(weights)) == {1, 2}


def test_donors_of_crops_are_crops_that_show_what_is_taken(tmp_path):
    found, *_ = loaded(tmp_path)
    assert found.donors.names == [row.image for row in found.rows]
    taken = [found.donors.take(1, seed) for seed in range(30)]
    assert all(image.shape == SHAPE and mask.shape == SHAPE[:2] and mask.any() for image, mask in taken)
    assert len({image.tobytes() for image, _ in taken}) > 20
    assert np.array_equal(found.donors.take(1, 5)[0], taken[5][0])


def test_a_donor_shows_foreground_also_where_much_was_corrected_to_background(tmp_path):
    one, _, mask = large(tmp_path)
    before = mask.copy()
    before[:, 90:] = 1
    found = load_crops([replace(one, read_before=lambda: before)], SHAPE, 32, tmp_path, ListReporter())
    assert all(found.donors.take(0, seed)[1].any() for seed in range(20))


@given(st.integers(1, 90), st.integers(1, 90), st.integers(16, 64))
def test_images_come_to_the_scale_of_the_crop(rows, columns, crop):
    image = np.full((rows, columns, 3), 200, np.uint8)
    mask = np.zeros((rows, columns), np.uint8)
    mask[:, : columns // 2] = 1
    scaled, labels = at_scale(image, mask, (32, 32, 3), crop)
    assert scaled.shape[:2] == labels.shape[:2]
    assert scaled.shape[:2] == (max(32, round(rows * 32 / crop)), max(32, round(columns * 32 / crop)))
    assert (scaled == 200).all()


def test_what_is_smaller_than_a_crop_is_continued_by_its_mirror_image():
    image = np.arange(20 * 40, dtype=np.uint8).reshape(20, 40)
    mask = (image > 100).astype(np.uint8)
    scaled, labels = at_scale(image, mask, SHAPE, 32)
    assert scaled.shape == (32, 40, 1)
    assert np.array_equal(scaled[20:, :, 0], image[:7:-1])
    assert np.array_equal(labels[20:, :, 0], mask[:7:-1])


@given(st.integers(32, 400), st.integers(32, 400))
def test_the_grid_covers_an_image_unless_it_is_very_large(rows, columns):
    parts = grid((rows, columns), SHAPE)
    assert len(parts) == len({(one.start, other.start) for one, other in parts}) <= MOST_FIXED
    seen = np.zeros((rows, columns), bool)
    for part in parts:
        assert seen[part].shape == SHAPE[:2]
        seen[part] = True
    if -(-rows // 32) * -(-columns // 32) <= MOST_FIXED:
        assert seen.all()
    assert seen[0, 0]
    assert seen[-1, -1]


def test_validation_always_looks_at_the_same_parts(tmp_path):
    made = [large(tmp_path, name=f"{n}.png", size=(64, 96)) for n in range(2)]
    found = load_fixed_crops([one for one, *_ in made], SHAPE, 32, tmp_path / "cache", ListReporter())
    assert len(found) == 12
    assert [row.image for row in found.rows] == ["0.png"] * 6 + ["1.png"] * 6
    assert np.array_equal(found.images[1, ..., 0], made[0][1][:32, 32:64])
    assert np.array_equal(found.masks[11, ..., 0], made[1][2][32:, 64:])


def test_a_bad_file_is_noted_and_no_more_than_needed_is_decoded_ahead(tmp_path, monkeypatch):
    monkeypatch.setattr(crops.os, "cpu_count", lambda: 2)
    begun = []

    def one(number):
        good, image, _ = large(tmp_path, name=f"{number}.png")

        def read():
            begun.append(number)
            if number == 1:
                raise UserError("cut off")
            return image

        return replace(good, read_image=read)

    report = ListReporter()
    walk = crops._loaded([one(number) for number in range(9)], SHAPE, 32, report)
    next(walk)
    assert set(begun) <= {0, 1}
    assert [row.image for *_, row in walk] == [f"{number}.png" for number in range(2, 9)]
    assert report.notes == [("1.png", "cut off")]
    with pytest.raises(StopIteration):
        next(walk)
