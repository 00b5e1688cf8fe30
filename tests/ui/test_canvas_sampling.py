"""From image pixels to screen pixels: exact above 1:1, smooth below, and the same for a part as for the whole."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.mask import Rect
from segstudio.ui.canvas.layers import (
    AGREEMENT,
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUTH,
    ErrorLayer,
    ImageLayer,
    Layer,
    MaskLayer,
    automatic_window,
    windowed,
)
from segstudio.ui.canvas.sampling import ROWS, Pyramid, level_for, merged, sample
from segstudio.ui.canvas.view import Frame, View


def frame_of(image: np.ndarray, zoom: float, size: tuple[int, int], centre: tuple[float, float] | None = None) -> Frame:
    view = View()
    view.show(image.shape[1], image.shape[0])
    view.zoom = zoom
    if centre:
        view.x, view.y = centre
    return view.frame(*size, 1.0)


def random_image(width: int, height: int, *, is_rgb: bool = False, seed: int = 0) -> np.ndarray:
    shape = (height, width, 3) if is_rgb else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@st.composite
def situations(draw: st.DrawFn) -> tuple[np.ndarray, Frame, Rect]:
    """An image, a frame that shows some of it, and a rectangle of what is shown."""
    image = random_image(draw(st.integers(1, 90)), draw(st.integers(1, 90)), is_rgb=draw(st.booleans()))
    zoom = draw(st.one_of(st.floats(0.05, 8), st.sampled_from([0.125, 0.25, 0.5, 1.0, 2.0, 3.0])))
    centre = (draw(st.floats(0, 1)) * image.shape[1], draw(st.floats(0, 1)) * image.shape[0])
    frame = frame_of(image, zoom, (draw(st.integers(1, 120)), draw(st.integers(1, 120))), centre)
    picture = frame.picture
    left = draw(st.integers(0, max(picture.width - 1, 0)))
    top = draw(st.integers(0, max(picture.height - 1, 0)))
    width = draw(st.integers(0, picture.width - left))
    height = draw(st.integers(0, picture.height - top))
    return image, frame, Rect(picture.x + left, picture.y + top, width, height)


@given(situations())
def test_above_one_to_one_each_screen_pixel_shows_the_pixel_under_its_centre(
    situation: tuple[np.ndarray, Frame, Rect],
) -> None:
    image, frame, rect = situation
    if frame.zoom < 1 or rect.is_empty:
        return
    shown = sample(Pyramid(image), frame, rect)
    columns = np.floor((np.arange(rect.x, rect.right) + 0.5 - frame.left) / frame.zoom).astype(int)
    rows = np.floor((np.arange(rect.y, rect.bottom) + 0.5 - frame.top) / frame.zoom).astype(int)
    assert np.array_equal(shown, image[rows][:, columns])


@settings(max_examples=300)
@given(situations(), st.sampled_from(["image", "mask", "errors"]))
def test_a_part_is_rendered_as_in_the_whole(situation: tuple[np.ndarray, Frame, Rect], kind: str) -> None:
    image, frame, rect = situation
    if rect.is_empty:
        return
    grey = image if image.ndim == 2 else np.ascontiguousarray(image[..., 0])
    mask, other = (grey > 128).view(np.uint8), (grey > 90).view(np.uint8)
    layers: dict[str, Callable[[], Layer]] = {
        "image": lambda: ImageLayer(image),
        "mask": lambda: MaskLayer(Pyramid(mask, gain=255), TRUTH, 0.5),
        "errors": lambda: ErrorLayer(Pyramid(mask, gain=255), Pyramid(other, gain=255), 0.5),
    }
    picture = frame.picture
    whole = layers[kind]().render(frame, picture)
    part = layers[kind]().render(frame, rect)
    assert part.shape == (rect.height, rect.width)
    assert np.array_equal(part, whole[rect._replace(x=rect.x - picture.x, y=rect.y - picture.y).slices])


@given(
    st.integers(1, 70),
    st.integers(1, 3 * ROWS),
    st.integers(1, 7),
    st.lists(st.tuples(*[st.integers(0, 3 * ROWS - 1)] * 4), max_size=5),
)
def test_a_refreshed_pyramid_is_a_new_one(width: int, height: int, level: int, boxes: list[tuple[int, ...]]) -> None:
    mask = (random_image(width, height) > 128).view(np.uint8)
    pyramid = Pyramid(mask, gain=255)
    everything = slice(0, 1 << 20)
    pyramid.part(level, everything, everything)
    for x, y, w, h in boxes:
        rect = Rect(x, y, w + 1, h + 1).clip(mask.shape)
        if not rect.is_empty:
            mask[rect.slices] ^= 1
            pyramid.change(rect)
    for number in (level, level - 1, level + 1):
        found = pyramid.part(number, everything, everything)
        assert np.array_equal(found, Pyramid(mask, gain=255).part(number, everything, everything))


def test_half_size_shows_the_means_of_four() -> None:
    image = random_image(64, 48)
    shown = sample(Pyramid(image), frame_of(image, 0.5, (32, 24)), Rect(0, 0, 32, 24))
    means = image.reshape(24, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(shown.astype(float) - means).max() <= 0.5


@pytest.mark.parametrize("zoom", [0.9, 0.6, 0.3, 0.13, 0.031])
def test_below_one_to_one_a_flat_image_stays_flat_and_a_ramp_a_ramp(zoom: float) -> None:
    flat = np.full((300, 501), 77, np.uint8)
    frame = frame_of(flat, zoom, (600, 400))
    assert np.all(sample(Pyramid(flat), frame, frame.picture) == 77)
    ramp = np.tile(np.linspace(0, 250, 501).astype(np.uint8), (300, 1))
    row = sample(Pyramid(ramp), frame, frame.picture)[0].astype(int)
    assert np.all(np.diff(row) >= 0)
    assert row[0] <= 0.5 / zoom + 1
    assert row[-1] >= 250 - 0.5 / zoom - 1


def test_levels_are_at_most_twice_as_fine_as_the_screen() -> None:
    assert [level_for(zoom) for zoom in (8, 1, 0.99, 0.51, 0.5, 0.26, 0.25, 0.1)] == [0, 0, 0, 0, 1, 1, 2, 3]


def test_wider_than_opencv_can_remap() -> None:
    image = np.zeros((4, 70_000), np.uint8)
    image[:, 69_000:] = 200
    frame = frame_of(image, 0.8, (300, 20), centre=(69_900, 2))
    assert np.all(sample(Pyramid(image), frame, frame.picture) == 200)


def test_read_only_images_are_shown() -> None:
    image = random_image(40, 30)
    image.flags.writeable = False
    for zoom in (0.7, 0.4, 3.0):
        frame = frame_of(image, zoom, (50, 50))
        ImageLayer(image).render(frame, frame.picture)


def test_one_pixel_stays_visible_in_a_large_image_that_is_fitted() -> None:
    mask = np.zeros((2048, 2048), np.uint8)
    mask[1000, 700] = 1
    frame = frame_of(mask, 400 / 2048, (400, 400))
    shown = MaskLayer(Pyramid(mask, gain=255), TRUTH, 0.5).render(frame, frame.picture) >> 24
    assert shown.max() >= 40
    assert np.count_nonzero(shown) <= 9
    errors = ErrorLayer(Pyramid(mask, gain=255), Pyramid(np.zeros_like(mask), gain=255), 0.5)
    assert (errors.render(frame, frame.picture) >> 24).max() >= 80


def test_a_mask_is_filled_and_outlined_by_one_screen_pixel_inside_its_edge() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 1
    frame = frame_of(mask, 3.0, (60, 60))
    alpha = MaskLayer(Pyramid(mask, gain=255), TRUTH, 0.4).render(frame, frame.picture) >> 24
    fill, line = round(255 * 0.4), round(255 * 0.88)
    assert np.all(alpha[16:44, 16:44] == fill)
    for edge in (alpha[15, 15:45], alpha[44, 15:45], alpha[15:45, 15], alpha[15:45, 44]):
        assert np.all(np.abs(edge.astype(int) - line) <= 1)
    alpha[15:45, 15:45] = 0
    assert not alpha.any()


def colour_of(pixel: np.uint32) -> np.ndarray:
    """Red, green and blue before they were premultiplied."""
    alpha = (int(pixel) >> 24) / 255
    return np.array([(int(pixel) >> shift) & 255 for shift in (16, 8, 0)]) / alpha


def test_errors_have_the_colours_of_the_legend() -> None:
    truth = np.array([[1, 1, 0, 0]], np.uint8)
    predicted = np.array([[1, 0, 1, 0]], np.uint8)
    frame = frame_of(truth, 1.0, (4, 1))
    row = ErrorLayer(Pyramid(truth, gain=255), Pyramid(predicted, gain=255), 0.5).render(frame, frame.picture)[0]
    for pixel, colour in zip(row, (AGREEMENT, FALSE_NEGATIVE, FALSE_POSITIVE), strict=False):
        assert np.abs(colour_of(pixel) - colour).max() < 3
    assert row[3] == 0


@pytest.mark.parametrize("opacity", [0.0, 0.3, 1.0])
def test_premultiplied_colours_never_exceed_their_alpha(opacity: float) -> None:
    mask, other = (random_image(50, 50, seed=1) > 99).view(np.uint8), (random_image(50, 50, seed=2) > 99).view(np.uint8)
    for zoom in (0.3, 0.7, 2.0):
        frame = frame_of(mask, zoom, (60, 60))
        for layer in (
            MaskLayer(Pyramid(mask, gain=255), TRUTH, opacity),
            ErrorLayer(Pyramid(mask, gain=255), Pyramid(other, gain=255), opacity),
        ):
            shown = layer.render(frame, frame.picture)
            for shift in (16, 8, 0):
                assert np.all((shown >> shift) & 255 <= shown >> 24)
            assert shown.any() == (opacity > 0)


def test_window_and_level() -> None:
    table = windowed(100, 150)
    assert (table[99], table[100], table[150], table[200], table[255]) == (0, 0, 128, 255, 255)
    assert np.array_equal(windowed(255, 127.5), np.arange(256))
    assert set(windowed(0, 100)) == {0, 128, 255}


def test_the_automatic_window_leaves_out_the_extremes() -> None:
    image = np.random.default_rng(0).integers(60, 140, (300, 300)).astype(np.uint8)
    image[0, 0], image[0, 1] = 0, 255
    window, level = automatic_window(image)
    assert level == pytest.approx(99.5, abs=2)
    assert window == pytest.approx(79, abs=3)
    assert automatic_window(np.full((5, 5), 9, np.uint8)) == (1.0, 9.0)


def test_rectangles_of_a_stroke_are_merged_where_that_is_less_work() -> None:
    assert merged([Rect(0, 0, 10, 10), Rect(2, 0, 10, 10)]) == [Rect(0, 0, 12, 10)]
    far = [Rect(0, 0, 10, 10), Rect(500, 500, 10, 10)]
    assert merged(far) == far
    scattered = [Rect(n * 100 % 5000, n * 37 % 3000, 5, 5) for n in range(500)]
    assert len(merged(scattered)) <= 24
