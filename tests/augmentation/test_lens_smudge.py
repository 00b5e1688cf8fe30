"""Dirt on the lens: where it is marked, what it does there, and that labels and large pictures survive it."""

import numpy as np
import pytest

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.recipe import Recipe, Step
from segstudio.core.labels import IGNORED


def smudge(image: np.ndarray, mask: np.ndarray, seed: int = 0, **parameters: object):
    return Augmenter(Recipe("test", steps=(Step("LensSmudge", 1.0, parameters),))).apply(image, mask, seed)


def grain(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).integers(40, 200, shape, dtype=np.uint8)


@pytest.mark.parametrize("area", [0.1, 0.4])
def test_so_much_of_the_picture_is_covered(area):
    mask = np.zeros((90, 120), np.uint8)
    done = smudge(grain(90, 120, 3), mask, area_range=[area, area], whole=0)
    assert done.mask.mean() == pytest.approx(area, abs=0.01)
    assert smudge(grain(90, 120, 3), mask, whole=1).mask.all()


def test_grain_is_lost_under_it_and_only_there():
    image, mask = grain(160, 200), np.zeros((160, 200), np.uint8)
    done = smudge(image, mask, 1, area_range=[0.3, 0.3], whole=0, edge_range=[0, 0], haze_range=[0, 0])
    np.testing.assert_array_equal(done.image[done.mask == 0], image[done.mask == 0])
    assert done.image[done.mask == 1].std() < image.std() / 3


def test_what_was_foreground_stays_and_what_is_ignored_stays_ignored():
    mask = np.zeros((64, 64), np.uint8)
    mask[:8], mask[:, -8:] = 1, IGNORED
    for seed in range(5):
        done = smudge(grain(64, 64, 3), mask, seed)
        assert (done.mask[:8, :-8] == 1).all()
        assert ((done.mask & IGNORED) == (mask & IGNORED)).all()


def test_a_large_picture_is_blurred_as_a_small_one_is():
    """A wide blur is made on a smaller picture: it must take as much grain away as the kernel itself would."""
    small, large = (
        smudge(grain(side, side), np.zeros((side, side), np.uint8), whole=1, haze_range=[0, 0], blur_range=[0.02, 0.02])
        for side in (199, 1600)
    )
    # White noise that is blurred by a Gaussian of sigma pixels keeps 1 / (2 sqrt(pi) sigma) of its deviation; whole
    # numbers have a deviation of 1 / sqrt(12) of their own.
    for done, sigma in ((small, 0.02 * 199), (large, 0.02 * 1600)):
        kept = grain(*done.image.shape).std() / (2 * np.sqrt(np.pi) * sigma)
        assert done.image.std() == pytest.approx(np.hypot(kept, 12**-0.5), rel=0.2)
