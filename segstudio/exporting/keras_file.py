"""Keras's own file: for going on with the training in Keras, or here."""

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from segstudio.exporting import EXPORTERS, METADATA, Exporter

if TYPE_CHECKING:
    import keras


@EXPORTERS.register
class KerasFile(Exporter):
    """A .keras file of plain Keras layers and operations; the network is its layer `network`."""

    name: ClassVar[str] = "keras"
    title: ClassVar[str] = "Keras"
    help: ClassVar[str] = "To predict and to go on training in Keras, or in SegStudio."
    suffix: ClassVar[str] = ".keras"
    needs: ClassVar[str] = "tensorflow keras pillow"
    imports: ClassVar[str] = "import keras\n"
    script: ClassVar[str] = """\
model = keras.saving.load_model(MODEL)


def probability(image):
    return np.asarray(model(image[None], training=False))[0, ..., 0]
"""

    tuning: ClassVar[str] = f"""\
model = keras.saving.load_model(MODEL)
network = model.get_layer("network")
card = zipfile.ZipFile(MODEL).read("{METADATA}")
"""

    def write(self, model: "keras.Model", path: Path, metadata: dict[str, Any]) -> None:
        """See Exporter.write; the metadata is one more file in the archive, which Keras leaves alone."""
        model.save(path)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(METADATA, json.dumps(metadata))

    def read_metadata(self, path: Path) -> dict[str, Any]:
        """See Exporter.read_metadata."""
        with zipfile.ZipFile(path) as archive:
            return cast(dict[str, Any], json.loads(archive.read(METADATA)))

    def run(self, path: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See Exporter.run."""
        import keras

        model = keras.saving.load_model(path)
        return [np.asarray(model(batch, training=False)) for batch in images]
