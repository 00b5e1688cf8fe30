"""That the faster kernels compute what the layers of Keras do."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from segstudio.ml import kernels
from segstudio.ml.network import load_network, prepare, save_network
from segstudio.ml.predict import forward_of
from segstudio.models import MODELS
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions

PRETRAINED = [kind.name for kind in MODELS if kind.is_pretrained]


def build(size=32, **options):
    return ConvUNet(ConvUNetOptions(**{"filters": 4, "depth": 2} | options)).build((size, size, 1))


def noise(size=32, count=4, channels=1):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, channels), dtype=np.uint8)


def pretrained(name, size=64):
    """A network whose encoder keeps to statistics that are not those it was born with."""
    keras.utils.set_random_seed(0)
    network = MODELS[name](MODELS[name].Options(size=size, decoder=0.1)).build((size, size, 3), from_imagenet=False)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = (one.shape for one in layer.get_weights())
            layer.set_weights(
                [
                    rng.uniform(0.8, 1.2, gamma),
                    rng.normal(0, 0.2, beta),
                    rng.normal(0, 0.2, mean),
                    rng.uniform(0.5, 1.5, variance),
                ]
            )
            layer.trainable = layer.name.startswith("batch_normalization")  # the decoder's
    return network


def gradients(network, images, target):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((tf.cast(network(images, training=True), tf.float32) - target) ** 2)
    found = tape.gradient(loss, network.trainable_variables)
    return {
        one.path: np.asarray(tf.cast(value, tf.float32))
        for one, value in zip(network.trainable_variables, found, strict=True)
    }


def distance(found, expected):
    return np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-12)


def test_normalization_is_that_of_keras_in_training_and_inference():
    keras.utils.set_random_seed(0)
    plain = keras.layers.BatchNormalization(momentum=0.9)
    x = np.random.default_rng(0).normal(3, 2, (4, 8, 8, 5)).astype(np.float32)
    image = keras.Input((8, 8, 5))
    network = keras.Model(image, plain(image))
    expected = [np.asarray(network(x, training=True)) for _ in range(3)][-1]
    expected_inference = np.asarray(network(x, training=False))
    statistics = plain.get_weights()

    fast = keras.models.clone_model(network)
    prepare(fast, "float32")
    found = [np.asarray(fast(x, training=True)) for _ in range(3)][-1]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(np.asarray(fast(x, training=False)), expected_inference, rtol=5e-3, atol=5e-3)
    for mine, theirs in zip(fast.layers[-1].get_weights(), statistics, strict=True):
        # TensorFlow's kernel keeps the unbiased variance: n / (n - 1) times that of Keras.
        np.testing.assert_allclose(mine, theirs, rtol=5e-3)


def test_frozen_normalization_keeps_its_statistics_while_the_network_trains():
    network = build()
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    prepare(network, "float32")
    before = [layer.get_weights() for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    network(noise(), training=True)
    after = [layer.get_weights() for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert all((a == b).all() for one, two in zip(before, after, strict=True) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("name", PRETRAINED)
def test_a_pretrained_network_predicts_and_learns_as_keras_has_it(name):
    network = pretrained(name)
    images, target = noise(64, 2, 3), np.random.default_rng(1).uniform(0, 1, (2, 64, 64, 1)).astype(np.float32)
    expected, steps = np.asarray(network(images, training=False)), gradients(network, images, target)
    before = [layer.get_weights() for layer in network.layers]

    prepare(network, "float32")
    for layer, weights in zip(network.layers, pretrained(name).layers, strict=True):
        layer.set_weights(weights.get_weights())
    folded = [layer for layer in network.layers if is_folded(layer)]
    assert len(folded) > 20, "most of an encoder's convolutions are followed by a normalization"
    np.testing.assert_allclose(np.asarray(network(images, training=False)), expected, atol=2e-5)
    for path, found in gradients(network, images, target).items():
        assert distance(found, steps[path]) < 2e-3, path
    for layer, weights in zip(network.layers, before, strict=True):
        for mine, theirs in zip(layer.get_weights(), weights, strict=True):
            # The decoder's statistics: of few pixels here, and unbiased, see above.
            np.testing.assert_allclose(mine, theirs, rtol=0.02, atol=1e-4)


def is_folded(layer):
    return getattr(getattr(layer, "call", None), "__func__", None) is kernels._normalize_unless_folded


def test_in_bfloat16_the_gradients_are_those_of_float32_but_for_rounding():
    images, target = noise(64, 2, 3), np.random.default_rng(1).uniform(0, 1, (2, 64, 64, 1)).astype(np.float32)
    network = pretrained("mobilenetv2-unet")
    exact = gradients(network, images, target)
    prepare(network, "mixed_bfloat16")
    found = gradients(network, images, target)
    norms = {path: np.linalg.norm(one) for path, one in exact.items()}
    told = [path for path in exact if norms[path] > 0.01 * max(norms.values())]
    assert len(told) > 20
    assert max(distance(found[path], exact[path]) for path in told) < 0.3


@pytest.mark.parametrize(("height", "width"), [(9, 13), (8, 12), (33, 16)])
def test_the_gradient_of_a_halving_depthwise_convolution(height, width):
    rng = np.random.default_rng(0)
    inputs = tf.cast(rng.normal(size=(2, height, width, 5)), tf.bfloat16)
    kernel = tf.cast(rng.normal(size=(3, 3, 5, 1)), tf.bfloat16)
    compare(
        lambda x, k: kernels._halved(x, k),
        lambda x, k: tf.nn.depthwise_conv2d(x, k, (1, 2, 2, 1), "VALID"), inputs, kernel,
    )  # fmt: skip


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 7), (5, 2)])
def test_the_gradient_of_a_doubling_transposed_convolution(height, width):
    rng = np.random.default_rng(0)
    inputs = tf.cast(rng.normal(size=(2, height, width, 5)), tf.bfloat16)
    kernel = tf.cast(rng.normal(size=(3, 3, 4, 5)), tf.bfloat16)
    compare(
        lambda x, k: kernels._doubled(x, k),
        lambda x, k: tf.nn.conv2d_transpose(x, k, (2, 2 * height, 2 * width, 4), 2, "SAME"), inputs, kernel,
    )  # fmt: skip


def compare(ours, theirs, inputs, kernel):
    """Ours in bfloat16 against TensorFlow's in float32, value and both gradients."""
    exact = [tf.cast(one, tf.float32) for one in (inputs, kernel)]
    with tf.GradientTape() as tape:
        tape.watch([inputs, kernel])
        found = ours(inputs, kernel)
    with tf.GradientTape() as reference:
        reference.watch(exact)
        expected = theirs(*exact)
    weight = np.random.default_rng(1).normal(size=expected.shape).astype(np.float32)
    # Rounded to what bfloat16 can hold, or the gradients would differ by that.
    weight = np.asarray(tf.cast(tf.cast(weight, tf.bfloat16), tf.float32))
    assert distance(np.asarray(tf.cast(found, tf.float32)), np.asarray(expected)) < 0.01
    mine = tape.gradient(found, [inputs, kernel], tf.cast(weight, tf.bfloat16))
    right = reference.gradient(expected, exact, weight)
    for one, other in zip(mine, right, strict=True):
        assert one.shape == other.shape
        assert distance(np.asarray(tf.cast(one, tf.float32)), np.asarray(other)) < 0.01


