import numpy as np
import pytest

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.catalogue import Group, catalogue, combinations, entry_of, extremes, step_from, step_options
from segstudio.augmentation.names import EXCLUDED, FIXED, LIMITS, SLOW, STARTS
from segstudio.augmentation.recipe import Recipe, Step
from segstudio.augmentation.words import HELP, LABELS, SUMMARIES, TITLES, UNITS, WARNINGS
from segstudio.core.errors import UserError
from segstudio.core.options import bounds_of, is_integer_range, is_range, unit_of


def options(name: str, **values: object) -> dict[str, object]:
    return step_options(Step(name, 1.0, values)).model_dump()


def test_groups_follow_each_other():
    groups = [entry.group for entry in catalogue().values()]
    order = list(Group)
    assert [order.index(group) for group in groups] == sorted(order.index(group) for group in groups)
    assert set(groups) == set(order) - {Group.COMBINATION}
    assert len(catalogue()) > 80


def test_every_word_belongs_to_something():
    fields = {one.source for entry in catalogue().values() for one in entry.parameters}
    full = {f"{entry.name}.{one.source}" for entry in catalogue().values() for one in entry.parameters}
    for table in (LABELS, HELP, UNITS, LIMITS):
        assert table.keys() - fields - full - {"n", "replace"} == set()
    known = catalogue().keys() | combinations().keys()
    for table in (TITLES, SUMMARIES, WARNINGS, STARTS, SLOW):
        assert table.keys() - known == set()
    assert SUMMARIES.keys() == known
    assert not FIXED.keys() & fields


def test_a_range_and_its_bounds():
    fields = entry_of("GaussNoise").Options.model_fields
    assert is_range(fields["std_range"])
    assert not is_integer_range(fields["std_range"])
    assert bounds_of(fields["std_range"]) == (0, 1)
    assert unit_of(fields["std_range"]) == "share"
    fields = entry_of("ImageCompression").Options.model_fields
    assert is_integer_range(fields["quality_range"])
    assert bounds_of(fields["quality_range"]) == (1, 100)
    fields = entry_of("ElasticTransform").Options.model_fields
    assert bounds_of(fields["sigma"]) == (1, None)
    assert not is_range(fields["sigma"])


def test_a_range_must_rise_and_stay_inside():
    entry = entry_of("GaussNoise")
    with pytest.raises(UserError, match="std_range"):
        entry.Options().replaced(std_range=(0.5, 0.1))
    with pytest.raises(UserError, match="std_range"):
        entry.Options().replaced(std_range=(0.5, 1.1))
    grid = entry_of("GridElasticDeform")
    assert "num_grid_xy" not in grid.ranges
    assert grid.Options().replaced(num_grid_xy=(6, 3)).num_grid_xy == (6, 3)


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("Rotate", {"limit": 12}, {"limit": (-12, 12)}),
        ("Rotate", {"interpolation": 2, "border_mode": 4}, {"interpolation": "cubic", "border_mode": "reflect-101"}),
        ("Rotate", {"fill_mask": 255, "fill": [1, 2, 3]}, {"fill_mask": "foreground", "fill": "[1, 2, 3]"}),
        ("Affine", {"rotate": 7}, {"rotate": (7, 7)}),
        ("Affine", {}, {"translate_percent_x": (0, 0), "translate_px": "", "scale_x": (1, 1)}),
        ("Affine", {"scale": {"x": [0.5, 1]}}, {"scale_x": (0.5, 1), "scale_y": (1, 1)}),
        ("Affine", {"translate_px": {"x": [1, 2]}}, {"translate_percent_x": (0, 0)}),
        ("CoarseDropout", {}, {"fill_mask": "leave", "fill": "0"}),
        ("CoarseDropout", {"hole_height_range": [4, 9]}, {"hole_height_range": (4, 9)}),
        ("CoarseDropout", {"fill": "random"}, {"fill": '"random"'}),
        ("GridDropout", {"unit_size_range": [4, 9]}, {"unit_size_range": "[4, 9]", "holes_number_xy": ""}),
        ("AdditiveNoise", {}, {"noise_params": ""}),
        ("LongestMaxSize", {"max_size": 99, "area_for_downscale": "image_mask"}, {"area_for_downscale": "yes"}),
    ],
)  # fmt: skip
def test_values_of_albumentations_in_a_form(name, values, shown):
    found = options(name, **values)
    assert {key: found[key] for key in shown} == shown


