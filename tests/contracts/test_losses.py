"""What every loss promises (see segstudio.losses)."""

import subprocess
import sys

import numpy as np
import pytest

from segstudio.losses import LOSSES

SIDE = 24
every_loss = pytest.mark.parametrize("name", LOSSES.names())


def truths():
    """Float32 (H, W, 1) masks: empty, full, a block, and one single pixel."""
    empty = np.zeros((SIDE, SIDE, 1), np.float32)
    block, single = empty.copy(), empty.copy()
    block[6:15, 4:18] = 1
    single[3, 5] = 1
    return {"empty": empty, "full": empty + 1, "block": block, "single": single}


every_truth = pytest.mark.parametrize("truth", truths().values(), ids=truths())


def of_image(name, truth, probability, weights=None):
    """The loss of one image, and its gradient by the logits when it was computed from them."""
    batch = [None if one is None else np.asarray(one, np.float32)[None] for one in (truth, probability, weights)]
    return np.asarray(LOSSES[name]().of_images(*batch))


def gradient(name, truth, logits):
    import tensorflow as tf

    logits = tf.constant(logits[None])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = LOSSES[name]().of_images(tf.constant(truth[None]), tf.sigmoid(logits))
    return np.asarray(tape.gradient(loss, logits))[0]


def test_the_losses_are_there():
    assert LOSSES.names() == ["bce", "bce-dice", "boundary", "dice", "focal", "tversky"]


@every_loss
def test_it_can_be_listed_without_keras_and_has_words(name):
    code = (
        f"import sys; from segstudio.losses import LOSSES; one = LOSSES[{name!r}]; "
        "assert one.title and one.summary and not one.summary.endswith('.'); one(); "
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@every_loss
@every_truth
def test_it_is_finite_and_right_is_better_than_unsure_is_better_than_wrong(name, truth):
    perfect, unsure, inverted = (of_image(name, truth, p)[0] for p in (truth, np.full_like(truth, 0.5), 1 - truth))
    assert np.isfinite([perfect, unsure, inverted]).all()
    assert 0 <= perfect < 1e-5
    assert perfect < unsure < inverted


@every_loss
@every_truth
def test_the_gradient_raises_what_is_true_and_lowers_what_is_not(name, truth):
    for logits in (np.zeros_like(truth), np.random.default_rng(0).normal(0, 3, truth.shape).astype(np.float32)):
        found = gradient(name, truth, logits)
        assert np.isfinite(found).all()
        assert (found[truth == 1] < 0).all()
        assert (found[truth == 0] > 0).all()


@every_loss
@every_truth
def test_extreme_logits_have_a_finite_gradient(name, truth):
    for logits in (truth * 200 - 100, 100 - truth * 200):
        assert np.isfinite(gradient(name, truth, logits.astype(np.float32))).all()


@every_loss
def test_an_empty_image_teaches_about_as_much_as_another(name):
    """Keras's Dice would teach a hundred-millionth."""
    sums = [np.abs(gradient(name, truth, np.zeros_like(truth))).sum() for truth in truths().values()]
    assert min(sums) > 0.01 * max(sums)


@every_loss
def test_every_image_counts_alone(name):
    masks = np.stack(list(truths().values()))
    probabilities = np.random.default_rng(1).uniform(0, 1, masks.shape).astype(np.float32)
    together = np.asarray(LOSSES[name]().of_images(masks, probabilities))
    alone = [of_image(name, mask, probability)[0] for mask, probability in zip(masks, probabilities, strict=True)]
    assert together.shape == (len(masks),)
    np.testing.assert_allclose(together, alone, rtol=1e-5)


@every_loss
def test_weights_of_pixels_count(name):
    truth = truths()["block"]
    probability = np.random.default_rng(2).uniform(0.1, 0.9, truth.shape).astype(np.float32)
    plain = of_image(name, truth, probability)
    np.testing.assert_allclose(of_image(name, truth, probability, np.ones_like(truth)), plain, rtol=1e-5)
    ignored = np.ones_like(truth)
    ignored[:, SIDE // 2 :] = 0
    other = probability.copy()
    other[:, SIDE // 2 :] = 0.5
    of_ignored = of_image(name, truth, probability, ignored)
    np.testing.assert_allclose(of_image(name, truth, other, ignored), of_ignored, rtol=1e-5)
    assert np.isfinite(of_image(name, truth, probability, np.zeros_like(truth))).all()


@every_loss
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (33, 17)])
def test_any_size_will_do(name, shape):
    truth = np.random.default_rng(3).integers(0, 2, (*shape, 1)).astype(np.float32)
    assert np.isfinite(of_image(name, truth, np.full_like(truth, 0.3))).all()


@every_loss
@pytest.mark.training
def test_it_learns_a_small_problem(name):
    """Bright is foreground; a quarter of the images has none."""
    import keras

    from segstudio.ml.fit import compile_network
    from segstudio.ml.network import prepare
    from segstudio.ml.objective import objective
    from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions

    rng = np.random.default_rng(4)
    masks = np.zeros((8, 32, 32, 1), np.uint8)
    for mask in masks[2:]:
        row, column = rng.integers(2, 18, 2)
        mask[row : row + 10, column : column + 10] = 1
    images = (60 + 120 * masks + rng.integers(0, 40, masks.shape)).astype(np.uint8)
    keras.utils.set_random_seed(0)
    network = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((32, 32, 1))
    prepare(network, "mixed_bfloat16")
    compile_network(network, 2e-2, objective(name))
    seen = [np.tile(one, (5, 1, 1, 1)) for one in (images, masks)]  # an epoch costs as much as ten of its steps
    history = network.fit(*seen, batch_size=4, epochs=8, verbose=0, shuffle=False).history
    assert np.isfinite(history["loss"]).all()
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert history["iou"][-1] > 0.8
