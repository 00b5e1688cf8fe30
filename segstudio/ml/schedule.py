"""How large the steps of a training are, epoch by epoch, and when it has learnt enough.

Everything here is a function of the epoch's number and of the rows of metrics so far. Nothing is remembered elsewhere,
so that a training that was killed goes on as if it had not been.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
"""One line of metrics.csv: the epoch (int) and its figures (float)."""

KINDS = Literal["constant", "cosine", "plateau"]

SHRINKING = 0.5
"""What is left of the rate after each plateau."""


@dataclass(frozen=True)
class Schedule:
    """The rate of every epoch.

    Attributes:
        kind: constant; cosine: falls to nearly nothing along half a cosine; plateau: is halved whenever `plateau`
            epochs in a row were not better on validation than the best before.
        plateau: How many.
        warm_up: Epochs in which the rate rises in equal steps before that, as in Goyal et al., arXiv:1706.02677.
        patience: After how many epochs without a better one the training ends; never when 0.
        frozen_epochs: The first phase: epochs in which a pretrained encoder is kept, and the rest learns at `rate`.
        tuned_rate: The rate that the second phase begins with.

    Each phase has a warm-up and a cosine of its own, and counts epochs without a better one from its beginning: what
    is learnt in one says nothing about the other (fastai's fine_tune does it likewise).
    """

    kind: KINDS = "constant"
    plateau: int = 5
    warm_up: int = 0
    patience: int = 0
    frozen_epochs: int = 0
    tuned_rate: float = 1e-4

    def phase_of(self, epoch: int) -> int:
        """1 while the encoder is kept, else 2."""
        return 1 if epoch <= self.frozen_epochs else 2

    def rate(
        self,
        epoch: int,
        epochs: int,
        learning_rate: float,
        rows: Sequence[Row] = (),
        by_hand: tuple[int, float] | None = None,
    ) -> float:
        """The learning rate of an epoch.

        Args:
            epoch: Its number, from 1.
            epochs: How many there will be.
            learning_rate: Of the first phase; without phases, of the training.
            rows: Those of the epochs before.
            by_hand: The epoch in which a person last set the rate, and to what. From there the schedule goes on in
                proportion, without a warm-up, to the end of the phase; the next phase begins with its own rate.
        """
        first = 0 if self.phase_of(epoch) == 1 else self.frozen_epochs
        length = (min(self.frozen_epochs, epochs) if self.phase_of(epoch) == 1 else epochs) - first
        warm_up = min(self.warm_up, length - 1)
        if by_hand is not None and self.phase_of(by_hand[0]) == self.phase_of(epoch):
            since, rate = by_hand
            before = [row for row in rows if row["epoch"] < since]
            then = self._share(since, first, length, warm_up, before)
            return rate * self._share(epoch, first, length, warm_up, rows) / then
        rate = self.tuned_rate if first else learning_rate
        number = epoch - first
        if number <= warm_up:
            return rate * number / (warm_up + 1)
        return rate * self._share(epoch, first, length, warm_up, rows)

    def _share(self, epoch: int, first: int, length: int, warm_up: int, rows: Sequence[Row]) -> float:
        """What is left of the rate in an epoch of the phase that follows epoch `first`; all of it during warm-up."""
        number = epoch - first
        if number <= warm_up:
            return 1.0
        if self.kind == "cosine":
            done = (number - 1 - warm_up) / (length - warm_up)
            return 0.5 * (1 + math.cos(math.pi * done))
        if self.kind == "plateau":
            rows = [row for row in rows if row["epoch"] > first + warm_up or row["epoch"] == first == 0]
            return SHRINKING ** plateaus(rows, self.plateau)
        return 1.0

    def end(self, rows: Sequence[Row]) -> str:
        """Why the training ends after these rows, before its last epoch; empty when it goes on."""
        if not self.patience or not rows or rows[-1]["epoch"] <= self.frozen_epochs:
            return ""
        # The best of all is the best of the run; only the waiting begins anew with the second phase.
        best = best_row(rows)
        waited = rows[-1]["epoch"] - max(best["epoch"], self.frozen_epochs)
        if waited < self.patience:
            return ""
        return (
            f"stopped early: no epoch of the last {waited} was better on validation than epoch {best['epoch']} "
            f"(IoU {best['val_iou']:.4f}), whose weights are kept"
        )


def score(row: Row) -> tuple[float, float]:
    """What makes an epoch the best: validation IoU; at a tie, and without any truth to validate by, the loss."""
    return row["val_iou"], -row["val_loss"]


def best_row(rows: Sequence[Row]) -> Row:
    """The first of the best rows.

    Epoch 0 takes part: fine-tuning that makes nothing better leaves the weights that it began with.
    """
    return max(rows, key=score)


def kept_row(rows: Sequence[Row], keep: str = "best") -> Row:
    """The row of the epoch whose weights are kept: the best one, or the last, which may be that of an average."""
    return best_row(rows) if keep == "best" else rows[-1]


def plateaus(rows: Sequence[Row], length: int) -> int:
    """How many times so many epochs in a row were not better than the best before them."""
    count = waited = 0
    best: tuple[float, float] | None = None
    for row in rows:
        if best is None or score(row) > best:
            best, waited = score(row), 0
        else:
            waited += 1
        if waited == length:
            count, waited = count + 1, 0
    return count
