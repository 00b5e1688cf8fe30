"""Cross-entropy that counts pixels near the boundary of the truth most.

The weight map of Ronneberger, Fischer, Brox: U-Net, 2015, arXiv:1505.04597, equation 2, with the distance to the
nearest boundary in place of that to two cells. (The boundary loss of Kervadec et al., 2019, arXiv:1812.07032, is linear
in the probability: alone it does not train, it wants another loss beside it and a schedule between both.)
"""

from typing import ClassVar

from segstudio.losses import LOSSES, Loss, Tensor, mean_over_pixels

PEAK = 10.0
"""How much more a pixel at the boundary counts than one far from it, the paper's w0."""

WIDTH = 0.02
"""Standard deviation of that as a share of the image's longer side: the paper's 5 px at 256."""


@LOSSES.register
class Boundary(Loss):
    """Cross-entropy under weights that fall off with the distance to the boundary, and are 1 on average."""

    name: ClassVar[str] = "boundary"
    title: ClassVar[str] = "Boundary-aware"
    summary: ClassVar[str] = "pixels near the outline count up to eleven times, for exact outlines"

    def of_images(self, truth: Tensor, probability: Tensor, weights: Tensor | None = None) -> Tensor:
        """See Loss."""
        import keras

        near = boundary_weights(truth)
        both = near if weights is None else near * weights
        return mean_over_pixels(keras.losses.binary_crossentropy(truth, probability), both)


def boundary_weights(truth: Tensor) -> Tensor:
    """float32 (B, H, W, 1): how much each pixel counts, 1 on average in each image; 1 everywhere without a boundary.

    The distance is that of chess (diagonal steps count one) up to three standard deviations, by growing the boundary
    one pixel at a time: exact on every device, and without leaving the graph for every batch.
    """
    from keras import ops

    width = max(1.0, WIDTH * max(truth.shape[1:3]))
    reach = round(3 * width)
    # Both sides of the outline are at distance 1, so that neither is favoured.
    reached = _grown(truth) - truth + _grown(1 - truth) - (1 - truth)
    steps = reached
    for _ in range(reach - 1):
        reached = _grown(reached)
        steps = steps + reached
    distance = reach + 1 - steps
    is_near = ops.cast(steps > 0, truth.dtype)
    weights = 1 + PEAK * is_near * ops.exp(-ops.square(distance - 1) / (2 * width**2))
    return weights / ops.mean(weights, axis=(1, 2, 3), keepdims=True)


def _grown(mask: Tensor) -> Tensor:
    from keras import ops

    return ops.max_pool(mask, 3, strides=1, padding="same")
