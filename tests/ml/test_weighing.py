"""Pixels that count more, less or not at all, through the whole of a training."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.recipe import built_in_recipes
from segstudio.core.labels import CORRECTED, IGNORED, TRUTH, Weighing
from segstudio.core.metrics import Counts
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.losses import LOSSES
from segstudio.ml import fit
from segstudio.ml.data import Pairs, batches_in_order, batches_of_epoch
from segstudio.ml.network import load_network, prepare
from segstudio.ml.objective import Objective, balanced
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions
from tests.ml.blobs import SIDE, blob_pairs

pytestmark = pytest.mark.training

RNG = np.random.default_rng(0)
PLAN = fit.Plan(
    2, 4, learning_rate=0.01, seed=0, augmenter=Augmenter(built_in_recipes()["flip"]), weighing=Weighing(3.0, 0.5)
)
TRAIN, VAL = blob_pairs(8, seed=1), blob_pairs(4, seed=2)
REGION = np.zeros((SIDE, SIDE, 1), bool)
REGION[5:20, 8:30] = True


def network():
    keras.utils.set_random_seed(0)
    built = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((SIDE, SIDE, 1))
    prepare(built, "float32")
    return built


def marked(pairs: Pairs, bit: int) -> Pairs:
    """The same pairs with a region that is ignored, and its class forgotten; or corrected."""
    masks = np.where(REGION, IGNORED, pairs.masks) if bit == IGNORED else pairs.masks | REGION * np.uint8(bit)
    return replace(pairs, masks=masks.astype(np.uint8))


def trained(train: Pairs, val: Pairs, folder: Path, plan: fit.Plan = PLAN) -> tuple[list[np.ndarray], fit.Outcome]:
    folder.mkdir(exist_ok=True)
    outcome = fit.fit(network(), train, val, plan, folder, ListReporter())
    return load_network(folder / fit.LAST, "float32").get_weights(), outcome


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(map(np.array_equal, one, other))


@pytest.mark.parametrize("name", LOSSES.names())
def test_an_ignored_pixel_has_no_gradient_in_any_loss(name):
    """Nor does what is predicted there matter to the gradient of others."""
    import tensorflow as tf

    truth = marked(TRAIN, IGNORED).masks
    first = RNG.uniform(0.05, 0.95, truth.shape).astype(np.float32)
    second = np.where(REGION, RNG.uniform(0.05, 0.95, truth.shape), first).astype(np.float32)
    gradients, losses = [], []
    for probability in (first, second):
        variable = tf.Variable(probability)
        with tf.GradientTape() as tape:
            loss = Objective(name, 0.5, 2.0, has_ignored=True)(truth, variable)
        gradients.append(tape.gradient(loss, variable).numpy())
        losses.append(float(loss))
    assert losses[0] == losses[1]
    assert np.array_equal(*gradients)
    everywhere = np.broadcast_to(REGION, truth.shape)
    assert not gradients[0][everywhere].any()
    assert (gradients[0][~everywhere] != 0).all()


def test_the_truth_in_an_ignored_region_changes_no_weight_of_the_network(tmp_path):
    """It is decided where examples are read; see test_labels. Here: whatever is predicted there, and however."""
    from tests.ml.test_data import example

    def loaded(name: str, flips: bool, is_ignored: bool) -> Pairs:
        folder = tmp_path / name
        folder.mkdir()
        ignored = REGION[..., 0].astype(np.uint8) if is_ignored else None
        examples = []
        for number, (image, mask) in enumerate(zip(TRAIN.images, TRAIN.masks, strict=True)):
            truth = mask[..., 0] ^ (REGION[..., 0] & flips).astype(np.uint8)
            one = example(folder / f"{number}.png", image[..., 0], truth)
            examples.append(replace(one, image=f"{number}.png", read_ignored=lambda: ignored, ignored_sha256="x"))
        from segstudio.ml.data import load_pairs

        return load_pairs(examples, (SIDE, SIDE, 1), folder, ListReporter())

    plan = replace(PLAN, loss="boundary", weights=balanced("boundary", loaded("b", False, True).masks)[0])
    runs = {
        (flips, is_ignored): trained(
            loaded(f"{flips}{is_ignored}", flips, is_ignored), VAL, tmp_path / f"run{flips}{is_ignored}", plan
        )[0]
        for flips in (False, True)
        for is_ignored in (False, True)
    }
    assert same(runs[False, True], runs[True, True])
    assert not same(runs[False, False], runs[True, False])
    assert not same(runs[False, False], runs[False, True])


def test_twice_the_weight_is_twice_the_say(tmp_path):
    """What a step of plain descent moves is a sum over pixels: each pixel's part grows with its weight."""

    def moved(train: Pairs, weighing: Weighing) -> list[np.ndarray]:
        plan = replace(PLAN, weighing=weighing, augmenter=None, batch=8).for_pairs(train)
        trained = network()
        fit.compile_for(trained, plan, 1)
        before = trained.get_weights()
        trained.compile(optimizer=keras.optimizers.SGD(1.0), loss=trained.loss)
        (batch,) = batches_of_epoch(train, 8, seed=0, epoch=1, weighing=weighing)
        trained.train_on_batch(*batch)
        names = [one.path for one in trained.weights]
        return [
            after - start
            for name, after, start in zip(names, trained.get_weights(), before, strict=True)
            if "moving" not in name
        ]

    once = moved(TRAIN, Weighing())
    without = moved(marked(TRAIN, IGNORED), Weighing())
    thrice = moved(marked(TRAIN, CORRECTED), Weighing(correction=3.0))
    half = moved(replace(TRAIN, rows=[replace(row, state="todo") for row in TRAIN.rows]), Weighing(unreviewed=0.5))
    for all_alike, others, region_thrice, all_halved in zip(once, without, thrice, half, strict=True):
        of_region = all_alike - others
        assert np.allclose(region_thrice, others + 3 * of_region, rtol=1e-3, atol=1e-5)
        assert np.allclose(all_halved, all_alike / 2, rtol=1e-3, atol=1e-5)
    assert max(np.abs(one).max() for one in once) > 0.01


