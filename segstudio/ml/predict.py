"""Prediction: batches through a traced network while the next images are decoded; probabilities at native size."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import cv2
import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.scaling import scaled_image

T = TypeVar("T")

WORTH_FREEZING = 256
"""Images from which on the two seconds of freezing are won back: it predicts 1.4 times as many a second."""


def predict(
    network: keras.Model,
    things: Sequence[T],
    read: Callable[[T], np.ndarray],
    report: Reporter,
    name: Callable[[T], str] = str,
    batch: int = 8,
) -> Iterator[tuple[T, np.ndarray]]:
    """The foreground probability of every pixel of every image, in the order of `things`.

    An image that cannot be read is noted and left out.

    Args:
        network: A network that `prepare` has prepared.
        things: What to predict, for example samples.
        read: Gives the image of one of them, uint8 (H, W) or (H, W, 3); called in threads.
        report: Hears of bad images; progress is the caller's.
        name: What one of them is called in a note.
        batch: Images per step.

    Yields:
        The thing, and uint8 (H, W) at the image's own size: probability times 255, rounded.
    """
    shape = network.input_shape[1:]

    def load(thing: T) -> tuple[tuple[int, int], np.ndarray]:
        image = read(thing)
        return image.shape[:2], scaled_image(image, shape)

    forward = forward_of(network, len(things))
    waiting = iter(things)
    ahead: deque[tuple[T, Future[tuple[tuple[int, int], np.ndarray]]]] = deque()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        try:
            while True:
                # Two batches ahead: one is decoded while the other is computed.
                ahead.extend((thing, threads.submit(load, thing)) for thing in islice(waiting, 2 * batch - len(ahead)))
                if not ahead:
                    return
                ready: list[tuple[T, tuple[int, int], np.ndarray]] = []
                while ahead and len(ready) < batch:
                    thing, future = ahead.popleft()
                    try:
                        ready.append((thing, *future.result()))
                    except (UserError, OSError) as error:
                        report.note(name(thing), str(error))
                ahead.extend((thing, threads.submit(load, thing)) for thing in islice(waiting, 2 * batch - len(ahead)))
                if ready:
                    maps = forward(np.stack([image for _, _, image in ready]))
                    for (thing, size, _), probability in zip(ready, maps, strict=True):
                        yield thing, at_native_size(probability, size)
        finally:
            for _, future in ahead:
                future.cancel()


def forward_of(network: keras.Model, count: int) -> Callable[[np.ndarray], np.ndarray]:
    """The network as a function from uint8 (B, H, W, C) to float32 (B, H, W); `count` images will be asked for."""
    signature = tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8)
    # Traced before the first call, or TensorFlow warns a process that predicts with many networks of too much tracing.
    traced = tf.function(lambda images: network(images, training=False), input_signature=[signature])
    concrete = traced.get_concrete_function()
    if count < WORTH_FREEZING:
        return lambda images: np.asarray(concrete(tf.constant(images)))[..., 0]
    # With constants for weights TensorFlow folds the normalization into the convolutions.
    frozen = convert_variables_to_constants_v2(concrete)
    return lambda images: np.asarray(frozen(tf.constant(images))[0])[..., 0]


def at_native_size(probability: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A probability map scaled to the image's own size, before any threshold.

    Args:
        probability: float32 (h, w) of 0..1.
        size: Rows and columns of the image.

    Returns:
        uint8 (H, W): probability times 255, rounded.
    """
    rows, columns = size
    is_smaller = rows < probability.shape[0] and columns < probability.shape[1]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.rint(cv2.resize(probability, (columns, rows), interpolation=how) * 255).astype(np.uint8)
