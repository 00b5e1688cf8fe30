"""What every network promises (see segstudio.models)."""

import subprocess
import sys

import numpy as np
import pytest

from segstudio.core.options import checked
from segstudio.models import MODELS, OUTPUT

SMALL = {
    "mobilenetv2-unet": {"alpha": 0.35, "decoder": 0.05},
    "conv-unet": {"filters": 4, "depth": 3},
    "efficientnetv2-unet": {"decoder": 0.05},
    "resnet50v2-unet": {"decoder": 0.05},
}
"""Options that make a network small; a network without an entry is built as it comes."""


@pytest.fixture(autouse=True)
def gone_after_it():
    """These are the largest networks of all: kept until somebody looks for garbage they took 1.6 GB."""
    from segstudio.ml.network import release

    yield
    release()


every_model = pytest.mark.parametrize("name", MODELS.names())


def small(name):
    return MODELS[name](checked(MODELS[name].Options, SMALL.get(name, {})))


def noise(shape, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


@every_model
def test_importing_it_does_not_import_keras(name):
    code = (
        f"import sys; from segstudio.models import MODELS; MODELS[{name!r}].Options(); "
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@every_model
def test_every_option_has_words_for_the_form(name):
    for field in MODELS[name].Options.model_fields.values():
        assert field.title
        assert field.description


@every_model
@pytest.mark.parametrize(("height", "width"), [(32, 32), (45, 67), (96, 33)])
def test_gives_a_probability_for_every_pixel_of_any_size(name, height, width):
    model = small(name)
    for channels in {model.channels(is_grey=is_grey) for is_grey in (True, False)}:
        shape = (height, width, channels)
        network = model.build(shape, from_imagenet=False)
        probability = np.asarray(network(noise(shape), training=False))
        assert probability.shape == (2, height, width, 1)
        assert probability.dtype == np.float32
        assert probability.min() >= 0
        assert probability.max() <= 1


@every_model
def test_probability_is_float32_in_mixed_precision(name):
    from segstudio.ml.network import prepare

    model = small(name)
    shape = (64, 64, model.channels(is_grey=True))
    network = model.build(shape, from_imagenet=False)
    exact = np.asarray(network(noise(shape), training=False))
    prepare(network, "mixed_bfloat16")
    mixed = network(noise(shape), training=False)
    assert mixed.dtype.name == "float32"
    np.testing.assert_allclose(np.asarray(mixed), exact, atol=0.05)


@every_model
def test_a_step_lowers_the_loss_and_the_file_is_plain_keras(name, tmp_path):
    import keras

    from segstudio.ml.fit import compile_network
    from segstudio.ml.network import load_network, prepare, save_network

    model = small(name)
    shape = (64, 64, model.channels(is_grey=True))
    keras.utils.set_random_seed(0)
    network = model.build(shape, from_imagenet=False)
    prepare(network, "float32")
    compile_network(network, 1e-2)
    images = noise(shape, 4)
    masks = (images[..., :1] > 100).astype(np.uint8)
    losses = [network.train_on_batch(images, masks, return_dict=True)["loss"]]
    for _ in range(6):
        network.reset_metrics()
        losses.append(network.train_on_batch(images, masks, return_dict=True)["loss"])
    assert losses[-1] < losses[0]

    path = tmp_path / "network.keras"
    save_network(network, path, with_optimizer=False)
    expected = np.asarray(network(images, training=False))
    np.testing.assert_allclose(np.asarray(load_network(path, "float32")(images, training=False)), expected, atol=1e-5)
    plain = keras.saving.load_model(path)
    assert {type(layer).__module__.split(".")[0] for layer in plain.layers} == {"keras"}
    np.testing.assert_allclose(np.asarray(plain(images, training=False)), expected, atol=1e-4)


@every_model
def test_normalization_follows_within_a_few_hundred_steps(name):
    """Keras builds MobileNetV2 with momentum 0.999: from scratch it would predict nothing."""
    import keras

    network = small(name).build((64, 64, small(name).channels(is_grey=False)), from_imagenet=False)
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert all(layer.trainable and layer.momentum <= 0.95 for layer in layers)


@every_model
def test_what_a_first_phase_keeps_is_the_encoder_and_never_its_normalization(name):
    import keras

    from segstudio.ml.network import prepare

    model = small(name)
    network = model.build((64, 64, model.channels(is_grey=False)), from_imagenet=False)
    prepare(network, "float32")
    names = model.encoder_layers(network)
    assert bool(names) == model.is_pretrained
    assert OUTPUT not in names
    assert "logits" not in names
    if names:
        learnt = sum(layer.count_params() for layer in network.layers)
        assert 0.2 < sum(network.get_layer(one).count_params() for one in names) / learnt < 1
        for layer in network.layers:  # as pretrained networks are built
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
        found = [network.get_layer(one) for one in model.encoder_layers(network)]
        assert found
        assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in found)
