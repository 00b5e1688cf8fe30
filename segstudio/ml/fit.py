"""Training: compile, epochs, checkpoints, resume. One page, read from top to bottom.

    for every epoch, until the last one or until the schedule says that it is enough:
        fit its batches         -> progress at every step, where Cancelled may come out, and where it is steered
        evaluate on validation
        save losses.npz, best.keras when its weights are to be kept, last.keras (with the optimizer), metrics.csv

Which weights are kept is a choice (`Plan.keep`): those of the epoch with the highest validation IoU; those of the last
epoch; or a moving average over the steps, see ml/averaging.py. With an average it is that which validates and is shown,
while training goes on from the network's own weights; last.keras has both.

The figures of an epoch, of training and of validation (`val_`), are those of Keras over all pixels of the split: loss,
accuracy, binary_iou (mean of both classes), iou (foreground). dice is that of the foreground by the same counts,
2 IoU / (1 + IoU), which is what core.metrics.Counts gives for added counts. While it is learnt from, a split is
measured batch by batch with the weights of that moment. learning_rate is the rate at the end of the epoch, memory_mib
what the process takes then, gpu_memory_mib the most that it has taken of a GPU.

A run that was stopped or killed goes on from last.keras; see `resume`. With two phases the optimizer begins anew with
the second: it has more weights to move then, and moments of the first would belong to steps of another size. So nothing
but the weights crosses the boundary, and a run that was killed there goes on exactly, too.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import psutil
import tensorflow as tf

from segstudio.augmentation.augmenter import Augmenter
from segstudio.core.advice import NOT_A_NUMBER, advice
from segstudio.core.epoch_table import METRICS, save_epochs
from segstudio.core.errors import UserError
from segstudio.core.labels import Weighing
from segstudio.core.reporter import Cancelled, Reporter
from segstudio.core.steering import Steering, Unsteered
from segstudio.core.wording import rate_text
from segstudio.ml.averaging import WeightAverage
from segstudio.ml.data import ALIKE, Pairs, Pictures, batches_in_order, batches_of_epoch
from segstudio.ml.helm import Helm
from segstudio.ml.measures import measures
from segstudio.ml.memory import is_exhausted
from segstudio.ml.network import load_network, read_arrays, read_attachment, save_network, weights_digest
from segstudio.ml.objective import EQUAL, ClassWeights, objective
from segstudio.ml.sample_losses import SampleLosses
from segstudio.ml.schedule import Row, Schedule, kept_row

BEST, LAST = "best.keras", "last.keras"

Watcher = Callable[[keras.Model, Row], None]
"""Is shown the network and its figures after every epoch; must change neither."""

MIB = 2**20


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        epochs: How many times all pairs are seen, those before a resume included.
        batch: Images per step.
        learning_rate: Of Adam, before the schedule changes it.
        schedule: How it changes, when training ends early, and which epochs keep the encoder.
        seed: Of the order of images and of their augmentation.
        augmenter: What is done to the images to learn from, anew each time; never to those that validate.
        images_per_epoch: How many images make an epoch, so that more images need not mean more steps; all of them once
            when None.
        loss: Name of what is made small.
        weights: What pixels count in it by their class.
        clipping: No step follows a gradient longer than this (the norm over all weights); any when 0.
        frozen: Names of the layers that the schedule's first phase keeps and its second one trains.
        weighing: What pixels count in the loss while it is made small, by what a person has done there.
        has_ignored: Whether some pixels, to learn from or to validate by, are not to be looked at.
        is_weighted: Whether `weighing` makes a difference to any pixel.
        keep: Which weights are kept: "best", "last" or "average".
        averaged_epochs: Over how many epochs the average reaches back, about.
    """

    epochs: int
    batch: int
    learning_rate: float
    seed: int
    schedule: Schedule = field(default_factory=Schedule)
    augmenter: Augmenter | None = None
    images_per_epoch: int | None = None
    loss: str = "bce"
    weights: ClassWeights = EQUAL
    clipping: float = 0.0
    frozen: tuple[str, ...] = ()
    weighing: Weighing = ALIKE
    has_ignored: bool = False
    is_weighted: bool = False
    keep: str = "best"
    averaged_epochs: float = 3.0

    def for_pairs(self, train: Pictures, val: Pairs | None = None) -> "Plan":
        """The same plan with what the labels of these pairs tell."""
        has_ignored = train.has_ignored or (val is not None and val.has_ignored)
        return replace(self, has_ignored=has_ignored, is_weighted=train.needs(self.weighing))

    def images(self, train: Pictures) -> int:
        """How many images an epoch learns from."""
        return self.images_per_epoch or len(train)

    def with_phases(self, frozen: Iterable[str]) -> "Plan":
        """The same plan for a network that has these layers to keep in a first phase; without any there is none."""
        names = tuple(frozen)
        schedule = self.schedule if names else replace(self.schedule, frozen_epochs=0)
        return replace(self, frozen=names, schedule=schedule)

    def rate(
        self, epoch: int, rows: list[Row], epochs: int | None = None, by_hand: tuple[int, float] | None = None
    ) -> float:
        """The learning rate of an epoch after these rows, when so many are planned; see Schedule.rate."""
        return self.schedule.rate(epoch, epochs or self.epochs, self.learning_rate, rows, by_hand)


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        rows: The figures of every epoch; epoch 0 is before training, when that was measured.
        best: The row of the epoch whose weights are kept. Of "best" that is the one with the highest validation IoU,
            at a tie the lowest validation loss; it is epoch 0 when fine-tuning made nothing better: the weights are
            then those it began with. Else it is the last one.
        is_stopped: Whether the user stopped it before the last epoch.
        batch: Images per step at the end; smaller than planned when memory ran out.
        initial: sha256 of the weights it began with; empty when resumed.
        ended: Why it ended before its last epoch although nobody stopped it; else empty.
        paused: Seconds that it waited because a person wanted it to.
    """

    rows: list[Row]
    best: Row
    is_stopped: bool
    batch: int
    initial: str = ""
    ended: str = ""
    paused: float = 0.0


def fit(network: keras.Model, train: Pictures, val: Pairs, plan: Plan, folder: Path, report: Reporter,
        *, has_baseline: bool = False, steering: Steering | None = None,
        watchers: Sequence[Watcher] = ()) -> Outcome:  # fmt: skip
    """Train `network`, which `prepare` has prepared, and keep its checkpoints and metrics in `folder`.

    Args:
        network: Fresh or fine-tuned weights.
        train: Pictures to learn from; at least one.
        val: Pairs to choose the best epoch by; at least one.
        plan: How.
        folder: The run's folder.
        report: Hears of every step and epoch.
        has_baseline: Whether to measure the network before training, as epoch 0.
        steering: What is asked of it meanwhile; nothing can be when None.
        watchers: Are shown the network after every epoch.

    Raises:
        Cancelled: When the user stopped it before the first epoch was done.
        UserError: When the loss is no longer a number, or not even one image fits into memory.
    """
    plan = plan.with_phases(plan.frozen).for_pairs(train, val)
    compile_for(network, plan, epoch=1)
    initial = weights_digest(network)
    helm = Helm(plan, steering or Unsteered(), report)
    rows: list[Row] = []
    if has_baseline:
        rows.append({"epoch": 0, **_validated(network, train, val, helm, report, epoch=0)})
        save_network(network, folder / BEST, with_optimizer=False)  # until an epoch is better
        _publish(rows, folder, report)
        for watch in watchers:
            watch(network, rows[0])
    keeper = Keeper(network, plan)
    return replace(_epochs(network, train, val, helm, folder, report, rows, watchers, keeper), initial=initial)


def resume(train: Pictures, val: Pairs, plan: Plan, folder: Path, report: Reporter, precision: str,
           *, steering: Steering | None = None, watchers: Sequence[Watcher] = ()) -> Outcome:  # fmt: skip
    """Go on with a run that was stopped or killed, from its last whole epoch; see `fit`.

    Raises:
        UserError: When there is nothing to go on from.
    """
    network = load_network(folder / LAST, precision)
    # The checkpoint says itself how far it is: the process may have died between writing it and metrics.csv.
    progress = read_attachment(folder / LAST)
    report.log(f"resumed after epoch {progress['rows'][-1]['epoch']} of {plan.epochs}")
    plan = replace(plan, batch=progress["batch"]).with_phases(progress.get("frozen", ()))
    plan = plan.for_pairs(train, val)
    helm = Helm(plan, steering or Unsteered(), report)
    keeper = Keeper(network, plan)
    keeper.restore(folder / LAST)
    return _epochs(network, train, val, helm, folder, report, progress["rows"], watchers, keeper)


class Keeper:
    """Knows which weights of a training are kept, and has them where they are not the network's own."""

    def __init__(self, network: keras.Model, plan: Plan) -> None:
        self._keep = plan.keep
        self._average = WeightAverage(network) if plan.keep == "average" else None

    def shown(self) -> AbstractContextManager[None]:
        """Within it the network has the weights that would be kept."""
        return nullcontext() if self._average is None else self._average.shown()

    def callbacks(self, plan: Plan, images: int) -> list[keras.callbacks.Callback]:
        """What follows an epoch of so many images."""
        if self._average is None:
            return []
        self._average.window = plan.averaged_epochs * -(-images // plan.batch)
        return [self._average]

    def row(self, rows: Sequence[Row]) -> Row:
        """The row of the epoch whose weights are kept after these."""
        return kept_row(rows, self._keep)

    def to_arrays(self) -> dict[str, np.ndarray] | None:
        """What a checkpoint must have to go on from; None when nothing."""
        return None if self._average is None else self._average.to_arrays()

    def restore(self, checkpoint: Path) -> None:
        """Go on from a checkpoint; UserError when it lacks what is needed."""
        if self._average is not None:
            try:
                self._average.restore(read_arrays(checkpoint))
            except (KeyError, ValueError, OSError) as error:
                raise UserError(f"{checkpoint} has no average of weights to go on with", "train anew") from error


def compile_network(
    network: keras.Model,
    learning_rate: float,
    loss: keras.losses.Loss | None = None,
    clipping: float = 0.0,
    *,
    has_ignored: bool = False,
) -> None:
    """The loss, the optimizer and the metrics of every training.

    Args:
        network: What to compile.
        learning_rate: Of Adam.
        loss: See `objective`; cross-entropy when None.
        clipping: The longest gradient that a step follows; any when 0.
        has_ignored: Whether the truth may be 2, for pixels that are not measured.
    """
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate, global_clipnorm=clipping or None),
        loss=loss or objective("bce"),
        metrics=measures(has_ignored=has_ignored),
        jit_compile=False,  # XLA makes this a quarter as fast on a CPU (measured), and traces for a minute
    )
    # A graph that has to make the optimizer's variables is built twice over: with them, and once more without.
    network.optimizer.build(network.trainable_variables)


