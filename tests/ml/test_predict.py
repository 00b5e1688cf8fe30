import keras
import numpy as np
import pytest

from segstudio.core.errors import BadImage
from segstudio.core.reporter import ListReporter
from segstudio.ml import predict as module
from segstudio.ml.network import prepare
from segstudio.ml.predict import at_native_size, predict
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions

SIZES = {"a": (40, 61), "b": (13, 200), "c": (100, 100), "d": (32, 32), "e": (7, 5)}


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    built = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((32, 32, 1))
    prepare(built, "float32")
    return built


def read(name):
    if name == "bad":
        raise BadImage("bad.png is cut off")
    seed = sorted(SIZES).index(name)
    return np.random.default_rng(seed).integers(0, 256, SIZES[name], dtype=np.uint8)


def test_probabilities_come_in_order_at_each_images_own_size(network):
    found = list(predict(network, list(SIZES), read, ListReporter(), batch=2))
    assert [name for name, _ in found] == list(SIZES)
    assert {name: probability.shape for name, probability in found} == SIZES
    assert all(probability.dtype == np.uint8 for _, probability in found)


def test_a_bad_image_is_noted_and_left_out(network):
    report = ListReporter()
    found = list(predict(network, ["a", "bad", "b"], read, report, batch=2))
    assert [name for name, _ in found] == ["a", "b"]
    assert report.notes == [("bad", "bad.png is cut off")]
    assert list(predict(network, ["bad"], read, report)) == []


def test_at_the_networks_own_size_nothing_is_scaled(network):
    ((_, probability),) = predict(network, ["d"], read, ListReporter())
    exact = np.asarray(network(read("d")[None, ..., None], training=False))[0, ..., 0]
    assert np.abs(probability / 255 - exact).max() < 0.5 / 255 + 1e-5


def test_frozen_weights_give_the_same(network, monkeypatch):
    traced = list(predict(network, list(SIZES), read, ListReporter(), batch=4))
    monkeypatch.setattr(module, "WORTH_FREEZING", 0)
    frozen = list(predict(network, list(SIZES), read, ListReporter(), batch=4))
    for (_, a), (_, b) in zip(traced, frozen, strict=True):
        assert np.abs(a.astype(int) - b.astype(int)).max() <= 1


def test_reading_stops_when_nobody_asks_any_more(network):
    asked = []

    def counted(name):
        asked.append(name)
        return read("d")

    prediction = predict(network, list(range(1000)), counted, ListReporter(), batch=2)
    next(prediction)
    prediction.close()
    assert len(asked) <= 8


def test_half_is_foreground_and_the_ends_are_exact():
    assert at_native_size(np.full((4, 4), 0.5, np.float32), (9, 9)).min() == 128
    assert at_native_size(np.zeros((4, 4), np.float32), (9, 9)).max() == 0
    assert at_native_size(np.ones((4, 4), np.float32), (2, 2)).min() == 255
