"""Networks: one file, one network; keras is imported inside `build` only.

What every network promises, so that training, prediction and export need to know nothing else about it:

- it takes `image`, uint8 (batch, height, width, channels) of 0..255: the scaling its encoder needs is in the graph;
- it gives `probability`, float32 (batch, height, width, 1) of 0..1, at the size of the image, also in mixed precision;
- it is made of plain Keras layers, so that a saved file opens in plain Keras.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from pydantic import field_validator

from segstudio.core.options import AUTO, Options, option, zero_for_auto
from segstudio.core.registry import Registry

if TYPE_CHECKING:
    import keras

Shape = tuple[int, int, int]
"""Height, width, channels."""

OUTPUT = "probability"
"""Name of the last layer, which stays in float32 whatever the precision of the others."""


SMALLEST = 32
"""Least side of an image that a network takes, in pixels."""

SIZE_HELP = (
    "Images are scaled to a square of this side for the network; masks and predictions keep their own size. "
    "auto: as the images are, up to what this machine can do."
)


class ModelOptions(Options):
    """What every network has."""

    size: int = option(
        224,
        "Size",
        unit="px",
        ge=0,
        le=2048,
        zero=AUTO,
        help=SIZE_HELP,
    )

    _is_size_auto = field_validator("size", mode="before")(zero_for_auto)

    @field_validator("size")
    @classmethod
    def _is_large_enough(cls, size: int) -> int:
        if 0 < size < SMALLEST:
            raise ValueError(f"must be {SMALLEST} at least, or auto")
        return size


O = TypeVar("O", bound=ModelOptions)  # noqa: E741 - the options of one network


class Model(ABC, Generic[O]):
    """The recipe of a network.

    Attributes:
        name: What presets and runs call it.
        title: What the window calls it.
        Options: The model of its options.
        is_pretrained: Whether it can start from ImageNet weights.
        bottom: Name of the layer that the encoder ends with; empty when there is no encoder to speak of.
        options: The options of this network.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    Options: ClassVar[type[ModelOptions]] = ModelOptions
    is_pretrained: ClassVar[bool] = False
    bottom: ClassVar[str] = ""

    def __init__(self, options: O) -> None:
        self.options = options

    def channels(self, *, is_grey: bool) -> int:
        """How many channels the network takes when all images are grey, or when some are not."""
        return 1 if is_grey else 3

    def encoder_layers(self, network: "keras.Model") -> list[str]:
        """The layers of the encoder that would learn, by name: what a first phase of training may keep as it is."""
        import keras

        if not self.bottom:
            return []
        encoder = keras.Model(network.input, network.get_layer(self.bottom).output)
        return [layer.name for layer in encoder.layers if layer.trainable_weights]

    def require_weights(self) -> None:
        """Find out within seconds, without loading TensorFlow, whether a start from ImageNet can be had.

        Raises:
            UserError: When the weights are neither on this machine nor to be reached.
        """

    @abstractmethod
    def build(self, shape: Shape, *, from_imagenet: bool) -> "keras.Model":
        """The network with fresh weights, in float32.

        Args:
            shape: Height, width and channels of its input; any height and width from 32 on.
            from_imagenet: Whether the encoder starts from ImageNet weights; only when `is_pretrained`.

        Raises:
            UserError: When the weights cannot be had or do not fit.
        """


MODELS: Registry[Model[ModelOptions]] = Registry("segstudio.models", "model")
