"""A moving average of a network's weights over the steps of its training, which sees what no single step hits.

After each step every weight of the average moves a share of the way to that of the network, those of normalization's
statistics too, so that they fit together: Polyak averaging with an exponential window, as `use_ema` of a Keras
optimizer does for trained weights alone. At first, when there is little to average, the share is larger (as
`tf.train.ExponentialMovingAverage` has it with `num_updates`), or the fresh weights would stay in it for long.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

COUNT = "steps"
"""Under this name lies how many steps are in the average."""


class WeightAverage(keras.callbacks.Callback):  # type: ignore[misc]
    """Follows a network while it is fitted.

    Attributes:
        steps: How many steps are in it.
        window: Over how many steps it reaches back, about; may change between two of them.
    """

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.steps = 0
        self.window = 1.0
        self._live = [one for one in network.weights if one.dtype.startswith("float")]
        self._average = [tf.Variable(one.value, trainable=False) for one in self._live]
        self._move = tf.function(self._moved)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Take in the weights after a step."""
        kept = min(1 - 1 / max(1.0, self.window), (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        self._move(tf.constant(1 - kept, tf.float32))

    def _moved(self, share: tf.Tensor) -> None:
        for average, live in zip(self._average, self._live, strict=True):
            average.assign_sub(tf.cast(share, average.dtype) * (average - live.value))

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Within it the network has the average for weights; its own are back afterwards, bit for bit."""
        own = [tf.identity(one.value) for one in self._live]
        self._assign(self._average)
        try:
            yield
        finally:
            self._assign(own)

    def _assign(self, values: list[tf.Tensor]) -> None:
        for live, value in zip(self._live, values, strict=True):
            live.assign(value)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, for a file: the weights by their place, as they are, and the number of steps by COUNT."""
        arrays = {str(place): one.numpy() for place, one in enumerate(self._average)}
        return {COUNT: np.array(self.steps), **arrays}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from what `to_arrays` gave; ValueError when that is of another network."""
        if len(arrays) != len(self._average) + 1:
            raise ValueError(f"an average of {len(self._average)} weights is needed, not of {len(arrays) - 1}")
        self.steps = int(arrays[COUNT])
        for place, one in enumerate(self._average):
            one.assign(arrays[str(place)])
