"""The helm of a training: between two steps it heeds what a person asks, and makes again what was asked before.

Pausing and going on change nothing that is computed. The rate and the number of epochs do: each change is kept with
its place before it takes effect, and a training that goes on from its last epoch makes it at that place again.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import keras

from segstudio.core.reporter import Cancelled, Reporter
from segstudio.core.steering import PAUSED, Change, Steering, Wish, in_force
from segstudio.core.wording import count_text, rate_text

if TYPE_CHECKING:
    from segstudio.ml.fit import Plan
    from segstudio.ml.schedule import Row

PAUSE_SECONDS = 0.2
"""How often a training that waits looks whether it shall go on."""


class Helm:
    """Steers one training.

    Attributes:
        plan: How to train; its number of epochs is the one that holds now.
        rate: The learning rate that holds now.
        paused: Seconds that it has waited.
    """

    def __init__(self, plan: "Plan", steering: Steering, report: Reporter) -> None:
        self.plan = plan
        self.rate = plan.learning_rate
        self.paused = 0.0
        self._steering = steering
        self._report = report
        self._changes = in_force(steering.changes())
        self._is_paused = False

    def begin_epoch(self, network: keras.Model, epoch: int, rows: "list[Row]") -> None:
        """Set the rate of an epoch after these rows."""
        place = (epoch, 0)
        by_hand = [one for one in self._changes if one.learning_rate is not None and one.place <= place]
        last = (by_hand[-1].epoch, float(by_hand[-1].learning_rate or 0)) if by_hand else None
        self._set_rate(network, self.plan.rate(epoch, rows, epochs=self._epochs_at(place), by_hand=last))

    def heed(self, network: keras.Model, place: tuple[int, int], progress: Callable[[str], None]) -> None:
        """Heed what was asked, at a place: how many steps of which epoch are done.

        Args:
            network: What is trained.
            place: Epoch and step; (epoch, 0) is before its first step.
            progress: Says what the training is at; called while it waits.

        Raises:
            Cancelled: When it shall stop; `progress` may raise it too.
        """
        for change in self._changes:
            if change.place == place and change.learning_rate is not None:
                self._set_rate(network, change.learning_rate)
        self._take_wishes(network, place)
        if self._is_paused:
            self._wait(network, place, progress)

    def _wait(self, network: keras.Model, place: tuple[int, int], progress: Callable[[str], None]) -> None:
        began = time.perf_counter()
        self._report.log(f"paused in epoch {place[0]}")
        try:
            while self._is_paused:
                progress(PAUSED)
                time.sleep(PAUSE_SECONDS)
                self._take_wishes(network, place)
        finally:
            waited = time.perf_counter() - began
            self.paused += waited
        self._report.log(f"goes on after a pause of {waited:.0f} s")

    def _take_wishes(self, network: keras.Model, place: tuple[int, int]) -> None:
        for wish in self._steering.wishes():
            self._take(wish, network, place)

    def _take(self, wish: Wish, network: keras.Model, place: tuple[int, int]) -> None:
        if wish.learning_rate is not None:
            self._keep(Change(*place, learning_rate=wish.learning_rate))
            rate, before = rate_text(wish.learning_rate), rate_text(self.rate)
            self._report.log(f"epoch {place[0]}: learning rate {rate} instead of {before}")
            self._set_rate(network, wish.learning_rate)
        if wish.epochs is not None:
            self._extend(wish.epochs, place)
        if wish.pause is not None:
            self._is_paused = wish.pause
        if wish.stop:
            raise Cancelled

    def _extend(self, wanted: int, place: tuple[int, int]) -> None:
        # During validation the place is before the next epoch, which need not come.
        begun = place[0] if place[1] else max(place[0] - 1, 1)
        epochs, before = max(wanted, begun), self.plan.epochs
        if epochs == before:
            return
        self._keep(Change(*place, epochs=epochs, was=self._epochs_at(place)))
        self.plan = replace(self.plan, epochs=epochs)
        is_cosine = self.plan.schedule.kind == "cosine"
        self._report.log(
            f"{count_text(epochs, 'epoch')} instead of {before}"
            + ("; the cosine is fitted to that length" if is_cosine else "")
        )

    def _keep(self, change: Change) -> None:
        self._steering.keep(change)
        self._changes = in_force([*self._changes, change])

    def _epochs_at(self, place: tuple[int, int]) -> int:
        """How many epochs were planned at a place: fewer than now when they became more later."""
        later = (one.was for one in self._changes if one.was is not None and one.place > place)
        return next(later, self.plan.epochs)

    def _set_rate(self, network: keras.Model, rate: float) -> None:
        self.rate = network.optimizer.learning_rate = rate
