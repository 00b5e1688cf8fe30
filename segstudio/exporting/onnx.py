"""ONNX: for every other runtime, in any language."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from segstudio.exporting import EXPORTERS, Exporter

if TYPE_CHECKING:
    import keras

OPSET = 17
"""Of March 2022: whatever runs ONNX today knows it."""

KEY = "segstudio"
"""The entry of metadata_props that has all of the metadata as JSON; the plainest of it has entries of its own."""

PLAIN = ("threshold", "run", "network", "made_with")


@EXPORTERS.register
class Onnx(Exporter):
    """A .onnx file; all sizes, also of the batch, are free."""

    name: ClassVar[str] = "onnx"
    title: ClassVar[str] = "ONNX"
    help: ClassVar[str] = "For every other runtime, in any language: C++, C#, Java, JavaScript, MATLAB."
    suffix: ClassVar[str] = ".onnx"
    modules: ClassVar[tuple[str, ...]] = ("tf2onnx", "onnx", "onnxruntime")
    extra: ClassVar[str] = "onnx"
    needs: ClassVar[str] = "onnxruntime pillow"
    imports: ClassVar[str] = "import onnxruntime\n"
    script: ClassVar[str] = """\
model = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])


def probability(image):
    return model.run(["probability"], {"image": image[None]})[0][0, ..., 0]
"""

    def write(self, model: "keras.Model", path: Path, metadata: dict[str, Any]) -> None:
        """See Exporter.write; the metadata is in metadata_props."""
        import onnx
        import tensorflow as tf

        with _environment_kept():
            from tf2onnx.convert import from_function

        signature = [tf.TensorSpec(model.input_shape, tf.uint8, name="image")]
        function = tf.function(lambda image: {"probability": model(image, training=False)}, input_signature=signature)
        converted, _ = from_function(function, input_signature=signature, opset=OPSET)
        for value in (converted.graph.input[0], converted.graph.output[0]):
            for axis, title in enumerate(("batch", "height", "width")):
                value.type.tensor_type.shape.dim[axis].dim_param = title
        plain = {name: str(metadata[name]) for name in PLAIN if name in metadata}
        onnx.helper.set_model_props(converted, {**plain, KEY: json.dumps(metadata)})
        onnx.save(converted, path)

    def read_metadata(self, path: Path) -> dict[str, Any]:
        """See Exporter.read_metadata."""
        import onnx

        properties = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
        return cast(dict[str, Any], json.loads(properties[KEY]))

    def run(self, path: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See Exporter.run."""
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return [session.run(["probability"], {"image": batch})[0] for batch in images]


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """Importing tf2onnx.convert silences TensorFlow's errors for the whole process: they are wanted."""
    before = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
        else:
            os.environ["TF_CPP_MIN_LOG_LEVEL"] = before
