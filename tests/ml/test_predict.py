import keras
import numpy as np
import pytest

from segstudio.core.errors import BadImage
from segstudio.core.reporter import ListReporter
from segstudio.core.way import Way
from segstudio.ml import predict as module
from segstudio.ml.network import prepare
from segstudio.ml.predict import at_native_size, forward_of, look_of, predict, predictions
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


def test_flips_give_the_mean_of_what_is_said_of_the_mirror_images(network):
    image = read("d")[None, ..., None]
    forward = forward_of(network, 1)

    def seen(axes):
        return np.flip(forward(np.ascontiguousarray(np.flip(image, axes))), axes)

    looks = {"horizontal": [(), (2,)], "all": [(), (2,), (1,), (1, 2)]}
    for flips, axes in looks.items():
        found = look_of(forward, flips)(image)
        each = np.stack([seen(one) for one in axes])
        assert np.allclose(found[..., 0], each.mean(axis=0), atol=1e-6)
        assert np.allclose(found[..., 1], 2 * each.std(axis=0), atol=1e-4)


def test_disagreement_is_there_only_with_flips_and_nothing_where_all_agree(network):
    (plain,) = predictions(network, ["a"], read, ListReporter())
    assert plain.disagreement is None
    (flipped,) = predictions(network, ["a"], read, ListReporter(), way=Way(flips="all"))
    assert 0 < flipped.disagreement < 1
    (even,) = predictions(
        network, ["x"], lambda _: np.full((32, 32), 7, np.uint8), ListReporter(), way=Way(flips="horizontal")
    )
    assert even.disagreement < flipped.disagreement


def test_half_of_the_looks_against_the_other_half_is_a_disagreement_of_one():
    def left_is_foreground(images):
        found = np.zeros(images.shape[:3], np.float32)
        found[:, :, : images.shape[2] // 2] = 1
        return found

    maps = look_of(left_is_foreground, "horizontal")(np.zeros((1, 8, 8, 1), np.uint8))
    assert np.allclose(maps[..., 0], 0.5)
    assert np.allclose(maps[..., 1], 1)


@pytest.mark.parametrize("flips", ["off", "all"])
def test_tiles_predict_every_pixel_at_the_images_own_size(network, flips):
    report = ListReporter()
    way = Way(is_tiled=True, flips=flips)
    found = list(predictions(network, [*SIZES, "bad"], read, report, batch=3, way=way))
    assert {one.thing: one.probability.shape for one in found} == SIZES
    assert report.notes == [("bad", "bad.png is cut off")]
    assert all((one.disagreement is None) == (flips == "off") for one in found)
    # One tile covers this one: the same as whole.
    (whole,) = predictions(network, ["d"], read, report, way=Way(flips=flips))
    tiled = next(one for one in found if one.thing == "d")
    assert np.abs(whole.probability.astype(int) - tiled.probability.astype(int)).max() <= 1


def test_nothing_in_tiles_is_nothing(network):
    assert list(predictions(network, [], read, ListReporter(), way=Way(is_tiled=True))) == []
    assert list(predictions(network, ["bad"], read, ListReporter(), way=Way(is_tiled=True))) == []
