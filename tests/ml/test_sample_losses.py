"""The losses of samples: those that training itself has, of the right sample, and a training that does not notice."""

from dataclasses import replace

import numpy as np
import pytest

from segstudio.core.errors import UserError
from segstudio.core.loss_table import NAME, LossTable, load_losses
from segstudio.core.manifest import ManifestRow
from segstudio.core.reporter import ListReporter
from segstudio.core.suspicion import from_losses
from segstudio.ml import fit
from segstudio.ml.data import Pairs
from segstudio.ml.sample_losses import SampleLosses
from tests.ml.blobs import blob_pairs
from tests.ml.test_fit import VAL, CancelAt, needs_cpu, network, same_weights

WRONG = 6
"""The sample whose mask is inverted."""


def pairs_with_a_wrong_mask(count: int = 12) -> Pairs:
    """Pairs of which one contradicts the others, with ids that are not their places."""
    pairs = blob_pairs(count, seed=1)
    masks = pairs.masks.copy()
    masks[WRONG] ^= 1
    rows = [replace(row, sample=100 - number) for number, row in enumerate(pairs.rows)]
    return Pairs(pairs.images, masks, rows)


TRAIN = pairs_with_a_wrong_mask()
PLAN = fit.Plan(8, 4, learning_rate=0.02, seed=0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("losses")
    return fit.fit(network(), TRAIN, VAL, PLAN, folder, ListReporter()), folder


@pytest.mark.training
def test_the_mean_of_the_samples_is_what_training_says(whole):
    outcome, folder = whole
    table = load_losses(folder / NAME)
    assert table.samples.tolist() == sorted(row.sample for row in TRAIN.rows)
    assert table.losses.shape == (8, 12)
    np.testing.assert_allclose(table.losses.mean(1), [row["loss"] for row in outcome.rows], rtol=1e-4)


@pytest.mark.training
def test_the_sample_whose_mask_is_wrong_is_never_learnt(whole):
    _, folder = whole
    table = load_losses(folder / NAME)
    assert set(table.samples[table.losses[-3:].argmax(1)]) == {100 - WRONG}
    found = from_losses(table.losses, "run 0001")
    assert [table.samples[place] for place, one in enumerate(found) if one.score >= 0.5] == [100 - WRONG]


@needs_cpu
@pytest.mark.training
def test_a_training_does_not_notice_that_it_is_watched(whole, tmp_path, monkeypatch):
    _, folder = whole
    monkeypatch.setattr(SampleLosses, "on_train_begin", lambda self, logs=None: None)
    fit.fit(network(), TRAIN, VAL, PLAN, tmp_path, ListReporter())
    assert same_weights(folder / fit.LAST, tmp_path / fit.LAST)


@needs_cpu
@pytest.mark.training
def test_a_resumed_training_has_the_losses_of_one_that_was_not_stopped(whole, tmp_path):
    _, folder = whole
    fit.fit(network(), TRAIN, VAL, PLAN, tmp_path, CancelAt("epoch 5"))
    assert len(load_losses(tmp_path / NAME).losses) == 4
    fit.resume(TRAIN, VAL, PLAN, tmp_path, ListReporter(), "float32")
    np.testing.assert_array_equal(load_losses(tmp_path / NAME).losses, load_losses(folder / NAME).losses)


@pytest.mark.training
def test_copies_count_for_their_sample_and_what_an_epoch_leaves_out_is_unknown(tmp_path):
    pairs = blob_pairs(6, seed=1)
    rows = [
        ManifestRow(number // 2, f"{number}.png", "train", 0, "", "", "flip" if number % 2 else "")
        for number in range(6)
    ]
    plan = replace(PLAN, epochs=2, batch=2, images_per_epoch=3, loss="dice")
    fit.fit(network(), Pairs(pairs.images, pairs.masks, rows), VAL, plan, tmp_path, ListReporter())
    table = load_losses(tmp_path / NAME)
    assert table.samples.tolist() == [0, 1, 2]
    assert table.losses.shape == (2, 3)
    assert not np.isnan(table.losses).all(0).any()


def test_a_table_is_kept_whole_and_a_damaged_one_is_said(tmp_path):
    table = LossTable(np.array([3, 5]), np.empty((0, 2), np.float32))
    table = table.with_epoch(2, np.array([1, 2], np.float32)).with_epoch(3, np.array([3, 4], np.float32))
    table.save(tmp_path / NAME)
    found = load_losses(tmp_path / NAME)
    np.testing.assert_array_equal(found.losses, np.array([[np.nan, np.nan], [1, 2], [3, 4]], np.float32))
    # Going on from an earlier epoch drops what comes later.
    assert found.with_epoch(2, np.array([7, 8], np.float32)).losses[1:].tolist() == [[7, 8]]
    (tmp_path / NAME).write_bytes((tmp_path / NAME).read_bytes()[:40])
    with pytest.raises(UserError, match="cannot be read"):
        load_losses(tmp_path / NAME)
    with pytest.raises(UserError, match="cannot be read"):
        load_losses(tmp_path / "nowhere.npz")
