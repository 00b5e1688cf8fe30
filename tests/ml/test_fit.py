import csv
import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.recipe import Recipe, Step, built_in_recipes
from segstudio.core.epoch_table import METRICS
from segstudio.core.errors import UserError
from segstudio.core.metrics import Counts
from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.ml import fit
from segstudio.ml.averaging import WeightAverage
from segstudio.ml.device import choose_device
from segstudio.ml.network import load_network, prepare
from segstudio.ml.objective import ClassWeights
from segstudio.ml.schedule import Schedule
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions
from segstudio.models.mobilenetv2_unet import MobileNetV2UNet, MobileNetV2UNetOptions
from tests.ml.blobs import SIDE, blob_pairs

pytestmark = pytest.mark.training

CHEST_XRAY = Augmenter(built_in_recipes()["chest-xray"])
PLAN = fit.Plan(3, 4, learning_rate=0.01, seed=0, schedule=Schedule("cosine"), augmenter=CHEST_XRAY)
needs_cpu = pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="bit for bit on a CPU alone")
OF_THE_MACHINE = ("images_per_second", "epoch_seconds", "memory_mib", "gpu_memory_mib")
TRAIN, VAL = blob_pairs(10, seed=1), blob_pairs(4, seed=2)


def network():
    keras.utils.set_random_seed(0)
    built = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((SIDE, SIDE, 1))
    prepare(built, "float32")
    return built


def figures(outcome):
    """All that training computes, exactly; how fast it was and what it took is another matter."""
    return [{name: value for name, value in row.items() if name not in OF_THE_MACHINE} for row in outcome.rows]


def same_weights(one, other):
    pair = [load_network(path, "float32").get_weights() for path in (one, other)]
    return all(map(np.array_equal, *pair))


def epochs_in(folder):
    with (folder / METRICS).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class CancelAt(ListReporter):
    """Wants to be cancelled at the first progress of an epoch."""

    def __init__(self, text):
        super().__init__()
        self._text = text

    def progress(self, done, total, text=""):
        self.is_cancel_wanted = self.is_cancel_wanted or text.startswith(self._text)
        super().progress(done, total, text)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training that was never interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    report = ListReporter()
    return fit.fit(network(), TRAIN, VAL, PLAN, folder, report), report, folder


def test_learns_and_keeps_everything(whole):
    outcome, report, folder = whole
    losses = [row["loss"] for row in outcome.rows]
    assert losses[-1] < losses[0]
    assert not outcome.is_stopped
    assert [step for step, _ in report.metrics] == [1, 2, 3]
    assert report.metrics[0][1].keys() == {
        "loss", "val_loss", "iou", "val_iou", "binary_iou", "val_binary_iou", "accuracy", "val_accuracy",
        "dice", "val_dice", "learning_rate", "images_per_second", "epoch_seconds", "memory_mib",
    }  # fmt: skip
    assert [row["epoch"] for row in epochs_in(folder)] == ["1", "2", "3"]
    assert float(epochs_in(folder)[2]["val_iou"]) == outcome.rows[2]["val_iou"]
    assert outcome.best["val_iou"] == max(row["val_iou"] for row in outcome.rows)
    assert not list(folder.glob(".tmp*"))


def test_progress_only_rises_and_says_epoch_and_rate(whole):
    _, report, _ = whole
    done = [done for done, _, _ in report.progresses]
    assert done == sorted(done)
    assert done[-1] <= 3
    assert report.progresses[0][2] == "epoch 1 of 3 · building the graph"
    assert report.paces == [False, True] * 2, "uneven while the graphs of training and of validation are built"
    assert any(text.startswith("epoch 2 of 3 · ") and text.endswith("img/s") for _, _, text in report.progresses)


def test_best_weights_are_those_of_the_best_epoch(whole):
    outcome, _, folder = whole
    loaded = load_network(folder / fit.BEST, "float32")
    assert not loaded.compiled, "the best weights need no optimizer"
    fit.compile_network(loaded, 0.01)
    found = loaded.evaluate(VAL.images, VAL.masks, verbose=0, return_dict=True, batch_size=4)
    assert found["iou"] == pytest.approx(outcome.best["val_iou"], abs=1e-5)