def test_a_normalization_that_is_let_learn_later_does(tmp_path):
    network = build()
    save_network(network, tmp_path / "a.keras", with_optimizer=False)
    plain = keras.saving.load_model(tmp_path / "a.keras")
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.trainable = False
    prepare(network, "float32")
    network(noise(), training=True)
    for layer in norms:
        layer.trainable = True
    expected = np.asarray(plain(noise(), training=True))
    np.testing.assert_allclose(np.asarray(network(noise(), training=True)), expected, atol=1e-3)
    for mine, theirs in zip(network.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=5e-3, atol=1e-5)


def test_what_is_saved_is_plain_keras(tmp_path):
    network = pretrained("mobilenetv2-unet")
    prepare(network, "mixed_bfloat16")
    save_network(network, tmp_path / "a.keras", with_optimizer=False)
    plain = keras.saving.load_model(tmp_path / "a.keras")
    assert not any(is_folded(layer) for layer in plain.layers)
    fast = load_network(tmp_path / "a.keras", "float32")
    np.testing.assert_allclose(
        np.asarray(fast(noise(64, 2, 3), training=False)), np.asarray(plain(noise(64, 2, 3), training=False)), atol=0.05
    )


def test_a_convolution_whose_output_is_read_twice_is_left_alone():
    image = keras.Input((8, 8, 3))
    convolved = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)(image)
    normal = keras.layers.BatchNormalization(trainable=False)(convolved)
    network = keras.Model(image, keras.layers.Add()([convolved, normal]))
    network.layers[2].set_weights([np.full(4, value, np.float32) for value in (2, 1, 0.5, 3)])
    pixels = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype(np.float32)
    expected = np.asarray(network(pixels))
    prepare(network, "float32")
    np.testing.assert_allclose(np.asarray(network(pixels)), expected, atol=1e-5)


def test_prediction_leaves_no_gradient_behind():
    network = pretrained("mobilenetv2-unet")
    prepare(network, "mixed_bfloat16")
    before = set(ops.gradient_registry._registry)
    forward_of(network, 1)(noise(64, 1, 3))
    assert set(ops.gradient_registry._registry) == before
