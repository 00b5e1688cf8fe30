"""Prediction: batches through a traced network while the next images are decoded; probabilities at native size."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

import cv2
import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from segstudio.core.errors import UserError
from segstudio.core.reporter import Reporter
from segstudio.core.scaling import scaled_image, scaled_length
from segstudio.core.way import WHOLE, Flips, Way
from segstudio.ml.kernels import keeps_statistics
from segstudio.ml.tiles import Look, blended

T = TypeVar("T")

WORTH_FREEZING = 256
"""Images from which on the two seconds of freezing are won back: it predicts 1.5 times as many a second."""

FLIPPED_AXES: dict[str, tuple[tuple[int, ...], ...]] = {
    "off": ((),),
    "horizontal": ((), (2,)),
    "all": ((), (2,), (1,), (1, 2)),
}
"""Which axes of a batch are reversed, look by look."""

SURELY_BACKGROUND = 0.05
"""Pixels of a lower probability count for nothing in the disagreement, as in project.predictions.uncertainty_of."""


class Prediction(NamedTuple, Generic[T]):
    """What a network says of one image.

    Attributes:
        thing: The image, as it was asked for.
        probability: uint8 (H, W) at the image's own size: probability times 255, rounded.
        disagreement: How differently it judges the mirror images, from 0 to 1; None when there was only one look.
    """

    thing: T
    probability: np.ndarray
    disagreement: float | None = None


def predict(
    network: keras.Model,
    things: Sequence[T],
    read: Callable[[T], np.ndarray],
    report: Reporter,
    name: Callable[[T], str] = str,
    batch: int = 8,
    way: Way = WHOLE,
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
        way: How it looks at them; at each as a whole when nothing is said.

    Yields:
        The thing, and uint8 (H, W) at the image's own size: probability times 255, rounded.
    """
    for thing, probability, _ in predictions(network, things, read, report, name, batch, way):
        yield thing, probability


def predictions(
    network: keras.Model,
    things: Sequence[T],
    read: Callable[[T], np.ndarray],
    report: Reporter,
    name: Callable[[T], str] = str,
    batch: int = 8,
    way: Way = WHOLE,
    advanced: Callable[[float], object] = lambda _share: None,
) -> Iterator[Prediction[T]]:
    """As `predict`, in any way of looking, and with the disagreement of the looks; see there.

    Args:
        network: See `predict`, as all up to `way`.
        things: What to predict.
        read: Gives the image of one of them.
        report: Hears of bad images.
        name: What one of them is called in a note.
        batch: Images or tiles per step.
        way: How it looks at them.
        advanced: Told which share of the next image is done, for those that are looked at in tiles: they may be huge,
            and whoever wants to stop shall not have to wait for the end of one.

    Yields:
        The predictions in the order of `things`, without the images that cannot be read.
    """
    if way.is_tiled:
        yield from _tiled(network, things, read, report, name, batch, way, advanced)
    else:
        yield from _whole(network, things, read, report, name, batch, way)


def _whole(
    network: keras.Model,
    things: Sequence[T],
    read: Callable[[T], np.ndarray],
    report: Reporter,
    name: Callable[[T], str],
    batch: int,
    way: Way,
) -> Iterator[Prediction[T]]:
    """Batches of whole images at the network's size."""
    shape = network.input_shape[1:]

    def load(thing: T) -> tuple[tuple[int, int], np.ndarray]:
        image = read(thing)
        return image.shape[:2], scaled_image(image, shape)

    look = look_of(forward_of(network, len(things)), way.flips, way.doubts)
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
                    found = look(np.stack([image for _, _, image in ready]))
                    for (thing, size, _), maps in zip(ready, found, strict=True):
                        doubt = _Doubt()
                        doubt.add(maps)
                        yield Prediction(thing, at_native_size(maps[..., 0], size), doubt.disagreement)
        finally:
            for _, future in ahead:
                future.cancel()


