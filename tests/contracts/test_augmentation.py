"""What every transform of the catalogue promises: form, file, augmenter and safety check, on any picture."""

import inspect
import json
import typing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.catalogue import EXCLUDED, catalogue, entry_of, extremes, step_from, step_options
from segstudio.augmentation.donors import donors_of
from segstudio.augmentation.library import albumentations, transform_class
from segstudio.augmentation.names import FIXED, GROUPS, OWN, TAKING
from segstudio.augmentation.patterns import is_binary
from segstudio.augmentation.recipe import Recipe, Step
from segstudio.augmentation.safety import check_recipe, check_step
from segstudio.core.errors import UserError
from segstudio.core.options import bounds_of, is_range

every_transform = pytest.mark.parametrize("name", list(GROUPS))

NOT_RANDOM = frozenset(
    [
        "AutoContrast",
        "CenterCrop",
        "Crop",
        "Equalize",
        "HorizontalFlip",
        "InvertImg",
        "LongestMaxSize",
        "Morphological",
        "Pad",
        "PadIfNeeded",
        "Resize",
        "SmallestMaxSize",
        "Solarize",
        "ToGray",
        "ToSepia",
        "Transpose",
        "VerticalFlip",
    ]
)
"""With the values they begin with these do the same whatever the seed."""

FAILS_ON_SMALL_PICTURES = {(name, "pad_if_needed") for name in ("CenterCrop", "Crop", "RandomCrop")}
"""Options without which a crop of 192 pixels is refused to a picture of 40."""

SHAPES = [(31, 57), (57, 31, 1), (40, 33, 3), (64, 64)]


def small(name: str) -> Step:
    """A step that is always applied and fits pictures of 31 pixels."""
    step = replace(catalogue()[name].step(), p=1.0)
    if name == "CropNonEmptyMaskIfExists":
        return replace(step, parameters={"height": 24, "width": 20})
    if name == "RandomResizedCrop":
        return replace(step, parameters={**step.parameters, "size": [48, 40]})
    if name in {"RandomCrop", "CenterCrop"}:
        return replace(step, parameters={**step.parameters, "height": 28, "width": 24})
    return step


def recipe_of(*steps: Step) -> Recipe:
    return Recipe("test", "Test", "", steps)


