"""Dice loss: one minus the Dice coefficient of truth and probabilities.

Milletari, Navab, Ahmadi: V-Net, 2016, arXiv:1606.04797; with plain sums in the denominator instead of squared ones.
"""

from typing import ClassVar

from segstudio.losses import LOSSES, Loss, Tensor, overlap


@LOSSES.register
class Dice(Loss):
    """One minus the Dice coefficient of each image."""

    name: ClassVar[str] = "dice"
    title: ClassVar[str] = "Dice"
    summary: ClassVar[str] = "overlap itself, for small or rare foreground; probabilities crowd at 0 and 1"
    is_balanced: ClassVar[bool] = True

    def of_images(self, truth: Tensor, probability: Tensor, weights: Tensor | None = None) -> Tensor:
        """See Loss."""
        return overlap(truth, probability, weights, of_false_positives=0.5, of_false_negatives=0.5)
