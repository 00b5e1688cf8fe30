"""Edits and strokes: their own inverse, exact, and never out of bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.edit import TILE, Edit, Stroke
from segstudio.core.mask import NOWHERE, Rect, bounding_box
from segstudio.core.raster import Region, brush_centre, capsule

SIDES = st.sampled_from([1, 2, 7, TILE - 1, TILE, TILE + 1, 2 * TILE + 5, 3 * TILE])
SHAPES = st.tuples(SIDES, SIDES)


def random_mask(shape: tuple[int, int], seed: int, share: float = 0.5) -> np.ndarray:
    return (np.random.default_rng(seed).random(shape) < share).astype(np.uint8)


@given(SHAPES, st.integers(0, 99), st.sampled_from([0.0, 0.0005, 0.5, 1.0]))
def test_an_edit_is_its_own_inverse_also_through_bytes(shape, seed, share) -> None:
    before, after = random_mask(shape, seed), random_mask(shape, seed) ^ random_mask(shape, seed + 1, share)
    edit = Edit.from_bytes(Edit.between(before, after, "Кисть").to_bytes())
    mask = before.copy()
    assert edit.apply(mask) == edit.bounds == bounding_box(before ^ after)
    assert np.array_equal(mask, after)
    edit.apply(mask)
    assert np.array_equal(mask, before)
    assert edit.is_empty == np.array_equal(before, after)
    assert edit.label == "Кисть"


@given(
    SHAPES, st.integers(0, 99), st.lists(st.tuples(st.floats(-300, 700), st.floats(-300, 700)), min_size=1, max_size=5)
)
def test_a_stroke_commits_what_it_changed_and_cancels_without_trace(shape, seed, points) -> None:
    before = random_mask(shape, seed)
    for is_committed in (True, False):
        mask = before.copy()
        seen: list[Rect] = []
        stroke = Stroke(mask, "Brush", seen.append)
        for number, (x, y) in enumerate(points):
            centre = brush_centre(x, y, 41)
            stroke.fill_spans(capsule(stroke.shape, centre, centre, 41), number % 2)
        changed = bounding_box(mask ^ before)
        covered = NOWHERE
        for rect in seen:
            assert not rect.is_empty
            covered = covered.union(rect)
        assert covered == covered.clip(shape)
        assert changed == changed.intersect(covered)
        original = mask.copy()
        stroke.restore(original)
        assert np.array_equal(original, before)
        if is_committed:
            edit = stroke.commit()
            assert edit == Edit.between(before, mask, "Brush")
            edit.apply(mask)
        else:
            assert stroke.cancel() == covered
        assert np.array_equal(mask, before)


def test_painting_what_is_so_already_is_an_empty_edit() -> None:
    mask = np.ones((50, 60), np.uint8)
    stroke = Stroke(mask, "Brush")
    stroke.fill_region(Region(Rect(10, 10, 5, 5), np.ones((5, 5), bool)), 1)
    edit = stroke.commit()
    assert edit.is_empty
    assert edit.bounds == NOWHERE


def test_a_stroke_keeps_only_the_tiles_it_touches() -> None:
    mask = np.zeros((40 * TILE, 40 * TILE), np.uint8)
    stroke = Stroke(mask, "Brush")
    # A long diagonal: its bounding box is the whole image.
    stroke.fill_spans(capsule(stroke.shape, (1, 1), (80 * TILE - 1, 80 * TILE - 1), 3), 1)
    assert len(stroke.commit().tiles) < 3 * 40
    assert len(stroke._before) < 4 * 40


def test_an_edit_of_another_shape_is_refused() -> None:
    edit = Edit.between(np.zeros((5, 5), np.uint8), np.ones((5, 5), np.uint8), "Fill")
    with pytest.raises(ValueError, match="does not fit"):
        edit.apply(np.zeros((5, 6), np.uint8))
    with pytest.raises(ValueError, match="cannot follow"):
        Edit.between(np.zeros((5, 5), np.uint8), np.ones((5, 6), np.uint8), "Fill")


EDIT = Edit.between(random_mask((TILE + 9, 2 * TILE + 3), 1), random_mask((TILE + 9, 2 * TILE + 3), 2), "Polygon")


@settings(max_examples=300)
@given(st.data())
def test_damaged_bytes_raise_and_leave_the_mask_alone(data) -> None:
    whole = bytearray(EDIT.to_bytes())
    if data.draw(st.booleans(), "cut"):
        del whole[data.draw(st.integers(0, len(whole) - 1), "at") :]
    else:
        at = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 80), "at")
        whole[at] ^= data.draw(st.integers(1, 255), "by")
    before = random_mask(EDIT.shape, 3)
    mask = before.copy()
    try:
        Edit.from_bytes(bytes(whole)).apply(mask)
    except ValueError:
        assert np.array_equal(mask, before)


def test_a_bomb_is_not_unpacked() -> None:
    import zlib

    bomb = Edit((8, 8), "Fill", Rect(0, 0, 8, 8), ((0, 0),), zlib.compress(bytes(50_000_000), 1))
    with pytest.raises(ValueError, match="more or fewer"):
        bomb.apply(np.zeros((8, 8), np.uint8))
