import math

import pytest

from segstudio.core.advice import LEVEL, advice


def rows(losses, val_losses, ious=None):
    ious = ious or [n / 100 for n in range(1, len(losses) + 1)]
    columns = zip(losses, val_losses, ious, strict=True)
    return [
        {"epoch": n, "loss": loss, "val_loss": val, "val_iou": iou} for n, (loss, val, iou) in enumerate(columns, 1)
    ]


def kind(*columns):
    found = advice(rows(*columns))
    return found and found.kind


def test_a_training_that_goes_well_is_left_alone():
    assert advice([]) is None
    losses = [0.7 * 0.8**n for n in range(30)]
    assert kind(losses, [loss * 1.2 for loss in losses]) is None
    assert kind([0.7, 0.5, 0.6, 0.4], [0.6, 0.7, 0.5, 0.45]) is None, "up and down is no trend"
    assert kind([0.004, 0.001, 0.003], [0.1, 0.1, 0.1]) is None, "next to nothing doubles by chance"


@pytest.mark.parametrize("last", [0.9, 1e9, math.inf, math.nan])
def test_an_exploding_loss_is_told_with_its_figures(last):
    found = advice(rows([0.6, 0.4, last], [0.5, 0.5, 0.5]))
    assert found.kind == "diverging"
    assert "0.4 in epoch 2" in found.message
    assert "learning rate" in found.help
    assert found.remedies == ("restart-lower", "stop")


def test_learning_by_heart_takes_a_falling_and_a_rising_loss():
    falling, rising = [0.6, 0.5, 0.4, 0.3, 0.2], [0.6, 0.4, 0.5, 0.5, 0.6]
    assert kind(falling, rising) == "overfitting"
    assert "since epoch 2" in advice(rows(falling, rising)).message
    assert advice(rows(falling, rising)).remedies == ("restart-augmented", "stop")
    assert kind(falling[:-1], rising[:-1]) is None, "two epochs are no trend"
    assert kind([0.6] * 5, rising) is None
    assert kind(falling, [0.6, 0.4, 0.41, 0.42, 0.41]) is None


def test_a_plateau_is_many_epochs_without_a_better_one():
    ious = [0.1, 0.5] + [0.5] * LEVEL
    level = [0.5] * len(ious)
    assert kind(level, level, ious) == "plateau"
    assert kind(level[:-1], level[:-1], ious[:-1]) is None
    assert advice(rows(level, level, ious)).remedies == ("lower", "stop")


def test_what_was_before_training_does_not_count():
    before = {"epoch": 0, "val_loss": 0.1, "val_iou": 0.9}
    assert advice([before, *rows([0.9, 0.8], [0.9, 0.8])]) is None
