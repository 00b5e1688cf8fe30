"""U-Net on a MobileNetV2 pretrained on ImageNet, with the upsampling blocks of pix2pix: the notebook's network."""

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import field_validator

from segstudio.core.options import option
from segstudio.models import MODELS, ModelOptions
from segstudio.models.pretrained import PretrainedOptions, PretrainedUNet

if TYPE_CHECKING:
    import keras

ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


class MobileNetV2UNetOptions(PretrainedOptions):
    """Size of the network and where its weights come from."""

    alpha: float = option(
        1.0, "Encoder width", help="Alpha of MobileNetV2, the share of filters: 0.35, 0.5, 0.75, 1.0, 1.3 or 1.4."
    )

    @field_validator("alpha")
    @classmethod
    def _is_published(cls, alpha: float) -> float:
        if alpha not in ALPHAS:
            raise ValueError(f"there are weights for {', '.join(map(str, ALPHAS))} only")
        return alpha


@MODELS.register
class MobileNetV2UNet(PretrainedUNet[MobileNetV2UNetOptions]):
    """MobileNetV2 down to a 32nd, four upsampling blocks with skip connections, one transposed convolution."""

    name: ClassVar[str] = "mobilenetv2-unet"
    title: ClassVar[str] = "U-Net on MobileNetV2"
    Options: ClassVar[type[ModelOptions]] = MobileNetV2UNetOptions
    bottom: ClassVar[str] = "block_16_project"
    encoder_title: ClassVar[str] = "MobileNetV2"
    taps: ClassVar = ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu")
    weights_file: ClassVar[str] = "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{}_224_no_top.h5"

    @property
    def weights_path(self) -> str:
        """See PretrainedUNet: there is a file for each alpha."""
        return self.weights_file.format(float(self.options.alpha))

    @property
    def weights_pattern(self) -> str:
        """See PretrainedUNet."""
        return f"*_{float(self.options.alpha)}_224_no_top*.h5"

    @property
    def variant(self) -> str:
        """See PretrainedUNet."""
        return f"MobileNetV2 of alpha {self.options.alpha}"

    def encoder(self, **arguments: Any) -> "keras.Model":
        """See PretrainedUNet."""
        import keras

        return keras.applications.MobileNetV2(include_top=False, alpha=self.options.alpha, **arguments)
