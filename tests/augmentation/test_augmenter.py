import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from segstudio.augmentation.augmenter import Augmenter, seed_of
from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes
from segstudio.augmentation.safety import drawn_example
from segstudio.core.errors import UserError

every_recipe = pytest.mark.parametrize("name", ["flip", "light", "chest-xray", "lens-dirt", "strong"])


def of(*steps: Step) -> Augmenter:
    return Augmenter(Recipe("test", "", "", steps))


def example(*, is_grey: bool = False) -> tuple[np.ndarray, np.ndarray]:
    image, mask = drawn_example()
    image, mask = image[::2, ::3].copy(), mask[::2, ::3].copy()
    return (image[..., 1].copy() if is_grey else image), mask


def test_seeds_are_the_same_on_every_machine_and_for_ever():
    assert seed_of("chest-xray", 3, 14) == 1196609047
    assert seed_of("12") != seed_of(12) == seed_of(np.int64(12))
    assert seed_of("a", "b") != seed_of("ab")
    assert 0 <= seed_of() < 2**32


@every_recipe
@pytest.mark.parametrize("is_grey", [True, False])
def test_ours_do_the_same_in_any_thread_and_leave_their_input_alone(name, is_grey):
    recipe = built_in_recipes()[name]
    image, mask = example(is_grey=is_grey)
    kept = image.copy(), mask.copy()
    augmenter = Augmenter(recipe)
    seeds = list(range(24))
    expected = [Augmenter(recipe).apply(image, mask, seed) for seed in seeds]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda seed: augmenter.apply(image, mask, seed), seeds))
    for one, two in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.mask, two.mask)
        assert one.image.shape == image.shape
    assert len({one.image.tobytes() for one in expected}) > (1 if name == "flip" else 12)
    np.testing.assert_array_equal(image, kept[0])
    np.testing.assert_array_equal(mask, kept[1])


def test_steps_are_drawn_apart_from_each_other():
    """Albumentations' own set_random_seed would apply all steps of one p together or none of them."""
    augmenter = of(Step("HorizontalFlip", 0.5), Step("VerticalFlip", 0.5), Step("HorizontalFlip", 0.5))
    image, mask = example()
    applied = [
        tuple(one["transform"] for one in augmenter.apply(image, mask, seed, has_applied=True).applied)
        for seed in range(200)
    ]
    counts = {one: applied.count(one) for one in set(applied)}
    assert len(counts) == 7  # all eight, two of which have the same names
    assert counts[()] < 50
    assert counts[("HorizontalFlip", "VerticalFlip", "HorizontalFlip")] < 50


def test_a_step_is_drawn_the_same_whatever_the_others_are():
    rotate = Step("Rotate", 1.0, {"limit": [-20, 20]})
    image, mask = example()

    def angle(*steps: Step) -> float:
        done = of(*steps).apply(image, mask, 5, has_applied=True)
        return next(one["angle"] for one in done.applied if one["transform"] == "Rotate")

    alone = angle(rotate)
    assert angle(Step("RandomGamma", 1.0), rotate) == alone
    assert angle(rotate, Step("Blur", 0.5)) == alone
    assert angle(Step("Blur", 0.5, is_enabled=False), rotate) == alone
    assert angle(replace(rotate, p=1.0), rotate) == alone


def test_half_means_half():
    augmenter = of(Step("HorizontalFlip", 0.5))
    image, mask = example()
    flipped = sum(not np.array_equal(augmenter.apply(image, mask, seed).image, image) for seed in range(400))
    assert 160 <= flipped <= 240


