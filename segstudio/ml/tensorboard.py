"""Logs for TensorBoard: the same figures as metrics.csv, training and validation laid over each other.

    runs/NNNN/tensorboard/train        events of training, and of what there is but one of
                          validation   events of validation, under the same names

`tensorboard --logdir PROJECT/runs` shows all runs. Written by TensorFlow alone: the package tensorboard is needed for
looking, not for training.
"""

from pathlib import Path

import keras
import tensorflow as tf

from segstudio.ml.schedule import Row

FOLDER = "tensorboard"
VALIDATION = "val_"


class TensorBoard:
    """Watches a training, see ml.fit.Watcher."""

    def __init__(self, folder: Path) -> None:
        """Begin logs in a run's folder; those of an earlier part of the run stay."""
        self._writers = {
            name: tf.summary.create_file_writer(str(folder / FOLDER / name)) for name in ("train", "validation")
        }
        # What tf.summary.scalar would say, which needs the package tensorboard.
        plugin = tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        self._metadata = tf.compat.v1.SummaryMetadata(plugin_data=plugin)

    def __call__(self, network: keras.Model, row: Row) -> None:
        """Log the figures of one epoch."""
        for name, value in row.items():
            if name == "epoch":
                continue
            is_validation = name.startswith(VALIDATION)
            with self._writers["validation" if is_validation else "train"].as_default():
                tag, tensor = name.removeprefix(VALIDATION), tf.constant(value, tf.float32)
                tf.summary.write(tag, tensor, step=row["epoch"], metadata=self._metadata)
        for writer in self._writers.values():
            writer.flush()