def test_a_stopped_run_keeps_its_best_and_a_resumed_one_ends_as_if_never_stopped(whole, tmp_path):
    outcome, _, _ = whole
    stopped = fit.fit(network(), TRAIN, VAL, PLAN, tmp_path, CancelAt("epoch 2"))
    assert stopped.is_stopped
    assert stopped.best["epoch"] == 1
    assert (tmp_path / fit.BEST).is_file()
    # As after a kill -9 between writing the checkpoint and metrics.csv.
    (tmp_path / METRICS).unlink()
    resumed = fit.resume(TRAIN, VAL, PLAN, tmp_path, ListReporter(), "float32")
    assert [row["epoch"] for row in resumed.rows] == [1, 2, 3]
    for mine, theirs in zip(resumed.rows, outcome.rows, strict=True):
        for name in ("loss", "val_loss", "iou", "val_iou"):
            assert mine[name] == pytest.approx(theirs[name], abs=1e-4), (name, mine["epoch"])
    if not tf.config.list_physical_devices("GPU"):
        assert figures(resumed) == figures(outcome)
        assert same_weights(tmp_path / fit.LAST, whole[2] / fit.LAST)
    assert len(epochs_in(tmp_path)) == 3


def test_cancelled_in_the_first_epoch_there_is_nothing_to_keep(tmp_path):
    with pytest.raises(Cancelled):
        fit.fit(network(), TRAIN, VAL, PLAN, tmp_path, CancelAt("epoch 1"))
    with pytest.raises(UserError, match="before its first epoch"):
        fit.resume(TRAIN, VAL, PLAN, tmp_path, ListReporter(), "float32")


def test_fine_tuning_is_measured_before_the_first_step(whole, tmp_path):
    outcome, _, folder = whole
    report = ListReporter()
    tuned = load_network(folder / fit.BEST, "float32")
    again = fit.fit(tuned, TRAIN, VAL, replace(PLAN, epochs=1), tmp_path, report, has_baseline=True)
    assert [step for step, _ in report.metrics] == [0, 1]
    assert report.metrics[0][1]["val_iou"] == pytest.approx(outcome.best["val_iou"], abs=1e-5)
    assert again.best["epoch"] in (0, 1)


def test_fine_tuning_that_makes_it_worse_keeps_the_weights_it_began_with(whole, tmp_path):
    _, _, folder = whole
    tuned = load_network(folder / fit.BEST, "float32")
    began = [np.array(weight) for weight in tuned.get_weights()]
    ruinous = replace(PLAN, epochs=1, learning_rate=1.0)
    outcome = fit.fit(tuned, TRAIN, VAL, ruinous, tmp_path, ListReporter(), has_baseline=True)
    assert outcome.best["epoch"] == 0
    assert not all(map(np.array_equal, began, tuned.get_weights())), "it did train"
    kept = load_network(tmp_path / fit.BEST, "float32").get_weights()
    assert all(map(np.array_equal, began, kept))


def test_a_loss_that_is_no_number_stops_with_words(tmp_path):
    broken = network()
    layer = broken.get_layer("logits")
    layer.set_weights([np.full_like(weight, np.nan) for weight in layer.get_weights()])
    with pytest.raises(UserError, match="no longer a number in epoch 1"):
        fit.fit(broken, TRAIN, VAL, PLAN, tmp_path, ListReporter())


class Hungry(keras.layers.Layer):
    """Runs out of memory for more than two images at once, as a small GPU would."""

    def call(self, images):
        def eat(count):
            if count > 2:
                raise MemoryError("no memory for the test's sake")
            return np.float32(0)

        nothing = tf.numpy_function(eat, [tf.shape(images)[0]], tf.float32)
        return images + tf.ensure_shape(nothing, ())


def test_out_of_memory_halves_the_batch_and_says_so(tmp_path):
    image = keras.Input((SIDE, SIDE, 1), dtype="uint8")
    x = Hungry()(keras.layers.Rescaling(1 / 255)(image))
    hungry = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
    report = ListReporter()
    outcome = fit.fit(hungry, TRAIN, VAL, replace(PLAN, epochs=1, batch=8), tmp_path, report)
    assert outcome.batch == 2
    assert [line for line in report.lines if "out of memory" in line][-1].endswith("batches of 2")


