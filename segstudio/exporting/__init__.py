"""Formats in which a trained network leaves SegStudio: one file, one format; TensorFlow is imported inside functions.

What every exported file promises, so that whoever opens it needs to know nothing else:

- it takes `image`, uint8 (batch, height, width, channels) of 0..255, of any height and width;
- it gives `probability`, float32 (batch, height, width, 1) of 0..1, at the size of the image;
- it carries its metadata (threshold, channels, the run card) where the format has a place for it.
"""

import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from segstudio.core.errors import UserError
from segstudio.core.registry import Registry

if TYPE_CHECKING:
    import keras

METADATA = "segstudio.json"
"""What the metadata is called inside a file that is an archive or a folder."""


class Exporter(ABC):
    """One format.

    Attributes:
        name: What the command line calls it.
        title: What the window calls it.
        help: Who wants it, in a sentence.
        suffix: How the name of a file ends; empty for a format that is a folder.
        is_batched: Whether several images of one size can be predicted at once.
        modules: What must be installed to write it.
        extra: The extra of SegStudio that brings those.
        imports: What predict.py imports.
        script: What follows there: the model is loaded, and `probability(image)` predicts.
        needs: What predict.py needs to be installed.
        tuning_imports: What finetune.py imports besides.
        tuning: What follows there: `network`, the `model` that holds it and is saved, and `card`, the metadata as JSON;
            empty for a format that cannot be trained further.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    suffix: ClassVar[str]
    is_batched: ClassVar[bool] = True
    modules: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str] = ""
    imports: ClassVar[str]
    script: ClassVar[str]
    needs: ClassVar[str]
    tuning_imports: ClassVar[str] = ""
    tuning: ClassVar[str] = ""

    def require(self) -> None:
        """Find out, before anything is computed, whether the format can be written here.

        Raises:
            UserError: When a package is missing.
        """
        missing = [name for name in self.modules if importlib.util.find_spec(name) is None]
        if missing:
            raise UserError(
                f"{self.title} needs what is not installed: {', '.join(missing)}",
                f"pip install 'segstudio[{self.extra}]', or choose another format",
            )

    def file_in(self, to: Path) -> Path:
        """The file that is written when a person says `to`: that very file, or one in that folder."""
        if not self.suffix or to.suffix.lower() == self.suffix:
            return to
        return to / f"model{self.suffix}"

    @abstractmethod
    def write(self, model: "keras.Model", path: Path, metadata: dict[str, Any]) -> None:
        """Write a model of segstudio.ml.exportable.

        Args:
            model: What is written; computing in float32.
            path: A file or folder that is not there yet.
            metadata: Plain JSON values to be kept in it.
        """

    @abstractmethod
    def read_metadata(self, path: Path) -> dict[str, Any]:
        """What `write` kept in the file.

        Raises:
            OSError, KeyError or ValueError: When it is no file of ours.
        """

    @abstractmethod
    def run(self, path: Path, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Predict with the written file alone, in the runtime that it is meant for.

        Args:
            path: What `write` has written.
            images: uint8 (batch, height, width, channels) each, of different sizes.

        Returns:
            float32 (batch, height, width, 1) for each.
        """


EXPORTERS: Registry[Exporter] = Registry("segstudio.exporting", "export format")