def picture(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Soft shades and grain, so that no transform finds nothing to change."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    shades = 110 + 50 * np.sin(x / 9) + 40 * np.cos(y / 7)
    channels = shape[2] if len(shape) == 3 else 1
    image = shades[..., None] + np.arange(channels) * 12 + rng.normal(0, 8, (*shape[:2], channels))
    return np.clip(image, 0, 255).astype(np.uint8).reshape(shape)


def masks(shape: tuple[int, ...]) -> list[np.ndarray]:
    some = np.zeros(shape[:2], np.uint8)
    some[shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] * 3 // 4] = 1
    return [np.zeros(shape[:2], np.uint8), np.ones(shape[:2], np.uint8), some]


DONORS = donors_of([(picture(shape, 9), mask) for shape in ((50, 44, 3), (37, 61)) for mask in masks(shape)])
"""Of colour and grey, and of other sizes than what they are pasted into."""


def test_every_transform_of_albumentations_is_offered_or_excluded_with_a_reason():
    library = albumentations()
    known = {
        name for name, one in vars(library).items() if inspect.isclass(one) and issubclass(one, library.BasicTransform)
    } - {"BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D"}
    assert known - GROUPS.keys() - EXCLUDED.keys() == set()
    assert GROUPS.keys() & EXCLUDED.keys() == set()
    assert GROUPS.keys() - OWN.keys() <= known
    assert not OWN.keys() & (known | EXCLUDED.keys()), "a transform of ours that Albumentations has too"
    assert all(EXCLUDED.values())


@every_transform
def test_an_entry_says_what_it_is(name):
    entry = catalogue()[name]
    assert entry.title
    assert entry.title[0].isupper()
    assert entry.summary.endswith(".")
    assert len({one.title for one in catalogue().values()}) == len(catalogue())
    assert issubclass(transform_class(name), albumentations().DualTransform) == entry.moves_mask
    assert entry.marks <= entry.moves_mask


@every_transform
def test_a_form_can_edit_every_option(name):
    entry = catalogue()[name]
    for key, field in entry.Options.model_fields.items():
        assert field.title
        assert field.description
        assert field.description.endswith(".")
        assert key not in FIXED
        plain = field.annotation in (bool, int, float, str, int | None, float | None)
        inner = [one for one in typing.get_args(field.annotation) if one is not type(None)]
        is_choice = typing.Literal in {typing.get_origin(field.annotation), *map(typing.get_origin, inner)}
        assert plain or is_choice or is_range(field), (key, field.annotation)
        low, high = bounds_of(field)
        if is_range(field):
            assert all((low is None or low <= one) and (high is None or one <= high) for one in field.default)
    assert {key for key, field in entry.Options.model_fields.items() if is_range(field)} >= set(entry.ranges)


@every_transform
def test_form_to_step_to_file_and_back(name):
    entry = catalogue()[name]
    options = entry.Options()
    step = step_from(entry, options, 0.25)
    recipe = recipe_of(step)
    again = Recipe.from_json(recipe.to_json(), "test")
    assert again == recipe
    assert again.digest == recipe.digest
    assert step_options(again.steps[0]) == options
    assert entry.Options.model_validate(json.loads(options.model_dump_json())) == options


def varied(entry):
    """The options with each of them changed in turn, as far as Albumentations lets them."""
    options = entry.Options()
    for key, field in entry.Options.model_fields.items():
        value = getattr(options, key)
        if isinstance(value, bool):
            values = [not value]
        elif is_range(field):
            values = [(value[0], value[0]), (value[1], value[1])]
        elif typing.get_origin(field.annotation) is typing.Literal:
            values = [one for one in typing.get_args(field.annotation) if one != value]
        elif isinstance(value, int):
            values = [value + 2]
        elif isinstance(value, float):
            values = [value / 2]
        else:
            continue
        for one in values:
            try:
                changed = options.replaced(**{key: one})
                yield key, changed, step_from(entry, changed, 1.0)
            except UserError:
                continue


@every_transform
def test_every_option_survives_the_file_and_can_be_applied(name):
    entry = catalogue()[name]
    image, mask = picture((40, 48, 3)), masks((40, 48))[2]
    for key, options, step in varied(entry):
        again = Recipe.from_json(recipe_of(step).to_json(), "test").steps[0]
        assert step_options(again) == options, key
        if name == "CropNonEmptyMaskIfExists":
            with pytest.raises(UserError, match=r"CropNonEmptyMaskIfExists .* 48x40 pixels"):
                Augmenter(recipe_of(again), DONORS).apply(image, mask, 1)
        elif (name, key) not in FAILS_ON_SMALL_PICTURES:
            assert is_binary(Augmenter(recipe_of(again), DONORS).apply(image, mask, 1).mask), key


@every_transform
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_image_and_mask_come_back_as_image_and_mask(name, shape):
    augmenter = Augmenter(recipe_of(small(name)), DONORS)
    image = picture(shape)
    image.flags.writeable = False
    for mask in masks(shape):
        mask.flags.writeable = False
        done = augmenter.apply(image, mask, 3, has_applied=True)
        assert done.image.dtype == np.uint8
        assert done.image.ndim == len(shape)
        assert done.image.shape[2:] == shape[2:]
        assert is_binary(done.mask)
        assert done.mask.shape == done.image.shape[:2]
        assert done.image.flags.c_contiguous
        assert done.mask.flags.c_contiguous
        if not entry_of(name).moves_mask:
            np.testing.assert_array_equal(done.mask, mask)
        fitted_image, fitted_mask = augmenter.apply_fitted(image, mask, 3)
        assert fitted_image.shape == shape
        assert fitted_mask.shape == mask.shape
        assert is_binary(fitted_mask)
        text = json.dumps(done.applied, allow_nan=False)
        assert len(text) < 2500
        if name != "ConstrainedCoarseDropout" or mask.any():
            assert [one["transform"] for one in done.applied] == [name]


@every_transform
def test_an_empty_mask_stays_empty_but_for_what_marks_what_it_adds(name):
    augmenter = Augmenter(recipe_of(small(name)), DONORS)
    if entry_of(name).marks:
        assert all(augmenter.apply(picture((40, 33)), masks((40, 33))[0], seed).mask.any() for seed in range(3))
        return
    for seed in range(3):
        assert not augmenter.apply(picture((40, 33)), masks((40, 33))[0], seed).mask.any()


@every_transform
@pytest.mark.parametrize("channels", [(), (3,)], ids=["grey", "colour"])
def test_same_seed_same_bytes_in_every_thread(name, channels):
    # Local contrast and gravel have nothing to choose on smaller pictures.
    shape = (200, 181, *channels) if name in {"CLAHE", "RandomGravel"} else (72, 65, *channels)
    recipe = recipe_of(small(name))
    augmenter, image, mask = Augmenter(recipe, DONORS), picture(shape), masks(shape)[2]
    mask[-9:-2, 3:14] = 1
    seeds = [5, 6, 7, 8] if name in {"PiecewiseAffine", "Superpixels"} else [*range(8), 2**32 - 1]
    expected = [Augmenter(recipe, DONORS).apply(image, mask, seed) for seed in seeds]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda seed: augmenter.apply(image, mask, seed), [*seeds, *reversed(seeds)]))
    for one, two in zip([*expected, *reversed(expected)], found, strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.mask, two.mask)
    is_random = any(not np.array_equal(one.image, expected[0].image) for one in expected)
    does_nothing_to_grey = len(shape) == 2 and name == "ChannelShuffle"
    assert is_random == (name not in NOT_RANDOM and not does_nothing_to_grey)


