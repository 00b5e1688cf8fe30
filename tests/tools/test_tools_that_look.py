"""Magic wand, smart brush, superpixels and GrabCut: which pixels they take, and which never."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segstudio.core.components import components
from segstudio.core.edit import Mode
from segstudio.core.raster import brush_centre, brush_diameter, capsule
from segstudio.tools import TOOLS, Drag, Pointer, Scribble
from segstudio.tools.grabcut import GrabCutOptions, cut_out
from segstudio.tools.superpixels import SuperpixelOptions, segments_of
from tests.tools.drags import compute, dragged, scene_of


def pressed(x: float, y: float, **values: object) -> Pointer:
    return Pointer(x, y, clicks=1, **values)  # type: ignore[arg-type]


def patches(seed: int, channels: int) -> np.ndarray:
    """Squares of 10 pixels in a few values, so that some neighbours are alike."""
    small = np.random.default_rng(seed).integers(0, 4, (5, 7, channels)) * 60
    image = small.astype(np.uint8).repeat(10, axis=0).repeat(10, axis=1)
    return np.ascontiguousarray(image if channels == 3 else image[..., 0])


# --- magic wand


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 20), st.sampled_from([1, 3]), st.integers(0, 69), st.integers(0, 49), st.integers(0, 255),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_the_wand_takes_like_pixels_by_each_channel(
    seed, channels, x, y, tolerance, is_contiguous, is_diagonal
) -> None:
    image = patches(seed, channels)
    planes = image.reshape(50, 70, channels).astype(int)
    alike = (np.abs(planes - planes[y, x]) <= tolerance).all(axis=2).astype(np.uint8)
    wanted = alike
    if is_contiguous:
        labels = components(alike, is_diagonal=is_diagonal).labels
        wanted = (labels == labels[y, x]).astype(np.uint8)
    mask = dragged("wand", scene_of(np.zeros((50, 70), np.uint8), image), pressed(x + 0.5, y + 0.5),
                   tolerance=tolerance, is_contiguous=is_contiguous, is_diagonal=is_diagonal)  # fmt: skip
    assert np.array_equal(mask, wanted)


def test_a_drag_to_the_side_changes_the_tolerance_and_a_trembling_hand_does_not() -> None:
    image = np.tile(np.arange(200, dtype=np.uint8), (20, 1))
    empty = np.zeros(image.shape, np.uint8)
    click = dragged("wand", scene_of(empty, image), pressed(100.5, 9), tolerance=10)
    assert np.flatnonzero(click[0]).tolist() == list(range(90, 111))
    trembling = [pressed(100.5, 9, zoom=2), Pointer(101.5, 9, zoom=2), Pointer(99.5, 9, zoom=2)]
    assert np.array_equal(dragged("wand", scene_of(empty, image), *trembling, tolerance=10), click)
    wider = dragged("wand", scene_of(empty, image), pressed(100.5, 9), Pointer(144.5, 9), tolerance=10)
    assert np.flatnonzero(wider[0]).tolist() == list(range(80, 121)), "40 pixels of the screen are 10 levels"


def test_the_wand_shows_what_it_would_take_and_gives_up_old_questions() -> None:
    image = patches(1, 1)
    scene = scene_of(np.zeros(image.shape, np.uint8), image)
    tool = TOOLS["wand"]()
    drag = Drag(tool, scene, tool.Options(), pressed(5, 5))
    first = drag.work
    assert first is not None
    drag.move(Pointer(65, 5))
    assert drag.work is first, "one question after the other"
    answer = first.run()
    drag.deliver(first, answer)
    second = drag.work
    assert second is not None
    assert drag.preview.patch is not None
    drag.finish()
    assert drag.is_waiting
    assert not scene.document.mask.any()
    drag.deliver(first, answer)
    assert drag.is_waiting, "an old answer is no answer"
    compute(drag)
    assert drag.is_finished
    assert scene.document.mask.any()


# --- smart brush


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20), st.floats(0, 70), st.floats(0, 50), st.floats(0.5, 30), st.floats(0, 100), st.booleans())
def test_the_smart_brush_paints_like_pixels_alone(seed, x, y, radius, tolerance, is_alternate) -> None:
    image = patches(seed, 1)
    before = (np.random.default_rng(seed).random(image.shape) < 0.5).astype(np.uint8)
    after = dragged("smart-brush", scene_of(before, image), pressed(x, y, is_alternate=is_alternate),
                    radius=radius, tolerance=tolerance)  # fmt: skip
    first = int(image[min(int(y), 49), min(int(x), 69)])
    diameter = brush_diameter(radius)
    centre = brush_centre(x, y, diameter)
    disc = np.zeros(image.shape, bool)
    spans = capsule(disc.shape, centre, centre, diameter)
    for row, (start, stop) in enumerate(zip(spans.starts, spans.stops, strict=True), start=spans.top):
        disc[row, start:stop] = True
    chosen = disc & (np.abs(image.astype(int) - first) <= tolerance * 2.55 + 1e-9)
    assert np.array_equal(after, np.where(chosen, 0 if is_alternate else 1, before))


def test_the_smart_brush_follows_the_model_in_a_range() -> None:
    probability = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (30, 1))
    scene = scene_of(np.zeros(probability.shape, np.uint8), None, probability)
    mask = dragged("smart-brush", scene, pressed(32, 15), radius=100, looks_at="probability", paints="a range",
                   low=50, high=75)  # fmt: skip
    assert np.array_equal(mask, ((probability >= 127.5) & (probability <= 191.25)).astype(np.uint8))
    tool = TOOLS["smart-brush"]()
    assert tool.refusal(scene_of(mask), tool.Options(looks_at="probability"))
    assert not tool.refusal(scene, tool.Options(looks_at="probability"))


# --- superpixels


@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (60, 90), (61, 89, 3)])
def test_segments_are_a_partition(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    segments = segments_of(image, SuperpixelOptions(size=8))
    assert segments.labels.shape == shape[:2]
    assert set(np.unique(segments.labels)) <= set(range(len(segments.boxes)))
    for label in np.unique(segments.labels).tolist():
        rows, columns = np.nonzero(segments.labels == label)
        box = segments.boxes[label]
        assert (box.y, box.bottom, box.x, box.right) == (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)


def test_segments_follow_edges_to_the_pixel_also_where_they_were_found_in_a_smaller_picture() -> None:
    y, x = np.mgrid[:1500, :1500]
    disc = (x - 700) ** 2 + (y - 800) ** 2 < 400**2
    image = np.where(disc, 200, 50).astype(np.uint8)
    segments = segments_of(image, SuperpixelOptions(size=60))
    share = np.bincount(segments.labels.ravel(), disc.ravel()) / np.maximum(np.bincount(segments.labels.ravel()), 1)
    assert ((share > 0.5)[segments.labels] != disc).mean() < 1e-3


def test_a_click_takes_one_segment_and_a_drag_all_on_its_way() -> None:
    image = patches(3, 3)
    scene = scene_of(np.zeros(image.shape[:2], np.uint8), image)
    labels = segments_of(image, SuperpixelOptions()).labels
    assert np.array_equal(dragged("superpixels", scene, pressed(35, 25)), labels == labels[25, 35])
    dragged("superpixels", scene, pressed(5.5, 25.5), Pointer(65.5, 25.5))
    assert np.array_equal(scene.document.mask, np.isin(labels, labels[25, 5:66]) | (labels == labels[25, 35]))
    dragged("superpixels", scene, pressed(35, 25, mode=Mode.INTERSECT))
    assert np.array_equal(scene.document.mask, labels == labels[25, 35])


# --- GrabCut


def test_scribbles_are_obeyed_to_the_pixel_and_what_is_out_of_reach_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (300, 400), np.uint8)
    mask = (rng.random(image.shape) < 0.5).astype(np.uint8)
    lines = [Scribble(((100.0, 100.0), (140.0, 120.0)), 3, True), Scribble(((120.0, 90.0), (120.0, 140.0)), 3, False)]
    patch = cut_out(image, mask, mask, lines, GrabCutOptions(reach=5))
    after = mask.copy()
    after[patch.rect.slices] = patch.pixels
    centres = [brush_centre(x, y, 6) for x, y in lines[1].points]
    spans = capsule((300, 400), centres[0], centres[1], 6)
    for row, (start, stop) in enumerate(zip(spans.starts, spans.stops, strict=True), start=spans.top):
        assert not after[row, start:stop].any(), "the newest scribble wins"
    assert after[101, 102]
    y, x = np.mgrid[:300, :400]
    is_far = (x < 100 - 30) | (x > 140 + 30) | (y < 90 - 30) | (y > 140 + 30)
    assert np.array_equal(after[is_far], mask[is_far])


def test_the_same_scribbles_find_the_same_edge() -> None:
    image = np.full((80, 90), 60, np.uint8)
    image[20:60, 30:70] = 180
    image += np.random.default_rng(0).integers(0, 9, image.shape, np.uint8)
    empty = np.zeros(image.shape, np.uint8)
    lines = [Scribble(((50.0, 40.0),), 4, True), Scribble(((5.0, 5.0), (5.0, 75.0)), 3, False)]
    results = [cut_out(image, empty, empty, lines, GrabCutOptions(reach=100)) for _ in range(2)]
    assert np.array_equal(results[0].pixels, results[1].pixels)
    whole = empty.copy()
    whole[results[0].rect.slices] = results[0].pixels
    wanted = empty.copy()
    wanted[20:60, 30:70] = 1
    assert (whole != wanted).sum() < 40


@pytest.mark.data
def test_two_scribbles_mend_a_lung() -> None:
    folder = os.environ.get("SEGSTUDIO_TEST_DATA")
    if not folder:
        pytest.skip("SEGSTUDIO_TEST_DATA names no folder")
    from segstudio.formats import read_image

    gains = []
    for path in sorted((Path(folder) / "lungs" / "images").iterdir())[::25]:
        image = read_image(path)
        image = image if image.ndim == 2 else image[..., 0]
        truth = (read_image(path.parent.parent / "masks" / path.name).reshape(*image.shape, -1)[..., 0] > 127).view(
            np.uint8
        )
        found = components(truth, is_diagonal=True)
        x, y, width, height = found.boxes[int(np.argmax(found.areas))].tolist()
        damaged = truth.copy()
        damaged[y + 2 * height // 3 :, x : x + width] = 0
        middle = x + width / 2
        lines = [Scribble(((middle - 20, y + 0.7 * height), (middle, y + 0.8 * height)), 6, True),
                 Scribble(((middle - 40, y + height + 15), (middle + 40, y + height + 15)), 6, False)]  # fmt: skip
        patch = cut_out(image, damaged, damaged, lines, GrabCutOptions())
        mended = damaged.copy()
        mended[patch.rect.slices] = patch.pixels
        gains.append(iou(mended, truth) - iou(damaged, truth))
    assert np.mean(gains) > 0.03, gains


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())
