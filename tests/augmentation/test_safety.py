"""The safety check must be able to fail: wrong applies of every kind are held against it, and right ones too."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from segstudio.augmentation.augmenter import Augmented, Augmenter
from segstudio.augmentation.patterns import kept, pattern
from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes
from segstudio.augmentation.safety import (
    Effort,
    check_recipe,
    check_step,
    drawn_example,
    effort_for,
    findings_of_marking,
    findings_of_pattern,
)


def turned(image: np.ndarray, angle: float, shift: float = 0, flags: int = cv2.INTER_NEAREST) -> np.ndarray:
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    matrix[0, 2] += shift
    return cv2.warpAffine(image, matrix, (width, height), flags=flags)


def of(*steps: Step) -> Recipe:
    return Recipe("test", "", "", steps)


def kinds(found) -> set[str]:
    return {one.kind for one in found}


def grey_example() -> tuple[np.ndarray, np.ndarray]:
    image, mask = drawn_example()
    return image[..., 0].copy(), mask


# Each takes image, mask and seed; a correct one is first, so that it is clear what differs.
RIGHT = {
    "turned": lambda image, mask, seed: (turned(image, 9, flags=cv2.INTER_LINEAR), turned(mask, 9)),
    "shifted": lambda image, mask, seed: (turned(image, 0, 17), turned(mask, 0, 17)),
    "mirrored": lambda image, mask, seed: (image[:, ::-1].copy(), mask[:, ::-1].copy()),
}
WRONG = {
    "only the image turns": lambda image, mask, seed: (turned(image, 8), mask),
    "only the mask turns": lambda image, mask, seed: (image, turned(mask, 8)),
    "the mask turns the other way": lambda image, mask, seed: (turned(image, 5), turned(mask, -5)),
    "only the image is mirrored": lambda image, mask, seed: (image[:, ::-1].copy(), mask),
    "the mask lies eight pixels beside": lambda image, mask, seed: (image, np.roll(mask, 8, 1)),
    "only in one of the tries": lambda image, mask, seed: (turned(image, 8 if seed == 2 else 0), mask),
    "the mask is inverted": lambda image, mask, seed: (image, 1 - mask),
    "only the image is warped": lambda image, mask, seed: (
        cv2.remap(image, *waves(image.shape), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), mask
    ),
}  # fmt: skip


def waves(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    return x + 9 * np.sin(y / 12), y + 9 * np.cos(x / 15)


def applied(function):
    return lambda image, mask, seed: Augmented(*function(image, mask, seed), [])


@pytest.mark.parametrize("name", list(RIGHT))
def test_what_moves_together_passes(name):
    assert findings_of_pattern(applied(RIGHT[name]), range(4)) == []


@pytest.mark.parametrize("name", list(WRONG))
def test_what_moves_apart_is_an_error(name):
    (found,) = findings_of_pattern(applied(WRONG[name]), range(4))
    assert (found.kind, found.severity) == ("apart", "error")
    assert found.hint


@pytest.mark.parametrize("name", [name for name in WRONG if name.startswith("only the image")])
def test_what_claims_to_change_only_light_but_moves_the_image_is_an_error(name):
    (found,) = findings_of_pattern(applied(WRONG[name]), range(4), moves_mask=False)
    assert found.kind == "apart"


def test_what_claims_to_change_only_light_but_changes_the_mask_is_an_error():
    (found,) = findings_of_pattern(applied(RIGHT["mirrored"]), range(2), moves_mask=False)
    assert found.kind == "apart"


def test_what_is_past_recognition_is_a_warning():
    """A turn by 30 degrees cannot be told from destruction, but it does not pass either."""
    rng = np.random.default_rng(0)
    for change in (
        lambda image: turned(image, 30),
        lambda image: rng.integers(0, 256, image.shape).astype(np.uint8),
    ):
        function = applied(lambda image, mask, seed, change=change: (change(image), mask))
        (found,) = findings_of_pattern(function, range(3), moves_mask=False)
        assert (found.kind, found.severity) == ("unclear", "warning")


def test_noise_blur_and_negative_are_no_movement():
    rng = np.random.default_rng(0)
    for change in (
        lambda image: np.clip(image + rng.normal(0, 40, image.shape), 0, 255).astype(np.uint8),
        lambda image: cv2.GaussianBlur(image, (0, 0), 4),
        lambda image: 255 - image,
        lambda image: (image // 2 + np.linspace(0, 120, image.shape[1])).astype(np.uint8),
    ):
        function = applied(lambda image, mask, seed, change=change: (change(image), mask))
        assert findings_of_pattern(function, range(3), moves_mask=False) == []


def test_an_interpolated_mask_is_an_error():
    def smooth(image, mask, seed):
        return image, cv2.GaussianBlur(mask * np.uint8(255), (0, 0), 2)

    def real(image, mask, seed):
        return image, mask.astype(np.float32)

    for function in (smooth, real):
        assert kinds(findings_of_pattern(applied(function), range(2))) == {"binary"}


def test_a_mask_of_another_size_is_an_error():
    assert kinds(findings_of_pattern(applied(lambda image, mask, seed: (image, mask[:-2])), [0])) == {"apart"}


def test_kept_counts_what_leaves_the_picture_and_what_is_covered():
    _, mask = drawn_example()

    def keeps(function):
        return kept(applied(function), mask, 0)

    assert keeps(lambda image, mask, seed: (image, mask)) == (1, 0)
    assert keeps(lambda image, mask, seed: (image[:, ::-1].copy(), mask[:, ::-1].copy())) == (1, 0)
    all_of_it, covered = keeps(lambda image, mask, seed: (image[::2, ::2].copy(), mask[::2, ::2].copy()))
    assert all_of_it > 0.999
    assert covered == 0
    half, covered = keeps(lambda image, mask, seed: (image[:, 128:].copy(), mask[:, 128:].copy()))
    assert half == pytest.approx(mask[:, 128:].sum() / mask.sum(), abs=0.05)
    assert covered == 0

    def covers(image, mask, seed):
        image = image.copy()
        image[:, :128] = 0
        return image, mask

    _, covered = keeps(covers)
    assert covered == pytest.approx(mask[:, :128].sum() / mask.sum(), abs=0.01)


def test_ours_are_without_errors_and_say_what_a_mirror_means():
    for name, recipe in built_in_recipes().items():
        found = check_recipe(recipe, [drawn_example(), grey_example()])
        assert not [one for one in found if one.severity == "error"], name
    assert check_recipe(built_in_recipes()["light"], [grey_example()]) == []
    (mirror,) = check_recipe(built_in_recipes()["chest-xray"], [grey_example()])
    assert mirror.place == (3,)
    assert (mirror.kind, mirror.severity) == ("meaning", "warning")
    assert "heart" in mirror.message


def test_the_same_every_time():
    recipe = of(Step("RandomCrop", 1.0, {"height": 90, "width": 90}), Step("ElasticTransform", 0.5), Step("Blur", 0.0))
    examples = [grey_example()]
    assert check_recipe(recipe, examples, 3) == check_recipe(recipe, examples, 3)


@pytest.mark.parametrize(
    "name", ["VerticalFlip", "Transpose", "D4", "RandomRotate90", "RandomGridShuffle", "MaskDropout"]
)
def test_what_changes_the_meaning_is_flagged(name):
    assert "meaning" in kinds(check_step(Step(name, 0.5)))


@pytest.mark.parametrize(
    ("step", "kind", "severity"),
    [
        (Step("Rotat"), "invalid", "error"),
        (Step("Rotate", 0.5, {"limit": "far"}), "invalid", "error"),
        (Step("SafeRotate", 0.5, {"fill_mask": None}), "invalid", "error"),
        (Step("Blur", 0.0), "never", "warning"),
        (Step("PiecewiseAffine", 0.5), "slow", "note"),
        (Step("ElasticTransform", 0.5), "slow", "note"),
        (Step("Rotate", 0.5, {"limit": [0, 0]}), "same", "warning"),
        (Step("RandomBrightnessContrast", 1.0, {"brightness_limit": 0, "contrast_limit": 0}), "same", "warning"),
        (Step("RandomBrightnessContrast", 1.0, {"brightness_limit": [-1, -1]}), "blank", "error"),
        (Step("RandomBrightnessContrast", 1.0, {"brightness_limit": [1, 1]}), "blank", "error"),
        (Step("RandomBrightnessContrast", 1.0, {"brightness_limit": [-0.1, 1]}), "blank", "error"),
        (Step("GaussNoise", 1.0, {"std_range": [0.9, 1]}), "clipped", "warning"),
        (Step("Rotate", 1.0, {"limit": [40, 40], "fill_mask": 1}), "filled", "warning"),
        (Step("Affine", 1.0, {"translate_percent": [0.8, 0.9]}), "lost", "error"),
        (Step("Affine", 1.0, {"translate_percent": {"x": [0.5, 0.5], "y": [0, 0]}}), "lost", "warning"),
        (Step("RandomCrop", 1.0, {"height": 40, "width": 40}), "lost", "error"),
        (Step("GridDropout", 1.0, {"ratio": 0.8}), "hidden", "note"),
        (Step("RandomCrop", 1.0, {"height": 200, "width": 200}), "size", "note"),
        (Step("RandomCrop", 1.0, {"height": 9000, "width": 9000}), "fails", "error"),
        (Step("OneOf", 1.0), "empty", "warning"),
        (Step("SomeOf", 1.0, {"n": 0}, steps=(Step("Blur"),)), "invalid", "error"),
        (Step("OneOf", 1.0, steps=(Step("Blur", 0.0),)), "invalid", "error"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said(step, kind, severity):
    found = [one for one in check_step(step) if one.kind == kind and one.place == ()]
    assert [one.severity for one in found] == [severity], check_step(step)
    for one in found:
        assert one.message
        assert one.message[0].isupper() or one.message[0].isdigit()
        assert "{" not in one.message


def test_a_fill_is_not_taken_for_a_part_of_the_picture():
    for fill in (40, 215, 255):
        found = check_step(Step("Rotate", 1.0, {"limit": [30, 40], "fill": fill}))
        assert kinds(found) <= {"lost"}, fill
    for fill in ("random", "inpaint_telea", 215):
        found = check_step(Step("CoarseDropout", 1.0, {"fill": fill}))
        assert found == [], fill


def test_colour_on_grey_pictures_does_nothing_and_says_why():
    (found,) = check_recipe(of(Step("ToGray", 0.5)), [grey_example()])
    assert found.kind == "same"
    assert "grey" in found.message
    assert check_recipe(of(Step("ToGray", 0.5)), [drawn_example()]) == []


def test_places_lead_to_the_step():
    inner = Step("OneOf", 0.5, steps=(Step("Blur", 0.5), Step("HorizontalFlip", 0.5)))
    found = check_recipe(of(Step("Blur", 0.5), inner, Step("VerticalFlip", 0.5, is_enabled=False)))
    assert [one.place for one in found if one.kind == "meaning"] == [(1, 1)]
    disabled = replace(inner, is_enabled=False)
    assert check_recipe(of(Step("Blur", 0.5), disabled)) == []


def test_an_object_that_is_gone_only_now_and_then_is_told_too():
    sometimes = Step("Affine", 1.0, {"translate_percent": {"x": [-1.0, 0.2], "y": [-1.0, 0.2]}})
    (lost,) = [one for one in check_recipe(of(sometimes)) if one.kind == "lost"]
    assert lost.severity == "warning"
    assert "2 of 4 tries nothing" in lost.message


def test_steps_that_are_harmless_alone_may_lose_the_object_together():
    half = Step("Affine", 1.0, {"translate_percent": {"x": [0.13, 0.13], "y": [0, 0]}})
    assert check_recipe(of(half)) == []
    found = check_recipe(of(half, half, half))
    assert [(one.place, one.kind) for one in found] == [((), "lost")]


def test_steps_that_are_harmless_alone_may_leave_nothing_together():
    darker = Step("RandomBrightnessContrast", 1.0, {"brightness_limit": [-0.3, -0.3], "contrast_limit": [0, 0]})
    assert check_recipe(of(darker)) == []
    assert [(one.place, one.kind) for one in check_recipe(of(darker, darker))] == [((), "blank")]


def test_choices_stay_the_same_when_light_is_left_out():
    """What leaves the picture is looked at without the steps that change light, and the choices stay."""
    far = Step("Affine", 1.0, {"translate_percent": [0.9, 0.9]})
    recipe = of(Step("OneOf", 1.0, steps=(far, Step("Blur", 0.0), Step("GaussNoise", 1.0))))
    found = check_recipe(recipe)
    assert [(one.place, one.kind) for one in found if one.kind == "lost"] == [((0, 0), "lost")]


def test_an_empty_recipe_is_a_note():
    assert [(one.kind, one.severity) for one in check_recipe(of())] == [("empty", "note")]


def test_empty_and_full_masks_and_tiny_pictures():
    image = np.random.default_rng(0).integers(0, 256, (5, 7), np.uint8)
    examples = [(image, np.zeros((5, 7), np.uint8)), (image, np.ones((5, 7), np.uint8))]
    for recipe in built_in_recipes().values():
        assert not [one for one in check_recipe(recipe, examples) if one.kind in {"apart", "binary", "invalid"}]


def test_a_picture_that_was_blank_before_is_nobodys_fault():
    example = np.zeros((64, 64), np.uint8), drawn_example()[1][::4, ::4].copy()
    assert kinds(check_recipe(built_in_recipes()["light"], [example])) <= {"same"}


def test_slow_steps_are_tried_less():
    assert effort_for(0) == Effort(4, 1024, True)
    assert effort_for(9).side > effort_for(40).side > effort_for(1300).side


def test_the_pattern_is_alike_nowhere():
    _, mask = pattern(160)
    for other in (mask[::-1], mask[:, ::-1], mask.T, np.roll(mask, 20, 0), np.roll(mask, 20, 1), np.rot90(mask)):
        assert (other != mask).mean() > 0.2


def test_what_the_augmenter_gives_is_what_the_check_takes():
    step = Step("Rotate", 1.0, {"limit": [-30, 30]})
    assert findings_of_pattern(Augmenter(of(step)).apply, range(4)) == []


def smudged(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    blurred = cv2.GaussianBlur(image, (0, 0), 4)
    return np.where(where[..., None] > 0, blurred, image)


def disc(mask: np.ndarray, seed: int) -> np.ndarray:
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    return ((y - 90) ** 2 + (x - 90 - 5 * seed) ** 2 < 40**2).astype(np.uint8)


MARKED_WRONG = {
    "marks what cannot be seen": ("unseen", lambda image, mask, at: (image, mask | at)),
    "marks another place": ("unseen", lambda image, mask, at: (smudged(image, at), mask | np.roll(at, 70, 1))),
    "marks half of it": ("apart", lambda image, mask, at: (smudged(image, at), mask | (at & (np.arange(160) < 80)))),
    "marks nothing": ("apart", lambda image, mask, at: (smudged(image, at), mask)),
    "forgets what was marked": ("apart", lambda image, mask, at: (smudged(image, at), at)),
    "marks with 255": ("binary", lambda image, mask, at: (smudged(image, at), mask | at * np.uint8(255))),
}


@pytest.mark.parametrize("name", MARKED_WRONG)
def test_what_marks_what_it_adds_is_found_out_when_it_lies(name):
    kind, function = MARKED_WRONG[name]
    (found,) = findings_of_marking(lambda i, m, seed: Augmented(*function(i, m, disc(m, seed)), []), range(3))
    assert (found.kind, found.severity) == (kind, "error")


def test_what_marks_what_it_adds_is_not_blamed_for_it():
    def right(image: np.ndarray, mask: np.ndarray, seed: int) -> Augmented:
        return Augmented(smudged(image, disc(mask, seed)), mask | disc(mask, seed), [])

    assert findings_of_marking(right, range(3)) == []


def test_dirt_that_does_nothing_but_is_marked_is_an_error():
    nothing = {"blur_range": [0, 0], "haze_range": [0, 0]}
    assert "unseen" in kinds(check_step(Step("LensSmudge", 1.0, nothing)))
    assert kinds(check_step(Step("LensSmudge", 1.0))) == {"meaning"}
