"""Losses: what a training makes small; one file, one loss, and keras is imported inside its methods only.

What every loss promises, so that training needs to know nothing else about it (tests/contracts/test_losses.py):

- it gives one figure an image, and a batch has the mean of its images': every image counts the same, whatever its
  foreground and whatever else is in its batch;
- it is finite, in float32, for any truth and any probability, exact 0 and 1 included;
- its gradient raises the probability where the truth is foreground and lowers it elsewhere, also in an image whose
  truth is empty or full;
- weights of pixels count in it: twice the weight, twice the say.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from segstudio.core.registry import Registry

Tensor = Any
"""A tensor of Keras."""


class Loss(ABC):
    """How wrong probabilities are.

    Attributes:
        name: What presets and runs call it.
        title: What the window calls it.
        summary: When to choose it, for who has never heard of it: a clause, without a full stop.
        is_balanced: Whether rare foreground needs no weight in it, because it measures overlap.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]
    is_balanced: ClassVar[bool] = False

    @abstractmethod
    def of_images(self, truth: Tensor, probability: Tensor, weights: Tensor | None = None) -> Tensor:
        """The loss of each image.

        Args:
            truth: float32 (B, H, W, 1) of 0 and 1.
            probability: float32 (B, H, W, 1) of 0..1.
            weights: float32 (B, H, W, 1), what each pixel counts, 1 being usual; all alike when None.

        Returns:
            float32 (B,).
        """


LOSSES: Registry[Loss] = Registry("segstudio.losses", "loss")


def mean_over_pixels(values: Tensor, weights: Tensor | None) -> Tensor:
    """float32 (B,) from values of pixels, (B, H, W) or (B, H, W, 1); divided by their number, as Keras does."""
    from keras import ops

    if len(values.shape) == 3:
        values = ops.expand_dims(values, -1)
    if weights is not None:
        values = values * weights
    return ops.mean(values, axis=(1, 2, 3))


def overlap(
    truth: Tensor, probability: Tensor, weights: Tensor | None, *, of_false_positives: float, of_false_negatives: float
) -> Tensor:
    """One minus the share of agreement in each image, float32 (B,): Tversky's index, Dice's when both are a half.

    Not keras.losses.Dice and Tversky, which this equals but for SMOOTHING: where the truth is empty, those are 1
    whatever is predicted, with a gradient of nothing (1e-12 of a usual one): an empty image would teach nothing at
    all. They know no weights of pixels, and their Tversky's alpha, said to be that of false positives, is that of false
    negatives (Keras 3.15).

    Args:
        truth: As in Loss.of_images.
        probability: As there.
        weights: As there.
        of_false_positives: What a false positive counts against a hit.
        of_false_negatives: What a false negative does.
    """
    from keras import ops

    def summed(values: Tensor) -> Tensor:
        return ops.sum(values if weights is None else values * weights, axis=(1, 2, 3))

    hits = summed(truth * probability)
    false_positives = summed((1 - truth) * probability)
    false_negatives = summed(truth * (1 - probability))
    some = SMOOTHING * truth.shape[1] * truth.shape[2]
    return 1 - (hits + some) / (
        hits + of_false_positives * false_positives + of_false_negatives * false_negatives + some
    )


SMOOTHING = 0.01
"""Share of an image's pixels that count as hit beforehand.

So that the loss of an image whose truth is empty falls with what is predicted there, to 0, and with a gradient of about
the size that other images have; while an object of a tenth of the image notices little of it.
"""
