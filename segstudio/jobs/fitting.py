"""One network fitted to examples: the part of a training that knows no project, run and comparison alike.

TensorFlow is loaded when a function of this module is called, and not before.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segstudio.augmentation.augmenter import Augmenter
from segstudio.augmentation.recipe import Recipe
from segstudio.core.errors import UserError
from segstudio.core.labels import Weighing
from segstudio.core.manifest import load_manifest, save_manifest
from segstudio.core.options import checked
from segstudio.core.reporter import Phase, Reporter
from segstudio.core.steering import Steering
from segstudio.core.wording import count_text
from segstudio.jobs.presets import TrainOptions
from segstudio.models import MODELS, Model, Shape

if TYPE_CHECKING:
    import keras

    from segstudio.ml.data import Example, Pairs, Pictures
    from segstudio.ml.device import Device
    from segstudio.ml.fit import Outcome, Plan, Watcher
    from segstudio.ml.objective import ClassWeights
    from segstudio.ml.rate_finder import Sweep
    from segstudio.ml.schedule import Schedule

READING = 0.04
"""Share of the progress bar for reading images."""

MANIFEST = "manifest.csv"


def fit_network(
    model: str,
    options: TrainOptions,
    train: "list[Example]",
    val: "list[Example]",
    folder: Path,
    report: Reporter,
    *,
    cache: Path,
    recipe: Recipe | None,
    start: Path | None = None,
    is_resumed: bool = False,
    has_baseline: bool = False,
    images_per_epoch: int | None = None,
    steering: Steering | None = None,
    is_watched: bool = False,
    explain: Callable[[str, str], None] = lambda _option, _reason: None,
) -> "Outcome":
    """Fit a network to examples; the same arguments give the same network.

    Args:
        model: Name of the network.
        options: All options, those of the network included; `options.seed` settles fresh weights, order and
            augmentation.
        train: What to learn from.
        val: What to choose the best epoch by.
        folder: Gets best.keras, last.keras, metrics.csv and manifest.csv.
        report: Hears of everything.
        cache: Folder for the arrays when memory is too small for them; it is gone afterwards.
        recipe: What augments the images to learn from anew every epoch, when `options.augmentation` says so; or None.
        start: Weights to begin with, or None for fresh ones or those of ImageNet, as `options.start` says.
        is_resumed: Whether to go on from last.keras in `folder`.
        has_baseline: Whether to measure the network before training, as epoch 0.
        images_per_epoch: How many images make an epoch; all of them once when None.
        steering: What is asked of it meanwhile; nothing can be when None.
        is_watched: Whether `folder` gets pictures of the prediction of a few validation images, and, when the options
            say so, logs for TensorBoard.
        explain: Told the name of an option and why it has come to what it is, for what only the masks tell.

    Raises:
        UserError: When nothing can be read, memory is too small or the loss is no longer a number.
        Cancelled: When the user stopped it before the first epoch was done.
        ValueError: When an augmented copy would validate, or a sample that is learnt from too.
    """
    from segstudio.ml import fit
    from segstudio.ml.network import release

    _require_apart(train, val)
    report.pace(is_even=False)  # how fast images are read says nothing about how fast is learnt from them
    device, precision = computing_on(options)
    plan = _plan(options, recipe, report, images_per_epoch)
    kind = network_of(model, options)
    fitting = Phase(report, READING, 1 - READING)
    try:
        shape = _shape(kind, train)
        pairs = _pairs(options, train, val, shape, cache, folder / MANIFEST, report, is_resumed=is_resumed)
        plan = replace(plan, weights=_class_weights(options, pairs[0], report, explain))
        tell_of_donors(plan.augmenter, pairs[0], report)
        if options.crop:
            plan = replace(plan, images_per_epoch=plan.images(pairs[0]) * options.crops)
        watchers = _watchers(options, pairs[1], folder, fitting) if is_watched else []
        fitting.pace(is_even=False)
        fitting.progress(0, 1, "loading the last epoch" if is_resumed else "building the network")
        with device.scope():
            if is_resumed:
                return fit.resume(*pairs, plan, folder, fitting, precision, steering=steering, watchers=watchers)
            network = _network(kind, shape, options, precision, start)
            plan = replace(plan, frozen=_frozen(kind, network, options, report, is_fresh=start is None))
            return fit.fit(
                network, *pairs, plan, folder, fitting, has_baseline=has_baseline, steering=steering, watchers=watchers
            )
    finally:
        shutil.rmtree(cache, ignore_errors=True)
        release()


def tell_of_donors(augmenter: Augmenter | None, train: "Pictures", report: Reporter) -> None:
    """Note that a recipe takes from other images and there is nothing to take; it does no harm, but no good either."""
    if augmenter is not None and augmenter.wants_donors and not train.donors.names:
        reason = "nothing is taken from other images: none that is learnt from has any foreground"
        report.note(f"recipe {augmenter.recipe.name}", reason)


def _watchers(options: TrainOptions, val: "Pairs", folder: Path, report: Reporter) -> "list[Watcher]":
    """Those who are shown the network after every epoch."""
    from segstudio.ml.strip import Strip
    from segstudio.ml.tensorboard import TensorBoard

    strip = Strip(val, folder, report)
    return [strip, TensorBoard(folder)] if options.tensorboard else [strip]


def _schedule(options: TrainOptions) -> "Schedule":
    from segstudio.ml.schedule import Schedule

    return Schedule(
        kind=options.schedule,
        plateau=options.plateau,
        warm_up=options.warm_up,
        patience=options.patience,
        frozen_epochs=options.frozen_epochs,
        tuned_rate=options.tuned_rate,
    )


def _class_weights(
    options: TrainOptions,
    train: "Pictures",
    report: Reporter,
    explain: Callable[[str, str], None] = lambda _option, _reason: None,
) -> "ClassWeights":
    """What pixels count by their class, as `options.balance` says; the reason is logged."""
    from segstudio.ml.objective import EQUAL, balanced

    if options.balance == "none":
        return EQUAL
    weights, reason = balanced(options.loss, train.masks)
    report.log(f"balance: {reason}")
    explain("balance", reason)
    return weights


def _frozen(
    kind: Model[Any], network: "keras.Model", options: TrainOptions, report: Reporter, *, is_fresh: bool
) -> tuple[str, ...]:
    """The layers that the first phase keeps as they are; what becomes of it is logged."""
    if not options.frozen_epochs:
        return ()
    if is_fresh and options.start != "imagenet":
        report.log("frozen epochs are left out: an encoder that has learnt nothing yet must learn from the first epoch")
        return ()
    names = tuple(kind.encoder_layers(network))
    if not names:
        report.log("frozen epochs are left out: this network has no encoder that would learn afterwards")
        return ()
    report.log(
        f"the encoder stays as it is for {min(options.frozen_epochs, options.epochs)} of "
        f"{count_text(options.epochs, 'epoch')}"
    )
    return names


def find_rate(
    model: str,
    options: TrainOptions,
    train: "list[Example]",
    steps: int,
    report: Reporter,
    *,
    cache: Path,
    recipe: Recipe | None,
    start: Path | None = None,
) -> "Sweep":
    """Try ever larger learning rates on what a training would begin with; see `fit_network` for the arguments.

    Raises:
        UserError: When nothing can be read.
        Cancelled: When the user stopped it.
    """
    from segstudio.ml.network import release
    from segstudio.ml.rate_finder import sweep

    device, precision = computing_on(options)
    kind = network_of(model, options)
    # No more is decoded than is seen.
    needed = train[:: max(1, len(train) // (steps * options.batch))]
    try:
        shape = _shape(kind, train)
        pairs = _to_learn(options, needed, shape, cache, Phase(report, 0, 0.1))
        if not len(pairs):
            raise UserError("no image to learn from could be read", "see the Problems panel")
        plan = _plan(options, recipe, report)
        plan = replace(plan, weights=_class_weights(options, pairs, report))
        with device.scope():
            report.pace(is_even=False)
            report.progress(0.1, 1, "building the network")
            network = _network(kind, shape, options, precision, start)
            plan = plan.with_phases(_frozen(kind, network, options, report, is_fresh=start is None))
            return sweep(network, pairs, plan, Phase(report, 0.1, 0.9), steps)
    finally:
        shutil.rmtree(cache, ignore_errors=True)
        release()


def _plan(
    options: TrainOptions, recipe: Recipe | None, report: Reporter, images_per_epoch: int | None = None
) -> "Plan":
    """How to train, but for what only the masks and the network tell."""
    from segstudio.ml.fit import Plan

    return Plan(
        epochs=options.epochs,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
        schedule=_schedule(options),
        augmenter=_augmenter(options, recipe, report),
        images_per_epoch=images_per_epoch,
        loss=options.loss,
        clipping=options.clipping,
        weighing=Weighing(options.correction_weight, options.unreviewed_weight),
        keep=options.keep,
        averaged_epochs=options.averaged_epochs,
    )


def _require_apart(train: "list[Example]", val: "list[Example]") -> None:
    """What validates is neither augmented nor learnt from: whoever calls has seen to it, and a figure depends on it."""
    learnt = {sample for one in train for sample in (one.sample, *one.donors)}
    if leak := [one.image for one in val if one.recipe or one.sample in learnt]:
        raise ValueError(f"{leak[0]} cannot validate: it is augmented or learnt from")


def _augmenter(options: TrainOptions, recipe: Recipe | None, report: Reporter) -> Augmenter | None:
    """What augments images while they are learnt from, when that was asked for."""
    if recipe is None or recipe.is_empty or options.augmentation not in ("on-the-fly", "both"):
        return None
    report.log(f"augmenting anew every epoch by recipe {recipe.name}")
    return Augmenter(recipe)


def computing_on(options: TrainOptions) -> "tuple[Device, str]":
    """The device that `options` ask for, and the precision to compute in there; UserError when it is not there."""
    from segstudio.ml.device import choose_device

    device = choose_device(options.device)
    return device, device.precision if options.precision == "auto" else options.precision


def network_of(model: str, options: TrainOptions) -> Model[Any]:
    """The recipe of a network with its share of the options."""
    kind = MODELS[model]
    return kind(checked(kind.Options, options.model_dump(include=set(kind.Options.model_fields))))


def _shape(model: Model[Any], train: "list[Example]") -> Shape:
    """The shape of the network's input."""
    from segstudio.ml.data import are_grey

    size = model.options.size
    return size, size, model.channels(is_grey=are_grey(train))


