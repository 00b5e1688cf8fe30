import keras
import numpy as np
import pytest

from segstudio.core.scaling import scaled_image
from segstudio.exporting import EXPORTERS
from segstudio.ml.exportable import exportable, network_within
from segstudio.ml.network import load_network, prepare, save_network
from segstudio.ml.predict import scaled_probability
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions

pytestmark = pytest.mark.training


@pytest.fixture(scope="module", params=["float32", "mixed_bfloat16"])
def network(request, tmp_path_factory):
    """As a training leaves it: saved in the precision that it computed in, and loaded in float32."""
    keras.utils.set_random_seed(0)
    built = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((32, 32, 3))
    prepare(built, request.param)
    path = tmp_path_factory.mktemp("network") / "best.keras"
    save_network(built, path, with_optimizer=False)
    return load_network(path, "float32")


@pytest.mark.parametrize(
    ("size", "most"),
    [
        ((32, 32), 1e-6),
        ((64, 64), 1e-5),  # halves, the commonest of all sizes
        ((128, 128), 1e-5),
        ((48, 64), 0.01),
        ((50, 71), 0.01),  # at odd ratios OpenCV may come to a grey value more or less
        ((200, 33), 0.01),
        ((20, 100), 0.02),  # and computes with fixed points here
        ((20, 11), 0.02),
    ],
)
def test_it_predicts_what_the_program_does(network, size, most):
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    small = np.asarray(network(scaled_image(image, (32, 32, 3))[None], training=False))[0, ..., 0]
    expected = scaled_probability(small, size)
    found = np.asarray(exportable(network)(image[None], training=False))[0, ..., 0]
    assert np.abs(found - expected).max() <= most


def test_everything_in_it_computes_in_float32(network):
    inner = network_within(exportable(network))
    assert {layer.compute_dtype for layer in inner.layers if layer.weights} == {"float32"}
    assert network_within(network) is network


def fitted(model, image):
    model.compile(keras.optimizers.SGD(0.1), keras.losses.BinaryCrossentropy())
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    model.fit(image, np.ones((*image.shape[:3], 1), np.float32), verbose=0)
    after = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    return before, after


def test_the_keras_file_is_fine_tuned_in_plain_keras_and_comes_back(network, tmp_path):
    path = tmp_path / "model.keras"
    EXPORTERS["keras"]().write(exportable(network), path, {})
    model = keras.saving.load_model(path)
    image = np.random.default_rng(0).integers(0, 256, (2, 50, 40, 3), dtype=np.uint8)
    before, after = fitted(model, image)
    assert before
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
    model.save(path)
    again = load_network(path, "float32")
    small = scaled_image(image[0], (32, 32, 3))[None]
    expected = np.asarray(network_within(model)(small, training=False))
    assert np.allclose(np.asarray(again(small, training=False)), expected, atol=1e-5)


def test_the_savedmodel_is_fine_tuned_in_plain_keras(network, tmp_path):
    path = tmp_path / "model"
    EXPORTERS["savedmodel"]().write(exportable(network), path, {})
    layer = keras.layers.TFSMLayer(path, call_endpoint="serve", call_training_endpoint="train")
    model = keras.Sequential([keras.Input((None, None, 3), dtype="uint8"), layer])
    before, after = fitted(model, np.random.default_rng(0).integers(0, 256, (2, 50, 40, 3), dtype=np.uint8))
    assert before
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


def test_the_savedmodel_comes_back_as_the_network(network, tmp_path):
    path = tmp_path / "model"
    EXPORTERS["savedmodel"]().write(exportable(network), path, {})
    again = load_network(path, "float32")
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    assert np.allclose(np.asarray(again(image)), np.asarray(network(image)), atol=1e-6)
    before, after = fitted(again, image)
    assert any((old != new).any() for old, new in zip(before, after, strict=True))