def compile_for(network: keras.Model, plan: Plan, epoch: int) -> None:
    """Compile for an epoch: its phase keeps the encoder or frees it, with an optimizer that knows nothing yet."""
    is_kept = plan.schedule.phase_of(epoch) == 1
    for name in plan.frozen:
        network.get_layer(name).trainable = not is_kept
    loss = objective(plan.loss, plan.weights, has_ignored=plan.has_ignored, is_weighted=plan.is_weighted)
    compile_network(network, plan.rate(epoch, []), loss, plan.clipping, has_ignored=plan.has_ignored)


def _epochs(network: keras.Model, train: Pictures, val: Pairs, helm: Helm, folder: Path, report: Reporter,
            rows: list[Row], watchers: Sequence[Watcher], keeper: Keeper) -> Outcome:  # fmt: skip
    is_stopped, ended, noticed = False, helm.plan.schedule.end(rows), ""
    epoch = rows[-1]["epoch"] if rows else 0
    losses = SampleLosses(train, helm.plan.loss, folder)
    clock = _Clock(helm)
    try:
        while epoch < helm.plan.epochs and not ended:
            epoch += 1
            if helm.plan.frozen and epoch == helm.plan.schedule.frozen_epochs + 1:
                rate = rate_text(helm.plan.rate(epoch, rows))
                report.log(f"the encoder learns too from epoch {epoch} on, at a rate of {rate}")
                compile_for(network, helm.plan, epoch)
            row = _one_epoch(network, train, val, helm, report, epoch, rows, losses, keeper)
            row["epoch_seconds"] = clock.lap()
            rows = [*rows, row]
            losses.save(helm.plan.seed, epoch, helm.plan.images(train))
            if row is keeper.row(rows):
                with keeper.shown():
                    save_network(network, folder / BEST, with_optimizer=False)
            progress = {"rows": rows, "batch": helm.plan.batch, "frozen": helm.plan.frozen}
            arrays = keeper.to_arrays()
            save_network(network, folder / LAST, with_optimizer=True, attachment=progress, arrays=arrays)
            _publish(rows, folder, report)
            with keeper.shown():
                for watch in watchers:
                    watch(network, row)
            noticed = _advise(rows, noticed, report)
            ended = helm.plan.schedule.end(rows)
    except Cancelled:
        is_stopped = True
    if not rows or rows[-1]["epoch"] == 0:
        raise Cancelled
    if ended:
        report.log(ended)
    report.artifact(folder / BEST)
    return Outcome(rows, keeper.row(rows), is_stopped, helm.plan.batch, ended=ended, paused=helm.paused)