def _to_learn(options: TrainOptions, train: "list[Example]", shape: Shape, cache: Path, report: Reporter) -> "Pictures":
    """What is learnt from, decoded: whole images at the network's size, or large ones to take crops of."""
    from segstudio.ml.crops import load_crops
    from segstudio.ml.data import load_pairs

    if options.crop:
        return load_crops(train, shape, options.crop, cache, report)
    return load_pairs(train, shape, cache, report)


def _pairs(
    options: TrainOptions, train: "list[Example]", val: "list[Example]", shape: Shape, cache: Path, manifest: Path,
    report: Reporter, *, is_resumed: bool,
) -> "tuple[Pictures, Pairs]":  # fmt: skip
    """Everything decoded, with the manifest written."""
    from segstudio.ml.crops import load_fixed_crops
    from segstudio.ml.data import load_pairs

    share = len(train) / (len(train) + len(val))
    reading = Phase(report, 0, READING)
    to_learn = _to_learn(options, train, shape, cache / "train", reading.part(0, share))
    if options.crop:
        to_validate = load_fixed_crops(val, shape, options.crop, cache / "val", reading.part(share, 1 - share))
    else:
        to_validate = load_pairs(val, shape, cache / "val", reading.part(share, 1 - share))
    if not len(to_learn) or not len(to_validate):
        raise UserError("no image to learn from or to validate by could be read", "see the notes of this run")
    rows = [*to_learn.rows, *dict.fromkeys(to_validate.rows)]  # an image validates by several crops
    if is_resumed and rows != load_manifest(manifest):
        report.log("some files are not what they were when the run began: it goes on, but not as it would have")
    else:
        save_manifest(rows, manifest)
    parts = f" in {len(to_validate)} crops of {options.crop} px" if options.crop else ""
    report.log(f"{count_text(len(to_learn), 'image')} to learn from, {len(rows) - len(to_learn)} to validate by{parts}")
    return to_learn, to_validate


def _network(
    model: Model[Any], shape: Shape, options: TrainOptions, precision: str, start: Path | None
) -> "keras.Model":
    """The network with the weights to begin with."""
    from segstudio.ml.device import seed
    from segstudio.ml.network import load_network, prepare, transfer

    seed(options.seed)
    network = model.build(shape, from_imagenet=start is None and options.start == "imagenet")
    prepare(network, precision)
    if start is not None:
        try:
            transfer(load_network(start, precision), network)
        except ValueError as error:
            name = f"run {start.parent.name}" if start.name == "best.keras" else start.name
            raise UserError(
                f"the network of {name} is another one: {error}",
                "leave its options as they were, or start from scratch",
            ) from None
    return network
