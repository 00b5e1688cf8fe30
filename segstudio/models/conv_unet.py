"""U-Net of Conv2D, BatchNormalization and ReLU blocks, from scratch: the medical one, any input size, grey or RGB."""

from typing import TYPE_CHECKING, Any, ClassVar

from segstudio.core.options import AUTO, option
from segstudio.models import MODELS, OUTPUT, SIZE_HELP, Model, ModelOptions, Shape

if TYPE_CHECKING:
    import keras


class ConvUNetOptions(ModelOptions):
    """Size of the network."""

    size: int = option(
        256,
        "Size",
        unit="px",
        ge=0,
        le=2048,
        zero=AUTO,
        help=SIZE_HELP,
    )
    filters: int = option(
        32, "Filters", ge=4, le=128, help="Filters of the first block; every level down doubles them."
    )
    depth: int = option(4, "Depth", ge=1, le=6, help="How many times the image is halved.")


@MODELS.register
class ConvUNet(Model[ConvUNetOptions]):
    """Two convolutions a level, max pooling down, transposed convolutions up, skip connections across."""

    name: ClassVar[str] = "conv-unet"
    title: ClassVar[str] = "Convolutional U-Net"
    Options: ClassVar[type[ModelOptions]] = ConvUNetOptions

    def build(self, shape: Shape, *, from_imagenet: bool = False) -> "keras.Model":
        """See Model.build; there are no ImageNet weights of this one."""
        import keras
        from keras import layers

        def block(x: Any, filters: int) -> Any:
            for _ in range(2):
                x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
                # Keras's momentum of 0.99 needs a thousand steps before its statistics mean anything.
                x = layers.BatchNormalization(momentum=0.9)(x)
                x = layers.ReLU()(x)
            return x

        image = keras.Input(shape, dtype="uint8", name="image")
        x = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
        widths = [self.options.filters * 2**level for level in range(self.options.depth + 1)]
        skips = []
        for filters in widths[:-1]:
            x = block(x, filters)
            skips.append(x)
            x = layers.MaxPooling2D(2, padding="same")(x)
        x = block(x, widths[-1])
        for filters, skip in zip(widths[-2::-1], skips[::-1], strict=True):
            x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
            x = layers.Concatenate()([cropped_to(x, skip), skip])
            x = block(x, filters)
        logits = layers.Conv2D(1, 1, name="logits")(x)
        probability = layers.Activation("sigmoid", dtype="float32", name=OUTPUT)(logits)
        return keras.Model(image, probability, name="conv_unet")


def cropped_to(x: Any, like: Any) -> Any:
    """`x` without the last row or column by which doubling overshot an odd size."""
    from keras import layers

    rows, columns = x.shape[1] - like.shape[1], x.shape[2] - like.shape[2]
    return layers.Cropping2D(((0, rows), (0, columns)))(x) if rows or columns else x