class _Clock:
    """Tells how long each epoch took, with what was saved and shown after the one before; a pause does not count."""

    def __init__(self, helm: Helm) -> None:
        self._helm = helm
        self._since = time.perf_counter() - helm.paused

    def lap(self) -> float:
        """Seconds since the last lap."""
        before, self._since = self._since, time.perf_counter() - self._helm.paused
        return self._since - before


def _advise(rows: list[Row], noticed: str, report: Reporter) -> str:
    """What is wrong now, logged when it was not so before."""
    found = advice(rows)
    if found is not None and found.kind != noticed:
        report.log(f"{found.message} {found.help}")
    return found.kind if found else ""


def _one_epoch(network: keras.Model, train: Pictures, val: Pairs, helm: Helm, report: Reporter, epoch: int,
               rows: list[Row], losses: SampleLosses, keeper: Keeper) -> Row:  # fmt: skip
    """The figures of one epoch after these rows; the helm's plan gets the batch that fits into memory."""
    while True:
        helm.begin_epoch(network, epoch, rows)
        plan, failures = helm.plan, list[UserError]()
        images = plan.images(train)
        is_first = network.train_function is None  # since it was compiled
        steps = _Steps(report, helm, epoch, 0, _share_of_training(images, val), images, is_first=is_first)
        batches = batches_of_epoch(
            train, plan.batch, seed=plan.seed, epoch=epoch, augmenter=plan.augmenter, images=images, failures=failures,
            weighing=plan.weighing,
        )  # fmt: skip
        try:
            watching = [*keeper.callbacks(plan, images), losses, steps]
            logs = network.fit(batches, epochs=1, shuffle=False, verbose=0, callbacks=watching).history
            row = {"epoch": epoch, **_with_dice({name: float(values[0]) for name, values in logs.items()})}
            rate = helm.rate
            with keeper.shown():
                row |= _validated(network, train, val, helm, report, epoch)
            break
        except tf.errors.OpError as error:
            if failures:  # in the words of whoever could not augment, instead of TensorFlow's
                raise failures[0] from None
            if not is_exhausted(error):
                raise
            if plan.batch == 1:
                raise UserError("not even one image fits into memory", "choose a smaller size") from None
            helm.plan = replace(helm.plan, batch=plan.batch // 2)
            report.log(f"out of memory: going on with batches of {helm.plan.batch}")
    row["learning_rate"] = rate
    row["images_per_second"] = steps.images_per_second
    return row | _memory()


def _validated(network: keras.Model, train: Pictures, val: Pairs, helm: Helm, report: Reporter, epoch: int) -> Row:
    start = _share_of_training(helm.plan.images(train), val) if epoch else 0.0
    is_first = network.test_function is None  # since it was compiled
    steps = _Steps(report, helm, epoch, start, 1 - start, len(val), is_first=is_first)
    batches = batches_in_order(val, helm.plan.batch)
    logs = network.evaluate(batches, verbose=0, return_dict=True, callbacks=[steps])
    return {f"val_{name}": value for name, value in _with_dice({k: float(v) for k, v in logs.items()}).items()}


def _with_dice(figures: dict[str, float]) -> dict[str, float]:
    """The same with the Dice coefficient of the foreground, by the counts that its IoU was computed from."""
    return figures | {"dice": 2 * figures["iou"] / (1 + figures["iou"])}


def _memory() -> dict[str, float]:
    """What this process takes now, and the most that it has taken of the GPU, if there is one."""
    memory = {"memory_mib": psutil.Process().memory_info().rss / MIB}
    if tf.config.list_logical_devices("GPU"):
        memory["gpu_memory_mib"] = tf.config.experimental.get_memory_info("GPU:0")["peak"] / MIB
    return memory


def _share_of_training(images: int, val: Pairs) -> float:
    # A step of training costs about three of validation: forwards, and backwards twice that.
    return 3 * images / (3 * images + len(val))


class _Steps(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells the reporter of every step of one pass over images, which is a share of an epoch, and lets it be steered.

    Cancelled comes out of it, and a UserError when the loss is no number any more.
    """

    def __init__(
        self, report: Reporter, helm: Helm, epoch: int, start: float, share: float, images: int,
        *, is_first: bool = False,
    ) -> None:  # fmt: skip
        """Steps of an epoch.

        Args:
            report: Hears of them.
            helm: Steers the training.
            epoch: Its number; 0 is before training.
            start: How much of the epoch is done before, 0 to 1.
            share: How much of it they are.
            images: How many there are in all of them.
            is_first: Whether the first of them has to build the graph.
        """
        super().__init__()
        self._report = report
        self._helm = helm
        self._batch = helm.plan.batch
        self._epoch = epoch
        self._start = start
        self._share = share
        self._images = images
        self._is_first = is_first
        self._rate_from = (time.perf_counter(), 0)
        self.images_per_second = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Say what takes so long now."""
        self._begin("building the graph")

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Say what takes so long now."""
        self._begin("building the graph of validation")

    def _begin(self, text: str) -> None:
        if self._is_first:
            self._report.pace(is_even=False)
            self._progress(0, text)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Report one step of training."""
        done = min((batch + 1) * self._batch, self._images)
        began, before = self._rate_from
        self.images_per_second = (done - before) / (time.perf_counter() - began)
        if batch == 0:
            self._rate_from = (time.perf_counter(), done)  # the first step traces the network: it is not the rate
            if self._is_first:
                self._report.pace(is_even=True)
        if logs and not math.isfinite(logs["loss"]):
            raise UserError(
                f"{NOT_A_NUMBER} in epoch {self._epoch}",
                "lower the learning rate; the best weights so far are kept",
            )
        self._progress(done, f"{self.images_per_second:.3g} img/s")
        paused = self._helm.paused
        self._helm.heed(self.model, (self._epoch, batch + 1), lambda words: self._progress(done, words))
        began, before = self._rate_from
        self._rate_from = (began + self._helm.paused - paused, before)  # it did not learn meanwhile

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Report one step of validation."""
        done = min((batch + 1) * self._batch, self._images)
        if batch == 0 and self._is_first:
            self._report.pace(is_even=True)
        self._progress(done, "validation")
        # No step is under way: what is changed now is changed before the first one of the next epoch.
        self._helm.heed(self.model, (self._epoch + 1, 0), lambda words: self._progress(done, words))

    def _progress(self, done: int, text: str) -> None:
        epochs = self._helm.plan.epochs
        whole = max(0, self._epoch - 1) + (self._start + self._share * (done / self._images) if self._epoch else 0.0)
        when = f"epoch {self._epoch} of {epochs}" if self._epoch else "before training"
        self._report.progress(whole, epochs, f"{when} · {text}")


def _publish(rows: list[Row], folder: Path, report: Reporter) -> None:
    """Write metrics.csv anew, whole, and tell the reporter of its last row."""
    save_epochs(rows, folder / METRICS)
    figures = {name: value for name, value in rows[-1].items() if name != "epoch"}
    report.metric(rows[-1]["epoch"], **figures)