def test_without_a_mark_no_weight_is_ever_made():
    batches = batches_of_epoch(TRAIN, 4, seed=0, epoch=1, weighing=PLAN.weighing)
    assert len(batches.element_spec) == 2
    plan = PLAN.for_pairs(TRAIN, VAL)
    assert not plan.has_ignored
    assert not plan.is_weighted
    plain = network()
    fit.compile_for(plain, plan, 1)
    assert type(plain.loss) is keras.losses.BinaryCrossentropy
    assert not marked(TRAIN, CORRECTED).needs(Weighing())


def test_weights_move_with_the_mask_when_images_are_augmented():
    recipe = Augmenter(built_in_recipes()["chest-xray"])
    train = marked(TRAIN, CORRECTED)
    plain = batches_of_epoch(TRAIN, 3, seed=0, epoch=2, augmenter=recipe)
    for (images, masks), (same_images, same_masks, weights) in zip(
        plain, batches_of_epoch(train, 3, seed=0, epoch=2, augmenter=recipe, weighing=PLAN.weighing), strict=True
    ):
        assert np.array_equal(images, same_images)
        assert np.array_equal(masks, same_masks)
        share = float(np.mean(weights.numpy() == 3))
        assert set(np.unique(weights)) == {1, 3}
        assert 0.5 * REGION.mean() < share < 1.5 * REGION.mean()


def test_metrics_leave_out_what_is_ignored_and_know_no_weights(tmp_path):
    val = marked(VAL, IGNORED)
    weights, outcome = trained(marked(TRAIN, CORRECTED), val, tmp_path / "run")
    predicted = load_network(tmp_path / "run" / fit.BEST, "float32").predict(VAL.images, verbose=0) >= 0.5
    ignored = np.broadcast_to(REGION, VAL.masks.shape)
    counts = Counts.of(VAL.masks, predicted, ignored)
    row = outcome.best
    assert row["val_iou"] == pytest.approx(counts.iou, abs=1e-5)
    assert row["val_accuracy"] == pytest.approx(counts.accuracy, abs=1e-5)
    assert row["val_binary_iou"] == pytest.approx(counts.binary_iou, abs=1e-5)
    # What validates is weighed by nothing: the loss is that of the pixels as they are.
    _, unweighted = trained(TRAIN, val, tmp_path / "other", replace(PLAN, weighing=Weighing(), epochs=1))
    assert unweighted.rows[0]["val_loss"] != outcome.rows[0]["val_loss"]
    (_, masks), *_ = batches_in_order(val, 4)
    assert np.array_equal(masks, val.masks & TRUTH)
    assert len(weights)


def test_an_interrupted_training_with_weights_ends_where_a_whole_one_does(tmp_path):
    class Stopping(ListReporter):
        def progress(self, done: float, total: float, text: str = "") -> None:
            self.is_cancel_wanted = text.startswith("epoch 2 of")
            super().progress(done, total, text)

    train, val = marked(marked(TRAIN, CORRECTED), 0), marked(VAL, IGNORED)
    train = replace(train, masks=np.where(REGION[::-1], IGNORED, train.masks).astype(np.uint8))
    whole, outcome = trained(train, val, tmp_path / "whole")
    folder = tmp_path / "parts"
    folder.mkdir()
    try:
        assert fit.fit(network(), train, val, PLAN, folder, Stopping()).is_stopped
    except Cancelled:
        pytest.fail("stopped before its first epoch")
    resumed = fit.resume(train, val, PLAN, folder, ListReporter(), "float32")
    assert same(whole, load_network(folder / fit.LAST, "float32").get_weights())
    assert [row["loss"] for row in resumed.rows] == [row["loss"] for row in outcome.rows]
