import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.library import albumentations
from segstudio.augmentation.recipe import MOST_STEPS, Recipe, Step, built_in_recipes, read_recipe, walk
from segstudio.core.errors import UserError

NESTED = Recipe(
    "nested",
    "Nested",
    "All combinations.",
    (
        Step("HorizontalFlip", 0.5),
        Step(
            "OneOf",
            0.9,
            {},
            steps=(
                Step("Blur", 0.5, {"blur_limit": [3, 5]}),
                Step("Sequential", 1.0, steps=(Step("GaussNoise", 1.0), Step("RandomGamma", 0.5, is_enabled=False))),
            ),
        ),
        Step("SomeOf", 1.0, {"n": 2}, steps=(Step("Rotate", 0.7), Step("RandomGamma", 1.0), Step("VerticalFlip", 0.5))),
        Step("RandomOrder", 0.8, {"n": 2, "replace": True}, steps=(Step("CoarseDropout", 0.7), Step("CLAHE", 1.0))),
        Step("Affine", 0.5, {"rotate": [-5, 5]}, is_enabled=False),
    ),
)


def picture() -> tuple[np.ndarray, np.ndarray]:
    image = np.random.default_rng(0).integers(0, 256, (48, 56, 3), np.uint8)
    mask = np.zeros((48, 56), np.uint8)
    mask[10:30, 12:40] = 1
    return image, mask


def of_step(**content) -> str:
    step = {"transform": "Rotate", "p": 0.5, "parameters": {}, "enabled": True, **content}
    return json.dumps({"format": "segstudio-recipe", "version": 1, "title": "t", "description": "", "steps": [step]})


def test_ours_are_complete_readable_and_valid():
    assert list(built_in_recipes()) == ["flip", "light", "chest-xray", "lens-dirt", "strong"]
    for name, recipe in built_in_recipes().items():
        assert recipe.name == name
        assert recipe.title
        assert recipe.description.endswith(".")
        recipe.require_valid()
        assert Recipe.from_json(recipe.to_json(), name) == recipe


def test_flip_is_the_notebooks():
    assert built_in_recipes()["flip"].steps == (Step("HorizontalFlip", 0.5),)


def test_chest_xray_is_the_medical_projects_and_warns_of_the_mirror():
    recipe = built_in_recipes()["chest-xray"]
    assert {step.transform for step in recipe.steps} == {
        "Rotate", "RandomBrightnessContrast", "GaussNoise", "HorizontalFlip",
    }  # fmt: skip
    assert "heart" in recipe.description


