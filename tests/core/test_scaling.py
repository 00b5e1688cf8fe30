import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segstudio.core.scaling import scaled_image, scaled_mask, without_colour


@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    channels=st.sampled_from([1, 3]),
    is_grey=st.booleans(),
)
def test_images_of_any_size_get_the_shape_of_the_network(size, channels, is_grey):
    image = np.full(size if is_grey else (*size, 3), 130, np.uint8)
    scaled = scaled_image(image, (48, 32, channels))
    assert scaled.shape == (48, 32, channels)
    assert scaled.dtype == np.uint8
    assert (scaled == 130).all()


def test_colour_becomes_grey_by_luminance_and_grey_is_repeated():
    green = np.zeros((8, 8, 3), np.uint8)
    green[..., 1] = 255
    assert scaled_image(green, (8, 8, 1))[0, 0, 0] == 150
    assert (scaled_image(np.full((8, 8), 9, np.uint8), (8, 8, 3)) == 9).all()


def test_a_small_pixel_is_foreground_when_half_of_its_area_is():
    mask = np.zeros((8, 8), np.uint8)
    mask[:, :3] = 1  # the second pixel of four is half covered
    mask[0, 4] = 1  # a quarter of the third
    assert scaled_mask(mask, 4, 4)[0].tolist() == [1, 1, 0, 0]


@given(st.integers(1, 70), st.integers(1, 70))
def test_scaled_masks_are_binary_and_keep_what_is_full_or_empty(rows, columns):
    for value in (0, 1):
        scaled = scaled_mask(np.full((rows, columns), value, np.uint8), 40, 24)
        assert scaled.shape == (40, 24)
        assert (scaled == value).all()


def test_an_image_without_colour_is_grey_whatever_its_file_says():
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)
    assert without_colour(grey) is grey
    assert (without_colour(grey[..., None]) == grey).all()
    in_rgb = np.repeat(grey[..., None], 3, axis=2)
    assert (without_colour(in_rgb) == grey).all()
    assert without_colour(in_rgb).flags.c_contiguous
    in_rgb[3, 4, 2] += 1
    assert without_colour(in_rgb) is in_rgb
