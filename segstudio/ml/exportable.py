"""The network with everything around it that prediction does: any 8-bit image in, its probability at its own size out.

Scaling is two products with matrices that are computed from the size of the image. So it is the same in every format,
where the resizing operations of Keras, LiteRT and ONNX each have rules of their own, and none has OpenCV's; and it
is made of plain Keras operations, so that the file opens without SegStudio and its weights can be trained further.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

IMAGE, PROBABILITY, NETWORK = "image", "probability", "network"
"""Names of the input, of the output, and of the network within."""

_NUDGE = 1 / 8192
"""Takes a half over the edge of rounding, and no other number that is common."""


def exportable(network: keras.Model) -> keras.Model:
    """A model that predicts images of any size with `network`, in float32.

    It computes what `segstudio.ml.predict.predict` does: the image is scaled to the size of the network (by area when
    it is larger, else bilinearly) and rounded to 8 bits, and the probability is scaled back.

    Args:
        network: A network of segstudio.models, in whatever precision; it is copied.

    Returns:
        A model from `image`, uint8 (batch, height, width, channels), to `probability`, float32 (batch, height,
        width, 1), that holds a copy of the network as the layer `network`.
    """
    inner = in_float32(network)
    height, width, channels = inner.input_shape[1:]
    image = keras.Input((None, None, channels), dtype="uint8", name=IMAGE)
    rows, columns = _Axis.of(image[0, :, 0, 0], height), _Axis.of(image[0, 0, :, 0], width)

    is_larger = ops.logical_and(ops.greater_equal(rows.length, height), ops.greater_equal(columns.length, width))
    planes = ops.cast(ops.transpose(image, (0, 3, 1, 2)), "float32")
    planes = _scaled(planes, rows.to_network(is_larger), columns.to_network(is_larger))
    # OpenCV rounds halves to the even number, as here; but upwards where the size is exactly halved.
    is_halved = ops.logical_and(ops.equal(rows.length, 2 * height), ops.equal(columns.length, 2 * width))
    planes = ops.add(planes, ops.where(is_halved, _NUDGE, 0.0))
    small = ops.cast(ops.round(ops.transpose(planes, (0, 2, 3, 1))), "uint8")
    # Says what the size is: where tf2onnx 1.17 does not know it, transposed convolutions come out shifted by a pixel.
    small = ops.reshape(small, (-1, height, width, channels))

    is_smaller = ops.logical_and(ops.less(rows.length, height), ops.less(columns.length, width))
    probability = ops.squeeze(inner(small), -1)
    native = _scaled(probability, rows.from_network(is_smaller), columns.from_network(is_smaller))
    # A layer, because it is its name that a Keras output goes by.
    named = keras.layers.Activation("linear", dtype="float32", name=PROBABILITY)(ops.expand_dims(native, -1))
    return keras.Model(image, named, name="segmentation")


def in_float32(network: keras.Model) -> keras.Model:
    """A copy of the network, named `network`, of the plain Keras layers it was built of, computing in float32."""

    def plain(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        # The input stays what it is; every other layer gets back the policy it was built with.
        if not isinstance(layer, keras.layers.InputLayer):
            config["dtype"] = "float32"
        return type(layer).from_config(config)

    copy = keras.models.clone_model(network, clone_function=plain)
    copy.set_weights(network.get_weights())
    copy.name = NETWORK
    return copy


def network_within(model: keras.Model) -> keras.Model:
    """The network that `exportable` put into `model`; `model` itself when it is a network alone."""
    return next((layer for layer in model.layers if layer.name == NETWORK), model)


def _scaled(planes: Any, rows: Any, columns: Any) -> Any:
    """(..., H, W) scaled by a matrix (h, H) of its rows and one (w, W) of its columns."""
    return ops.matmul(ops.matmul(rows, planes), ops.transpose(columns))


@dataclass(frozen=True)
class _Axis:
    """The rows or the columns of an image, whose number is known only when it comes.

    Attributes:
        length: How many there are, a scalar.
        places: 0, 1, 2 ... length - 1.
        size: How many the network has.
    """

    length: Any
    places: Any
    size: int

    @classmethod
    def of(cls, line: Any, size: int) -> "_Axis":
        """The axis of which `line` is one line of pixels; plain Keras can count it, but not ask for its length."""
        ones = ops.cast(ops.ones_like(line), "float32")
        return cls(ops.sum(ones), ops.subtract(ops.cumsum(ones), 1.0), size)

    def to_network(self, is_area: Any) -> Any:
        """float32 (size, length): makes `size` of `length` values."""
        return _matrix(self._network_places, self.places, float(self.size), self.length, is_area)

    def from_network(self, is_area: Any) -> Any:
        """float32 (length, size): makes `length` of `size` values."""
        return _matrix(self.places, self._network_places, self.length, float(self.size), is_area)

    @property
    def _network_places(self) -> Any:
        # Of the image, so that it is a part of the graph: what Keras computes at once, converters take for an input.
        return ops.add(ops.multiply(self.length, 0.0), np.arange(self.size, dtype=np.float32))


def _matrix(wanted: Any, given: Any, m: Any, n: Any, is_area: Any) -> Any:
    """The share of each given value in each wanted one, as OpenCV's INTER_AREA and INTER_LINEAR have it.

    Lengths are counted in whole m-ths (or 2m-ths) of a given pixel, which float32 has exactly up to 2 ** 24: only the
    last division rounds. Otherwise grey values would come out on the other side of a half than OpenCV's.

    Args:
        wanted: The places 0, 1, ... (m,) of the values to be made.
        given: The places (n,) of the values that there are.
        m: How many are wanted.
        n: How many are given.
        is_area: Whether a value is the mean of the n / m values it covers; else it lies between its two neighbours.

    Returns:
        float32 (m, n); each row adds up to 1.
    """
    wanted, given = ops.expand_dims(wanted, 1), ops.expand_dims(given, 0)
    start, end = ops.multiply(wanted, n), ops.multiply(ops.add(wanted, 1.0), n)
    left, right = ops.multiply(given, m), ops.multiply(ops.add(given, 1.0), m)
    area = ops.divide(ops.maximum(ops.subtract(ops.minimum(end, right), ops.maximum(start, left)), 0.0), n)
    centre = ops.subtract(ops.add(start, end), m)
    centre = ops.minimum(ops.maximum(centre, 0.0), 2.0 * m * (n - 1.0))
    distance = ops.divide(ops.abs(ops.subtract(centre, ops.multiply(left, 2.0))), 2.0 * m)
    return ops.where(is_area, area, ops.maximum(ops.subtract(1.0, distance), 0.0))
