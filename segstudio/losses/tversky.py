"""Tversky loss: Dice loss to which a miss is worse than a false alarm.

Salehi, Erdogmus, Gholipour: Tversky loss function for image segmentation, 2017, arXiv:1706.05721.
"""

from typing import ClassVar

from segstudio.losses import LOSSES, Loss, Tensor, overlap

OF_FALSE_POSITIVES, OF_FALSE_NEGATIVES = 0.3, 0.7
"""The paper's best pair."""


@LOSSES.register
class Tversky(Loss):
    """One minus Tversky's index of each image."""

    name: ClassVar[str] = "tversky"
    title: ClassVar[str] = "Tversky"
    summary: ClassVar[str] = "Dice to which a missed pixel is worse than a false one, where nothing must be overlooked"
    is_balanced: ClassVar[bool] = True

    def of_images(self, truth: Tensor, probability: Tensor, weights: Tensor | None = None) -> Tensor:
        """See Loss."""
        return overlap(
            truth,
            probability,
            weights,
            of_false_positives=OF_FALSE_POSITIVES,
            of_false_negatives=OF_FALSE_NEGATIVES,
        )
