"""The buttons that help: what can be done about what was noticed in a training, each doing exactly what it says."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from segstudio.augmentation.recipe import NONE, built_in_recipes
from segstudio.core.advice import Remedy
from segstudio.core.steering import Wish
from segstudio.core.wording import count_text, number_text
from segstudio.project.runs import Run
from segstudio.ui.widgets import push_button

STRONGER = {NONE: "light", "flip": "light", "light": "strong"}
"""The recipe that does more to an image, where there is one of ours."""

TENTH = 0.1


def tenth_of(rate: float) -> float:
    """A tenth of a rate, to two digits: a schedule gives rates with many, and they say no more."""
    return float(f"{rate * TENTH:.1e}")


class Remedies(QWidget):
    """A column of buttons; hidden when nothing is wrong.

    Signals:
        stop_wanted: Stop, and keep the best weights.
        wished: A Wish for the training that runs.
        restart_wanted: Stop it, then train from its best weights with these options; and what that is called.
    """

    stop_wanted = Signal()
    wished = Signal(object)
    restart_wanted = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[Remedy, Any] = {}
        self._shown: tuple[Any, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self.hide()

    def offer(self, remedies: Sequence[Remedy], run: Run | None, rate: float | None) -> None:
        """Offer what helps.

        Args:
            remedies: What does, the best first.
            run: The run in which something was noticed; without it only Stop can be done.
            rate: Its learning rate now.
        """
        shown = (tuple(remedies), None if run is None else run.id, rate)
        if shown == self._shown:
            return
        self._shown = shown
        for button in self.buttons.values():
            self._column.removeWidget(button)
            button.deleteLater()
        self.buttons = {}
        for remedy in remedies:
            if (made := self._button(remedy, run, rate)) is not None:
                self.buttons[remedy] = made
                self._column.addWidget(made)
        self.setVisible(bool(self.buttons))

    def _button(self, remedy: Remedy, run: Run | None, rate: float | None) -> QWidget | None:
        if remedy == "stop":
            return push_button(
                "Stop and keep best", "End the training; the best weights are kept", self.stop_wanted.emit
            )
        if run is None or rate is None:
            return None
        if remedy == "lower":
            lower = tenth_of(rate)
            return push_button(
                f"Go on with a tenth of the rate: {number_text(lower)}", "From the next step on",
                lambda: self.wished.emit(Wish(learning_rate=lower)),
            )  # fmt: skip
        if remedy == "restart-lower":
            lower = tenth_of(rate)
            return self._restart(
                "Continue from best with a tenth of the rate", f"at a learning rate of {number_text(lower)}", run,
                _at_rate(run, lower),
            )  # fmt: skip
        recipe = STRONGER.get(_recipe_of(run))
        if recipe is None:
            return None
        title = built_in_recipes()[recipe].title
        words = f"Continue from best, augmented by {title}"
        options = _at_rate(run, rate) | {"recipe": recipe, "augmentation": "on-the-fly"}
        return self._restart(words, f"augmented anew every epoch by {title}", run, options)

    def _restart(self, words: str, how: str, run: Run, options: dict[str, Any]) -> QWidget:
        epochs = int(run.options.get("epochs") or 1)
        length = count_text(epochs, "epoch")
        help_text = f"A new training from the best weights of run {run.name}: {length}, {how}; this one ends"
        values = {"start": str(run.id), "epochs": epochs, "samples": run.options.get("samples", "all"), **options}
        return push_button(words, help_text, lambda: self.restart_wanted.emit(values, words))


def _at_rate(run: Run, rate: float) -> dict[str, Any]:
    """Options of a training from a run's weights that learns at exactly this rate, in one phase."""
    # Retrain takes a share of the rate that it is given.
    share = float(run.options.get("fine_tuning") or 1) if run.options.get("samples") == "retrain" else 1.0
    return {"learning_rate": min(rate / share, 1.0), "frozen_epochs": 0}


def _recipe_of(run: Run) -> str:
    """The recipe by which a run augments its images anew every epoch."""
    is_on = run.options.get("augmentation") in ("on-the-fly", "both")
    return str(run.options.get("recipe") or NONE) if is_on else NONE
