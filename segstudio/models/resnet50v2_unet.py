"""U-Net on a ResNet50V2 pretrained on ImageNet: the encoder that most papers compare with; wants a GPU."""

from typing import TYPE_CHECKING, Any, ClassVar

from segstudio.models import MODELS
from segstudio.models.pretrained import PretrainedOptions, PretrainedUNet

if TYPE_CHECKING:
    import keras


@MODELS.register
class ResNet50V2UNet(PretrainedUNet[PretrainedOptions]):
    """ResNet50V2 down to a 32nd, and the decoder that all pretrained encoders have."""

    name: ClassVar[str] = "resnet50v2-unet"
    title: ClassVar[str] = "U-Net on ResNet50V2"
    bottom: ClassVar[str] = "post_relu"
    encoder_title: ClassVar[str] = "ResNet50V2"
    taps: ClassVar = ("conv1_conv", "conv2_block3_1_relu", "conv3_block4_1_relu", "conv4_block6_1_relu")
    weights_file: ClassVar[str] = "resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5"

    def encoder(self, **arguments: Any) -> "keras.Model":
        """See PretrainedUNet."""
        import keras

        return keras.applications.ResNet50V2(include_top=False, **arguments)
