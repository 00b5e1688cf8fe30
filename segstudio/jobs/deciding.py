"""What a training decides by itself, and why: nothing of it is hidden, and all of it can be said otherwise."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from segstudio.core.dry_run import DryRun, Request
from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.sample import Sample
from segstudio.core.wording import count_text, rate_text
from segstudio.formats import read_thumbnail
from segstudio.jobs.fitting import network_of
from segstudio.jobs.presets import TrainOptions, presets
from segstudio.jobs.starts import Start
from segstudio.jobs.training_samples import Chosen
from segstudio.jobs.trial import Exhausted, dry_run
from segstudio.project.project import Project

ASKED, DEFAULT = "asked for", "the default"

GREY_SAMPLES = 16
"""So many images are looked at for colour, as the loader does."""


@dataclass(frozen=True)
class Decision:
    """One thing that is settled before a training begins.

    Attributes:
        option: The option's name, or "threads", "validation".
        value: What it is, in words.
        reason: Why, in words.
        is_automatic: Whether the program chose it: nobody asked for it, and no preset.
    """

    option: str
    value: str
    reason: str
    is_automatic: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def reasons_of(decisions: Sequence[Decision]) -> dict[str, str]:
    """What a run keeps of them: the reason of each option."""
    return {one.option: one.reason for one in decisions}


def tried(
    project: Project, model: str, options: TrainOptions, start: Start | None, chosen: Chosen, report: Reporter
) -> DryRun:
    """What a dry run of this training finds; see `dry_run`."""
    request = request_of(project, model, options, start, chosen)
    return dry_run(request, None if project.read_only else project.folder / "cache" / "preflight", report)


def settled_automatic(
    project: Project, model: str, options: TrainOptions, start: Start | None, chosen: Chosen, report: Reporter
) -> tuple[TrainOptions, DryRun | None]:
    """The options with a number wherever one was left to the program, and the dry run if it took one.

    Raises:
        UserError: When there is no such device, or no batch fits into memory.
        Cancelled: When the user stopped it.
    """
    if options.batch and size_of(options):
        return options, None
    found = tried(project, model, options, start, chosen, report)
    if not found.fitting_batch:
        raise Exhausted("not even one image fits into the memory that is free", "choose a smaller size")
    return with_numbers(options, found), found


def with_numbers(options: TrainOptions, found: DryRun) -> TrainOptions:
    """The options with the size and the batch that a dry run has settled."""
    return options.replaced(size=size_of(options) or found.size, batch=options.batch or found.batch)


def request_of(project: Project, model: str, options: TrainOptions, start: Start | None, chosen: Chosen) -> Request:
    """What to try, and no more than matters: so that what was tried once need not be again."""
    kind = network_of(model, options)
    network = {
        name: value for name, value in kind.options.model_dump().items() if name != "weights"
    }  # of whatever weights, it is the same network
    is_grey = kind.channels(is_grey=True) != kind.channels(is_grey=False) and _are_grey(project, chosen.train)
    images = len(chosen.train) + len(chosen.copies)
    return Request(
        model=model,
        network=network,
        channels=kind.channels(is_grey=is_grey),
        is_pretrained=kind.is_pretrained and (options.start == "imagenet" or start is not None),
        batch=min(options.batch, images),
        images=0 if options.batch else images,
        side=0 if kind.options.size else _side(chosen.train),
        loss=options.loss,
        clipping=options.clipping,
        device=options.device,
        precision=options.precision,
        budget=0,
    )


def decisions_of(
    project: Project, options: TrainOptions, asked: TrainOptions, start: Start | None, chosen: Chosen,
    found: DryRun | None,
) -> list[Decision]:  # fmt: skip
    """What is settled of samples and options; for the machine, see `of_machine`.

    Args:
        project: Whose.
        options: With every number settled.
        asked: Before that.
        start: What it starts from.
        chosen: What it learns from.
        found: The dry run, if there was one.
    """
    made = [
        Decision("start", start.title if start else options.start, _why_start(options, start), start is not None),
        Decision("samples", chosen.learnt_from, _why_samples(options), is_automatic=options.samples == "retrain"),
    ]
    if not any(one.split == "val" for one in chosen.val):
        made.append(
            Decision(
                "validation", f"{len(chosen.val)} of the training samples",
                "the project has no validation split; whole groups of them, the same ones for the same seed",
                is_automatic=True,
            )
        )  # fmt: skip
    for name, reason, unit in (
        ("size", found.size_reason if found else "", " px"),
        ("batch", found.batch_reason if found else "", " images"),
    ):
        is_auto = not getattr(asked, name)
        why = reason if is_auto else _origin(name, options, start)
        made.append(Decision(name, f"{getattr(options, name)}{unit}", why, is_auto))
    made.append(_augmentation(options, start, chosen))
    made.append(_balance(project, options, start, chosen))
    made.append(Decision("learning_rate", rate_text(options.learning_rate), _origin("learning_rate", options, start)))
    return made


def of_machine(options: TrainOptions, found: DryRun) -> list[Decision]:
    """What is settled by the machine it computes on."""
    return machine_decisions(
        options, found.device, found.precision, found.precision_reason, found.cores, is_gpu=found.is_gpu
    )


def machine_decisions(
    options: TrainOptions, device: str, precision: str, precision_reason: str, cores: int, *, is_gpu: bool
) -> list[Decision]:
    """Device, precision and threads."""
    is_auto, is_precision_auto = options.device == "auto", options.precision == "auto"
    where = "the first GPU that TensorFlow sees" if is_gpu else "TensorFlow sees no GPU"
    threads = (
        "the GPU computes; they read and augment images"
        if is_gpu
        else "one operation at a time on all of them is faster than several that fight for them"
    )
    return [
        Decision("device", device, where if is_auto else ASKED, is_auto),
        Decision("precision", precision, precision_reason if is_precision_auto else ASKED, is_precision_auto),
        Decision("threads", f"{cores} core{'' if cores == 1 else 's'}", threads, is_automatic=True),
    ]


def _origin(name: str, options: TrainOptions, start: Start | None) -> str:
    """Where a value that the program has not chosen came from: the window sends all, so values are compared."""
    value = getattr(options, name)
    of_preset = presets().get(options.preset)
    if start is not None and start.options.get(name) == value:
        return f"as in {start.title}"
    if of_preset is not None and of_preset.values.get(name) == value:
        return f"preset {options.preset}"
    return DEFAULT if value == type(options).model_fields[name].get_default() else ASKED


def _why_start(options: TrainOptions, start: Start | None) -> str:
    if start is not None:
        if start.run is None:
            return f"asked for; sha256 {start.digest}"
        score = "" if start.run.best_val_iou is None else f", whose validation IoU is {start.run.best_val_iou:.3f}"
        return f"{'the best' if options.samples == 'retrain' else 'asked for'}: fine-tuning of {start.title}{score}"
    return _origin("start", options, start)


def _why_samples(options: TrainOptions) -> str:
    return {
        "all": "every mask that is neither flagged nor rejected",
        "reviewed": ASKED,
        "retrain": "masks that a person vouches for, once they fill a batch",
    }[options.samples]


def _augmentation(options: TrainOptions, start: Start | None, chosen: Chosen) -> Decision:
    if options.augmentation == "off" or options.recipe == "none":
        return Decision("augmentation", "none", _origin("augmentation", options, start))
    how = {"on-the-fly": "anew every epoch", "queued": "queued copies", "both": "queued copies, and anew every epoch"}
    copies = f", {count_text(len(chosen.copies), 'copy', 'copies')}" if chosen.copies else ""
    value = f"{Path(options.recipe).stem}, {how[options.augmentation]}{copies}"
    return Decision("augmentation", value, _origin("recipe", options, start))


def _balance(project: Project, options: TrainOptions, start: Start | None, chosen: Chosen) -> Decision:
    share = _foreground(project, chosen.train)
    seen = "" if share is None else f"foreground is {100 * share:.3g} % of the area to learn from; "
    if options.balance == "none":
        return Decision("balance", "none", f"{seen}every pixel counts the same: {_origin('balance', options, start)}")
    return Decision("balance", options.balance, f"{seen}{_origin('balance', options, start)}")


def _foreground(project: Project, samples: Sequence[Sample]) -> float | None:
    """The foreground's share of their area as the index knows it; None when it knows that of none."""
    table = project.samples.table()
    at = table.indices_of([one.id for one in samples])
    area = table.width[at].astype(np.float64) * table.height[at]
    share = table.foreground[at].astype(np.float64)
    known = ~np.isnan(share)
    return float((share[known] * area[known]).sum() / area[known].sum()) if area[known].any() else None


def _side(samples: Sequence[Sample]) -> int:
    return int(np.median([min(one.width, one.height) for one in samples]))


def _are_grey(project: Project, samples: Sequence[Sample]) -> bool:
    """Whether a spread of the images has no colour."""
    for sample in samples[:: max(1, len(samples) // GREY_SAMPLES)]:
        try:
            image = read_thumbnail(project.image_path(sample), 256)
        except (UserError, OSError):
            continue
        if image.ndim == 3 and (image != image[..., :1]).any():
            return False
    return True


def size_of(options: TrainOptions) -> int:
    """The side of the network's input in pixels; 0 while it is left to the program."""
    return int(getattr(options, "size", 0))  # an option of every network, and so of every training there can be
