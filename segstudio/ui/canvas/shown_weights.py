"""Shown weights: what pixels count in a training, as layers over the image."""

from dataclasses import dataclass

from segstudio.core.mask import Mask
from segstudio.ui.canvas.layers import CORRECTION, UNREVIEWED, MaskLayer
from segstudio.ui.canvas.marks import Caption
from segstudio.ui.canvas.sampling import Pyramid


@dataclass(frozen=True, slots=True, eq=False)
class ShownWeights:
    """What pixels count in the next training, as the image shows it.

    Attributes:
        corrected: uint8 (H, W) of 0 and 1: where they count more; None when nowhere.
        others: Where they count less; None when nowhere.
        caption: The legend.
    """

    corrected: Mask | None
    others: Mask | None
    caption: Caption

    def layers(self) -> list[MaskLayer]:
        """The others below what was corrected."""
        pairs = ((self.others, UNREVIEWED), (self.corrected, CORRECTION))
        return [
            MaskLayer(Pyramid(mask, gain=255), colour, 0.6, outline=0.9) for mask, colour in pairs if mask is not None
        ]