@every_transform
def test_albumentations_loads_it_and_does_the_same(name):
    library = albumentations()
    recipe = recipe_of(small(name))
    data = json.loads(json.dumps(recipe.to_albumentations()))
    assert data["transform"]["transforms"][0].get("mask_interpolation", 0) == 0
    image, mask = picture((40, 33, 3)), masks((40, 33))[2]
    loaded = [loaded_by(library, data) for _ in range(2)]
    again = Recipe.from_albumentations(json.loads(json.dumps(library.to_dict(loaded[0]))), "test")
    assert again.digest == recipe.digest
    done = []
    for one in (*loaded, loaded_by(library, again.to_albumentations())):
        one.set_random_seed(4)
        done.append(one(image=image, mask=mask))
    for one in done[1:]:
        np.testing.assert_array_equal(done[0]["image"], one["image"])
        np.testing.assert_array_equal(done[0]["mask"], one["mask"])


def loaded_by(library, data):
    if data["transform"]["transforms"][0]["__class_fullname__"] != "PiecewiseAffine":
        return library.from_dict(data)
    with pytest.warns(UserWarning, match="very slow"):
        return library.from_dict(data)


@every_transform
def test_the_safety_check_runs_and_finds_nothing_wrong_with_what_the_catalogue_begins_with(name):
    found = check_step(catalogue()[name].step())
    assert {one.kind for one in found if one.severity == "error"} == set(), found
    for one in found:
        assert one.place == ()
        assert one.message.endswith((".", ")"))
        assert one.hint.endswith(".")
    assert bool(entry_of(name).warning) == any(one.kind == "meaning" for one in found)


@every_transform
@pytest.mark.parametrize("channels", [1, 3])
def test_the_safety_check_takes_any_picture(name, channels):
    shape = (31, 57) if channels == 1 else (31, 57, 3)
    examples = [(picture(shape), mask) for mask in masks(shape)]
    found = check_recipe(recipe_of(small(name)), examples, seed=3)
    assert not any(one.kind in {"apart", "binary", "invalid"} for one in found), found


@pytest.mark.parametrize("name", sorted(TAKING))
def test_what_takes_from_others_leaves_a_picture_alone_without_any_and_says_so(name):
    image, mask = picture((40, 33, 3)), masks((40, 33))[2]
    for donors in (donors_of([]), donors_of([(image, mask)])):
        done = Augmenter(recipe_of(small(name)), donors).apply(image, mask, 1, source="1")
        np.testing.assert_array_equal(done.image, image)
        np.testing.assert_array_equal(done.mask, mask)
    found = check_recipe(recipe_of(small(name)), [(image, np.zeros_like(mask))])
    assert [(one.kind, one.severity) for one in found if one.kind != "meaning"] == [("alone", "warning")]


@every_transform
def test_the_ends_of_every_range_can_be_shown(name):
    entry = catalogue()[name]
    step = small(name)
    image, mask = picture((40, 48)), masks((40, 48))[2]
    for key in entry.ranges:
        low, high = getattr(step_options(step), key)
        for end, fixed in zip((low, high), extremes(step, key), strict=True):
            assert fixed.p == 1.0
            assert fixed.transform == name
            assert getattr(step_options(fixed), key) in {(end, end), (low, high)}
            assert is_binary(Augmenter(recipe_of(fixed), DONORS).apply(image, mask, 0).mask)
