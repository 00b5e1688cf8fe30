"""Cross-entropy and Dice loss added up, as nnU-Net does.

Isensee et al.: nnU-Net, Nature Methods 2021, doi:10.1038/s41592-020-01008-z.
"""

from typing import ClassVar

from segstudio.losses import LOSSES, Loss, Tensor
from segstudio.losses.bce import BinaryCrossentropy
from segstudio.losses.dice import Dice


@LOSSES.register
class BinaryCrossentropyAndDice(Loss):
    """The sum of both, neither weighted."""

    name: ClassVar[str] = "bce-dice"
    title: ClassVar[str] = "Cross-entropy + Dice"
    summary: ClassVar[str] = "overlap, held steady by every pixel; a good choice in medicine"
    is_balanced: ClassVar[bool] = True

    def of_images(self, truth: Tensor, probability: Tensor, weights: Tensor | None = None) -> Tensor:
        """See Loss."""
        both = (BinaryCrossentropy(), Dice())
        return sum(one.of_images(truth, probability, weights) for one in both)
