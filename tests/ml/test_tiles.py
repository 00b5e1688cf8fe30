import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.ml.tiles import blended, normalized_weights, starts, window

TILE = (16, 24, 1)


def put_together(image, look, *, shape=TILE, batch=3, overlap=0.5):
    """The whole map, with every row required exactly once and in order."""
    rows, expected = [], 0
    for top, maps in blended(image, shape, look, batch=batch, overlap=overlap):
        assert top == expected
        expected += len(maps)
        rows.append(maps)
    whole = np.concatenate(rows)
    assert whole.shape[:2] == image.shape[:2]
    return whole[..., 0]


def values(tiles):
    return tiles.astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    overlap=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75]),
    batch=st.integers(1, 5),
)
def test_a_look_that_copies_gives_the_image_itself(height, width, overlap, batch):
    # Constant, linear or anything else: where all tiles say the same, blending changes nothing.
    image = np.random.default_rng(height * 100 + width).integers(0, 256, (height, width), dtype=np.uint8)
    assert np.allclose(put_together(image, values, batch=batch, overlap=overlap), image, atol=1e-3)


@given(length=st.integers(1, 500), size=st.integers(1, 64), overlap=st.floats(0, 0.9))
def test_tiles_cover_everything_and_overlap_as_much_as_wanted(length, size, overlap):
    places = starts(length, size, overlap)
    assert places[0] == 0
    if length <= size:
        assert places == [0]
        return
    assert places[-1] == length - size
    gaps = np.diff(places)
    assert (gaps > 0).all()
    assert gaps.max() <= max(1, int(size * (1 - overlap))) + 1
    assert gaps.max() <= size


@given(length=st.integers(1, 300), size=st.integers(1, 40))
def test_the_weights_of_a_pixel_add_up_to_one(length, size):
    length = max(length, size)
    places = starts(length, size)
    total = np.zeros(length)
    for place, weights in zip(places, normalized_weights(places, size, length), strict=True):
        assert (weights > 0).all()
        total[place : place + size] += weights
    assert np.allclose(total, 1, atol=1e-5)


def test_the_window_is_symmetric_and_highest_in_the_middle():
    assert np.allclose(window(10), window(10)[::-1])
    assert window(9).argmax() == 4


def test_there_are_no_seams_where_tiles_put_side_by_side_have_them():
    # Each tile is of another opinion than its neighbours: the worst that can happen where they meet.
    chance = np.random.default_rng(0)

    def stubborn(tiles):
        said = chance.integers(0, 2, len(tiles)).astype(np.float32)
        return np.broadcast_to(said[:, None, None, None], (*tiles.shape[:3], 1))

    def step(found):
        return max(np.abs(np.diff(found, axis=0)).max(), np.abs(np.diff(found, axis=1)).max())

    image = np.zeros((96, 120), np.uint8)
    assert step(put_together(image, stubborn, overlap=0.0)) == 1
    assert step(put_together(image, stubborn)) < 0.25  # Hann's window rises by no more than pi / 16 a pixel


def test_never_more_tiles_at_once_than_the_batch_and_only_tiles():
    seen = []

    def look(tiles):
        seen.append(tiles.shape)
        return values(tiles)

    put_together(np.zeros((100, 200, 3), np.uint8), look, batch=4)
    assert {shape[1:] for shape in seen} == {TILE}
    assert max(shape[0] for shape in seen) == 4


def test_memory_is_that_of_one_row_of_tiles():
    image = np.zeros((6000, 500), np.uint8)
    tracemalloc.start()
    try:
        for _ in blended(image, (64, 64, 1), values, batch=8):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * 64 * 500 * 4  # a dozen strips; all rows would be a hundred


@pytest.mark.parametrize("channels", [1, 3])
def test_a_tile_has_the_networks_channels_whatever_the_image_has(channels):
    shapes = set()

    def look(tiles):
        shapes.add(tiles.shape[-1])
        return tiles[..., :1].astype(np.float32)

    for image in (np.zeros((20, 30), np.uint8), np.zeros((20, 30, 3), np.uint8)):
        put_together(image, look, shape=(16, 16, channels))
    assert shapes == {channels}
