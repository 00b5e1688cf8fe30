"""Binary cross-entropy, the notebook's loss."""

from typing import ClassVar

from segstudio.losses import LOSSES, Loss, Tensor, mean_over_pixels


@LOSSES.register
class BinaryCrossentropy(Loss):
    """Minus the logarithm of the probability that was given to what is true, pixel by pixel."""

    name: ClassVar[str] = "bce"
    title: ClassVar[str] = "Cross-entropy"
    summary: ClassVar[str] = "every pixel counts the same; the usual one, with probabilities that can be believed"

    def of_images(self, truth: Tensor, probability: Tensor, weights: Tensor | None = None) -> Tensor:
        """See Loss."""
        import keras

        return mean_over_pixels(keras.losses.binary_crossentropy(truth, probability), weights)