def test_listing_ours_does_not_load_albumentations():
    code = (
        "import sys; from segstudio.augmentation.recipe import Recipe, built_in_recipes; "
        "[Recipe.from_json(one.to_json(), one.name, is_checked=False) for one in built_in_recipes().values()]; "
        "import segstudio.augmentation.catalogue, segstudio.augmentation.augmenter, segstudio.augmentation.safety; "
        "print([m for m in ('albumentations', 'scipy', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_has_a_line_for_every_step():
    lines = NESTED.to_json().splitlines()
    assert sum('"transform"' in line for line in lines) == sum(1 for _ in walk(NESTED.steps))
    assert json.loads(NESTED.to_json())["steps"][1]["steps"][1]["steps"][1]["enabled"] is False


def test_there_and_back_with_combinations():
    again = Recipe.from_json(NESTED.to_json(), "nested")
    assert again == NESTED
    assert again.digest == NESTED.digest


@given(st.recursive(
    st.builds(
        Step,
        st.sampled_from(["Rotate", "Blur", "HorizontalFlip", "GaussNoise"]),
        st.floats(0, 1),
        st.just({}),
        st.booleans(),
    ),
    lambda inner: st.builds(
        Step,
        st.sampled_from(["OneOf", "Sequential"]),
        st.floats(0, 1),
        st.just({}),
        st.booleans(),
        st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=6,
))  # fmt: skip
def test_any_tree_of_steps_survives_the_file(step):
    recipe = Recipe("any", "Any – 'x' \"y\"", "", (step,))
    again = Recipe.from_json(recipe.to_json(), "any", is_checked=False)
    assert again == recipe


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ("[1]", "a list"),
        ("{}", "format"),
        ('{"format": "segstudio-recipe", "version": 2, "steps": []}', "version 2"),
        ('{"format": "segstudio-recipe", "version": 1}', "steps must be a list"),
        ('{"format": "segstudio-recipe", "version": 1, "steps": [3]}', "step 1"),
        ('{"format": "segstudio-recipe", "version": 1, "title": 3, "steps": []}', "title"),
        (of_step(transform="Rotat"), "did you mean Rotate"),
        (of_step(transform="rotate"), "Rotate"),
        (of_step(transform="ShiftScaleRotate"), "use Affine"),
        (of_step(transform="Normalize"), "no picture"),
        (of_step(transform=3), "transform"),
        (of_step(p=1.5), "from 0 to 1"),
        (of_step(p=True), "from 0 to 1"),
        (of_step(p="often"), "from 0 to 1"),
        (of_step(enabled=1), "enabled"),
        (of_step(parameters=[]), "parameters"),
        (of_step(parameters={"limits": 3}), "did you mean limit"),
        (of_step(parameters={"limit": "far"}), "limit"),
        (of_step(parameters={"interpolation": 77}), "interpolation"),
        (of_step(transform="GaussNoise", parameters={"std_range": [0.5, 0.1]}), "std_range"),
        (of_step(transform="GaussNoise", parameters={"std_range": [0, 7]}), "std_range"),
        (of_step(transform="CropAndPad"), "px and percent"),
        (of_step(transform="SafeRotate", parameters={"fill_mask": None}), "SafeRotate"),
        (of_step(parameters={"limit": [float("-inf"), 3]}), "-Infinity"),
        (of_step(p=float("nan")), "NaN"),
        (of_step(transform="Resize", parameters={"height": 10**9, "width": 3}), "height must be at most"),
        (of_step(often=1), "'often' is not known"),
        (of_step(steps=[]), "only OneOf"),
        (of_step(transform="SomeOf", parameters={"n": 0}, steps=[]), "n must be"),
        (of_step(transform="SomeOf", parameters={"replace": 1}, steps=[]), "replace"),
        (of_step(transform="OneOf", parameters={"n": 1}, steps=[]), "'n'"),
        (of_step(transform="OneOf", steps=[{"transform": "Blur", "p": 0}]), "weights"),
        (of_step(transform="OneOf", steps=[{"transform": "Blurr"}]), "step 1.1"),
    ],
)
def test_what_is_wrong_is_named(text, words):
    with pytest.raises(UserError) as error:
        Recipe.from_json(text, "mine")
    assert "mine" in str(error.value)
    assert words in str(error.value)


def test_there_is_an_end_to_the_steps():
    with pytest.raises(UserError, match=str(MOST_STEPS)):
        Recipe("mine", "", "", (Step("HorizontalFlip"),) * (MOST_STEPS + 1)).require_valid()


def test_digest_is_about_what_is_done():
    def of(*steps: Step) -> str:
        return Recipe("any", "", "", steps).digest

    rotate = Step("Rotate", 0.5, {"limit": [-90, 90]})
    assert of(rotate) == of(Step("Rotate", 0.5)), "a default that is written is the default"
    assert of(Step("Rotate", 0.5, {"limit": 10})) == of(Step("Rotate", 0.5, {"limit": [-10.0, 10.0]}))
    assert of(rotate, Step("Blur", is_enabled=False)) == of(rotate)
    assert of(rotate, Step("OneOf", steps=(Step("Blur", is_enabled=False),))) == of(rotate)
    assert of(rotate) != of(replace(rotate, p=0.6))
    assert of(rotate) != of(Step("Rotate", 0.5, {"limit": [-90, 89]}))
    assert of(rotate, Step("Blur")) != of(Step("Blur"), rotate)
    assert Recipe("a", "b", "c", (rotate,)).digest == of(rotate)


def test_digest_does_not_change_from_day_to_day():
    """Runs and copies are recognised by it."""
    assert built_in_recipes()["flip"].digest.startswith("cff6037d")


def test_empty():
    assert Recipe("a").is_empty
    assert Recipe("a", steps=(Step("Blur", is_enabled=False), Step("OneOf"))).is_empty
    assert not built_in_recipes()["flip"].is_empty


