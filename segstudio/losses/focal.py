"""Focal loss: cross-entropy that turns from pixels that are right already to those that are hard.

Lin, Goyal, Girshick, He, Dollár: Focal loss for dense object detection, 2017, arXiv:1708.02002.
"""

from typing import ClassVar

from segstudio.losses import LOSSES, Loss, Tensor, mean_over_pixels

GAMMA = 2.0
"""The paper's: a pixel that is right with 0.9 counts a hundredth."""


@LOSSES.register
class Focal(Loss):
    """Cross-entropy times the square of what is lacking to certainty; without the paper's alpha, see `balance`."""

    name: ClassVar[str] = "focal"
    title: ClassVar[str] = "Focal"
    summary: ClassVar[str] = "easy pixels hardly count, for much easy background; wrong masks are learnt more eagerly"

    def of_images(self, truth: Tensor, probability: Tensor, weights: Tensor | None = None) -> Tensor:
        """See Loss."""
        import keras

        return mean_over_pixels(keras.losses.binary_focal_crossentropy(truth, probability, gamma=GAMMA), weights)
