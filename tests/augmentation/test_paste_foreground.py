"""Foreground of other pictures: where it comes to lie, what it looks like there, and what becomes of labels."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.augmentation.augmenter import Augmented, Augmenter
from segstudio.augmentation.donors import Donors, DonorsInMemory, donors_of
from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes
from segstudio.core.labels import CORRECTED, FOREGROUND, IGNORED

STILL = {
    "count_range": [1, 1], "flips": False, "angle_range": [0, 0], "scale_range": [1, 1], "shift": 0,
    "edge_range": [0, 0], "light_range": [0, 0],
}  # fmt: skip
"""The donor's foreground as it is, and where it is."""


def paste(
    image: np.ndarray, mask: np.ndarray, donors: Donors, seed: int = 0, source: str = "", **parameters: object
) -> Augmented:
    recipe = Recipe("test", steps=(Step("PasteForeground", 1.0, parameters),))
    return Augmenter(recipe, donors).apply(image, mask, seed, source=source, has_applied=True)


def grain(*shape: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 200, shape, dtype=np.uint8)


def spot(height: int, width: int) -> np.ndarray:
    """Left and high of the middle, so that every turn and flip shows."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 8 : height // 3, width // 5 : width // 2] = 1
    return mask


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_foreground_is_pasted_as_it_is_and_nothing_else(channels):
    image, donor, mask = grain(60, 80, *channels), grain(60, 80, *channels, seed=4), spot(60, 80)
    done = paste(image, np.zeros_like(mask), donors_of([(donor, mask)]), **STILL)
    np.testing.assert_array_equal(done.mask, mask)
    np.testing.assert_array_equal(done.image[mask == 1], donor[mask == 1])
    np.testing.assert_array_equal(done.image[mask == 0], image[mask == 0])


@pytest.mark.parametrize("shape", [(40, 90), (121, 63, 3)])
def test_a_donor_of_another_size_is_brought_to_the_size_and_the_channels(shape):
    mask = spot(*shape[:2])
    done = paste(np.zeros(shape, np.uint8), np.zeros_like(mask), donors_of([(np.full((30, 50, 3), 90, np.uint8),
                                                                             spot(30, 50))]), **STILL)  # fmt: skip
    assert done.image.shape == shape
    assert (done.image[done.mask == 1] == 90).all()
    assert (done.mask != mask).mean() < 0.03


def test_image_and_mask_are_turned_scaled_moved_and_mirrored_together():
    """A donor that is bright where its foreground is and dark elsewhere shows where its pixels have gone."""
    mask = spot(90, 120)
    donor = np.where(mask, np.uint8(220), np.uint8(20))
    seen = set()
    for seed in range(24):
        ranges = {**STILL, "flips": True, "angle_range": [-30, 30], "scale_range": [0.7, 1.3], "shift": 0.25}
        done = paste(np.full((90, 120), 120, np.uint8), np.zeros_like(mask), donors_of([(donor, mask)]), seed, **ranges)
        inside = cv2.erode(done.mask, np.ones((5, 5), np.uint8), borderValue=1) == 1
        assert (done.image[inside] == 220).all()
        assert (done.image[done.mask == 0] == 120).all()
        (said,) = done.applied[0]["pasted"]
        seen.add(tuple(said["flips"]))
        assert abs(said["angle"]) <= 30
        assert max(map(abs, said["shift"])) <= 0.25
    assert len(seen) == 4


def test_what_the_manifest_says_is_what_was_done():
    mask = spot(90, 120)
    ranges = {**STILL, "flips": True, "angle_range": [-30, 30], "scale_range": [0.7, 1.3], "shift": 0.1}
    for seed in range(6):
        done = paste(grain(90, 120), np.zeros_like(mask), donors_of([(grain(90, 120, seed=4), mask)]), seed, **ranges)
        (said,) = done.applied[0]["pasted"]
        across, down = said["flips"]
        flipped = mask[:: -1 if down else 1, :: -1 if across else 1]
        turned = cv2.getRotationMatrix2D((59.5, 44.5), said["angle"], said["scale"])
        turned[:, 2] += said["shift"][0] * 120, said["shift"][1] * 90
        expected = cv2.warpAffine(np.ascontiguousarray(flipped), turned, (120, 90), flags=cv2.INTER_NEAREST)
        assert (done.mask != expected).mean() < 0.002, said


def test_the_edge_is_soft_and_half_of_it_shows_at_the_outline():
    mask = np.zeros((100, 100), np.uint8)
    mask[:, 50:] = 1
    black, white = np.zeros((100, 100), np.uint8), np.full((100, 100), 255, np.uint8)
    done = paste(black, np.zeros_like(mask), donors_of([(white, mask)]), **{**STILL, "edge_range": [0.04, 0.04]})
    profile = done.image[50].astype(int)
    assert profile[49] < 128 < profile[50]
    assert (np.diff(profile) >= 0).all()
    # A normal distribution: one standard deviation (four pixels) inside the outline 84 % can be seen.
    assert profile[53:55].mean() / 255 == pytest.approx(0.84, abs=0.03)
    assert profile[30] == 0
    assert profile[70] == 255


def test_the_light_is_moved_part_of_the_way():
    mask = spot(60, 60)
    pair = np.full((60, 60, 3), (200, 100, 50), np.uint8), mask
    done = paste(
        np.full((60, 60, 3), 100, np.uint8), mask * 0, donors_of([pair]), **{**STILL, "light_range": [0.5, 0.5]}
    )
    assert (done.image[mask == 1] == (150, 100, 75)).all()


def test_a_large_picture_has_the_edge_of_a_small_one():
    """A wide blur is made on a smaller picture."""

    def profile(side: int) -> np.ndarray:
        mask = np.zeros((side, side), np.uint8)
        mask[:, side // 2 :] = 1
        pair = np.full((side, side), 255, np.uint8), mask
        done = paste(
            np.zeros_like(mask), np.zeros_like(mask), donors_of([pair]), **{**STILL, "edge_range": [0.05, 0.05]}
        )
        return done.image[side // 2, :: side // 50].astype(int)

    assert np.abs(profile(100) - profile(1600)).max() < 16


def test_what_is_pasted_over_is_foreground_and_neither_ignored_nor_corrected():
    labels = np.zeros((64, 64), np.uint8)
    labels[:20], labels[:, :20], labels[30:, 40:] = IGNORED, CORRECTED, FOREGROUND | CORRECTED
    mask = spot(64, 64)
    done = paste(grain(64, 64), labels, donors_of([(grain(64, 64, seed=4), mask)]), **STILL)
    assert (done.mask[mask == 1] == FOREGROUND).all()
    np.testing.assert_array_equal(done.mask[mask == 0], labels[mask == 0])


def test_nothing_is_taken_from_the_picture_itself_and_from_all_others_alike():
    pairs = [(grain(20, 20, seed=number), np.ones((20, 20), np.uint8)) for number in range(3)]
    donors = DonorsInMemory(["a", "b", "c"], pairs)
    names = [paste(*pairs[1], donors, seed, "b", **STILL).applied[0]["pasted"][0]["donor"] for seed in range(60)]
    assert set(names) == {"a", "c"}
    assert 18 <= names.count("a") <= 42
    alone = paste(*pairs[1], DonorsInMemory(["b"], pairs[1:2]), 0, "b")
    assert alone.applied == [{"transform": "PasteForeground", "pasted": []}]


@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 40), width=st.integers(1, 40))
def test_masks_only_grow_and_stay_masks_at_any_size(seed, height, width):
    rng = np.random.default_rng(seed)
    mask = (rng.random((height, width)) < 0.3).astype(np.uint8)
    donors = donors_of([(grain(25, 31, 3), (rng.random((25, 31)) < 0.2).astype(np.uint8))])
    done = ANY.with_donors(donors).apply(grain(height, width, 3), mask, seed)
    assert done.mask.dtype == np.uint8
    assert done.image.shape == (height, width, 3)
    assert (done.mask >= mask).all()
    assert done.mask.max(initial=0) <= 1


ANY = Augmenter(Recipe("test", steps=(Step("PasteForeground", 1.0, {"count_range": [1, 4]}),)))


def test_other_recipes_do_not_ask_for_donors():
    """They cost a training that has none nothing, and their bytes are what they were."""
    asking = {name for name, recipe in built_in_recipes().items() if recipe.wants_donors}
    assert asking == {"lens-dirt"}
    off, on = Step("PasteForeground", 1.0, is_enabled=False), Step("PasteForeground", 0.1)
    assert not Recipe("test", steps=(off, Step("OneOf", 1.0, {}, True, (off,)))).wants_donors
    assert Recipe("test", steps=(off, Step("OneOf", 1.0, {}, True, (off, on)))).wants_donors
