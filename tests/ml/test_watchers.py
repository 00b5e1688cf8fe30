"""Those who watch a training: the strip of predictions and the logs for TensorBoard."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from segstudio.core.reporter import ListReporter
from segstudio.formats import read_image
from segstudio.ml import fit
from segstudio.ml.device import choose_device
from segstudio.ml.network import load_network, prepare
from segstudio.ml.strip import COUNT, SIDE, Strip, chosen, is_kept
from segstudio.ml.tensorboard import TensorBoard
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions
from tests.ml import blobs
from tests.ml.blobs import blob_pairs

PLAN = fit.Plan(2, 4, learning_rate=0.01, seed=0)
TRAIN, VAL = blob_pairs(8, seed=1), blob_pairs(6, seed=2)


def network():
    keras.utils.set_random_seed(0)
    built = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((blobs.SIDE, blobs.SIDE, 1))
    prepare(built, "float32")
    return built


def scalars(folder):
    """The values of the event files in a folder, by tag and step."""
    found = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    return found


@pytest.mark.training
@pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="bit for bit on a CPU alone")
def test_who_watches_changes_nothing(tmp_path):
    choose_device("cpu")
    outcomes = []
    for name in ("alone", "watched"):
        folder = tmp_path / name
        folder.mkdir()
        report = ListReporter()
        watchers = [Strip(VAL, folder, report), TensorBoard(folder)] if name == "watched" else []
        outcomes.append(fit.fit(network(), TRAIN, VAL, PLAN, folder, report, watchers=watchers))
    alone, watched = ([(row["loss"], row["val_loss"], row["val_dice"]) for row in one.rows] for one in outcomes)
    assert alone == watched
    weights = [load_network(tmp_path / name / fit.LAST, "float32").get_weights() for name in ("alone", "watched")]
    assert all(map(np.array_equal, *weights))

    # The strip shows what the network predicts, beside what it should.
    strip = tmp_path / "watched" / "strip"
    assert [path.name for path in report.artifacts if path.parent == strip] == ["epoch_0001.png", "epoch_0002.png"]
    rows = chosen(VAL)
    assert np.array_equal(read_image(strip / "masks.png") > 0, np.concatenate(VAL.masks[rows], axis=1)[..., 0] > 0)
    last = load_network(tmp_path / "watched" / fit.LAST, "float32")
    expected = np.concatenate(last.predict(VAL.images[rows], verbose=0), axis=1)[..., 0]
    assert np.abs(read_image(strip / "epoch_0002.png") / 255 - expected).max() < 0.01

    # The logs say what metrics.csv says.
    train, validation = (scalars(tmp_path / "watched" / "tensorboard" / name) for name in ("train", "validation"))
    for row in outcomes[1].rows:
        for name, value in row.items() - {("epoch", row["epoch"])}:
            told = validation[name[4:], row["epoch"]] if name.startswith("val_") else train[name, row["epoch"]]
            assert told == pytest.approx(value, rel=1e-6)


def test_the_same_few_images_are_shown_those_with_foreground_first():
    pairs = blob_pairs(9)
    assert len(chosen(pairs)) == COUNT
    assert chosen(pairs)[0] == 0
    assert chosen(pairs) == chosen(pairs)
    masks = pairs.masks.copy()
    masks[[0, 3, 8]] = 0
    assert not set(chosen(replace(pairs, masks=masks))) & {0, 3, 8}
    masks[:7] = 0
    assert chosen(replace(pairs, masks=masks)).count(7) == 1
    assert chosen(blob_pairs(1)) == [0]


def test_large_images_make_small_pictures(tmp_path):
    pairs = blob_pairs(2, channels=3)
    large = replace(pairs, images=pairs.images.repeat(8, 1).repeat(8, 2), masks=pairs.masks.repeat(8, 1).repeat(8, 2))
    Strip(large, tmp_path, ListReporter())
    assert read_image(tmp_path / "strip" / "images.png").shape == (SIDE, 2 * SIDE, 3)


def test_a_long_run_fills_no_disk():
    assert all(is_kept(epoch) for epoch in range(201))
    assert sum(is_kept(epoch) for epoch in range(10_001)) < 500
