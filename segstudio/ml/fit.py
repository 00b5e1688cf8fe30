"""Training: compile, epochs, checkpoints, resume. One page, read from top to bottom.

    for every epoch:
        fit its batches         -> progress at every step, where Cancelled may come out
        evaluate on validation
        save best.keras when the validation IoU rose, last.keras (with the optimizer), metrics.csv

A run that was stopped or killed goes on from last.keras; see `resume`.
"""

import csv
import io
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from segstudio.augmentation.augmenter import Augmenter
from segstudio.core.errors import UserError
from segstudio.core.files import write_atomically
from segstudio.core.reporter import Cancelled, Reporter
from segstudio.ml.data import Pairs, batches_in_order, batches_of_epoch
from segstudio.ml.network import load_network, read_attachment, save_network, weights_digest

BEST, LAST, METRICS = "best.keras", "last.keras", "metrics.csv"

Row = dict[str, Any]
"""One line of metrics.csv: the epoch (int) and its figures (float)."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        epochs: How many times all pairs are seen, those before a resume included.
        batch: Images per step.
        learning_rate: Of Adam, in the first epoch.
        is_decaying: Whether the rate falls to nearly nothing along half a cosine, epoch by epoch.
        seed: Of the order of images and of their augmentation.
        augmenter: What is done to the images to learn from, anew each time; never to those that validate.
        images_per_epoch: How many images make an epoch, so that more images need not mean more steps; all of them once
            when None.
    """

    epochs: int
    batch: int
    learning_rate: float
    is_decaying: bool
    seed: int
    augmenter: Augmenter | None = None
    images_per_epoch: int | None = None

    def images(self, train: Pairs) -> int:
        """How many images an epoch learns from."""
        return self.images_per_epoch or len(train)

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch: from its number alone, so that a resumed run has the same."""
        done = (epoch - 1) / self.epochs if self.is_decaying else 0.0
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        rows: The figures of every epoch; epoch 0 is before training, when that was measured.
        best: The row of the best epoch: highest validation IoU, at a tie lowest validation loss. It is epoch 0 when
            fine-tuning made nothing better; the weights are then those it began with.
        is_stopped: Whether the user stopped it before the last epoch.
        batch: Images per step at the end; smaller than planned when memory ran out.
        initial: sha256 of the weights it began with; empty when resumed.
    """

    rows: list[Row]
    best: Row
    is_stopped: bool
    batch: int
    initial: str = ""


def fit(network: keras.Model, train: Pairs, val: Pairs, plan: Plan, folder: Path, report: Reporter,
        *, has_baseline: bool = False) -> Outcome:  # fmt: skip
    """Train `network`, which `prepare` has prepared, and keep its checkpoints and metrics in `folder`.

    Args:
        network: Fresh or fine-tuned weights.
        train: Pairs to learn from; at least one.
        val: Pairs to choose the best epoch by; at least one.
        plan: How.
        folder: The run's folder.
        report: Hears of every step and epoch.
        has_baseline: Whether to measure the network before training, as epoch 0.

    Raises:
        Cancelled: When the user stopped it before the first epoch was done.
        UserError: When the loss is no longer a number, or not even one image fits into memory.
    """
    compile_network(network, plan.learning_rate)
    initial = weights_digest(network)
    rows: list[Row] = []
    if has_baseline:
        rows.append({"epoch": 0, **_validated(network, train, val, plan, report, epoch=0)})
        save_network(network, folder / BEST, with_optimizer=False)  # until an epoch is better
        _publish(rows, folder, report)
    return replace(_epochs(network, train, val, plan, folder, report, rows), initial=initial)


def resume(train: Pairs, val: Pairs, plan: Plan, folder: Path, report: Reporter, precision: str) -> Outcome:
    """Go on with a run that was stopped or killed, from its last whole epoch; see `fit`.

    Raises:
        UserError: When there is nothing to go on from.
    """
    network = load_network(folder / LAST, precision)
    # The checkpoint says itself how far it is: the process may have died between writing it and metrics.csv.
    progress = read_attachment(folder / LAST)
    report.log(f"resumed after epoch {progress['rows'][-1]['epoch']} of {plan.epochs}")
    plan = replace(plan, batch=progress["batch"])
    return _epochs(network, train, val, plan, folder, report, progress["rows"])


def compile_network(network: keras.Model, learning_rate: float) -> None:
    """The loss, the optimizer and the metrics of every training."""
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.BinaryCrossentropy(),
        metrics=[
            keras.metrics.BinaryAccuracy(name="accuracy"),
            keras.metrics.BinaryIoU(name="binary_iou"),
            keras.metrics.BinaryIoU(target_class_ids=[1], name="iou"),
        ],
        jit_compile=False,  # XLA makes this a quarter as fast on a CPU (measured), and traces for a minute
    )


