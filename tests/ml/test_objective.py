"""The losses in numbers, against numpy; and what Keras makes of them."""

import keras
import numpy as np
import pytest
from scipy.ndimage import distance_transform_cdt

from segstudio.losses import SMOOTHING
from segstudio.losses.boundary import PEAK, WIDTH, boundary_weights
from segstudio.ml.objective import HEAVIEST, ClassWeights, Objective, balanced, objective

RNG = np.random.default_rng(0)
TRUTH = np.stack([RNG.integers(0, 2, (20, 30, 1)), np.zeros((20, 30, 1)), np.ones((20, 30, 1))]).astype(np.float32)
PROBABILITY = RNG.uniform(0.02, 0.98, TRUTH.shape).astype(np.float32)
MAP = RNG.uniform(0, 3, TRUTH.shape).astype(np.float32)


def cross_entropy(y, p):
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


def tversky(y, p, w, false_positives, false_negatives):
    hits, alarms, misses = ((w * one).sum((1, 2, 3)) for one in (y * p, (1 - y) * p, y * (1 - p)))
    some = SMOOTHING * 20 * 30
    return 1 - (hits + some) / (hits + false_positives * alarms + false_negatives * misses + some)


REFERENCE = {
    "bce": lambda y, p, w: (w * cross_entropy(y, p)).mean((1, 2, 3)),
    "dice": lambda y, p, w: tversky(y, p, w, 0.5, 0.5),
    "bce-dice": lambda y, p, w: (w * cross_entropy(y, p)).mean((1, 2, 3)) + tversky(y, p, w, 0.5, 0.5),
    "focal": lambda y, p, w: (w * (1 - np.where(y > 0, p, 1 - p)) ** 2 * cross_entropy(y, p)).mean((1, 2, 3)),
    "tversky": lambda y, p, w: tversky(y, p, w, 0.3, 0.7),
    "boundary": lambda y, p, w: (w * near_boundary(y) * cross_entropy(y, p)).mean((1, 2, 3)),
}


def near_boundary(truth):
    width = max(1.0, WIDTH * max(truth.shape[1:3]))
    weights = []
    for mask in truth[..., 0]:
        if mask.min() == mask.max():
            weights.append(np.ones_like(mask))
            continue
        # To the nearest pixel of the other class; SciPy's is that of chess, too.
        distance = np.where(mask > 0, *(distance_transform_cdt(one, "chessboard") for one in (mask, 1 - mask)))
        near = 1 + PEAK * np.exp(-((distance - 1.0) ** 2) / (2 * width**2)) * (distance <= round(3 * width))
        weights.append(near / near.mean())
    return np.stack(weights)[..., None]


@pytest.mark.parametrize("name", REFERENCE)
def test_in_numbers(name):
    found = float(Objective(name)(TRUTH, PROBABILITY))
    assert found == pytest.approx(REFERENCE[name](TRUTH, PROBABILITY, 1.0).mean(), rel=1e-5)
    found = float(Objective(name)(TRUTH, PROBABILITY, MAP))
    assert found == pytest.approx(REFERENCE[name](TRUTH, PROBABILITY, MAP).mean(), rel=1e-5)
    classes = np.where(TRUTH > 0, 3.0, 0.5)
    found = float(Objective(name, 0.5, 3.0)(TRUTH.astype(np.uint8), PROBABILITY))
    assert found == pytest.approx(REFERENCE[name](TRUTH, PROBABILITY, classes).mean(), rel=1e-5)


def test_weights_of_images_are_those_of_their_pixels():
    given = np.float32([1, 0, 2])
    expected = REFERENCE["dice"](TRUTH, PROBABILITY, given[:, None, None, None]).mean()
    assert float(Objective("dice")(TRUTH, PROBABILITY, given)) == pytest.approx(expected, rel=1e-5)


def test_without_smoothing_dice_and_tversky_are_those_of_keras(monkeypatch):
    monkeypatch.setattr("segstudio.losses.SMOOTHING", 0.0)
    both = TRUTH[:1], PROBABILITY[:1]
    assert float(Objective("dice")(*both)) == pytest.approx(float(keras.losses.Dice(axis=(1, 2, 3))(*both)), rel=1e-5)
    # Keras calls them by each other's name: its alpha weighs what is true and was missed.
    theirs = keras.losses.Tversky(alpha=0.7, beta=0.3, axis=(1, 2, 3))
    assert float(Objective("tversky")(*both)) == pytest.approx(float(theirs(*both)), rel=1e-5)


def test_plain_cross_entropy_is_keras_own_object():
    assert type(objective("bce")) is keras.losses.BinaryCrossentropy
    assert float(objective("bce")(TRUTH, PROBABILITY)) == pytest.approx(
        float(Objective("bce")(TRUTH, PROBABILITY)), rel=1e-6
    )


def test_weights_near_the_boundary_grow_to_eleven_to_one():
    mask = np.zeros((1, 64, 64, 1), np.float32)
    mask[:, :, 32:] = 1
    weights = np.asarray(boundary_weights(mask))
    assert weights.mean() == pytest.approx(1)
    assert weights[0, 10, 31, 0] == weights[0, 10, 32, 0] == pytest.approx(11 * weights[0, 10, 0, 0])
    assert (np.diff(weights[0, 10, :32, 0]) >= 0).all()
    assert weights[0, 0, 0, 0] == weights[0, 0, -1, 0], "the edge of the image is no boundary"


def test_it_survives_a_file():
    one = Objective("focal", 0.5, 3.0)
    again = keras.losses.deserialize(keras.losses.serialize(one))
    assert type(again) is Objective
    assert (again.loss, again.weights) == ("focal", ClassWeights(0.5, 3.0))


# --- balance ------------------------------------------------------------------------------------------------------


def masks(share):
    found = np.zeros((4, 10, 100, 1), np.uint8)
    found.reshape(-1)[: round(share * found.size)] = 1
    return found


def test_both_classes_have_the_same_say():
    weights, reason = balanced("bce", masks(0.1))
    assert weights.foreground / weights.background == pytest.approx(9)
    assert 0.1 * weights.foreground + 0.9 * weights.background == pytest.approx(1)
    assert "10 %" in reason
    assert "9 times" in reason


@pytest.mark.parametrize(("share", "ratio"), [(0.001, HEAVIEST), (0.999, 1 / HEAVIEST)])
def test_no_class_weighs_without_limit(share, ratio):
    weights, reason = balanced("focal", masks(share))
    assert weights.foreground / weights.background == pytest.approx(ratio)
    assert share * weights.foreground + (1 - share) * weights.background == pytest.approx(1)
    assert "not more than" in reason


@pytest.mark.parametrize(
    ("loss", "share", "said"), [("bce", 0, "nothing"), ("bce", 1, "nothing"), ("dice", 0.1, "overlap")]
)
def test_where_there_is_nothing_to_balance_it_says_so(loss, share, said):
    weights, reason = balanced(loss, masks(share))
    assert weights == ClassWeights()
    assert said in reason
