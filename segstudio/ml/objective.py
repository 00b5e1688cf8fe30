"""A loss of the registry as Keras wants it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from segstudio.core.labels import FOREGROUND, IGNORED
from segstudio.losses import LOSSES

HEAVIEST = 50.0
"""The foreground never weighs more than so many times the background: single steps would undo all others."""


@dataclass(frozen=True)
class ClassWeights:
    """What pixels count by their class; together 1 on average over the images to learn from."""

    background: float = 1.0
    foreground: float = 1.0


EQUAL = ClassWeights()


@keras.saving.register_keras_serializable("segstudio")
class Objective(keras.losses.Loss):  # type: ignore[misc]
    """The mean over a batch's images of one loss, in float32 whatever the precision of the network."""

    def __init__(
        self,
        loss: str,
        background: float = 1.0,
        foreground: float = 1.0,
        has_ignored: bool = False,
        name: str = "objective",
    ) -> None:
        """Take a loss of LOSSES.

        Args:
            loss: Its name.
            background: What a pixel of background counts.
            foreground: What a pixel of foreground counts.
            has_ignored: Whether the truth may be 2: such a pixel counts nothing.
            name: Of this object, for Keras.
        """
        super().__init__(name=name, reduction="sum_over_batch_size", dtype="float32")
        self.loss = loss
        self.weights = ClassWeights(background, foreground)
        self.has_ignored = has_ignored
        self._function = LOSSES[loss]()

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The mean over images; weights, when given, are those of pixels, (B, H, W, 1), or of images, (B,)."""
        truth, probability = (ops.convert_to_tensor(one, "float32") for one in (y_true, y_pred))
        if self.has_ignored:
            truth, counted = without_ignored(truth)
            weights = self._pixel_weights(truth, sample_weight)
            weights = counted if weights is None else counted * weights
        else:
            weights = self._pixel_weights(truth, sample_weight)
        return ops.mean(self._function.of_images(truth, probability, weights))

    def _pixel_weights(self, truth: Any, given: Any) -> Any:
        weights = None
        if self.weights != EQUAL:
            weights = self.weights.background + (self.weights.foreground - self.weights.background) * truth
        if given is not None:
            given = ops.convert_to_tensor(given, "float32")
            given = ops.reshape(given, (-1, 1, 1, 1)) if len(given.shape) == 1 else given
            weights = given * ops.ones_like(truth) if weights is None else given * weights
        return weights

    def get_config(self) -> dict[str, Any]:
        """What it is made from."""
        return {
            "loss": self.loss,
            "background": self.weights.background,
            "foreground": self.weights.foreground,
            "has_ignored": self.has_ignored,
            "name": self.name,
        }


def without_ignored(truth: Any) -> tuple[Any, Any]:
    """Truth of 0 and 1, with 0 where a pixel is ignored; and what pixels count: 0 there, else 1. Both float32."""
    truth = ops.cast(truth, "float32")
    counted = ops.cast(truth < IGNORED, "float32")
    return truth * counted, counted


def objective(
    loss: str, weights: ClassWeights = EQUAL, *, has_ignored: bool = False, is_weighted: bool = False
) -> keras.losses.Loss:
    """The loss to compile a network with.

    Plain cross-entropy is Keras's own object: it sums in another order than the mean of means, and a run that is gone
    on with, or made again, shall end bit for bit where it always has.
    """
    if loss == "bce" and weights == EQUAL and not has_ignored and not is_weighted:
        return keras.losses.BinaryCrossentropy()
    return Objective(loss, weights.background, weights.foreground, has_ignored)


def balanced(loss: str, masks: Sequence[np.ndarray] | np.ndarray) -> tuple[ClassWeights, str]:
    """Weights under which foreground and background have the same say in a loss, and why they are what they are.

    Args:
        loss: Its name.
        masks: N of uint8 (h, w, 1) of labels, what is learnt from; what is ignored has no say.
    """
    # Image by image: the masks may be mapped from disk.
    foreground = sum(int(np.count_nonzero(mask & FOREGROUND)) for mask in masks)
    counted = sum(mask.size - int(np.count_nonzero(mask & IGNORED)) for mask in masks)
    share = foreground / max(1, counted)
    seen = f"foreground is {100 * share:.3g} % of the pixels to learn from"
    if LOSSES[loss].is_balanced:
        return EQUAL, f"{seen}; {LOSSES[loss].title} measures overlap, which needs no class weights"
    if share in (0.0, 1.0):
        return EQUAL, f"{seen}: there is nothing to balance"
    ratio = min(HEAVIEST, max(1 / HEAVIEST, (1 - share) / share))
    background = 1 / (1 - share + share * ratio)
    said = f"{seen}: a pixel of it counts {ratio:.3g} times one of the background"
    return ClassWeights(background, background * ratio), said + (
        f" (not more than {HEAVIEST:g} times either way)" if ratio in (HEAVIEST, 1 / HEAVIEST) else ""
    )