def _epochs(network: keras.Model, train: Pairs, val: Pairs, plan: Plan, folder: Path, report: Reporter,
            rows: list[Row]) -> Outcome:  # fmt: skip
    is_stopped = False
    try:
        for epoch in range(rows[-1]["epoch"] + 1 if rows else 1, plan.epochs + 1):
            row, plan = _one_epoch(network, train, val, plan, report, epoch)
            rows = [*rows, row]
            if row is _best(rows):
                save_network(network, folder / BEST, with_optimizer=False)
            save_network(network, folder / LAST, with_optimizer=True, attachment={"rows": rows, "batch": plan.batch})
            _publish(rows, folder, report)
    except Cancelled:
        is_stopped = True
    if not rows or rows[-1]["epoch"] == 0:
        raise Cancelled
    best = _best(rows)
    report.artifact(folder / BEST)
    return Outcome(rows, best, is_stopped, plan.batch)


def _one_epoch(network: keras.Model, train: Pairs, val: Pairs, plan: Plan, report: Reporter, epoch: int
               ) -> tuple[Row, Plan]:  # fmt: skip
    """The figures of one epoch, and the plan with the batch that fits into memory."""
    network.optimizer.learning_rate = plan.rate(epoch)
    while True:
        images, failures = plan.images(train), list[UserError]()
        steps = _Steps(report, plan, epoch, 0, _share_of_training(images, val), images)
        batches = batches_of_epoch(
            train, plan.batch, seed=plan.seed, epoch=epoch, augmenter=plan.augmenter, images=images, failures=failures
        )
        try:
            logs = network.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=[steps]).history
            row = {"epoch": epoch, **{name: float(values[0]) for name, values in logs.items()}}
            row |= _validated(network, train, val, plan, report, epoch)
            break
        except tf.errors.ResourceExhaustedError:
            if plan.batch == 1:
                raise UserError("not even one image fits into memory", "choose a smaller size") from None
            plan = replace(plan, batch=plan.batch // 2)
            report.log(f"out of memory: going on with batches of {plan.batch}")
        except tf.errors.OpError:
            if failures:  # in the words of whoever could not augment, instead of TensorFlow's
                raise failures[0] from None
            raise
    row["learning_rate"] = plan.rate(epoch)
    row["images_per_second"] = steps.images_per_second
    return row, plan


def _validated(network: keras.Model, train: Pairs, val: Pairs, plan: Plan, report: Reporter, epoch: int) -> Row:
    start = _share_of_training(plan.images(train), val) if epoch else 0.0
    steps = _Steps(report, plan, epoch, start, 1 - start, len(val))
    logs = network.evaluate(batches_in_order(val, plan.batch), verbose=0, return_dict=True, callbacks=[steps])
    return {f"val_{name}": float(value) for name, value in logs.items()}


def _share_of_training(images: int, val: Pairs) -> float:
    # A step of training costs about three of validation: forwards, and backwards twice that.
    return 3 * images / (3 * images + len(val))


class _Steps(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the reporter of every step of one pass over images, which is a share of an epoch.

    Cancelled comes out of it, and a UserError when the loss is no number any more.
    """

    def __init__(self, report: Reporter, plan: Plan, epoch: int, start: float, share: float, images: int) -> None:
        super().__init__()
        self._report = report
        self._plan = plan
        self._epoch = epoch
        self._start = start
        self._share = share
        self._images = images
        self._rate_from = (time.perf_counter(), 0)
        self.images_per_second = 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Report one step of training."""
        done = min((batch + 1) * self._plan.batch, self._images)
        began, before = self._rate_from
        self.images_per_second = (done - before) / (time.perf_counter() - began)
        if batch == 0:
            self._rate_from = (time.perf_counter(), done)  # the first step traces the network: it is not the rate
        if logs and not math.isfinite(logs["loss"]):
            raise UserError(
                f"the loss is no longer a number in epoch {self._epoch}",
                "lower the learning rate; the best weights so far are kept",
            )
        self._progress(done, f"{self.images_per_second:.3g} img/s")

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Report one step of validation."""
        self._progress(min((batch + 1) * self._plan.batch, self._images), "validation")

    def _progress(self, done: int, text: str) -> None:
        epochs = self._plan.epochs
        whole = max(0, self._epoch - 1) + (self._start + self._share * done / self._images if self._epoch else 0.0)
        when = f"epoch {self._epoch} of {epochs}" if self._epoch else "before training"
        self._report.progress(whole, epochs, f"{when} · {text}")


def _best(rows: list[Row]) -> Row:
    """The first of the best rows; without any truth in the validation masks the loss alone decides.

    Epoch 0 takes part: fine-tuning that makes nothing better leaves the weights that it began with.
    """
    return max(rows, key=lambda row: (row["val_iou"], -row["val_loss"]))


def _publish(rows: list[Row], folder: Path, report: Reporter) -> None:
    """Write metrics.csv anew, whole, and tell the reporter of its last row."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[-1]))
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(folder / METRICS, text.getvalue().encode("utf-8"))
    figures = {name: value for name, value in rows[-1].items() if name != "epoch"}
    report.metric(rows[-1]["epoch"], **figures)
