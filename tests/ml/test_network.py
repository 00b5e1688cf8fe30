import gc
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from segstudio.core.errors import UserError
from segstudio.ml.network import load_network, read_attachment, release, save_network, transfer
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions


def build(size=32, **options):
    return ConvUNet(ConvUNetOptions(**{"filters": 4, "depth": 2} | options)).build((size, size, 1))


def noise(size=32, count=4):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 1), dtype=np.uint8)


def test_frozen_normalization_survives_saving_and_transfer(tmp_path):
    network = build()
    first = next(layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization))
    first.trainable = False
    save_network(network, tmp_path / "a.keras", with_optimizer=False)
    loaded = load_network(tmp_path / "a.keras", "float32")
    larger = build(48)
    transfer(loaded, larger)
    frozen = [layer.trainable for layer in larger.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert frozen == [False] + [True] * (len(frozen) - 1)
    np.testing.assert_array_equal(
        larger.get_layer("logits").get_weights()[0], network.get_layer("logits").get_weights()[0]
    )


def test_another_network_does_not_fit():
    with pytest.raises(ValueError, match="shape"):
        transfer(build(), build(filters=8))


def test_an_attachment_does_not_disturb_keras(tmp_path):
    path = tmp_path / "a.keras"
    save_network(build(), path, with_optimizer=False, attachment={"rows": [{"epoch": 1}]})
    assert read_attachment(path) == {"rows": [{"epoch": 1}]}
    assert keras.saving.load_model(path).input_shape == (None, 32, 32, 1)
    assert zipfile.ZipFile(path).testzip() is None


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "best.keras").write_bytes(b"PK not really")
    with pytest.raises(UserError, match=r"best\.keras"):
        load_network(tmp_path / "best.keras", "float32")


def test_a_training_leaves_no_graph_behind():
    def graphs():
        gc.collect()
        return sum(isinstance(one, tf.__internal__.FuncGraph) for one in gc.get_objects())

    release()
    before = graphs()
    network = build()
    network.compile("adam", "binary_crossentropy")
    network.fit(noise(), noise() > 127, verbose=0)
    assert graphs() > before + 2
    del network
    release()
    assert graphs() <= before, "a worker that trains all day would fill the memory"
