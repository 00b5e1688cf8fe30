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

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.ml.data import scaled_image

T = TypeVar("T")


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

    forward = tf.function(lambda images: network(images, training=False), reduce_retracing=True)
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
                    maps = forward(np.stack([image for _, _, image in ready])).numpy()[..., 0]
                    for (thing, size, _), probability in zip(ready, maps, strict=True):
                        yield thing, at_native_size(probability, size)
        finally:
            for _, future in ahead:
                future.cancel()


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