class Traced(keras.layers.Layer):
    """Counts how often Python comes by: once when the network is made, and once for each graph built of it."""

    count = 0

    def call(self, images):
        self.count += 1
        return images


def test_each_graph_is_built_once(tmp_path):
    """The optimizer's variables are there before: made within, they would have the graph of a step built twice."""
    image = keras.Input((SIDE, SIDE, 1), dtype="uint8")
    traced = Traced()
    x = keras.layers.Conv2D(2, 3, padding="same")(traced(keras.layers.Rescaling(1 / 255)(image)))
    built = keras.Model(image, keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))
    fit.fit(built, TRAIN, VAL, replace(PLAN, epochs=2), tmp_path, ListReporter())
    assert traced.count == 1 + 2, "that of a step and that of validation"


def test_learns_from_almost_nothing(tmp_path):
    outcome = fit.fit(network(), blob_pairs(1), blob_pairs(1), replace(PLAN, epochs=1, batch=8), tmp_path,
                      ListReporter())  # fmt: skip
    assert outcome.rows[0]["images_per_second"] > 0


def test_metrics_are_those_of_keras_over_the_whole_split(whole, tmp_path):
    outcome, _, folder = whole
    loaded = load_network(folder / fit.BEST, "float32")
    probability = loaded.predict(VAL.images, verbose=0)
    metric = keras.metrics.BinaryIoU()
    metric.update_state(VAL.masks, probability)
    assert outcome.best["val_binary_iou"] == pytest.approx(float(metric.result()), abs=1e-5)
    truth, predicted = VAL.masks > 0, probability >= 0.5
    assert outcome.best["val_iou"] == pytest.approx((truth & predicted).sum() / (truth | predicted).sum(), abs=1e-5)
    assert outcome.best["val_dice"] == pytest.approx(Counts.of(VAL.masks[..., 0], predicted[..., 0]).dice, abs=1e-5)
    shutil.rmtree(tmp_path)


@needs_cpu
@pytest.mark.parametrize(
    "kind",
    [
        ConvUNet(ConvUNetOptions(filters=4, depth=2)),
        MobileNetV2UNet(MobileNetV2UNetOptions(alpha=0.35, decoder=0.1)),
    ],
    ids=["conv-unet", "mobilenetv2-unet"],
)
def test_the_same_seed_trains_the_same_network_bit_for_bit(kind, tmp_path):
    choose_device("cpu")  # it settles the threads
    channels = kind.channels(is_grey=True)
    train, val = blob_pairs(10, seed=1, channels=channels), blob_pairs(4, seed=2, channels=channels)
    outcomes = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        keras.utils.set_random_seed(3)
        built = kind.build((SIDE, SIDE, channels), from_imagenet=False)
        prepare(built, "mixed_bfloat16")
        outcomes.append(fit.fit(built, train, val, replace(PLAN, epochs=1), tmp_path / name, ListReporter()))
    assert figures(outcomes[0]) == figures(outcomes[1])
    assert same_weights(tmp_path / "one" / fit.LAST, tmp_path / "other" / fit.LAST)


def test_epochs_of_a_given_length_take_as_many_steps_whatever_there_is_to_learn_from(tmp_path):
    steps = []
    for count in (3, 10):
        report = ListReporter()
        fit.fit(network(), blob_pairs(count), VAL, replace(PLAN, epochs=2, images_per_epoch=6), tmp_path, report)
        assert max(done for done, _, _ in report.progresses) <= 2
        steps.append(int(load_network(tmp_path / fit.LAST, "float32").optimizer.iterations))
    assert steps == [4, 4]


def test_a_recipe_that_cannot_be_applied_ends_the_training_in_its_own_words(tmp_path):
    recipe = Recipe("crop", steps=(Step("RandomCrop", 1.0, {"height": 400, "width": 400}),))
    with pytest.raises(UserError, match="RandomCrop"):
        fit.fit(network(), TRAIN, VAL, replace(PLAN, augmenter=Augmenter(recipe)), tmp_path, ListReporter())


# --- losses, schedules and phases -----------------------------------------------------------------------------------


AVERSE = replace(VAL, masks=1 - VAL.masks)
"""Whatever is learnt from TRAIN makes validation by these worse."""


