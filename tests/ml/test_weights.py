"""Where the ImageNet weights come from."""

from pathlib import Path

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.user_settings import UserSettings, save_settings
from segstudio.models import MODELS

STEM = "Conv1"
"""The encoder's first convolution."""


def stem_of(weights: str, alpha: float = 0.35) -> np.ndarray:
    """The first weights of an encoder that starts from ImageNet."""
    model = MODELS["mobilenetv2-unet"]
    network = model(model.Options(size=32, alpha=alpha, weights=weights)).build((32, 32, 3), from_imagenet=True)
    return np.asarray(network.get_layer(STEM).get_weights()[0])


@pytest.fixture
def folder(test_data: Path) -> Path:
    """The folder of real weight files beside the real data."""
    path = test_data.parent / "weights"
    if not path.is_dir():
        pytest.skip("there are no weights beside the real data")
    return path


def test_file_folder_and_setting_give_the_same_weights(folder):
    (file,) = folder.glob("*_0.35_224_no_top*.h5")
    named = stem_of(str(file))
    assert np.array_equal(named, stem_of(str(folder)))
    save_settings(UserSettings(weights=str(folder)))
    assert np.array_equal(named, stem_of(""))
    assert not np.array_equal(named, stem_of("", alpha=1.0)[..., : named.shape[-1]])


def test_the_wrong_width_is_said(folder):
    (file,) = folder.glob("*_0.35_224_no_top*.h5")
    with pytest.raises(UserError, match="alpha"):
        stem_of(str(file), alpha=1.0)


def test_a_folder_without_the_wanted_width_is_said(tmp_path):
    with pytest.raises(UserError, match=r"alpha 0\.35"):
        stem_of(str(tmp_path))
    with pytest.raises(UserError, match="no weights file"):
        stem_of(str(tmp_path / "none.h5"))
