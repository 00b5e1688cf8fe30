"""LiteRT, formerly TensorFlow Lite: for phones and small computers."""

import json
import tempfile
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from segstudio.exporting import EXPORTERS, METADATA, Exporter

if TYPE_CHECKING:
    import keras


@EXPORTERS.register
class LiteRT(Exporter):
    """A .tflite file with the signature `serving_default`; one image at a time, which is how such devices get them."""

    name: ClassVar[str] = "tflite"
    title: ClassVar[str] = "LiteRT (TFLite)"
    help: ClassVar[str] = "For phones and small computers; needs no TensorFlow there."
    suffix: ClassVar[str] = ".tflite"
    is_batched: ClassVar[bool] = False
    needs: ClassVar[str] = "ai-edge-litert pillow"
    imports: ClassVar[str] = """\
try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:  # TensorFlow has it too
    from tensorflow.lite.python.interpreter import Interpreter
"""
    script: ClassVar[str] = """\
model = Interpreter(str(MODEL)).get_signature_runner()


def probability(image):
    return model(image=image[None])["probability"][0, ..., 0]
"""

    def write(self, model: "keras.Model", path: Path, metadata: dict[str, Any]) -> None:
        """See Exporter.write; the metadata is in a zip at the end of the file, LiteRT's place for associated files."""
        import tensorflow as tf

        class Served(tf.Module):  # type: ignore[misc]
            """What a converter takes: the function and the variables it uses."""

            def __init__(self) -> None:
                super().__init__()
                self.used = [variable.value for variable in model.variables]

            @tf.function(input_signature=[tf.TensorSpec((1, *model.input_shape[1:]), tf.uint8, name="image")])  # type: ignore[untyped-decorator]
            def serve(self, image: Any) -> dict[str, Any]:
                return {"probability": model(image, training=False)}

        with tempfile.TemporaryDirectory() as folder:
            served = Served()
            tf.saved_model.save(served, folder, signatures={"serving_default": served.serve})
            path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(METADATA, json.dumps(metadata))

    def read_metadata(self, path: Path) -> dict[str, Any]:
        """See Exporter.read_metadata."""
        with zipfile.ZipFile(path) as archive:
            return cast(dict[str, Any], json.loads(archive.read(METADATA)))

    def run(self, path: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See Exporter.run."""
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            from tensorflow.lite.python.interpreter import Interpreter

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # TensorFlow's own interpreter says that it is to leave it
            runner = Interpreter(str(path)).get_signature_runner()
        return [runner(image=batch)["probability"] for batch in images]