def test_masks_are_never_interpolated_whatever_a_file_says(tmp_path):
    library = albumentations()
    compose = library.Compose(
        [
            library.Rotate(p=1, limit=40, mask_interpolation=1, fill_mask=255),
            library.Affine(p=1, scale=1.3, mask_interpolation=2, translate_px={"x": 3, "y": (1, 5)}),
            library.Resize(31, 37, mask_interpolation=3, area_for_downscale="image_mask"),
        ],
        mask_interpolation=1,
    )
    library.save(compose, tmp_path / "theirs.json")
    recipe = read_recipe(tmp_path / "theirs.json")
    assert recipe.name == "theirs"
    for _, step in walk(recipe.steps):
        assert "mask_interpolation" not in step.parameters
    transforms = recipe.to_albumentations()["transform"]["transforms"]
    assert {one["mask_interpolation"] for one in transforms} == {0}
    image, mask = picture()
    done = Augmenter(recipe).apply(image, mask, 1)
    assert done.mask.shape == (31, 37)
    assert set(np.unique(done.mask)) == {0, 1}


def test_albumentations_and_back_with_combinations(tmp_path):
    library = albumentations()
    loaded = library.from_dict(NESTED.to_albumentations())
    library.save(loaded, tmp_path / "theirs.json")
    again = read_recipe(tmp_path / "theirs.json")
    assert again.digest == NESTED.digest
    image, mask = picture()
    for seed in range(6):
        ours, theirs = Augmenter(NESTED).apply(image, mask, seed), Augmenter(again).apply(image, mask, seed)
        np.testing.assert_array_equal(ours.image, theirs.image)
        np.testing.assert_array_equal(ours.mask, theirs.mask)
    second = library.from_dict(again.to_albumentations())
    for seed in range(6):
        loaded.set_random_seed(seed)
        second.set_random_seed(seed)
        np.testing.assert_array_equal(loaded(image=image, mask=mask)["image"], second(image=image, mask=mask)["image"])


def test_a_compose_with_a_probability_and_inside_another_keeps_it():
    library = albumentations()
    compose = library.Compose([library.Compose([library.HorizontalFlip(p=0.5)], p=0.25)], p=0.5)
    recipe = Recipe.from_albumentations(library.to_dict(compose), "theirs")
    assert recipe.steps == (
        Step("Sequential", 0.5, steps=(Step("Sequential", 0.25, steps=(Step("HorizontalFlip", 0.5),)),)),
    )


def test_a_single_transform_saved_by_albumentations():
    library = albumentations()
    recipe = Recipe.from_albumentations(library.to_dict(library.HorizontalFlip(p=0.3)), "theirs")
    assert recipe.steps == (Step("HorizontalFlip", 0.3),)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"transform": {}}, "not an augmentation"),
        ({"transform": {"__class_fullname__": "Compose"}}, "list of transforms"),
        ({"transform": {"__class_fullname__": "Compose", "transforms": [{}]}}, "__class_fullname__"),
        ({"transform": {"__class_fullname__": "MyRotate", "p": 1}}, "did you mean"),
        ({"transform": {"__class_fullname__": "OneOrOther", "p": 1}}, "OneOrOther"),
        ({"transform": {"__class_fullname__": "Rotate", "p": 2}}, "from 0 to 1"),
        ({"transform": {"__class_fullname__": "Rotate", "p": 1, "limit": "far"}}, "limit"),
        ({"transform": {"__class_fullname__": "ToFloat", "p": 1}}, "ToFloat"),
    ],
)
def test_what_is_wrong_with_theirs_is_named(data, words):
    with pytest.raises(UserError) as error:
        Recipe.from_albumentations(data, "theirs")
    assert words in str(error.value)


def test_files_that_are_not_there_or_no_text(tmp_path):
    with pytest.raises(UserError, match=r"there is no recipe .*missing\.json"):
        read_recipe(tmp_path / "missing.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"binary\.json"):
        read_recipe(tmp_path / "binary.json")
    (tmp_path / "notepad.json").write_text(built_in_recipes()["flip"].to_json(), encoding="utf-8-sig")
    assert read_recipe(tmp_path / "notepad.json").steps == built_in_recipes()["flip"].steps
    (tmp_path / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(UserError, match=r"deep\.json"):
        read_recipe(tmp_path / "deep.json")
