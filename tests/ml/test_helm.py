"""Steering a training: what is asked takes effect from the next step, and again when the training is gone on with."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from segstudio.core.reporter import Cancelled, ListReporter
from segstudio.core.steering import PAUSED, Change, Unsteered, Wish
from segstudio.ml import fit, helm
from segstudio.ml.device import choose_device
from segstudio.ml.network import load_network, prepare
from segstudio.ml.schedule import Schedule
from segstudio.models.conv_unet import ConvUNet, ConvUNetOptions
from tests.ml.blobs import SIDE, blob_pairs

pytestmark = pytest.mark.training

needs_cpu = pytest.mark.skipif(bool(tf.config.list_physical_devices("GPU")), reason="bit for bit on a CPU alone")
TRAIN, VAL = blob_pairs(10, seed=1), blob_pairs(4, seed=2)
PLAN = fit.Plan(3, 4, learning_rate=0.01, seed=0)
LOOKS = 4
"""How often an epoch looks for wishes: after each of its three steps, and after the one of validation."""
OF_THE_MACHINE = ("images_per_second", "epoch_seconds", "memory_mib")


class Script(Unsteered):
    """Asks at the nth look, from 1."""

    def __init__(self, wishes, kept=()):
        self._wishes = wishes
        self.kept = list(kept)
        self.looks = 0

    def wishes(self):
        self.looks += 1
        return self._wishes.get(self.looks, [])

    def changes(self):
        return list(self.kept)

    def keep(self, change):
        self.kept.append(change)


class CancelWhen(ListReporter):
    """Is cancelled at the first progress at which something holds."""

    def __init__(self, holds):
        super().__init__()
        self._holds = holds

    def progress(self, done, total, text=""):
        self.is_cancel_wanted = self._holds(text)
        super().progress(done, total, text)


def network():
    keras.utils.set_random_seed(0)
    built = ConvUNet(ConvUNetOptions(filters=4, depth=1)).build((SIDE, SIDE, 1))
    prepare(built, "float32")
    return built


def trained(folder, wishes, plan=PLAN, report=None):
    choose_device("cpu")
    steering = Script(wishes)
    folder.mkdir(exist_ok=True)
    return fit.fit(network(), TRAIN, VAL, plan, folder, report or ListReporter(), steering=steering), steering


def figures(outcome):
    return [{name: value for name, value in row.items() if name not in OF_THE_MACHINE} for row in outcome.rows]


def rates(outcome):
    return [row["learning_rate"] for row in outcome.rows]


def same_weights(one, other):
    pair = [load_network(folder / fit.LAST, "float32").get_weights() for folder in (one, other)]
    return all(map(np.array_equal, *pair))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The training of which nothing is asked."""
    folder = tmp_path_factory.mktemp("plain")
    return trained(folder, {})[0], folder


def test_another_rate_holds_from_the_next_step_on(plain, tmp_path):
    outcome, steering = trained(tmp_path, {2: [Wish(learning_rate=0.001)]})
    assert steering.kept == [Change(1, 2, learning_rate=0.001)]
    assert rates(outcome) == [0.001] * 3
    # The third step is the first that is smaller, and its loss was computed before it.
    assert outcome.rows[0]["loss"] == pytest.approx(plain[0].rows[0]["loss"], abs=1e-6)
    assert outcome.rows[0]["val_loss"] != pytest.approx(plain[0].rows[0]["val_loss"], abs=1e-4)


def test_a_rate_that_is_asked_for_during_validation_is_that_of_the_next_epoch(tmp_path):
    outcome, steering = trained(tmp_path, {LOOKS: [Wish(learning_rate=0.001)]})
    assert steering.kept == [Change(2, 0, learning_rate=0.001)]
    assert rates(outcome) == [0.01, 0.001, 0.001]


def test_epochs_are_added_and_taken_away_but_not_those_that_have_begun(tmp_path):
    outcome, steering = trained(tmp_path, {1: [Wish(epochs=5)], LOOKS + 1: [Wish(epochs=1)]})
    assert steering.kept == [Change(1, 1, epochs=5, was=3), Change(2, 1, epochs=2, was=5)]
    assert len(outcome.rows) == 2
    assert not outcome.is_stopped


