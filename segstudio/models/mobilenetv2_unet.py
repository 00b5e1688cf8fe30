"""U-Net on a MobileNetV2 pretrained on ImageNet, with the upsampling blocks of pix2pix: the notebook's network."""

import contextlib
import os
import sys
import threading
import urllib.request
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import field_validator

from segstudio.core.errors import UserError
from segstudio.core.options import option
from segstudio.core.user_settings import load_settings
from segstudio.models import MODELS, OUTPUT, Model, ModelOptions, Shape
from segstudio.models.conv_unet import cropped_to

if TYPE_CHECKING:
    import keras

TAPS = ("block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu", "block_13_expand_relu")
ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
DECODER_FILTERS = (512, 256, 128, 64)
WEIGHTS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
SECONDS_TO_ANSWER = 5.0


class MobileNetV2UNetOptions(ModelOptions):
    """Size of the network and where its weights come from."""

    alpha: float = option(
        1.0, "Encoder width", help="Alpha of MobileNetV2, the share of filters: 0.35, 0.5, 0.75, 1.0, 1.3 or 1.4."
    )
    decoder: float = option(
        1.0, "Decoder width", gt=0, le=2, help="Share of the 512, 256, 128 and 64 filters of the upsampling blocks."
    )
    weights: str = option(
        "",
        "Weights file",
        is_path=True,
        help="ImageNet weights without top (.h5), or a folder of them; empty: as in Settings, else downloaded once.",
    )
    is_encoder_frozen: bool = option(
        False, "Keep the encoder", is_advanced=True, help="Train only the decoder: faster, and less exact."
    )

    @field_validator("alpha")
    @classmethod
    def _is_published(cls, alpha: float) -> float:
        if alpha not in ALPHAS:
            raise ValueError(f"there are weights for {', '.join(map(str, ALPHAS))} only")
        return alpha


@MODELS.register
class MobileNetV2UNet(Model[MobileNetV2UNetOptions]):
    """MobileNetV2 down to a 32nd, four upsampling blocks with skip connections, one transposed convolution."""

    name: ClassVar[str] = "mobilenetv2-unet"
    title: ClassVar[str] = "U-Net on MobileNetV2"
    Options: ClassVar[type[ModelOptions]] = MobileNetV2UNetOptions
    is_pretrained: ClassVar[bool] = True
    bottom: ClassVar[str] = "block_16_project"

    def channels(self, *, is_grey: bool) -> int:
        """Always three: the pretrained encoder knows no grey images."""
        return 3

    def build(self, shape: Shape, *, from_imagenet: bool) -> "keras.Model":
        """See Model.build."""
        import keras
        from keras import layers

        image = keras.Input(shape, dtype="uint8", name="image")
        scaled = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
        encoder = keras.applications.MobileNetV2(
            input_tensor=scaled, include_top=False, alpha=self.options.alpha, weights=None
        )
        if from_imagenet:
            self._load_weights(encoder)
        _settle_normalization(encoder, is_pretrained=from_imagenet)
        if self.options.is_encoder_frozen:
            encoder.trainable = False

        x = encoder.get_layer(self.bottom).output
        for filters, tap in zip(DECODER_FILTERS, reversed(TAPS), strict=True):
            skip = encoder.get_layer(tap).output
            x = cropped_to(_upsampled(x, max(1, round(filters * self.options.decoder))), skip)
            x = layers.Concatenate()([x, skip])
        logits = layers.Conv2DTranspose(1, 3, strides=2, padding="same", name="logits")(x)
        probability = layers.Activation("sigmoid", dtype="float32", name=OUTPUT)(cropped_to(logits, image))
        return keras.Model(image, probability, name="mobilenetv2_unet")

    def require_weights(self) -> None:
        """See Model: the file that is named is there, or keras.applications has its own or can reach them."""
        if self._named_weights() is None:
            _check_download(self.options.alpha)

    def _named_weights(self) -> Path | None:
        """The file that the options or the settings name, or None."""
        named = self.options.weights or load_settings().weights
        return _weights_file(Path(named).expanduser(), self.options.alpha) if named else None

    def _load_weights(self, encoder: "keras.Model") -> None:
        """ImageNet weights into the encoder, from the file that is named or by keras.applications."""
        path = self._named_weights()
        if path is None:
            _check_download(self.options.alpha)
            encoder.set_weights(_downloaded(self.options.alpha).get_weights())
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # Keras only warns of weights that it does not find
                encoder.load_weights(path)
        except (ValueError, OSError, KeyError, UserWarning) as error:
            raise UserError(
                f"{path.name} does not fit MobileNetV2 of alpha {self.options.alpha}: {str(error).splitlines()[0]}",
                "the file must hold MobileNetV2 without top (include_top=False) of the same alpha",
            ) from None


def _weights_file(path: Path, alpha: float) -> Path:
    """The file itself, or the one for this alpha in a folder; UserError when there is none."""
    if path.is_dir():
        pattern = f"*_{float(alpha)}_224_no_top*.h5"
        found = sorted(path.glob(pattern))
        if not found:
            raise UserError(f"the folder {path} has no weights of MobileNetV2 with alpha {alpha}", f"wanted: {pattern}")
        return found[0]
    if not path.is_file():
        raise UserError(f"there is no weights file {path}", "check --set weights=FILE, or Edit ▸ Settings")
    return path


def _upsampled(x: Any, filters: int) -> Any:
    """The block of pix2pix: transposed convolution of stride 2, normalization, ReLU; no dropout here."""
    from keras import initializers, layers

    start = initializers.RandomNormal(0.0, 0.02)
    x = layers.Conv2DTranspose(filters, 3, strides=2, padding="same", use_bias=False, kernel_initializer=start)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x)


def _settle_normalization(encoder: "keras.Model", *, is_pretrained: bool) -> None:
    """Pretrained statistics stay as they are; fresh ones must follow within a few hundred steps.

    A frozen BatchNormalization runs in inference mode even while its convolutions train. Calling the encoder with
    training=False would not do: the training=True of the whole network overrides it (keras.src.models.functional).
    keras.applications sets momentum 0.999, with which a network from scratch predicts nothing for a thousand steps.
    """
    from keras import layers

    for layer in encoder.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = not is_pretrained
            layer.momentum = 0.9


def _downloaded(alpha: float) -> "keras.Model":
    """MobileNetV2 with the weights of keras.applications, from its cache or the network."""
    import keras

    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):  # its progress bar is not our result
        warnings.simplefilter("ignore", UserWarning)
        return keras.applications.MobileNetV2((224, 224, 3), alpha=alpha, include_top=False, weights="imagenet")


def _check_download(alpha: float) -> None:
    """Find out within seconds whether the weights can be had: Keras itself would try for minutes.

    Raises:
        UserError: When they are neither in the cache of Keras nor to be reached.
    """
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_224_no_top.h5"
    keras_home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    if (keras_home / "models" / name).is_file():
        return
    answers: list[int] = []

    def ask() -> None:
        request = urllib.request.Request(WEIGHTS_URL + name, method="HEAD")
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
            answers.append(answer.status)

    # In a thread, because looking up a host name heeds no timeout.
    thread = threading.Thread(target=ask, name="ask for weights", daemon=True)
    thread.start()
    thread.join(SECONDS_TO_ANSWER)
    if not answers:
        raise UserError(
            "the ImageNet weights of MobileNetV2 cannot be downloaded: there is no way to storage.googleapis.com",
            "connect once, or name a local file with --set weights=FILE or in Edit ▸ Settings, "
            "or learn without them: --start scratch",
        )