def ends_alike(plan, tmp_path, *, built, val, stops):
    """A training that is stopped and gone on with ends as the uninterrupted one; returns that one and its report."""
    choose_device("cpu")
    folders = [tmp_path / "whole", tmp_path / "pieces"]
    for folder in folders:
        folder.mkdir()
    train = blob_pairs(8, seed=1, channels=val.images.shape[-1])
    report = ListReporter()
    whole = fit.fit(built(), train, val, plan, folders[0], report)
    pieces = fit.fit(built(), train, val, plan, folders[1], CancelAt(stops[0]))
    assert pieces.is_stopped
    for stop in (*stops[1:], "never"):
        pieces = fit.resume(train, val, plan, folders[1], CancelAt(stop), "float32")
    assert figures(pieces) == figures(whole)
    assert same_weights(*(folder / fit.LAST for folder in folders))
    return whole, report


@needs_cpu
def test_another_loss_class_weights_clipping_and_plateaus_are_gone_on_with_exactly(tmp_path):
    plan = replace(
        PLAN, schedule=Schedule("plateau", plateau=1), loss="bce-dice", weights=ClassWeights(0.5, 2.0), clipping=0.1
    )
    whole, _ = ends_alike(plan, tmp_path, built=network, val=AVERSE, stops=["epoch 3"])
    assert [row["learning_rate"] for row in whole.rows] == [0.01, 0.01, 0.005]


def test_no_step_follows_a_gradient_longer_than_it_may_be():
    lengths = []
    for clipping in (0.0, 0.01):
        built = network()
        fit.compile_network(built, 1e-3, clipping=clipping)
        built.train_on_batch(TRAIN.images, TRAIN.masks)
        # After one step Adam's first moments are a tenth of the gradient.
        moments = [one.numpy() for one in built.optimizer.variables if "momentum" in one.path]
        lengths.append(10 * float(np.sqrt(sum((one**2).sum() for one in moments))))
    assert lengths[0] > 0.1
    assert lengths[1] == pytest.approx(0.01, rel=1e-3)


ENCODER = ("conv2d", "batch_normalization", "conv2d_1", "batch_normalization_1")


def pretrained():
    """The first block takes the part of an encoder: its normalization keeps the statistics it came with."""
    keras.backend.clear_session()  # for the names of the layers
    built = network()
    for name in ENCODER[1::2]:
        built.get_layer(name).trainable = False
    return built


@needs_cpu
def test_the_encoder_is_kept_then_learns_too_and_both_are_gone_on_with_exactly(tmp_path):
    start = {name: pretrained().get_layer(name).get_weights() for name in ENCODER}
    schedule = Schedule("cosine", frozen_epochs=1, tuned_rate=1e-3)
    plan = replace(PLAN, schedule=schedule, frozen=ENCODER[::2], augmenter=None)
    # Stopped at the boundary and within the second phase.
    whole, report = ends_alike(plan, tmp_path, built=pretrained, val=VAL, stops=["epoch 2", "epoch 3"])
    assert [row["learning_rate"] for row in whole.rows] == [0.01, 1e-3, 5e-4]
    assert any("learns too from epoch 2" in line for line in report.lines)
    assert report.paces == [False, True] * 4, "each phase has graphs of its own"
    tuned = load_network(tmp_path / "whole" / fit.LAST, "float32")
    assert int(tuned.optimizer.iterations) == 2 * 2, "the optimizer has begun anew with the second phase"
    fit.fit(pretrained(), TRAIN, VAL, replace(plan, epochs=1), tmp_path, ListReporter())
    kept = load_network(tmp_path / fit.LAST, "float32")
    for name, before in start.items():
        assert all(map(np.array_equal, kept.get_layer(name).get_weights(), before))
        is_same = all(map(np.array_equal, tuned.get_layer(name).get_weights(), before))
        assert is_same == (name in ENCODER[1::2]), "the statistics never move"


def test_a_plan_of_phases_for_a_network_without_an_encoder_has_one(tmp_path):
    plan = replace(PLAN, epochs=2, schedule=Schedule(frozen_epochs=1, tuned_rate=1e-5))
    outcome = fit.fit(network(), TRAIN, VAL, plan, tmp_path, ListReporter())
    assert [row["learning_rate"] for row in outcome.rows] == [0.01, 0.01]


