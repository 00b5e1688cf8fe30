"""What the curves of a training say, in words, while something can still be done about it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

EXPLODED = 2.0
"""A training loss that is so many times the lowest one before it has left the valley."""

RISEN, FALLEN = 1.1, 0.9
"""Validation loss against its lowest, and training loss against that epoch's: together they are learning by heart."""

WAIT = 3
"""So many epochs in a row make a trend: single ones go up and down."""

LEVEL = 8
"""So many epochs without a better one are a plateau."""


NOT_A_NUMBER = "the loss is no longer a number"
"""How a training says that it has ended because of that."""

Remedy = Literal["restart-lower", "restart-augmented", "lower", "stop"]
"""What can be done: begin anew from the best weights with a tenth of the rate, or with more augmentation; go on with a
tenth of the rate; stop and keep the best weights."""


@dataclass(frozen=True)
class Advice:
    """What is wrong with a training.

    Attributes:
        kind: What was noticed.
        message: One sentence saying what, with figures.
        help: One sentence saying what helps.
        remedies: What can be done about it at once, the best first.
    """

    kind: Literal["diverging", "overfitting", "plateau"]
    message: str
    help: str
    remedies: tuple[Remedy, ...]


def advice(epochs: Sequence[Mapping[str, float]]) -> Advice | None:
    """The gravest thing that the epochs so far show, or None.

    Args:
        epochs: Rows of metrics: epoch, loss, val_loss, val_iou; epoch 0 and rows that lack one of them do not count.
    """
    needed = ("loss", "val_loss", "val_iou")
    rows = [row for row in epochs if row["epoch"] > 0 and all(name in row for name in needed)]
    if len(rows) < 2:
        return None
    return _diverging(rows) or _overfitting(rows) or _plateau(rows)


def _diverging(rows: Sequence[Mapping[str, float]]) -> Advice | None:
    last, lowest = rows[-1], min(rows[:-1], key=lambda row: row["loss"])
    # Losses are positive; next to nothing doubles by chance.
    if math.isfinite(last["loss"]) and last["loss"] < EXPLODED * lowest["loss"] + 0.01:
        return None
    return Advice(
        "diverging",
        f"The loss explodes: {last['loss']:.3g} in epoch {last['epoch']:.0f}, after {lowest['loss']:.3g} in epoch "
        f"{lowest['epoch']:.0f}.",
        "The steps are too large: stop, and start again with a tenth of the learning rate.",
        ("restart-lower", "stop"),
    )


def _overfitting(rows: Sequence[Mapping[str, float]]) -> Advice | None:
    lowest = min(rows, key=lambda row: row["val_loss"])
    since = [row for row in rows if row["epoch"] > lowest["epoch"]][-WAIT:]
    if len(since) < WAIT or rows[-1]["loss"] > FALLEN * lowest["loss"]:
        return None
    if any(row["val_loss"] < RISEN * lowest["val_loss"] for row in since):
        return None
    return Advice(
        "overfitting",
        f"It learns by heart: the loss still falls on the images it learns from, but has risen on validation since "
        f"epoch {lowest['epoch']:.0f}.",
        "Stop, the best weights are kept; more masks or a stronger recipe help.",
        ("restart-augmented", "stop"),
    )


def _plateau(rows: Sequence[Mapping[str, float]]) -> Advice | None:
    best = max(rows, key=lambda row: (row["val_iou"], -row["val_loss"]))
    waited = int(rows[-1]["epoch"] - best["epoch"])
    if waited < LEVEL:
        return None
    return Advice(
        "plateau",
        f"No epoch of the last {waited} was better on validation than epoch {best['epoch']:.0f}.",
        "Smaller steps may find a better one. Or stop, the best weights are kept; Early stop does it by itself.",
        ("lower", "stop"),
    )
