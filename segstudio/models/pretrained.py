"""What every U-Net on an encoder of keras.applications has: ImageNet weights, statistics that stay, a decoder.

A further encoder is one short file: which layers are the skip connections, how the encoder wants its input scaled,
what its weights are called, and the function of keras.applications that builds it.
"""

import contextlib
import os
import sys
import threading
import urllib.request
import warnings
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from segstudio.core.errors import UserError
from segstudio.core.options import option
from segstudio.core.user_settings import load_settings
from segstudio.models import OUTPUT, Model, ModelOptions, Shape
from segstudio.models.conv_unet import cropped_to

if TYPE_CHECKING:
    import keras

DECODER_FILTERS = (512, 256, 128, 64)
WEIGHTS_SITE = "https://storage.googleapis.com/tensorflow/keras-applications/"
SECONDS_TO_ANSWER = 5.0


class PretrainedOptions(ModelOptions):
    """Size of the decoder and where the encoder's weights come from."""

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


P = TypeVar("P", bound=PretrainedOptions)


class PretrainedUNet(Model[P]):
    """An encoder down to a 32nd, four upsampling blocks with skip connections, one transposed convolution.

    Attributes:
        encoder_title: What people call the encoder.
        taps: Its layers at a half, a 4th, an 8th and a 16th of the image's size, for the skip connections.
        scale: What 0..255 is multiplied with, for all channels or for each of them.
        offset: What is added then.
        weights_file: What keras.applications calls the file of its ImageNet weights, below WEIGHTS_SITE.
    """

    Options: ClassVar[type[ModelOptions]] = PretrainedOptions
    is_pretrained: ClassVar[bool] = True
    encoder_title: ClassVar[str]
    taps: ClassVar[tuple[str, str, str, str]]
    scale: ClassVar[float | list[float]] = 1 / 127.5
    offset: ClassVar[float | list[float]] = -1.0
    weights_file: ClassVar[str]

    @abstractmethod
    def encoder(self, **arguments: Any) -> "keras.Model":
        """The encoder by its function of keras.applications, without its top and without scaling of its own.

        Args:
            arguments: `weights`, and `input_tensor` or `input_shape`, to be passed on.
        """

    @property
    def weights_path(self) -> str:
        """Where its ImageNet weights lie below WEIGHTS_SITE; the last part is the file's name in Keras's cache."""
        return self.weights_file

    @property
    def weights_pattern(self) -> str:
        """What the file of weights is called in a folder of them."""
        return f"{Path(self.weights_path).stem}*.h5"

    @property
    def variant(self) -> str:
        """The encoder with what its weights depend on, in words."""
        return self.encoder_title

    def channels(self, *, is_grey: bool) -> int:
        """Always three: the pretrained encoder knows no grey images."""
        return 3

    def build(self, shape: Shape, *, from_imagenet: bool) -> "keras.Model":
        """See Model.build."""
        import keras
        from keras import layers

        image = keras.Input(shape, dtype="uint8", name="image")
        scaled = layers.Rescaling(self.scale, offset=self.offset)(image)
        encoder = self.encoder(input_tensor=scaled, weights=None)
        if from_imagenet:
            self._load_weights(encoder)
        _settle_normalization(encoder, is_pretrained=from_imagenet)
        _leave_out_chance(encoder)
        if self.options.is_encoder_frozen:
            encoder.trainable = False

        x = encoder.get_layer(self.bottom).output
        for filters, tap in zip(DECODER_FILTERS, reversed(self.taps), strict=True):
            skip = encoder.get_layer(tap).output
            x = cropped_to(_upsampled(x, max(1, round(filters * self.options.decoder))), skip)
            x = layers.Concatenate()([x, skip])
        logits = layers.Conv2DTranspose(1, 3, strides=2, padding="same", name="logits")(x)
        probability = layers.Activation("sigmoid", dtype="float32", name=OUTPUT)(cropped_to(logits, image))
        return keras.Model(image, probability, name=self.name.replace("-", "_"))

    def require_weights(self) -> None:
        """See Model: the file that is named is there, or keras.applications has its own or can reach them."""
        if self._named_weights() is None:
            self._check_download()

    def _named_weights(self) -> Path | None:
        """The file that the options or the settings name, or None.

        Raises:
            UserError: When it is not there.
        """
        named = self.options.weights or load_settings().weights
        if not named:
            return None
        path = Path(named).expanduser()
        if path.is_dir():
            found = sorted(path.glob(self.weights_pattern))
            if not found:
                raise UserError(
                    f"the folder {path} has no weights of {self.variant}",
                    f"wanted: {self.weights_pattern}, for example {Path(self.weights_path).name}",
                )
            return found[0]
        if not path.is_file():
            raise UserError(f"there is no weights file {path}", "check --set weights=FILE, or Edit ▸ Settings")
        return path

    def _load_weights(self, encoder: "keras.Model") -> None:
        """ImageNet weights into the encoder, from the file that is named or by keras.applications."""
        path = self._named_weights()
        if path is None:
            self._check_download()
            encoder.set_weights(self._downloaded().get_weights())
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # Keras only warns of weights that it does not find
                encoder.load_weights(path)
        except (ValueError, OSError, KeyError, UserWarning) as error:
            raise UserError(
                f"{path.name} does not fit {self.variant}: {str(error).splitlines()[0]}",
                f"the file must hold {self.variant} without top (include_top=False), as that of keras.applications "
                f"does, {Path(self.weights_path).name}; a folder may hold the weights of several networks",
            ) from None

    def _downloaded(self) -> "keras.Model":
        """The encoder with the weights of keras.applications, from its cache or the network."""
        with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):  # its progress bar is not our result
            warnings.simplefilter("ignore", UserWarning)
            return self.encoder(input_shape=(224, 224, 3), weights="imagenet")

    def _check_download(self) -> None:
        """Find out within seconds whether the weights can be had: Keras itself would try for minutes.

        Raises:
            UserError: When they are neither in the cache of Keras nor to be reached.
        """
        keras_home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
        if (keras_home / "models" / Path(self.weights_path).name).is_file():
            return
        answers: list[int] = []

        def ask() -> None:
            request = urllib.request.Request(WEIGHTS_SITE + self.weights_path, method="HEAD")
            with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=SECONDS_TO_ANSWER) as answer:
                answers.append(answer.status)

        # In a thread, because looking up a host name heeds no timeout.
        thread = threading.Thread(target=ask, name="ask for weights", daemon=True)
        thread.start()
        thread.join(SECONDS_TO_ANSWER)
        if not answers:
            raise UserError(
                f"the ImageNet weights of {self.encoder_title} cannot be downloaded: there is no way to "
                "storage.googleapis.com",
                "connect once, or name a local file with --set weights=FILE or in Edit ▸ Settings, "
                "or learn without them: --start scratch",
            )


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


def _leave_out_chance(encoder: "keras.Model") -> None:
    """No dropout and no stochastic depth: a checkpoint of Keras does not keep how far their chance is.

    A training that was killed would go on otherwise than it would have, and a seed would not give the same run twice.
    """
    from keras import layers

    for layer in encoder.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0