def test_it_is_extended_while_its_last_epoch_is_validated(tmp_path):
    outcome, steering = trained(tmp_path, {LOOKS: [Wish(epochs=2)]}, replace(PLAN, epochs=1))
    assert steering.kept == [Change(2, 0, epochs=2, was=1)]
    assert len(outcome.rows) == 2


def test_stop_keeps_the_best(tmp_path):
    outcome, _ = trained(tmp_path, {LOOKS + 2: [Wish(stop=True)]})
    assert outcome.is_stopped
    assert [row["epoch"] for row in outcome.rows] == [1]
    assert (tmp_path / fit.BEST).is_file()


@needs_cpu
def test_a_pause_changes_nothing_that_is_computed(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(helm, "PAUSE_SECONDS", 0)
    report = ListReporter()
    outcome, steering = trained(tmp_path, {2: [Wish(pause=True)], 5: [Wish(pause=False)]}, report=report)
    assert figures(outcome) == figures(plain[0])
    assert same_weights(tmp_path, plain[1])
    assert steering.kept == []
    waiting = [text for _, _, text in report.progresses if text.endswith(PAUSED)]
    assert waiting == [f"epoch 1 of 3 · {PAUSED}"] * 3
    assert 0 < outcome.paused < 60
    done = [done for done, _, _ in report.progresses]
    assert done == sorted(done)


def test_what_waits_can_be_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(helm, "PAUSE_SECONDS", 0)
    report = CancelWhen(lambda text: text.endswith(PAUSED))
    outcome, _ = trained(tmp_path, {LOOKS + 1: [Wish(pause=True)]}, report=report)
    assert outcome.is_stopped
    with pytest.raises(Cancelled):
        trained(tmp_path / "early", {1: [Wish(pause=True)]}, report=CancelWhen(lambda text: text.endswith(PAUSED)))


STEERED = {LOOKS + 1: [Wish(learning_rate=0.004)], LOOKS + 2: [Wish(epochs=4)], 3 * LOOKS: [Wish(learning_rate=0.02)]}
"""Two changes within epoch 2, one of them of its length, and a rate before epoch 4."""


@needs_cpu
def test_what_was_steered_ends_as_if_never_interrupted(tmp_path):
    plan = replace(PLAN, schedule=Schedule("cosine"))
    whole, steering = trained(tmp_path / "whole", STEERED, plan)
    assert [change.place for change in steering.kept] == [(2, 1), (2, 2), (4, 0)]
    assert len(whole.rows) == 4
    # Killed within epoch 2, after both changes: it is done again, and they are made again where they were made.
    pieces = Script(STEERED)
    report = CancelWhen(lambda _: len(pieces.kept) == 2)
    (tmp_path / "pieces").mkdir()
    stopped = fit.fit(network(), TRAIN, VAL, plan, tmp_path / "pieces", report, steering=pieces)
    assert [row["epoch"] for row in stopped.rows] == [1]
    longer = replace(plan, epochs=4)  # as the run's options say by now
    asked = {2 * LOOKS: [Wish(learning_rate=0.02)]}
    # Then once more before epoch 4, when all is decided.
    for wishes, until in ((asked, lambda text: text.startswith("epoch 4")), ({}, lambda text: False)):
        pieces = Script(wishes, pieces.kept)
        report = CancelWhen(until)
        resumed = fit.resume(TRAIN, VAL, longer, tmp_path / "pieces", report, "float32", steering=pieces)
    assert figures(resumed) == figures(whole)
    assert same_weights(tmp_path / "pieces", tmp_path / "whole")
    assert pieces.kept == steering.kept


@needs_cpu
def test_what_is_asked_anew_after_going_back_holds_in_place_of_what_had_been_asked(tmp_path):
    steering = Script({LOOKS + 2: [Wish(learning_rate=0.5)]})
    report = CancelWhen(lambda _: bool(steering.kept))
    fit.fit(network(), TRAIN, VAL, PLAN, tmp_path, report, steering=steering)
    again = Script({1: [Wish(learning_rate=0.001)]}, steering.kept)
    outcome = fit.resume(TRAIN, VAL, PLAN, tmp_path, ListReporter(), "float32", steering=again)
    assert rates(outcome) == [0.01, 0.001, 0.001]
