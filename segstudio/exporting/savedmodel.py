"""TensorFlow's SavedModel: for TensorFlow Serving, and for programs in TensorFlow that know nothing of Keras."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from segstudio.exporting import EXPORTERS, METADATA, Exporter

if TYPE_CHECKING:
    import keras

EXTRA = "assets.extra"
"""Where TensorFlow wants files of others in a SavedModel."""

ARCHITECTURE = "network.json"
"""The network within as Keras describes it: with it and the weights, Keras has the network again."""

WEIGHTS = "network_weights"
"""The variables of the network within, in the order of its `weights`."""


@EXPORTERS.register
class SavedModel(Exporter):
    """A folder with the endpoints `serve` and `train`; the latter normalizes as in training."""

    name: ClassVar[str] = "savedmodel"
    title: ClassVar[str] = "TensorFlow SavedModel"
    help: ClassVar[str] = "For TensorFlow Serving and other programs in TensorFlow; can be trained further."
    suffix: ClassVar[str] = ""
    needs: ClassVar[str] = "tensorflow pillow"
    tuning_imports: ClassVar[str] = "import tensorflow as tf\n"
    tuning: ClassVar[str] = f"""\
extra = MODEL / "{EXTRA}"
network = model = keras.models.model_from_json((extra / "{ARCHITECTURE}").read_text(encoding="utf-8"))
network.set_weights([variable.numpy() for variable in tf.saved_model.load(str(MODEL)).{WEIGHTS}])
card = (extra / "{METADATA}").read_bytes()
"""
    imports: ClassVar[str] = "import tensorflow as tf\n"
    script: ClassVar[str] = """\
model = tf.saved_model.load(str(MODEL))


def probability(image):
    return model.serve(image[None]).numpy()[0, ..., 0]
"""

    def write(self, model: "keras.Model", path: Path, metadata: dict[str, Any]) -> None:
        """See Exporter.write; the metadata lies in assets.extra."""
        from keras import InputSpec
        from keras.export import ExportArchive

        network = model.get_layer("network")
        signature = [InputSpec(dtype="uint8", shape=model.input_shape, name="image")]
        archive = ExportArchive()
        archive.track(model)
        archive.add_endpoint("serve", lambda image: model(image, training=False), signature)
        archive.add_endpoint("train", lambda image: model(image, training=True), signature)
        archive.add_variable_collection(WEIGHTS, network.weights)
        archive.write_out(path, verbose=False)
        extra = path / EXTRA
        extra.mkdir()
        (extra / METADATA).write_text(json.dumps(metadata), encoding="utf-8")
        (extra / ARCHITECTURE).write_text(network.to_json(), encoding="utf-8")

    def read_metadata(self, path: Path) -> dict[str, Any]:
        """See Exporter.read_metadata."""
        return cast(dict[str, Any], json.loads((path / EXTRA / METADATA).read_text(encoding="utf-8")))

    def run(self, path: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See Exporter.run."""
        import tensorflow as tf

        model = tf.saved_model.load(str(path))
        return [model.serve(tf.constant(batch)).numpy() for batch in images]


def load_network(path: Path) -> "keras.Model":
    """The network within a SavedModel that `SavedModel.write` has written, ready to be trained further.

    Raises:
        OSError or ValueError: When it is another one.
    """
    import keras
    import tensorflow as tf

    text = (path / EXTRA / ARCHITECTURE).read_text(encoding="utf-8")
    network = keras.models.model_from_json(text)
    network.set_weights([variable.numpy() for variable in getattr(tf.saved_model.load(str(path)), WEIGHTS)])
    return network