def test_holes_in_pixels_stay_in_pixels():
    step = Step("CoarseDropout", 1.0, {"hole_height_range": [4, 9], "hole_width_range": [0.1, 1.0]})
    again = step_from(entry_of("CoarseDropout"), step_options(step), 1.0)
    assert again.parameters["hole_height_range"] == [4, 9]
    assert all(isinstance(one, int) for one in again.parameters["hole_height_range"])
    assert Recipe("a", steps=(again,)).digest == Recipe("a", steps=(step,)).digest


def test_a_shift_in_pixels_takes_the_place_of_the_share():
    entry = entry_of("Affine")
    step = step_from(entry, entry.Options().replaced(translate_px="[3, 5]"), 1.0)
    assert step.parameters["translate_px"] == [3, 5]
    assert "translate_percent" not in step.parameters
    assert step_from(entry, step_options(step), 1.0) == step


def test_only_what_differs_is_written():
    entry = entry_of("Rotate")
    assert step_from(entry, entry.Options().replaced(limit=(-90, 90)), 0.5) == Step("Rotate", 0.5)
    assert step_from(entry, entry.Options().replaced(crop_border=True), 0.5).parameters == {
        "limit": [-15, 15], "crop_border": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("CoarseDropout", {"fill": '"green"'}, "fill"),
        ("CoarseDropout", {"fill": "green"}, "fill"),
        ("AdditiveNoise", {"noise_params": '{"ranges": 3}'}, "AdditiveNoise"),
        ("MotionBlur", {"angle_range": (0, 720)}, "angle_range"),
        ("Rotate", {"limits": 3}, "limits"),
        ("Rotate", {"interpolation": "best"}, "interpolation"),
    ],
)
def test_what_cannot_be_is_named(name, values, words):
    entry = entry_of(name)
    with pytest.raises(UserError) as error:
        step_from(entry, entry.Options().replaced(**values), 1.0)
    assert words in str(error.value)


def test_combinations_have_forms_too():
    for name, entry in combinations().items():
        assert entry.is_combination
        assert entry.title
        assert entry.summary
        assert entry_of(name) is entry
        step = step_from(entry, entry.Options(), 0.5)
        assert step == Step(name, 0.5)
        assert step_options(step) == entry.Options()
    some = entry_of("SomeOf")
    assert step_from(some, some.Options().replaced(n=3), 1.0).parameters == {"n": 3}


def test_what_is_not_offered_says_why():
    for name in ("ShiftScaleRotate", "Normalize", "FDA", "Roate"):
        with pytest.raises(UserError) as error:
            entry_of(name)
        assert error.value.hint
    assert "Affine" in EXCLUDED["ShiftScaleRotate"]


def test_extremes_are_the_ends():
    image, mask = np.full((40, 40), 100, np.uint8), np.zeros((40, 40), np.uint8)
    step = Step("RandomBrightnessContrast", 0.3, {"brightness_limit": [-0.2, 0.1], "contrast_limit": [0, 0]})
    low, high = extremes(step, "brightness_limit")
    assert (low.parameters["brightness_limit"], high.parameters["brightness_limit"]) == ([-0.2, -0.2], [0.1, 0.1])
    for fixed, shade in ((low, 49), (high, 125)):
        done = Augmenter(Recipe("a", steps=(fixed,))).apply(image, mask, 0)
        assert abs(int(done.image[0, 0]) - shade) <= 1
    low, high = extremes(Step("Affine", 0.5, {"scale": [0.5, 2], "rotate": [0, 0]}), "scale_y")
    assert low.parameters["scale"] == {"x": [0.5, 2.0], "y": [0.5, 0.5]}
    assert high.parameters["scale"] == {"x": [0.5, 2.0], "y": [2.0, 2.0]}
    with pytest.raises(UserError, match="ranges are: limit"):
        extremes(Step("Rotate"), "fill")
