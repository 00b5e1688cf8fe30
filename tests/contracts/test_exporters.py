"""What every export format promises; a new one is tested by being there."""

import os
import re

import numpy as np
import pytest

from segstudio.exporting import EXPORTERS
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions

NAMES = EXPORTERS.names()
SIZES = [(32, 32), (40, 61), (13, 50), (100, 90), (7, 5)]
METADATA = {"threshold": 0.5, "made_with": "SegStudio", "run": {"note": "Grüße"}, "list": [1, 2.5, None]}

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def model():
    import keras

    from segstudio.ml.exportable import exportable

    keras.utils.set_random_seed(0)
    return exportable(ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((32, 32, 1)))


@pytest.fixture(scope="module", params=NAMES)
def exported(request, model, tmp_path_factory):
    exporter = EXPORTERS[request.param]()
    path = exporter.file_in(tmp_path_factory.mktemp("export") / "földer")
    path.parent.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    exporter.write(model, path, METADATA)
    assert dict(os.environ) == environment, "what runs after it in this process finds another environment"
    return exporter, path


@pytest.mark.parametrize("name", NAMES)
def test_a_format_says_what_it_is(name):
    exporter = EXPORTERS[name]
    assert re.fullmatch(r"[a-z]+", name)
    assert exporter.title
    assert exporter.help.endswith(".")
    assert exporter.suffix == "" or exporter.suffix.startswith(".")
    assert "def probability(image)" in exporter.script
    assert bool(exporter.modules) == bool(exporter.extra)
    exporter().require()  # the tests have all that is needed


def test_the_written_file_predicts_what_the_model_does_at_any_size(exported, model):
    exporter, path = exported
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (1, *size, 1), dtype=np.uint8) for size in SIZES]
    for image, found in zip(images, exporter.run(path, images), strict=True):
        assert found.dtype == np.float32
        assert found.shape == image.shape
        assert np.abs(found - np.asarray(model(image, training=False))).max() < 1e-5


def test_several_images_at_once_where_the_format_says_so(exported, model):
    exporter, path = exported
    if not exporter.is_batched:
        return
    images = np.random.default_rng(1).integers(0, 256, (3, 20, 45, 1), dtype=np.uint8)
    (found,) = exporter.run(path, [images])
    assert np.abs(found - np.asarray(model(images, training=False))).max() < 1e-5


def test_the_metadata_is_in_the_file(exported):
    exporter, path = exported
    assert exporter.read_metadata(path) == METADATA
