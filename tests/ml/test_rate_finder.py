import keras
import numpy as np
import pytest

from segstudio.core.reporter import ListReporter
from segstudio.ml import rate_finder
from segstudio.ml.fit import Plan
from segstudio.ml.network import prepare
from segstudio.ml.rate_finder import HIGHEST, LOWEST, smoothed, suggestion, sweep
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions
from tests.ml.blobs import SIDE, blob_pairs

RATES = np.geomspace(LOWEST, HIGHEST, 100)


def valley(falls_at, diverges_at):
    """A loss that falls around one rate and explodes at another."""
    exponent = np.log10(RATES)
    return 0.7 - 0.5 / (1 + np.exp(-4 * (exponent - falls_at))) + np.exp(6 * (exponent - diverges_at))


def test_the_rate_is_where_the_loss_falls_fastest():
    rate, reason = suggestion(RATES, valley(-4, -0.5))
    # The running mean lags some ten steps behind.
    assert 1e-4 <= rate <= 6e-4
    assert f"{rate:g}" in reason


def test_it_stays_well_below_the_rate_at_which_the_loss_is_lowest():
    rate, _ = suggestion(RATES, valley(-2.5, -2.2))
    lowest = RATES[np.argmin(smoothed(valley(-2.5, -2.2)))]
    assert rate <= lowest / 9


@pytest.mark.parametrize("losses", [np.full(100, 0.7), np.linspace(0.7, 9, 100), np.array([0.7, 0.6])])
def test_without_a_fall_nothing_is_suggested_and_it_says_why(losses):
    rate, reason = suggestion(RATES[: len(losses)], losses)
    assert rate is None
    assert reason


def test_the_running_mean_of_a_constant_is_that_constant():
    np.testing.assert_allclose(smoothed([3.0] * 20), 3.0)


@pytest.mark.training
def test_a_sweep_measures_up_to_where_the_loss_diverges(monkeypatch):
    monkeypatch.setattr(rate_finder, "HIGHEST", 1e6)
    keras.utils.set_random_seed(0)
    network = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((SIDE, SIDE, 1))
    prepare(network, "float32")
    report = ListReporter()
    found = sweep(network, blob_pairs(3), Plan(1, 2, 1e-3, seed=0, loss="bce"), report, steps=60)
    assert found.rates[0] == LOWEST
    assert 10 < len(found.rates) == len(found.losses) == len(found.smoothed) <= 60
    assert np.isfinite(found.losses).all()
    assert [step for step, _ in report.metrics][:3] == [1, 2, 3]
    if found.suggested is not None:
        assert LOWEST <= found.suggested <= found.rates[-1]
    assert found.reason
