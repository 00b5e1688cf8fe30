"""What every transform of the catalogue promises in the window: its form edits it, and the preview shows it."""

from dataclasses import replace

import numpy as np
import pytest

from segstudio.augmentation.catalogue import entry_of, step_options
from segstudio.augmentation.recipe import Recipe
from segstudio.core.options import is_range
from segstudio.ui.panels.step_form import SHARE, StepForm
from segstudio.ui.views.variations import Pair, Variation, Variations
from tests.contracts.test_augmentation import every_transform, masks, picture, recipe_of, small

ONE_INSIDE = {("AdvancedBlur", "beta_limit"), ("PlanckianJitter", "temperature_limit")}
"""Ranges that Albumentations refuses without what changes nothing between their ends."""

GREY, COLOUR = (57, 31), (40, 33, 3)


@pytest.fixture
def form(qtbot) -> StepForm:
    made = StepForm()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def preview(qtbot):
    """Asks for variations of a pair, and returns what the tiles are told."""
    variations, told = Variations(), []
    variations.made.connect(told.append)

    def ask(pair: Pair, recipe: Recipe):
        told.clear()
        wanted = [Variation(None), *(Variation(recipe, seed) for seed in range(2))]
        variations.ask(pair, wanted)
        qtbot.waitUntil(lambda: {one.number for one in told} == {0, 1, 2}, timeout=60_000)
        return sorted(told, key=lambda one: one.number)

    yield ask
    variations.close()


@every_transform
def test_what_is_edited_in_the_form_is_what_the_preview_shows(form, preview, name):
    step, changed = replace(small(name), p=0.5), []
    form.changed.connect(lambda one, _field: changed.append(one))
    form.show_step(step, is_weight=False, is_editable=True)
    assert form.form is not None
    assert form.form.errors == {}
    shown = form.form.values()
    assert shown.pop(SHARE) == 50
    assert entry_of(name).Options.model_validate(shown) == step_options(step), "it shows what the step says"

    # Always applied, and every range at its lower end: as a person would set it, one after the other.
    form.form.set_values({SHARE: 100})
    assert changed[-1] == replace(step, p=1.0)
    fields = entry_of(name).Options.model_fields
    for key in entry_of(name).ranges:
        if is_range(fields[key]):
            end, before = shown[key][0], len(changed)
            form.form.set_values({key: (end, end)})
            if (name, key) in ONE_INSIDE:
                assert len(changed) == before
                assert form._problem.text(), "why it cannot be is said in place"
                form.form.set_values({key: shown[key]})
            else:
                assert tuple(getattr(step_options(changed[-1]), key)) == (end, end)
    edited = changed[-1]

    for kept in (edited, replace(step, p=1.0)):
        recipe = Recipe.from_json(recipe_of(kept).to_json(), "test")
        for shape, mask in ((GREY, masks(GREY)[0]), (COLOUR, masks(COLOUR)[1])):
            for side in (None, 32):
                original, *varied = preview(Pair(picture(shape), mask, side), recipe)
                assert all(one.problem is None and one.face is not None for one in (original, *varied))
                assert all(np.isin(one.face.outline._mask.pixels, (0, 1)).all() for one in varied), "still a mask"
                if side is not None:
                    assert {(one.face.width, one.face.height) for one in varied} == {(32, 32)}
