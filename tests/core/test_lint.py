import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage
from skimage.morphology import convex_hull_image

from segstudio.core.lint import LEAST, LintRules, Shape, judged, learnt
from segstudio.core.mask import Mask


def two_discs(size: int = 96, shift: int = 0, radius: int = 14) -> Mask:
    y, x = np.mgrid[:size, :size]
    left = (x - size // 4) ** 2 + (y - size // 2 - shift) ** 2 < radius**2
    right = (x - 3 * size // 4) ** 2 + (y - size // 2 + shift) ** 2 < radius**2
    return (left | right).astype(np.uint8)


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 1)))
def test_the_shape_is_what_a_plain_count_says(mask: Mask) -> None:
    shape = Shape.of(mask)
    assert shape.parts == ndimage.label(mask, np.ones((3, 3)))[1]
    # Holes are background that a flood from outside of the image does not reach.
    outside = ndimage.label(np.pad(1 - mask, 1, constant_values=1))[0]
    assert shape.holes == len(np.unique(outside)) - 1 - (mask.any() or outside.min() == 0)
    assert shape.area == pytest.approx(100 * mask.mean())
    rim = np.ones(mask.shape, bool)
    rim[1:-1, 1:-1] = False
    assert shape.border == pytest.approx(100 * mask[rim].mean()) or min(mask.shape) < 2
    assert 0 <= shape.balance <= 1
    assert 0 < shape.solidity <= 1


def test_solidity_is_near_that_of_another_library() -> None:
    ring = two_discs(radius=20)
    ring[:, 20:28] = 0  # a bite through the left disc
    ours = Shape.of(ring).solidity
    labels, count = ndimage.label(ring, np.ones((3, 3)))
    theirs = min(
        (labels == one).sum() / convex_hull_image(labels == one, offset_coordinates=False).sum()
        for one in range(1, count + 1)
    )
    assert ours == pytest.approx(theirs, abs=0.03)


def test_rules_learnt_from_good_masks_find_what_is_broken_and_rank_it() -> None:
    good = [two_discs(shift=n % 5, radius=13 + n % 3) for n in range(20)]
    rules = learnt([Shape.of(one) for one in good])
    assert rules.parts == (2, 2)
    assert rules.holes == 0
    assert rules.border == 0.0
    assert all(judged(Shape.of(one), rules).score == 0 for one in good)
    holed, island, lost = two_discs(), two_discs(), two_discs()
    holed[45:49, 21:25] = 0
    island[2:4, 40:42] = 1
    lost[:, 48:] = 0
    assert judged(Shape.of(holed), rules).words == ("1 hole, where none is usual",)
    assert judged(Shape.of(island), rules).words == ("3 parts, where 2 are usual",)
    words = judged(Shape.of(lost), rules).words
    assert "1 part, where 2 are usual" in words
    assert any(one.startswith("one side is 0.00 of the other") for one in words)
    assert judged(Shape.of(lost), rules).score > judged(Shape.of(island), rules).score >= 1
    touching = two_discs()
    touching[0, 40:52] = 1
    touching[1:3, 45] = 1
    assert judged(Shape.of(touching), rules).score < judged(Shape.of(lost), rules).score, "half of it is worse"
    empty = judged(Shape.of(np.zeros((9, 9), np.uint8)), rules)
    assert "no part, where 2 are usual" in empty.words


def test_a_few_bad_masks_do_not_spoil_what_is_learnt() -> None:
    shapes = [Shape.of(two_discs(shift=n % 5)) for n in range(20)]
    bad = two_discs()
    bad[0] = 1
    assert learnt([*shapes, Shape.of(bad), Shape.of(bad)]) == learnt(shapes)
    with pytest.raises(ValueError, match="too few"):
        learnt(shapes[: LEAST - 1])


def test_without_rules_nothing_is_unusual() -> None:
    assert judged(Shape.of(np.ones((4, 4), np.uint8)), LintRules()).score == 0