def test_it_ends_early_says_why_and_does_not_go_on_unless_it_is_given_more_patience(tmp_path):
    plan = replace(PLAN, epochs=9, schedule=Schedule(patience=2))
    report = ListReporter()
    outcome = fit.fit(network(), TRAIN, AVERSE, plan, tmp_path, report)
    assert not outcome.is_stopped
    assert [row["epoch"] for row in outcome.rows] == [1, 2, 3]
    assert outcome.ended == report.lines[-1]
    assert "epoch 1 " in outcome.ended
    again = fit.resume(TRAIN, AVERSE, plan, tmp_path, ListReporter(), "float32")
    assert (again.ended, again.rows) == (outcome.ended, outcome.rows)
    patient = replace(plan, epochs=4, schedule=Schedule(patience=3))
    more = fit.resume(TRAIN, AVERSE, patient, tmp_path, ListReporter(), "float32")
    assert len(more.rows) == 4


@pytest.mark.parametrize("keep", ["last", "average"])
def test_the_last_weights_or_their_average_are_kept_and_an_interruption_changes_nothing(keep, whole, tmp_path):
    plan = replace(PLAN, epochs=4, keep=keep, averaged_epochs=2.0)
    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    straight.mkdir(), stopped.mkdir()
    seen = []
    outcome = fit.fit(
        network(), TRAIN, VAL, plan, straight, ListReporter(), watchers=[lambda net, _: seen.append(net.get_weights())]
    )
    assert outcome.best is outcome.rows[-1]
    kept, last = (load_network(straight / name, "float32") for name in (fit.BEST, fit.LAST))
    fit.compile_network(kept, 0.01)
    found = kept.evaluate(VAL.images, VAL.masks, verbose=0, return_dict=True, batch_size=4)
    assert found["iou"] == pytest.approx(outcome.best["val_iou"], abs=1e-5)
    assert all(map(np.array_equal, seen[-1], kept.get_weights())), "whoever watches sees what is kept"
    is_own = all(map(np.array_equal, kept.get_weights(), last.get_weights()))
    assert is_own == (keep == "last")

    fit.fit(network(), TRAIN, VAL, plan, stopped, CancelAt("epoch 3"))
    resumed = fit.resume(TRAIN, VAL, plan, stopped, ListReporter(), "float32")
    if not tf.config.list_physical_devices("GPU"):
        assert figures(resumed) == figures(outcome)
        assert same_weights(stopped / fit.BEST, straight / fit.BEST)
        assert same_weights(stopped / fit.LAST, straight / fit.LAST)
        # What is learnt is the same, whatever is kept of it.
        own = [[row["loss"] for row in one.rows] for one in (outcome, fit_of(tmp_path / "best", keep="best", epochs=4))]
        assert own[0] == own[1]


def fit_of(folder, **changes):
    folder.mkdir()
    return fit.fit(network(), TRAIN, VAL, replace(PLAN, **changes), folder, ListReporter())


def test_the_average_is_that_of_the_steps(tmp_path):
    net = network()
    average = WeightAverage(net)
    average.window = 4.0
    expected, chance = [one.copy() for one in net.get_weights()], np.random.default_rng(0)
    for step in range(30):
        net.set_weights([one + chance.normal(0, 0.1, one.shape) for one in net.get_weights()])
        average.on_train_batch_end(step)
        kept = min(0.75, (1 + step) / (10 + step))
        expected = [kept * mean + (1 - kept) * now for mean, now in zip(expected, net.get_weights(), strict=True)]
    own = net.get_weights()
    with average.shown():
        for mean, found in zip(expected, net.get_weights(), strict=True):
            np.testing.assert_allclose(found, mean, atol=1e-5)
    assert all(map(np.array_equal, own, net.get_weights()))
    other = WeightAverage(network())
    other.restore(average.to_arrays())
    assert other.steps == 30
    with pytest.raises(ValueError, match="average of"):
        other.restore({"steps": np.array(1)})


def test_a_checkpoint_without_its_average_is_refused(whole):
    _, _, folder = whole
    with pytest.raises(UserError, match="no average of weights"):
        fit.resume(TRAIN, VAL, replace(PLAN, epochs=5, keep="average"), folder, ListReporter(), "float32")