def _tiled(
    network: keras.Model,
    things: Sequence[T],
    read: Callable[[T], np.ndarray],
    report: Reporter,
    name: Callable[[T], str],
    batch: int,
    way: Way,
    advanced: Callable[[float], object],
) -> Iterator[Prediction[T]]:
    """One image after the other in tiles; the next one is decoded meanwhile, and no more: they may be huge."""
    look = look_of(forward_of(network, WORTH_FREEZING), way.flips, way.doubts)
    shape = network.input_shape[1:]
    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(read, things[0]) if things else None
        for number, thing in enumerate(things):
            assert ahead is not None
            current, ahead = ahead, thread.submit(read, things[number + 1]) if number + 1 < len(things) else None
            try:
                image = current.result()
            except (UserError, OSError) as error:
                report.note(name(thing), str(error))
                continue
            size = image.shape[:2]
            if way.crop and way.crop != shape[0]:
                rows, columns = (scaled_length(length, shape[0], way.crop) for length in size)
                image = scaled_image(image, (rows, columns, shape[2]))
            probability, doubt = np.empty(image.shape[:2], np.uint8), _Doubt()
            for top, maps in blended(image, shape, look, batch=batch, overlap=way.overlap):
                probability[top : top + len(maps)] = _as_bytes(maps[..., 0])
                doubt.add(maps)
                advanced((top + len(maps)) / len(probability))
            if probability.shape != size:  # as bytes: a large image as floats might not fit into memory
                how = cv2.INTER_AREA if size[0] < probability.shape[0] else cv2.INTER_LINEAR
                probability = cv2.resize(probability, size[::-1], interpolation=how)
            yield Prediction(thing, probability, doubt.disagreement)


class _Doubt:
    """How far looks differ, gathered band by band."""

    def __init__(self) -> None:
        self._sum, self._pixels, self._all = 0.0, 0, 0
        self._is_measured = True

    def add(self, maps: np.ndarray) -> None:
        """Take float32 (rows, W, K): the mean probability and, when there were several looks, twice their deviation."""
        self._is_measured = maps.shape[-1] > 1
        if self._is_measured:
            counted = maps[..., 0] >= SURELY_BACKGROUND
            self._sum += float(maps[..., 1][counted].sum(dtype=np.float64))
            self._pixels += int(np.count_nonzero(counted))
            self._all += counted.size

    @property
    def disagreement(self) -> float | None:
        """The mean over the pixels that are not surely background, of which at least a hundredth of all are counted."""
        if not self._is_measured:
            return None
        return min(1.0, self._sum / max(self._pixels, self._all / 100, 1))


def look_of(forward: Callable[[np.ndarray], np.ndarray], flips: Flips, doubts: Flips = "off") -> Look:
    """Looks at images, and at their mirror images too.

    Args:
        forward: From uint8 (B, H, W, C) to float32 (B, H, W).
        flips: Which mirror images.
        doubts: When there are none, which are looked at for their disagreement alone.

    Returns:
        A function from uint8 (B, H, W, C) to float32 (B, H, W, K): the mean probability and, when there are mirror
        images, twice the standard deviation, which is 1 where half of the looks say 1 and the others 0.
    """
    is_mean, looks = flips != "off", FLIPPED_AXES[doubts if flips == "off" else flips]
    if len(looks) == 1:
        return lambda images: forward(images)[..., None]

    def look(images: np.ndarray) -> np.ndarray:
        total = np.zeros(images.shape[:3], np.float64)
        squares = np.zeros_like(total)
        first = total
        for number, axes in enumerate(looks):
            seen = np.flip(forward(np.ascontiguousarray(np.flip(images, axes))), axes)
            first = seen if number == 0 else first
            total += seen
            squares += np.square(seen, dtype=np.float64)
        mean = total / len(looks)
        spread = 2 * np.sqrt(np.maximum(squares / len(looks) - mean**2, 0))
        return np.stack([mean if is_mean else first, spread], axis=-1).astype(np.float32)

    return look


def forward_of(network: keras.Model, count: int) -> Callable[[np.ndarray], np.ndarray]:
    """The network as a function from uint8 (B, H, W, C) to float32 (B, H, W); `count` images will be asked for."""
    signature = tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8)
    # Traced before the first call, or TensorFlow warns a process that predicts with many networks of too much tracing.
    traced = tf.function(lambda images: network(images, training=False), input_signature=[signature])
    concrete = traced.get_concrete_function()
    if count < WORTH_FREEZING or keeps_statistics(network):
        return lambda images: np.asarray(concrete(tf.constant(images)))[..., 0]
    # With constants for weights TensorFlow folds the normalization into the convolutions, as a network that keeps its
    # statistics has it anyway.
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
    return _as_bytes(scaled_probability(probability, size))


def scaled_probability(probability: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """As `at_native_size`, as float32 (H, W) of 0..1."""
    rows, columns = size
    is_smaller = rows < probability.shape[0] and columns < probability.shape[1]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return cv2.resize(probability, (columns, rows), interpolation=how)


def _as_bytes(probability: np.ndarray) -> np.ndarray:
    rounded: np.ndarray = np.rint(probability * 255).astype(np.uint8)
    return rounded
