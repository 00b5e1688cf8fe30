"""What every preset promises, and what the notebook's must be."""

import subprocess
import sys

import pytest

from segstudio.core.errors import UserError
from segstudio.core.options import is_path, unit_of
from segstudio.jobs import JOBS
from segstudio.jobs.presets import DEFAULT, options_of, preset, presets
from segstudio.models import MODELS

every_preset = pytest.mark.parametrize("name", list(presets()))


@every_preset
def test_is_complete_and_valid(name):
    chosen = preset(name)
    assert chosen.title
    assert chosen.description
    assert chosen.model in MODELS
    options = chosen.options()
    assert options.preset == name
    assert options.start in ("imagenet", "scratch")
    assert options.start == "scratch" or MODELS[chosen.model].is_pretrained
    for key, value in chosen.values.items():
        assert getattr(options, key) == value


@every_preset
def test_every_option_has_words_for_the_form(name):
    for field in options_of(preset(name).model).model_fields.values():
        assert field.title
        assert field.description


@every_preset
def test_text_of_a_command_line_is_converted(name):
    assert preset(name).options(epochs="3", learning_rate="1e-4").epochs == 3


def test_both_networks_come_full_and_fast():
    assert {"mobilenetv2-unet", "mobilenetv2-unet-fast", "conv-unet", "conv-unet-fast"} <= presets().keys()
    assert DEFAULT in presets()


def test_the_notebook():
    options = preset("mobilenetv2-unet").options()
    assert (options.size, options.alpha, options.decoder) == (224, 1.0, 1.0)
    assert (options.learning_rate, options.batch, options.epochs) == (1e-5, 8, 25)
    assert (options.start, options.recipe) == ("imagenet", "flip")


def test_a_path_is_known_as_one():
    fields = options_of("mobilenetv2-unet").model_fields
    assert is_path(fields["weights"])
    assert unit_of(fields["size"]) == "px"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"preset": "conv-unet-fest"}, "conv-unet-fast"),
        ({"preset": "conv-unet", "alpha": 0.5}, "alpha"),
        ({"preset": "mobilenetv2-unet", "alpha": 0.6}, "alpha"),
        ({"preset": "conv-unet", "epochs": 0}, "epochs"),
        ({"preset": "conv-unet", "start": "imagenet"}, "ImageNet"),
        ({"preset": "conv-unet", "start": "worst"}, "worst"),
    ],
)
def test_a_wrong_option_is_the_users_fault_and_named(values, words):
    with pytest.raises(UserError) as error:
        JOBS["train"].from_values(values)
    assert words in str(error.value)


def test_listing_presets_does_not_load_tensorflow():
    code = (
        "import sys; from segstudio.jobs.presets import presets; assert presets(); "
        "from segstudio.jobs import JOBS; JOBS['train'].from_values({'preset': 'conv-unet-fast'}); "
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