def test_combinations():
    image, mask = example()

    def applied(step: Step) -> list[list[str]]:
        augmenter = of(step)
        return [
            [one["transform"] for one in augmenter.apply(image, mask, seed, has_applied=True).applied]
            for seed in range(60)
        ]

    inner = (Step("HorizontalFlip", 1.0), Step("VerticalFlip", 1.0), Step("Transpose", 1.0, is_enabled=False))
    assert {tuple(one) for one in applied(Step("OneOf", 1.0, steps=inner))} == {("HorizontalFlip",), ("VerticalFlip",)}
    assert {len(one) for one in applied(Step("SomeOf", 1.0, {"n": 9}, steps=inner))} == {2}
    assert {tuple(one) for one in applied(Step("RandomOrder", 1.0, {"n": 2}, steps=inner))} == {
        ("HorizontalFlip", "VerticalFlip"), ("VerticalFlip", "HorizontalFlip"),
    }  # fmt: skip
    assert {tuple(one) for one in applied(Step("Sequential", 0.5, steps=inner))} == {
        (), ("HorizontalFlip", "VerticalFlip"),
    }  # fmt: skip


def test_what_was_applied_can_be_read():
    augmenter = Augmenter(replace(built_in_recipes()["chest-xray"], steps=tuple(
        replace(step, p=1.0) for step in built_in_recipes()["chest-xray"].steps
    )))  # fmt: skip
    done = augmenter.apply(*example(), 3, has_applied=True)
    assert [one["transform"] for one in done.applied] == [
        "Rotate", "RandomBrightnessContrast", "GaussNoise", "HorizontalFlip",
    ]  # fmt: skip
    assert -10 <= done.applied[0]["angle"] <= 10
    assert "standard deviation" in done.applied[2]["noise_map"]
    assert len(json.dumps(done.applied)) < 500
    assert augmenter.apply(*example(), 3).applied == []


def test_the_angle_that_is_said_is_the_angle_of_the_picture():
    image, mask = np.zeros((101, 101), np.uint8), np.zeros((101, 101), np.uint8)
    image[48:53, 60:95] = 255  # a hand at three o'clock
    done = of(Step("Rotate", 1.0, {"limit": [30, 30]})).apply(image, mask, 0, has_applied=True)
    assert done.applied[0]["angle"] == pytest.approx(30, abs=0.01)
    rows, columns = np.nonzero(done.image > 127)
    assert np.degrees(np.arctan2(50 - rows.mean(), columns.mean() - 50)) == pytest.approx(30, abs=1)


def test_fitted_is_back_at_its_size():
    augmenter = of(Step("Resize", 1.0, {"height": 300, "width": 20}))
    for image, mask in (example(), example(is_grey=True)):
        fitted, fitted_mask = augmenter.apply_fitted(image, mask, 0)
        assert fitted.shape == image.shape
        assert fitted_mask.shape == mask.shape
        assert fitted_mask.max() == 1
        assert (fitted_mask == mask).mean() > 0.8


def test_an_empty_recipe_gives_the_same_back():
    image, mask = example()
    done = of().apply(image, mask, 1, has_applied=True)
    np.testing.assert_array_equal(done.image, image)
    np.testing.assert_array_equal(done.mask, mask)
    assert done.applied == []


def test_a_step_that_cannot_be_applied_is_named():
    with pytest.raises(UserError, match=r"RandomCrop .* 86x128 pixels"):
        of(Step("RandomCrop", 1.0, {"height": 500, "width": 500})).apply(*example(), 0)


def test_a_wrong_step_is_found_before_any_picture_is_read():
    with pytest.raises(UserError, match="Rotate"):
        of(Step("Rotate", 1.0, {"limit": "far"}))


def test_grey_stays_grey_and_is_not_converted_when_a_step_is_not_applied():
    image, mask = example(is_grey=True)
    augmenter = of(Step("RandomRain", 0.5), Step("HueSaturationValue", 0.0))
    done = [augmenter.apply(image, mask, seed, has_applied=True) for seed in range(12)]
    assert {len(one.applied) for one in done} == {0, 1}
    for one in done:
        assert one.image.shape == image.shape
        assert bool(one.applied) != np.array_equal(one.image, image)
