"""The loss of every sample in every epoch of a training, from the predictions of the training itself.

The batches come in an order that is known beforehand (`visits`), so that a vector of losses a step is enough: nothing
is predicted a second time, and the losses of a batch are a few additions beside a training step. It is the loss of an
image as it was augmented, by the weights of that moment, without weights of classes and corrections: what is compared
is images. Where pixels are ignored they count nothing. Of copies and of several visits in an epoch the mean counts.
"""

import types
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from segstudio.core.errors import UserError
from segstudio.core.loss_table import NAME, LossTable, load_losses
from segstudio.losses import LOSSES
from segstudio.ml.data import Pictures, visits
from segstudio.ml.objective import without_ignored


class SampleLosses(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes down the loss of each image while it is learnt from; one object for a whole training.

    It watches the network compute its loss and changes nothing: weights, metrics and what is saved of the network are
    those of a training without it.
    """

    def __init__(self, train: Pictures, loss: str, folder: Path) -> None:
        """Go on with the file of the folder, if there is one.

        Args:
            train: What is learnt from.
            loss: Name of the loss.
            folder: Where losses.npz goes.
        """
        super().__init__()
        self._path = folder / NAME
        ids = np.array([row.sample for row in train.rows], np.int64)
        samples, self._column = np.unique(ids, return_inverse=True)
        self._table = _resumed(self._path, samples)
        self._function = LOSSES[loss]()
        # Of the last step: its length is that of a batch, and the last one of an epoch may be shorter.
        self._last = tf.Variable(np.zeros(0, np.float32), shape=(None,), trainable=False)
        self._found: list[np.ndarray] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Watch the network, and begin an epoch anew."""
        self._found = []
        if getattr(self.model, "_watched_by", None) is not self:
            self.model._watched_by = self
            self.model.compute_loss = types.MethodType(_watching(self._function, self._last), self.model)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Take down one step."""
        self._found.append(self._last.numpy())

    def save(self, seed: int, epoch: int, images: int) -> None:
        """Write down an epoch that was trained to its end.

        Args:
            seed: Of the order of images.
            epoch: Its number, from 1.
            images: How many images it saw.
        """
        values = np.concatenate(self._found) if self._found else np.empty(0, np.float32)
        rows, _ = visits(len(self._column), images, seed=seed, epoch=epoch)
        if len(values) != len(rows):
            return
        seen = np.bincount(self._column[rows], minlength=len(self._table.samples))
        summed = np.bincount(self._column[rows], weights=values, minlength=len(self._table.samples))
        with np.errstate(invalid="ignore"):
            self._table = self._table.with_epoch(epoch, (summed / seen).astype(np.float32))
        self._table.save(self._path)


def _watching(function: Any, last: tf.Variable) -> Any:
    """A network's `compute_loss` that leaves the loss of each image in `last` while it trains."""

    def compute_loss(
        self: keras.Model, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
        training: bool = True,
    ) -> Any:  # fmt: skip
        if training:
            truth, counted = without_ignored(y)
            probability = tf.stop_gradient(tf.cast(y_pred, tf.float32))
            last.assign(tf.stop_gradient(function.of_images(truth, probability, counted)))
        return type(self).compute_loss(self, x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)

    return compute_loss


def _resumed(path: Path, samples: np.ndarray) -> LossTable:
    empty = LossTable(samples, np.empty((0, len(samples)), np.float32))
    try:
        found = load_losses(path)
    except UserError:
        return empty
    return found if np.array_equal(found.samples, samples) else empty
