"""What is measured while a network is trained and validated: Keras's own metrics, over the pixels that count at all.

What is ignored is left out. That a pixel counts more or less in the loss changes no metric: they say how good a mask
is, and two runs that weigh otherwise must be comparable.
"""

from typing import Any

import keras
from keras import ops

from segstudio.ml.objective import without_ignored


class _WithoutIgnored:
    """In front of a metric of Keras: truth may be 2, for a pixel that is not measured."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Take a batch in; weights are those of pixels."""
        truth, counted = without_ignored(y_true)
        counted = ops.cast(counted, self.dtype)  # type: ignore[attr-defined] # that of IoU counts in whole numbers
        weights = counted if sample_weight is None else counted * ops.cast(sample_weight, counted.dtype)
        return super().update_state(truth, y_pred, sample_weight=weights)  # type: ignore[misc]


@keras.saving.register_keras_serializable("segstudio")
class CountedAccuracy(_WithoutIgnored, keras.metrics.BinaryAccuracy):  # type: ignore[misc]
    """keras.metrics.BinaryAccuracy of what counts."""


@keras.saving.register_keras_serializable("segstudio")
class CountedIoU(_WithoutIgnored, keras.metrics.BinaryIoU):  # type: ignore[misc]
    """keras.metrics.BinaryIoU of what counts."""


def measures(*, has_ignored: bool) -> list[keras.metrics.Metric]:
    """The metrics of every training; plain ones of Keras where no pixel is ignored."""
    accuracy, iou = keras.metrics.BinaryAccuracy, keras.metrics.BinaryIoU
    if has_ignored:
        accuracy, iou = CountedAccuracy, CountedIoU
    return [accuracy(name="accuracy"), iou(name="binary_iou"), iou(target_class_ids=[1], name="iou")]
